//! What is wrong with a configuration file: every problem at once, each at its place, in the order
//! of the file.

use std::cell::RefCell;
use std::fmt;
use std::path::{Path, PathBuf};

/// One thing that is wrong. The message never holds a line of the file: a line can hold a secret.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigProblem {
    /// Line and column, both from 1, the column in characters; `None` if it is about the file as a
    /// whole.
    pub place: Option<(usize, usize)>,
    /// What is wrong and what to do.
    pub message: String,
}

/// A configuration file that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// The file.
    pub file: PathBuf,
    /// What is wrong with it, in the order of its lines; at least one.
    pub problems: Vec<ConfigProblem>,
}

impl ConfigError {
    /// A single problem of the whole file.
    pub fn of_file(file: impl Into<PathBuf>, message: impl Into<String>) -> Self {
        Self { file: file.into(), problems: vec![ConfigProblem { place: None, message: message.into() }] }
    }

    /// `file:line:column`, as editors understand it, of one of the problems.
    pub fn place(&self, problem: &ConfigProblem) -> String {
        match problem.place {
            Some((line, column)) => format!("{}:{line}:{column}", self.file.display()),
            None => self.file.display().to_string(),
        }
    }
}

impl fmt::Display for ConfigError {
    /// A single problem on one line; several on a line each, below a line that counts them.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let [only] = self.problems.as_slice() {
            return write!(f, "{}: {}", self.place(only), only.message);
        }
        write!(f, "{} problems in {}:", self.problems.len(), self.file.display())?;
        self.problems.iter().try_for_each(|problem| write!(f, "\n  {}: {}", self.place(problem), problem.message))
    }
}

impl std::error::Error for ConfigError {}

/// Collects problems while a file is read.
pub(super) struct ConfigProblems<'a> {
    text: &'a str,
    found: RefCell<Vec<(Option<usize>, String)>>,
    syntax: Vec<(usize, String)>,
}

impl<'a> ConfigProblems<'a> {
    /// For this text, whose syntax has these errors (byte offsets).
    pub(super) fn new(text: &'a str, syntax: Vec<(usize, String)>) -> Self {
        Self { text, found: RefCell::default(), syntax }
    }

    /// Something at this byte offset is not as it must be.
    pub(super) fn at(&self, offset: usize, message: impl Into<String>) {
        self.found.borrow_mut().push((Some(offset), message.into()));
    }

    /// Something that must be there is not; `offset` is where it would belong. Where the syntax is
    /// broken, that says nothing: it can be in the part that could not be read.
    pub(super) fn missing(&self, offset: Option<usize>, message: impl Into<String>) {
        if self.syntax.is_empty() {
            self.found.borrow_mut().push((offset, message.into()));
        }
    }

    /// The line of a byte offset, from 1.
    pub(super) fn line(&self, offset: usize) -> usize {
        position(self.text, offset).0
    }

    /// True if nothing was found so far, in the syntax neither.
    pub(super) fn is_empty(&self) -> bool {
        self.syntax.is_empty() && self.found.borrow().is_empty()
    }

    /// The problems in the order of the lines. What stands on a line with broken syntax is left
    /// out: it follows from that.
    pub(super) fn into_error(self, file: &Path) -> ConfigError {
        let place = |offset: usize| position(self.text, offset);
        let broken: Vec<(usize, usize)> = self.syntax.iter().map(|(offset, _)| place(*offset)).collect();
        let follows = |place: &Option<(usize, usize)>| {
            place.is_some_and(|(line, _)| broken.iter().any(|(broken_line, _)| *broken_line == line))
        };
        let found = self.found.into_inner().into_iter().map(|(offset, message)| (offset.map(place), message));
        let mut problems: Vec<ConfigProblem> = found
            .filter(|(place, _)| !follows(place))
            .chain(self.syntax.iter().map(|(offset, message)| (Some(place(*offset)), message.clone())))
            .map(|(place, message)| ConfigProblem { place, message })
            .collect();
        // Stable: what was found first at a place is told first.
        problems.sort_by_key(|problem| problem.place);
        problems.dedup();
        ConfigError { file: file.to_owned(), problems }
    }
}

/// Line and column (in characters) of a byte offset, both from 1.
fn position(text: &str, offset: usize) -> (usize, usize) {
    let before = text.get(..offset).unwrap_or(text);
    let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
    (before.matches('\n').count() + 1, before[line_start..].chars().count() + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn problems_come_in_the_order_of_the_lines_with_those_of_the_whole_file_first() {
        let problems = ConfigProblems::new("a\nbü c\n", Vec::new());
        problems.at(6, "second");
        problems.missing(None, "whole");
        problems.at(0, "first");
        let error = problems.into_error(Path::new("x.toml"));
        assert_eq!(
            error.to_string(),
            "3 problems in x.toml:\n  x.toml: whole\n  x.toml:1:1: first\n  x.toml:2:4: second"
        );
    }

    #[test]
    fn broken_syntax_hides_what_follows_from_it_and_nothing_else() {
        let problems = ConfigProblems::new("a\nb\nc", vec![(2, "broken".into())]);
        problems.at(2, "follows");
        problems.missing(Some(0), "perhaps in the broken part");
        problems.at(4, "another matter");
        let error = problems.into_error(Path::new("x.toml"));
        assert_eq!(error.to_string(), "2 problems in x.toml:\n  x.toml:2:1: broken\n  x.toml:3:1: another matter");
    }
}
