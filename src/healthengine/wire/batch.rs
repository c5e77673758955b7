//! What became of each snapshot of a batch.
//!
//! `availability/snapshots` answers 200 although single snapshots failed, and names each by its id,
//! or by its place in the list where it had none. Only what is said to be created, or known
//! already, counts as accepted: a snapshot that is not mentioned at all would otherwise never be
//! sent again.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::super::api::{AvailabilitySnapshot, BatchOutcome};
use crate::characters::one_line;
use crate::http::json::{Misfit, entries, field, id, text};

/// How much of a reason is kept.
const REASON_CHARS_MAX: usize = 300;

/// Reads `{"created":[…],"existing":[…],"failed":[…],"errors":[{"snapshot":…,"error":"…"}]}`.
pub(in crate::healthengine) fn outcome(
    value: &Value,
    snapshots: &[AvailabilitySnapshot],
) -> Result<BatchOutcome, Misfit> {
    if !value.is_object() {
        return Err(Misfit::new("created, existing and failed snapshots", Some(value)));
    }
    let names = SnapshotNames::of(snapshots);
    let accepted: BTreeSet<usize> =
        names.listed(value, "created")?.union(&names.listed(value, "existing")?).copied().collect();
    let failed = names.listed(value, "failed")?;
    let reasons = names.reasons(value);
    let mut outcome = BatchOutcome::default();
    for index in 0..snapshots.len() {
        match reasons.get(&index) {
            Some(reason) => outcome.failed.push((index, reason.clone())),
            None if failed.contains(&index) => outcome.failed.push((index, "no reason was given".to_owned())),
            None if accepted.contains(&index) => outcome.accepted.push(index),
            None => outcome.failed.push((index, "the answer does not mention it".to_owned())),
        }
    }
    Ok(outcome)
}

/// From what the answer calls a snapshot to its index.
struct SnapshotNames<'a> {
    by_id: BTreeMap<&'a str, usize>,
    count: usize,
}

impl<'a> SnapshotNames<'a> {
    fn of(snapshots: &'a [AvailabilitySnapshot]) -> Self {
        let ids = snapshots.iter().enumerate().filter_map(|(index, snapshot)| Some((snapshot.id.as_deref()?, index)));
        Self { by_id: ids.collect(), count: snapshots.len() }
    }

    /// An id first: one that looks like an index is still an id.
    fn index(&self, name: &Value) -> Option<usize> {
        let name = id(name)?;
        let by_id = self.by_id.get(name.as_str()).copied();
        by_id.or_else(|| name.parse().ok().filter(|index| *index < self.count))
    }

    fn listed(&self, value: &Value, list: &str) -> Result<BTreeSet<usize>, Misfit> {
        let Some(names) = field(value, list) else { return Ok(BTreeSet::new()) };
        let names = entries(names).map_err(|misfit| misfit.in_field(list))?;
        Ok(names.iter().filter_map(|name| self.index(name)).collect())
    }

    fn reasons(&self, value: &Value) -> BTreeMap<usize, String> {
        let errors = field(value, "errors").and_then(|errors| entries(errors).ok()).unwrap_or_default();
        let reason = |error| {
            let index = field(error, "snapshot").and_then(|name| self.index(name))?;
            let reason = field(error, "error").and_then(text).unwrap_or_default();
            Some((index, one_line(&reason, REASON_CHARS_MAX)))
        };
        errors.iter().filter_map(reason).collect()
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn snapshots(ids: &[Option<&str>]) -> Vec<AvailabilitySnapshot> {
        let snapshot = |id: &Option<&str>| AvailabilitySnapshot {
            id: id.map(str::to_owned),
            date: "2019-02-15".parse().unwrap(),
            pms_resource_id: "s136".to_owned(),
            availability: Vec::new(),
        };
        ids.iter().map(snapshot).collect()
    }

    #[test]
    fn snapshots_are_told_apart_by_id_or_by_place() {
        let sent = snapshots(&[Some("a"), None, Some("c"), Some("0")]);
        let answer = json!({ "created": ["c", 1], "existing": ["0"], "failed": ["a"],
                             "errors": [{ "snapshot": "a", "error": "no such\nresource" }] });
        let outcome = outcome(&answer, &sent).unwrap();
        assert_eq!(outcome.accepted, vec![1, 2, 3]);
        assert_eq!(outcome.failed, vec![(0, "no such resource".to_owned())]);
    }

    #[test]
    fn what_is_failed_or_not_mentioned_is_not_accepted() {
        let sent = snapshots(&[Some("a"), Some("b"), Some("c")]);
        let answer = json!({ "created": ["a", "b", "stranger", 77], "existing": null, "failed": ["b"] });
        let outcome = outcome(&answer, &sent).unwrap();
        assert_eq!(outcome.accepted, vec![0]);
        assert_eq!(outcome.failed.iter().map(|(index, _)| *index).collect::<Vec<_>>(), vec![1, 2]);
    }

    #[test]
    fn an_answer_that_is_no_outcome_is_an_error() {
        assert!(outcome(&json!([]), &snapshots(&[None])).is_err());
        assert!(outcome(&json!({ "created": "a" }), &snapshots(&[None])).is_err());
    }
}
