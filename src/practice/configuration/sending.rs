//! Applies a plan: sends it to Healthengine, and remembers what was accepted.

use std::collections::BTreeSet;

use secrecy::ExposeSecret as _;
use tokio::time::Instant;

use super::sync::{ConfigurationSync, SyncReason};
use crate::booking::entry::{Entry, Place};
use crate::call_error::{Answer, CallError};
use crate::healthengine::{PmsAppointmentType, PmsResource};
use crate::ids::{ResourceId, TypeId};
use crate::mapping::changes::{ConfigurationChanges, ListChange};
use crate::mapping::departures::{Departure, remember, shown};
use crate::mapping::guard::HoldReason;
use crate::mapping::plan::{Desired, ListPlan, Plan, SendWish, plan};
use crate::mapping::remembered::RememberedConfiguration;
use crate::messages::configuration_sync as say;
use crate::practice::health::subject::Subject;

impl ConfigurationSync {
    /// Sends what is to be sent so that Healthengine has what is desired. A dry run only says what
    /// that is.
    pub(super) async fn send_configuration(
        &self,
        desired: &Desired,
        reason: SyncReason,
        dry_run: bool,
    ) -> Answer<ConfigurationChanges> {
        let remembered = self.accepted.remembered().clone();
        let plan = plan(desired, &remembered, &self.wish(&remembered, reason));
        let held = self.tell_held_back(&plan, dry_run);
        let leaving = self.leaving(&plan);
        let lost = leaving.iter().map(say::departure).collect();
        let changes = plan.changes(&remembered, held, lost);
        let (practice, everything, contract) = (self.context.id(), plan.everything, changes.liveness_contract);
        let shown = |list: &Option<ListChange>| list.as_ref().map(ToString::to_string);
        let (resources, types) = (shown(&changes.resources), shown(&changes.appointment_types));
        let held = changes.held_back.len();
        tracing::trace!(%practice, ?reason, dry_run, everything, contract, resources, types, held, "configuration");
        if !dry_run {
            self.accepted.planned(&changes);
            self.apply(plan, desired, &leaving, &remembered).await?;
            self.accepted.applied();
        }
        Ok(changes)
    }

    fn wish(&self, remembered: &RememberedConfiguration, reason: SyncReason) -> SendWish {
        let (now, wanted) = (self.context.now(), &self.context.signals.configuration);
        let meta = self.context.shared.store.meta();
        SendWish {
            person_insists: reason == SyncReason::Person,
            resources: wanted.wants_resources(),
            types: wanted.wants_types(),
            key: self.key_hash(),
            is_replaced: remembered.at.is_some_and(|at| meta.replaced_since(at, now)),
            now,
        }
    }

    /// What the guard holds back, in sentences.
    fn tell_held_back(&self, plan: &Plan, dry_run: bool) -> Vec<String> {
        let sentence = |list, held: Option<HoldReason>| held.map(|why| say::held_back(list, why, self.context.id()));
        let resources = sentence("resources", plan.resources_held);
        let types = sentence("appointment types", plan.types_held);
        if !dry_run {
            let now = self.context.now();
            self.context.health.set(Subject::ResourceGuard, resources.clone(), now);
            self.context.health.set(Subject::TypeGuard, types.clone(), now);
        }
        resources.into_iter().chain(types).collect()
    }

    async fn apply(
        &self,
        plan: Plan,
        desired: &Desired,
        leaving: &[Departure],
        before: &RememberedConfiguration,
    ) -> Answer<()> {
        if let Some(contract) = plan.contract {
            self.context.healthengine.send_liveness_contract(&contract).await?;
            self.accepted.note(|remembered| remembered.contract = Some(contract));
        }
        if let Some(resources) = plan.resources {
            self.send_resources(resources, desired, leaving, before).await?;
        }
        if let Some(types) = plan.types {
            self.send_types(types, desired, leaving, before).await?;
        }
        if plan.everything {
            let (key, now) = (self.key_hash(), self.context.now());
            self.accepted.note(|remembered| (remembered.key, remembered.at) = (key, Some(now)));
            tracing::info!(practice = %self.context.id(), "Healthengine has the whole configuration.");
        }
        Ok(())
    }

