//! Who this process is on Unix, who may look into it, and how it becomes somebody else: by starting
//! a program, because a process of several threads cannot change who it is in any other safe way.

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

/// Nobody but root reads the memory of this process, and nothing writes it down when it crashes. A
/// limit of zero for such files does not do that: a program that the kernel hands them to need not
/// heed it. Another system than Linux has its own settings for it.
pub fn keep_memory_private() {
    #[cfg(target_os = "linux")]
    if let Err(error) = rustix::process::set_dumpable_behavior(rustix::process::DumpableBehavior::NotDumpable) {
        tracing::warn!("A crash may write this process's memory to the disk, with secrets in it: {error}.");
    }
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

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn the_memory_of_a_process_is_not_written_down_once_it_is_private() {
        keep_memory_private();
        let behaviour = rustix::process::dumpable_behavior().unwrap();
        assert_eq!(behaviour, rustix::process::DumpableBehavior::NotDumpable);
    }
}
