//! Reads OpenVPMS and brings Healthengine's configuration into line with it.

use std::sync::Arc;
use std::time::Duration;

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::ConfigurationChanges;
use super::accepted::AcceptedConfiguration;
use crate::availability::unread::DiarySource;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::mapping::guard::{Accepted, Guard, Occasion};
use crate::mapping::plan::Desired;
use crate::mapping::{Asked, Inventory, Mapping};
use crate::messages::{configuration_sync as say, practice as practice_say};
use crate::openvpms::Location;
use crate::polling::failed_calls::Call;
use crate::polling::pace::BLOCKED;
use crate::practice::context::Context;
use crate::practice::days::publisher::Publisher;
use crate::practice::health::attempts::Attempt;
use crate::practice::health::calls::CallHealth;
use crate::practice::health::readings::ReadingHealth;
use crate::practice::health::subject::Subject;
use crate::practice::offering::inventory::{asked, read_inventory};
use crate::practice::offering::schedule_places::SchedulePlaces;
use crate::practice::offering::{Offering, OfferingWriter};
use crate::practice::reading::DiaryReader;
use crate::practice::round_error::RoundError;
use crate::practice::zones;
use crate::supervisor;

/// A list that nobody waits for any longer arrives within this time, or not at all. An assumption
/// with room to spare.
const LATE: Duration = Duration::from_secs(60);

/// Why the configuration is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::practice) enum SyncReason {
    /// It is time to look whether something differs.
    Interval,
    /// A person wants all of it sent, and releases what is held back.
    Person,
}

/// Brings Healthengine's configuration into line with what OpenVPMS offers.
pub(in crate::practice) struct ConfigurationSync {
    pub(super) context: Arc<Context>,
    pub(super) calls: Arc<CallHealth>,
    readings: Arc<ReadingHealth>,
    reader: Arc<DiaryReader>,
    pub(super) publisher: Arc<Publisher>,
    pub(super) accepted: Arc<AcceptedConfiguration>,
    offering: OfferingWriter,
    guard: Mutex<Guard>,
    /// When a list left whose answer never came: it may arrive after one that was sent later, and
    /// undo that one.
    pub(super) lost_at: Mutex<Option<Instant>>,
    /// One configuration at a time.
    configuring: AsyncMutex<()>,
}

impl ConfigurationSync {
    pub(in crate::practice) fn new(
        context: Arc<Context>,
        calls: Arc<CallHealth>,
        reader: Arc<DiaryReader>,
        publisher: Arc<Publisher>,
        accepted: Arc<AcceptedConfiguration>,
        offering: OfferingWriter,
    ) -> Self {
        let is_lost = {
            let remembered = accepted.remembered();
            remembered.unacknowledged_resources.is_some() || remembered.unacknowledged_types.is_some()
        };
        Self {
            readings: Arc::clone(&reader.readings),
            context,
            calls,
            reader,
            publisher,
            accepted,
            offering,
            guard: Mutex::default(),
            lost_at: Mutex::new(is_lost.then(Instant::now)),
            configuring: AsyncMutex::default(),
        }
    }

    /// True once Healthengine accepted all of it.
    pub(in crate::practice) fn was_ever_accepted(&self) -> bool {
        self.accepted.was_ever_accepted()
    }

