//! What the bridge takes when there is far too much of everything: peak memory of the process, most
//! calls in any second, time to get through, and who is served first.
//!
//! `cargo bench --bench bounds` runs the program as a process between both simulators over loopback
//! HTTP: 10,000 outstanding bookings, and fresh ones among them; 5,000 schedules over 60 days, and
//! a booking right after a restart of that; a storm of webhooks; lists of pages without an end;
//! answers of 200 MB, plain and compressed, from both servers. Both servers allow 500 calls a
//! second, a rate that `max_requests_per_second` takes: at the default of 10 the flood alone would
//! last for most of an hour.
//!
//! On two cores that were busy with other builds:
//!
//! | what | peak memory | busiest second at OpenVPMS (750 allowed) | at Healthengine | time |
//! | --- | --- | --- | --- | --- |
//! | 10,000 outstanding bookings: 2.0 calls to OpenVPMS each, none served more than 102 places after its turn; of 97 who booked meanwhile, 97 answered within 20 s | 57 MiB | 749 | 408 | 101 s |
//! | 5,000 schedules, 60 days of each sent | 234 MiB | 374 | 102 | 123 s |
//! | a booking right after a restart of that: confirmed | 377 MiB | 374 | 3 | 16 s from the start of the process |
//! | 10,000 webhooks: 10 polls | 15 MiB | 0 | 2 | 10 s |
//! | a list of pages without end: 240 read in 12 polls | 14 MiB | 6 | 30 | 60 s |
//! | 18 answers of 200 MB, plain and compressed | 118 MiB | 0 | 0 | 86 s |
//!
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stands on fixed values"
)]

#[path = "../tests/bounds/bombs.rs"]
mod bombs;

#[path = "../tests/common/configuration.rs"]
mod configuration;

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Days, TimeDelta, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, PracticeId, ScheduleId};
use vetbridge::simulator::exchange::{ArrivedRequest, Faults, Model, SentAnswer, serve};
use vetbridge::simulator::healthengine::{HealthengineModel, HttpCourier, ModelSettings, NewPractice, Wish};
use vetbridge::simulator::openvpms::{OpenVpmsSim, Uuids, World};

use configuration::{API_KEY, servers_at};

use bombs::Bombs;

/// Calls a second that each server allows.
const RATE: usize = 500;
/// No measurement takes longer.
const LIMIT: Duration = Duration::from_secs(600);
const OUTSTANDING: u64 = 10_000;
/// How long ago the oldest of them was booked.
const AGE: TimeDelta = TimeDelta::hours(3);

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("At {RATE} calls a second, and at most {} in any second:", RATE * 3 / 2);
    println!("| what | peak memory | busiest second at OpenVPMS | and at Healthengine | time | |");
    println!("| --- | --- | --- | --- | --- | --- |");
    runtime.block_on(async {
        bookings().await;
        schedules().await;
        webhooks().await;
        pages().await;
        large_answers().await;
    });
}

