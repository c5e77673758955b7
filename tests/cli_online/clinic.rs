//! A clinic for the program to work at: both simulators on loopback ports inside the test, and a
//! directory with a configuration.

#[path = "../common/program.rs"]
pub(crate) mod program;

use std::path::PathBuf;
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use chrono::{NaiveDate, NaiveTime, TimeDelta};
use tempfile::TempDir;
use tokio::net::TcpListener;
use tokio_util::sync::{CancellationToken, DropGuard};
use vetbridge::booking::answered::Acknowledged;
use vetbridge::booking::entry::{Entry, State};
use vetbridge::clock::Clock;
use vetbridge::ids::{BookingId, PracticeId, UserId};
use vetbridge::practice::ledger::Ledger;
use vetbridge::simulator::exchange::{Faults, Model, serve};
use vetbridge::simulator::healthengine::{HealthengineModel, ModelSettings, NewPractice, PetOwner, Wish};
use vetbridge::simulator::openvpms::{Appointment, AppointmentStatus, AreaId, OpenVpmsSim, Shift, Uuids, World};
use vetbridge::store::Store;

#[allow(clippy::duplicate_mod, reason = "a binary that has both harnesses has it twice")]
#[path = "../common/configuration.rs"]
pub(crate) mod configuration;

use configuration::{API_KEY, servers_at};

/// No condition that a test waits for takes longer on a machine that is not broken.
const LIMIT: Duration = Duration::from_secs(60);

/// The practice that Healthengine knows.
pub(crate) const PRACTICE: &str = "1234567";

/// The practice of [`Clinic::open_branch_in_perth`].
pub(crate) const BRANCH: &str = "7654321";

/// Both servers, and the directory that the program runs in.
pub(crate) struct Clinic {
    pub(crate) openvpms: Arc<OpenVpmsSim>,
    pub(crate) healthengine: HealthengineModel,
    pub(crate) openvpms_faults: Faults,
    pub(crate) healthengine_faults: Faults,
    pub(crate) directory: TempDir,
    /// Of the admin listener.
    pub(crate) port: u16,
    openvpms_port: u16,
    healthengine_port: u16,
    _stop: DropGuard,
}

impl Clinic {
    /// The clinic of the published guide: location 98, schedules 136 and 211, four appointment
    /// types each, open every day; Andrew Turner (1158) is rostered on 136 for the coming week.
    pub(crate) async fn open() -> Self {
        let clock = Clock::system();
        let mut world = World::guide_inventory(Uuids::from_seed(1));
        let today = world.zone.wall(clock.now()).date();
        world.roster = (0..7).map(|days| shift(today + TimeDelta::days(days))).collect();
        let openvpms = Arc::new(OpenVpmsSim::new(world, clock.clone()));
        let healthengine = HealthengineModel::new(ModelSettings::new("the-api-key"), clock);
        healthengine.add_practice(NewPractice::new(PRACTICE, "the-practice-key", "Australia/Sydney".parse().unwrap()));
        let stop = CancellationToken::new();
        let (openvpms_faults, healthengine_faults) = (Faults::none(), Faults::none());
        let openvpms_port = listen(Arc::clone(&openvpms) as Arc<dyn Model>, &openvpms_faults, &stop).await;
        let healthengine_port = listen(Arc::new(healthengine.clone()), &healthengine_faults, &stop).await;
        let clinic = Self {
            openvpms,
            healthengine,
            openvpms_faults,
            healthengine_faults,
            directory: TempDir::new().unwrap(),
            port: free_port().await,
            openvpms_port,
            healthengine_port,
            _stop: stop.drop_guard(),
        };
        clinic.write("vetbridge.toml", &clinic.configuration());
        clinic.write("openvpms.password", "changeit\n");
        clinic
    }

    /// A whole configuration: everything of the clinic is offered.
    pub(crate) fn configuration(&self) -> String {
        self.settings() + &practice(PRACTICE, "the-practice-key", "")
    }

    /// A configuration without practices. Its intervals are short, so that tests are.
    pub(crate) fn settings(&self) -> String {
        let keys = "max_requests_per_second = 1000\nrequest_timeout = \"5s\"\n";
        let servers = servers_at(self.openvpms_port, self.healthengine_port, keys)
            .replace("\"changeit\"", "{ file = \"openvpms.password\" }")
            .replace(API_KEY, "the-api-key");
        format!(
            r#"{servers}
[state]
path = "state"
[admin]
listen = "127.0.0.1:{}"
[sync]
horizon_days = 5
near_days = 3
availability_interval = "1s"
request_interval = "100ms"
idle_request_interval = "100ms"
max_retry_interval = "1s"
"#,
            self.port
        )
    }

    /// A second practice, with a schedule of its own, on the other side of the continent.
    pub(crate) fn open_branch_in_perth(&self) {
        self.healthengine.add_practice(NewPractice::new(BRANCH, "the-other-key", "Australia/Perth".parse().unwrap()));
        self.openvpms.staff(World::add_branch_schedule);
        let branch = practice(BRANCH, "the-other-key", "timezone = \"Australia/Perth\"").replace("[98]", "[106]");
        self.write("vetbridge.toml", &(self.configuration() + &branch));
    }

