//! What is known of a clinician's roster, learnt from readings and kept.

use std::collections::BTreeMap;

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

use crate::ids::{ScheduleId, UserId};
use crate::span::Span;

/// What is known of one clinician on one schedule and one day of the server. The two sets do not overlap; what is in neither
/// was never seen either way.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterDay {
    /// Rostered: he was seen free there then.
    pub on: Vec<Span>,
    /// Not rostered: the schedule was seen not busy, he not free there, and none of his other schedules busy.
    pub off: Vec<Span>,
}

/// What is known of all rosters.
pub type Rosters = BTreeMap<RosterKey, RosterDay>;

/// Whose roster, where, and on which day by the server's calendar.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct RosterKey {
    /// The clinician.
    pub user: UserId,
    /// The schedule.
    pub schedule: ScheduleId,
    /// The day.
    pub day: NaiveDate,
}