async fn bookings() {
    let bench = Bench::new(world(101, 4), |model| model).await;
    let mut bridge = bench.start();
    bench.until(|| bench.has_days(101, 60)).await;
    bench.healthengine_faults.close_port();
    let began_at = Clock::system().now();
    let mut late = Vec::new();
    for number in 0..OUTSTANDING {
        let (schedule, slot) = (number % 100, number / 100);
        let booking = bench.book(schedule, 2 + slot / 30, slot % 30);
        // As a list would have them after hours: the oldest first.
        let share = i32::try_from(number).unwrap();
        let age = AGE - AGE * share / i32::try_from(OUTSTANDING).unwrap();
        let text = (began_at - age).format("%Y-%m-%d %H:%M:%S").to_string();
        bench.healthengine.write_field(booking, "bookedTime", Some(Value::String(text))).unwrap();
        late.push(booking);
    }
    bench.forget_calls();
    let began = Instant::now();
    bench.healthengine_faults.heal();
    // Every second somebody books who can still be told no, on a schedule of their own.
    let mut fresh = Vec::new();
    let is_open = |booking: &BookingId| bench.healthengine.booking(*booking).unwrap().answered_at.is_none();
    while late.iter().any(is_open) && began.elapsed() < LIMIT {
        if fresh.len() < 120 {
            fresh.push(bench.book(100, 2 + fresh.len() as u64 / 30, fresh.len() as u64 % 30));
        }
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    let took = began.elapsed();
    bench.until(|| !fresh.iter().any(is_open)).await;
    let left = late.iter().filter(|booking| is_open(booking)).count();
    let in_time = |booking: &&BookingId| {
        let view = bench.healthengine.booking(**booking).unwrap();
        view.answered_at.is_some_and(|at| at - view.booked_at <= TimeDelta::seconds(20))
    };
    let calls = bench.calls_to_openvpms().len();
    let outcome = format!(
        "{left} left; {:.1} calls to OpenVPMS each; oldest first, none more than {} places after its turn; of {} who \
         could still be told no, {} were answered within 20 s",
        calls as f64 / (late.len() + fresh.len()) as f64,
        bench.most_overtaken(&late),
        fresh.len(),
        fresh.iter().filter(in_time).count(),
    );
    bench.report("10,000 outstanding bookings", &mut bridge, took, &outcome);
    bench.end(bridge);
}

async fn schedules() {
    let bench = Bench::new(world(5_000, 1), |model| model).await;
    let mut bridge = bench.start();
    let began = Instant::now();
    bench.until(|| bench.has_days(5_000, 60)).await;
    bench.report("5,000 schedules, 60 days of each sent", &mut bridge, began.elapsed(), "");
    bench.kill(bridge);

    bench.forget_calls();
    let mut bridge = bench.start();
    let began = Instant::now();
    let booking = bench.book(4_999, 2, 0);
    bench.until(|| bench.healthengine.booking(booking).unwrap().answered_at.is_some()).await;
    let view = bench.healthengine.booking(booking).unwrap();
    let calls = bench.calls_to_openvpms().len();
    let outcome = format!("{:?}, after {calls} calls to OpenVPMS", view.answer);
    bench.report("a booking right after a restart of that", &mut bridge, began.elapsed(), &outcome);
    bench.end(bridge);
}

async fn webhooks() {
    let bench = Bench::new(world(2, 1), |model| model).await;
    let mut bridge = bench.start();
    let practice = PracticeId("1234567".into());
    bench.until(|| !bench.healthengine.subscriptions(&practice).unwrap().is_empty()).await;
    let address = format!("127.0.0.1:{}", bench.webhook_port).parse().unwrap();
    let courier = Arc::new(HttpCourier::new(address, "13.55.48.1".parse().unwrap()).unwrap());
    let (model, stop) = (bench.healthengine.clone(), bench.stop.clone());
    tokio::spawn(async move { model.deliver_webhooks(courier, stop).await });
    bench.forget_calls();
    let (began, polls) = (Instant::now(), bench.tally("GET requests"));
    for _ in 0..10 {
        bench.healthengine.announce(&practice, "bookings", 1_000).unwrap();
        tokio::time::sleep(Duration::from_secs(1)).await;
    }
    bench.until(|| bench.healthengine.open_deliveries() == 0).await;
    let outcome = format!("{} polls", bench.tally("GET requests") - polls);
    bench.report("10,000 webhooks", &mut bridge, began.elapsed(), &outcome);
    bench.end(bridge);
}

async fn pages() {
    let bench = Bench::new(world(2, 1), |model| Arc::new(WithoutEnd(model))).await;
    let began = Instant::now();
    let mut bridge = bench.start();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let outcome = format!("{} read in {} polls", bench.tally("GET requests/bookings"), bench.tally("GET requests"));
    bench.report("a list of pages without end", &mut bridge, began.elapsed(), &outcome);
    bench.end(bridge);
}

async fn large_answers() {
    let bench = Bench::new(world(2, 1), |model| model).await;
    let (openvpms, healthengine) = (Bombs::start().await, Bombs::start().await);
    bench.write(openvpms.port, healthengine.port);
    let began = Instant::now();
    let mut bridge = bench.start();
    // Every kind of bomb, from both.
    bench.until(|| openvpms.answered() >= 8 && healthengine.answered() >= 8).await;
    let outcome = format!("{} answers", openvpms.answered() + healthengine.answered());
    bench.report("answers of 200 MB, plain and compressed", &mut bridge, began.elapsed(), &outcome);
    bench.end(bridge);
}

/// A clinic with so many schedules of a quarter of an hour, each with so many types.
fn world(schedules: i64, types: usize) -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    let mut pattern = world.schedules[0].clone();
    pattern.types.sort_by_key(|(kind, _)| kind.0 != 66);
    pattern.types.truncate(types);
    world.schedules = (0..schedules)
        .map(|number| {
            let mut schedule = pattern.clone();
            (schedule.id, schedule.name) = (ScheduleId(1000 + number), format!("Room {number}"));
            schedule
        })
        .collect();
    world
}

