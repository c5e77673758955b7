//! The time for which a server wants to be left alone (`Retry-After` with 429 or 5xx), and who asks
//! it all the same.
//!
//! | who | while it wants to be left alone |
//! | --- | --- |
//! | the background | asks nothing |
//! | bookings and polls | ask for [`PROBE_LASTS`] every [`PROBE_EVERY`], and go on once one of their calls is answered |
//! | whoever waits for a person ([`Penalty::lift`]) | asks at once: a person may know that the server works again |
//!
//! A wish with 429 is about us, and counts in full (clamped to an hour by
//! [`super::answer::retry_after`]). One with 5xx is a guess of something that does not work, and
//! counts for a minute at most; it is over as soon as the server answers anything else. A server
//! can have both wishes at one time, and the end of one says nothing of the other.

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::{Lane, Response, answer};
use crate::call_error::PROBE_EVERY;
use crate::call_error::{Answer, CallError, Cause, ErrorClass};

/// A look at the diary is several calls.
const PROBE_LASTS: Duration = Duration::from_secs(2);

/// What one server wants. Shared by everybody who asks it.
#[derive(Debug, Default)]
pub struct Penalty(Mutex<PenaltyState>);

/// The penalties of both servers.
#[derive(Debug, Clone, Default)]
pub struct Penalties {
    /// OpenVPMS's.
    pub openvpms: Arc<Penalty>,
    /// Healthengine's.
    pub healthengine: Arc<Penalty>,
}

impl Penalties {
    /// Both, by the names of the servers.
    pub fn each(&self) -> [(&'static str, &Penalty); 2] {
        [("OpenVPMS", &self.openvpms), ("Healthengine", &self.healthengine)]
    }

    /// Neither need be left alone any more. The names of those that were.
    pub fn lift(&self) -> Vec<&'static str> {
        let left_alone = self.left_alone().into_iter().map(|(name, _)| name).collect();
        self.each().into_iter().for_each(|(_, penalty)| penalty.lift());
        left_alone
    }

    /// The servers that want to be left alone, and for how much longer.
    pub fn left_alone(&self) -> Vec<(&'static str, LeftAlone)> {
        self.each().into_iter().filter_map(|(name, penalty)| Some((name, penalty.left()?))).collect()
    }
}

#[derive(Debug, Default)]
struct PenaltyState {
    /// It is asked too often (429).
    too_many: Option<AloneUntil>,
    /// It does not work (5xx).
    failing: Option<AloneUntil>,
    interactive: InteractiveTurn,
}

/// To be left alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct AloneUntil {
    until: Instant,
    /// The status that it came with.
    status: u16,
}

#[derive(Debug, Clone, Copy, Default)]
enum InteractiveTurn {
    /// It may ask from this moment.
    From(Instant),
    /// It asks since this moment.
    Since(Instant),
    /// It was answered, or nothing was wished for.
    #[default]
    Open,
}

impl PenaltyState {
    /// The wish that counts for longest, if one still counts.
    fn wish(&self, now: Instant) -> Option<AloneUntil> {
        self.too_many.max(self.failing).filter(|wish| now < wish.until)
    }
}

/// A server that is left alone, as operators see it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LeftAlone {
    /// For how much longer.
    pub left: Duration,
    /// The status of the answer that asked for it.
    pub status: u16,
}

impl Penalty {
    /// Whether a call may leave.
    ///
    /// # Errors
    /// [`ErrorClass::NotSent`], with the time after which it may.
    pub fn admit(&self, lane: Lane) -> Answer<()> {
        let now = Instant::now();
        let mut state = self.state();
        let Some(wish) = state.wish(now) else { return Ok(()) };
        let left = wish.until - now;
        if lane == Lane::Background {
            return Err(left_alone(left, left));
        }
        match state.interactive {
            InteractiveTurn::Open => Ok(()),
            InteractiveTurn::Since(since) if now < since + PROBE_LASTS => Ok(()),
            InteractiveTurn::Since(since) if now < since + PROBE_EVERY => {
                Err(left_alone(left, left.min(since + PROBE_EVERY - now)))
            }
            InteractiveTurn::From(from) if now < from => Err(left_alone(left, left.min(from - now))),
            InteractiveTurn::Since(_) | InteractiveTurn::From(_) => {
                state.interactive = InteractiveTurn::Since(now);
                Ok(())
            }
        }
    }

    /// What an answer says: to be left alone, or, to a booking or a poll, that it need not be.
    pub fn heed(&self, lane: Lane, response: &Response) {
        let fails = response.status == 429 || response.status >= 500;
        match answer::retry_after(response) {
            Some(pause) if fails => {
                tracing::info!(status = response.status, seconds = pause.as_secs(), "the server asks to be left alone");
                self.close(pause, response.status);
            }
            _ if !fails && lane != Lane::Background => self.answered(),
            _ => {}
        }
    }

    /// It need not be left alone any more.
    pub fn lift(&self) {
        *self.state() = PenaltyState::default();
    }

    /// For how long it is left alone, if it is.
    pub fn left(&self) -> Option<LeftAlone> {
        let now = Instant::now();
        let wish = self.state().wish(now)?;
        Some(LeftAlone { left: wish.until - now, status: wish.status })
    }

