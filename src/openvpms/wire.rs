//! OpenVPMS's JSON, and how it becomes our types.
//!
//! Reading is lenient about what is not essential: unknown fields, nulls, a name that is missing.
//! It is strict where leniency would lie: a schedule without a slot size, a range without an end
//! and a list that is none fail the whole answer, because a shorter list would be taken for "this
//! is all there is". A range that reaches beyond the dates that count is cut to them, so that one
//! appointment with a mistyped year does not make the whole diary unreadable. Doubt about such a
//! range falls on the side of busy.

use std::collections::BTreeSet;

use chrono::{DateTime, FixedOffset};
use serde::Serialize;
use serde_json::Value;

use super::api::{
    AppointmentType, Booking, CustomerName, FreeBusy, Location, NewBooking, Schedule, User, UserFreeBusy, UserSpan,
    Window,
};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::characters;
use crate::dates::{self, Fraction, SpanEnd};
use crate::http::Response;
use crate::http::answer::{self, Quote};
use crate::http::json::{Misfit, cut, field, integer, list, need};
use crate::ids::{AppointmentTypeId, BookingReference, LocationId, ScheduleId, UserId};
use crate::span::Span;

/// A slot, or an appointment type in slots, is at most a day of minutes.
const DAY_MINUTES: u32 = 24 * 60;
/// What is kept of a name. OpenVPMS's database has room for 255 characters.
const NAME_CHARS_MAX: usize = 255;
/// More locations, schedules or clinicians than these, or more appointment types of a schedule, are
/// nobody's clinic. A shorter list would be taken for all there is, so a longer one fails the
/// answer.
const LIST_MAX: usize = 10_000;
const TYPES_MAX: usize = 500;
/// Nobody is rostered to more schedules.
const ROSTER_SCHEDULES_MAX: usize = 200;
/// The longest reference that is believed to be one; those of both known forms have less than 80.
const REFERENCE_BYTES_MAX: usize = 200;

/// How a date is written in a booking: milliseconds, and a colon in the offset. The server refuses
/// any other way.
fn booking_date(at: DateTime<FixedOffset>) -> String {
    dates::rfc3339(at, Fraction::Millis)
}

/// How a date is written in a question: full seconds and the offset.
pub(super) fn query_date(at: DateTime<FixedOffset>) -> String {
    dates::rfc3339(at, Fraction::No)
}

/// The body of a POST. An unknown field is refused by the server, so there is none beyond these.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
struct BookingBody<'a> {
    location: i64,
    schedule: i64,
    appointment_type: i64,
    start: String,
    end: String,
    title: &'a str,
    first_name: &'a str,
    last_name: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    email: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    phone: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    mobile: Option<&'a str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    patient_name: Option<&'a str>,
    notes: &'a str,
    #[serde(skip_serializing_if = "Option::is_none")]
    user: Option<i64>,
}

/// Writes a booking.
pub(super) fn booking_body(booking: &NewBooking) -> Answer<Vec<u8>> {
    let contact = &booking.contact;
    let body = BookingBody {
        location: booking.location.0,
        schedule: booking.schedule.0,
        appointment_type: booking.appointment_type.0,
        start: booking_date(booking.start),
        end: booking_date(booking.end),
        title: &contact.title,
        first_name: &contact.first_name,
        last_name: &contact.last_name,
        email: contact.email.as_deref(),
        phone: contact.phone.as_deref(),
        mobile: contact.mobile.as_deref(),
        patient_name: contact.patient_name.as_deref(),
        notes: &booking.notes,
        user: booking.user.map(|user| user.0),
    };
    serde_json::to_vec(&body).map_err(|_| CallError::new(ErrorClass::NotSent, "the booking could not be written"))
}

