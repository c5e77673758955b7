//! Which rules leave nothing of a resource to offer.

use super::in_force::RulesInForce;
use crate::ids::ResourceId;

/// Which rules leave nothing of a resource that the diary has free.
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
    let alone = |rule| RulesInForce { rules: std::slice::from_ref(rule), ..in_force };
    let one = narrowing.into_iter().find(|rule| !offers(alone(*rule)));
    Some(one.map_or(NothingLeft::Together, |rule| NothingLeft::ByOne(rule.number)))
}