    fn close(&self, pause: Duration, status: u16) {
        let now = Instant::now();
        let mut state = self.state();
        let of_its_kind = if status == 429 { &mut state.too_many } else { &mut state.failing };
        // Answers overtake each other: the longest wish of each kind counts.
        *of_its_kind = (*of_its_kind).max(Some(AloneUntil { until: now + pause, status }));
        state.interactive = InteractiveTurn::From(now + PROBE_EVERY);
    }

    /// It works. Whether it is asked too often is another matter.
    fn answered(&self) {
        let mut state = self.state();
        state.failing = None;
        state.interactive = InteractiveTurn::Open;
    }

    fn state(&self) -> MutexGuard<'_, PenaltyState> {
        self.0.lock()
    }
}

fn left_alone(left: Duration, again: Duration) -> CallError {
    let detail = format!("the server wants to be left alone for another {} s", left.as_secs().max(1));
    CallError { retry_after: Some(again), ..CallError::new(ErrorClass::NotSent, detail).due_to(Cause::LeftAlone) }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn says(status: u16, retry_after: &str) -> Response {
        let headers = vec![("retry-after".to_owned(), retry_after.to_owned())];
        Response { status, headers, body: Vec::new() }
    }

    fn ok() -> Response {
        Response { status: 200, headers: Vec::new(), body: Vec::new() }
    }

    async fn pass(seconds: u64) {
        tokio::time::advance(Duration::from_secs(seconds)).await;
    }

    #[tokio::test(start_paused = true)]
    async fn the_background_obeys_and_the_interactive_lane_asks_every_half_minute() {
        let penalty = Penalty::default();
        penalty.heed(Lane::Interactive, &says(429, "3600"));
        let (mut background, mut interactive) = (0, Vec::new());
        for second in 0..3600 {
            background += u32::from(penalty.admit(Lane::Background).is_ok());
            if penalty.admit(Lane::Interactive).is_ok() {
                interactive.push(second);
                penalty.heed(Lane::Interactive, &says(429, "60"));
            }
            pass(1).await;
        }
        assert_eq!(background, 0, "it obeys to the last second");
        let pauses: Vec<_> = interactive.windows(2).map(|pair| pair[1] - pair[0]).collect();
        assert!(pauses.iter().all(|pause| *pause == 30), "{interactive:?}");
        pass(60).await;
        assert_eq!(penalty.admit(Lane::Background), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_interactive_lane_goes_on_once_it_is_answered_and_only_a_429_still_counts_for_the_background() {
        for (status, background) in [(429, false), (503, true)] {
            let penalty = Penalty::default();
            penalty.heed(Lane::Background, &says(status, "50"));
            pass(29).await;
            assert!(penalty.admit(Lane::Interactive).is_err());
            penalty.heed(Lane::Background, &ok());
            assert!(penalty.admit(Lane::Interactive).is_err(), "an answer from before proves nothing");
            pass(1).await;
            // A look is several calls.
            assert_eq!([(); 4].map(|()| penalty.admit(Lane::Interactive).is_ok()), [true; 4]);
            penalty.heed(Lane::Interactive, &ok());
            pass(5).await;
            assert_eq!(penalty.admit(Lane::Interactive), Ok(()));
            assert_eq!(penalty.admit(Lane::Background).is_ok(), background, "{status}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_503_counts_for_a_minute_at_most_and_a_429_for_an_hour() {
        for (status, seconds) in [(503, 60), (500, 60), (429, 3600)] {
            let penalty = Penalty::default();
            penalty.heed(Lane::Background, &says(status, "86400"));
            assert_eq!(penalty.left(), Some(LeftAlone { left: Duration::from_secs(seconds), status }));
            // The longest wish counts.
            penalty.heed(Lane::Background, &says(status, "1"));
            assert_eq!(penalty.left().unwrap().left.as_secs(), seconds);
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_503_beside_a_429_is_over_with_the_next_answer_and_the_429_counts_to_its_end() {
        for order in [[(429, "3600"), (503, "50")], [(503, "50"), (429, "3600")]] {
            let penalty = Penalty::default();
            for (status, retry_after) in order {
                penalty.heed(Lane::Interactive, &says(status, retry_after));
            }
            assert_eq!(penalty.left().map(|left| left.status), Some(429), "{order:?}: the longer wish is told");
            pass(30).await;
            assert_eq!(penalty.admit(Lane::Interactive), Ok(()));
            penalty.heed(Lane::Interactive, &ok());
            assert_eq!(penalty.admit(Lane::Interactive), Ok(()), "{order:?}: the interactive lane goes on");
            pass(3569).await;
            assert!(penalty.admit(Lane::Background).is_err(), "{order:?}: a second before the end of the hour");
            assert_eq!(penalty.left(), Some(LeftAlone { left: Duration::from_secs(1), status: 429 }));
            pass(1).await;
            assert_eq!((penalty.admit(Lane::Background), penalty.left()), (Ok(()), None), "{order:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn a_pause_that_is_lifted_is_over_for_everybody() {
        let penalty = Penalty::default();
        penalty.heed(Lane::Background, &says(429, "3600"));
        let error = penalty.admit(Lane::Background).unwrap_err();
        assert_eq!((error.class, error.cause), (ErrorClass::NotSent, Some(Cause::LeftAlone)));
        penalty.lift();
        assert_eq!(penalty.left(), None);
        assert_eq!([Lane::Background, Lane::Interactive].map(|lane| penalty.admit(lane)), [Ok(()), Ok(())]);
    }
}
