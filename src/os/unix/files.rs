//! Files of ours on Unix: private by their mode, durable by syncing file and directory.

use std::fs::{self, DirBuilder, File, Metadata, OpenOptions, Permissions};
use std::io;
use std::os::fd::AsFd as _;
use std::os::unix::fs::{DirBuilderExt as _, MetadataExt as _, OpenOptionsExt as _, PermissionsExt as _, fchown};
use std::path::{Path, PathBuf};

use rustix::fs::{Mode, OFlags};

/// The file in a state directory that says who holds its lock: the locked file itself.
pub const HOLDER_NOTE: &str = "lock";

const OTHERS: u32 = 0o077;

/// Whatever this process makes from here on is closed to others, also what a library makes. Where
/// it is started with `umask 022`, as in a container, the database would be open to them but for
/// the directory that it is in.
pub fn keep_new_files_private() {
    rustix::process::umask(Mode::RWXG | Mode::RWXO);
}

/// Opens files that are private from their first byte on.
pub fn private() -> OpenOptions {
    let mut options = OpenOptions::new();
    options.mode(0o600);
    options
}

/// Opens a file of ours in a directory whose owner may be somebody else, such as the service of
/// which root types commands: through no link, and nothing but a plain file. So nobody has us read
/// or write another file, or wait at a pipe for ever.
///
/// # Errors
/// It cannot be opened, or is something else than a plain file.
pub fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    let not_plain = || io::Error::other("it is a link, or something else than a plain file");
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits().cast_signed();
    let file = options.custom_flags(flags).open(path).map_err(|error| match fs::symlink_metadata(path) {
        Ok(found) if !found.is_file() && error.kind() != io::ErrorKind::AlreadyExists => not_plain(),
        _ => error,
    })?;
    if file.metadata()?.is_file() { Ok(file) } else { Err(not_plain()) }
}

/// Should root have made the file, gives it to whoever its directory belongs to: the service, which
/// could not open it otherwise.
///
/// # Errors
/// The system refuses.
pub fn give_to_owner_of(directory: &Path, file: &File) -> io::Result<()> {
    let owner = fs::metadata(directory)?;
    if file.metadata()?.uid() == 0 && owner.uid() != 0 {
        fchown(file, Some(owner.uid()), Some(owner.gid()))?;
    }
    Ok(())
}

/// Makes a directory that only its owner can enter.
///
/// # Errors
/// It cannot be made.
pub fn make_private_directory(path: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(path)
}

/// Should others be able to enter the directory too, stops that.
///
/// # Errors
/// It is not ours.
pub fn keep_directory_private(path: &Path) -> io::Result<()> {
    let directory = File::open(path)?;
    if directory.metadata()?.permissions().mode() & OTHERS != 0 {
        directory.set_permissions(Permissions::from_mode(0o700))?;
    }
    Ok(())
}

/// Should others be able to read the file too, stops that. True if they could.
///
/// # Errors
/// It is not ours.
pub fn make_private(path: &Path) -> io::Result<bool> {
    // The mode is that of the file that was looked at, whatever stands in its place by then.
    let file = open_plain(OpenOptions::new().read(true), path)?;
    let is_open = file.metadata()?.permissions().mode() & OTHERS != 0;
    if is_open {
        file.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(is_open)
}

/// Nothing to do: a file that was made [`private`] is closed to others from its first byte on.
///
/// # Errors
/// None.
pub fn close_to_others(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// True if every user of this machine can read it, as far as its own mode says.
pub fn is_read_by_all(path: &Path) -> bool {
    fs::metadata(path).is_ok_and(|file| file.permissions().mode() & 0o004 != 0)
}

/// The user that a file belongs to.
pub fn owner(file: &Metadata) -> u32 {
    file.uid()
}

/// The whole path, with links followed.
///
/// # Errors
/// Nothing is there.
pub fn whole_path(path: &Path) -> io::Result<PathBuf> {
    path.canonicalize()
}

/// A handle whose `sync_data` brings to the disk whatever was written to the file.
///
/// # Errors
/// It cannot be opened.
pub fn to_be_synced(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Makes the names in a directory last.
///
/// # Errors
/// It cannot be opened, or the disk refuses.
pub fn sync_directory(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Which file it is, how long, and when its content or anything else about it last changed.
pub fn stamp(file: &Metadata) -> [i128; 5] {
    let nanoseconds = |seconds: i64, rest: i64| i128::from(seconds) * 1_000_000_000 + i128::from(rest);
    let (written, touched) =
        (nanoseconds(file.mtime(), file.mtime_nsec()), nanoseconds(file.ctime(), file.ctime_nsec()));
    [file.dev().into(), file.ino().into(), file.len().into(), written, touched]
}

/// Standard output as a file, which is private before anything is in it if it is one on a disk.
///
/// # Errors
/// There is no standard output, or the file is not ours.
pub fn private_standard_output() -> io::Result<File> {
    let out = File::from(io::stdout().as_fd().try_clone_to_owned()?);
    let found = out.metadata()?;
    if found.is_file() && found.permissions().mode() & OTHERS != 0 {
        out.set_permissions(Permissions::from_mode(0o600))?;
    }
    Ok(out)
}
