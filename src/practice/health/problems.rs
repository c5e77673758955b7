//! What is wrong with a practice right now: a list of problems with since when, in sentences with
//! what to do.
//!
//! A problem is raised and cleared by whoever sees it; raising it again changes nothing but its
//! text. It is logged when it begins, at growing pauses while it stands ([`LogPause`]), and when it
//! ends, with how long it lasted. A WARN becomes an ERROR once an outage has lasted ten minutes
//! inside the live hours: from then on Healthengine may hide the practice's times.

use parking_lot::Mutex;
use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::alerts::concern::{About, Concern};
use crate::ids::{BookingId, PracticeId};
use crate::messages::practice as say;
use crate::practice::shared::ServerPlaces;
use crate::said_lines::LogPause;

/// What a problem is about; there is at most one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// OpenVPMS cannot be read.
    OpenVpms,
    /// Healthengine cannot be asked.
    Healthengine,
    /// Healthengine cannot tell which bookings wait.
    BookingList,
    /// Bookings wait for too long.
    BookingsWait,
    /// Changes of bookings wait for too long.
    UpdatesWait,
    /// Days that are asked for wait for too long.
    DaysWait,
    /// A list of Healthengine's that cannot be read whole, by what it holds.
    PartOfList(&'static str),
    /// Healthengine did not take answers to bookings.
    Answers,
    /// Healthengine refuses the credentials or the practice's consent.
    Access,
    /// The clocks differ.
    Clock,
    /// Resources of the config file that cannot be offered.
    LeftOut,
    /// The resource list is held back.
    ResourceGuard,
    /// The appointment type list is held back.
    TypeGuard,
    /// Resources or appointment types that left Healthengine.
    Departed,
    /// What is never open.
    NeverOpen,
    /// The mapping cannot be made.
    Mapping,
    /// The diary's times are hours from the practice's.
    Zone,
    /// Healthengine does not take the configuration.
    Configuration,
    /// Healthengine does not take days.
    Days,
    /// Days that Healthengine refuses.
    RefusedDays,
    /// An extra feature that cannot be switched off.
    Features,
    /// The webhook subscription cannot be kept.
    Subscriptions,
    /// Webhooks cannot be delivered.
    Webhooks,
    /// Another bridge serves the practice.
    OtherBridge,
    /// The store cannot be written.
    Store,
    /// Somebody paused the practice long ago.
    Paused,
    /// Practices that were removed from the configuration before their days were emptied.
    LeftBehind,
    /// The configuration file has errors since it was last read, or waits for a restart.
    ConfigFile,
    /// Messages to people do not arrive.
    Alerts,
    /// A loop that stands still, or a task that failed, by its name.
    Loop(&'static str),
    /// The same of one that keeps a practice and outlives it, so that the problem stands among
    /// those of the whole.
    LoopOf(&'static str, PracticeId),
    /// One booking.
    Booking(BookingId),
}

impl Subject {
    /// True if meanwhile bookings are not answered, or times are offered that nobody keeps true.
    fn is_outage(&self) -> bool {
        matches!(
            self,
            Self::OpenVpms
                | Self::Healthengine
                | Self::BookingList
                | Self::BookingsWait
                | Self::Answers
                | Self::Access
                | Self::Days
                | Self::Mapping
        )
    }

    /// Where the server is that it is about.
    fn place<'a>(&self, places: &'a ServerPlaces) -> Option<&'a str> {
        let is_about_healthengine = matches!(
            self,
            Self::Healthengine
                | Self::BookingList
                | Self::Answers
                | Self::Access
                | Self::Configuration
                | Self::Days
                | Self::Features
                | Self::Subscriptions
        );
        if *self == Self::OpenVpms {
            return Some(&places.openvpms);
        }
        is_about_healthengine.then_some(&*places.healthengine)
    }

    /// A short name for JSON.
    fn name(&self) -> String {
        #[expect(clippy::wildcard_enum_match_arm, reason = "the others are about nothing in particular")]
        match self {
            Self::PartOfList(list) => format!("part of the list of {list}"),
            Self::Loop(name) => format!("loop {name}"),
            Self::LoopOf(name, practice) => format!("loop {name} of practice {practice}"),
            Self::Booking(id) => format!("booking {id}"),
            _ => self.kind().to_owned(),
        }
    }

    /// The same without what it is about: one of a few words of ours.
    fn kind(&self) -> &'static str {
        match self {
            Self::OpenVpms => "openvpms",
            Self::Healthengine => "healthengine",
            Self::BookingList => "booking_list",
            Self::BookingsWait => "bookings_wait",
            Self::UpdatesWait => "updates_wait",
            Self::DaysWait => "days_wait",
            Self::Answers => "answers",
            Self::Access => "access",
            Self::Clock => "clock",
            Self::LeftOut => "left_out",
            Self::ResourceGuard => "resource_guard",
            Self::TypeGuard => "type_guard",
            Self::Departed => "departed",
            Self::NeverOpen => "never_open",
            Self::Mapping => "mapping",
            Self::Zone => "zone",
            Self::Configuration => "configuration",
            Self::Days => "days",
            Self::RefusedDays => "refused_days",
            Self::Features => "features",
            Self::Subscriptions => "subscriptions",
            Self::Webhooks => "webhooks",
            Self::OtherBridge => "another_bridge",
            Self::Store => "store",
            Self::LeftBehind => "left_behind",
            Self::ConfigFile => "config_file",
            Self::Paused => "paused",
            Self::Alerts => "alerts",
            Self::PartOfList(_) => "part_of_list",
            Self::Loop(_) | Self::LoopOf(..) => "loop",
            Self::Booking(_) => "booking",
        }
    }

    /// True for what stands for as long as it puts its practice out of step, and no longer.
    fn puts_out_of_step(&self) -> bool {
        use Subject::{Access, BookingList, Configuration, Days, Healthengine, OpenVpms};
        matches!(self, OpenVpms | Healthengine | BookingList | Access | Configuration | Days)
    }
}

