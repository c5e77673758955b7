//! What is said when the configuration is read again while vetbridge runs.

use std::path::Path;

use super::{Advice, listed};
use crate::os::words::{FROM_THE_SERVICE_MANAGER, RESTART};

/// It is in force.
pub fn reloaded(file: &Path) -> String {
    format!("The configuration {} was read again and is in force.", file.display())
}

/// Some secrets and certificates cannot change while the process runs.
pub fn copies(places: &[String]) -> String {
    format!(
        "Copies from the start of the process stay in force for {}: what comes from \
         {FROM_THE_SERVICE_MANAGER} changes with a restart only ({RESTART}).",
        listed(places)
    )
}

/// `check` will not be able to say whether the service has other secrets.
pub fn not_noted(error: &anyhow::Error) -> String {
    format!("Which secrets are in force cannot be noted in the state directory: {error:#}.")
}

/// `check`: the service has another secret, or certificate.
pub fn another(what: &str, is_copy: bool) -> Advice {
    let remedy = if is_copy {
        format!("Restart it ({RESTART}): what comes from {FROM_THE_SERVICE_MANAGER} is a copy from its start")
    } else {
        "It follows a change within some seconds; if this stays, `vetbridge status` says why it cannot read the \
         configuration"
            .to_owned()
    };
    Advice::new(format!("The running service has another {what} than the configuration"), remedy)
}

/// It has errors.
pub fn not_reloaded(why: &str) -> String {
    format!("The configuration file changed and cannot be used, so the one before it stays in force. {why}")
}

/// Keys that a running process cannot change.
pub fn waits_for_restart(file: &Path, keys: &[&str]) -> String {
    format!(
        "The configuration {} was read again; {} changed and waits for a restart ({RESTART}). \
         Everything else is in force.",
        file.display(),
        listed(keys)
    )
}
