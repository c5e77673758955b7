//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};

use serde::Serialize;

use crate::server::view::ErrorBody;

/// Prints a result. A reader who has seen enough (`| head`) is no error.
pub(super) fn result(text: impl Display) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.to_string().trim_end_matches('\n')).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => Ok(()),
        outcome => outcome,
    }
}

/// The columns where standard output is no terminal, and those of a terminal that does not say.
pub(super) const COLUMNS: usize = 80;

/// So many characters fit a line of standard output.
pub(super) fn columns() -> usize {
    let size = terminal_size::terminal_size_of(io::stdout());
    size.map(|(width, _)| usize::from(width.0)).filter(|columns| *columns > 0).unwrap_or(COLUMNS)
}

/// Prints a result as JSON.
pub(super) fn json(value: &impl Serialize) -> anyhow::Result<()> {
    Ok(result(serde_json::to_string_pretty(value)?)?)
}

/// Prints what a command failed with, causes included: on standard error, or as JSON where results
/// are JSON.
pub(super) fn error(error: &anyhow::Error, json: bool) {
    if json {
        let _ = self::json(&ErrorBody { error: format!("{error:#}") });
        return;
    }
    // There is nobody to tell if this fails.
    let _ = writeln!(io::stderr().lock(), "vetbridge: {error:#}");
}

/// Tells whoever sits at the terminal something that belongs into no log.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{text}");
}
