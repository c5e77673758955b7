//! Single days that are to be read and sent at once: which of them go together, and what fails is
//! tried again later.
//!
//! Days on which the same resources are wanted are one reading. What could not be read or sent is
//! tried again in smaller pieces and at growing intervals, so that one day or one schedule that
//! fails holds up no other.
//!
//! A booking has read its day a moment before its appointment was made: that day less the
//! appointment needs no second reading. It waits here like the others, and is read after all when
//! something else happens to it meanwhile.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::{ReadDay, SendIf};
use crate::availability::Days;
use crate::dates;
use crate::ids::ResourceId;

/// What could not be read or sent is tried again after this; the pause doubles.
const RETRY: Duration = Duration::from_millis(500);

/// So many resources are read and sent in one go: what is in memory does not grow with the
/// practice.
const RESOURCES_MAX: usize = 100;

/// Resources on days, all of them wanted alike.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DayGroup {
    /// The days, the first one first.
    pub days: Vec<NaiveDate>,
    /// The resources, and whether they are sent even if nothing differs.
    pub resources: BTreeMap<ResourceId, SendIf>,
}

impl DayGroup {
    /// From the first day to the last.
    pub fn window(&self) -> Option<Days> {
        let (first, last) = (*self.days.first()?, *self.days.last()?);
        Some(Days { first, count: u32::try_from((last - first).num_days()).ok()?.checked_add(1)? })
    }

    /// One resource on one day.
    pub fn one(resource: ResourceId, day: NaiveDate) -> Self {
        Self { days: vec![day], resources: BTreeMap::from([(resource, SendIf::Changed)]) }
    }

    fn pairs(&self) -> impl Iterator<Item = (NaiveDate, ResourceId)> {
        self.days.iter().flat_map(|day| self.resources.keys().map(move |resource| (*day, *resource)))
    }
}

#[derive(Debug, Clone, Copy)]
struct FailedDay {
    times: u32,
    at: DateTime<Utc>,
    again: DateTime<Utc>,
}

impl FailedDay {
    /// When it is tried again. A failure of the future puts nothing off.
    fn again(&self, now: DateTime<Utc>) -> DateTime<Utc> {
        if dates::age(self.at, now).is_some() { self.again } else { DateTime::<Utc>::MIN_UTC }
    }
}

/// Days that are to be read and sent at once.
#[derive(Debug, Default)]
pub struct DueDays {
    days: BTreeMap<NaiveDate, BTreeMap<ResourceId, SendIf>>,
    /// Those that were read already.
    read: BTreeMap<(NaiveDate, ResourceId), ReadDay>,
    failed: BTreeMap<(NaiveDate, ResourceId), FailedDay>,
    /// For each day that is asked for of every resource: which of them were sent since. The request
    /// stays listed until all were.
    answered: BTreeMap<NaiveDate, BTreeSet<String>>,
}

impl DueDays {
    /// A day that is wanted in any case stays wanted in any case.
    pub fn add(&mut self, resource: ResourceId, day: NaiveDate, which: SendIf) {
        self.read.remove(&(day, resource));
        let wanted = self.days.entry(day).or_default().entry(resource).or_insert(which);
        if which == SendIf::Always {
            *wanted = SendIf::Always;
        }
    }

    /// A day that changed and was read at that. One that waits to be read stays so: why it waits,
    /// the reading may not show.
    pub fn add_read(&mut self, read: ReadDay) {
        let (day, resource) = (read.day.date, read.day.resource);
        let waits = self.days.get(&day).is_some_and(|wanted| wanted.contains_key(&resource));
        if !waits || self.read.contains_key(&(day, resource)) {
            self.days.entry(day).or_default().insert(resource, SendIf::Changed);
            self.read.insert((day, resource), read);
        }
    }

