//! Reads of records: what is queued first, then what the disk has.
//!
//! What was submitted shows at once. A change goes from the queue to the disk and is in both for a
//! moment, so whoever looks into the queue first, and into the disk after that, misses nothing.

use std::collections::BTreeMap;
use std::ops::Bound;
use std::sync::Arc;

use super::engine::{Engine, EngineError};
use super::parts::{Parted, StoredValue, part_limit};
use super::writer::{WriteQueue, without_panic};

/// So many records are read from the disk at one go,
const RUN_RECORDS_MAX: usize = 256;
/// and none after so many bytes of them.
const RUN_BYTES_MAX: usize = 256 * 1024;

/// All records as they are, or will be when what is queued has been written.
pub(super) struct RecordReader {
    queue: Arc<WriteQueue>,
    disk: Arc<Parted<dyn Engine>>,
}

/// Where a reading of records goes on: behind every raw key that is no greater.
#[derive(Debug, Clone)]
pub(super) struct ReadUpto(Option<Vec<u8>>);

impl ReadUpto {
    /// Nothing was read.
    pub(super) fn start() -> Self {
        Self(None)
    }

    /// Everything was read whose key begins so.
    pub(super) fn behind(prefix: &str) -> Self {
        // No byte of a text is 0xFF.
        Self(Some([prefix.as_bytes(), &[0xFF]].concat()))
    }
}

/// Some records, and where the next ones are.
pub(super) struct RecordRun {
    /// In order of keys.
    pub(super) records: BTreeMap<String, StoredValue>,
    /// `None`: these were the last.
    pub(super) rest: Option<ReadUpto>,
}

impl RecordReader {
    pub(super) fn new(queue: Arc<WriteQueue>, disk: Arc<Parted<dyn Engine>>) -> Self {
        Self { queue, disk }
    }

    /// One record.
    pub(super) fn get(&self, key: &str) -> Result<Option<StoredValue>, EngineError> {
        match self.queue.unwritten(key) {
            Some(queued) => Ok(queued.map(StoredValue::Text)),
            None => without_panic(|| self.disk.get(key)),
        }
    }

    /// The next records whose keys begin with `prefix`: a bounded number, each as it was at some
    /// moment since this was called.
    pub(super) fn run(&self, prefix: &str, ReadUpto(upto): &ReadUpto) -> Result<RecordRun, EngineError> {
        let end = [prefix.as_bytes(), &[0xFF]].concat();
        let from = match upto {
            Some(upto) if prefix.as_bytes() <= &upto[..] => Bound::Excluded(&upto[..]),
            Some(_) | None => Bound::Included(prefix.as_bytes()),
        };
        let unwritten = self.queue.unwritten_from(from, prefix, RUN_RECORDS_MAX);
        // Behind the last of so many others can be queued, so the disk is read up to there.
        let queued_end = unwritten.keys().nth(RUN_RECORDS_MAX - 1).map(|last| part_limit(last));
        let to = match &queued_end {
            Some(end) => Bound::Excluded(&end[..]),
            None if prefix.is_empty() => Bound::Unbounded,
            None => Bound::Excluded(&end[..]),
        };
        let read = without_panic(|| self.disk.run((from, to), RUN_RECORDS_MAX, RUN_BYTES_MAX))?;
        let upto = read.more_after.map(|last| [&last[..], &[1]].concat()).or(queued_end);
        let is_covered = |key: &str| upto.as_ref().is_none_or(|upto| key.as_bytes() < &upto[..]);
        let text = |raw: Vec<u8>| String::from_utf8_lossy(&raw).into_owned();
        let mut records: BTreeMap<String, StoredValue> =
            read.records.into_iter().map(|(key, value)| (text(key), value)).collect();
        for (key, value) in unwritten.into_iter().filter(|(key, _)| is_covered(key)) {
            match value {
                Some(value) => drop(records.insert(key, StoredValue::Text(value))),
                None => drop(records.remove(&key)),
            }
        }
        Ok(RecordRun { records, rest: upto.map(|upto| ReadUpto(Some(upto))) })
    }
}
