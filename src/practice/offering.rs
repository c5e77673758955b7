//! What a practice offers: as OpenVPMS was last read, and as Healthengine accepted it.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::Practice;
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
