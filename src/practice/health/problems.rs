//! What is wrong with a practice right now: a list of problems with since when, in sentences with
//! what to do.
//!
//! A problem is raised and cleared by whoever sees it; raising it again changes nothing but its
//! text. It is logged when it begins, at growing pauses while it stands ([`LogPause`]), and when it
//! ends, with how long it lasted. A WARN becomes an ERROR once an outage has lasted ten minutes
//! inside the live hours: from then on Healthengine may hide the practice's times. What makes
//! bookings twice is an ERROR from the start ([`Problems::alarm`]).
//!
//! A practice that starts anew, as after a reload, takes over the problems of the practice before
//! it ([`Problems::carry_on_from`]). The components of the started practice know nothing of a
//! failure before their time, so a problem that was taken over ends only once they have tried
//! what failed: see [`Subject::is_known_after`]. A problem that no component raises or clears any
//! more, because the changed configuration has no use for it, ends [`TAKEN_OVER_LASTS_MAX`] later.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use parking_lot::Mutex;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::time::Instant;

use super::attempts::{Attempt, Attempts};
use super::outage_log::{OutageLine, OutageLog};
use super::subject::Subject;
use crate::alerts::concern::{About, Concern};
use crate::call_error::ServerOutage;
use crate::ids::{BookingId, PracticeId};
use crate::messages::practice as say;
use crate::practice::shared::ServerPlaces;
use crate::said_lines::LogPause;

/// One problem, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is about.
    pub subject: String,
    /// What is wrong and what to do, in a sentence or two.
    pub text: String,
    /// What it means for whoever works at the practice.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub in_plain_words: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// The outage of a server that it comes from, if it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<ServerOutage>,
}

impl Problem {
    /// True if it is the one that says best what an outage means.
    pub fn tells_of_outage(&self) -> bool {
        let subjects = [Subject::OpenVpms, Subject::Healthengine, Subject::Access];
        self.outage.is_some() && subjects.iter().any(|own| self.is_about(own))
    }

    /// True if that is what it is about.
    pub fn is_about(&self, subject: &Subject) -> bool {
        self.subject == subject.name()
    }

    /// The store cannot be opened.
    pub fn of_store(text: String, since: DateTime<Utc>) -> Self {
        Self::new(&Subject::Store, text, since, None)
    }

    fn new(subject: &Subject, text: String, since: DateTime<Utc>, outage: Option<ServerOutage>) -> Self {
        Self { subject: subject.name(), text, in_plain_words: subject.in_plain_words(outage), since, outage }
    }

    /// The booking that it is about, if it is about one.
    pub fn booking(&self) -> Option<BookingId> {
        Subject::booking_of(&self.subject)
    }
}

/// The problems of one practice, or of what all have in common.
pub struct Problems {
    practice: Option<PracticeId>,
    places: ServerPlaces,
    problems: Mutex<BTreeMap<Subject, Standing>>,
    attempts: Mutex<Attempts>,
    outages: Arc<OutageLog>,
}

/// A problem, and what the log has of it.
#[derive(Clone)]
struct Standing {
    problem: Problem,
    /// When it is logged again; `None` of one that is logged part by part.
    again: Option<LogPause>,
    /// True once it was logged as an error.
    is_error: bool,
    /// When it was taken over from the practice before, if nobody has raised it since.
    taken_over: Option<Instant>,
}

/// A problem that was taken over and that nobody raises or clears ends this long after, once the
/// practice has done everything that it does. Whatever is looked at more rarely than this is raised
/// again when it is found again.
const TAKEN_OVER_LASTS_MAX: Duration = Duration::from_secs(15 * 60);

/// An outage inside the live hours is an error from here on: Healthengine may hide times by then
/// (PMS API, liveness contract).
const OUTAGE_LASTS_MAX: TimeDelta = TimeDelta::minutes(10);

/// Problems of single bookings are forgotten when there are more than this many; the ledger still
/// has the bookings.
const BOOKING_PROBLEMS_MAX: usize = 50;
/// and each of them after this long.
const BOOKING_PROBLEM_LASTS: TimeDelta = TimeDelta::days(1);

impl Problems {
    /// No problems yet, of a practice whose servers are there. The log of outages is that of all
    /// practices.
    pub fn new(practice: PracticeId, places: ServerPlaces, outages: Arc<OutageLog>) -> Self {
        Self { practice: Some(practice), outages, places, ..Self::of_the_service() }
    }

