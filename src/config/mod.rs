//! The configuration: one TOML file, read whole, checked whole, turned into types that cannot be
//! wrong.
//!
//! # Model
//! `toml_reader` reads TOML into tables that know the position of every value and which of their
//! keys were asked for. The file of each section takes from its table what the program needs.
//! Whatever is not as it must be becomes a [`ConfigProblem`]. So a file is judged in one go: the
//! result is either a [`Config`] or *every* problem, in the order of the lines.
//!
//! | section | its file: struct, defaults, reading, bounds |
//! | --- | --- |
//! | `[openvpms]` | `openvpms`; with `certificate`, `proxy` and `request_limits` |
//! | `[healthengine]` | `healthengine`; with `proxy` and `request_limits` |
//! | `[state]` | `state` |
//! | `[admin]` | `admin` |
//! | `[alerts]` | `alerts`; with `certificate` and `proxy` |
//! | `[webhooks]` | `webhooks` |
//! | `[sync]` | `sync` |
//! | `[bookings]` | `bookings` |
//! | `[[practice]]` | `practices`, with [`live_hours`], `resources` and `rules`; `claims` holds what must be true between practices |
//!
//! Every section reads its keys with `values` (texts, numbers, addresses), [`duration`] and
//! `secret`. A running service notices a changed file with [`watch`], and notes with
//! [`secrets_in_force`] which secrets it has.
//!
//! # Promises
//! - No message holds a line of the file or a value that could be a secret. It holds the position,
//!   the key and what was expected.
//! - Secrets are [`Secret`]s from the moment they are read; `Debug` of a [`Config`] shows none.
//! - What stands in a [`Config`] is within the bounds that its fields name. Nobody needs to check
//!   again.
//!
//! Only the servers can tell whether, say, location 98 exists: `vetbridge check` asks them, see
//! [`crate::cli`].

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::env::VarError;
use std::fs::{self, File};
use std::io::Read;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};

use reqwest::Url;
use secrecy::{ExposeSecret as _, zeroize::Zeroizing};

mod admin;
mod alerts;
mod bookings;
pub mod certificate;
mod claims;
pub mod duration;
mod healthengine;
pub mod live_hours;
mod openvpms;
mod practices;
mod problem;
pub mod proxy;
mod request_limits;
mod resources;
mod rules;
#[cfg(test)]
pub(crate) mod sample;
mod secret;
pub mod secrets_in_force;
mod state;
mod sync;
mod toml_reader;
mod values;
pub mod watch;
mod webhooks;

pub use admin::ADMIN_LISTEN;
pub use alerts::{AlertSettings, EmailSettings, MailSecurity, SecretUrl};
pub use bookings::{BookingSettings, WhenDown};
pub use healthengine::{Environment, HealthengineSettings};
pub use live_hours::LiveHours;
pub use openvpms::OpenVpmsSettings;
pub use practices::PracticeSettings;
pub use problem::{ConfigError, ConfigProblem};
pub use resources::ResourceEntry;
pub use secret::Secret;
pub use sync::{ClinicianDoubtSetting, SyncSettings};
pub use webhooks::WebhookSettings;

use crate::characters::is_utf16;
use crate::messages::config_file as say;
use crate::messages::typed_commands::TypedCommands;
use crate::os::ownership::ForeignHand;
use crate::os::{access, places};
use crate::polling::call_rates::CallBudget;
use problem::ConfigProblems;
use secret::Surroundings;
use toml_reader::Table;

/// The example of a whole file, with a word on every key.
pub const EXAMPLE: &str = include_str!("../../config/vetbridge.example.toml");

/// The variable that names the configuration where `--config` does not.
pub const VARIABLE: &str = "VETBRIDGE_CONFIG";

/// Where the configuration is looked for when nobody names it: here, then there.
fn usual_places() -> [PathBuf; 2] {
    ["vetbridge.toml".into(), places::config_file()]
}
/// No configuration is larger.
const LARGEST_BYTES: u64 = 1024 * 1024;
/// Room for what a file grew by since its length was asked for.
const READ_AT_ONCE_BYTES: u64 = 4096;

