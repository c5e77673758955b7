//! Sends what differs from what Healthengine accepted, as far as the guard lets it pass, and remembers what was accepted.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicBool, Ordering};

use chrono::TimeDelta;
use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::departures::{self, Departure, remember, resources_leaving, types_leaving};
use super::{Configuration, ConfigurationChanges, Desired, ListChange, Reason, Told};
use crate::booking::entry::{Entry, Place};
use crate::dates;
use crate::healthengine::{PmsAppointmentType, PmsResource};
use crate::ids::TypeId;
use crate::mapping::guard::Ruling;
use crate::messages::{configuration as say, practice as practice_say};
use crate::practice::Practice;
use crate::practice::calls::Call;
use crate::practice::health::Subject;
use crate::practice::said_once::plain;
use crate::remote::{Answer, CallError};
use crate::store::Batch;

/// Sent once a day even if nothing differs.
const DAILY: TimeDelta = TimeDelta::hours(24);
/// More extra features than this are nonsense.
const FEATURES_MAX: usize = 50;

impl Practice {
    pub(super) async fn send_configuration(
        &self,
        desired: &Desired,
        reason: Reason,
        dry_run: bool,
    ) -> Answer<ConfigurationChanges> {
        let told = Configuration::locked(&self.configuration.told).clone();
        let key = self.key_hash();
        let everything = reason == Reason::Person
            || told.key != key
            || told.at.and_then(|at| dates::age(at, self.now())).is_none_or(|age| age >= DAILY)
            // Told by the store's former life: Healthengine may have heard something else since.
            || told.at.is_some_and(|at| self.shared.store.meta().replaced_since(at, self.now()));
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
        let send_resources = everything
            || wanted(&self.configuration.resources_wanted)
            || told.resources.as_ref() != resources
            || told.unheard_resources.is_some();
        let send_types = everything
            || wanted(&self.configuration.types_wanted)
            || told.types.as_ref() != types
            || told.unheard_types.is_some();
        let (resources, types) = (resources.filter(|_| send_resources), types.filter(|_| send_types));
        changes.resources =
            resources.map(|list| ListChange::between(told.resources.as_ref(), list, |item| &item.pms_resource_id));
        changes.appointment_types =
            types.map(|list| ListChange::between(told.types.as_ref(), list, |item| &item.pms_appointment_type_id));
        let leaving = self.leaving(&told, resources, types, &desired.resources);
        changes.lost = leaving.iter().map(Departure::sentence).collect();
        if dry_run {
            return Ok(changes);
        }
        let (server, before) = (&self.healthengine, &told);
        if changes.liveness_contract {
            server.send_liveness_contract(&desired.contract).await?;
            self.note(|told| told.contract = Some(desired.contract.clone()));
        }
        if let Some(list) = resources {
            let ids = list.iter().map(|own| own.pms_resource_id.clone());
            self.leaves(|told| &mut told.unheard_resources, ids.collect()).await;
            let sent = server.send_resources(list).await;
            sent.inspect_err(|error| {
                self.lost(error, |told| told.unheard_resources = before.unheard_resources.clone())
            })?;
            self.configuration.resources_wanted.store(false, Ordering::Relaxed);
            self.departed(
                leaving.iter().filter(|own| !own.is_type),
                list.iter().map(|own| own.pms_resource_id.as_str()),
            );
            let list = list.clone();
            let sent_as_read = desired.rulings.resources == Ruling::Send;
            self.note(|told| {
                (told.resources, told.unheard_resources) = (Some(list), None);
                if sent_as_read {
                    told.accepted.resources.clone_from(&desired.accepted.resources);
                }
            });
        }
        if let Some(list) = types {
            let ids = list.iter().map(|own| own.pms_appointment_type_id.clone());
            self.leaves(|told| &mut told.unheard_types, ids.collect()).await;
            let sent = server.send_appointment_types(list).await;
            sent.inspect_err(|error| self.lost(error, |told| told.unheard_types = before.unheard_types.clone()))?;
            self.configuration.types_wanted.store(false, Ordering::Relaxed);
            let ids = list.iter().map(|own| own.pms_appointment_type_id.as_str());
            self.departed(leaving.iter().filter(|own| own.is_type), ids);
            let list = list.clone();
            let sent_as_read = desired.rulings.types == Ruling::Send;
            self.note(|told| {
                (told.types, told.unheard_types) = (Some(list), None);
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

    /// What Healthengine deletes when these lists are sent.
    fn leaving(
        &self,
        told: &Told,
        resources: Option<&Vec<PmsResource>>,
        types: Option<&Vec<PmsAppointmentType>>,
        present: &[PmsResource],
    ) -> Vec<Departure> {
        let now = self.now();
        let upcoming = |is_on: &dyn Fn(&Place) -> bool| {
            let counts = |entry: &Entry| {
                let place = entry.place.as_ref().filter(|place| now < place.span.start && is_on(place));
                (entry.stands() && place.is_some()).then_some(())
            };
            self.shared.ledger.pick_live(self.id(), counts).len()
        };
        let mut leaving = Vec::new();
        for own in resources.into_iter().flat_map(|list| resources_leaving(told.resources.as_ref(), list)) {
            let id = own.pms_resource_id.parse().ok();
            leaving.push(Departure {
                id: own.pms_resource_id.clone(),
                name: own.pms_resource_name.clone(),
                is_type: false,
                bookings: upcoming(&|place| Some(place.resource()) == id),
                days: id.map_or(0, |id| self.publisher.days_offered(id, self.zone().wall(now).date())),
                at: now,
                is_meant: false,
            });
        }
        for own in types.into_iter().flat_map(|list| types_leaving(told.types.as_ref(), list, present)) {
            let id: Option<TypeId> = own.pms_appointment_type_id.parse().ok();
            let is_of = |place: &Place| {
                id.is_some_and(|id| id.resource == place.resource() && id.appointment_type == place.appointment_type)
            };
            leaving.push(Departure {
                id: own.pms_appointment_type_id.clone(),
                name: own.pms_appointment_type_name.clone(),
                is_type: true,
                bookings: upcoming(&is_of),
                days: 0,
                at: now,
                is_meant: false,
            });
        }
        leaving
    }

    /// Healthengine accepted a list without these, and with those of these ids.
    fn departed<'a>(&self, left: impl Iterator<Item = &'a Departure>, present: impl Iterator<Item = &'a str>) {
        let left: Vec<Departure> = left.cloned().collect();
        for own in &left {
            tracing::warn!(practice = %self.id(), id = own.id, "{}", own.sentence());
        }
        let present: BTreeSet<&str> = present.collect();
        let mut back = Vec::new();
        let has_known = !Configuration::locked(&self.configuration.told).departed.is_empty();
        if has_known || !left.is_empty() {
            self.note(|told| back = remember(&mut told.departed, left, &present));
        }
        for Departure { id, name, is_type, .. } in back {
            let what = if is_type { "Appointment type" } else { "Resource" };
            tracing::info!(practice = %self.id(), id, "{}", say::is_back(what, &name, &id));
        }
    }

    /// What has left and was shown, as of this moment.
    pub(super) fn departures_shown(&self) -> Vec<Departure> {
        let told = Configuration::locked(&self.configuration.told);
        told.departed.iter().filter(|own| !own.is_meant).cloned().collect()
    }

    /// A person has sent the configuration as it is, after these were shown. What left with it is new to them, and is not among these.
    pub(super) fn departures_are_meant(&self, shown: &[Departure]) {
        if !shown.is_empty() {
            let those = |own: &&mut Departure| shown.contains(own);
            self.note(|told| told.departed.iter_mut().filter(those).for_each(|own| own.is_meant = true));
        }
    }

    /// What left a short while ago is shown.
    pub(super) fn tell_departures(&self) {
        let text = departures::text(&Configuration::locked(&self.configuration.told).departed, self.id(), self.now());
        match text {
            Some(text) => self.health.show(Subject::Departed, text, self.now()),
            None => self.health.clear(&Subject::Departed),
        }
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

    /// A list of these ids is about to leave. What is not on it is offered no longer: by the time that its answer comes, Healthengine
    /// would refuse days with it. A crash does not forget that.
    async fn leaves(&self, unheard: impl FnOnce(&mut Told) -> &mut Option<BTreeSet<String>>, ids: BTreeSet<String>) {
        let batch = self.changed_told(|told| {
            let unheard = unheard(told);
            *unheard =
                Some(unheard.take().map_or_else(|| ids.clone(), |own| own.intersection(&ids).cloned().collect()));
        });
        if let Some(batch) = batch
            && let Err(error) = self.shared.store.commit(batch).await
        {
            // A store that is not written any more stops the bridge.
            self.written(Err(error.into()));
        }
        self.offer_no_more_than_is_accepted();
        // Days that were worked out before are on their way until the turn is over.
        drop(self.publisher.turn().await);
    }

    /// A list that may have arrived is sent again, whatever is read until then; of one that surely did nothing nothing is left.
    fn lost(&self, error: &CallError, restore: impl FnOnce(&mut Told)) {
        if error.nothing_was_done() {
            self.note(restore);
            self.offer_no_more_than_is_accepted();
        } else {
            *Configuration::locked(&self.configuration.lost_at) = Some(Instant::now());
        }
    }

    fn offer_no_more_than_is_accepted(&self) {
        if self.offered().is_some() {
            self.offer_what_was_accepted();
        }
    }

    pub(super) fn note(&self, change: impl FnOnce(&mut Told)) {
        if let Some(batch) = self.changed_told(change) {
            self.shared.store.write_later(batch);
        }
    }

    fn changed_told(&self, change: impl FnOnce(&mut Told)) -> Option<Batch> {
        let mut told = Configuration::locked(&self.configuration.told);
        change(&mut told);
        let batch = Batch::of(&self.id().0, &*told);
        batch
            .inspect_err(
                |error| tracing::error!(practice = %self.id(), "The configuration cannot be remembered: {error}."),
            )
            .ok()
    }

    /// Whatever is sent next is sent whole. The lists stay: the guard measures by them.
    pub(in crate::practice) fn forget_acceptance(&self) {
        self.note(|told| told.at = None);
    }

    /// Another key is another consent: what the former one was told says nothing about it. Nor does what a store that was put back has,
    /// since Healthengine may have heard something else meanwhile.
    pub(super) fn was_accepted_with_this_key(&self) -> bool {
        let (key, now) = (self.key_hash(), self.now());
        let told = Configuration::locked(&self.configuration.told);
        told.key == key && told.at.is_some_and(|at| at <= now && !self.shared.store.meta().replaced_since(at, now))
    }

    fn key_hash(&self) -> String {
        self.shared.pseudonyms.fingerprint(self.config.key.expose_secret())
    }

    /// Extra features that a former integration left on are switched off: OpenVPMS cannot serve them. An error if Healthengine refuses
    /// the practice, so that whatever is asked of it next is too.
    pub(super) async fn features_off(&self) -> Answer<()> {
        let server = &self.healthengine;
        let read = server.features().await;
        self.heard(Call::Features, read.as_ref().map(drop));
        let features = match read {
            Ok(features) => features,
            Err(error) if error.is_access() => return Err(error),
            Err(error) => {
                self.health.raise(Subject::Features, practice_say::features_unread(&error), self.now());
                return Ok(());
            }
        };
        let mut problem = None;
        for feature in features.iter().filter(|feature| feature.enabled).take(FEATURES_MAX) {
            match server.disable_feature(&feature.id).await {
                Ok(()) => {
                    tracing::info!(practice = %self.id(), feature = plain(&feature.id), "An extra feature was switched off.")
                }
                Err(error) => problem = Some(say::feature_stays_on(&plain(&feature.id), &error)),
            }
        }
        self.health.set(Subject::Features, problem, self.now());
        Ok(())
    }
}
