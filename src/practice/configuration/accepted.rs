//! What Healthengine last accepted of a practice's configuration, remembered across restarts in
//! full: while a list is held back, whoever asks for it gets the accepted one again.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use parking_lot::{Mutex, MutexGuard};

use crate::ids::{LocationId, PracticeId, ResourceId, TypeId};
use crate::mapping::changes::ConfigurationChanges;
use crate::mapping::guard::Accepted;
use crate::mapping::remembered::RememberedConfiguration;
use crate::practice::offering::Offering;
use crate::store::{Batch, Record, RecordKind, Store, StoreError};

impl Record for RememberedConfiguration {
    const KIND: &'static str = "configuration";
    const VERSION: u32 = 1;
}

/// It travels, because the guard measures by it. After an import all of it is sent again.
pub(in crate::practice) const KIND: RecordKind = RecordKind::exported::<RememberedConfiguration>();

/// What was accepted, and what stays at Healthengine without being offered.
pub(in crate::practice) struct AcceptedConfiguration {
    store: Store,
    practice: PracticeId,
    remembered: Mutex<RememberedConfiguration>,
    protected: Mutex<BTreeSet<ResourceId>>,
    unsent: Mutex<Option<ConfigurationChanges>>,
}

impl AcceptedConfiguration {
    /// Reads what was told before the restart.
    pub(in crate::practice) fn open(store: &Store, practice: &PracticeId) -> Self {
        // A record that cannot be read is a configuration that was never sent.
        let remembered = store.get::<RememberedConfiguration>(&practice.0).ok().flatten().unwrap_or_default();
        Self {
            store: store.clone(),
            practice: practice.clone(),
            remembered: Mutex::new(remembered),
            protected: Mutex::default(),
            unsent: Mutex::default(),
        }
    }

    pub(super) fn remembered(&self) -> MutexGuard<'_, RememberedConfiguration> {
        self.remembered.lock()
    }

    /// Resources that OpenVPMS does not list, or without their types, and that stay at Healthengine
    /// until the guard is convinced.
    pub(in crate::practice) fn protected(&self) -> BTreeSet<ResourceId> {
        self.protected.lock().clone()
    }

    /// The guard protects these and no others.
    pub(super) fn protect(&self, resources: &BTreeSet<ResourceId>) {
        self.protected.lock().clone_from(resources);
    }

    /// What is left without them: a day of theirs, worked out from what was read, would offer too
    /// little.
    pub(in crate::practice) fn leave_out_protected(&self, offering: &mut Offering) {
        let protected = self.protected.lock();
        offering.mapping.resources.retain(|resource| !protected.contains(&resource.id));
    }

    /// The appointment types that Healthengine surely has, those of protected resources included;
    /// `None` before it had any.
    pub(in crate::practice) fn sure_types(&self) -> Option<BTreeSet<TypeId>> {
        self.remembered().sure_types()
    }

    /// Resources that Healthengine has, as far as we were told.
    pub(in crate::practice) fn resources_at_healthengine(&self) -> BTreeSet<ResourceId> {
        let remembered = self.remembered();
        remembered.resources.iter().flatten().filter_map(|own| own.pms_resource_id.parse().ok()).collect()
    }

    /// What was planned and Healthengine has not accepted yet; `None` if it has everything.
    pub(in crate::practice) fn unsent(&self) -> Option<ConfigurationChanges> {
        self.unsent.lock().clone()
    }

    /// This is planned, and on its way.
    pub(super) fn planned(&self, changes: &ConfigurationChanges) {
        *self.unsent.lock() = (!changes.is_nothing()).then(|| changes.clone());
    }

    /// Healthengine accepted all that was planned.
    pub(super) fn applied(&self) {
        *self.unsent.lock() = None;
    }

    /// The resources that Healthengine has, as far as we were told, with their names.
    pub(in crate::practice) fn resource_names(&self) -> Vec<(ResourceId, String)> {
        let remembered = self.remembered();
        let resources = remembered.resources.iter().flatten();
        resources.filter_map(|own| Some((own.pms_resource_id.parse().ok()?, own.pms_resource_name.clone()))).collect()
    }

    /// What a resource is called at Healthengine.
    pub(in crate::practice) fn resource_name(&self, id: ResourceId) -> Option<String> {
        self.resource_names().into_iter().find(|(own, _)| *own == id).map(|(_, name)| name)
    }

    /// What the practice's locations are called, as OpenVPMS was last read.
    pub(in crate::practice) fn location_names(&self) -> BTreeMap<LocationId, String> {
        self.remembered().location_names.clone()
    }

    /// The practice's locations are called so.
    pub(super) fn note_location_names(&self, names: &BTreeMap<LocationId, String>) {
        if self.remembered().location_names != *names {
            self.note(|remembered| remembered.location_names.clone_from(names));
        }
    }

    /// Looks at what OpenVPMS offered when Healthengine last accepted its lists.
    pub(in crate::practice) fn with_accepted<T>(&self, look: impl FnOnce(&Accepted) -> T) -> T {
        look(&self.remembered().accepted)
    }

    /// True once Healthengine accepted all of it.
    pub(in crate::practice) fn was_ever_accepted(&self) -> bool {
        self.accepted_at().is_some()
    }

    /// When Healthengine last accepted all of it.
    pub(in crate::practice) fn accepted_at(&self) -> Option<DateTime<Utc>> {
        self.remembered().at
    }

    /// Whatever is sent next is sent whole. The lists stay: the guard measures by them.
    pub(in crate::practice) fn forget_acceptance(&self) {
        self.note(|remembered| remembered.at = None);
    }

    /// Changes the record, which is written soon.
    pub(super) fn note(&self, change: impl FnOnce(&mut RememberedConfiguration)) {
        if let Some(batch) = self.changed(change) {
            self.store.write_later(batch);
        }
    }

    /// Changes the record; durable when this returns.
    pub(super) async fn note_durably(
        &self,
        change: impl FnOnce(&mut RememberedConfiguration),
    ) -> Result<(), StoreError> {
        match self.changed(change) {
            Some(batch) => self.store.commit(batch).await,
            None => Ok(()),
        }
    }

    fn changed(&self, change: impl FnOnce(&mut RememberedConfiguration)) -> Option<Batch> {
        let mut remembered = self.remembered();
        change(&mut remembered);
        Batch::of(&self.practice.0, &*remembered)
            .inspect_err(|error| {
                tracing::error!(practice = %self.practice, "The configuration cannot be remembered: {error}.");
            })
            .ok()
    }
}