/// Which file to read: the one that was named (by `--config`, else by `VETBRIDGE_CONFIG`), else the
/// first that exists of `./vetbridge.toml` and [`places::config_file`].
///
/// A `./vetbridge.toml` in which somebody else has a hand is refused: they could have put it where
/// the next command is typed, to be sent the passwords that it reads.
pub fn locate(named: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    if let Some(named) = named {
        return Ok(named);
    }
    let [here, everywhere] = usual_places();
    if !here.exists() {
        let nowhere = || ConfigError::of_file(&here, say::nowhere(&[&here, &everywhere]));
        return if everywhere.exists() { Ok(everywhere) } else { Err(nowhere()) };
    }
    if is_same_folder(&here, &everywhere) {
        return Ok(here);
    }
    let named = std::path::absolute(&here).unwrap_or_else(|_| here.clone());
    match access::foreign_hand(&here) {
        Ok(None) => Ok(here),
        Ok(Some(ForeignHand { path, hand })) => {
            let told = say::found_of_others(&named, &path, &hand, &everywhere);
            Err(ConfigError::of_file(named, told))
        }
        Err(error) => Err(ConfigError::of_file(named, say::unreadable(&error))),
    }
}

/// True where the one path would lead to the same file as the other, with everything beside it.
fn is_same_folder(one: &Path, other: &Path) -> bool {
    let folder = |path: &Path| std::path::absolute(path).ok()?.parent()?.canonicalize().ok();
    folder(one).is_some_and(|one| folder(other) == Some(one))
}

/// True if commands that name no file find this one wherever they are typed.
pub fn is_found_everywhere(path: &Path) -> bool {
    path == places::config_file()
}

/// Commands as they find this configuration, wherever they are typed.
pub fn commands_for(path: &Path) -> TypedCommands {
    let named = (!is_found_everywhere(path)).then(|| std::path::absolute(path).ok()).flatten();
    named.map(|path| TypedCommands::with_config(&path.display().to_string())).unwrap_or_default()
}

/// Reads a configuration, with the secrets it refers to. The error holds every problem of the file.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_with_files(path).0
}

/// The same, with the other files that it depends on (secrets, certificates), whether they could be
/// read or not: what changes there is a change of the configuration.
pub fn load_with_files(path: &Path) -> (Result<Config, ConfigError>, BTreeSet<PathBuf>) {
    match read(path) {
        Ok(text) => parse_with_files(path, &text, &secret::process_environment),
        Err(error) => (Err(error), BTreeSet::new()),
    }
}

/// What `vetbridge discover` needs of a configuration that may be no more than an `[openvpms]`.
#[derive(Debug, Clone)]
pub struct OpenVpmsOnly {
    /// The practice system.
    pub openvpms: OpenVpmsSettings,
    /// How far ahead to look, where the file says so.
    pub sync: SyncSettings,
}

/// Reads `[openvpms]` and, if it is there, `[sync]`; whatever else the file holds, or lacks, is not
/// judged.
pub fn load_openvpms(path: &Path) -> Result<OpenVpmsOnly, ConfigError> {
    load_sections(path, |root, around| {
        let (openvpms, sync) = (openvpms::read(&root, around), sync::read(&root));
        Some(OpenVpmsOnly { openvpms: openvpms?, sync: sync? })
    })
}

/// Reads what a rehearsal needs: OpenVPMS, and what is offered of it. The built-in Healthengine
/// stands in the place of the real one, so nothing of `[healthengine]`, `[webhooks]` and `[alerts]`
/// is read, and no secret of theirs. A practice may lack its key, its id and its live hours;
/// without any it is live day and night.
pub fn load_for_rehearsal(path: &Path) -> Result<Config, ConfigError> {
    load_sections(path, |root, around| {
        let config = rehearsal_config(&root, around, path.to_owned());
        root.finish();
        config
    })
}

/// What a command needs that talks to the running service, or looks into its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The file that this was read from.
    pub source: PathBuf,
    /// The state directory.
    pub state_path: PathBuf,
    /// Where the service listens, if it runs.
    pub admin_listen: SocketAddr,
}

/// Reads `[state]` and `[admin]`; whatever else the file holds, or lacks, is not judged. In
/// particular no secret is read: those may be there for the service alone.
pub fn load_instance(path: &Path) -> Result<Instance, ConfigError> {
    load_sections(path, |root, around| {
        let (state_path, admin_listen) = (state::read(&root, around), admin::read(&root));
        Some(Instance { source: path.to_owned(), state_path: state_path?, admin_listen: admin_listen?.0 })
    })
}

/// What `vetbridge rehearse --strike-off` needs: where the list is, and which OpenVPMS is the
/// configured one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftoversPlace {
    /// The state directory.
    pub state_path: PathBuf,
    /// The address of OpenVPMS.
    pub openvpms_url: Url,
}

/// Reads `[state]` and `[openvpms] url`; whatever else the file holds, or lacks, is not judged. In
/// particular no secret is read: those may be there for the service alone.
pub fn load_leftovers_place(path: &Path) -> Result<LeftoversPlace, ConfigError> {
    load_sections(path, |root, around| {
        let (state_path, openvpms_url) = (state::read(&root, around), openvpms::read_url(&root));
        Some(LeftoversPlace { state_path: state_path?, openvpms_url: openvpms_url? })
    })
}

