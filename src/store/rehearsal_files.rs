//! The files that a rehearsal keeps in the state directory: what it left in the diary, and a lock
//! so that one rehearsal books at a time. No part of the state: a service neither reads nor writes
//! them.
//!
//! A rehearsal reads secrets that root alone can read, so root does not become the owner of the
//! directory for it, as it does for other commands. These files are opened through no link, and
//! what root makes is given to the owner.

use std::fs::TryLockError;
use std::io::{self, ErrorKind, Read as _};
use std::path::Path;

use super::directory::{disk, make, open_or_make, open_to_read, remove_if_there, sync_directory_of, write_file};
use super::error::OpenError;
use super::file_names::{REHEARSAL_LEFTOVERS, REHEARSAL_LOCK};
use crate::os::held_lock::HeldLock;

/// A booking takes some three hundred bytes.
const BYTES_MAX: u64 = 4 * 1024 * 1024;

/// Held by the rehearsal that books. The system lets it go with the process.
#[derive(Debug)]
pub struct RehearsalLock {
    _lock: HeldLock,
}

/// Takes the lock, in a directory that is made (mode 0700) if only it is missing. `None` while
/// another rehearsal has it.
///
/// # Errors
/// The directory cannot be made, or the lock not be opened.
pub fn lock_rehearsal(state: &Path) -> Result<Option<RehearsalLock>, OpenError> {
    make(state)?;
    let path = state.join(REHEARSAL_LOCK);
    let unusable = file_of(state, REHEARSAL_LOCK);
    let file = open_or_make(&path).map_err(&unusable)?;
    match HeldLock::take(file) {
        Ok(lock) => Ok(Some(RehearsalLock { _lock: lock })),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(unusable(error)),
    }
}

/// What a rehearsal left, as it was written; `None` where there is nothing.
///
/// # Errors
/// The file is there and cannot be read.
pub fn rehearsal_leftovers(state: &Path) -> Result<Option<String>, OpenError> {
    let path = state.join(REHEARSAL_LEFTOVERS);
    let mut text = String::new();
    match open_to_read(&path).and_then(|file| file.take(BYTES_MAX).read_to_string(&mut text)) {
        Ok(_) => Ok(Some(text)),
        Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => Ok(None),
        Err(error) => Err(file_of(state, REHEARSAL_LEFTOVERS)(error)),
    }
}

/// Writes what a rehearsal may leave (mode 0600), durable when this returns; `None` removes the
/// file.
///
/// # Errors
/// The file cannot be written.
pub fn note_rehearsal_leftovers(state: &Path, text: Option<&str>) -> Result<(), OpenError> {
    let path = state.join(REHEARSAL_LEFTOVERS);
    let noted = match text {
        Some(text) => write_file(&path, text.as_bytes()),
        None => remove_if_there(&path).and_then(|()| sync_directory_of(&path)),
    };
    noted.map_err(file_of(state, REHEARSAL_LEFTOVERS))
}

/// Turns what the system says about a file of the directory into our error, which names both.
fn file_of(state: &Path, name: &'static str) -> impl Fn(io::Error) -> OpenError {
    let unusable = disk(state);
    move |error| unusable(io::Error::new(error.kind(), format!("{name}: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_of_the_directory_is_not_called_the_directory() {
        let state = tempfile::tempdir().unwrap();
        std::fs::create_dir(state.path().join(REHEARSAL_LOCK)).unwrap();
        let said = lock_rehearsal(state.path()).unwrap_err().to_string();
        let expected = format!("the state directory {} cannot be used: rehearsal-lock: ", state.path().display());
        assert!(said.starts_with(&expected), "{said}");
    }
}
