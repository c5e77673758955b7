//! The configuration: one TOML file, read whole, checked whole, turned into types that cannot be wrong.
//!
//! Model: `file` reads TOML into tables that know the position of everything in them and which of their keys were asked
//! for; `validate` takes from them what the program needs and collects a `Problem` for everything that is not as it must
//! be. So a file is judged in one go: either a [`Config`] comes out, or *every* problem of the file, in the order of its lines.
//!
//! Promises
//! - No message holds a line of the file or a value that could be a secret: position, key and what was expected, never more.
//! - Secrets are [`Secret`]s from the moment they are read; `Debug` of a [`Config`] shows none.
//! - What stands in a [`Config`] is within the bounds that its fields name. Nobody needs to check again.
//!
//! What only the servers can tell (does location 98 exist?) is `vetbridge check`'s, see `cli::check`.

use std::cell::RefCell;
use std::collections::BTreeSet;
use std::fs::File;
use std::io::Read;
use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};
use std::time::Duration;

use chrono::NaiveTime;
use reqwest::Url;
use secrecy::ExposeSecret as _;

use crate::ids::{LocationId, PracticeId, ResourceId, ScheduleId, UserId};
use crate::zone::Zone;

pub mod certificate;
pub mod duration;
mod file;
pub mod in_force;
pub mod live_hours;
mod practices;
mod problem;
pub mod proxy;
mod secret;
mod validate;
mod values;
pub mod watch;

pub use live_hours::LiveHours;
pub use problem::{ConfigError, Problem};
pub use secret::{Oddity, Secret};

use crate::messages::config as say;
use problem::Problems;
use secret::Surroundings;

/// The example of a whole file, with a word on every key.
pub const EXAMPLE: &str = include_str!("../../config/vetbridge.example.toml");

/// Where the configuration is looked for when nobody names it: here, then there.
const USUAL_PLACES: [&str; 2] = ["vetbridge.toml", "/etc/vetbridge/vetbridge.toml"];
/// No configuration is larger.
const LARGEST_BYTES: u64 = 1024 * 1024;

/// Which file to read: the one that was named (by `--config`, else by `VETBRIDGE_CONFIG`), else the first that exists of
/// `./vetbridge.toml` and `/etc/vetbridge/vetbridge.toml`.
pub fn locate(named: Option<PathBuf>) -> Result<PathBuf, ConfigError> {
    let usual = || USUAL_PLACES.iter().map(PathBuf::from).find(|place| place.exists());
    named
        .or_else(usual)
        .ok_or_else(|| ConfigError::of_file(USUAL_PLACES[0], say::nowhere(&USUAL_PLACES.map(Path::new))))
}

/// Reads a configuration, with the secrets it refers to. The error holds every problem of the file.
pub fn load(path: &Path) -> Result<Config, ConfigError> {
    load_with_files(path).0
}

/// The same, with the other files that it depends on (secrets, certificates), whether they could be read or not: what changes
/// there is a change of the configuration.
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
    pub openvpms: OpenVpms,
    /// How far ahead to look, where the file says so.
    pub sync: Sync,
}

/// Reads `[openvpms]` and, if it is there, `[sync]`; whatever else the file holds, or lacks, is not judged.
pub fn load_openvpms(path: &Path) -> Result<OpenVpmsOnly, ConfigError> {
    let text = read(path)?;
    judge(path, &text, |root, problems| {
        let around = surroundings(path, &secret::process_environment);
        let root = file::Table::root(root, problems);
        let (openvpms, sync) = (validate::openvpms(&root, &around), validate::sync(&root));
        Some(OpenVpmsOnly { openvpms: openvpms?, sync: sync? })
    })
}

/// What a command needs that talks to the running service, or looks into its state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Instance {
    /// The state directory.
    pub state_path: PathBuf,
    /// Where the service listens, if it runs.
    pub admin_listen: SocketAddr,
}