    /// That of what all practices have in common. No problems yet.
    pub fn of_the_service() -> Self {
        Self {
            practice: None,
            places: ServerPlaces::default(),
            problems: Mutex::default(),
            attempts: Mutex::default(),
            outages: Arc::default(),
        }
    }

    fn named(&self) -> Option<tracing::field::DisplayValue<&PracticeId>> {
        self.practice.as_ref().map(tracing::field::display)
    }

    /// Something is wrong. What is said of a server ends with where it is.
    pub fn raise(&self, subject: Subject, text: impl Into<String>, now: DateTime<Utc>) {
        self.say(subject, text.into(), None, false, now);
    }

    /// The same of what somebody has to be woken for: it is logged as an error, also where it stood
    /// as a warning until this moment.
    pub fn alarm(&self, subject: Subject, text: impl Into<String>, now: DateTime<Utc>) {
        self.say(subject, text.into(), None, true, now);
    }

    fn say(
        &self,
        subject: Subject,
        mut text: String,
        outage: Option<ServerOutage>,
        is_error: bool,
        now: DateTime<Utc>,
    ) {
        if let Some(place) = subject.place(&self.places).filter(|place| !place.is_empty()) {
            text = format!("{text} {place}");
        }
        let was_error = self.problems.lock().get(&subject).map(|standing| standing.is_error);
        let is_one_outage = was_error.is_none() && !is_error && self.is_logged_already(&subject, outage);
        // What is wrong with a booking is its flag's to say again.
        let again = (!matches!(subject, Subject::Booking(_))).then(LogPause::begin);
        let (practice, name, line) = (self.named(), subject.name(), text.clone());
        // Whoever reads the log and looks then finds it.
        self.stand(subject, text, outage, again, is_error, now);
        match (was_error, is_error) {
            (Some(false) | None, true) => tracing::error!(practice, subject = name, "{line}"),
            (None, false) if is_one_outage => tracing::info!(practice, subject = name, "{}", say::ONE_OUTAGE),
            (None, false) => tracing::warn!(practice, subject = name, "{line}"),
            (Some(true), true) | (Some(_), false) => {}
        }
    }

    /// True if the log has the outage that this comes from. It has it from here on if the subject
    /// tells of it.
    fn is_logged_already(&self, subject: &Subject, outage: Option<ServerOutage>) -> bool {
        match (outage, &self.practice) {
            (Some(outage), Some(practice)) if subject.tells_of_outages() => !self.outages.begins(outage, practice),
            (Some(outage), _) => self.outages.stands(outage),
            (None, _) => false,
        }
    }

    /// Something is wrong that is logged already, part by part.
    pub fn show(&self, subject: Subject, text: String, now: DateTime<Utc>) {
        self.stand(subject, text, None, None, false, now);
    }

    fn stand(
        &self,
        subject: Subject,
        text: String,
        outage: Option<ServerOutage>,
        again: Option<LogPause>,
        is_error: bool,
        now: DateTime<Utc>,
    ) {
        let mut problems = self.problems.lock();
        if let Some(standing) = problems.get_mut(&subject) {
            let former = standing.problem.outage;
            if former != outage || standing.taken_over.is_some() {
                self.changes_outage(&subject, former, outage);
            }
            standing.problem = Problem::new(&subject, text, standing.problem.since, outage);
            standing.taken_over = None;
            if is_error && !standing.is_error {
                (standing.again, standing.is_error) = (again, true);
            }
            return;
        }
        let bookings = problems.keys().filter(|own| matches!(own, Subject::Booking(_))).count();
        if matches!(subject, Subject::Booking(_)) && bookings >= BOOKING_PROBLEMS_MAX {
            let oldest = problems.keys().find(|own| matches!(own, Subject::Booking(_))).cloned();
            oldest.map(|oldest| problems.remove(&oldest));
        }
        let problem = Problem::new(&subject, text, now, outage);
        problems.insert(subject, Standing { problem, again, is_error, taken_over: None });
    }

    /// What a problem comes from is another outage than before, or none.
    fn changes_outage(&self, subject: &Subject, former: Option<ServerOutage>, outage: Option<ServerOutage>) {
        let Some(practice) = self.practice.as_ref().filter(|_| subject.tells_of_outages()) else { return };
        if let Some(former) = former.filter(|_| former != outage) {
            self.outages.ends(former, practice);
        }
        if let Some(outage) = outage {
            self.outages.begins(outage, practice);
        }
    }

