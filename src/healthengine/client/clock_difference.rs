//! How far Healthengine's clock is ahead of ours, from the `Date` of its answers.
//!
//! Deadlines of bookings depend on it, so one wrong `Date` must not move them. The latest few
//! readings vote: readings that agree stand together, and the largest group tells the difference.
//! Of equal groups the one nearest to zero does, because a machine's clock is usually right. So a
//! first reading counts at once, a second one that disagrees can correct it, and among readings
//! that agree an outlier is ignored until [`READINGS_KEPT`] / 2 + 1 say the same.
//!
//! A clock that is set (or a machine that slept) makes former readings worthless; they are
//! forgotten then.
//!
//! An exchange that took long says little: only between which bounds the difference lies. Where
//! nothing better was read the difference is moved into them, and not further.

use std::collections::VecDeque;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

/// So many readings vote.
const READINGS_KEPT: usize = 5;
/// Readings this far apart agree: each can be wrong by half a second and half a round trip.
const AGREEMENT: TimeDelta = TimeDelta::seconds(3);
/// An exchange that took longer says little about the clocks.
const ROUND_TRIP_MAX: TimeDelta = TimeDelta::seconds(2);
/// No exchange takes longer: our clock was set forward meanwhile.
const EXCHANGE_MAX: TimeDelta = TimeDelta::seconds(60);
/// Our clock was set if it went so much more, or less, than the time that went by.
const CLOCK_WAS_SET: TimeDelta = TimeDelta::seconds(2);

/// One exchange, as our clock saw it.
#[derive(Debug, Clone, Copy)]
pub(super) struct DateReading {
    /// When it was asked.
    pub(super) asked_at: DateTime<Utc>,
    /// When the answer was there.
    pub(super) answered_at: DateTime<Utc>,
    /// The answer's `Date`: whole seconds, cut off.
    pub(super) date: DateTime<Utc>,
}

/// The latest readings, and what they say together.
#[derive(Debug, Default)]
pub(super) struct ClockDifference {
    readings: VecDeque<TimeDelta>,
    /// The difference; zero before anything was read.
    difference: TimeDelta,
    /// When the latest reading was taken, by our clock and by the time that goes by.
    last: Option<(DateTime<Utc>, Instant)>,
}

impl ClockDifference {
    /// How far the other clock is ahead.
    pub(super) fn get(&self) -> TimeDelta {
        self.difference
    }

    /// The same, if something was read and our clock, which shows `shown`, was not set since.
    pub(super) fn sure(&self, shown: DateTime<Utc>, now: Instant) -> Option<TimeDelta> {
        self.last.filter(|_| !self.was_set(shown, now)).map(|_| self.difference)
    }

    /// True if our clock, which shows `shown`, was set since the last reading. Where no answer
    /// tells the time the machine's own counts.
    pub(super) fn was_set(&self, shown: DateTime<Utc>, now: Instant) -> bool {
        self.last.is_some_and(|last| was_set(last, (shown, now)))
    }

    /// Takes one more reading into account, taken at this moment of the time that goes by.
    pub(super) fn note(&mut self, reading: DateReading, now: Instant) {
        let Some(read) = read(reading) else { return };
        if self.last.is_some_and(|last| was_set(last, (reading.answered_at, now))) {
            self.readings.clear();
            self.difference = TimeDelta::zero();
        }
        self.last = Some((reading.answered_at, now));
        let read = match read {
            Read::About(difference) => difference,
            Read::Between(least, most) if self.readings.is_empty() => {
                self.difference = self.difference.max(least).min(most);
                return;
            }
            Read::Between(..) => return,
        };
        if self.readings.len() == READINGS_KEPT {
            self.readings.pop_front();
        }
        self.readings.push_back(read);
        self.difference = agreed(self.readings.make_contiguous());
    }
}

/// What one exchange says of the difference.
enum Read {
    /// It is this, to half a second and half of the round trip.
    About(TimeDelta),
    /// It is not less than the one, and not more than the other.
    Between(TimeDelta, TimeDelta),
}

/// Half a second is added to the `Date`, which is cut to whole ones and was written about when half
/// of the exchange was over. Nothing can be said if our clock was set meanwhile.
fn read(reading: DateReading) -> Option<Read> {
    let DateReading { asked_at, answered_at, date } = reading;
    let round_trip = answered_at.signed_duration_since(asked_at);
    if round_trip < TimeDelta::zero() || round_trip > EXCHANGE_MAX {
        return None;
    }
    if round_trip > ROUND_TRIP_MAX {
        let most = date.checked_add_signed(TimeDelta::seconds(1))?.signed_duration_since(asked_at);
        return Some(Read::Between(date.signed_duration_since(answered_at), most));
    }
    let theirs = date.checked_add_signed(TimeDelta::milliseconds(500))?;
    Some(Read::About(theirs.signed_duration_since(asked_at.checked_add_signed(round_trip / 2)?)))
}

fn was_set(before: (DateTime<Utc>, Instant), after: (DateTime<Utc>, Instant)) -> bool {
    let shown = after.0.signed_duration_since(before.0);
    let passed = TimeDelta::from_std(after.1.saturating_duration_since(before.1)).unwrap_or(TimeDelta::MAX);
    shown.checked_sub(&passed).is_none_or(|step| step.abs() > CLOCK_WAS_SET)
}

