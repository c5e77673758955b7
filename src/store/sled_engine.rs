//! sled 0.34.7 on a disk, with what it needs to be trusted.
//!
//! Measured in power-cut trials of this version: `flush` alone loses acknowledged writes, up to the
//! whole database, because on Linux it ends in `sync_file_range`, which neither asks the disk to
//! empty its cache nor writes the file's metadata. `flush` followed by `sync_data` on the file lost
//! nothing. Read in its source: a snapshot that is cut off while it is written keeps the database
//! from opening ever after; damage can end in a panic instead of an error; a log whose beginning is
//! unreadable counts as an empty one. Hence everything in this file, and the marker file that
//! [`super::opening`] checks.

#[cfg(not(panic = "unwind"))]
compile_error!("a damaged database can end in a panic, which the store catches: build with panic = \"unwind\"");

use parking_lot::Mutex;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::panic::{self, AssertUnwindSafe};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use super::directory::{StateDirectory, disk, sync_directory_of};
use super::engine::{Engine, EngineError, RawChanges, RawRange, SeePair};
use super::error::OpenError;
use crate::os::files;

/// What sled may keep of the pages that it read. Records that are needed often are kept by whoever
/// needs them, and the operating system keeps the file, so this can be small.
const CACHE_BYTES: u64 = 4 * 1024 * 1024;

/// Of a file up to this size sled may keep everything: it is half full as a rule.
const SMALL_FILE_BYTES: u64 = 24 * 1024 * 1024;
/// In a larger one, after each pair that was read, its page is looked at so often again.
///
/// sled evicts pages from its cache only after 64 looks at the pages of a shard, of which it has
/// 256, whatever the cache may hold. A page has 8 to 16 records, and who reads each of them once
/// would have sled keep up to 16,000 pages. Measured with 50,000 records of 1,200 bytes, read from
/// the first to the last: 68 MB without this, 21 MB with one more look for each record, 14 MB with
/// two, 11 MB with four, which take twice the time.
const LOOKS_OF_WALK: usize = 2;
/// The same for a single record, which may be the only one that is read of its page: 50,000 of them
/// in any order left sled with 66 MB without this, and with 18 MB by it.
const LOOKS_OF_ONE: usize = 8;

/// How often the lock of the database is asked for again, and after which pauses.
const LOCK_ATTEMPTS: u32 = 20;
const LOCK_PAUSE: std::time::Duration = std::time::Duration::from_millis(50);

/// A database in a state directory.
pub(super) struct SledEngine {
    database: sled::Db,
    /// A second handle to the file that the database writes: sled syncs its own too rarely. It is
    /// kept open, because Linux reports a failed write-back only to handles that were open when it
    /// failed.
    file: Box<dyn SyncData>,
    /// True once the file is over [`SMALL_FILE_BYTES`].
    is_large: AtomicBool,
    path: PathBuf,
}

