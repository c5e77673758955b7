//! How often, and when, a server may be asked: two lanes of a token bucket, and the time a server wants to be left alone.
//!
//! The shared bucket fills at the configured rate and holds what half a second fills. Calls of the background pass a bucket of
//! their own first, which fills half as fast: whatever they ask for, the desk finds half of the tokens unspent. Waiting is
//! bounded, and sleeps on tokio's clock, so that paused time pauses it too (governor's own waiting would not).

use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use tokio::time::Instant;

use super::Lane;
use crate::remote::{Answer, CallError, ErrorClass};

/// How long a call of the desk waits for its turn. Longer than that, the pet owner has been told something by now.
const DESK_PATIENCE: Duration = Duration::from_secs(10);
/// How long a call of the background waits for its turn.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(60);

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// The limits of one remote server, shared by everybody who asks it.
pub(super) struct Limits {
    per_second: NonZeroU32,
    background: Limiter,
    shared: Limiter,
    /// No call before this moment.
    closed_until: Mutex<Option<Instant>>,
}

impl Limits {
    /// At most so many requests per second, whoever asks.
    pub(super) fn new(per_second: NonZeroU32) -> Self {
        let half =
            Quota::with_period(Duration::from_secs(2) / per_second.get()).unwrap_or(Quota::per_second(per_second));
        Self {
            per_second,
            background: Limiter::direct_with_clock(half.allow_burst(part(per_second, 4)), TokioClock),
            shared: Limiter::direct_with_clock(
                Quota::per_second(per_second).allow_burst(part(per_second, 2)),
                TokioClock,
            ),
            closed_until: Mutex::new(None),
        }
    }

    /// These limits, or, for another rate, others that leave the server alone for as long as it wished from these.
    pub(super) fn renewed(this: &Arc<Self>, per_second: NonZeroU32) -> Arc<Self> {
        if this.per_second == per_second {
            return Arc::clone(this);
        }
        let closed_until = *this.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        Arc::new(Self { closed_until: Mutex::new(closed_until), ..Self::new(per_second) })
    }

    /// Waits for this call's turn.
    ///
    /// # Errors
    /// [`ErrorClass::NotSent`] at once while the server wants to be left alone, and when the turn would come too late.
    pub(super) async fn turn(&self, lane: Lane) -> Answer<()> {
        self.open()?;
        let patience = match lane {
            Lane::Desk => DESK_PATIENCE,
            Lane::Background => BACKGROUND_PATIENCE,
        };
        let give_up_at = Instant::now() + patience;
        if lane == Lane::Background {
            token(&self.background, give_up_at).await?;
        }
        token(&self.shared, give_up_at).await?;
        self.open()
    }

    /// From here on the server is left alone for this long.
    pub(super) fn close(&self, duration: Duration) {
        let until = Instant::now() + duration;
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        // Answers overtake each other: the longest wish counts.
        *closed = Some(closed.map_or(until, |earlier| earlier.max(until)));
    }

    fn open(&self) -> Answer<()> {
        let mut closed = self.closed_until.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(until) = *closed else { return Ok(()) };
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            *closed = None;
            return Ok(());
        }
        Err(CallError {
            retry_after: Some(left),
            ..CallError::new(
                ErrorClass::NotSent,
                format!("the server wants to be left alone for another {} s", left.as_secs().max(1)),
            )
        })
    }
}

/// A share of the tokens of one second, at least one.
fn part(per_second: NonZeroU32, share: u32) -> NonZeroU32 {
    NonZeroU32::new(per_second.get() / share).unwrap_or(NonZeroU32::MIN)
}

async fn token(limiter: &Limiter, give_up_at: Instant) -> Answer<()> {
    while let Err(not_until) = limiter.check() {
        let wait = not_until.wait_time_from(TokioClock.now());
        if Instant::now() + wait > give_up_at {
            return Err(CallError::new(
                ErrorClass::NotSent,
                "too many calls are waiting for the rate limit (max_requests_per_second)",
            ));
        }
        tokio::time::sleep(wait).await;
    }
    Ok(())
}

