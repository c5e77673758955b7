//! One clinic, one marketplace and the bridge between them, all of it from one seed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use vetbridge::booking::entry::Entry;
use vetbridge::bridge::runner::RunState;
use vetbridge::bridge::{Bridge, Connect};
use vetbridge::clock::Clock;
use vetbridge::config::{self, Config, LiveHours, ResourceEntry, WhenDown};
use vetbridge::healthengine::HealthengineHandle;
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::http::Transport;
use vetbridge::http::penalty::Penalties;
use vetbridge::ids::{BookingId, LocationId, PracticeId, ResourceId, ScheduleId, UserId};
use vetbridge::metrics::calls::CallMetrics;
use vetbridge::practice::OpenVpmsClients;
use vetbridge::simulator::exchange::{Faults, Memory, Model};
use vetbridge::simulator::healthengine::{
    AbsentForm, BatchEndpoint, HealthengineModel, LateReject, MarketplaceBooking, ModelSettings, Repeated,
};
use vetbridge::simulator::openvpms::{
    Appointment, Area, AreaId, OpenVpmsSim, ReferenceParts, Shift, UserBehaviour, Uuids, World as Clinic,
};
use vetbridge::store::{MemoryEngine, Store};

use crate::bugs::{Bug, Mistaken};
use crate::rare::Misdated;
use crate::story::{About, Story, System};
use crate::support::{
    API_KEY, BRANCH, Chance, Hands, MORNING, Mines, Power, SECOND_PRACTICE, SERVERS, add_practices, both_doors, parsed,
    sydney, to_healthengine, to_openvpms, wall_time,
};
pub(crate) use crate::support::{standing, standing_by_booking};
use crate::weather::Weather;
use crate::wire::{Contested, Quicker, Watched, Wire};

/// What a configuration file would say of the rest; practices live every day from seven to seven.
const CONFIG: &str = r#"
[sync]
horizon_days = 3
near_days = 2
far_availability_interval = "3m"
config_interval = "2m"
[[practice]]
id = "1234567"
key = "key-of-the-main-clinic"
locations = [98]
[practice.live_hours]
public_holidays = ["07:00-19:00"]
"#;

/// The farthest horizon.
const HORIZON_DAYS_MAX: u32 = 4;

/// What kind of world it is.
#[derive(Debug, Clone)]
pub(crate) struct Shape {
    pub(crate) two_practices: bool,
    pub(crate) clinicians: bool,
    server: UserBehaviour,
    pub(crate) reading_a_booking_fails: bool,
    pub(crate) hold: bool,
    pub(crate) skew_seconds: i64,
    pub(crate) per_page: usize,
    batch: BatchEndpoint,
    pub(crate) late_reject: LateReject,
    pub(crate) repeated: Repeated,
    absent: AbsentForm,
    travel_ms_max: u64,
    near_days: u32,
}

impl Shape {
    /// True for a server that mixes up a clinician's schedules.
    pub(crate) fn is_2_1(&self) -> bool {
        self.server == UserBehaviour::V21
    }

    fn of(chance: &Chance) -> Self {
        let server = *chance.pick(&[UserBehaviour::Guide, UserBehaviour::V21]);
        let mut shape = Self {
            two_practices: chance.percent(40),
            clinicians: chance.percent(40),
            server,
            reading_a_booking_fails: server == UserBehaviour::V21 && chance.percent(60),
            hold: chance.percent(50),
            skew_seconds: if chance.percent(50) { chance.below(41) as i64 - 20 } else { 0 },
            per_page: *chance.pick(&[1, 2, 3, 100]),
            batch: *chance.pick(&[BatchEndpoint::Offered, BatchEndpoint::Offered, BatchEndpoint::Absent(404)]),
            late_reject: *chance.pick(&[
                LateReject::Settle,
                LateReject::Settle,
                LateReject::Refuse,
                LateReject::Ignore,
            ]),
            repeated: *chance.pick(&[Repeated::NotFound, Repeated::BadRequest, Repeated::Accepted]),
            absent: *chance.pick(&[AbsentForm::Null, AbsentForm::Missing]),
            travel_ms_max: *chance.pick(&[5, 150, 150, 400]),
            near_days: *chance.pick(&[2, 3]),
        };
        // What a server keeps on its list for ever would fill the twenty pages that are read, and
        // hide every other booking.
        if shape.late_reject != LateReject::Settle {
            shape.per_page = shape.per_page.max(LASTING_PER_PAGE_MIN);
        }
        shape
    }
}

