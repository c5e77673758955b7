//! What OpenVPMS's answers other than success mean.
//!
//! The application refuses in its own words, as `text/plain`. Which words it has is known, from its
//! guide and from a recorded server; those are passed on as they are, because callers compare them.
//! Texts of its JSON parser quote what was sent and are cut to their beginning; a text that nobody
//! has seen is only counted. Of what else answers a call about a booking no word is shown.

use super::api::{
    ALREADY_SCHEDULED, BOOKING_NOT_FOUND, IN_THE_PAST, INVALID_REFERENCE, MUST_BE_PENDING, SCHEDULE_NOT_AVAILABLE,
};
use crate::call_error::{CallError, ErrorClass};
use crate::http::Response;
use crate::http::answer::{self, Quote};

/// The whole text of a refusal. With 404 no others are the application's: a path that it does not
/// know, a web application that is being reloaded and a proxy answer 404 too, and none of them says
/// that something is gone.
const NOT_FOUND: &[&str] =
    &[BOOKING_NOT_FOUND, "Practice location not found", "Location not found", "Schedule not found", "User not found"];

/// The whole text of a refusal with 400.
const REFUSED: &[&str] = &[
    IN_THE_PAST,
    MUST_BE_PENDING,
    INVALID_REFERENCE,
    SCHEDULE_NOT_AVAILABLE,
    "Booking is required",
    "Booking start must be less than end",
    "Booking start is not on a slot boundary",
    "Booking end is not on a slot boundary",
    "Missing 'from' parameter",
    "Missing 'to' parameter",
    "'location' is a required field",
    "'schedule' is a required field",
    "'appointmentType' is a required field",
    "'start' is a required field",
    "'end' is a required field",
    "'firstName' is a required field",
    "'lastName' is a required field",
];

/// Refusals that end in an id of ours.
const REFUSED_WITH_ID: &[&str] = &[
    "Location not found: ",
    "Schedule not found: ",
    "Schedule is not available at location ",
    "Appointment Type not found: ",
    "User not found: ",
];

/// Refusals that go on with what was sent: only this much is passed on.
const CUT: &[&str] = &[
    ALREADY_SCHEDULED,
    "Parameter 'from' is not a valid ISO date/time",
    "Parameter 'to' is not a valid ISO date/time",
    "Can not deserialize value of type java.util.Date",
    "Can not deserialize value of type long",
    "Can not deserialize",
    "Cannot deserialize",
    "Unrecognized field",
    "Unrecognized token",
    "Unexpected end-of-input",
    "Unexpected character",
    "Numeric value",
    "Invalid UTF-8",
];

/// The error that an answer with a status other than 2xx stands for. `quote` says whether the
/// words of a page may be shown.
pub(super) fn error(response: &Response, quote: Quote) -> CallError {
    // A 401 is a page here as well: the container's. A 403 is none of the booking service's
    // answers; as a page it is a firewall's.
    if response.status == 403 && answer::is_html(response) {
        return answer::page(response, quote);
    }
    if let Some(error) = answer::common_error(response, quote) {
        return error;
    }
    let text = String::from_utf8_lossy(&response.body);
    let text = text.trim();
    let refused = |detail: String| CallError::with_status(ErrorClass::Refused, response.status, detail);
    match response.status {
        404 if NOT_FOUND.contains(&text) => refused(text.to_owned()),
        404 => answer::contract(response, quote, "a \"not found\" that is not the booking service's own"),
        400 | 409 | 410 | 422 if !text.is_empty() => refused(safe(text)),
        _ => answer::contract(response, quote, "nothing that the booking service has"),
    }
}

/// The error that an answer without a booking stands for where one was posted.
///
/// Only the server itself can say that nothing was made. Whatever stands before it may have passed
/// the request on and given up on the answer (408, 502, 503, 504), or dislike the answer and not
/// the request (a page with 403 or 406): the outcome is then as unknown as without any answer. What
/// holds the request back before it reads it (401, 407, 429, a redirect) passes nothing on.
pub(crate) fn of_post(response: &Response) -> CallError {
    let error = error(response, Quote::No);
    let class = match (response.status, error.class) {
        (300..=399 | 401 | 407 | 429, class) => class,
        (400 | 404, ErrorClass::Refused) if is_known(&error.detail) => ErrorClass::Refused,
        // No handler ran.
        (400 | 403..=406 | 413 | 415, _) if is_of_the_container(response) => ErrorClass::Refused,
        // The handler ran and failed, and nothing of the request is left to be done.
        (500, _) if is_of_the_container(response) => ErrorClass::Unavailable,
        _ => ErrorClass::Lost,
    };
    CallError { class, ..error }
}

/// True for a page of the servlet container in which OpenVPMS runs (Tomcat), or for a line of the
/// library that serves the API (Jersey).
fn is_of_the_container(response: &Response) -> bool {
    let status = response.status;
    let titles = [format!("HTTP Status {status}"), "Apache Tomcat/".to_owned()];
    let of_tomcat = answer::title(&response.body).is_some_and(|title| titles.iter().any(|own| title.starts_with(own)));
    of_tomcat || response.body.starts_with(format!("HTTP {status} ").as_bytes())
}

/// How a text that nobody has seen is named.
const UNKNOWN: &str = "a reason that vetbridge does not know";

fn is_known(safe: &str) -> bool {
    !safe.starts_with(UNKNOWN)
}