/// tokio's clock for governor.
#[derive(Clone, Copy)]
struct TokioClock;

impl Clock for TokioClock {
    type Instant = std::time::Instant;

    fn now(&self) -> Self::Instant {
        Instant::now().into_std()
    }
}

// governor implements this for the standard library's instant; asked for here, so that a change of that is a compile error.
const _: fn() = || {
    fn is_reference<T: Reference>() {}
    is_reference::<std::time::Instant>();
};

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;

    fn ten() -> Limits {
        Limits::new(NonZeroU32::new(10).unwrap())
    }

    /// Asks without pause in one lane, for ever.
    fn flood(limits: &Arc<Limits>, lane: Lane) -> Arc<AtomicU32> {
        let count = Arc::new(AtomicU32::new(0));
        let (limits, counter) = (limits.clone(), count.clone());
        tokio::spawn(async move {
            loop {
                if limits.turn(lane).await.is_ok() {
                    counter.fetch_add(1, Ordering::Relaxed);
                }
            }
        });
        count
    }

    #[tokio::test(start_paused = true)]
    async fn the_background_alone_gets_half_of_the_rate() {
        let limits = Arc::new(ten());
        let calls = flood(&limits, Lane::Background);
        tokio::time::sleep(Duration::from_secs(100)).await;
        let calls = calls.load(Ordering::Relaxed);
        assert!((495..=505).contains(&calls), "{calls} calls in 100 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_greedy_background_leaves_the_desk_its_half_and_both_together_keep_the_rate() {
        let limits = Arc::new(ten());
        let background = flood(&limits, Lane::Background);
        let desk = flood(&limits, Lane::Desk);
        tokio::time::sleep(Duration::from_secs(100)).await;
        let (background, desk) = (background.load(Ordering::Relaxed), desk.load(Ordering::Relaxed));
        assert!(desk >= 495, "the desk got {desk} calls in 100 s");
        assert!((995..=1010).contains(&(background + desk)), "{background} + {desk} calls in 100 s");
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_turn_would_come_too_late_is_not_sent() {
        let limits = Arc::new(Limits::new(NonZeroU32::MIN));
        let waiting: Vec<_> = (0..30)
            .map(|_| {
                tokio::spawn({
                    let limits = limits.clone();
                    async move { limits.turn(Lane::Desk).await }
                })
            })
            .collect();
        let mut late = 0;
        for call in waiting {
            if let Err(error) = call.await.unwrap() {
                assert_eq!(error.class, ErrorClass::NotSent);
                late += 1;
            }
        }
        assert!((18..=20).contains(&late), "{late} of 30 calls were given up");
    }

    #[tokio::test(start_paused = true)]
    async fn limits_that_are_renewed_are_the_same_or_at_another_rate_as_closed() {
        let limits = Arc::new(ten());
        limits.close(Duration::from_secs(30));
        assert!(Arc::ptr_eq(&limits, &Limits::renewed(&limits, limits.per_second)));
        let slower = Limits::renewed(&limits, NonZeroU32::MIN);
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(slower.turn(Lane::Desk).await.is_err());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(slower.turn(Lane::Desk).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_goes_to_a_closed_server_before_its_time_is_over() {
        let limits = ten();
        limits.close(Duration::from_secs(30));
        limits.close(Duration::from_secs(10));
        tokio::time::advance(Duration::from_secs(29)).await;
        let error = limits.turn(Lane::Desk).await.unwrap_err();
        assert_eq!((error.class, error.retry_after), (ErrorClass::NotSent, Some(Duration::from_secs(1))));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(limits.turn(Lane::Desk).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_while_the_server_closes_is_not_sent() {
        let limits = Arc::new(Limits::new(NonZeroU32::MIN));
        limits.turn(Lane::Desk).await.unwrap();
        let waiting = tokio::spawn({
            let limits = limits.clone();
            async move { limits.turn(Lane::Desk).await }
        });
        tokio::task::yield_now().await;
        limits.close(Duration::from_secs(60));
        assert_eq!(waiting.await.unwrap().unwrap_err().class, ErrorClass::NotSent);
    }
}
