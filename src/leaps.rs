//! Notices that the clock leaped: the machine slept, or somebody set its clock.
//!
//! tokio waits by the machine's monotonic clock, which stands still while the machine sleeps; due dates are times of day. When the
//! two move apart, whoever waits goes round at once: after an hour of sleep everything that is due is due at once, and after a
//! clock that was wrong was set right nothing waits for a future that was a mistake. To go round once too often costs a few calls.
//! What must not come to an end too soon does not ask the wall clock ([`crate::clock::Measured`]).

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

/// Tells of leaps. Those who wait hear of one in the order in which they began to wait (a watch channel draws it by lot), so that a
/// simulated life comes out the same every time.
#[derive(Debug, Default)]
pub struct Leaps(Arc<Told>);

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
    /// Hears of leaps from here on.
    pub fn listen(&self) -> Leaped {
        Leaped { told: Arc::clone(&self.0), heard: self.0.leaps.load(Ordering::Relaxed) }
    }

    /// Compares the clocks for ever. `first` is done before anybody hears of a leap.
    pub async fn watch(&self, clock: &Clock, first: impl Fn()) {
        let mut pair = (clock.now(), Instant::now());
        loop {
            tokio::time::sleep(COMPARED_EVERY).await;
            let next = (clock.now(), Instant::now());
            let leap = leap(pair, next);
            pair = next;
            if let Some(by) = leap {
                tracing::warn!("{}", crate::messages::start::clock_leaped(by));
                first();
                self.0.leaps.fetch_add(1, Ordering::Relaxed);
                self.0.news.notify_waiters();
            }
        }
    }
}

/// How far the wall clock went beyond the monotonic one between two looks, if that is a leap.
fn leap(before: (DateTime<Utc>, Instant), after: (DateTime<Utc>, Instant)) -> Option<TimeDelta> {
    let waited = TimeDelta::from_std(after.1.saturating_duration_since(before.1)).unwrap_or(TimeDelta::MAX);
    let by = (after.0 - before.0).checked_sub(&waited)?;
    (by.abs() >= LEAP_MIN).then_some(by)
}
