//! The Booking API v2 over a [`Transport`]: paths, parameters, and which answer is which error.
//!
//! The transport's base is the address of OpenVPMS itself; `/ws/booking/v2` is added here. Reads go
//! in the lane the handle was given. What changes the diary always goes in the interactive lane,
//! and is never repeated by the transport: whether it may be is the decision of the booking state
//! machine.

use std::fmt::Write as _;
use std::sync::Arc;

use async_trait::async_trait;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use serde_json::Value;

use super::api::{
    AppointmentType, Booking, FreeBusy, INVALID_REFERENCE, Location, NewBooking, ReadOpenVpms, Schedule, User,
    UserFreeBusy, UserSpan, Window, WriteOpenVpms,
};
use super::{refusal, wire};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::http::answer::{self, Quote};
use crate::http::json::Misfit;
use crate::http::{Lane, Method, Request, Response, Transport, route};
use crate::ids::{BookingReference, LocationId, ScheduleId, UserId};
use crate::metrics::calls::{CallMetrics, CalledSystem};
use crate::span::Span;
use crate::supervisor;

/// Below the address of OpenVPMS.
const BASE: &str = "/ws/booking/v2";
/// What is encoded in a path segment or a parameter: all but the characters that never need it. A
/// bare `+` would be a blank.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');

/// The words of the API's paths; everything else in one is an id.
const WORDS: &[&str] = &["locations", "schedules", "users", "appointmentTypes", "free", "busy", "freebusy", "bookings"];

/// A handle to one OpenVPMS server. Clones share the transport.
#[derive(Clone)]
pub struct OpenVpmsClient {
    transport: Arc<dyn Transport>,
    lane: Lane,
    metrics: CallMetrics,
}

impl OpenVpmsClient {
    /// A handle whose reads go in the background.
    pub fn new(transport: Arc<dyn Transport>) -> Self {
        Self { transport, lane: Lane::Background, metrics: CallMetrics::default() }
    }

    /// The same, with its calls counted here.
    #[must_use]
    pub fn counted(self, metrics: CallMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// The same server, with reads in another lane.
    #[must_use]
    pub fn with_lane(&self, lane: Lane) -> Self {
        Self { lane, ..self.clone() }
    }

    /// One call, from the request to what is read out of its answer.
    async fn call<T>(&self, request: Request, judge: impl FnOnce(Response) -> Answer<T> + Send) -> Answer<T> {
        let path = request.path.strip_prefix(BASE).unwrap_or_default();
        let mut call = self.metrics.begin(CalledSystem::OpenVpms, route::template(request.method, path, WORDS));
        let answer = self.transport.exchange(request).await;
        supervisor::progress();
        answer.iter().for_each(|response| call.answered(response.status));
        call.end(answer.and_then(judge))
    }

    async fn read<T>(&self, path: String, read: impl FnOnce(&Value) -> Result<T, Misfit> + Send) -> Answer<T> {
        self.read_as(path, Quote::Yes, read).await
    }

    async fn read_as<T>(
        &self,
        path: String,
        quote: Quote,
        read: impl FnOnce(&Value) -> Result<T, Misfit> + Send,
    ) -> Answer<T> {
        let request = Request {
            method: Method::Get,
            path: format!("{BASE}/{path}"),
            accept: "application/json",
            json: None,
            gzip: false,
            lane: self.lane,
            repeatable: true,
        };
        let judge = |response: Response| match response.status {
            200 => answer::json(&response, quote, read),
            _ => Err(refusal::error(&response, quote)),
        };
        self.call(request, judge).await
    }

    async fn write<T>(
        &self,
        method: Method,
        path: &str,
        accept: &'static str,
        json: Option<Vec<u8>>,
        judge: impl FnOnce(Response) -> Answer<T> + Send,
    ) -> Answer<T> {
        let path = format!("{BASE}/{path}");
        let request = Request { method, path, accept, json, gzip: false, lane: Lane::Interactive, repeatable: false };
        self.call(request, judge).await
    }
}

#[async_trait]
impl ReadOpenVpms for OpenVpmsClient {
    async fn locations(&self) -> Answer<Vec<Location>> {
        self.read("locations".to_owned(), wire::locations).await
    }

    async fn location(&self, location: LocationId) -> Answer<Location> {
        self.read(format!("locations/{location}"), wire::location).await
    }

    async fn schedules(&self, location: LocationId) -> Answer<Vec<Schedule>> {
        self.read(format!("locations/{location}/schedules"), wire::schedules).await
    }

    async fn users(&self, location: LocationId) -> Answer<Vec<User>> {
        self.read(format!("locations/{location}/users"), wire::users).await
    }

