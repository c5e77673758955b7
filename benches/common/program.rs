//! The program as a process of its own, between both simulators over loopback HTTP.
//!
//! Included by path, so that each benchmark takes what it needs.

#![allow(dead_code, reason = "each benchmark uses the part that it needs")]

#[path = "../../tests/common/configuration.rs"]
mod configuration;
#[path = "process_costs.rs"]
mod process_costs;

use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use vetbridge::clock::Clock;
use vetbridge::ids::{LocationId, ScheduleId};
use vetbridge::simulator::exchange::{Faults, serve};
use vetbridge::simulator::healthengine::{HealthengineModel, ModelSettings, NewPractice};
use vetbridge::simulator::openvpms::{LocationEntity, OpenVpmsSim, ScheduleEntity, Uuids, World};
use vetbridge::zone::Zone;

use configuration::{API_KEY, servers_at};
pub(crate) use process_costs::ProcessCosts;

/// A process that is not in step by then never is.
const READY_WITHIN: Duration = Duration::from_secs(300);

/// Where a practice is.
pub(crate) fn location(practice: i64) -> LocationId {
    LocationId(1_000 + practice)
}

/// A schedule there.
pub(crate) fn schedule(practice: i64, room: i64) -> ScheduleId {
    ScheduleId(100_000 + practice * 100 + room)
}

/// Its id at Healthengine.
pub(crate) fn practice_id(practice: i64) -> String {
    (1_000_000 + practice).to_string()
}

/// So many practices, each a location of its own with so many schedules.
pub(crate) fn clinics(practices: i64, schedules: i64) -> World {
    let mut world = World::guide_inventory(Uuids::from_seed(1));
    let pattern = world.schedules[0].clone();
    let clinic = |practice| LocationEntity { id: location(practice), name: format!("Clinic {practice}"), online: true };
    world.locations = (0..practices).map(clinic).collect();
    let rooms = (0..practices).flat_map(|practice| (0..schedules).map(move |room| (practice, room)));
    let schedules = rooms.map(|(practice, room)| ScheduleEntity {
        id: schedule(practice, room),
        name: format!("Room {room} of clinic {practice}"),
        location: location(practice),
        ..pattern.clone()
    });
    world.schedules = schedules.collect();
    world
}

/// Both simulators, and a directory for the program with its configuration.
pub(crate) struct BothServers {
    pub(crate) healthengine: HealthengineModel,
    pub(crate) healthengine_faults: Faults,
    pub(crate) openvpms_faults: Faults,
    /// Of the server and of every practice.
    pub(crate) zone: Zone,
    pub(crate) admin_port: u16,
    directory: TempDir,
    stop: CancellationToken,
}

impl BothServers {
    /// Serves a world, each location of which is a practice. `resources` stands in every block of
    /// the configuration.
    pub(crate) async fn serve(world: World, resources: &str) -> Self {
        let (clock, stop) = (Clock::system(), CancellationToken::new());
        let (zone, healthengine) = (world.zone, HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone()));
        let mut practices = String::new();
        for (practice, location) in (0..).zip(&world.locations) {
            let id = practice_id(practice);
            healthengine.add_practice(NewPractice::new(&id, format!("k{practice}"), zone));
            practices += &format!(
                "[[practice]]\nid = \"{id}\"\nkey = \"k{practice}\"\nlocations = [{}]\n[practice.live_hours]\n\
                 public_holidays = [\"00:00-24:00\"]\n{resources}",
                location.id
            );
        }
        let (openvpms, at_healthengine, admin) = (listener().await, listener().await, listener().await);
        let [openvpms_port, healthengine_port, admin_port] =
            [&openvpms, &at_healthengine, &admin].map(|listener| listener.local_addr().unwrap().port());
        let (openvpms_faults, healthengine_faults) = (Faults::none(), Faults::none());
        let world = Arc::new(OpenVpmsSim::new(world, clock));
        tokio::spawn(serve(openvpms, world, openvpms_faults.clone(), stop.clone()));
        let model = Arc::new(healthengine.clone());
        tokio::spawn(serve(at_healthengine, model, healthengine_faults.clone(), stop.clone()));
        let servers = servers_at(openvpms_port, healthengine_port, "max_requests_per_second = 1000\n");
        let text =
            format!("{servers}[state]\npath = \"state\"\n[admin]\nlisten = \"127.0.0.1:{admin_port}\"\n{practices}");
        let directory = TempDir::new().unwrap();
        std::fs::write(directory.path().join("vetbridge.toml"), text).unwrap();
        Self { healthengine, healthengine_faults, openvpms_faults, zone, admin_port, directory, stop }
    }

    /// The state directory.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// The service, to be started.
    pub(crate) fn service(&self) -> Command {
        let mut service = Command::new(env!("CARGO_BIN_EXE_vetbridge"));
        service.args(["--log-level", "error", "--config"]).arg(self.directory.path().join("vetbridge.toml"));
        service.arg("run").stdin(Stdio::null());
        service
    }

    /// Returns when every practice is in step.
    pub(crate) async fn until_ready(&self) {
        let (client, url) = (reqwest::Client::new(), format!("http://127.0.0.1:{}/readyz", self.admin_port));
        let began = Instant::now();
        while !client.get(&url).send().await.is_ok_and(|answer| answer.status() == 200) {
            assert!(began.elapsed() < READY_WITHIN, "not ready within {READY_WITHIN:?}");
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }

    /// Ends the service, and both servers.
    pub(crate) fn end(&self, service: Child) {
        kill(service);
        self.stop.cancel();
    }
}

/// Pulls the plug.
pub(crate) fn kill(mut service: Child) {
    service.kill().unwrap();
    service.wait().unwrap();
}

async fn listener() -> TcpListener {
    TcpListener::bind("127.0.0.1:0").await.unwrap()
}
