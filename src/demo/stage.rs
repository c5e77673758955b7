//! What the demo plays on: both simulators on loopback ports, and the real bridge between them.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::Context as _;
use chrono::{DateTime, NaiveDate, NaiveDateTime, Utc};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};

use super::clinic::{self, SITES};
use super::journal::DiaryTime;
use crate::booking::entry::Entry;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::http_clients::Network;
use crate::ids::{BookingId, LocationId, ScheduleId};
use crate::os::files;
use crate::os::words::NO_TEMPORARY_FILES;
use crate::random::Random;
use crate::service::{LoopbackListener, Service};
use crate::simulator::exchange::{ArrivedRequest, Faults, Model, SentAnswer, serve};
use crate::simulator::healthengine::{self, BASE_PATH, HealthengineModel, MarketplaceBooking, NewPractice};
use crate::simulator::openvpms::{Appointment, OpenVpmsSim, World};
use crate::zone::Zone;

/// The configuration; the placeholders stand for addresses.
const CONFIG: &str = include_str!("demo.toml");
/// The name of the file that the configuration stands in for commands.
const CONFIG_FILE: &str = "vetbridge.toml";
/// Where everybody in the demo is.
const ZONE: Zone = Zone::Iana(chrono_tz::Australia::Sydney);

/// Both simulators and the bridge, running.
pub(super) struct Stage {
    clinic: Arc<Clinic>,
    marketplace: HealthengineModel,
    service: Service,
    clock: Clock,
    /// Dropped after the service: the simulators stop, the directory goes with configuration and
    /// state.
    _simulators: DropGuard,
    directory: TempDir,
}

/// The simulated OpenVPMS, and how often it was asked.
struct Clinic {
    server: OpenVpmsSim,
    /// By method.
    calls: Mutex<BTreeMap<String, u64>>,
}

impl Model for Clinic {
    fn answer(&self, asked: &ArrivedRequest) -> SentAnswer {
        *locked(&self.calls).entry(asked.method.clone()).or_default() += 1;
        self.server.answer(asked)
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}

impl Stage {
    /// Starts everything. The status page listens on this port of 127.0.0.1, or on a free one if it
    /// is 0.
    pub(super) async fn set(port: u16, random: &mut Random) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let world = clinic::world(ZONE.wall(clock.now()).date(), random);
        let clinic =
            Arc::new(Clinic { server: OpenVpmsSim::new(world, clock.clone()), calls: Mutex::new(BTreeMap::new()) });
        let directory = tempfile::Builder::new().prefix("vetbridge-demo-").tempdir().context(NO_TEMPORARY_FILES)?;
        let file = directory.path().join(CONFIG_FILE);
        let read = |text: &str| config::parse(&file, text, &|_| Err(std::env::VarError::NotPresent));
        let marketplace = marketplace(&read(CONFIG)?, &clock);

        let stop = CancellationToken::new();
        let simulators = stop.clone().drop_guard();
        let openvpms = listen(clinic.clone(), &stop).await?;
        let healthengine = listen(Arc::new(marketplace.clone()), &stop).await?;
        let admin = LoopbackListener::bind(port).await?;
        let text = CONFIG
            .replace("http://127.0.0.1/openvpms", &format!("http://{openvpms}/openvpms"))
            .replace("http://127.0.0.1/pms-api/v1", &format!("http://{healthengine}{BASE_PATH}"))
            .replace("127.0.0.1:0", &admin.address().to_string());
        let written = files::private().write(true).create(true).truncate(true).open(&file);
        let written = written.and_then(|mut opened| opened.write_all(text.as_bytes()));
        written.with_context(|| file.display().to_string())?;
        let config = read(&text)?;
        let network = Network::new(&config)?;
        let service = Service::start_on_loopback(admin, None, &config, &network, clock.clone()).await?;
        Ok(Self { clinic, marketplace, service, clock, _simulators: simulators, directory })
    }

    /// The configuration, for the commands that are typed while the demo runs.
    pub(super) fn config_file(&self) -> PathBuf {
        self.directory.path().join(CONFIG_FILE)
    }

