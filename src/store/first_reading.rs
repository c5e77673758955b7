//! The reading with which a store is opened: of every record, from the first to the last, so that
//! damage shows before anything relies on the store. Whoever keeps records in memory takes them
//! from it, instead of reading them once more.
//!
//! One thread reads, and others make of the records what is wanted: that takes as long as reading.
//! Some hundred records are on their way between them at a time, in memory that goes back and
//! forth: where the service runs the allocator has one lock, for which both would wait.

use std::borrow::Cow;
use std::num::NonZeroUsize;
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel, sync_channel};
use std::{mem, thread};

use parking_lot::Mutex;

use super::engine::{Engine, EngineError};
use super::parts::{NO_TEXT, Parted};
use super::record::{Record, full_key};
use super::sled_engine::{quietly, what_it_said};
use super::unreadable::Unreadable;
use super::walk::read;

/// So many records go from thread to thread at one go,
const GROUP: usize = 64;
/// or as many as have so many bytes.
const GROUP_BYTES: usize = 256 * 1024;
/// More threads would wait for the one that reads. It has a processor too: with more threads than
/// processors all of them wait for the allocator's lock as well.
const THREADS_MAX: usize = 3;

/// What is made of the records of a store while it is opened.
pub trait FirstReading: Sync {
    /// The database is open, and nothing of it was read yet.
    fn opened(&self, _store: &OpenedDatabase<'_>) {}

    /// Takes a record, if it is one that is wanted. They come in no order, and from several
    /// threads.
    fn see(&self, found: &FoundRecord<'_>);
}

/// Nothing is made of them.
impl FirstReading for () {
    fn see(&self, _: &FoundRecord<'_>) {}
}

/// A database of which single records can be asked for, before all of it is read.
pub struct OpenedDatabase<'a>(&'a dyn Engine);

impl OpenedDatabase<'_> {
    /// True if there is a record under this key, readable or not; `None` if the database cannot be
    /// read.
    pub fn has<R: Record>(&self, key: &str) -> Option<bool> {
        self.0.get(full_key::<R>(key).as_bytes()).map(|found| found.is_some()).ok()
    }

    /// The same of keys that begin so.
    pub fn has_any<R: Record>(&self, prefix: &str) -> Option<bool> {
        let (prefix, mut found) = (full_key::<R>(prefix), false);
        let from = (Bound::Included(prefix.as_bytes()), Bound::Unbounded);
        let first = self.0.visit(from, &mut |key, _| {
            found = key.starts_with(prefix.as_bytes());
            ControlFlow::Break(())
        });
        first.map(|()| found).ok()
    }
}

/// A record of some kind.
pub struct FoundRecord<'a> {
    key: Cow<'a, str>,
    text: Result<&'a str, &'static str>,
}

impl FoundRecord<'_> {
    /// The record and its key, or why it cannot be read, if it is of this kind.
    pub fn of<R: Record>(&self) -> Option<Result<(&str, R), Unreadable>> {
        let key = self.key.strip_prefix(R::KIND)?.strip_prefix('/')?;
        Some(read(&self.key, self.text).map(|record| (key, record)))
    }
}

/// Records on their way to those who look at them, in one piece of memory.
#[derive(Default)]
struct FoundGroup {
    bytes: Vec<u8>,
    /// How long the key of each is, and its value, or why that is damaged.
    lengths: Vec<(usize, Result<usize, &'static str>)>,
}

impl FoundGroup {
    fn add(&mut self, key: &[u8], value: Result<&[u8], &'static str>) {
        self.bytes.extend_from_slice(key);
        self.bytes.extend_from_slice(value.unwrap_or_default());
        self.lengths.push((key.len(), value.map(<[u8]>::len)));
    }

    fn is_full(&self) -> bool {
        self.lengths.len() == GROUP || self.bytes.len() >= GROUP_BYTES
    }

    /// Memory of an unusual size is not kept.
    fn clear(&mut self) {
        self.bytes.clear();
        self.bytes.shrink_to(GROUP_BYTES);
        self.lengths.clear();
    }

    fn see_each(&self, mut see: impl FnMut(&FoundRecord<'_>)) {
        let mut rest = self.bytes.as_slice();
        let mut next = |length: usize| {
            let (found, others) = rest.split_at(length);
            rest = others;
            found
        };
        for (key, value) in &self.lengths {
            let key = String::from_utf8_lossy(next(*key));
            let value = value.map(&mut next);
            let text = value.and_then(|value| std::str::from_utf8(value).map_err(|_| NO_TEXT));
            see(&FoundRecord { key, text });
        }
    }
}

/// Reads all of a database, and shows the records to `reading`. `begins` is shown each raw value
/// that begins a record's text.
pub(super) fn read_all<E: Engine>(
    disk: &Parted<E>,
    begins: &mut dyn FnMut(&[u8], &[u8]),
    reading: &impl FirstReading,
) -> Result<(), String> {
    // What is damaged shows in the reading.
    let _not_asked = quietly(|| reading.opened(&OpenedDatabase(disk.engine())));
    let processors = thread::available_parallelism().map_or(1, NonZeroUsize::get);
    let threads = (processors - 1).clamp(1, THREADS_MAX);
    let (sender, receiver) = sync_channel::<FoundGroup>(2 * threads);
    let (give_back, used) = channel();
    let receiver = Arc::new(Mutex::new(receiver));
    thread::scope(|scope| {
        let start = |_| {
            let (receiver, give_back) = (Arc::clone(&receiver), give_back.clone());
            scope.spawn(move || look_at(&receiver, &give_back, reading))
        };
        let looking: Vec<_> = (0..threads).map(start).collect();
        // It ends with those who look, so that nobody waits for them when they fail.
        drop(receiver);
        let mut group = FoundGroup::default();
        let read = quietly(|| {
            disk.survey(begins, &mut |key, value| {
                group.add(key, value);
                if group.is_full() {
                    let empty = used.try_recv().unwrap_or_default();
                    let _failed = sender.send(mem::replace(&mut group, empty));
                }
            })
        });
        let _failed = sender.send(group);
        drop(sender);
        for looked in looking.into_iter().map(thread::ScopedJoinHandle::join) {
            // That is a fault of ours and no damage, and what it said was kept from the terminal.
            looked.unwrap_or_else(|panic| panic!("{}", what_it_said(&*panic)));
        }
        read.and_then(|read| read.map_err(|EngineError(reason)| reason))
    })
}

fn look_at(records: &Mutex<Receiver<FoundGroup>>, give_back: &Sender<FoundGroup>, reading: &impl FirstReading) {
    loop {
        let group = records.lock().recv();
        let Ok(mut group) = group else { return };
        group.see_each(|found| reading.see(found));
        group.clear();
        let _nobody_reads = give_back.send(group);
    }
}