/// Reads `[state]` and `[admin]`; whatever else the file holds, or lacks, is not judged. In particular no secret is read: those
/// may be there for the service alone.
pub fn load_instance(path: &Path) -> Result<Instance, ConfigError> {
    let text = read(path)?;
    judge(path, &text, |root, problems| {
        let around = surroundings(path, &secret::process_environment);
        let root = file::Table::root(root, problems);
        let (state_path, admin_listen) = (validate::state_path(&root, &around), validate::admin(&root));
        Some(Instance { state_path: state_path?, admin_listen: admin_listen?.0 })
    })
}

/// The configuration that a text stands for, as if it were the file at `path`, in this environment (a variable's value, or why
/// there is none).
pub fn parse(
    path: &Path,
    text: &str,
    env: &dyn Fn(&str) -> Result<String, std::env::VarError>,
) -> Result<Config, ConfigError> {
    parse_with_files(path, text, env).0
}

fn parse_with_files(
    path: &Path,
    text: &str,
    env: &dyn Fn(&str) -> Result<String, std::env::VarError>,
) -> (Result<Config, ConfigError>, BTreeSet<PathBuf>) {
    let around = surroundings(path, env);
    let outcome = judge(path, text, |root, problems| {
        let root = file::Table::root(root, problems);
        let config = validate::config(&root, &around, path.to_owned());
        root.finish();
        config
    });
    (outcome, around.files.into_inner())
}

fn surroundings<'a>(path: &'a Path, env: &'a dyn Fn(&str) -> Result<String, std::env::VarError>) -> Surroundings<'a> {
    Surroundings { base: base(path), env, files: RefCell::default() }
}

/// Hands the parsed text to `read`; what that reports, and what is wrong with the syntax, is the error.
fn judge<T>(
    path: &Path,
    text: &str,
    read: impl FnOnce(&toml::de::DeTable<'_>, &Problems<'_>) -> Option<T>,
) -> Result<T, ConfigError> {
    let (root, syntax) = file::parse(text);
    let problems = Problems::new(text, syntax);
    match read(root.get_ref(), &problems) {
        Some(config) if problems.is_empty() => Ok(config),
        _ => Err(problems.into_error(path)),
    }
}

fn read(path: &Path) -> Result<String, ConfigError> {
    let mut text = String::new();
    let outcome = File::open(path).and_then(|file| file.take(LARGEST_BYTES + 1).read_to_string(&mut text));
    let unreadable = |error| ConfigError::of_file(path, say::unreadable(&error));
    match outcome.map_err(unreadable)? {
        length if length as u64 > LARGEST_BYTES => Err(ConfigError::of_file(path, say::too_large(LARGEST_BYTES))),
        _ => Ok(text),
    }
}

/// What relative paths of the file are relative to.
fn base(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new(""))
}

/// A whole, valid configuration.
#[derive(Debug, Clone, PartialEq)]
pub struct Config {
    /// The practice system.
    pub openvpms: OpenVpms,
    /// The marketplace.
    pub healthengine: Healthengine,
    /// The state directory: database and admin token. Relative paths are already resolved.
    pub state_path: PathBuf,
    /// Where the status page, health, metrics and the admin API listen.
    pub admin_listen: SocketAddr,
    /// Names, beside its address and `localhost`, that the admin listener may be asked by; lower case.
    pub admin_hosts: Vec<String>,
    /// Where Healthengine may call us; without it the bridge polls.
    pub webhooks: Option<Webhooks>,
    /// What is synchronised how often.
    pub sync: Sync,
    /// How bookings are treated.
    pub bookings: Bookings,
    /// The practices, in the order of the file, ids distinct. Disabled ones are among them.
    pub practices: Vec<Practice>,
    /// The file this was read from.
    pub source: PathBuf,
}

