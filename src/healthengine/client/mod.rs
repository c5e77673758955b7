//! The PMS API v1 over a [`Transport`]: paths, parameters, and which answer is which error.
//!
//! Who goes first follows from the call: the lists of what pet owners want and the answers to them
//! go in the interactive lane, then come polls, then configuration and snapshots in the background.
//! Every call may be repeated by the transport, because repeating any of them is harmless.
//!
//! A page of something in between is never the API's answer ([`mod@gateway_answers`]), whatever its
//! status. A body that may have been refused because it was compressed is sent again as it is
//! ([`compression`]).
//!
//! The text of an error (`{"error": "…"}`) is passed on where the call is about the practice: its
//! resources, times, features, subscriptions. Errors of the calls that list patients' bookings or
//! documents, or that answer one of them, are described without any word of the answer: whoever
//! says why a booking cannot be confirmed may say whose it is.

mod clock_difference;
mod compression;
mod gateway_answers;

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::SecretString;
use serde::Serialize;
use serde_json::Value;
use tokio::time::Instant;

use super::api::{
    AppointmentChangeRequest, AvailabilityRequest, AvailabilitySnapshot, BATCH_MAX, BatchOutcome, BookingRequest,
    BookingUpdate, ConfirmInsert, ErrorLogQuery, Feature, LivenessContract, Page, PmsAppointmentType, PmsResource,
    ReadHealthengine, RequestKind, Subscription, SubscriptionError, UploadRequest, WriteHealthengine,
};
use super::wire;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::clock::Clock;
use crate::dates;
use crate::http::answer::{self, Quote};
use crate::http::json::{Misfit, field};
use crate::http::network::{Credentials, HeaderName};
use crate::http::{Lane, Method, Request, Response, Transport, route};
use crate::ids::{BookingId, RequestId};
use crate::metrics::calls::{CallMetrics, CalledSystem};
use crate::supervisor;
use clock_difference::{ClockDifference, DateReading};
use compression::Compression;
use gateway_answers::{Voice, tells_the_time, voice};

/// What is encoded in a path segment or a parameter: all but the characters that never need it.
const ENCODED: &AsciiSet = &NON_ALPHANUMERIC.remove(b'-').remove(b'_').remove(b'.').remove(b'~');
/// Bodies from this size on are compressed; below it there is little to gain.
const GZIP_BYTES_MIN: usize = 1024;

/// The words of the API's paths; everything else in one is an id.
const WORDS: &[&str] = &[
    "requests",
    "bookings",
    "bookingUpdates",
    "availability",
    "pmsAppointmentChanges",
    "uploadDocuments",
    "attachDocuments",
    "config",
    "livenessContract",
    "pmsResources",
    "pmsAppointmentTypes",
    "findById",
    "features",
    "enable",
    "disable",
    "subscription",
    "subscriptionErrorLog",
    "confirmInsert",
    "rejectInsert",
    "confirmUpdate",
    "rejectUpdate",
    "cancel",
    "didNotAttend",
    "noPmsAppointmentChange",
    "documents",
    "rejectUpload",
    "snapshot",
    "snapshots",
];

/// The headers that say who asks, and for which practice.
pub fn credentials(api_key: SecretString, practice_id: &str, practice_key: SecretString) -> Credentials {
    Credentials::Headers(vec![
        (HeaderName::from_static("api-key"), api_key),
        (HeaderName::from_static("practice-id"), SecretString::from(practice_id)),
        (HeaderName::from_static("practice-key"), practice_key),
    ])
}

/// How Healthengine wants to be told who calls: `vendor (contact) environment`.
pub fn user_agent(vendor: &str, contact: &str, environment: &str) -> String {
    format!("{vendor} ({contact}) {environment}")
}

/// A handle to Healthengine for one practice. Clones share the transport and what was learnt over
/// it.
#[derive(Clone)]
pub struct HealthengineClient {
    transport: Arc<dyn Transport>,
    clock: Clock,
    clock_difference: Arc<Mutex<ClockDifference>>,
    compression: Arc<Mutex<Compression>>,
    metrics: CallMetrics,
}

impl HealthengineClient {
    /// A handle for the practice whose headers the transport adds.
    pub fn new(transport: Arc<dyn Transport>, clock: Clock) -> Self {
        let (clock_difference, compression) = (Arc::default(), Arc::default());
        Self { transport, clock, clock_difference, compression, metrics: CallMetrics::default() }
    }

