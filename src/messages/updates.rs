//! Sentences about updates of bookings, for Healthengine's support and the ledger.

use std::fmt;

use super::booking::SWITCHED_OFF;
use crate::booking::problem::{WhyItStands, WhyNotCancelled};

impl fmt::Display for WhyNotCancelled {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Stands(WhyItStands::VisitHasBegun) => VISIT_HAS_BEGUN,
            Self::Stands(WhyItStands::ForeignReference) => FOREIGN_REFERENCE,
            Self::WithoutReference => WITHOUT_REFERENCE,
            Self::Refused => NOT_CANCELLED,
            Self::SwitchedOff => SWITCHED_OFF,
        })
    }
}

/// Nobody here knows the booking.
pub const UNKNOWN_BOOKING: &str = "The booking is not known to the practice's system.";
/// The appointment stands, but its reference was lost with OpenVPMS's answer.
const WITHOUT_REFERENCE: &str = "The appointment cannot be cancelled online; the practice was asked to do it by hand.";
/// Too late.
const VISIT_HAS_BEGUN: &str = "The visit has begun, so the appointment can no longer be cancelled.";
/// It refuses, and nobody knows why.
const NOT_CANCELLED: &str = "The practice's system refuses to cancel the appointment.";
/// Made by another server or integration.
const FOREIGN_REFERENCE: &str = "The appointment was not made by this server.";
/// The extra features that deal in them.
pub const NO_DOCUMENTS: &str = "The practice's system has no documents that can be exchanged.";
