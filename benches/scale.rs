//! What many practices cost: processor time, memory and calls of the program itself, which runs as a
//! process of its own between two simulated servers of this one.
//!
//! `cargo bench --bench scale`: 1, 10, 100 and 300 practices of ten schedules and sixty days, at
//! the intervals of the configuration's defaults. `PRACTICES=1,10` measures others, `SECONDS=20`
//! for another time than a minute. Pet owners book meanwhile, one each two seconds, and are found
//! by the polls. Below each row stands what was asked: more than the near days of each schedule
//! means that something else fell into the time, such as a leap of the clock.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

#[path = "common/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{Days, NaiveTime, TimeDelta};
use tokio::time::Instant;
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::exchange::Faults;
use vetbridge::simulator::healthengine::{HealthengineModel, MarketplaceStatus, Wish};

use program::{BothServers, ProcessCosts, clinics, practice_id, schedule};

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

async fn measure(practices: i64, window: Duration) {
    let servers = BothServers::serve(clinics(practices, SCHEDULES), "").await;
    let model = &servers.healthengine;
    let (openvpms_calls, healthengine_calls) =
        (counted(&servers.openvpms_faults), counted(&servers.healthengine_faults));
    let began = Instant::now();
    let service = servers.service().spawn().unwrap();
    servers.until_ready().await;
    let (started, first) = (began.elapsed(), ProcessCosts::of(service.id()));
    tokio::time::sleep(SETTLE).await;

    let before = ProcessCosts::of(service.id());
    let taken = || [&openvpms_calls, &healthengine_calls].map(|calls| std::mem::take(&mut *calls.lock().unwrap()));
    taken();
    let began = Instant::now();
    let booked = book(&servers, practices, began + window).await;
    let (elapsed, after, calls) = (began.elapsed().as_secs_f64(), ProcessCosts::of(service.id()), taken());
    tokio::time::sleep(Duration::from_secs(15)).await;
    let per_second = calls.each_ref().map(|calls| calls.values().sum::<u64>() as f64 / elapsed);
    println!(
        "| {practices} | {:.1} | {:.2} | {:.2} | {:.1} | {:.1} | {:.1} | {:.1} | {} |",
        started.as_secs_f64(),
        first.cpu_seconds,
        (after.cpu_seconds - before.cpu_seconds) / elapsed * 100.0,
        after.resident_mib,
        after.peak_mib,
        per_second[0],
        per_second[1],
        answers(model, &booked),
    );
    for (server, calls) in ["OpenVPMS", "Healthengine"].into_iter().zip(calls) {
        let kinds: Vec<String> = calls.iter().map(|(kind, times)| format!("{times} {kind}")).collect();
        println!("    to {server}: {}", kinds.join(", "));
    }
    assert_eq!(model.violations().len(), 0, "violations of Healthengine's API");
    servers.end(service);
}

/// How often a server is asked for what.
type Calls = Arc<Mutex<BTreeMap<String, u64>>>;

/// Counts from here on. What has a digit in its path, or stands behind it, makes no difference.
fn counted(faults: &Faults) -> Calls {
    let calls = Calls::default();
    let counter = Arc::clone(&calls);
    faults.set(move |request| {
        let path = request.target.split('?').next().unwrap_or_default();
        let part =
            |part: &str| if part.contains(|letter: char| letter.is_ascii_digit()) { "*" } else { part }.to_owned();
        let path: Vec<String> = path.split('/').map(part).collect();
        *counter.lock().unwrap().entry(format!("{} {}", request.method, path.join("/"))).or_default() += 1;
        None
    });
    calls
}

/// Pet owners book here and there until the end, each at a time of their own.
async fn book(servers: &BothServers, practices: i64, end: Instant) -> Vec<BookingId> {
    let tomorrow = servers.zone.wall(Clock::system().now()).date() + Days::new(1);
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
        let wish = Wish::new(&resource, format!("66:{resource}"), start);
        booked.push(servers.healthengine.book(&PracticeId(practice_id(practice)), wish).unwrap());
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
