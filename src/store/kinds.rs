//! The kinds of records that the program keeps, so that all of a database can be judged and moved
//! without knowing each type.
//!
//! Whoever adds a [`Record`] names its kind in the list that export, import and verify are given
//! (see `crate::practice::KINDS`), and decides there whether it travels. A kind that is in no list
//! never leaves the directory.

use super::record::{Record, decode, encode};

/// What becomes of the records of a kind when the state moves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Travel {
    /// They are exported.
    Exported,
    /// They are of use where they were made alone, or nobody else's business.
    StaysBehind,
}

/// A kind of records.
#[derive(Debug, Clone, Copy)]
pub struct RecordKind {
    /// [`Record::KIND`].
    pub name: &'static str,
    /// [`Record::VERSION`].
    pub version: u32,
    /// Whether it is exported.
    pub travel: Travel,
    reread: fn(&str) -> Result<String, String>,
}

impl RecordKind {
    /// A kind that is exported.
    pub const fn exported<R: Record>() -> Self {
        Self { name: R::KIND, version: R::VERSION, travel: Travel::Exported, reread: reread::<R> }
    }

    /// A kind that stays behind.
    pub const fn stays_behind<R: Record>() -> Self {
        Self { name: R::KIND, version: R::VERSION, travel: Travel::StaysBehind, reread: reread::<R> }
    }

    /// Reads a record of this kind, as [`decode`] does, and writes it in the present form.
    ///
    /// # Errors
    /// Why it cannot be read, without anything of its content.
    pub fn reread(&self, text: &str) -> Result<String, String> {
        (self.reread)(text)
    }

    /// The kind of the record with this whole key, if it is among these.
    pub(super) fn of<'a>(key: &str, kinds: &'a [Self]) -> Option<&'a Self> {
        let name = key.split('/').next().unwrap_or_default();
        kinds.iter().find(|kind| kind.name == name)
    }
}

fn reread<R: Record>(text: &str) -> Result<String, String> {
    let record: R = decode(text)?;
    encode("", &record).map(|text| text.to_string()).map_err(|error| error.to_string())
}
