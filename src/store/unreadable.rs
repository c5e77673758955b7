//! A record that cannot be read, for those who tell people about it.

use serde::{Deserialize, Serialize};

/// A record that is there and cannot be read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error, Serialize, Deserialize)]
#[error("the record {key} cannot be read: {reason}")]
pub struct Unreadable {
    /// Kind and key.
    pub key: String,
    /// Why, without anything of its content.
    pub reason: String,
}
