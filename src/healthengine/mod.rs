//! Healthengine, the booking marketplace: its PMS API v1, for one practice.
//!
//! Terms: a *resource* is what a pet owner can book, an *appointment type* what for; a *snapshot*
//! replaces what was sent before it; a *request* is something Healthengine wants done and repeats
//! until it is answered; the *liveness contract* says during which hours we promise to answer.
//!
//! A handle is bound to one practice (its id and key). Reading and writing are separate traits: a
//! dry run holds only the first.
//!
//! - `api`: types and traits, in Healthengine's own words. Everything in it is re-exported here.
//! - [`paging`]: how a list is read that comes in pages and shrinks meanwhile.
//! - `wire`: the JSON of the PMS API, and how it becomes those types.
//! - [`client`]: the traits over HTTP, with what is learnt from answers (clocks, compression, who
//!   speaks).

pub(crate) mod api;
pub mod client;
pub mod paging;
mod wire;

pub use api::{
    AppointmentChangeRequest, AvailabilityRange, AvailabilityRequest, AvailabilitySnapshot, BATCH_MAX, BatchOutcome,
    BookingRequest, BookingStatus, BookingUpdate, ConfirmInsert, ErrorLogQuery, Feature, HealthengineApi,
    HealthengineHandle, LiveRange, LivenessContract, Page, Patient, PmsAppointmentType, PmsResource, ReadHealthengine,
    RequestKind, Subscription, SubscriptionError, UploadRequest, WriteHealthengine,
};
