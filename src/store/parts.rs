//! Long values in numbered parts, because the database keeps only short ones safely.
//!
//! sled 0.34 moves what is much over 4 KiB to separate files that it never syncs. So a value of up
//! to [`PART_BYTES_MAX`] stands under its record's key; a longer one leaves `=<parts> <bytes>`
//! there (a JSON value never begins with `=`) and stands under `<key>\0<number>`. Head and parts
//! are written in one change, so a reader never meets half of a value; should it meet one all the
//! same, the record is damaged and its neighbours are not.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::engine::{Engine, EngineError, RawChanges};

/// The longest value an engine is given, in bytes.
pub(super) const PART_BYTES_MAX: usize = 4_096;
/// The longest value there can be, in bytes.
pub(super) const VALUE_BYTES_MAX: usize = 16 * 1024 * 1024;

/// Stands between a record's key and the number of a part. Keys hold no control characters, so it
/// cannot be mistaken.
const SEPARATOR: u8 = 0;

/// Changes of whole values: the text to store, or `None` to delete.
pub(super) type ValueChanges = BTreeMap<String, Option<Arc<str>>>;

/// A whole value as it was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum StoredValue {
    /// The value.
    Text(Arc<str>),
    /// There is something, and it is not whole; why.
    Damaged(&'static str),
}

/// An engine that takes values of up to [`VALUE_BYTES_MAX`].
pub(super) struct Parted<E> {
    engine: E,
    /// How many parts stand behind a head; keys without parts are absent. Needed to delete what a
    /// shorter value leaves over.
    parts: BTreeMap<String, usize>,
}

impl<E: Engine> Parted<E> {
    pub(super) fn new(engine: E) -> Self {
        Self { engine, parts: BTreeMap::new() }
    }

    /// Reads everything and puts parts together. Call it once, before the first write.
    pub(super) fn load(&mut self) -> Result<BTreeMap<String, StoredValue>, EngineError> {
        match self.load_what_can_be_read() {
            (found, None) => Ok(found),
            (_, Some(error)) => Err(error),
        }
    }

    /// The same, up to where reading stops; and why it did, if not at the end.
    pub(super) fn load_what_can_be_read(&mut self) -> (BTreeMap<String, StoredValue>, Option<EngineError>) {
        let mut found: BTreeMap<String, FoundParts> = BTreeMap::new();
        let loaded = self.engine.load(&mut |key, value| {
            let (key, number) = split_key(key);
            let entry = found.entry(key).or_default();
            match number {
                None => entry.head = Some(value.to_vec()),
                Some(number) => drop(entry.parts.insert(number, value.to_vec())),
            }
        });
        let last_part = |found: &FoundParts| found.parts.keys().next_back().copied();
        self.parts = found.iter().filter_map(|(key, found)| Some((key.clone(), last_part(found)?))).collect();
        (found.into_iter().map(|(key, found)| (key, found.assemble())).collect(), loaded.err())
    }

    /// Applies all changes or none. They need not last before [`Parted::sync`].
    pub(super) fn write(&mut self, changes: &ValueChanges) -> Result<(), EngineError> {
        if changes.is_empty() {
            return Ok(());
        }
        let mut raw = RawChanges::new();
        for (key, value) in changes {
            let before = self.parts.remove(key).unwrap_or(0);
            let after = value.as_ref().map_or(0, |text| put(&mut raw, key, text.as_bytes()));
            if value.is_none() {
                raw.insert(key.as_bytes().to_vec(), None);
            }
            raw.extend((after + 1..=before).map(|number| (part_key(key, number), None)));
            if after > 0 {
                self.parts.insert(key.clone(), after);
            }
        }
        self.engine.apply(raw)
    }

    /// The engine, for what only it can do.
    pub(super) fn engine(&self) -> &E {
        &self.engine
    }

    /// Returns when everything written so far survives a power cut.
    pub(super) fn sync(&mut self) -> Result<(), EngineError> {
        self.engine.sync()
    }
}

/// Adds a value under its key, in parts if it is long. Returns how many parts there are behind the
/// head.
fn put(raw: &mut RawChanges, key: &str, value: &[u8]) -> usize {
    if value.len() <= PART_BYTES_MAX {
        raw.insert(key.as_bytes().to_vec(), Some(value.to_vec()));
        return 0;
    }
    let parts = value.chunks(PART_BYTES_MAX);
    let count = parts.len();
    raw.insert(key.as_bytes().to_vec(), Some(format!("={count} {}", value.len()).into_bytes()));
    raw.extend(parts.enumerate().map(|(index, part)| (part_key(key, index + 1), Some(part.to_vec()))));
    count
}

fn part_key(key: &str, number: usize) -> Vec<u8> {
    let mut raw = key.as_bytes().to_vec();
    raw.push(SEPARATOR);
    raw.extend_from_slice(format!("{number:04}").as_bytes());
    raw
}

