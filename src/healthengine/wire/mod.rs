//! Healthengine's JSON, and how it becomes our types. (What we send is written by the types
//! themselves.)
//!
//! The API definition calls hardly any field required, so any can be null or missing, and some are
//! numbers in one edition and texts in another. A field that cannot be read is `None`, an entry
//! without its id is counted as unreadable, and what is left is still worked on: one odd booking
//! must not hold up the others.

pub(super) mod batch;

use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use serde::Serialize;
use serde_json::Value;

use super::api::{
    AppointmentChangeRequest, AvailabilityRequest, BookingRequest, BookingStatus, BookingUpdate, Feature, LiveRange,
    LivenessContract, Page, Patient, PmsAppointmentType, PmsResource, RequestKind, Subscription, SubscriptionError,
    UploadRequest,
};
use crate::characters::one_line;
use crate::dates;
use crate::http::answer::reason;
use crate::http::json::{Misfit, cut, entries, field, flag, id, integer, need, text};
use crate::ids::{BookingId, RequestId};

/// More kinds of requests than these are not looked at.
const KINDS_MAX: usize = 100;
/// The longest name of a status or a day that is kept, and the longest message.
const NAME_CHARS_MAX: usize = 60;
const MESSAGE_CHARS_MAX: usize = 300;
/// What is kept of a pet owner's words, of what Healthengine adds to them, and of a name or an
/// address. OpenVPMS keeps 5,000 characters of notes and 255 of anything else.
const REASON_CHARS_MAX: usize = 4_000;
const NOTE_CHARS_MAX: usize = 1_000;
const FIELD_CHARS_MAX: usize = 255;
/// A booking is confirmed with one appointment; more than this many are not kept.
const APPOINTMENT_IDS_MAX: usize = 10;
/// A page has a hundred entries or so. Of one that has more than this the rest waits until these
/// are answered.
const PAGE_ENTRIES_MAX: usize = 1_000;
/// More live hours in a day are nonsense.
const RANGES_MAX: usize = 100;

/// Why an update, a booking or an appointment ended as it did.
#[derive(Serialize)]
pub(super) struct ReasonBody<'a> {
    pub(super) reason: &'a str,
}

/// The body of `confirmInsert`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ConfirmBody<'a> {
    pub(super) pms_appointment_ids: &'a [String],
    pub(super) pms_patient_id: &'a str,
}

/// The body of `documents/rejectUpload`.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct RejectUploadBody<'a> {
    pub(super) booking_id: BookingId,
    pub(super) pms_document_id: &'a str,
    pub(super) reason: &'a str,
}

/// The body of a new subscription.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct SubscriptionBody<'a> {
    #[serde(skip_serializing_if = "Option::is_none")]
    client_id: Option<&'a str>,
    topic: &'a str,
    callback_url: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    expire_at: Option<String>,
}

impl<'a> SubscriptionBody<'a> {
    pub(super) fn of(subscription: &'a Subscription) -> Self {
        Self {
            client_id: subscription.client_id.as_deref(),
            topic: &subscription.topic,
            callback_url: &subscription.callback_url,
            expire_at: subscription.expire_at.map(utc_text),
        }
    }
}

/// A moment as Healthengine writes it: UTC, without saying so.
pub(super) fn utc_text(at: DateTime<Utc>) -> String {
    at.format(dates::DATE_TIME).to_string()
}

/// `["bookings","availability"]`, each kind once, in the order given.
pub(super) fn request_kinds(value: &Value) -> Result<Vec<RequestKind>, Misfit> {
    let mut kinds = Vec::new();
    for name in entries(value)?.iter().filter_map(Value::as_str).take(KINDS_MAX) {
        let kind = RequestKind::named(name);
        if !kinds.contains(&kind) {
            kinds.push(kind);
        }
    }
    Ok(kinds)
}

/// `{"data":[…],"page":{"currentPage":1,"totalPages":3,"perPage":100,"total":201}}`. Without page
/// numbers it is the only page.
///
/// The definition has `data` as a list and does not call it required (OpenAPI 1.9.0,
/// `requests/bookings`). An answer without it is an empty list only where `page.total` says 0:
/// taken for one on any other ground, it would say that nobody waits any more.
pub(super) fn page<T>(value: &Value, asked: u32, read: impl Fn(&Value) -> Option<T>) -> Result<Page<T>, Misfit> {
    let number = |name| {
        let number = field(value, "page").and_then(|page| field(page, name)).and_then(integer)?;
        u32::try_from(number).ok()
    };
    let entries_in_all = number("total");
    let data = match field(value, "data") {
        Some(data) => entries(data).map_err(|misfit| misfit.in_field("data"))?,
        None if entries_in_all == Some(0) => &[],
        None => return Err(Misfit::new("an object with data, or with a page whose total is 0", Some(value))),
    };
    let items: Vec<T> = data.iter().take(PAGE_ENTRIES_MAX).filter_map(read).collect();
    let from_one = |name| number(name).filter(|number| *number > 0);
    Ok(Page {
        unreadable: data.len() - items.len(),
        items,
        current: from_one("currentPage").unwrap_or(asked),
        total: from_one("totalPages").unwrap_or(asked),
        entries: entries_in_all,
    })
}

