//! What the diary offers, worked out slowly and plainly: slot by slot, from what stands in it.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use vetbridge::simulator::openvpms::{DayTimes, ScheduleEntity, SlotSize, World};

/// The starts of one day on one schedule, each with the types that fit, as `66:s136`. Holds on days
/// without a change of clocks.
pub(super) fn starts(
    world: &World,
    schedule: &ScheduleEntity,
    day: NaiveDate,
    now: NaiveDateTime,
) -> BTreeMap<NaiveDateTime, Vec<String>> {
    use chrono::Datelike as _;
    let hours = match &schedule.times {
        None => schedule.hours,
        Some(times) => match times[day.weekday().num_days_from_monday() as usize] {
            DayTimes::Closed => return BTreeMap::new(),
            DayTimes::Open(hours) => hours,
        },
    };
    let (Some(open), Some(close)) = (hours.start, hours.end) else { panic!("a schedule of a test has hours") };
    let (open, close) = (day.and_time(open), day.and_time(close));
    let minutes = match schedule.slot_size {
        SlotSize::Minutes(minutes) => i64::from(minutes),
        SlotSize::Hours(hours) => i64::from(hours) * 60,
    };
    let is_free = |from: NaiveDateTime, to: NaiveDateTime| {
        let appointments = world.standing().filter(|own| own.schedule == schedule.id).map(|own| (own.start, own.end));
        let blocks = world.blocks().filter(|own| own.schedule == schedule.id).map(|own| (own.start, own.end));
        open <= from && to <= close && !appointments.chain(blocks).any(|(start, end)| start < to && from < end)
    };
    let mut offers = BTreeMap::new();
    let mut start = day.and_hms_opt(0, 0, 0).unwrap();
    while start.date() == day {
        let types = schedule.types.iter().filter(|(id, slots)| {
            let is_online = world.appointment_types.iter().any(|kind| kind.id == *id && kind.online);
            is_online && start > now && is_free(start, start + TimeDelta::minutes(minutes * i64::from(*slots)))
        });
        let mut types: Vec<String> = types.map(|(id, _)| format!("{id}:s{}", schedule.id)).collect();
        types.sort_unstable();
        if !types.is_empty() {
            offers.insert(start, types);
        }
        start += TimeDelta::minutes(minutes);
    }
    offers
}
