//! Long values in numbered parts, because the database keeps only short ones safely.
//!
//! sled 0.34 moves what is much over 4 KiB to separate files that it never syncs. So a value of up
//! to [`PART_BYTES_MAX`] stands under its record's key; a longer one leaves `=<parts> <bytes>`
//! there (a JSON value never begins with `=`) and stands under `<key>\0<number>`. Head and parts
//! are written in one change, and nobody reads while a change is applied, so a reader never meets
//! half of a value; should it meet one all the same, the record is damaged and its neighbours are
//! not.

use std::collections::{BTreeMap, BTreeSet};
use std::ops::{Bound, ControlFlow};
use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use super::engine::{EVERYTHING, Engine, EngineError, RawChanges, RawRange, SeePair};

/// The longest value an engine is given, in bytes.
pub(super) const PART_BYTES_MAX: usize = 4_096;
/// The longest value there can be, in bytes.
pub(super) const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Stands between a record's key and the number of a part. Keys hold no control characters, so it
/// cannot be mistaken.
const SEPARATOR: u8 = 0;

/// Changes of whole values: the text to store, or `None` to delete.
pub(super) type ValueChanges = BTreeMap<String, Option<Arc<str>>>;

/// Sees a record's key and value, or why the value is not whole.
pub(super) type SeeRecord<'a> = dyn FnMut(&[u8], Result<&[u8], &'static str>) + 'a;

/// A whole value as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoredValue {
    /// The value.
    Text(Arc<str>),
    /// There is something, and it is not whole; why.
    Damaged(&'static str),
}

impl StoredValue {
    fn of(mut found: FoundParts) -> Self {
        let text = found.assemble().and_then(|value| str::from_utf8(value).map_err(|_| NO_TEXT));
        text.map_or_else(Self::Damaged, |text| Self::Text(text.into()))
    }

    /// The value, or why it is not whole.
    pub(super) fn text(&self) -> Result<&str, &'static str> {
        match self {
            Self::Text(text) => Ok(text),
            Self::Damaged(reason) => Err(reason),
        }
    }
}

/// What stands there is damaged: every value is a text.
pub(super) const NO_TEXT: &str = "it is no text";

/// An engine that takes values of up to [`VALUE_BYTES_MAX`].
pub(super) struct Parted<E: ?Sized> {
    /// Held by those who read, and alone by who applies changes: an engine may show a change half
    /// made.
    whole: RwLock<()>,
    /// The records that have parts, once all of them were surveyed. Few do, and whoever replaces
    /// one that has none need not look for them.
    in_parts: Mutex<Option<BTreeSet<Vec<u8>>>>,
    engine: E,
}

/// Some records, in order of keys.
pub(super) struct StoredRun {
    /// The records, by their raw keys.
    pub(super) records: BTreeMap<Vec<u8>, StoredValue>,
    /// The last one's raw key, if others may follow it.
    pub(super) more_after: Option<Vec<u8>>,
}

impl<E: Engine> Parted<E> {
    pub(super) fn new(engine: E) -> Self {
        Self { whole: RwLock::default(), in_parts: Mutex::default(), engine }
    }

    /// The engine, for what only it can do.
    pub(super) fn engine(&self) -> &E {
        &self.engine
    }
}

impl<E: Engine + ?Sized> Parted<E> {
    /// One record.
    pub(super) fn get(&self, key: &str) -> Result<Option<StoredValue>, EngineError> {
        let mut found = FoundParts::default();
        let mut is_there = false;
        let whole = self.whole.read();
        if !self.may_have_parts(key.as_bytes()) {
            let head = self.engine.get(key.as_bytes())?;
            return Ok(head.map(|value| {
                found.add(None, &value);
                StoredValue::of(found)
            }));
        }
        drop(whole);
        self.visit(with_parts(key, &part_limit(key)), &mut |raw, value| {
            is_there = true;
            found.add(split_key(raw).1, value);
            ControlFlow::Continue(())
        })?;
        Ok(is_there.then(|| StoredValue::of(found)))
    }