/// The reference of a booking that was made: the body, or what the `Location` header ends with
/// where the body is broken.
///
/// A body that was cut short can still look like a reference; the header tells it from a whole one.
///
/// # Errors
/// [`ErrorClass::Contract`] for a page (with 200: a login page, nothing was made); otherwise
/// [`ErrorClass::Contract`] with the status of a success, or [`ErrorClass::Lost`] with 200:
/// something was made, and nobody told us what it is called.
pub(super) fn made_reference(response: &Response) -> Answer<BookingReference> {
    let from_header = response
        .header("location")
        .and_then(|location| location.trim_end_matches('/').rsplit('/').next())
        .and_then(|segment| percent_encoding::percent_decode_str(segment).decode_utf8().ok())
        .filter(|segment| is_reference(segment) && segment.contains(':'));
    let from_body = std::str::from_utf8(&response.body).ok().map(str::trim).filter(|text| is_reference(text));
    match (response.status, from_body, from_header) {
        (201, Some(body), Some(header)) if header.starts_with(body) => Ok(BookingReference(header.into_owned())),
        (201, Some(body), _) => Ok(BookingReference(body.to_owned())),
        (201, None, Some(header)) => Ok(BookingReference(header.into_owned())),
        // Something in between said so, of a request that it may have passed on: only the slot can
        // tell.
        (200, _, _) => Err(CallError::with_status(
            ErrorClass::Lost,
            response.status,
            "the booking was answered with something that is not OpenVPMS's own",
        )),
        _ => Err(answer::common_error(response, Quote::No)
            .unwrap_or_else(|| answer::contract(response, Quote::No, "no booking reference"))),
    }
}

/// True for a text that can be a reference: visible ASCII, no markup, no JSON, neither empty nor
/// endless.
pub(super) fn is_reference(text: &str) -> bool {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || b":-_.".contains(&byte);
    text.len() <= REFERENCE_BYTES_MAX && text.bytes().all(allowed) && text.bytes().any(|byte| byte.is_ascii_digit())
}

/// `[{"id":98,"name":"Main Clinic","timeZone":"Australia/Sydney"}]`
pub(super) fn locations(value: &Value) -> Result<Vec<Location>, Misfit> {
    short_list(value, "a list of at most 10000 locations", LIST_MAX, location)
}

/// One of them.
pub(super) fn location(value: &Value) -> Result<Location, Misfit> {
    let id = number(value, "id")?;
    Ok(Location {
        id: LocationId(id),
        name: name(value, "Location", id),
        time_zone: field(value, "timeZone").and_then(|zone| cut(zone, NAME_CHARS_MAX)).unwrap_or_default(),
    })
}

/// `[{"id":136,"name":"Main Appointment Schedule","slotSize":15}]`
pub(super) fn schedules(value: &Value) -> Result<Vec<Schedule>, Misfit> {
    short_list(value, "a list of at most 10000 schedules", LIST_MAX, schedule)
}

/// One of them.
pub(super) fn schedule(value: &Value) -> Result<Schedule, Misfit> {
    let id = number(value, "id")?;
    let minutes =
        |value: &Value| u32::try_from(integer(value)?).ok().filter(|minutes| (1..=DAY_MINUTES).contains(minutes));
    Ok(Schedule {
        id: ScheduleId(id),
        name: name(value, "Schedule", id),
        slot_size_minutes: need(value, "slotSize", "a number of minutes from 1 to 1440", minutes)?,
    })
}

/// `[{"id":66,"name":"Standard Consult","slots":1}]`. A type without slots is left out, as the
/// server itself does.
pub(super) fn appointment_types(value: &Value) -> Result<Vec<AppointmentType>, Misfit> {
    let count = |value: &Value| u32::try_from(integer(value)?).ok().filter(|slots| *slots <= DAY_MINUTES);
    let types = short_list(value, "a list of at most 500 appointment types", TYPES_MAX, |value| {
        let id = number(value, "id")?;
        let slots = match field(value, "slots") {
            Some(_) => need(value, "slots", "a number of slots up to 1440", count)?,
            None => 0,
        };
        let kind = || AppointmentType { id: AppointmentTypeId(id), name: name(value, "Appointment type", id), slots };
        Ok((slots > 0).then(kind))
    })?;
    Ok(types.into_iter().flatten().collect())
}

