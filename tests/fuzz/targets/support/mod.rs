//! A server that gives one answer, whatever it is asked.

use std::sync::Arc;

use async_trait::async_trait;
use futures_util::FutureExt as _;
use vetbridge::call_error::{Answer, CallError};
use vetbridge::http::{Request, Response, Transport};

const STATUSES: [u16; 16] = [200, 200, 200, 201, 204, 302, 400, 401, 403, 404, 405, 409, 413, 429, 500, 503];
const TYPES: [&str; 4] = ["application/json", "text/plain", "text/html; charset=utf-8", ""];
/// No sentence about an answer is longer: it goes into logs and onto pages.
const SENTENCE_CHARS_MAX: usize = 2_000;

/// Gives one answer.
pub struct Fixed(Response);

impl Fixed {
    /// The first byte says status and content type, the second whether a line of headers' values
    /// (`Date`, `Retry-After`, `Location`) stands before the body.
    pub fn of(data: &[u8]) -> Option<Arc<dyn Transport>> {
        let (&[kind, flags], mut body) = data.split_first_chunk::<2>()?;
        let (status, media_type) = (STATUSES[usize::from(kind & 15)], TYPES[usize::from(kind >> 4 & 3)]);
        let mut headers = vec![("content-type".to_owned(), media_type.to_owned())];
        if flags & 1 == 1 {
            let end = body.iter().position(|byte| *byte == b'\n').unwrap_or(body.len());
            let value = String::from_utf8_lossy(&body[..end]).into_owned();
            headers.extend(["date", "retry-after", "location"].map(|name| (name.to_owned(), value.clone())));
            body = body.get(end + 1..).unwrap_or_default();
        }
        Some(Arc::new(Self(Response { status, headers, body: body.to_vec() })))
    }
}

#[async_trait]
impl Transport for Fixed {
    async fn exchange(&self, _: Request) -> Answer<Response> {
        Ok(self.0.clone())
    }
}

/// The result of a call that has its answer already. What is said of an error is short.
pub fn ready<T>(call: impl Future<Output = Answer<T>>) -> Option<T> {
    let answer = call.now_or_never().expect("an answer that is there");
    answer.inspect_err(is_short).ok()
}

fn is_short(error: &CallError) {
    let said = error.to_string();
    assert!(said.chars().count() <= SENTENCE_CHARS_MAX && !said.contains('\n'), "{said}");
}
