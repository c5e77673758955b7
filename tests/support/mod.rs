//! A clinic for tests of the whole bridge: both simulators, the real clients, the bridge and its store, in one process and in
//! tokio's time. With time paused, minutes pass in milliseconds.
//!
//! A test reads like the day it tells of: pet owners book, staff write into the diary, servers fail, and
//! [`Clinic::until`] waits for what must follow. [`Clinic::finish`] ends it: both sides must agree booking by booking and day
//! by day, Healthengine must have nothing to complain of, and nothing about a pet owner may stand in a log.

#![allow(dead_code, reason = "each test binary uses the part of the harness that it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod agreement;
mod chance;
mod diary;
mod log;
mod people;
pub(crate) mod webhooks;
mod wire;

use std::collections::{BTreeMap, VecDeque};
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use tokio::time::Instant;
use tokio_util::sync::DropGuard;
use vetbridge::booking::ledger::{Entry, State};
use vetbridge::bridge::{Bridge, Connect};
use vetbridge::clock::Clock;
use vetbridge::config::{self, Config};
use vetbridge::deskless::Deskless;
use vetbridge::healthengine::HealthengineHandle;
use vetbridge::healthengine::client::Client as HealthengineClient;
use vetbridge::http::Lane;
use vetbridge::ids::{AppointmentTypeId, BookingId, PracticeId, ScheduleId};
use vetbridge::openvpms::client::Client as OpenVpmsClient;
use vetbridge::practice::{Doors, KINDS, Practice};
use vetbridge::simulator::exchange::{Asked, Fault, Faults, Memory, Model};
use vetbridge::simulator::healthengine::{
    BASE_PATH, BookingStatus, BookingView, HealthengineModel, NewPractice, NotOffered, Settings, Wish,
};
use vetbridge::simulator::openvpms::{Appointment, AppointmentId, NewAppointment, OpenVpmsSim, Uuids, World};
use vetbridge::store::{Export, MemoryEngine, OpenError, Store};
use vetbridge::zone::Zone;

pub(crate) use self::chance::Chance;
pub(crate) use self::log::Log;
pub(crate) use self::people::{judith, person};
pub(crate) use self::wire::{Call, Fuse, Journal, Line, Power, Travel, Twist, basic};

/// Monday, 15 February 2027, 08:00 in Sydney: an hour before the diary opens.
pub(crate) const MORNING: &str = "2027-02-15 08:00";
/// The one practice, or the first of two.
pub(crate) const PRACTICE: &str = "1234567";
/// The second practice, at the branch.
pub(crate) const BRANCH: &str = "7654321";

const API_KEY: &str = "eyJ0e-consumer";

/// What a configuration file would say. Practices live every day from seven to seven.
const CONFIG: &str = r#"
[openvpms]
url = "http://127.0.0.1/openvpms"
username = "sample"
password = "changeit"

[healthengine]
api_key = "eyJ0e-consumer"
vendor = "Example Vets Bridge"
contact = "it@examplevets.com.au"
environment = "UAT"

[sync]
horizon_days = 14
near_days = 3

[[practice]]
id = "1234567"
key = "key-of-the-main-clinic"
locations = [98]
[practice.live_hours]
monday = ["07:00-19:00"]
tuesday = ["07:00-19:00"]
wednesday = ["07:00-19:00"]
thursday = ["07:00-19:00"]
friday = ["07:00-19:00"]
saturday = ["07:00-19:00"]
sunday = ["07:00-19:00"]
"#;

/// The block of the second practice.
const SECOND_PRACTICE: &str = r#"
[[practice]]
id = "7654321"
key = "key-of-the-branch"
locations = [106]
[practice.live_hours]
public_holidays = ["07:00-19:00"]
"#;

