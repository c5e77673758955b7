//! What a rule names and the practice does not offer: a slip of the pen, or a schedule that is gone
//! from the diary.

use super::OfferRule;
use crate::ids::{AppointmentTypeId, ResourceId};
use crate::mapping::Resource;

/// The ids of a rule that are none of what it can be about.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct ForeignNames {
    /// Resources that the practice does not offer.
    pub resources: Vec<ResourceId>,
    /// Appointment types that none of its resources offers.
    pub types: Vec<AppointmentTypeId>,
    /// Appointment types that other resources offer than those that the rule is about.
    pub types_of_others: Vec<AppointmentTypeId>,
}

impl ForeignNames {
    /// Of a rule, where these are the practice's resources.
    pub fn of(rule: &OfferRule, resources: &[Resource]) -> Self {
        let is_there = |id: &ResourceId| resources.iter().any(|own| own.id == *id);
        let (there, missing): (Vec<ResourceId>, Vec<ResourceId>) = rule.resources.iter().copied().partition(is_there);
        let mut names = Self { resources: missing, ..Self::default() };
        for kind in &rule.types {
            let offers = |own: &&Resource| own.appointment_type(*kind).is_some();
            let mut by = resources.iter().filter(offers).peekable();
            if by.peek().is_none() {
                names.types.push(*kind);
            } else if !there.is_empty() && by.all(|own| !rule.is_about(own.id)) {
                names.types_of_others.push(*kind);
            }
        }
        names
    }
}