    /// The same, with its calls counted here.
    #[must_use]
    pub fn counted(self, metrics: CallMetrics) -> Self {
        Self { metrics, ..self }
    }

    /// One call, from the request to what is read out of its answer. Any status but 2xx is an
    /// error.
    async fn call<T>(
        &self,
        request: Request,
        quote: Quote,
        read: impl FnOnce(Response) -> Answer<T> + Send,
    ) -> Answer<T> {
        let template = route::template(request.method, &request.path, WORDS);
        let mut call = self.metrics.begin(CalledSystem::Healthengine, template);
        let answer = self.carry(request).await;
        answer.iter().for_each(|response| call.answered(response.status));
        call.end(answer.and_then(|response| match response.status {
            200..=299 => read(response),
            _ => Err(refusal(&response, quote)),
        }))
    }

    async fn get<T>(
        &self,
        lane: Lane,
        path: String,
        quote: Quote,
        read: impl FnOnce(&Value) -> Result<T, Misfit> + Send,
    ) -> Answer<T> {
        let request = Request {
            method: Method::Get,
            path,
            accept: "application/json",
            json: None,
            gzip: false,
            lane,
            repeatable: true,
        };
        self.call(request, quote, |response| answer::json(&response, quote, read)).await
    }

    async fn request_page<T>(
        &self,
        list: &str,
        page: u32,
        read: impl Fn(&Value) -> Option<T> + Send,
    ) -> Answer<Page<T>> {
        let path = format!("/requests/{list}?page={page}");
        self.get(Lane::Interactive, path, Quote::No, |value| wire::page(value, page, read)).await
    }

    async fn post<T>(
        &self,
        lane: Lane,
        path: String,
        json: Option<Vec<u8>>,
        read: impl FnOnce(Response) -> Answer<T> + Send,
    ) -> Answer<T> {
        self.post_as(lane, path, json, Quote::Yes, read).await
    }

    /// `read` is given what the API took.
    async fn post_as<T>(
        &self,
        lane: Lane,
        path: String,
        json: Option<Vec<u8>>,
        quote: Quote,
        read: impl FnOnce(Response) -> Answer<T> + Send,
    ) -> Answer<T> {
        let is_long = json.as_ref().is_some_and(|json| json.len() >= GZIP_BYTES_MIN);
        let gzip = is_long && self.compression().is_on(Instant::now());
        let request =
            Request { method: Method::Post, path, accept: "application/json", json, gzip, lane, repeatable: true };
        self.call(request, quote, |response| accepted(response, quote).and_then(read)).await
    }

    /// An answer to a request, in the interactive lane: about a patient's booking.
    async fn tell(&self, path: String, body: Option<&(impl Serialize + Sync)>) -> Answer<()> {
        let read = |response: Response| without_text(&response, Quote::No);
        self.post_as(Lane::Interactive, path, body.map(json).transpose()?, Quote::No, read).await
    }

    /// A snapshot or a setting: the background's.
    async fn send(&self, path: &str, body: &(impl Serialize + Sync + ?Sized)) -> Answer<()> {
        self.send_and_read(path, body, taken).await
    }

    async fn send_and_read<T>(
        &self,
        path: &str,
        body: &(impl Serialize + Sync + ?Sized),
        read: impl FnOnce(Response) -> Answer<T> + Send,
    ) -> Answer<T> {
        self.post(Lane::Background, path.to_owned(), Some(json(body)?), read).await
    }

    /// Sends the request, and, if its body may have been refused because it is compressed, once
    /// more with the plain one.
    async fn carry(&self, request: Request) -> Answer<Response> {
        let plain = request.gzip.then(|| Request { gzip: false, ..request.clone() });
        let response = self.ask(request).await?;
        let compressed = voice(&response);
        let is_suspect = || self.compression().is_suspect(response.status, compressed, Instant::now());
        let Some(plain) = plain.filter(|_| is_suspect()) else { return Ok(response) };
        let response = self.ask(plain).await?;
        self.compression().compared(response.status, voice(&response), compressed, Instant::now());
        Ok(response)
    }

