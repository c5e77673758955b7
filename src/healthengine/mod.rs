//! What we ask of Healthengine, the booking marketplace: its PMS API v1, for one practice.
//!
//! Terms: a *resource* is what a pet owner can book, an *appointment type* what for; a *snapshot* replaces what was sent
//! before it; a *request* is something Healthengine wants done and repeats until it is answered; the *liveness contract* says
//! during which hours we promise to answer.
//!
//! A handle is bound to one practice (its id and key). Reading and writing are separate traits: a dry run holds only the first.

mod batch;
pub mod client;
mod clock_difference;
mod compression;
pub mod paging;
mod voice;
mod wire;

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::{BookingId, RequestId};
use crate::remote::Answer;

/// What is outstanding, as `GET requests` names it. Names that this version does not know are kept.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestKind {
    /// Bookings to insert.
    Bookings,
    /// Changes (cancellations) of bookings.
    BookingUpdates,
    /// Days whose availability is wanted.
    Availability,
    /// Bookings whose appointment's state is wanted.
    PmsAppointmentChanges,
    /// The resource snapshot is wanted.
    PmsResources,
    /// The appointment type snapshot is wanted.
    PmsAppointmentTypes,
    /// Documents of a booking that Healthengine wants to be sent; of an extra feature, and can be rejected.
    UploadDocuments,
    /// Documents of a patient that Healthengine wants to be filed; of an extra feature, and can be rejected.
    AttachDocuments,
    /// Belongs to an extra feature that OpenVPMS's booking API cannot serve, and cannot be rejected.
    ExtraFeature(String),
    /// Something later editions of the API invented.
    Unknown(String),
}

impl RequestKind {
    /// The kind that the API calls by this name.
    pub fn named(name: &str) -> Self {
        wire::request_kind(name)
    }
}

/// One page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The entries that could be read.
    pub items: Vec<T>,
    /// How many entries could not (no id in them).
    pub unreadable: usize,
    /// This page, from 1.
    pub current: u32,
    /// How many there are.
    pub total: u32,
    /// How many entries the whole list has, where that is said.
    pub entries: Option<u32>,
}

/// A booking that a pet owner made and that waits for us.
#[derive(Clone, PartialEq, Eq)]
pub struct BookingRequest {
    /// Its id.
    pub booking_id: BookingId,
    /// Our resource; absent when it was removed before the booking was processed.
    pub pms_resource_id: Option<String>,
    /// Our appointment type; absent when Healthengine's is not linked.
    pub pms_appointment_type_id: Option<String>,
    /// What we confirmed it with, echoed.
    pub pms_appointment_ids: Vec<String>,
    /// The patient id we confirmed it with, echoed.
    pub pms_patient_id: Option<String>,
    /// When the pet owner booked.
    pub booked_time: Option<DateTime<Utc>>,
    /// Requested, confirmed or cancelled.
    pub status: BookingStatus,
    /// When the appointment is, at practice time.
    pub appointment_time: Option<NaiveDateTime>,
    /// How long it is.
    pub appointment_length_seconds: Option<i64>,
    /// What the pet owner wrote, perhaps several lines.
    pub reason: Option<String>,
    /// Healthengine's name of the appointment type.
    pub comments: Option<String>,
    /// Who comes.
    pub patient: Patient,
    /// Where a video visit happens.
    pub telehealth_url: Option<String>,
    /// What the pet owner said about being new.
    pub is_new_patient: Option<bool>,
}

/// The pet owner's fields that vetbridge uses, as typed. Never logged: `Debug` hides them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Patient {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Phone, in any spelling.
    pub phone: Option<String>,
    /// Email.
    pub email: Option<String>,
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patient(..)")
    }
}

impl fmt::Debug for BookingRequest {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookingRequest")
            .field("booking_id", &self.booking_id)
            .field("pms_resource_id", &self.pms_resource_id)
            .field("pms_appointment_type_id", &self.pms_appointment_type_id)
            .field("pms_appointment_ids", &self.pms_appointment_ids)
            .field("booked_time", &self.booked_time)
            .field("status", &self.status)
            .field("appointment_time", &self.appointment_time)
            .field("appointment_length_seconds", &self.appointment_length_seconds)
            .finish_non_exhaustive()
    }
}

