//! The clinic of the demo: the one of OpenVPMS's published guide, with a branch that has rooms, a
//! week of opening hours, two vets who change rooms at noon, clients, and what stands in the diary
//! before anybody books.

use chrono::{Datelike, Days, NaiveDate, NaiveDateTime, NaiveTime, TimeDelta, Weekday};

use super::free_time;
use super::people;
use crate::ids::{AppointmentTypeId, LocationId, PracticeId, ResourceId, ScheduleId, UserId};
use crate::random::Random;
use crate::simulator::openvpms::{
    AreaId, DayTimes, Hours, NewAppointment, ScheduleEntity, Shift, SlotSize, Uuids, World,
};

/// A practice at Healthengine and its location in OpenVPMS; `demo.toml` says the same.
pub(super) struct Site {
    /// The practice's id.
    pub(super) practice: &'static str,
    /// The practice's key.
    pub(super) key: &'static str,
    /// The location.
    pub(super) location: LocationId,
}

/// Both practices.
pub(super) const SITES: [Site; 2] = [
    Site { practice: "1234567", key: "demo-practice-key-main", location: LocationId(98) },
    Site { practice: "7654321", key: "demo-practice-key-branch", location: LocationId(106) },
];

/// How many days are rostered, and have something in the diary: as many as the bridge offers, and
/// one for midnight.
const DAYS: u64 = 15;
/// The rooms of the main clinic, and the area of the roster that each of them is.
const ROOMS: [(ScheduleId, AreaId); 2] = [(ScheduleId(136), AreaId(301)), (ScheduleId(211), AreaId(302))];
/// The vets who can be booked by name. In the morning each has the room in their place of the
/// list, in the afternoon the other's.
const VETS: [UserId; 2] = [UserId(1158), UserId(1159)];

impl Site {
    /// The practice.
    pub(super) fn practice(&self) -> PracticeId {
        PracticeId(self.practice.to_owned())
    }
}

/// The clinic on this day, with an empty diary.
pub(super) fn world(today: NaiveDate, random: &mut Random) -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(random.bits()));
    world.customers.extend(people::customers());
    for (id, name, close) in [(136, "Consulting Room", (17, 30)), (211, "Surgery", (17, 0))] {
        if let Some(room) = world.schedule_mut(ScheduleId(id)) {
            (room.name, room.times) = (name.to_owned(), Some(week(time(9, 0), time(close.0, close.1))));
        }
    }
    let (short, standard, long) = (AppointmentTypeId(79), AppointmentTypeId(66), AppointmentTypeId(63));
    world.schedules.push(branch(312, "Branch Consulting Room", 20, &[(standard, 1), (long, 2)]));
    world.schedules.push(branch(313, "Branch Nurse", 10, &[(short, 1)]));
    world.roster = open_days(today).flat_map(shifts).collect();
    world
}

/// Some appointments and a lunch break for every day.
pub(super) fn fill_in(world: &mut World, today: NaiveDate, random: &mut Random) {
    for day in open_days(today) {
        fill_in_day(world, day, random);
    }
}

fn open_days(today: NaiveDate) -> impl Iterator<Item = NaiveDate> {
    today.iter_days().take(DAYS as usize).filter(|day| is_open(*day))
}

/// The days of the demo on which anything can be made or moved: the coming ones, never today, which
/// may be nearly over.
pub(super) fn coming_days(today: NaiveDate, count: u64) -> Vec<NaiveDate> {
    (1..=count).map(|days| today + Days::new(days)).filter(|day| is_open(*day)).collect()
}

fn is_open(day: NaiveDate) -> bool {
    day.weekday() != Weekday::Sun
}

/// Monday to Friday all day, Saturday until one, never on Sunday.
fn week(open: NaiveTime, close: NaiveTime) -> [DayTimes; 7] {
    let until = |end| DayTimes::Open(Hours { start: Some(open), end: Some(end) });
    let mut week = [until(close); 7];
    (week[5], week[6]) = (until(time(13, 0)), DayTimes::Closed);
    week
}

/// Who is in which room when.
fn shifts(day: NaiveDate) -> [Shift; 4] {
    let at = |hour| day.and_time(time(hour, 0));
    let [(_, consulting_room), (_, surgery)] = ROOMS;
    let shift = |user, area, start, end| Shift { user, area, start: at(start), end: at(end) };
    let [first, second] = VETS;
    [
        shift(first, consulting_room, 9, 12),
        shift(first, surgery, 12, 17),
        shift(second, surgery, 9, 12),
        shift(second, consulting_room, 12, 17),
    ]
}

/// The vet who is rostered to a schedule for all of this time.
fn on_duty(world: &World, schedule: ScheduleId, start: NaiveDateTime, end: NaiveDateTime) -> Option<UserId> {
    let area = ROOMS.iter().find(|(room, _)| *room == schedule).map(|(_, area)| *area)?;
    let shift = world.roster.iter().find(|own| own.area == area && own.start <= start && end <= own.end)?;
    Some(shift.user)
}

fn branch(id: i64, name: &str, slot_size_minutes: u32, types: &[(AppointmentTypeId, u32)]) -> ScheduleEntity {
    ScheduleEntity {
        id: ScheduleId(id),
        name: name.to_owned(),
        location: LocationId(106),
        online: true,
        slot_size: SlotSize::Minutes(slot_size_minutes),
        hours: Hours::default(),
        times: Some(week(time(8, 0), time(18, 0))),
        types: types.to_vec(),
    }
}

fn fill_in_day(world: &mut World, day: NaiveDate, random: &mut Random) {
    for schedule in world.schedules.clone() {
        if schedule.location == LocationId(106) {
            world.add_block(schedule.id, day.and_time(time(12, 0)), day.and_time(time(13, 0)));
        }
        for _ in 0..3 {
            if let Some(entry) = free_entry(world, &schedule, day, random) {
                world.add_appointment(entry);
            }
        }
    }
}

/// An appointment that staff can make on a schedule and day; `None` where nothing is free.
pub(super) fn free_entry(
    world: &World,
    schedule: &ScheduleEntity,
    day: NaiveDate,
    random: &mut Random,
) -> Option<NewAppointment> {
    let starts = free_time::starts(world, ResourceId::schedule(schedule.id), day);
    let starts: Vec<(NaiveDateTime, AppointmentTypeId)> =
        starts.into_iter().flat_map(|(start, kinds)| kinds.into_iter().map(move |kind| (start, kind))).collect();
    let (start, appointment_type) = *random.pick(&starts)?;
    let end = start + length(world, schedule.id, appointment_type);
    // Half of what staff write down is for the vet in the room, the other half for nobody by name.
    let clinician = on_duty(world, schedule.id, start, end).filter(|_| random.below(2) == 0);
    Some(NewAppointment {
        schedule: schedule.id,
        start,
        end,
        appointment_type,
        clinician,
        customer: None,
        patient: None,
    })
}

/// How long an appointment of this type is on this schedule.
pub(super) fn length(world: &World, schedule: ScheduleId, kind: AppointmentTypeId) -> TimeDelta {
    let schedule = world.schedules.iter().find(|own| own.id == schedule);
    let minutes = schedule.map_or(0, |own| {
        let slots = own.types.iter().find(|(id, _)| *id == kind).map_or(1, |(_, slots)| *slots);
        own.slot_size.minutes() * slots
    });
    TimeDelta::minutes(minutes.into())
}

fn time(hour: u32, minute: u32) -> NaiveTime {
    NaiveTime::from_hms_opt(hour, minute, 0).unwrap_or_default()
}
