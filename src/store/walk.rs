//! Records of a kind, one after the other: a few of them are in memory at a time, however many
//! there are.

use std::collections::VecDeque;
use std::marker::PhantomData;

use super::engine::EngineError;
use super::parts::StoredValue;
use super::record::{Record, decode, full_key};
use super::record_reader::{ReadUpto, RecordReader};
use super::unreadable::Unreadable;

/// What a scan found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Scan<R> {
    /// Keys and records, in order of keys.
    pub records: Vec<(String, R)>,
    /// What was skipped. It stays in the database.
    pub unreadable: Vec<Unreadable>,
}

impl<R> Scan<R> {
    /// All that a walk comes to.
    pub(super) fn of(walk: impl Iterator<Item = Result<(String, R), Unreadable>>) -> Self {
        let mut scan = Self { records: Vec::new(), unreadable: Vec::new() };
        for found in walk {
            match found {
                Ok(record) => scan.records.push(record),
                Err(unreadable) => scan.unreadable.push(unreadable),
            }
        }
        scan
    }
}

/// The records whose keys begin with a prefix, in order of keys: each as it is when it is read. A
/// record that is changed or deleted meanwhile is seen as it was or as it is; one that stays is
/// seen in any case.
pub struct Walk<'a, R> {
    values: StoredWalk<'a>,
    kind_chars: usize,
    of: PhantomData<fn() -> R>,
}

impl<'a, R: Record> Walk<'a, R> {
    pub(super) fn new(reader: &'a RecordReader, prefix: &str) -> Self {
        let values = StoredWalk::new(reader, full_key::<R>(prefix));
        Self { values, kind_chars: full_key::<R>("").len(), of: PhantomData }
    }

    /// Goes on behind every record whose key begins so.
    pub fn skip_prefix(&mut self, prefix: &str) {
        let behind = full_key::<R>(prefix);
        self.values.ready.clear();
        self.values.rest = Some(ReadUpto::behind(&behind));
    }

    /// True if the next record is read from the disk: a place to let others do their work.
    pub fn is_about_to_read(&self) -> bool {
        self.values.ready.is_empty()
    }
}

impl<R: Record> Iterator for Walk<'_, R> {
    type Item = Result<(String, R), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        let kind_chars = self.kind_chars;
        let found = self.values.next()?;
        Some(found.and_then(|(mut key, stored)| {
            let record = read(&key, stored.text())?;
            Ok((key.split_off(kind_chars), record))
        }))
    }
}

/// A record as it was found under its whole key.
pub(super) fn read<R: Record>(key: &str, text: Result<&str, &'static str>) -> Result<R, Unreadable> {
    text.map_err(str::to_owned).and_then(decode).map_err(|reason| Unreadable { key: key.to_owned(), reason })
}

/// The same of records as the database has them, by their whole keys.
pub(super) struct StoredWalk<'a> {
    reader: &'a RecordReader,
    prefix: String,
    ready: VecDeque<(String, StoredValue)>,
    rest: Option<ReadUpto>,
}

impl<'a> StoredWalk<'a> {
    pub(super) fn new(reader: &'a RecordReader, prefix: String) -> Self {
        Self { reader, prefix, ready: VecDeque::new(), rest: Some(ReadUpto::start()) }
    }
}

impl Iterator for StoredWalk<'_> {
    type Item = Result<(String, StoredValue), Unreadable>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(found) = self.ready.pop_front() {
                return Some(Ok(found));
            }
            let rest = self.rest.take()?;
            match self.reader.run(&self.prefix, &rest) {
                Ok(run) => {
                    self.ready.extend(run.records);
                    self.rest = run.rest;
                }
                // What the database cannot read it does not step over either.
                Err(EngineError(reason)) => {
                    let (key, reason) = (self.prefix.clone(), format!("the rest of these cannot be read: {reason}"));
                    return Some(Err(Unreadable { key, reason }));
                }
            }
        }
    }
}
