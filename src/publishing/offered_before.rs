//! What Healthengine was offered of a day before it was last sent: whether a pet owner was offered
//! the time that they chose.
//!
//! A rule of the practice withholds times from those who choose from then on. Whoever chose before
//! is served: they may have looked at a page that was loaded [`CHOOSING`] ago. So what a day
//! offered is remembered for that long after it was replaced.
//!
//! Only a day of which all is known says that a time was not offered. Of a day that was never
//! sent, that was refused, or of which a snapshot was lost, nobody knows what Healthengine showed,
//! nor of one that was sent before a backup replaced the store. That a full resync sends a day
//! again says nothing against what it was sent before.
//! Nothing is remembered, and nothing asked, for a practice without rules.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::availability::{Day, SentDay};
use crate::dates;
use crate::ids::AppointmentTypeId;

/// A pet owner books a time at most this long after it was shown to them. An assumption: nothing
/// says how long Healthengine keeps a page.
pub const CHOOSING: TimeDelta = TimeDelta::minutes(30);
/// Healthengine shows the first snapshot of a day this long after it took it, at the latest.
const SHOWN_WITHIN: TimeDelta = TimeDelta::seconds(5);
/// So many replaced days are told apart; older ones become one.
const REPLACED_MAX: usize = 8;

/// What was offered of a day before it was last sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OfferedBefore {
    /// The days that were replaced a short while ago, the earliest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    replaced: Vec<ReplacedDay>,
    /// What was offered before this moment nobody knows.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unknown_before: Option<DateTime<Utc>>,
    /// The day was sent for the first time, as far as the store knows, a short while ago. Without
    /// the store of an earlier time nobody knows what was offered until then.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first_at: Option<DateTime<Utc>>,
}

/// A day as it was last sent.
#[derive(Debug, Clone, Copy)]
pub struct LastOffered<'a> {
    /// The day, and whether it was accepted.
    pub sent: &'a SentDay,
    /// What was offered before, if that was remembered.
    pub before: Option<&'a OfferedBefore>,
}

/// A day that was offered until something else was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ReplacedDay {
    day: Day,
    until: DateTime<Utc>,
}

/// Whether a pet owner was offered a time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WasOffered {
    /// They were, or may have been a short while before.
    Yes,
    /// They were not.
    No,
    /// Nobody can tell.
    NobodyKnows,
}

impl OfferedBefore {
    /// What is remembered when a day is replaced at this moment. `is_sure` if Healthengine was
    /// offered what it was last sent, and nothing else.
    pub fn at_replacement(last: Option<LastOffered<'_>>, is_sure: bool, now: DateTime<Utc>) -> Self {
        let Some(last) = last.filter(|last| is_sure && last.sent.accepted && dates::age(last.sent.at, now).is_some())
        else {
            let is_first = last.is_none() && is_sure;
            let (unknown_before, first_at) = if is_first { (None, Some(now)) } else { (Some(now), None) };
            return Self { replaced: Vec::new(), unknown_before, first_at };
        };
        let before = last.before.cloned();
        // A store that was written while the practice had no rules tells only of the last day.
        let unknown_before = before.as_ref().map_or(Some(last.sent.at), |before| before.unknown_before);
        let is_recent = |at: DateTime<Utc>| dates::age(at, now).is_some_and(|age| age <= CHOOSING);
        let first_at = before.as_ref().and_then(|before| before.first_at).filter(|at| is_recent(*at));
        let mut replaced = before.map(|before| before.replaced).unwrap_or_default();
        replaced.retain(|own| is_recent(own.until));
        replaced.push(ReplacedDay { day: last.sent.day.clone(), until: now });
        if replaced.len() > REPLACED_MAX {
            let earliest = replaced.remove(0);
            replaced[0].day = either(&earliest.day, &replaced[0].day);
        }
        Self { replaced, unknown_before, first_at }
    }
}

/// Whether a pet owner who booked at the first of these moments, by our clock and if that is known,
/// was offered a start of a day, for a type. The second is the present. `is_sure` as for
/// [`OfferedBefore::at_replacement`].
pub fn was_offered(
    last: Option<LastOffered<'_>>,
    is_sure: bool,
    (minute, kind): (u32, AppointmentTypeId),
    (booked_at, now): (Option<DateTime<Utc>>, DateTime<Utc>),
) -> WasOffered {
    // What was booked in the future was booked by now.
    let booked_at = booked_at.map(|at| at.min(now));
    let shown_from = booked_at.and_then(|at| at.checked_sub_signed(CHOOSING));
    let (Some(last), Some(booked_at), Some(shown_from)) = (last, booked_at, shown_from) else {
        return WasOffered::NobodyKnows;
    };
    let before = last.before;
    let replaced = before.into_iter().flat_map(|before| &before.replaced);
    let days = replaced.filter(|own| shown_from <= own.until).map(|own| &own.day).chain([&last.sent.day]);
    let offers = |day: &Day| day.starts().any(|(own, types)| own == minute && types.contains(&kind));
    if days.into_iter().any(offers) {
        return WasOffered::Yes;
    }
    let unknown_before = before.map_or(Some(last.sent.at), |before| before.unknown_before);
    let is_after_first =
        before.and_then(|before| before.first_at).is_none_or(|first| first + SHOWN_WITHIN <= booked_at);
    let is_known =
        is_sure && last.sent.accepted && is_after_first && unknown_before.is_none_or(|unknown| unknown <= shown_from);
    if is_known { WasOffered::No } else { WasOffered::NobodyKnows }
}

