//! What the bridge takes when there is far too much of everything: peak memory of the process, most calls in any second, time to
//! get through.
//!
//! `cargo bench --bench bounds`: 10,000 outstanding bookings; 5,000 schedules over 60 days; answers of 200 MB, plain and compressed,
//! from both servers; lists of pages without an end. Rates are set high, so that the time is that of the work.

#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::print_stdout,
    reason = "a measurement prints, and stands on fixed values"
)]

#[path = "../tests/bounds/bombs.rs"]
mod bombs;

use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, Days, Utc};
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::{PracticeId, ScheduleId};
use vetbridge::simulator::exchange::{Answered, Asked, Faults, Model, serve};
use vetbridge::simulator::healthengine::{HealthengineModel, NewPractice, Settings, Wish};
use vetbridge::simulator::openvpms::{OpenVpmsSim, Uuids, World};

use bombs::Bombs;

/// Calls a second that each server allows.
const RATE: usize = 500;
/// No measurement takes longer.
const LIMIT: Duration = Duration::from_secs(900);

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| what | peak memory | calls to OpenVPMS in the busiest second (allowed: {}) | time |", RATE * 3 / 2);
    println!("| --- | --- | --- | --- |");
    runtime.block_on(async {
        bookings().await;
        schedules().await;
        pages().await;
        large_answers().await;
    });
}

async fn bookings() {
    let bench = Bench::new(world(100, 4), |model| model).await;
    let bridge = bench.start();
    bench.until(|| bench.has_days(100, 60)).await;
    bench.healthengine_faults.close_port();
    let practice = PracticeId("1234567".into());
    for number in 0..10_000_u64 {
        let (schedule, slot) = (number % 100, number / 100);
        let day = Clock::system().now().date_naive() + Days::new(2 + slot / 30);
        let start =
            day.and_hms_opt(9, 0, 0).unwrap() + chrono::TimeDelta::minutes(i64::try_from(slot % 30).unwrap() * 15);
        let resource = format!("s{}", 1000 + schedule);
        bench.healthengine.book_regardless(&practice, Wish::new(&resource, format!("66:{resource}"), start)).unwrap();
    }
    let began = Instant::now();
    bench.healthengine_faults.heal();
    let open =
        || bench.healthengine.bookings(&practice).unwrap().iter().filter(|own| own.answered_at.is_none()).count();
    bench.until(|| open() == 0).await;
    bench.report(&format!("10,000 outstanding bookings ({} left)", open()), bridge, began);
}

async fn schedules() {
    let bench = Bench::new(world(5_000, 1), |model| model).await;
    let began = Instant::now();
    let bridge = bench.start();
    bench.until(|| bench.has_days(5_000, 60)).await;
    bench.report("5,000 schedules, 60 days of each sent", bridge, began);
}

async fn pages() {
    let bench = Bench::new(world(2, 1), |model| Arc::new(WithoutEnd(model))).await;
    let began = Instant::now();
    let bridge = bench.start();
    tokio::time::sleep(Duration::from_secs(60)).await;
    let tallies = bench.healthengine.tallies();
    let count = |name: &str| tallies.get(name).copied().unwrap_or_default();
    let what = format!("pages without end: {} in {} polls", count("GET requests/bookings"), count("GET requests"));
    bench.report(&what, bridge, began);
}

async fn large_answers() {
    let bench = Bench::new(world(2, 1), |model| model).await;
    let (openvpms, healthengine) = (Bombs::start().await, Bombs::start().await);
    bench.write(openvpms.port, healthengine.port);
    let began = Instant::now();
    let bridge = bench.start();
    bench.until(|| openvpms.answered() >= 12 && healthengine.answered() >= 12).await;
    let what = format!("{} answers of 200 MB, plain and compressed", openvpms.answered() + healthengine.answered());
    bench.report(&what, bridge, began);
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
    /// When OpenVPMS was asked.
    asked: Arc<Mutex<Vec<DateTime<Utc>>>>,
    directory: TempDir,
    admin_port: u16,
    stop: CancellationToken,
}

impl Bench {
    async fn new(world: World, around: impl FnOnce(Arc<dyn Model>) -> Arc<dyn Model>) -> Self {
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let zone = world.zone;
        let healthengine = HealthengineModel::new(Settings::new("key"), clock.clone());
        healthengine.configure(|settings| settings.body_bytes_max = 16 * 1024 * 1024);
        healthengine.add_practice(NewPractice::new("1234567", "k", zone));
        let asked = Arc::new(Mutex::new(Vec::new()));
        let (openvpms_faults, healthengine_faults) = (Faults::none(), Faults::none());
        let (log, now) = (Arc::clone(&asked), clock.clone());
        openvpms_faults.set(move |_| {
            log.lock().unwrap().push(now.now());
            None
        });
        let model: Arc<dyn Model> = Arc::new(OpenVpmsSim::new(world, clock));
        let openvpms_port = listen(model, openvpms_faults, &stop).await;
        let healthengine_port =
            listen(around(Arc::new(healthengine.clone())), healthengine_faults.clone(), &stop).await;
        let admin_port = TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap().port();
        let directory = TempDir::new().unwrap();
        let bench = Self { healthengine, healthengine_faults, asked, directory, admin_port, stop };
        bench.write(openvpms_port, healthengine_port);
        bench
    }

    fn write(&self, openvpms_port: u16, healthengine_port: u16) {
        let config = format!(
            "[openvpms]\nurl = \"http://127.0.0.1:{openvpms_port}/openvpms\"\nusername = \"sample\"\npassword = \"changeit\"\n\
             max_requests_per_second = {RATE}\n[healthengine]\nurl = \"http://127.0.0.1:{healthengine_port}/pms-api/v1\"\n\
             api_key = \"key\"\nvendor = \"V\"\ncontact = \"a@b.c\"\nenvironment = \"DEV\"\nmax_requests_per_second = {RATE}\n\
             [state]\npath = \"state\"\n[admin]\nlisten = \"127.0.0.1:{}\"\n[[practice]]\nid = \"1234567\"\nkey = \"k\"\n\
             locations = [98]\n[practice.live_hours]\npublic_holidays = [\"00:00-23:59\"]\n",
            self.admin_port
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

    fn report(&self, what: &str, mut bridge: Child, began: Instant) {
        let took = began.elapsed();
        let status = std::fs::read_to_string(format!("/proc/{}/status", bridge.id())).unwrap_or_default();
        let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap_or("unknown").trim().to_owned();
        let mut asked = self.asked.lock().unwrap().clone();
        asked.sort_unstable();
        let within = |(index, at): (usize, &DateTime<Utc>)| {
            asked[index..].partition_point(|later| *later - *at < chrono::TimeDelta::seconds(1))
        };
        let busiest = asked.iter().enumerate().map(within).max().unwrap_or_default();
        println!("| {what} | {peak} | {busiest} | {:.0} s |", took.as_secs_f64());
        bridge.kill().unwrap();
        bridge.wait().unwrap();
        self.stop.cancel();
    }
}

async fn listen(model: Arc<dyn Model>, faults: Faults, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, model, faults, stop.clone()));
    port
}

/// A Healthengine whose list of bookings has a page after every page.
struct WithoutEnd(Arc<dyn Model>);

impl Model for WithoutEnd {
    fn answer(&self, asked: &Asked) -> Answered {
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
