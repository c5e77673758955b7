//! One content of a state directory takes the place of another: an import, or what could be saved
//! of a damaged database.
//!
//! The content is first written as a file of its own, `incoming.jsonl`, in the form of an export:
//! whole and durable, or not there. From then on it *is* the content of the directory. Whoever
//! opens the directory next (as a rule the same process, at once) finishes the work: sets the
//! former files aside under another name, fills an empty database, and removes the file. Each step
//! can be broken off and done again; nothing of what was there is ever deleted.

use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::directory::{self, Marker, StateDirectory, disk, open_to_read, write_file, write_file_by};
use super::engine::{Engine, EngineError};
use super::error::{BadExport, OpenError};
use super::export::{ExportHead, ExportReader, ExportWriter};
use super::file_names::{DAMAGED, INCOMING, REPLACED};
use super::meta::Meta;
use super::parts::{Parted, ValueChanges};
use super::record::full_key;
use super::secret_file::{self, PSEUDONYM_KEY, SecretKey};
use super::sled_engine::SledEngine;
use crate::os::files;

/// So many records are written at one go.
const GROUP: usize = 500;

/// Writes what is to be the content of the directory from here on.
pub(super) fn announce(
    directory: &StateDirectory,
    head: &ExportHead,
    key: &SecretKey,
    records: impl Iterator<Item = (String, Arc<str>)>,
) -> Result<(), OpenError> {
    let path = directory.path().join(INCOMING);
    let written = write_file_by(&path, |file| {
        let mut export = ExportWriter::begin(file, head, key)?;
        let mut records = records;
        records.try_for_each(|(key, text)| export.record(&key, &text))?;
        export.end().map(drop)
    });
    written.map_err(disk(&path))
}

/// The same store under another name: two directories that went separate ways are two instances.
pub(super) fn reborn(meta: &Meta, path: &Path) -> Result<Meta, OpenError> {
    Ok(Meta { instance: secret_file::fresh_id().map_err(disk(path))?, ..meta.clone() })
}

/// Makes the announced content that of the directory. `None`: there is none, or nothing stood in
/// its place; else where that is.
pub(super) fn finish(directory: &StateDirectory) -> Result<Option<PathBuf>, OpenError> {
    let incoming = directory.path().join(INCOMING);
    let file = match open_to_read(&incoming) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(&incoming)(error)),
    };
    let bad = |error: BadExport| OpenError::Incoming { path: incoming.clone(), reason: error.to_string() };
    // All of it is read before anything is changed.
    let (head, key) = own_records(file, |_, _| Ok(())).map_err(bad)?;
    let aside = set_aside(directory, &head)?;
    fill(directory, &head.meta, open_to_read(&incoming).map_err(disk(&incoming))?, bad)?;
    secret_file::put_pseudonym_key(directory.path(), &key)?;
    directory.mark(&Marker::new(&head.meta.instance, head.meta.created_at))?;
    let removed = fs::remove_file(&incoming).and_then(|()| directory::sync_directory_of(&incoming));
    removed.map_err(disk(&incoming)).map(|()| aside)
}

/// Reads what this program wrote itself, from its first record to its last.
fn own_records<E>(
    file: File,
    mut take: impl FnMut(String, Arc<str>) -> Result<(), E>,
) -> Result<(ExportHead, SecretKey), E>
where
    E: From<BadExport>,
{
    let (mut reader, head, key) = ExportReader::begin(file)?;
    while let Some((key, text)) = reader.next(|_, _| Ok(()))? {
        take(key, text)?;
    }
    Ok((head, key))
}

/// The name says why and when; the instance tells two of one second apart.
fn aside_name(head: &ExportHead) -> String {
    let why = if head.meta.restored_at == Some(head.exported_at) { DAMAGED } else { REPLACED };
    let instance: String = head.meta.instance.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{why}{}-{instance}", head.exported_at.format("%Y-%m-%dT%H%M%SZ"))
}

