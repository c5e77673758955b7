//! A place for a store on a disk, and something to keep in it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};
use vetbridge::store::{OpenError, Record, Store};

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Line {
    pub(crate) text: String,
}

impl Record for Line {
    const KIND: &'static str = "line";
    const VERSION: u32 = 1;
}

pub(crate) fn line(text: &str) -> Line {
    Line { text: text.to_owned() }
}

pub(crate) fn now() -> DateTime<Utc> {
    "2026-02-01T00:00:00Z".parse().unwrap()
}

/// A temporary directory with a place for the state in it.
pub(crate) struct Place {
    pub(crate) root: tempfile::TempDir,
}

impl Place {
    pub(crate) fn new() -> Self {
        Self { root: tempfile::tempdir().unwrap() }
    }

    pub(crate) fn state(&self) -> PathBuf {
        self.root.path().join("state")
    }

    pub(crate) fn open(&self) -> Result<Store, OpenError> {
        Store::open(&self.state(), now())
    }
}

/// What stands in a directory.
#[allow(dead_code, reason = "not every test looks at files")]
pub(crate) fn names(directory: &Path) -> BTreeSet<String> {
    fs::read_dir(directory).unwrap().map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
}
