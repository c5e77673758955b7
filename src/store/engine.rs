//! What the store asks of a database: read by key and in order of keys, apply changes in one piece,
//! make them last.
//!
//! One thread at a time applies and syncs, and any number read; nobody reads while changes are
//! applied (see [`super::parts`]).

use std::collections::BTreeMap;
use std::ops::{Bound, ControlFlow};

/// Raw changes by raw key: a value to store, or `None` to delete.
pub(super) type RawChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A stretch of raw keys.
pub(super) type RawRange<'a> = (Bound<&'a [u8]>, Bound<&'a [u8]>);

/// Sees a pair, and says whether the next one is wanted.
pub(super) type SeePair<'a> = dyn FnMut(&[u8], &[u8]) -> ControlFlow<()> + 'a;

/// Every key.
pub(super) const EVERYTHING: RawRange<'static> = (Bound::Unbounded, Bound::Unbounded);

/// A database behind the store.
pub(super) trait Engine: Send + Sync {
    /// Shows the pairs of a range to `visit`, in order of keys, for as long as it wants more. What
    /// it was not shown need not be read.
    fn visit(&self, range: RawRange<'_>, visit: &mut SeePair<'_>) -> Result<(), EngineError>;

    /// One value.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let mut found = None;
        self.visit((Bound::Included(key), Bound::Included(key)), &mut |_, value| {
            found = Some(value.to_vec());
            ControlFlow::Break(())
        })?;
        Ok(found)
    }

    /// Applies all of `changes` or, should the machine stop in the middle, none of them. They need
    /// not last yet.
    fn apply(&self, changes: RawChanges) -> Result<(), EngineError>;

    /// Returns when everything applied so far survives a power cut.
    fn sync(&self) -> Result<(), EngineError>;
}

/// A write or read that the database or the disk refused. After a write, nothing that the engine
/// says can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct EngineError(pub(super) String);

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}