    /// Something else is wrong than before, and is logged as well. Whoever looks meanwhile finds
    /// the one or the other.
    pub fn raise_anew(&self, subject: Subject, text: impl Into<String>, now: DateTime<Utc>) {
        let text = text.into();
        let stood = self.problems.lock().get_mut(&subject).map(|standing| {
            standing.problem = Problem::new(&subject, text.clone(), now, None);
            standing.again = Some(LogPause::begin());
        });
        match stood {
            Some(()) => tracing::warn!(practice = self.named(), subject = subject.name(), "{text}"),
            None => self.raise(subject, text, now),
        }
    }

    /// Resolved. Of a problem that was taken over, this is believed only of somebody who can know.
    pub fn clear(&self, subject: &Subject, now: DateTime<Utc>) {
        let attempts = *self.attempts.lock();
        let removed = {
            let mut problems = self.problems.lock();
            let may_end = |own: &Standing| own.taken_over.is_none() || subject.is_known_after(attempts);
            let ends = problems.get(subject).is_some_and(may_end);
            if ends { problems.remove(subject) } else { None }
        };
        if let Some(Standing { problem, .. }) = removed {
            self.changes_outage(subject, problem.outage, None);
            self.log_end(&problem, &say::resolved(now - problem.since, &problem.text));
        }
    }

    fn log_end(&self, problem: &Problem, text: &str) {
        tracing::info!(practice = self.named(), subject = problem.subject, "{text}");
    }

    /// The practice has done this since it started.
    pub fn note(&self, attempt: Attempt) {
        let mut attempts = self.attempts.lock();
        let Attempts { polls, readings, configurations } = &mut *attempts;
        let count = match attempt {
            Attempt::Poll => polls,
            Attempt::Reading => readings,
            Attempt::Configuration => configurations,
        };
        *count = count.saturating_add(1);
    }

    /// Takes over the problems of the practice that ran before this one and has stopped. A practice
    /// that `is_on` goes on with them. One that is off does nothing that could end a problem, so
    /// there they end.
    pub fn carry_on_from(&self, former: &Self, is_on: bool, now: DateTime<Utc>) {
        let mut problems = std::mem::take(&mut *former.problems.lock());
        // Its loops have stopped, and others begin.
        problems.retain(|subject, Standing { problem, .. }| {
            let is_over = matches!(subject, Subject::Loop(_) | Subject::Paused);
            if is_over {
                self.log_end(problem, &say::resolved(now - problem.since, &problem.text));
            } else if !is_on {
                former.changes_outage(subject, problem.outage, None);
                self.log_end(problem, &say::of_no_matter(now - problem.since));
            }
            is_on && !is_over
        });
        let mut own = self.problems.lock();
        for (subject, standing) in problems {
            // Problems of bookings have an end of their own: they are forgotten after a day.
            let taken_over = (!matches!(subject, Subject::Booking(_))).then(Instant::now);
            own.entry(subject).or_insert(Standing { taken_over, ..standing });
        }
    }

    /// True if there is such a problem, which was taken over and not raised or cleared since.
    pub fn has_taken_over(&self, subject: &Subject) -> bool {
        self.problems.lock().get(subject).is_some_and(|own| own.taken_over.is_some())
    }

    /// Ends what was taken over and is meaningless by now: nobody raises or clears it.
    fn end_meaningless(&self, now: DateTime<Utc>) {
        if !self.attempts.lock().is_round() {
            return;
        }
        let is_over = |own: &Standing| own.taken_over.is_some_and(|at| at.elapsed() >= TAKEN_OVER_LASTS_MAX);
        self.problems.lock().retain(|subject, own| {
            let ends = is_over(own);
            if ends {
                self.changes_outage(subject, own.problem.outage, None);
                self.log_end(&own.problem, &say::resolved(now - own.problem.since, &own.problem.text));
            }
            !ends
        });
    }

