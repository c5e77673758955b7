//! Configuration sync: what OpenVPMS offers becomes the practice's liveness contract, resources and appointment types at
//! Healthengine.
//!
//! A snapshot deletes what it leaves out, so it is sent only when there is a reason (it differs, it was asked for, a day went by,
//! the key is another one) and when the [`Guard`] lets it pass. What was last accepted is remembered across restarts, in full: while
//! a list is held back, whoever asks for it gets the accepted one again.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::health::Subject;
use super::{Failed, Offering, Practice};
use crate::config;
use crate::healthengine::{LivenessContract, PmsAppointmentType, PmsResource};
use crate::ids::{LocationId, ResourceId, ScheduleId};
use crate::mapping::guard::{Accepted, Guard, Occasion, Ruling, Rulings};
use crate::mapping::{Absence, Asked, Inventory, Mapping, Wanted as WantedResource};
use crate::messages::{configuration as say, practice as practice_say};
use crate::openvpms::{ReadOpenVpms, SCHEDULE_NOT_AVAILABLE};
use crate::remote::{Answer, CallError, ErrorClass};
use crate::store::{Batch, Record, Store};

/// What Healthengine last accepted of a practice's configuration.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Told {
    contract: Option<LivenessContract>,
    resources: Option<Vec<PmsResource>>,
    types: Option<Vec<PmsAppointmentType>>,
    accepted: Accepted,
    /// A keyed hash of the practice key: another key is another consent, and everything is sent again.
    key: String,
    /// When all of it was last accepted in one go.
    at: Option<DateTime<Utc>>,
}

impl Record for Told {
    const KIND: &'static str = "configuration";
    const VERSION: u32 = 1;
}

/// What was told, what is asked for, and what is held back.
pub(super) struct Configuration {
    told: Mutex<Told>,
    guard: Mutex<Guard>,
    protected: Mutex<BTreeSet<ResourceId>>,
    resources_wanted: AtomicBool,
    types_wanted: AtomicBool,
    wanted: Notify,
}

impl Configuration {
    /// Reads what was told before the restart.
    pub(super) fn open(store: &Store, practice: &crate::ids::PracticeId) -> Self {
        // A record that cannot be read is a configuration that was never sent.
        let told = store.get::<Told>(&practice.0).ok().flatten().unwrap_or_default();
        Self {
            told: Mutex::new(told),
            guard: Mutex::default(),
            protected: Mutex::default(),
            resources_wanted: AtomicBool::new(false),
            types_wanted: AtomicBool::new(false),
            wanted: Notify::new(),
        }
    }

    fn locked<'a, T>(mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Resources that OpenVPMS does not list and that stay at Healthengine until the guard is convinced.
    pub(super) fn protected(&self) -> BTreeSet<ResourceId> {
        Self::locked(&self.protected).clone()
    }

    /// True once Healthengine accepted all of it.
    pub(super) fn was_ever_accepted(&self) -> bool {
        Self::locked(&self.told).at.is_some()
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

/// What would be, or was, sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationChanges {
    /// The liveness contract.
    pub liveness_contract: bool,
    /// The resources, if they are sent.
    pub resources: Option<ListChange>,
    /// The appointment types, if they are sent.
    pub appointment_types: Option<ListChange>,
    /// What is held back, and why.
    pub held_back: Vec<String>,
}

/// How a list differs from what Healthengine has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChange {
    /// How many it has.
    pub count: usize,
    /// Ids that are new.
    pub added: Vec<String>,
    /// Ids whose content changed.
    pub changed: Vec<String>,
    /// Ids that are deleted, with their links.
    pub removed: Vec<String>,
}

