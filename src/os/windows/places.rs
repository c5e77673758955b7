//! Where things are on Windows: below `%ProgramData%\vetbridge`.

use std::path::PathBuf;

use winsafe::co::RRF;
use winsafe::{HKEY, RegistryValue};

/// Where Windows itself keeps the place that the variable names.
const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";

/// The directory of everything but the program.
///
/// A service can have another environment than a prompt, so Windows is asked and no variable.
pub fn own_directory() -> PathBuf {
    let value = HKEY::LOCAL_MACHINE.RegGetValue(Some(PROFILES), Some("ProgramData"), RRF::RT_ANY);
    let data = match value {
        Ok(RegistryValue::Sz(path) | RegistryValue::ExpandSz(path)) => winsafe::ExpandEnvironmentStrings(&path).ok(),
        _ => None,
    };
    PathBuf::from(data.unwrap_or_else(|| r"C:\ProgramData".to_owned())).join("vetbridge")
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
