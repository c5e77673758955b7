//! What can be typed: the commands and their arguments.

use std::net::SocketAddr;
use std::path::PathBuf;
use std::sync::LazyLock;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum};
use clap_complete::Shell;

use super::logging::{LogFormat, LogLevel};
use crate::booking::entry::State;
use crate::build_info;
use crate::config::{self, ConfigError};
use crate::messages::admin;
use crate::server::booking_list::ChangedSince;

/// Exit status of an invalid command line and, for `run` and `check`, of an invalid configuration.
pub(super) const INVALID: u8 = 2;

/// The version of the program, its commit, and the version of the time zone rules in it.
static VERSION: LazyLock<String> = LazyLock::new(|| {
    format!("{} (commit {}, time zones: tzdb {})", build_info::VERSION, build_info::COMMIT, build_info::TZDB)
});

/// The bridge between OpenVPMS, the practice system of a veterinary clinic, and the booking
/// marketplace Healthengine.
#[derive(Debug, Parser)]
#[command(name = "vetbridge", version = VERSION.as_str(), propagate_version = true, arg_required_else_help = true)]
#[command(
    after_help = "Exit status: 0 all well, 1 a problem, 2 the command line is invalid or, for run and check, the \
                  configuration. With --json an error is one JSON object {\"error\": …} on standard output."
)]
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
    #[cfg_attr(
        not(windows),
        doc = "Configuration file [default: $VETBRIDGE_CONFIG, else ./vetbridge.toml, else \
               /etc/vetbridge/vetbridge.toml]"
    )]
    #[cfg_attr(
        windows,
        doc = "Configuration file [default: %VETBRIDGE_CONFIG%, else .\\vetbridge.toml, else \
               %ProgramData%\\vetbridge\\vetbridge.toml]"
    )]
    #[arg(long, global = true, value_name = "FILE")]
    pub config: Option<PathBuf>,
    /// Form of the log on standard error
    #[arg(long, global = true, value_enum, default_value_t = LogFormat::Text)]
    pub log_format: LogFormat,
    /// What is logged: error (wake somebody), warn (look today), info, debug (every call), trace
    /// [default: info for run, else warn]
    #[arg(long, global = true, value_enum, hide_default_value = true)]
    pub log_level: Option<LogLevel>,
}

/// A command.
#[derive(Debug, Subcommand)]
pub enum Command {
    #[cfg_attr(not(windows), doc = "Run the service in the foreground until SIGTERM or SIGINT")]
    #[cfg_attr(windows, doc = "Run the service in this window until Ctrl-C")]
    Run,
    /// Check the configuration, both servers, credentials, consent, mapping and clocks
    Check(CheckArgs),
    /// Show what OpenVPMS offers for online booking; of the configuration it needs the table
    /// openvpms only
    Discover(DiscoverArgs),
    /// Send everything to Healthengine again, through the running service
    Resync(ResyncArgs),
    /// Show the booking ledger, or settle a booking that needs a person
    Bookings(BookingsArgs),
    /// Back up, restore and check the database
    State(StateArgs),
    /// Stop a practice by hand, as if it were disabled in the configuration, until resume; a pause
    /// survives restarts
    Pause(PauseArgs),
    /// End the pause of a practice
    Resume(PauseArgs),
    /// Say slot by slot why a time of a day is or is not offered
    Explain(ExplainArgs),
    /// Show the health of the running service, practice by practice
    Status(StatusArgs),
    /// Ask a running service whether its process works, for health checks; reads no file
    Probe(ProbeArgs),
    /// Show what Healthengine would show of this clinic, before it does: OpenVPMS as configured, a
    /// built-in Healthengine; needs of the configuration openvpms and the practices' locations
    Rehearse(RehearseArgs),
    /// Run the whole bridge against two built-in simulators; needs no configuration
    Demo(DemoArgs),
    /// Install, start, reload, stop and remove the service of Windows
    #[command(hide = !cfg!(windows))]
    Service(ServiceArgs),
    /// Print what completes this program's command lines in a shell
    Completions(CompletionsArgs),
    /// Print the manual page, or write one page for each command
    Man(ManArgs),
}