/// Both systems, the bridge between them, and the means to disturb them.
pub(crate) struct Clinic {
    /// What time it is, for all of them.
    pub(crate) clock: Clock,
    /// The practice system.
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    /// What goes wrong on the way to it.
    pub(crate) openvpms_faults: Faults,
    /// The marketplace.
    pub(crate) healthengine: HealthengineModel,
    /// What goes wrong on the way to it.
    pub(crate) healthengine_faults: Faults,
    /// What becomes of its answers on the way.
    pub(crate) twist: Twist,
    /// True if calls are rationed as over the network, from the next start on.
    pub(crate) rationed: bool,
    /// Every call of the bridge, to either system.
    pub(crate) journal: Journal,
    /// The configuration of the next start.
    pub(crate) config: Config,
    /// How long a message travels, from the next start on.
    pub(crate) travel: Travel,
    /// What the bridge logged.
    pub(crate) log: Log,
    disk: MemoryEngine,
    running: Option<Running>,
    /// Where webhooks arrive.
    pub(crate) door: webhooks::Door,
    deliveries: Option<DropGuard>,
    /// Bookings that a test expects to be at odds between the two systems.
    excused: Vec<BookingId>,
}

/// One process of the bridge.
struct Running {
    bridge: Arc<Bridge>,
    power: Power,
    wires: Wires,
}

/// What one process made to reach the simulators. It is kept while nothing about it changes.
#[derive(Default)]
struct Wires {
    openvpms: Mutex<Option<(config::OpenVpms, Doors)>>,
    healthengine: Mutex<BTreeMap<(PracticeId, String, String), HealthengineHandle>>,
}

impl Clinic {
    /// The main clinic with schedules 136 (15 minutes) and 211 (30 minutes), on [`MORNING`]. The bridge is not started.
    pub(crate) fn new() -> Self {
        Self::at(MORNING)
    }

    /// The same at another time of Sydney's.
    pub(crate) fn at(wall: &str) -> Self {
        Self::with_config(CONFIG, wall)
    }

    /// The main clinic and its branch, with schedule 311, as two practices.
    pub(crate) fn with_branch() -> Self {
        let clinic = Self::with_config(&format!("{CONFIG}{SECOND_PRACTICE}"), MORNING);
        clinic.openvpms.staff(|world| {
            let mut schedule = world.schedules[0].clone();
            (schedule.id, schedule.location) = (ScheduleId(311), vetbridge::ids::LocationId(106));
            "Branch Appointment Schedule".clone_into(&mut schedule.name);
            world.schedules.push(schedule);
        });
        clinic
    }

    fn with_config(text: &str, wall: &str) -> Self {
        let log = Log::capture();
        let no_environment = |_: &str| Err(std::env::VarError::NotPresent);
        let config = config::parse(Path::new("vetbridge.toml"), text, &no_environment).unwrap();
        let clock = Clock::virtual_from(sydney().instant(wall_time(wall)).unwrap());
        let openvpms = OpenVpmsSim::new(World::guide_inventory(Uuids::from_seed(1)), clock.clone());
        let healthengine = HealthengineModel::new(Settings::new(API_KEY), clock.clone());
        for practice in &config.practices {
            let key = practice.key.expose_secret();
            healthengine.add_practice(NewPractice::new(practice.id.0.clone(), key, sydney()));
        }
        Self {
            journal: Journal::new(clock.clone()),
            clock,
            openvpms: Arc::new(openvpms),
            openvpms_faults: Faults::none(),
            healthengine,
            healthengine_faults: Faults::none(),
            twist: Twist::default(),
            rationed: false,
            config,
            travel: Travel::Steady(Duration::from_millis(5)),
            log,
            disk: MemoryEngine::new(),
            running: None,
            door: webhooks::Door::default(),
            deliveries: None,
            excused: Vec::new(),
        }
    }

    /// Starts the bridge on what the last one left on the disk.
    pub(crate) fn start(&mut self) {
        assert!(self.running.is_none(), "the bridge runs already");
        let store = Store::in_memory(&self.disk, self.clock.now()).unwrap();
        self.start_on(store);
    }