/// How to reach OpenVPMS.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenVpms {
    /// The web application; the client appends `/ws/booking/v2`. http or https, no user, query or fragment. A path may end with
    /// a slash or not, as in the file.
    pub url: Url,
    /// The user with the role Online Booking. No colon in it (HTTP Basic has no room for one).
    pub username: String,
    /// Their password.
    pub password: Secret,
    /// A private certificate authority (PEM).
    pub ca_file: Option<certificate::CaFile>,
    /// The proxy that leads there.
    pub proxy: Option<proxy::Proxy>,
    /// True if http is allowed to hosts that are neither loopback nor private addresses.
    pub allow_plain_http: bool,
    /// 1 to 1000.
    pub max_requests_per_second: u32,
    /// How long one call may take, at least 100 ms.
    pub request_timeout: Duration,
}

/// How to reach Healthengine; what all practices share.
#[derive(Debug, Clone, PartialEq)]
pub struct Healthengine {
    /// The base URL of the PMS API, with its version.
    pub url: Url,
    /// The proxy that leads there.
    pub proxy: Option<proxy::Proxy>,
    /// The key of us, the API consumer.
    pub api_key: Secret,
    /// Who we are, for `User-Agent`. Printable ASCII without brackets.
    pub vendor: String,
    /// Whom Healthengine can write to about it. Printable ASCII without brackets.
    pub contact: String,
    /// Which of Healthengine's environments this is.
    pub environment: Environment,
    /// 1 to 1000.
    pub max_requests_per_second: u32,
    /// How long one call may take, at least 100 ms.
    pub request_timeout: Duration,
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
        shared.chain(proxies).chain(webhooks).chain(practices).collect()
    }

    /// Everything of it that can change without a change of the file: the secrets, and the certificate authority.
    pub fn referred(&self) -> Vec<Referred<'_>> {
        let secrets = self.secrets().into_iter().map(|(place, secret)| Referred {
            place,
            is_secret: true,
            content: secret.expose_secret().as_bytes(),
            is_copy: secret.is_copy(),
        });
        let certificates = self.openvpms.ca_file.iter().map(|file| Referred {
            place: "[openvpms] ca_file".to_owned(),
            is_secret: false,
            content: file.pem(),
            is_copy: file.is_copy(),
        });
        secrets.chain(certificates).collect()
    }

    /// What other commands need to find the service that runs with this configuration.
    pub fn instance(&self) -> Instance {
        Instance { state_path: self.state_path.clone(), admin_listen: self.admin_listen }
    }
}

impl Healthengine {
    /// What the API asks every consumer to say of itself: `vendor (contact) environment`.
    pub fn user_agent(&self) -> String {
        format!("{} ({}) {}", self.vendor, self.contact, self.environment.name())
    }
}

/// An environment of Healthengine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Environment {
    /// Development.
    Dev,
    /// User acceptance tests.
    Uat,
    /// Production.
    Prod,
}

impl Environment {
    /// As configured and as sent.
    pub fn name(self) -> &'static str {
        match self {
            Self::Dev => "DEV",
            Self::Uat => "UAT",
            Self::Prod => "PROD",
        }
    }
}

/// A webhook secret of fewer characters can be guessed,
const SECRET_CHARS_MIN: usize = 16;
/// and so can one of fewer different ones, such as `aaaaaaaaaaaaaaaa`.
const SECRET_CHARS_DIFFERENT_MIN: usize = 6;

