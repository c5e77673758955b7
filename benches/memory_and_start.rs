//! What the bridge keeps in memory, and how long it takes from its start to its first poll.
//!
//! `cargo bench --bench memory_and_start` (`ONLY=start`, or `idle`, `bookings`, `days`) runs the program as a process of its own for each figure,
//! between both simulators over loopback HTTP. The state that it finds is written before. What it
//! printed last stands in `docs/performance.md`.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

#[path = "common/program.rs"]
mod program;
#[path = "../tests/common/settled.rs"]
mod settled;

use std::process::Child;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{Days, NaiveDate};
use tokio::time::Instant;
use vetbridge::availability::{Day, SentDay};
use vetbridge::clock::Clock;
use vetbridge::ids::{AppointmentTypeId, ResourceId, ScheduleId};
use vetbridge::practice::StartRecords;
use vetbridge::practice::ledger::Ledger;
use vetbridge::publishing::last_sent::LastSent;
use vetbridge::store::{Batch, Store};

use program::{BothServers, ProcessCosts, clinics, kill, practice_id};

/// After this time a process that was started has nothing left to do.
const REST: Duration = Duration::from_secs(20);
/// The start is measured so often.
const STARTS: usize = 15;

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    println!("| what | resident once it is at rest | at most until then | at most under four lists at a time |");
    println!("| --- | --- | --- | --- |");
    let only = setting("ONLY");
    let wanted = |part: &str| only.as_deref().is_none_or(|only| only == part);
    runtime.block_on(async {
        if wanted("idle") {
            idle().await;
        }
        if wanted("bookings") {
            settled_bookings().await;
        }
        if wanted("days") {
            sent_days().await;
        }
        if wanted("start") {
            start().await;
        }
    });
}

#[expect(clippy::disallowed_methods, reason = "a measurement is set by the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// 20 practices of 10 schedules, each offered for 60 days.
async fn idle() {
    let bench = Bench::new(20, 10).await;
    let bridge = bench.start();
    bench.servers.until_ready().await;
    tokio::time::sleep(REST).await;
    let memory = Memory::of(&bridge);
    println!("| 20 practices of 10 schedules and 60 days, nothing to do | {} | {} | |", memory.now, memory.peak);
    bench.servers.end(bridge);
}

/// 50,000 bookings of 5 practices, over for a hundred days.
async fn settled_bookings() {
    let bench = Bench::new(5, 2).await;
    bench.write_bookings(50_000);
    let bridge = bench.start();
    bench.servers.until_ready().await;
    tokio::time::sleep(REST).await;
    let rest = Memory::of(&bridge);
    let began = Instant::now();
    let lists: Vec<_> = (0..4).map(|_| tokio::spawn(bench.list())).collect();
    let mut bytes = 0;
    for list in lists {
        bytes = list.await.unwrap();
    }
    let took = began.elapsed().as_secs_f64();
    let lists = Memory::of(&bridge);
    println!(
        "| 50,000 settled bookings of 5 practices (each list {} MB, four of them in {took:.1} s) | {} | {} | {} |",
        bytes / 1_000_000,
        rest.now,
        rest.peak,
        lists.peak
    );
    bench.servers.end(bridge);
}

/// What was sent of 5,000 resources on 60 days. OpenVPMS is away, so that nothing of it changes.
async fn sent_days() {
    let bench = Bench::new(1, 1).await;
    bench.write_days(1, 5_000);
    bench.servers.openvpms_faults.close_port();
    let polls = bench.polls();
    let began = Instant::now();
    let bridge = bench.start();
    bench.until(|| bench.polls() > polls).await;
    let took = began.elapsed().as_secs_f64();
    tokio::time::sleep(REST).await;
    let memory = Memory::of(&bridge);
    println!("| 300,000 sent days (first poll after {took:.1} s) | {} | {} | |", memory.now, memory.peak);
    bench.servers.end(bridge);
}

/// From the start of the process to the first poll, with 5,000 bookings and 12,000 sent days.
async fn start() {
    let bench = Bench::new(1, 1).await;
    bench.write_bookings(5_000);
    bench.write_days(1, 200);
    let (mut starts, mut processor, mut opening, mut reading) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for _ in 0..STARTS {
        bench.first_poll.lock().unwrap().take();
        let began = Instant::now();
        let bridge = bench.start();
        bench.until(|| bench.first_poll.lock().unwrap().is_some()).await;
        processor.push(processor_time(&bridge));
        let polled = bench.first_poll.lock().unwrap().take().unwrap();
        starts.push(polled - began);
        kill(bridge);
        // The same state, without all the rest.
        let began = Instant::now();
        drop(sled::Config::new().path(bench.servers.state()).open().unwrap());
        opening.push(began.elapsed());
        let now = Clock::system().now();
        let began = Instant::now();
        let opened = Store::open_reading(&bench.servers.state(), now, &|| StartRecords::none(now)).unwrap();
        reading.push(began.elapsed());
        drop(opened);
    }
    println!("\n5,000 bookings and 12,000 sent days, median and worst of {STARTS}:");
    for (what, times) in [
        ("from exec to the first poll", starts),
        ("processor time until then", processor),
        ("of that: sled opens its file", opening),
        ("sled opens its file, and all of it is read", reading),
    ] {
        println!("  {what}: {}", in_short(times));
    }
}

