//! What an answer means before anybody knows which API it belongs to: statuses that mean the same
//! everywhere, HTML where no HTML belongs, JSON that cannot be read.
//!
//! Everything here that ends in a [`CallError`] may be shown to an operator. So a body is
//! described, never quoted: of HTML the title, of JSON where it stops making sense and what kinds
//! of things were found there. A 500 is not even described, because stack traces can hold what was
//! sent. Where what was asked, or is answered, is about a patient, no word of the answer is shown
//! at all ([`Quote::No`]): an error can repeat what it is about in any place, a title or the name
//! of a field as well.

use std::time::Duration;

use serde_json::Value;
use serde_json::error::Category;

use super::Response;
use super::bounded_json::unfold;
use super::json::Misfit;
use crate::call_error::{Answer, CallError, Cause, ErrorClass};
use crate::characters::one_line;
use crate::dates;

/// No server is left alone for longer, whatever it says,
const RETRY_AFTER_MAX: Duration = Duration::from_secs(60 * 60);
/// and for no longer than this where it does not say that we ask too much.
const RETRY_AFTER_FAILURE_MAX: Duration = Duration::from_secs(60);
/// What a `Retry-After` date counts as in an answer that does not say what time it is there.
const RETRY_AFTER_UNKNOWN: Duration = Duration::from_secs(60);
/// A longer answer is no reason.
const REASON_BYTES_MAX: usize = 64 * 1024;
/// How much of a page's title is shown.
const TITLE_CHARS_MAX: usize = 80;
/// How far into a page its title is looked for.
const TITLE_BYTES_MAX: usize = 4096;

/// Whether any word of an answer may be shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Quote {
    /// Neither what was asked nor what is answered is about a patient.
    Yes,
    /// One of the two is.
    No,
}

/// Kinds of content that are named wherever they come from.
const KNOWN_KINDS: [&str; 9] = [
    "application/json",
    "application/problem+json",
    "application/octet-stream",
    "application/xml",
    "application/xhtml+xml",
    "text/html",
    "text/plain",
    "text/xml",
    "text/json",
];

/// Reads the JSON of an answer.
///
/// # Errors
/// [`ErrorClass::Contract`] for HTML, for what is no JSON, and for JSON that `read` cannot make
/// sense of.
pub fn json<T>(response: &Response, quote: Quote, read: impl FnOnce(&Value) -> Result<T, Misfit>) -> Answer<T> {
    if is_html(response) {
        return Err(page(response, quote));
    }
    let value: Value = unfold(without_mark(&response.body)).map_err(|error| {
        let what = match error.classify() {
            Category::Eof => "JSON that breaks off",
            Category::Data => "more JSON than anybody has a use for: it was given up",
            Category::Syntax | Category::Io => "something that is no JSON",
        };
        contract(response, quote, &format!("{what} at line {}, column {}", error.line(), error.column()))
    })?;
    read(&value).map_err(|misfit| {
        let misfit = if quote == Quote::Yes { misfit } else { misfit.unnamed() };
        contract(response, quote, &format!("unexpected JSON: {misfit}"))
    })
}

/// The reason of a refusal, where it is given as JSON.
pub fn reason<T>(body: &[u8], read: impl FnOnce(&Value) -> Option<T>) -> Option<T> {
    if body.len() > REASON_BYTES_MAX {
        return None;
    }
    read(&unfold(without_mark(body)).ok()?)
}

/// The error that an answer stands for whatever the API: a redirect, 401, 403, 429, 5xx, or a page
/// of HTML. `None` leaves the judgement to the client.
pub fn common_error(response: &Response, quote: Quote) -> Option<CallError> {
    let status = response.status;
    let with = |class, detail: String| CallError {
        retry_after: retry_after(response),
        ..CallError::with_status(class, status, detail)
    };
    match status {
        401 => Some(with(ErrorClass::Credentials, "the credentials were refused".to_owned())),
        403 => Some(with(ErrorClass::Forbidden, "access was refused".to_owned())),
        407 => {
            let detail = "the proxy wants a user name and a password";
            Some(CallError::with_status(ErrorClass::NotSent, status, detail).due_to(Cause::Proxy))
        }
        429 => Some(with(ErrorClass::TooMany, "the server says that it is asked too often".to_owned())),
        // The title of a 500 can be the text of an exception.
        501..=599 if is_html(response) => {
            Some(with(ErrorClass::Unavailable, failed(response, quote)).due_to(Cause::Page))
        }
        500..=599 => Some(with(ErrorClass::Unavailable, "the server failed".to_owned())),
        300..=399 => Some(contract(response, quote, "a redirect to another address")),
        400 if asks_for_https(response) => {
            Some(contract(response, quote, "the refusal of plain http by a port of https").due_to(Cause::SpeaksHttps))
        }
        _ if is_html(response) => Some(page(response, quote)),
        _ => None,
    }
}