    async fn schedule(&self, schedule: ScheduleId) -> Answer<Schedule> {
        self.read(format!("schedules/{schedule}"), wire::schedule).await
    }

    async fn appointment_types(&self, schedule: ScheduleId) -> Answer<Vec<AppointmentType>> {
        self.read(format!("schedules/{schedule}/appointmentTypes"), wire::appointment_types).await
    }

    async fn schedule_free(&self, schedule: ScheduleId, window: Window) -> Answer<Vec<Span>> {
        self.times(&format!("schedules/{schedule}/free"), window, wire::free_spans).await
    }

    async fn schedule_busy(&self, schedule: ScheduleId, window: Window) -> Answer<Vec<Span>> {
        self.times(&format!("schedules/{schedule}/busy"), window, wire::busy_spans).await
    }

    async fn schedule_free_busy(&self, schedule: ScheduleId, window: Window) -> Answer<FreeBusy> {
        self.times(&format!("schedules/{schedule}/freebusy"), window, wire::free_busy).await
    }

    async fn user(&self, user: UserId) -> Answer<User> {
        self.read(format!("users/{user}"), wire::user).await
    }

    async fn user_locations(&self, user: UserId) -> Answer<Vec<Location>> {
        self.read(format!("users/{user}/locations"), wire::locations).await
    }

    async fn user_location(&self, user: UserId, location: LocationId) -> Answer<Location> {
        self.read(format!("users/{user}/locations/{location}"), wire::location).await
    }

    async fn user_free(&self, user: UserId, location: LocationId, window: Window) -> Answer<Vec<UserSpan>> {
        self.times(&format!("users/{user}/locations/{location}/free"), window, wire::free_user_spans).await
    }

    async fn user_busy(&self, user: UserId, location: LocationId, window: Window) -> Answer<Vec<UserSpan>> {
        self.times(&format!("users/{user}/locations/{location}/busy"), window, wire::busy_user_spans).await
    }

    async fn user_free_busy(&self, user: UserId, location: LocationId, window: Window) -> Answer<UserFreeBusy> {
        self.times(&format!("users/{user}/locations/{location}/freebusy"), window, wire::user_free_busy).await
    }

    async fn booking(&self, reference: &BookingReference) -> Answer<Booking> {
        self.read_as(booking_path(reference)?, Quote::No, wire::booking).await
    }
}

impl OpenVpmsClient {
    /// Free or busy time within a window.
    async fn times<T>(&self, path: &str, window: Window, read: fn(&Value) -> Result<T, Misfit>) -> Answer<T> {
        let read = move |value: &Value| wire::in_the_zone_of(value, window).and_then(|()| read(value));
        self.read(times(path, window), read).await
    }
}

#[async_trait]
impl WriteOpenVpms for OpenVpmsClient {
    async fn submit(&self, booking: &NewBooking) -> Answer<BookingReference> {
        let body = wire::booking_body(booking)?;
        // The server produces plain text only here: asked for JSON it answers 406.
        let judge = |response: Response| match response.status {
            200..=299 => wire::made_reference(&response),
            _ => Err(refusal::of_post(&response)),
        };
        self.write(Method::Post, "bookings", "text/plain", Some(body), judge).await
    }

    async fn cancel(&self, reference: &BookingReference) -> Answer<()> {
        let judge = |response: Response| match response.status {
            204 => Ok(()),
            // The service has no other success. A login page, or whatever something in between
            // answers with 200, cancelled nothing.
            200..=299 => {
                let page = answer::common_error(&response, Quote::No);
                let other = || answer::contract(&response, Quote::No, "not what a cancellation is answered with");
                Err(page.unwrap_or_else(other))
            }
            _ => Err(refusal::error(&response, Quote::No)),
        };
        self.write(Method::Delete, &booking_path(reference)?, "*/*", None, judge).await
    }
}

/// The path of a booking. A text that no server can have written is refused here in the server's
/// own words: a reference can come back from Healthengine, where anybody may have put anything.
fn booking_path(reference: &BookingReference) -> Answer<String> {
    if !wire::is_reference(&reference.0) {
        return Err(CallError::with_status(ErrorClass::Refused, 400, INVALID_REFERENCE));
    }
    Ok(format!("bookings/{}", utf8_percent_encode(&reference.0, ENCODED)))
}

fn times(path: &str, window: Window) -> String {
    let mut path = path.to_owned();
    for (name, at) in [("?from", window.from), ("&to", window.to)] {
        // Writing to a string cannot fail.
        let _ = write!(path, "{name}={}", utf8_percent_encode(&wire::query_date(at), ENCODED));
    }
    if window.slots {
        path.push_str("&slots=true");
    }
    path
}
