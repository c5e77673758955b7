//! What many practices cost: processor time, memory and calls of the program itself, which runs as a
//! process of its own between two simulated servers of this one.
//!
//! `cargo bench --bench scale`: 1, 10, 100 and 300 practices of ten schedules and sixty days, at
//! the intervals of the configuration's defaults. `PRACTICES=1,10` measures others, `SECONDS=20`
//! for another time than a minute. Pet owners book meanwhile, one each two seconds, and are found
//! by the polls.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

#[path = "../tests/common/configuration.rs"]
mod configuration;
#[path = "../tests/common/process_costs.rs"]
mod process_costs;

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chrono::{Days, NaiveTime, TimeDelta};
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, LocationId, PracticeId, ScheduleId};
use vetbridge::simulator::exchange::{Faults, serve};
use vetbridge::simulator::healthengine::{HealthengineModel, MarketplaceStatus, ModelSettings, NewPractice, Wish};
use vetbridge::simulator::openvpms::{LocationEntity, OpenVpmsSim, ScheduleEntity, Uuids, World};
use vetbridge::zone::Zone;

use configuration::{API_KEY, servers_at};
use process_costs::ProcessCosts;

const SCHEDULES: i64 = 10;
/// After the first start, so that what follows from it is over.
const SETTLE: Duration = Duration::from_secs(10);
/// Between two bookings.
const APART: Duration = Duration::from_secs(2);

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let number =
        |name: &str, default: &str| std::env::vars().find(|(own, _)| own == name).map_or(default.into(), |own| own.1);
    let scales = number("PRACTICES", "1,10,100,300");
    let seconds = Duration::from_secs(number("SECONDS", "60").parse().unwrap());
    println!(
        "| practices | first start, s | its CPU s | CPU, % of a core | memory, MiB | most, MiB | calls/s to OpenVPMS | \
         calls/s to Healthengine | bookings answered after, s (median, worst) |"
    );
    for practices in scales.split(',').map(|text| text.trim().parse().unwrap()) {
        runtime.block_on(measure(practices, seconds));
    }
}

/// Where a practice is, and the number that its schedules begin with.
fn location(practice: i64) -> LocationId {
    LocationId(1000 + practice)
}

fn schedule(practice: i64, room: i64) -> ScheduleId {
    ScheduleId(100_000 + practice * 100 + room)
}

fn world(practices: i64) -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    let pattern = world.schedules[0].clone();
    let locations = (0..practices).map(|practice| LocationEntity {
        id: location(practice),
        name: format!("Clinic {practice}"),
        online: true,
    });
    world.locations = locations.collect();
    let rooms = (0..practices).flat_map(|practice| (0..SCHEDULES).map(move |room| (practice, room)));
    let schedules = rooms.map(|(practice, room)| ScheduleEntity {
        id: schedule(practice, room),
        name: format!("Room {room}"),
        location: location(practice),
        ..pattern.clone()
    });
    world.schedules = schedules.collect();
    world
}

