//! What was read of the practice's set-up, turned into what Healthengine knows: resources and appointment types with stable ids.

pub mod guard;
pub mod names;

use std::collections::{BTreeMap, BTreeSet};

use crate::availability::Zones;
use crate::ids::{LocationId, ResourceId, ScheduleId, TypeId, UserId};
use crate::openvpms::{AppointmentType, Location, Schedule, User};
use crate::zone::Zone;

/// What was read from OpenVPMS. A location or schedule that could not be *read* must not reach this: its absence here means
/// that OpenVPMS does not list it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Every location flagged for online booking.
    pub locations: Vec<Location>,
    /// The flagged schedules of the locations that were asked for (those of the practice, and more at will), with their types.
    pub schedules: BTreeMap<LocationId, Vec<(Schedule, Vec<AppointmentType>)>>,
    /// The clinicians of those locations. Needed only if the practice offers clinicians.
    pub users: BTreeMap<LocationId, Vec<User>>,
    /// Where clinicians work, for those who were asked about.
    pub user_locations: BTreeMap<UserId, BTreeSet<LocationId>>,
    /// Why a schedule is not listed, for those that were asked about one by one.
    pub absences: BTreeMap<ScheduleId, Absence>,
}

/// What `GET schedules/{id}` says of a schedule that is not listed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Absence {
    /// 404.
    Unknown,
    /// 400: its online booking flag is not set.
    NotFlagged,
}

/// What the practice's configuration asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Asked {
    /// The practice's locations.
    pub locations: BTreeSet<LocationId>,
    /// The resources to offer. Empty: every flagged schedule at the locations.
    pub resources: Vec<Wanted>,
    /// The practice's zone, where the configuration names one.
    pub time_zone: Option<Zone>,
}

/// One `[[practice.resource]]` of the configuration.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// The schedule.
    pub schedule: ScheduleId,
    /// The clinician, for a clinician on that schedule.
    pub user: Option<UserId>,
    /// A name to use instead of the default one.
    pub name: Option<String>,
}

impl Wanted {
    /// The resource that the entry stands for.
    pub fn id(&self) -> ResourceId {
        ResourceId { schedule: self.schedule, user: self.user }
    }
}

/// What a practice offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mapping {
    /// The resources, by id.
    pub resources: Vec<Resource>,
    /// What was asked for and is not there, by id.
    pub left_out: Vec<LeftOut>,
    /// Locations of the practice that OpenVPMS does not list.
    pub missing_locations: Vec<LocationId>,
    /// The zones, without which no availability can be told.
    pub zones: Result<Zones, ZoneProblem>,
}

/// One resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resource {
    /// Its id, for ever.
    pub id: ResourceId,
    /// Where its schedule is.
    pub location: LocationId,
    /// Its name, unique within the practice.
    pub name: String,
    /// First and last name of a clinician.
    pub clinician: Option<names::PersonName>,
    /// The schedule's slot size.
    pub slot_size_minutes: u32,
    /// What can be booked, by id. Can be empty: then nothing is offered, and the links at Healthengine stay.
    pub types: Vec<ResourceType>,
}

/// An appointment type of one resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceType {
    /// Its id, for ever.
    pub id: TypeId,
    /// Its name in OpenVPMS.
    pub plain_name: String,
    /// Its name at Healthengine, unique within the practice.
    pub name: String,
    /// Slots of the schedule.
    pub slots: u32,
    /// Slots × slot size.
    pub length_minutes: u32,
}

/// Something asked for that is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct LeftOut {
    /// What was asked for.
    pub resource: ResourceId,
    /// Why not.
    pub reason: LeftOutReason,
}

/// Why a resource is not offered.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeftOutReason {
    /// OpenVPMS does not list the schedule at the practice's locations; why is not known.
    ScheduleNotListed,
    /// OpenVPMS knows no such schedule.
    ScheduleUnknown,
    /// The schedule's online booking flag is not set.
    ScheduleNotFlagged,
    /// The schedule is at another location, which is none of the practice's.
    ScheduleElsewhere(LocationId),
    /// OpenVPMS lists no such clinician: gone, or the online booking flag is not set.
    ClinicianNotListed,
    /// The clinician does not work at the schedule's location.
    ClinicianNotAtLocation(LocationId),
}

/// Why no availability can be told.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ZoneProblem {
    /// None of the practice's locations is listed, so the server's zone is unknown.
    NoLocation,
    /// The server's zone id is neither an IANA name nor an offset.
    ServerZoneUnknown(String),
    /// The server reports an offset only: the configuration has to name the practice's zone.
    PracticeZoneNeeded(String),
}
