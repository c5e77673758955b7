//! From a booking request to a place in the diary, or to the reason why there can be none.
//!
//! Nothing here looks into the diary. What Healthengine sends is not trusted to be what it was
//! offered: resource, type, length and time are checked against the mapping and the slot grid of
//! the moment.

use chrono::{DateTime, TimeDelta, Utc};

use super::entry::Place;
use super::machine::Ask;
use super::problem::{Unoffered, Unplaceable};
use crate::availability::rules::{OfferRule, refusal_of_new_clients};
use crate::availability::{ClockFault, Zones, appointment_end, is_on_grid};
use crate::healthengine::{BookingRequest, BookingStatus};
use crate::ids::{ResourceId, TypeId};
use crate::mapping::guard::Accepted;
use crate::mapping::{Asked, Resource, ResourceType};
use crate::span::Span;

/// No appointment is longer; a length beyond it is a mistake.
const LENGTH_MAX: TimeDelta = TimeDelta::days(1);

/// What a practice offers, and what it offered before.
#[derive(Debug, Clone, Copy)]
pub struct Offered<'a> {
    /// What OpenVPMS offers.
    pub resources: &'a [Resource],
    /// The clocks on the way.
    pub zones: &'a Zones,
    /// What OpenVPMS offered when Healthengine last accepted its lists. What is missing since then
    /// is still on them: the next ones are not accepted yet, or the guard holds them back.
    pub accepted: &'a Accepted,
    /// What the configuration asks for: what it leaves out is not OpenVPMS's doing.
    pub asked: &'a Asked,
    /// What the practice keeps back.
    pub rules: &'a [OfferRule],
}

impl Offered<'_> {
    fn stopped(&self, resource: ResourceId) -> bool {
        let location = self.accepted.resources.get(&resource);
        location.is_some_and(|location| self.asked.asks_for(resource, *location))
    }
}

/// What a booking request asks for.
pub fn ask(request: &BookingRequest, offer: Offered<'_>, now: DateTime<Utc>) -> Ask {
    if request.status == BookingStatus::Cancelled {
        return Ask::Nothing;
    }
    match place(request, offer, now) {
        Ok(place) => match turned_away(request, &place, offer) {
            Some((by, message)) => Ask::TurnAway(place, message.to_owned(), by),
            None => Ask::Insert(place),
        },
        Err(reason) => Ask::Impossible(reason),
    }
}

/// The number of the rule that turns a new client away, and what they are told. Nobody is new of
/// whom Healthengine does not say so.
fn turned_away<'a>(request: &BookingRequest, place: &Place, offer: Offered<'a>) -> Option<(u32, &'a str)> {
    let date = offer.zones.practice.wall(place.span.start).date();
    let refusal = refusal_of_new_clients(offer.rules, place.resource(), place.appointment_type, date);
    let (by, new_clients) = refusal.filter(|_| request.is_new_patient == Some(true))?;
    Some((by, new_clients.message.as_str()))
}

fn place(request: &BookingRequest, offer: Offered<'_>, now: DateTime<Utc>) -> Result<Place, Unplaceable> {
    let zones = offer.zones;
    let resource = resource(request, offer)?;
    let kind = appointment_type(request, resource, offer)?;
    let start = start(request, zones, now)?;
    if !is_on_grid(start, resource.slot_size_minutes, &zones.server) {
        return Err(Unplaceable::OffTheGrid);
    }
    let end = appointment_end(start, length_minutes(request, kind)?, resource.slot_size_minutes, &zones.server);
    if zones.fault(end).is_some() {
        return Err(Unplaceable::ClocksChange);
    }
    Ok(Place {
        location: resource.location,
        schedule: resource.id.schedule,
        user: resource.id.user,
        appointment_type: kind.id.appointment_type,
        span: Span::new(start, end),
    })
}

fn resource<'a>(request: &BookingRequest, offer: Offered<'a>) -> Result<&'a Resource, Unplaceable> {
    let Some(text) = &request.pms_resource_id else { return Err(Unplaceable::NoResource) };
    let id = text.parse::<ResourceId>().ok();
    let known = id.and_then(|id| offer.resources.iter().find(|resource| resource.id == id));
    let stopped = || id.filter(|id| offer.stopped(*id)).map(Unoffered::ResourceStopped);
    known.ok_or_else(|| Unplaceable::NotOffered(stopped().unwrap_or(Unoffered::UnknownResource)))
}

fn appointment_type<'a>(
    request: &BookingRequest,
    resource: &'a Resource,
    offer: Offered<'a>,
) -> Result<&'a ResourceType, Unplaceable> {
    let name = || resource.name.clone();
    let Some(text) = &request.pms_appointment_type_id else {
        return Err(Unplaceable::NotOffered(Unoffered::NoType { resource: name() }));
    };
    let id = text.parse::<TypeId>().ok();
    let known = id.and_then(|id| resource.types.iter().find(|kind| kind.id == id));
    known.ok_or_else(|| {
        let stopped = id.filter(|id| id.resource == resource.id && offer.accepted.types.contains(id));
        Unplaceable::NotOffered(match stopped {
            Some(id) => Unoffered::TypeStopped { id, resource: name() },
            None => Unoffered::UnknownType { resource: name() },
        })
    })
}

fn start(request: &BookingRequest, zones: &Zones, now: DateTime<Utc>) -> Result<DateTime<Utc>, Unplaceable> {
    let Some(wall) = request.appointment_time else { return Err(Unplaceable::NoTime) };
    let start = zones.moment(wall).map_err(|fault| match fault {
        ClockFault::Skipped => Unplaceable::TimeDoesNotExist,
        ClockFault::Doubled => Unplaceable::ClocksChange,
    })?;
    if start <= now { Err(Unplaceable::InThePast) } else { Ok(start) }
}

/// The longer of what the type takes in OpenVPMS and what Healthengine asks for.
fn length_minutes(request: &BookingRequest, kind: &ResourceType) -> Result<u32, Unplaceable> {
    let asked = request.appointment_length_seconds.unwrap_or(0).max(0);
    if asked > LENGTH_MAX.num_seconds() {
        return Err(Unplaceable::TooLong);
    }
    let asked_minutes = u32::try_from((asked + 59) / 60).unwrap_or(0);
    Ok(kind.length_minutes.max(asked_minutes).max(1))
}
