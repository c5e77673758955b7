//! What a first start costs: wire calls on both sides until all is in step, and the memory of the
//! bridge when it then has nothing to do.
//!
//! `cargo bench --bench initial_sync`: one practice, 10 schedules, 60 days; and 10 clinicians on 2 schedules each.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

#[path = "../tests/common/configuration.rs"]
mod configuration;

use std::collections::BTreeMap;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{Days, NaiveTime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::{LocationId, ScheduleId, UserId};
use vetbridge::simulator::exchange::{Faults, serve};
use vetbridge::simulator::healthengine::{HealthengineModel, ModelSettings, NewPractice};
use vetbridge::simulator::openvpms::{Area, AreaId, OpenVpmsSim, Shift, UserBehaviour, UserEntity, Uuids, World};

use configuration::{API_KEY, servers_at};

/// How often each kind of call was made.
type Calls = Arc<Mutex<BTreeMap<String, usize>>>;

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure("1 practice, 10 schedules, 60 days", ten_schedules(), ""));
    let (world, resources) = ten_clinicians();
    runtime.block_on(measure("1 practice, 10 clinicians on 2 schedules each, 60 days", world, &resources));
}

fn ten_schedules() -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    let pattern = world.schedules[0].clone();
    world.schedules = (0..10)
        .map(|n| {
            let mut schedule = pattern.clone();
            schedule.id = ScheduleId(136 + n);
            schedule.name = format!("Schedule {n}");
            schedule
        })
        .collect();
    world
}

/// Each clinician is rostered to one schedule in the morning and to another in the afternoon.
fn ten_clinicians() -> (World, String) {
    let mut world = ten_schedules();
    world.user_behaviour = UserBehaviour::V21;
    let time = |hour| NaiveTime::from_hms_opt(hour, 0, 0).unwrap();
    let today = world.zone.wall(Clock::system().now()).date();
    world.areas.clear();
    world.users.clear();
    let mut resources = String::new();
    for n in 0..10 {
        let user = UserId(1158 + n);
        let name = format!("Vet Number{n}");
        world.users.push(UserEntity {
            id: user,
            name,
            clinician: true,
            online: true,
            active: true,
            locations: vec![LocationId(98)],
        });
        for (half, hours) in [(0, (9, 13)), (1, (13, 17))] {
            let schedule = ScheduleId(136 + (n + half) % 10);
            let area = AreaId(300 + n * 2 + half);
            world.areas.push(Area { id: area, location: LocationId(98), schedules: vec![schedule] });
            for day in (0..61).map(|days| today + Days::new(days)) {
                world.roster.push(Shift {
                    user,
                    area,
                    start: day.and_time(time(hours.0)),
                    end: day.and_time(time(hours.1)),
                });
            }
            resources += &format!("[[practice.resource]]\nuser = {user}\nschedule = {schedule}\n");
        }
    }
    (world, resources)
}

async fn measure(what: &str, world: World, resources: &str) {
    let openvpms_calls = Calls::default();
    let stop = CancellationToken::new();
    let openvpms = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let healthengine = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let free_port = std::net::TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
    let state = tempfile::tempdir().unwrap();
    let port = |listener: &TcpListener| listener.local_addr().unwrap().port();
    let config = format!(
        "{}[state]\npath = \"state\"\n[admin]\nlisten = \"127.0.0.1:{free_port}\"\n\
         [[practice]]\nid = \"1234567\"\nkey = \"k\"\nlocations = [98]\n[practice.live_hours]\nmonday = \
         [\"08:00-18:00\"]\n{resources}",
        servers_at(port(&openvpms), port(&healthengine), "max_requests_per_second = 1000\n"),
    );
    let file = state.path().join("vetbridge.toml");
    std::fs::write(&file, config).unwrap();

    let faults = Faults::none();
    let calls = Arc::clone(&openvpms_calls);
    faults.set(move |asked| {
        let path: Vec<&str> = asked.target.split('?').next().unwrap_or_default().split('/').skip(5).collect();
        let shape: Vec<&str> =
            path.iter().map(|part| if part.parse::<i64>().is_ok() { "{id}" } else { part }).collect();
        *calls.lock().unwrap().entry(format!("{} {}", asked.method, shape.join("/"))).or_default() += 1;
        None
    });
    let zone = world.zone;
    tokio::spawn(serve(openvpms, Arc::new(OpenVpmsSim::new(world, Clock::system())), faults, stop.clone()));
    let model = HealthengineModel::new(ModelSettings::new(API_KEY), Clock::system());
    model.add_practice(NewPractice::new("1234567", "k", zone));
    tokio::spawn(serve(healthengine, Arc::new(model.clone()), Faults::none(), stop.clone()));

    let mut bridge = Command::new(env!("CARGO_BIN_EXE_vetbridge"))
        .args(["--log-level", "error", "--config"])
        .arg(&file)
        .arg("run")
        .stdin(Stdio::null())
        .spawn()
        .unwrap();
    until_ready(free_port).await;
    println!("\n{what}: until in step");
    print_calls("OpenVPMS", openvpms_calls.lock().unwrap().iter().map(|(call, times)| (call.clone(), *times as u64)));
    print_calls("Healthengine", model.tallies().into_iter());
    tokio::time::sleep(Duration::from_secs(20)).await;
    println!("memory after 20 s of nothing: {}", memory(&bridge));
    println!("violations of Healthengine's API: {}", model.violations().len());
    bridge.kill().unwrap();
    bridge.wait().unwrap();
    stop.cancel();
}

fn print_calls(server: &str, calls: impl Iterator<Item = (String, u64)>) {
    println!("  {server}");
    for (call, times) in calls {
        println!("    {times:>4}  {call}");
    }
}

/// Until the first poll was answered too, which is the last of it.
async fn until_ready(port: u16) {
    let client = reqwest::Client::new();
    for _ in 0..600 {
        let answer = client.get(format!("http://127.0.0.1:{port}/readyz")).send().await;
        if answer.is_ok_and(|answer| answer.status() == 200) {
            return;
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    println!("not ready within 30 s");
}

/// What the process has resident, and what of it is its own.
fn memory(process: &Child) -> String {
    let status = std::fs::read_to_string(format!("/proc/{}/status", process.id())).unwrap_or_default();
    let lines = status.lines().filter(|line| ["VmRSS", "RssAnon", "VmHWM"].iter().any(|name| line.starts_with(name)));
    lines.map(|line| line.split_whitespace().collect::<Vec<_>>().join(" ")).collect::<Vec<_>>().join(", ")
}
