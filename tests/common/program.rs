//! The program as it is typed.
//!
//! Included by path (`#[path = "common/program.rs"] mod program;`), so that each test binary takes what it needs.

use std::path::Path;
use std::process::Command;

/// The program in a directory, with none of this machine's settings.
pub(crate) fn vetbridge(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_vetbridge"));
    command.current_dir(directory);
    for variable in ["VETBRIDGE_CONFIG", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        command.env_remove(variable);
    }
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    command
}