/// True for what servers say to plain http on a port of https: nginx, Tomcat, Apache, and programs
/// in Go.
fn asks_for_https(response: &Response) -> bool {
    const SAID: [&str; 4] = [
        "plain http request was sent to https port",
        "combination of host and port requires tls",
        "speaking plain http to an ssl-enabled server port",
        "client sent an http request to an https server",
    ];
    let text = String::from_utf8_lossy(&response.body[..response.body.len().min(TITLE_BYTES_MAX)]);
    let text = text.to_ascii_lowercase();
    SAID.iter().any(|said| text.contains(said))
}

/// The error for an answer that the API does not have. `found` must not quote the body.
pub fn contract(response: &Response, quote: Quote, found: &str) -> CallError {
    let content_type = content_type(response, quote);
    let detail = format!("the answer ({content_type}, {} bytes) is {found}", response.body.len());
    CallError::with_status(ErrorClass::Contract, response.status, detail)
}

/// The kind of content, without its parameters, which nobody needs.
fn content_type(response: &Response, quote: Quote) -> String {
    let Some(named) = response.header("content-type") else { return "no content type".to_owned() };
    let kind = named.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    if quote == Quote::Yes || KNOWN_KINDS.contains(&&*kind) {
        one_line(&kind, 60)
    } else {
        "another content type".into()
    }
}

/// True for a page of HTML, whatever it is called: login pages and proxies' apologies come with a
/// 200 as well.
pub fn is_html(response: &Response) -> bool {
    let named = response.header("content-type").is_some_and(|kind| kind.to_ascii_lowercase().contains("html"));
    named || without_mark(&response.body).trim_ascii_start().starts_with(b"<")
}

/// A text without the byte order mark that some servers write before it.
pub fn without_mark(text: &[u8]) -> &[u8] {
    text.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(text)
}

/// The error for a page of HTML, or for a text that stands where the API has JSON. It says nothing
/// about what the API thinks of the call, whatever its status.
pub fn page(response: &Response, quote: Quote) -> CallError {
    let found = match title(&response.body) {
        Some(title) if quote == Quote::Yes => format!("a page titled \"{title}\""),
        Some(_) => "a page".to_owned(),
        None if is_html(response) => "a page without a title".to_owned(),
        None => "a text that the API does not have".to_owned(),
    };
    contract(response, quote, &found).due_to(Cause::Page)
}

fn failed(response: &Response, quote: Quote) -> String {
    match title(&response.body) {
        Some(title) if quote == Quote::Yes => {
            format!("the server, or something before it, failed with a page titled \"{title}\"")
        }
        Some(_) | None => "the server, or something before it, failed".to_owned(),
    }
}

/// The title of a page, on one line.
pub fn title(body: &[u8]) -> Option<String> {
    let head = String::from_utf8_lossy(&body[..body.len().min(TITLE_BYTES_MAX)]);
    // ASCII case only: the byte positions stay those of `head`.
    let lower = head.to_ascii_lowercase();
    let open = lower.find("<title")?;
    let start = open + lower[open..].find('>')? + 1;
    let end = start + lower[start..].find("</title")?;
    let title = one_line(&head[start..end], TITLE_CHARS_MAX);
    (!title.is_empty()).then_some(title)
}

