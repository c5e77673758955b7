//! Where things are on Unix.

use std::path::PathBuf;

/// The configuration of the service.
pub fn config_file() -> PathBuf {
    PathBuf::from("/etc/vetbridge/vetbridge.toml")
}

/// The state directory, where the configuration does not say.
pub fn state_directory() -> PathBuf {
    PathBuf::from("/var/lib/vetbridge")
}
