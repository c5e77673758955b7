//! Configuration sync: what OpenVPMS offers becomes the practice's liveness contract, resources and appointment types at
//! Healthengine.
//!
//! A snapshot deletes what it leaves out, so it is sent only when there is a reason (it differs, it was asked for, a day went by,
//! the key is another one) and when the [`Guard`] lets it pass. What was last accepted is remembered across restarts, in full: while
//! a list is held back, whoever asks for it gets the accepted one again.
//!
//! [`inventory`] reads, [`early`] is what bookings need of it before all was read, [`first`] is what Healthengine has before it is told
//! anything, [`changes`] what is to change as data, [`departures`] what is lost by it, and [`sending`] decides what goes out and sends it.

mod changes;
mod departures;
mod early;
mod first;
mod inventory;
mod sending;

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;
use tokio::time::Instant;

use super::calls::Call;
use super::health::Subject;
use super::unread::Source;
use super::{Failed, Offering, Practice};
use crate::healthengine::{LivenessContract, PmsAppointmentType, PmsResource};
use crate::ids::{ResourceId, TypeId};
use crate::mapping::guard::{Accepted, Guard, Occasion, Rulings};
use crate::mapping::{Asked, Inventory, Mapping};
use crate::messages::{configuration as say, practice as practice_say};
use crate::remote::{Answer, CallError, ErrorClass};
use crate::store::{Record, RecordKind, Store};
use crate::supervisor;

pub(super) use changes::ConfigurationChanges;
use changes::ListChange;
pub(crate) use inventory::{asked, read_inventory};

/// What Healthengine last accepted of a practice's configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Told {
    contract: Option<LivenessContract>,
    resources: Option<Vec<PmsResource>>,
    types: Option<Vec<PmsAppointmentType>>,
    accepted: Accepted,
    /// The ids of resource lists that left and whose answers never came: Healthengine has what it accepted, or one of these lists.
    /// Only what is in all of them is sure.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unheard_resources: Option<BTreeSet<String>>,
    /// The same of appointment types.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unheard_types: Option<BTreeSet<String>>,
    /// A keyed hash of the practice key: another key is another consent, and everything is sent again.
    key: String,
    /// When all of it was last accepted in one go.
    at: Option<DateTime<Utc>>,
    /// What left Healthengine and is not back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    departed: Vec<departures::Departure>,
}

impl Told {
    /// Resources that Healthengine surely has.
    fn has_resource(&self, id: &str) -> bool {
        let accepted = self.resources.iter().flatten().any(|own| own.pms_resource_id == id);
        accepted && self.unheard_resources.as_ref().is_none_or(|ids| ids.contains(id))
    }

    /// The same of an appointment type that is among the accepted ones.
    fn has_type(&self, id: &str) -> bool {
        self.unheard_types.as_ref().is_none_or(|ids| ids.contains(id))
    }
}

impl Record for Told {
    const KIND: &'static str = "configuration";
    const VERSION: u32 = 1;
}

/// It travels, because the guard measures by it. After an import all of it is sent again.
pub(super) const KIND: RecordKind = RecordKind::exported::<Told>();

/// What was told, what is asked for, and what is held back.
pub(super) struct Configuration {
    told: Mutex<Told>,
    guard: Mutex<Guard>,
    protected: Mutex<BTreeSet<ResourceId>>,
    resources_wanted: AtomicBool,
    types_wanted: AtomicBool,
    wanted: Notify,
    /// When a list left whose answer never came: it may arrive after one that was sent later, and undo that one.
    lost_at: Mutex<Option<Instant>>,
    early: early::Early,
}

/// A list that nobody waits for any longer arrives within this time, or not at all. An assumption with room to spare.
const LATE: Duration = Duration::from_secs(60);

impl Configuration {
    /// Reads what was told before the restart.
    pub(super) fn open(store: &Store, practice: &crate::ids::PracticeId) -> Self {
        // A record that cannot be read is a configuration that was never sent.
        let told = store.get::<Told>(&practice.0).ok().flatten().unwrap_or_default();
        let is_unheard = told.unheard_resources.is_some() || told.unheard_types.is_some();
        Self {
            lost_at: Mutex::new(is_unheard.then(Instant::now)),
            told: Mutex::new(told),
            guard: Mutex::default(),
            protected: Mutex::default(),
            resources_wanted: AtomicBool::new(false),
            types_wanted: AtomicBool::new(false),
            wanted: Notify::new(),
            early: early::Early::default(),
        }
    }

