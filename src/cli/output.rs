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

/// Prints one array as [`json`] does, element by element.
pub(super) struct JsonArray {
    /// Nothing stands in the array yet.
    is_empty: bool,
    /// The reader has seen enough.
    is_closed: bool,
}

impl JsonArray {
    pub(super) fn begin() -> Self {
        Self { is_empty: true, is_closed: false }
    }

    /// Adds an element.
    pub(super) fn push(&mut self, value: &impl Serialize) -> anyhow::Result<()> {
        let text = serde_json::to_string_pretty(value)?.replace('\n', "\n  ");
        let before = if self.is_empty { "[\n  " } else { ",\n  " };
        self.is_empty = false;
        self.write(&[before, &text].concat())
    }

    /// Nothing more comes.
    pub(super) fn end(mut self) -> anyhow::Result<()> {
        self.write(if self.is_empty { "[]\n" } else { "\n]\n" })
    }

    fn write(&mut self, text: &str) -> anyhow::Result<()> {
        if self.is_closed {
            return Ok(());
        }
        let mut out = io::stdout().lock();
        match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
            Err(error) if error.kind() == io::ErrorKind::BrokenPipe => self.is_closed = true,
            written => written?,
        }
        Ok(())
    }
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