fn in_short(mut times: Vec<Duration>) -> String {
    times.sort_unstable();
    let ms = |time: Option<&Duration>| time.map_or(0.0, |time| time.as_secs_f64() * 1_000.0);
    format!("{:.0} ms, {:.0} ms", ms(times.get(times.len() / 2)), ms(times.last()))
}

/// Both servers, and what is measured of the service.
struct Bench {
    servers: BothServers,
    /// When Healthengine was first asked for requests.
    first_poll: Arc<Mutex<Option<Instant>>>,
}

impl Bench {
    async fn new(practices: i64, schedules: i64) -> Self {
        let servers = BothServers::serve(clinics(practices, schedules), "").await;
        let first_poll: Arc<Mutex<Option<Instant>>> = Arc::default();
        let noted = Arc::clone(&first_poll);
        servers.healthengine_faults.set(move |asked| {
            if asked.target.ends_with("/requests") {
                noted.lock().unwrap().get_or_insert_with(Instant::now);
            }
            None
        });
        Self { servers, first_poll }
    }

    /// So many settled bookings of five practices.
    fn write_bookings(&self, count: i64) {
        let now = Clock::system().now();
        let store = Store::open(&self.servers.state(), now).unwrap();
        let ledger = Ledger::open(store, now);
        for number in 0..count {
            ledger.save_later(&settled::settled(&practice_id(number % 5), number), now).unwrap();
        }
    }

    /// Sixty days that were sent of so many resources of the first practices.
    fn write_days(&self, practices: i64, resources: i64) {
        let now = Clock::system().now();
        let store = Store::open(&self.servers.state(), now).unwrap();
        let today = now.with_timezone(&chrono_tz::Australia::Sydney).date_naive();
        for practice in 0..practices {
            for number in 0..resources {
                let resource = ResourceId::schedule(ScheduleId(9_000 + practice * resources + number));
                let mut batch = Batch::new();
                for date in (0..60).map(|days| today + Days::new(days)) {
                    let sent = SentDay { day: offered(number, date), at: now, accepted: true };
                    let last = LastSent { sent, read_at: now, before: None };
                    batch.put(&format!("{}/{resource}/{date}", practice_id(practice)), &last).unwrap();
                }
                store.write_later(batch);
            }
        }
    }

    fn start(&self) -> Child {
        // As the systemd unit starts it.
        self.servers.service().env("MALLOC_ARENA_MAX", "1").spawn().unwrap()
    }

    async fn until(&self, condition: impl Fn() -> bool) {
        while !condition() {
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    }

    fn polls(&self) -> u64 {
        self.servers.healthengine.tallies().get("GET requests").copied().unwrap_or_default()
    }

    /// Reads a list of all bookings. How many bytes it has.
    fn list(&self) -> impl Future<Output = usize> + Send + use<> {
        let token = std::fs::read_to_string(self.servers.state().join("admin-token")).unwrap();
        let url = format!("http://127.0.0.1:{}/api/v1/bookings", self.servers.admin_port);
        async move {
            let asked = reqwest::Client::new().get(url).bearer_auth(token.trim_end()).send().await;
            let (mut answer, mut bytes) = (asked.unwrap(), 0);
            while let Some(chunk) = answer.chunk().await.unwrap() {
                bytes += chunk.len();
            }
            bytes
        }
    }
}

/// A day with a few appointments in it: some starts with all types, some with short ones alone.
fn offered(resource: i64, date: NaiveDate) -> Day {
    let all: Vec<AppointmentTypeId> = [63, 64, 65, 66].map(AppointmentTypeId).to_vec();
    let seed = resource.unsigned_abs() * 7 + date.to_epoch_days().unsigned_abs() as u64;
    let starts = (36_u64..68).filter_map(|slot| {
        let taken = (slot + seed) % 11 < 3;
        let types = if (slot + seed) % 11 == 10 { &all[3..] } else { &all[..] };
        (!taken).then_some((u32::try_from(slot).ok()? * 15, types))
    });
    Day::from_starts(15, starts)
}

/// For how long a process had a processor, in steps of 10 ms.
fn processor_time(process: &Child) -> Duration {
    let stat = std::fs::read_to_string(format!("/proc/{}/stat", process.id())).unwrap_or_default();
    // Behind the name of the program, which is in brackets.
    let fields = stat.rsplit(')').next().unwrap_or_default().split(' ');
    let ticks = fields.skip(12).take(2).filter_map(|field| field.parse::<u64>().ok()).sum::<u64>();
    Duration::from_millis(10 * ticks)
}

/// What a process has resident.
struct Memory {
    now: String,
    peak: String,
}

impl Memory {
    fn of(process: &Child) -> Self {
        let costs = ProcessCosts::of(process.id());
        let megabytes = |mib: f64| format!("{:.1} MB", mib * 1.048_576);
        Self { now: megabytes(costs.resident_mib), peak: megabytes(costs.peak_mib) }
    }
}
