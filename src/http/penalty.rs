//! The time for which a server wants to be left alone (`Retry-After` with 429 or 5xx), and who asks it all the same.
//!
//! | who | while it wants to be left alone |
//! | --- | --- |
//! | the background | asks nothing |
//! | the desk | asks for [`PROBE_LASTS`] every [`PROBE_EVERY`], and goes on as soon as one of its calls is answered |
//! | whoever waits for a person ([`Penalty::lift`]) | asks at once: a person may know that the server is well again |
//!
//! A wish with 429 is about us, and counts in full (clamped to an hour by [`super::answer::retry_after`]). One with 5xx is a guess
//! of something that does not work, and counts for a minute at most; it is over as soon as the server answers anything else.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::{Lane, Response, answer};
use crate::remote::{Answer, CallError, Cause, ErrorClass};

/// How often the desk asks a server that wants to be left alone.
pub const PROBE_EVERY: Duration = Duration::from_secs(30);
/// A look at the diary is several calls.
const PROBE_LASTS: Duration = Duration::from_secs(2);

/// What one server wants. Shared by everybody who asks it.
#[derive(Debug, Default)]
pub struct Penalty(Mutex<Option<Closed>>);

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
        let left_alone = self.each().into_iter().filter(|(_, penalty)| penalty.left().is_some());
        left_alone.map(|(name, penalty)| (name, penalty.lift()).0).collect()
    }
}

#[derive(Debug, Clone, Copy)]
struct Closed {
    until: Instant,
    /// The status that it came with.
    status: u16,
    desk: Desk,
}

#[derive(Debug, Clone, Copy)]
enum Desk {
    /// It may ask from this moment.
    From(Instant),
    /// It asks since this moment.
    Since(Instant),
    /// It was answered.
    Open,
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
        let Some(closed) = &mut *state else { return Ok(()) };
        let left = closed.until.saturating_duration_since(now);
        if left.is_zero() {
            *state = None;
            return Ok(());
        }
        match (lane, closed.desk) {
            (Lane::Background, _) => Err(left_alone(left, left)),
            (Lane::Desk, Desk::Open) => Ok(()),
            (Lane::Desk, Desk::Since(since)) if now < since + PROBE_LASTS => Ok(()),
            (Lane::Desk, Desk::Since(since)) if now < since + PROBE_EVERY => {
                Err(left_alone(left, left.min(since + PROBE_EVERY - now)))
            }
            (Lane::Desk, Desk::From(from)) if now < from => Err(left_alone(left, left.min(from - now))),
            (Lane::Desk, Desk::Since(_) | Desk::From(_)) => {
                closed.desk = Desk::Since(now);
                Ok(())
            }
        }
    }

    /// What an answer says: to be left alone, or, in answer to the desk, that it need not be.
    pub fn heed(&self, lane: Lane, response: &Response) {
        let fails = response.status == 429 || response.status >= 500;
        match answer::retry_after(response) {
            Some(pause) if fails => {
                tracing::info!(status = response.status, seconds = pause.as_secs(), "the server asks to be left alone");
                self.close(pause, response.status);
            }
            _ if !fails && lane == Lane::Desk => self.answered(),
            _ => {}
        }
    }

    /// It need not be left alone any more.
    pub fn lift(&self) {
        *self.state() = None;
    }

    /// For how long it is left alone, if it is.
    pub fn left(&self) -> Option<LeftAlone> {
        let closed = (*self.state())?;
        let left = closed.until.saturating_duration_since(Instant::now());
        (!left.is_zero()).then_some(LeftAlone { left, status: closed.status })
    }

    fn close(&self, pause: Duration, status: u16) {
        let now = Instant::now();
        let mut state = self.state();
        // Answers overtake each other: the longest wish counts.
        let until = state.map_or(now + pause, |closed| closed.until.max(now + pause));
        *state = Some(Closed { until, status, desk: Desk::From(now + PROBE_EVERY) });
    }

    fn answered(&self) {
        let mut state = self.state();
        match &mut *state {
            Some(closed) if closed.status == 429 => closed.desk = Desk::Open,
            // It is back.
            _ => *state = None,
        }
    }

    fn state(&self) -> MutexGuard<'_, Option<Closed>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
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
    async fn the_background_obeys_and_the_desk_asks_every_half_minute() {
        let penalty = Penalty::default();
        penalty.heed(Lane::Desk, &says(429, "3600"));
        let (mut background, mut desk) = (0, Vec::new());
        for second in 0..3600 {
            background += u32::from(penalty.admit(Lane::Background).is_ok());
            if penalty.admit(Lane::Desk).is_ok() {
                desk.push(second);
                penalty.heed(Lane::Desk, &says(429, "60"));
            }
            pass(1).await;
        }
        assert_eq!(background, 0, "it obeys to the last second");
        assert!(desk.iter().zip(&desk[1..]).all(|(before, after)| after - before == 30), "{desk:?}");
        pass(60).await;
        assert_eq!(penalty.admit(Lane::Background), Ok(()));
    }

    #[tokio::test(start_paused = true)]
    async fn the_desk_goes_on_once_it_is_answered_and_only_a_429_still_counts_for_the_background() {
        for (status, background) in [(429, false), (503, true)] {
            let penalty = Penalty::default();
            penalty.heed(Lane::Background, &says(status, "50"));
            pass(29).await;
            assert!(penalty.admit(Lane::Desk).is_err());
            penalty.heed(Lane::Background, &ok());
            assert!(penalty.admit(Lane::Desk).is_err(), "an answer from before proves nothing");
            pass(1).await;
            // A look is several calls.
            assert_eq!([(); 4].map(|()| penalty.admit(Lane::Desk).is_ok()), [true; 4]);
            penalty.heed(Lane::Desk, &ok());
            pass(5).await;
            assert_eq!(penalty.admit(Lane::Desk), Ok(()));
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
    async fn a_pause_that_is_lifted_is_over_for_everybody() {
        let penalty = Penalty::default();
        penalty.heed(Lane::Background, &says(429, "3600"));
        let error = penalty.admit(Lane::Background).unwrap_err();
        assert_eq!((error.class, error.cause), (ErrorClass::NotSent, Some(Cause::LeftAlone)));
        penalty.lift();
        assert_eq!(penalty.left(), None);
        assert_eq!([Lane::Background, Lane::Desk].map(|lane| penalty.admit(lane)), [Ok(()), Ok(())]);
    }
}