    /// Takes what was read already and may be sent.
    pub fn take_read(
        &mut self,
        now: DateTime<Utc>,
        free_from: impl Fn(ResourceId, NaiveDate) -> DateTime<Utc>,
    ) -> Vec<ReadDay> {
        let (mut taken, mut left) = (Vec::new(), BTreeMap::new());
        for ((day, resource), read) in std::mem::take(&mut self.read) {
            if self.at(resource, day, now, &free_from) <= now {
                self.no_longer_due(day, resource);
                taken.push(read);
            } else {
                left.insert((day, resource), read);
            }
        }
        self.read = left;
        taken
    }

    fn no_longer_due(&mut self, day: NaiveDate, resource: ResourceId) {
        self.read.remove(&(day, resource));
        if let Some(wanted) = self.days.get_mut(&day) {
            wanted.remove(&resource);
            if wanted.is_empty() {
                self.days.remove(&day);
            }
        }
    }

    /// When the first of them may be sent.
    pub fn next_at(
        &self,
        now: DateTime<Utc>,
        free_from: impl Fn(ResourceId, NaiveDate) -> DateTime<Utc>,
    ) -> Option<DateTime<Utc>> {
        let of_day = |(day, wanted): (&NaiveDate, &BTreeMap<ResourceId, SendIf>)| {
            wanted.keys().map(|resource| self.at(*resource, *day, now, &free_from)).min()
        };
        self.days.iter().filter_map(of_day).min()
    }

    fn at(
        &self,
        resource: ResourceId,
        day: NaiveDate,
        now: DateTime<Utc>,
        free_from: impl Fn(ResourceId, NaiveDate) -> DateTime<Utc>,
    ) -> DateTime<Utc> {
        let again = self.failed.get(&(day, resource)).map(|failure| failure.again(now));
        free_from(resource, day).max(again.unwrap_or(DateTime::<Utc>::MIN_UTC))
    }

    /// Takes what is to be read first, with all days on which the same is wanted.
    pub fn take(
        &mut self,
        now: DateTime<Utc>,
        free_from: impl Fn(ResourceId, NaiveDate) -> DateTime<Utc>,
    ) -> Option<DayGroup> {
        let mut taken: Option<(u32, DayGroup)> = None;
        for (day, wanted) in &self.days {
            let mut alike: BTreeMap<u32, BTreeMap<ResourceId, SendIf>> = BTreeMap::new();
            for (resource, which) in wanted {
                let is_read = self.read.contains_key(&(*day, *resource));
                if !is_read && self.at(*resource, *day, now, &free_from) <= now {
                    let times = self.failed.get(&(*day, *resource)).map_or(0, |failure| failure.times);
                    let alike = alike.entry(times).or_default();
                    if alike.len() < RESOURCES_MAX {
                        alike.insert(*resource, *which);
                    }
                }
            }
            match &mut taken {
                None => {
                    let first = alike.pop_first();
                    taken = first.map(|(times, resources)| (times, DayGroup { days: vec![*day], resources }));
                }
                Some((times, taken)) => {
                    if taken.days.len() < together(*times) && alike.get(times) == Some(&taken.resources) {
                        taken.days.push(*day);
                    }
                }
            }
        }
        let (_, taken) = taken?;
        for (day, resource) in taken.pairs() {
            self.no_longer_due(day, resource);
        }
        Some(taken)
    }

    /// It was sent, or is not to be sent any more.
    pub fn done(&mut self, wanted: &DayGroup) {
        for (day, resource) in wanted.pairs() {
            self.failed.remove(&(day, resource));
            self.answered(&resource.to_string(), day);
        }
    }

    /// It is tried again after a pause that grows up to `longest`, and no sooner than the server
    /// `asked` for.
    pub fn put_off(&mut self, wanted: &DayGroup, now: DateTime<Utc>, longest: Duration, asked: Duration) {
        for (day, resource) in wanted.pairs() {
            self.add(resource, day, wanted.resources.get(&resource).copied().unwrap_or(SendIf::Changed));
            let failure = self.failed.entry((day, resource)).or_insert(FailedDay { times: 0, at: now, again: now });
            let pause = (RETRY * 2_u32.pow(failure.times.min(10))).min(longest).max(asked);
            failure.times = failure.times.saturating_add(1);
            failure.at = now;
            failure.again = now + TimeDelta::from_std(pause).unwrap_or_default();
        }
        self.failed.retain(|(day, _), _| now.date_naive() <= *day + chrono::Days::new(2));
    }