    /// The records of a range, from its first one on: no more than these, and none after so many
    /// bytes of them.
    pub(super) fn run(
        &self,
        range: RawRange<'_>,
        records_max: usize,
        bytes_max: usize,
    ) -> Result<StoredRun, EngineError> {
        let mut run = StoredRun { records: BTreeMap::new(), more_after: None };
        let mut bytes = 0;
        let mut open: Option<(Vec<u8>, FoundParts)> = None;
        self.visit(range, &mut |raw, value| {
            let (record, number) = split_key(raw);
            match &mut open {
                Some((key, found)) if key == record => found.add(number, value),
                former => {
                    let is_full =
                        run.records.len() + usize::from(former.is_some()) >= records_max || bytes >= bytes_max;
                    if let Some((key, found)) = former.take() {
                        if is_full {
                            run.more_after = Some(key.clone());
                        }
                        run.records.insert(key, StoredValue::of(found));
                    }
                    if is_full {
                        return ControlFlow::Break(());
                    }
                    let mut found = FoundParts::default();
                    found.add(number, value);
                    *former = Some((record.to_vec(), found));
                }
            }
            bytes += value.len();
            ControlFlow::Continue(())
        })?;
        run.records.extend(open.map(|(key, found)| (key, StoredValue::of(found))));
        Ok(run)
    }

    /// Shows every raw value that begins a record's text, and every record as it was found, in
    /// order of keys.
    pub(super) fn survey(
        &self,
        begins: &mut dyn FnMut(&[u8], &[u8]),
        is_found: &mut SeeRecord<'_>,
    ) -> Result<(), EngineError> {
        let mut in_parts = BTreeSet::new();
        // The record that is read, in memory that the next one is given in turn: a large store has
        // tens of thousands of them.
        let (mut open, mut found) = (Vec::new(), FoundParts::default());
        self.visit(EVERYTHING, &mut |raw, value| {
            let (key, number) = split_key(raw);
            if number.is_some() {
                in_parts.insert(key.to_vec());
            }
            match number {
                None if parse_head(value).is_none() => begins(key, value),
                Some(1) => begins(key, value),
                None | Some(_) => {}
            }
            if open != key {
                found.show(&open, is_found);
                open.clear();
                open.extend_from_slice(key);
            }
            found.add(number, value);
            ControlFlow::Continue(())
        })?;
        found.show(&open, is_found);
        *self.in_parts.lock() = Some(in_parts);
        Ok(())
    }

    /// Applies all changes or none. They need not last before [`Parted::sync`].
    pub(super) fn write(&self, changes: &ValueChanges) -> Result<(), EngineError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut raw = RawChanges::new();
        for (key, value) in changes {
            let head = key.as_bytes();
            if self.may_have_parts(head) {
                // Parts that the value before had and this one has not.
                self.visit((Bound::Excluded(head), Bound::Excluded(&part_limit(key))), &mut |part, _| {
                    raw.insert(part.to_vec(), None);
                    ControlFlow::Continue(())
                })?;
            }
            match value {
                Some(text) => put(&mut raw, key, text.as_bytes()),
                None => drop(raw.insert(head.to_vec(), None)),
            }
        }
        let _alone = self.whole.write();
        self.engine.apply(raw)?;
        // While nobody reads: who is told of no parts takes the head for the value.
        if let Some(in_parts) = &mut *self.in_parts.lock() {
            for (key, value) in changes {
                if value.as_ref().is_some_and(|text| text.len() > PART_BYTES_MAX) {
                    in_parts.insert(key.as_bytes().to_vec());
                } else {
                    in_parts.remove(key.as_bytes());
                }
            }
        }
        Ok(())
    }

    fn may_have_parts(&self, key: &[u8]) -> bool {
        self.in_parts.lock().as_ref().is_none_or(|in_parts| in_parts.contains(key))
    }

    fn visit(&self, range: RawRange<'_>, visit: &mut SeePair<'_>) -> Result<(), EngineError> {
        let _whole = self.whole.read();
        self.engine.visit(range, visit)
    }

    /// Returns when everything written so far survives a power cut.
    pub(super) fn sync(&self) -> Result<(), EngineError> {
        self.engine.sync()
    }
}

/// Where a record and its parts stand. No key of another record comes between them.
fn with_parts<'a>(key: &'a str, limit: &'a [u8]) -> RawRange<'a> {
    (Bound::Included(key.as_bytes()), Bound::Excluded(limit))
}

/// The first raw key that cannot belong to this record any more.
pub(super) fn part_limit(key: &str) -> Vec<u8> {
    [key.as_bytes(), &[SEPARATOR + 1]].concat()
}

/// Adds a value under its key, in parts if it is long.
fn put(raw: &mut RawChanges, key: &str, value: &[u8]) {
    if value.len() <= PART_BYTES_MAX {
        raw.insert(key.as_bytes().to_vec(), Some(value.to_vec()));
        return;
    }
    let parts = value.chunks(PART_BYTES_MAX);
    raw.insert(key.as_bytes().to_vec(), Some(format!("={} {}", parts.len(), value.len()).into_bytes()));
    raw.extend(parts.enumerate().map(|(index, part)| (part_key(key, index + 1), Some(part.to_vec()))));
}

