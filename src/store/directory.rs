//! The state directory: made, checked, locked and marked before a database is opened in it.
//!
//! | file | is |
//! | --- | --- |
//! | `db`, `conf`, `blobs/`, `snap.*` | the database |
//! | `lock` | locked while a vetbridge runs on the directory; names its process |
//! | `lock-holder` | on Windows only, where nobody can read a locked file: names the process |
//! | `initialised` | says that a database was in use here, and whose, so that an empty one is an alarm |
//! | `pseudonym-key` | see [`super::secret_file`] |
//! | `client-memory-key` | see [`crate::practice::client_memory`] |
//! | `admin-token` | see [`super::secret_file`] |
//! | `secrets-in-force` | what tells the service's secrets from others ([`crate::config::secrets_in_force`]) |
//! | `rehearsal-leftovers.json`, `rehearsal-lock` | see [`super::rehearsal_files`] |
//! | `incoming.jsonl`, `replaced-…`, `damaged-…` | see [`super::replace`] |
//! | `salvage` | see [`super::rebuild`] |
//!
//! sled locks its own file too, but only after start-up repairs that would disturb a running
//! process (see [`super::sled_engine`]), and without saying who holds it. Hence the lock of our
//! own, taken before anything is touched.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind, Read, Seek, Write};
use std::path::{Path, PathBuf};

use chrono::{DateTime, SecondsFormat, Utc};
use secrecy::zeroize::Zeroizing;

use super::error::OpenError;
use super::file_names::{DAMAGED, IN_FORCE, INCOMING, REHEARSAL_LEFTOVERS, REHEARSAL_LOCK, REPLACED, SALVAGE};
use crate::os::files;
use crate::os::held_lock::HeldLock;

const LOCK: &str = "lock";
pub(super) const MARKER: &str = "initialised";
const PROBE: &str = "probe";
const PROBE_TRIES: usize = 10;
/// Only this much of a lock or marker file is read.
const SMALL_FILE_BYTES_MAX: u64 = 512;

/// A state directory that is ours: it exists, is writable, belongs to us, and no other process has
/// it.
#[derive(Debug)]
pub(super) struct StateDirectory {
    path: PathBuf,
    _lock: HeldLock,
}

impl StateDirectory {
    /// Makes the directory (mode 0700) if only it is missing, checks that it is one of ours, and
    /// locks it.
    pub(super) fn open(path: &Path, now: DateTime<Utc>) -> Result<Self, OpenError> {
        make(path)?;
        let path = files::whole_path(path).map_err(disk(path))?;
        refuse_foreign_files(&path)?;
        refuse_other_owner(&path)?;
        let lock = lock(&path, now)?;
        files::keep_directory_private(&path).map_err(disk(&path))?;
        Ok(Self { path, _lock: lock })
    }

