//! How Healthengine's configuration is to change, as data: shown to a person, and all that a dry
//! run brings.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use serde::{Deserialize, Serialize};

use crate::characters::one_line;

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
    /// True if the liveness contract is sent and differs from the accepted one.
    #[serde(default)]
    pub contract_differs: bool,
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
    /// The names of these; where a name changes, with the one before.
    #[serde(default)]
    pub names: BTreeMap<String, String>,
}

impl ListChange {
    /// How the second list differs from the first.
    pub fn between<T: PartialEq>(
        before: Option<&Vec<T>>,
        after: &[T],
        id: impl Fn(&T) -> &str,
        name: impl Fn(&T) -> &str,
    ) -> Self {
        let before: BTreeMap<&str, &T> = before.into_iter().flatten().map(|item| (id(item), item)).collect();
        let ids: BTreeSet<&str> = after.iter().map(&id).collect();
        let text = |id: &str| id.to_owned();
        let mut names = BTreeMap::new();
        for item in after {
            let own = one_line(name(item), NAME_CHARS_MAX);
            let shown = match before.get(id(item)) {
                Some(old) if *old == item => continue,
                Some(old) if name(old) != name(item) => {
                    format!("{own} (was {})", one_line(name(old), NAME_CHARS_MAX))
                }
                Some(_) | None => own,
            };
            names.insert(text(id(item)), shown);
        }
        for (id, old) in before.iter().filter(|(id, _)| !ids.contains(*id)) {
            names.insert(text(id), one_line(name(old), NAME_CHARS_MAX));
        }
        Self {
            names,
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

/// A name of a resource or type is cut after this.
const NAME_CHARS_MAX: usize = 80;

impl ListChange {
    /// Each change on a line of its own, with its name.
    fn write_each(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let all = [("+", &self.added), ("~", &self.changed), ("-", &self.removed)];
        for (sign, ids) in all {
            for id in ids {
                writeln!(f, "  {sign} {id}  {}", self.names.get(id).map_or("", String::as_str))?;
            }
        }
        Ok(())
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
    fn write_sentences(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.lost.iter().try_for_each(|lost| writeln!(f, "deleted: {lost}"))?;
        self.held_back.iter().try_for_each(|held| writeln!(f, "held back: {held}"))
    }

    /// True if nothing is sent.
    pub fn is_nothing(&self) -> bool {
        !self.liveness_contract && self.resources.is_none() && self.appointment_types.is_none()
    }
}

/// The same for a person who wants to know exactly: each change with its name.
pub struct ChangesInFull<'a>(pub &'a ConfigurationChanges);

impl fmt::Display for ChangesInFull<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self(changes) = self;
        if changes.liveness_contract {
            writeln!(f, "liveness contract: {}", if changes.contract_differs { "changed" } else { "unchanged" })?;
        }
        let lists = [("resources", &changes.resources), ("appointment types", &changes.appointment_types)];
        for (what, list) in lists.into_iter().filter_map(|(what, list)| Some((what, list.as_ref()?))) {
            let counts = [("added", &list.added), ("changed", &list.changed), ("removed", &list.removed)];
            let counts = counts.into_iter().filter(|(_, ids)| !ids.is_empty());
            let counts: Vec<String> = counts.map(|(what, ids)| format!(", {} {what}", ids.len())).collect();
            writeln!(f, "{what}: {}{}", list.count, counts.concat())?;
            list.write_each(f)?;
        }
        changes.write_sentences(f)
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
        self.write_sentences(f)
    }
}
