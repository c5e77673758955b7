//! What holds for every path: no request body beyond a bound, no answer that a cache keeps or a
//! page frames.

use axum::extract::Request;
use axum::http::{HeaderMap, HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::Response;

use super::problem::problem;
use crate::messages::admin as say;

/// No request to the admin API needs more.
pub(super) const BODY_BYTES_MAX: usize = 64 * 1024;

/// Of every answer. The pages have a style and forms of their own and nothing else: no script, no
/// image.
const HEADERS: [(HeaderName, &str); 5] = [
    (header::CACHE_CONTROL, "no-store"),
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::REFERRER_POLICY, "no-referrer"),
];

/// Adds [`HEADERS`].
pub(super) async fn headers(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    for (name, value) in HEADERS {
        response.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    response
}

/// Refuses a body that is announced as too long. One that is not announced is counted by whoever
/// reads it (`DefaultBodyLimit`); what nobody reads is not taken off the connection.
pub(super) async fn limit_body(request: Request, next: Next) -> Response {
    if announced_bytes(request.headers()).is_some_and(|bytes| bytes > BODY_BYTES_MAX) {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, say::body_too_large(BODY_BYTES_MAX));
    }
    next.run(request).await
}

/// How long the body is to be, where that is said.
pub(super) fn announced_bytes(headers: &HeaderMap) -> Option<usize> {
    headers.get(header::CONTENT_LENGTH)?.to_str().ok()?.parse().ok()
}
