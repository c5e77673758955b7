//! Whether Healthengine takes the integration for healthy.
//!
//! Inside the live hours of the liveness contract `requests` must be asked at least every ten
//! minutes, and a booking, a booking update or an availability request must be answered within ten
//! minutes. Time outside the live hours does not count: a booking made at night has its ten minutes
//! from opening. Without a contract nothing is expected. On a public holiday its hours stand for
//! those of the weekday.

use chrono::{DateTime, Datelike, NaiveDateTime, TimeDelta, Utc};

use super::bookings::RequestOutcome;
use super::model::HealthengineModel;
use super::state::{Lapse, PracticeAccount};
use super::unknown::Unknown;
use crate::ids::PracticeId;
use crate::span::{Span, normalised};
use crate::zone::Zone;

const LIMIT: TimeDelta = TimeDelta::minutes(10);

/// How a practice looks from here.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LivenessReport {
    /// When `requests` was last asked.
    pub last_poll: Option<DateTime<Utc>>,
    /// What is overdue at this moment; healthy if nothing is.
    pub problems: Vec<String>,
}

impl HealthengineModel {
    /// The health of a practice at this moment.
    pub fn health(&self, practice: &PracticeId) -> Result<LivenessReport, Unknown> {
        self.at_practice(practice, |practice, _, now| LivenessReport {
            last_poll: practice.last_poll,
            problems: problems(practice, now),
        })
    }

    /// Every deadline that a practice ever broke and made good later.
    pub fn lapses(&self, practice: &PracticeId) -> Result<Vec<Lapse>, Unknown> {
        self.at_practice(practice, |practice, _, _| practice.lapses.clone())
    }
}

/// What is overdue.
pub(super) fn problems(practice: &PracticeAccount, now: DateTime<Utc>) -> Vec<String> {
    let Some(liveness) = &practice.liveness else { return Vec::new() };
    let mut problems = Vec::new();
    let mut check = |what: String, since| {
        if overdue(practice, since, now) {
            problems.push(what);
        }
    };
    let last_sign = practice.last_poll.unwrap_or(liveness.at);
    check("requests has not been asked for ten minutes".to_owned(), last_sign);
    for (id, booking) in practice.bookings.iter().filter(|(_, booking)| booking.answer == RequestOutcome::Open) {
        check(format!("booking {id} is not answered"), booking.booked_at);
    }
    for (id, update) in &practice.wanted.updates {
        check(format!("update {id} of booking {} is not answered", update.booking), update.at);
    }
    for wanted in &practice.wanted.days {
        check(format!("the availability request for {} is not answered", wanted.day), wanted.at);
    }
    problems
}

/// `requests` was asked.
pub(super) fn polled(practice: &mut PracticeAccount, now: DateTime<Utc>) {
    let before = practice.last_poll.replace(now);
    if let Some(since) = before.or(practice.liveness.as_ref().map(|own| own.at)) {
        answered(practice, || "the poll of requests".to_owned(), since, now);
    }
}

/// Something that has ten minutes was done; being late is noted.
pub(super) fn answered(
    practice: &mut PracticeAccount,
    what: impl FnOnce() -> String,
    since: DateTime<Utc>,
    now: DateTime<Utc>,
) {
    if overdue(practice, since, now) {
        practice.lapses.push(Lapse { at: now, what: what() });
    }
}

/// True if more than ten live minutes lie between the two.
fn overdue(practice: &PracticeAccount, since: DateTime<Utc>, now: DateTime<Utc>) -> bool {
    let Some(liveness) = practice.liveness.as_ref().filter(|_| now - since > LIMIT) else { return false };
    let asked = Span::new(since, now);
    let last = practice.zone.wall(now).date();
    let mut live = TimeDelta::zero();
    for day in practice.zone.wall(since).date().iter_days().take_while(|day| *day <= last) {
        let hours = liveness.hours(day.weekday(), practice.public_holidays.contains(&day));
        let spans = hours.iter().map(|(start, end)| {
            Span::new(instant(practice.zone, day.and_time(*start)), instant(practice.zone, day.and_time(*end)))
        });
        for span in normalised(spans.map(|span| span.cut(&asked))) {
            live += span.end - span.start;
        }
        if live > LIMIT {
            return true;
        }
    }
    false
}

/// The instant of a wall time; of a skipped one the end of the gap, of a doubled one the first.
fn instant(zone: Zone, wall: NaiveDateTime) -> DateTime<Utc> {
    let later = |minutes| zone.instants(wall + TimeDelta::minutes(minutes)).earliest();
    (0..=180).find_map(later).unwrap_or_else(|| wall.and_utc())
}
