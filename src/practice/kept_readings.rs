//! The latest readings of the diary, kept so that a person can be told of a day while OpenVPMS is
//! away.

use std::collections::VecDeque;
use std::sync::Arc;

use chrono::{DateTime, NaiveDate, Utc};
use parking_lot::Mutex;

use crate::availability::{Days, Readings};

/// So many readings of schedules are kept; the oldest go first. Sixty days of one schedule take
/// some 20 KiB.
const SCHEDULES_MAX: usize = 400;

/// The latest readings of each day.
#[derive(Default)]
pub(super) struct KeptReadings(Mutex<VecDeque<KeptReading>>);

/// A reading of some days.
#[derive(Clone)]
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
        let mut kept = self.0.lock();
        kept.retain(|old| !reading.tells_all_of(old));
        kept.push_back(reading);
        let mut schedules: usize = kept.iter().map(KeptReading::size).sum();
        while schedules > SCHEDULES_MAX && kept.len() > 1 {
            schedules -= kept.pop_front().map_or(0, |oldest| oldest.size());
        }
    }

    /// Those that tell of a day, the latest first.
    pub(super) fn of(&self, date: NaiveDate) -> Vec<KeptReading> {
        self.0.lock().iter().rev().filter(|kept| kept.days.holds(date)).cloned().collect()
    }
}

impl KeptReading {
    fn size(&self) -> usize {
        self.readings.schedules.len()
    }

    /// True if nothing is lost with the other one.
    fn tells_all_of(&self, other: &Self) -> bool {
        let (own, others) = (&*self.readings, &*other.readings);
        other.days.within(self.days) == other.days
            && others.schedules.iter().all(|(id, read)| read.is_none() || own.schedule(*id).is_some())
            && others.users.keys().all(|id| own.users.contains_key(id))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::ScheduleReading;
    use crate::ids::ScheduleId;
    use crate::span::Span;

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
}