impl Command {
    /// True if results, and errors, are wanted as JSON.
    pub(super) fn wants_json(&self) -> bool {
        match self {
            Self::Check(CheckArgs { json, .. })
            | Self::Discover(DiscoverArgs { json, .. })
            | Self::Resync(ResyncArgs { json, .. })
            | Self::Bookings(BookingsArgs { json, .. })
            | Self::State(StateArgs { json, .. })
            | Self::Pause(PauseArgs { json, .. })
            | Self::Resume(PauseArgs { json, .. })
            | Self::Explain(ExplainArgs { json, .. })
            | Self::Status(StatusArgs { json }) => *json,
            Self::Run
            | Self::Probe(_)
            | Self::Rehearse(_)
            | Self::Demo(_)
            | Self::Service(_)
            | Self::Completions(_)
            | Self::Man(_) => false,
        }
    }
}

/// Arguments of `check`.
#[derive(Debug, Args)]
pub struct CheckArgs {
    /// Judge the configuration only, without asking a server
    #[arg(long)]
    pub offline: bool,
    /// Send a test by mail, webhook and heartbeat, as the table alerts says
    #[arg(long)]
    pub alerts: bool,
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
    /// Say how what would be sent differs from what Healthengine has, and send nothing
    #[arg(long)]
    pub dry_run: bool,
    /// Send although no service runs that would answer the bookings
    #[arg(long, conflicts_with = "dry_run")]
    pub offline_too: bool,
    /// One JSON array with the outcome of each practice
    #[arg(long)]
    pub json: bool,
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
    /// What `list` shows if it is not typed.
    #[command(flatten)]
    pub list: ListArgs,
    /// JSON: one array of `list`, one object of `show` and of `resolve`
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum BookingsCommand {
    /// The bookings: those that need a person, then those that changed last
    List(ListArgs),
    /// One booking with its history
    Show {
        /// Healthengine's booking id
        id: i64,
    },
    /// Settle a booking after a look into the diary; Healthengine and OpenVPMS follow
    Resolve(ResolveArgs),
}

/// Which bookings are listed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Args)]
pub struct ListArgs {
    /// Those of this practice only
    #[arg(long, value_name = "ID")]
    pub practice: Option<String>,
    /// Those in this state only
    #[arg(long, value_name = "STATE", value_parser = STATES)]
    pub state: Option<String>,
    /// Those that changed since this day (2027-02-15, by the practice's calendar) or within this
    /// time (36h, 7d) only
    #[arg(long, value_name = "DATE|DURATION", value_parser = since)]
    pub since: Option<String>,
    /// Those only that show this: a number, a name, a state or a date as it is shown; parts between
    /// commas must all be found
    #[arg(long, value_name = "TEXT")]
    pub search: Option<String>,
    /// Those that follow the booking of this number in the list
    #[arg(long, value_name = "ID")]
    pub before: Option<i64>,
    /// So many at most [default: 50; with --json all]
    #[arg(long, value_name = "N", value_parser = at_least_one)]
    pub limit: Option<usize>,
}

impl ListArgs {
    /// What was typed before `list` counts unless it was typed behind it too.
    #[must_use]
    pub(super) fn or(self, before: &Self) -> Self {
        Self {
            practice: self.practice.or_else(|| before.practice.clone()),
            state: self.state.or_else(|| before.state.clone()),
            search: self.search.or_else(|| before.search.clone()),
            since: self.since.or_else(|| before.since.clone()),
            before: self.before.or(before.before),
            limit: self.limit.or(before.limit),
        }
    }
}

/// What can be typed as a state.
const STATES: [&str; 7] = State::ALL_NAMES;

fn at_least_one(text: &str) -> Result<usize, String> {
    text.parse().ok().filter(|count| *count > 0).ok_or_else(|| admin::BAD_LIMIT.to_owned())
}

fn since(text: &str) -> Result<String, String> {
    ChangedSince::parse(text).map(|_| text.to_owned()).ok_or_else(|| admin::BAD_SINCE.to_owned())
}

/// Arguments of `bookings resolve`.
#[derive(Debug, Clone, PartialEq, Eq, Args)]
#[command(group = clap::ArgGroup::new("outcome").required(true))]
#[command(
    after_help = "Works through the running service if there is one, else by itself. A booking that is not flagged \
                  can be settled too: --cancelled then cancels its appointment. What the pet owner was told in time \
                  (rejected, cancelled) is final."
)]
pub struct ResolveArgs {
    /// Healthengine's booking id
    pub id: i64,
    /// The appointment stands in the diary, under this reference [default: the one that the ledger
    /// has]
    #[arg(long, group = "outcome", value_name = "REFERENCE", num_args = 0..=1)]
    pub confirmed: Option<Option<String>>,
    /// Believe --confirmed although OpenVPMS has the reference elsewhere or at another time, or
    /// does not show it (status 500)
    #[arg(long, requires = "confirmed", conflicts_with_all = ["rejected", "cancelled"])]
    pub force: bool,
    /// There is no appointment in the diary
    #[arg(long, group = "outcome")]
    pub rejected: bool,
    /// The appointment is to be cancelled, or was cancelled by hand
    #[arg(long, group = "outcome")]
    pub cancelled: bool,
    /// One line of at most 200 characters that is kept in the history. Do not name the patient or
    /// the pet owner: it is stored as typed, shown in the clear and kept for as long as the booking
    #[arg(long, value_name = "TEXT")]
    pub note: Option<String>,
}

