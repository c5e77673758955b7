//! The latest readings of the diary, kept so that a person can be told of a day while OpenVPMS is
//! away. Hardly anybody asks, so they are kept as rows of small numbers.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use parking_lot::Mutex;

use crate::availability::{Days, Readings, ScheduleReading, UserReading};
use crate::ids::{ScheduleId, UserId};
use crate::small_numbers::{Numbers, put, put_signed};
use crate::span::Span;

/// So many readings of schedules are kept; the oldest go first. Sixty days of one schedule take
/// some 4 KB.
const SCHEDULES_MAX: usize = 400;

/// The latest readings of each day.
#[derive(Default)]
pub(super) struct KeptReadings(Mutex<VecDeque<FoldedReading>>);

/// A reading of some days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct KeptReading {
    /// Which days it tells of.
    pub(super) days: Days,
    /// When it began.
    pub(super) began: DateTime<Utc>,
    /// What was read.
    pub(super) readings: Arc<Readings>,
}

impl KeptReadings {
    /// Keeps a reading in place of those of which it tells everything again.
    pub(super) fn keep(&self, reading: KeptReading) {
        let reading = FoldedReading::of(&reading);
        let mut kept = self.0.lock();
        kept.retain(|old| !reading.tells_all_of(old));
        kept.push_back(reading);
        let mut schedules: usize = kept.iter().map(FoldedReading::size).sum();
        while schedules > SCHEDULES_MAX && kept.len() > 1 {
            schedules -= kept.pop_front().map_or(0, |oldest| oldest.size());
        }
    }

    /// Those that tell of a day, the latest first.
    pub(super) fn of(&self, date: NaiveDate) -> Vec<KeptReading> {
        self.0.lock().iter().rev().filter(|kept| kept.days.holds(date)).map(FoldedReading::unfold).collect()
    }
}

/// The window and the end of a reading of a clinician, and their free time on each schedule.
type FoldedUser = (Span, DateTime<Utc>, BTreeMap<ScheduleId, FoldedTimes>);

/// A [`KeptReading`] in few bytes.
struct FoldedReading {
    days: Days,
    began: DateTime<Utc>,
    /// When each schedule was read, and its free and its busy time.
    schedules: BTreeMap<ScheduleId, Option<(Span, DateTime<Utc>, FoldedTimes)>>,
    /// When each clinician was read, and their free time on each schedule.
    users: BTreeMap<UserId, FoldedUser>,
}

impl FoldedReading {
    fn of(KeptReading { days, began, readings }: &KeptReading) -> Self {
        let Readings { schedules, users } = &**readings;
        let schedule = |ScheduleReading { window, began, free, busy }: &ScheduleReading| {
            (*window, *began, FoldedTimes::of(&[free, busy]))
        };
        let user = |UserReading { window, ended, free }: &UserReading| {
            let free = free.iter().map(|(schedule, times)| (*schedule, FoldedTimes::of(&[times])));
            (*window, *ended, free.collect())
        };
        Self {
            days: *days,
            began: *began,
            schedules: schedules.iter().map(|(id, read)| (*id, read.as_ref().map(schedule))).collect(),
            users: users.iter().map(|(id, read)| (*id, user(read))).collect(),
        }
    }

    fn unfold(&self) -> KeptReading {
        let schedule = |(window, began, times): &(Span, DateTime<Utc>, FoldedTimes)| {
            let [free, busy] = times.unfold();
            ScheduleReading { window: *window, began: *began, free, busy }
        };
        let user = |(window, ended, free): &FoldedUser| {
            let times = |times: &FoldedTimes| {
                let [times] = times.unfold();
                times
            };
            let free = free.iter().map(|(schedule, folded)| (*schedule, times(folded))).collect();
            UserReading { window: *window, ended: *ended, free }
        };
        let readings = Readings {
            schedules: self.schedules.iter().map(|(id, read)| (*id, read.as_ref().map(schedule))).collect(),
            users: self.users.iter().map(|(id, read)| (*id, user(read))).collect(),
        };
        KeptReading { days: self.days, began: self.began, readings: Arc::new(readings) }
    }

    fn size(&self) -> usize {
        self.schedules.len()
    }

    /// True if nothing is lost with the other one.
    fn tells_all_of(&self, other: &Self) -> bool {
        let has = |id| self.schedules.get(id).is_some_and(Option::is_some);
        other.days.within(self.days) == other.days
            && other.schedules.iter().all(|(id, read)| read.is_none() || has(id))
            && other.users.keys().all(|id| self.users.contains_key(id))
    }
}

/// Some sets of times: of each how many there are, and each beginning and end as its distance from
/// the one before it.
struct FoldedTimes(Box<[u8]>);

impl FoldedTimes {
    fn of(sets: &[&[Span]]) -> Self {
        let mut bytes = Vec::new();
        for set in sets {
            put(&mut bytes, set.len() as u64);
            let mut last = 0;
            for at in set.iter().flat_map(|Span { start, end }| [start, end]) {
                // Hardly ever is there a fraction of a second.
                let (second, fraction) = (at.timestamp(), at.timestamp_subsec_nanos());
                put_signed(&mut bytes, (second - last) << 1 | i64::from(fraction > 0));
                if fraction > 0 {
                    put(&mut bytes, fraction.into());
                }
                last = second;
            }
        }
        Self(bytes.into_boxed_slice())
    }

