//! Free and busy time of a user at a location, as the two kinds of server tell it.
//!
//! Both begin with the same thing: for every day of the window, what the user's shifts at the
//! location leave free on the schedules of their areas, shifts by start and schedules by id.
//! Schedules that are not flagged are among them; days and schedules without a shift are not.
//! `busy` is the rest of *every* day of the window, for each schedule of the roster in it.
//!
//! - [`UserBehaviour::Guide`]: the user's appointments on a schedule are taken off that schedule
//!   and no other.
//! - [`UserBehaviour::V21`]: all appointments of the user, on any schedule of any location, are
//!   taken off, with two mistakes. The search for the free time that an appointment takes ends at
//!   the first range that begins after it, so that as a rule only the first schedule loses time.
//!   And on a day with an appointment, all busy ranges up to that day are merged, whatever their
//!   schedule, under the id of the last one.
//!
//! Recorded: the order of schedules, the merging over days before the appointment's and not of
//! those after it. Assumed: that days begin at midnight for every window (all recorded windows
//! did).

use std::collections::BTreeSet;

use chrono::NaiveTime;

use crate::ids::{LocationId, ScheduleId, UserId};
use crate::span::{self, Span};

use super::free_busy::AskedWindow;
use super::wall;
use super::world::{AppointmentStatus, UserBehaviour, World};

/// How many days one question can walk over.
const DAYS_MAX: usize = 3660;

/// A range on a schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Ranged {
    pub(super) span: Span,
    pub(super) schedule: ScheduleId,
}

/// Ranges as they are answered.
#[derive(Debug, Default)]
pub(super) struct UserRanges {
    pub(super) free: Vec<Ranged>,
    pub(super) busy: Vec<Ranged>,
}

/// An appointment of the user.
#[derive(Debug, Clone, Copy)]
struct UserVisit {
    span: Span,
    schedule: ScheduleId,
}

impl World {
    /// Free and busy time of a user at a location.
    pub(super) fn user_free_busy(&self, user: UserId, location: LocationId, window: AskedWindow) -> UserRanges {
        let rostered = self.rostered(user, location, window.span());
        let schedules: BTreeSet<ScheduleId> = rostered.iter().map(|own| own.schedule).collect();
        let visits = self.visits(user);
        let mut found = UserRanges::default();
        for day in self.days(window.span()) {
            let on_duty = rostered.iter().map(|own| Ranged { span: own.span.cut(&day), ..*own });
            let mut on_duty: Vec<Ranged> = on_duty.filter(|own| !own.span.is_empty()).collect();
            let visits: Vec<UserVisit> = visits.iter().copied().filter(|visit| visit.span.overlaps(&day)).collect();
            match self.user_behaviour {
                UserBehaviour::Guide => guide_day(day, on_duty, &schedules, &visits, &mut found),
                UserBehaviour::V21 => v21_day(day, &mut on_duty, &schedules, &visits, &mut found),
            }
        }
        found
    }

    /// The schedules of the user's shifts at a location that lie in the window at all: shifts by
    /// start, schedules by id.
    fn rostered(&self, user: UserId, location: LocationId, window: Span) -> Vec<Ranged> {
        let mut shifts: Vec<_> = self.roster.iter().filter(|shift| shift.user == user).collect();
        shifts.sort_by_key(|shift| shift.start);
        let mut rostered = Vec::new();
        for shift in shifts {
            let span = self.span(shift.start, shift.end);
            let Some(area) = self.areas.iter().find(|area| area.id == shift.area) else { continue };
            if area.location == location && span.overlaps(&window) {
                let schedules: BTreeSet<ScheduleId> = area.schedules.iter().copied().collect();
                rostered.extend(schedules.into_iter().map(|schedule| Ranged { span, schedule }));
            }
        }
        rostered
    }

    /// The user's appointments anywhere, by start.
    fn visits(&self, user: UserId) -> Vec<UserVisit> {
        let own = self
            .appointments
            .values()
            .filter(|own| own.clinician == Some(user) && own.status != AppointmentStatus::Cancelled);
        let mut visits: Vec<UserVisit> =
            own.map(|own| UserVisit { span: own.cached, schedule: own.schedule }).collect();
        visits.sort_by_key(|visit| visit.span);
        visits
    }

    /// The days of a window, from midnight to midnight, cut to it.
    fn days(&self, window: Span) -> Vec<Span> {
        if window.is_empty() {
            return Vec::new();
        }
        let dates = self.zone.wall(window.start).date().iter_days().take(DAYS_MAX);
        let midnight = |date: chrono::NaiveDate| wall::instant(&self.zone, date.and_time(NaiveTime::MIN));
        let days = dates.map(|date| Span { start: midnight(date), end: midnight(date + chrono::Days::new(1)) });
        days.take_while(|day| day.start < window.end).map(|day| day.cut(&window)).collect()
    }
}

/// Each schedule on its own, by id.
fn guide_day(
    day: Span,
    on_duty: Vec<Ranged>,
    schedules: &BTreeSet<ScheduleId>,
    visits: &[UserVisit],
    found: &mut UserRanges,
) {
    for &schedule in schedules {
        let duty = span::normalised(on_duty.iter().filter(|own| own.schedule == schedule).map(|own| own.span));
        let taken = span::normalised(visits.iter().filter(|own| own.schedule == schedule).map(|own| own.span));
        let free = span::difference(&duty, &taken);
        let busy = span::difference(&[day], &free);
        found.free.extend(free.into_iter().map(|span| Ranged { span, schedule }));
        found.busy.extend(busy.into_iter().map(|span| Ranged { span, schedule }));
    }
}

/// With the mistakes of 2.1.
fn v21_day(
    day: Span,
    on_duty: &mut Vec<Ranged>,
    schedules: &BTreeSet<ScheduleId>,
    visits: &[UserVisit],
    found: &mut UserRanges,
) {
    for &schedule in schedules {
        let duty = span::normalised(on_duty.iter().filter(|own| own.schedule == schedule).map(|own| own.span));
        let rest = span::difference(&[day], &duty);
        found.busy.extend(rest.into_iter().map(|span| Ranged { span, schedule }));
    }
    for visit in visits {
        take_off(on_duty, visit.span.cut(&day));
    }
    found.free.append(on_duty);
    if let (false, Some(&last)) = (visits.is_empty(), schedules.last()) {
        let taken = visits.iter().map(|visit| visit.span.cut(&day));
        let merged = span::normalised(found.busy.iter().map(|own| own.span).chain(taken));
        found.busy = merged.into_iter().map(|span| Ranged { span, schedule: last }).collect();
    }
}

/// Takes an appointment off the free ranges in the order in which they stand, up to the first that
/// begins after it.
fn take_off(free: &mut Vec<Ranged>, taken: Span) {
    let mut index = 0;
    while let Some(&Ranged { span, schedule }) = free.get(index) {
        if span.start >= taken.end {
            return;
        }
        if span.overlaps(&taken) {
            let left = Span { start: span.start, end: taken.start };
            let right = Span { start: taken.end, end: span.end };
            let rest: Vec<Ranged> = [left, right]
                .into_iter()
                .filter(|span| !span.is_empty())
                .map(|span| Ranged { span, schedule })
                .collect();
            let whole_left = usize::from(!left.is_empty());
            free.splice(index..=index, rest);
            index += whole_left;
        } else {
            index += 1;
        }
    }
}
