//! Files of ours on Windows: private by the access list of their directory, durable by flushing the
//! file through a handle that may write.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io;
use std::os::windows::fs::MetadataExt as _;
use std::os::windows::io::AsHandle as _;
use std::path::{Path, PathBuf};

use super::access_list;

/// The file in a state directory that says who holds its lock. Nobody else can read a locked file.
pub const HOLDER_NOTE: &str = "lock-holder";

/// Opens files that are as private as their directory.
pub fn private() -> OpenOptions {
    OpenOptions::new()
}

/// Nothing to do: a file has the access list of its directory.
pub fn keep_new_files_private() {}

/// Opens a file of ours in the state directory. Its access list lets in nobody who could put a link
/// there.
///
/// # Errors
/// It cannot be opened.
pub fn open_plain(options: &mut OpenOptions, path: &Path) -> io::Result<File> {
    options.open(path)
}

/// Nothing to do: whose a file is says nothing here.
///
/// # Errors
/// None.
pub fn give_to_owner_of(_directory: &Path, _file: &File) -> io::Result<()> {
    Ok(())
}

/// Makes a directory that its maker, administrators and the service can enter.
///
/// # Errors
/// It cannot be made, or not be closed to others.
pub fn make_private_directory(path: &Path) -> io::Result<()> {
    fs::create_dir(path)?;
    access_list::close_own(path).map_err(|fault| {
        // Nothing is in it, and it must not be used.
        let _ = fs::remove_dir(path);
        io::Error::other(fault)
    })
}

/// A directory that is there keeps its list: whoever made it, or installed the service, has set it.
///
/// # Errors
/// None.
pub fn keep_directory_private(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// A file has the list of its directory. False: others could not read it.
///
/// # Errors
/// None.
pub fn make_private(_path: &Path) -> io::Result<bool> {
    Ok(false)
}

/// Closes a file that lies anywhere to everybody but its maker and administrators.
///
/// # Errors
/// The list cannot be set.
pub fn close_to_others(path: &Path) -> io::Result<()> {
    access_list::close_own(path).map_err(io::Error::other)
}

/// True if every user of this computer can read it, as far as its access list says.
pub fn is_read_by_all(path: &Path) -> bool {
    access_list::lets_all_users_in(path)
}

/// Whose a file is says nothing here: the access list decides.
pub fn owner(_file: &Metadata) -> u32 {
    0
}

/// The whole path, in the form in which people type it: the one that Windows itself would give
/// begins with `\\?\`.
///
/// # Errors
/// The path is none.
pub fn whole_path(path: &Path) -> io::Result<PathBuf> {
    std::path::absolute(path)
}

/// A handle whose `sync_data` brings to the disk whatever was written to the file. Windows wants
/// one that may write.
///
/// # Errors
/// It cannot be opened.
pub fn to_be_synced(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).open(path)
}

/// Names last by themselves: NTFS writes them to its journal.
///
/// # Errors
/// None.
pub fn sync_directory(_path: &Path) -> io::Result<()> {
    Ok(())
}

/// When it was made, of which kind it is, how long, and when its content last changed.
pub fn stamp(file: &Metadata) -> [i128; 5] {
    let (made, written) = (file.creation_time().into(), file.last_write_time().into());
    [made, file.file_attributes().into(), file.file_size().into(), written, 0]
}

/// Standard output as a file. One that it leads to keeps the list of its directory.
///
/// # Errors
/// There is no standard output.
pub fn private_standard_output() -> io::Result<File> {
    Ok(File::from(io::stdout().as_handle().try_clone_to_owned()?))
}
