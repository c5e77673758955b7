//! By when a booking has to be looked up, rejected and answered.

use chrono::{DateTime, TimeDelta, Utc};

/// The deadlines of one booking, on our own clock.
///
/// Healthengine counts 20 seconds from `bookedTime`, which has whole seconds; afterwards a
/// rejection no longer reaches the pet owner. Our own limits leave room for the way there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deadline(Option<DateTime<Utc>>);

/// Waiting, rate limit and look together end this long after the booking.
const LOOK_SECONDS: i64 = 12;
/// For a booking that is seen later than that, still in time for a rejection.
const LATE_LOOK_SECONDS: i64 = 14;
/// A rejection that is to count leaves within this time.
const REJECT_SECONDS: i64 = 15;
/// Healthengine's own limit, less a second: its clock is known to half a second and half a round
/// trip.
const OVER_SECONDS: i64 = 19;

impl Deadline {
    /// `ahead` is how far Healthengine's clock is ahead of ours. Without a `bookedTime` everything
    /// counts as over.
    pub fn new(booked_at: Option<DateTime<Utc>>, ahead: TimeDelta) -> Self {
        Self(booked_at.and_then(|at| at.checked_sub_signed(ahead)))
    }

    /// Until when a look may take; `None` when that time is over, and a look may take as long as
    /// any other call.
    pub fn look_until(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        [LOOK_SECONDS, LATE_LOOK_SECONDS]
            .into_iter()
            .filter_map(|seconds| self.after(seconds))
            .find(|limit| now < *limit)
    }

    /// True while a rejection that leaves this moment still shows the pet owner other times.
    pub fn rejection_counts(&self, now: DateTime<Utc>) -> bool {
        self.after(REJECT_SECONDS).is_some_and(|limit| now <= limit)
    }

    /// True once the pet owner was, or may have been, told yes.
    pub fn is_over(&self, now: DateTime<Utc>) -> bool {
        self.after(OVER_SECONDS).is_none_or(|limit| limit < now)
    }

    /// How long ago the pet owner booked, if that is known.
    pub fn age(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.0.map(|booked| now - booked)
    }

    fn after(&self, seconds: i64) -> Option<DateTime<Utc>> {
        self.0.and_then(|at| at.checked_add_signed(TimeDelta::seconds(seconds)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_550_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn deadlines_follow_the_clock_of_healthengine() {
        // Healthengine is 5 s ahead: what it calls 100 is our 95.
        let deadline = Deadline::new(Some(at(100)), TimeDelta::seconds(5));
        assert_eq!(deadline.look_until(at(95)), Some(at(107)));
        assert_eq!(deadline.look_until(at(107)), Some(at(109)), "seen late, and still in time for a rejection");
        assert_eq!(deadline.look_until(at(109)), None);
        assert!(deadline.rejection_counts(at(110)) && !deadline.rejection_counts(at(111)));
        assert!(!deadline.is_over(at(114)) && deadline.is_over(at(115)));
    }

    #[test]
    fn a_booking_without_a_booked_time_is_over_its_deadline() {
        let deadline = Deadline::new(None, TimeDelta::zero());
        assert!(deadline.is_over(at(0)) && !deadline.rejection_counts(at(0)) && deadline.look_until(at(0)).is_none());
    }
}
