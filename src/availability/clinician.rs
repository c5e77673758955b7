//! When a clinician is available for a schedule.

use crate::ids::{ScheduleId, UserId};
use crate::span::Span;

use super::Question;

/// What decides about a clinician's time where the server has told neither that he is rostered nor that he is not.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum ClinicianDoubt {
    /// It counts as his own: offered.
    #[default]
    Offer,
    /// It counts as taken: withheld.
    Withhold,
}

/// A clinician's time as far as one schedule is concerned. Both are sets.
pub(super) struct ClinicianTime {
    /// Free on this schedule, as the server says: an upper bound.
    pub(super) free: Vec<Span>,
    /// Taken on another schedule.
    pub(super) elsewhere: Vec<Span>,
}

pub(super) fn time(_question: &Question<'_>, _user: UserId, _schedule: ScheduleId) -> Option<ClinicianTime> {
    None
}
