//! The process of the bridge: it starts, stops, loses its power and its disk.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use vetbridge::booking::entry::Entry;
use vetbridge::bridge::Bridge;
use vetbridge::config::Config;
use vetbridge::ids::BookingId;
use vetbridge::practice::{KINDS, Practice};
use vetbridge::service::{Opened, Service};
use vetbridge::store::{Export, MemoryEngine, OpenError, Store};
use vetbridge::without_store::WithoutStore;

use super::cables::{Cables, Wires};
use super::{Clinic, PRACTICE, Power, minutes, practice};

const ANY_PORT: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 0);

/// One process of the bridge.
pub(super) struct Running {
    pub(super) bridge: Arc<Bridge>,
    power: Power,
    wires: Wires,
}

/// A second bridge on the same practice, on another machine: it has a disk of its own.
pub(crate) struct Another {
    disk: MemoryEngine,
    running: Running,
}

impl Another {
    /// What it knows of a booking.
    pub(crate) fn entry(&self, id: BookingId) -> Option<Entry> {
        self.running.bridge.ledger().get(id).unwrap()
    }

    /// The main clinic inside it.
    pub(crate) fn practice(&self) -> Arc<Practice> {
        self.running.bridge.practice(&practice(PRACTICE)).expect("a practice that runs")
    }

    /// What is wrong with the main clinic, as it sees it: subject and text.
    pub(crate) fn problems(&self) -> BTreeMap<String, String> {
        let problems = self.practice().health().problems().into_iter();
        problems.map(|problem| (problem.subject, problem.text)).collect()
    }

    /// Stops it as an operator would; what it leaves on its disk.
    pub(crate) async fn stop(self) -> MemoryEngine {
        self.running.bridge.stop(Duration::from_secs(8)).await;
        self.disk
    }

    /// Pulls its plug.
    pub(crate) async fn pull_the_plug(self) -> MemoryEngine {
        self.running.power.cut();
        self.running.bridge.stop(Duration::ZERO).await;
        self.running.power.left()
    }

    /// The same at the next call that goes through.
    pub(crate) fn power(&self) -> Power {
        self.running.power.clone()
    }
}

impl Clinic {
    /// Somebody starts another bridge with the same configuration on this disk, and leaves the first one running.
    pub(crate) fn start_another(&self, disk: MemoryEngine) -> Another {
        self.start_another_as(&self.config, disk)
    }

    /// The same with another configuration.
    pub(crate) fn start_another_as(&self, config: &Config, disk: MemoryEngine) -> Another {
        let (power, wires) = (Power::of(&disk), Wires::default());
        let cables = Cables { clinic: self, power: &power, wires: &wires };
        let store = Store::in_memory(&disk, self.clock.now()).unwrap();
        let bridge = Arc::new(Bridge::new(config, &cables, store, self.clock.clone()));
        bridge.start();
        Another { disk, running: Running { bridge, power, wires } }
    }

    /// The same on a state that was just exported from the first one.
    pub(crate) fn start_another_on_an_import(&self) -> Another {
        self.start_another(MemoryEngine::imported(&self.export(), self.clock.now()))
    }

    /// Starts the bridge on what the last one left on the disk.
    pub(crate) fn start(&mut self) {
        assert!(self.running.is_none(), "the bridge runs already");
        let store = Store::in_memory(&self.disk, self.machine.now()).unwrap();
        self.start_on(store);
    }

    /// Starts the bridge on a store that is open.
    pub(crate) fn start_on(&mut self, store: Store) {
        let power = Power::of(&self.disk);
        let wires = Wires::default();
        let cables = Cables { clinic: self, power: &power, wires: &wires };
        let bridge = Arc::new(Bridge::new(&self.config, &cables, store, self.machine.clone()));
        self.door.open(self.config.webhooks.as_ref(), &bridge);
        bridge.start();
        self.running = Some(Running { bridge, power, wires });
    }

    /// The running bridge reads its configuration again.
    pub(crate) fn reload(&self) {
        let Running { bridge, power, wires } = self.running.as_ref().expect("the bridge runs");
        self.door.reconfigure(self.config.webhooks.as_ref());
        bridge.reload(&self.config, &Cables { clinic: self, power, wires });
    }

    /// The bridge reads a configuration with this change, while something else looks at it.
    pub(crate) fn reload_with(&self, change: impl FnOnce(&mut Config)) {
        let Running { bridge, power, wires } = self.running.as_ref().expect("the bridge runs");
        let mut config = self.config.clone();
        change(&mut config);
        bridge.reload(&config, &Cables { clinic: self, power, wires });
    }

