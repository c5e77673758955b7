//! How long it takes to know what to send over the horizon of 60 days: for 20 schedules, and for 10 clinicians on 2
//! schedules each; with the comparison with what was sent, and with what is learnt of rosters.

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{DateTime, TimeDelta};
use vetbridge::availability::rules::RulesInForce;
use vetbridge::availability::{
    ClinicianDoubt, DayChange, Days, Moment, Question, Readings, Rosters, ScheduleReading, SentDay, UserReading, Zones,
    compare, days, learn, window,
};
use vetbridge::ids::{AppointmentTypeId, LocationId, ResourceId, ScheduleId, TypeId, UserId};
use vetbridge::mapping::{Resource, ResourceType};
use vetbridge::openvpms::{FreeBusy, UserFreeBusy, UserSpan};
use vetbridge::span::Span;
use vetbridge::zone::Zone;

fn main() {
    divan::main();
}

const HORIZON_DAYS: u32 = 60;

/// A clinic's practice, read for the whole horizon (daylight saving ends in it).
struct Clinic {
    zones: Zones,
    days: Days,
    resources: Vec<Resource>,
    readings: Readings,
    moment: Moment,
}

impl Clinic {
    /// Schedules of 15 minutes, open from 9 to 17:30, each with ten appointments a day and four types.
    #[expect(clippy::unwrap_used, reason = "a benchmark stands on fixed values")]
    fn new(schedules: i64) -> Self {
        let sydney: Zone = "Australia/Sydney".parse().unwrap();
        let zones = Zones { server: sydney, practice: sydney };
        let now = DateTime::from_timestamp(1_803_000_000, 0).unwrap();
        let days = Days::from_today(now, &sydney, HORIZON_DAYS);
        let window = window(days, &zones);
        let answer = |schedule: i64| {
            let (mut free, mut busy) = (Vec::new(), Vec::new());
            for day in days.iter() {
                let opening = sydney.day_start(day) + TimeDelta::hours(9);
                let minutes = |start: i64, end: i64| {
                    Span::new(opening + TimeDelta::minutes(start), opening + TimeDelta::minutes(end))
                };
                for number in 0..10 {
                    let start = number * 50 + schedule % 3 * 5;
                    busy.push(minutes(start, start + 15));
                    free.push(minutes(start + 15, start + 50));
                }
            }
            FreeBusy { free, busy }
        };
        let reading = |schedule| (ScheduleId(schedule), Some(ScheduleReading::new(window, now, answer(schedule))));
        Self {
            zones,
            days,
            resources: (0..schedules).map(|schedule| resource(ResourceId::schedule(ScheduleId(schedule)))).collect(),
            readings: Readings { schedules: (0..schedules).map(reading).collect(), ..Readings::default() },
            moment: Moment { now, min_notice: TimeDelta::zero() },
        }
    }

    /// With ten vets, each on one schedule in the morning and on the next in the afternoon.
    fn with_clinicians() -> Self {
        let mut clinic = Self::new(10);
        clinic.resources.clear();
        let window = window(clinic.days, &clinic.zones);
        for number in 0..10 {
            let (vet, schedules) = (UserId(1000 + number), [ScheduleId(number), ScheduleId((number + 1) % 10)]);
            clinic.resources.extend(schedules.map(|schedule| resource(ResourceId::clinician(vet, schedule))));
            let shift = |day, (half, schedule): (i64, ScheduleId)| {
                let start = clinic.zones.server.day_start(day) + TimeDelta::hours(9 + 4 * half);
                UserSpan { span: Span::new(start, start + TimeDelta::hours(4)), schedule }
            };
            let shifts = |day| [(0, schedules[0]), (1, schedules[1])].map(|half| shift(day, half));
            let answer = UserFreeBusy { free: clinic.days.iter().flat_map(shifts).collect(), busy: Vec::new() };
            clinic.readings.users.insert(vet, UserReading::new(window, clinic.moment.now, [answer]));
        }
        clinic
    }
}

fn resource(id: ResourceId) -> Resource {
    let kind = |slots: u32| ResourceType {
        id: TypeId { appointment_type: AppointmentTypeId(60 + i64::from(slots)), resource: id },
        plain_name: format!("Type {slots}"),
        name: format!("Type {slots} - {id}"),
        slots,
        length_minutes: slots * 15,
    };
    Resource {
        id,
        location: LocationId(98),
        name: id.to_string(),
        clinician: None,
        slot_size_minutes: 15,
        types: (1..=4).map(kind).collect(),
    }
}

fn question<'a>(clinic: &'a Clinic, rosters: &'a Rosters) -> Question<'a> {
    Question {
        zones: clinic.zones,
        readings: &clinic.readings,
        own: &[],
        rosters,
        clinician_doubt: ClinicianDoubt::Offer,
        moment: clinic.moment,
        rules: RulesInForce::default(),
    }
}

#[divan::bench]
fn desired_state_of_20_schedules_for_60_days(bencher: divan::Bencher<'_, '_>) {
    let (clinic, rosters) = (Clinic::new(20), Rosters::new());
    bencher.bench_local(|| days(black_box(&question(&clinic, &rosters)), &clinic.resources, clinic.days));
}

#[divan::bench]
fn desired_state_and_difference_of_20_schedules_for_60_days(bencher: divan::Bencher<'_, '_>) {
    let (clinic, rosters) = (Clinic::new(20), Rosters::new());
    let sent: BTreeMap<_, _> = days(&question(&clinic, &rosters), &clinic.resources, clinic.days)
        .into_iter()
        .map(|day| ((day.resource, day.date), SentDay { day: day.day, at: clinic.moment.now, accepted: true }))
        .collect();
    let later = Moment { now: clinic.moment.now + TimeDelta::hours(3), ..clinic.moment };
    bencher.bench_local(|| {
        let question = Question { moment: later, ..question(&clinic, &rosters) };
        let wanted = days(black_box(&question), &clinic.resources, clinic.days);
        let changed = wanted.iter().filter(|day| {
            let known = sent.get(&(day.resource, day.date));
            compare(known, &day.day, day.date, later, &clinic.zones.practice) != DayChange::Same
        });
        changed.count()
    });
}

#[divan::bench]
fn desired_state_of_10_clinicians_on_2_schedules_for_60_days(bencher: divan::Bencher<'_, '_>) {
    let clinic = Clinic::with_clinicians();
    let mut rosters = Rosters::new();
    learn(&mut rosters, &clinic.readings, &clinic.zones.server);
    bencher.bench_local(|| days(black_box(&question(&clinic, &rosters)), &clinic.resources, clinic.days));
}

#[divan::bench]
fn learning_the_rosters_of_10_clinicians_for_60_days(bencher: divan::Bencher<'_, '_>) {
    let clinic = Clinic::with_clinicians();
    bencher.bench_local(|| {
        let mut rosters = Rosters::new();
        learn(&mut rosters, black_box(&clinic.readings), &clinic.zones.server);
        rosters
    });
}
