//! What of OpenVPMS could not be read and has not been read since.
//!
//! A reading of the near days says nothing of a later day that could not be read, nor one schedule
//! of another. So what failed is kept here, with the days that it was asked for; the problem ends
//! when all of that was read, or is not wanted any more.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days as CalendarDays, NaiveDate, TimeDelta, Utc};

use super::window::Days;
use crate::call_error::{CallError, ErrorClass, ServerOutage};
use crate::ids::{LocationId, ScheduleId, UserId};

/// A wrong password looks like a database that is away; after this long it is called a password.
const PASSWORD_AFTER: TimeDelta = TimeDelta::minutes(2);
/// So many schedules are named.
const NAMED_MAX: usize = 5;

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum DiarySource {
    /// Locations, schedules, appointment types and clinicians.
    Inventory,
    /// Where a clinician works, when a booking asks for it.
    Places(UserId),
    /// Free/busy of a schedule.
    Schedule(ScheduleId),
    /// Free/busy of a clinician at a location.
    Clinician(UserId, LocationId),
}

struct FailedReading {
    /// Which days were not read; `None` where it is not about days.
    days: Option<(NaiveDate, NaiveDate)>,
    error: CallError,
    /// When it last failed.
    at: DateTime<Utc>,
}

/// What could not be read.
#[derive(Default)]
pub struct Unread {
    failed: BTreeMap<DiarySource, FailedReading>,
    /// Since when OpenVPMS answers 401 and nothing else.
    refused_since: Option<DateTime<Utc>>,
}

impl Unread {
    /// These days of it could not be read. True if all of it was well before.
    pub fn failed(&mut self, source: DiarySource, days: Option<Days>, error: &CallError, now: DateTime<Utc>) -> bool {
        if error.class == ErrorClass::Credentials {
            // Of the future: before this machine's clock was set right.
            self.refused_since = Some(self.refused_since.map_or(now, |since| since.min(now)));
        } else {
            self.refused_since = None;
        }
        let was_well = !self.failed.contains_key(&source);
        let before = self.failed.get(&source).and_then(|failure| failure.days);
        let days =
            days.map(ends).map(|(first, end)| before.map_or((first, end), |own| (own.0.min(first), own.1.max(end))));
        self.failed.insert(source, FailedReading { days, error: error.clone(), at: now });
        was_well
    }

    /// These days of it were read. Nobody reads days outside `horizon`: what failed there, as when
    /// this machine's clock was ahead, is not wanted any more.
    pub fn answered(&mut self, source: DiarySource, days: Option<Days>, horizon: Days) {
        self.refused_since = None;
        self.cut(horizon);
        if source == DiarySource::Inventory {
            // It asks where every clinician works, as a booking with one of them does.
            self.failed.retain(|own, _| !matches!(own, DiarySource::Places(_)));
        }
        let Some(failure) = self.failed.get_mut(&source) else { return };
        failure.days = failure.days.and_then(|unread| without(unread, days.map(ends)));
        if failure.days.is_none() {
            self.failed.remove(&source);
        }
    }

    /// A pass that began at this time read all free/busy that is wanted of these days: what failed
    /// before it and is not among that is not wanted any more.
    pub fn passed(&mut self, days: Days, began: DateTime<Utc>, horizon: Days, now: DateTime<Utc>) {
        // Of the future: before this machine's clock was set right.
        let is_older = |source: &DiarySource, failure: &FailedReading| {
            matches!(source, DiarySource::Schedule(_) | DiarySource::Clinician(..))
                && (failure.at < began || now < failure.at)
        };
        let older: Vec<DiarySource> =
            self.failed.iter().filter(|(source, own)| is_older(source, own)).map(|(source, _)| *source).collect();
        for source in older {
            self.answered(source, Some(days), horizon);
        }
    }

    /// True if OpenVPMS answers, and refuses the user.
    pub fn is_refused(&self) -> bool {
        !self.failed.is_empty() && self.refused_since.is_some()
    }

    /// True if there are days that could not be read.
    pub fn has_days(&self) -> bool {
        self.failed.values().any(|failure| failure.days.is_some())
    }

    /// Nothing else is read any more, and no day outside the horizon.
    pub fn keep(&mut self, wanted: impl Fn(&DiarySource) -> bool, horizon: Days) {
        self.failed.retain(|source, _| wanted(source));
        self.cut(horizon);
    }