/// Entries on a page where late rejections stay listed: a backlog fits on the pages that are read.
const LASTING_PER_PAGE_MIN: usize = 10;

/// All of it.
pub(crate) struct World {
    pub(crate) chance: Chance,
    pub(crate) shape: Shape,
    pub(crate) clock: Clock,
    /// What the bridge's machine takes the time for.
    machine: Clock,
    /// How the two clocks are set.
    pub(crate) hands: Hands,
    /// Panics planted in the bridge's loops.
    pub(crate) mines: Mines,
    /// A date in an answer that no calendar has.
    pub(crate) misdated: Misdated,
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    pub(crate) openvpms_weather: Weather,
    pub(crate) healthengine: HealthengineModel,
    pub(crate) healthengine_weather: Weather,
    pub(crate) story: Story,
    /// Who is quicker than the next booking that is submitted.
    pub(crate) quicker: Arc<Mutex<Option<Quicker>>>,
    pub(crate) config: Config,
    openvpms_faults: Faults,
    healthengine_faults: Faults,
    /// The fewest days that were ever near.
    near_days_min: u32,
    bug: Option<Bug>,
    disk: MemoryEngine,
    running: Option<Running>,
    /// What of the ledger the last process left behind, while none runs.
    last_ledger: Vec<Entry>,
}

/// One process of the bridge.
struct Running {
    bridge: Arc<Bridge>,
    power: Power,
    wires: Wires,
}

/// The handles of one process, which stay the same while what they were made for does.
#[derive(Default)]
struct Wires {
    openvpms: Mutex<Option<OpenVpmsClients>>,
    healthengine: Mutex<BTreeMap<PracticeId, HealthengineHandle>>,
    penalties: Penalties,
}

/// On what a process starts.
pub(crate) enum StartOn {
    /// What the last one left.
    ItsStore,
    /// A copy that was made earlier.
    Backup(MemoryEngine),
    /// Nothing.
    Nothing,
}

impl World {
    /// A world in which nothing has happened; the bridge is not started.
    pub(crate) fn new(seed: u64, bug: Option<Bug>) -> Self {
        let chance = Chance::from_seed(seed);
        let shape = Shape::of(&chance);
        let (hands, mines) = (Hands::default(), Mines::default());
        let clock = hands.world(sydney().instant(wall_time(MORNING)).unwrap());
        let machine = hands.machine(&clock, &mines);
        let story = Story::new(clock.clone());
        let config = config_of(&shape);
        let openvpms = Arc::new(OpenVpmsSim::new(clinic(&shape, seed), clock.clone()));
        let healthengine = HealthengineModel::new(settings(&shape), clock.clone());
        add_practices(&healthengine, &config);
        let (openvpms_faults, healthengine_faults) = (Faults::none(), Faults::none());
        let weather = |system, faults| Weather::new(system, chance.child(), clock.clone(), story.clone(), faults);
        Self {
            openvpms_weather: weather(System::OpenVpms, &openvpms_faults),
            healthengine_weather: weather(System::Healthengine, &healthengine_faults),
            chance,
            shape,
            clock,
            machine,
            hands,
            mines,
            misdated: Misdated::default(),
            openvpms,
            healthengine,
            story,
            quicker: Arc::default(),
            near_days_min: config.sync.near_days,
            config,
            openvpms_faults,
            healthengine_faults,
            bug,
            disk: MemoryEngine::new(),
            running: None,
            last_ledger: Vec::new(),
        }
    }