/// The record's key and, for a part, its number. What has a separator and no number after it counts
/// as part 0, which no head asks for: a stranger's, to be reported.
fn split_key(raw: &[u8]) -> (String, Option<usize>) {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    match raw.iter().position(|byte| *byte == SEPARATOR) {
        None => (text(raw), None),
        Some(at) => (text(&raw[..at]), Some(text(&raw[at + 1..]).parse().unwrap_or(0))),
    }
}

/// What stands under one record's key and behind it.
#[derive(Default)]
struct FoundParts {
    head: Option<Vec<u8>>,
    parts: BTreeMap<usize, Vec<u8>>,
}

impl FoundParts {
    fn assemble(self) -> StoredValue {
        let Some(head) = self.head else { return StoredValue::Damaged("its parts have no head") };
        let value = match parse_head(&head) {
            None if self.parts.is_empty() => head,
            None => return StoredValue::Damaged("parts stand behind a value that is whole"),
            Some((count, bytes)) => {
                if self.parts.len() != count || !self.parts.keys().copied().eq(1..=count) {
                    return StoredValue::Damaged("a part is missing or too many");
                }
                let value: Vec<u8> = self.parts.into_values().flatten().collect();
                if value.len() != bytes {
                    return StoredValue::Damaged("its parts have the wrong length");
                }
                value
            }
        };
        match String::from_utf8(value) {
            Ok(text) => StoredValue::Text(text.into()),
            Err(_) => StoredValue::Damaged("it is no text"),
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
        Parted::new(disk.clone()).load().unwrap()
    }

    #[test]
    fn values_around_the_limit_come_back_whole_and_no_raw_value_is_over_it() {
        let disk = MemoryEngine::new();
        let mut parted = Parted::new(disk.clone());
        for length in [2, PART_BYTES_MAX - 2, PART_BYTES_MAX, PART_BYTES_MAX + 2, 3 * PART_BYTES_MAX, VALUE_BYTES_MAX] {
            let key = format!("k/{length}");
            parted.write(&one(&key, Some(text_of(length)))).unwrap();
            assert_eq!(reread(&disk).get(&key), Some(&StoredValue::Text(text_of(length))), "{length}");
        }
        let mut longest = 0;
        disk.clone().load(&mut |_, value| longest = longest.max(value.len())).unwrap();
        assert_eq!(longest, PART_BYTES_MAX);
    }

    #[test]
    fn a_shorter_value_and_a_deletion_leave_no_parts_behind() {
        let disk = MemoryEngine::new();
        let pairs = || {
            let mut count = 0;
            disk.clone().load(&mut |_, _| count += 1).unwrap();
            count
        };
        Parted::new(disk.clone()).write(&one("k/a", Some(text_of(5 * PART_BYTES_MAX)))).unwrap();
        assert_eq!(pairs(), 6);
        // A second life of the program knows the parts from reading.
        let mut second = Parted::new(disk.clone());
        second.load().unwrap();
        second.write(&one("k/a", Some(text_of(2 * PART_BYTES_MAX)))).unwrap();
        assert_eq!(pairs(), 3);
        second.write(&one("k/a", Some(text_of(10)))).unwrap();
        assert_eq!(pairs(), 1);
        second.write(&one("k/a", Some(text_of(2 * PART_BYTES_MAX)))).unwrap();
        second.write(&one("k/a", None)).unwrap();
        assert_eq!(pairs(), 0);
    }

    #[test]
    fn a_missing_part_damages_its_own_record_alone_and_can_be_overwritten() {
        let disk = MemoryEngine::new();
        let mut parted = Parted::new(disk.clone());
        for key in ["k/a", "k/b"] {
            parted.write(&one(key, Some(text_of(3 * PART_BYTES_MAX)))).unwrap();
        }
        disk.clone().apply(RawChanges::from([(part_key("k/a", 2), None)])).unwrap();
        disk.clone().apply(RawChanges::from([(part_key("k/c", 1), Some(b"x".to_vec()))])).unwrap();
        let mut second = Parted::new(disk.clone());
        let found = second.load().unwrap();
        assert_eq!(found["k/a"], StoredValue::Damaged("a part is missing or too many"));
        assert_eq!(found["k/b"], StoredValue::Text(text_of(3 * PART_BYTES_MAX)));
        assert_eq!(found["k/c"], StoredValue::Damaged("its parts have no head"));
        second.write(&one("k/a", Some("{}".into()))).unwrap();
        second.write(&one("k/c", None)).unwrap();
        let found = reread(&disk);
        assert_eq!((found.get("k/a"), found.get("k/c")), (Some(&StoredValue::Text("{}".into())), None));
    }
}
