//! Practices that somebody paused. A pause survives restarts, so it stands in the store; any
//! command can set it there.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::ids::PracticeId;
use crate::store::{Batch, Record, RecordKind, Store, StoreError};

#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Pause {
    since: DateTime<Utc>,
}

impl Record for Pause {
    const KIND: &'static str = "pause";
    const VERSION: u32 = 1;
}

/// It travels: somebody's decision.
pub(crate) const KIND: RecordKind = RecordKind::exported::<Pause>();

/// True if the practice is paused. A record that cannot be read was written by a pause.
pub fn is_paused(store: &Store, practice: &PracticeId) -> bool {
    store.get::<Pause>(&practice.0).map_or(true, |pause| pause.is_some())
}

/// Since when the practice is paused, as far as its record can be read.
pub fn since(store: &Store, practice: &PracticeId) -> Option<DateTime<Utc>> {
    store.get::<Pause>(&practice.0).ok().flatten().map(|pause| pause.since)
}

/// Pauses a practice, or ends its pause. Durable when this returns; what is so already stays as it
/// is.
///
/// # Errors
/// The store cannot be written.
pub async fn set_paused(
    store: &Store,
    practice: &PracticeId,
    paused: bool,
    now: DateTime<Utc>,
) -> Result<(), StoreError> {
    if is_paused(store, practice) == paused {
        return Ok(());
    }
    let mut batch = Batch::new();
    if paused {
        batch.put(&practice.0, &Pause { since: now })?;
    } else {
        batch.delete::<Pause>(&practice.0);
    }
    store.commit(batch).await
}
