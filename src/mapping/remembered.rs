//! What Healthengine was told of a practice's configuration, as it is remembered.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::departures::Departure;
use super::guard::Accepted;
use crate::healthengine::{LivenessContract, PmsAppointmentType, PmsResource};
use crate::ids::{LocationId, TypeId};

/// What Healthengine was told, in full: while a list is held back, whoever asks for it gets the
/// accepted one again.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct RememberedConfiguration {
    /// The liveness contract that it accepted.
    pub contract: Option<LivenessContract>,
    /// The resources.
    pub resources: Option<Vec<PmsResource>>,
    /// The appointment types.
    pub types: Option<Vec<PmsAppointmentType>>,
    /// What OpenVPMS offered when it accepted the lists.
    pub accepted: Accepted,
    /// The ids of resource lists that left and whose answers never came: Healthengine has what it
    /// accepted, or one of these lists. Only what is in all of them is sure.
    #[serde(default, rename = "unheard_resources", skip_serializing_if = "Option::is_none")]
    pub unacknowledged_resources: Option<BTreeSet<String>>,
    /// The same of appointment types.
    #[serde(default, rename = "unheard_types", skip_serializing_if = "Option::is_none")]
    pub unacknowledged_types: Option<BTreeSet<String>>,
    /// A keyed hash of the practice key: another key is another consent, and everything is sent
    /// again.
    pub key: String,
    /// When all of it was last accepted in one go.
    pub at: Option<DateTime<Utc>>,
    /// What left Healthengine and is not back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub departed: Vec<Departure>,
    /// What the practice's locations are called in OpenVPMS.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub location_names: BTreeMap<LocationId, String>,
}

impl RememberedConfiguration {
    /// True of a resource that Healthengine surely has.
    pub fn has_resource(&self, id: &str) -> bool {
        let accepted = self.resources.iter().flatten().any(|own| own.pms_resource_id == id);
        accepted && self.unacknowledged_resources.as_ref().is_none_or(|ids| ids.contains(id))
    }

    /// The appointment types that it surely has; `None` before it had any.
    pub fn sure_types(&self) -> Option<BTreeSet<TypeId>> {
        let is_sure = |id: &str| self.unacknowledged_types.as_ref().is_none_or(|ids| ids.contains(id));
        let ids = self.types.as_ref()?.iter().map(|own| own.pms_appointment_type_id.as_str());
        Some(ids.filter(|id| is_sure(id)).filter_map(|id| id.parse().ok()).collect())
    }
}
