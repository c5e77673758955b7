//! The counts that are known, and how another one compares with them.

use std::collections::BTreeMap;
use std::fmt;

/// The counts of one compiler on one kind of processor.
pub(crate) struct Counts(BTreeMap<String, u64>);

/// How a count compares with the one before.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Within 5 %.
    Same,
    /// Over 5 % more.
    Grown,
    /// Over 5 % less: a line keeps what was gained.
    Shrunk,
    /// Nobody counted it with this compiler.
    NotComparable,
}

impl fmt::Display for Verdict {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Same => "same",
            Self::Grown => "MORE",
            Self::Shrunk => "less",
            Self::NotComparable => "not comparable",
        })
    }
}

impl Counts {
    /// Reads lines of `day | piece | compiler, processor and profile | count | reason`; the last one of a piece counts.
    pub(crate) fn parse(text: &str, compiler: &str) -> Result<Self, String> {
        let mut counts = BTreeMap::new();
        for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
            let cells: Vec<&str> = line.split('|').map(str::trim).collect();
            let [_, piece, own, count, reason] = cells[..] else { return Err(format!("not five cells: {line}")) };
            if reason.is_empty() || reason == "…" {
                return Err(format!("no reason: {line}"));
            }
            let count = count.parse().map_err(|_| format!("no count: {line}"))?;
            if own == compiler {
                counts.insert(piece.to_owned(), count);
            }
        }
        Ok(Self(counts))
    }

    /// What was counted before, and how this compares.
    pub(crate) fn judge(&self, piece: &str, count: u64) -> (Option<u64>, Verdict) {
        let before = self.0.get(piece).copied();
        let verdict = match before {
            None => Verdict::NotComparable,
            Some(before) if count * 100 > before * 105 => Verdict::Grown,
            Some(before) if count * 100 < before * 95 => Verdict::Shrunk,
            Some(_) => Verdict::Same,
        };
        (before, verdict)
    }
}

/// The line that is added for a count, but for its reason.
pub(crate) fn line(piece: &str, compiler: &str, count: u64) -> String {
    let today = vetbridge::clock::Clock::system().now().format("%Y-%m-%d");
    format!("{today} | {piece} | {compiler} | {count} | …")
}
