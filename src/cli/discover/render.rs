//! What was found, for people and for machines.

use std::collections::BTreeSet;
use std::fmt::Write;

use serde_json::{Value, json};

use super::found::{FoundLocation, FoundUser};
use crate::availability::openness::Shut;
use crate::cli::inventory::Column;
use crate::ids::ScheduleId;
use crate::messages::rehearsal::AFTER_DISCOVER;
use crate::messages::{check_findings as say, listed, plain};
use crate::openvpms::AppointmentType;

/// One JSON array of locations.
pub(super) fn json(found: &[FoundLocation]) -> serde_json::Result<String> {
    let locations: Vec<Value> = found.iter().map(location).collect();
    serde_json::to_string_pretty(&locations)
}

fn location(FoundLocation { place, zone: _, free_busy: _, never_open, users }: &FoundLocation) -> Value {
    json!({
        "location": place.id(),
        "name": place.location.name,
        "time_zone": place.location.time_zone,
        "schedules": place.schedules.iter().map(|own| schedule(own, never_open)).collect::<Vec<_>>(),
        "users": users.iter().map(user).collect::<Vec<_>>(),
    })
}

fn schedule(Column { schedule, types }: &Column, never_open: &BTreeSet<ScheduleId>) -> Value {
    let kind = |kind: &AppointmentType| {
        let AppointmentType { id, name, slots } = kind;
        json!({"appointment_type": id, "name": name, "slots": slots})
    };
    json!({
        "schedule": schedule.id,
        "name": schedule.name,
        "slot_size_minutes": schedule.slot_size_minutes,
        "appointment_types": types.iter().map(kind).collect::<Vec<_>>(),
        "never_open": never_open.contains(&schedule.id),
    })
}

fn user(FoundUser { user, locations, rostered }: &FoundUser) -> Value {
    json!({"user": user.id, "name": user.called(), "locations": locations, "rostered": rostered})
}

/// An indented list.
pub(super) fn text(found: &[FoundLocation], horizon_days: u32) -> String {
    let mut out = String::new();
    // Writing into a string cannot fail.
    for location in found {
        let _ = write_location(&mut out, location, horizon_days);
    }
    match found {
        [] => out.push_str("OpenVPMS has no location that is flagged for online booking.\n"),
        _ => out.push_str(&format!("{AFTER_DISCOVER}\n")),
    }
    out
}

fn write_location(out: &mut String, found: &FoundLocation, horizon_days: u32) -> std::fmt::Result {
    let place = &found.place;
    writeln!(out, "location {}  {}  ({})", place.id(), plain(&place.location.name), plain(&place.location.time_zone))?;
    if found.zone.is_none() {
        writeln!(out, "  This time zone is unknown here, so rosters and times are left out.")?;
    }
    if place.schedules.is_empty() {
        writeln!(out, "  no schedule is flagged for online booking")?;
    }
    for Column { schedule, types } in &place.schedules {
        writeln!(
            out,
            "  schedule {}  {}  slots of {} minutes",
            schedule.id,
            plain(&schedule.name),
            schedule.slot_size_minutes
        )?;
        for kind in types {
            let minutes = kind.slots.saturating_mul(schedule.slot_size_minutes);
            writeln!(out, "    appointment type {}  {}  {minutes} minutes", kind.id, plain(&kind.name))?;
        }
        if found.never_open.contains(&schedule.id) {
            let what = format!("Schedule {} ({})", schedule.id, plain(&schedule.name));
            writeln!(out, "    {}", say::never_open(&what, &Shut::Schedule, horizon_days))?;
        }
        if types.is_empty() {
            writeln!(out, "    no appointment type is flagged for online booking")?;
        }
    }
    for found_user in &found.users {
        writeln!(
            out,
            "  user {}  {}  {}",
            found_user.id(),
            found_user.user.called(),
            rosters(found_user, horizon_days)
        )?;
    }
    writeln!(out)
}

fn rosters(FoundUser { user: _, locations, rostered }: &FoundUser, horizon_days: u32) -> String {
    let rostered = match rostered.len() {
        0 => format!("not rostered here in the next {horizon_days} days"),
        1 => format!("rostered on schedule {}", listed(rostered)),
        _ => format!("rostered on schedules {}", listed(rostered)),
    };
    match locations.len() {
        0 | 1 => rostered,
        _ => format!("{rostered}; works at locations {}", listed(locations)),
    }
}
