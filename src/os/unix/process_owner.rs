//! Who this process is on Unix, and how it becomes somebody else: by starting a program, because a
//! process of several threads cannot change who it is in any other safe way.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// True if this process may do everything.
pub fn is_root() -> bool {
    user() == 0
}

/// Who this process is.
pub(super) fn user() -> u32 {
    rustix::process::geteuid().as_raw()
}

/// User and group of what is at the path, if it is there.
pub fn user_and_group(path: &Path) -> Option<(u32, u32)> {
    let found = fs::metadata(path).ok()?;
    Some((found.uid(), found.gid()))
}

/// The command will run as these.
pub fn run_as(command: &mut Command, user: u32, group: u32) {
    command.uid(user).gid(group);
}

/// Runs the command in place of this process.
///
/// # Errors
/// Always: it returns only if the command cannot be started.
pub fn go_on_as(command: &mut Command) -> io::Error {
    command.exec()
}
