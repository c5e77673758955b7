//! The program as it is typed.
//!
//! Included by path (`#[path = "common/program.rs"] mod program;`), so that each test binary takes what it needs.

use std::ffi::OsString;
use std::path::Path;
use std::process::Command;

/// A build for another system, which runs here by some means: `tests/deploy/windows.sh` names one.
fn foreign_program() -> Option<OsString> {
    std::env::var_os("VETBRIDGE_PROGRAM")
}

/// The signal that asks the program to leave. Wine makes Ctrl-C of SIGINT, and ends a program at SIGTERM.
#[allow(dead_code, reason = "not every test stops one")]
pub(crate) fn stop_signal() -> &'static str {
    if foreign_program().is_some() { "INT" } else { "TERM" }
}

/// The program in a directory, with none of this machine's settings.
pub(crate) fn vetbridge(directory: &Path) -> Command {
    let mut command = Command::new(foreign_program().unwrap_or_else(|| env!("CARGO_BIN_EXE_vetbridge").into()));
    command.current_dir(directory);
    for variable in ["VETBRIDGE_CONFIG", "CREDENTIALS_DIRECTORY", "NOTIFY_SOCKET", "WATCHDOG_USEC"] {
        command.env_remove(variable);
    }
    for variable in ["HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY"] {
        command.env_remove(variable).env_remove(variable.to_ascii_lowercase());
    }
    command
}