/// Reads some sections of a file, in the environment of this process. What is not read is judged
/// only where `read_from` finishes the root.
fn load_sections<T>(
    path: &Path,
    read_from: impl FnOnce(Table<'_>, &Surroundings<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let text = read(path)?;
    judge(path, &text, |root, problems| {
        read_from(Table::root(root, problems), &surroundings(path, &secret::process_environment))
    })
}

/// The configuration that a text stands for, as if it were the file at `path`, in this environment
/// (a variable's value, or why there is none).
pub fn parse(path: &Path, text: &str, env: &dyn Fn(&str) -> Result<String, VarError>) -> Result<Config, ConfigError> {
    parse_with_files(path, text, env).0
}

fn parse_with_files(
    path: &Path,
    text: &str,
    env: &dyn Fn(&str) -> Result<String, VarError>,
) -> (Result<Config, ConfigError>, BTreeSet<PathBuf>) {
    let around = surroundings(path, env);
    let outcome = judge(path, text, |root, problems| {
        let root = Table::root(root, problems);
        let config = config(&root, &around, path.to_owned());
        root.finish();
        config
    });
    (outcome, around.files.into_inner())
}

/// Every section. `None` means that a problem was reported. `Some` does not mean that none was: the
/// caller looks.
///
/// Every section is read before any of them is unwrapped, so that one problem does not hide
/// another.
fn config(root: &Table<'_>, around: &Surroundings<'_>, source: PathBuf) -> Option<Config> {
    let openvpms = openvpms::read(root, around);
    let healthengine = healthengine::read(root, around);
    let state_path = state::read(root, around);
    let (admin_listen, admin_hosts) = admin::read(root).unzip();
    let webhooks = webhooks::read(root, around, admin_listen);
    let sync = sync::read(root);
    let bookings = bookings::read(root);
    let alerts = alerts::read(root, around);
    let practices = practices::read(root, around);
    Some(Config {
        openvpms: openvpms?,
        healthengine: healthengine?,
        state_path: state_path?,
        admin_listen: admin_listen?,
        admin_hosts: admin_hosts?,
        webhooks: webhooks?,
        sync: sync?,
        bookings: bookings?,
        alerts: alerts?,
        practices,
        source,
    })
}

/// As [`config`], without what a rehearsal does not use.
fn rehearsal_config(root: &Table<'_>, around: &Surroundings<'_>, source: PathBuf) -> Option<Config> {
    let openvpms = openvpms::read(root, around);
    let state_path = state::read(root, around);
    let admin = admin::read(root);
    let sync = sync::read(root);
    let bookings = bookings::read(root);
    let practices = practices::read_for_rehearsal(root);
    // They are known, and not looked into.
    let _unread = ["healthengine", "webhooks", "alerts"].map(|table| root.get(table));
    let (admin_listen, admin_hosts) = admin?;
    Some(Config {
        openvpms: openvpms?,
        healthengine: HealthengineSettings::built_in()?,
        state_path: state_path?,
        admin_listen,
        admin_hosts,
        webhooks: None,
        sync: sync?,
        bookings: bookings?,
        alerts: None,
        practices,
        source,
    })
}

fn surroundings<'a>(path: &'a Path, env: &'a dyn Fn(&str) -> Result<String, VarError>) -> Surroundings<'a> {
    Surroundings { base: base(path), env, files: RefCell::default() }
}

/// Hands the parsed text to `read`; what that reports, and what is wrong with the syntax, is the
/// error.
fn judge<T>(
    path: &Path,
    text: &str,
    read: impl FnOnce(&toml::de::DeTable<'_>, &ConfigProblems<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let (root, syntax) = toml_reader::parse(text);
    let problems = ConfigProblems::new(text, syntax);
    match read(root.get_ref(), &problems) {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems.into_error(path)),
    }
}

/// The text can hold secrets, so it is wiped, and no buffer grows meanwhile.
fn read(path: &Path) -> Result<Zeroizing<String>, ConfigError> {
    let bytes_max = fs::metadata(path).map_or(0, |file| file.len().min(LARGEST_BYTES)) + READ_AT_ONCE_BYTES;
    let mut bytes = Zeroizing::new(Vec::with_capacity(bytes_max as usize));
    let outcome = File::open(path).and_then(|file| file.take(LARGEST_BYTES + 1).read_to_end(&mut bytes));
    outcome.map_err(|error| ConfigError::of_file(path, say::unreadable(&error)))?;
    if bytes.len() as u64 > LARGEST_BYTES {
        return Err(ConfigError::of_file(path, say::too_large(LARGEST_BYTES)));
    }
    if is_utf16(&bytes) {
        return Err(ConfigError::of_file(path, say::UTF16));
    }
    std::str::from_utf8(&bytes).map(|text| Zeroizing::new(text.to_owned())).map_err(|error| {
        let before = &bytes[..error.valid_up_to()];
        let line = before.iter().filter(|byte| **byte == b'\n').count() + 1;
        ConfigError::of_file(path, say::no_utf8(line))
    })
}

/// What relative paths of the file are relative to.
fn base(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// A whole, valid configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The practice system.
    pub openvpms: OpenVpmsSettings,
    /// The marketplace.
    pub healthengine: HealthengineSettings,
    /// The state directory: database and admin token. Relative paths are already resolved.
    pub state_path: PathBuf,
    /// Where the status page, health, metrics and the admin API listen.
    pub admin_listen: SocketAddr,
    /// Names, beside its address and `localhost`, that the admin listener may be asked by; lower
    /// case.
    pub admin_hosts: Vec<String>,
    /// Where Healthengine may call us; without it the bridge polls.
    pub webhooks: Option<WebhookSettings>,
    /// What is synchronised how often.
    pub sync: SyncSettings,
    /// How bookings are treated.
    pub bookings: BookingSettings,
    /// Who is told when something needs a person, if anybody.
    pub alerts: Option<AlertSettings>,
    /// The practices, in the order of the file, ids distinct. Disabled ones are among them.
    pub practices: Vec<PracticeSettings>,
    /// The file this was read from.
    pub source: PathBuf,
}

/// Something that the file refers to, or holds.
pub struct Referred<'a> {
    /// Its place in the file.
    pub place: String,
    /// False for a certificate.
    pub is_secret: bool,
    /// What it says. No `Debug` shows it.
    pub content: &'a [u8],
    /// True if the process has a copy from its start: a change needs a restart.
    pub is_copy: bool,
}

