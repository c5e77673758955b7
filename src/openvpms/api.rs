//! What OpenVPMS can be asked: questions, changes of the diary, and the words of both.
//!
//! Nothing here knows how a call is carried or what it looks like on the wire.

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, FixedOffset, NaiveDateTime};

use crate::call_error::Answer;
use crate::characters;
use crate::ids::{AppointmentTypeId, BookingReference, LocationId, ScheduleId, UserId};
use crate::span::Span;

/// A practice location.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Location {
    /// Its id.
    pub id: LocationId,
    /// Its name.
    pub name: String,
    /// The default zone id of the *server*, as it reports it; see [`crate::zone::Zone`].
    pub time_zone: String,
}

/// A column of the diary.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Schedule {
    /// Its id.
    pub id: ScheduleId,
    /// Its name.
    pub name: String,
    /// Bookings start and end on multiples of this, counted in wall-clock minutes of the day. At
    /// least 1.
    pub slot_size_minutes: u32,
}

/// An appointment type as one schedule offers it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentType {
    /// Its id, shared by all schedules that offer the type.
    pub id: AppointmentTypeId,
    /// Its name.
    pub name: String,
    /// How many slots of this schedule it takes. At least 1.
    pub slots: u32,
}

/// A clinician.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their id.
    pub id: UserId,
    /// Their full name, as one text; blank where OpenVPMS has none.
    pub name: String,
}

impl User {
    /// What to call them: their name, or their number where they have none.
    pub fn called(&self) -> String {
        characters::shown(&self.name).unwrap_or_else(|| format!("Clinician {}", self.id))
    }
}

/// The stretch of time a free/busy question is about. Ask from midnight to midnight of the server's
/// zone: the server walks day by day from the *time of day* of `from` and loses free time
/// otherwise.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Window {
    /// From here,
    pub from: DateTime<FixedOffset>,
    /// to here.
    pub to: DateTime<FixedOffset>,
    /// Free time cut into whole slots on the grid, instead of ranges.
    pub slots: bool,
}

/// Free and busy time of a schedule, as the server wrote it: ranges can be empty, touch and
/// overlap.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct FreeBusy {
    /// Inside opening hours and not taken.
    pub free: Vec<Span>,
    /// Taken by an appointment or a calendar block.
    pub busy: Vec<Span>,
}

/// A range of a user's time on one schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct UserSpan {
    /// When.
    pub span: Span,
    /// On which schedule.
    pub schedule: ScheduleId,
}

/// Free and busy time of a user at a location. `free` is an upper bound; of `busy` only the
/// schedule ids mean something.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct UserFreeBusy {
    /// Rostered time less appointments (with the server's mistakes).
    pub free: Vec<UserSpan>,
    /// The rest of every day of the window, for every schedule of their roster in it.
    pub busy: Vec<UserSpan>,
}

/// A booking to be made. Text fields are sent as they are.
#[derive(Clone, PartialEq, Eq)]
pub struct NewBooking {
    /// Where.
    pub location: LocationId,
    /// On which schedule.
    pub schedule: ScheduleId,
    /// What for.
    pub appointment_type: AppointmentTypeId,
    /// From, with the server's offset; on the slot grid.
    pub start: DateTime<FixedOffset>,
    /// To, with the server's offset; on the slot grid.
    pub end: DateTime<FixedOffset>,
    /// With whom, if a clinician was chosen.
    pub user: Option<UserId>,
    /// Who comes.
    pub contact: Contact,
    /// Lines for the diary.
    pub notes: String,
}

/// Who comes, in OpenVPMS's fields.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Contact {
    /// Always sent, empty if there is none: an absent one is stored as `Title: null`.
    pub title: String,
    /// Not blank.
    pub first_name: String,
    /// Not blank.
    pub last_name: String,
    /// One spelling of the number,
    pub phone: Option<String>,
    /// and the other.
    pub mobile: Option<String>,
    /// Case kept: OpenVPMS compares it exactly.
    pub email: Option<String>,
    /// The pet.
    pub patient_name: Option<String>,
}

impl Contact {
    /// Their number: of its two spellings the international one, whichever field it stands in.
    pub fn any_phone(&self) -> Option<&str> {
        let phones = || [self.phone.as_deref(), self.mobile.as_deref()].into_iter().flatten();
        phones().find(|number| number.starts_with('+')).or_else(|| phones().next())
    }
}

impl std::fmt::Debug for NewBooking {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("NewBooking")
            .field("location", &self.location)
            .field("schedule", &self.schedule)
            .field("appointment_type", &self.appointment_type)
            .field("start", &self.start)
            .field("end", &self.end)
            .field("user", &self.user)
            .finish_non_exhaustive()
    }
}

