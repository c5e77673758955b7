//! What is known of clinicians' rosters: learnt from readings, kept across restarts.
//!
//! The API does not tell rosters. It tells a clinician's *free* time, which is their roster less
//! appointments. So a reading teaches, for one schedule:
//! - they were free on it then: they are rostered;
//! - it was not busy, they were not free on it, and none of their other schedules was busy: they
//!   are not rostered (a 2.1 server takes an appointment on one schedule off their free time on
//!   another, hence the last condition);
//! - anything else teaches nothing, with one exception: where they are free although they were
//!   known not to be rostered, their roster has changed, and shifts do not come by the minute. So a
//!   stretch of busy time at which they are not free and that borders on such time is forgotten to
//!   be off: it may be the first appointment of the new shift.
//!
//! What a later reading teaches replaces what an earlier one did, moment by moment.
//!
//! **Order of reading.** The clinician's time is to be read *before* the schedules. An appointment
//! made between the two answers then looks like somebody else's for one interval. The other way
//! round it would look like proof that they are not rostered, and that would stay. So schedules
//! whose question left before the clinician's answer was complete never teach that they are not
//! rostered.
//!
//! **Accepted.** An appointment cancelled between the two answers does look like such a proof,
//! until they are seen free there again; only if it is replaced before the next reading does it
//! mislead for longer. So does one that 2.1 takes off their free time though it stands on a
//! schedule outside their roster, if it is then moved onto the roster in one go. An appointment
//! that fills a new shift from end to end before the shift was ever seen looks like somebody
//! else's.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::reading::{Readings, UserReading};
use crate::dates;
use crate::ids::{ScheduleId, UserId};
use crate::span::{Span, difference, intersection, normalised};
use crate::zone::Zone;

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

/// What is known of one clinician on one schedule and one day of the server. The two sets do not
/// overlap; what is in neither was never seen either way. The stored form is small: a pair of
/// numbers per span.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct RosterDay {
    /// Rostered.
    #[serde(with = "seconds", default, skip_serializing_if = "Vec::is_empty")]
    pub on: Vec<Span>,
    /// Not rostered.
    #[serde(with = "seconds", default, skip_serializing_if = "Vec::is_empty")]
    pub off: Vec<Span>,
}

/// Adds what these readings teach of every clinician in them, and says which days' knowledge
/// changed, so that it can be stored. Call it with each reading before asking what is offered.
pub fn learn(rosters: &mut Rosters, readings: &Readings, server: &Zone) -> BTreeSet<RosterKey> {
    let mut changed = BTreeSet::new();
    for (&user, reading) in &readings.users {
        let schedules = roster_schedules(user, reading, rosters);
        let quiet = quiet(&schedules, reading, readings);
        for &schedule in schedules.iter().filter(|schedule| readings.schedules.contains_key(schedule)) {
            let on = reading.free(schedule);
            let off = difference(&quiet, on);
            let unsettled = unsettled(rosters, user, schedule, reading, readings);
            for (day, span) in server_days(reading.window, server) {
                let key = RosterKey { user, schedule, day };
                let known = rosters.get(&key);
                let learnt = known.cloned().unwrap_or_default().forget_off(&unsettled);
                let learnt = learnt.with(&within(on, span), &within(&off, span));
                if known.map_or(learnt != RosterDay::default(), |known| *known != learnt) {
                    rosters.insert(key, learnt);
                    changed.insert(key);
                }
            }
        }
    }
    changed
}

/// The schedules that matter for a clinician: those that their reading names, and those that they
/// are known to be rostered to on a day of its window. (In a window of one day, a 2.1 server does
/// not name a schedule on which their shift is fully booked.) Of these, whatever is flagged for
/// online booking has to be read.
pub fn roster_schedules(user: UserId, reading: &UserReading, rosters: &Rosters) -> BTreeSet<ScheduleId> {
    let of_user = |schedule, day| RosterKey { user, schedule, day };
    let first = of_user(ScheduleId(i64::MIN), NaiveDate::MIN);
    let last = of_user(ScheduleId(i64::MAX), NaiveDate::MAX);
    let is_on = |day: &RosterDay| day.on.iter().any(|span| span.overlaps(&reading.window));
    let known = rosters.range(first..=last).filter(|(_, day)| is_on(day)).map(|(key, _)| key.schedule);
    reading.free.keys().copied().chain(known).collect()
}

