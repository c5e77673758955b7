//! What people were told, kept across restarts: so that nothing is told twice, and the end is told
//! of what ended meanwhile.

use serde::{Deserialize, Serialize};

use super::concern::Concern;
use crate::store::{Batch, Record, RecordKind, Store};

/// What was told, arrived, and is not over.
#[derive(Debug, Default, Serialize, Deserialize)]
struct ToldRecord {
    concerns: Vec<Concern>,
}

impl Record for ToldRecord {
    const KIND: &'static str = "alerts";
    const VERSION: u32 = 1;
}

/// It travels: whoever was told of something hears that it is over.
pub(crate) const KIND: RecordKind = RecordKind::exported::<ToldRecord>();

const KEY: &str = "told";

/// What was told. A record that cannot be read counts for nothing: what stands is told again.
pub(super) fn read(store: &Store) -> Vec<Concern> {
    store.get::<ToldRecord>(KEY).ok().flatten().unwrap_or_default().concerns
}

/// Writes it soon.
pub(super) fn write(store: &Store, concerns: Vec<Concern>) {
    match Batch::of(KEY, &ToldRecord { concerns }) {
        Ok(batch) => store.write_later(batch),
        Err(error) => tracing::error!("What was told cannot be remembered: {error}."),
    }
}
