//! What of a practice's configuration is to be sent, as a value: a dry run shows it, a sync applies
//! it.

use chrono::{DateTime, TimeDelta, Utc};

use super::Mapping;
use super::changes::{ConfigurationChanges, ListChange};
use super::departures::{resources_leaving, types_leaving};
use super::guard::{Accepted, HoldReason, Ruling, Rulings};
use super::remembered::RememberedConfiguration;
use crate::dates;
use crate::healthengine::{LivenessContract, PmsAppointmentType, PmsResource};

/// Sent once a day even if nothing differs.
const DAILY: TimeDelta = TimeDelta::hours(24);

/// The configuration as OpenVPMS and the file want it to be at Healthengine.
#[derive(Debug, Clone)]
pub struct Desired {
    /// The liveness contract.
    pub contract: LivenessContract,
    /// The resources.
    pub resources: Vec<PmsResource>,
    /// The appointment types.
    pub types: Vec<PmsAppointmentType>,
    /// What becomes the accepted lists once Healthengine takes these.
    pub accepted: Accepted,
    /// What the guard says to them.
    pub rulings: Rulings,
}

impl Desired {
    /// What this mapping and this contract want.
    pub fn new(contract: LivenessContract, mapping: &Mapping, rulings: Rulings) -> Self {
        Self {
            contract,
            resources: mapping.pms_resources(),
            types: mapping.pms_appointment_types(),
            accepted: Accepted::from_mapping(mapping),
            rulings,
        }
    }
}

/// Why something is sent although nothing differs.
#[derive(Debug, Clone)]
pub struct SendWish {
    /// A person wants all of it sent.
    pub person_insists: bool,
    /// Healthengine asks for the resources.
    pub resources: bool,
    /// It asks for the appointment types.
    pub types: bool,
    /// A keyed hash of the practice key.
    pub key: String,
    /// True if the store was put back after the configuration was last accepted: Healthengine may
    /// have heard something else since.
    pub is_replaced: bool,
    /// The present time.
    pub now: DateTime<Utc>,
}

/// A list that is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListPlan<T> {
    /// The list.
    pub list: Vec<T>,
    /// True if it is the one that was read, false if the accepted one goes again while the guard
    /// holds that back.
    pub is_as_read: bool,
}

/// What is sent.
#[derive(Debug, Clone)]
pub struct Plan {
    /// True if all of it is sent, whatever differs.
    pub everything: bool,
    /// The liveness contract.
    pub contract: Option<LivenessContract>,
    /// The resources.
    pub resources: Option<ListPlan<PmsResource>>,
    /// The appointment types.
    pub types: Option<ListPlan<PmsAppointmentType>>,
    /// Why the resources are held back.
    pub resources_held: Option<HoldReason>,
    /// Why the appointment types are.
    pub types_held: Option<HoldReason>,
    /// Resources that Healthengine deletes with the list.
    pub resources_leaving: Vec<PmsResource>,
    /// Appointment types that it deletes.
    pub types_leaving: Vec<PmsAppointmentType>,
}

/// What is to be sent so that Healthengine has what is desired.
pub fn plan(desired: &Desired, remembered: &RememberedConfiguration, wish: &SendWish) -> Plan {
    let last_accepted = remembered.at.and_then(|at| dates::age(at, wish.now));
    let everything = wish.person_insists
        || remembered.key != wish.key
        || last_accepted.is_none_or(|age| age >= DAILY)
        || wish.is_replaced;
    let differs = remembered.contract.as_ref() != Some(&desired.contract);
    let resources = list(
        desired.rulings.resources,
        &desired.resources,
        remembered.resources.as_ref(),
        everything || wish.resources || remembered.unacknowledged_resources.is_some(),
    );
    let types = list(
        desired.rulings.types,
        &desired.types,
        remembered.types.as_ref(),
        everything || wish.types || remembered.unacknowledged_types.is_some(),
    );
    let resources_leaving = resources.iter().flat_map(|plan| {
        resources_leaving(remembered.resources.as_ref(), &plan.list).into_iter().cloned().collect::<Vec<_>>()
    });
    let types_leaving = types.iter().flat_map(|plan| {
        types_leaving(remembered.types.as_ref(), &plan.list, &desired.resources)
            .into_iter()
            .cloned()
            .collect::<Vec<_>>()
    });
    Plan {
        everything,
        contract: (everything || differs).then(|| desired.contract.clone()),
        resources_leaving: resources_leaving.collect(),
        types_leaving: types_leaving.collect(),
        resources,
        types,
        resources_held: held(desired.rulings.resources),
        types_held: held(desired.rulings.types),
    }
}

fn held(ruling: Ruling) -> Option<HoldReason> {
    match ruling {
        Ruling::Send => None,
        Ruling::Hold(reason) => Some(reason),
    }
}

/// The list that is sent, if it differs or is wanted in any case: the one that was read, or while
/// the guard holds that back the last accepted one.
fn list<T: Clone + PartialEq>(
    ruling: Ruling,
    read: &[T],
    accepted: Option<&Vec<T>>,
    in_any_case: bool,
) -> Option<ListPlan<T>> {
    let is_as_read = ruling == Ruling::Send;
    let list = if is_as_read { read } else { accepted?.as_slice() };
    let differs = accepted.is_none_or(|accepted| accepted != list);
    (in_any_case || differs).then(|| ListPlan { list: list.to_vec(), is_as_read })
}

impl Plan {
    /// How Healthengine's configuration changes by it. What is held back and what is lost is told
    /// in these sentences.
    pub fn changes(
        &self,
        remembered: &RememberedConfiguration,
        held_back: Vec<String>,
        lost: Vec<String>,
    ) -> ConfigurationChanges {
        let resources = self.resources.as_ref().map(|plan| {
            let before = remembered.resources.as_ref();
            ListChange::between(before, &plan.list, |own| &own.pms_resource_id, |own| &own.pms_resource_name)
        });
        let appointment_types = self.types.as_ref().map(|plan| {
            let before = remembered.types.as_ref();
            ListChange::between(
                before,
                &plan.list,
                |own| &own.pms_appointment_type_id,
                |own| &own.pms_appointment_type_name,
            )
        });
        ConfigurationChanges {
            liveness_contract: self.contract.is_some(),
            resources,
            appointment_types,
            held_back,
            lost,
            contract_differs: self.contract.is_some() && self.contract != remembered.contract,
        }
    }
}
