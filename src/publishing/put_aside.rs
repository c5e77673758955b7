//! Days that Healthengine does not take while it takes others: when they are sent again.
//!
//! A day can be *refused*, in the API's own words, and a call for it can *fail* every time, as
//! where it upsets the server or a firewall. Neither may hold up other days, and neither is given
//! up:
//! - both are sent again after [`FIRST_PAUSE`], then after twice as long each time, up to
//!   [`PAUSE_MAX`];
//! - both are sent again at once, one time, when Healthengine takes a day after a pass in which it
//!   took none: then it was not about the days;
//! - a refused day that changes is sent at once, in any case.
//!
//! Calls hold many days. A call that failed in [`PASSES`] passes in a row, over no less than
//! [`FAILS_FOR`], is taken apart while Healthengine answers polls. What fails alone then is put
//! aside if others are taken. Where every part fails it is not about the days, and nothing is taken
//! apart for [`APART_AGAIN_AFTER`].

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use chrono::NaiveDate;

use super::DayKey;
use crate::call_error::{CallError, ErrorClass};
use crate::ids::ResourceId;

/// The pause after the first time.
const FIRST_PAUSE: Duration = Duration::from_secs(5 * 60);
/// The longest pause.
const PAUSE_MAX: Duration = Duration::from_secs(60 * 60);
/// A call that failed in so many passes in a row,
const PASSES: u32 = 3;
/// over no less than this time, is taken apart.
const FAILS_FOR: Duration = Duration::from_secs(2 * 60);
/// So many calls in a row may fail while one is taken apart: a hundred days are seven halvings, and
/// the first of them is often the bad one.
pub const FAILED_PARTS_MAX: u32 = 12;
/// After a pass in which every part failed.
const APART_AGAIN_AFTER: Duration = Duration::from_secs(5 * 60);

/// Whether a day is sent once more at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum AtOnce {
    /// If Healthengine begins to take days again.
    Perhaps,
    /// With the next pass.
    Due,
    /// It was, in vain.
    Done,
}

/// A day that is put aside.
#[derive(Debug, Clone, Copy)]
struct PutAside {
    times: u32,
    at: Instant,
    at_once: AtOnce,
    /// False if it was refused: then it is sent when it changes.
    failed: bool,
}

/// A day of calls that failed.
#[derive(Debug, Clone, Copy)]
struct Suspect {
    passes: u32,
    since: Instant,
}

/// What is known of days that are not taken.
#[derive(Debug, Default)]
pub struct Aside {
    days: BTreeMap<DayKey, PutAside>,
    suspects: BTreeMap<DayKey, Suspect>,
    /// The last pass in which days were sent brought none of them there.
    none_taken: bool,
    /// Nothing is taken apart before.
    not_apart_before: Option<Instant>,
}

impl Aside {
    /// True if a day that was refused, and did not change since, is sent again.
    pub fn refused_is_due(&self, key: DayKey, now: Instant) -> bool {
        self.days.get(&key).is_none_or(|own| own.is_due(now))
    }

    /// True if a day waits because calls fail for it alone.
    pub fn fails_and_waits(&self, key: DayKey, now: Instant) -> bool {
        self.days.get(&key).is_some_and(|own| own.failed && !own.is_due(now))
    }

    /// What Healthengine refused before the start.
    pub fn new(refused: impl IntoIterator<Item = DayKey>, now: Instant) -> Self {
        let mut own = Self { none_taken: true, ..Self::default() };
        refused.into_iter().for_each(|key| own.refused(key, now));
        own
    }

    /// Healthengine refused this day.
    pub fn refused(&mut self, key: DayKey, now: Instant) {
        self.suspects.remove(&key);
        self.put(key, false, now);
    }

    /// A call for this day alone failed.
    pub fn failed_alone(&mut self, key: DayKey, now: Instant) {
        self.put(key, true, now);
    }

    fn put(&mut self, key: DayKey, failed: bool, now: Instant) {
        let own = self.days.entry(key).or_insert(PutAside { times: 0, at: now, at_once: AtOnce::Perhaps, failed });
        let at_once = if own.at_once == AtOnce::Due { AtOnce::Done } else { own.at_once };
        *own = PutAside { times: own.times.saturating_add(1), at: now, at_once, failed };
    }

    /// Healthengine took these days. Those that are to be sent at once because of that.
    pub fn taken(&mut self, keys: impl IntoIterator<Item = DayKey>) -> Vec<DayKey> {
        let mut any = false;
        for key in keys {
            any = true;
            self.days.remove(&key);
            self.suspects.remove(&key);
        }
        if !any || !std::mem::take(&mut self.none_taken) {
            return Vec::new();
        }
        self.not_apart_before = None;
        let waiting = self.days.iter_mut().filter(|(_, own)| own.at_once == AtOnce::Perhaps);
        waiting.map(|(key, own)| (own.at_once = AtOnce::Due, *key).1).collect()
    }

    /// A pass sent days to its end, and Healthengine took none of them.
    pub fn none_taken(&mut self) {
        self.none_taken = true;
    }

