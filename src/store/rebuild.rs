//! A database that cannot be opened is set aside under another name, and the bridge goes on with
//! what can still be read of it.
//!
//! What is read may be older than what was lost: that is as if a backup had been restored, and safe
//! in the same way (see [`Meta::complete_since`]). The files themselves stay in the directory
//! `damaged-…` until a person takes them away; until then every start says so. The key
//! of pseudonyms is a file of its own and outlives the database.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use chrono::{DateTime, Utc};

use super::directory::{StateDirectory, disk, write_file};
use super::error::OpenError;
use super::export::ExportHead;
use super::file_names::SALVAGE;
use super::meta::Meta;
use super::opening;
use super::parts::{Parted, StoredValue};
use super::record::full_key;
use super::record_reader::RecordReader;
use super::replace::{announce, finish, reborn};
use super::secret_file;
use super::sled_engine::SledEngine;
use super::unreadable::Unreadable;
use super::walk::StoredWalk;
use super::writer::WriteQueue;
use crate::messages::state_directory as say;

/// Says in the directory what it is and what was lost.
const REPORT: &str = "READ-ME.txt";

/// What became of a damaged database.
#[derive(Debug)]
pub(super) struct Rebuilt {
    /// Where it is.
    pub(super) aside: Option<PathBuf>,
    /// How many records were taken over.
    pub(super) taken: usize,
    /// Records of which only a part was found.
    pub(super) lost: Vec<Unreadable>,
}

/// True if the database is damaged or gone, and it is known to have been one of ours.
pub(super) fn can_mend(path: &Path, why: &OpenError) -> bool {
    match why {
        OpenError::Vanished { .. } => true,
        // Without the marker it may be somebody else's.
        OpenError::Damaged { .. } => path.join(super::directory::MARKER).exists(),
        OpenError::NoParent { .. }
        | OpenError::ParentIsFile { .. }
        | OpenError::NoPlace { .. }
        | OpenError::NotADirectory { .. }
        | OpenError::OtherOwner { .. }
        | OpenError::ForeignFiles { .. }
        | OpenError::InUse { .. }
        | OpenError::Disk { .. }
        | OpenError::Denied { .. }
        | OpenError::MixedUp { .. }
        | OpenError::Newer { .. }
        | OpenError::SecretFile { .. }
        | OpenError::Occupied { .. }
        | OpenError::Incoming { .. } => false,
    }
}

/// Sets the database aside and puts what can be read of it in its place.
pub(super) fn rebuild(path: &Path, why: &OpenError, now: DateTime<Utc>) -> Result<Rebuilt, OpenError> {
    let directory = StateDirectory::open(path, now)?;
    let key = match secret_file::pseudonym_key(directory.path())? {
        Some(key) => key,
        None => secret_file::fresh_key().map_err(disk(path))?,
    };
    let salvaged = salvage(&directory)?;
    let own = full_key::<Meta>(Meta::KEY);
    let former = records(salvaged.as_ref()).find(|(key, _)| *key == own).and_then(|(_, stored)| match stored {
        StoredValue::Text(text) => super::record::decode::<Meta>(&text).ok(),
        StoredValue::Damaged(_) => None,
    });
    let former = former.unwrap_or_else(|| Meta::new(String::new(), now));
    let meta = Meta { restored_at: Some(now), ..reborn(&former, directory.path())? };
    let (mut taken, mut lost) = (0, Vec::new());
    let readable = records(salvaged.as_ref()).filter_map(|(key, stored)| match stored {
        StoredValue::Text(text) => {
            taken += usize::from(key != own);
            Some((key, text))
        }
        StoredValue::Damaged(reason) => {
            lost.push(Unreadable { key, reason: reason.to_owned() });
            None
        }
    });
    // Nothing was changed so far; a disk without room for this leaves everything as it is.
    announce(&directory, &ExportHead { exported_at: now, meta }, &key, readable)?;
    drop(salvaged);
    remove_scratch(&directory.path().join(SALVAGE))?;
    let rebuilt = Rebuilt { aside: finish(&directory)?, taken, lost };
    if let Some(aside) = &rebuilt.aside {
        let report = say::damaged_report(&why.to_string(), rebuilt.taken, &rebuilt.lost, now);
        // What it says is logged too.
        let _ = write_file(&aside.join(REPORT), report.as_bytes());
    }
    opening::open_in(directory, now, &|| ()).map(|_| rebuilt)
}

/// What can be read of a database: in a copy, because reading changes it. `None`: nothing.
///
/// Two copies are tried: without sled's file of page positions, which it can work out again, and
/// with it. More of one database is better than less.
fn salvage(directory: &StateDirectory) -> Result<Option<RecordReader>, OpenError> {
    let scratch = directory.path().join(SALVAGE);
    let copy = |with_snapshots| {
        remove_scratch(&scratch)?;
        copy_database(directory, &scratch, with_snapshots)?;
        let database = SledEngine::open_at(&scratch).ok().map(|engine| Arc::new(Parted::new(engine)));
        Ok(database.map(|database| RecordReader::new(Arc::new(WriteQueue::new()), database)))
    };
    let readable = |reader: Option<RecordReader>| {
        let is_whole = |(_, stored): &(String, StoredValue)| matches!(stored, StoredValue::Text(_));
        records(reader.as_ref()).filter(is_whole).count()
    };
    let (without, with) = (readable(copy(false)?), readable(copy(true)?));
    copy(without < with)
}

/// As many records as come before the first that stops the database library.
fn records(reader: Option<&RecordReader>) -> impl Iterator<Item = (String, StoredValue)> {
    reader.into_iter().flat_map(|reader| StoredWalk::new(reader, String::new()).map_while(Result::ok))
}

fn remove_scratch(scratch: &Path) -> Result<(), OpenError> {
    if scratch.exists() { fs::remove_dir_all(scratch).map_err(disk(scratch)) } else { Ok(()) }
}

fn copy_database(directory: &StateDirectory, to: &Path, with_snapshots: bool) -> Result<(), OpenError> {
    let copy = || {
        fs::create_dir(to)?;
        for name in directory.database_files()? {
            let from = directory.path().join(&name);
            if from.is_file() && (with_snapshots || !name.starts_with("snap.")) {
                fs::copy(from, to.join(&name))?;
            }
        }
        Ok(())
    };
    copy().map_err(disk(to))
}
