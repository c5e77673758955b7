//! What was read from OpenVPMS for a window, normalised, and what the ledger knows beyond it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};

use crate::ids::{ScheduleId, UserId};
use crate::openvpms::{FreeBusy, UserFreeBusy};
use crate::span::{Span, difference, normalised};

/// Free and busy time of one schedule in one window.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ScheduleReading {
    /// What was asked for.
    pub window: Span,
    /// When the question left: what happened later need not be in the answer.
    pub began: DateTime<Utc>,
    /// Inside opening hours and not taken: a set, and never anything that is also busy.
    pub free: Vec<Span>,
    /// Taken: a set.
    pub busy: Vec<Span>,
}

impl ScheduleReading {
    /// Brings an answer into order: empty, touching and overlapping ranges become sets, and what is
    /// called both free and busy is busy.
    pub fn new(window: Span, began: DateTime<Utc>, answer: FreeBusy) -> Self {
        let busy = normalised(answer.busy.iter().map(|span| span.cut(&window)));
        let free = normalised(answer.free.iter().map(|span| span.cut(&window)));
        Self { window, began, free: difference(&free, &busy), busy }
    }
}

/// A clinician's free time in one window, from all of their locations.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserReading {
    /// What was asked for.
    pub window: Span,
    /// When the last of the answers was complete.
    pub ended: DateTime<Utc>,
    /// Their free time on each schedule that they are rostered to anywhere in the window; an empty
    /// set for a schedule that only their busy time names (its times say nothing).
    pub free: BTreeMap<ScheduleId, Vec<Span>>,
}

impl UserReading {
    /// Puts the answers for each of their locations together.
    pub fn new(window: Span, ended: DateTime<Utc>, answers: impl IntoIterator<Item = UserFreeBusy>) -> Self {
        let mut free: BTreeMap<ScheduleId, Vec<Span>> = BTreeMap::new();
        for answer in answers {
            for busy in &answer.busy {
                free.entry(busy.schedule).or_default();
            }
            for range in answer.free {
                free.entry(range.schedule).or_default().push(range.span.cut(&window));
            }
        }
        for spans in free.values_mut() {
            *spans = normalised(std::mem::take(spans));
        }
        Self { window, ended, free }
    }

    /// Their free time on one schedule.
    pub fn free(&self, schedule: ScheduleId) -> &[Span] {
        self.free.get(&schedule).map_or(&[], Vec::as_slice)
    }
}

/// Everything that was read for a window. What is missing could not be read, and nothing is said
/// about it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Readings {
    /// By schedule. `None`: flagged for online booking, but could not be read. A schedule that is
    /// not flagged is absent.
    pub schedules: BTreeMap<ScheduleId, Option<ScheduleReading>>,
    /// By clinician; absent if any of their locations could not be read.
    pub users: BTreeMap<UserId, UserReading>,
}

impl Readings {
    /// A schedule's reading, if there is one.
    pub fn schedule(&self, schedule: ScheduleId) -> Option<&ScheduleReading> {
        self.schedules.get(&schedule)?.as_ref()
    }

    /// All the time that something was read of; `None` if nothing was.
    pub fn window(&self) -> Option<Span> {
        let schedules = self.schedules.values().flatten().map(|reading| reading.window);
        let users = self.users.values().map(|reading| reading.window);
        schedules.chain(users).reduce(|one, other| Span::new(one.start.min(other.start), one.end.max(other.end)))
    }
}

/// An appointment that the ledger knows of, or fears.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnBooking {
    /// On which schedule.
    pub schedule: ScheduleId,
    /// With which clinician, if one was chosen.
    pub user: Option<UserId>,
    /// When.
    pub span: Span,
    /// When it was known to stand in the diary: readings that began later show it, by themselves.
    /// `None` while nobody knows (being submitted, in doubt): no reading is relied on, its time
    /// counts as taken in any case.
    pub inserted: Option<DateTime<Utc>>,
}

impl OwnBooking {
    /// True if a reading need not show it.
    pub fn is_hidden_from(&self, reading: &ScheduleReading) -> bool {
        self.inserted.is_none_or(|inserted| reading.began <= inserted)
    }
}