    /// A call for these days failed. True if it is to be taken apart.
    pub fn failed(&mut self, keys: &[DayKey], now: Instant) -> bool {
        let mut is_suspect = false;
        for key in keys {
            let own = self.suspects.entry(*key).or_insert(Suspect { passes: 0, since: now });
            own.passes = own.passes.saturating_add(1);
            is_suspect |= own.passes >= PASSES && own.since + FAILS_FOR <= now;
        }
        is_suspect && self.not_apart_before.is_none_or(|before| before <= now)
    }

    /// Every part of a call failed.
    pub fn in_vain(&mut self, now: Instant) {
        self.not_apart_before = Some(now + APART_AGAIN_AFTER);
    }

    /// These days only.
    pub fn keep(&mut self, keep: impl Fn(ResourceId, NaiveDate) -> bool) {
        self.days.retain(|(resource, day), _| keep(*resource, *day));
        self.suspects.retain(|(resource, day), _| keep(*resource, *day));
    }
}

impl PutAside {
    fn is_due(&self, now: Instant) -> bool {
        let pause = (FIRST_PAUSE * 2_u32.pow(self.times.saturating_sub(1).min(10))).min(PAUSE_MAX);
        self.at_once == AtOnce::Due || self.at + pause <= now
    }
}

/// True if a call can have failed for what it holds.
pub fn can_be_about_the_days(error: &CallError) -> bool {
    match error.class {
        ErrorClass::Lost | ErrorClass::Unavailable | ErrorClass::Contract => true,
        ErrorClass::NotSent
        | ErrorClass::Refused
        | ErrorClass::Credentials
        | ErrorClass::Forbidden
        | ErrorClass::TooMany => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn keys(count: u32) -> Vec<DayKey> {
        let resource: ResourceId = "s136".parse().unwrap();
        (1..=count).map(|day| (resource, NaiveDate::from_ymd_opt(2027, 3, day).unwrap())).collect()
    }

    #[tokio::test]
    async fn a_refused_day_is_sent_again_after_pauses_that_grow_to_an_hour() {
        let (mut aside, mut now, key) = (Aside::default(), tokio::time::Instant::now().into_std(), keys(1)[0]);
        for minutes in [5, 10, 20, 40, 60, 60] {
            aside.refused(key, now);
            assert!(!aside.refused_is_due(key, now + MINUTE * minutes - Duration::from_secs(1)), "{minutes}");
            now += MINUTE * minutes;
            assert!(aside.refused_is_due(key, now), "{minutes}");
            assert!(!aside.fails_and_waits(key, now - Duration::from_secs(1)), "it is sent when it changes");
        }
        aside.taken([key]);
        aside.refused(key, now);
        assert!(aside.refused_is_due(key, now + MINUTE * 5), "it begins anew");
    }

    #[tokio::test]
    async fn after_an_incident_all_refused_days_are_sent_at_once_and_a_bad_one_among_them_only_once() {
        let (mut aside, now, keys) = (Aside::default(), tokio::time::Instant::now().into_std(), keys(10));
        keys[..9].iter().for_each(|key| aside.refused(*key, now));
        assert_eq!(aside.taken([keys[9]]), [], "others were taken in the same pass: it is about these days");
        aside.none_taken();
        assert_eq!(aside.taken([keys[8], keys[9]]), keys[..8]);
        assert!(keys[..8].iter().all(|key| aside.refused_is_due(*key, now)));
        assert_eq!(aside.taken(keys[1..].to_vec()), []);
        aside.refused(keys[0], now);
        aside.none_taken();
        assert_eq!(aside.taken([keys[9]]), [], "it would be sent with every change of another day");
        assert!(!aside.refused_is_due(keys[0], now + MINUTE * 9) && aside.refused_is_due(keys[0], now + MINUTE * 10));
    }

    #[tokio::test]
    async fn a_call_is_taken_apart_when_it_failed_in_three_passes_over_two_minutes_and_no_sooner() {
        let (mut aside, now, keys) = (Aside::default(), tokio::time::Instant::now().into_std(), keys(10));
        let seconds = |seconds| now + Duration::from_secs(seconds);
        for (at, apart) in [(0, false), (1, false), (2, false), (119, false), (120, true)] {
            assert_eq!(aside.failed(&keys, seconds(at)), apart, "{at}");
        }
        assert!(aside.failed(&keys[3..4], seconds(121)), "and so are its parts");
        aside.taken(keys[1..].iter().copied());
        assert!(!aside.failed(&keys[1..], seconds(122)), "of these nothing is suspected any more");
        aside.failed_alone(keys[0], seconds(122));
        assert!(aside.fails_and_waits(keys[0], seconds(421)) && !aside.fails_and_waits(keys[0], seconds(422)));
        // Where every part fails it is not about the days.
        aside.in_vain(seconds(122));
        assert!(!aside.failed(&keys[..1], seconds(421)) && aside.failed(&keys[..1], seconds(422)));
    }
}