    async fn ask(&self, request: Request) -> Answer<Response> {
        let asked_at = self.clock.now();
        let response = self.transport.exchange(request).await;
        supervisor::progress();
        let response = response?;
        let answered_at = self.clock.now();
        let date = response.header("date").and_then(dates::of_header);
        if let Some(date) = date.filter(|_| tells_the_time(&response)) {
            let reading = DateReading { asked_at, answered_at, date };
            self.clocks().note(reading, Instant::now());
        }
        Ok(response)
    }

    fn clocks(&self) -> MutexGuard<'_, ClockDifference> {
        self.clock_difference.lock()
    }

    fn compression(&self) -> MutexGuard<'_, Compression> {
        self.compression.lock()
    }
}

#[async_trait]
impl ReadHealthengine for HealthengineClient {
    async fn requests(&self) -> Answer<Vec<RequestKind>> {
        self.get(Lane::Poll, "/requests".to_owned(), Quote::Yes, wire::request_kinds).await
    }

    async fn booking_requests(&self, page: u32) -> Answer<Page<BookingRequest>> {
        self.request_page("bookings", page, wire::booking_request).await
    }

    async fn booking_updates(&self, page: u32) -> Answer<Page<BookingUpdate>> {
        self.request_page("bookingUpdates", page, wire::booking_update).await
    }

    async fn availability_requests(&self, page: u32) -> Answer<Page<AvailabilityRequest>> {
        self.request_page("availability", page, wire::availability_request).await
    }

    async fn appointment_change_requests(&self, page: u32) -> Answer<Page<AppointmentChangeRequest>> {
        self.request_page("pmsAppointmentChanges", page, wire::appointment_change).await
    }

    async fn upload_requests(&self, page: u32) -> Answer<Page<UploadRequest>> {
        self.request_page("uploadDocuments", page, wire::upload_request).await
    }

    async fn attach_requests(&self, page: u32) -> Answer<Page<RequestId>> {
        self.request_page("attachDocuments", page, wire::attach_request).await
    }

    async fn liveness_contract(&self) -> Answer<LivenessContract> {
        let path = "/config/livenessContract".to_owned();
        self.get(Lane::Background, path, Quote::Yes, wire::liveness_contract).await
    }

    async fn resources(&self) -> Answer<Vec<PmsResource>> {
        self.get(Lane::Background, "/config/pmsResources".to_owned(), Quote::Yes, wire::resources).await
    }

    async fn resource(&self, id: &str) -> Answer<Vec<PmsResource>> {
        let path = format!("/config/pmsResources/findById?id={}", encoded(id));
        self.get(Lane::Background, path, Quote::Yes, wire::resources).await
    }

    async fn appointment_types(&self) -> Answer<Vec<PmsAppointmentType>> {
        self.get(Lane::Background, "/config/pmsAppointmentTypes".to_owned(), Quote::Yes, wire::appointment_types).await
    }

    async fn appointment_type(&self, id: &str) -> Answer<Vec<PmsAppointmentType>> {
        let path = format!("/config/pmsAppointmentTypes/findById?id={}", encoded(id));
        self.get(Lane::Background, path, Quote::Yes, wire::appointment_types).await
    }

    async fn features(&self) -> Answer<Vec<Feature>> {
        self.get(Lane::Background, "/features".to_owned(), Quote::Yes, wire::features).await
    }

    async fn feature(&self, id: &str) -> Answer<Feature> {
        self.get(Lane::Background, format!("/features/{}", encoded(id)), Quote::Yes, wire::feature).await
    }

    async fn subscriptions(&self) -> Answer<Vec<Subscription>> {
        self.get(Lane::Background, "/subscription".to_owned(), Quote::Yes, wire::subscriptions).await
    }

    async fn subscription(&self, id: &str) -> Answer<Subscription> {
        self.get(Lane::Background, format!("/subscription/{}", encoded(id)), Quote::Yes, wire::subscription).await
    }

    async fn subscription_errors(&self, query: &ErrorLogQuery) -> Answer<Page<SubscriptionError>> {
        let mut path = format!("/subscriptionErrorLog?page={}", query.page);
        let filters = [
            ("subscriptionId", query.subscription_id.clone()),
            ("from", query.from.map(wire::utc_text)),
            ("to", query.to.map(wire::utc_text)),
        ];
        for (name, value) in filters.iter().filter_map(|(name, value)| Some((name, value.as_ref()?))) {
            path.push_str(&format!("&{name}={}", encoded(value)));
        }
        let read = |value: &Value| wire::page(value, query.page, wire::subscription_error);
        self.get(Lane::Background, path, Quote::Yes, read).await
    }

