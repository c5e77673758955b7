//! When a clinician is available for a schedule S: where they are free on S, as the server says,
//! and not taken on another one.
//!
//! **What the API tells.** A schedule's busy time is reliable, but not whose it is. A clinician's
//! free time per schedule is their roster less appointments: on one kind of server (the published
//! guide) less their appointments on that very schedule; on the other (2.1) an appointment comes
//! off the first schedule of their roster that it finds them free on, whichever it stands on. Their
//! busy time names the schedules they are rostered to, and nothing else. Rosters are not told;
//! [`super::roster`] learns them.
//!
//! **The rule.** On another schedule T of their roster they are taken
//! 1. by a booking of theirs in our own ledger;
//! 2. where T is busy and they are not free on T, if they are known to be rostered there then: an
//!    appointment that takes their time away is their own, somebody else's would not;
//! 3. where T is busy and they are not free on T, and nothing is known of their roster: if that
//!    stretch borders on their free time there, or as [`ClinicianDoubt`] says. Where they are known
//!    *not* to be rostered it is somebody else's;
//! 4. where T is busy and they *are* free on T, if a third schedule of their roster that they are
//!    known to be rostered to (or, unknown, as [`ClinicianDoubt`] says) has lost their free time
//!    without being busy itself: a 2.1 server took the appointment off there. Between two schedules
//!    this cannot happen, because the third would be S, on which they are then not free;
//! 5. where T cannot be read, they are known to be rostered and not free.
//!
//! **Which way doubt falls.** 1, 2 and 5 are certain as long as the roster is as it was seen. When
//! a roster changes, time can be withheld until the change is seen at a quiet moment. What cannot
//! be seen at all: an appointment of theirs outside the schedule's opening hours (the server cuts
//! busy time there), on a schedule outside their roster, or on one that is not flagged for online
//! booking.

use std::collections::BTreeSet;

use super::question::{ClinicianDoubt, Question};
use super::reading::UserReading;
use super::roster::{RosterDay, known, roster_schedules};
use crate::ids::{ScheduleId, UserId};
use crate::span::{Span, difference, intersection, normalised};

/// A clinician's time as far as one schedule is concerned. Both are sets.
pub(super) struct ClinicianTime {
    /// What was asked for.
    pub(super) window: Span,
    /// Free on this schedule, as the server says: an upper bound.
    pub(super) free: Vec<Span>,
    /// Taken on another schedule.
    pub(super) elsewhere: Vec<Span>,
}

/// A clinician's time for one schedule; `None` if it could not be read.
pub(super) fn time(question: &Question<'_>, user: UserId, schedule: ScheduleId) -> Option<ClinicianTime> {
    let reading = question.readings.users.get(&user)?;
    let roster = Roster::new(question, user, reading);
    let own = question.own.iter().filter(|own| own.user == Some(user) && own.schedule != schedule);
    let mut taken: Vec<Span> = own.map(|own| own.span).collect();
    for other in roster.others.iter().filter(|other| other.schedule != schedule) {
        taken.extend(other.taken(question.clinician_doubt));
        for third in roster.others.iter().filter(|third| ![schedule, other.schedule].contains(&third.schedule)) {
            taken.extend(third.hides_an_appointment_on(other, question.clinician_doubt));
        }
    }
    Some(ClinicianTime { window: reading.window, free: reading.free(schedule).to_vec(), elsewhere: normalised(taken) })
}

/// The schedules of a clinician's roster that count: flagged for online booking.
struct Roster<'a> {
    others: Vec<OnSchedule<'a>>,
}

/// A clinician on one schedule.
struct OnSchedule<'a> {
    schedule: ScheduleId,
    /// Their free time there.
    free: &'a [Span],
    /// The schedule's busy time; `None` if it could not be read.
    busy: Option<&'a [Span]>,
    /// What is known of their roster there.
    known: RosterDay,
}

impl<'a> Roster<'a> {
    fn new(question: &Question<'a>, user: UserId, reading: &'a UserReading) -> Self {
        let schedules: BTreeSet<ScheduleId> = roster_schedules(user, reading, question.rosters);
        let others = schedules.into_iter().filter_map(|schedule| {
            let read = question.readings.schedules.get(&schedule)?;
            Some(OnSchedule {
                schedule,
                free: reading.free(schedule),
                busy: read.as_ref().filter(|read| read.window.contains(&reading.window)).map(|read| &*read.busy),
                known: known(question.rosters, user, schedule, reading.window),
            })
        });
        Self { others: others.collect() }
    }
}

impl OnSchedule<'_> {
    /// When they are taken here, going by this schedule alone.
    fn taken(&self, doubt: ClinicianDoubt) -> Vec<Span> {
        let Some(busy) = self.busy else { return difference(&self.known.on, self.free) };
        let stretches = difference(busy, self.free);
        let their_own = intersection(&stretches, &self.known.on);
        let in_doubt =
            stretches.iter().filter(|stretch| doubt == ClinicianDoubt::Withhold || self.borders_free(stretch));
        let unknown: Vec<Span> = self.without_known(&in_doubt.copied().collect::<Vec<_>>());
        [their_own, unknown].concat()
    }

    /// When an appointment on `other` has come off their free time here instead.
    fn hides_an_appointment_on(&self, other: &Self, doubt: ClinicianDoubt) -> Vec<Span> {
        let (Some(here), Some(there)) = (self.busy, other.busy) else { return Vec::new() };
        let looks_free_there = intersection(there, other.free);
        let gone_here = difference(&difference(&looks_free_there, self.free), here);
        let unknown = match doubt {
            ClinicianDoubt::Offer => Vec::new(),
            ClinicianDoubt::Withhold => self.without_known(&gone_here),
        };
        [intersection(&gone_here, &self.known.on), unknown].concat()
    }

    fn borders_free(&self, stretch: &Span) -> bool {
        self.free.iter().any(|free| free.end == stretch.start || free.start == stretch.end)
    }

    fn without_known(&self, set: &[Span]) -> Vec<Span> {
        difference(&difference(set, &self.known.on), &self.known.off)
    }
}