    /// Starts the bridge on a store that is open.
    pub(crate) fn start_on(&mut self, store: Store) {
        let power = Power::of(&self.disk);
        let wires = Wires::default();
        let cables = Cables { clinic: self, power: &power, wires: &wires };
        let bridge = Arc::new(Bridge::new(&self.config, &cables, store, self.clock.clone()));
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

    /// A clinic whose bridge runs and has sent everything.
    pub(crate) async fn open() -> Self {
        let mut clinic = Self::new();
        clinic.open_up().await;
        clinic
    }

    /// Starts the bridge for the first time. A minute goes by: of bookings that are as old as the store it would not be certain
    /// that it never saw them.
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
    pub(crate) fn deskless(&self) -> Arc<Deskless> {
        assert!(self.running.is_none(), "the bridge still runs");
        let why = OpenError::Disk { path: "state".into(), reason: "no space left on device".into() };
        let power = Power::of(&self.disk);
        let cables = Cables { clinic: self, power: &power, wires: &Wires::default() };
        Deskless::new(&self.config, &cables, self.clock.clone(), &why)
    }

    /// What the store is opened on next.
    pub(crate) fn disk(&self) -> MemoryEngine {
        self.disk.clone()
    }

    /// A backup of the state of this moment, as text.
    pub(crate) fn export(&self) -> Export {
        self.bridge().store().snapshot(&KINDS, self.clock.now()).into_export()
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

    /// OpenVPMS meets the next bookings that are submitted like this, one each, and the others well.
    pub(crate) fn fail_submissions(&self, faults: impl IntoIterator<Item = Fault>) {
        let mut faults: VecDeque<Fault> = faults.into_iter().collect();
        self.openvpms_faults.set(move |asked| if is_submission(asked) { faults.pop_front() } else { None });
    }

    /// A handle to Healthengine beside the bridge's, for what others do with the practice's key.
    pub(crate) fn another_consumer(&self) -> HealthengineHandle {
        let power = Power::of(&MemoryEngine::new());
        Cables { clinic: self, power: &power, wires: &Wires::default() }
            .healthengine(&self.config.practices[0])
            .unwrap()
    }

    // Time.

    /// What a clock on the clinic's wall shows.
    pub(crate) fn wall(&self) -> NaiveDateTime {
        sydney().wall(self.clock.now())
    }

    /// Lets time pass.
    pub(crate) async fn pass(&self, time: Duration) {
        tokio::time::sleep(time).await;
    }

    /// Waits until it is so late on the clinic's wall.
    pub(crate) async fn until_wall(&self, wall: &str) {
        let left = sydney().instant(wall_time(wall)).unwrap() - self.clock.now();
        self.pass(left.to_std().expect("a time that is to come")).await;
    }

    /// Waits until the condition holds, and says how long that took. Fails with `what` when it does not within `limit`.
    pub(crate) async fn until(&self, what: &str, limit: Duration, condition: impl Fn(&Self) -> bool) -> Duration {
        let began = Instant::now();
        while !condition(self) {
            assert!(began.elapsed() < limit, "not within {limit:?}: {what}\n{}", self.account());
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
        began.elapsed()
    }

    /// Waits until the diary is at Healthengine as it stands, and nothing waits for an answer.
    pub(crate) async fn until_in_step(&self) -> Duration {
        let began = Instant::now();
        // Comparing takes its time; real time, that is.
        while !self.disagreements().is_empty() {
            assert!(began.elapsed() < minutes(3), "both sides do not agree\n{}", self.account());
            tokio::time::sleep(Duration::from_millis(500)).await;
        }
        began.elapsed()
    }

    /// Asserts that the condition goes on to hold.
    pub(crate) async fn throughout(&self, what: &str, time: Duration, condition: impl Fn(&Self) -> bool) {
        let began = Instant::now();
        while began.elapsed() < time {
            assert!(condition(self), "no longer so after {:?}: {what}\n{}", began.elapsed(), self.account());
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    // Pet owners.

    /// A pet owner books what is offered at the main clinic.
    pub(crate) fn owner_books(&self, resource: &str, kind: &str, start: &str) -> BookingId {
        self.try_to_book(wish(resource, kind, start)).expect("a time that is offered")
    }

    /// A pet owner books what Healthengine's site still shows to him, whatever is offered this moment.
    pub(crate) fn owner_books_regardless(&self, resource: &str, kind: &str, start: &str) -> BookingId {
        self.healthengine.book_regardless(&practice(PRACTICE), wish(resource, kind, start)).unwrap()
    }

    /// A pet owner tries.
    pub(crate) fn try_to_book(&self, wish: Wish) -> Result<BookingId, NotOffered> {
        self.healthengine.book(&practice(PRACTICE), wish)
    }

    /// True if the main clinic offers this start for this type.
    pub(crate) fn offers(&self, resource: &str, kind: &str, start: &str) -> bool {
        let start = wall_time(start);
        let offers = self.healthengine.offered(&practice(PRACTICE), resource, start.date()).unwrap();
        offers.iter().any(|offer| offer.start == start && offer.kinds.iter().any(|own| own == kind))
    }

    /// True if what the main clinic published holds this start for this type, whatever Healthengine makes of it.
    pub(crate) fn published(&self, resource: &str, kind: &str, start: &str) -> bool {
        let (day, time) = (wall_time(start).date(), wall_time(start).time());
        let ranges = self.healthengine.published(&practice(PRACTICE), resource, day).unwrap().unwrap_or_default();
        let holds = |range: &vetbridge::simulator::healthengine::Range| range.start <= time && time < range.end;
        ranges.iter().any(|range| holds(range) && range.appointment_types.iter().any(|own| own == kind))
    }

    /// A booking as Healthengine has it.
    pub(crate) fn booking(&self, id: BookingId) -> BookingView {
        self.healthengine.booking(id).unwrap()
    }

    /// Where a booking stands for its pet owner.
    pub(crate) fn status(&self, id: BookingId) -> BookingStatus {
        self.booking(id).status
    }

    /// This booking is meant to be at odds between the two systems, and flagged for that.
    pub(crate) fn excuse(&mut self, id: BookingId) {
        self.excused.push(id);
    }

    // The diary.

    /// The standing appointments with the number of this booking in their notes.
    pub(crate) fn appointments_of(&self, id: BookingId) -> Vec<Appointment> {
        let line = format!("Healthengine booking {id}");
        self.openvpms.staff(|world| {
            let standing = |own: &&Appointment| own.status != vetbridge::simulator::openvpms::Status::Cancelled;
            world.with_note(&line).into_iter().filter(standing).cloned().collect()
        })
    }

    /// The one standing appointment of this booking.
    pub(crate) fn appointment_of(&self, id: BookingId) -> Appointment {
        let found = self.appointments_of(id);
        assert_eq!(found.len(), 1, "appointments of booking {id}: {found:?}\n{}", self.account());
        found.into_iter().next().unwrap()
    }

    /// Staff write an appointment of so many minutes into the diary.
    pub(crate) fn staff_book(&self, schedule: i64, start: &str, minutes: i64) -> AppointmentId {
        let start = wall_time(start);
        self.openvpms.staff(|world| {
            world.add_appointment(NewAppointment {
                schedule: ScheduleId(schedule),
                start,
                end: start + TimeDelta::minutes(minutes),
                appointment_type: AppointmentTypeId(66),
                clinician: None,
                customer: None,
                patient: None,
            })
        })
    }

    /// Staff move an appointment.
    pub(crate) fn staff_move(&self, id: AppointmentId, schedule: i64, start: &str, minutes: i64) {
        let start = wall_time(start);
        let end = start + TimeDelta::minutes(minutes);
        assert!(self.openvpms.staff(|world| world.move_appointment(id, ScheduleId(schedule), start, end)));
    }

    /// Staff cancel an appointment.
    pub(crate) fn staff_cancel(&self, id: AppointmentId) {
        assert!(self.openvpms.staff(|world| world.cancel(id)));
    }

    // The ledger.

    /// A booking as the ledger has it.
    pub(crate) fn entry(&self, id: BookingId) -> Entry {
        self.find_entry(id).unwrap_or_else(|| panic!("booking {id} in the ledger\n{}", self.account()))
    }

    /// A booking as the ledger has it, if it does.
    pub(crate) fn find_entry(&self, id: BookingId) -> Option<Entry> {
        self.bridge().ledger().get(id).unwrap()
    }

    /// The state of a booking in the ledger.
    pub(crate) fn state(&self, id: BookingId) -> Option<State> {
        self.find_entry(id).map(|entry| entry.state)
    }

    /// Waits until the ledger has a booking in this state.
    pub(crate) async fn until_state(&self, id: BookingId, state: State, limit: Duration) -> Duration {
        self.until(&format!("booking {id} is {}", state.name()), limit, |clinic| clinic.state(id) == Some(state)).await
    }
}

/// How a process of the bridge reaches the simulators.
struct Cables<'a> {
    clinic: &'a Clinic,
    power: &'a Power,
    wires: &'a Wires,
}

impl Cables<'_> {
    fn line(&self, whose: Option<&PracticeId>, memory: Memory) -> Arc<Line> {
        let clinic = self.clinic;
        let rate = match whose {
            None => clinic.config.openvpms.max_requests_per_second,
            Some(_) => clinic.config.healthengine.max_requests_per_second,
        };
        Arc::new(
            Line::new(memory, whose, clinic.journal.clone(), clinic.travel.clone(), self.power.clone())
                .rationed(rate, clinic.rationed),
        )
    }
}

impl Connect for Cables<'_> {
    fn openvpms(&self) -> Doors {
        let settings = &self.clinic.config.openvpms;
        let mut wires = self.wires.openvpms.lock().unwrap();
        if let Some((_, doors)) = wires.as_ref().filter(|(made_for, _)| made_for == settings) {
            return doors.clone();
        }
        let memory = Memory::new(self.clinic.openvpms.clone(), self.clinic.openvpms_faults.clone())
            .below("/openvpms")
            .with_header("authorization", basic(&settings.username, settings.password.expose_secret()))
            .with_timeout(settings.request_timeout);
        let client = OpenVpmsClient::new(self.line(None, memory));
        let doors = Doors { desk: Arc::new(client.with_lane(Lane::Desk)), background: Arc::new(client) };
        *wires = Some((settings.clone(), doors.clone()));
        doors
    }

    fn healthengine(&self, practice: &config::Practice) -> Option<HealthengineHandle> {
        let settings = &self.clinic.config.healthengine;
        let mut wires = self.wires.healthengine.lock().unwrap();
        let secret = |secret: &config::Secret| secret.expose_secret().to_owned();
        let whose = (practice.id.clone(), secret(&practice.key), secret(&settings.api_key));
        if let Some(handle) = wires.get(&whose) {
            return Some(Arc::clone(handle));
        }
        let model: Arc<dyn Model> = Arc::new(self.clinic.twist.around(self.clinic.healthengine.clone()));
        let memory = Memory::new(model, self.clinic.healthengine_faults.clone())
            .below(BASE_PATH)
            .with_header("api-key", settings.api_key.expose_secret())
            .with_header("practice-id", practice.id.0.clone())
            .with_header("practice-key", practice.key.expose_secret())
            .with_header("user-agent", settings.user_agent())
            .with_timeout(settings.request_timeout);
        let line = self.line(Some(&practice.id), memory);
        let handle: HealthengineHandle = Arc::new(HealthengineClient::new(line, self.clinic.clock.clone()));
        wires.insert(whose, Arc::clone(&handle));
        Some(handle)
    }
}

/// True for a POST that makes an appointment.
pub(crate) fn is_submission(asked: &Asked) -> bool {
    asked.method == "POST" && asked.target.ends_with("/bookings")
}

/// The id of a practice.
pub(crate) fn practice(id: &str) -> PracticeId {
    PracticeId(id.to_owned())
}

/// The zone of clinic and practices.
pub(crate) fn sydney() -> Zone {
    Zone::Iana(chrono_tz::Australia::Sydney)
}

/// `2027-02-15 09:00`
pub(crate) fn wall_time(text: &str) -> NaiveDateTime {
    NaiveDateTime::parse_from_str(text, "%Y-%m-%d %H:%M").unwrap()
}

/// The instant of a wall time of the clinic.
pub(crate) fn instant(text: &str) -> DateTime<Utc> {
    sydney().instant(wall_time(text)).unwrap()
}

/// `2027-02-15`
pub(crate) fn day(text: &str) -> NaiveDate {
    text.parse().unwrap()
}

/// So many seconds.
pub(crate) fn seconds(seconds: u64) -> Duration {
    Duration::from_secs(seconds)
}

/// So many minutes.
pub(crate) fn minutes(minutes: u64) -> Duration {
    Duration::from_secs(minutes * 60)
}

/// What Judith wants to book.
pub(crate) fn wish(resource: &str, kind: &str, start: &str) -> Wish {
    Wish::new(resource, kind, wall_time(start)).by(judith(), "Limping since Monday\nPet name: Muffett")
}