    /// Starts the bridge.
    pub(crate) fn start(&mut self, on: StartOn) {
        assert!(self.running.is_none(), "the bridge runs already");
        let now = self.machine.now();
        let store = match on {
            StartOn::ItsStore => Store::in_memory(&self.disk, now),
            StartOn::Backup(disk) => {
                self.disk = disk;
                Store::restored_in_memory(&self.disk, now)
            }
            StartOn::Nothing => {
                self.disk = MemoryEngine::new();
                Store::in_memory(&self.disk, now)
            }
        };
        self.disk.flushes(Bug::flushed(self.bug));
        let power = Power::of(&self.disk);
        let wires = Wires::default();
        let cables = Cables { world: self, power: &power, wires: &wires };
        let bridge = Arc::new(Bridge::new(&self.config, &cables, store.unwrap(), self.machine.clone()));
        bridge.start();
        self.running = Some(Running { bridge, power, wires });
    }

    /// The running bridge, if there is one, reads its configuration again.
    pub(crate) fn reload(&self) {
        if let Some(Running { bridge, power, wires }) = &self.running {
            bridge.reload(&self.config, &Cables { world: self, power, wires });
        }
    }

    /// How a practice stands in the running bridge; `None` while it has no power.
    pub(crate) fn standing(&self, id: &PracticeId) -> Option<RunState> {
        let bridge = self.bridge().filter(|_| self.is_up())?;
        let off = bridge.off().into_iter().find(|(own, _)| own.id() == id).map(|(_, standing)| standing);
        off.or(Some(RunState::On))
    }

    /// A block of the configuration.
    pub(crate) fn practice_mut(&mut self, id: &PracticeId) -> &mut config::PracticeSettings {
        self.config.practices.iter_mut().find(|own| own.id == *id).unwrap()
    }

    /// In the configuration.
    pub(crate) fn set_near_days(&mut self, days: u32) {
        self.config.sync.near_days = days;
        self.near_days_min = self.near_days_min.min(days);
    }

    /// In the configuration.
    pub(crate) fn set_horizon_days(&mut self, days: u32) {
        assert!(days <= HORIZON_DAYS_MAX);
        self.config.sync.horizon_days = days;
    }

    /// Stops the bridge as an operator would.
    pub(crate) async fn stop(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.bridge.stop(Duration::from_secs(8)).await;
        // What it still had to write is on its way to the disk.
        self.disk = self.disk.backup();
        self.last_ledger = running.bridge.ledger().all();
        running.power.cut();
    }

    /// Pulls the plug: nothing of the bridge goes on, and the disk keeps what was flushed.
    pub(crate) async fn pull_the_plug(&mut self) {
        let Some(running) = self.running.take() else { return };
        running.power.cut();
        self.disk = running.power.left();
        self.last_ledger = running.bridge.ledger().all();
        running.bridge.stop(Duration::ZERO).await;
    }

    /// A copy of the store as it is on the disk.
    pub(crate) fn backup(&self) -> MemoryEngine {
        self.disk.backup()
    }

    /// The power of the running process.
    pub(crate) fn power(&self) -> Option<&Power> {
        self.running.as_ref().map(|running| &running.power)
    }

    /// True while a process runs and has power.
    pub(crate) fn is_up(&self) -> bool {
        self.power().is_some_and(|power| !power.is_cut())
    }

    /// The bridge, if it runs.
    pub(crate) fn bridge(&self) -> Option<&Arc<Bridge>> {
        self.running.as_ref().map(|running| &running.bridge)
    }

    /// A booking as the ledger has it, or last had it.
    pub(crate) fn entry(&self, id: BookingId) -> Option<Entry> {
        match &self.running {
            Some(running) => running.bridge.ledger().get(id).unwrap(),
            None => self.last_ledger.iter().find(|entry| entry.booking_id == id).cloned(),
        }
    }