/// One problem, as operators see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Problem {
    /// What it is about.
    pub subject: String,
    /// What is wrong and what to do, in a sentence or two.
    pub text: String,
    /// Since when.
    pub since: DateTime<Utc>,
}

impl Problem {
    /// True if that is what it is about.
    pub fn is_about(&self, subject: &Subject) -> bool {
        self.subject == subject.name()
    }

    /// The store cannot be opened.
    pub fn of_store(text: String, since: DateTime<Utc>) -> Self {
        Self { subject: Subject::Store.name(), text, since }
    }
}

/// The problems of one practice, or of what all have in common.
pub struct Problems {
    practice: Option<PracticeId>,
    places: ServerPlaces,
    problems: Mutex<BTreeMap<Subject, Standing>>,
}

/// A problem, and what the log has of it.
struct Standing {
    problem: Problem,
    /// When it is logged again; `None` of one that is logged part by part.
    again: Option<LogPause>,
    /// True once it was logged as an error.
    is_error: bool,
}

/// An outage inside the live hours is an error from here on: Healthengine may hide times by then
/// (PMS API, liveness contract).
const OUTAGE_LASTS_MAX: TimeDelta = TimeDelta::minutes(10);

/// Problems of single bookings are forgotten when there are more than this many; the ledger still
/// has the bookings.
const BOOKING_PROBLEMS_MAX: usize = 50;
/// and each of them after this long.
const BOOKING_PROBLEM_LASTS: TimeDelta = TimeDelta::days(1);

impl Problems {
    /// No problems yet, of a practice whose servers are there.
    pub fn new(practice: PracticeId, places: ServerPlaces) -> Self {
        Self { practice: Some(practice), places, problems: Mutex::default() }
    }

    /// That of what all practices have in common. No problems yet.
    pub fn of_the_service() -> Self {
        Self { practice: None, places: ServerPlaces::default(), problems: Mutex::default() }
    }

    fn named(&self) -> Option<tracing::field::DisplayValue<&PracticeId>> {
        self.practice.as_ref().map(tracing::field::display)
    }

    /// Something is wrong. What is said of a server ends with where it is.
    pub fn raise(&self, subject: Subject, text: impl Into<String>, now: DateTime<Utc>) {
        let mut text = text.into();
        if let Some(place) = subject.place(&self.places).filter(|place| !place.is_empty()) {
            text = format!("{text} {place}");
        }
        if !self.has(&subject) {
            tracing::warn!(practice = self.named(), subject = subject.name(), "{text}");
        }
        // What is wrong with a booking is its flag's to say again.
        let again = (!matches!(subject, Subject::Booking(_))).then(LogPause::begin);
        self.stand(subject, text, again, now);
    }

    /// Something is wrong that is logged already, part by part.
    pub fn show(&self, subject: Subject, text: String, now: DateTime<Utc>) {
        self.stand(subject, text, None, now);
    }

