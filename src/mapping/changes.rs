//! How Healthengine's configuration is to change, as data: shown to a person, and all that a dry
//! run brings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

/// What would be, or was, sent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ConfigurationChanges {
    /// The liveness contract.
    pub liveness_contract: bool,
    /// The resources, if they are sent.
    pub resources: Option<ListChange>,
    /// The appointment types, if they are sent.
    pub appointment_types: Option<ListChange>,
    /// What is held back, and why.
    pub held_back: Vec<String>,
    /// What is deleted, in sentences that say what is lost by it.
    #[serde(default)]
    pub lost: Vec<String>,
}

/// How a list differs from what Healthengine has.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ListChange {
    /// How many it has.
    pub count: usize,
    /// Ids that are new.
    pub added: Vec<String>,
    /// Ids whose content changed.
    pub changed: Vec<String>,
    /// Ids that are deleted, with their links.
    pub removed: Vec<String>,
}

impl ListChange {
    /// How the second list differs from the first.
    pub fn between<T: PartialEq>(before: Option<&Vec<T>>, after: &[T], id: impl Fn(&T) -> &str) -> Self {
        let before: BTreeMap<&str, &T> = before.into_iter().flatten().map(|item| (id(item), item)).collect();
        let ids: BTreeSet<&str> = after.iter().map(&id).collect();
        let text = |id: &str| id.to_owned();
        Self {
            count: after.len(),
            added: ids.iter().filter(|id| !before.contains_key(*id)).map(|id| text(id)).collect(),
            changed: after
                .iter()
                .filter(|item| before.get(id(item)).is_some_and(|old| *old != *item))
                .map(|item| text(id(item)))
                .collect(),
            removed: before.keys().filter(|id| !ids.contains(*id)).map(|id| text(id)).collect(),
        }
    }
}

impl fmt::Display for ListChange {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.count)?;
        for (what, ids) in [("added", &self.added), ("changed", &self.changed), ("removed", &self.removed)] {
            if !ids.is_empty() {
                write!(f, ", {what}: {}", ids.join(" "))?;
            }
        }
        Ok(())
    }
}

impl ConfigurationChanges {
    /// True if nothing is sent.
    pub fn is_nothing(&self) -> bool {
        !self.liveness_contract && self.resources.is_none() && self.appointment_types.is_none()
    }
}

impl fmt::Display for ConfigurationChanges {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.liveness_contract {
            writeln!(f, "liveness contract")?;
        }
        for (what, list) in [("resources", &self.resources), ("appointment types", &self.appointment_types)] {
            if let Some(list) = list {
                writeln!(f, "{what}: {list}")?;
            }
        }
        self.lost.iter().try_for_each(|lost| writeln!(f, "deleted: {lost}"))?;
        self.held_back.iter().try_for_each(|held| writeln!(f, "held back: {held}"))
    }
}
