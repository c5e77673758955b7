//! `POST /api/v1/bookings/{id}/resolve`: a person settles a booking.
//!
//! 200 with the booking as it is then; 400 for a body that says nothing clear, 404 for a booking
//! that the ledger does not know, 415 for a body that is not said to be JSON, 409 for a verdict
//! that cannot be true, 502 when one of the systems did not answer. Every refusal is a sentence as
//! JSON, and quotes nothing of the body.

use axum::Json;
use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, StatusCode};
use axum::response::{IntoResponse, Response};
use serde_json::Value;

use super::problem::problem;
use super::{Admin, api, auth};
use crate::booking::entry::Entry;
use crate::booking::resolution::{Note, Objection, Resolution, Unresolved, reference};
use crate::http::json::{field, text};
use crate::ids::BookingId;
use crate::messages::{admin as say, resolve as say_resolve};
use crate::practice::resolve::NotResolved;

/// The fields of the body.
const FIELDS: [&str; 4] = ["outcome", "reference", "force", "note"];

/// What a person says of a booking, before it is read.
pub(super) struct TypedVerdict<'a> {
    /// `confirmed`, `rejected` or `cancelled`.
    pub(super) outcome: &'a str,
    /// The appointment's reference.
    pub(super) reference: Option<&'a str>,
    /// True if OpenVPMS's word counts for nothing.
    pub(super) force: bool,
    /// A line for the history.
    pub(super) note: Option<&'a str>,
}

impl TypedVerdict<'_> {
    /// What it means.
    ///
    /// # Errors
    /// A sentence that says what is missing or too much.
    pub(super) fn read(&self) -> Result<(Resolution, Option<Note>), String> {
        let note = self.note.map(str::parse::<Note>).transpose().map_err(|bad| say::sentence(&bad))?;
        let reference = self.reference.map(reference).transpose().map_err(|bad| match bad {
            Unresolved::Refused(why) => say::sentence(&why),
            Unresolved::Failed(why) => say::sentence(&why),
        })?;
        let verdict = match self.outcome {
            "confirmed" => Resolution::Confirmed { reference, force: self.force },
            _ if reference.is_some() || self.force => return Err(say::RESOLVE_CONFIRMED_ONLY.to_owned()),
            "rejected" => Resolution::Rejected,
            "cancelled" => Resolution::Cancelled,
            _ => return Err(say::RESOLVE_NO_OUTCOME.to_owned()),
        };
        Ok((verdict, note))
    }
}

/// What came of it.
pub(super) enum Settled {
    /// The booking as it is then.
    Done(Box<Entry>),
    /// Why it cannot be true.
    Objected(Objection),
    /// Why not, in a sentence.
    Refused(StatusCode, String),
}

