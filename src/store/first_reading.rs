//! The reading with which a store is opened: of every record, from the first to the last, so that
//! damage shows before anything relies on the store. Whoever keeps records in memory takes them
//! from it, instead of reading them once more.
//!
//! One thread reads, and others make of the records what is wanted: that takes longer than reading.
//! Some hundred records are on their way between them at a time.

use std::num::NonZeroUsize;
use std::sync::Arc;
use std::sync::mpsc::{Receiver, sync_channel};
use std::{mem, thread};

use parking_lot::Mutex;

use super::engine::{Engine, EngineError};
use super::parts::{FoundParts, Parted, StoredValue};
use super::record::Record;
use super::sled_engine::quietly;
use super::unreadable::Unreadable;
use super::walk::read;

/// So many records go from thread to thread at one go.
const GROUP: usize = 64;
/// More threads would wait for the one that reads.
const THREADS_MAX: usize = 4;

/// What is made of the records of a store while it is opened.
pub trait FirstReading: Sync {
    /// Takes a record, if it is one that is wanted. They come in no order, and from several
    /// threads.
    fn see(&self, found: &FoundRecord);
}

/// Nothing is made of them.
impl FirstReading for () {
    fn see(&self, _: &FoundRecord) {}
}

/// A record of some kind.
pub struct FoundRecord {
    key: String,
    stored: StoredValue,
}

impl FoundRecord {
    /// The record and its key, or why it cannot be read, if it is of this kind.
    pub fn of<R: Record>(&self) -> Option<Result<(&str, R), Unreadable>> {
        let key = self.key.strip_prefix(R::KIND)?.strip_prefix('/')?;
        Some(read(&self.key, &self.stored).map(|record| (key, record)))
    }
}

/// Records on their way to those who look at them.
type FoundGroup = Vec<(Vec<u8>, FoundParts)>;

/// Reads all of a database, and shows the records to `reading`. `begins` is shown each raw value
/// that begins a record's text.
pub(super) fn read_all<E: Engine>(
    disk: &Parted<E>,
    begins: &mut dyn FnMut(&[u8], &[u8]),
    reading: &impl FirstReading,
) -> Result<(), String> {
    let threads = thread::available_parallelism().map_or(1, NonZeroUsize::get).min(THREADS_MAX);
    let (sender, receiver) = sync_channel::<FoundGroup>(2 * threads);
    let receiver = Arc::new(Mutex::new(receiver));
    thread::scope(|scope| {
        for _ in 0..threads {
            let receiver = Arc::clone(&receiver);
            scope.spawn(move || look_at(&receiver, reading));
        }
        // It ends with those who look, so that nobody waits for them when they fail.
        drop(receiver);
        let mut group = FoundGroup::with_capacity(GROUP);
        let read = quietly(|| {
            disk.survey(begins, &mut |key, found| {
                group.push((key, found));
                if group.len() == GROUP {
                    let _failed = sender.send(mem::replace(&mut group, FoundGroup::with_capacity(GROUP)));
                }
            })
        });
        let _failed = sender.send(group);
        drop(sender);
        read.and_then(|read| read.map_err(|EngineError(reason)| reason))
    })
}

fn look_at(records: &Mutex<Receiver<FoundGroup>>, reading: &impl FirstReading) {
    loop {
        let group = records.lock().recv();
        let Ok(group) = group else { return };
        for (key, found) in group {
            let key = String::from_utf8_lossy(&key).into_owned();
            reading.see(&FoundRecord { key, stored: found.assemble() });
        }
    }
}
