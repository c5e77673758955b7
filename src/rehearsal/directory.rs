//! The directory of a rehearsal, which goes with it: its state, and a configuration by which
//! commands find it. What a rehearsal left that was killed, the next one removes.

use std::fs::{self, File};
use std::io::Write as _;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use anyhow::Context as _;
use chrono::{DateTime, TimeDelta, Utc};
use tempfile::TempDir;

use crate::messages::rehearsal as say;
use crate::os::files;
use crate::os::held_lock::HeldLock;

/// Begins the names of all of them.
const PREFIX: &str = "vetbridge-rehearsal-";
/// Locked while the rehearsal lives; the system lets it go with the process.
const LOCK: &str = "lock";
/// The service's own lock in the state, which tells the same a little later.
const STATE_LOCK: &str = "state/lock";
/// A directory that changed so lately is being made, perhaps: its lock may stand and be free, and
/// whoever tried that would have its maker find it taken.
const LOCKED_WITHIN: TimeDelta = TimeDelta::minutes(1);
/// One without a lock is being made, or was left in that moment. Nobody takes so long.
const MADE_WITHIN: TimeDelta = TimeDelta::hours(1);

/// The directory of a rehearsal that lives.
pub(super) struct RehearsalDirectory {
    /// Let go first: some systems remove no file that is open.
    _lock: HeldLock,
    directory: TempDir,
}

impl RehearsalDirectory {
    /// Makes one among the temporary files, and removes those beside it that nobody uses.
    ///
    /// # Errors
    /// It cannot be made.
    pub(super) fn make(now: DateTime<Utc>) -> anyhow::Result<Self> {
        Self::make_in(&std::env::temp_dir(), now).context(say::DIRECTORY)
    }

    fn make_in(place: &Path, now: DateTime<Utc>) -> anyhow::Result<Self> {
        let directory = tempfile::Builder::new().prefix(PREFIX).tempdir_in(place)?;
        let lock = files::private().write(true).create_new(true).open(directory.path().join(LOCK))?;
        let lock = HeldLock::take(lock)?;
        for left in left_beside(directory.path(), now) {
            // Another rehearsal may be removing it too.
            let _gone = fs::remove_dir_all(left);
        }
        Ok(Self { _lock: lock, directory })
    }

    /// Where the state is.
    pub(super) fn state(&self) -> PathBuf {
        self.directory.path().join("state")
    }

    /// Writes a configuration by which commands find the service of the rehearsal, and nothing
    /// else: it holds no secret and no other address.
    ///
    /// # Errors
    /// It cannot be written.
    pub(super) fn write_config(&self, admin: SocketAddr) -> anyhow::Result<PathBuf> {
        let path = self.directory.path().join("vetbridge.toml");
        let mut file = files::private().write(true).create_new(true).open(&path).context(say::DIRECTORY)?;
        write!(file, "[state]\npath = \"state\"\n[admin]\nlisten = \"{admin}\"\n").context(say::DIRECTORY)?;
        Ok(path)
    }
}

/// The directories of rehearsals of the same user that no process uses any more.
fn left_beside(own: &Path, now: DateTime<Utc>) -> Vec<PathBuf> {
    let Some((place, ours)) = own.parent().zip(fs::symlink_metadata(own).ok()) else { return Vec::new() };
    let is_left = |entry: &fs::DirEntry| {
        let is_one = entry.file_name().to_string_lossy().starts_with(PREFIX) && entry.path() != own;
        // Links are not followed.
        is_one
            && entry.metadata().is_ok_and(|found| {
                found.is_dir() && files::owner(&found) == files::owner(&ours) && is_unused(&entry.path(), &found, now)
            })
    };
    let entries = fs::read_dir(place).into_iter().flatten().flatten();
    entries.filter(is_left).map(|entry| entry.path()).collect()
}

fn is_unused(directory: &Path, found: &fs::Metadata, now: DateTime<Utc>) -> bool {
    let is_older_than = |limit| found.modified().is_ok_and(|at| limit < now - DateTime::<Utc>::from(at));
    if !is_older_than(LOCKED_WITHIN) {
        return false;
    }
    let locks: Vec<File> = [LOCK, STATE_LOCK].iter().filter_map(|name| File::open(directory.join(name)).ok()).collect();
    let has_lock = !locks.is_empty();
    if locks.into_iter().any(|lock| HeldLock::take(lock).is_err()) {
        return false;
    }
    has_lock || is_older_than(MADE_WITHIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_no_process_uses_is_removed_and_everything_else_stays() {
        let place = tempfile::tempdir().unwrap();
        let place = place.path();
        let now = DateTime::<Utc>::from(fs::metadata(place).unwrap().modified().unwrap());
        let has = |name: &str| place.join(name).exists();
        let [killed, begins, older] = ["killed", "begins", "older"].map(|name| format!("{PREFIX}{name}"));
        let later = now + TimeDelta::minutes(2);
        let living = RehearsalDirectory::make_in(place, now).unwrap();
        let make = |name: &str, files: &[&str]| {
            fs::create_dir_all(place.join(name).join("state")).unwrap();
            files.iter().for_each(|file| fs::write(place.join(name).join(file), "").unwrap());
        };
        make(&killed, &[LOCK, STATE_LOCK, "state/db"]);
        make(&begins, &[]);
        make(&older, &[STATE_LOCK]);
        make("somebody-elses", &[LOCK]);
        let held = HeldLock::take(File::open(place.join(&older).join(STATE_LOCK)).unwrap()).unwrap();
        let _beside = RehearsalDirectory::make_in(place, now).unwrap();
        assert!(has(&killed), "somebody may be making it");
        let next = RehearsalDirectory::make_in(place, later).unwrap();
        assert!(!has(&killed) && has(&begins) && has(&older) && has("somebody-elses"));
        assert!(living.state().parent().unwrap().exists() && next.state().parent().unwrap().exists());
        drop(held);
        let _third = RehearsalDirectory::make_in(place, now + TimeDelta::hours(2)).unwrap();
        assert!(!has(&begins) && !has(&older) && has("somebody-elses"));
        assert!(living.state().parent().unwrap().exists());
    }
}
