//! What Healthengine can be asked and told: two traits, and the words of both.
//!
//! Nothing here knows how a call is carried. Snapshots and settings that we send derive their JSON
//! forms, because the API definition names their fields one to one; what we read has its forms in
//! `wire`.

mod availability;
mod bookings;
mod configuration;
mod requests;
mod webhooks;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};

pub use availability::{AvailabilityRange, AvailabilityRequest, AvailabilitySnapshot, BATCH_MAX, BatchOutcome};
pub use bookings::{
    AppointmentChangeRequest, BookingRequest, BookingStatus, BookingUpdate, ConfirmInsert, Patient, UploadRequest,
};
pub use configuration::{Feature, LiveRange, LivenessContract, PmsAppointmentType, PmsResource};
pub use requests::{Page, RequestKind};
pub use webhooks::{ErrorLogQuery, Subscription, SubscriptionError};

use crate::call_error::Answer;
use crate::ids::{BookingId, RequestId};

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
    /// How far Healthengine's clock is ahead of ours, by the `Date` of its latest answers; zero
    /// before the first.
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
    /// It does not, and the pet owner is shown other times. Counts only within 20 seconds of the
    /// booking.
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
pub trait HealthengineApi: ReadHealthengine + WriteHealthengine {}
impl<T: ReadHealthengine + WriteHealthengine> HealthengineApi for T {}

/// A handle to Healthengine for one practice.
pub type HealthengineHandle = Arc<dyn HealthengineApi>;
