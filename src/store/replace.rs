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

use super::directory::{self, Marker, StateDirectory, disk, write_file};
use super::engine::{Engine, EngineError};
use super::error::OpenError;
use super::export::Export;
use super::file_names::{DAMAGED, INCOMING, REPLACED};
use super::meta::Meta;
use super::parts::{Parted, ValueChanges};
use super::record::{Batch, full_key};
use super::secret_file::{self, PSEUDONYM_KEY, SecretKey};
use super::sled_engine::SledEngine;
use crate::os::files;

/// So many records are written at one go.
const GROUP: usize = 500;

/// Writes what is to be the content of the directory from here on.
pub(super) fn announce(directory: &StateDirectory, export: &Export, key: &SecretKey) -> Result<(), OpenError> {
    let path = directory.path().join(INCOMING);
    let text = export.to_text(key).map_err(|error| disk(&path)(error.into()))?;
    write_file(&path, text.as_bytes()).map_err(disk(&path))
}

/// The same store under another name: two directories that went separate ways are two instances.
pub(super) fn reborn(meta: &Meta, path: &Path) -> Result<Meta, OpenError> {
    Ok(Meta { instance: secret_file::fresh_id().map_err(disk(path))?, ..meta.clone() })
}

/// Makes the announced content that of the directory. `None`: there is none, or nothing stood in
/// its place; else where that is.
pub(super) fn finish(directory: &StateDirectory) -> Result<Option<PathBuf>, OpenError> {
    let incoming = directory.path().join(INCOMING);
    let file = match File::open(&incoming) {
        Ok(file) => file,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(disk(&incoming)(error)),
    };
    let (export, key) = Export::read_own(file)
        .map_err(|error| OpenError::Incoming { path: incoming.clone(), reason: error.to_string() })?;
    let aside = set_aside(directory, &export)?;
    fill(directory, &export)?;
    secret_file::put_pseudonym_key(directory.path(), &key)?;
    directory.mark(&Marker::new(&export.meta.instance, export.meta.created_at))?;
    let removed = fs::remove_file(&incoming).and_then(|()| directory::sync_directory_of(&incoming));
    removed.map_err(disk(&incoming)).map(|()| aside)
}

/// The name says why and when; the instance tells two of one second apart.
fn aside_name(export: &Export) -> String {
    let why = if export.meta.restored_at == Some(export.exported_at) { DAMAGED } else { REPLACED };
    let instance: String = export.meta.instance.chars().filter(char::is_ascii_alphanumeric).take(8).collect();
    format!("{why}{}-{instance}", export.exported_at.format("%Y-%m-%dT%H%M%SZ"))
}

/// Moves what belongs to the former database into a directory beside it. The database itself goes
/// last: once it is there, what else stands in its place was begun by this very work, and is begun
/// anew.
fn set_aside(directory: &StateDirectory, export: &Export) -> Result<Option<PathBuf>, OpenError> {
    let path = directory.path();
    let aside = path.join(aside_name(export));
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
fn fill(directory: &StateDirectory, export: &Export) -> Result<(), OpenError> {
    let refused = |EngineError(reason)| OpenError::Disk { path: directory.path().to_owned(), reason };
    let mut database = Parted::new(SledEngine::open(directory)?);
    write_all(&mut database, export).map_err(refused)?;
    database.engine().sync_names()
}

/// Writes records and the store's own data into an empty database, and makes them durable.
pub(super) fn write_all<E: Engine>(database: &mut Parted<E>, export: &Export) -> Result<(), EngineError> {
    let own = full_key::<Meta>(Meta::KEY);
    let records: Vec<_> = export.records.iter().filter(|(key, _)| **key != own).collect();
    for group in records.chunks(GROUP) {
        let changes: ValueChanges = group.iter().map(|(key, text)| ((*key).clone(), Some((*text).clone()))).collect();
        database.write(&changes)?;
    }
    let meta = Batch::of(Meta::KEY, &export.meta).map_err(|error| EngineError(error.to_string()))?;
    database.write(&meta.changes)?;
    database.sync()
}
