//! How often, and when, a server may be asked: a token bucket with a queue for each [`Lane`], and
//! the time a server wants to be left alone ([`super::penalty`]).
//!
//! The shared bucket fills at the configured rate and holds what half a second fills. Calls of the
//! background pass a bucket of their own first, which fills half as fast: whatever they ask for,
//! bookings find half of the tokens unspent. In any second that makes one and a half times the
//! configured rate at most, and over a longer time the rate itself.
//!
//! Within a lane the call that came first goes first, so bookings are served in the order in which
//! the booking executor took them up, and of thousands of waiting calls one of each lane is awake.
//! Among these the lanes decide ([`next_lane`]): bookings before polls, polls before the
//! background. No lane starves: a call that was passed over for the time of [`PASSED_OVER_MAX`]
//! tokens goes next.
//!
//! Waiting is bounded, and sleeps on tokio's clock, so that paused time pauses it too (governor's
//! own waiting would not).

use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use governor::clock::{Clock, Reference};
use governor::middleware::NoOpMiddleware;
use governor::state::{InMemoryState, NotKeyed};
use governor::{Quota, RateLimiter};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::Lane;
use super::penalty::Penalty;
use crate::call_error::{Answer, CallError, ErrorClass};

/// How long a call of the interactive lane waits for its turn. Longer than that, the pet owner has
/// been told something by now.
const INTERACTIVE_PATIENCE: Duration = Duration::from_secs(10);
/// How long a poll waits for its turn. Of each practice one waits at most, so that many practices
/// are polled late rather than not at all.
const POLL_PATIENCE: Duration = Duration::from_secs(60);
/// How long a call of the background waits for its turn.
const BACKGROUND_PATIENCE: Duration = Duration::from_secs(60);
/// So many tokens can go to other lanes while a call stands at the head of its queue.
const PASSED_OVER_MAX: u32 = 10;

type Limiter = RateLimiter<NotKeyed, InMemoryState, TokioClock, NoOpMiddleware<std::time::Instant>>;

/// The limits of one remote server, shared by everybody who asks it.
pub struct Limits {
    per_second: NonZeroU32,
    background: Limiter,
    shared: Limiter,
    /// Held by the call at the head of each lane's queue; fair, so the others get it in the order
    /// in which they came.
    queues: [AsyncMutex<()>; LANES],
    heads: Mutex<Heads>,
    penalty: Arc<Penalty>,
}

/// How many lanes there are.
const LANES: usize = 3;

/// Since when the head of each lane's queue waits for a token, the most urgent lane first.
type Heads = [Option<Instant>; LANES];

/// Where a lane stands among those.
fn place(lane: Lane) -> usize {
    match lane {
        Lane::Interactive => 0,
        Lane::Poll => 1,
        Lane::Background => 2,
    }
}

/// Which of the waiting heads gets the next token: the most urgent one, unless others were passed
/// over for so long; of these, the one that waits for longest.
fn next_lane(heads: &Heads, passed_over_max: Duration, now: Instant) -> Option<usize> {
    let waiting = || heads.iter().enumerate().filter_map(|(lane, since)| Some((lane, (*since)?)));
    let passed_over = waiting().filter(|(_, since)| now.saturating_duration_since(*since) >= passed_over_max);
    passed_over.min_by_key(|(_, since)| *since).or_else(|| waiting().next()).map(|(lane, _)| lane)
}

/// The head of a lane's queue, from when it begins to wait for a token until it has one or gives
/// up.
struct LaneHead<'a> {
    heads: &'a Mutex<Heads>,
    lane: usize,
}

impl<'a> LaneHead<'a> {
    fn of(heads: &'a Mutex<Heads>, lane: usize) -> Self {
        heads.lock()[lane] = Some(Instant::now());
        Self { heads, lane }
    }

    fn is_next(&self, passed_over_max: Duration) -> bool {
        next_lane(&self.heads.lock(), passed_over_max, Instant::now()) == Some(self.lane)
    }
}