/// What at least one of two days offers.
fn either(one: &Day, other: &Day) -> Day {
    let mut starts: BTreeMap<u32, BTreeSet<AppointmentTypeId>> = BTreeMap::new();
    for (minute, types) in one.starts().chain(other.starts()) {
        starts.entry(minute).or_default().extend(types);
    }
    let starts: Vec<(u32, Vec<AppointmentTypeId>)> =
        starts.into_iter().map(|(minute, types)| (minute, types.into_iter().collect())).collect();
    Day::from_starts(other.slot_size_minutes(), starts.iter().map(|(minute, types)| (*minute, &types[..])))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::minutes(minutes)
    }

    const KIND: AppointmentTypeId = AppointmentTypeId(66);

    /// A day that offers these minutes.
    fn day(starts: &[u32]) -> Day {
        Day::from_starts(15, starts.iter().map(|minute| (*minute, &[KIND][..])))
    }

    /// A day with what was offered before.
    #[derive(Clone)]
    struct Sent {
        day: SentDay,
        before: Option<OfferedBefore>,
    }

    impl Sent {
        fn offered(&self) -> LastOffered<'_> {
            LastOffered { sent: &self.day, before: self.before.as_ref() }
        }
    }

    /// Days, each sent at its minute in place of the one before.
    fn sent(days: &[(i64, &[u32])]) -> Sent {
        let mut last: Option<Sent> = None;
        for (minute, starts) in days {
            let before = OfferedBefore::at_replacement(last.as_ref().map(Sent::offered), true, at(*minute));
            let day = SentDay { day: day(starts), at: at(*minute), accepted: true };
            last = Some(Sent { day, before: Some(before) });
        }
        last.unwrap()
    }

    fn was(last: &Sent, minute: u32, booked: i64) -> WasOffered {
        was_offered(Some(last.offered()), true, (minute, KIND), (Some(at(booked)), at(booked)))
    }

    #[test]
    fn what_was_offered_within_the_time_of_choosing_was_offered_to_the_pet_owner() {
        let last = sent(&[(0, &[600, 615]), (100, &[600])]);
        assert_eq!(was(&last, 600, 101), WasOffered::Yes);
        assert_eq!(was(&last, 615, 101), WasOffered::Yes, "replaced while they chose");
        assert_eq!(was(&last, 615, 130), WasOffered::Yes);
        assert_eq!(was(&last, 615, 131), WasOffered::No, "nobody looks at a page for that long");
        assert_eq!(was(&last, 630, 101), WasOffered::No, "never offered");
        let ahead = (Some(at(9_999)), at(101));
        assert_eq!(
            was_offered(Some(last.offered()), true, (615, KIND), ahead),
            WasOffered::Yes,
            "booked in the future"
        );
        assert_eq!(
            was_offered(Some(last.offered()), true, (600, AppointmentTypeId(7)), (Some(at(101)), at(101))),
            WasOffered::No
        );
    }

    #[test]
    fn of_a_day_of_which_not_all_is_known_nobody_says_that_a_time_was_not_offered() {
        let last = sent(&[(0, &[600]), (100, &[600])]);
        let booked = (Some(at(101)), at(101));
        assert_eq!(was_offered(None, true, (615, KIND), booked), WasOffered::NobodyKnows);
        assert_eq!(was_offered(Some(last.offered()), true, (615, KIND), (None, at(101))), WasOffered::NobodyKnows);
        assert_eq!(was_offered(Some(last.offered()), false, (615, KIND), booked), WasOffered::NobodyKnows);
        assert_eq!(was_offered(Some(last.offered()), false, (600, KIND), booked), WasOffered::Yes);
        let mut refused = last.clone();
        refused.day.accepted = false;
        assert_eq!(was(&refused, 615, 101), WasOffered::NobodyKnows);
        // Sent for the first time: by a new bridge, or by one whose store was lost.
        let first = sent(&[(0, &[600])]);
        assert_eq!(was(&first, 615, 0), WasOffered::NobodyKnows);
        assert_eq!(was(&first, 615, 1), WasOffered::No);
        // A snapshot was lost before the last one was accepted.
        let before = OfferedBefore::at_replacement(Some(last.offered()), false, at(110));
        let after_loss = Sent { before: Some(before), ..sent(&[(110, &[600])]) };
        assert_eq!(was(&after_loss, 615, 111), WasOffered::NobodyKnows);
        assert_eq!(was(&after_loss, 615, 140), WasOffered::No);
        // Written while the practice had no rules.
        let without = Sent { before: None, ..last };
        assert_eq!(was(&without, 615, 129), WasOffered::NobodyKnows);
        assert_eq!(was(&without, 615, 130), WasOffered::No);
        let then = OfferedBefore::at_replacement(Some(without.offered()), true, at(120));
        let ruled = Sent { before: Some(then), ..sent(&[(120, &[615])]) };
        assert_eq!(was(&ruled, 600, 121), WasOffered::Yes);
        assert_eq!(was(&ruled, 630, 121), WasOffered::NobodyKnows, "what was offered before the last day is not known");
    }

    #[test]
    fn a_day_that_changes_every_minute_forgets_no_start_too_early_and_stays_small() {
        let starts: Vec<Vec<u32>> = (0..29).map(|index| vec![index * 15]).collect();
        let days: Vec<(i64, &[u32])> = starts.iter().zip(0..).map(|(starts, minute)| (minute, &starts[..])).collect();
        let last = sent(&days);
        assert!((0..29).all(|index| was(&last, index * 15, 29) == WasOffered::Yes));
        assert_eq!(was(&last, 29 * 15, 29), WasOffered::No);
        assert!(last.before.as_ref().unwrap().replaced.len() <= REPLACED_MAX);
        let text = serde_json::to_string(&last.before).unwrap();
        assert_eq!(serde_json::from_str::<Option<OfferedBefore>>(&text).unwrap(), last.before);
    }
}
