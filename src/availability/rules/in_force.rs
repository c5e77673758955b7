//! The rules of a practice, with what they count.

use chrono::NaiveDate;

use super::offer_rule::OfferRule;
use crate::ids::{AppointmentTypeId, ResourceId};

/// The rules of a practice, with what they count.
#[derive(Debug, Clone, Copy, Default)]
pub struct RulesInForce<'a> {
    /// In the order of the file.
    pub rules: &'a [OfferRule],
    /// Our bookings, where a rule counts them.
    pub counted: &'a [CountedBooking],
}

/// A booking through us whose appointment stands or may stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct CountedBooking {
    /// Of what.
    pub resource: ResourceId,
    /// For which type.
    pub appointment_type: AppointmentTypeId,
    /// The day on which it begins, by the practice's calendar.
    pub date: NaiveDate,
}

impl<'a> RulesInForce<'a> {
    /// The rules that withhold times of a resource. Without any nothing is allocated.
    pub(in crate::availability) fn narrowing(self, resource: ResourceId) -> Vec<&'a OfferRule> {
        self.rules.iter().filter(|rule| rule.narrows() && rule.is_about(resource)).collect()
    }

    /// How many bookings a rule finds on a day of a resource.
    pub(super) fn booked(self, rule: &OfferRule, resource: ResourceId, date: NaiveDate) -> usize {
        let counts =
            |own: &&CountedBooking| own.resource == resource && own.date == date && rule.is_of(own.appointment_type);
        self.counted.iter().filter(counts).count()
    }
}
