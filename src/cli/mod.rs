//! The command line: what can be typed, and what becomes of errors.
//!
//! Each command has a file of its own, with a function that gets its arguments and answers with an exit status. Results go to
//! standard output, logs and errors to standard error. An error is printed once, here, as one or two sentences.
//!
//! Exit statuses: 0 all well; 1 a problem; 2 the configuration is invalid (`run` and `check`), or the command line is.

mod bookings;
mod check;
mod demo;
mod discover;
mod exposure;
#[cfg(test)]
mod fakes;
mod inventory;
mod logging;
mod output;
mod owner;
mod pause;
mod resync;
mod run;
mod running;
mod state;
mod status;

use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};

use crate::config::{self, ConfigError};
use crate::messages::supervisor as supervisor_say;
use crate::supervisor;
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
    /// Show the booking ledger, or settle a booking that needs a person
    Bookings(BookingsArgs),
    /// Back up, restore and check the database
    State(StateArgs),
    /// Stop a practice by hand, as if it were disabled in the configuration, until resume; a pause survives restarts
    Pause(PauseArgs),
    /// End the pause of a practice
    Resume(PauseArgs),
    /// Show the health of the running service, practice by practice
    Status(StatusArgs),
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
    pub only: Option<ResyncPart>,
    /// Say what would be sent, and send nothing
    #[arg(long)]
    pub dry_run: bool,
}

/// A part of what is sent to Healthengine.
#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
pub enum ResyncPart {
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
    /// JSON: one array of `list`, one object of `show` and of `resolve`
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BookingsCommand {
    /// All bookings
    List,
    /// One booking with its history
    Show {
        /// Healthengine's booking id
        id: i64,
    },
    /// Settle a booking after a look into the diary; Healthengine and OpenVPMS follow
    Resolve(ResolveArgs),
}

/// Arguments of `bookings resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(group = clap::ArgGroup::new("outcome").required(true))]
#[command(
    after_help = "Works through the running service if there is one, else by itself. A booking that is not flagged can be \
settled too: --cancelled then cancels its appointment. What the pet owner was told in time (rejected, cancelled) is final."
)]
pub struct ResolveArgs {
    /// Healthengine's booking id
    pub id: i64,
    /// The appointment stands in the diary, under this reference [default: the one that the ledger has]
    #[arg(long, group = "outcome", value_name = "REFERENCE", num_args = 0..=1)]
    pub confirmed: Option<Option<String>>,
    /// Believe --confirmed although OpenVPMS has the reference elsewhere or at another time, or does not show it (status 500)
    #[arg(long, requires = "confirmed", conflicts_with_all = ["rejected", "cancelled"])]
    pub force: bool,
    /// There is no appointment in the diary
    #[arg(long, group = "outcome")]
    pub rejected: bool,
    /// The appointment is to be cancelled, or was cancelled by hand
    #[arg(long, group = "outcome")]
    pub cancelled: bool,
    /// One line of at most 200 characters that is kept in the history. Nothing about the patient or the pet owner belongs there:
    /// it is shown in the clear and kept for as long as the booking
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// Arguments of `pause` and `resume`.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Its id at Healthengine
    #[arg(long, value_name = "ID")]
    pub practice: String,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
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
        .and_then(|runtime| runtime.block_on(guarded(dispatch(&cli))));
    exit_code(&cli.command, outcome)
}

/// A command that panics has failed like any other that cannot do its work.
async fn guarded(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let outcome = supervisor::caught(command).await;
    outcome.unwrap_or_else(|_| Err(anyhow::anyhow!(supervisor_say::command_failed())))
}

fn exit_code(command: &Command, outcome: anyhow::Result<ExitCode>) -> ExitCode {
    outcome.unwrap_or_else(|error| {
        output::error(&error);
        let config_invalid = error.is::<ConfigError>() && matches!(command, Command::Run | Command::Check(_));
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
        Command::Pause(args) => Box::pin(pause::run(&cli.global, &args.practice, true)).await,
        Command::Resume(args) => Box::pin(pause::run(&cli.global, &args.practice, false)).await,
        Command::Status(args) => Box::pin(status::run(&cli.global, args.json)).await,
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
        | Command::Pause(_)
        | Command::Resume(_)
        | Command::Status(_)
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
