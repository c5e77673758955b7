//! What is free in the diary, worked out from the diary itself: slot by slot, without the API, without any code of the bridge.
//!
//! The demo holds against it what Healthengine offers, and staff find free places with it. It knows what the bridge has to
//! infer, such as whose an appointment is. Wall times are taken as they come: nobody at this clinic works at night, when clocks change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::ids::{AppointmentTypeId, ResourceId, UserId};
use crate::simulator::openvpms::{DayTimes, Hours, Schedule, World};

/// The starts of a day, each with the appointment types that fit.
pub(super) fn starts(
    world: &World,
    resource: ResourceId,
    day: NaiveDate,
) -> BTreeMap<NaiveDateTime, BTreeSet<AppointmentTypeId>> {
    let Some(schedule) = world.schedules.iter().find(|own| own.id == resource.schedule) else {
        return BTreeMap::new();
    };
    let slot_minutes = schedule.slot_size.minutes();
    let midnight = day.and_time(NaiveTime::MIN);
    let grid = (0..24 * 60).step_by(slot_minutes as usize).map(|minute| midnight + TimeDelta::minutes(minute));
    let fits = |start: NaiveDateTime, slots: u32| {
        let end = start + TimeDelta::minutes((slot_minutes * slots).into());
        is_free(world, schedule, resource.user, start, end)
    };
    let kinds = |start| {
        let kinds = schedule.types.iter().filter(|(_, slots)| fits(start, *slots));
        kinds.map(|(kind, _)| *kind).collect::<BTreeSet<_>>()
    };
    grid.map(|start| (start, kinds(start))).filter(|(_, kinds)| !kinds.is_empty()).collect()
}

/// True if all of this time is open, free, and, where a clinician is asked for, his.
fn is_free(world: &World, schedule: &Schedule, user: Option<UserId>, start: NaiveDateTime, end: NaiveDateTime) -> bool {
    let overlaps = |from: NaiveDateTime, to: NaiveDateTime| from < end && start < to;
    let taken = world.standing().any(|own| own.schedule == schedule.id && overlaps(own.start, own.end))
        || world.blocks().any(|own| own.schedule == schedule.id && overlaps(own.start, own.end));
    is_open(schedule, start, end)
        && !taken
        && user.is_none_or(|user| {
            let elsewhere = world.standing().any(|own| own.clinician == Some(user) && overlaps(own.start, own.end));
            is_rostered(world, schedule, user, start, end) && !elsewhere
        })
}

fn is_open(schedule: &Schedule, start: NaiveDateTime, end: NaiveDateTime) -> bool {
    let hours = match &schedule.times {
        None => schedule.hours,
        Some(week) => match week[start.weekday().num_days_from_monday() as usize] {
            DayTimes::Closed => return false,
            DayTimes::Open(hours) => hours,
        },
    };
    let Hours { start: Some(open), end: Some(close) } = hours else { return false };
    start.date().and_time(open) <= start && end <= start.date().and_time(close)
}

fn is_rostered(world: &World, schedule: &Schedule, user: UserId, start: NaiveDateTime, end: NaiveDateTime) -> bool {
    world.roster.iter().any(|shift| {
        let here = world.areas.iter().any(|area| area.id == shift.area && area.schedules.contains(&schedule.id));
        shift.user == user && here && shift.start <= start && end <= shift.end
    })
}
