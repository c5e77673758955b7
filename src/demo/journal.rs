//! What the people of the demo did: the measure for what the bridge made of it.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};

use super::people::Person;
use crate::ids::{BookingId, ScheduleId, UserId};
use crate::simulator::openvpms::{Appointment, AppointmentId, BlockId};

/// Everything that was done, behind the bridge's back or through Healthengine.
#[derive(Default)]
pub(super) struct Journal {
    /// The bookings.
    pub(super) bookings: BTreeMap<BookingId, Deeds>,
    /// The clinic's own appointments, as staff left them.
    pub(super) entries: BTreeMap<AppointmentId, JournalEntry>,
    /// Blocks that staff laid and did not take away.
    pub(super) blocks: Vec<BlockId>,
    /// Every time that was ever taken, by whatever; of what is moved also where it was.
    pub(super) taken: Vec<DiaryTime>,
}

/// What happened to one booking.
pub(super) struct Deeds {
    /// Who booked.
    pub(super) owner: Person,
    /// When the pet owner gave it up.
    pub(super) given_up: Option<DateTime<Utc>>,
    /// When staff cancelled the appointment.
    pub(super) cancelled: Option<DateTime<Utc>>,
    /// When staff moved it last.
    pub(super) moved: Option<DateTime<Utc>>,
    /// Where staff moved it: schedule, start, end.
    pub(super) moved_to: Option<DiaryTime>,
    /// True once the pet has come.
    pub(super) checked_in: bool,
}

/// An appointment that is none of Healthengine's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum JournalEntry {
    /// It stands here.
    Stands(DiaryTime),
    /// Staff cancelled it.
    Cancelled,
}

/// Time in the diary.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct DiaryTime {
    /// On which schedule.
    pub(super) schedule: ScheduleId,
    /// With whom.
    pub(super) user: Option<UserId>,
    /// From.
    pub(super) start: NaiveDateTime,
    /// To.
    pub(super) end: NaiveDateTime,
}

impl Deeds {
    /// A booking of this pet owner's, to which nothing has happened.
    pub(super) fn new(owner: Person) -> Self {
        Self { owner, given_up: None, cancelled: None, moved: None, moved_to: None, checked_in: false }
    }

    /// True while nobody did anything about it.
    pub(super) fn untouched(&self) -> bool {
        self.given_up.is_none() && self.cancelled.is_none() && self.moved.is_none() && !self.checked_in
    }
}

impl DiaryTime {
    /// The time that an appointment takes.
    pub(super) fn of(own: &Appointment) -> Self {
        Self { schedule: own.schedule, user: own.clinician, start: own.start, end: own.end }
    }

    /// True if one of the two keeps the other out: the same schedule or the same clinician at the
    /// same time.
    pub(super) fn collides(&self, other: &Self) -> bool {
        let shared = self.schedule == other.schedule || (self.user.is_some() && self.user == other.user);
        shared && self.start < other.end && other.start < self.end
    }
}

/// When, in words.
impl fmt::Display for DiaryTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.start.format("%a %-d %b %H:%M"))
    }
}
