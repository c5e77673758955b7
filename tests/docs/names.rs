//! Names: files that pages name, and pages that files name.

use std::fs;
use std::path::Path;

use super::page::Page;
use super::{ROOT, files_below, pages};

#[test]
fn every_file_that_is_named_exists() {
    let pages = pages();
    let folders = ["src", "tests", "benches", "config", "deploy", "docs", "fixtures", ".ci"];
    let is_path = |code: &&str| code.split_once('/').is_some_and(|(first, _)| folders.contains(&first));
    let named: Vec<_> = pages.iter().flat_map(Page::inline_code).filter(is_path).collect();
    assert!(named.len() > 50, "{named:?}");
    let missing: Vec<_> = named.into_iter().filter(|path| !Path::new(ROOT).join(path).exists()).collect();
    assert_eq!(missing, [""; 0]);
}

#[test]
fn every_page_that_the_sources_name_exists() {
    let mut found = 0;
    for file in ["src", "tests", "deploy", "config", ".ci"].into_iter().flat_map(files_below) {
        let Ok(text) = fs::read_to_string(Path::new(ROOT).join(&file)) else { continue };
        for rest in text.split("docs/").skip(1) {
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || "-_.".contains(c))).unwrap_or(rest.len());
            let Some(name) = rest[..end].strip_suffix(".md") else { continue };
            let exists = Path::new(ROOT).join(format!("docs/{name}.md")).exists();
            assert!(exists, "{} names docs/{name}.md", file.display());
            found += 1;
        }
    }
    assert!(found > 5);
}
