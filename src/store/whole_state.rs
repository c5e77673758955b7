//! All records at one moment, judged: what export writes and verify reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::export::Export;
use super::kinds::{RecordKind, Travel};
use super::meta::Meta;
use super::parts::StoredValue;
use super::record::Record;
use super::unreadable::Unreadable;

/// All records of a store at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Snapshot {
    /// When it was taken.
    pub at: DateTime<Utc>,
    /// What the store knows about itself.
    pub meta: Meta,
    /// How many records of each kind can be read.
    pub counts: BTreeMap<String, usize>,
    /// What cannot.
    pub unreadable: Vec<Unreadable>,
    /// The records that travel, by their whole keys, each as the database has it.
    pub records: BTreeMap<String, Arc<str>>,
}

impl Snapshot {
    /// What of it travels.
    pub fn into_export(self) -> Export {
        Export { exported_at: self.at, meta: self.meta, records: self.records }
    }

    pub(super) fn take(
        records: impl IntoIterator<Item = (String, StoredValue)>,
        meta: &Meta,
        kinds: &[RecordKind],
        at: DateTime<Utc>,
    ) -> Self {
        let mut taken =
            Self { at, meta: meta.clone(), counts: BTreeMap::new(), unreadable: Vec::new(), records: BTreeMap::new() };
        let own = RecordKind::stays_behind::<Meta>();
        for (key, stored) in records {
            let kind = if own.name == key.split('/').next().unwrap_or_default() {
                Some(&own)
            } else {
                RecordKind::of(&key, kinds)
            };
            match judge(kind, &stored) {
                Ok((kind, text)) => {
                    // The store's own record is in the first line of an export, and no record of
                    // whoever uses the store.
                    if kind.name != Meta::KIND {
                        *taken.counts.entry(kind.name.to_owned()).or_default() += 1;
                    }
                    if kind.travel == Travel::Exported {
                        taken.records.insert(key, Arc::clone(text));
                    }
                }
                Err(reason) => taken.unreadable.push(Unreadable { key, reason }),
            }
        }
        taken
    }
}

fn judge<'a, 'b>(
    kind: Option<&'a RecordKind>,
    stored: &'b StoredValue,
) -> Result<(&'a RecordKind, &'b Arc<str>), String> {
    let text = match stored {
        StoredValue::Text(text) => text,
        StoredValue::Damaged(reason) => return Err((*reason).to_owned()),
    };
    let kind = kind.ok_or("this program does not know its kind; is it an older program?")?;
    kind.reread(text).map(|_| (kind, text))
}
