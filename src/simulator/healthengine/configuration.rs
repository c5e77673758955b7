//! Resources, appointment types and the liveness contract: each replaced by what is sent.
//!
//! Assumptions: a snapshot with a doubled id or name is refused as a whole; an appointment type
//! must name a resource of the last resource snapshot, if it names one; an empty list is accepted
//! (and deletes everything, which is why a bridge must not send one by accident); ranges of the
//! liveness contract may overlap and stand in any order, as in the quick start.

use std::collections::BTreeSet;

use chrono::NaiveTime;
use serde_json::json;

use super::body::{Fields, Wrong};
use super::listed_configuration::{ListedResource, ListedType};
use super::state::Liveness;
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};

/// `GET config/pmsResources`
pub(super) fn resources(visit: &mut Visit<'_>) -> HandlerOutcome {
    HandlerReply::with(visit.practice.resources.iter().map(ListedResource::json).collect())
}

/// `GET config/pmsResources/findById?id=…`: a list of one or none.
pub(super) fn resource(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = wanted_id(visit)?;
    HandlerReply::with(visit.practice.resource(&id).map(ListedResource::json).into_iter().collect())
}

/// `POST config/pmsResources/snapshot`
pub(super) fn replace_resources(visit: &mut Visit<'_>) -> HandlerOutcome {
    let list = visit.required_list()?;
    let resources: Vec<ListedResource> =
        list.iter().map(|value| ListedResource::read(value, visit.notes)).collect::<Result<_, _>>()?;
    refuse_doubles("pmsResourceId", resources.iter().map(|own| &own.id))?;
    refuse_doubles("pmsResourceName", resources.iter().map(|own| &own.name))?;
    let practice = &mut *visit.practice;
    practice.resources = resources;
    practice.wanted.resources = false;
    let kept: BTreeSet<String> = practice.resources.iter().map(|own| own.id.clone()).collect();
    practice.days.retain(|(resource, _), _| kept.contains(resource));
    for wanted in practice.wanted.days.iter_mut().filter(|wanted| wanted.resource.is_none()) {
        wanted.missing.retain(|resource| kept.contains(resource));
        if wanted.missing.is_empty() {
            wanted.missing.clone_from(&kept);
        }
    }
    practice.drop_links();
    if practice.staff_link_at_once {
        practice.link_everything();
    }
    HandlerReply::done()
}

/// `GET config/pmsAppointmentTypes`
pub(super) fn appointment_types(visit: &mut Visit<'_>) -> HandlerOutcome {
    HandlerReply::with(visit.practice.appointment_types.iter().map(ListedType::json).collect())
}

/// `GET config/pmsAppointmentTypes/findById?id=…`: a list of one or none.
pub(super) fn appointment_type(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = wanted_id(visit)?;
    HandlerReply::with(visit.practice.appointment_type(&id).map(ListedType::json).into_iter().collect())
}

/// `POST config/pmsAppointmentTypes/snapshot`
pub(super) fn replace_appointment_types(visit: &mut Visit<'_>) -> HandlerOutcome {
    let list = visit.required_list()?;
    let types: Vec<ListedType> =
        list.iter().map(|value| ListedType::read(value, visit.notes)).collect::<Result<_, _>>()?;
    refuse_doubles("pmsAppointmentTypeId", types.iter().map(|own| &own.id))?;
    refuse_doubles("pmsAppointmentTypeName", types.iter().map(|own| &own.name))?;
    let practice = &mut *visit.practice;
    if let Some(stray) = types.iter().filter_map(|own| own.resource.as_ref()).find(|id| practice.resource(id).is_none())
    {
        return Err(HandlerRefusal::mistake(400, format!("pmsResourceId {stray} is not in the resource snapshot")));
    }
    practice.appointment_types = types;
    practice.wanted.appointment_types = false;
    practice.drop_links();
    if practice.staff_link_at_once {
        practice.link_everything();
    }
    HandlerReply::done()
}

/// `GET config/livenessContract`
pub(super) fn liveness(visit: &mut Visit<'_>) -> HandlerOutcome {
    HandlerReply::echo(
        visit.practice.liveness.as_ref().map_or_else(|| json!({ "liveHours": {} }), |own| own.sent.clone()),
    )
}

/// `POST config/livenessContract`
pub(super) fn replace_liveness(visit: &mut Visit<'_>) -> HandlerOutcome {
    const DAYS: [&str; 8] =
        ["monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday", "publicHolidays"];
    let sent = visit.required_body()?;
    let contract = Fields::of(&sent, "the liveness contract", &["liveHours"], visit.notes)?;
    let hours = contract.required("liveHours")?;
    let week = Fields::of(hours, "liveHours", &DAYS, visit.notes)?;
    let mut by_day = DAYS.map(|_| Vec::new());
    for (name, ranges) in DAYS.iter().zip(&mut by_day) {
        for value in week.optional_list(name)? {
            ranges.push(Fields::of(value, name, &["start", "end"], visit.notes)?.range()?);
        }
    }
    let [.., public_holidays] = &mut by_day;
    let public_holidays: Vec<(NaiveTime, NaiveTime)> = std::mem::take(public_holidays);
    let weekdays = (0..7).zip(by_day).collect();
    visit.practice.liveness = Some(Liveness { sent, at: visit.now, weekdays, public_holidays });
    HandlerReply::done()
}

fn wanted_id(visit: &Visit<'_>) -> Result<String, HandlerRefusal> {
    visit.asked_for("id").map(ToOwned::to_owned).ok_or_else(|| HandlerRefusal::mistake(400, "the query needs an id"))
}

fn refuse_doubles<'a>(field: &str, values: impl Iterator<Item = &'a String>) -> Result<(), Wrong> {
    let mut seen = BTreeSet::new();
    for value in values {
        if !seen.insert(value) {
            return Err(Wrong(format!("{field} must be unique: {value} stands twice")));
        }
    }
    Ok(())
}
