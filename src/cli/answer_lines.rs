//! An answer of the service that comes line by line, so that a long one is never in memory as a
//! whole.

use bytes::{Bytes, BytesMut};
use reqwest::Response;

/// No line is longer: a record of the state, twice its size as JSON within JSON.
const LINE_BYTES_MAX: usize = 64 * 1024 * 1024;

/// Reads an answer line by line.
pub(super) struct AnswerLines {
    answer: Response,
    waiting: BytesMut,
}

/// Why there is no next line.
pub(super) enum NoLine {
    /// The service is gone.
    Failed(reqwest::Error),
    /// The line has no end.
    Endless,
}

impl AnswerLines {
    pub(super) fn of(answer: Response) -> Self {
        Self { answer, waiting: BytesMut::new() }
    }

    /// The next line without its end; `None` behind the last one. What has no end is no line.
    pub(super) async fn next(&mut self) -> Result<Option<Bytes>, NoLine> {
        let mut searched = 0;
        loop {
            if let Some(end) = self.waiting[searched..].iter().position(|byte| *byte == b'\n') {
                let line = self.waiting.split_to(searched + end + 1).freeze();
                return Ok(Some(line.slice(..line.len() - 1)));
            }
            searched = self.waiting.len();
            match self.answer.chunk().await.map_err(NoLine::Failed)? {
                Some(chunk) if searched + chunk.len() <= LINE_BYTES_MAX => self.waiting.extend_from_slice(&chunk),
                Some(_) => return Err(NoLine::Endless),
                None => return Ok(None),
            }
        }
    }
}
