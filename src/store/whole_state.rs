//! All records, judged: what export writes and verify reports.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::kinds::{RecordKind, Travel};
use super::meta::Meta;
use super::parts::StoredValue;
use super::record::Record;
use super::unreadable::Unreadable;
use super::walk::StoredWalk;

/// What can be read of a store, and what cannot.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Judgement {
    /// How many records of each kind can be read.
    pub counts: BTreeMap<String, usize>,
    /// What cannot.
    pub unreadable: Vec<Unreadable>,
}

/// Judges each record by these kinds; `take` gets those that travel, by their whole keys, each as
/// the database has it.
pub(super) fn judge(walk: StoredWalk<'_>, kinds: &[RecordKind], mut take: impl FnMut(String, Arc<str>)) -> Judgement {
    let mut judgement = Judgement::default();
    let own = RecordKind::stays_behind::<Meta>();
    for found in walk {
        let judged = found.and_then(|(key, stored)| {
            let is_own = own.name == key.split('/').next().unwrap_or_default();
            let kind = if is_own { Some(&own) } else { RecordKind::of(&key, kinds) };
            match judge_one(kind, stored) {
                Ok((kind, text)) => Ok((kind, key, text)),
                Err(reason) => Err(Unreadable { key, reason }),
            }
        });
        match judged {
            Ok((kind, key, text)) => {
                // The store's own record is in the first line of an export, and no record of
                // whoever uses the store.
                if kind.name != Meta::KIND {
                    *judgement.counts.entry(kind.name.to_owned()).or_default() += 1;
                }
                if kind.travel == Travel::Exported {
                    take(key, text);
                }
            }
            Err(unreadable) => judgement.unreadable.push(unreadable),
        }
    }
    judgement
}

fn judge_one(kind: Option<&RecordKind>, stored: StoredValue) -> Result<(&RecordKind, Arc<str>), String> {
    let text = match stored {
        StoredValue::Text(text) => text,
        StoredValue::Damaged(reason) => return Err(reason.to_owned()),
    };
    let kind = kind.ok_or("this program does not know its kind; is it an older program?")?;
    kind.reread(&text).map(|_| (kind, text))
}