/// Where a booking stands at Healthengine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookingStatus {
    /// Waits for us.
    Requested,
    /// Settled, by us, by staff or by the clock.
    Confirmed,
    /// The pet owner gave it up.
    Cancelled,
    /// Absent, or something later editions invented.
    Other(String),
}

/// A change of a booking that waits for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookingUpdate {
    /// The request's id, sequential.
    pub request_id: RequestId,
    /// The booking that changed.
    pub booking_id: BookingId,
    /// What we confirmed it with, echoed.
    pub pms_appointment_ids: Vec<String>,
    /// The patient id we confirmed it with, echoed.
    pub pms_patient_id: Option<String>,
    /// When it changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// What it became.
    pub status: BookingStatus,
}

/// A day that Healthengine wants to know again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AvailabilityRequest {
    /// The day at practice time.
    pub day: NaiveDate,
    /// The resource; every one when absent.
    pub pms_resource_id: Option<String>,
}

/// A booking whose appointment Healthengine wants to hear about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentChangeRequest {
    /// The booking.
    pub booking_id: BookingId,
    /// What we confirmed it with, echoed.
    pub pms_appointment_ids: Vec<String>,
}

/// A document that Healthengine wants to be sent. What it is called can say something about a patient: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadRequest {
    /// The booking that it belongs to.
    pub booking_id: BookingId,
    /// What the practice system of a former integration called it.
    pub pms_document_id: String,
}

impl fmt::Debug for UploadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadRequest").field("booking_id", &self.booking_id).finish_non_exhaustive()
    }
}

/// What `confirmInsert` carries. An appointment in doubt has no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmInsert {
    /// The whole booking reference of OpenVPMS, or nothing.
    pub pms_appointment_ids: Vec<String>,
    /// Our id of the patient.
    pub pms_patient_id: String,
}

/// A resource, as the snapshot lists it. Ids and names are unique within a practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PmsResource {
    /// `s136` or `u1158-s211`.
    pub pms_resource_id: String,
    /// The name staff see when they link it.
    pub pms_resource_name: String,
    /// First name of a clinician.
    #[serde(rename = "pmsPractitionerFirstname", default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name of a clinician.
    #[serde(rename = "pmsPractitionerLastname", default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
}

/// An appointment type of one resource, as the snapshot lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PmsAppointmentType {
    /// `66:s136`.
    pub pms_appointment_type_id: String,
    /// The name staff see when they link it; unique within the practice.
    pub pms_appointment_type_name: String,
    /// How long it takes, **in minutes** (that of a booking is in seconds).
    #[serde(rename = "pmsAppointmentLength", default, skip_serializing_if = "Option::is_none")]
    pub length_minutes: Option<u32>,
    /// The resource it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pms_resource_id: Option<String>,
}

/// Hours of one day kind: `HH:MM` ranges at practice time. There is no 24:00.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRange {
    /// `HH:MM`.
    pub start: String,
    /// `HH:MM`, at most `23:59`.
    pub end: String,
}

/// The hours during which we promise to answer. Keys: `monday` … `sunday`, `publicHolidays`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LivenessContract {
    /// Ranges by day kind; a day kind without any is absent or empty.
    #[serde(default)]
    pub live_hours: BTreeMap<String, Vec<LiveRange>>,
}

/// Availability of one resource on one day; replaces what was sent for that day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilitySnapshot {
    /// Our name for this snapshot in the answer to a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The day at practice time.
    pub date: NaiveDate,
    /// The resource.
    pub pms_resource_id: String,
    /// When it can be booked; empty when not at all.
    pub availability: Vec<AvailabilityRange>,
}

/// A stretch of a day that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityRange {
    /// `HH:MM` at practice time.
    pub start: String,
    /// `HH:MM` at practice time; a range that runs to midnight ends `23:59`.
    pub end: String,
    /// Seconds. Under 60 Healthengine ignores it.
    pub slot_length: u32,
    /// Our ids of the appointment types that can be booked in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pms_appointment_type_ids: Vec<String>,
}