/// The lock of a database that was closed a moment ago can outlive it: a process that is being
/// started inherits it until it runs its program. So the lock is asked for a few times before it
/// counts as somebody's.
fn open_database(path: &Path, pause: impl Fn()) -> Result<sled::Db, OpenError> {
    let mut attempts = 0;
    loop {
        let database = quietly(|| sled::Config::new().path(path).cache_capacity(CACHE_BYTES).open());
        match database.map_err(|what| damaged(path, what))?.map_err(|error| open_error(path, error)) {
            Err(OpenError::InUse { .. }) if attempts < LOCK_ATTEMPTS => {
                attempts += 1;
                pause();
            }
            opened => return opened,
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "the store is opened outside of any runtime's time")]
fn wait_for_the_lock() {
    std::thread::sleep(LOCK_PAUSE);
}

/// A file whose data can be brought to the disk.
trait SyncData: Send + Sync {
    /// See [`File::sync_data`].
    fn sync_data(&self) -> io::Result<()>;
    /// How long the file is.
    fn bytes(&self) -> io::Result<u64>;
}

impl SyncData for File {
    fn sync_data(&self) -> io::Result<()> {
        Self::sync_data(self)
    }

    fn bytes(&self) -> io::Result<u64> {
        Ok(self.metadata()?.len())
    }
}

impl SledEngine {
    /// Opens the database, or makes one. Only the holder of the directory's lock may do that:
    /// repairs come first.
    pub(super) fn open(directory: &StateDirectory) -> Result<Self, OpenError> {
        Self::open_at(directory.path())
    }

    /// The same for a copy that nobody else knows of.
    pub(super) fn open_at(path: &Path) -> Result<Self, OpenError> {
        let path = path.to_owned();
        remove_unfinished_snapshots(&path)?;
        let database = open_database(&path, wait_for_the_lock)?;
        let file = Box::new(files::to_be_synced(&path.join("db")).map_err(disk(&path))?);
        let engine = Self { database, file, is_large: AtomicBool::new(false), path };
        engine.measure().map_err(disk(&engine.path))?;
        Ok(engine)
    }

    /// After first creation: makes the files' names last, not just their content.
    pub(super) fn sync_names(&self) -> Result<(), OpenError> {
        let sync = || {
            files::to_be_synced(&self.path.join("db"))?.sync_all()?;
            files::to_be_synced(&self.path.join("conf"))?.sync_all()?;
            files::sync_directory(&self.path)?;
            match sync_directory_of(&self.path) {
                // Whoever gave us the directory may keep others from reading the one around it, and
                // made it long ago.
                Err(error) if error.kind() == ErrorKind::PermissionDenied => Ok(()),
                synced => synced,
            }
        };
        sync().map_err(disk(&self.path))
    }
}

impl SledEngine {
    /// Sees whether the file is a large one by now.
    fn measure(&self) -> io::Result<()> {
        self.is_large.store(self.file.bytes()? > SMALL_FILE_BYTES, Ordering::Relaxed);
        Ok(())
    }

    /// Has sled see that it may let go of pages.
    fn look_again(&self, key: &[u8], times: usize) -> Result<(), EngineError> {
        let times = if self.is_large.load(Ordering::Relaxed) { times } else { 0 };
        (0..times).try_for_each(|_| self.database.contains_key(key).map(drop)).map_err(|error| engine_error(&error))
    }
}

impl Engine for SledEngine {
    fn visit(&self, range: RawRange<'_>, visit: &mut SeePair<'_>) -> Result<(), EngineError> {
        let (mut seen, mut last) = (0, None);
        for pair in self.database.range::<&[u8], _>(range) {
            // After an error sled would return the same one again and again.
            let (key, value) = pair.map_err(|error| engine_error(&error))?;
            seen += 1;
            self.look_again(&key, LOOKS_OF_WALK)?;
            let stop = visit(&key, &value).is_break();
            last = Some(key);
            if stop {
                break;
            }
        }
        last.filter(|_| seen == 1).map_or(Ok(()), |key| self.look_again(&key, LOOKS_OF_ONE))
    }

    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, EngineError> {
        let found = self.database.get(key).map_err(|error| engine_error(&error))?;
        if found.is_some() {
            self.look_again(key, LOOKS_OF_ONE)?;
        }
        Ok(found.map(|value| value.to_vec()))
    }

    fn apply(&self, mut changes: RawChanges) -> Result<(), EngineError> {
        // A batch notes in the log how far it reaches, which is a second write before the sync. One
        // change is whole without that.
        if changes.len() == 1
            && let Some((key, value)) = changes.pop_first()
        {
            let done = match value {
                Some(value) => self.database.insert(key, value),
                None => self.database.remove(key),
            };
            return done.map(drop).map_err(|error| engine_error(&error));
        }
        let mut batch = sled::Batch::default();
        for (key, value) in changes {
            match value {
                Some(value) => batch.insert(key, value),
                None => batch.remove(key),
            }
        }
        self.database.apply_batch(batch).map_err(|error| engine_error(&error))
    }

    fn sync(&self) -> Result<(), EngineError> {
        self.database.flush().map_err(|error| engine_error(&error))?;
        self.file.sync_data()?;
        Ok(self.measure()?)
    }
}

/// sled writes `snap.<number>.generating` and renames it; one that is left over was cut off, and
/// sled would take it for whole.
fn remove_unfinished_snapshots(path: &Path) -> Result<(), OpenError> {
    for entry in fs::read_dir(path).map_err(disk(path))? {
        let entry = entry.map_err(disk(path))?;
        let name = entry.file_name();
        let name = name.to_string_lossy();
        if name.starts_with("snap.") && name.ends_with(".generating") {
            fs::remove_file(entry.path()).map_err(disk(&entry.path()))?;
            tracing::info!(file = %name, "removed a database snapshot that was cut off; nothing is lost with it");
        }
    }
    Ok(())
}

/// Runs what may panic on a damaged database, and returns what it panicked with. The usual message
/// with its hint at backtraces is kept from the terminal: the operator gets a sentence instead. Not
/// to be used inside itself.
pub(super) fn quietly<T>(work: impl FnOnce() -> T) -> Result<T, String> {
    // The hook is the process's: two that swap it at a time could leave the silent one in place.
    static SWAPPING: Mutex<()> = Mutex::new(());
    let _guard = SWAPPING.lock();
    let usual = panic::take_hook();
    panic::set_hook(Box::new(|_| {}));
    let result = panic::catch_unwind(AssertUnwindSafe(work));
    panic::set_hook(usual);
    result.map_err(|panic| what_it_said(&*panic))
}

/// The first line of a panic's message.
pub(super) fn what_it_said(panic: &(dyn std::any::Any + Send)) -> String {
    let text = panic.downcast_ref::<String>().map(String::as_str).or_else(|| panic.downcast_ref::<&str>().copied());
    text.and_then(|text| text.lines().next()).unwrap_or("unknown reason").chars().take(200).collect()
}

pub(super) fn damaged(path: &Path, reason: String) -> OpenError {
    OpenError::Damaged { path: path.to_owned(), reason }
}

fn open_error(path: &Path, error: sled::Error) -> OpenError {
    match error {
        // Somebody who does not take our own lock, such as another program that uses sled.
        sled::Error::Io(error) if error.to_string().starts_with("could not acquire lock") => {
            OpenError::InUse { path: path.to_owned(), holder: "unknown process".to_owned() }
        }
        sled::Error::Io(error) => disk(path)(error),
        other @ (sled::Error::CollectionNotFound(_)
        | sled::Error::Unsupported(_)
        | sled::Error::ReportableBug(_)
        | sled::Error::Corruption { .. }) => damaged(path, engine_error(&other).0),
    }
}

/// sled's own texts can run to many lines and hold parts of values.
fn engine_error(error: &sled::Error) -> EngineError {
    EngineError(match error {
        // An error that sled hands on a second time has the Debug form of the first as its text;
        // its kind is still right.
        sled::Error::Io(error) if error.raw_os_error().is_none() && error.kind() != ErrorKind::Other => {
            error.kind().to_string()
        }
        sled::Error::Io(error) => error.to_string(),
        sled::Error::Corruption { .. } => "the file is corrupted".to_owned(),
        sled::Error::CollectionNotFound(_) => "a collection is missing".to_owned(),
        sled::Error::Unsupported(_) => "its format is not that of this version".to_owned(),
        sled::Error::ReportableBug(_) => "the database library found a mistake of its own".to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicU32;

    use super::*;

    /// Counts, and refuses from the second time on.
    struct Counted(Arc<AtomicU32>);

    impl SyncData for Counted {
        fn sync_data(&self) -> io::Result<()> {
            if self.0.fetch_add(1, Ordering::Relaxed) == 0 { Ok(()) } else { Err(io::Error::other("gone")) }
        }

        fn bytes(&self) -> io::Result<u64> {
            Ok(0)
        }
    }

    #[test]
    fn a_flush_of_the_database_is_followed_by_a_sync_of_its_file_and_fails_with_it() {
        let directory = tempfile::tempdir().unwrap();
        let mut engine = SledEngine::open_at(directory.path()).unwrap();
        let synced = Arc::new(AtomicU32::new(0));
        engine.file = Box::new(Counted(Arc::clone(&synced)));
        engine.apply(RawChanges::from([(b"a".to_vec(), Some(b"1".to_vec()))])).unwrap();
        assert_eq!(synced.load(Ordering::Relaxed), 0);
        engine.sync().unwrap();
        assert_eq!(synced.load(Ordering::Relaxed), 1);
        assert_eq!(engine.sync(), Err(EngineError("gone".into())));
    }

    #[test]
    fn a_lock_that_outlives_its_process_for_a_moment_is_asked_for_again_and_one_that_stays_is_somebodys() {
        let directory = tempfile::tempdir().unwrap();
        drop(open_database(directory.path(), || {}).unwrap());
        // As in a child that was forked and has not yet run its program.
        let inherited = File::open(directory.path().join("db")).unwrap();
        inherited.lock().unwrap();
        let pauses = AtomicU32::new(0);
        let opened = open_database(directory.path(), || {
            if pauses.fetch_add(1, Ordering::Relaxed) == 2 {
                inherited.unlock().unwrap();
            }
        });
        assert_eq!((opened.map(drop), pauses.load(Ordering::Relaxed)), (Ok(()), 3));

        inherited.lock().unwrap();
        pauses.store(100, Ordering::Relaxed);
        let opened = open_database(directory.path(), || {
            pauses.fetch_add(1, Ordering::Relaxed);
        });
        assert!(matches!(opened, Err(OpenError::InUse { .. })));
        assert_eq!(pauses.load(Ordering::Relaxed), 100 + LOCK_ATTEMPTS);
    }

    #[test]
    fn the_version_that_was_measured_is_the_one_that_is_built() {
        let manifest = include_str!("../../Cargo.toml");
        assert!(
            manifest.contains("\nsled = { version = \"=0.34.7\", features = [\"miri_optimizations\"] }\n"),
            "measure the other version before, see the top of this file"
        );
    }
}
