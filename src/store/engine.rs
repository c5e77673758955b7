//! What the store asks of a database: read all of it once, apply changes in one piece, make them
//! last.
//!
//! That is all. Reads are answered from memory (see [`super::Store`]), so an engine is used by one
//! thread at a time and needs neither iterators nor snapshots nor a cache.

use std::collections::BTreeMap;

/// Raw changes by raw key: a value to store, or `None` to delete.
pub(super) type RawChanges = BTreeMap<Vec<u8>, Option<Vec<u8>>>;

/// A database behind the store.
pub(super) trait Engine: Send {
    /// Shows every pair to `visit`, in any order.
    fn load(&mut self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), EngineError>;

    /// Applies all of `changes` or, should the machine stop in the middle, none of them. They need
    /// not last yet.
    fn apply(&mut self, changes: RawChanges) -> Result<(), EngineError>;

    /// Returns when everything applied so far survives a power cut.
    fn sync(&mut self) -> Result<(), EngineError>;
}

/// A write or read that the database or the disk refused. After one, nothing that the engine says
/// can be relied on.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub(super) struct EngineError(pub(super) String);

impl From<std::io::Error> for EngineError {
    fn from(error: std::io::Error) -> Self {
        Self(error.to_string())
    }
}

impl<E: Engine + ?Sized> Engine for Box<E> {
    fn load(&mut self, visit: &mut dyn FnMut(&[u8], &[u8])) -> Result<(), EngineError> {
        (**self).load(visit)
    }

    fn apply(&mut self, changes: RawChanges) -> Result<(), EngineError> {
        (**self).apply(changes)
    }

    fn sync(&mut self) -> Result<(), EngineError> {
        (**self).sync()
    }
}