/// Both simulators on loopback, and a directory for the bridge.
struct Bench {
    healthengine: HealthengineModel,
    healthengine_faults: Faults,
    /// When each of them was asked.
    openvpms_calls: Calls,
    healthengine_calls: Calls,
    directory: TempDir,
    admin_port: u16,
    webhook_port: u16,
    stop: CancellationToken,
}

impl Bench {
    async fn new(world: World, around: impl FnOnce(Arc<dyn Model>) -> Arc<dyn Model>) -> Self {
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let zone = world.zone;
        let healthengine = HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone());
        healthengine.configure(|settings| settings.body_bytes_max = 16 * 1024 * 1024);
        healthengine.add_practice(NewPractice::new("1234567", "k", zone));
        let (openvpms_calls, healthengine_calls) = (Calls::default(), Calls::default());
        let healthengine_faults = Faults::none();
        let openvpms = Counted { model: Arc::new(OpenVpmsSim::new(world, clock)), calls: openvpms_calls.clone() };
        let openvpms_port = listen(Arc::new(openvpms), Faults::none(), &stop).await;
        let model = Counted { model: around(Arc::new(healthengine.clone())), calls: healthengine_calls.clone() };
        let healthengine_port = listen(Arc::new(model), healthengine_faults.clone(), &stop).await;
        let (admin_port, webhook_port) = (free_port().await, free_port().await);
        let directory = TempDir::new().unwrap();
        let bench = Self {
            healthengine,
            healthengine_faults,
            openvpms_calls,
            healthengine_calls,
            directory,
            admin_port,
            webhook_port,
            stop,
        };
        bench.write(openvpms_port, healthengine_port);
        bench
    }

    fn write(&self, openvpms_port: u16, healthengine_port: u16) {
        let config = format!(
            "{}\
             [state]\npath = \"state\"\n[admin]\nlisten = \"127.0.0.1:{}\"\n\
             [webhooks]\nlisten = \"127.0.0.1:{}\"\npublic_url = \"https://bridge.example\"\nsecret = \"s3cret\"\n\
             trusted_proxies = [\"127.0.0.1\"]\n[[practice]]\nid = \"1234567\"\nkey = \"k\"\n\
             locations = [98]\n[practice.live_hours]\npublic_holidays = [\"00:00-23:59\"]\n",
            servers_at(openvpms_port, healthengine_port, &format!("max_requests_per_second = {RATE}\n")),
            self.admin_port,
            self.webhook_port
        );
        std::fs::write(self.directory.path().join("vetbridge.toml"), config).unwrap();
    }

    fn start(&self) -> Child {
        Command::new(env!("CARGO_BIN_EXE_vetbridge"))
            .args(["--log-level", "error", "--config"])
            .arg(self.directory.path().join("vetbridge.toml"))
            .arg("run")
            .stdin(Stdio::null())
            .spawn()
            .unwrap()
    }

    /// A pet owner books a quarter of an hour, counted from nine, of a schedule on a day to come.
    fn book(&self, schedule: u64, days: u64, quarter: u64) -> BookingId {
        let day = Clock::system().now().date_naive() + Days::new(days);
        let start = day.and_hms_opt(9, 0, 0).unwrap() + TimeDelta::minutes(i64::try_from(quarter).unwrap() * 15);
        let resource = format!("s{}", 1000 + schedule);
        let wish = Wish::new(&resource, format!("66:{resource}"), start);
        self.healthengine.book_regardless(&PracticeId("1234567".into()), wish).unwrap()
    }

    /// True once so many days of the first and of the last schedule were sent.
    fn has_days(&self, schedules: i64, days: u64) -> bool {
        let today = Clock::system().now().with_timezone(&chrono_tz::Australia::Sydney).date_naive();
        let sent = |schedule: i64| {
            let resource = format!("s{}", 1000 + schedule);
            let last = today + Days::new(days - 1);
            self.healthengine.published(&PracticeId("1234567".into()), &resource, last).unwrap().is_some()
        };
        sent(0) && sent(schedules - 1)
    }

    async fn until(&self, condition: impl Fn() -> bool) {
        let began = Instant::now();
        while !condition() && began.elapsed() < LIMIT {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }

    fn tally(&self, call: &str) -> u64 {
        self.healthengine.tallies().get(call).copied().unwrap_or_default()
    }

    fn forget_calls(&self) {
        self.openvpms_calls.lock().unwrap().clear();
        self.healthengine_calls.lock().unwrap().clear();
    }

    fn calls_to_openvpms(&self) -> Vec<DateTime<Utc>> {
        self.openvpms_calls.lock().unwrap().clone()
    }

    /// These bookings are in the order of their deadlines: how many places further back one was
    /// answered than it stood, at most.
    fn most_overtaken(&self, bookings: &[BookingId]) -> usize {
        let mut order: Vec<(DateTime<Utc>, usize)> = Vec::new();
        for (place, booking) in bookings.iter().enumerate() {
            order.extend(self.healthengine.booking(*booking).unwrap().answered_at.map(|at| (at, place)));
        }
        order.sort_unstable();
        order.iter().enumerate().map(|(turn, (_, place))| turn.saturating_sub(*place)).max().unwrap_or_default()
    }

    fn report(&self, what: &str, bridge: &mut Child, took: Duration, outcome: &str) {
        assert!(bridge.try_wait().unwrap().is_none(), "{what}: the bridge has ended");
        let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim();
        let peak = peak.strip_suffix(" kB").and_then(|kib| kib.parse::<u64>().ok()).unwrap_or_default() / 1024;
        let (openvpms, healthengine) = (busiest_second(&self.openvpms_calls), busiest_second(&self.healthengine_calls));
        let took = took.as_secs_f64();
        println!("| {what} | {peak} MiB | {openvpms} | {healthengine} | {took:.0} s | {outcome} |");
    }

    /// Pulls the plug of the bridge.
    fn kill(&self, mut bridge: Child) {
        bridge.kill().unwrap();
        bridge.wait().unwrap();
    }

    fn end(&self, bridge: Child) {
        self.kill(bridge);
        self.stop.cancel();
    }
}

