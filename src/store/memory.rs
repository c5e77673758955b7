//! A disk in memory, for simulations: it keeps exactly what was flushed.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::time::Instant;

use super::engine::{Engine, EngineError, RawChanges, RawRange, SeePair};
use super::export::Export;
use super::meta::Meta;
use super::parts::Parted;
use super::replace::Filler;

/// Writes are flushed at the latest this long after they were made; the same promise as the real
/// store's.
pub(super) const FLUSHED_WITHIN: Duration = Duration::from_secs(1);

/// A disk in memory. Clones are the same disk.
///
/// A simulation opens a [`Store`](super::Store) on it with
/// [`Store::in_memory`](super::Store::in_memory), pulls the plug with
/// [`crash`](MemoryEngine::crash), and opens the next store on what that returns.
#[derive(Clone, Default)]
pub struct MemoryEngine {
    disk: Arc<Mutex<Disk>>,
}

/// When a flush that a disk says is done really is. A disk that lies is a deliberate mistake, for
/// tests that must notice it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flushed {
    /// When it says so.
    #[default]
    AtOnce,
    /// So much later.
    Later(Duration),
    /// Never.
    Never,
}

#[derive(Default)]
struct Disk {
    /// As the running program sees it.
    applied: BTreeMap<Vec<u8>, Vec<u8>>,
    /// As it is after a power cut.
    flushed: BTreeMap<Vec<u8>, Vec<u8>>,
    /// What has to be done to `flushed` to make it `applied`.
    unflushed: RawChanges,
    /// When the oldest write of `unflushed` was made, in tokio's time, which a simulation owns.
    unflushed_since: Option<Instant>,
    /// When a flush is true.
    honesty: Flushed,
    /// What was flushed by a disk that lies, and since when it says so.
    claimed: Vec<(Instant, RawChanges)>,
    /// Why every further write fails.
    refusal: Option<String>,
}

impl MemoryEngine {
    /// An empty disk.
    pub fn new() -> Self {
        Self::default()
    }

    /// A power cut. What was flushed, by a commit or because it was a second old, is on the disk
    /// that is returned; the rest is gone. This handle and stores opened on it are cut off:
    /// whatever they write from now on fails.
    #[must_use = "the disk after the power cut is the one that is returned"]
    pub fn crash(&self) -> Self {
        let mut disk = self.lock();
        disk.flush_what_is_old();
        disk.refusal = Some("the power was cut".to_owned());
        Self::with(disk.flushed.clone())
    }

    /// A copy of what is flushed: a backup, to be brought back later.
    pub fn backup(&self) -> Self {
        let mut disk = self.lock();
        disk.flush_what_is_old();
        Self::with(disk.flushed.clone())
    }

    /// A disk with the content of an export, as after an import at this moment.
    #[must_use]
    pub fn imported(export: &Export, now: DateTime<Utc>) -> Self {
        let disk = Self::new();
        let meta = Meta { imported_at: Some(now), ..export.head.meta.clone() };
        let mut filler = Filler::new(Parted::new(disk.clone()));
        let mut records = export.records.iter();
        let filled = records.try_for_each(|(key, text)| filler.put(key.clone(), Arc::clone(text)));
        if let Err(error) = filled.and_then(|()| filler.end(&meta).map(drop)) {
            disk.refuse_writes(&error.0);
        }
        disk
    }

    /// Everything that is written on it, flushed or not, one after another: for a search for what
    /// must not be there.
    pub fn raw(&self) -> Vec<u8> {
        let mut disk = self.lock();
        disk.flush_what_is_old();
        let written = disk.applied.iter().chain(&disk.flushed);
        written.flat_map(|(key, value)| [key.as_slice(), b"\n", value, b"\n"].concat()).collect()
    }

    /// From now on every write fails with this reason, as on a full disk.
    pub fn refuse_writes(&self, reason: &str) {
        self.lock().refusal = Some(reason.to_owned());
    }

    /// From now on the disk tells the truth about its flushes, or does not; what it holds is safe.
    pub fn flushes(&self, honesty: Flushed) {
        let mut disk = self.lock();
        disk.flush();
        disk.honesty = honesty;
    }

    fn with(content: BTreeMap<Vec<u8>, Vec<u8>>) -> Self {
        let disk = Disk { applied: content.clone(), flushed: content, ..Disk::default() };
        Self { disk: Arc::new(Mutex::new(disk)) }
    }

    fn lock(&self) -> MutexGuard<'_, Disk> {
        self.disk.lock()
    }
}

impl Disk {
    fn flush_what_is_old(&mut self) {
        if self.refusal.is_some() {
            return;
        }
        if let Flushed::Later(by) = self.honesty {
            let true_by_now = self.claimed.iter().take_while(|(since, _)| since.elapsed() >= by).count();
            for (_, changes) in self.claimed.drain(..true_by_now).collect::<Vec<_>>() {
                self.make_safe(changes);
            }
        }
        if self.unflushed_since.is_some_and(|since| since.elapsed() >= FLUSHED_WITHIN) {
            self.flush();
        }
    }

    fn flush(&mut self) {
        let changes = std::mem::take(&mut self.unflushed);
        self.unflushed_since = None;
        match self.honesty {
            Flushed::AtOnce => self.make_safe(changes),
            Flushed::Later(_) | Flushed::Never => self.claimed.push((Instant::now(), changes)),
        }
    }

    fn make_safe(&mut self, changes: RawChanges) {
        for (key, value) in changes {
            set(&mut self.flushed, key, value);
        }
    }

    fn check(&self) -> Result<(), EngineError> {
        self.refusal.clone().map_or(Ok(()), |reason| Err(EngineError(reason)))
    }
}

fn set(content: &mut BTreeMap<Vec<u8>, Vec<u8>>, key: Vec<u8>, value: Option<Vec<u8>>) {
    match value {
        Some(value) => drop(content.insert(key, value)),
        None => drop(content.remove(&key)),
    }
}

impl Engine for MemoryEngine {
    fn visit(&self, range: RawRange<'_>, visit: &mut SeePair<'_>) -> Result<(), EngineError> {
        let disk = self.lock();
        let mut pairs = disk.applied.range::<[u8], _>(range);
        let _stopped = pairs.try_for_each(|(key, value)| visit(key, value));
        Ok(())
    }

    fn apply(&self, changes: RawChanges) -> Result<(), EngineError> {
        let mut disk = self.lock();
        disk.check()?;
        disk.flush_what_is_old();
        for (key, value) in changes {
            set(&mut disk.applied, key.clone(), value.clone());
            disk.unflushed.insert(key, value);
        }
        disk.unflushed_since.get_or_insert_with(Instant::now);
        Ok(())
    }

    fn sync(&self) -> Result<(), EngineError> {
        let mut disk = self.lock();
        disk.check()?;
        disk.flush();
        Ok(())
    }
}

impl std::fmt::Debug for MemoryEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let disk = self.lock();
        write!(f, "MemoryEngine({} applied, {} flushed)", disk.applied.len(), disk.flushed.len())
    }
}
