//! When a resource can truly be booked, worked out slowly from what stands in the simulated world:
//! its rosters and all of its appointments, which the API does not tell.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDate, NaiveDateTime, TimeDelta, Timelike as _};
use vetbridge::ids::{ResourceId, ScheduleId, UserId};
use vetbridge::simulator::openvpms::{DayTimes, ScheduleEntity, World};

/// Minutes of a day are looked at in steps of this.
const STEP_MINUTES: usize = 5;
const MINUTES_A_DAY: usize = 24 * 60;

/// A day in steps.
type Steps = [bool; MINUTES_A_DAY / STEP_MINUTES];

/// The starts of one day of a resource, each with the types that fit, as `66:u1158-s136`. Holds on
/// days without a change of clocks.
pub(crate) fn starts(
    world: &World,
    resource: ResourceId,
    day: NaiveDate,
    now: NaiveDateTime,
) -> BTreeMap<NaiveDateTime, Vec<String>> {
    let schedule = world.schedules.iter().find(|own| own.id == resource.schedule).expect("a schedule");
    let bookable = bookable(world, schedule, resource.user, day);
    let slot = schedule.slot_size.minutes() as usize;
    let mut offers = BTreeMap::new();
    for minute in (0..MINUTES_A_DAY).step_by(slot) {
        let start = day.and_hms_opt(0, 0, 0).unwrap() + TimeDelta::minutes(minute as i64);
        let fits = |slots: u32| {
            let end = minute + slot * slots as usize;
            let steps = bookable.get(minute / STEP_MINUTES..end / STEP_MINUTES);
            start > now && steps.is_some_and(|steps| steps.iter().all(|free| *free))
        };
        let types = schedule.types.iter().filter(|(_, slots)| fits(*slots));
        let mut types: Vec<String> = types.map(|(id, _)| format!("{id}:{resource}")).collect();
        types.sort_unstable();
        if !types.is_empty() {
            offers.insert(start, types);
        }
    }
    offers
}

/// The schedule is open and free; and the clinician is rostered to it and has no appointment on any schedule.
fn bookable(world: &World, schedule: &ScheduleEntity, user: Option<UserId>, day: NaiveDate) -> Steps {
    let hours = match &schedule.times {
        None => Some(schedule.hours),
        Some(times) => match times[day.weekday().num_days_from_monday() as usize] {
            DayTimes::Closed => None,
            DayTimes::Open(hours) => Some(hours),
        },
    };
    let mut bookable = [false; MINUTES_A_DAY / STEP_MINUTES];
    let Some((open, close)) = hours.and_then(|hours| hours.start.zip(hours.end)) else { return bookable };
    set(&mut bookable, day, (day.and_time(open), day.and_time(close)), true);

    let taken = |appointment_on: ScheduleId, clinician: Option<UserId>| {
        appointment_on == schedule.id || (user.is_some() && clinician == user)
    };
    for own in world.standing().filter(|own| taken(own.schedule, own.clinician)) {
        set(&mut bookable, day, (own.start, own.end), false);
    }
    for block in world.blocks().filter(|block| block.schedule == schedule.id) {
        set(&mut bookable, day, (block.start, block.end), false);
    }
    if let Some(user) = user {
        let rostered = rostered(world, schedule.id, user, day);
        for (free, rostered) in bookable.iter_mut().zip(rostered) {
            *free &= rostered;
        }
    }
    bookable
}

/// When a clinician is on duty for a schedule.
fn rostered(world: &World, schedule: ScheduleId, user: UserId, day: NaiveDate) -> Steps {
    let mut on_duty = [false; MINUTES_A_DAY / STEP_MINUTES];
    let areas = world.areas.iter().filter(|area| area.schedules.contains(&schedule));
    for area in areas {
        for shift in world.roster.iter().filter(|shift| shift.user == user && shift.area == area.id) {
            set(&mut on_duty, day, (shift.start, shift.end), true);
        }
    }
    on_duty
}

fn set(steps: &mut Steps, day: NaiveDate, (start, end): (NaiveDateTime, NaiveDateTime), to: bool) {
    let step = |at: NaiveDateTime, round_up: bool| -> usize {
        if at.date() != day {
            return if at.date() < day { 0 } else { steps_a_day() };
        }
        let minute = (at.hour() * 60 + at.minute()) as usize;
        if round_up { minute.div_ceil(STEP_MINUTES) } else { minute / STEP_MINUTES }
    };
    let (from, until) = (step(start, to), step(end, !to));
    if from < until {
        steps[from..until].fill(to);
    }
}

const fn steps_a_day() -> usize {
    MINUTES_A_DAY / STEP_MINUTES
}