type Calls = Arc<Mutex<Vec<DateTime<Utc>>>>;

fn busiest_second(calls: &Calls) -> usize {
    let mut calls = calls.lock().unwrap().clone();
    calls.sort_unstable();
    let within = |(index, at): (usize, &DateTime<Utc>)| {
        calls[index..].partition_point(|later| *later - *at < TimeDelta::seconds(1))
    };
    calls.iter().enumerate().map(within).max().unwrap_or_default()
}

async fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port()
}

async fn listen(model: Arc<dyn Model>, faults: Faults, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, model, faults, stop.clone()));
    port
}

/// A server that notes when it was asked.
struct Counted {
    model: Arc<dyn Model>,
    calls: Calls,
}

impl Model for Counted {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        self.calls.lock().unwrap().push(Clock::system().now());
        self.model.answer(asked)
    }
}

/// A Healthengine whose list of bookings has a page after every page.
struct WithoutEnd(Arc<dyn Model>);

impl Model for WithoutEnd {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        let mut answered = self.0.answer(asked);
        if asked.target.ends_with("/requests") {
            answered.body = b"[\"bookings\"]".to_vec();
        } else if let Some((_, page)) = asked.target.split_once("/requests/bookings?page=") {
            let page: u64 = page.parse().unwrap_or(1);
            let entries: Vec<Value> = (0..100).map(|number| json!({ "page": page, "number": number })).collect();
            let list = json!({ "data": entries, "page": { "currentPage": page, "totalPages": page + 1 } });
            answered.body = serde_json::to_vec(&list).unwrap();
        }
        answered
    }
}
