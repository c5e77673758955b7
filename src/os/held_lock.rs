//! A file that is locked as long as this lives, by whichever name it was opened.

use std::fs::{File, TryLockError};

/// A locked file. The system lets the lock go with the process, also after kill -9.
#[derive(Debug)]
pub struct HeldLock {
    file: File,
}

impl HeldLock {
    /// Locks the file, and waits for nobody.
    ///
    /// # Errors
    /// `WouldBlock`: somebody has it.
    pub fn take(file: File) -> Result<Self, TryLockError> {
        file.try_lock().map(|()| Self { file })
    }

    /// The locked file.
    #[must_use]
    pub fn file(&self) -> &File {
        &self.file
    }
}

/// Closing the file is not enough: a child that is being started inherits it until it runs its
/// program, and would keep the lock so long.
impl Drop for HeldLock {
    fn drop(&mut self) {
        // What cannot be unlocked is unlocked when it is closed.
        let _unlocked = self.file.unlock();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_lock_is_let_go_even_while_a_child_that_is_being_started_has_the_file_open() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("lock");
        let open = || File::options().create(true).truncate(false).write(true).open(&path).unwrap();
        let held = HeldLock::take(open()).unwrap();
        let inherited = held.file().try_clone().unwrap();
        assert!(matches!(HeldLock::take(open()), Err(TryLockError::WouldBlock)));
        drop(held);
        assert!(HeldLock::take(open()).is_ok());
        drop(inherited);
    }
}