    /// Nothing waits for a later attempt: all of it is due.
    pub fn wait_no_longer(&mut self) {
        for failure in self.failed.values_mut() {
            failure.again = DateTime::<Utc>::MIN_UTC;
        }
    }

    /// These days are asked for of every resource, and no others.
    pub fn asked_of_all(&mut self, days: &BTreeSet<NaiveDate>) {
        self.answered.retain(|day, _| days.contains(day));
        for day in days {
            self.answered.entry(*day).or_default();
        }
    }

    /// The resources that still have to be sent for a day that is asked for of all. All of them
    /// were, and it is still asked for: somebody asked once more.
    pub fn unanswered(&mut self, day: NaiveDate, all: Vec<String>) -> Vec<String> {
        let Some(answered) = self.answered.get_mut(&day) else { return all };
        let left: Vec<String> = all.iter().filter(|id| !answered.contains(*id)).cloned().collect();
        if left.is_empty() {
            answered.clear();
            return all;
        }
        left
    }

    /// A resource's day was sent.
    pub fn answered(&mut self, resource: &str, day: NaiveDate) {
        if let Some(answered) = self.answered.get_mut(&day) {
            answered.insert(resource.to_owned());
        }
    }
}

/// How many days are one reading, after so many failures: a day that cannot be read is soon alone.
fn together(times: u32) -> usize {
    match times {
        0 => usize::MAX,
        1 => 16,
        2 => 4,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::{Day, ResourceDay};

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 2, number).unwrap()
    }

    fn id(text: &str) -> ResourceId {
        text.parse().unwrap()
    }

    fn at(seconds: i64) -> DateTime<Utc> {
        day(1).and_time(chrono::NaiveTime::MIN).and_utc() + TimeDelta::seconds(seconds)
    }

    fn any_time(_: ResourceId, _: NaiveDate) -> DateTime<Utc> {
        DateTime::<Utc>::MIN_UTC
    }

    fn asked_for_all(days: std::ops::Range<u32>) -> DueDays {
        let mut due = DueDays::default();
        for number in days {
            for resource in ["s136", "s211"] {
                due.add(id(resource), day(number), SendIf::Always);
            }
        }
        due
    }

    #[test]
    fn days_on_which_the_same_is_wanted_are_one_reading_and_others_are_not() {
        let mut due = asked_for_all(1..11);
        due.add(id("u1-s136"), day(3), SendIf::Changed);
        let first = due.take(at(0), any_time).unwrap();
        assert_eq!((first.days.len(), first.resources.len()), (9, 2), "the third day wants more");
        assert_eq!(first.window(), Some(Days { first: day(1), count: 10 }));
        assert_eq!(due.take(at(0), any_time).unwrap().days, [day(3)]);
        assert_eq!(due.take(at(0), any_time), None);
    }

    #[test]
    fn what_fails_comes_again_later_and_in_smaller_pieces_and_holds_up_nothing_else() {
        let mut due = asked_for_all(1..29);
        let (longest, asked) = (Duration::from_secs(30), Duration::ZERO);
        let all = due.take(at(0), any_time).unwrap();
        due.put_off(&all, at(0), longest, asked);
        due.add(id("s311"), day(1), SendIf::Changed);
        assert_eq!(due.take(at(0), any_time).unwrap().resources.len(), 1, "of the same day, and it goes at once");
        assert_eq!(due.take(at(0), any_time), None);
        let mut sizes = Vec::new();
        for second in [1, 3, 6, 12] {
            let next = due.take(at(second), any_time).unwrap();
            sizes.push(next.days.len());
            due.put_off(&next, at(second), longest, asked);
            // The rest is due as well; here it is let go.
            while let Some(rest) = due.take(at(second), any_time) {
                due.done(&rest);
            }
        }
        assert_eq!(sizes, [16, 4, 1, 1]);
    }

    fn read(resource: &str, number: u32, began: i64) -> ReadDay {
        let day = ResourceDay { resource: id(resource), date: day(number), day: Day::empty(15) };
        ReadDay { began: at(began), as_of: at(began), day }
    }

    #[test]
    fn what_failed_before_the_clock_was_set_right_is_due_at_once_and_so_is_all_after_a_sleep() {
        let mut due = asked_for_all(1..2);
        let all = due.take(at(0), any_time).unwrap();
        let ahead = 86_400;
        due.put_off(&all, at(ahead), Duration::from_secs(30), Duration::from_secs(3600));
        assert_eq!(due.take(at(ahead + 3599), any_time), None);
        assert!(due.next_at(at(0), any_time).unwrap() <= at(0));
        let again = due.take(at(0), any_time).unwrap();
        assert_eq!(again, all);
        due.put_off(&again, at(1), Duration::from_secs(30), Duration::from_secs(3600));
        assert_eq!(due.take(at(2), any_time), None);
        due.wait_no_longer();
        assert_eq!(due.take(at(2), any_time), Some(all));
    }

    #[test]
    fn a_day_that_was_read_with_its_change_is_not_read_again_and_the_latest_reading_counts() {
        let mut due = DueDays::default();
        due.add_read(read("s136", 1, 0));
        due.add_read(read("s136", 1, 1));
        due.add_read(read("s211", 1, 0));
        let not_before = |resource, _| if resource == id("s211") { at(9) } else { at(5) };
        assert_eq!((due.next_at(at(4), not_before), due.take_read(at(4), not_before)), (Some(at(5)), vec![]));
        assert_eq!(due.take(at(9), not_before), None, "they wait for their turn, not for a reading");
        assert_eq!(due.take_read(at(5), not_before), [read("s136", 1, 1)]);
        assert_eq!(due.take(at(5), not_before), None);
        assert_eq!(due.take_read(at(9), not_before), [read("s211", 1, 0)]);
        assert_eq!((due.take(at(9), not_before), due.next_at(at(9), not_before)), (None, None));
    }

    #[test]
    fn a_day_to_which_something_else_happened_is_read_whatever_came_first() {
        for other_first in [false, true] {
            let mut due = DueDays::default();
            if other_first {
                due.add(id("s136"), day(1), SendIf::Changed);
                due.add_read(read("s136", 1, 0));
            } else {
                due.add_read(read("s136", 1, 0));
                due.add(id("s136"), day(1), SendIf::Changed);
            }
            assert_eq!(due.take_read(at(5), any_time), [], "{other_first}");
            assert_eq!(due.take(at(5), any_time), Some(DayGroup::one(id("s136"), day(1))), "{other_first}");
            assert_eq!((due.take_read(at(5), any_time), due.take(at(5), any_time)), (vec![], None));
        }
    }

    #[test]
    fn of_a_request_for_every_resource_each_is_answered_once_until_all_are() {
        let all = || vec!["s136".to_owned(), "s211".to_owned()];
        let mut due = DueDays::default();
        due.asked_of_all(&BTreeSet::from([day(1)]));
        assert_eq!(due.unanswered(day(1), all()), all());
        due.answered("s136", day(1));
        assert_eq!(due.unanswered(day(1), all()), ["s211"]);
        due.answered("s211", day(1));
        assert_eq!(due.unanswered(day(1), all()), all(), "asked once more");
        due.answered("s136", day(1));
        due.asked_of_all(&BTreeSet::new());
        due.asked_of_all(&BTreeSet::from([day(1)]));
        assert_eq!(due.unanswered(day(1), all()), all(), "another request");
    }
}