    /// What a clock on the clinic's wall shows.
    pub(crate) fn wall(&self) -> NaiveDateTime {
        sydney().wall(self.clock.now())
    }

    /// All bookings at Healthengine.
    pub(crate) fn bookings(&self) -> Vec<MarketplaceBooking> {
        let practices = self.config.practices.iter();
        practices.flat_map(|practice| self.healthengine.bookings(&practice.id).unwrap()).collect()
    }

    /// The standing appointments with the number of this booking in their notes.
    pub(crate) fn appointments_of(&self, id: BookingId) -> Vec<Appointment> {
        standing(&self.openvpms, id)
    }

    /// The same of every booking.
    pub(crate) fn standing_by_booking(&self) -> BTreeMap<BookingId, Vec<Appointment>> {
        standing_by_booking(&self.openvpms)
    }

    /// The resources of a practice.
    pub(crate) fn resources(&self, practice: &PracticeId) -> Vec<ResourceId> {
        let practice = self.config.practices.iter().find(|own| own.id == *practice).unwrap();
        let listed = practice.resources.iter().map(ResourceEntry::id);
        if practice.resources.is_empty() { default_resources(&practice.id) } else { listed.collect() }
    }

    /// So many days were always read once a minute.
    pub(crate) fn near_days(&self) -> i64 {
        self.near_days_min.into()
    }

    /// The days that are offered.
    pub(crate) fn days(&self) -> impl Iterator<Item = NaiveDate> {
        self.wall().date().iter_days().take(self.config.sync.horizon_days as usize)
    }

    /// The days that are offered no longer, if they ever were.
    pub(crate) fn days_beyond(&self) -> impl Iterator<Item = NaiveDate> {
        let (from, to) = (self.config.sync.horizon_days as usize, HORIZON_DAYS_MAX as usize);
        self.wall().date().iter_days().take(to).skip(from)
    }
}

/// The same hours on every day.
pub(crate) fn live_hours(hours: &str) -> LiveHours {
    parsed(&format!("{SERVERS}{CONFIG}").replace("07:00-19:00", hours)).practices.remove(0).live_hours
}

/// What a booking wants.
pub(crate) fn wants(booking: &MarketplaceBooking) -> About {
    let resource: ResourceId = booking.resource.parse().unwrap();
    let end = booking.start + TimeDelta::seconds(booking.length_seconds.into());
    About::Time(resource.schedule, booking.start, end)
}

fn default_resources(practice: &PracticeId) -> Vec<ResourceId> {
    let schedules: &[i64] = if practice.0 == BRANCH { &[311] } else { &[136, 211] };
    schedules.iter().map(|id| ResourceId { schedule: ScheduleId(*id), user: None }).collect()
}

fn config_of(shape: &Shape) -> Config {
    let text = format!("{SERVERS}{CONFIG}{}", if shape.two_practices { SECOND_PRACTICE } else { "" });
    let mut config = parsed(&text);
    config.sync.near_days = shape.near_days;
    if shape.hold {
        config.bookings.when_openvpms_is_down = WhenDown::Hold;
    }
    if shape.clinicians {
        let entry = |id: &str| {
            let ResourceId { schedule, user } = id.parse().unwrap();
            ResourceEntry { schedule, user, name: None }
        };
        config.practices[0].resources = ["s136", "u1158-s136", "u1158-s211", "u1159-s211"].map(entry).to_vec();
    }
    config
}

fn settings(shape: &Shape) -> ModelSettings {
    ModelSettings {
        skew: TimeDelta::seconds(shape.skew_seconds),
        per_page: shape.per_page,
        batch: shape.batch,
        late_reject: shape.late_reject,
        repeated: shape.repeated,
        absent: shape.absent,
        // A snapshot that is carried out late can meet the next one in the queue, whatever a client does.
        strict_queue: false,
        ..ModelSettings::new(API_KEY)
    }
}

