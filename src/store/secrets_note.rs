//! The file in which a running service notes which secrets it has; see
//! [`crate::config::secrets_in_force`]. No part of the state: it is written anew at every start,
//! and nothing is missing without it.

use std::io::Read as _;
use std::path::Path;

use super::directory::{disk, open_to_read, write_file};
use super::error::OpenError;
use super::file_names::IN_FORCE;

/// A practice takes a line of less than a hundred bytes.
const BYTES_MAX: u64 = 1024 * 1024;

/// Writes the note (mode 0600), in place of any other.
///
/// # Errors
/// The file cannot be written.
pub fn note_in_force(state: &Path, text: &str) -> Result<(), OpenError> {
    let path = state.join(IN_FORCE);
    write_file(&path, text.as_bytes()).map_err(disk(&path))
}

/// What was noted; `None` where nothing was, or where we may not read it.
pub fn noted_in_force(state: &Path) -> Option<String> {
    let mut text = String::new();
    open_to_read(&state.join(IN_FORCE)).ok()?.take(BYTES_MAX).read_to_string(&mut text).ok()?;
    Some(text)
}