fn part_key(key: &str, number: usize) -> Vec<u8> {
    let mut raw = key.as_bytes().to_vec();
    raw.push(SEPARATOR);
    raw.extend_from_slice(format!("{number:04}").as_bytes());
    raw
}

/// The record's key and, for a part, its number. What has a separator and no number after it counts
/// as part 0, which no head asks for: a stranger's, to be reported.
fn split_key(raw: &[u8]) -> (&[u8], Option<usize>) {
    match raw.iter().position(|byte| *byte == SEPARATOR) {
        None => (raw, None),
        Some(at) => {
            let number = std::str::from_utf8(&raw[at + 1..]).ok().and_then(|number| number.parse().ok());
            (&raw[..at], Some(number.unwrap_or(0)))
        }
    }
}

/// What stands under one record's key and behind it.
#[derive(Default)]
pub(super) struct FoundParts {
    has_head: bool,
    head: Vec<u8>,
    parts: BTreeMap<usize, Vec<u8>>,
}

impl FoundParts {
    fn add(&mut self, number: Option<usize>, value: &[u8]) {
        match number {
            None => {
                self.has_head = true;
                self.head.clear();
                self.head.extend_from_slice(value);
            }
            Some(number) => drop(self.parts.insert(number, value.to_vec())),
        }
    }

    /// Shows the value that was found under this key, if any was, and forgets it.
    fn show(&mut self, key: &[u8], is_found: &mut SeeRecord<'_>) {
        if self.has_head || !self.parts.is_empty() {
            is_found(key, self.assemble());
            self.has_head = false;
            self.parts.clear();
        }
    }

    /// The value that these are the parts of, or why it is not whole.
    fn assemble(&mut self) -> Result<&[u8], &'static str> {
        if !self.has_head {
            return Err("its parts have no head");
        }
        match parse_head(&self.head) {
            None if self.parts.is_empty() => Ok(&self.head),
            None => Err("parts stand behind a value that is whole"),
            Some((count, bytes)) => {
                if self.parts.len() != count || !self.parts.keys().copied().eq(1..=count) {
                    return Err("a part is missing or too many");
                }
                self.head.clear();
                self.parts.values().for_each(|part| self.head.extend_from_slice(part));
                if self.head.len() == bytes { Ok(&self.head) } else { Err("its parts have the wrong length") }
            }
        }
    }
}

/// `=<parts> <bytes>`.
fn parse_head(head: &[u8]) -> Option<(usize, usize)> {
    let (count, bytes) = std::str::from_utf8(head).ok()?.strip_prefix('=')?.split_once(' ')?;
    Some((count.parse().ok()?, bytes.parse().ok()?))
}

#[cfg(test)]
mod tests {
    use super::super::memory::MemoryEngine;
    use super::*;

    fn text_of(length: usize) -> Arc<str> {
        // Two-byte characters, so that parts end in the middle of one.
        "ö".repeat(length / 2).into()
    }

    fn one(key: &str, value: Option<Arc<str>>) -> ValueChanges {
        ValueChanges::from([(key.to_owned(), value)])
    }

    fn reread(disk: &MemoryEngine) -> BTreeMap<String, StoredValue> {
        let run = Parted::new(disk.clone()).run(EVERYTHING, usize::MAX, usize::MAX).unwrap();
        assert_eq!(run.more_after, None);
        run.records.into_iter().map(|(key, value)| (String::from_utf8(key).unwrap(), value)).collect()
    }

    fn raw_pairs(disk: &MemoryEngine) -> Vec<(Vec<u8>, Vec<u8>)> {
        let mut pairs = Vec::new();
        disk.visit(EVERYTHING, &mut |key, value| {
            pairs.push((key.to_vec(), value.to_vec()));
            ControlFlow::Continue(())
        })
        .unwrap();
        pairs
    }

    #[test]
    fn values_around_the_limit_come_back_whole_and_no_raw_value_is_over_it() {
        let disk = MemoryEngine::new();
        let parted = Parted::new(disk.clone());
        for length in [2, PART_BYTES_MAX - 2, PART_BYTES_MAX, PART_BYTES_MAX + 2, 3 * PART_BYTES_MAX, VALUE_BYTES_MAX] {
            let key = format!("k/{length}");
            parted.write(&one(&key, Some(text_of(length)))).unwrap();
            let expected = StoredValue::Text(text_of(length));
            assert_eq!(parted.get(&key).unwrap(), Some(expected.clone()), "{length}");
            assert_eq!(reread(&disk).get(&key), Some(&expected), "{length}");
        }
        assert_eq!(parted.get("k").unwrap(), None);
        assert_eq!(raw_pairs(&disk).iter().map(|(_, value)| value.len()).max(), Some(PART_BYTES_MAX));
    }