/// The directories of former databases whose names begin so; the latest last.
pub(super) fn set_aside_as(state: &Path, why: &str) -> Vec<PathBuf> {
    let Ok(entries) = fs::read_dir(state) else { return Vec::new() };
    let wanted = |entry: &fs::DirEntry| entry.file_name().to_string_lossy().starts_with(why);
    let mut found: Vec<PathBuf> = entries.filter_map(Result::ok).filter(wanted).map(|entry| entry.path()).collect();
    found.sort();
    found
}

/// Moves what belongs to the former database into a directory beside it. The database itself goes
/// last: once it is there, what else stands in its place was begun by this very work, and is begun
/// anew.
fn set_aside(directory: &StateDirectory, head: &ExportHead) -> Result<Option<PathBuf>, OpenError> {
    let path = directory.path();
    let aside = path.join(aside_name(head));
    let own = directory.database_files().map_err(disk(path))?;
    if aside.join("db").exists() {
        own.iter().try_for_each(|name| remove(&path.join(name))).map_err(disk(path))?;
        return Ok(Some(aside));
    }
    if own.is_empty() && !aside.exists() {
        return Ok(None);
    }
    let moved = || -> io::Result<()> {
        fs::create_dir(&aside)
            .or_else(|error| if error.kind() == ErrorKind::AlreadyExists { Ok(()) } else { Err(error) })?;
        let key = path.join(PSEUDONYM_KEY);
        if key.exists() && !aside.join(PSEUDONYM_KEY).exists() {
            // A copy, so that the directory is never without one.
            write_file(&aside.join(PSEUDONYM_KEY), &fs::read(&key)?)?;
        }
        let (last, first): (Vec<_>, Vec<_>) = own.iter().partition(|name| *name == "db");
        for name in first.into_iter().chain(last) {
            fs::rename(path.join(name), aside.join(name))?;
        }
        files::sync_directory(&aside)?;
        directory::sync_directory_of(&aside)
    };
    moved().map_err(disk(&aside)).map(|()| Some(aside))
}

fn remove(path: &Path) -> io::Result<()> {
    if path.is_dir() { fs::remove_dir_all(path) } else { fs::remove_file(path) }
}

/// Fills an empty database. The store's own record comes last: a database without it is not
/// finished.
fn fill(
    directory: &StateDirectory,
    meta: &Meta,
    incoming: File,
    bad: impl Fn(BadExport) -> OpenError,
) -> Result<(), OpenError> {
    let refused = |EngineError(reason)| OpenError::Disk { path: directory.path().to_owned(), reason };
    let mut filler = Filler::new(Parted::new(SledEngine::open(directory)?));
    own_records(incoming, |key, text| filler.put(key, text).map_err(FillError::Refused)).map_err(
        |error| match error {
            FillError::Refused(error) => refused(error),
            FillError::Bad(error) => bad(error),
        },
    )?;
    filler.end(meta).map_err(refused)?.engine().sync_names()
}

/// Why a database was not filled.
enum FillError {
    Refused(EngineError),
    Bad(BadExport),
}

impl From<BadExport> for FillError {
    fn from(error: BadExport) -> Self {
        Self::Bad(error)
    }
}

/// Writes records and the store's own data into an empty database, and makes them durable.
pub(super) struct Filler<E> {
    database: Parted<E>,
    group: ValueChanges,
}

impl<E: Engine> Filler<E> {
    pub(super) fn new(database: Parted<E>) -> Self {
        Self { database, group: ValueChanges::new() }
    }

    pub(super) fn put(&mut self, key: String, text: Arc<str>) -> Result<(), EngineError> {
        if key != full_key::<Meta>(Meta::KEY) {
            self.group.insert(key, Some(text));
        }
        if self.group.len() >= GROUP { self.write() } else { Ok(()) }
    }

    pub(super) fn end(mut self, meta: &Meta) -> Result<Parted<E>, EngineError> {
        self.write()?;
        meta.write_to(&self.database)?;
        Ok(self.database)
    }

    fn write(&mut self) -> Result<(), EngineError> {
        self.database.write(&std::mem::take(&mut self.group))
    }
}
