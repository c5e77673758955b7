//! Opening a state directory: first start, later starts, and the alarms.
//!
//! On a first start the order is: database with its meta record, made durable with its names; then
//! the marker file. So a marker without a meta record means that a database was lost, and not that
//! a first start was cut short.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use secrecy::SecretString;

use super::directory::{Marker, StateDirectory, disk};
use super::engine::EngineError;
use super::error::OpenError;
use super::first_reading::{FirstReading, read_all};
use super::kinds::RecordKind;
use super::meta::Meta;
use super::parts::Parted;
use super::record::version_of;
use super::secret_file::{self, SecretKey, ensure_admin_token, ensure_pseudonym_key};
use super::sled_engine::{SledEngine, damaged, quietly};

/// A state directory that passed all checks.
pub(super) struct OpenedDirectory {
    pub(super) disk: Arc<Parted<SledEngine>>,
    pub(super) versions: KindVersions,
    pub(super) meta: Meta,
    pub(super) pseudonym_key: SecretKey,
    pub(super) admin_token: SecretString,
    pub(super) directory: StateDirectory,
}

/// A database that can be read from its first record to its last.
pub(super) struct Database {
    pub(super) disk: Arc<Parted<SledEngine>>,
    pub(super) versions: KindVersions,
    pub(super) meta: Meta,
}

/// The latest version among the records of each kind, as they say at their beginning.
#[derive(Debug, Default)]
pub(super) struct KindVersions(BTreeMap<String, u32>);

impl KindVersions {
    /// Notes a raw value that begins a record's text.
    fn note(&mut self, key: &[u8], value: &[u8]) {
        let kind = key.split(|byte| *byte == b'/').next().unwrap_or_default();
        let kind = str::from_utf8(kind).unwrap_or_default();
        let version = version_of(value).unwrap_or_default();
        match self.0.get_mut(kind) {
            Some(latest) => *latest = version.max(*latest),
            None => drop(self.0.insert(kind.to_owned(), version)),
        }
    }

    fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What to say if records of one of these kinds are a later program's.
    pub(super) fn newer(&self, path: &Path, kinds: &[RecordKind]) -> Option<OpenError> {
        kinds.iter().find_map(|kind| {
            let version = *self.0.get(kind.name).filter(|version| **version > kind.version)?;
            Some(OpenError::Newer { path: path.to_owned(), kind: kind.name.to_owned(), version, known: kind.version })
        })
    }
}

/// `begin` begins what is made of the records.
pub(super) fn open_reading<F: FirstReading>(
    path: &Path,
    now: DateTime<Utc>,
    begin: &dyn Fn() -> F,
) -> Result<(OpenedDirectory, F), OpenError> {
    open_in(StateDirectory::open(path, now)?, now, begin)
}

/// The same in a directory that this process has already.
pub(super) fn open_in<F: FirstReading>(
    directory: StateDirectory,
    now: DateTime<Utc>,
    begin: &dyn Fn() -> F,
) -> Result<(OpenedDirectory, F), OpenError> {
    let (Database { disk, versions, meta }, made) = open_database(&directory, now, begin)?;
    let path = directory.path();
    let (pseudonym_key, key_is_fresh) = ensure_pseudonym_key(path)?;
    if key_is_fresh && meta.created_at != now {
        tracing::warn!(
            "the pseudonym key was missing and was made anew: patients get other ids at Healthengine from here on"
        );
    }
    let admin_token = ensure_admin_token(path)?;
    Ok((OpenedDirectory { disk, versions, meta, pseudonym_key, admin_token, directory }, made))
}

/// Opens the database of a directory; makes one at the first start, and finishes what an import
/// began. All of it is read, so that damage anywhere shows at once.
pub(super) fn open_database<F: FirstReading>(
    directory: &StateDirectory,
    now: DateTime<Utc>,
    begin: &dyn Fn() -> F,
) -> Result<(Database, F), OpenError> {
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
    let disk = Parted::new(SledEngine::open(directory)?);
    let mut versions = KindVersions::default();
    let made = begin();
    let read = read_all(&disk, &mut |key, value| versions.note(key, value), &made);
    let meta = || quietly(|| Meta::find_in(&disk))?.map_err(|EngineError(reason)| reason);
    let found = read.and_then(|()| meta()).map_err(|reason| damaged(path, reason))?;
    let meta = match (found, marker) {
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
        (Some(Err(reason)), _) => {
            let newer = versions.newer(path, &[RecordKind::stays_behind::<Meta>()]);
            return Err(newer.unwrap_or_else(|| damaged(path, reason)));
        }
        (None, _) if !versions.is_empty() => {
            return Err(damaged(path, "it holds records, but not the one that vetbridge begins with".to_owned()));
        }
        (None, Some(marker)) => return Err(vanished(marker)),
        (None, None) => first_start(directory, &disk, now)?,
    };
    Ok((Database { disk: Arc::new(disk), versions, meta }, made))
}

fn first_start(directory: &StateDirectory, disk: &Parted<SledEngine>, now: DateTime<Utc>) -> Result<Meta, OpenError> {
    let meta = Meta::new(secret_file::fresh_id().map_err(self::disk(directory.path()))?, now);
    meta.write_to(disk).map_err(|EngineError(reason)| OpenError::Disk { path: directory.path().to_owned(), reason })?;
    disk.engine().sync_names()?;
    directory.mark(&Marker::new(&meta.instance, now))?;
    Ok(meta)
}
