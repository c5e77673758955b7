//! Names: files that pages name, pages that files name, and messages of the program.

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

#[test]
fn every_message_of_the_troubleshooting_page_is_one_that_vetbridge_has() {
    let sources = files_below("src/messages").into_iter();
    let said: String = sources.map(|file| fs::read_to_string(Path::new(ROOT).join(file)).unwrap()).collect();
    // A string goes on in the next line behind a backslash.
    let parts: Vec<_> = said.split("\\\n").collect();
    let said = parts.iter().enumerate().map(|(n, part)| if n == 0 { part } else { part.trim_start() });
    let said = said.collect::<String>().replace("\\\"", "\"");
    let page = Page::read(Path::new("docs/troubleshooting.md"));
    let rows = page.text.lines().filter_map(|line| line.strip_prefix("| ")?.split(" | ").next());
    let messages: Vec<_> = rows.filter(|cell| *cell != "message" && !cell.starts_with("---")).collect();
    assert!(messages.len() > 40);
    // What varies in a message, and its punctuation, part it into pieces; the shortest say nothing.
    let separates = |c: char| "…(),:\"".contains(c) || c.is_ascii_digit();
    for message in messages {
        let pieces =
            message.split(separates).map(|piece| piece.trim_matches([' ', '.'])).filter(|piece| piece.len() > 7);
        let unknown: Vec<_> = pieces.filter(|piece| !said.contains(piece)).collect();
        assert!(unknown.is_empty(), "{message}: nothing says {unknown:?}");
    }
}
