//! The clinic: what its database holds, and how its server is set up.
//!
//! Times are wall times of the server, as in the database. Only an appointment also keeps instants:
//! the server's cache remembers those it was booked with until it is restarted, which shows in the
//! hour that happens twice.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{NaiveDateTime, NaiveTime, Weekday};

use crate::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};
use crate::span::Span;
use crate::zone::Zone;

use super::uuids::Uuids;

macro_rules! number_id {
    ($(#[$doc:meta])* $name:ident) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub struct $name(pub i64);

        impl fmt::Display for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                self.0.fmt(f)
            }
        }
    };
}

number_id!(/// An appointment.
    AppointmentId);
number_id!(/// A calendar block.
    BlockId);
number_id!(/// A roster area.
    AreaId);
number_id!(/// A customer.
    CustomerId);
number_id!(/// A customer's animal.
    PatientId);

/// A clinic and its server. Lists are answered in the order in which they stand here.
#[derive(Debug, Clone)]
pub struct World {
    /// The server's default zone.
    pub zone: Zone,
    /// How user free/busy is computed.
    pub user_behaviour: UserBehaviour,
    /// How references are written.
    pub reference_parts: ReferenceParts,
    /// True if reading a live booking answers 500, as the recorded server does.
    pub reading_a_booking_fails: bool,
    /// What becomes of unusual characters.
    pub database_text: DatabaseText,
    /// What is wrong with the whole server.
    pub condition: Condition,
    /// Who may call.
    pub accounts: Vec<Login>,
    /// The practice locations.
    pub locations: Vec<LocationEntity>,
    /// The appointment types.
    pub appointment_types: Vec<AppointmentTypeEntity>,
    /// The schedules of all locations.
    pub schedules: Vec<ScheduleEntity>,
    /// The users.
    pub users: Vec<UserEntity>,
    /// The roster areas.
    pub areas: Vec<Area>,
    /// The roster.
    pub roster: Vec<Shift>,
    /// The customers.
    pub customers: Vec<Customer>,
    pub(super) appointments: BTreeMap<AppointmentId, Appointment>,
    pub(super) blocks: BTreeMap<BlockId, Block>,
    /// The next id of an appointment or block.
    pub(super) next_id: i64,
    pub(super) uuids: Uuids,
    /// What other clients submit at the same instant as a booking of the same time.
    pub(super) racing: Vec<NewAppointment>,
}

/// The two kinds of user free/busy.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserBehaviour {
    /// As the published guide says: each schedule on its own.
    Guide,
    /// As OpenVPMS 2.1 answers, with its mistakes.
    V21,
}

/// The two kinds of booking reference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ReferenceParts {
    /// `<appointment>:<uuid>`, as OpenVPMS 2.1 writes.
    Two,
    /// `<appointment>:<customer>:<uuid>` where a customer is attached, else `<appointment>:<uuid>`:
    /// the guide prints both.
    Three,
}

/// How the server talks to its database.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DatabaseText {
    /// In Latin-1 (as Windows has it): each UTF-16 unit that it lacks becomes a question mark.
    Latin1,
    /// In the three-byte UTF-8 of old MySQL: a character above U+FFFF fails.
    Utf8,
}

/// What is wrong with the whole server. Silence, hanging up and the like are faults of the exchange
/// instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Condition {
    /// Nothing.
    Well,
    /// Its database is away: 401 for everybody.
    DatabaseAway,
    /// The web application is being reloaded inside a running server: 404 with HTML for every path.
    ApplicationAway,
}

/// A login.
#[derive(Clone)]
pub struct Login {
    /// Compared without regard to case.
    pub name: String,
    /// Compared exactly.
    pub password: String,
    /// True with the role Online Booking. Without it everything can be read, but POST and DELETE
    /// are 500.
    pub may_book: bool,
}

impl fmt::Debug for Login {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Login").field("name", &self.name).field("may_book", &self.may_book).finish_non_exhaustive()
    }
}

/// A practice location.
#[derive(Debug, Clone)]
pub struct LocationEntity {
    /// Its id.
    pub id: LocationId,
    /// Its name.
    pub name: String,
    /// Flagged for online booking.
    pub online: bool,
}

/// An appointment type.
#[derive(Debug, Clone)]
pub struct AppointmentTypeEntity {
    /// Its id.
    pub id: AppointmentTypeId,
    /// Its name.
    pub name: String,
    /// Flagged for online booking.
    pub online: bool,
}

