//! `[[practice.resources]]`: what a practice offers, one by one.

use crate::ids::{ResourceId, ScheduleId, UserId};

/// A schedule, or a clinician on a schedule, that a practice offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceEntry {
    /// Where appointments go.
    pub schedule: ScheduleId,
    /// Who sees the patient, for a resource that is a clinician.
    pub user: Option<UserId>,
    /// Its name at Healthengine, instead of the one from OpenVPMS.
    pub name: Option<String>,
}

impl ResourceEntry {
    /// The id that Healthengine knows it by.
    pub fn id(&self) -> ResourceId {
        ResourceId { schedule: self.schedule, user: self.user }
    }
}