    /// Whether [`StateDirectory::open`] would succeed, without making or changing anything that
    /// stays. `false`: there is no directory yet, and it can be made.
    pub(super) fn inspect(path: &Path) -> Result<bool, OpenError> {
        match fs::metadata(path) {
            Ok(found) if found.is_dir() => {}
            Ok(_) => return Err(OpenError::NotADirectory { path: path.to_owned() }),
            Err(error) if error.kind() == ErrorKind::NotFound && parent(path).is_dir() => return Ok(false),
            Err(error) if matches!(error.kind(), ErrorKind::NotFound | ErrorKind::NotADirectory) => {
                return Err(cannot_be_in_parent(path));
            }
            Err(error) => return Err(disk(path)(error)),
        }
        let path = files::whole_path(path).map_err(disk(path))?;
        refuse_foreign_files(&path)?;
        let lock = match open_to_read(&path.join(LOCK)) {
            Ok(lock) => Some(lock),
            Err(error) if error.kind() == ErrorKind::NotFound => None,
            Err(error) => return Err(disk(&path.join(LOCK))(error)),
        };
        lock.map_or(Ok(()), |lock| take(&path, lock).map(drop))?;
        refuse_other_owner(&path)?;
        Ok(true)
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    pub(super) fn marker_path(&self) -> PathBuf {
        self.path.join(MARKER)
    }

    /// Whether there is a database file with something in it. Asked before the database library
    /// makes an empty one.
    pub(super) fn has_database(&self) -> bool {
        fs::metadata(self.path.join("db")).is_ok_and(|file| file.len() > 0)
    }

    /// The names of the database's files that are there, the marker among them: what makes a
    /// content of the directory.
    pub(super) fn database_files(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in fs::read_dir(&self.path)? {
            let name = entry?.file_name().to_string_lossy().into_owned();
            if is_of_database(&name) || name == MARKER {
                names.push(name);
            }
        }
        names.sort();
        Ok(names)
    }

    /// What the marker file says, if there is one.
    pub(super) fn marker(&self) -> Result<Option<Marker>, OpenError> {
        let path = self.marker_path();
        match read_small(&path) {
            Ok(text) => Ok(Some(Marker::parse(&text))),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(disk(&path)(error)),
        }
    }

    /// Says for all future that a database is in use here.
    pub(super) fn mark(&self, marker: &Marker) -> Result<(), OpenError> {
        write_file(&self.marker_path(), marker.to_text().as_bytes()).map_err(disk(&self.marker_path()))
    }
}

/// What the marker file says. An unreadable one still says that a database was in use.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Marker {
    /// Which instance's.
    pub(super) instance: String,
    /// Since when, for people to read.
    pub(super) since: String,
}

impl Marker {
    pub(super) fn new(instance: &str, since: DateTime<Utc>) -> Self {
        Self { instance: instance.to_owned(), since: seconds(since) }
    }

    fn to_text(&self) -> String {
        format!("instance {}\nsince {}\n", self.instance, self.since)
    }

    fn parse(text: &str) -> Self {
        let line = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap_or("?").trim().to_owned();
        Self { instance: line("instance "), since: line("since ") }
    }
}

pub(super) fn make(path: &Path) -> Result<(), OpenError> {
    match fs::metadata(path) {
        Ok(found) if found.is_dir() => Ok(()),
        Ok(_) => Err(OpenError::NotADirectory { path: path.to_owned() }),
        Err(error) if error.kind() == ErrorKind::NotFound => match files::make_private_directory(path) {
            Ok(()) => sync_directory_of(path).map_err(disk(path)),
            Err(error) if error.kind() == ErrorKind::NotFound => Err(cannot_be_in_parent(path)),
            Err(error) => Err(disk(path)(error)),
        },
        Err(error) if error.kind() == ErrorKind::NotADirectory => Err(cannot_be_in_parent(path)),
        Err(error) => Err(disk(path)(error)),
    }
}

/// Why the directory is not there and cannot be made, as its parent shows. A file can also stand
/// further up: of that the system says no more than that something on the way is no directory.
fn cannot_be_in_parent(path: &Path) -> OpenError {
    let path = path.to_owned();
    match fs::metadata(parent(&path)) {
        Ok(found) if found.is_dir() => OpenError::NoPlace { path },
        Ok(_) => OpenError::ParentIsFile { path },
        Err(_) => OpenError::NoParent { path },
    }
}

/// Tried with a file that is gone at once, beside the directory that would be made.
pub(super) fn can_be_made(path: &Path) -> io::Result<()> {
    let mut probe = path.as_os_str().to_owned();
    probe.push(TEMPORARY_SUFFIX);
    remove_if_there(Path::new(&probe))?;
    files::private().write(true).create_new(true).open(&probe)?;
    remove_if_there(Path::new(&probe))
}