/// Has the practice settle a booking.
pub(super) async fn settle(admin: &Admin, id: BookingId, verdict: Resolution, note: Option<Note>) -> Settled {
    let unknown = || Settled::Refused(StatusCode::NOT_FOUND, say::no_such_booking(id));
    let entry = match admin.bridge.ledger().get(id) {
        Ok(Some(entry)) => entry,
        Ok(None) => return unknown(),
        Err(error) => return Settled::Refused(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    // One that is off settles what a person says, as `bookings resolve` does without a service.
    let Some((practice, _)) = admin.bridge.on_or_off(&entry.practice_id) else {
        let why = say::sentence(&say_resolve::practice_gone(&entry.practice_id));
        return Settled::Refused(StatusCode::CONFLICT, why);
    };
    // In a task of its own: a client that hangs up must not leave it half done.
    let running = tokio::spawn(async move { practice.resolve(id, &verdict, note).await });
    match running.await {
        Ok(Ok(entry)) => Settled::Done(Box::new(entry)),
        Ok(Err(NotResolved::Unknown)) => unknown(),
        Ok(Err(NotResolved::Objected(why))) => Settled::Objected(why),
        Ok(Err(NotResolved::Refused(why))) => Settled::Refused(StatusCode::CONFLICT, say::sentence(&why)),
        Ok(Err(NotResolved::Failed(why))) => Settled::Refused(StatusCode::BAD_GATEWAY, say::sentence(&why)),
        Ok(Err(NotResolved::Ledger(error))) => {
            Settled::Refused(StatusCode::INTERNAL_SERVER_ERROR, say::sentence(&error))
        }
        Err(_) => Settled::Refused(StatusCode::INTERNAL_SERVER_ERROR, say::sentence(&say_resolve::INTERRUPTED)),
    }
}

/// Reads the body: `{"outcome": "confirmed", "reference": …, "force": …, "note": …}`.
///
/// # Errors
/// A sentence that names the field and what it takes.
pub fn read(body: &[u8]) -> Result<(Resolution, Option<Note>), String> {
    let value: Value = serde_json::from_slice(body).map_err(|_| say::RESOLVE_NO_JSON.to_owned())?;
    let fields = value.as_object().ok_or_else(|| say::RESOLVE_NO_JSON.to_owned())?;
    if !fields.keys().all(|name| FIELDS.contains(&name.as_str())) {
        return Err(say::RESOLVE_UNKNOWN_FIELD.to_owned());
    }
    let given = |name| field(&value, name);
    let words = |name: &'static str| match given(name) {
        None => Ok(None),
        Some(found) => text(found).map(Some).ok_or_else(|| say::resolve_no_text(name)),
    };
    let force = given("force").map_or(Some(false), Value::as_bool).ok_or_else(|| say::RESOLVE_NO_FLAG.to_owned())?;
    let (reference, note) = (words("reference")?, words("note")?);
    let outcome = given("outcome").and_then(Value::as_str).unwrap_or_default();
    TypedVerdict { outcome, reference: reference.as_deref(), force, note: note.as_deref() }.read()
}

pub(super) async fn resolve(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    headers: HeaderMap,
    body: Result<Bytes, BytesRejection>,
) -> Response {
    if auth::content_type(&headers).as_deref() != Some("application/json") {
        return problem(StatusCode::UNSUPPORTED_MEDIA_TYPE, say::NOT_JSON);
    }
    let Ok(body) = body else {
        return problem(StatusCode::PAYLOAD_TOO_LARGE, say::body_too_large(super::guard::BODY_BYTES_MAX));
    };
    let unknown = || problem(StatusCode::NOT_FOUND, say::no_such_booking(&id));
    let Ok(booking) = id.parse().map(BookingId) else { return unknown() };
    let (verdict, note) = match read(&body) {
        Ok(read) => read,
        Err(why) => return problem(StatusCode::BAD_REQUEST, why),
    };
    match settle(&admin, booking, verdict, note).await {
        Settled::Done(entry) => Json(api::named(&admin, &entry)).into_response(),
        Settled::Objected(why) => problem(StatusCode::CONFLICT, say::sentence(&why)),
        Settled::Refused(status, why) => problem(status, why),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_body_says_what_became_of_the_booking() {
        let read = |body: &str| read(body.as_bytes());
        let confirmed = |reference: Option<&str>, force| Resolution::Confirmed {
            reference: reference.map(|text| crate::ids::BookingReference(text.into())),
            force,
        };
        assert_eq!(read(r#"{"outcome":"confirmed"}"#), Ok((confirmed(None, false), None)));
        assert_eq!(
            read(r#"{"outcome":"confirmed","reference":" 603:be08 ","force":true,"note":"seen by Kim"}"#),
            Ok((confirmed(Some("603:be08"), true), Some("seen by Kim".parse().unwrap())))
        );
        assert_eq!(
            read(r#"{"outcome":"rejected","reference":null,"force":false,"note":null}"#),
            Ok((Resolution::Rejected, None))
        );
        assert_eq!(read(r#"{"outcome":"cancelled"}"#), Ok((Resolution::Cancelled, None)));
    }

    #[test]
    fn a_body_that_says_nothing_clear_is_refused_in_a_sentence_that_quotes_nothing() {
        for body in [
            "",
            "[]",
            "secret",
            r#"{"outcome":"secret"}"#,
            r#"{"outcome":null}"#,
            r#"{"note":"secret"}"#,
            r#"{"outcome":"confirmed","secret":1}"#,
            r#"{"outcome":"confirmed","reference":{"secret":1}}"#,
            r#"{"outcome":"confirmed","reference":"secret with blanks"}"#,
            r#"{"outcome":"confirmed","reference":""}"#,
            r#"{"outcome":"confirmed","force":"secret"}"#,
            r#"{"outcome":"rejected","force":true}"#,
            r#"{"outcome":"cancelled","reference":"1:secret"}"#,
            r#"{"outcome":"rejected","note":"secret\nof two lines"}"#,
            r#"{"outcome":"rejected","note":"  "}"#,
        ] {
            let said = read(body.as_bytes()).unwrap_err();
            assert!(said.ends_with('.') && !said.contains("secret"), "{body}: {said}");
        }
        let long = format!(r#"{{"outcome":"rejected","note":"{}"}}"#, "x".repeat(201));
        assert!(read(long.as_bytes()).unwrap_err().contains("200"));
    }
}
