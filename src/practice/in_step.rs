//! Whether Healthengine shows what the diary says, and what was last done when.

use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::Practice;
use super::calls::Calls;
use super::health::Subject;
use crate::messages::{practice as say, rival};

/// What was last done when. Shown to operators, and what *in step* is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// The last poll that was answered.
    pub polled_at: Option<DateTime<Utc>>,
    /// How long after the last poll the next one begins.
    pub poll_wait: Duration,
    /// The last reading of every schedule of the near days.
    pub read_at: Option<DateTime<Utc>>,
    /// The last time the configuration was as Healthengine has it.
    pub configured_at: Option<DateTime<Utc>>,
    /// When Healthengine last took a day.
    pub sent_at: Option<DateTime<Utc>>,
}

impl Progress {
    /// The later of each: what a practice that starts anew goes on from.
    fn or(self, former: Self) -> Self {
        let Self { polled_at, poll_wait, read_at, configured_at, sent_at } = self;
        Self {
            poll_wait: poll_wait.max(former.poll_wait),
            polled_at: polled_at.max(former.polled_at),
            read_at: read_at.max(former.read_at),
            configured_at: configured_at.max(former.configured_at),
            sent_at: sent_at.max(former.sent_at),
        }
    }
}

impl Practice {
    /// Goes on where another with the same id stopped, as after a reload: what was done stays done.
    pub fn carry_on_from(&self, former: &Self) {
        let before = former.progress();
        let mut progress = self.locked(&self.progress);
        *progress = progress.or(before);
    }

    /// What was last done when.
    pub fn progress(&self) -> Progress {
        *self.locked(&self.progress)
    }

    /// Why Healthengine may not show what the diary says; empty when it does. `near_interval` is how often the near days are read.
    pub fn not_in_step(&self, now: DateTime<Utc>) -> Vec<String> {
        let progress = self.progress();
        let near_interval =
            TimeDelta::from_std(self.settings.sync.availability_interval).unwrap_or(TimeDelta::minutes(1));
        // A reading takes its time, so a young process or a slow server is not out of step after two intervals of 100 ms.
        let stale = (near_interval * 2).max(TimeDelta::seconds(10));
        let mut reasons = Vec::new();
        if !self.configuration.was_ever_accepted() {
            reasons.push(say::NOT_CONFIGURED.to_owned());
        }
        if is_stale(progress.read_at, stale, now) {
            reasons.push(say::NOT_READ.to_owned());
        }
        let poll_wait = TimeDelta::from_std(progress.poll_wait).unwrap_or(TimeDelta::minutes(30));
        if is_stale(progress.polled_at, (poll_wait * 3).max(TimeDelta::seconds(10)), now)
            || self.calls.look(Calls::poll_fails)
            || self.health.has(&Subject::BookingList)
        {
            reasons.push(say::NOT_POLLED.to_owned());
        }
        let near_day_is_refused = || {
            let first = self.zone().wall(now).date();
            let end = first + chrono::Days::new(self.settings.sync.near_days.into());
            self.publisher.is_refused_within(first, end)
        };
        if self.health.has(&Subject::Configuration)
            || self.health.has(&Subject::Days)
            || (self.health.has(&Subject::RefusedDays) && near_day_is_refused())
        {
            reasons.push(say::NOT_TAKEN.to_owned());
        }
        if self.health.has(&Subject::Access) {
            reasons.push(say::NO_ACCESS.to_owned());
        }
        if self.rivals.is_certain() {
            reasons.push(rival::NOT_ALONE.to_owned());
        }
        reasons.extend(self.loops_that_are_ill());
        reasons
    }

    /// The next poll begins this long after the last one began.
    pub(super) fn polls_again_after(&self, wait: Duration) {
        self.locked(&self.progress).poll_wait = wait;
    }
}

/// True for what was never done, or so long ago. Far in the future it was done before this machine's clock was set right: how long
/// ago that is nobody knows.
fn is_stale(at: Option<DateTime<Utc>>, after: TimeDelta, now: DateTime<Utc>) -> bool {
    at.is_none_or(|at| (now - at).abs() > after)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_done_before_the_clock_was_set_back_counts_for_nothing() {
        let (at, minute) = (DateTime::UNIX_EPOCH + TimeDelta::days(20_000), TimeDelta::minutes(1));
        assert!(is_stale(None, minute, at));
        for (after, expected) in [(0, false), (60, false), (61, true), (-60, false), (-61, true), (-864_000, true)] {
            assert_eq!(is_stale(Some(at), minute, at + TimeDelta::seconds(after)), expected, "{after}");
        }
    }
}