/// As much of the text as is known to hold nothing but our ids and the server's words.
fn safe(text: &str) -> String {
    let taken_at =
        |tail: &str| tail.len() <= 60 && tail.bytes().all(|byte| byte.is_ascii_digit() || b" -:.".contains(&byte));
    if REFUSED.contains(&text) || NOT_FOUND.contains(&text) {
        return text.to_owned();
    }
    // "… for 2026-12-01 09:00:00.0-2026-12-01 09:15:00.0": times, which the caller knows anyway.
    if text.strip_prefix(ALREADY_SCHEDULED).and_then(|tail| tail.strip_prefix(" for ")).is_some_and(taken_at) {
        return text.to_owned();
    }
    let is_id = |tail: &str| !tail.is_empty() && tail.len() <= 20 && tail.bytes().all(|byte| byte.is_ascii_digit());
    if REFUSED_WITH_ID.iter().any(|start| text.strip_prefix(start).is_some_and(is_id)) {
        return text.to_owned();
    }
    match CUT.iter().find(|start| text.starts_with(**start)) {
        Some(start) => (*start).to_owned(),
        None => format!("{UNKNOWN} ({} characters)", text.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn posted(status: u16, kind: &str, body: &str) -> CallError {
        let headers = vec![("content-type".to_owned(), kind.to_owned())];
        of_post(&Response { status, headers, body: body.as_bytes().to_vec() })
    }

    #[test]
    fn only_the_server_itself_says_that_a_posted_booking_was_not_made() {
        const HTML: &str = "text/html;charset=utf-8";
        let tomcat = |status: u16, reason: &str| {
            format!("<!doctype html><html><head><title>HTTP Status {status} – {reason}</title></head></html>")
        };
        let old_tomcat = "<html><head><title>Apache Tomcat/8.0.32 (Ubuntu) - Error report</title></head></html>";
        let gateway = "<html><head><title>Request blocked</title></head></html>";
        for (status, kind, body) in [
            (400, "text/plain", "Cannot make a booking in the past"),
            (400, "text/plain", "An appointment is already scheduled for 2026-12-01 09:00:00.0-2026-12-01 09:15:00.0"),
            (400, "text/plain", "Unrecognized field \"x\" (class …)"),
            (400, HTML, &tomcat(400, "Bad Request")),
            (401, HTML, gateway),
            (301, "text/plain", ""),
            (302, HTML, gateway),
            (403, HTML, &tomcat(403, "Forbidden")),
            (404, "text/plain", "Schedule not found"),
            (404, "text/plain", "HTTP 404 Not Found"),
            (404, HTML, &tomcat(404, "Not Found")),
            (404, HTML, old_tomcat),
            (405, HTML, &tomcat(405, "Method Not Allowed")),
            (406, HTML, &tomcat(406, "Not Acceptable")),
            (415, HTML, &tomcat(415, "Unsupported Media Type")),
            (407, HTML, gateway),
            (429, "text/plain", ""),
        ] {
            let error = posted(status, kind, body);
            assert!(error.nothing_was_done(), "{status} {body}: {error:?}");
        }
        for (status, kind, body, class) in [
            (400, "text/plain", "Bad Request", ErrorClass::Lost),
            (400, "application/json", r#"{"error":"bad gateway"}"#, ErrorClass::Lost),
            (400, HTML, gateway, ErrorClass::Lost),
            (403, HTML, gateway, ErrorClass::Lost),
            (403, "text/plain", "", ErrorClass::Lost),
            (404, HTML, gateway, ErrorClass::Lost),
            (404, HTML, &tomcat(502, "Bad Gateway"), ErrorClass::Lost),
            (404, "text/plain", "", ErrorClass::Lost),
            (405, HTML, gateway, ErrorClass::Lost),
            (406, HTML, gateway, ErrorClass::Lost),
            (408, HTML, &tomcat(408, "Request Timeout"), ErrorClass::Lost),
            (408, "text/plain", "", ErrorClass::Lost),
            (409, "text/plain", "Cannot make a booking in the past", ErrorClass::Lost),
            (422, "text/plain", "no", ErrorClass::Lost),
            (418, HTML, gateway, ErrorClass::Lost),
            (499, "text/plain", "", ErrorClass::Lost),
            (500, HTML, &tomcat(500, "Internal Server Error"), ErrorClass::Unavailable),
            (500, HTML, gateway, ErrorClass::Lost),
            (502, HTML, gateway, ErrorClass::Lost),
            (503, HTML, gateway, ErrorClass::Lost),
            (503, HTML, &tomcat(503, "Service Unavailable"), ErrorClass::Lost),
            (504, "text/plain", "", ErrorClass::Lost),
        ] {
            let error = posted(status, kind, body);
            assert_eq!((error.class, error.status), (class, Some(status)), "{body}");
            assert!(!error.nothing_was_done(), "{status} {body}: {error:?}");
        }
    }

    #[test]
    fn known_texts_pass_whole_and_others_lose_what_they_quote() {
        for text in [
            "Booking not found",
            "'lastName' is a required field",
            "Schedule not found: 999",
            "An appointment is already scheduled for 2026-12-01 09:00:00.0-2026-12-01 09:15:00.0",
        ] {
            assert_eq!(safe(text), text);
        }
        assert_eq!(safe("An appointment is already scheduled for Judith"), ALREADY_SCHEDULED);
        assert_eq!(safe("Schedule not found: Judith"), "a reason that vetbridge does not know (26 characters)");
        assert_eq!(
            safe("Can not deserialize value of type java.util.Date from String \"Judith\": not a valid representation"),
            "Can not deserialize value of type java.util.Date"
        );
        assert_eq!(safe("Unrecognized token 'Judith': was expecting"), "Unrecognized token");
        assert_eq!(safe("Judith Bourke is banned"), "a reason that vetbridge does not know (23 characters)");
    }
}
