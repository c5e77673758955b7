//! From a booking request to a place in the diary, or to the reason why there can be none.
//!
//! Nothing here looks into the diary. What Healthengine sends is not trusted to be what it was offered: resource, type, length
//! and time are checked against the mapping and the slot grid of the moment.

use chrono::{DateTime, TimeDelta, Utc};

use super::desk::Ask;
use super::ledger::Place;
use crate::availability::{ClockFault, Zones, appointment_end, is_on_grid};
use crate::healthengine::{BookingRequest, BookingStatus};
use crate::ids::{ResourceId, TypeId};
use crate::mapping::{Resource, ResourceType};
use crate::messages::decisions as say;
use crate::span::Span;

/// No appointment is longer; a length beyond it is a mistake.
const LENGTH_MAX: TimeDelta = TimeDelta::days(1);

/// What a booking request asks for.
pub fn ask(request: &BookingRequest, resources: &[Resource], zones: &Zones, now: DateTime<Utc>) -> Ask {
    if request.status == BookingStatus::Cancelled {
        return Ask::Nothing;
    }
    match place(request, resources, zones, now) {
        Ok(place) => Ask::Insert(place),
        Err((reason, problem)) => Ask::Impossible { reason, problem },
    }
}

/// A reason for Healthengine's support, and perhaps what an administrator has to do.
type Refusal = (String, Option<String>);

fn place(
    request: &BookingRequest,
    resources: &[Resource],
    zones: &Zones,
    now: DateTime<Utc>,
) -> Result<Place, Refusal> {
    let resource = resource(request, resources)?;
    let kind = appointment_type(request, resource)?;
    let start = start(request, zones, now)?;
    if !is_on_grid(start, resource.slot_size_minutes, &zones.server) {
        return Err((say::OFF_THE_GRID.into(), None));
    }
    let end = appointment_end(start, length_minutes(request, kind)?, resource.slot_size_minutes, &zones.server);
    if zones.fault(end).is_some() {
        return Err((say::CLOCKS_CHANGE.into(), None));
    }
    Ok(Place {
        location: resource.location,
        schedule: resource.id.schedule,
        user: resource.id.user,
        appointment_type: kind.id.appointment_type,
        span: Span::new(start, end),
    })
}

fn resource<'a>(request: &BookingRequest, resources: &'a [Resource]) -> Result<&'a Resource, Refusal> {
    let Some(id) = &request.pms_resource_id else { return Err((say::NO_RESOURCE.into(), None)) };
    let known = id.parse::<ResourceId>().ok().and_then(|id| resources.iter().find(|resource| resource.id == id));
    known.ok_or_else(|| (say::UNKNOWN_RESOURCE.into(), Some(say::link_resource(request.booking_id))))
}

fn appointment_type<'a>(request: &BookingRequest, resource: &'a Resource) -> Result<&'a ResourceType, Refusal> {
    let Some(id) = &request.pms_appointment_type_id else {
        return Err((say::NO_TYPE.into(), Some(say::link_type(request.booking_id, &resource.name))));
    };
    let known = id.parse::<TypeId>().ok().and_then(|id| resource.types.iter().find(|kind| kind.id == id));
    known.ok_or_else(|| (say::UNKNOWN_TYPE.into(), Some(say::link_type(request.booking_id, &resource.name))))
}

fn start(request: &BookingRequest, zones: &Zones, now: DateTime<Utc>) -> Result<DateTime<Utc>, Refusal> {
    let Some(wall) = request.appointment_time else { return Err((say::NO_TIME.into(), None)) };
    let start = zones.moment(wall).map_err(|fault| match fault {
        ClockFault::Skipped => (say::TIME_DOES_NOT_EXIST.to_owned(), None),
        ClockFault::Doubled => (say::CLOCKS_CHANGE.to_owned(), None),
    })?;
    if start <= now { Err((say::IN_THE_PAST.into(), None)) } else { Ok(start) }
}

/// The longer of what the type takes in OpenVPMS and what Healthengine asks for.
fn length_minutes(request: &BookingRequest, kind: &ResourceType) -> Result<u32, Refusal> {
    let asked = request.appointment_length_seconds.unwrap_or(0).max(0);
    if asked > LENGTH_MAX.num_seconds() {
        return Err((say::TOO_LONG.into(), None));
    }
    let asked_minutes = u32::try_from((asked + 59) / 60).unwrap_or(0);
    Ok(kind.length_minutes.max(asked_minutes).max(1))
}