/// An entry of `requests/bookings`.
pub(super) fn booking_request(value: &Value) -> Option<BookingRequest> {
    Some(BookingRequest {
        booking_id: BookingId(get(value, "bookingId", integer)?),
        pms_resource_id: get(value, "pmsResourceId", id),
        pms_appointment_type_id: get(value, "pmsAppointmentTypeId", id),
        pms_appointment_ids: appointment_ids(value),
        pms_patient_id: get(value, "pmsPatientId", id),
        booked_time: get(value, "bookedTime", utc),
        status: status(value),
        appointment_time: get(value, "pmsAppointmentTime", wall),
        appointment_length_seconds: get(value, "pmsAppointmentLength", integer),
        reason: get(value, "reason", |value| typed(value, REASON_CHARS_MAX)),
        comments: get(value, "comments", |value| typed(value, NOTE_CHARS_MAX)),
        patient: field(value, "patient").map(patient).unwrap_or_default(),
        telehealth_url: get(value, "telehealthUrl", |value| typed(value, NOTE_CHARS_MAX)),
        is_new_patient: get(value, "isNewPatient", flag),
    })
}

/// Of the patient's fields only what a booking in OpenVPMS can use: no date of birth, Medicare
/// number or address.
fn patient(value: &Value) -> Patient {
    // A phone number can be a JSON number, and then is no text.
    let words = |name| {
        get(value, name, |value| {
            typed(value, FIELD_CHARS_MAX).or_else(|| integer(value).map(|number| number.to_string()))
        })
    };
    Patient {
        first_name: words("firstname"),
        last_name: words("lastname"),
        phone: words("phone"),
        email: words("email"),
    }
}

/// What a person typed into a web form. Forms escape it as HTML on the way (`O&#039;Brien`, `Cats
/// &amp; Dogs`), which is undone here and nowhere else, so exactly once: who typed `&amp;` arrives
/// as `&amp;amp;` and keeps what they typed.
fn typed(value: &Value, chars_max: usize) -> Option<String> {
    cut(value, chars_max).map(|text| html_escape::decode_html_entities(&text).into_owned())
}

/// An entry of `requests/bookingUpdates`.
pub(super) fn booking_update(value: &Value) -> Option<BookingUpdate> {
    Some(BookingUpdate {
        request_id: RequestId(get(value, "requestId", integer)?),
        booking_id: BookingId(get(value, "bookingId", integer)?),
        pms_appointment_ids: appointment_ids(value),
        pms_patient_id: get(value, "pmsPatientId", id),
        updated_at: get(value, "updatedAt", utc),
        status: status(value),
    })
}

/// An entry of `requests/availability`: without a day nobody knows what is wanted.
pub(super) fn availability_request(value: &Value) -> Option<AvailabilityRequest> {
    Some(AvailabilityRequest {
        day: get(value, "day", day)?,
        pms_resource_id: get(value, "pmsResourceId", id).or_else(|| get(value, "pms_resource_id", id)),
    })
}

/// An entry of `requests/pmsAppointmentChanges`.
pub(super) fn appointment_change(value: &Value) -> Option<AppointmentChangeRequest> {
    Some(AppointmentChangeRequest {
        booking_id: BookingId(get(value, "bookingId", integer)?),
        pms_appointment_ids: appointment_ids(value),
    })
}

/// The liveness contract; before one was sent, an empty one.
pub(super) fn liveness_contract(value: &Value) -> Result<LivenessContract, Misfit> {
    let nothing = value.is_null() || value.as_array().is_some_and(Vec::is_empty);
    if !value.is_object() && !nothing {
        return Err(Misfit::new("a liveness contract", Some(value)));
    }
    let mut contract = LivenessContract::default();
    let days = field(value, "liveHours").and_then(Value::as_object);
    for (day, ranges) in days.into_iter().flatten().take(KINDS_MAX) {
        let ranges = entries(ranges).unwrap_or_default();
        let range = |range| Some(LiveRange { start: get(range, "start", text)?, end: get(range, "end", text)? });
        contract
            .live_hours
            .insert(one_line(day, NAME_CHARS_MAX), ranges.iter().take(RANGES_MAX).filter_map(range).collect());
    }
    Ok(contract)
}

/// An entry of `requests/uploadDocuments`.
pub(super) fn upload_request(value: &Value) -> Option<UploadRequest> {
    Some(UploadRequest {
        booking_id: BookingId(get(value, "bookingId", integer)?),
        pms_document_id: get(value, "pmsDocumentId", id)?,
    })
}

/// An entry of `requests/attachDocuments`. Nothing else of it is read: it is about a patient.
pub(super) fn attach_request(value: &Value) -> Option<RequestId> {
    get(value, "requestId", integer).map(RequestId)
}