    fn clock_difference(&self) -> TimeDelta {
        self.clocks().get()
    }

    fn sure_clock_difference(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.clocks().sure(now, Instant::now())
    }

    fn clock_was_set(&self, now: DateTime<Utc>) -> bool {
        self.clocks().was_set(now, Instant::now())
    }
}

#[async_trait]
impl WriteHealthengine for HealthengineClient {
    async fn confirm_insert(&self, booking: BookingId, with: &ConfirmInsert) -> Answer<()> {
        let body =
            wire::ConfirmBody { pms_appointment_ids: &with.pms_appointment_ids, pms_patient_id: &with.pms_patient_id };
        self.tell(format!("/bookings/{booking}/confirmInsert"), Some(&body)).await
    }

    async fn reject_insert(&self, booking: BookingId, reason: &str) -> Answer<()> {
        self.tell(format!("/bookings/{booking}/rejectInsert"), Some(&wire::ReasonBody { reason })).await
    }

    async fn confirm_update(&self, booking: BookingId, request: RequestId) -> Answer<()> {
        self.tell(format!("/bookings/{booking}/confirmUpdate/{request}"), None::<&()>).await
    }

    async fn reject_update(&self, booking: BookingId, request: RequestId, reason: &str) -> Answer<()> {
        self.tell(format!("/bookings/{booking}/rejectUpdate/{request}"), Some(&wire::ReasonBody { reason })).await
    }

    async fn cancel(&self, booking: BookingId, reason: &str) -> Answer<()> {
        self.tell(format!("/bookings/{booking}/cancel"), Some(&wire::ReasonBody { reason })).await
    }

    async fn did_not_attend(&self, booking: BookingId, reason: &str) -> Answer<()> {
        self.tell(format!("/bookings/{booking}/didNotAttend"), Some(&wire::ReasonBody { reason })).await
    }

    async fn no_pms_appointment_change(&self, booking: BookingId) -> Answer<()> {
        self.tell(format!("/bookings/{booking}/noPmsAppointmentChange"), None::<&()>).await
    }

    async fn reject_upload(&self, request: &UploadRequest, reason: &str) -> Answer<()> {
        let body = wire::RejectUploadBody {
            booking_id: request.booking_id,
            pms_document_id: &request.pms_document_id,
            reason,
        };
        // The document's name can be a patient's.
        let path = "/documents/rejectUpload".to_owned();
        self.post_as(Lane::Background, path, Some(json(&body)?), Quote::No, taken).await
    }

    async fn reject_attachment(&self, request: RequestId, reason: &str) -> Answer<()> {
        let (path, body) = (format!("/attachDocuments/{request}/rejectInsert"), json(&wire::ReasonBody { reason })?);
        self.post_as(Lane::Background, path, Some(body), Quote::No, taken).await
    }

    async fn send_liveness_contract(&self, contract: &LivenessContract) -> Answer<()> {
        self.send("/config/livenessContract", contract).await
    }

    async fn send_resources(&self, resources: &[PmsResource]) -> Answer<()> {
        self.send("/config/pmsResources/snapshot", resources).await
    }

    async fn send_appointment_types(&self, types: &[PmsAppointmentType]) -> Answer<()> {
        self.send("/config/pmsAppointmentTypes/snapshot", types).await
    }

    async fn send_availability(&self, snapshot: &AvailabilitySnapshot) -> Answer<()> {
        self.send("/availability/snapshot", snapshot).await
    }

    async fn send_availability_batch(&self, snapshots: &[AvailabilitySnapshot]) -> Answer<BatchOutcome> {
        if snapshots.is_empty() {
            return Ok(BatchOutcome::default());
        }
        if snapshots.len() > BATCH_MAX {
            return Err(CallError::new(ErrorClass::Refused, format!("a batch holds at most {BATCH_MAX} snapshots")));
        }
        let read =
            |response: Response| answer::json(&response, Quote::Yes, |value| wire::batch::outcome(value, snapshots));
        self.send_and_read("/availability/snapshots", snapshots, read).await
    }