/// Arguments of `pause` and `resume`.
#[derive(Debug, Args)]
pub struct PauseArgs {
    /// Its id at Healthengine
    #[arg(long, value_name = "ID")]
    pub practice: String,
    /// One JSON object: how the practice stands
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `explain`.
#[derive(Debug, Args)]
pub struct ExplainArgs {
    /// The practice's id at Healthengine
    #[arg(long, value_name = "ID")]
    pub practice: String,
    /// The resource: s136 for schedule 136, u1158-s211 for clinician 1158 on schedule 211
    #[arg(long, value_name = "R")]
    pub resource: String,
    /// The day, by the practice's calendar
    #[arg(long, value_name = "YYYY-MM-DD")]
    pub date: String,
    /// The slot with this time only
    #[arg(long, value_name = "HH:MM")]
    pub at: Option<String>,
    /// For this appointment type: 63 as OpenVPMS has it, or 63:s136 as Healthengine has it
    #[arg(long = "type", value_name = "ID")]
    pub appointment_type: Option<String>,
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `status`.
#[derive(Debug, Args)]
pub struct StatusArgs {
    /// One JSON object
    #[arg(long)]
    pub json: bool,
}

/// Arguments of `probe`.
#[derive(Debug, Args)]
#[command(
    after_help = "Exit status 0: the process works, as /healthz says. It says nothing of the practices (see status), \
                  since a restart brings no OpenVPMS back."
)]
pub struct ProbeArgs {
    /// Where the service listens, as [admin] listen says
    #[arg(value_name = "ADDRESS", default_value_t = config::ADMIN_LISTEN)]
    pub address: SocketAddr,
}

/// Arguments of `state`.
#[derive(Debug, Args)]
pub struct StateArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: StateCommand,
    /// One JSON object: what was done or found; `export` then needs a file
    #[arg(long, global = true)]
    pub json: bool,
}

