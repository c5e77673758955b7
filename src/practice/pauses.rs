//! Practices that somebody paused. A pause survives restarts, so it stands in the store; any
//! command can set it there.

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::PracticeId;
use crate::store::{Batch, OpenedDatabase, Record, RecordKind, Store, StoreError};

/// Somebody may have forgotten a pause that lasts so long.
const LONG: TimeDelta = TimeDelta::days(1);

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct StoredPause {
    since: DateTime<Utc>,
}

/// A pause that stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pause {
    /// Since when; `None` if its record cannot be read.
    pub since: Option<DateTime<Utc>>,
}

impl Pause {
    /// For how long it has stood, if it may be forgotten.
    pub fn for_long(&self, now: DateTime<Utc>) -> Option<TimeDelta> {
        self.since.map(|since| now - since).filter(|lasts| *lasts >= LONG)
    }
}

impl Record for StoredPause {
    const KIND: &'static str = "pause";
    const VERSION: u32 = 1;
}

/// It travels: somebody's decision.
pub(crate) const KIND: RecordKind = RecordKind::exported::<StoredPause>();

/// The pause of a practice, if it is paused. A record that cannot be read was written by a pause.
pub fn of(store: &Store, practice: &PracticeId) -> Option<Pause> {
    match store.get::<StoredPause>(&practice.0) {
        Ok(stored) => stored.map(|stored| Pause { since: Some(stored.since) }),
        Err(_) => Some(Pause { since: None }),
    }
}

/// The same of a store that is being opened. What cannot be told counts as paused.
pub(super) fn is_paused(store: &OpenedDatabase<'_>, practice: &PracticeId) -> bool {
    store.has::<StoredPause>(&practice.0).unwrap_or(true)
}

/// Pauses a practice, or ends its pause. Durable when this returns. False if it was so already, and
/// stays as it is.
///
/// # Errors
/// The store cannot be written.
pub async fn set_paused(
    store: &Store,
    practice: &PracticeId,
    paused: bool,
    now: DateTime<Utc>,
) -> Result<bool, StoreError> {
    if of(store, practice).is_some() == paused {
        return Ok(false);
    }
    let mut batch = Batch::new();
    if paused {
        batch.put(&practice.0, &StoredPause { since: now })?;
    } else {
        batch.delete::<StoredPause>(&practice.0);
    }
    store.commit(batch).await?;
    Ok(true)
}
