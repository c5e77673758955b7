//! Days that Healthengine did not take and has not taken since.
//!
//! The problem stands while any of them is unsent: that others were taken meanwhile says nothing of
//! these.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use crate::call_error::{CallError, ServerOutage};
use crate::dates;
use crate::ids::ResourceId;

/// A day that is asked for and refused is sent again after this; the pause doubles,
const REFUSED_AGAIN: TimeDelta = TimeDelta::seconds(10);
/// up to this.
const REFUSED_AGAIN_MAX: TimeDelta = TimeDelta::minutes(5);

/// What could not be sent.
#[derive(Default)]
pub struct Unsent {
    days: BTreeSet<(ResourceId, NaiveDate)>,
    /// Days of what is not offered, which Healthengine asks for.
    asked_for: BTreeMap<(String, NaiveDate), EmptyDayRefusals>,
    /// Why not, at the last attempt.
    why: Option<CallError>,
    /// The reason of the last refusal of one that is asked for.
    refused_because: String,
}

/// How often Healthengine refused a day that it asks for, and when it last did.
#[derive(Debug, Clone, Copy, Default)]
struct EmptyDayRefusals {
    times: u32,
    last: DateTime<Utc>,
}

impl EmptyDayRefusals {
    /// True while sending it again would only bring the same.
    fn is_fresh(&self, now: DateTime<Utc>) -> bool {
        let doublings = self.times.saturating_sub(1).min(10);
        let pause = (REFUSED_AGAIN * 2_i32.pow(doublings)).min(REFUSED_AGAIN_MAX);
        self.times > 0 && dates::age(self.last, now).is_some_and(|age| age < pause)
    }
}

impl Unsent {
    /// These did not arrive.
    pub fn failed(&mut self, days: impl IntoIterator<Item = (ResourceId, NaiveDate)>, why: &CallError) {
        self.days.extend(days);
        self.why = Some(why.clone());
    }

    /// These, which nothing is offered of, did not arrive.
    pub fn failed_empty(&mut self, days: impl IntoIterator<Item = (String, NaiveDate)>, why: &CallError) {
        for day in days {
            self.asked_for.entry(day).or_default();
        }
        self.why = Some(why.clone());
    }

    /// Healthengine asks for this one, which nothing is offered of, and refused it, for this
    /// reason.
    pub fn refused_empty(&mut self, resource: &str, day: NaiveDate, reason: &str, now: DateTime<Utc>) {
        let refusals = self.asked_for.entry((resource.to_owned(), day)).or_default();
        *refusals = EmptyDayRefusals { times: refusals.times.saturating_add(1), last: now };
        reason.clone_into(&mut self.refused_because);
    }

    /// True while a day that nothing is offered of would only be refused again.
    pub fn is_refused_empty(&self, resource: &str, day: NaiveDate, now: DateTime<Utc>) -> bool {
        let refusals = self.asked_for.get(&(resource.to_owned(), day));
        refusals.is_some_and(|refusals| refusals.is_fresh(now))
    }

    /// Healthengine has it, or refused it alone, or is not to be sent it.
    pub fn done(&mut self, resource: ResourceId, day: NaiveDate) {
        self.days.remove(&(resource, day));
    }

    /// The same of one that nothing is offered of.
    pub fn done_empty(&mut self, resource: &str, day: NaiveDate) {
        self.asked_for.remove(&(resource.to_owned(), day));
    }

    /// Only these are still to be sent.
    pub fn keep(&mut self, wanted: impl Fn(ResourceId, NaiveDate) -> bool) {
        self.days.retain(|(resource, day)| wanted(*resource, *day));
    }

    /// Of what nothing is offered, Healthengine asks for these days only.
    pub fn keep_empty(&mut self, asked: impl Fn(&str, NaiveDate) -> bool) {
        self.asked_for.retain(|(resource, day), _| asked(resource, *day));
    }

    /// True if all of them arrived.
    pub fn is_empty(&self) -> bool {
        self.days.is_empty() && self.asked_for.is_empty()
    }