/// `[{"id":1158,"name":"Andrew Turner"}]`
pub(super) fn users(value: &Value) -> Result<Vec<User>, Misfit> {
    short_list(value, "a list of at most 10000 users", LIST_MAX, user)
}

/// One of them.
pub(super) fn user(value: &Value) -> Result<User, Misfit> {
    let id = number(value, "id")?;
    Ok(User { id: UserId(id), name: shown_name(value).unwrap_or_default() })
}

/// `[{"start":"2019-02-15T09:00:00.000+11:00","end":"2019-02-15T10:45:00.000+11:00"}]`
pub(super) fn free_spans(value: &Value) -> Result<Vec<Span>, Misfit> {
    list(value, free_span)
}

/// The same of busy time.
pub(super) fn busy_spans(value: &Value) -> Result<Vec<Span>, Misfit> {
    list(value, busy_span)
}

/// Refuses times that come in another zone than the question: a server that was started in another
/// zone since it said which one it has means other moments by the same diary. An hour is daylight
/// saving. The first time of each list that counts tells.
pub(super) fn in_the_zone_of(value: &Value, window: Window) -> Result<(), Misfit> {
    const DAYLIGHT_SAVING_SECONDS: i32 = 3600;
    let lists = [Some(value), field(value, "free"), field(value, "busy")];
    for (start, at) in lists.into_iter().flatten().filter_map(first_start) {
        let far = |asked: DateTime<FixedOffset>| {
            (at.offset().local_minus_utc() - asked.offset().local_minus_utc()).abs() > DAYLIGHT_SAVING_SECONDS
        };
        if far(window.from) && far(window.to) {
            return Err(Misfit::new("times in the time zone that the server reported", Some(start)));
        }
    }
    Ok(())
}

fn first_start(list: &Value) -> Option<(&Value, DateTime<FixedOffset>)> {
    list.as_array()?.iter().find_map(|entry| {
        let start = field(entry, "start")?;
        Some((start, dates::with_offset(start.as_str()?)?))
    })
}

/// `{"free":[…],"busy":[…]}`
pub(super) fn free_busy(value: &Value) -> Result<FreeBusy, Misfit> {
    let (free, busy) = two_lists(value, free_span, busy_span)?;
    Ok(FreeBusy { free, busy })
}

/// `[{"start":…,"end":…,"schedule":136}]`
pub(super) fn free_user_spans(value: &Value) -> Result<Vec<UserSpan>, Misfit> {
    list(value, |value| user_span(value, free_span))
}

/// The same of busy time.
pub(super) fn busy_user_spans(value: &Value) -> Result<Vec<UserSpan>, Misfit> {
    list(value, |value| user_span(value, busy_span))
}

/// `{"user":1158,"free":[…],"busy":[…]}`
pub(super) fn user_free_busy(value: &Value) -> Result<UserFreeBusy, Misfit> {
    let (free, busy): (Vec<UserSpan>, Vec<UserSpan>) =
        two_lists(value, |value| user_span(value, free_span), |value| user_span(value, busy_span))?;
    let schedules: BTreeSet<ScheduleId> = free.iter().chain(&busy).map(|span| span.schedule).collect();
    // What is learnt of rosters is kept by schedule and day.
    if schedules.len() > ROSTER_SCHEDULES_MAX {
        return Err(Misfit::new("the times of one clinician on at most 200 schedules", Some(value)));
    }
    Ok(UserFreeBusy { free, busy })
}

