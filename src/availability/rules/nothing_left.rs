//! Which rules leave nothing of a resource, or of one of its appointment types, to offer.

use std::collections::{BTreeMap, BTreeSet};

use super::in_force::RulesInForce;
use super::offer_rule::{OfferRule, RuleAt};
use crate::ids::{AppointmentTypeId, ResourceId};

/// The keys of rules that leave nothing of what the diary has free: one that does alone, or as few
/// as do together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct NothingLeft(pub Vec<RuleAt>);

/// `offers` says whether some rules leave a start of the resource. `None` if there is one, or if
/// the diary has none.
pub(in crate::availability) fn why_nothing_is_left(
    in_force: RulesInForce<'_>,
    resource: ResourceId,
    offers: impl Fn(RulesInForce<'_>) -> bool,
) -> Option<NothingLeft> {
    let keys = keys_apart(in_force, resource);
    if keys.is_empty() || offers(in_force) || !offers(RulesInForce::default()) {
        return None;
    }
    Some(as_few(&keys, |rules| !offers(RulesInForce { rules, ..in_force })))
}

/// The appointment types of a resource that the rules leave no start, although the diary has some.
/// `offers` says which types some rules leave a start.
pub(in crate::availability) fn types_without_times(
    in_force: RulesInForce<'_>,
    resource: ResourceId,
    offers: impl Fn(RulesInForce<'_>) -> BTreeSet<AppointmentTypeId>,
) -> BTreeMap<AppointmentTypeId, NothingLeft> {
    let keys = keys_apart(in_force, resource);
    if keys.is_empty() {
        return BTreeMap::new();
    }
    let left = offers(in_force);
    let gone = offers(RulesInForce::default()).into_iter().filter(|kind| !left.contains(kind));
    let why = |kind| as_few(&keys, |rules: &[_]| !offers(RulesInForce { rules, ..in_force }).contains(&kind));
    gone.map(|kind| (kind, why(kind))).collect()
}

/// Each key that withholds times of a resource, as a rule of its own. No key depends on another,
/// so all of them together withhold what the rules do.
fn keys_apart(in_force: RulesInForce<'_>, resource: ResourceId) -> Vec<(RuleAt, OfferRule)> {
    in_force.narrowing(resource).into_iter().flat_map(OfferRule::keys_apart).collect()
}

/// The first key that suffices, else keys of which none can be spared.
fn as_few(keys: &[(RuleAt, OfferRule)], suffices: impl Fn(&[OfferRule]) -> bool) -> NothingLeft {
    if let Some((at, _)) = keys.iter().find(|(_, rule)| suffices(std::slice::from_ref(rule))) {
        return NothingLeft(vec![*at]);
    }
    let (mut needed, mut rules): (Vec<RuleAt>, Vec<OfferRule>) = keys.iter().cloned().unzip();
    for at in needed.clone() {
        let Some(place) = needed.iter().position(|own| *own == at) else { continue };
        let spared = rules.remove(place);
        if suffices(&rules) {
            needed.remove(place);
        } else {
            rules.insert(place, spared);
        }
    }
    NothingLeft(needed)
}
