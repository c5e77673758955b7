//! Both models in memory, with the bridge between them: where things may go wrong.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use anyhow::Context as _;
use base64::Engine as _;
use chrono::{Days, NaiveDate, NaiveTime, TimeDelta};
use secrecy::ExposeSecret as _;

use super::super::connections::RehearsalConnections;
use super::super::round::eventually;
use crate::bridge::Bridge;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::http::Lane;
use crate::ids::{BookingId, PracticeId, UserId};
use crate::metrics::calls::CallMetrics;
use crate::openvpms::client::OpenVpmsClient;
use crate::practice::{OpenVpmsClients, Practice};
use crate::simulator::exchange::{Faults, Memory};
use crate::simulator::healthengine::{
    HealthengineModel, MarketplaceStatus, ModelSettings, NewPractice, PetOwner, RequestOutcome, Wish,
};
use crate::simulator::openvpms::{AppointmentStatus, AreaId, OpenVpmsSim, Shift, Uuids, World};
use crate::store::{MemoryEngine, Store};
use crate::zone::Zone;

/// The practice that each scenario begins with, and another one.
pub(super) const PRACTICE: &str = "1234567";
pub(super) const OTHER: &str = "7654321";

/// Where the models are.
const ZONE: Zone = Zone::Iana(chrono_tz::Australia::Sydney);
/// What both practices have in common. Short intervals: nobody waits for a clinic's.
const SETTINGS: &str = include_str!("simulated.toml");
/// What is in flight when a bridge stops has so long.
const PATIENCE: Duration = Duration::from_secs(3);
/// So long a clinic's roster is.
const ROSTER_DAYS: u64 = 7;

/// A practice at some locations; `rest` are further entries.
pub(super) fn practice(id: &str, locations: &str, rest: &str) -> String {
    format!(
        "[[practice]]\nid = \"{id}\"\nkey = \"key-of-{id}\"\nlocations = {locations}\n[practice.live_hours]\n\
         monday = [\"08:00-18:00\"]\n{rest}"
    )
}

/// The main practice alone.
pub(super) fn main() -> String {
    practice(PRACTICE, "[98]", "")
}

pub(super) fn id(practice: &str) -> PracticeId {
    PracticeId(practice.to_owned())
}

/// Both models, and a bridge that can be stopped and started.
pub(super) struct Playground {
    pub(super) clinic: Arc<OpenVpmsSim>,
    pub(super) model: HealthengineModel,
    pub(super) config: Config,
    clock: Clock,
    store: Store,
    bridge: Option<Arc<Bridge>>,
}

impl Playground {
    /// With these practices in the configuration, and a bridge that does not run yet.
    pub(super) fn new(practices: &str) -> anyhow::Result<Self> {
        let clock = Clock::system();
        let mut world = World::guide_inventory(Uuids::from_seed(1));
        let today = ZONE.wall(clock.now()).date();
        world.add_branch_schedule();
        world.roster = today.iter_days().take(ROSTER_DAYS as usize).map(shift).collect();
        let config = parsed(practices)?;
        let settings = ModelSettings::new(config.healthengine.api_key.expose_secret());
        let model = HealthengineModel::new(settings, clock.clone());
        for id in [PRACTICE, OTHER] {
            model.add_practice(NewPractice::new(id, format!("key-of-{id}"), ZONE));
        }
        let store = Store::in_memory(&MemoryEngine::new(), clock.now()).context("a store in memory")?;
        let clinic = Arc::new(OpenVpmsSim::new(world, clock.clone()));
        Ok(Self { clinic, model, config, clock, store, bridge: None })
    }

    /// The same with a bridge that runs and has every day sent.
    pub(super) async fn running(practices: &str) -> anyhow::Result<Self> {
        let mut play = Self::new(practices)?;
        play.start();
        play.until_offered(PRACTICE).await?;
        // Of a booking that is as old as the store the bridge must suppose that it was made before.
        tokio::time::sleep(Duration::from_secs(2)).await;
        Ok(play)
    }

    /// Starts the bridge on what the last one left.
    pub(super) fn start(&mut self) -> Arc<Bridge> {
        let (store, clock) = (self.store.clone(), self.clock.clone());
        let bridge = Arc::new(Bridge::new(&self.config, &self.connections(), store, clock));
        bridge.start();
        self.bridge = Some(Arc::clone(&bridge));
        bridge
    }

    /// Stops it.
    pub(super) async fn stop(&mut self) {
        if let Some(bridge) = self.bridge.take() {
            bridge.stop(PATIENCE).await;
        }
    }

    /// The bridge reads another configuration.
    pub(super) fn reload(&mut self, practices: &str) -> anyhow::Result<()> {
        self.config = parsed(practices)?;
        let connections = self.connections();
        self.bridge()?.reload(&self.config, &connections);
        Ok(())
    }

