//! A clinic for tests of the whole bridge: both simulators, the real clients, the bridge and its
//! store, in one process and in tokio's time. With time paused, minutes pass in milliseconds.
//!
//! A test reads like the day it tells of: pet owners book, staff write into the diary, servers
//! fail, and [`Clinic::until`] waits for what must follow. [`Clinic::finish`] ends it: both sides
//! must agree booking by booking and day by day, Healthengine must have nothing to complain of, and
//! nothing about a pet owner may stand in a log.

#![allow(dead_code, reason = "each test binary uses the part of the harness that it needs")]
#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod agreement;
mod cables;
mod chance;
mod clock;
mod configuration;
mod diary;
mod http;
mod ledger;
mod log;
mod marketplace;
mod mines;
mod online;
mod people;
mod process;
mod staff;
mod unlocked;
pub(crate) mod webhooks;
mod wire;

use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio_util::sync::DropGuard;
use vetbridge::clock::Clock;
use vetbridge::config::Config;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Faults;
use vetbridge::simulator::healthengine::{HealthengineModel, ModelSettings, NewPractice};
use vetbridge::simulator::openvpms::{OpenVpmsSim, Uuids, World};
use vetbridge::store::MemoryEngine;

pub(crate) use self::agreement::starts;
pub(crate) use self::cables::{both_doors, is_submission, to_healthengine, to_openvpms};
pub(crate) use self::chance::Chance;
pub(crate) use self::clock::{Hands, MORNING, as_told, day, instant, minutes, seconds, sydney, wall_time};
pub(crate) use self::configuration::{
    API_KEY, BRANCH, PRACTICE, SECOND_PRACTICE, SERVERS, filled_in, parsed, practice, servers_at,
};
pub(crate) use self::http::listen;
pub(crate) use self::log::Log;
pub(crate) use self::marketplace::booked;
pub(crate) use self::mines::{Mine, Mines, Step, go_off};
pub(crate) use self::online::Online;
pub(crate) use self::people::{judith, person, wish};
pub(crate) use self::staff::{standing, standing_by_booking};
pub(crate) use self::unlocked::Unlocked;
pub(crate) use self::wire::{Call, Fuse, Journal, Line, Power, Travel, Twist, basic};

use self::configuration::main_clinic;
pub(crate) use self::process::Another;
use self::process::Running;

/// Both systems, the bridge between them, and the means to disturb them.
pub(crate) struct Clinic {
    /// What time it is in the world.
    pub(crate) clock: Clock,
    /// What the bridge's machine takes it for.
    pub(crate) machine: Clock,
    /// How the two are set.
    hands: Hands,
    /// Faults planted in the bridge's loops.
    pub(crate) mines: Mines,
    /// The practice system.
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    /// The same as the bridge reaches it.
    pub(crate) unlocked: Unlocked,
    /// What goes wrong on the way to it.
    pub(crate) openvpms_faults: Faults,
    /// The marketplace.
    pub(crate) healthengine: HealthengineModel,
    /// What goes wrong on the way to it.
    pub(crate) healthengine_faults: Faults,
    /// What becomes of its answers on the way,
    pub(crate) twist: Twist,
    /// and of those of OpenVPMS.
    pub(crate) openvpms_twist: Twist,
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

impl Clinic {
    /// The main clinic with schedules 136 (15 minutes) and 211 (30 minutes), on [`MORNING`]. The bridge is not started.
    pub(crate) fn new() -> Self {
        Self::at(MORNING)
    }

    /// The same at another time of Sydney's.
    pub(crate) fn at(wall: &str) -> Self {
        Self::with_config(&main_clinic(), wall)
    }

    /// The main clinic and its branch, with schedule 311, as two practices.
    pub(crate) fn with_branch() -> Self {
        let clinic = Self::with_config(&(main_clinic() + SECOND_PRACTICE), MORNING);
        clinic.openvpms.staff(World::add_branch_schedule);
        clinic
    }

    fn with_config(text: &str, wall: &str) -> Self {
        let log = Log::capture();
        let config = parsed(text);
        let (hands, mines) = (Hands::default(), Mines::default());
        let clock = hands.world(sydney().instant(wall_time(wall)).unwrap());
        let machine = hands.machine(&clock, &mines);
        let openvpms = Arc::new(OpenVpmsSim::new(World::guide_inventory(Uuids::from_seed(1)), clock.clone()));
        let healthengine = HealthengineModel::new(ModelSettings::new(API_KEY), clock.clone());
        add_practices(&healthengine, &config);
        Self {
            journal: Journal::new(clock.clone()),
            unlocked: Unlocked::new(Arc::clone(&openvpms), clock.clone()),
            clock,
            machine,
            hands,
            mines,
            openvpms,
            openvpms_faults: Faults::none(),
            healthengine,
            healthengine_faults: Faults::none(),
            twist: Twist::default(),
            openvpms_twist: Twist::default(),
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
}

/// The practices of a configuration, as Healthengine has them.
pub(crate) fn add_practices(healthengine: &HealthengineModel, config: &Config) {
    for practice in &config.practices {
        let key = practice.key.expose_secret();
        healthengine.add_practice(NewPractice::new(practice.id.0.clone(), key, sydney()));
    }
}