    #[test]
    fn records_are_read_in_runs_of_a_size_and_those_in_parts_are_never_cut() {
        let disk = MemoryEngine::new();
        let parted = Parted::new(disk.clone());
        let keys: Vec<String> = (0..7).map(|number| format!("k/{number}")).collect();
        for (number, key) in keys.iter().enumerate() {
            parted.write(&one(key, Some(text_of(2 + number * PART_BYTES_MAX)))).unwrap();
        }
        for (records_max, bytes_max, sizes) in [
            (3, usize::MAX, vec![3, 3, 1]),
            (7, usize::MAX, vec![7]),
            (usize::MAX, 1, vec![1; 7]),
            (usize::MAX, 4 * PART_BYTES_MAX, vec![4, 1, 1, 1]),
        ] {
            let (mut seen, mut found, mut from) = (Vec::new(), BTreeMap::new(), Bound::Unbounded);
            loop {
                let run = parted.run(
                    (from.as_ref().map(|from: &Vec<u8>| &from[..]), Bound::Unbounded),
                    records_max,
                    bytes_max,
                );
                let run = run.unwrap();
                seen.push(run.records.len());
                found.extend(run.records);
                match run.more_after {
                    Some(last) => from = Bound::Excluded(part_limit(std::str::from_utf8(&last).unwrap())),
                    None => break,
                }
            }
            assert_eq!(seen, sizes);
            let whole = reread(&disk);
            assert!(found.into_iter().eq(whole.into_iter().map(|(key, value)| (key.into_bytes(), value))));
        }
    }

    /// Later lives of the program on a disk: one that knows nothing, and one that looked at every
    /// record.
    fn later(disk: &MemoryEngine) -> [Parted<MemoryEngine>; 2] {
        let [own, surveyed] = [(), ()].map(|()| Parted::new(disk.clone()));
        surveyed.survey(&mut |_, _| {}, &mut |_, _| {}).unwrap();
        [own, surveyed]
    }

    #[test]
    fn a_shorter_value_and_a_deletion_leave_no_parts_behind() {
        for life in [0, 1] {
            let disk = MemoryEngine::new();
            let pairs = || raw_pairs(&disk).len();
            Parted::new(disk.clone()).write(&one("k/a", Some(text_of(5 * PART_BYTES_MAX)))).unwrap();
            assert_eq!(pairs(), 6);
            let second = &later(&disk)[life];
            for (length, left) in [(2 * PART_BYTES_MAX, 3), (10, 1), (12, 1), (3 * PART_BYTES_MAX, 4)] {
                second.write(&one("k/a", Some(text_of(length)))).unwrap();
                assert_eq!(second.get("k/a").unwrap(), Some(StoredValue::Text(text_of(length))));
                assert_eq!(pairs(), left, "{length}");
            }
            second.write(&one("k/a", None)).unwrap();
            assert_eq!((pairs(), second.get("k/a").unwrap()), (0, None));
        }
    }

    #[test]
    fn a_missing_part_damages_its_own_record_alone_and_can_be_overwritten() {
        let disk = MemoryEngine::new();
        let parted = Parted::new(disk.clone());
        for key in ["k/a", "k/b"] {
            parted.write(&one(key, Some(text_of(3 * PART_BYTES_MAX)))).unwrap();
        }
        disk.apply(RawChanges::from([(part_key("k/a", 2), None)])).unwrap();
        disk.apply(RawChanges::from([(part_key("k/c", 1), Some(b"x".to_vec()))])).unwrap();
        let [second, surveyed] = later(&disk);
        let found = reread(&disk);
        assert_eq!(found["k/a"], StoredValue::Damaged("a part is missing or too many"));
        assert_eq!(found["k/b"], StoredValue::Text(text_of(3 * PART_BYTES_MAX)));
        assert_eq!(found["k/c"], StoredValue::Damaged("its parts have no head"));
        for key in ["k/a", "k/b", "k/c"] {
            assert_eq!(second.get(key).unwrap().as_ref(), found.get(key));
            assert_eq!(surveyed.get(key).unwrap().as_ref(), found.get(key));
        }
        second.write(&one("k/a", Some("{}".into()))).unwrap();
        second.write(&one("k/c", None)).unwrap();
        let found = reread(&disk);
        assert_eq!((found.get("k/a"), found.get("k/c")), (Some(&StoredValue::Text("{}".into())), None));
    }
}
