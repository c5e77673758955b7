//! How a client conducts itself on its connection: whether it keeps us waiting, since when, and for
//! how long altogether.
//!
//! A connection waits for its client while no request is being served on it, while a request's body
//! does not come, and while the client does not take what was written. Of these the last two are
//! *slow*, and a connection may be slow for [`SLOW_MAX`] altogether, and longer only as far as
//! bytes are moved at [`BYTES_PER_SECOND`]. How long it may be without a request is the HTTP
//! server's own limit.

use parking_lot::{Mutex, MutexGuard};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use hyper::body::{Body, Frame, SizeHint};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::Instant;

/// A connection may be slow for so long.
const SLOW_MAX: Duration = Duration::from_secs(10);
/// Whoever moves so many bytes may be slow for another second.
const BYTES_PER_SECOND: u64 = 16 * 1024;
/// After so many requests a connection ends with the answer;
const REQUESTS_MAX: u32 = 100;
/// after so many that the client sent without having waited for the answer before;
const PIPELINED_MAX: u32 = 4;
/// and after this time.
const AGE_MAX: Duration = Duration::from_secs(300);

/// A handle to the conduct of one connection.
#[derive(Debug, Clone)]
pub(super) struct Conduct(Arc<Mutex<ConductState>>);

#[derive(Debug)]
struct ConductState {
    opened: Instant,
    requests: u32,
    /// Requests that had arrived before the one before them was answered.
    pipelined: u32,
    /// True if something was read since the last request began.
    read_since: bool,
    /// Requests that are being served: one, or none.
    serving: u32,
    body_is_awaited: bool,
    write_is_stuck: bool,
    told_to_end: bool,
    moved_bytes: u64,
    slow_before: Duration,
    slow_since: Option<Instant>,
    waits_since: Option<Instant>,
}

impl ConductState {
    fn new(now: Instant) -> Self {
        Self {
            opened: now,
            requests: 0,
            pipelined: 0,
            read_since: false,
            serving: 0,
            body_is_awaited: false,
            write_is_stuck: false,
            told_to_end: false,
            moved_bytes: 0,
            slow_before: Duration::ZERO,
            slow_since: None,
            waits_since: Some(now),
        }
    }

    fn begin_request(&mut self) {
        self.requests += 1;
        self.serving += 1;
        self.pipelined += u32::from(!self.read_since);
        self.read_since = false;
    }

    /// Draws the consequences after something changed.
    fn settle(&mut self, now: Instant) {
        let slow = self.body_is_awaited || self.write_is_stuck;
        match (slow, self.slow_since) {
            (true, None) => self.slow_since = Some(now),
            (false, Some(since)) => {
                self.slow_before += now - since;
                self.slow_since = None;
            }
            (true, Some(_)) | (false, None) => {}
        }
        let waits = slow || self.serving == 0;
        self.waits_since = waits.then(|| self.waits_since.unwrap_or(now));
    }

    fn patience_left(&self, now: Instant) -> Duration {
        let slow = self.slow_before + self.slow_since.map_or(Duration::ZERO, |since| now - since);
        (SLOW_MAX + Duration::from_secs(self.moved_bytes / BYTES_PER_SECOND)).saturating_sub(slow)
    }

    fn is_last(&self, now: Instant) -> bool {
        self.told_to_end
            || self.requests >= REQUESTS_MAX
            || self.pipelined >= PIPELINED_MAX
            || now - self.opened >= AGE_MAX
    }
}

impl Conduct {
    /// Of a connection that is opened at this moment.
    pub(super) fn new() -> Self {
        Self(Arc::new(Mutex::new(ConductState::new(Instant::now()))))
    }

    fn state(&self) -> MutexGuard<'_, ConductState> {
        self.0.lock()
    }

    fn change(&self, change: impl FnOnce(&mut ConductState)) {
        let mut state = self.state();
        change(&mut state);
        state.settle(Instant::now());
    }

    /// When it was opened, and since when it waits for its client.
    pub(super) fn standing(&self) -> (Instant, Option<Instant>) {
        let state = self.state();
        (state.opened, state.waits_since)
    }

    /// A request begins. It is served until the guard is gone.
    pub(super) fn serves(&self) -> Serving {
        self.change(ConductState::begin_request);
        Serving(self.clone())
    }

    /// True if a request is being served.
    pub(super) fn is_serving(&self) -> bool {
        self.state().serving > 0
    }

    /// The answer that is given next is the last one.
    pub(super) fn end_with_the_next_answer(&self) {
        self.state().told_to_end = true;
    }

    /// True if the connection ends with the answer that is given.
    pub(super) fn is_last(&self) -> bool {
        self.state().is_last(Instant::now())
    }

    /// Ends when the client has been slow for too long.
    pub(super) async fn out_of_patience(&self) {
        loop {
            let left = self.state().patience_left(Instant::now());
            if left.is_zero() {
                return;
            }
            tokio::time::sleep(left).await;
        }
    }
}

/// A request that is being served, until its answer is handed over.
#[derive(Debug)]
pub(super) struct Serving(Conduct);

impl Drop for Serving {
    fn drop(&mut self) {
        self.0.change(|state| state.serving -= 1);
    }
}

