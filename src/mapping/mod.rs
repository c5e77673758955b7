//! What was read of a clinic's set-up, turned into what Healthengine knows: resources and
//! appointment types with stable ids.
//!
//! **Model.** The configuration asks for resources, or, by naming none, for every schedule that
//! OpenVPMS lists at the practice's locations. What is asked for and listed becomes a [`Resource`];
//! what is asked for and not listed is named in [`Mapping::left_out`] with the reason. Ids come
//! from OpenVPMS's ids alone. Names may change, since links hang on ids.
//!
//! **Promises.** The result depends on neither the order nor the repetition of what was read. Ids
//! and names are unique within the practice. A resource whose schedule lost all its appointment
//! types stays: leaving it out would delete the links that staff made by hand.
//!
//! | file | decides |
//! | --- | --- |
//! | here, [`names`] | what a reading means as resources and appointment types |
//! | [`guard`] | whether a list that shrank may be sent |
//! | [`plan`] | what is to be sent, as a value |
//! | [`remembered`] | what was sent and accepted, as it is remembered |
//! | [`changes`], [`departures`] | what a person is shown of a plan, and what is lost by it |

pub mod changes;
pub mod departures;
pub mod guard;
pub mod names;
pub mod plan;
pub mod remembered;

use std::collections::{BTreeMap, BTreeSet};

use self::names::{PersonName, Unnamed, unique};
use crate::characters::shown;
use crate::healthengine::{PmsAppointmentType, PmsResource};
use crate::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId, UserId};
use crate::openvpms::{AppointmentType, Location, Schedule, User};
use crate::zone::Zone;
use crate::zone::zones::Zones;

/// What was read from OpenVPMS. A location or schedule that could not be *read* must not reach
/// this: its absence here means that OpenVPMS does not list it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Inventory {
    /// Every location flagged for online booking.
    pub locations: Vec<Location>,
    /// The flagged schedules of the locations that were asked for (those of the practice, and more
    /// at will), with their types.
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
    pub clinician: Option<PersonName>,
    /// The schedule's slot size.
    pub slot_size_minutes: u32,
    /// What can be booked, by id. Can be empty: then nothing is offered, and the links at
    /// Healthengine stay.
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

impl Mapping {
    /// Works out what a practice offers.
    pub fn new(inventory: &Inventory, asked: &Asked) -> Self {
        let listed = Listed::new(inventory, asked);
        let mut found = BTreeMap::new();
        let mut left_out = BTreeSet::new();
        for wanted in listed.wanted(asked) {
            match listed.find(&wanted) {
                Ok(place) => {
                    found.entry(wanted.id()).or_insert((wanted, place));
                }
                Err(reason) => {
                    left_out.insert(LeftOut { resource: wanted.id(), reason });
                }
            }
        }
        let is_listed = |id: &LocationId| inventory.locations.iter().any(|location| location.id == *id);
        Self {
            resources: resources(found),
            left_out: left_out.into_iter().collect(),
            missing_locations: asked.locations.iter().copied().filter(|id| !is_listed(id)).collect(),
            zones: zones(inventory, asked),
        }
    }

    /// One resource by its id.
    pub fn resource(&self, id: ResourceId) -> Option<&Resource> {
        self.resources.binary_search_by_key(&id, |resource| resource.id).ok().map(|at| &self.resources[at])
    }

    /// The resource snapshot, by id.
    pub fn pms_resources(&self) -> Vec<PmsResource> {
        let snapshot = |resource: &Resource| PmsResource {
            pms_resource_id: resource.id.to_string(),
            pms_resource_name: resource.name.clone(),
            first_name: resource.clinician.as_ref().and_then(|name| name.first.clone()),
            last_name: resource.clinician.as_ref().map(|name| name.last.clone()),
        };
        self.resources.iter().map(snapshot).collect()
    }

    /// The appointment type snapshot, by resource and id.
    pub fn pms_appointment_types(&self) -> Vec<PmsAppointmentType> {
        let snapshot = |kind: &ResourceType| PmsAppointmentType {
            pms_appointment_type_id: kind.id.to_string(),
            pms_appointment_type_name: kind.name.clone(),
            length_minutes: Some(kind.length_minutes),
            pms_resource_id: Some(kind.id.resource.to_string()),
        };
        self.resources.iter().flat_map(|resource| &resource.types).map(snapshot).collect()
    }

    /// Resources whose schedule has no appointment type that can be booked online: a health
    /// problem.
    pub fn without_types(&self) -> impl Iterator<Item = ResourceId> {
        self.resources.iter().filter(|resource| resource.types.is_empty()).map(|resource| resource.id)
    }
}

impl Resource {
    /// One of its appointment types, by OpenVPMS's id.
    pub fn appointment_type(&self, id: AppointmentTypeId) -> Option<&ResourceType> {
        self.types.iter().find(|kind| kind.id.appointment_type == id)
    }
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

/// The inventory, looked up by what the configuration names.
struct Listed<'a> {
    inventory: &'a Inventory,
    /// Every listed schedule and where it is. One that were listed at two locations counts for the
    /// practice's own one.
    schedules: BTreeMap<ScheduleId, OfferedPlace<'a>>,
    locations: &'a BTreeSet<LocationId>,
}

/// Where a resource's schedule is and what it offers.
#[derive(Clone, Copy)]
struct OfferedPlace<'a> {
    location: LocationId,
    schedule: &'a Schedule,
    types: &'a [AppointmentType],
    user: Option<&'a User>,
}

