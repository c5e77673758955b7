//! What a first start costs: wire calls on both sides until all is in step, and the memory of the
//! bridge when it then has nothing to do.
//!
//! `cargo bench --bench initial_sync`: one practice, 10 schedules, 60 days; and 10 clinicians on 2 schedules each.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

#[path = "common/program.rs"]
mod program;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{Days, NaiveTime};
use vetbridge::clock::Clock;
use vetbridge::ids::UserId;
use vetbridge::simulator::openvpms::{Area, AreaId, Shift, UserBehaviour, UserEntity, World};

use program::{BothServers, ProcessCosts, clinics, location, schedule};

/// How often each kind of call was made.
type Calls = Arc<Mutex<BTreeMap<String, usize>>>;

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(measure("1 practice, 10 schedules, 60 days", clinics(1, 10), ""));
    let (world, resources) = ten_clinicians();
    runtime.block_on(measure("1 practice, 10 clinicians on 2 schedules each, 60 days", world, &resources));
}

/// Each clinician is rostered to one schedule in the morning and to another in the afternoon.
fn ten_clinicians() -> (World, String) {
    let mut world = clinics(1, 10);
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
            locations: vec![location(0)],
        });
        for (half, hours) in [(0, (9, 13)), (1, (13, 17))] {
            let schedule = schedule(0, (n + half) % 10);
            let area = AreaId(300 + n * 2 + half);
            world.areas.push(Area { id: area, location: location(0), schedules: vec![schedule] });
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
    let servers = BothServers::serve(world, resources).await;
    let openvpms_calls = Calls::default();
    let calls = Arc::clone(&openvpms_calls);
    servers.openvpms_faults.set(move |asked| {
        let path: Vec<&str> = asked.target.split('?').next().unwrap_or_default().split('/').skip(5).collect();
        let shape: Vec<&str> =
            path.iter().map(|part| if part.parse::<i64>().is_ok() { "{id}" } else { part }).collect();
        *calls.lock().unwrap().entry(format!("{} {}", asked.method, shape.join("/"))).or_default() += 1;
        None
    });
    let service = servers.service().spawn().unwrap();
    servers.until_ready().await;
    println!("\n{what}: until in step");
    print_calls("OpenVPMS", openvpms_calls.lock().unwrap().iter().map(|(call, times)| (call.clone(), *times as u64)));
    print_calls("Healthengine", servers.healthengine.tallies().into_iter());
    tokio::time::sleep(Duration::from_secs(20)).await;
    let ProcessCosts { resident_mib, peak_mib, .. } = ProcessCosts::of(service.id());
    println!("memory after 20 s of nothing: {resident_mib:.1} MiB, at most {peak_mib:.1} MiB before");
    println!("violations of Healthengine's API: {}", servers.healthengine.violations().len());
    servers.end(service);
}

fn print_calls(server: &str, calls: impl Iterator<Item = (String, u64)>) {
    println!("  {server}");
    for (call, times) in calls {
        println!("    {times:>4}  {call}");
    }
}
