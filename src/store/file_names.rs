//! Names of files in a state directory that several parts of the store know.

/// The note of which secrets a running service has.
pub(super) const IN_FORCE: &str = "secrets-in-force";
/// What a rehearsal left in the diary.
pub(super) const REHEARSAL_LEFTOVERS: &str = "rehearsal-leftovers.json";
/// Locked while a rehearsal books.
pub(super) const REHEARSAL_LOCK: &str = "rehearsal-lock";
/// A copy of the damaged database, for as long as it is read.
pub(super) const SALVAGE: &str = "salvage";
/// What is to become the content of the directory.
pub(super) const INCOMING: &str = "incoming.jsonl";
/// Begins the names of directories with a database that was replaced on purpose.
pub(super) const REPLACED: &str = "replaced-";
/// Begins the names of directories with a damaged database.
pub(super) const DAMAGED: &str = "damaged-";
