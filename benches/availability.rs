//! How long it takes to know what to send over the horizon, beside how long it takes to read what
//! OpenVPMS answers. With each time comes how often memory was allocated.

#![expect(clippy::unwrap_used, reason = "a benchmark stands on fixed values")]

#[path = "common/practice.rs"]
mod practice;

use std::collections::BTreeMap;
use std::hint::black_box;

use chrono::{NaiveDate, TimeDelta};
use tokio::runtime::Runtime;
use vetbridge::availability::{
    DayChange, Moment, Question, ResourceDay, Rosters, ScheduleReading, SentDay, compare, days, learn, window,
};
use vetbridge::ids::{ResourceId, ScheduleId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{FreeBusy, ReadOpenVpms as _};

use practice::{Practice, SameAnswer};

#[global_allocator]
static ALLOCATIONS: divan::AllocProfiler = divan::AllocProfiler::system();

fn main() {
    divan::main();
}

type Sent = BTreeMap<(ResourceId, NaiveDate), SentDay>;

/// Healthengine has all of it.
fn sent(practice: &Practice, wanted: Vec<ResourceDay>) -> Sent {
    let sent = |day: ResourceDay| SentDay { day: day.day, at: practice.moment.now, accepted: true };
    wanted.into_iter().map(|day| ((day.resource, day.date), sent(day))).collect()
}

fn changed(practice: &Practice, sent: &Sent, moment: Moment, wanted: &[ResourceDay]) -> usize {
    let differs = |day: &&ResourceDay| {
        let known = sent.get(&(day.resource, day.date));
        compare(known, &day.day, day.date, moment, &practice.zones.practice) != DayChange::Same
    };
    wanted.iter().filter(differs).count()
}

fn all_days(practice: &Practice, rosters: &Rosters) -> Vec<ResourceDay> {
    days(&practice.question(rosters), &practice.resources, practice.days)
}

/// Desired state and difference, three hours later.
fn state_and_difference(bencher: divan::Bencher<'_, '_>, schedules: i64, horizon_days: u32) {
    let (practice, rosters) = (Practice::with_schedules(schedules, horizon_days), Rosters::new());
    let sent = sent(&practice, all_days(&practice, &rosters));
    let later = Moment { now: practice.moment.now + TimeDelta::hours(3), ..practice.moment };
    bencher.bench_local(|| {
        let question = Question { moment: later, ..practice.question(&rosters) };
        let wanted = days(black_box(&question), &practice.resources, practice.days);
        changed(&practice, &sent, later, &wanted)
    });
}

/// Through the client, as the bridge reads them: from the bytes to sets of spans.
#[divan::bench]
fn reading_the_answers_of_200_schedules_for_90_days(bencher: divan::Bencher<'_, '_>) {
    let practice = Practice::with_schedules(200, 90);
    let span = window(practice.days, &practice.zones);
    let question = vetbridge::availability::window::question(span, &practice.zones.server);
    let client = |schedule| OpenVpmsClient::new(SameAnswer::json(practice.body(schedule)));
    let clients: Vec<OpenVpmsClient> = (0..200).map(client).collect();
    let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
    let read = |runtime: &Runtime, client: &OpenVpmsClient| -> FreeBusy {
        runtime.block_on(client.schedule_free_busy(ScheduleId(1), question)).unwrap()
    };
    bencher.bench_local(|| {
        let read = clients.iter().map(|client| ScheduleReading::new(span, practice.moment.now, read(&runtime, client)));
        read.map(|reading| reading.free.len()).sum::<usize>()
    });
}

#[divan::bench]
fn state_and_difference_of_200_schedules_for_90_days(bencher: divan::Bencher<'_, '_>) {
    state_and_difference(bencher, 200, 90);
}

#[divan::bench]
fn state_and_difference_of_20_schedules_for_60_days(bencher: divan::Bencher<'_, '_>) {
    state_and_difference(bencher, 20, 60);
}

/// What follows an appointment of ours: the day of the booking executor's look, for its resource.
#[divan::bench]
fn state_and_difference_of_the_day_of_one_booking(bencher: divan::Bencher<'_, '_>) {
    let (practice, rosters) = (Practice::with_schedules(1, 2), Rosters::new());
    let sent = sent(&practice, all_days(&practice, &rosters));
    let tomorrow = practice.days.skip(1);
    bencher.bench_local(|| {
        let wanted = days(black_box(&practice.question(&rosters)), &practice.resources, tomorrow);
        changed(&practice, &sent, practice.moment, &wanted)
    });
}

#[divan::bench]
fn state_of_10_clinicians_on_2_schedules_for_60_days(bencher: divan::Bencher<'_, '_>) {
    let practice = Practice::with_clinicians(60);
    let mut rosters = Rosters::new();
    learn(&mut rosters, &practice.readings, &practice.zones.server);
    bencher.bench_local(|| days(black_box(&practice.question(&rosters)), &practice.resources, practice.days));
}

#[divan::bench]
fn learning_the_rosters_of_10_clinicians_for_60_days(bencher: divan::Bencher<'_, '_>) {
    let practice = Practice::with_clinicians(60);
    bencher.bench_local(|| {
        let mut rosters = Rosters::new();
        learn(&mut rosters, black_box(&practice.readings), &practice.zones.server);
        rosters
    });
}