    fn stand(&self, subject: Subject, text: String, again: Option<LogPause>, now: DateTime<Utc>) {
        let mut problems = self.problems.lock();
        if let Some(standing) = problems.get_mut(&subject) {
            standing.problem.text = text;
            return;
        }
        let bookings = problems.keys().filter(|own| matches!(own, Subject::Booking(_))).count();
        if matches!(subject, Subject::Booking(_)) && bookings >= BOOKING_PROBLEMS_MAX {
            let oldest = problems.keys().find(|own| matches!(own, Subject::Booking(_))).cloned();
            oldest.map(|oldest| problems.remove(&oldest));
        }
        let problem = Problem { subject: subject.name(), text, since: now };
        problems.insert(subject, Standing { problem, again, is_error: false });
    }

    /// Something else is wrong than before, and is logged as well.
    pub fn raise_anew(&self, subject: Subject, text: impl Into<String>, now: DateTime<Utc>) {
        self.problems.lock().remove(&subject);
        self.raise(subject, text, now);
    }

    /// Resolved.
    pub fn clear(&self, subject: &Subject, now: DateTime<Utc>) {
        let removed = self.problems.lock().remove(subject);
        if let Some(Standing { problem, .. }) = removed {
            let text = say::resolved(now - problem.since);
            tracing::info!(practice = self.named(), subject = problem.subject, "{text}");
        }
    }

    /// Logs again what stands for long. To be called now and then; `is_live` inside the live hours.
    pub fn log_again(&self, is_live: bool, now: DateTime<Utc>) {
        for (subject, standing) in self.problems.lock().iter_mut() {
            let Standing { problem, again: Some(again), is_error } = standing else { continue };
            let lasts = now - problem.since;
            let is_worse = !*is_error && is_live && subject.is_outage() && lasts >= OUTAGE_LASTS_MAX;
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

    /// Raises or clears, as `text` says.
    pub fn set(&self, subject: Subject, text: Option<String>, now: DateTime<Utc>) {
        match text {
            Some(text) => self.raise(subject, text, now),
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

    /// How many there are of each kind.
    pub fn counts(&self) -> BTreeMap<&'static str, usize> {
        let mut counts = BTreeMap::new();
        self.problems.lock().keys().for_each(|subject| *counts.entry(subject.kind()).or_default() += 1);
        counts
    }

    /// What of them people are told. That telling fails is none: who would hear it?
    pub fn concerns(&self) -> Vec<Concern> {
        let problems = self.problems.lock();
        let concern = |(subject, Standing { problem, .. }): (&Subject, &Standing)| Concern {
            practice: self.practice.clone(),
            about: About::Problem(problem.subject.clone()),
            sentence: problem.text.clone(),
            since: problem.since,
            puts_out_of_step: subject.puts_out_of_step(),
        };
        problems.iter().filter(|(subject, _)| **subject != Subject::Alerts).map(concern).collect()
    }

    /// All of them.
    pub fn problems(&self) -> Vec<Problem> {
        self.problems.lock().values().map(|standing| standing.problem.clone()).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::<Utc>::UNIX_EPOCH + TimeDelta::hours(hours)
    }

    #[test]
    fn a_problem_keeps_its_beginning_and_is_gone_when_it_is_resolved() {
        let health = Problems::new(PracticeId("1".into()), ServerPlaces::default());
        health.raise(Subject::OpenVpms, "away", at(1));
        health.raise(Subject::OpenVpms, "still away", at(2));
        let problems = health.problems();
        assert_eq!((problems.len(), problems[0].since, problems[0].text.as_str()), (1, at(1), "still away"));
        health.clear(&Subject::OpenVpms, at(3));
        assert!(health.problems().is_empty());
    }

    #[test]
    fn problems_of_bookings_are_bounded_in_number_and_time() {
        let health = Problems::new(PracticeId("1".into()), ServerPlaces::default());
        for id in 0..200 {
            health.raise(Subject::Booking(BookingId(id)), "x", at(0));
        }
        health.raise(Subject::Clock, "wrong", at(0));
        assert_eq!(health.problems().len(), 51);
        assert!(health.has(&Subject::Booking(BookingId(199))), "the latest is kept");
        health.forget_old_bookings(at(23));
        assert_eq!(health.problems().len(), 51);
        health.forget_old_bookings(at(24));
        assert_eq!(health.problems().len(), 1);
    }
}