/// The resources; those without an id are nothing we could name.
pub(super) fn resources(value: &Value) -> Result<Vec<PmsResource>, Misfit> {
    let resource = |value| {
        Some(PmsResource {
            pms_resource_id: get(value, "pmsResourceId", id)?,
            pms_resource_name: get(value, "pmsResourceName", text).unwrap_or_default(),
            first_name: get(value, "pmsPractitionerFirstname", text),
            last_name: get(value, "pmsPractitionerLastname", text),
        })
    };
    Ok(entries(value)?.iter().filter_map(resource).collect())
}

/// The appointment types; lengths are in minutes here.
pub(super) fn appointment_types(value: &Value) -> Result<Vec<PmsAppointmentType>, Misfit> {
    let kind = |value| {
        Some(PmsAppointmentType {
            pms_appointment_type_id: get(value, "pmsAppointmentTypeId", id)?,
            pms_appointment_type_name: get(value, "pmsAppointmentTypeName", text).unwrap_or_default(),
            length_minutes: get(value, "pmsAppointmentLength", integer).and_then(|minutes| u32::try_from(minutes).ok()),
            pms_resource_id: get(value, "pmsResourceId", id),
        })
    };
    Ok(entries(value)?.iter().filter_map(kind).collect())
}

/// The extra features.
pub(super) fn features(value: &Value) -> Result<Vec<Feature>, Misfit> {
    Ok(entries(value)?.iter().filter_map(|value| feature(value).ok()).collect())
}

/// One of them; off unless it says that it is on.
pub(super) fn feature(value: &Value) -> Result<Feature, Misfit> {
    Ok(Feature { id: need(value, "id", "an id", id)?, enabled: get(value, "enabled", flag).unwrap_or(false) })
}

/// The subscriptions; one without an id could be neither looked up nor ended.
pub(super) fn subscriptions(value: &Value) -> Result<Vec<Subscription>, Misfit> {
    Ok(entries(value)?.iter().filter_map(|value| subscription(value).ok()).collect())
}

/// One of them.
pub(super) fn subscription(value: &Value) -> Result<Subscription, Misfit> {
    Ok(Subscription {
        id: Some(need(value, "id", "an id", id)?),
        client_id: get(value, "clientId", id),
        topic: get(value, "topic", text).unwrap_or_default(),
        callback_url: get(value, "callbackUrl", text).unwrap_or_default(),
        expire_at: get(value, "expireAt", utc),
    })
}

/// An entry of `subscriptionErrorLog`; every field can be missing, so every object is one.
pub(super) fn subscription_error(value: &Value) -> Option<SubscriptionError> {
    // The moment of the failure; that of the event, which can be a quarter of an hour earlier,
    // where it is missing.
    let event = || field(value, "payload").and_then(|payload| get(payload, "timestamp", utc));
    let words = |name| get(value, name, text).map(|words| one_line(&words, MESSAGE_CHARS_MAX));
    value.is_object().then(|| SubscriptionError {
        timestamp: get(value, "timestamp", utc).or_else(event),
        subscription_id: get(value, "subscriptionId", id),
        callback_url: get(value, "callbackUrl", text),
        attempt: get(value, "attempt", integer),
        kind: words("errorType"),
        message: words("errorMessage"),
    })
}

/// The reason of an error answer: `{"error": "…"}`.
pub(super) fn error_reason(body: &[u8]) -> Option<String> {
    let reason = reason(body, |value| get(value, "error", text).or_else(|| get(value, "message", text)))?;
    Some(one_line(&reason, MESSAGE_CHARS_MAX)).filter(|reason| !reason.is_empty())
}

/// A field that may be anything: what cannot be read counts as absent.
fn get<'a, T>(value: &'a Value, name: &str, read: impl FnOnce(&'a Value) -> Option<T>) -> Option<T> {
    field(value, name).and_then(read)
}

/// What we confirmed the booking with, echoed.
fn appointment_ids(value: &Value) -> Vec<String> {
    let ids = field(value, "pmsAppointmentIds").and_then(|ids| entries(ids).ok()).unwrap_or_default();
    ids.iter().filter_map(id).take(APPOINTMENT_IDS_MAX).collect()
}

fn status(value: &Value) -> BookingStatus {
    match get(value, "bookingStatus", text).as_deref() {
        Some("Requested") => BookingStatus::Requested,
        Some("Confirmed") => BookingStatus::Confirmed,
        Some("Cancelled") => BookingStatus::Cancelled,
        Some(other) => BookingStatus::Other(one_line(other, NAME_CHARS_MAX)),
        None => BookingStatus::Other(String::new()),
    }
}

fn wall(value: &Value) -> Option<NaiveDateTime> {
    dates::wall(value.as_str()?)
}

fn utc(value: &Value) -> Option<DateTime<Utc>> {
    dates::utc(value.as_str()?)
}

fn day(value: &Value) -> Option<NaiveDate> {
    dates::day(value.as_str()?)
}
