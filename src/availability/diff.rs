//! Does a day have to be sent?
//!
//! Healthengine keeps what it was sent, so only differences go out. Time alone changes what is
//! offered: starts slip into the past, and into the minimum notice. The first is no difference,
//! since Healthengine drops what is past by itself. The second is one, but it would come up with
//! every slot of every resource, so it goes out at most once per slot length.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::day::Day;
use super::window::first_minute_from;
use crate::dates;
use crate::zone::Zone;

/// What was last sent for one resource and day. Record it only when Healthengine answered; without
/// an answer the day is still to be sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentDay {
    /// What was sent.
    pub day: Day,
    /// When.
    #[serde(with = "crate::dates::kept::moment")]
    pub at: DateTime<Utc>,
    /// False if Healthengine refused it (`failed` in the answer to a batch).
    pub accepted: bool,
}

/// Whether a day has to be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayChange {
    /// No.
    Same,
    /// Yes: something else is offered than Healthengine was told, or it was told nothing.
    Send,
    /// Yes, but only because what it was told still offers starts inside the minimum notice.
    NoticeOnly,
}

/// When it is, and which soonest start is offered.
#[derive(Debug, Clone, Copy)]
pub struct Moment {
    /// The present time.
    pub now: DateTime<Utc>,
    /// Nothing is offered sooner than this from now; zero or more.
    pub min_notice: TimeDelta,
}

impl Moment {
    /// The first moment at which something may be offered: after now, and not inside the notice.
    pub(crate) fn first_offered(&self) -> DateTime<Utc> {
        (self.now + TimeDelta::nanoseconds(1)).max(self.now + self.min_notice)
    }
}

/// What is left of a day from the first moment on at which something may be offered.
pub fn from_first_offered(day: &Day, date: NaiveDate, moment: Moment, practice: &Zone) -> Day {
    day.from_minute(first_minute_from(moment.first_offered(), date, practice))
}

/// Compares what was sent for a day at the practice with what is to be offered.
///
/// A day never sent is sent, also when it is empty. A day that was refused is no difference:
/// whoever sends decides when it is sent again.
pub fn compare(sent: Option<&SentDay>, wanted: &Day, date: NaiveDate, moment: Moment, practice: &Zone) -> DayChange {
    let Some(sent) = sent else { return DayChange::Send };
    let soonest = first_minute_from(moment.first_offered(), date, practice);
    if !sent.day.offers_the_same_from(soonest, wanted) {
        return DayChange::Send;
    }
    let future = first_minute_from(moment.now + TimeDelta::nanoseconds(1), date, practice);
    let offers_inside_notice =
        future < soonest && sent.day.starts().any(|(minute, _)| (future..soonest).contains(&minute));
    let slot_length = TimeDelta::minutes(sent.day.slot_size_minutes().into());
    let long_ago = dates::age(sent.at, moment.now).is_none_or(|age| age >= slot_length);
    if offers_inside_notice && sent.accepted && long_ago {
        return DayChange::NoticeOnly;
    }
    DayChange::Same
}