    async fn send_resources(
        &self,
        ListPlan { list, is_as_read }: ListPlan<PmsResource>,
        desired: &Desired,
        leaving: &[Departure],
        before: &RememberedConfiguration,
    ) -> Answer<()> {
        let ids: BTreeSet<String> = list.iter().map(|own| own.pms_resource_id.clone()).collect();
        self.leaves(|remembered| &mut remembered.unacknowledged_resources, &ids).await;
        if let Err(error) = self.context.healthengine.send_resources(&list).await {
            let unacknowledged = before.unacknowledged_resources.clone();
            self.lost(&error, |remembered| remembered.unacknowledged_resources = unacknowledged);
            return Err(error);
        }
        self.context.signals.configuration.has_resources();
        self.departed(leaving.iter().filter(|own| !own.is_type), &ids);
        self.accepted.note(|remembered| {
            (remembered.resources, remembered.unacknowledged_resources) = (Some(list), None);
            if is_as_read {
                remembered.accepted.resources.clone_from(&desired.accepted.resources);
            }
        });
        Ok(())
    }

    async fn send_types(
        &self,
        ListPlan { list, is_as_read }: ListPlan<PmsAppointmentType>,
        desired: &Desired,
        leaving: &[Departure],
        before: &RememberedConfiguration,
    ) -> Answer<()> {
        let ids: BTreeSet<String> = list.iter().map(|own| own.pms_appointment_type_id.clone()).collect();
        self.leaves(|remembered| &mut remembered.unacknowledged_types, &ids).await;
        if let Err(error) = self.context.healthengine.send_appointment_types(&list).await {
            let unacknowledged = before.unacknowledged_types.clone();
            self.lost(&error, |remembered| remembered.unacknowledged_types = unacknowledged);
            return Err(error);
        }
        self.context.signals.configuration.has_types();
        self.departed(leaving.iter().filter(|own| own.is_type), &ids);
        self.accepted.note(|remembered| {
            (remembered.types, remembered.unacknowledged_types) = (Some(list), None);
            if is_as_read {
                remembered.accepted.types.clone_from(&desired.accepted.types);
            }
        });
        Ok(())
    }

    /// What Healthengine deletes by the plan, and what of ours is lost with it.
    fn leaving(&self, plan: &Plan) -> Vec<Departure> {
        let (context, now) = (&self.context, self.context.now());
        let upcoming = |is_on: &dyn Fn(&Place) -> bool| {
            let counts = |entry: &Entry| {
                let place = entry.place.as_ref().filter(|place| now < place.span.start && is_on(place));
                (entry.stands() && place.is_some()).then_some(())
            };
            context.shared.ledger.pick_live(context.id(), counts).len()
        };
        let today = context.zone().wall(now).date();
        let resources = plan.resources_leaving.iter().map(|own| {
            let id: Option<ResourceId> = own.pms_resource_id.parse().ok();
            let bookings = upcoming(&|place| Some(place.resource()) == id);
            let days = id.map_or(0, |id| self.publisher.sent.days_offered(id, today));
            Departure {
                id: own.pms_resource_id.clone(),
                name: own.pms_resource_name.clone(),
                is_type: false,
                bookings,
                days,
                at: now,
                is_meant: false,
            }
        });
        let types = plan.types_leaving.iter().map(|own| {
            let id: Option<TypeId> = own.pms_appointment_type_id.parse().ok();
            let is_of = |place: &Place| {
                id.is_some_and(|id| id.resource == place.resource() && id.appointment_type == place.appointment_type)
            };
            Departure {
                id: own.pms_appointment_type_id.clone(),
                name: own.pms_appointment_type_name.clone(),
                is_type: true,
                bookings: upcoming(&is_of),
                days: 0,
                at: now,
                is_meant: false,
            }
        });
        resources.chain(types).collect()
    }

