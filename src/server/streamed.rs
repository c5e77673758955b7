//! Answers that are made while they are sent, so that a long one is never in memory as a whole.

use std::sync::Arc;

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::{Semaphore, mpsc};

/// So many bytes are sent at one go,
const CHUNK_BYTES: usize = 32 * 1024;
/// and so many of these wait for a client who reads slowly.
const CHUNKS_WAITING: usize = 2;

/// So many answers are sent at one time. Each has a thread for as long as its client reads, and
/// servers whose names are looked up need some too.
const STREAMS_MAX: usize = 16;

/// The places of streamed answers.
#[derive(Clone)]
pub(super) struct StreamPlaces(Arc<Semaphore>);

impl Default for StreamPlaces {
    fn default() -> Self {
        Self(Arc::new(Semaphore::new(STREAMS_MAX)))
    }
}

/// Where a streamed answer is written.
pub(super) struct AnswerWriter {
    chunks: mpsc::Sender<Bytes>,
    waiting: Vec<u8>,
}

/// The client has hung up: nobody wants the rest.
#[derive(Debug)]
pub(super) struct ClientGone;

impl AnswerWriter {
    /// Adds some of the answer; waits while the client has enough to read.
    pub(super) fn write(&mut self, text: &[u8]) -> Result<(), ClientGone> {
        self.waiting.extend_from_slice(text);
        if self.waiting.len() >= CHUNK_BYTES { self.send() } else { Ok(()) }
    }

    fn send(&mut self) -> Result<(), ClientGone> {
        let chunk = std::mem::replace(&mut self.waiting, Vec::with_capacity(CHUNK_BYTES + CHUNK_BYTES / 2));
        self.chunks.blocking_send(chunk.into()).map_err(|_| ClientGone)
    }
}

/// The body that `make` writes, on a thread that may wait for the disk and for the client. `None`
/// while there is no place.
pub(super) fn streamed(
    places: &StreamPlaces,
    make: impl FnOnce(&mut AnswerWriter) -> Result<(), ClientGone> + Send + 'static,
) -> Option<Body> {
    let place = Arc::clone(&places.0).try_acquire_owned().ok()?;
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING);
    let task = tokio::task::spawn_blocking(move || {
        let _place = place;
        let mut writer = AnswerWriter { chunks, waiting: Vec::new() };
        make(&mut writer).and_then(|()| writer.send())
    });
    Some(Body::from_stream(stream::unfold((waiting, Some(task)), |(mut waiting, task)| async move {
        if let Some(chunk) = waiting.recv().await {
            return Some((Ok(chunk), (waiting, task)));
        }
        // What was cut short by a panic must not pass for a whole answer.
        match task?.await {
            Ok(_) => None,
            Err(error) => Some((Err(error), (waiting, None))),
        }
    })))
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use http_body_util::BodyExt as _;

    use super::*;

    #[tokio::test]
    async fn clients_who_read_slowly_take_a_few_threads_and_whoever_hangs_up_gives_his_back() {
        let places = StreamPlaces::default();
        let endless = || {
            streamed(&places, |answer| {
                loop {
                    answer.write(&[b' '; CHUNK_BYTES])?
                }
            })
        };
        let mut read: Vec<Body> = (0..STREAMS_MAX).map(|_| endless().expect("a place")).collect();
        for body in &mut read {
            assert!(body.frame().await.expect("a chunk").is_ok());
        }
        assert!(endless().is_none());
        drop(read.pop());
        let given_back = async {
            while places.0.available_permits() == 0 {
                tokio::time::sleep(Duration::from_millis(1)).await;
            }
        };
        tokio::time::timeout(Duration::from_secs(30), given_back).await.expect("a place");
        assert!(endless().is_some());
    }
}
