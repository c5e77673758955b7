//! Which days are sent to Healthengine, in which calls, and what is sent again. No I/O.
//!
//! | file | decides |
//! | --- | --- |
//! | [`last_sent`] | whether a day is to be sent, by what Healthengine was last sent of it |
//! | [`compact_day`] | nothing: it keeps a day's offers in few bytes |
//! | [`due`] | which single days are read and sent at once, and which of them go together |
//! | [`full_resync`] | when every day is sent again |
//! | [`reading_times`] | when the near days are read, and when all of them |
//! | [`batches`] | how snapshots are put into calls, and what is done about a call that failed |
//! | [`put_aside`] | when a day is sent again that Healthengine does not take while it takes others |
//! | [`offered_before`] | whether a pet owner was offered the time that they chose |
//! | [`difference`] | how days that are to be sent differ from what Healthengine has, for a person |
//! | [`unsent`] | for how long the problem stands that days are not sent |

pub mod batches;
pub mod compact_day;
pub mod difference;
pub mod due;
pub mod full_resync;
pub mod last_sent;
pub mod offered_before;
pub mod put_aside;
pub mod reading_times;
pub mod unsent;

use chrono::{DateTime, NaiveDate, Utc};

use crate::availability::ResourceDay;
use crate::ids::ResourceId;

/// One day of one resource.
pub type DayKey = (ResourceId, NaiveDate);

/// Days read at one time, ready to be sent.
#[derive(Debug, Clone)]
pub struct ReadDays {
    /// When the reading began.
    pub began: DateTime<Utc>,
    /// The days.
    pub days: Vec<ResourceDay>,
}

/// One day with when the reading began that it comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadDay {
    /// When the reading began.
    pub began: DateTime<Utc>,
    /// From when on the day is so: when the reading began, or when an appointment of ours was made
    /// that was added to it. Readings that began between the two need not show that one.
    pub as_of: DateTime<Utc>,
    /// The day.
    pub day: ResourceDay,
}

impl ReadDay {
    /// Which day it is.
    pub fn key(&self) -> DayKey {
        (self.day.resource, self.day.date)
    }
}

/// When a day is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SendIf {
    /// If it differs from what was accepted.
    Changed,
    /// In any case.
    Always,
}