    fn connections(&self) -> RehearsalConnections {
        let openvpms = &self.config.openvpms;
        let user = format!("{}:{}", openvpms.username, openvpms.password.expose_secret());
        let memory = Memory::new(self.clinic.clone(), Faults::none())
            .below("/openvpms")
            .with_header("authorization", format!("Basic {}", base64::engine::general_purpose::STANDARD.encode(user)));
        let client = OpenVpmsClient::new(Arc::new(memory));
        let clients = OpenVpmsClients {
            interactive: Arc::new(client.with_lane(Lane::Interactive)),
            background: Arc::new(client.clone()),
            writer: Arc::new(client),
        };
        let metrics = CallMetrics::default();
        RehearsalConnections::new(&self.config, clients, &Arc::default(), &self.model, metrics, &self.clock)
    }

    pub(super) fn bridge(&self) -> anyhow::Result<&Arc<Bridge>> {
        self.bridge.as_ref().context("the bridge does not run")
    }

    pub(super) fn practice(&self) -> anyhow::Result<Arc<Practice>> {
        self.bridge()?.practice(&id(PRACTICE)).context("the practice does not run")
    }

    /// Waits for something of the models or the bridge.
    pub(super) async fn until<T>(&self, what: &str, look: impl Fn() -> Option<T>) -> anyhow::Result<T> {
        eventually(look).await.with_context(|| format!("this did not come facts: {what}"))
    }

    /// Waits until a practice offers something.
    pub(super) async fn until_offered(&self, practice: &str) -> anyhow::Result<()> {
        self.until("times are offered", || (self.starts(practice) > 0).then_some(())).await
    }

    /// How many starts a practice offers.
    pub(super) fn starts(&self, practice: &str) -> usize {
        let days: Vec<NaiveDate> = self.today().iter_days().take(self.config.sync.horizon_days as usize).collect();
        let resources = self.model.resources(&id(practice)).unwrap_or_default();
        let of = |resource: &str| -> usize {
            days.iter().map(|day| self.model.offered(&id(practice), resource, *day).map_or(0, |own| own.len())).sum()
        };
        resources.iter().map(|resource| of(&resource.id)).sum()
    }

    pub(super) fn today(&self) -> NaiveDate {
        ZONE.wall(self.clock.now()).date()
    }

    /// The calls that were made for the practice, in order, such as `POST config/livenessContract`.
    pub(super) fn calls(&self) -> Vec<String> {
        let all = self.model.exchanges().into_iter().filter(|own| own.practice.as_deref() == Some(PRACTICE));
        all.map(|own| format!("{} {}", own.method, own.path)).collect()
    }

    /// Tomorrow at this hour, for a standard consult on schedule 136.
    pub(super) fn wish(&self, owner: PetOwner, hour: u32) -> Wish {
        let tomorrow = self.today() + Days::new(1);
        let start = tomorrow.and_time(NaiveTime::MIN) + TimeDelta::hours(hour.into());
        Wish::new("s136", "66:s136", start).by(owner, "Rehearsal")
    }

    /// A pet owner books it, offered or not.
    pub(super) fn book(&self, wish: Wish) -> anyhow::Result<BookingId> {
        Ok(self.model.book_regardless(&id(PRACTICE), wish)?)
    }

    /// Waits until a booking is confirmed and stands in the diary.
    pub(super) async fn until_confirmed(&self, booking: BookingId) -> anyhow::Result<TimeDelta> {
        let confirmed = || {
            let view = self.model.booking(booking).ok()?;
            let is_so = view.status == MarketplaceStatus::Confirmed && view.answer == RequestOutcome::Confirmed;
            view.answered_at.filter(|_| is_so && self.standing(booking) == 1).map(|at| at - view.booked_at)
        };
        self.until("the booking is confirmed", confirmed).await
    }

    /// How many appointments of a booking stand.
    pub(super) fn standing(&self, booking: BookingId) -> usize {
        let line = format!("Healthengine booking {booking}");
        let stands = |world: &mut World| {
            world.with_note(&line).iter().filter(|own| own.status != AppointmentStatus::Cancelled).count()
        };
        self.clinic.staff(stands)
    }

    /// The last look: the bridge stops, and did nothing that the API does not allow.
    pub(super) async fn end(mut self) -> anyhow::Result<()> {
        self.stop().await;
        match self.model.violations().first() {
            None => Ok(()),
            Some(violation) => anyhow::bail!("the API does not allow this: {violation}"),
        }
    }
}

fn parsed(practices: &str) -> anyhow::Result<Config> {
    let text = format!("{SETTINGS}{practices}");
    Ok(config::parse(Path::new("simulated.toml"), &text, &|_| Err(std::env::VarError::NotPresent))?)
}

/// Clinician 1158 of the guide's clinic, all day on what stands for schedule 136.
fn shift(day: NaiveDate) -> Shift {
    let at = |hour| day.and_time(NaiveTime::MIN) + TimeDelta::hours(hour);
    Shift { user: UserId(1158), area: AreaId(301), start: at(9), end: at(17) }
}