    /// Logs again what stands for long. To be called now and then; `is_live` inside the live hours.
    pub fn log_again(&self, is_live: bool, now: DateTime<Utc>) {
        self.end_meaningless(now);
        for (subject, standing) in self.problems.lock().iter_mut() {
            let Standing { problem, again: Some(again), is_error, .. } = standing else { continue };
            let lasts = now - problem.since;
            let is_bad = is_live && subject.is_outage() && lasts >= OUTAGE_LASTS_MAX;
            if let Some(outage) = problem.outage.filter(|outage| self.outages.stands(*outage)) {
                let line = if subject.tells_of_outages() { self.outages.again(outage, is_bad) } else { None };
                line.iter().for_each(|line| self.log_outage_again(line, problem, lasts));
                continue;
            }
            let is_worse = !*is_error && is_bad;
            if is_worse {
                (*again, *is_error) = (LogPause::begin(), true);
            } else if !again.is_due() {
                continue;
            }
            let text = say::still(&problem.text, lasts);
            if *is_error {
                tracing::error!(practice = self.named(), subject = problem.subject, "{text}");
            } else {
                tracing::warn!(practice = self.named(), subject = problem.subject, "{text}");
            }
        }
    }

    /// The line of an outage names every practice that it concerns.
    fn log_outage_again(&self, line: &OutageLine, problem: &Problem, lasts: TimeDelta) {
        let text = say::still(&problem.text, lasts);
        let (practice, all) = match line.practices.as_slice() {
            [] | [_] => (self.named(), String::new()),
            several => (None, say::outage_of(several)),
        };
        if line.is_error {
            tracing::error!(practice, subject = problem.subject, "{text}{all}");
        } else {
            tracing::warn!(practice, subject = problem.subject, "{text}{all}");
        }
    }

    /// How long until one of them is due to be logged again, at most this long.
    pub fn due_within(&self, longest: Duration) -> Duration {
        let problems = self.problems.lock();
        let is_apart = |standing: &&Standing| standing.problem.outage.is_none_or(|own| !self.outages.stands(own));
        let apart = problems.values().filter(is_apart);
        let left = apart.filter_map(|standing| standing.again.as_ref().map(LogPause::left));
        left.fold(self.outages.due_within(longest), Duration::min)
    }

    /// Raises or clears, as `text` says.
    pub fn set(&self, subject: Subject, text: Option<String>, now: DateTime<Utc>) {
        self.set_in(None, subject, text, now);
    }

    /// The same of what comes from an outage of a server, if it does: the log has each outage once.
    pub fn set_in(&self, outage: Option<ServerOutage>, subject: Subject, text: Option<String>, now: DateTime<Utc>) {
        match text {
            Some(text) => self.say(subject, text, outage, false, now),
            None => self.clear(&subject, now),
        }
    }

    /// Forgets problems of single bookings after a day: what still needs somebody is flagged in the
    /// ledger.
    pub fn forget_old_bookings(&self, now: DateTime<Utc>) {
        let mut problems = self.problems.lock();
        problems.retain(|subject, standing| {
            !matches!(subject, Subject::Booking(_)) || (now - standing.problem.since).abs() < BOOKING_PROBLEM_LASTS
        });
    }

    /// True if there is such a problem.
    pub fn has(&self, subject: &Subject) -> bool {
        self.problems.lock().contains_key(subject)
    }

    /// The outage of a server that such a problem comes from, if there is one.
    pub fn outage_of(&self, subject: &Subject) -> Option<ServerOutage> {
        self.problems.lock().get(subject)?.problem.outage
    }

    /// How many there are of each kind.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.problems.lock().keys().for_each(|subject| *counts.entry(subject.kind()).or_default() += 1);
        counts
    }

    /// What of them people are told. That telling fails is none: who would hear it? `also_puts_out`
    /// of step what is true of a subject at this moment, and need not be.
    pub fn concerns(&self, also_puts_out: impl Fn(&Subject) -> bool) -> Vec<Concern> {
        let problems = self.problems.lock();
        let practice = |subject: &Subject| {
            if let Subject::LoopOf(_, practice) = subject { Some(practice.clone()) } else { self.practice.clone() }
        };
        let concern = |(subject, Standing { problem, .. }): (&Subject, &Standing)| Concern {
            practice: practice(subject),
            about: About::Problem(problem.subject.clone()),
            sentence: problem.text.clone(),
            since: problem.since,
            puts_out_of_step: subject.puts_out_of_step() || also_puts_out(subject),
            outage: problem.outage,
            tells_of_outage: problem.tells_of_outage(),
        };
        problems.iter().filter(|(subject, _)| **subject != Subject::Alerts).map(concern).collect()
    }

    /// All of them.
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.lock().values().map(|standing| standing.problem.clone()).collect()
    }
}

#[cfg(test)]
#[path = "problems_tests.rs"]
mod tests;
