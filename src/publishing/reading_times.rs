//! When the near days are read, and when all of them.
//!
//! One call tells of a schedule's whole horizon as well as of its near days, so the far days cost
//! no call of their own: they are read with the reading of the near days that is closest to when
//! they are due. While days cannot be read each are read when they are due themselves: a reading of
//! the whole horizon that takes the server too long must not keep the near days from being read.

use std::time::{Duration, Instant};

/// Which days are due.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DueReading {
    /// The near ones.
    Near,
    /// Those beyond.
    Far,
    /// All of them, in one reading.
    All,
}

impl DueReading {
    /// True if the near days are among them.
    pub fn has_near(self) -> bool {
        self != Self::Far
    }

    /// True if those beyond are among them.
    pub fn has_far(self) -> bool {
        self != Self::Near
    }
}

/// When the days are to be read next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ReadingTimes {
    /// The near ones.
    pub near_at: Instant,
    /// Those beyond.
    pub far_at: Instant,
    /// True while days cannot be read.
    pub are_apart: bool,
    /// Otherwise the far days are read so much earlier or later, where the near ones are read then.
    slack_max: Duration,
}

impl ReadingTimes {
    /// All of them now, and then at these intervals.
    pub fn all_at(now: Instant, near_interval: Duration, far_interval: Duration) -> Self {
        Self { near_at: now, far_at: now, are_apart: false, slack_max: near_interval.min(far_interval) / 2 }
    }

    /// All of them are to be read now.
    pub fn all_now(&mut self, now: Instant) {
        (self.near_at, self.far_at) = (now, now);
    }

    /// What is due by now.
    pub fn due(&self, now: Instant) -> Option<DueReading> {
        match (self.near_at <= now, self.far_at) {
            (true, far_at) if far_at <= now + self.slack() => Some(DueReading::All),
            (true, _) => Some(DueReading::Near),
            (false, far_at) if far_at <= now && !self.is_far_with_near() => Some(DueReading::Far),
            (false, _) => None,
        }
    }

    /// When something is due next.
    pub fn next(&self) -> Instant {
        if self.is_far_with_near() { self.near_at } else { self.near_at.min(self.far_at) }
    }

    fn slack(&self) -> Duration {
        if self.are_apart { Duration::ZERO } else { self.slack_max }
    }

    /// True if the far days wait for the near ones, which are due soon after.
    fn is_far_with_near(&self) -> bool {
        self.near_at <= self.far_at + self.slack()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    /// The readings of so many seconds, each of which takes 50 ms.
    fn readings(near: u32, far: u32, seconds: u32) -> Vec<(u64, DueReading)> {
        let start = tokio::time::Instant::now().into_std();
        let (near, far) = (SECOND * near, SECOND * far);
        let mut times = ReadingTimes::all_at(start, near, far);
        let (mut now, mut readings) = (start, Vec::new());
        while now < start + SECOND * seconds {
            let due = times.due(now).expect("something is due whenever `next` says so");
            readings.push(((now - start).as_secs(), due));
            now += SECOND / 20;
            if due.has_near() {
                times.near_at = now + near;
            }
            if due.has_far() {
                times.far_at = now + far;
            }
            now = now.max(times.next());
        }
        readings
    }

    #[test]
    fn the_far_days_cost_no_reading_of_their_own_and_are_as_old_as_configured() {
        let hour = readings(60, 900, 3600);
        assert_eq!(hour.len(), 60, "{hour:?}");
        let all: Vec<u64> = hour.iter().filter(|(_, due)| *due == DueReading::All).map(|(at, _)| *at).collect();
        assert_eq!(all, [0, 900, 1801, 2702]);
        assert!(hour.iter().all(|(_, due)| *due != DueReading::Far));
        // Intervals that do not divide each other: half of a near interval early or late.
        let odd = readings(60, 200, 3600);
        let all: Vec<u64> = odd.iter().filter(|(_, due)| due.has_far()).map(|(at, _)| *at).collect();
        assert!(all.windows(2).all(|pair| (170..=231).contains(&(pair[1] - pair[0]))), "{all:?}");
        assert_eq!(odd.len(), 60);
    }

    #[test]
    fn far_days_that_are_due_more_often_than_near_ones_are_read_that_often() {
        let readings = readings(60, 10, 600);
        let far: Vec<u64> = readings.iter().filter(|(_, due)| due.has_far()).map(|(at, _)| *at).collect();
        assert!(far.windows(2).all(|pair| pair[1] - pair[0] <= 15), "{far:?}");
        let near = readings.iter().filter(|(_, due)| due.has_near()).count();
        assert_eq!(near, 10, "{readings:?}");
    }

    #[test]
    fn far_days_that_are_tried_again_long_before_the_near_ones_do_not_wait_for_them() {
        let start = tokio::time::Instant::now().into_std();
        let mut times = ReadingTimes::all_at(start, SECOND * 600, SECOND * 900);
        (times.near_at, times.far_at) = (start + SECOND * 600, start + SECOND * 60);
        assert_eq!((times.next(), times.due(start + SECOND * 60)), (times.far_at, Some(DueReading::Far)));
        times.far_at = start + SECOND * 350;
        assert_eq!((times.next(), times.due(start + SECOND * 350)), (times.near_at, None));
        assert_eq!(times.due(start + SECOND * 600), Some(DueReading::All));
    }

    #[test]
    fn while_days_cannot_be_read_the_near_ones_are_read_alone_and_the_far_ones_when_they_are_due() {
        let start = tokio::time::Instant::now().into_std();
        let mut times = ReadingTimes::all_at(start, SECOND * 60, SECOND * 900);
        (times.near_at, times.far_at, times.are_apart) = (start + SECOND, start + SECOND * 20, true);
        assert_eq!((times.next(), times.due(start + SECOND)), (times.near_at, Some(DueReading::Near)));
        times.near_at = start + SECOND * 61;
        assert_eq!((times.next(), times.due(start + SECOND * 20)), (times.far_at, Some(DueReading::Far)));
        times.are_apart = false;
        assert_eq!((times.next(), times.due(start + SECOND * 20)), (times.far_at, Some(DueReading::Far)));
        times.far_at = start + SECOND * 31;
        assert_eq!((times.next(), times.due(start + SECOND * 31)), (times.near_at, None));
    }
}
