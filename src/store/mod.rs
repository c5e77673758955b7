//! The store: what the bridge must still know after a stop, a crash or a power cut.
//!
//! **Model.** A [`Record`] is a typed value with a kind and a version; it stands under a text key.
//! A [`Batch`] changes any number of records together. In memory are the changes that the disk does
//! not have yet; everything else is read from the disk when it is asked for. Who needs records all
//! the time keeps them. A read of one record takes some microseconds where the operating system
//! has that part of the file. Who needs all records of a kind walks them ([`Store::walk`]), and has
//! some hundred of them in memory at a time.
//!
//! **Promises**
//! - [`Store::commit`] returns `Ok` when the batch survives a power cut: all of it, and everything
//!   submitted before it. Nothing outside may rely on a record earlier.
//! - [`Store::write_later`] keeps the same order and is not waited for: it is as safe with the next
//!   commit, or within a second.
//! - A batch takes effect whole or not at all, also when the machine stops in the middle.
//! - A change is visible to reads as soon as it is submitted, *before* it is durable.
//! - After the first write that the disk refuses, every later one fails ([`StoreError::Broken`]);
//!   [`Store::failed`] tells. Reads then still show what was submitted last, and that may not be on
//!   the disk.
//! - A record that cannot be read is reported with its key; the others can be read all the same. A
//!   part of the file that cannot be read is found when the store is opened. Should it be damaged
//!   later, who reads that part is told so, and never that a record is not there.
//!
//! **Accepted.** A walk is no picture of one moment: of two records that a batch changed together
//! it can meet one as it was and the other as it is. Dropping the future of a commit does not take
//! the batch back: it may become durable or not, as in a crash.
//!
//! | file | does |
//! | --- | --- |
//! | [`record`], [`kinds`], [`meta`] | what is kept, in which form, and whether it travels |
//! | `writer`, `parts` | changes on their way to the disk |
//! | `record_reader`, `walk` | records as they are, or will be when the disk has all changes |
//! | `directory`, `opening` | what has to be right before a database is opened |
//! | `first_reading` | all records once, when it is opened |
//! | [`export`], `whole_state` | all of it as text, all of it judged |
//! | `replace`, `rebuild` | an import, or what is left of a damaged database, takes its place |
//! | `engine`, `sled_engine`, [`memory`] | the database: sled on a disk, or a disk in memory that keeps what was flushed |
//! | [`secret_file`] | the secrets that the bridge makes for itself |
//! | `secrets_note`, `rehearsal_files` | files beside the state, for `check` and for rehearsals |
//! | [`error`] | what can go wrong, in the words that an operator reads |
//!
//! sled stands behind this module alone: `engine` says what is asked of a database, `sled_engine`
//! and [`memory`] give it.

mod command_key;
mod directory;
mod engine;
pub mod error;
pub mod export;
mod file_names;
mod first_reading;
mod import;
pub mod kinds;
pub mod memory;
pub mod meta;
mod opening;
mod parts;
mod rebuild;
pub mod record;
mod record_reader;
mod rehearsal_files;
mod replace;
pub mod secret_file;
mod secrets_note;
mod sled_engine;
pub(crate) mod unreadable;
mod walk;
mod whole_state;
mod writer;

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use chrono::{DateTime, TimeDelta, Utc};
use secrecy::SecretString;

pub use self::command_key::{command_key, fresh_command_key};
pub use self::error::{BadExport, OpenError, StoreError};
pub use self::export::{Export, ExportHead, ExportWriter};
pub use self::first_reading::{FirstReading, FoundRecord, OpenedDatabase};
pub use self::import::import;
pub use self::kinds::{RecordKind, Travel};
pub use self::memory::{Flushed, MemoryEngine};
pub use self::meta::Meta;
pub use self::record::{Batch, Record};
pub use self::rehearsal_files::{RehearsalLock, lock_rehearsal, note_rehearsal_leftovers, rehearsal_leftovers};
pub use self::secret_file::{SecretFile, SecretKey, admin_token, fresh_token, pseudonym_key, random};
pub use self::secrets_note::{note_in_force, noted_in_force};
pub use self::unreadable::Unreadable;
pub use self::walk::{Scan, Walk};
pub use self::whole_state::Judgement;

