//! What the server lists: locations, schedules, appointment types, users. Only what is flagged for
//! online booking.
//!
//! Being active counts for users alone. A schedule can be asked for by its id as well, but is
//! refused once its flag is cleared.

use serde::Serialize;

use crate::ids::{LocationId, ScheduleId, UserId};

use super::pages::PageRefusal;
use super::world::{LocationEntity, ScheduleEntity, UserEntity, World};

/// A location on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct LocationTold {
    id: i64,
    name: String,
    time_zone: String,
}

/// A schedule on the wire.
#[derive(Serialize)]
#[serde(rename_all = "camelCase")]
pub(super) struct ScheduleTold {
    id: i64,
    name: String,
    slot_size: u32,
}

/// An appointment type on the wire.
#[derive(Serialize)]
pub(super) struct TypeTold {
    id: i64,
    name: String,
    slots: u32,
}

/// A user on the wire.
#[derive(Serialize)]
pub(super) struct UserTold {
    id: i64,
    name: String,
}

impl World {
    /// All flagged locations.
    pub(super) fn locations_told(&self) -> Vec<LocationTold> {
        self.locations.iter().filter(|location| location.online).map(|location| self.location_told(location)).collect()
    }

    /// One location.
    pub(super) fn location_told(&self, location: &LocationEntity) -> LocationTold {
        LocationTold { id: location.id.0, name: location.name.clone(), time_zone: self.zone.to_string() }
    }

    /// The flagged schedules of a location.
    pub(super) fn schedules_told(&self, location: LocationId) -> Vec<ScheduleTold> {
        let schedules = self.schedules.iter().filter(|schedule| schedule.online && schedule.location == location);
        schedules.map(schedule_told).collect()
    }

    /// The users of a location, by name.
    pub(super) fn users_told(&self, location: LocationId) -> Vec<UserTold> {
        let mut users: Vec<&UserEntity> =
            self.users.iter().filter(|user| user.is_listed() && user.works_at(location)).collect();
        users.sort_by(|a, b| a.name.cmp(&b.name).then(a.id.cmp(&b.id)));
        users.into_iter().map(user_told).collect()
    }

    /// The flagged appointment types of a schedule that take a slot at least.
    pub(super) fn types_told(&self, schedule: &ScheduleEntity) -> Vec<TypeTold> {
        let known = schedule.types.iter().filter_map(|(id, slots)| Some((self.appointment_type(*id)?, *slots)));
        let listed = known.filter(|(kind, slots)| kind.online && *slots > 0);
        listed.map(|(kind, slots)| TypeTold { id: kind.id.0, name: kind.name.clone(), slots }).collect()
    }

    /// The flagged locations where a user works.
    pub(super) fn user_locations_told(&self, user: &UserEntity) -> Vec<LocationTold> {
        let own = self.locations.iter().filter(|location| location.online && user.works_at(location.id));
        own.map(|location| self.location_told(location)).collect()
    }

    /// One flagged location.
    pub(super) fn location_listed(&self, id: LocationId) -> Result<&LocationEntity, PageRefusal> {
        self.online_location(id).ok_or(PageRefusal::NotFound("Practice location not found"))
    }

    /// A schedule, which must be flagged.
    pub(super) fn schedule_online(&self, id: ScheduleId) -> Result<&ScheduleEntity, PageRefusal> {
        let schedule = self.schedule(id).ok_or(PageRefusal::NotFound("Schedule not found"))?;
        if schedule.online {
            Ok(schedule)
        } else {
            Err(PageRefusal::Bad("Schedule is not available for online booking".to_owned()))
        }
    }

    /// A listed user.
    pub(super) fn user_listed(&self, id: UserId) -> Result<&UserEntity, PageRefusal> {
        self.user(id).filter(|user| user.is_listed()).ok_or(PageRefusal::NotFound("User not found"))
    }

    /// One of the flagged locations where a user works.
    pub(super) fn user_location(&self, user: &UserEntity, id: LocationId) -> Result<&LocationEntity, PageRefusal> {
        self.online_location(id).filter(|_| user.works_at(id)).ok_or(PageRefusal::NotFound("Location not found"))
    }
}

/// One schedule; its slot size in minutes, however it is kept.
pub(super) fn schedule_told(schedule: &ScheduleEntity) -> ScheduleTold {
    ScheduleTold { id: schedule.id.0, name: schedule.name.clone(), slot_size: schedule.slot_size.minutes() }
}

/// One user.
pub(super) fn user_told(user: &UserEntity) -> UserTold {
    UserTold { id: user.id.0, name: user.name.clone() }
}
