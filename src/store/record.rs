//! Typed records and how they are written: JSON with a version.
//!
//! A record of kind `sent-day` under key `1234567/s136/2026-12-01` stands in the database as
//! `sent-day/1234567/s136/2026-12-01` with the value `{"v":1,"data":…}`. When a record's fields
//! change, its [`Record::VERSION`] goes up, [`Record::migrate`] learns to lift the old form, and
//! samples of the new one join `fixtures/store/<kind>.v<version>.jsonl`. Those of the old one stay:
//! a test reads all of them for as long as the program lives. Records are lifted when they are read
//! and written in the present form when they next change.
//!
//! The client memory is the exception: what its records hold is encrypted, so they cannot be lifted
//! without its key, and what they say is learnt again with the next bookings. A changed form gets a
//! higher version and no `migrate`; the old records are then forgotten at the next start, with a
//! line in the log.
//!
//! A program does not run on a store with records of a later version than it knows
//! ([`super::Store::refuse_newer`]): it would leave out what it cannot read. A release that adds
//! something that an older program must not run without raises the version of [`super::Meta`].
//!
//! Keys show in logs and error texts, so nothing of a patient may be in one.

use std::sync::Arc;

use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::error::StoreError;
use super::parts::{VALUE_BYTES_MAX, ValueChanges};

/// The longest key, in bytes.
pub const KEY_BYTES_MAX: usize = 256;

/// Something the store can keep.
pub trait Record: Serialize + DeserializeOwned {
    /// What the record is called in keys: lower-case letters and hyphens, never changed. No two
    /// record types share one.
    const KIND: &'static str;
    /// The version of the form that `Serialize` writes; from 1.
    const VERSION: u32;

    /// Lifts `data` from the form of version `from` to that of `from + 1`. Called once for every
    /// step up to [`Record::VERSION`].
    ///
    /// # Errors
    /// Why it cannot be done, in words that may be logged.
    fn migrate(from: u32, data: Value) -> Result<Value, String> {
        let _ = data;
        Err(format!("nobody knows how to lift version {from}"))
    }
}

/// Changes that are made together or not at all.
#[derive(Default)]
#[must_use = "a batch does nothing before it is committed"]
pub struct Batch {
    pub(super) changes: ValueChanges,
}

impl Batch {
    /// A batch that changes nothing.
    pub fn new() -> Self {
        Self::default()
    }

    /// A batch that stores one record.
    ///
    /// # Errors
    /// As those of [`Batch::put`].
    pub fn of<R: Record>(key: &str, record: &R) -> Result<Self, StoreError> {
        let mut batch = Self::new();
        batch.put(key, record)?;
        Ok(batch)
    }

    /// Stores `record` under `key`, in place of what stood there. A record that is refused leaves
    /// the batch as it was.
    ///
    /// # Errors
    /// The key is empty, over [`KEY_BYTES_MAX`] or holds control characters; the record is no JSON
    /// or over 16 MiB.
    pub fn put<R: Record>(&mut self, key: &str, record: &R) -> Result<(), StoreError> {
        check_key(key).map_err(|problem| StoreError::BadKey { kind: R::KIND, problem })?;
        self.changes.insert(full_key::<R>(key), Some(encode(key, record)?));
        Ok(())
    }

    /// Removes what stands under `key`, if anything does.
    pub fn delete<R: Record>(&mut self, key: &str) {
        self.changes.insert(full_key::<R>(key), None);
    }

    /// Whether there is nothing to do.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }

    /// How many records are put or deleted.
    pub fn len(&self) -> usize {
        self.changes.len()
    }
}

impl std::fmt::Debug for Batch {
    /// The keys alone.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_set().entries(self.changes.keys()).finish()
    }
}

/// The key under which a record stands in the database.
pub(super) fn full_key<R: Record>(key: &str) -> String {
    format!("{}/{key}", R::KIND)
}

/// Reads a record as the database has it, `{"v":1,"data":…}`, lifting older forms.
///
/// # Errors
/// Why it cannot be read; no value of the record is repeated in it.
pub fn decode<R: Record>(text: &str) -> Result<R, String> {
    #[derive(Deserialize)]
    struct Version {
        v: u32,
    }
    #[derive(Deserialize)]
    struct DataAlone<T> {
        data: T,
    }

    // As it is written: then one look at it is enough. Whatever is wrong is found out below.
    let data = data_of(text, R::VERSION).map(serde_json::from_str);
    if let Some(Ok(data)) = data {
        return Ok(data);
    }
    let Version { v } = serde_json::from_str(text).map_err(|error| what_is_wrong(&error))?;
    if v == R::VERSION {
        let DataAlone { data } = serde_json::from_str(text).map_err(|error| what_is_wrong(&error))?;
        return Ok(data);
    }
    if v == 0 || v > R::VERSION {
        return Err(format!(
            "it has version {v}, and this program knows {} at most; is it an older program?",
            R::VERSION
        ));
    }
    let DataAlone::<Value> { mut data } = serde_json::from_str(text).map_err(|error| what_is_wrong(&error))?;
    for from in v..R::VERSION {
        data = R::migrate(from, data)?;
    }
    serde_json::from_value(data).map_err(|error| what_is_wrong(&error))
}

/// The data of a record of this version, if it stands there as [`encode`] writes it.
fn data_of(text: &str, version: u32) -> Option<&str> {
    // No more is looked at than is needed: a start reads tens of thousands of records.
    let rest = text.strip_prefix("{\"v\":")?;
    let (digits, data) = rest.split_at(rest.bytes().position(|byte| !byte.is_ascii_digit())?);
    let is_version = !digits.starts_with('0') && digits.parse() == Ok(version);
    data.strip_prefix(",\"data\":")?.strip_suffix('}').filter(|_| is_version)
}