/// What became of each snapshot of a batch, by index into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    /// Taken, or known already.
    pub accepted: Vec<usize>,
    /// Refused, with the reason.
    pub failed: Vec<(usize, String)>,
}

/// An extra feature of Healthengine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its id, such as `documents`.
    pub id: String,
    /// On or off.
    pub enabled: bool,
}

/// A webhook subscription. Ours call back an address that ends in the webhook secret, which `Debug` leaves out.
#[derive(Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Given by Healthengine; absent in one that is to be made.
    pub id: Option<String>,
    /// What we called it: the practice id.
    pub client_id: Option<String>,
    /// Such as `requests.*`.
    pub topic: String,
    /// Where Healthengine calls.
    pub callback_url: String,
    /// When it ends.
    pub expire_at: Option<DateTime<Utc>>,
}

impl fmt::Debug for Subscription {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Subscription")
            .field("id", &self.id)
            .field("client_id", &self.client_id)
            .field("topic", &self.topic)
            .field("expire_at", &self.expire_at)
            .finish_non_exhaustive()
    }
}

/// A webhook delivery that failed. `Debug` leaves out the address, which ends in the webhook secret, and what went wrong, which
/// may repeat it.
#[derive(Clone, PartialEq, Eq)]
pub struct SubscriptionError {
    /// When.
    pub timestamp: Option<DateTime<Utc>>,
    /// Of which subscription.
    pub subscription_id: Option<String>,
    /// To where.
    pub callback_url: Option<String>,
    /// Which attempt it was.
    pub attempt: Option<i64>,
    /// What kind of thing went wrong, such as the name of an exception.
    pub kind: Option<String>,
    /// What went wrong.
    pub message: Option<String>,
}

impl fmt::Debug for SubscriptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubscriptionError")
            .field("timestamp", &self.timestamp)
            .field("subscription_id", &self.subscription_id)
            .field("attempt", &self.attempt)
            .finish_non_exhaustive()
    }
}

/// Which part of the error log is asked for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ErrorLogQuery {
    /// Of one subscription.
    pub subscription_id: Option<String>,
    /// Since then.
    pub from: Option<DateTime<Utc>>,
    /// Until then.
    pub to: Option<DateTime<Utc>>,
    /// The page, from 1.
    pub page: u32,
}

/// Questions. All of them can be asked again at will.
#[async_trait]
pub trait ReadHealthengine: Send + Sync {
    /// Which kinds of requests are outstanding. Asking also says that we are alive.
    async fn requests(&self) -> Answer<Vec<RequestKind>>;
    /// Outstanding bookings. The list shrinks as they are answered: read pages before answering.
    async fn booking_requests(&self, page: u32) -> Answer<Page<BookingRequest>>;
    /// Outstanding booking updates.
    async fn booking_updates(&self, page: u32) -> Answer<Page<BookingUpdate>>;
    /// Days that are wanted.
    async fn availability_requests(&self, page: u32) -> Answer<Page<AvailabilityRequest>>;
    /// Bookings whose appointment is asked about.
    async fn appointment_change_requests(&self, page: u32) -> Answer<Page<AppointmentChangeRequest>>;
    /// Documents that are wanted.
    async fn upload_requests(&self, page: u32) -> Answer<Page<UploadRequest>>;
    /// Documents that are to be filed, by their requests; what they are is not read.
    async fn attach_requests(&self, page: u32) -> Answer<Page<RequestId>>;
    /// The liveness contract as Healthengine has it.
    async fn liveness_contract(&self) -> Answer<LivenessContract>;
    /// The resources as Healthengine has them.
    async fn resources(&self) -> Answer<Vec<PmsResource>>;
    /// One resource (a list of one, or of none).
    async fn resource(&self, id: &str) -> Answer<Vec<PmsResource>>;
    /// The appointment types as Healthengine has them.
    async fn appointment_types(&self) -> Answer<Vec<PmsAppointmentType>>;
    /// One appointment type (a list of one, or of none).
    async fn appointment_type(&self, id: &str) -> Answer<Vec<PmsAppointmentType>>;
    /// The extra features.
    async fn features(&self) -> Answer<Vec<Feature>>;
    /// One extra feature; refused with 404.
    async fn feature(&self, id: &str) -> Answer<Feature>;
    /// Our consumer's webhook subscriptions for this practice.
    async fn subscriptions(&self) -> Answer<Vec<Subscription>>;
    /// One of them; refused with 404.
    async fn subscription(&self, id: &str) -> Answer<Subscription>;
    /// Deliveries that failed.
    async fn subscription_errors(&self, query: &ErrorLogQuery) -> Answer<Page<SubscriptionError>>;
    /// How far Healthengine's clock is ahead of ours, by the `Date` of its latest answers; zero before the first.
    fn clock_difference(&self) -> TimeDelta;
    /// The same, if there was an answer, and our clock, which shows `now`, was not set since.
    fn sure_clock_difference(&self, now: DateTime<Utc>) -> Option<TimeDelta>;
    /// True if our clock, which shows `now`, was set since the last answer that told the time.
    fn clock_was_set(&self, now: DateTime<Utc>) -> bool;
}