impl ListChange {
    fn between<T: PartialEq>(before: Option<&Vec<T>>, after: &[T], id: impl Fn(&T) -> &str) -> Self {
        let before: BTreeMap<&str, &T> = before.into_iter().flatten().map(|item| (id(item), item)).collect();
        let ids: BTreeSet<&str> = after.iter().map(&id).collect();
        let text = |id: &str| id.to_owned();
        Self {
            count: after.len(),
            added: ids.iter().filter(|id| !before.contains_key(*id)).map(|id| text(id)).collect(),
            changed: after
                .iter()
                .filter(|item| before.get(id(item)).is_some_and(|old| *old != *item))
                .map(|item| text(id(item)))
                .collect(),
            removed: before.keys().filter(|id| !ids.contains(*id)).map(|id| text(id)).collect(),
        }
    }
}

impl fmt::Display for ListChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        for (what, ids) in [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)] {
            if !ids.is_empty() {
                write!(f, ", {what}: {}", ids.join(" "))?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for ConfigurationChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.liveness_contract {
            writeln!(f, "liveness contract")?;
        }
        for (what, list) in [("resources", &self.resources), ("appointment types", &self.appointment_types)] {
            if let Some(list) = list {
                writeln!(f, "{what}: {list}")?;
            }
        }
        self.held_back.iter().try_for_each(|held| writeln!(f, "held back: {held}"))
    }
}

/// The configuration as it should be at Healthengine.
struct Desired {
    contract: LivenessContract,
    resources: Vec<PmsResource>,
    types: Vec<PmsAppointmentType>,
    accepted: Accepted,
    rulings: Rulings,
}

/// Sent once a day even if nothing differs.
const DAILY: TimeDelta = TimeDelta::hours(24);

