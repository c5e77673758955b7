//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;
use std::sync::OnceLock;

use serde::Serialize;

use crate::config;
use crate::messages::{alerts, commands};
use crate::server::view::ErrorBody;

/// What finds this service where the usual places of a configuration do not; set once.
static CONFIG_OPTION: OnceLock<String> = OnceLock::new();

/// From here on every command that a sentence names is typed with the configuration that this one
/// was given: without it the command would reach another vetbridge, or none.
pub(super) fn commands_are_for(config: &Path) {
    if !config::is_found_everywhere(config) {
        let _set_already = CONFIG_OPTION.set(alerts::config_option(&config.display().to_string()));
    }
}

/// A text of ours, as it is printed.
fn printed(text: impl Display) -> String {
    let option = CONFIG_OPTION.get().map_or("", String::as_str);
    commands::with_option(&text.to_string(), option)
}

/// Prints a result. A reader who has seen enough (`| head`) is no error.
pub(super) fn result(text: impl Display) -> io::Result<()> {
    raw(&printed(text))
}

/// Prints what programs read, as it is.
pub(super) fn raw(text: &str) -> io::Result<()> {
    let mut out = io::stdout().lock();
    match writeln!(out, "{}", text.trim_end_matches('\n')).and_then(|()| out.flush()) {
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
    Ok(raw(&serde_json::to_string_pretty(value)?)?)
}

/// Prints what a command failed with, causes included: on standard error, or as JSON where results
/// are JSON.
pub(super) fn error(error: &anyhow::Error, json: bool) {
    if json {
        let _ = self::json(&ErrorBody { error: format!("{error:#}") });
        return;
    }
    // There is nobody to tell if this fails.
    let _ = writeln!(io::stderr().lock(), "vetbridge: {}", printed(format_args!("{error:#}")));
}

/// Tells whoever sits at the terminal something that belongs into no log.
pub(super) fn note(text: &str) {
    let _ = writeln!(io::stderr().lock(), "{}", printed(text));
}
