//! The log: on standard error (of a service of Windows in files), as text for people or one JSON
//! object a line for machines.
//!
//! | level | means |
//! | --- | --- |
//! | `error` | wake somebody: the bridge cannot do its work |
//! | `warn` | somebody should look today |
//! | `info` | what the bridge did: bookings, configuration, start and stop |
//! | `debug` | every call to a server: method, route, status, time, and for whom |
//! | `trace` | every decision with its reason: steps of bookings, days, plans |
//!
//! What concerns one practice or one booking has it in the field `practice` or `booking`, so that
//! the life of a booking is found by its id.
//!
//! No level shows a body, a patient or a secret. The libraries below us are heard from `warn` up
//! only, whatever the level.

use std::io::{self, IsTerminal, Write};

use clap::ValueEnum;
use tracing::Subscriber;
use tracing::level_filters::LevelFilter;
use tracing_subscriber::Layer;
use tracing_subscriber::filter::Targets;
use tracing_subscriber::fmt::MakeWriter;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::registry::LookupSpan;
use tracing_subscriber::util::SubscriberInitExt;

use super::output;
#[cfg(windows)]
use crate::os::{event_log::EventLog, log_file};

/// The form of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogFormat {
    /// A line for people
    Text,
    /// One JSON object a line
    Json,
}

/// What is logged.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum LogLevel {
    /// Wake somebody
    Error,
    /// And what somebody should look at today
    Warn,
    /// And what the bridge did
    Info,
    /// And every call to a server
    Debug,
    /// And decisions in detail
    Trace,
}

impl LogLevel {
    fn filter(self) -> LevelFilter {
        match self {
            Self::Error => LevelFilter::ERROR,
            Self::Warn => LevelFilter::WARN,
            Self::Info => LevelFilter::INFO,
            Self::Debug => LevelFilter::DEBUG,
            Self::Trace => LevelFilter::TRACE,
        }
    }
}

/// What a panic says can hold what came over the network (an index into a text quotes the text), so
/// only its place is logged.
fn log_panics_without_their_words() {
    std::panic::set_hook(Box::new(|panic| {
        let place = panic.location().map(ToString::to_string).unwrap_or_default();
        tracing::error!(place, "A part of vetbridge panicked: a fault in vetbridge. Please report it with this place.");
    }));
}

/// Starts logging for this process. A second call changes nothing.
pub(super) fn start(format: LogFormat, level: LogLevel) {
    let lines = lines(format, io::stderr, io::stderr().is_terminal());
    log_panics_without_their_words();
    // An error means that somebody logs already, as in tests.
    let _ = tracing_subscriber::registry().with(lines.with_filter(targets(level))).try_init();
}

/// Starts logging for the service of Windows: to a file, and what somebody should look at to the
/// event log too. Without a file, because of the reason that is returned, to the event log only.
#[cfg(windows)]
pub(super) fn start_as_service(format: LogFormat, level: LogLevel) -> Result<(), String> {
    let file = log_file::open();
    let (file, failure) = match file {
        Ok(file) => (Some(lines(format, file, false).with_filter(targets(level))), Ok(())),
        Err(why) => (None, Err(why)),
    };
    let events = CommandsAsTyped { writer: EventLog, format: LogFormat::Text };
    let events = tracing_subscriber::fmt::layer().with_writer(events).with_ansi(false).with_target(false);
    let events = events.without_time().with_level(false).with_filter(targets(LogLevel::Warn));
    log_panics_without_their_words();
    let _ = tracing_subscriber::registry().with(file).with(events).try_init();
    failure
}

/// Each event as a line.
fn lines<S, W>(format: LogFormat, writer: W, ansi: bool) -> Box<dyn Layer<S> + Send + Sync>
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    W: for<'a> MakeWriter<'a> + Send + Sync + 'static,
{
    let lines = tracing_subscriber::fmt::layer().with_writer(CommandsAsTyped { writer, format });
    match format {
        LogFormat::Text => lines.with_ansi(ansi).with_target(false).boxed(),
        LogFormat::Json => lines.with_ansi(false).json().flatten_event(true).boxed(),
    }
}

/// Writes each line with its commands as they are typed.
struct CommandsAsTyped<W> {
    writer: W,
    format: LogFormat,
}

impl<'a, W: MakeWriter<'a>> MakeWriter<'a> for CommandsAsTyped<W> {
    type Writer = LineWithCommands<W::Writer>;

    fn make_writer(&'a self) -> Self::Writer {
        LineWithCommands { writer: self.writer.make_writer(), format: self.format }
    }
}

/// Gets a line at once.
struct LineWithCommands<W> {
    writer: W,
    format: LogFormat,
}

impl<W: Write> Write for LineWithCommands<W> {
    fn write(&mut self, line: &[u8]) -> io::Result<usize> {
        match std::str::from_utf8(line) {
            Ok(text) => self.writer.write_all(output::as_typed(text, |option| written(option, self.format)).as_bytes()),
            Err(_) => self.writer.write_all(line),
        }?;
        Ok(line.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        self.writer.flush()
    }
}

/// What is typed behind a command, as it stands in a line.
fn written(option: &str, format: LogFormat) -> String {
    let quoted = match format {
        LogFormat::Text => None,
        LogFormat::Json => serde_json::to_string(option).ok(),
    };
    let inside = quoted.as_deref().and_then(|quoted| quoted.strip_prefix('"')?.strip_suffix('"'));
    inside.unwrap_or(option).to_owned()
}

/// Our own lines at the level, those of libraries at `warn` at most.
fn targets(level: LogLevel) -> Targets {
    let level = level.filter();
    Targets::new().with_target("vetbridge", level).with_default(level.min(LevelFilter::WARN))
}

#[cfg(test)]
mod tests {
    use tracing::Level;

    use super::*;

    #[test]
    fn a_command_in_a_line_is_typed_as_the_line_is_written() {
        let option = r" --config C:\v.toml";
        assert_eq!(written(option, LogFormat::Text), option);
        assert_eq!(written(option, LogFormat::Json), r" --config C:\\v.toml");
    }

    #[test]
    fn libraries_are_heard_from_warn_up_whatever_the_level() {
        let trace = targets(LogLevel::Trace);
        assert!(trace.would_enable("vetbridge::practice", &Level::TRACE));
        assert!(trace.would_enable("hyper", &Level::WARN) && !trace.would_enable("hyper", &Level::INFO));
        let error = targets(LogLevel::Error);
        assert!(error.would_enable("hyper", &Level::ERROR) && !error.would_enable("hyper", &Level::WARN));
        assert!(!error.would_enable("vetbridge", &Level::WARN));
    }
}
