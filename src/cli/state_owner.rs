//! A command that opens the state as root becomes its owner first, so that the service can still
//! open every file.
//!
//! The program is started again as that user and group, in place of this process or beside it. What
//! only root can open, such as a backup in root's own directory, is opened before. Where there is
//! no root ([`process_owner`]), nobody becomes anybody.

use std::ffi::OsStr;
use std::io;
use std::path::Path;
use std::process::Command;

use crate::config::{self, Instance};
use crate::os::ownership::Obstacle;
pub(super) use crate::os::process_owner::is_root;
use crate::os::{access, process_owner};

/// The user and group that a state directory belongs to, while this process is root and they are
/// not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Owner {
    user: u32,
    group: u32,
}

/// Who has to open this state directory in our place, if it is there and we are root.
pub(super) fn to_become(state: &Path) -> Option<Owner> {
    let (user, group) = process_owner::user_and_group(state)?;
    (is_root() && user != 0).then_some(Owner { user, group })
}

impl Owner {
    /// What keeps it from reading a file that root can read.
    pub(super) fn obstacle(self, file: &Path) -> Option<Obstacle> {
        access::obstacle(file, self.user, self.group)
    }

    /// This program with these arguments, as that user.
    pub(super) fn program(self, arguments: impl IntoIterator<Item = impl AsRef<OsStr>>) -> io::Result<Command> {
        let mut command = Command::new(std::env::current_exe()?);
        process_owner::run_as(command.args(arguments), self.user, self.group);
        Ok(command)
    }
}

/// Goes on as the owner of the state directory, with the same arguments from the beginning and the
/// same configuration: where the owner may not enter the folder in which it was found, another one
/// would be found, with another state. Returns if there is no need to.
///
/// # Errors
/// The program cannot be started.
pub(super) fn become_it(instance: &Instance) -> io::Result<()> {
    let Some(owner) = to_become(&instance.state_path) else { return Ok(()) };
    let mut command = owner.program(std::env::args_os().skip(1))?;
    command.env(config::VARIABLE, std::path::absolute(&instance.source)?);
    Err(process_owner::go_on_as(&mut command))
}