    fn cut(&mut self, horizon: Days) {
        let (first, end) = ends(horizon);
        for failure in self.failed.values_mut() {
            failure.days = failure.days.map(|own| (own.0.max(first), own.1.min(end)));
        }
        self.failed.retain(|_, failure| failure.days.is_none_or(|(first, end)| first < end));
    }

    /// What is wrong.
    pub fn problem(&self, now: DateTime<Utc>) -> Option<ReadProblem> {
        let (_, failure) = self.failed.first_key_value()?;
        let error = failure.error.clone();
        if error.class == ErrorClass::Credentials
            && self.refused_since.is_some_and(|since| now - since > PASSWORD_AFTER)
        {
            return Some(ReadProblem::Password(error));
        }
        let schedules: BTreeSet<ScheduleId> = self.failed.keys().filter_map(DiarySource::schedule).collect();
        let are_named = schedules.len() <= NAMED_MAX && !self.failed.contains_key(&DiarySource::Inventory);
        let schedules = if are_named { schedules.into_iter().collect() } else { Vec::new() };
        Some(ReadProblem::Unread { error, schedules })
    }
}

/// What is wrong with reading OpenVPMS.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ReadProblem {
    /// It refuses the credentials, and for so long that no restart of its database is to blame.
    Password(CallError),
    /// Something of it could not be read.
    Unread {
        /// Why not, of one part.
        error: CallError,
        /// The schedules that could not be read, if they are few and nothing else is missing.
        schedules: Vec<ScheduleId>,
    },
}

impl ReadProblem {
    /// The outage that it comes from. That some schedules are not read says nothing of the others,
    /// unless nothing reaches the server.
    pub fn outage(&self) -> Option<ServerOutage> {
        match self {
            Self::Password(error) => ServerOutage::of_openvpms(error),
            Self::Unread { error, schedules } => {
                let is_of_all = schedules.is_empty() || error.class == ErrorClass::NotSent || error.is_access();
                ServerOutage::of_openvpms(error).filter(|_| is_of_all)
            }
        }
    }
}

impl DiarySource {
    fn schedule(&self) -> Option<ScheduleId> {
        match self {
            Self::Schedule(schedule) => Some(*schedule),
            Self::Inventory | Self::Places(_) | Self::Clinician(..) => None,
        }
    }
}

fn ends(days: Days) -> (NaiveDate, NaiveDate) {
    (days.first, days.first + CalendarDays::new(days.count.into()))
}