/// How long the server wants to be left alone: seconds, or a date, which is compared with the
/// answer's own `Date`, so that a difference of the clocks does not matter. At most an hour with
/// 429, and a minute with any other status.
pub fn retry_after(response: &Response) -> Option<Duration> {
    let text = response.header("retry-after")?.trim();
    let pause = match (text.parse::<u64>(), dates::of_header(text)) {
        (Ok(seconds), _) => Duration::from_secs(seconds),
        // Digits that no u64 holds.
        (Err(_), None) if !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit()) => RETRY_AFTER_MAX,
        (Err(_), None) => return None,
        (Err(_), Some(until)) => match response.header("date").and_then(dates::of_header) {
            Some(now) => (until - now).to_std().unwrap_or_default(),
            None => RETRY_AFTER_UNKNOWN,
        },
    };
    Some(pause.min(if response.status == 429 { RETRY_AFTER_MAX } else { RETRY_AFTER_FAILURE_MAX }))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn response(status: u16, headers: &[(&str, &str)], body: &str) -> Response {
        let headers = headers.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
        Response { status, headers, body: body.as_bytes().to_vec() }
    }

    #[test]
    fn retry_after_is_seconds_or_a_date_and_never_more_than_an_hour() {
        let date = ("date", "Fri, 15 Feb 2019 01:00:00 GMT");
        for (text, seconds) in [
            ("120", 120),
            ("0", 0),
            ("86400", 3600),
            ("99999999999999999999999", 3600),
            ("Fri, 15 Feb 2019 01:02:00 GMT", 120),
            ("Fri, 15 Feb 2019 00:00:00 GMT", 0),
            ("Sat, 16 Feb 2019 01:00:00 GMT", 3600),
        ] {
            let answer = response(429, &[date, ("retry-after", text)], "");
            assert_eq!(retry_after(&answer), Some(Duration::from_secs(seconds)), "{text}");
        }
        let undated = response(429, &[("retry-after", "Fri, 15 Feb 2019 01:02:00 GMT")], "");
        assert_eq!(retry_after(&undated), Some(RETRY_AFTER_UNKNOWN));
        let failed = response(503, &[("retry-after", "3600")], "");
        assert_eq!(retry_after(&failed), Some(RETRY_AFTER_FAILURE_MAX));
        for nonsense in ["", "soon", "-1", "1.5"] {
            assert_eq!(retry_after(&response(429, &[("retry-after", nonsense)], "")), None, "{nonsense}");
        }
    }

    #[test]
    fn a_login_page_with_status_200_is_told_by_its_title_alone() {
        let body =
            "<!DOCTYPE html><html><head><TITLE lang=en>OpenVPMS \n Login</TITLE></head><body>Judith</body></html>";
        let page = response(200, &[("content-type", "text/plain; charset=x")], body);
        let error = json(&page, Quote::Yes, |_| Ok(())).unwrap_err();
        assert_eq!((error.class, error.status), (ErrorClass::Contract, Some(200)));
        assert!(error.detail.contains("\"OpenVPMS Login\""), "{error}");
        assert!(!error.detail.contains("Judith"), "{error}");
        let unquoted = json(&page, Quote::No, |_| Ok(())).unwrap_err();
        assert_eq!(unquoted.detail, format!("the answer (text/plain, {} bytes) is a page", body.len()));
        assert_eq!(unquoted.cause, Some(Cause::Page));
    }

    #[test]
    fn no_word_of_an_answer_about_a_patient_is_shown() {
        let marked = [
            ("text/html", "<html><title>No slot for Judith</title></html>".to_owned()),
            ("application/json; name=\"Judith\"", r#"{"Judith":1,"Bourke":2}"#.to_owned()),
            ("Judith/Bourke", "[1]".to_owned()),
            ("text/plain", "Judith".to_owned()),
        ];
        for (kind, body) in marked {
            for status in [200, 201, 302, 400, 401, 403, 404, 407, 418, 429, 500, 502, 503] {
                let answer = response(status, &[("content-type", kind)], &body);
                let misfit = |value: &Value| Err::<(), _>(Misfit::new("a number", Some(value)));
                let errors = [
                    json(&answer, Quote::No, misfit).err(),
                    common_error(&answer, Quote::No),
                    Some(page(&answer, Quote::No)),
                    Some(contract(&answer, Quote::No, "x")),
                ];
                for error in errors.into_iter().flatten() {
                    let told = format!("{error} {error:?}").to_lowercase();
                    assert!(!told.contains("judith") && !told.contains("bourke"), "{status} {kind}: {told}");
                }
            }
        }
        let two = response(200, &[("content-type", "application/json")], r#"{"Judith":1,"Bourke":2}"#);
        let misfit = |value: &Value| Err::<(), _>(Misfit::new("a number", Some(value)).in_field("id"));
        let told = json(&two, Quote::No, misfit).unwrap_err().detail;
        assert!(told.ends_with("unexpected JSON: at id: expected a number, found an object with 2 fields"), "{told}");
        assert!(json(&two, Quote::Yes, misfit).unwrap_err().detail.contains("the fields"), "elsewhere they help");
    }

    #[test]
    fn broken_json_is_told_by_its_position_alone() {
        let cut = response(200, &[("content-type", "application/json")], "[{\"name\":\"Judith");
        let error = json(&cut, Quote::No, |_| Ok(())).unwrap_err();
        assert_eq!(
            error.detail,
            "the answer (application/json, 16 bytes) is JSON that breaks off at line 1, column 16"
        );
        let strange = response(200, &[], "Judith");
        assert!(!json(&strange, Quote::Yes, |_| Ok(())).unwrap_err().detail.contains("Judith"));
    }
}
