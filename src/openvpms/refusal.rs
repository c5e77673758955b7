//! What OpenVPMS's answers other than success mean.
//!
//! The application refuses in its own words, as `text/plain`. Which words it has is known, from its guide and from a recorded
//! server; those are passed on as they are, because callers compare them. Texts of its JSON parser quote what was sent and are
//! cut to their beginning; a text that nobody has seen is only counted.

use super::{
    ALREADY_SCHEDULED, BOOKING_NOT_FOUND, IN_THE_PAST, INVALID_REFERENCE, MUST_BE_PENDING, SCHEDULE_NOT_AVAILABLE,
};
use crate::http::{Response, answer};
use crate::remote::{CallError, ErrorClass};

/// The whole text of a refusal. With 404 no others are the application's: a path that it does not know, a web application
/// that is being reloaded and a proxy answer 404 too, and none of them says that something is gone.
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

/// The error that an answer with a status other than 2xx stands for.
pub(super) fn error(response: &Response) -> CallError {
    // A 401 is a page here as well: the container's. A 403 is none of the booking service's answers; as a page it is a firewall's.
    if response.status == 403 && answer::is_html(response) {
        return answer::page(response);
    }
    if let Some(error) = answer::common_error(response) {
        return error;
    }
    let text = String::from_utf8_lossy(&response.body);
    let text = text.trim();
    let refused = |detail: String| CallError::with_status(ErrorClass::Refused, response.status, detail);
    match response.status {
        404 if NOT_FOUND.contains(&text) => refused(text.to_owned()),
        404 => answer::contract(response, "a \"not found\" that is not the booking service's own"),
        400 | 409 | 410 | 422 if !text.is_empty() => refused(safe(text)),
        _ => answer::contract(response, "nothing that the booking service has"),
    }
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
        None => format!("a reason that vetbridge does not know ({} characters)", text.chars().count()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