async fn measure(practices: i64, window: Duration) {
    let (stop, clock) = (CancellationToken::new(), Clock::system());
    let openvpms = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let healthengine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let admin = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let state = tempfile::tempdir().unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let mut text = format!(
        "{}[state]\npath = \"state\"\n[admin]\nlisten = \"127.0.0.1:{admin}\"\n",
        servers_at(port(&openvpms), port(&healthengine), "max_requests_per_second = 1000\n"),
    );
    let id = |practice: i64| PracticeId((1_000_000 + practice).to_string());
    for practice in 0..practices {
        text += &format!(
            "[[practice]]\nid = \"{}\"\nkey = \"k{practice}\"\nlocations = [{}]\n[practice.live_hours]\n\
             public_holidays = [\"00:00-24:00\"]\n",
            id(practice),
            location(practice)
        );
    }
    let file = state.path().join("vetbridge.toml");
    std::fs::write(&file, text).unwrap();

    let world = world(practices);
    let zone = world.zone;
    let openvpms_calls = counted(OpenVpmsSim::new(world, clock.clone()), openvpms, &stop);
    let model = HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone());
    for practice in 0..practices {
        model.add_practice(NewPractice::new(id(practice).0, format!("k{practice}"), zone));
    }
    let healthengine_calls = counted(model.clone(), healthengine, &stop);

    let began = Instant::now();
    let mut bridge = Command::new(env!("CARGO_BIN_EXE_vetbridge"))
        .args(["--log-level", "error", "--config"])
        .arg(&file)
        .arg("run")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until_ready(admin).await;
    let (started, first) = (began.elapsed(), ProcessCosts::of(bridge.id()));
    tokio::time::sleep(SETTLE).await;

    let before = ProcessCosts::of(bridge.id());
    let calls = || [&openvpms_calls, &healthengine_calls].map(|calls| calls.load(Ordering::Relaxed));
    let (calls_before, began) = (calls(), Instant::now());
    let booked = book(&model, practices, zone, &clock, began + window, &id).await;
    let (elapsed, after, calls_after) = (began.elapsed().as_secs_f64(), ProcessCosts::of(bridge.id()), calls());
    tokio::time::sleep(Duration::from_secs(15)).await;
    let per_second = [0, 1].map(|of| (calls_after[of] - calls_before[of]) as f64 / elapsed);
    println!(
        "| {practices} | {:.1} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {} |",
        started.as_secs_f64(),
        first.cpu_seconds,
        (after.cpu_seconds - before.cpu_seconds) / elapsed * 100.0,
        after.resident_mib,
        after.peak_mib,
        per_second[0],
        per_second[1],
        answers(&model, &booked),
    );
    assert_eq!(model.violations().len(), 0, "violations of Healthengine's API");
    bridge.kill().unwrap();
    bridge.wait().unwrap();
    stop.cancel();
}

/// Serves a model; how often it was asked.
fn counted(
    model: impl vetbridge::simulator::exchange::Model,
    listener: TcpListener,
    stop: &CancellationToken,
) -> Arc<AtomicU64> {
    let (calls, faults) = (Arc::new(AtomicU64::new(0)), Faults::none());
    let counter = Arc::clone(&calls);
    faults.set(move |_| {
        counter.fetch_add(1, Ordering::Relaxed);
        None
    });
    tokio::spawn(serve(listener, Arc::new(model), faults, stop.clone()));
    calls
}

/// Pet owners book here and there until the end, each at a time of their own.
async fn book(
    model: &HealthengineModel,
    practices: i64,
    zone: Zone,
    clock: &Clock,
    end: Instant,
    id: &impl Fn(i64) -> PracticeId,
) -> Vec<BookingId> {
    let tomorrow = zone.wall(clock.now()).date() + Days::new(1);
    let nine = tomorrow.and_time(NaiveTime::from_hms_opt(9, 0, 0).unwrap());
    let mut booked = Vec::new();
    for number in 0_i64.. {
        tokio::time::sleep(APART).await;
        if Instant::now() >= end {
            break;
        }
        let (practice, room) = (number * 37 % practices, number % SCHEDULES);
        let start = nine + TimeDelta::minutes(15 * (number / SCHEDULES % 30));
        let resource = format!("s{}", schedule(practice, room));
        booked.push(model.book(&id(practice), Wish::new(&resource, format!("66:{resource}"), start)).unwrap());
    }
    booked
}

/// How long the bookings waited for their answers.
fn answers(model: &HealthengineModel, booked: &[BookingId]) -> String {
    let mut waited: Vec<f64> = Vec::new();
    for booking in booked.iter().map(|id| model.booking(*id).unwrap()) {
        assert_eq!(booking.status, MarketplaceStatus::Confirmed);
        let answered = booking.answered_at.unwrap() - booking.booked_at;
        waited.push(answered.num_milliseconds() as f64 / 1000.0);
    }
    waited.sort_by(f64::total_cmp);
    match waited.as_slice() {
        [] => "none".to_owned(),
        [.., worst] => format!("{:.1}, {worst:.1}", waited[waited.len() / 2]),
    }
}

/// Until every practice is in step.
async fn until_ready(port: u16) {
    let client = reqwest::Client::new();
    for _ in 0..3_000 {
        let answer = client.get(format!("http://127.0.0.1:{port}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
    }
    println!("not ready within five minutes");
}
