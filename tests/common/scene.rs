//! One schedule on one day, of which the slow models of availability are asked.
//!
//! Included by path (`#[path = "common/scene.rs"] mod scene;`).

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, Utc};
use vetbridge::availability::rules::RulesInForce;
use vetbridge::availability::{
    ClinicianDoubt, Moment, OwnBooking, Question, Readings, Rosters, ScheduleReading, Zones,
};
use vetbridge::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId};
use vetbridge::mapping::{Resource, ResourceType};
use vetbridge::openvpms::FreeBusy;
use vetbridge::span::Span;
use vetbridge::zone::Zone;

pub(crate) const SCHEDULE: ScheduleId = ScheduleId(136);

/// A day worth looking at, and the practice's zone.
pub(crate) type ZoneDay = (&'static str, (i32, u32, u32));

/// The day, and the zones of a server that has the practice's or another one.
pub(crate) fn zones_and_day((practice, (y, m, d)): ZoneDay, server: Option<&str>) -> (Zones, NaiveDate) {
    let practice = zone(practice);
    (Zones { server: server.map_or(practice, zone), practice }, NaiveDate::from_ymd_opt(y, m, d).unwrap())
}

pub(crate) fn zone(name: &str) -> Zone {
    name.parse().unwrap()
}

/// The resource of the schedule. An appointment type's id is its place in `types`, which has the
/// slots of each.
pub(crate) fn resource(slot_size_minutes: u32, types: &[u32]) -> Resource {
    let id = ResourceId::schedule(SCHEDULE);
    let kind = |(number, &slots): (usize, &u32)| ResourceType {
        id: TypeId { appointment_type: AppointmentTypeId(number as i64), resource: id },
        plain_name: format!("Type {number}"),
        name: format!("Type {number} - Room"),
        slots,
        length_minutes: slots * slot_size_minutes,
    };
    Resource {
        id,
        location: LocationId(98),
        name: "Room".to_owned(),
        clinician: None,
        slot_size_minutes,
        types: types.iter().enumerate().map(kind).collect(),
    }
}

/// A reading of the schedule.
pub(crate) fn readings(window: Span, began: DateTime<Utc>, free: &[Span], busy: &[Span]) -> Readings {
    let answer = FreeBusy { free: free.to_vec(), busy: busy.to_vec() };
    let reading = ScheduleReading::new(window, began, answer);
    Readings { schedules: BTreeMap::from([(SCHEDULE, Some(reading))]), ..Readings::default() }
}

/// A question about a reading, where no clinicians are offered and no rules are in force.
pub(crate) fn question<'a>(
    zones: Zones,
    readings: &'a Readings,
    rosters: &'a Rosters,
    own: &'a [OwnBooking],
    moment: Moment,
) -> Question<'a> {
    Question {
        zones,
        readings,
        own,
        rosters,
        clinician_doubt: ClinicianDoubt::Offer,
        moment,
        rules: RulesInForce::default(),
    }
}