    fn locked<'a, T>(mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock()
    }

    /// Resources that OpenVPMS does not list, or without their types, and that stay at Healthengine until the guard is convinced.
    pub(super) fn protected(&self) -> BTreeSet<ResourceId> {
        Self::locked(&self.protected).clone()
    }

    /// What is left without them: a day of theirs, worked out from what was read, would offer too little.
    pub(super) fn leave_out_protected(&self, offering: &mut Offering) {
        let protected = Self::locked(&self.protected);
        offering.mapping.resources.retain(|resource| !protected.contains(&resource.id));
    }

    /// The appointment types that Healthengine surely has, those of protected resources included; `None` before it had any.
    pub(super) fn sure_types(&self) -> Option<BTreeSet<TypeId>> {
        let told = Self::locked(&self.told);
        let ids = told.types.as_ref()?.iter().map(|own| own.pms_appointment_type_id.as_str());
        Some(ids.filter(|id| told.has_type(id)).filter_map(|id| id.parse().ok()).collect())
    }

    /// Resources that Healthengine has, as far as we were told.
    pub(super) fn resources_at_healthengine(&self) -> BTreeSet<ResourceId> {
        let told = Self::locked(&self.told);
        told.resources.iter().flatten().filter_map(|own| own.pms_resource_id.parse().ok()).collect()
    }

    /// Looks at what OpenVPMS offered when Healthengine last accepted its lists.
    pub(super) fn with_accepted<T>(&self, look: impl FnOnce(&Accepted) -> T) -> T {
        look(&Self::locked(&self.told).accepted)
    }

    /// True once Healthengine accepted all of it.
    pub(super) fn was_ever_accepted(&self) -> bool {
        self.accepted_at().is_some()
    }

    /// When Healthengine last accepted all of it.
    pub(super) fn accepted_at(&self) -> Option<DateTime<Utc>> {
        Self::locked(&self.told).at
    }
}

/// Why the configuration is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Reason {
    /// It is time to look whether something differs.
    Interval,
    /// A person wants all of it sent, and releases what is held back.
    Person,
}

/// The configuration as it should be at Healthengine.
struct Desired {
    contract: LivenessContract,
    resources: Vec<PmsResource>,
    types: Vec<PmsAppointmentType>,
    accepted: Accepted,
    rulings: Rulings,
}

