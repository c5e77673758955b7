//! Answers that are made while they are sent, so that a long one is never in memory as a whole.

use axum::body::Body;
use bytes::Bytes;
use futures_util::stream;
use tokio::sync::mpsc;

/// So many bytes are sent at one go,
const CHUNK_BYTES: usize = 32 * 1024;
/// and so many of these wait for a client who reads slowly.
const CHUNKS_WAITING: usize = 2;

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

/// The body that `make` writes, on a thread that may wait for the disk and for the client.
pub(super) fn streamed(make: impl FnOnce(&mut AnswerWriter) -> Result<(), ClientGone> + Send + 'static) -> Body {
    let (chunks, waiting) = mpsc::channel(CHUNKS_WAITING);
    let task = tokio::task::spawn_blocking(move || {
        let mut writer = AnswerWriter { chunks, waiting: Vec::new() };
        make(&mut writer).and_then(|()| writer.send())
    });
    Body::from_stream(stream::unfold((waiting, Some(task)), |(mut waiting, task)| async move {
        if let Some(chunk) = waiting.recv().await {
            return Some((Ok(chunk), (waiting, task)));
        }
        // What was cut short by a panic must not pass for a whole answer.
        match task?.await {
            Ok(_) => None,
            Err(error) => Some((Err(error), (waiting, None))),
        }
    }))
}