/// The middle of the largest group of readings that agree.
fn agreed(readings: &[TimeDelta]) -> TimeDelta {
    let group = |first: TimeDelta| {
        let mut group: Vec<TimeDelta> = readings
            .iter()
            .filter(|other| **other >= first && other.checked_sub(&first).is_some_and(|apart| apart <= AGREEMENT))
            .copied()
            .collect();
        group.sort_unstable();
        group
    };
    let groups = readings.iter().map(|first| group(*first));
    let middle = |group: &[TimeDelta]| group.get(group.len() / 2).copied().unwrap_or_default();
    groups
        .max_by_key(|group| (group.len(), std::cmp::Reverse(middle(group).abs())))
        .map(|group| middle(&group))
        .unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    /// Readings as they come, five seconds apart: how far ahead each says the other clock is, and
    /// what the difference is then.
    fn votes(steps: &[(i64, i64)]) {
        let (mut clocks, started) = (ClockDifference::default(), Instant::now());
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (index, (read, expected)) in steps.iter().enumerate() {
            let passed = Duration::from_secs(5 * index as u64);
            let asked_at = start + passed;
            let date = asked_at + TimeDelta::seconds(*read);
            let reading = DateReading { asked_at, answered_at: asked_at + TimeDelta::milliseconds(100), date };
            clocks.note(reading, started + passed);
            let told = clocks.get();
            let error = (told - TimeDelta::seconds(*expected)).abs();
            assert!(error <= TimeDelta::seconds(1), "reading {index} of {steps:?}: {told}");
        }
    }

    #[tokio::test]
    async fn a_first_reading_counts_and_an_outlier_does_not_until_several_agree() {
        votes(&[(90, 90), (90, 90), (90, 90)]);
        votes(&[(0, 0), (0, 0), (-6, 0), (0, 0), (3600, 0), (0, 0)]);
        // A server whose clock was set, or a wrong start: three of five say so.
        votes(&[(0, 0), (0, 0), (90, 0), (90, 0), (90, 90), (90, 90)]);
        votes(&[(-86_400, -86_400), (0, 0), (0, 0), (0, 0)]);
        // Outliers that do not agree with each other outvote nobody.
        votes(&[(0, 0), (0, 0), (50, 0), (-50, 0), (500, 0), (-500, 0), (0, 0)]);
        // Steps of the last second are no disagreement.
        votes(&[(0, 0), (1, 1), (0, 0), (1, 1), (-1, 0), (1, 1)]);
    }

    #[tokio::test]
    async fn the_difference_is_sure_from_the_first_reading_until_the_clock_is_set() {
        let (mut clocks, started) = (ClockDifference::default(), Instant::now());
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        assert_eq!(clocks.sure(start, started), None, "nothing was read");
        assert!(!clocks.was_set(start, started), "a server that tells no time makes nothing late");
        clocks.note(DateReading { asked_at: start, answered_at: start, date: start }, started);
        let (later, passed) = (start + TimeDelta::seconds(90), started + Duration::from_secs(90));
        assert_eq!(clocks.sure(later, passed), Some(TimeDelta::milliseconds(500)));
        assert_eq!(clocks.sure(later + TimeDelta::days(10), passed), None, "set since");
        assert_eq!(clocks.sure(later - TimeDelta::days(10), passed), None, "set back since");
    }

    #[tokio::test]
    async fn readings_from_before_the_clock_was_set_are_forgotten() {
        let (mut clocks, started) = (ClockDifference::default(), Instant::now());
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let mut note = |passed: u64, shown: i64| {
            let (asked_at, date) = (start + TimeDelta::seconds(shown), start + Duration::from_secs(passed));
            let reading = DateReading { asked_at, answered_at: asked_at, date };
            clocks.note(reading, started + Duration::from_secs(passed));
            clocks.get().num_seconds()
        };
        for second in 0..5 {
            assert_eq!(note(second, second as i64), 0);
        }
        // Our clock goes ten days ahead, and back: each time the first reading counts.
        assert_eq!(note(5, 5 + 864_000), -863_999);
        assert_eq!(note(6, 6), 0);
    }

    #[tokio::test]
    async fn a_slow_exchange_says_between_which_bounds_the_difference_lies_where_nothing_better_is_known() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        let slow = |written: i64| DateReading {
            asked_at: start,
            answered_at: start + TimeDelta::seconds(8),
            date: start + TimeDelta::seconds(written),
        };
        for (written, expected) in [(0, 0), (8, 0), (-1, 0), (-20, -19), (45, 37)] {
            let (mut clocks, now) = (ClockDifference::default(), Instant::now());
            clocks.note(slow(written), now);
            assert_eq!(clocks.get(), TimeDelta::seconds(expected), "{written}");
            assert!(clocks.sure(start + TimeDelta::seconds(8), now).is_some(), "as sure as can be");
            let set = DateReading { answered_at: start + TimeDelta::days(10), ..slow(written) };
            clocks.note(set, now);
            assert_eq!(clocks.get(), TimeDelta::seconds(expected), "{written}: our clock was set meanwhile");
            let fast = start + TimeDelta::seconds(9);
            clocks.note(DateReading { asked_at: fast, answered_at: fast, date: fast }, now + Duration::from_secs(1));
            clocks.note(slow(45), now + Duration::from_secs(1));
            assert_eq!(clocks.get(), TimeDelta::milliseconds(500), "{written}: something better is known");
        }
    }

    #[tokio::test]
    async fn dates_at_the_ends_of_time_harm_nothing() {
        let (mut clocks, now) = (ClockDifference::default(), Instant::now());
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for date in [DateTime::<Utc>::MAX_UTC, DateTime::<Utc>::MIN_UTC] {
            clocks.note(DateReading { asked_at: start, answered_at: start, date }, now);
            clocks.note(DateReading { asked_at: date, answered_at: date, date: start }, now);
        }
    }
}