/// The guide's clinic, with a branch and two vets who can be in either room all day, for a month.
fn clinic(shape: &Shape, seed: u64) -> Clinic {
    let mut clinic = Clinic::guide_inventory(Uuids::from_seed(seed));
    clinic.user_behaviour = shape.server;
    clinic.reading_a_booking_fails = shape.reading_a_booking_fails;
    clinic.reference_parts = match shape.server {
        UserBehaviour::Guide => ReferenceParts::Three,
        UserBehaviour::V21 => ReferenceParts::Two,
    };
    clinic.add_branch_schedule();
    clinic.areas.push(Area { id: AreaId(303), location: LocationId(106), schedules: vec![ScheduleId(311)] });
    for day in wall_time(MORNING).date().iter_days().take(30) {
        for (user, area) in [(1158, 301), (1158, 302), (1159, 301), (1159, 302)] {
            let at = |hour| day.and_hms_opt(hour, 0, 0).unwrap();
            clinic.roster.push(Shift { user: UserId(user), area: AreaId(area), start: at(9), end: at(17) });
        }
    }
    clinic
}

/// How a process of the bridge reaches the servers.
struct Cables<'a> {
    world: &'a World,
    power: &'a Power,
    wires: &'a Wires,
}

impl Cables<'_> {
    fn wire(&self, system: System, memory: Memory) -> Arc<dyn Transport> {
        let wire: Arc<dyn Transport> = Arc::new(Wire {
            memory,
            system,
            story: self.world.story.clone(),
            power: self.power.clone(),
            travel: self.world.chance.child(),
            travel_ms_max: self.world.shape.travel_ms_max,
            mines: self.world.mines.clone(),
        });
        match self.world.bug {
            Some(bug) => Arc::new(Mistaken { wire, system, bug }),
            None => wire,
        }
    }

    fn watched(&self, system: System, model: Arc<dyn Model>) -> Arc<dyn Model> {
        Arc::new(Watched { model, system, story: self.world.story.clone(), misdated: self.world.misdated.clone() })
    }
}

impl Connect for Cables<'_> {
    fn openvpms(&self) -> OpenVpmsClients {
        let mut wires = self.wires.openvpms.lock().unwrap();
        if let Some(doors) = &*wires {
            return doors.clone();
        }
        let settings = &self.world.config.openvpms;
        let contested = Contested { openvpms: self.world.openvpms.clone(), quicker: self.world.quicker.clone() };
        let model = self.watched(System::OpenVpms, Arc::new(contested));
        let memory = to_openvpms(model, &self.world.openvpms_faults, settings);
        let memory = memory.leaving_alone(&self.wires.penalties.openvpms);
        wires.insert(both_doors(self.wire(System::OpenVpms, memory), &CallMetrics::default())).clone()
    }

    fn healthengine(&self, practice: &config::PracticeSettings) -> Option<HealthengineHandle> {
        let mut wires = self.wires.healthengine.lock().unwrap();
        if let Some(handle) = wires.get(&practice.id) {
            return Some(Arc::clone(handle));
        }
        let settings = &self.world.config.healthengine;
        let model = self.watched(System::Healthengine, Arc::new(self.world.healthengine.clone()));
        let memory = to_healthengine(model, &self.world.healthengine_faults, settings, practice);
        let memory = memory.leaving_alone(&self.wires.penalties.healthengine);
        let wire = self.wire(System::Healthengine, memory);
        let handle: HealthengineHandle = Arc::new(HealthengineClient::new(wire, self.world.machine.clone()));
        wires.insert(practice.id.clone(), Arc::clone(&handle));
        Some(handle)
    }

    fn penalties(&self) -> Penalties {
        self.wires.penalties.clone()
    }

    fn call_metrics(&self) -> CallMetrics {
        CallMetrics::default()
    }
}