/// A directory with our marker may hold whatever people put beside it. Without one it must hold
/// nothing but what a first start can have left when it was interrupted.
fn refuse_foreign_files(path: &Path) -> Result<(), OpenError> {
    if path.join(MARKER).exists() {
        return Ok(());
    }
    for entry in fs::read_dir(path).map_err(disk(path))? {
        let name = entry.map_err(disk(path))?.file_name().to_string_lossy().into_owned();
        if !is_ours(&name) {
            return Err(OpenError::ForeignFiles { path: path.to_owned(), example: name });
        }
    }
    Ok(())
}

fn is_ours(name: &str) -> bool {
    // `lost+found` stands at the root of every freshly made ext4 volume.
    const NAMES: [&str; 13] = [
        LOCK,
        files::HOLDER_NOTE,
        MARKER,
        PROBE,
        INCOMING,
        SALVAGE,
        IN_FORCE,
        REHEARSAL_LEFTOVERS,
        REHEARSAL_LOCK,
        "pseudonym-key",
        "client-memory-key",
        "admin-token",
        "lost+found",
    ];
    let begins = |start: &str| name.starts_with(start);
    is_of_database(name)
        || NAMES.contains(&name.strip_suffix(TEMPORARY_SUFFIX).unwrap_or(name))
        || [REPLACED, DAMAGED].into_iter().any(begins)
}

/// A file or directory that the database library makes.
fn is_of_database(name: &str) -> bool {
    ["db", "conf", "blobs"].contains(&name) || name.starts_with("snap.")
}

/// Who we are is asked of the file system: a file we make belongs to us. That it can be made shows
/// that we may write.
fn refuse_other_owner(path: &Path) -> Result<(), OpenError> {
    let owner = files::owner(&fs::metadata(path).map_err(disk(path))?);
    let probe = path.join(format!("{PROBE}{TEMPORARY_SUFFIX}"));
    let made = make_probe(&probe).and_then(|file| file.metadata());
    let ours = files::owner(&made.map_err(disk(path))?);
    remove_if_there(&probe).map_err(disk(path))?;
    if ours == owner { Ok(()) } else { Err(OpenError::OtherOwner { path: path.to_owned(), owner, ours }) }
}

/// Makes a file that was not there: whoever else may write in the directory could put a link in its
/// place, and root is not to open what that leads to. Somebody who starts at the same moment makes
/// the same file, so it is tried more than once.
fn make_probe(probe: &Path) -> io::Result<File> {
    let mut tries_left = PROBE_TRIES;
    loop {
        remove_if_there(probe)?;
        match files::private().write(true).create_new(true).open(probe) {
            Err(error) if error.kind() == ErrorKind::AlreadyExists && tries_left > 0 => tries_left -= 1,
            made => return made,
        }
    }
}

/// Somebody who starts at the same moment may have removed it.
pub(super) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

/// The file is never removed: whoever removed it under a holder would let a second one in.
fn lock(path: &Path, now: DateTime<Utc>) -> Result<HeldLock, OpenError> {
    let file_path = path.join(LOCK);
    let lock = take(path, open_or_make(&file_path).map_err(disk(&file_path))?)?;
    let line = format!("process {} since {}\n", std::process::id(), seconds(now));
    let note_path = path.join(files::HOLDER_NOTE);
    let note =
        |mut note: &File| note.set_len(0).and_then(|()| note.rewind()).and_then(|()| note.write_all(line.as_bytes()));
    let noted =
        if note_path == file_path { note(lock.file()) } else { open_or_make(&note_path).and_then(|file| note(&file)) };
    noted.map_err(disk(&note_path))?;
    Ok(lock)
}

/// Locks the lock file, or says who has it.
fn take(path: &Path, file: File) -> Result<HeldLock, OpenError> {
    match HeldLock::take(file) {
        Ok(lock) => Ok(lock),
        Err(TryLockError::WouldBlock) => {
            let holder = read_small(&path.join(files::HOLDER_NOTE)).unwrap_or_default();
            let holder = holder.lines().next().filter(|line| line.starts_with("process ")).unwrap_or("unknown process");
            Err(OpenError::InUse { path: path.to_owned(), holder: holder.to_owned() })
        }
        Err(TryLockError::Error(error)) => Err(disk(&path.join(LOCK))(error)),
    }
}