/// The webhook listener.
#[derive(Debug, Clone, PartialEq)]
pub struct Webhooks {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What Healthengine calls it: https, perhaps with a path, without user, query or fragment. `/webhooks/<secret>` follows.
    pub public_url: Url,
    /// The last segment of the path; only characters that need no escape in one.
    pub secret: Secret,
    /// Who may call.
    pub allowed_ips: Vec<IpAddr>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl Webhooks {
    /// What every callback of ours begins with: `<public_url>/webhooks/`.
    pub fn prefix(&self) -> String {
        format!("{}/webhooks/", self.public_url.as_str().trim_end_matches('/'))
    }

    /// True for a secret that can be guessed: short, or of few different characters. Whoever has it can make the bridge poll.
    pub fn secret_is_weak(&self) -> bool {
        let secret = self.secret.expose_secret();
        let different: BTreeSet<char> = secret.chars().collect();
        secret.chars().count() < SECRET_CHARS_MIN || different.len() < SECRET_CHARS_DIFFERENT_MIN
    }

    /// What Healthengine calls. Ends in the secret.
    pub fn callback_url(&self) -> String {
        format!("{}{}", self.prefix(), self.secret.expose_secret())
    }
}

/// What is synchronised how often. No interval is under 100 ms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sync {
    /// How many days are offered, today among them; 1 to 366.
    pub horizon_days: u32,
    /// How many of them are read at the short interval; 1 to `horizon_days`.
    pub near_days: u32,
    /// Between two readings of the near days.
    pub availability_interval: Duration,
    /// Between two readings of the whole horizon.
    pub far_availability_interval: Duration,
    /// Between two polls inside the live hours.
    pub request_interval: Duration,
    /// Between two polls outside them, and while webhooks arrive.
    pub idle_request_interval: Duration,
    /// Between two readings of locations, schedules, types and users.
    pub config_interval: Duration,
    /// When everything is sent again, at practice time.
    pub full_resync_at: NaiveTime,
    /// Nothing is offered sooner than this from now; may be zero.
    pub min_notice: Duration,
    /// The longest wait between two tries while a server is away.
    pub max_retry_interval: Duration,
    /// Which way doubt about a clinician's roster falls.
    pub clinician_doubt: ClinicianDoubt,
}

/// What to do with a time of a clinician that may be taken by somebody else's appointment, or by his.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClinicianDoubt {
    /// Offer it.
    Offer,
    /// Do not offer it.
    Withhold,
}

/// How bookings are treated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Bookings {
    /// What becomes of a booking that arrives while OpenVPMS cannot be reached.
    pub when_openvpms_is_down: WhenDown,
    /// A settled booking is forgotten this long after its appointment; 1 to 3650.
    pub keep_days: u32,
    /// How long a client's spelling is remembered, 0 to 3650; 0 is never.
    pub client_memory_days: u32,
    /// What the pet's name is labelled with in the reason a pet owner writes; trimmed, not blank, without a colon.
    pub patient_name_labels: Vec<String>,
}

/// What becomes of a booking that arrives while OpenVPMS cannot be reached.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum WhenDown {
    /// It is rejected in time, so that the pet owner is shown other times.
    Reject,
    /// It stays open and is made when OpenVPMS is back.
    Hold,
}

/// One practice: an account at Healthengine over one or more locations of OpenVPMS.
#[derive(Debug, Clone, PartialEq)]
pub struct Practice {
    /// Its id at Healthengine.
    pub id: PracticeId,
    /// Its key at Healthengine.
    pub key: Secret,
    /// Its locations in OpenVPMS: at least one, distinct.
    pub locations: Vec<LocationId>,
    /// False if it is to be silent.
    pub enabled: bool,
    /// Its zone as Healthengine sees it, always that of a place; needed where OpenVPMS reports none.
    pub timezone: Option<Zone>,
    /// When we promise to answer.
    pub live_hours: LiveHours,
    /// What it offers, distinct; empty means every schedule at its locations.
    pub resources: Vec<ResourceEntry>,
}

/// A schedule, or a clinician on a schedule, that a practice offers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceEntry {
    /// Where appointments go.
    pub schedule: ScheduleId,
    /// Who sees the patient, for a resource that is a clinician.
    pub user: Option<UserId>,
    /// Its name at Healthengine, instead of the one from OpenVPMS.
    pub name: Option<String>,
}

impl ResourceEntry {
    /// The id that Healthengine knows it by.
    pub fn id(&self) -> ResourceId {
        ResourceId { schedule: self.schedule, user: self.user }
    }
}
