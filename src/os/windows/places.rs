//! Where things are on Windows: below `%ProgramData%\vetbridge`.

use std::path::PathBuf;

/// The directory of everything but the program.
pub fn own_directory() -> PathBuf {
    let data = std::env::var_os("ProgramData").filter(|data| !data.is_empty());
    data.map_or_else(|| PathBuf::from(r"C:\ProgramData"), PathBuf::from).join("vetbridge")
}

/// The configuration of the service.
pub fn config_file() -> PathBuf {
    own_directory().join("vetbridge.toml")
}

/// The state directory, where the configuration does not say.
pub fn state_directory() -> PathBuf {
    own_directory().join("state")
}

/// The directory of the service's log.
pub fn log_directory() -> PathBuf {
    own_directory().join("logs")
}
