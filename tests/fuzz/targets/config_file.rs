//! The configuration file. No error repeats a secret of it.

#![no_main]

use std::env::VarError;
use std::path::Path;

use libfuzzer_sys::fuzz_target;
use vetbridge::config;

/// Stands in the seeds in the place of secrets.
const SECRET: &str = "Zaphod-s3cret";

fuzz_target!(|text: &str| {
    // What it refers to is on this machine; nothing of it is opened.
    if text.contains("/dev") || text.contains("/proc") || text.contains("/sys") {
        return;
    }
    let env = |name: &str| if name.len() % 2 == 0 { Ok(SECRET.to_owned()) } else { Err(VarError::NotPresent) };
    match config::parse(Path::new("/nowhere/vetbridge.toml"), text, &env) {
        Ok(config) => assert!(!format!("{config:?}").contains(SECRET)),
        Err(error) => assert!(!error.to_string().contains(SECRET), "{error}"),
    }
});
