//! OpenVPMS, the practice system: its Booking API v2.
//!
//! Terms: a *location* has *schedules* (columns of the diary) with a *slot size*; a schedule has
//! *appointment types*, each with a number of slots; a *user* here is a clinician, rostered to
//! areas that stand for schedules. *Free/busy* is answered as ranges of time. Only what is flagged
//! for online booking is listed.
//!
//! Reading and writing are separate traits: code that is given only [`ReadOpenVpms`] cannot change
//! a diary.
//!
//! - `api`: types and traits, in OpenVPMS's own words. Everything in it is re-exported here.
//! - `wire`: the JSON of the Booking API, and how it becomes those types.
//! - `refusal`: what an answer other than success means.
//! - [`client`]: the traits over HTTP.

pub(crate) mod api;
pub mod client;
mod refusal;
mod wire;

pub use api::{
    ALREADY_SCHEDULED, AppointmentType, BOOKING_NOT_FOUND, Booking, Contact, CustomerName, FreeBusy, IN_THE_PAST,
    INVALID_REFERENCE, Location, MUST_BE_PENDING, NewBooking, OpenVpmsReader, OpenVpmsWriter, ReadOpenVpms,
    SCHEDULE_NOT_AVAILABLE, Schedule, User, UserFreeBusy, UserSpan, Window, WriteOpenVpms,
};