/// What to do with the state.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum StateCommand {
    /// Write all of it as JSON lines, with the key that patients' ids are made with; also while the
    /// service runs
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
    /// Seed of the simulated people's choices; which times these meet depends on the machine's pace
    /// too [default: any]
    #[arg(long, value_name = "N")]
    pub seed: Option<u64>,
}

/// Arguments of `rehearse`.
#[derive(Debug, Args)]
#[command(
    after_help = "Nothing is sent to Healthengine, whatever the configuration says: no call, no webhook, no alert. \
                  Without --book OpenVPMS is only read. What a crash left in the diary stands in \
                  rehearsal-leftovers.json in the state directory."
)]
pub struct RehearseArgs {
    /// Stop by itself after this time (such as 5m), with a summary; bookings and report are
    /// finished first
    #[arg(long = "for", value_name = "DURATION", value_parser = config::duration::parse)]
    pub for_duration: Option<Duration>,
    /// Port of the page on 127.0.0.1 [default: a free one]
    #[arg(long, value_name = "N")]
    pub port: Option<u16>,
    /// Book the last free time of each resource in OpenVPMS, look at it, and cancel it again
    #[arg(long)]
    pub book: bool,
    /// Write what was seen of Healthengine's suggested testing, as Markdown
    #[arg(long, value_name = "FILE")]
    pub report: Option<PathBuf>,
    /// Remove from OpenVPMS what an earlier rehearsal left there, and do nothing else
    #[arg(long, conflicts_with_all = ["for_duration", "port", "book", "report"])]
    pub remove_leftovers: bool,
    /// Forget what an earlier rehearsal left and --remove-leftovers cannot remove (it has no
    /// booking reference, is in another OpenVPMS, or OpenVPMS refuses), after somebody has looked
    /// for it in the diary, and do nothing else
    #[arg(long, conflicts_with_all = ["for_duration", "port", "book", "report", "remove_leftovers"])]
    pub strike_off: bool,
}

/// Arguments of `service`.
#[derive(Debug, Args)]
pub struct ServiceArgs {
    /// What to do.
    #[command(subcommand)]
    pub command: ServiceCommand,
}

/// What to do with the service of Windows.
#[derive(Debug, Clone, PartialEq, Eq, Subcommand)]
pub enum ServiceCommand {
    /// Make the directories of configuration, state and log, closed to other users
    Prepare {
        /// Instead make this folder for the program, so that administrators alone can change what
        /// is in it
        #[arg(long, value_name = "DIRECTORY")]
        program_folder: Option<PathBuf>,
    },
    /// Install the service for this configuration, or bring an installed one up to date; it starts
    /// with the computer
    Install {
        /// And start it
        #[arg(long)]
        start: bool,
    },
    /// Stop and remove the service; configuration, state and log stay
    Uninstall,
    /// Start the service, and wait until it runs
    Start,
    /// Stop the service, and wait until it has left
    Stop,
    /// Stop and start the service
    Restart,
    /// Have the service read its configuration again
    Reload,
    /// Say whether the service runs (exit status 0) or not (1)
    Status,
    /// What Windows starts
    #[command(hide = true)]
    Run,
}

/// Arguments of `completions`.
#[derive(Debug, Args)]
pub struct CompletionsArgs {
    /// The shell
    pub shell: Shell,
}

/// Arguments of `man`.
#[derive(Debug, Args)]
pub struct ManArgs {
    /// Writes vetbridge.1, vetbridge-run.1 … here instead of printing vetbridge.1
    pub directory: Option<PathBuf>,
}

impl Global {
    /// The configuration file that this command is about.
    pub(super) fn config_file(&self) -> Result<PathBuf, ConfigError> {
        config::locate(self.named_config())
    }

    /// The same as it was named, if it was.
    pub(super) fn named_config(&self) -> Option<PathBuf> {
        let named = || std::env::var_os(config::VARIABLE).filter(|name| !name.is_empty()).map(PathBuf::from);
        self.config.clone().or_else(named)
    }
}
