//! The command line: what can be typed, and what becomes of errors.
//!
//! Each command has a file of its own, with a function that gets its arguments and answers with an exit status. Results go to
//! standard output, logs and errors to standard error. An error is printed once, here, as one or two sentences.
//!
//! Exit statuses: 0 all well; 1 a problem; 2 the configuration is invalid (`run` and `check`), or the command line is.

mod bookings;
mod check;
pub mod connect;
mod demo;
mod discover;
#[cfg(test)]
mod fakes;
mod inventory;
mod logging;
mod output;
mod owner;
mod resync;
mod run;
mod running;
mod state;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{self, ConfigError};
pub use logging::{LogFormat, LogLevel};

/// Exit status of an invalid configuration.
const CONFIG_INVALID: u8 = 2;

/// The version of the program and of the time zone rules in it.
static VERSION: LazyLock<String> =
    LazyLock::new(|| format!("{} (time zones: tzdb {})", env!("CARGO_PKG_VERSION"), chrono_tz::IANA_TZDB_VERSION));

/// The bridge between OpenVPMS, the practice system of a veterinary clinic, and the booking marketplace Healthengine.
#[derive(Debug, Parser)]
#[command(name = "vetbridge", version = VERSION.as_str(), propagate_version = true, arg_required_else_help = true)]
#[command(after_help = "Exit status: 0 all well, 1 a problem, 2 the configuration is invalid (run and check).")]
pub struct Cli {
    /// What holds for every command.
    #[command(flatten)]
    pub global: Global,
    /// What to do.
    #[command(subcommand)]
    pub command: Command,
}

/// What holds for every command, written before or after it.
#[derive(Debug, Args)]
pub struct Global {
    /// Configuration file [default: $VETBRIDGE_CONFIG, else ./vetbridge.toml, else /etc/vetbridge/vetbridge.toml]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Form of the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: error (wake somebody), warn (look today), info, debug (every call), trace [default: info for run,
    /// else warn]
    #[arg(long, global = true, value_enum, hide_default_value = true)]
    pub log_level: Option<LogLevel>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    /// Run the service in the foreground until SIGTERM or SIGINT
    Run,
    /// Check the configuration, both servers, credentials, consent, mapping and clocks
    Check(CheckArgs),
    /// Show what OpenVPMS offers for online booking; of the configuration it needs the table openvpms only
    Discover(DiscoverArgs),
    /// Send everything to Healthengine again, through the running service if there is one
    Resync(ResyncArgs),
    /// Show the booking ledger
    Bookings(BookingsArgs),
    /// Back up, restore and check the database
    State(StateArgs),
    /// Run the whole bridge against two built-in simulators; needs no configuration
    Demo(DemoArgs),
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Judge the configuration only, without asking a server
    #[arg(long)]
    pub offline: bool,
    /// One JSON array of findings
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `discover`.
#[derive(Debug, Args)]
pub struct DiscoverArgs {
    /// One JSON array of locations
    #[arg(long, conflicts_with = "toml")]
    pub json: bool,
    /// A practice block per location to paste into the configuration, with id and key to fill in
    #[arg(long)]
    pub toml: bool,
}

/// Arguments of `resync`.
#[derive(Debug, Args)]
pub struct ResyncArgs {
    /// This practice only
    #[arg(long, value_name = "ID")]
    pub practice: Option<String>,
    /// This part only
    #[arg(long, value_enum)]
    pub only: Option<Part>,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A part of what is sent to Healthengine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum Part {
    /// Liveness contract, resources and appointment types
    Config,
    /// Availability of all days
    Availability,
}

/// Arguments of `bookings`.
#[derive(Debug, Args)]
pub struct BookingsArgs {
    /// What to show; `list` if nothing is said.
    #[command(subcommand)]
    pub command: Option<BookingsCommand>,
    /// JSON: one array of `list`, one object of `show`
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to show of the ledger.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Subcommand)]
pub enum BookingsCommand {
    /// All bookings
    List,
    /// One booking with its history
    Show {
        /// Healthengine's booking id
        id: i64,
    },
}

/// Arguments of `state`.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: StateCommand,
}

/// What to do with the state.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum StateCommand {
    /// Write all of it as JSON lines, with the key that patients' ids are made with; also while the service runs
    Export {
        /// The file (mode 0600) [default: standard output]
        file: Option<PathBuf>,
        /// Replace the file if it is there
        #[arg(long)]
        force: bool,
    },
    /// Read an export into a new state directory; the service must be stopped
    Import {
        /// The export; - for standard input
        file: PathBuf,
        /// Set aside what is there, under another name
        #[arg(long)]
        replace: bool,
    },
    /// Read everything and say what is damaged
    Verify,
}

/// Arguments of `demo`.
#[derive(Debug, Args)]
pub struct DemoArgs {
    /// Stop by itself after this time (such as 30s), with a summary
    #[arg(long = "for", value_name = "DURATION", value_parser = config::duration::parse)]
    pub for_duration: Option<Duration>,
    /// Port of the status page on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Seed of the simulated people's choices; which times these meet depends on the machine's pace too [default: any]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// The whole program.
pub fn main() -> ExitCode {
    let cli = Cli::parse();
    logging::start(cli.global.log_format, cli.global.log_level.unwrap_or(default_level(&cli.command)));
    // An error means that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let outcome = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(anyhow::Error::from)
        .and_then(|runtime| runtime.block_on(dispatch(&cli)));
    outcome.unwrap_or_else(|error| {
        output::error(&error);
        let config_invalid = error.is::<ConfigError>() && matches!(cli.command, Command::Run | Command::Check(_));
        if config_invalid { ExitCode::from(CONFIG_INVALID) } else { ExitCode::FAILURE }
    })
}

async fn dispatch(cli: &Cli) -> anyhow::Result<ExitCode> {
    match &cli.command {
        Command::Run => Box::pin(run::run(&cli.global)).await,
        Command::Check(args) => Box::pin(check::run(&cli.global, args)).await,
        Command::Discover(args) => Box::pin(discover::run(&cli.global, args)).await,
        Command::Resync(args) => Box::pin(resync::run(&cli.global, args)).await,
        Command::Bookings(args) => Box::pin(bookings::run(&cli.global, args)).await,
        Command::State(args) => Box::pin(state::run(&cli.global, args)).await,
        Command::Demo(args) => Box::pin(demo::run(args)).await,
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
        // Its running account says what happens.
        | Command::Demo(_) => LogLevel::Warn,
    }
}

impl Global {
    /// The configuration file that this command is about.
    fn config_file(&self) -> Result<PathBuf, ConfigError> {
        let named = || std::env::var_os("VETBRIDGE_CONFIG").filter(|name| !name.is_empty()).map(PathBuf::from);
        config::locate(self.config.clone().or_else(named))
    }
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

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
    fn demo_takes_a_duration_as_the_configuration_does() {
        let cli = Cli::parse_from(["vetbridge", "demo", "--for", "1m30s", "--port", "9000"]);
        let Command::Demo(args) = cli.command else { panic!("{cli:?}") };
        assert_eq!((args.for_duration, args.port), (Some(Duration::from_secs(90)), Some(9000)));
        assert!(Cli::try_parse_from(["vetbridge", "demo", "--for", "30"]).is_err());
    }
}
