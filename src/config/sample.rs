//! Configurations for unit tests.

use std::env::VarError;
use std::path::Path;

use super::Config;

#[path = "../../tests/common/configuration.rs"]
mod text;

pub(crate) use text::{SERVERS, filled_in, practice};

/// What a file means that is valid, where the environment holds nothing.
pub(crate) fn parsed(text: &str) -> Config {
    super::parse(Path::new("vetbridge.toml"), text, &|_: &str| Err(VarError::NotPresent)).unwrap()
}