    /// The state of a service that has rejected so many bookings, numbered from 1, each for an hour
    /// later than the one before; these still need a person.
    pub(crate) async fn fill_ledger(&self, count: i64, flagged: &[i64]) {
        let now = self.healthengine.now();
        let store = Store::open(&self.state(), now).unwrap();
        let ledger = Ledger::open(store.clone(), now);
        for number in 1..=count {
            let mut entry = Entry::received(BookingId(number), PracticeId(PRACTICE.into()), None, "p".into(), now);
            (entry.state, entry.answered.acknowledged) = (State::Rejected, Acknowledged::Yes);
            entry.wanted.at = Some(self.today().and_time(NaiveTime::MIN) + TimeDelta::hours(number));
            if flagged.contains(&number) {
                entry.needs_attention = Some("Look into the diary.".into());
            }
            ledger.save_later(&entry, now).unwrap();
        }
        store.flush().await.unwrap();
    }

    /// Writes a file into the directory.
    pub(crate) fn write(&self, name: &str, text: &str) {
        std::fs::write(self.directory.path().join(name), text).unwrap();
    }

    /// Where the program keeps its state.
    pub(crate) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// The program in the directory, with none of this machine's settings.
    pub(crate) fn command(&self, arguments: &[&str]) -> Command {
        let mut command = program::vetbridge(self.directory.path());
        command.args(arguments);
        command
    }

    /// Runs the program to its end.
    pub(crate) async fn run(&self, arguments: &[&str]) -> Ended {
        let mut command = self.command(arguments);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        Ended { status: output.status.code().unwrap(), out: text(output.stdout), error: text(output.stderr) }
    }

    /// The date at the clinic.
    pub(crate) fn today(&self) -> NaiveDate {
        self.healthengine.now().with_timezone(&chrono_tz::Australia::Sydney).date_naive()
    }

    /// The appointments of a booking that were ever made.
    pub(crate) fn appointments_of(&self, booking: BookingId) -> Vec<Appointment> {
        let line = format!("Healthengine booking {booking}");
        self.openvpms.staff(|world| world.with_note(&line).into_iter().cloned().collect())
    }

    /// How many of them stand in the diary.
    pub(crate) fn standing(&self, booking: BookingId) -> usize {
        self.appointments_of(booking).iter().filter(|own| own.status != AppointmentStatus::Cancelled).count()
    }

    /// A pet owner books the first time offered tomorrow.
    pub(crate) async fn book(&self, resource: &str) -> BookingId {
        self.book_by(PetOwner::default(), resource).await
    }

    /// The same by this pet owner.
    pub(crate) async fn book_by(&self, owner: PetOwner, resource: &str) -> BookingId {
        let practice = PracticeId(PRACTICE.into());
        let tomorrow = self.today().succ_opt().unwrap();
        let offered = || self.healthengine.offered(&practice, resource, tomorrow).unwrap();
        eventually("a time is offered", async || !offered().is_empty()).await;
        let offer = offered().remove(0);
        let kind = format!("66:{resource}");
        let wish = Wish::new(resource, kind, offer.start).by(owner, "Pet name: Muffett");
        self.healthengine.book(&practice, wish).unwrap()
    }
}

/// What a run of the program left.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) status: i32,
    pub(crate) out: String,
    pub(crate) error: String,
}

/// A `[[practice]]` at location 98; `rest` stands before its live hours.
pub(crate) fn practice(id: &str, key: &str, rest: &str) -> String {
    configuration::practice(id, key, "[98]", rest)
}

/// Waits until the condition holds.
pub(crate) async fn eventually(what: &str, condition: impl AsyncFn() -> bool) {
    let holds = async {
        while !condition().await {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    assert!(tokio::time::timeout(LIMIT, holds).await.is_ok(), "not within {LIMIT:?}: {what}");
}

/// A port that nobody listens on. It is let go until somebody is told to listen there, so it is none of those that the
/// system gives to whoever asks for any, as other tests do meanwhile.
pub(crate) async fn free_port() -> u16 {
    static TAKEN: AtomicU32 = AtomicU32::new(0);
    loop {
        let next = std::process::id().wrapping_mul(97).wrapping_add(TAKEN.fetch_add(1, Ordering::Relaxed));
        let port = 20_000 + u16::try_from(next % 12_000).unwrap();
        if TcpListener::bind(("127.0.0.1", port)).await.is_ok() {
            return port;
        }
    }
}

/// Serves a model on a free port.
pub(crate) async fn listen(model: Arc<dyn Model>, faults: &Faults, stop: &CancellationToken) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(serve(listener, model, faults.clone(), stop.clone()));
    port
}

fn shift(day: NaiveDate) -> Shift {
    let at = |hour| day.and_time(NaiveTime::from_hms_opt(hour, 0, 0).unwrap());
    // Area 301 of the guide's clinic stands for schedule 136.
    Shift { user: UserId(1158), area: AreaId(301), start: at(9), end: at(17) }
}