    fn unfold<const SETS: usize>(&self) -> [Vec<Span>; SETS] {
        let mut numbers = Numbers(&self.0);
        std::array::from_fn(|_| {
            let mut last = 0;
            let count = numbers.next().unwrap_or_default();
            (0..count)
                .map_while(|_| Some(Span::new(moment(&mut numbers, &mut last)?, moment(&mut numbers, &mut last)?)))
                .collect()
        })
    }
}

fn moment(numbers: &mut Numbers<'_>, last: &mut i64) -> Option<DateTime<Utc>> {
    let number = numbers.signed()?;
    *last += number >> 1;
    let fraction = if number & 1 == 1 { numbers.next()? } else { 0 };
    DateTime::from_timestamp(*last, u32::try_from(fraction).ok()?)
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn day(number: u32) -> NaiveDate {
        NaiveDate::from_ymd_opt(2027, 2, number).unwrap()
    }

    fn reading(first: u32, count: u32, schedules: impl IntoIterator<Item = (i64, bool)>) -> KeptReading {
        let began = DateTime::UNIX_EPOCH;
        let read = || ScheduleReading { window: Span::new(began, began), began, free: Vec::new(), busy: Vec::new() };
        let schedules = schedules.into_iter().map(|(id, is_read)| (ScheduleId(id), is_read.then(read))).collect();
        let readings = Arc::new(Readings { schedules, ..Readings::default() });
        KeptReading { days: Days { first: day(first), count }, began, readings }
    }

    #[test]
    fn a_reading_goes_once_a_later_one_tells_all_that_it_told() {
        let kept = KeptReadings::default();
        kept.keep(reading(1, 10, [(136, true)]));
        kept.keep(reading(1, 2, [(136, true)]));
        assert_eq!((kept.of(day(1)).len(), kept.of(day(3)).len()), (2, 1));
        assert_eq!(kept.of(day(1))[0].days.count, 2, "the latest first");
        kept.keep(reading(1, 2, [(136, true)]));
        assert_eq!(kept.of(day(1)).len(), 2);
        kept.keep(reading(1, 10, [(136, false)]));
        assert_eq!(kept.of(day(1)).len(), 3, "a reading that failed tells nothing");
        kept.keep(reading(1, 10, [(136, true)]));
        assert_eq!(kept.of(day(1)).len(), 1);
    }

    #[test]
    fn what_is_kept_has_a_bound_and_the_latest_is_kept_whatever_its_size() {
        let kept = KeptReadings::default();
        for first in 1..=20 {
            kept.keep(reading(first, 1, (0..100).map(|id| (id, true))));
        }
        assert_eq!((1..=20).filter(|first| !kept.of(day(*first)).is_empty()).count(), SCHEDULES_MAX / 100);
        kept.keep(reading(1, 20, (0..1000).map(|id| (id, true))));
        assert_eq!(kept.of(day(20)).len(), 1);
    }

    fn times() -> impl Strategy<Value = Vec<Span>> {
        let moment = || (-1_i64 << 32..1_i64 << 33, prop_oneof![9 => Just(0), 1 => 0_u32..1_000_000_000]);
        let at = |(second, fraction)| DateTime::from_timestamp(second, fraction).unwrap();
        vec((moment(), moment()).prop_map(move |(start, end)| Span::new(at(start), at(end))), 0..5)
    }

    proptest! {
        #[test]
        fn every_reading_is_unfolded_as_it_was(
            schedules in vec((any::<i64>(), any::<bool>(), times(), times()), 0..4),
            users in vec((any::<i64>(), vec((any::<i64>(), times()), 0..3)), 0..3),
        ) {
            let (began, window) = (DateTime::UNIX_EPOCH, Span::new(DateTime::UNIX_EPOCH, DateTime::<Utc>::MAX_UTC));
            let schedule = |(id, is_read, free, busy): (i64, bool, Vec<Span>, Vec<Span>)| {
                (ScheduleId(id), is_read.then_some(ScheduleReading { window, began, free, busy }))
            };
            let user = |(id, free): (i64, Vec<(i64, Vec<Span>)>)| {
                let free = free.into_iter().map(|(schedule, times)| (ScheduleId(schedule), times)).collect();
                (UserId(id), UserReading { window, ended: began, free })
            };
            let readings = Arc::new(Readings {
                schedules: schedules.into_iter().map(schedule).collect(),
                users: users.into_iter().map(user).collect(),
            });
            let reading = KeptReading { days: Days { first: day(1), count: 60 }, began, readings };
            prop_assert_eq!(FoldedReading::of(&reading).unfold(), reading);
        }
    }

    #[test]
    fn sixty_days_of_a_schedule_with_eight_appointments_each_take_four_kibibytes_at_most() {
        let at =
            |day: i64, minute: i64| DateTime::from_timestamp(1_800_000_000 + 86_400 * day + 60 * minute, 0).unwrap();
        let set = |shift: i64| -> Vec<Span> {
            let starts = (0..60).flat_map(|day| (0..8).map(move |number| (day, 60 * number + shift)));
            starts.map(|(day, from)| Span::new(at(day, from), at(day, from + 15))).collect()
        };
        let sets = [set(0), set(15)];
        let folded = FoldedTimes::of(&[&sets[0], &sets[1]]);
        assert!(folded.0.len() <= 4_096, "{}", folded.0.len());
        assert_eq!(folded.unfold(), sets);
    }
}
