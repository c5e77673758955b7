//! What is free in the diary, worked out from the diary itself: slot by slot, without the API,
//! without any code of the bridge.
//!
//! The demo holds against it what Healthengine offers, and staff find free places with it. It knows
//! what the bridge has to infer, such as whose an appointment is. Wall times are taken as they
//! come: nobody at this clinic works at night, when clocks change.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta};

use crate::ids::{AppointmentTypeId, ResourceId, UserId};
use crate::simulator::openvpms::{DayTimes, Hours, ScheduleEntity, World};

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
    let taken = taken(world, resource, midnight);
    let fits = |start: NaiveDateTime, slots: u32| {
        let end = start + TimeDelta::minutes((slot_minutes * slots).into());
        is_open(schedule, start, end)
            && !taken.iter().any(|(from, to)| *from < end && start < *to)
            && resource.user.is_none_or(|user| is_rostered(world, schedule, user, start, end))
    };
    let kinds = |start| {
        let kinds = schedule.types.iter().filter(|(_, slots)| fits(start, *slots));
        kinds.map(|(kind, _)| *kind).collect::<BTreeSet<_>>()
    };
    grid.map(|start| (start, kinds(start))).filter(|(_, kinds)| !kinds.is_empty()).collect()
}

/// What is taken around a day: on the schedule by whomever, and, where a clinician is asked for, by
/// them wherever.
fn taken(world: &World, resource: ResourceId, midnight: NaiveDateTime) -> Vec<(NaiveDateTime, NaiveDateTime)> {
    let theirs = |clinician: Option<UserId>| resource.user.is_some() && clinician == resource.user;
    let appointments = world.standing().filter(|own| own.schedule == resource.schedule || theirs(own.clinician));
    let blocks = world.blocks().filter(|own| own.schedule == resource.schedule);
    let all = appointments.map(|own| (own.start, own.end)).chain(blocks.map(|own| (own.start, own.end)));
    // No appointment type is longer than a day.
    all.filter(|(from, to)| midnight < *to && *from < midnight + TimeDelta::days(2)).collect()
}

fn is_open(schedule: &ScheduleEntity, start: NaiveDateTime, end: NaiveDateTime) -> bool {
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

fn is_rostered(
    world: &World,
    schedule: &ScheduleEntity,
    user: UserId,
    start: NaiveDateTime,
    end: NaiveDateTime,
) -> bool {
    world.roster.iter().any(|shift| {
        let here = world.areas.iter().any(|area| area.id == shift.area && area.schedules.contains(&schedule.id));
        shift.user == user && here && shift.start <= start && end <= shift.end
    })
}
