//! Opening a state directory: first start, later starts, and the alarms.
//!
//! On a first start the order is: database with its meta record, made durable with its names; then
//! the marker file. So a marker without a meta record means that a database was lost, and not that
//! a first start was cut short.

use std::collections::BTreeMap;
use std::path::Path;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::directory::{Marker, StateDirectory, disk};
use super::engine::{Engine, EngineError};
use super::error::OpenError;
use super::kinds::RecordKind;
use super::meta::Meta;
use super::parts::{Parted, StoredValue, ValueChanges};
use super::record::{Batch, decode, full_key, version_of};
use super::secret_file::{self, SecretKey, ensure_admin_token, ensure_pseudonym_key};
use super::sled_engine::{SledEngine, damaged, quietly};

/// A state directory that passed all checks.
pub(super) struct OpenedDirectory {
    pub(super) records: BTreeMap<String, StoredValue>,
    pub(super) disk: Parted<SledEngine>,
    pub(super) meta: Meta,
    pub(super) pseudonym_key: SecretKey,
    pub(super) admin_token: SecretString,
    pub(super) directory: StateDirectory,
}

/// What the database holds, and the database.
pub(super) struct Database {
    pub(super) records: BTreeMap<String, StoredValue>,
    pub(super) disk: Parted<SledEngine>,
    pub(super) meta: Meta,
}

pub(super) fn open(path: &Path, now: DateTime<Utc>) -> Result<OpenedDirectory, OpenError> {
    open_in(StateDirectory::open(path, now)?, now)
}

pub(super) fn open_in(directory: StateDirectory, now: DateTime<Utc>) -> Result<OpenedDirectory, OpenError> {
    let Database { records, disk, meta } = open_database(&directory, now)?;
    let path = directory.path();
    let (pseudonym_key, key_is_fresh) = ensure_pseudonym_key(path)?;
    if key_is_fresh && meta.created_at != now {
        tracing::warn!(
            "the pseudonym key was missing and was made anew: patients get other ids at Healthengine from here on"
        );
    }
    let admin_token = ensure_admin_token(path)?;
    Ok(OpenedDirectory { records, disk, meta, pseudonym_key, admin_token, directory })
}

/// Opens the database of a directory; makes one at the first start, and finishes what an import
/// began.
pub(super) fn open_database(directory: &StateDirectory, now: DateTime<Utc>) -> Result<Database, OpenError> {
    super::replace::finish(directory)?;
    let path = directory.path();
    let marker = directory.marker()?;
    let vanished = |marker: Marker| OpenError::Vanished {
        path: path.to_owned(),
        marker: directory.marker_path(),
        since: marker.since,
    };
    if let Some(marker) = marker.clone().filter(|_| !directory.has_database()) {
        return Err(vanished(marker));
    }
    let mut disk = Parted::new(SledEngine::open(directory)?);
    let loaded = quietly(|| disk.load()).and_then(|loaded| loaded.map_err(|EngineError(reason)| reason));
    let mut records = loaded.map_err(|reason| damaged(path, reason))?;
    let meta = match (find_meta(&records), marker) {
        (Some(Ok(meta)), Some(marker)) if marker.instance == meta.instance => meta,
        (Some(Ok(_)), Some(_)) => {
            return Err(OpenError::MixedUp { path: path.to_owned(), marker: directory.marker_path() });
        }
        // The first start ended between database and marker, or somebody removed the marker as we
        // advised.
        (Some(Ok(meta)), None) => {
            disk.engine().sync_names()?;
            directory.mark(&Marker::new(&meta.instance, meta.created_at))?;
            meta
        }
        (Some(Err(reason)), _) => return Err(newer(path, &records).unwrap_or_else(|| damaged(path, reason))),
        (None, _) if !records.is_empty() => {
            return Err(damaged(path, "it holds records, but not the one that vetbridge begins with".to_owned()));
        }
        (None, Some(marker)) => return Err(vanished(marker)),
        (None, None) => first_start(directory, &mut disk, &mut records, now)?,
    };
    Ok(Database { records, disk, meta })
}

fn first_start(
    directory: &StateDirectory,
    disk: &mut Parted<SledEngine>,
    records: &mut BTreeMap<String, StoredValue>,
    now: DateTime<Utc>,
) -> Result<Meta, OpenError> {
    let meta = Meta::new(secret_file::fresh_id().map_err(self::disk(directory.path()))?, now);
    write_meta(disk, records, &meta)
        .map_err(|EngineError(reason)| OpenError::Disk { path: directory.path().to_owned(), reason })?;
    disk.engine().sync_names()?;
    directory.mark(&Marker::new(&meta.instance, now))?;
    Ok(meta)
}

/// Writes the first record and makes it durable.
pub(super) fn write_meta<E: Engine>(
    disk: &mut Parted<E>,
    records: &mut BTreeMap<String, StoredValue>,
    meta: &Meta,
) -> Result<(), EngineError> {
    let changes: ValueChanges = Batch::of(Meta::KEY, meta).map_err(|error| EngineError(error.to_string()))?.changes;
    disk.write(&changes)?;
    disk.sync()?;
    records.extend(changes.into_iter().filter_map(|(key, value)| Some((key, StoredValue::Text(value?)))));
    Ok(())
}

/// What to say if the store's own record is a later program's.
fn newer(path: &Path, records: &BTreeMap<String, StoredValue>) -> Option<OpenError> {
    let own = (full_key::<Meta>(Meta::KEY), records.get(&full_key::<Meta>(Meta::KEY))?.clone());
    newer_record(path, &[RecordKind::stays_behind::<Meta>()], [own])
}

/// What to say if one of these records is a later program's.
pub(super) fn newer_record(
    path: &Path,
    kinds: &[RecordKind],
    records: impl IntoIterator<Item = (String, StoredValue)>,
) -> Option<OpenError> {
    records.into_iter().find_map(|(key, stored)| {
        let kind = RecordKind::of(&key, kinds)?;
        let StoredValue::Text(text) = stored else { return None };
        let version = version_of(&text).filter(|version| *version > kind.version)?;
        Some(OpenError::Newer { path: path.to_owned(), kind: kind.name.to_owned(), version, known: kind.version })
    })
}

/// The meta record, if there is one, or why it cannot be read.
pub(super) fn find_meta(records: &BTreeMap<String, StoredValue>) -> Option<Result<Meta, String>> {
    match records.get(&full_key::<Meta>(Meta::KEY))? {
        StoredValue::Text(text) => Some(decode(text)),
        StoredValue::Damaged(reason) => Some(Err((*reason).to_owned())),
    }
}