    /// What is wrong.
    pub fn problem(&self) -> Option<UnsentProblem> {
        let refused = self.asked_for.values().filter(|refusals| refusals.times > 0).count();
        let not_taken = self.days.len() + self.asked_for.len() - refused;
        let why = self.why.clone().filter(|_| not_taken > 0);
        let problem = UnsentProblem {
            not_taken: why.map(|why| (not_taken, why)),
            refused: (refused > 0).then(|| (refused, self.refused_because.clone())),
        };
        (problem.not_taken.is_some() || problem.refused.is_some()).then_some(problem)
    }
}

/// What is wrong with sending days. One of the two is there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnsentProblem {
    /// So many days were not taken, and why one of them was not.
    pub not_taken: Option<(usize, CallError)>,
    /// So many days that are asked for were refused, and the reason of one refusal.
    pub refused: Option<(usize, String)>,
}

impl UnsentProblem {
    /// The outage that it comes from, if all of it does.
    pub fn outage(&self) -> Option<ServerOutage> {
        let (_, error) = self.not_taken.as_ref().filter(|_| self.refused.is_none())?;
        ServerOutage::of_healthengine(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_error::ErrorClass;

    fn text(unsent: &Unsent) -> Option<String> {
        unsent.problem().map(|problem| problem.to_string())
    }

    #[test]
    fn the_problem_stands_until_the_last_day_that_failed_was_taken() {
        let day = |number| NaiveDate::from_ymd_opt(2027, 2, number).unwrap();
        let id: ResourceId = "s136".parse().unwrap();
        let why = CallError::with_status(ErrorClass::Unavailable, 502, "the server failed");
        let mut unsent = Unsent::default();
        assert_eq!(text(&unsent), None);
        unsent.failed((1..=20).map(|number| (id, day(number))), &why);
        (1..=7).for_each(|near| unsent.done(id, day(near)));
        assert!(text(&unsent).unwrap().contains("13 days are not sent"), "{:?}", text(&unsent));
        unsent.keep(|_, own| own < day(9));
        assert!(text(&unsent).unwrap().contains("1 day is not sent"), "{:?}", text(&unsent));
        unsent.done(id, day(8));
        assert!(unsent.is_empty() && text(&unsent).is_none());
        unsent.failed_empty([("s9".to_owned(), day(1))], &why);
        unsent.done(id, day(1));
        unsent.keep(|_, _| false);
        assert!(text(&unsent).is_some(), "it is asked for");
        unsent.keep_empty(|_, _| false);
        assert!(unsent.is_empty());
    }
    #[test]
    fn a_day_that_is_asked_for_and_refused_is_sent_again_at_growing_intervals_and_the_reason_is_told() {
        let (day, at) = (NaiveDate::from_ymd_opt(2027, 2, 1).unwrap(), |seconds| {
            DateTime::UNIX_EPOCH + TimeDelta::seconds(seconds)
        });
        let mut unsent = Unsent::default();
        assert!(!unsent.is_refused_empty("s9", day, at(0)));
        unsent.refused_empty("s9", day, "the resource is unknown", at(0));
        assert!(text(&unsent).unwrap().contains("the resource is unknown"), "{:?}", text(&unsent));
        assert!(unsent.is_refused_empty("s9", day, at(9)) && !unsent.is_refused_empty("s9", day, at(10)));
        assert!(!unsent.is_refused_empty("s9", day, at(-1)), "the clock was set back");
        assert!(!unsent.is_refused_empty("s8", day, at(9)));
        unsent.refused_empty("s9", day, "the resource is unknown", at(10));
        assert!(unsent.is_refused_empty("s9", day, at(29)) && !unsent.is_refused_empty("s9", day, at(30)));
        for _ in 0..100 {
            unsent.refused_empty("s9", day, "the resource is unknown", at(30));
        }
        assert!(unsent.is_refused_empty("s9", day, at(329)) && !unsent.is_refused_empty("s9", day, at(330)));
        unsent.done_empty("s9", day);
        assert!(unsent.is_empty() && text(&unsent).is_none());
    }
}
