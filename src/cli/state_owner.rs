//! A command that opens the state as root becomes its owner first, so that the service can still
//! open every file.
//!
//! The program is started again as that user and group, in place of this process or beside it: a
//! process of several threads cannot change who it is in any other safe way. What only root can
//! open, such as a backup in root's own directory, is opened before.

use std::ffi::OsStr;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::Command;

/// The user and group that a state directory belongs to, while this process is root and they are
/// not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

/// True if this process may do everything.
pub(super) fn is_root() -> bool {
    // The directory of a process belongs to whoever the process is.
    fs::metadata("/proc/self").is_ok_and(|process| process.uid() == 0)
}

/// Who has to open this state directory in our place, if it is there and we are root.
pub(super) fn to_become(state: &Path) -> Option<Owner> {
    let state = fs::metadata(state).ok()?;
    (is_root() && state.uid() != 0).then_some(Owner { user: state.uid(), group: state.gid() })
}

impl Owner {
    /// This program with these arguments, as that user.
    pub(super) fn program(self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        command.args(arguments).uid(self.user).gid(self.group);
        Ok(command)
    }
}

/// Goes on as the owner of the state directory, with the same arguments from the beginning. Returns
/// if there is no need to.
///
/// # Errors
/// The program cannot be started.
pub(super) fn become_it(state: &Path) -> io::Result<()> {
    match to_become(state) {
        None => Ok(()),
        Some(owner) => Err(owner.program(std::env::args_os().skip(1))?.exec()),
    }
}
