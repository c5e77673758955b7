//! The only place that asks what time it is.
//!
//! Everything else is told `now`, or holds a [`Clock`]. Waiting is `tokio::time::sleep`, so a test
//! with paused tokio time owns both: [`Clock::virtual_from`] moves exactly as fast as tokio's clock
//! does.

pub(crate) mod measured;

use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

pub use measured::Measured;

/// Says what time it is (UTC).
#[derive(Clone)]
pub struct Clock(Source);

#[derive(Clone)]
enum Source {
    System,
    Virtual { start: DateTime<Utc>, since: Instant },
    Kept(Arc<dyn Fn() -> DateTime<Utc> + Send + Sync>),
}

impl Clock {
    /// The machine's clock.
    pub fn system() -> Self {
        Self(Source::System)
    }

    /// A clock that shows `start` at this moment and runs with tokio's time, paused or not.
    pub fn virtual_from(start: DateTime<Utc>) -> Self {
        Self(Source::Virtual { start, since: Instant::now() })
    }

    /// A clock that somebody else keeps, and may set.
    pub fn kept_by(shown: impl Fn() -> DateTime<Utc> + Send + Sync + 'static) -> Self {
        Self(Source::Kept(Arc::new(shown)))
    }

    /// The present time.
    pub fn now(&self) -> DateTime<Utc> {
        match &self.0 {
            #[expect(clippy::disallowed_methods, reason = "this is the one real clock")]
            Source::System => Utc::now(),
            Source::Virtual { start, since } => *start + TimeDelta::from_std(since.elapsed()).unwrap_or(TimeDelta::MAX),
            Source::Kept(shown) => shown(),
        }
    }
}

/// Measures time that nobody sets: a process starts one when it begins. It stands still while the
/// machine sleeps.
#[derive(Debug, Clone)]
pub struct Stopwatch {
    began: DateTime<Utc>,
    since: Instant,
}

impl Stopwatch {
    /// Starts to measure, at this moment by the clock.
    pub fn start(began: DateTime<Utc>) -> Self {
        Self { began, since: Instant::now() }
    }

    /// What it shows.
    pub fn read(&self) -> Measured {
        let elapsed = TimeDelta::from_std(self.since.elapsed()).unwrap_or(TimeDelta::MAX);
        Measured { began: self.began, now: self.began.checked_add_signed(elapsed).unwrap_or(self.began) }
    }
}

impl fmt::Debug for Clock {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Clock({})", self.now())
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn a_virtual_clock_runs_with_paused_time() {
        let start = DateTime::from_timestamp(1_550_000_000, 0).unwrap();
        let clock = Clock::virtual_from(start);
        tokio::time::advance(Duration::from_secs(90)).await;
        assert_eq!(clock.now(), start + TimeDelta::seconds(90));
    }

    #[tokio::test(start_paused = true)]
    async fn what_another_process_noted_counts_from_when_this_one_began() {
        let at = |seconds: i64| DateTime::from_timestamp(1_550_000_000 + seconds, 0).unwrap();
        let stopwatch = Stopwatch::start(at(0));
        tokio::time::advance(Duration::from_secs(90)).await;
        let now = stopwatch.read();
        assert_eq!(now, Measured { began: at(0), now: at(90) });
        for (noted, counted) in [(0, 0), (30, 30), (90, 90), (-1, 0), (-86_400, 0), (91, 0), (864_000, 0)] {
            assert_eq!(now.counted(at(noted)), at(counted), "{noted}");
        }
    }
}