/// What is left of days when these were read: their beginning or their end can be cut off, of a
/// hole in the middle nothing is made.
fn without(
    (first, end): (NaiveDate, NaiveDate),
    read: Option<(NaiveDate, NaiveDate)>,
) -> Option<(NaiveDate, NaiveDate)> {
    let (read_first, read_end) = read.unwrap_or((first, end));
    let left = if read_first <= first {
        (first.max(read_end), end)
    } else if end <= read_end {
        (first, end.min(read_first))
    } else {
        (first, end)
    };
    (left.0 < left.1).then_some(left)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 2, number).unwrap()
    }

    fn days(first: u32, count: u32) -> Option<Days> {
        Some(Days { first: day(first), count })
    }

    /// A horizon that holds all days of these tests from this one on.
    fn from(first: u32) -> Days {
        Days { first: day(first), count: 60 }
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        day(1).and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::seconds(seconds)
    }

    fn lost() -> CallError {
        CallError::new(ErrorClass::Lost, "no answer came in time")
    }

    fn text(unread: &Unread, now: DateTime<Utc>) -> Option<String> {
        unread.problem(now).map(|problem| problem.to_string())
    }

    const S136: DiarySource = DiarySource::Schedule(ScheduleId(136));

    #[test]
    fn the_near_days_say_nothing_of_the_others() {
        let mut unread = Unread::default();
        unread.failed(S136, days(1, 20), &lost(), at(0));
        unread.answered(DiarySource::Schedule(ScheduleId(211)), days(1, 20), from(1));
        unread.answered(S136, days(1, 7), from(1));
        assert!(text(&unread, at(1)).unwrap().contains("schedule 136"), "{:?}", text(&unread, at(1)));
        unread.answered(S136, days(9, 1), from(1));
        assert!(text(&unread, at(1)).is_some(), "one day of them");
        unread.answered(S136, days(8, 13), from(1));
        assert_eq!(text(&unread, at(1)), None);
    }

    #[test]
    fn a_day_that_is_past_and_a_schedule_that_is_not_read_any_more_are_nobodys_problem() {
        let mut unread = Unread::default();
        unread.failed(S136, days(1, 3), &lost(), at(0));
        unread.answered(S136, days(2, 3), from(2));
        assert_eq!(text(&unread, at(1)), None, "the first day is over");
        unread.failed(S136, days(5, 1), &lost(), at(0));
        unread.keep(|_| true, from(6));
        assert_eq!(text(&unread, at(1)), None);
        unread.failed(S136, days(5, 1), &lost(), at(0));
        unread.keep(|source| *source != S136, from(5));
        assert_eq!(text(&unread, at(1)), None);
    }

    #[test]
    fn a_day_beyond_the_horizon_is_nobodys_problem_once_the_clock_is_right_again() {
        let mut unread = Unread::default();
        unread.failed(S136, days(11, 10), &lost(), at(864_000));
        unread.failed(S136, days(1, 2), &lost(), at(0));
        unread.passed(Days { first: day(1), count: 7 }, at(1), Days { first: day(1), count: 7 }, at(2));
        assert_eq!(text(&unread, at(2)), None, "what it read by the clock that was ahead");
        unread.failed(S136, days(1, 2), &lost(), at(864_000));
        unread.passed(Days { first: day(1), count: 7 }, at(3), Days { first: day(1), count: 7 }, at(4));
        assert_eq!(text(&unread, at(4)), None, "it failed before the pass began, whatever its time says");
    }

    #[test]
    fn what_a_whole_pass_had_no_use_for_is_nobodys_problem_either() {
        let mut unread = Unread::default();
        unread.failed(S136, days(1, 20), &lost(), at(0));
        unread.failed(DiarySource::Inventory, None, &lost(), at(0));
        unread.passed(Days { first: day(1), count: 20 }, at(0), from(1), at(9));
        assert!(text(&unread, at(1)).is_some());
        unread.answered(DiarySource::Inventory, None, from(1));
        assert!(text(&unread, at(1)).unwrap().contains("schedule 136"), "it failed while the pass went on");
        unread.passed(Days { first: day(1), count: 7 }, at(1), from(1), at(9));
        assert!(text(&unread, at(1)).is_some(), "the others are not read yet");
        unread.passed(Days { first: day(8), count: 13 }, at(1), from(1), at(9));
        assert_eq!(text(&unread, at(1)), None);
    }

    #[test]
    fn where_a_clinician_works_was_read_when_the_inventory_was() {
        let mut unread = Unread::default();
        unread.failed(DiarySource::Places(UserId(1158)), None, &lost(), at(0));
        unread.answered(S136, days(1, 60), from(1));
        assert!(text(&unread, at(1)).is_some());
        unread.answered(DiarySource::Inventory, None, from(1));
        assert_eq!(text(&unread, at(1)), None, "no booking may ask for it again for days");
    }

    #[test]
    fn the_inventory_is_another_matter_than_free_times() {
        let mut unread = Unread::default();
        assert!(unread.failed(DiarySource::Inventory, None, &lost(), at(0)));
        assert!(!unread.failed(DiarySource::Inventory, None, &lost(), at(1)));
        unread.answered(S136, days(1, 60), from(1));
        assert!(text(&unread, at(1)).is_some());
        unread.answered(DiarySource::Inventory, None, from(1));
        assert_eq!(text(&unread, at(1)), None);
    }

    #[test]
    fn a_refused_user_is_called_a_password_once_a_restart_of_the_database_is_ruled_out() {
        let refused = CallError::with_status(ErrorClass::Credentials, 401, "the credentials were refused");
        let mut unread = Unread::default();
        unread.failed(DiarySource::Inventory, None, &refused, at(0));
        let early = text(&unread, at(120)).unwrap();
        assert!(early.contains("database") && !early.contains("VPN"), "{early}");
        unread.failed(DiarySource::Inventory, None, &refused, at(121));
        assert!(text(&unread, at(121)).unwrap().contains("Check `username` and `password`"));
        unread.failed(DiarySource::Inventory, None, &lost(), at(122));
        unread.failed(DiarySource::Inventory, None, &refused, at(123));
        assert!(!text(&unread, at(124)).unwrap().contains("`password`"), "it began anew");
    }
}
