//! How long Healthengine's requests have been waiting for their answers.
//!
//! Healthengine calls a practice unhealthy, and may hide its times, when a booking, an update or an
//! availability request waits for ten minutes inside the live hours. So whatever waits for more
//! than [`LIMIT`] is a problem here, at any hour: a pet owner waits at night too, and what is open
//! when the day begins would have its ten minutes from then on.
//!
//! Pure: what is known after a list was read is a function of what was known before, the list, and
//! the time. Known is what the last list had, so it is as bounded as the list ([`KEPT_MAX`]).

use std::collections::BTreeMap;

use chrono::{DateTime, TimeDelta, Utc};

/// A problem after this long.
const LIMIT: TimeDelta = TimeDelta::minutes(5);
/// What is old when it is first seen, as after a stop, has this long to be answered.
const GRACE: TimeDelta = TimeDelta::seconds(15);
/// No more requests of a kind are followed than a list is read to; the first of the list count.
const KEPT_MAX: usize = 5_000;

/// The requests of one kind that wait.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OpenRequests<K> {
    requests: BTreeMap<K, Since>,
    /// Since when the list cannot be read although Healthengine says that something is in it.
    unread: Option<DateTime<Utc>>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Since {
    /// When Healthengine began to wait, as far as is known; by our clock.
    asked: DateTime<Utc>,
    /// When it was first seen.
    seen: DateTime<Utc>,
}

/// What has waited for too long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Overdue<K> {
    /// How many; 0 if nobody can tell, because the list cannot be read.
    pub count: usize,
    /// Since when the oldest waits.
    pub since: DateTime<Utc>,
    /// Which that is.
    pub oldest: Option<K>,
}

impl<K> Default for OpenRequests<K> {
    fn default() -> Self {
        Self { requests: BTreeMap::new(), unread: None }
    }
}

impl<K: Ord + Clone> OpenRequests<K> {
    /// The list was read. Each request comes with when it was made, if that is known.
    pub fn listed(&self, list: impl IntoIterator<Item = (K, Option<DateTime<Utc>>)>, now: DateTime<Utc>) -> Self {
        let mut requests = BTreeMap::new();
        for (request, made) in list.into_iter().take(KEPT_MAX) {
            let known = self.requests.get(&request).copied();
            // A clock that was set back, or is wrong over there, must not put anything off.
            let first = Since { asked: made.map_or(now, |made| made.min(now)), seen: now };
            let since =
                known.map_or(first, |known| Since { asked: known.asked.min(first.asked), seen: known.seen.min(now) });
            requests.insert(request, since);
        }
        Self { requests, unread: None }
    }

    /// Healthengine says that something is in the list, and the list cannot be read.
    pub fn not_read(&self, now: DateTime<Utc>) -> Self {
        Self { unread: Some(self.unread.map_or(now, |since| since.min(now))), ..self.clone() }
    }

    /// How many wait.
    pub fn count(&self) -> usize {
        self.requests.len()
    }

    /// How long the oldest has been waiting; nothing while none waits.
    pub fn oldest(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        let since = self.requests.values().map(|since| since.asked).chain(self.unread).min()?;
        Some((now - since).max(TimeDelta::zero()))
    }

    /// What waits for too long.
    pub fn overdue(&self, now: DateTime<Utc>) -> Option<Overdue<K>> {
        let is_late = |since: &Since| now - since.asked > LIMIT && now - since.seen > GRACE;
        let late = || self.requests.iter().filter(|(_, since)| is_late(since));
        let oldest = late().min_by_key(|(_, since)| since.asked);
        match (oldest, self.unread.filter(|since| now - *since > LIMIT)) {
            (Some((request, since)), _) => {
                Some(Overdue { count: late().count(), since: since.asked, oldest: Some(request.clone()) })
            }
            (None, Some(since)) => Some(Overdue { count: 0, since, oldest: None }),
            (None, None) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::seconds(seconds)
    }

    fn none() -> OpenRequests<u32> {
        OpenRequests::default()
    }

    #[test]
    fn what_waits_for_more_than_five_minutes_is_overdue_until_it_is_answered() {
        let mut waiting = none().listed([(1, None), (2, None)], at(0));
        assert_eq!(waiting.overdue(at(300)), None);
        waiting = waiting.listed([(1, None), (2, None), (3, None)], at(301));
        assert_eq!(waiting.overdue(at(301)), Some(Overdue { count: 2, since: at(0), oldest: Some(1) }));
        waiting = waiting.listed([(2, None), (3, None)], at(310));
        assert_eq!(waiting.overdue(at(310)), Some(Overdue { count: 1, since: at(0), oldest: Some(2) }));
        waiting = waiting.listed([(3, None)], at(320));
        assert_eq!(waiting.overdue(at(320)), None);
        assert_eq!((waiting.oldest(at(330)), none().oldest(at(330))), (Some(TimeDelta::seconds(29)), None));
        assert_eq!(waiting.listed([], at(330)), none());
        assert_eq!(waiting.overdue(at(602)).unwrap().since, at(301));
    }

    #[test]
    fn what_was_made_before_it_was_seen_counts_from_then_with_a_moment_to_answer_it() {
        let waiting = none().listed([(1, Some(at(-400)))], at(0));
        assert_eq!(waiting.overdue(at(15)), None);
        assert_eq!(waiting.overdue(at(16)).unwrap().since, at(-400));
        let young = none().listed([(1, Some(at(-100)))], at(0));
        assert_eq!((young.overdue(at(200)), young.overdue(at(201)).unwrap().since), (None, at(-100)));
        // A time in the future is somebody's wrong clock.
        assert!(none().listed([(1, Some(at(9_000)))], at(0)).overdue(at(301)).is_some());
    }

    #[test]
    fn a_clock_that_is_set_back_puts_nothing_off_for_long() {
        let waiting = none().listed([(1, None)], at(10_000)).listed([(1, None)], at(0));
        assert_eq!(waiting.overdue(at(301)).unwrap().since, at(0));
    }

    #[test]
    fn a_list_that_cannot_be_read_is_overdue_too_and_forgets_nothing() {
        let unread = none().not_read(at(0)).not_read(at(200));
        assert_eq!(unread.overdue(at(300)), None);
        assert_eq!(unread.overdue(at(301)), Some(Overdue { count: 0, since: at(0), oldest: None }));
        assert_eq!(unread.listed([], at(302)), none());
        let waiting = none().listed([(1, None)], at(0)).not_read(at(100));
        assert_eq!(waiting.overdue(at(301)).unwrap().oldest, Some(1));
    }

    #[test]
    fn no_list_makes_it_grow_beyond_its_bound() {
        let waiting = none().listed((0..100_000).map(|request| (request, None)), at(0));
        assert_eq!(waiting.requests.len(), KEPT_MAX);
        assert_eq!(waiting.overdue(at(400)).unwrap().count, KEPT_MAX);
    }
}
