//! What a practice offers: as OpenVPMS was last read, and as Healthengine accepted it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Practice;
use super::unread::Source;
use crate::availability::Zones;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::mapping::{Inventory, Mapping};

/// What OpenVPMS offers, once it was read: the measure of days and bookings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// Resources and appointment types.
    pub mapping: Mapping,
    /// The zones of server and practice.
    pub zones: Zones,
    /// Where the clinicians among the resources work, locations of other practices included.
    pub user_locations: BTreeMap<UserId, BTreeSet<LocationId>>,
    /// The schedules that OpenVPMS lists at all these locations.
    pub listed: BTreeSet<ScheduleId>,
}

impl Offering {
    pub(super) fn new(mapping: Mapping, zones: Zones, inventory: &Inventory) -> Self {
        let schedules = inventory.schedules.values().flatten();
        Self {
            mapping,
            zones,
            user_locations: inventory.user_locations.clone(),
            listed: schedules.map(|(schedule, _)| schedule.id).collect(),
        }
    }
}

impl Offering {
    /// True if this is a part of OpenVPMS that is read for what is offered.
    pub(super) fn reads(&self, source: &Source) -> bool {
        match source {
            Source::Inventory => true,
            Source::Places(user) => self.user_locations.contains_key(user),
            Source::Schedule(schedule) => {
                self.listed.contains(schedule) || self.mapping.resources.iter().any(|own| own.id.schedule == *schedule)
            }
            Source::Clinician(user, location) => {
                self.user_locations.get(user).is_some_and(|locations| locations.contains(location))
            }
        }
    }
}

impl Practice {
    /// Its resources, types and zones, once OpenVPMS was read.
    pub fn offering(&self) -> Option<Arc<Offering>> {
        self.offering.borrow().clone()
    }

    /// The resources and types that Healthengine accepted, once it did: it refuses days of any others.
    pub(super) fn offered(&self) -> Option<Arc<Offering>> {
        self.offered.borrow().clone()
    }
}