/// Answers and snapshots. Repeating one is harmless.
#[async_trait]
pub trait WriteHealthengine: Send + Sync {
    /// The appointment stands in the diary.
    async fn confirm_insert(&self, booking: BookingId, with: &ConfirmInsert) -> Answer<()>;
    /// It does not, and the pet owner is shown other times. Counts only within 20 seconds of the booking.
    async fn reject_insert(&self, booking: BookingId, reason: &str) -> Answer<()>;
    /// The change was carried out.
    async fn confirm_update(&self, booking: BookingId, request: RequestId) -> Answer<()>;
    /// The change was not carried out.
    async fn reject_update(&self, booking: BookingId, request: RequestId, reason: &str) -> Answer<()>;
    /// The practice cancelled the appointment.
    async fn cancel(&self, booking: BookingId, reason: &str) -> Answer<()>;
    /// The pet owner did not come.
    async fn did_not_attend(&self, booking: BookingId, reason: &str) -> Answer<()>;
    /// Nothing changed since the insert.
    async fn no_pms_appointment_change(&self, booking: BookingId) -> Answer<()>;
    /// The document will not be sent.
    async fn reject_upload(&self, request: &UploadRequest, reason: &str) -> Answer<()>;
    /// The document will not be filed.
    async fn reject_attachment(&self, request: RequestId, reason: &str) -> Answer<()>;
    /// Replaces the liveness contract.
    async fn send_liveness_contract(&self, contract: &LivenessContract) -> Answer<()>;
    /// Replaces all resources: one that is left out is deleted, with its links.
    async fn send_resources(&self, resources: &[PmsResource]) -> Answer<()>;
    /// Replaces all appointment types: one that is left out is deleted, with its links.
    async fn send_appointment_types(&self, types: &[PmsAppointmentType]) -> Answer<()>;
    /// Replaces one day of one resource.
    async fn send_availability(&self, snapshot: &AvailabilitySnapshot) -> Answer<()>;
    /// Replaces up to 100 days; refused with 404 or 405 by servers before 1.9.0.
    async fn send_availability_batch(&self, snapshots: &[AvailabilitySnapshot]) -> Answer<BatchOutcome>;
    /// Switches an extra feature on.
    async fn enable_feature(&self, id: &str) -> Answer<()>;
    /// Switches an extra feature off.
    async fn disable_feature(&self, id: &str) -> Answer<()>;
    /// Subscribes to webhooks.
    async fn subscribe(&self, subscription: &Subscription) -> Answer<Subscription>;
    /// Ends a subscription.
    async fn unsubscribe(&self, id: &str) -> Answer<()>;
}

/// All of the PMS API that belongs to no extra feature, and what rejects the requests of those.
pub trait Healthengine: ReadHealthengine + WriteHealthengine {}
impl<T: ReadHealthengine + WriteHealthengine> Healthengine for T {}

/// A handle to Healthengine for one practice.
pub type HealthengineHandle = Arc<dyn Healthengine>;

/// How many snapshots one batch may hold.
pub const BATCH_MAX: usize = 100;