impl Practice {
    /// Reads and sends until the practice stops.
    pub(super) async fn configuration_loop(self: Arc<Self>) {
        let sync = &self.settings.sync;
        let mut delays = self.delays(Duration::from_secs(1));
        let mut clock = self.shared.leaps.listen();
        loop {
            let wait = match self.configure(Reason::Interval, false).await {
                Ok(_) => {
                    delays.reset();
                    self.again_after_a_lost_list().map_or(sync.config_interval, |wait| wait.min(sync.config_interval))
                }
                Err(Failed::Healthengine(error)) if error.is_access() => crate::webhooks::pace::BLOCKED,
                Err(failed) => {
                    let asked = failed.into_error().pause();
                    delays.next_delay().max(asked).min(sync.config_interval)
                }
            };
            let _again = self.first_configuration.set(());
            let due = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => false,
                    () = tokio::time::sleep(wait) => true,
                    () = self.configuration.wanted.notified() => true,
                    () = self.read_features_again() => true,
                    () = clock.leaped() => true,
                }
            });
            if !due.await {
                return;
            }
        }
    }

    /// Once nothing of a lost list can arrive any more both lists are sent once more. How long until then, if there was one.
    fn again_after_a_lost_list(&self) -> Option<Duration> {
        let mut lost_at = Configuration::locked(&self.configuration.lost_at);
        let left = (*lost_at)?.checked_add(LATE)?.saturating_duration_since(Instant::now());
        if left.is_zero() {
            *lost_at = None;
            self.configuration.resources_wanted.store(true, Ordering::Relaxed);
            self.configuration.types_wanted.store(true, Ordering::Relaxed);
        }
        Some(left)
    }

    /// While Healthengine does not say which extra features are on, it is asked again without all the rest. Never ends.
    async fn read_features_again(&self) {
        let mut delays = self.delays(Duration::from_secs(1));
        while self.calls.look(|calls| calls.fails(Call::Features)) {
            tokio::time::sleep(delays.next_delay()).await;
            if !self.is_blocked(Call::Features) {
                // What came of it is heard there.
                let _told = self.features_off().await;
            }
        }
        std::future::pending().await
    }

    /// Healthengine asks for the resources.
    pub(super) fn resources_wanted(&self) {
        self.list_wanted(&self.configuration.resources_wanted);
    }

    /// Healthengine asks for the appointment types.
    pub(super) fn appointment_types_wanted(&self) {
        self.list_wanted(&self.configuration.types_wanted);
    }

    /// Something that is offered turned out to be closed.
    pub(super) fn read_configuration_soon(&self) {
        self.configuration.wanted.notify_one();
    }

    fn list_wanted(&self, wanted: &AtomicBool) {
        // A request stays listed until its snapshot arrives; asking twice for one does no good.
        if !wanted.swap(true, Ordering::Relaxed) {
            self.configuration.wanted.notify_one();
        }
    }

    /// Reads OpenVPMS's inventory and brings Healthengine's configuration into line with it. A dry run says what it would send.
    pub(super) async fn configure(&self, reason: Reason, dry_run: bool) -> Result<ConfigurationChanges, Failed> {
        let _one = supervisor::wait(self.configuring.lock()).await;
        // What is known of one side is said and used, whatever the other one does.
        let refusal = self.refusal_of(Call::Features).filter(|_| reason == Reason::Interval);
        let features = async {
            match refusal {
                _ if dry_run => Ok(()),
                Some(refusal) => Err(refusal),
                None => self.features_off().await,
            }
        };
        let (desired, features) = tokio::join!(self.read_and_adopt(reason, dry_run), features);
        let (desired, there) = desired?;
        features.map_err(Failed::Healthengine)?;
        let shown = self.departures_shown();
        let outcome = match there {
            Ok(()) => self.send_configuration(&desired, reason, dry_run).await,
            Err(error) => Err(error),
        };
        if !dry_run {
            self.heard(Call::Configuration, outcome.as_ref().map(drop));
            if outcome.is_ok() && reason == Reason::Person {
                self.departures_are_meant(&shown);
            }
            self.tell_departures();
            if outcome.is_ok() {
                self.offer_what_was_accepted();
                self.locked(&self.progress).configured_at = Some(self.now());
            }
        }
        outcome.map_err(Failed::Healthengine)
    }

    /// Reads the inventory. From here on the desk decides by it, and it is known what is to be sent, unless Healthengine did not say
    /// what it has.
    async fn read_and_adopt(&self, reason: Reason, dry_run: bool) -> Result<(Desired, Answer<()>), Failed> {
        let asked = asked(&self.config);
        let read = self.read_inventory(&asked).await;
        self.heard_of_openvpms(Source::Inventory, None, read.as_ref().map(drop));
        let inventory = read.map_err(Failed::OpenVpms)?;
        let mapping = Mapping::new(&inventory, &asked);
        let there = self.lists_at_healthengine(reason == Reason::Person && !dry_run).await;
        let there = there.map(|found| self.take_over(found, &asked, &mapping));
        let desired = self.desired(&mapping, &asked, reason, dry_run);
        // Before anything is offered by this reading. What a person would release by a resync stays protected in its dry run.
        if !dry_run || reason == Reason::Interval {
            Configuration::locked(&self.configuration.protected).clone_from(&desired.rulings.protected);
        }
        self.adopt_mapping(mapping, &inventory);
        if self.offering().is_some() {
            self.configuration.early.forget().await;
        }
        // After a restart days follow what was accepted before it, whether or not the configuration arrives.
        if !dry_run && self.was_accepted_with_this_key() {
            self.offer_what_was_accepted();
        }
        Ok((desired, there))
    }

    async fn read_inventory(&self, asked: &Asked) -> Answer<Inventory> {
        let whole = read_inventory(self.openvpms.background.as_ref(), asked);
        let stopped = || Err(CallError::new(ErrorClass::NotSent, practice_say::STOPPING));
        self.stop.run_until_cancelled(whole).await.unwrap_or_else(stopped)
    }

    fn desired(&self, mapping: &Mapping, asked: &Asked, reason: Reason, dry_run: bool) -> Desired {
        let interval = TimeDelta::from_std(self.settings.sync.config_interval).unwrap_or(TimeDelta::minutes(10));
        let occasion = Occasion { now: self.now(), interval, person_insists: reason == Reason::Person };
        let accepted = Configuration::locked(&self.configuration.told).accepted.clone();
        let mut guard = Configuration::locked(&self.configuration.guard);
        // A dry run must not count as a reading.
        let mut trial = guard.clone();
        let judge = if dry_run { &mut trial } else { &mut *guard };
        let rulings = judge.judge(&accepted, mapping, asked, occasion);
        Desired {
            contract: self.config.live_hours.contract(),
            resources: mapping.pms_resources(),
            types: mapping.pms_appointment_types(),
            accepted: Accepted::from_mapping(mapping),
            rulings,
        }
    }

    /// From here on days and bookings are judged by this mapping.
    fn adopt_mapping(&self, mapping: Mapping, inventory: &Inventory) {
        let now = self.now();
        let left_out: Vec<String> = mapping
            .left_out
            .iter()
            .map(say::left_out)
            .chain(mapping.missing_locations.iter().map(say::missing_location))
            .collect();
        let named = left_out.iter().take(LEFT_OUT_NAMED).cloned();
        let text: Vec<String> =
            named.chain(say::more_left_out(left_out.len().saturating_sub(LEFT_OUT_NAMED))).collect();
        self.health.set(Subject::LeftOut, (!text.is_empty()).then(|| text.join(" ")), now);
        match mapping.zones.clone() {
            Ok(zones) => {
                self.health.clear(&Subject::Mapping);
                let shift = zones.diary_shift(now).filter(|shift| shift.is_wrong);
                self.health.set(Subject::Zone, shift.map(|shift| say::diary_shifted(&zones, shift)), now);
                super::zones::remember(&self.shared.store, self.id(), zones.practice);
                self.offering.send_if_modified(|offering| {
                    let next = Offering::new(mapping, zones, inventory);
                    let changed = offering.as_deref() != Some(&next);
                    if changed {
                        *offering = Some(Arc::new(next));
                    }
                    changed
                });
                let _again = self.first_offering.set(());
                if let Some(offering) = self.offering() {
                    self.openvpms_wanted(|source| offering.reads(source));
                }
            }
            Err(problem) => {
                self.health.raise(Subject::Mapping, say::zone_problem(&problem), now);
                // A server that has another zone since its last start means other moments by the same diary: nothing more is
                // worked out with the zone that it had.
                self.offering.send_replace(None);
                self.offered.send_replace(None);
            }
        }
    }

    /// From here on days are sent of what Healthengine has: the mapping, less what the guard or an error keeps from it. Nothing is
    /// sent for the days of what the guard protects, which the mapping has without the types that are missing.
    fn offer_what_was_accepted(&self) {
        let Some(offering) = self.offering() else { return };
        let mut accepted = Offering::clone(&offering);
        {
            let told = Configuration::locked(&self.configuration.told);
            accepted.mapping.resources.retain(|resource| told.has_resource(&resource.id.to_string()));
        }
        self.configuration.leave_out_protected(&mut accepted);
        let types = self.configuration.sure_types().unwrap_or_default();
        for resource in &mut accepted.mapping.resources {
            resource.types.retain(|kind| types.contains(&kind.id));
        }
        self.offered.send_if_modified(|offered| {
            let changed = offered.as_deref() != Some(&accepted);
            if changed {
                *offered = Some(Arc::new(accepted));
            }
            changed
        });
    }
}

/// So many resources that are left out are named; of the others the number is told.
const LEFT_OUT_NAMED: usize = 20;