/// The version that a record says it has, as [`encode`] writes it: at its beginning.
pub(super) fn version_of(text: &[u8]) -> Option<u32> {
    let digits = text.strip_prefix(b"{\"v\":")?.split(|byte| !byte.is_ascii_digit()).next()?;
    str::from_utf8(digits).ok()?.parse().ok()
}

pub(super) fn encode<R: Record>(key: &str, record: &R) -> Result<Arc<str>, StoreError> {
    #[derive(Serialize)]
    struct VersionedData<'a, T> {
        v: u32,
        data: &'a T,
    }

    let text = serde_json::to_string(&VersionedData { v: R::VERSION, data: record })
        .map_err(|_| StoreError::NoJson { key: full_key::<R>(key) })?;
    if text.len() > VALUE_BYTES_MAX {
        return Err(StoreError::TooLarge { key: full_key::<R>(key), bytes: text.len() });
    }
    Ok(text.into())
}

pub(super) fn check_key(key: &str) -> Result<(), &'static str> {
    if key.is_empty() {
        Err("it is empty")
    } else if key.len() > KEY_BYTES_MAX {
        Err("it is too long")
    } else if key.chars().any(char::is_control) {
        Err("it holds a control character")
    } else {
        Ok(())
    }
}

/// serde's own sentence can repeat a value, so only the place and the sort of mistake are told.
fn what_is_wrong(error: &serde_json::Error) -> String {
    let what = match error.classify() {
        serde_json::error::Category::Data => "a field is missing or has another type",
        serde_json::error::Category::Eof => "it is cut off",
        serde_json::error::Category::Syntax | serde_json::error::Category::Io => "it is no JSON",
    };
    if error.column() == 0 { what.to_owned() } else { format!("{what}, at column {}", error.column()) }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A record in its third form: `{"name"}`, then `{"names"}`, then `{"names","colour"}`.
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Sample {
        names: Vec<String>,
        colour: String,
    }

    impl Record for Sample {
        const KIND: &'static str = "sample";
        const VERSION: u32 = 3;

        fn migrate(from: u32, mut data: Value) -> Result<Value, String> {
            match from {
                1 => Ok(serde_json::json!({ "names": [data["name"].take()] })),
                2 => {
                    data["colour"] = "none".into();
                    Ok(data)
                }
                _ => Err(format!("version {from} never was")),
            }
        }
    }

    #[test]
    fn every_older_form_is_lifted_to_the_present_one() {
        let lifted = |text| decode::<Sample>(text).unwrap();
        let expected = Sample { names: vec!["a".into()], colour: "none".into() };
        assert_eq!(lifted(include_str!("../../fixtures/store/sample.v1.jsonl")), expected);
        assert_eq!(lifted(r#"{"v":2,"data":{"names":["a"]}}"#), expected);
        assert_eq!(lifted(r#"{"v":3,"data":{"names":["a"],"colour":"none"}}"#), expected);
        let written = encode("k", &expected).unwrap();
        assert_eq!(&*written, r#"{"v":3,"data":{"names":["a"],"colour":"none"}}"#);
    }

    #[test]
    fn what_cannot_be_read_is_explained_without_its_content() {
        let why = |text| decode::<Sample>(text).unwrap_err();
        for text in [
            r#"{"v":3,"data":{"names":"Secret","colour":"x"}}"#,
            r#"{"v":1,"data":{"Secret":7}}"#,
            r#"{"v":3,"data":{"names":["Secret"#,
            r#"Secret"#,
            r#"{"v":"Secret"}"#,
        ] {
            assert!(!why(text).contains("Secret"), "{}", why(text));
        }
        assert_eq!(
            why(r#"{"v":4,"data":1}"#),
            "it has version 4, and this program knows 3 at most; is it an older program?"
        );
        assert!(why(r#"{"v":0,"data":1}"#).starts_with("it has version 0"));
    }

    #[test]
    fn a_key_is_short_visible_text() {
        let sample = Sample { names: vec![], colour: String::new() };
        assert!(Batch::new().put("1234567/s136/2026-12-01", &sample).is_ok());
        for key in ["", "a\0b", "a\nb", &"x".repeat(KEY_BYTES_MAX + 1)] {
            assert!(
                matches!(Batch::new().put(key, &sample), Err(StoreError::BadKey { kind: "sample", .. })),
                "{key:?}"
            );
        }
    }

    #[test]
    fn a_record_over_sixteen_mebibytes_is_refused() {
        let sample = Sample { names: vec!["x".repeat(VALUE_BYTES_MAX)], colour: String::new() };
        let error = Batch::new().put("k", &sample).unwrap_err();
        assert!(matches!(&error, StoreError::TooLarge { key, .. } if key == "sample/k"), "{error}");
    }

    #[test]
    fn a_record_that_is_refused_leaves_the_others_of_its_batch_in_it() {
        let sample = |name: String| Sample { names: vec![name], colour: String::new() };
        let mut batch = Batch::of("a", &sample("x".into())).unwrap();
        batch.put("", &sample("x".into())).unwrap_err();
        batch.put("k", &sample("x".repeat(VALUE_BYTES_MAX))).unwrap_err();
        assert_eq!(format!("{batch:?}"), r#"{"sample/a"}"#);
    }

    #[test]
    fn debug_output_of_a_batch_shows_keys_alone() {
        let sample = Sample { names: vec!["Secret".into()], colour: String::new() };
        let mut batch = Batch::of("k", &sample).unwrap();
        batch.delete::<Sample>("l");
        assert_eq!(format!("{batch:?}"), r#"{"sample/k", "sample/l"}"#);
    }
}