impl<'a> Listed<'a> {
    fn new(inventory: &'a Inventory, asked: &'a Asked) -> Self {
        let mut schedules: BTreeMap<ScheduleId, OfferedPlace<'a>> = BTreeMap::new();
        for (&location, listed) in &inventory.schedules {
            for (schedule, types) in listed {
                let place = OfferedPlace { location, schedule, types, user: None };
                let known = schedules.entry(schedule.id).or_insert(place);
                if !asked.locations.contains(&known.location) {
                    *known = place;
                }
            }
        }
        Self { inventory, schedules, locations: &asked.locations }
    }

    /// What the configuration asks for, spelt out.
    fn wanted(&self, asked: &Asked) -> Vec<Wanted> {
        if !asked.resources.is_empty() {
            return asked.resources.clone();
        }
        let here = self.schedules.values().filter(|place| self.locations.contains(&place.location));
        here.map(|place| Wanted { schedule: place.schedule.id, user: None, name: None }).collect()
    }

    fn find(&self, wanted: &Wanted) -> Result<OfferedPlace<'a>, LeftOutReason> {
        let Some(place) = self.schedules.get(&wanted.schedule) else {
            return Err(match self.inventory.absences.get(&wanted.schedule) {
                None => LeftOutReason::ScheduleNotListed,
                Some(Absence::Unknown) => LeftOutReason::ScheduleUnknown,
                Some(Absence::NotFlagged) => LeftOutReason::ScheduleNotFlagged,
            });
        };
        if !self.locations.contains(&place.location) {
            return Err(LeftOutReason::ScheduleElsewhere(place.location));
        }
        let Some(id) = wanted.user else { return Ok(*place) };
        let at = |location: LocationId| {
            self.inventory.users.get(&location).and_then(|users| users.iter().find(|user| user.id == id))
        };
        match at(place.location) {
            Some(user) => Ok(OfferedPlace { user: Some(user), ..*place }),
            // Listed elsewhere, or said to work elsewhere: the clinician is known, but not here.
            None if self.inventory.users.keys().any(|&location| at(location).is_some())
                || self.inventory.user_locations.get(&id).is_some_and(|locations| !locations.is_empty()) =>
            {
                Err(LeftOutReason::ClinicianNotAtLocation(place.location))
            }
            None => Err(LeftOutReason::ClinicianNotListed),
        }
    }
}

/// Gives names to what was found.
fn resources(found: BTreeMap<ResourceId, (Wanted, OfferedPlace<'_>)>) -> Vec<Resource> {
    let named = found.into_iter().map(|(id, (wanted, place))| {
        let schedule = shown(&place.schedule.name).unwrap_or_else(|| format!("Schedule {}", place.schedule.id));
        let name = match (wanted.name.as_deref().and_then(shown), place.user) {
            (Some(name), _) => name,
            (None, None) => schedule,
            (None, Some(user)) => format!("{} - {schedule}", user.called()),
        };
        Unnamed { id, name, rest: place }
    });
    let mut resources: Vec<Resource> = unique(named.collect()).into_iter().map(resource).collect();

    let types = resources.iter_mut().flat_map(|resource| {
        let name = resource.name.clone();
        resource.types.iter_mut().map(move |kind| {
            let name = format!("{} - {name}", kind.plain_name);
            Unnamed { id: kind.id, name, rest: kind }
        })
    });
    for Unnamed { name, rest, .. } in unique(types.collect()) {
        rest.name = name;
    }
    resources
}

/// A resource whose name is settled, its types still without.
fn resource(named: Unnamed<ResourceId, OfferedPlace<'_>>) -> Resource {
    let Unnamed { id, name, rest: place } = named;
    let slot_size_minutes = place.schedule.slot_size_minutes;
    let types: BTreeMap<TypeId, ResourceType> = place
        .types
        .iter()
        .map(|kind| {
            let id = TypeId { appointment_type: kind.id, resource: id };
            let plain_name = shown(&kind.name).unwrap_or_else(|| format!("Appointment type {}", kind.id));
            let length_minutes = kind.slots.saturating_mul(slot_size_minutes);
            (id, ResourceType { id, plain_name, name: String::new(), slots: kind.slots, length_minutes })
        })
        .collect();
    Resource {
        id,
        location: place.location,
        name,
        clinician: place.user.map(person),
        slot_size_minutes,
        types: types.into_values().collect(),
    }
}

/// First and last name of a clinician. One whom OpenVPMS has no name for is called by their number,
/// which is no first name.
fn person(user: &User) -> PersonName {
    match shown(&user.name) {
        Some(name) => PersonName::split(&name),
        None => PersonName { first: None, last: user.called() },
    }
}

/// The server reports one zone, its own, with every location.
fn zones(inventory: &Inventory, asked: &Asked) -> Result<Zones, ZoneProblem> {
    let ours = inventory.locations.iter().filter(|location| asked.locations.contains(&location.id));
    let reported = &ours.min_by_key(|location| location.id).ok_or(ZoneProblem::NoLocation)?.time_zone;
    let server: Zone = reported.parse().map_err(|_| ZoneProblem::ServerZoneUnknown(reported.clone()))?;
    match asked.time_zone {
        Some(practice) => Ok(Zones { server, practice }),
        None if server.names_a_place() => Ok(Zones { server, practice: server }),
        None => Err(ZoneProblem::PracticeZoneNeeded(reported.clone())),
    }
}

#[cfg(test)]
mod tests;
