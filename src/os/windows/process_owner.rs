//! There is no root on Windows who would have to become somebody else: what administrators make in
//! the state directory has the access list of that directory, so the service can open it.

use std::io;
use std::path::Path;
use std::process::Command;

/// Nothing to do: Windows writes the memory of a service that crashed nowhere unless an
/// administrator has set that up.
pub fn keep_memory_private() {}

/// False: nobody is.
pub fn is_root() -> bool {
    false
}

/// Nobody has to be become.
pub fn user_and_group(_path: &Path) -> Option<(u32, u32)> {
    None
}

/// The command stays as it is.
pub fn run_as(_command: &mut Command, _user: u32, _group: u32) {}

/// Refused: a process is not replaced here.
///
/// # Errors
/// Always.
pub fn go_on_as(_command: &mut Command) -> io::Error {
    io::ErrorKind::Unsupported.into()
}
