//! Whether Healthengine shows what the diary says, and what was last done when.

use chrono::{DateTime, TimeDelta, Utc};

use super::Practice;
use super::health::Subject;
use crate::messages::{practice as say, rival};

/// What was last done when. Shown to operators, and what *in step* is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// The last poll that was answered.
    pub polled_at: Option<DateTime<Utc>>,
    /// The last reading of every schedule of the near days.
    pub read_at: Option<DateTime<Utc>>,
    /// The last time the configuration was as Healthengine has it.
    pub configured_at: Option<DateTime<Utc>>,
    /// The last day that was sent.
    pub sent_at: Option<DateTime<Utc>>,
}

impl Progress {
    /// The later of each: what a practice that starts anew goes on from.
    fn or(self, former: Self) -> Self {
        let Self { polled_at, read_at, configured_at, sent_at } = self;
        Self {
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
        if progress.read_at.is_none_or(|at| now - at > stale) {
            reasons.push(say::NOT_READ.to_owned());
        }
        if progress.polled_at.is_none()
            || self.locked(&self.calls).poll_fails()
            || self.health.has(&Subject::BookingList)
        {
            reasons.push(say::NOT_POLLED.to_owned());
        }
        if self.health.has(&Subject::Configuration) || self.health.has(&Subject::Days) {
            reasons.push(say::NOT_TAKEN.to_owned());
        }
        if self.health.has(&Subject::Access) {
            reasons.push(say::NO_ACCESS.to_owned());
        }
        if self.rivals.is_certain() {
            reasons.push(rival::NOT_ALONE.to_owned());
        }
        reasons
    }
}