/// Ends the names of files that are not finished.
pub(super) const TEMPORARY_SUFFIX: &str = ".tmp";

/// Writes a file (mode 0600) so that after a power cut there is either all of it or what was there
/// before.
pub(super) fn write_file(path: &Path, content: &[u8]) -> io::Result<()> {
    write_file_by(path, |file| file.write_all(content))
}

/// The same of what is too long to be in memory.
pub(super) fn write_file_by(path: &Path, write: impl FnOnce(&mut File) -> io::Result<()>) -> io::Result<()> {
    let mut unfinished = path.as_os_str().to_owned();
    unfinished.push(TEMPORARY_SUFFIX);
    let unfinished = PathBuf::from(unfinished);
    remove_if_there(&unfinished)?;
    let mut file = files::private().write(true).create_new(true).open(&unfinished)?;
    files::give_to_owner_of(parent(path), &file)?;
    write(&mut file)?;
    file.sync_all()?;
    fs::rename(&unfinished, path)?;
    sync_directory_of(path)
}

/// Opens a file of the directory, which belongs to whoever runs the service; see
/// [`files::open_plain`].
pub(super) fn open_to_read(path: &Path) -> io::Result<File> {
    files::open_plain(OpenOptions::new().read(true), path)
}

/// The same to read and write; made (mode 0600) if it is not there.
pub(super) fn open_or_make(path: &Path) -> io::Result<File> {
    match files::private().read(true).write(true).create_new(true).open(path) {
        Ok(made) => files::give_to_owner_of(parent(path), &made).map(|()| made),
        Err(error) if error.kind() == ErrorKind::AlreadyExists => {
            files::open_plain(OpenOptions::new().read(true).write(true), path)
        }
        Err(error) => Err(error),
    }
}

/// Reads the beginning of a file that should be small. It can hold a secret, so it is wiped, and no
/// buffer grows meanwhile.
pub(super) fn read_small(path: &Path) -> io::Result<Zeroizing<String>> {
    let mut bytes = Zeroizing::new(Vec::with_capacity(2 * SMALL_FILE_BYTES_MAX as usize));
    open_to_read(path)?.take(SMALL_FILE_BYTES_MAX).read_to_end(&mut bytes)?;
    Ok(Zeroizing::new(String::from_utf8_lossy(&bytes).into_owned()))
}

/// A new name lasts only when the directory that it stands in is synced.
pub(super) fn sync_directory_of(path: &Path) -> io::Result<()> {
    files::sync_directory(parent(path))
}

/// The directory that a path stands in; of the root, itself.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
        Some(parent) => parent,
        None => path,
    }
}

/// Turns what the system says about `path` into our error.
pub(super) fn disk(path: &Path) -> impl Fn(io::Error) -> OpenError {
    let path = path.to_owned();
    move |error| {
        let (path, reason) = (path.clone(), error.to_string());
        if error.kind() == ErrorKind::PermissionDenied {
            OpenError::Denied { path, reason }
        } else {
            OpenError::Disk { path, reason }
        }
    }
}

fn seconds(time: DateTime<Utc>) -> String {
    time.to_rfc3339_opts(SecondsFormat::Secs, true)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn somebody_who_may_not_use_the_directory_is_told_as_whom_to_come_and_a_full_disk_is_another_thing() {
        let said = |kind: ErrorKind| disk(Path::new("/var/lib/vetbridge"))(kind.into()).to_string();
        let denied = said(ErrorKind::PermissionDenied);
        assert!(
            denied.contains("as the user that the service runs as") || denied.contains("administrator"),
            "{denied}"
        );
        assert!(denied.contains("[state] path") && !denied.contains("free space"), "{denied}");
        assert!(said(ErrorKind::StorageFull).contains("free space"));
    }
}
