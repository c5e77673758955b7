//! Days that Healthengine did not take and has not taken since.
//!
//! The problem stands while any of them is unsent: that others were taken meanwhile says nothing of these.

use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::ids::ResourceId;
use crate::messages::practice as say;
use crate::remote::CallError;

/// What could not be sent.
#[derive(Default)]
pub(super) struct Unsent {
    days: BTreeSet<(ResourceId, NaiveDate)>,
    /// Days of what is not offered, which Healthengine asks for.
    asked_for: BTreeSet<(String, NaiveDate)>,
    /// Why not, at the last attempt.
    why: Option<CallError>,
}

impl Unsent {
    /// These did not arrive.
    pub(super) fn failed(&mut self, days: impl IntoIterator<Item = (ResourceId, NaiveDate)>, why: &CallError) {
        self.days.extend(days);
        self.why = Some(why.clone());
    }

    /// These, which nothing is offered of, did not arrive.
    pub(super) fn failed_empty(&mut self, days: impl IntoIterator<Item = (String, NaiveDate)>, why: &CallError) {
        self.asked_for.extend(days);
        self.why = Some(why.clone());
    }

    /// Healthengine has it, or refused it alone, or is not to be sent it.
    pub(super) fn done(&mut self, resource: ResourceId, day: NaiveDate) {
        self.days.remove(&(resource, day));
    }

    /// The same of one that nothing is offered of.
    pub(super) fn done_empty(&mut self, resource: &str, day: NaiveDate) {
        self.asked_for.retain(|(own, own_day)| own != resource || *own_day != day);
    }

    /// Only these are still to be sent.
    pub(super) fn keep(&mut self, wanted: impl Fn(ResourceId, NaiveDate) -> bool) {
        self.days.retain(|(resource, day)| wanted(*resource, *day));
    }

    /// Of what nothing is offered, Healthengine asks for these days only.
    pub(super) fn keep_empty(&mut self, asked: impl Fn(&str, NaiveDate) -> bool) {
        self.asked_for.retain(|(resource, day)| asked(resource, *day));
    }

    /// True if all of them arrived.
    pub(super) fn is_empty(&self) -> bool {
        self.days.is_empty() && self.asked_for.is_empty()
    }

    /// What is wrong, in a sentence.
    pub(super) fn text(&self) -> Option<String> {
        let count = self.days.len() + self.asked_for.len();
        self.why.as_ref().filter(|_| count > 0).map(|why| say::days_not_taken(count, why))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::remote::ErrorClass;

    #[test]
    fn the_problem_stands_until_the_last_day_that_failed_was_taken() {
        let day = |number| NaiveDate::from_ymd_opt(2027, 2, number).unwrap();
        let id: ResourceId = "s136".parse().unwrap();
        let why = CallError::with_status(ErrorClass::Unavailable, 502, "the server failed");
        let mut unsent = Unsent::default();
        assert_eq!(unsent.text(), None);
        unsent.failed((1..=20).map(|number| (id, day(number))), &why);
        (1..=7).for_each(|near| unsent.done(id, day(near)));
        assert!(unsent.text().unwrap().contains("13 days are not sent"), "{:?}", unsent.text());
        unsent.keep(|_, own| own < day(9));
        assert!(unsent.text().unwrap().contains("1 day is not sent"), "{:?}", unsent.text());
        unsent.done(id, day(8));
        assert!(unsent.is_empty() && unsent.text().is_none());
        unsent.failed_empty([("s9".to_owned(), day(1))], &why);
        unsent.done(id, day(1));
        unsent.keep(|_, _| false);
        assert!(unsent.text().is_some(), "it is asked for");
        unsent.keep_empty(|_, _| false);
        assert!(unsent.is_empty());
    }
}