    /// A whole service with its listeners, on ports that are free and a disk that nobody else has.
    pub(crate) async fn service(&self) -> Service {
        let mut config = self.config.clone();
        config.admin_listen = ANY_PORT;
        config.webhooks.iter_mut().for_each(|webhooks| webhooks.listen = ANY_PORT);
        let disk = MemoryEngine::new();
        let store = Store::in_memory(&disk, self.machine.now()).unwrap();
        let cables = Cables { clinic: self, power: &Power::of(&disk), wires: &Wires::default() };
        Service::start_on(Opened::on(store), &config, &cables, self.machine.clone()).await.unwrap()
    }

    /// A clinic whose bridge runs and has sent everything.
    pub(crate) async fn open() -> Self {
        let mut clinic = Self::new();
        clinic.open_up().await;
        clinic
    }

    /// Starts the bridge for the first time. A minute goes by: of bookings that are as old as the
    /// store it would not be certain that it never saw them.
    pub(crate) async fn open_up(&mut self) {
        self.start();
        self.until_in_step().await;
        self.pass(minutes(1)).await;
    }

    /// Stops the bridge as an operator would.
    pub(crate) async fn stop(&mut self) {
        let running = self.running.take().expect("the bridge runs");
        self.door.close();
        running.bridge.stop(Duration::from_secs(8)).await;
    }

    /// Pulls the plug: nothing of the bridge goes on, and the disk keeps what was flushed.
    pub(crate) async fn pull_the_plug(&mut self) {
        let running = self.running.take().expect("the bridge runs");
        self.door.close();
        running.power.cut();
        self.disk = running.power.left();
        running.bridge.stop(Duration::ZERO).await;
    }

    /// The power of the running process, for faults that are to cut it in the middle of a call.
    pub(crate) fn power(&self) -> Power {
        self.running.as_ref().expect("the bridge runs").power.clone()
    }

    /// The running bridge.
    pub(crate) fn bridge(&self) -> &Bridge {
        &self.running.as_ref().expect("the bridge runs").bridge
    }

    /// The main clinic inside the bridge.
    pub(crate) fn practice(&self) -> Arc<Practice> {
        self.practice_of(PRACTICE)
    }

    /// A practice inside the bridge.
    pub(crate) fn practice_of(&self, id: &str) -> Arc<Practice> {
        self.bridge().practice(&practice(id)).expect("a practice that runs")
    }

    /// What is wrong with the main clinic: subject and text.
    pub(crate) fn problems(&self) -> BTreeMap<String, String> {
        let problems = self.practice().health().problems().into_iter();
        problems.map(|problem| (problem.subject, problem.text)).collect()
    }

    /// From here on the disk takes no write of the running process, as when it is full.
    pub(crate) fn fill_the_disk(&self) {
        self.disk.refuse_writes("no space left on device");
    }

    /// Waits until the bridge finds that the store has failed, and ends it as the service does.
    pub(crate) async fn until_it_gives_up(&mut self, limit: Duration) {
        let running = self.running.take().expect("the bridge runs");
        let broken = tokio::time::timeout(limit, running.bridge.store().failed()).await;
        assert!(broken.is_ok(), "not within {limit:?}: the store fails");
        running.bridge.reject_open(Duration::from_secs(6)).await;
        running.bridge.stop(Duration::from_secs(6)).await;
        self.disk = self.disk.crash();
    }

    /// The service that waits for its store. [`Clinic::start_on`] the store that it returns.
    pub(crate) fn without_store(&self) -> Arc<WithoutStore> {
        assert!(self.running.is_none(), "the bridge still runs");
        let why = OpenError::Disk { path: "state".into(), reason: "no space left on device".into() };
        let power = Power::of(&self.disk);
        let cables = Cables { clinic: self, power: &power, wires: &Wires::default() };
        WithoutStore::new(&self.config, &cables, self.machine.clone(), &why)
    }

    /// What the store is opened on next.
    pub(crate) fn disk(&self) -> MemoryEngine {
        self.disk.clone()
    }

    /// A backup of the state of this moment, as text.
    pub(crate) fn export(&self) -> Export {
        self.bridge().store().export(&KINDS, self.clock.now())
    }

    /// Brings a backup back in the place of what is on the disk; to be said while the bridge is stopped.
    pub(crate) fn import(&mut self, export: &Export) {
        assert!(self.running.is_none(), "the bridge still runs");
        self.disk = MemoryEngine::imported(export, self.clock.now());
    }

    /// The store is gone, as after a disk was replaced; to be said while the bridge is stopped.
    pub(crate) fn lose_the_store(&mut self) {
        assert!(self.running.is_none(), "the bridge still runs");
        self.disk = MemoryEngine::new();
    }

    /// Every byte that the bridge has on the disk.
    pub(crate) fn raw_disk(&self) -> Vec<u8> {
        self.disk.raw()
    }
}