impl Config {
    /// How often both servers are asked, and how often they may be.
    pub fn call_budget(&self) -> CallBudget {
        let sync = &self.sync;
        CallBudget {
            poll_interval: sync.request_interval.min(sync.idle_request_interval),
            reading_interval: sync.availability_interval.min(sync.far_availability_interval),
            config_interval: sync.config_interval,
            openvpms_per_second: self.openvpms.max_requests_per_second,
            healthengine_per_second: self.healthengine.max_requests_per_second,
        }
    }

    /// Every secret with its place in the file.
    pub fn secrets(&self) -> Vec<(String, &Secret)> {
        let shared =
            [("[openvpms] password", &self.openvpms.password), ("[healthengine] api_key", &self.healthengine.api_key)];
        let webhooks = self.webhooks.iter().map(|webhooks| ("[webhooks] secret".to_owned(), &webhooks.secret));
        let practices = self.practices.iter().map(|practice| (format!("practice {} key", practice.id), &practice.key));
        let proxies = [("[openvpms] proxy", &self.openvpms.proxy), ("[healthengine] proxy", &self.healthengine.proxy)];
        let proxies =
            proxies.into_iter().filter_map(|(place, proxy)| Some((place.to_owned(), proxy.as_ref()?.secret())));
        let shared = shared.map(|(place, secret)| (place.to_owned(), secret)).into_iter();
        let alerts = self.alerts.iter().flat_map(AlertSettings::secrets);
        let alerts = alerts.map(|(place, secret)| (place.to_owned(), secret));
        shared.chain(proxies).chain(webhooks).chain(alerts).chain(practices).collect()
    }

    /// Everything of it that can change without a change of the file: the secrets, and the
    /// certificate authority.
    pub fn referred(&self) -> Vec<Referred<'_>> {
        let secrets = self.secrets().into_iter().map(|(place, secret)| Referred {
            place,
            is_secret: true,
            content: secret.expose_secret().as_bytes(),
            is_copy: secret.is_copy(),
        });
        let ca_files = [
            ("[openvpms] ca_file", self.openvpms.ca_file.as_ref()),
            ("[alerts] ca_file", self.alerts.as_ref().and_then(|alerts| alerts.ca_file.as_ref())),
        ];
        let ca_files = ca_files.into_iter().filter_map(|(place, file)| Some((place, file?)));
        let certificates = ca_files.map(|(place, file)| Referred {
            place: place.to_owned(),
            is_secret: false,
            content: file.pem(),
            is_copy: file.is_copy(),
        });
        secrets.chain(certificates).collect()
    }

    /// What other commands need to find the service that runs with this configuration.
    pub fn instance(&self) -> Instance {
        Instance { source: self.source.clone(), state_path: self.state_path.clone(), admin_listen: self.admin_listen }
    }
}