/// A booking as it stands. Names are there only where a customer is attached.
pub(super) fn booking(value: &Value) -> Result<Booking, Misfit> {
    let name = |name| field(value, name).and_then(|name| cut(name, NAME_CHARS_MAX));
    let (first, last) = (name("firstName"), name("lastName"));
    Ok(Booking {
        location: LocationId(number(value, "location")?),
        schedule: ScheduleId(number(value, "schedule")?),
        appointment_type: AppointmentTypeId(number(value, "appointmentType")?),
        start: instant(value, "start")?.naive_local(),
        end: instant(value, "end")?.naive_local(),
        user: field(value, "user").and_then(integer).filter(|user| *user != 0).map(UserId),
        customer: (first.is_some() || last.is_some())
            .then(|| CustomerName { first: first.unwrap_or_default(), last: last.unwrap_or_default() }),
    })
}

/// A list that is not too long.
fn short_list<T>(
    value: &Value,
    expected: &'static str,
    entries_max: usize,
    read: impl Fn(&Value) -> Result<T, Misfit>,
) -> Result<Vec<T>, Misfit> {
    match value.as_array() {
        Some(entries) if entries.len() > entries_max => Err(Misfit::new(expected, Some(value))),
        _ => list(value, read),
    }
}

/// A list that is null is an empty one; an answer that has neither list is another answer.
fn two_lists<T>(
    value: &Value,
    free: impl Fn(&Value) -> Result<T, Misfit>,
    busy: impl Fn(&Value) -> Result<T, Misfit>,
) -> Result<(Vec<T>, Vec<T>), Misfit> {
    if value.get("free").is_none() && value.get("busy").is_none() {
        return Err(Misfit::new("free and busy times", Some(value)));
    }
    let one = |name, read: &dyn Fn(&Value) -> Result<T, Misfit>| match field(value, name) {
        Some(entries) => list(entries, read).map_err(|misfit| misfit.in_field(name)),
        None => Ok(Vec::new()),
    };
    Ok((one("free", &free)?, one("busy", &busy)?))
}

/// A free time; empty where it ends before it starts, or where one of its ends does not count:
/// nobody knows then how much is free.
fn free_span(value: &Value) -> Result<Span, Misfit> {
    let (start, end) = (span_end(value, "start")?, span_end(value, "end")?);
    Ok(Span::new(start.at, if start.counts && end.counts { end.at } else { start.at }))
}

/// What of a busy time counts; empty only where it lies wholly beyond. Of one that ends before it
/// starts at least one end is mistaken: an end that does not count is as far away as it can be, and
/// between two that do it is busy.
fn busy_span(value: &Value) -> Result<Span, Misfit> {
    let (start, end) = (span_end(value, "start")?, span_end(value, "end")?);
    if start.at <= end.at {
        return Ok(Span::new(start.at, end.at));
    }
    let from = if start.counts { start.at } else { dates::FIRST };
    let to = if end.counts { end.at } else { dates::LAST };
    Ok(Span::new(from.min(to), to.max(from)))
}

fn user_span(value: &Value, read: impl Fn(&Value) -> Result<Span, Misfit>) -> Result<UserSpan, Misfit> {
    Ok(UserSpan { span: read(value)?, schedule: ScheduleId(number(value, "schedule")?) })
}

fn span_end(value: &Value, name: &str) -> Result<SpanEnd, Misfit> {
    need(value, name, "a date with time and offset", |value| dates::span_end(value.as_str()?))
}

fn instant(value: &Value, name: &str) -> Result<DateTime<FixedOffset>, Misfit> {
    need(value, name, "a date with time and offset, from 2000 to 2199", |value| dates::with_offset(value.as_str()?))
}

fn number(value: &Value, name: &str) -> Result<i64, Misfit> {
    need(value, name, "a number", integer)
}

/// A name, or what stands for one that is missing.
fn name(value: &Value, kind: &str, id: i64) -> String {
    shown_name(value).unwrap_or_else(|| format!("{kind} {id}"))
}

/// A name that staff gave to something, fit for pages, logs and Healthengine.
fn shown_name(value: &Value) -> Option<String> {
    field(value, "name").and_then(|name| cut(name, NAME_CHARS_MAX)).and_then(|name| characters::shown(&name))
}