/// What is known of a clinician on one schedule within a window: rostered, not rostered.
pub(super) fn known(rosters: &Rosters, user: UserId, schedule: ScheduleId, window: Span) -> RosterDay {
    let of_schedule = |day| RosterKey { user, schedule, day };
    let mut known = RosterDay::default();
    // A day of any zone lies within a day of its date in UTC.
    let first = (window.start - TimeDelta::days(2)).date_naive();
    let last = (window.end + TimeDelta::days(2)).date_naive();
    for (_, day) in rosters.range(of_schedule(first)..=of_schedule(last)) {
        known.on.extend(within(&day.on, window));
        known.off.extend(within(&day.off, window));
    }
    RosterDay { on: normalised(known.on), off: normalised(known.off) }
}

impl RosterDay {
    /// Without what is no longer sure to be off.
    fn forget_off(self, unsettled: &[Span]) -> Self {
        Self { off: difference(&self.off, unsettled), ..self }
    }

    /// With what a later reading taught.
    fn with(self, on: &[Span], off: &[Span]) -> Self {
        let add = |known: &[Span], gone: &[Span], seen: &[Span]| {
            normalised(difference(known, gone).into_iter().chain(seen.iter().copied()))
        };
        Self { on: add(&self.on, off, on), off: add(&self.off, on, off) }
    }
}

/// Busy time of a schedule at which the clinician is not free, bordering on time at which they
/// are, contrary to what was known.
fn unsettled(
    rosters: &Rosters,
    user: UserId,
    schedule: ScheduleId,
    reading: &UserReading,
    readings: &Readings,
) -> Vec<Span> {
    let free = reading.free(schedule);
    let contrary = intersection(free, &known(rosters, user, schedule, reading.window).off);
    let Some(read) = readings.schedule(schedule).filter(|_| !contrary.is_empty()) else { return Vec::new() };
    let mut stretches = difference(&within(&read.busy, reading.window), free);
    stretches.retain(|stretch| contrary.iter().any(|free| free.end == stretch.start || free.start == stretch.end));
    stretches
}

/// When none of the schedules was busy, as far as they were read, and read late enough. Those that
/// are not flagged for online booking do not count.
fn quiet(schedules: &BTreeSet<ScheduleId>, user: &UserReading, readings: &Readings) -> Vec<Span> {
    let mut quiet = normalised([user.window]);
    for schedule in schedules {
        match readings.schedules.get(schedule) {
            None => {}
            Some(Some(reading)) if reading.began >= user.ended => {
                quiet = difference(&within(&quiet, reading.window), &reading.busy);
            }
            Some(_) => return Vec::new(),
        }
    }
    quiet
}

fn within(set: &[Span], window: Span) -> Vec<Span> {
    intersection(set, &[window])
}

/// The days of the server that a window touches, cut to it.
fn server_days(window: Span, server: &Zone) -> impl Iterator<Item = (NaiveDate, Span)> {
    let first = server.wall(window.start).date();
    first.iter_days().map(move |day| (day, server.day(day).cut(&window))).take_while(|(_, span)| !span.is_empty())
}

/// Spans as pairs of seconds since 1970, which take a third of the room of written dates.
mod seconds {
    use serde::{Deserializer, Serializer, de::Error};

    use super::{DateTime, Deserialize, Span, Utc, dates};

    pub(super) fn serialize<S: Serializer>(spans: &[Span], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_seq(spans.iter().map(|span| (span.start.timestamp(), span.end.timestamp())))
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Span>, D::Error> {
        let known = |seconds| DateTime::<Utc>::from_timestamp(seconds, 0).filter(|at| dates::a_machine_shows(*at));
        let at = |seconds| known(seconds).ok_or_else(|| D::Error::custom("no such time"));
        let pairs = Vec::<(i64, i64)>::deserialize(deserializer)?;
        pairs.into_iter().map(|(start, end)| Ok(Span::new(at(start)?, at(end)?))).collect()
    }
}
