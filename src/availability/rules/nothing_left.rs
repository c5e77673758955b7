//! Which rules leave nothing of a resource, or of one of its appointment types, to offer.

use std::collections::{BTreeMap, BTreeSet};

use super::in_force::RulesInForce;
use crate::ids::{AppointmentTypeId, ResourceId};

/// Which rules leave nothing of what the diary has free.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum NothingLeft {
    /// This one alone does, by its number.
    ByOne(u32),
    /// No single one does: several do together.
    Together,
}

/// `offers` says whether some rules leave a start of the resource. `None` if there is one, or if
/// the diary has none.
pub(in crate::availability) fn why_nothing_is_left(
    in_force: RulesInForce<'_>,
    resource: ResourceId,
    offers: impl Fn(RulesInForce<'_>) -> bool,
) -> Option<NothingLeft> {
    let narrowing = in_force.narrowing(resource);
    if narrowing.is_empty() || offers(in_force) || !offers(RulesInForce::default()) {
        return None;
    }
    let one = narrowing.into_iter().find(|rule| !offers(in_force.alone(rule)));
    Some(one.map_or(NothingLeft::Together, |rule| NothingLeft::ByOne(rule.number)))
}

/// The appointment types of a resource that the rules leave no start, although the diary has some.
/// `offers` says which types some rules leave a start.
pub(in crate::availability) fn types_without_times(
    in_force: RulesInForce<'_>,
    resource: ResourceId,
    offers: impl Fn(RulesInForce<'_>) -> BTreeSet<AppointmentTypeId>,
) -> BTreeMap<AppointmentTypeId, NothingLeft> {
    let narrowing = in_force.narrowing(resource);
    if narrowing.is_empty() {
        return BTreeMap::new();
    }
    let left = offers(in_force);
    let gone: Vec<AppointmentTypeId> =
        offers(RulesInForce::default()).into_iter().filter(|kind| !left.contains(kind)).collect();
    if gone.is_empty() {
        return BTreeMap::new();
    }
    let by_each: Vec<(u32, BTreeSet<AppointmentTypeId>)> =
        narrowing.into_iter().map(|rule| (rule.number, offers(in_force.alone(rule)))).collect();
    let why = |kind: &AppointmentTypeId| {
        let one = by_each.iter().find(|(_, left)| !left.contains(kind));
        one.map_or(NothingLeft::Together, |(number, _)| NothingLeft::ByOne(*number))
    };
    gone.into_iter().map(|kind| (kind, why(&kind))).collect()
}
