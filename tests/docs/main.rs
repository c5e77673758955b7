//! The README and the pages of docs/ say what is true: their links lead somewhere, their commands
//! parse, and the keys, files and messages that they name exist.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

mod alerts;
mod commands;
mod configuration;
mod links;
mod messages;
mod names;
mod package;
mod page;
mod rules;
mod units;

use std::fs;
use std::path::{Path, PathBuf};

use page::Page;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// README and everything in docs/.
fn pages() -> Vec<Page> {
    let docs = files_below("docs").into_iter().filter(|path| path.extension().is_some_and(|end| end == "md"));
    let mut paths: Vec<_> = [PathBuf::from("README.md")].into_iter().chain(docs).collect();
    paths.sort();
    assert!(paths.len() > 5, "{paths:?}");
    paths.iter().map(|path| Page::read(path)).collect()
}

/// The files of a folder of the repository, relative to it.
fn files_below(folder: &str) -> Vec<PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![PathBuf::from(folder)];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(Path::new(ROOT).join(&folder)).unwrap() {
            let entry = entry.unwrap();
            let path = folder.join(entry.file_name());
            if entry.file_type().unwrap().is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files
}
