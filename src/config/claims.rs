//! What must hold between practices: no schedule is sold twice.
//!
//! As far as the file shows it: a practice without resource entries takes every schedule at its
//! locations, so a location can belong to two practices only where both say which schedules are
//! theirs. That a schedule listed by one practice stands at a location of another that lists none
//! is seen by `vetbridge check` and at run time, when OpenVPMS has told.
//!
//! A disabled practice counts like any other: enabling it must not make the file invalid.

use std::collections::{BTreeMap, BTreeSet};

use super::resources::ResourceEntry;
use super::toml_reader::Value;
use crate::ids::{LocationId, PracticeId, ResourceId, ScheduleId};
use crate::messages::config_file as say;

/// What the practices that were read so far claim, each with the place that said so first.
#[derive(Default)]
pub(super) struct Claims<'a> {
    practices: BTreeMap<PracticeId, usize>,
    /// The practices that list no resources.
    takes_all: BTreeSet<PracticeId>,
    locations: BTreeMap<LocationId, Vec<(PracticeId, Value<'a>)>>,
    schedules: BTreeMap<ScheduleId, (PracticeId, usize)>,
    resources: BTreeMap<ResourceId, usize>,
}

impl<'a> Claims<'a> {
    /// A practice says that this is its id.
    pub(super) fn claim_id(&mut self, id: &PracticeId, place: &Value<'_>) {
        match self.practices.get(id) {
            Some(first_line) => place.report(say::practice_twice(id, *first_line)),
            None => drop(self.practices.insert(id.clone(), place.line())),
        }
    }

    /// A practice lists this location.
    pub(super) fn claim_location(&mut self, location: LocationId, practice: &PracticeId, place: Value<'a>) {
        self.locations.entry(location).or_default().push((practice.clone(), place));
    }

    /// A practice lists no resources, so every schedule at its locations is its own.
    pub(super) fn claim_all_schedules(&mut self, practice: &PracticeId) {
        self.takes_all.insert(practice.clone());
    }

    /// A practice offers this resource.
    pub(super) fn claim_resource(&mut self, entry: &ResourceEntry, practice: &PracticeId, place: &Value<'_>) {
        let line = place.line();
        let (holder, first_line) = self.schedules.entry(entry.schedule).or_insert_with(|| (practice.clone(), line));
        if holder != practice {
            return place.report(say::schedule_in_two_practices(entry.schedule, holder, *first_line));
        }
        match self.resources.get(&entry.id()) {
            Some(first_line) => place.report(say::resource_twice(entry.id(), *first_line)),
            None => drop(self.resources.insert(entry.id(), line)),
        }
    }

    /// Reports the locations of two practices where it is not said which schedules are whose.
    pub(super) fn report_shared_locations(&self) {
        for (location, holders) in &self.locations {
            let Some(((first, place), others)) = holders.split_first() else { continue };
            for (practice, value) in others.iter().filter(|(practice, _)| practice != first) {
                if self.takes_all.contains(first) || self.takes_all.contains(practice) {
                    value.report(say::location_in_two_practices(location, first, place.line()));
                }
            }
        }
    }
}
