//! Standard output and standard error.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::Path;

use parking_lot::RwLock;
use serde::Serialize;

use crate::config;
use crate::messages::typed_commands::TypedCommands;
use crate::server::view::ErrorBody;

/// How commands are typed that a sentence of this process names.
static COMMANDS: RwLock<Option<TypedCommands>> = RwLock::new(None);

/// From here on every command that a sentence names is typed like this, in the log too: without a
/// configuration that this process was given, or found where it was started, it would reach another
/// vetbridge, or none.
pub(super) fn commands_are(commands: TypedCommands) {
    *COMMANDS.write() = Some(commands);
}

/// The same for the configuration of this name.
pub(super) fn commands_are_for(config: &Path) {
    if !config::is_found_everywhere(config) {
        commands_are(TypedCommands::with_config(&config.display().to_string()));
    }
}

/// A text of ours, as it is printed.
fn printed(text: impl Display) -> String {
    as_typed(&text.to_string(), str::to_owned)
}

/// A text with its commands as they are typed, where some characters are written otherwise.
pub(super) fn as_typed(text: &str, write: impl Fn(&str) -> String) -> String {
    match COMMANDS.read().as_ref() {
        Some(commands) => commands.written(write).typed(text),
        None => text.to_owned(),
    }
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
