//! What availability is judged by: everything that was read, learnt and configured.

use super::diff::Moment;
use super::reading::{OwnBooking, Readings};
use super::roster::Rosters;
use super::rules::RulesInForce;
use crate::zone::zones::Zones;

/// Everything that decides what a practice offers.
#[derive(Debug, Clone, Copy)]
pub struct Question<'a> {
    /// The zones of server and practice.
    pub zones: Zones,
    /// What was read, for a window that holds the days in question.
    pub readings: &'a Readings,
    /// The ledger's upcoming bookings of **all** practices, and those that nobody knows to stand.
    pub own: &'a [OwnBooking],
    /// What was learnt of clinicians' rosters, these readings included.
    pub rosters: &'a Rosters,
    /// What decides where a clinician's roster is unknown.
    pub clinician_doubt: ClinicianDoubt,
    /// The time, and the minimum notice.
    pub moment: Moment,
    /// What the practice keeps back.
    pub rules: RulesInForce<'a>,
}

/// What decides about a clinician's time where the server has told neither that they are rostered
/// nor that they are not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClinicianDoubt {
    /// It counts as free: offered.
    #[default]
    Offer,
    /// It counts as taken: withheld.
    Withhold,
}
