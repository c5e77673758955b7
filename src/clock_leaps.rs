//! Notices that the clock leaped: the machine slept, or somebody set its clock.
//!
//! tokio waits by the machine's monotonic clock, which stands still while the machine sleeps; due
//! dates are times of day. When the two move apart, whoever waits goes round at once: after an hour
//! of sleep everything that is due is due at once, and after a clock that was wrong was set right
//! nothing waits for a future that was a mistake. To go round once too often costs a few calls.
//! What must not come to an end too soon does not ask the wall clock ([`crate::clock::Measured`]).

use parking_lot::Mutex;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::Notify;
use tokio::time::Instant;

use crate::clock::Clock;

/// The two clocks are compared this often.
const COMPARED_EVERY: Duration = Duration::from_secs(1);
/// A smaller difference is the daily correction of a clock.
const LEAP_MIN: TimeDelta = TimeDelta::seconds(5);

/// Tells of leaps. Those who wait hear of one in the order in which they began to wait (a watch
/// channel draws it by lot), so that a simulated life comes out the same every time.
#[derive(Debug)]
pub struct Leaps {
    told: Arc<Told>,
    /// The two clocks, when they were last compared.
    compared: Mutex<(DateTime<Utc>, Instant)>,
}

#[derive(Debug, Default)]
struct Told {
    leaps: AtomicU64,
    news: Notify,
}

/// Hears of every leap after it was made.
#[derive(Debug)]
pub struct Leaped {
    told: Arc<Told>,
    /// The leaps that it heard of.
    heard: u64,
}

impl Leaped {
    /// Ends when the clock leaps, or did since this last ended.
    pub async fn leaped(&mut self) {
        loop {
            // Made before the look, so that no leap falls between the two.
            let news = self.told.news.notified();
            let leaps = self.told.leaps.load(Ordering::Relaxed);
            if leaps != self.heard {
                self.heard = leaps;
                return;
            }
            news.await;
        }
    }
}

impl Leaps {
    /// Those after this moment, at which the clock shows `now`.
    pub fn since(now: DateTime<Utc>) -> Self {
        Self { told: Arc::default(), compared: Mutex::new((now, Instant::now())) }
    }

    /// Hears of leaps from here on.
    pub fn listen(&self) -> Leaped {
        Leaped { told: Arc::clone(&self.told), heard: self.told.leaps.load(Ordering::Relaxed) }
    }

    /// Compares the clocks for ever. `first` is done before anybody hears of a leap.
    pub async fn watch<F: Future<Output = ()>>(&self, clock: &Clock, first: impl Fn() -> F) {
        loop {
            let next = (clock.now(), Instant::now());
            let last = std::mem::replace(&mut *self.compared.lock(), next);
            if let Some(by) = leap(last, next) {
                tracing::warn!("{}", crate::messages::start::clock_leaped(by));
                first().await;
                self.told.leaps.fetch_add(1, Ordering::Relaxed);
                self.told.news.notify_waiters();
            }
            tokio::time::sleep(COMPARED_EVERY).await;
        }
    }
}

/// How far the wall clock went beyond the monotonic one between two looks, if that is a leap.
fn leap(before: (DateTime<Utc>, Instant), after: (DateTime<Utc>, Instant)) -> Option<TimeDelta> {
    let waited = TimeDelta::from_std(after.1.saturating_duration_since(before.1)).unwrap_or(TimeDelta::MAX);
    let by = (after.0 - before.0).checked_sub(&waited)?;
    (by.abs() >= LEAP_MIN).then_some(by)
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::AtomicI64;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_while_the_store_is_read_has_leaped_and_one_that_goes_on_has_not() {
        let start = DateTime::from_timestamp(1_800_000_000, 0).unwrap();
        for (set, expected) in [(0, 0), (4, 0), (-864_000, 1), (3_600, 1)] {
            let (goes, ahead) = (Clock::virtual_from(start), Arc::new(AtomicI64::new(0)));
            let shown = Arc::clone(&ahead);
            let clock = Clock::kept_by(move || goes.now() + TimeDelta::seconds(shown.load(Ordering::Relaxed)));
            let leaps = Leaps::since(clock.now());
            let mut heard = leaps.listen();
            tokio::time::sleep(Duration::from_secs(30)).await;
            ahead.store(set, Ordering::Relaxed);
            let first = AtomicU64::new(0);
            let watched = leaps.watch(&clock, || async {
                first.fetch_add(1, Ordering::Relaxed);
            });
            assert!(tokio::time::timeout(Duration::from_secs(60), watched).await.is_err(), "it watches for ever");
            assert_eq!(first.load(Ordering::Relaxed), expected, "set by {set} s");
            let news = tokio::time::timeout(Duration::from_secs(1), heard.leaped()).await;
            assert_eq!(news.is_ok(), expected > 0, "set by {set} s");
        }
    }
}
