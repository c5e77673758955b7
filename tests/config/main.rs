//! The configuration file: what it may say, and what is said about one that is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod addresses;
mod alerts;
#[path = "../common/configuration.rs"]
mod configuration;
mod keys;
mod loading;
mod practices;
mod problems;
mod rules;
mod secrets;
mod sync;

use std::env::VarError;
use std::path::Path;

use tempfile::TempDir;
use vetbridge::config::{self, Config, ConfigError};

use crate::configuration::LEAST;

/// A directory with the files that [`EVERYTHING`] names.
pub(crate) fn directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    let put = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    put("openvpms.password", "from a file\n");
    put("clinic-ca.pem", "");
    put("webhook", "abc-123\r\n");
    put("alerts.url", "https://hooks.example/T0psecret?key=s3cret\n");
    put("heartbeat.url", "https://heart.example/b3at\n");
    put("smtp.password", "smtp-hunter2\n");
    directory
}

pub(crate) fn parse_in(directory: &Path, text: &str) -> Result<Config, ConfigError> {
    let env = |name: &str| match name {
        "HEALTHENGINE_API_KEY" | "PRACTICE_1234567_KEY" => Ok("from the environment".to_owned()),
        "CREDENTIALS_DIRECTORY" => Ok(directory.to_str().unwrap().to_owned()),
        _ => Err(VarError::NotPresent),
    };
    config::parse(&directory.join("vetbridge.toml"), text, &env)
}

/// The problems of a text, as `line: message`.
pub(crate) fn problems(text: &str) -> Vec<String> {
    let directory = directory();
    let error = parse_in(directory.path(), text).expect_err("a text with problems");
    let line = |place: Option<(usize, usize)>| place.map_or("-".to_owned(), |(line, _)| line.to_string());
    error.problems.iter().map(|problem| format!("{}: {}", line(problem.place), problem.message)).collect()
}

/// The only problem of [`LEAST`] with `old` replaced by `new`.
pub(crate) fn problem_with(old: &str, new: &str) -> String {
    assert!(LEAST.contains(old), "{old}");
    let found = problems(&LEAST.replacen(old, new, 1));
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}