impl Drop for LaneHead<'_> {
    fn drop(&mut self) {
        self.heads.lock()[self.lane] = None;
    }
}

impl Limits {
    /// At most so many requests per second, whoever asks.
    pub fn new(per_second: NonZeroU32) -> Self {
        let half =
            Quota::with_period(Duration::from_secs(2) / per_second.get()).unwrap_or(Quota::per_second(per_second));
        Self {
            per_second,
            background: Limiter::direct_with_clock(half.allow_burst(part(per_second, 4)), TokioClock),
            shared: Limiter::direct_with_clock(
                Quota::per_second(per_second).allow_burst(part(per_second, 2)),
                TokioClock,
            ),
            queues: Default::default(),
            heads: Mutex::default(),
            penalty: Arc::default(),
        }
    }

    /// These limits, or, for another rate, others that leave the server alone for as long as it
    /// wished from these.
    pub(super) fn renewed(this: &Arc<Self>, per_second: NonZeroU32) -> Arc<Self> {
        if this.per_second == per_second {
            return Arc::clone(this);
        }
        Arc::new(Self::new(per_second).with(Arc::clone(&this.penalty)))
    }

    /// These limits for a server with that penalty.
    #[must_use]
    pub fn with(self, penalty: Arc<Penalty>) -> Self {
        Self { penalty, ..self }
    }

    /// The time for which the server wants to be left alone.
    pub fn penalty(&self) -> &Arc<Penalty> {
        &self.penalty
    }

    /// Waits for this call's turn.
    ///
    /// # Errors
    /// [`ErrorClass::NotSent`] at once while the server wants to be left alone, and when the turn
    /// would come too late.
    pub async fn turn(&self, lane: Lane) -> Answer<()> {
        self.penalty.admit(lane)?;
        let patience = match lane {
            Lane::Interactive => INTERACTIVE_PATIENCE,
            Lane::Poll => POLL_PATIENCE,
            Lane::Background => BACKGROUND_PATIENCE,
        };
        let give_up_at = Instant::now() + patience;
        let queue = &self.queues[place(lane)];
        let Ok(_first) = tokio::time::timeout_at(give_up_at, queue.lock()).await else { return Err(too_many()) };
        // The server may have asked to be left alone meanwhile: whoever still stands in the queue
        // need not wait it out.
        self.penalty.admit(lane)?;
        if lane == Lane::Background {
            token(&self.background, give_up_at).await?;
        }
        self.shared_token(lane, give_up_at).await?;
        self.penalty.admit(lane)
    }

    /// Takes a token of the shared bucket once no other lane goes before.
    async fn shared_token(&self, lane: Lane, give_up_at: Instant) -> Answer<()> {
        let one_token = Duration::from_secs(1) / self.per_second.get();
        let head = LaneHead::of(&self.heads, place(lane));
        loop {
            // One that is more urgent may have come while this one slept.
            let wait = if head.is_next(one_token * PASSED_OVER_MAX) { missing(&self.shared) } else { Some(one_token) };
            let Some(wait) = wait else { return Ok(()) };
            sleep_before(give_up_at, wait).await?;
        }
    }
}

/// A share of the tokens of one second, at least one.
fn part(per_second: NonZeroU32, share: u32) -> NonZeroU32 {
    NonZeroU32::new(per_second.get() / share).unwrap_or(NonZeroU32::MIN)
}

async fn token(limiter: &Limiter, give_up_at: Instant) -> Answer<()> {
    while let Some(wait) = missing(limiter) {
        sleep_before(give_up_at, wait).await?;
    }
    Ok(())
}

/// Takes a token, or says how long it is until there is one.
fn missing(limiter: &Limiter) -> Option<Duration> {
    limiter.check().err().map(|not_until| not_until.wait_time_from(TokioClock.now()))
}

/// Waits, if it does not take too long.
async fn sleep_before(give_up_at: Instant, wait: Duration) -> Answer<()> {
    if Instant::now() + wait > give_up_at {
        return Err(too_many());
    }
    tokio::time::sleep(wait).await;
    Ok(())
}

