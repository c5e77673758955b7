//! Who speaks in an answer: the PMS API, or something in between.
//!
//! A gateway, a firewall or a captive portal answers with any status at all. What it says is not
//! Healthengine's word: its 401 is no refused key, its 403 no missing consent, its 404 no call that
//! is not there, and its clock is not Healthengine's.
//!
//! The API speaks JSON: its refusals are `{"error": "…"}`, and its definition has 401, 404 and 405
//! without a body (OpenAPI 1.9.0, `components/responses`). An answer without a body can be
//! either's.

use crate::http::Response;
use crate::http::answer::{is_html, reason, without_mark};

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Voice {
    /// JSON: the API.
    Api,
    /// No body: the API, as far as its definition has the status without one.
    Silent,
    /// A page of HTML, or another text.
    Page,
}

/// Who speaks in this answer. Of one with a status of success no more than the beginning is looked
/// at: whoever reads it finds out.
pub(super) fn voice(response: &Response) -> Voice {
    let body = without_mark(&response.body).trim_ascii();
    let is_json = || match response.status {
        200..=299 => matches!(body.first(), Some(b'{' | b'[')),
        _ => reason(body, |_| Some(())).is_some(),
    };
    match () {
        () if is_html(response) => Voice::Page,
        () if body.is_empty() => Voice::Silent,
        () if is_json() => Voice::Api,
        () => Voice::Page,
    }
}

/// True if the answer's `Date` is what Healthengine's clock shows: the API wrote it, and no cache
/// has kept it since.
pub(super) fn tells_the_time(response: &Response) -> bool {
    let is_fresh = response.header("age").is_none_or(|age| age.trim() == "0");
    let is_own = match (voice(response), response.status) {
        // JSON of a gateway comes with these as well.
        (_, 429 | 500..) => false,
        (Voice::Api, _) | (Voice::Silent, 200..=299) => true,
        (Voice::Silent | Voice::Page, _) => false,
    };
    is_fresh && is_own
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(status: u16, content_type: &str, body: &str) -> Response {
        let headers = vec![("content-type".to_owned(), content_type.to_owned())];
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn the_api_speaks_json_and_is_silent_now_and_then_and_all_else_is_a_page() {
        for (status, content_type, body, speaks, tells) in [
            (200, "application/json", "[\"bookings\"]", Voice::Api, true),
            (200, "application/json", "\u{FEFF}{}", Voice::Api, true),
            (200, "application/json", "", Voice::Silent, true),
            (204, "", "", Voice::Silent, true),
            (400, "application/json", r#"{"error":"no"}"#, Voice::Api, true),
            (403, "text/plain", r#"{"error":"no consent"}"#, Voice::Api, true),
            (401, "", "", Voice::Silent, false),
            (404, "", " \r\n", Voice::Silent, false),
            (500, "application/json", r#"{"error":"x"}"#, Voice::Api, false),
            (429, "application/json", r#"{"error":"x"}"#, Voice::Api, false),
            (200, "text/html", "", Voice::Page, false),
            (403, "text/html", "<html><title>Forbidden</title></html>", Voice::Page, false),
            (401, "application/json", "\u{FEFF} <!doctype html>", Voice::Page, false),
            (404, "text/plain", "404 page not found", Voice::Page, false),
            (403, "text/plain", "error code: 1020", Voice::Page, false),
            (403, "application/json", r#"{"error":"#, Voice::Page, false),
            (502, "text/html", "<html>", Voice::Page, false),
        ] {
            let answer = answer(status, content_type, body);
            assert_eq!((voice(&answer), tells_the_time(&answer)), (speaks, tells), "{status} {body:?}");
        }
    }

    #[test]
    fn what_a_cache_kept_does_not_tell_the_time() {
        let mut kept = answer(200, "application/json", "[]");
        kept.headers.push(("age".to_owned(), "0".to_owned()));
        assert!(tells_the_time(&kept));
        kept.headers.push(("age".to_owned(), "0".to_owned()));
        kept.headers[1].1 = "30".to_owned();
        assert!(!tells_the_time(&kept));
    }
}