impl Practice {
    /// Reads and sends until the practice stops.
    pub(super) async fn configuration_loop(self: Arc<Self>) {
        let sync = &self.settings.sync;
        let mut delays = self.delays(Duration::from_secs(1));
        loop {
            let wait = match self.configure(Reason::Interval, false).await.map_err(Failed::into_error) {
                Ok(_) => {
                    delays.reset();
                    if let Some(offering) = self.offering() {
                        self.watch_round(&offering);
                    }
                    sync.config_interval
                }
                Err(error)
                    if matches!(error.class, ErrorClass::Credentials | ErrorClass::Forbidden)
                        && self.health.has(&Subject::Access) =>
                {
                    super::requests::BLOCKED
                }
                Err(error) => delays.next_delay().max(error.retry_after.unwrap_or_default()).min(sync.config_interval),
            };
            self.first_configuration.send_replace(true);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep(wait) => {}
                () = self.configuration.wanted.notified() => {}
            }
        }
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
        let _one = self.configuring.lock().await;
        let asked = asked(&self.config);
        let inventory = match self.read_inventory(&asked).await {
            Ok(inventory) => inventory,
            Err(error) => {
                self.openvpms_failed(&error);
                return Err(Failed::OpenVpms(error));
            }
        };
        let mapping = Mapping::new(&inventory, &asked);
        let desired = self.desired(&mapping, &asked, reason, dry_run);
        self.adopt_mapping(mapping, &inventory);
        if !dry_run {
            // After a restart days follow what was accepted before it, whether or not the configuration arrives.
            if self.was_accepted_with_this_key() {
                self.offer_what_was_accepted();
            }
            self.features_off().await;
        }
        let outcome = self.send_configuration(&desired, reason, dry_run).await;
        match &outcome {
            Ok(_) if !dry_run => {
                self.offer_what_was_accepted();
                self.locked(&self.progress).configured_at = Some(self.now());
                self.health.clear(&Subject::Configuration);
            }
            Ok(_) => {}
            Err(error) if matches!(error.class, ErrorClass::Credentials | ErrorClass::Forbidden) => {
                self.healthengine_failed(error);
            }
            Err(error) => {
                self.health.raise(Subject::Configuration, practice_say::configuration_not_taken(error), self.now())
            }
        }
        outcome.map_err(Failed::Healthengine)
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
                super::zones::remember(&self.shared.store, self.id(), zones.practice);
                self.offering.send_if_modified(|offering| {
                    let schedules = inventory.schedules.values().flatten();
                    let next = Offering {
                        mapping,
                        zones,
                        user_locations: inventory.user_locations.clone(),
                        listed: schedules.map(|(schedule, _)| schedule.id).collect(),
                    };
                    let changed = offering.as_deref() != Some(&next);
                    if changed {
                        *offering = Some(Arc::new(next));
                    }
                    changed
                });
            }
            Err(problem) => self.health.raise(Subject::Mapping, say::zone_problem(&problem), now),
        }
    }

    /// From here on days are sent of what Healthengine has: the mapping, less what the guard or an error keeps from it.
    fn offer_what_was_accepted(&self) {
        let Some(offering) = self.offering() else { return };
        let mut accepted = Offering::clone(&offering);
        {
            let told = Configuration::locked(&self.configuration.told);
            let resources: BTreeSet<&str> =
                told.resources.iter().flatten().map(|own| own.pms_resource_id.as_str()).collect();
            let types: BTreeSet<&str> =
                told.types.iter().flatten().map(|own| own.pms_appointment_type_id.as_str()).collect();
            accepted.mapping.resources.retain(|resource| resources.contains(resource.id.to_string().as_str()));
            for resource in &mut accepted.mapping.resources {
                resource.types.retain(|kind| types.contains(kind.id.to_string().as_str()));
            }
        }
        self.offered.send_if_modified(|offered| {
            let changed = offered.as_deref() != Some(&accepted);
            if changed {
                *offered = Some(Arc::new(accepted));
            }
            changed
        });
    }

    async fn send_configuration(
        &self,
        desired: &Desired,
        reason: Reason,
        dry_run: bool,
    ) -> Answer<ConfigurationChanges> {
        let told = Configuration::locked(&self.configuration.told).clone();
        let key = self.key_hash();
        let everything = reason == Reason::Person
            || told.key != key
            || told.at.is_none_or(|at| !(TimeDelta::zero()..DAILY).contains(&(self.now() - at)));
        let mut changes = ConfigurationChanges {
            liveness_contract: everything || told.contract.as_ref() != Some(&desired.contract),
            ..ConfigurationChanges::default()
        };
        let resources = self.ruled(
            desired.rulings.resources,
            &desired.resources,
            told.resources.as_ref(),
            Subject::ResourceGuard,
            dry_run,
            &mut changes,
        );
        let types = self.ruled(
            desired.rulings.types,
            &desired.types,
            told.types.as_ref(),
            Subject::TypeGuard,
            dry_run,
            &mut changes,
        );
        let wanted = |flag: &AtomicBool| flag.load(Ordering::Relaxed);
        let send_resources =
            everything || wanted(&self.configuration.resources_wanted) || told.resources.as_ref() != resources;
        let send_types = everything || wanted(&self.configuration.types_wanted) || told.types.as_ref() != types;
        let (resources, types) = (resources.filter(|_| send_resources), types.filter(|_| send_types));
        changes.resources =
            resources.map(|list| ListChange::between(told.resources.as_ref(), list, |item| &item.pms_resource_id));
        changes.appointment_types =
            types.map(|list| ListChange::between(told.types.as_ref(), list, |item| &item.pms_appointment_type_id));
        if dry_run {
            return Ok(changes);
        }
        *Configuration::locked(&self.configuration.protected) = desired.rulings.protected.clone();
        let server = &self.healthengine;
        if changes.liveness_contract {
            server.send_liveness_contract(&desired.contract).await?;
            self.note(|told| told.contract = Some(desired.contract.clone()));
        }
        if let Some(list) = resources {
            server.send_resources(list).await.inspect_err(|error| lost(error, &self.configuration.resources_wanted))?;
            self.configuration.resources_wanted.store(false, Ordering::Relaxed);
            let list = list.clone();
            let sent_as_read = desired.rulings.resources == Ruling::Send;
            self.note(|told| {
                told.resources = Some(list);
                if sent_as_read {
                    told.accepted.resources.clone_from(&desired.accepted.resources);
                }
            });
        }
        if let Some(list) = types {
            server
                .send_appointment_types(list)
                .await
                .inspect_err(|error| lost(error, &self.configuration.types_wanted))?;
            self.configuration.types_wanted.store(false, Ordering::Relaxed);
            let list = list.clone();
            let sent_as_read = desired.rulings.types == Ruling::Send;
            self.note(|told| {
                told.types = Some(list);
                if sent_as_read {
                    told.accepted.types.clone_from(&desired.accepted.types);
                }
            });
        }
        if everything {
            let now = self.now();
            self.note(|told| (told.key, told.at) = (key, Some(now)));
            tracing::info!(practice = %self.id(), "Healthengine has the whole configuration.");
        }
        Ok(changes)
    }

    /// The list that may be sent: the one that was read, or while the guard holds it back the last accepted one.
    fn ruled<'a, T>(
        &self,
        ruling: Ruling,
        read: &'a Vec<T>,
        accepted: Option<&'a Vec<T>>,
        subject: Subject,
        dry_run: bool,
        changes: &mut ConfigurationChanges,
    ) -> Option<&'a Vec<T>> {
        let held = match ruling {
            Ruling::Send => None,
            Ruling::Hold(reason) => Some(say::held_back(&subject, reason, self.id())),
        };
        changes.held_back.extend(held.clone());
        if !dry_run {
            self.health.set(subject, held.clone(), self.now());
        }
        if held.is_none() { Some(read) } else { accepted }
    }

    fn note(&self, change: impl FnOnce(&mut Told)) {
        let mut told = Configuration::locked(&self.configuration.told);
        change(&mut told);
        match Batch::new().put(&self.id().0, &*told) {
            Ok(batch) => self.shared.store.write_later(batch),
            Err(error) => tracing::error!(practice = %self.id(), "The configuration cannot be remembered: {error}."),
        }
    }

    /// Whatever is sent next is sent whole. The lists stay: the guard measures by them.
    pub(super) fn forget_acceptance(&self) {
        self.note(|told| told.at = None);
    }

    /// Another key is another consent: what the former one was told says nothing about it.
    fn was_accepted_with_this_key(&self) -> bool {
        let key = self.key_hash();
        let told = Configuration::locked(&self.configuration.told);
        told.key == key && told.at.is_some_and(|at| at <= self.now())
    }

    fn key_hash(&self) -> String {
        self.shared.pseudonyms.fingerprint(self.config.key.expose_secret())
    }

    /// Extra features that a former integration left on are switched off: OpenVPMS cannot serve them.
    async fn features_off(&self) {
        let server = &self.healthengine;
        let features = match server.features().await {
            Ok(features) => features,
            Err(error) => return self.healthengine_failed(&error),
        };
        let mut problem = None;
        for feature in features.iter().filter(|feature| feature.enabled).take(FEATURES_MAX) {
            match server.disable_feature(&feature.id).await {
                Ok(()) => {
                    tracing::info!(practice = %self.id(), feature = super::plain(&feature.id), "An extra feature was switched off.")
                }
                Err(error) => problem = Some(say::feature_stays_on(&super::plain(&feature.id), &error)),
            }
        }
        self.health.set(Subject::Features, problem, self.now());
    }
}