use self::directory::StateDirectory;
use self::engine::{Engine, EngineError};
use self::opening::KindVersions;
use self::parts::Parted;
use self::record_reader::RecordReader;
use self::walk::StoredWalk;
use self::writer::{Urgency, WriteQueue};
use crate::messages::state_directory as say;
use crate::metrics::flush_times::FlushTimes;

/// Whether a store can be opened in a state directory, as far as that shows without opening it: the
/// directory is one of ours, it is writable, and no process has it. `false`: there is none yet, and
/// it can be made. Nothing that stays is made or changed.
///
/// # Errors
/// What is wrong with the directory and what to do about it.
pub fn inspect(path: &Path) -> Result<bool, OpenError> {
    StateDirectory::inspect(path)
}

/// Whether a state directory that is not there can be made where its path says.
///
/// # Errors
/// What the system says.
pub fn can_be_made(path: &Path) -> std::io::Result<()> {
    directory::can_be_made(path)
}

/// Reads everything in a database that no process has; makes no first one. `None`: there is none.
///
/// # Errors
/// It cannot be opened at all.
pub fn verify(path: &Path, kinds: &[RecordKind], now: DateTime<Utc>) -> Result<Option<Judgement>, OpenError> {
    if !StateDirectory::inspect(path)? {
        return Ok(None);
    }
    let directory = StateDirectory::open(path, now)?;
    if directory.marker()?.is_none() && !directory.has_database() && !path.join(file_names::INCOMING).exists() {
        return Ok(None);
    }
    let (database, ()) = opening::open_database(&directory, now, &|| ())?;
    let reader = RecordReader::new(Arc::new(WriteQueue::new()), database.disk);
    Ok(Some(whole_state::judge(StoredWalk::new(&reader, String::new()), kinds, |_, _| {})))
}

/// What is wrong with the files beside the database: keys that are missing or hold something else,
/// a damaged database that was set aside.
pub fn verify_beside(path: &Path) -> Vec<String> {
    let mut problems = Vec::new();
    let secrets = [
        (secret_file::PSEUDONYM_KEY, secret_file::pseudonym_key(path).map(|key| key.is_some())),
        (secret_file::ADMIN_TOKEN, secret_file::admin_token(path).map(|token| token.is_some())),
    ];
    for (name, found) in secrets {
        match found {
            Ok(true) => {}
            Ok(false) => problems.push(say::missing(&path.join(name))),
            Err(error) => problems.push(error.to_string()),
        }
    }
    problems.extend(say::set_aside(&damaged_beside(path)));
    problems
}

/// Damaged databases that were set aside here and that nobody took away; the latest last.
pub fn damaged_beside(path: &Path) -> Vec<PathBuf> {
    replace::set_aside_as(path, file_names::DAMAGED)
}

/// The same of databases that an import took the place of.
pub fn replaced_beside(path: &Path) -> Vec<PathBuf> {
    replace::set_aside_as(path, file_names::REPLACED)
}

/// What the files of a directory take on the disk, those of its folders too. It asks the disk: call
/// it where blocking does no harm.
pub fn disk_bytes(directory: &Path) -> u64 {
    let entries = fs::read_dir(directory).into_iter().flatten().flatten();
    let bytes = entries.filter_map(|entry| match entry.metadata() {
        Ok(found) if found.is_dir() => Some(disk_bytes(&entry.path())),
        found => Some(found.ok()?.len()),
    });
    bytes.sum()
}

/// A handle to the store; clones are the same store. It is closed when the last one is dropped:
/// what was submitted is then written (the drop waits for that), and another process can open it.
#[derive(Clone)]
pub struct Store {
    inner: Arc<StoreInner>,
}

struct StoreInner {
    queue: Arc<WriteQueue>,
    writer: Writer,
    reader: RecordReader,
    /// As it was opened.
    versions: KindVersions,
    meta: Mutex<Meta>,
    pseudonym_key: SecretKey,
    admin_token: SecretString,
    /// Declared last: dropped, and so unlocked, when the database is closed.
    directory: Option<StateDirectory>,
}

