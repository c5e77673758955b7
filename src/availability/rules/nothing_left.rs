//! Which rules leave nothing of a resource, or of one of its appointment types, to offer.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};

use super::in_force::RulesInForce;
use super::offer_rule::{OfferRule, RuleAt};
use crate::ids::{AppointmentTypeId, ResourceId};

/// For one resource, or one of its types, so many sets of rules are tried at most: each trial can
/// judge every day of the horizon.
const TRIALS_MAX: usize = 64;

/// The keys of rules that leave nothing of what the diary has free: one that does alone, or as few
/// as do together. Where there are very many rules, perhaps more than are needed.
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

/// Tries rules out, so many times at most.
struct Trials<F> {
    suffices: F,
    left: Cell<usize>,
}

impl<F: Fn(&[OfferRule]) -> bool> Trials<F> {
    fn new(suffices: F) -> Self {
        Self { suffices, left: Cell::new(TRIALS_MAX) }
    }

    /// True if these rules are known to leave nothing. What is not tried any more is not known.
    fn suffice(&self, rules: &[OfferRule]) -> bool {
        let Some(left) = self.left.get().checked_sub(1) else { return false };
        self.left.set(left);
        (self.suffices)(rules)
    }
}

/// The first key that suffices, else keys of which none can be spared. All of them suffice. When
/// the trials are used up, keys are among them that might be spared.
fn as_few(keys: &[(RuleAt, OfferRule)], suffices: impl Fn(&[OfferRule]) -> bool) -> NothingLeft {
    let trials = Trials::new(suffices);
    let (mut needed, mut rules): (Vec<RuleAt>, Vec<OfferRule>) = keys.iter().cloned().unzip();
    if let Some(place) = first_alone(&rules, &trials) {
        return NothingLeft(vec![needed[place]]);
    }
    for at in needed.clone() {
        let Some(place) = needed.iter().position(|own| *own == at) else { continue };
        let spared = rules.remove(place);
        if trials.suffice(&rules) {
            needed.remove(place);
        } else {
            rules.insert(place, spared);
        }
    }
    NothingLeft(needed)
}

/// The place of the first of some rules that suffices alone; all of them together do. Rules that do
/// not suffice together hold none that suffices alone.
fn first_alone<F: Fn(&[OfferRule]) -> bool>(rules: &[OfferRule], trials: &Trials<F>) -> Option<usize> {
    if rules.len() < 2 {
        return (!rules.is_empty()).then_some(0);
    }
    let (front, back) = rules.split_at(rules.len() / 2);
    let of = |part: &[OfferRule]| trials.suffice(part).then(|| first_alone(part, trials)).flatten();
    of(front).or_else(|| of(back).map(|place| front.len() + place))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::rules::RuleKey;

    /// So many keys, and what is found of them where these together leave nothing; with the number
    /// of trials.
    fn found(count: u32, together: &[u32]) -> (Vec<u32>, usize) {
        let rules = (1..=count).map(|number| OfferRule { number, keep_free: Some(1), ..OfferRule::default() });
        let keys: Vec<(RuleAt, OfferRule)> = rules.map(|rule| (rule.at(RuleKey::KeepFree), rule)).collect();
        let tried = Cell::new(0);
        let suffices = |rules: &[OfferRule]| {
            tried.set(tried.get() + 1);
            together.iter().all(|number| rules.iter().any(|rule| rule.number == *number))
        };
        let NothingLeft(found) = as_few(&keys, suffices);
        (found.into_iter().map(|at| at.number).collect(), tried.get())
    }

    #[test]
    fn the_rules_that_leave_nothing_are_found_in_few_trials() {
        for alone in [1, 44, 45, 88] {
            let (found, trials) = found(88, &[alone]);
            assert_eq!(found, [alone]);
            assert!(trials <= 14, "{trials} trials");
        }
        let together = [3, 17, 40];
        assert_eq!(found(40, &together).0, together);
    }

    #[test]
    fn when_the_trials_are_used_up_more_rules_are_named_than_are_needed_and_none_is_missing() {
        let together: Vec<u32> = (1..=28).map(|number| number * 3).collect();
        let (found, trials) = found(88, &together);
        assert!(trials <= TRIALS_MAX, "{trials} trials");
        assert!(together.iter().all(|number| found.contains(number)), "{found:?}");
        assert!(found.len() > together.len() && found.len() < 88, "{found:?}");
    }
}