/// A column of the diary.
#[derive(Debug, Clone)]
pub struct ScheduleEntity {
    /// Its id.
    pub id: ScheduleId,
    /// Its name.
    pub name: String,
    /// Where it is.
    pub location: LocationId,
    /// Flagged for online booking. Being active or not makes no difference to the API, so that is
    /// not modelled.
    pub online: bool,
    /// The grid of its slots.
    pub slot_size: SlotSize,
    /// Its own hours, the same on every day.
    pub hours: Hours,
    /// Its online booking times, which override its own hours: from Monday to Sunday.
    pub times: Option<[DayTimes; 7]>,
    /// The appointment types that it offers, each with its number of slots.
    pub types: Vec<(AppointmentTypeId, u32)>,
}

/// A slot size as OpenVPMS keeps it; the API tells minutes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotSize {
    /// In minutes.
    Minutes(u32),
    /// In hours.
    Hours(u32),
}

impl SlotSize {
    /// In minutes, at least 1.
    pub fn minutes(self) -> u32 {
        match self {
            Self::Minutes(minutes) => minutes.max(1),
            Self::Hours(hours) => hours.max(1) * 60,
        }
    }
}

/// Opening hours. 24:00 is kept as 00:00, so a schedule that closes then is never open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hours {
    /// From; absent: from the time of day at which the question begins.
    pub start: Option<NaiveTime>,
    /// To; absent: until midnight.
    pub end: Option<NaiveTime>,
}

/// Online booking times of a weekday.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayTimes {
    /// Not bookable.
    Closed,
    /// Bookable in these hours.
    Open(Hours),
}

/// A user.
#[derive(Debug, Clone)]
pub struct UserEntity {
    /// The id.
    pub id: UserId,
    /// The full name.
    pub name: String,
    /// True for a clinician, who can be attached to an appointment. Others go into its notes.
    pub clinician: bool,
    /// Flagged for online booking.
    pub online: bool,
    /// Active.
    pub active: bool,
    /// Where the user works; at every location if empty.
    pub locations: Vec<LocationId>,
}

/// A roster area: stands for schedules of its location.
#[derive(Debug, Clone)]
pub struct Area {
    /// Its id.
    pub id: AreaId,
    /// Where it is.
    pub location: LocationId,
    /// What it stands for.
    pub schedules: Vec<ScheduleId>,
}

/// A user's shift in an area.
#[derive(Debug, Clone, Copy)]
pub struct Shift {
    /// Who.
    pub user: UserId,
    /// In which area.
    pub area: AreaId,
    /// From.
    pub start: NaiveDateTime,
    /// To.
    pub end: NaiveDateTime,
}

/// A customer. All of the people in a simulation are made up; `Debug` leaves them out all the same,
/// as everywhere.
#[derive(Clone)]
pub struct Customer {
    /// The id.
    pub id: CustomerId,
    /// A lookup code, such as `MS`.
    pub title: Option<String>,
    /// First name.
    pub first_name: String,
    /// Last name.
    pub last_name: String,
    /// With a company name a customer is never matched.
    pub company: Option<String>,
    /// Phones, the preferred one first.
    pub phones: Vec<PhoneContact>,
    /// Emails, the preferred one first.
    pub emails: Vec<String>,
    /// Animals.
    pub patients: Vec<PatientEntity>,
    /// Inactive customers are never matched.
    pub active: bool,
}

impl fmt::Debug for Customer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Customer").field("id", &self.id).field("active", &self.active).finish_non_exhaustive()
    }
}

/// A phone of a customer.
#[derive(Clone)]
pub struct PhoneContact {
    /// The area code, if it is kept apart.
    pub area_code: Option<String>,
    /// The number, spelt as staff spelt it.
    pub number: String,
    /// True for a mobile.
    pub mobile: bool,
}

/// An animal of a customer.
#[derive(Clone)]
pub struct PatientEntity {
    /// The id.
    pub id: PatientId,
    /// The name.
    pub name: String,
}

/// An appointment that staff make. Times are wall times of the server.
#[derive(Debug, Clone)]
pub struct NewAppointment {
    /// On which schedule.
    pub schedule: ScheduleId,
    /// From; on the grid or not.
    pub start: NaiveDateTime,
    /// To.
    pub end: NaiveDateTime,
    /// What for.
    pub appointment_type: AppointmentTypeId,
    /// With whom.
    pub clinician: Option<UserId>,
    /// For whom.
    pub customer: Option<CustomerId>,
    /// For which animal.
    pub patient: Option<PatientId>,
}

