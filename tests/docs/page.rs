//! Markdown, taken apart as far as these tests need it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use super::ROOT;

/// A page, taken apart as far as these tests need it.
pub(super) struct Page {
    /// Relative to the repository.
    pub(super) path: PathBuf,
    pub(super) text: String,
    /// What stands outside of fenced blocks, at even places the text and at odd places inline code.
    pub(super) prose: Vec<String>,
    pub(super) blocks: Vec<Block>,
}

/// A fenced block: the word behind its first fence, and its lines.
pub(super) struct Block {
    pub(super) language: String,
    pub(super) text: String,
}

impl Page {
    pub(super) fn new(path: impl Into<PathBuf>, text: &str) -> Self {
        let (path, mut prose, mut blocks) = (path.into(), String::new(), Vec::new());
        let mut block: Option<Block> = None;
        for line in text.lines() {
            match (line.strip_prefix("```"), block.take()) {
                (Some(language), None) => block = Some(Block { language: language.to_owned(), text: String::new() }),
                (Some(_), Some(ended)) => blocks.push(ended),
                (None, Some(Block { language, text })) => {
                    block = Some(Block { language, text: format!("{text}{line}\n") });
                }
                (None, None) => prose += &format!("{line}\n"),
            }
        }
        assert!(block.is_none(), "{}: a block has no end", path.display());
        let prose: Vec<_> = prose.replace("\\|", "|").split('`').map(str::to_owned).collect();
        assert!(prose.len() % 2 == 1, "{}: a backtick is missing", path.display());
        Self { path, text: text.to_owned(), prose, blocks }
    }

    pub(super) fn read(path: &Path) -> Self {
        Self::new(path, &fs::read_to_string(Path::new(ROOT).join(path)).unwrap())
    }

    pub(super) fn inline_code(&self) -> impl Iterator<Item = &str> {
        self.prose.iter().skip(1).step_by(2).map(String::as_str)
    }

    /// Targets of `[text](target)`.
    pub(super) fn links(&self) -> impl Iterator<Item = &str> {
        let text = self.prose.iter().step_by(2);
        text.flat_map(|text| text.split("](").skip(1)).filter_map(|rest| Some(rest.split_once(')')?.0))
    }

    /// The anchors of the headings, as GitHub makes them.
    pub(super) fn anchors(&self) -> Vec<String> {
        let mut seen: BTreeMap<String, usize> = BTreeMap::new();
        let prose = self.prose.concat();
        let headings = prose.lines().filter(|line| line.starts_with('#'));
        let anchor = |heading: &str| {
            let letters = heading.trim_start_matches('#').trim().chars();
            letters
                .filter(|c| c.is_alphanumeric() || " -_".contains(*c))
                .map(|c| if c == ' ' { '-' } else { c.to_ascii_lowercase() })
                .collect::<String>()
        };
        let numbered = |anchor: String| {
            let before = seen.entry(anchor.clone()).or_default();
            *before += 1;
            if *before == 1 { anchor } else { format!("{anchor}-{}", *before - 1) }
        };
        headings.map(anchor).map(numbered).collect()
    }
}