/// Who writes.
enum Writer {
    /// A thread of its own, so that a slow disk holds up nobody but those who wait for it. `None`
    /// once it was joined.
    Thread(Option<JoinHandle<()>>),
    /// Whoever commits. Simulations have no threads: these would run beside virtual time.
    Inline(Mutex<Arc<Parted<MemoryEngine>>>),
}

impl Store {
    /// Opens the store in a state directory; makes directory, database, key and token at the first
    /// start.
    ///
    /// This reads the whole database: call it where blocking does no harm. The store has a thread
    /// that runs in real time: where tokio's time is paused use [`Store::in_memory`].
    ///
    /// # Errors
    /// What is wrong with the directory and what to do about it. Nothing was deleted.
    pub fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, OpenError> {
        Self::open_reading(path, now, &|| ()).map(|(store, ())| store)
    }

    /// The same with what is made of all records meanwhile. `begin` begins that.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_reading<F: FirstReading>(
        path: &Path,
        now: DateTime<Utc>,
        begin: &dyn Fn() -> F,
    ) -> Result<(Self, F), OpenError> {
        let (opened, made) = opening::open_reading(path, now, begin)?;
        let opening::OpenedDirectory { disk, versions, meta, pseudonym_key, admin_token, directory } = opened;
        let queue = Arc::new(WriteQueue::new());
        let writer = start_writer(&queue, Arc::clone(&disk))
            .map_err(|error| OpenError::Disk { path: path.to_owned(), reason: error.to_string() })?;
        let inner = StoreInner {
            reader: RecordReader::new(Arc::clone(&queue), disk),
            queue,
            writer,
            versions,
            meta: Mutex::new(meta),
            pseudonym_key,
            admin_token,
            directory: Some(directory),
        };
        Ok((Self { inner: Arc::new(inner) }, made))
    }

    /// The same for the service, which has to go on: a database that is damaged or gone is set
    /// aside under another name, and what can be read of it takes its place. That is an error in
    /// the log, and [`Store::alarm`] for as long as the files are there.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_or_rebuild(path: &Path, now: DateTime<Utc>) -> Result<Self, OpenError> {
        Self::open_or_rebuild_reading(path, now, &|| ()).map(|(store, ())| store)
    }

    /// The same with what is made of all records meanwhile, as [`Store::open_reading`] does it.
    ///
    /// # Errors
    /// As [`Store::open`].
    pub fn open_or_rebuild_reading<F: FirstReading>(
        path: &Path,
        now: DateTime<Utc>,
        begin: &dyn Fn() -> F,
    ) -> Result<(Self, F), OpenError> {
        match Self::open_reading(path, now, begin) {
            Err(why) if rebuild::can_mend(path, &why) => {
                let rebuilt = rebuild::rebuild(path, &why, now)?;
                let text = say::rebuilt(&why, rebuilt.aside.as_deref(), rebuilt.taken, &rebuilt.lost);
                tracing::error!("{text}");
                Self::open_reading(path, now, begin)
            }
            opened => opened,
        }
    }

    /// That no record of these kinds, as the store was opened, was written by a later program than
    /// this one, which would leave out what it cannot read.
    ///
    /// # Errors
    /// [`OpenError::Newer`]. Close the store without changing anything.
    pub fn refuse_newer(&self, kinds: &[RecordKind]) -> Result<(), OpenError> {
        let path = self.inner.directory.as_ref().map_or(Path::new(""), StateDirectory::path);
        self.inner.versions.newer(path, kinds).map_or(Ok(()), Err)
    }

    /// Opens the store on a disk in memory. It has no thread and uses no randomness: the key of
    /// pseudonyms is all zeros.
    ///
    /// # Errors
    /// The disk refuses writes, or holds something else.
    pub fn in_memory(disk: &MemoryEngine, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let broken = |reason| StoreError::Broken { reason };
        let disk = Arc::new(Parted::new(disk.clone()));
        let meta = match Meta::find_in(&disk).map_err(|error| broken(error.0))? {
            Some(meta) => meta.map_err(broken)?,
            None => {
                let meta = Meta::new("memory".to_owned(), now);
                meta.write_to(&disk).map_err(|error| broken(error.0))?;
                meta
            }
        };
        let queue = Arc::new(WriteQueue::new());
        let inner = StoreInner {
            reader: RecordReader::new(Arc::clone(&queue), Arc::<Parted<MemoryEngine>>::clone(&disk)),
            queue,
            writer: Writer::Inline(Mutex::new(disk)),
            versions: KindVersions::default(),
            meta: Mutex::new(meta),
            pseudonym_key: SecretKey::from_bytes([0; 32]),
            admin_token: "token-of-the-store-in-memory".to_owned().into(),
            directory: None,
        };
        Ok(Self { inner: Arc::new(inner) })
    }

    /// The same on an older copy that was put in the disk's place: the store knows that it may have
    /// missed something.
    ///
    /// # Errors
    /// As [`Store::in_memory`].
    pub fn restored_in_memory(disk: &MemoryEngine, now: DateTime<Utc>) -> Result<Self, StoreError> {
        let broken = |reason| StoreError::Broken { reason };
        let parted = Parted::new(disk.clone());
        if let Some(meta) = Meta::find_in(&parted).map_err(|error| broken(error.0))? {
            let meta = Meta { restored_at: Some(now), ..meta.map_err(broken)? };
            meta.write_to(&parted).map_err(|error| broken(error.0))?;
        }
        Self::in_memory(disk, now)
    }

    /// Makes the changes of `batch`; returns when they are durable, together with everything
    /// submitted before.
    ///
    /// # Errors
    /// [`StoreError::Broken`]: it is not known to be durable, and nothing will be any more.
    pub async fn commit(&self, batch: Batch) -> Result<(), StoreError> {
        let queue = &self.inner.queue;
        match &self.inner.writer {
            Writer::Thread(_) => {
                let ticket = queue.submit(batch.changes, Urgency::Now)?;
                queue.durable(ticket).await
            }
            // The pauses are where a simulation can stop the program: before the write, between
            // write and sync, and after the sync but before anybody hears of it.
            Writer::Inline(disk) => {
                tokio::task::yield_now().await;
                let ticket = queue.submit(batch.changes, Urgency::Now)?;
                writer::write_inline(queue, &disk.lock(), false);
                tokio::task::yield_now().await;
                writer::write_inline(queue, &disk.lock(), true);
                tokio::task::yield_now().await;
                queue.durable(ticket).await
            }
        }
    }

    /// Says that a [`Store::commit`] follows in a moment, so that the thread that writes is awake
    /// by then. Nothing depends on it: what does not follow costs a fraction of a millisecond.
    pub fn expect_commit(&self) {
        if let Writer::Thread(_) = self.inner.writer {
            self.inner.queue.expect();
        }
    }

    /// Makes the changes of `batch` without waiting for the disk: for what can be found out again.
    /// It is durable with the next commit, or within a second. That the store is broken shows in
    /// [`Store::failed`] and in the next commit.
    pub fn write_later(&self, batch: Batch) {
        let queued = self.inner.queue.submit(batch.changes, Urgency::Later);
        if let (Ok(_), Writer::Inline(disk)) = (queued, &self.inner.writer) {
            writer::write_inline(&self.inner.queue, &disk.lock(), false);
        }
    }

    /// Returns when everything submitted before is durable.
    ///
    /// # Errors
    /// [`StoreError::Broken`].
    pub async fn flush(&self) -> Result<(), StoreError> {
        self.commit(Batch::new()).await
    }

    /// Waits until the store is broken, and says why.
    pub async fn failed(&self) -> StoreError {
        self.inner.queue.failed().await
    }

    /// The record under `key`, if there is one. This may read from the disk: microseconds as a
    /// rule.
    ///
    /// # Errors
    /// There is one, and it cannot be read; or the disk cannot, and nobody knows.
    pub fn get<R: Record>(&self, key: &str) -> Result<Option<R>, Unreadable> {
        let key = record::full_key::<R>(key);
        match self.inner.reader.get(&key) {
            Ok(stored) => stored.map(|stored| walk::read(&key, stored.text())).transpose(),
            Err(EngineError(reason)) => Err(Unreadable { key, reason }),
        }
    }

    /// The records of a kind whose keys begin with `prefix`, in order of keys, one after the other:
    /// however many there are, a few of them are in memory.
    pub fn walk<R: Record>(&self, prefix: &str) -> Walk<'_, R> {
        Walk::new(&self.inner.reader, prefix)
    }

    /// All of these at once, for kinds of which there are few.
    pub fn scan<R: Record>(&self, prefix: &str) -> Scan<R> {
        Scan::of(self.walk(prefix))
    }

    /// Judges all records by these kinds; `take` gets those that travel. Call [`Store::flush`]
    /// before, if what is not durable must not be among them.
    pub fn judge(&self, kinds: &[RecordKind], take: impl FnMut(String, Arc<str>)) -> Judgement {
        whole_state::judge(StoredWalk::new(&self.inner.reader, String::new()), kinds, take)
    }

    /// All of it that travels, in memory.
    pub fn export(&self, kinds: &[RecordKind], now: DateTime<Utc>) -> Export {
        let mut records = BTreeMap::new();
        let _judged = self.judge(kinds, |key, text| drop(records.insert(key, text)));
        Export { head: ExportHead { exported_at: now, meta: self.meta() }, records }
    }

    /// What a person has to know about the store, for as long as it is so.
    pub fn alarm(&self) -> Option<String> {
        let directory = self.inner.directory.as_ref()?;
        say::set_aside(&damaged_beside(directory.path()))
    }

    /// What the store knows about itself.
    pub fn meta(&self) -> Meta {
        self.inner.meta.lock().clone()
    }

    /// Sets right what it noted about itself by a clock that was ahead; it was opened at `opened`,
    /// by the clock that shows `now`.
    pub fn set_right(&self, now: DateTime<Utc>, opened: DateTime<Utc>) {
        self.change_meta(|meta| meta.set_right(now, opened));
    }

    /// Healthengine's clock is so far `ahead` of ours, which shows `now`.
    pub fn note_healthengine_clock(&self, ahead: TimeDelta, now: DateTime<Utc>) {
        self.change_meta(|meta| meta.note_clock(ahead, now));
    }

    fn change_meta(&self, change: impl FnOnce(&mut Meta)) {
        let mut meta = self.inner.meta.lock();
        let mut right = meta.clone();
        change(&mut right);
        if right != *meta
            && let Ok(batch) = Batch::of(Meta::KEY, &right)
        {
            *meta = right;
            // Lost with a crash it is found out again.
            self.write_later(batch);
        }
    }

    /// How long its disk takes.
    pub fn flush_times(&self) -> FlushTimes {
        self.inner.queue.flush_times.clone()
    }

    /// The state directory; none of a store in memory. See [`disk_bytes`].
    pub fn path(&self) -> Option<PathBuf> {
        self.inner.directory.as_ref().map(|directory| directory.path().to_owned())
    }

    /// The key that ids of patients are made with.
    pub fn pseudonym_key(&self) -> &SecretKey {
        &self.inner.pseudonym_key
    }

    /// The file of this name, in which another component keeps a key of its own beside the
    /// database.
    pub fn secret_file(&self, name: &str) -> SecretFile {
        SecretFile::new(self.inner.directory.as_ref().map(StateDirectory::path), name)
    }

    /// What commands prove themselves with.
    pub fn command_key(&self) -> SecretKey {
        command_key::derived(&self.inner.pseudonym_key, &self.inner.admin_token)
    }

    /// The token of the admin API.
    pub fn admin_token(&self) -> &SecretString {
        &self.inner.admin_token
    }
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("meta", &self.inner.meta).finish_non_exhaustive()
    }
}

impl Drop for StoreInner {
    fn drop(&mut self) {
        if let Writer::Thread(thread) = &mut self.writer
            && let Some(thread) = thread.take()
        {
            self.queue.close();
            // It catches panics itself and has told everybody what it could not write.
            let _ = thread.join();
        }
    }
}

fn start_writer<E: Engine + 'static>(queue: &Arc<WriteQueue>, disk: Arc<Parted<E>>) -> std::io::Result<Writer> {
    let queue = Arc::clone(queue);
    let thread = thread::Builder::new().name("store".to_owned()).spawn(move || writer::write_groups(&queue, &*disk))?;
    Ok(Writer::Thread(Some(thread)))
}