fn too_many() -> CallError {
    CallError::new(ErrorClass::NotSent, "too many calls are waiting for the rate limit (max_requests_per_second)")
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

// governor implements this for the standard library's instant; asked for here, so that a change of
// that is a compile error.
const _: fn() = || {
    fn is_reference<T: Reference>() {}
    is_reference::<std::time::Instant>();
};

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU32, Ordering};

    use super::*;
    use crate::http::Response;

    /// The server says that it wants to be left alone.
    fn close(limits: &Limits, seconds: u64) {
        let headers = vec![("retry-after".to_owned(), seconds.to_string())];
        limits.penalty().heed(Lane::Background, &Response { status: 429, headers, body: Vec::new() });
    }

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
    async fn bookings_get_nine_tenths_of_the_rate_before_a_greedy_background_and_both_together_keep_it() {
        let limits = Arc::new(ten());
        let background = flood(&limits, Lane::Background);
        let interactive = flood(&limits, Lane::Interactive);
        tokio::time::sleep(Duration::from_secs(100)).await;
        let (background, interactive) = (background.load(Ordering::Relaxed), interactive.load(Ordering::Relaxed));
        assert!(interactive >= 900, "the interactive lane got {interactive} calls in 100 s");
        assert!(background >= 80, "the background starves: {background} calls in 100 s");
        assert!((995..=1010).contains(&(background + interactive)), "{background} + {interactive} calls in 100 s");
    }

    #[tokio::test(start_paused = true)]
    async fn an_answer_to_a_booking_waits_for_no_queue_of_polls_and_no_poll_for_a_queue_of_readings() {
        for (urgent, others) in [
            (Lane::Interactive, vec![Lane::Poll, Lane::Background]),
            (Lane::Interactive, vec![Lane::Poll]),
            (Lane::Interactive, vec![Lane::Background]),
            (Lane::Poll, vec![Lane::Background]),
        ] {
            let limits = Arc::new(ten());
            // Fifty calls of each other lane wait at any time.
            let floods: Vec<_> = others.iter().flat_map(|lane| (0..50).map(|_| flood(&limits, *lane))).collect();
            tokio::time::sleep(Duration::from_secs(30)).await;
            for _ in 0..20 {
                let began = Instant::now();
                limits.turn(urgent).await.unwrap();
                // Its token, and, once in a while, that of a call that was passed over for long.
                assert!(began.elapsed() <= Duration::from_millis(300), "{urgent:?}: {:?}", began.elapsed());
                tokio::time::sleep(Duration::from_millis(730)).await;
            }
            let calls: u32 = floods.iter().map(|calls| calls.load(Ordering::Relaxed)).sum();
            assert!(calls > 150, "{others:?} go on with what is left: {calls}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn no_lane_starves_while_the_others_take_all_they_can() {
        let limits = Arc::new(ten());
        let calls = [Lane::Interactive, Lane::Poll, Lane::Background].map(|lane| flood(&limits, lane));
        tokio::time::sleep(Duration::from_secs(100)).await;
        let calls = calls.map(|calls| calls.load(Ordering::Relaxed));
        assert!(calls[0] >= 750 && calls[1] >= 75 && calls[2] >= 75, "{calls:?}");
        assert!((995..=1010).contains(&calls.iter().sum::<u32>()), "{calls:?}");
    }

    #[tokio::test(start_paused = true)]
    async fn the_most_urgent_head_goes_next_unless_another_was_passed_over_for_long() {
        let (start, long) = (Instant::now(), Duration::from_secs(1));
        let since = |milliseconds: u64| Some(start + Duration::from_millis(milliseconds));
        for (heads, now, expected) in [
            ([None, None, None], 0, None),
            ([None, None, since(0)], 0, Some(2)),
            ([since(500), since(400), since(0)], 999, Some(0)),
            ([None, since(400), since(0)], 999, Some(1)),
            ([since(500), since(400), since(0)], 1000, Some(2)),
            ([since(900), since(400), since(500)], 1600, Some(1)),
            ([since(0), since(400), None], 1600, Some(0)),
        ] {
            let now = start + Duration::from_millis(now);
            assert_eq!(next_lane(&heads, long, now), expected, "{heads:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn fifty_practices_that_poll_every_five_seconds_are_polled_late_and_none_is_given_up() {
        let limits = Arc::new(ten());
        let _readings = flood(&limits, Lane::Background);
        let polls: Vec<_> = (0..50)
            .map(|_| {
                let limits = limits.clone();
                tokio::spawn(async move {
                    let mut longest = Duration::ZERO;
                    for _ in 0..20 {
                        let began = Instant::now();
                        limits.turn(Lane::Poll).await.unwrap();
                        longest = longest.max(began.elapsed());
                        tokio::time::sleep_until(began + Duration::from_secs(5)).await;
                    }
                    longest
                })
            })
            .collect();
        for poll in polls {
            let longest = poll.await.unwrap();
            assert!(longest < Duration::from_secs(6), "{longest:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_whose_turn_would_come_too_late_is_not_sent() {
        let limits = Arc::new(Limits::new(NonZeroU32::MIN));
        let waiting: Vec<_> = (0..30)
            .map(|_| {
                tokio::spawn({
                    let limits = limits.clone();
                    async move { limits.turn(Lane::Interactive).await }
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
    async fn calls_of_a_lane_leave_in_the_order_in_which_they_came_and_no_second_has_more_than_rate_and_burst() {
        let limits = Arc::new(ten());
        let _background = flood(&limits, Lane::Background);
        let left = Arc::new(Mutex::new(Vec::new()));
        for number in 0..40 {
            let (limits, left) = (limits.clone(), left.clone());
            tokio::spawn(async move {
                limits.turn(Lane::Interactive).await.unwrap();
                left.lock().push((number, Instant::now()));
            });
        }
        tokio::time::sleep(Duration::from_secs(10)).await;
        let left = left.lock().clone();
        assert!(left.iter().map(|(number, _)| *number).eq(0..40), "{left:?}");
        for (index, (_, at)) in left.iter().enumerate() {
            let second = left[index..].iter().take_while(|(_, later)| *later - *at < Duration::from_secs(1)).count();
            assert!(second <= 15, "{second} calls in a second");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn limits_that_are_renewed_are_the_same_or_at_another_rate_as_closed() {
        let limits = Arc::new(ten());
        close(&limits, 30);
        assert!(Arc::ptr_eq(&limits, &Limits::renewed(&limits, limits.per_second)));
        let slower = Limits::renewed(&limits, NonZeroU32::MIN);
        tokio::time::sleep(Duration::from_secs(29)).await;
        assert!(slower.turn(Lane::Interactive).await.is_err());
        tokio::time::sleep(Duration::from_secs(2)).await;
        assert_eq!(slower.turn(Lane::Interactive).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn no_call_goes_to_a_closed_server_before_its_time_is_over() {
        let limits = ten();
        close(&limits, 30);
        close(&limits, 10);
        tokio::time::advance(Duration::from_secs(29)).await;
        let error = limits.turn(Lane::Interactive).await.unwrap_err();
        assert_eq!((error.class, error.retry_after), (ErrorClass::NotSent, Some(Duration::from_secs(1))));
        tokio::time::advance(Duration::from_secs(1)).await;
        assert_eq!(limits.turn(Lane::Interactive).await, Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn a_call_that_waits_while_the_server_closes_is_not_sent() {
        let limits = Arc::new(Limits::new(NonZeroU32::MIN));
        limits.turn(Lane::Interactive).await.unwrap();
        let waiting = tokio::spawn({
            let limits = limits.clone();
            async move { limits.turn(Lane::Interactive).await }
        });
        tokio::task::yield_now().await;
        close(&limits, 60);
        assert_eq!(waiting.await.unwrap().unwrap_err().class, ErrorClass::NotSent);
    }
}
