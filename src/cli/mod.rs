//! The command line: what can be typed, and what becomes of errors.
//!
//! Each command has a file of its own, with a function that gets its arguments and answers with an
//! exit status. Results go to standard output, logs and errors to standard error. An error is
//! printed once, here, as one or two sentences.
//!
//! Exit statuses: 0 all well; 1 a problem; 2 the command line is invalid or, for `run` and `check`,
//! the configuration. The other commands have always said 1 of a configuration, and scripts rely on
//! it. With `--json` an error is one JSON object on standard output instead, so that
//! whoever reads that finds it there.

mod answer_lines;
mod args;
mod bookings;
mod check;
mod demo;
mod discover;
mod explain;
mod exposure;
#[cfg(test)]
mod fakes;
mod guarded;
mod inventory;
mod logging;
mod output;
mod packaging;
mod pause;
mod probe;
mod rehearse;
mod resync;
mod run;
mod running;
mod runtime;
mod state;
mod state_owner;
mod status;
#[cfg(windows)]
mod windows_service;

use std::process::ExitCode;

use clap::Parser as _;

use crate::config::ConfigError;
#[cfg(not(windows))]
use crate::messages::windows_service as windows_service_say;
use crate::os::{files, process_owner};
use args::INVALID;
pub use args::{
    BookingsArgs, BookingsCommand, CheckArgs, Cli, Command, CompletionsArgs, DemoArgs, DiscoverArgs, ExplainArgs,
    Global, ListArgs, ManArgs, PauseArgs, ProbeArgs, RehearseArgs, ResolveArgs, ResyncArgs, ResyncPart, ServiceArgs,
    ServiceCommand, StateArgs, StateCommand, StatusArgs,
};
use guarded::guarded;
pub use logging::{LogFormat, LogLevel};

/// The whole program.
pub fn main() -> ExitCode {
    let cli = match Cli::try_parse() {
        Ok(cli) => cli,
        Err(error) => return not_understood(&error),
    };
    #[cfg(windows)]
    if windows_service::is_started_by_windows(&cli.command) {
        return windows_service::serve(cli.global);
    }
    logging::start(cli.global.log_format, cli.global.log_level.unwrap_or(default_level(&cli.command)));
    if let Some(config) = cli.global.named_config() {
        output::commands_are_for(&config);
    }
    process_owner::keep_memory_private();
    // An error means that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    if !writes_for_others(&cli.command) {
        files::keep_new_files_private();
    }
    let outcome =
        runtime::new().map_err(anyhow::Error::from).and_then(|runtime| runtime.block_on(guarded(dispatch(&cli))));
    exit_code(&cli.command, outcome)
}

/// True of a command that writes files for whoever is to read them: the report of a rehearsal,
/// whose state is in a directory that nobody else may enter, and manual pages.
fn writes_for_others(command: &Command) -> bool {
    matches!(command, Command::Rehearse(_) | Command::Man(_) | Command::Completions(_))
}

fn exit_code(command: &Command, outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        output::error(&error, command.wants_json());
        let config_invalid = error.is::<ConfigError>() && matches!(command, Command::Run | Command::Check(_));
        if config_invalid { ExitCode::from(INVALID) } else { ExitCode::FAILURE }
    })
}

/// What clap says of a command line; help and version are no errors.
fn not_understood(error: &clap::Error) -> ExitCode {
    if error.use_stderr() && std::env::args_os().any(|word| word == "--json") {
        let text = error.render().to_string();
        let text = text.trim().strip_prefix("error: ").unwrap_or(text.trim());
        output::error(&anyhow::Error::msg(text.to_owned()), true);
        return ExitCode::from(INVALID);
    }
    // There is nobody to tell if this fails.
    let _ = error.print();
    u8::try_from(error.exit_code()).map_or(ExitCode::FAILURE, ExitCode::from)
}

async fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Run => Box::pin(run::run(&cli.global)).await,
        Command::Check(args) => Box::pin(check::run(&cli.global, args)).await,
        Command::Discover(args) => Box::pin(discover::run(&cli.global, args)).await,
        Command::Resync(args) => Box::pin(resync::run(&cli.global, args)).await,
        Command::Bookings(args) => Box::pin(bookings::run(&cli.global, args)).await,
        Command::State(args) => Box::pin(state::run(&cli.global, args)).await,
        Command::Pause(args) => Box::pin(pause::run(&cli.global, args, true)).await,
        Command::Resume(args) => Box::pin(pause::run(&cli.global, args, false)).await,
        Command::Explain(args) => Box::pin(explain::run(&cli.global, args)).await,
        Command::Status(args) => Box::pin(status::run(&cli.global, args.json)).await,
        Command::Probe(args) => Box::pin(probe::run(args)).await,
        Command::Demo(args) => Box::pin(demo::run(args)).await,
        Command::Rehearse(args) => Box::pin(rehearse::run(&cli.global, args)).await,
        #[cfg(windows)]
        Command::Service(args) => Box::pin(windows_service::run(&cli.global, &args.command)).await,
        #[cfg(not(windows))]
        Command::Service(_) => Err(windows_service_say::not_windows().into()),
        Command::Completions(args) => packaging::completions(args),
        Command::Man(args) => packaging::man(args),
    }
}

fn default_level(command: &Command) -> LogLevel {
    match command {
        Command::Run => LogLevel::Info,
        Command::Check(_)
        | Command::Discover(_)
        | Command::Resync(_)
        | Command::Bookings(_)
        | Command::State(_)
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Explain(_)
        | Command::Status(_)
        | Command::Probe(_)
        | Command::Service(_)
        | Command::Completions(_)
        | Command::Man(_)
        // What they print says what happens.
        | Command::Rehearse(_)
        | Command::Demo(_) => LogLevel::Warn,
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use std::path::PathBuf;
    use std::time::Duration;

    use super::*;

    #[test]
    fn the_command_line_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn options_for_all_stand_before_or_after_the_command() {
        let before =
            Cli::parse_from(["vetbridge", "--config", "x.toml", "--log-format", "json", "--log-level", "debug", "run"]);
        let after =
            Cli::parse_from(["vetbridge", "run", "--config", "x.toml", "--log-format", "json", "--log-level", "debug"]);
        for cli in [before, after] {
            assert_eq!(cli.global.config, Some(PathBuf::from("x.toml")));
            assert_eq!((cli.global.log_format, cli.global.log_level), (LogFormat::Json, Some(LogLevel::Debug)));
        }
    }

    #[test]
    fn json_of_bookings_stands_before_or_after_what_is_shown() {
        for arguments in [&["bookings", "--json", "show", "7"][..], &["bookings", "show", "7", "--json"]] {
            let cli = Cli::parse_from(std::iter::once(&"vetbridge").chain(arguments));
            let Command::Bookings(args) = cli.command else { panic!("{arguments:?}") };
            assert_eq!((args.command, args.json), (Some(BookingsCommand::Show { id: 7 }), true));
        }
    }

    #[test]
    fn resolve_takes_exactly_one_outcome_and_force_with_confirmed_only() {
        let parse = |line: &str| {
            let cli =
                Cli::try_parse_from(["vetbridge", "bookings", "resolve"].into_iter().chain(line.split(' '))).ok()?;
            let Command::Bookings(BookingsArgs { command: Some(BookingsCommand::Resolve(args)), .. }) = cli.command
            else {
                panic!("{line}")
            };
            Some(args)
        };
        assert_eq!(parse("7 --confirmed 603:be08 --force").unwrap().confirmed, Some(Some("603:be08".into())));
        assert_eq!(parse("7 --confirmed --note seen").unwrap().confirmed, Some(None));
        assert!(parse("7 --rejected").unwrap().rejected && parse("--cancelled 7").unwrap().cancelled);
        for line in
            ["7", "7 --rejected --cancelled", "7 --confirmed x --rejected", "7 --rejected --force", "--rejected"]
        {
            assert_eq!(parse(line), None, "{line}");
        }
    }

    #[test]
    fn demo_takes_a_duration_as_the_configuration_does() {
        let cli = Cli::parse_from(["vetbridge", "demo", "--for", "1m30s", "--port", "9000"]);
        let Command::Demo(args) = cli.command else { panic!("{cli:?}") };
        assert_eq!((args.for_duration, args.port), (Some(Duration::from_secs(90)), Some(9000)));
        assert!(Cli::try_parse_from(["vetbridge", "demo", "--for", "30"]).is_err());
    }
}