    /// Stops the bridge, then the simulators, and removes configuration and state.
    pub(super) async fn clear(self) {
        self.service.stop().await;
    }

    /// What the people at the clinic do.
    pub(super) fn clinic<T>(&self, act: impl FnOnce(&mut World) -> T) -> T {
        self.clinic.server.staff(act)
    }

    /// What pet owners do.
    pub(super) fn marketplace(&self) -> &HealthengineModel {
        &self.marketplace
    }

    /// The bridge between the two.
    pub(super) fn service(&self) -> &Service {
        &self.service
    }

    /// A booking in the ledger.
    pub(super) fn ledger(&self, booking: BookingId) -> Option<Entry> {
        self.service.bridge().ledger().get(booking).ok().flatten()
    }

    /// All bookings of both practices, as Healthengine has them.
    pub(super) fn bookings(&self) -> Vec<MarketplaceBooking> {
        let of = |site: &clinic::Site| self.marketplace.bookings(&site.practice()).unwrap_or_default();
        SITES.iter().flat_map(of).collect()
    }

    /// The present moment.
    pub(super) fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// What the clock on the clinic's wall shows.
    pub(super) fn wall(&self) -> NaiveDateTime {
        self.zone().wall(self.now())
    }

    /// Today at the clinic.
    pub(super) fn today(&self) -> NaiveDate {
        self.wall().date()
    }

    /// The clinic's zone.
    pub(super) fn zone(&self) -> Zone {
        ZONE
    }

    /// The calls to OpenVPMS, by method.
    pub(super) fn openvpms_calls(&self) -> BTreeMap<String, u64> {
        locked(&self.clinic.calls).clone()
    }

    /// The calls to Healthengine, by method.
    pub(super) fn healthengine_calls(&self) -> BTreeMap<String, u64> {
        let mut calls = BTreeMap::new();
        for (operation, times) in self.marketplace.tallies() {
            let method = operation.split(' ').next().unwrap_or_default();
            *calls.entry(method.to_owned()).or_default() += times;
        }
        calls
    }

    /// The name of a location.
    pub(super) fn location_name(&self, id: LocationId) -> String {
        self.clinic(|world| world.locations.iter().find(|own| own.id == id).map(|own| own.name.clone()))
            .unwrap_or_default()
    }

    /// The name of a schedule.
    pub(super) fn schedule_name(&self, id: ScheduleId) -> String {
        self.clinic(|world| world.schedules.iter().find(|own| own.id == id).map(|own| own.name.clone()))
            .unwrap_or_default()
    }

    /// Where and when, in words.
    pub(super) fn place(&self, place: &DiaryTime) -> String {
        format!("{}, {place}", self.schedule_name(place.schedule))
    }

    /// Where a schedule is.
    pub(super) fn location_of(&self, id: ScheduleId) -> LocationId {
        self.clinic(|world| world.schedules.iter().find(|own| own.id == id).map(|own| own.location))
            .unwrap_or(LocationId(0))
    }
}

/// The appointments, cancelled or not, that bear a booking's number.
pub(super) fn appointments_of(world: &World, booking: BookingId) -> Vec<Appointment> {
    world.with_note(&format!("Healthengine booking {booking}")).into_iter().cloned().collect()
}

fn marketplace(config: &Config, clock: &Clock) -> HealthengineModel {
    use secrecy::ExposeSecret as _;
    let settings = healthengine::ModelSettings::new(config.healthengine.api_key.expose_secret());
    let marketplace = HealthengineModel::new(settings, clock.clone());
    for site in &SITES {
        marketplace.add_practice(NewPractice::new(site.practice, site.key, ZONE));
    }
    marketplace
}

async fn listen(model: Arc<dyn Model>, stop: &CancellationToken) -> anyhow::Result<SocketAddr> {
    let listener = TcpListener::bind("127.0.0.1:0").await.context("a port for a simulator")?;
    let address = listener.local_addr()?;
    tokio::spawn(serve(listener, model, Faults::none(), stop.clone()));
    Ok(address)
}