/// An entry of the diary.
#[derive(Clone)]
pub struct Appointment {
    /// The id.
    pub id: AppointmentId,
    /// The secret part of its booking reference.
    pub link: String,
    /// On which schedule.
    pub schedule: ScheduleId,
    /// From: what the database holds.
    pub start: NaiveDateTime,
    /// To: what the database holds.
    pub end: NaiveDateTime,
    /// What for.
    pub appointment_type: AppointmentTypeId,
    /// How far it has come.
    pub status: AppointmentStatus,
    /// With whom.
    pub clinician: Option<UserId>,
    /// For whom, if the server or staff found the customer.
    pub customer: Option<CustomerId>,
    /// For which animal.
    pub patient: Option<PatientId>,
    /// The booking notes.
    pub notes: Option<String>,
    /// The instants that free/busy tells: those it was booked with, until the server is restarted.
    pub(super) cached: Span,
}

impl fmt::Debug for Appointment {
    /// Without the notes, which tell who comes.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Appointment")
            .field("id", &self.id)
            .field("schedule", &self.schedule)
            .field("start", &self.start)
            .field("end", &self.end)
            .field("status", &self.status)
            .field("clinician", &self.clinician)
            .field("customer", &self.customer)
            .finish_non_exhaustive()
    }
}

/// How far an appointment has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are those of OpenVPMS")]
pub enum AppointmentStatus {
    Pending,
    CheckedIn,
    InProgress,
    Admitted,
    Billed,
    Completed,
    /// Free time again, and no booking any more.
    Cancelled,
}

/// Time that staff closed in the diary. Shows in free/busy; bookings over it are taken all the
/// same.
#[derive(Debug, Clone)]
pub struct Block {
    /// The id.
    pub id: BlockId,
    /// On which schedule.
    pub schedule: ScheduleId,
    /// From.
    pub start: NaiveDateTime,
    /// To.
    pub end: NaiveDateTime,
}

impl World {
    /// An empty clinic in a zone: a server like the recorded one, but for reading bookings, which
    /// works.
    pub fn new(zone: Zone, uuids: Uuids) -> Self {
        Self {
            zone,
            user_behaviour: UserBehaviour::V21,
            reference_parts: ReferenceParts::Two,
            reading_a_booking_fails: false,
            database_text: DatabaseText::Utf8,
            condition: Condition::Well,
            accounts: Vec::new(),
            locations: Vec::new(),
            appointment_types: Vec::new(),
            schedules: Vec::new(),
            users: Vec::new(),
            areas: Vec::new(),
            roster: Vec::new(),
            customers: Vec::new(),
            appointments: BTreeMap::new(),
            blocks: BTreeMap::new(),
            next_id: 1,
            uuids,
            racing: Vec::new(),
        }
    }

    /// A location flagged for online booking; there are no others as far as the API goes.
    pub(super) fn online_location(&self, id: LocationId) -> Option<&LocationEntity> {
        self.locations.iter().find(|location| location.id == id && location.online)
    }

    /// An appointment type, flagged or not.
    pub(super) fn appointment_type(&self, id: AppointmentTypeId) -> Option<&AppointmentTypeEntity> {
        self.appointment_types.iter().find(|kind| kind.id == id)
    }

    /// A schedule, flagged or not.
    pub(super) fn schedule(&self, id: ScheduleId) -> Option<&ScheduleEntity> {
        self.schedules.iter().find(|schedule| schedule.id == id)
    }

    /// A user of any kind.
    pub(super) fn user(&self, id: UserId) -> Option<&UserEntity> {
        self.users.iter().find(|user| user.id == id)
    }

    /// A customer.
    pub(super) fn customer(&self, id: CustomerId) -> Option<&Customer> {
        self.customers.iter().find(|customer| customer.id == id)
    }
}

impl ScheduleEntity {
    /// The hours of a weekday; `None` on a closed one.
    pub(super) fn hours_on(&self, day: Weekday) -> Option<Hours> {
        match &self.times {
            None => Some(self.hours),
            Some(times) => match times[day.num_days_from_monday() as usize] {
                DayTimes::Closed => None,
                DayTimes::Open(hours) => Some(hours),
            },
        }
    }
}

impl UserEntity {
    /// True if the API tells of this user.
    pub(super) fn is_listed(&self) -> bool {
        self.online && self.active
    }

    /// True if the user works at a location.
    pub(super) fn works_at(&self, location: LocationId) -> bool {
        self.locations.is_empty() || self.locations.contains(&location)
    }
}
