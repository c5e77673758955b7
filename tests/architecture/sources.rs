//! Source files: which there are, and the tokens of their product code.
//!
//! Product code is what stands outside of test modules. `#[cfg(test)]` before a block ends the
//! product part of its file; before `mod x;` it makes the file of `x` a test file, which is left
//! out.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

/// The sources of a program, by module.
pub(super) struct Program {
    pub(super) files: Vec<Source>,
    by_module: BTreeMap<Vec<String>, usize>,
}

/// One source file.
pub(super) struct Source {
    /// Such as `src/openvpms/client.rs`.
    pub(super) path: String,
    /// Such as `openvpms::client`, in segments; empty for `src/lib.rs`.
    pub(super) module: Vec<String>,
    /// Everything in the file.
    pub(super) text: String,
    /// How many lines of it are product code.
    pub(super) product_lines: usize,
    /// The product code, without comments, texts and numbers of any base.
    pub(super) tokens: Vec<Token>,
}

/// A word, `::`, or a single other character.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Token {
    pub(super) text: String,
    pub(super) line: usize,
    /// True if it is the first of its line, without blanks before it.
    pub(super) begins_line: bool,
}

impl Program {
    pub(super) fn of_this_crate() -> Self {
        let (mut files, mut folders) = (BTreeMap::new(), vec!["src".to_owned()]);
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(Path::new(env!("CARGO_MANIFEST_DIR")).join(&folder)).unwrap() {
                let entry = entry.unwrap();
                let path = format!("{folder}/{}", entry.file_name().into_string().unwrap());
                if entry.file_type().unwrap().is_dir() {
                    folders.push(path);
                } else if path.ends_with(".rs") {
                    files.insert(path, fs::read_to_string(entry.path()).unwrap());
                }
            }
        }
        assert!(files.len() > 100, "the sources are not where they were: {} files", files.len());
        Self::new(files)
    }

    /// The program whose files have these texts, by path.
    pub(super) fn new(texts: BTreeMap<String, String>) -> Self {
        let mut test_modules = Vec::new();
        let mut files: Vec<Source> = texts
            .into_iter()
            .map(|(path, text)| {
                let (source, tests) = Source::new(path, text);
                test_modules.extend(tests);
                source
            })
            .collect();
        files.retain(|file| !test_modules.iter().any(|module| file.module.starts_with(module)));
        let by_module = files.iter().enumerate().map(|(index, file)| (file.module.clone(), index)).collect();
        Self { files, by_module }
    }

    /// The file of a module.
    pub(super) fn file_of(&self, module: &[String]) -> Option<usize> {
        self.by_module.get(module).copied()
    }
}

impl Source {
    /// The file, and the modules that it declares for tests only.
    fn new(path: String, text: String) -> (Self, Vec<Vec<String>>) {
        let module = module_of(&path);
        let (mut code, mut tests) = (String::new(), Vec::new());
        let mut lines = text.lines();
        while let Some(line) = lines.next() {
            if line != "#[cfg(test)]" {
                code += line;
                code.push('\n');
                continue;
            }
            code.push('\n');
            let mut item = lines.next().unwrap_or_default();
            let named_file = item.strip_prefix("#[path = \"").and_then(|rest| rest.strip_suffix("\"]"));
            if named_file.is_some() {
                code.push('\n');
                item = lines.next().unwrap_or_default();
            }
            let Some((_, name)) = item.split_once("mod ") else { break };
            let Some(name) = name.strip_suffix(';') else { break };
            code.push('\n');
            tests.push(match named_file {
                Some(file) => module_of(&format!("{}/{file}", path.rsplit_once('/').unwrap().0)),
                None => module.iter().cloned().chain([name.to_owned()]).collect(),
            });
        }
        let source = Self { product_lines: code.lines().count(), tokens: tokens(&code), path, module, text };
        (source, tests)
    }

    /// Such as `openvpms::client`.
    pub(super) fn module_name(&self) -> String {
        self.module.join("::")
    }
}

/// `src/a/mod.rs` and `src/a.rs` hold `a`, `src/a/b.rs` holds `a::b`, and `src/lib.rs` holds the
/// root.
fn module_of(path: &str) -> Vec<String> {
    let inner = path.trim_start_matches("src/").trim_end_matches(".rs");
    let segments = inner.split('/').filter(|segment| !matches!(*segment, "mod" | "lib"));
    segments.map(str::to_owned).collect()
}

/// Splits code into tokens and drops comments and literals.
fn tokens(code: &str) -> Vec<Token> {
    let (mut tokens, mut at, mut line) = (Vec::new(), 0, 1);
    while let Some(first) = code[at..].chars().next() {
        let rest = &code[at..];
        let (length, is_token) = match literal_or_comment(rest) {
            Some(length) => (length, false),
            None if is_word(first) => (rest.find(|c| !is_word(c)).unwrap_or(rest.len()), !first.is_ascii_digit()),
            None if rest.starts_with("::") => (2, true),
            None => (first.len_utf8(), !first.is_whitespace()),
        };
        let text = &rest[..length];
        if is_token {
            let begins_line = at == 0 || code[..at].ends_with('\n');
            tokens.push(Token { text: text.to_owned(), line, begins_line });
        }
        line += text.matches('\n').count();
        at += length;
    }
    tokens
}

pub(super) fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

/// The length of the literal or comment with which the code begins.
fn literal_or_comment(code: &str) -> Option<usize> {
    if code.starts_with("//") {
        return Some(code.find('\n').unwrap_or(code.len()));
    }
    if code.starts_with("/*") {
        return Some(code.find("*/").map_or(code.len(), |end| end + 2));
    }
    if let Some(rest) = code.strip_prefix('\'') {
        return Some(character_length(rest) + 1);
    }
    let opened = code.strip_prefix('b').or_else(|| code.strip_prefix('c')).unwrap_or(code);
    let prefix = code.len() - opened.len();
    if let Some(rest) = opened.strip_prefix('"') {
        let mut is_escaped = false;
        let end = rest.find(|c| {
            let is_end = c == '"' && !is_escaped;
            is_escaped = c == '\\' && !is_escaped;
            is_end
        });
        return Some(prefix + end.map_or(opened.len(), |end| end + 2));
    }
    let raw = opened.strip_prefix('r')?;
    let hashes = raw.len() - raw.trim_start_matches('#').len();
    let body = raw[hashes..].strip_prefix('"')?;
    let end = format!("\"{}", "#".repeat(hashes));
    Some(code.len() - body.len() + body.find(&end).map_or(body.len(), |at| at + end.len()))
}

/// The length of a character literal behind its first quote; nothing for a lifetime.
fn character_length(rest: &str) -> usize {
    let mut characters = rest.char_indices();
    match (characters.next(), characters.next()) {
        (Some((_, '\\')), Some((_, escaped))) => {
            let body = 1 + escaped.len_utf8();
            body + rest[body..].find('\'').map_or(0, |end| end + 1)
        }
        (Some(_), Some((end, '\''))) => end + 1,
        _ => 0,
    }
}
