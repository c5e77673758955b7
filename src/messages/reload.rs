//! What is said when the configuration is read again while vetbridge runs.

use super::listed;

/// It is in force.
pub const RELOADED: &str = "The configuration was read again and is in force.";

/// It has errors.
pub fn not_reloaded(why: &str) -> String {
    format!("The configuration file changed and cannot be used, so the one before it stays in force. {why}")
}

/// Keys that a running process cannot change.
pub fn waits_for_restart(keys: &[&str]) -> String {
    format!(
        "The configuration was read again; {} changed and waits for a restart (systemctl restart vetbridge). Everything else is in force.",
        listed(keys)
    )
}