    /// Reads and sends until the practice stops.
    pub(in crate::practice) async fn configuration_loop(self: Arc<Self>) {
        let sync = &self.context.settings.sync;
        let mut backoff = self.context.backoff(Duration::from_secs(1));
        let mut clock = self.context.shared.leaps.listen();
        loop {
            let wait = match self.configure(SyncReason::Interval, false).await {
                Ok(_) => {
                    backoff.reset();
                    self.again_after_a_lost_list().map_or(sync.config_interval, |wait| wait.min(sync.config_interval))
                }
                Err(RoundError::Healthengine(error)) if error.is_access() => BLOCKED,
                Err(failed) => {
                    let asked = failed.into_error().pause();
                    backoff.next_delay().max(asked).min(sync.config_interval)
                }
            };
            let _again = self.context.milestones.configured.set(());
            let due = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => false,
                    () = tokio::time::sleep(wait) => true,
                    () = self.context.signals.configuration.wanted() => true,
                    () = self.read_features_again() => true,
                    () = clock.leaped() => true,
                }
            });
            if !due.await {
                return;
            }
        }
    }

    /// Once nothing of a lost list can arrive any more both lists are sent once more. How long
    /// until then, if there was one.
    fn again_after_a_lost_list(&self) -> Option<Duration> {
        let mut lost_at = self.lost_at.lock();
        let left = (*lost_at)?.checked_add(LATE)?.saturating_duration_since(Instant::now());
        if left.is_zero() {
            *lost_at = None;
            self.context.signals.configuration.both_with_the_next();
        }
        Some(left)
    }

    /// While Healthengine does not say which extra features are on, it is asked again without all
    /// the rest. Never ends.
    async fn read_features_again(&self) {
        let mut backoff = self.context.backoff(Duration::from_secs(1));
        while self.calls.fails(Call::Features) {
            tokio::time::sleep(backoff.next_delay()).await;
            if !self.calls.is_blocked(Call::Features) {
                // What came of it is heard there.
                let _told = self.features_off().await;
            }
        }
        std::future::pending().await
    }

    /// Reads OpenVPMS's inventory and brings Healthengine's configuration into line with it. A dry
    /// run says what it would send.
    pub(in crate::practice) async fn configure(
        &self,
        reason: SyncReason,
        dry_run: bool,
    ) -> Result<ConfigurationChanges, RoundError> {
        let _one = supervisor::wait(self.configuring.lock()).await;
        // What is known of one side is said and used, whatever the other one does.
        let refusal = self.calls.refusal_of(Call::Features).filter(|_| reason == SyncReason::Interval);
        let features = async {
            match refusal {
                _ if dry_run => Ok(()),
                Some(refusal) => Err(refusal),
                None => self.features_off().await,
            }
        };
        let (desired, features) = tokio::join!(self.read_and_adopt(reason, dry_run), features);
        let (desired, there) = desired?;
        features.map_err(RoundError::Healthengine)?;
        let shown = self.departures_shown();
        let outcome = match there {
            Ok(()) => self.send_configuration(&desired, reason, dry_run).await,
            Err(error) => Err(error),
        };
        if !dry_run {
            if outcome.is_ok() {
                self.context.health.note(Attempt::Configuration);
            }
            self.calls.heard(Call::Configuration, outcome.as_ref().map(drop));
            if outcome.is_ok() && reason == SyncReason::Person {
                self.departures_are_meant(&shown);
            }
            self.tell_departures();
            if outcome.is_ok() {
                self.offer_what_was_accepted();
                self.context.last_done.lock().configured_at = Some(self.context.now());
            }
        }
        outcome.map_err(RoundError::Healthengine)
    }

    /// Reads the inventory. From here on bookings are decided by it, and it is known what is to be
    /// sent, unless Healthengine did not say what it has.
    async fn read_and_adopt(&self, reason: SyncReason, dry_run: bool) -> Result<(Desired, Answer<()>), RoundError> {
        let asked = asked(&self.context.config);
        let read = self.read_inventory(&asked).await;
        self.readings.heard(DiarySource::Inventory, None, read.as_ref().map(drop));
        let inventory = read.map_err(RoundError::OpenVpms)?;
        SchedulePlaces::remember(&self.context.shared.store, self.context.id(), &inventory, &asked);
        let mapping = Mapping::new(&inventory, &asked);
        let there = self.lists_at_healthengine(reason == SyncReason::Person && !dry_run).await;
        let there = there.map(|found| self.take_over(found, &asked, &mapping));
        let desired = self.desired(&mapping, &asked, reason, dry_run);
        // Before anything is offered by this reading. What a person would release by a resync stays
        // protected in its dry run.
        if !dry_run || reason == SyncReason::Interval {
            self.accepted.protect(&desired.rulings.protected);
        }
        self.adopt_mapping(mapping, &inventory);
        if self.context.offering.current().is_some() {
            self.reader.early.forget().await;
        }
        // After a restart days follow what was accepted before it, whether or not the configuration
        // arrives.
        if !dry_run && self.was_accepted_with_this_key() {
            self.offer_what_was_accepted();
        }
        Ok((desired, there))
    }

    async fn read_inventory(&self, asked: &Asked) -> Answer<Inventory> {
        let whole = read_inventory(self.context.openvpms.background.as_ref(), asked);
        let stopped = || Err(CallError::new(ErrorClass::NotSent, practice_say::STOPPING));
        self.context.stop.run_until_cancelled(whole).await.unwrap_or_else(stopped)
    }

    fn desired(&self, mapping: &Mapping, asked: &Asked, reason: SyncReason, dry_run: bool) -> Desired {
        let interval =
            TimeDelta::from_std(self.context.settings.sync.config_interval).unwrap_or(TimeDelta::minutes(10));
        let occasion = Occasion { now: self.context.now(), interval, person_insists: reason == SyncReason::Person };
        let accepted = self.accepted.with_accepted(Accepted::clone);
        let mut guard = self.guard.lock();
        // A dry run must not count as a reading.
        let mut trial = guard.clone();
        let judge = if dry_run { &mut trial } else { &mut *guard };
        let rulings = judge.judge(&accepted, mapping, asked, occasion);
        Desired::new(self.context.config.live_hours.contract(), mapping, rulings)
    }

    /// From here on days and bookings are judged by this mapping.
    fn adopt_mapping(&self, mapping: Mapping, inventory: &Inventory) {
        let now = self.context.now();
        let own = |location: &&Location| self.context.config.locations.contains(&location.id);
        let named = inventory.locations.iter().filter(own).map(|location| (location.id, location.name.clone()));
        self.accepted.note_location_names(&named.collect());
        let left_out: Vec<String> = mapping
            .left_out
            .iter()
            .map(say::left_out)
            .chain(mapping.missing_locations.iter().map(say::missing_location))
            .collect();
        let named = left_out.iter().take(LEFT_OUT_NAMED).cloned();
        let text: Vec<String> =
            named.chain(say::more_left_out(left_out.len().saturating_sub(LEFT_OUT_NAMED))).collect();
        self.context.health.set(Subject::LeftOut, (!text.is_empty()).then(|| text.join(" ")), now);
        match mapping.zones.clone() {
            Ok(zones) => {
                self.context.health.clear(&Subject::Mapping, self.context.now());
                let shift = zones.diary_shift(now).filter(|shift| shift.is_wrong);
                self.context.health.set(Subject::Zone, shift.map(|shift| say::diary_shifted(&zones, shift)), now);
                zones::remember(&self.context.shared.store, self.context.id(), zones.practice);
                self.offering.read(Offering::new(mapping, zones, inventory));
                let _again = self.context.milestones.offering_read.set(());
                if let Some(offering) = self.context.offering.current() {
                    self.readings.keep(|source| offering.reads(source));
                }
            }
            Err(problem) => {
                self.context.health.raise(Subject::Mapping, say::zone_problem(&problem), now);
                // A server that has another zone since its last start means other moments by the
                // same diary: nothing more is worked out with the zone that it had.
                self.offering.nothing();
            }
        }
    }

    /// From here on days are sent of what Healthengine has: the mapping, less what the guard or an
    /// error keeps from it. Nothing is sent for the days of what the guard protects, which the
    /// mapping has without the types that are missing.
    pub(super) fn offer_what_was_accepted(&self) {
        let Some(offering) = self.context.offering.current() else { return };
        let mut accepted = Offering::clone(&offering);
        {
            let remembered = self.accepted.remembered();
            accepted.mapping.resources.retain(|resource| remembered.has_resource(&resource.id.to_string()));
        }
        self.accepted.leave_out_protected(&mut accepted);
        let types = self.accepted.sure_types().unwrap_or_default();
        for resource in &mut accepted.mapping.resources {
            resource.types.retain(|kind| types.contains(&kind.id));
        }
        self.offering.accepted(accepted);
    }
}

/// So many resources that are left out are named; of the others the number is told.
const LEFT_OUT_NAMED: usize = 20;