    /// Healthengine accepted a list without these, and with those of these ids.
    fn departed<'a>(&self, left: impl Iterator<Item = &'a Departure>, present: &BTreeSet<String>) {
        let left: Vec<Departure> = left.cloned().collect();
        for own in &left {
            tracing::warn!(practice = %self.context.id(), id = own.id, "{}", say::departure(own));
        }
        let present: BTreeSet<&str> = present.iter().map(String::as_str).collect();
        let mut back = Vec::new();
        let has_known = !self.accepted.remembered().departed.is_empty();
        if has_known || !left.is_empty() {
            self.accepted.note(|remembered| back = remember(&mut remembered.departed, left, &present));
        }
        for Departure { id, name, is_type, .. } in back {
            let what = if is_type { "Appointment type" } else { "Resource" };
            tracing::info!(practice = %self.context.id(), id, "{}", say::is_back(what, &name, &id));
        }
    }

    /// What has left and was shown, as of this moment.
    pub(super) fn departures_shown(&self) -> Vec<Departure> {
        self.accepted.remembered().departed.iter().filter(|own| !own.is_meant).cloned().collect()
    }

    /// A person has sent the configuration as it is, after these were shown. What left with it is
    /// new to them, and is not among these.
    pub(super) fn departures_are_meant(&self, shown: &[Departure]) {
        if !shown.is_empty() {
            let those = |own: &&mut Departure| shown.contains(own);
            self.accepted.note(|remembered| {
                remembered.departed.iter_mut().filter(those).for_each(|own| own.is_meant = true);
            });
        }
    }

    /// What left a short while ago is shown.
    pub(super) fn tell_departures(&self) {
        let now = self.context.now();
        let text = say::departures(&shown(&self.accepted.remembered().departed, now), self.context.id());
        match text {
            Some(text) => self.context.health.show(Subject::Departed, text, now),
            None => self.context.health.clear(&Subject::Departed, self.context.now()),
        }
    }

    /// A list of these ids is about to leave. What is not on it is offered no longer: by the time
    /// that its answer comes, Healthengine would refuse days with it. A crash does not forget that.
    async fn leaves(
        &self,
        unacknowledged: impl FnOnce(&mut RememberedConfiguration) -> &mut Option<BTreeSet<String>>,
        ids: &BTreeSet<String>,
    ) {
        let noted = self.accepted.note_durably(|remembered| {
            let unacknowledged = unacknowledged(remembered);
            let in_all = |own: BTreeSet<String>| own.intersection(ids).cloned().collect();
            *unacknowledged = Some(unacknowledged.take().map_or_else(|| ids.clone(), in_all));
        });
        // A store that is not written any more stops the bridge.
        self.context.stop_on_store_failure(noted.await.map_err(Into::into));
        self.offer_no_more_than_is_accepted();
        // Days that were worked out before are on their way until the turn is over.
        drop(self.publisher.turn().await);
    }

    /// A list that may have arrived is sent again, whatever is read until then; of one that surely
    /// did nothing nothing is left.
    fn lost(&self, error: &CallError, restore: impl FnOnce(&mut RememberedConfiguration)) {
        if error.nothing_was_done() {
            self.accepted.note(restore);
            self.offer_no_more_than_is_accepted();
        } else {
            *self.lost_at.lock() = Some(Instant::now());
        }
    }

    fn offer_no_more_than_is_accepted(&self) {
        if self.context.offering.accepted().is_some() {
            self.offer_what_was_accepted();
        }
    }

    /// Another key is another consent: what the former one was told says nothing about it. Nor does
    /// what a store that was put back has, since Healthengine may have heard something else
    /// meanwhile.
    pub(super) fn was_accepted_with_this_key(&self) -> bool {
        let (key, now) = (self.key_hash(), self.context.now());
        let meta = self.context.shared.store.meta();
        let remembered = self.accepted.remembered();
        remembered.key == key && remembered.at.is_some_and(|at| at <= now && !meta.replaced_since(at, now))
    }

    fn key_hash(&self) -> String {
        self.context.shared.pseudonyms.fingerprint(self.context.config.key.expose_secret())
    }
}