/// A booking as the diary has it now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Booking {
    /// Where it stands.
    pub location: LocationId,
    /// On which schedule.
    pub schedule: ScheduleId,
    /// What for.
    pub appointment_type: AppointmentTypeId,
    /// From, in the wall time of the server: what its database holds.
    pub start: NaiveDateTime,
    /// To, in the wall time of the server.
    pub end: NaiveDateTime,
    /// The clinician.
    pub user: Option<UserId>,
    /// The attached customer's names, if the server found one.
    pub customer: Option<CustomerName>,
}

/// The names of an attached customer, as OpenVPMS spells them.
#[derive(Clone, PartialEq, Eq)]
pub struct CustomerName {
    /// First name.
    pub first: String,
    /// Last name.
    pub last: String,
}

impl std::fmt::Debug for CustomerName {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("CustomerName(..)")
    }
}

/// Questions. All of them can be asked again at will.
#[async_trait]
pub trait ReadOpenVpms: Send + Sync {
    /// Locations flagged for online booking.
    async fn locations(&self) -> Answer<Vec<Location>>;
    /// One location; refused with 404 `Practice location not found`.
    async fn location(&self, location: LocationId) -> Answer<Location>;
    /// Schedules of a location flagged for online booking.
    async fn schedules(&self, location: LocationId) -> Answer<Vec<Schedule>>;
    /// Clinicians who can be booked at a location.
    async fn users(&self, location: LocationId) -> Answer<Vec<User>>;
    /// One schedule; refused with 404 `Schedule not found`, or 400 once its flag is cleared.
    async fn schedule(&self, schedule: ScheduleId) -> Answer<Schedule>;
    /// Appointment types of a schedule, in no useful order.
    async fn appointment_types(&self, schedule: ScheduleId) -> Answer<Vec<AppointmentType>>;
    /// Free time of a schedule.
    async fn schedule_free(&self, schedule: ScheduleId, window: Window) -> Answer<Vec<Span>>;
    /// Busy time of a schedule.
    async fn schedule_busy(&self, schedule: ScheduleId, window: Window) -> Answer<Vec<Span>>;
    /// Both, for one call's price.
    async fn schedule_free_busy(&self, schedule: ScheduleId, window: Window) -> Answer<FreeBusy>;
    /// One user; refused with 404 `User not found`.
    async fn user(&self, user: UserId) -> Answer<User>;
    /// The locations where a user works.
    async fn user_locations(&self, user: UserId) -> Answer<Vec<Location>>;
    /// One of them; refused with 404 `Location not found`.
    async fn user_location(&self, user: UserId, location: LocationId) -> Answer<Location>;
    /// A user's free time at a location.
    async fn user_free(&self, user: UserId, location: LocationId, window: Window) -> Answer<Vec<UserSpan>>;
    /// A user's busy time at a location.
    async fn user_busy(&self, user: UserId, location: LocationId, window: Window) -> Answer<Vec<UserSpan>>;
    /// Both, for one call's price.
    async fn user_free_busy(&self, user: UserId, location: LocationId, window: Window) -> Answer<UserFreeBusy>;
    /// A booking; refused with 404 [`BOOKING_NOT_FOUND`] when it is cancelled or gone.
    async fn booking(&self, reference: &BookingReference) -> Answer<Booking>;
}

/// Changes of the diary.
#[async_trait]
pub trait WriteOpenVpms: Send + Sync {
    /// Makes an appointment. **Not idempotent**: unless
    /// [`crate::call_error::CallError::nothing_was_done`], it may stand in the diary.
    async fn submit(&self, booking: &NewBooking) -> Answer<BookingReference>;
    /// Cancels a booking. Repeating it is harmless: refused with 404 [`BOOKING_NOT_FOUND`] once it
    /// is gone.
    async fn cancel(&self, reference: &BookingReference) -> Answer<()>;
}

/// Asks OpenVPMS, for all practices. Whoever has this alone cannot change a diary.
pub type OpenVpmsReader = Arc<dyn ReadOpenVpms>;

/// Changes OpenVPMS's diary, for all practices.
pub type OpenVpmsWriter = Arc<dyn WriteOpenVpms>;

/// The text of the 404 that means *gone*. Any other 404 is a server that is restarting.
pub const BOOKING_NOT_FOUND: &str = "Booking not found";
/// How the text of a refused overlap begins (400).
pub const ALREADY_SCHEDULED: &str = "An appointment is already scheduled";
/// The text of a refused start (400).
pub const IN_THE_PAST: &str = "Cannot make a booking in the past";
/// The text of a refused cancellation (400): the visit has begun.
pub const MUST_BE_PENDING: &str = "The booking must be pending to cancel";
/// The text for a reference this server cannot have written (400).
pub const INVALID_REFERENCE: &str = "Invalid booking reference";
/// The text for a schedule that lost its flag (400).
pub const SCHEDULE_NOT_AVAILABLE: &str = "Schedule is not available for online booking";