    async fn enable_feature(&self, id: &str) -> Answer<()> {
        self.post(Lane::Background, format!("/features/{}/enable", encoded(id)), None, taken).await
    }

    async fn disable_feature(&self, id: &str) -> Answer<()> {
        self.post(Lane::Background, format!("/features/{}/disable", encoded(id)), None, taken).await
    }

    async fn subscribe(&self, subscription: &Subscription) -> Answer<Subscription> {
        let read = |response: Response| answer::json(&response, Quote::Yes, wire::subscription);
        self.send_and_read("/subscription", &wire::SubscriptionBody::of(subscription), read)
            .await
            .map_err(|error| without_callback(error, &subscription.callback_url))
    }

    async fn unsubscribe(&self, id: &str) -> Answer<()> {
        let path = format!("/subscription/{}", encoded(id));
        let request = Request {
            method: Method::Delete,
            path,
            accept: "application/json",
            json: None,
            gzip: false,
            lane: Lane::Background,
            repeatable: true,
        };
        let read = |response: Response| without_text(&response, Quote::Yes);
        self.call(request, Quote::Yes, |response| accepted(response, Quote::Yes).and_then(read)).await
    }
}

/// What the API took. A page with 200 (a login, a proxy's apology) accepted nothing, nor did JSON
/// with an error in it, nor whoever answers with a success that the definition does not have.
fn accepted(response: Response, quote: Quote) -> Answer<Response> {
    if let Some(error) = answer::common_error(&response, quote) {
        return Err(error);
    }
    let is_an_error = answer::reason(&response.body, |value| field(value, "error").map(drop)).is_some();
    match response.status {
        200 | 201 | 204 if !is_an_error => Ok(response),
        _ => Err(answer::contract(&response, quote, "no success that the PMS API has")),
    }
}

/// What was taken, where nothing is read of the answer.
fn taken(_: Response) -> Answer<()> {
    Ok(())
}

/// Of what was taken, where the definition has no body and being asked again does no harm: a text
/// says that something in between spoke.
fn without_text(response: &Response, quote: Quote) -> Answer<()> {
    match voice(response) {
        Voice::Silent | Voice::Api => Ok(()),
        Voice::Page => Err(answer::contract(response, quote, "a text where the PMS API has none")),
    }
}

/// The error that an answer with a status other than 2xx stands for.
fn refusal(response: &Response, quote: Quote) -> CallError {
    if matches!(response.status, 400..=499) && !matches!(response.status, 407 | 429) && voice(response) == Voice::Page {
        return answer::page(response, quote);
    }
    let reason = || (quote == Quote::Yes).then(|| wire::error_reason(&response.body)).flatten();
    if let Some(error) = answer::common_error(response, quote) {
        // Why a practice is forbidden is worth knowing: consent never given, or revoked.
        return match (error.class, reason()) {
            (ErrorClass::Forbidden, Some(reason)) => CallError { detail: reason, ..error },
            _ => error,
        };
    }
    let refused = |detail| CallError::with_status(ErrorClass::Refused, response.status, detail);
    match (response.status, reason()) {
        (400 | 404 | 405 | 409 | 410 | 422, Some(reason)) => refused(reason),
        // The API definition has these two without a body.
        (404, None) => refused("not found".to_owned()),
        (405, None) => refused("the server does not have this call".to_owned()),
        (400 | 409 | 410 | 422, None) => refused("no reason was given".to_owned()),
        _ => answer::contract(response, quote, "nothing that the PMS API has"),
    }
}

/// The callback address ends in the webhook secret; a refusal that repeats it is not passed on.
fn without_callback(error: CallError, callback_url: &str) -> CallError {
    let secret = callback_url.trim_end_matches('/').rsplit('/').next().unwrap_or_default();
    if secret.is_empty() || !error.detail.contains(secret) {
        return error;
    }
    CallError { detail: "the callback address was refused".to_owned(), ..error }
}

fn json(body: &(impl Serialize + ?Sized)) -> Answer<Vec<u8>> {
    serde_json::to_vec(body).map_err(|_| CallError::new(ErrorClass::NotSent, "the request could not be written"))
}

fn encoded(text: &str) -> String {
    utf8_percent_encode(text, ENCODED).to_string()
}