/// The stream of a connection.
#[derive(Debug)]
pub(super) struct Stream<S> {
    pub(super) stream: S,
    pub(super) conduct: Conduct,
}

impl<S> Stream<S> {
    fn wrote(&self, outcome: &Poll<std::io::Result<usize>>) {
        match outcome {
            Poll::Pending => self.conduct.change(|state| state.write_is_stuck = true),
            Poll::Ready(written) => self.conduct.change(|state| {
                state.write_is_stuck = false;
                state.moved_bytes += written.as_ref().map_or(0, |bytes| *bytes as u64);
            }),
        }
    }
}

impl<S: AsyncRead + Unpin> AsyncRead for Stream<S> {
    fn poll_read(mut self: Pin<&mut Self>, cx: &mut Context<'_>, buf: &mut ReadBuf<'_>) -> Poll<std::io::Result<()>> {
        let before = buf.filled().len();
        ready!(Pin::new(&mut self.stream).poll_read(cx, buf))?;
        self.conduct.change(|state| {
            state.moved_bytes += (buf.filled().len() - before) as u64;
            state.read_since = true;
        });
        Poll::Ready(Ok(()))
    }
}

impl<S: AsyncWrite + Unpin> AsyncWrite for Stream<S> {
    fn poll_write(mut self: Pin<&mut Self>, cx: &mut Context<'_>, bytes: &[u8]) -> Poll<std::io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write(cx, bytes);
        self.wrote(&outcome);
        outcome
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[std::io::IoSlice<'_>],
    ) -> Poll<std::io::Result<usize>> {
        let outcome = Pin::new(&mut self.stream).poll_write_vectored(cx, bytes);
        self.wrote(&outcome);
        outcome
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_flush(cx)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<std::io::Result<()>> {
        Pin::new(&mut self.stream).poll_shutdown(cx)
    }
}

/// The body of a request or of an answer.
pub(super) struct WatchedBody<B> {
    pub(super) body: B,
    pub(super) of: BodyOf,
}

/// What a body means for its connection.
pub(super) enum BodyOf {
    /// A request: its client may keep us waiting for it.
    Request(Conduct),
    /// An answer: its request is being served until it is gone.
    Answer { _serving: Serving },
}

impl BodyOf {
    fn note(&self, is_awaited: bool) {
        if let Self::Request(conduct) = self {
            conduct.change(|state| state.body_is_awaited = is_awaited);
        }
    }
}

impl Drop for BodyOf {
    fn drop(&mut self) {
        self.note(false);
    }
}

impl<B: Body + Unpin> Body for WatchedBody<B> {
    type Data = B::Data;
    type Error = B::Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<B::Data>, B::Error>>> {
        let frame = Pin::new(&mut self.body).poll_frame(cx);
        self.of.note(frame.is_pending());
        frame
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn a_client_that_takes_nothing_is_borne_for_ten_seconds_and_one_that_takes_bytes_for_as_long_as_they_are_worth() {
        let start = Instant::now();
        let mut state = ConductState::new(start);
        state.serving = 1;
        state.settle(start);
        assert_eq!(state.patience_left(start + 60 * SECOND), SLOW_MAX, "while we work it is not slow");
        state.write_is_stuck = true;
        state.settle(start + 60 * SECOND);
        assert_eq!(state.patience_left(start + 69 * SECOND), SECOND);
        state.moved_bytes += 5 * BYTES_PER_SECOND;
        assert_eq!(state.patience_left(start + 69 * SECOND), 6 * SECOND);
        // A byte now and then does not begin the time anew.
        for second in 70..75 {
            (state.write_is_stuck, state.moved_bytes) = (false, state.moved_bytes + 1);
            state.settle(start + second * SECOND);
            state.write_is_stuck = true;
            state.settle(start + second * SECOND);
        }
        assert_eq!(state.patience_left(start + 75 * SECOND), Duration::ZERO);
    }

    #[test]
    fn a_connection_waits_for_its_client_unless_a_request_is_served_and_nothing_is_owed() {
        let start = Instant::now();
        let mut state = ConductState::new(start);
        assert_eq!(state.waits_since, Some(start));
        state.settle(start + SECOND);
        assert_eq!(state.waits_since, Some(start), "bytes of a head do not begin the wait anew");
        state.serving = 1;
        state.settle(start + 2 * SECOND);
        assert_eq!(state.waits_since, None);
        state.body_is_awaited = true;
        state.settle(start + 3 * SECOND);
        assert_eq!(state.waits_since, Some(start + 3 * SECOND));
    }

    #[test]
    fn a_connection_ends_after_a_hundred_requests_or_five_minutes_or_some_that_did_not_wait_for_their_turn() {
        let start = Instant::now();
        let mut state = ConductState::new(start);
        assert!(!state.is_last(start + AGE_MAX - SECOND) && state.is_last(start + AGE_MAX));
        for _ in 0..REQUESTS_MAX {
            assert!(!state.is_last(start));
            state.read_since = true;
            state.begin_request();
        }
        assert!(state.is_last(start));
        let mut state = ConductState::new(start);
        state.read_since = true;
        for _ in 0..=PIPELINED_MAX {
            assert!(!state.is_last(start));
            state.begin_request();
        }
        assert!(state.is_last(start));
    }
}