/// A list that may have arrived is sent again, whatever is read until then.
fn lost(error: &CallError, wanted: &AtomicBool) {
    if !error.nothing_was_done() {
        wanted.store(true, Ordering::Relaxed);
    }
}

/// So many resources that are left out are named; of the others the number is told.
const LEFT_OUT_NAMED: usize = 20;
/// A practice is no larger than this: all of it is kept in memory and sent in one call. A shorter list would delete the rest at
/// Healthengine, so a larger inventory is not used at all.
const SCHEDULES_MAX: usize = 10_000;
const TYPES_MAX: usize = 40_000;
/// Clinicians who are said to work at more places than these do not.
const PLACES_MAX: usize = 1_000;
/// More extra features than this are nonsense.
const FEATURES_MAX: usize = 50;

/// What a practice's configuration asks for.
pub(crate) fn asked(practice: &config::Practice) -> Asked {
    let wanted = |entry: &config::ResourceEntry| WantedResource {
        schedule: entry.schedule,
        user: entry.user,
        name: entry.name.clone(),
    };
    Asked {
        locations: practice.locations.iter().copied().collect(),
        resources: practice.resources.iter().map(wanted).collect(),
        time_zone: practice.timezone,
    }
}

/// Reads everything that the mapping needs: one call for the locations, one per location, one per schedule, and those for
/// clinicians only where clinicians are asked for.
pub(crate) async fn read_inventory(server: &(impl ReadOpenVpms + ?Sized), asked: &Asked) -> Answer<Inventory> {
    let mut inventory = Inventory { locations: server.locations().await?, ..Inventory::default() };
    let listed: BTreeSet<LocationId> = inventory.locations.iter().map(|location| location.id).collect();
    let clinicians: BTreeSet<_> = asked.resources.iter().filter_map(|wanted| wanted.user).collect();
    let (mut schedules_read, mut types_read) = (0, 0);
    for &location in asked.locations.intersection(&listed) {
        let mut schedules = Vec::new();
        for schedule in server.schedules(location).await? {
            let types = server.appointment_types(schedule.id).await?;
            (schedules_read, types_read) = (schedules_read + 1, types_read + types.len());
            if schedules_read > SCHEDULES_MAX || types_read > TYPES_MAX {
                return Err(CallError::new(ErrorClass::Contract, say::too_large(SCHEDULES_MAX, TYPES_MAX)));
            }
            schedules.push((schedule, types));
        }
        inventory.schedules.insert(location, schedules);
        if !clinicians.is_empty() {
            inventory.users.insert(location, server.users(location).await?);
        }
    }
    for user in clinicians {
        match server.user_locations(user).await {
            Ok(locations) => {
                drop(inventory.user_locations.insert(user, locations.iter().map(|location| location.id).collect()))
            }
            // The clinician is gone; the mapping says so.
            Err(error) if error.class == ErrorClass::Refused => {}
            Err(error) => return Err(error),
        }
    }
    // Clinicians who also work elsewhere: which schedules count there.
    let elsewhere: BTreeSet<LocationId> = inventory.user_locations.values().flatten().copied().collect();
    if elsewhere.len() > PLACES_MAX {
        return Err(CallError::new(ErrorClass::Contract, say::too_many_places(PLACES_MAX)));
    }
    for location in elsewhere {
        if let Entry::Vacant(place) = inventory.schedules.entry(location) {
            let schedules = server.schedules(location).await?;
            place.insert(schedules.into_iter().map(|schedule| (schedule, Vec::new())).collect());
        }
    }
    let found: BTreeSet<ScheduleId> = inventory.schedules.values().flatten().map(|(schedule, _)| schedule.id).collect();
    for wanted in &asked.resources {
        if !found.contains(&wanted.schedule) && !inventory.absences.contains_key(&wanted.schedule) {
            match absence(server.schedule(wanted.schedule).await)? {
                Some(absence) => drop(inventory.absences.insert(wanted.schedule, absence)),
                None => continue,
            }
        }
    }
    Ok(inventory)
}

/// Why a schedule is not listed; `None` if the server knows it after all (at another location).
fn absence<T>(answer: Result<T, CallError>) -> Answer<Option<Absence>> {
    match answer {
        Ok(_) => Ok(None),
        Err(error) if error.is_refusal(400, SCHEDULE_NOT_AVAILABLE) => Ok(Some(Absence::NotFlagged)),
        Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => Ok(Some(Absence::Unknown)),
        Err(error) => Err(error),
    }
}
