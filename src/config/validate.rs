//! From tables to settings: every key, its bounds and its default. The table of contents is `vetbridge.example.toml`.

use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::path::PathBuf;
use std::time::Duration;

use chrono::NaiveTime;
use reqwest::Url;
use secrecy::ExposeSecret;

use super::certificate::ca_file;
use super::file::{Table, Value};
use super::proxy::proxy;
use super::secret::Surroundings;
use super::values::{
    choice, duration, host, interval, ip, is_readable_on_the_way, label, listen, time_of_day, url, user_agent_words,
    username, whole, words,
};
use super::{
    Bookings, ClinicianDoubt, Config, Environment, Healthengine, OpenVpms, Sync, Webhooks, WhenDown, practices,
};
use crate::messages::config as say;

/// The URL of the PMS API in production.
const HEALTHENGINE_URL: &str = "https://healthengine.com.au/pms-api/v1";
/// From where Healthengine sends webhooks (PMS API, webhooks).
const HEALTHENGINE_SENDERS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(13, 55, 48, 1)),
    IpAddr::V4(Ipv4Addr::new(52, 62, 53, 70)),
    IpAddr::V4(Ipv4Addr::new(13, 54, 122, 64)),
];
const STATE_PATH: &str = "/var/lib/vetbridge";
const ADMIN_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8686);
const WEBHOOKS_LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8687);
const PATIENT_NAME_LABELS: [&str; 4] = ["pet name", "pet's name", "patient name", "animal name"];
const REQUEST_TIMEOUT: Duration = Duration::from_secs(10);
const REQUESTS_PER_SECOND: u32 = 10;
const REQUESTS_PER_SECOND_MOST: u32 = 1000;
const DAYS_KEPT: u32 = 400;
const DAYS_KEPT_MOST: u32 = 3650;
const HORIZON_DAYS_MOST: u32 = 366;

/// Everything. `None` means that something was reported; so may `Some` be followed by reports, and the caller looks.
///
/// Everything is read before any of it is unwrapped, so that one problem does not hide another.
pub(super) fn config(root: &Table<'_>, around: &Surroundings<'_>, source: PathBuf) -> Option<Config> {
    let openvpms = openvpms(root, around);
    let healthengine = root.required_table("healthengine").and_then(|table| healthengine(table, around));
    let state_path = state_path(root, around);
    let (admin_listen, admin_hosts) = admin(root).unzip();
    let webhooks = match root.table("webhooks") {
        Some(table) => webhooks(table, around, admin_listen).map(Some),
        None => Some(None),
    };
    let sync = sync(root);
    let bookings = bookings(root.table("bookings"));
    let practices = practices::practices(root.tables("practice"), around);
    Some(Config {
        openvpms: openvpms?,
        healthengine: healthengine?,
        state_path: state_path?,
        admin_listen: admin_listen?,
        admin_hosts: admin_hosts?,
        webhooks: webhooks?,
        sync: sync?,
        bookings: bookings?,
        practices,
        source,
    })
}

/// `[openvpms]`.
pub(super) fn openvpms(root: &Table<'_>, around: &Surroundings<'_>) -> Option<OpenVpms> {
    let table = root.required_table("openvpms")?;
    let allow_plain_http = table.or("allow_plain_http", false, Value::flag);
    let url = table.required("url", |value| {
        let url = url(&["http", "https"])(value)?;
        let refused = is_readable_on_the_way(&url) && allow_plain_http == Some(false);
        if refused { value.fail(say::plain_http(true)) } else { Some(url) }
    });
    let username = table.required("username", username);
    let password = table.required("password", |value| around.secret(value));
    let ca_file = table.optional("ca_file", |value| ca_file(value, around));
    let proxy = table.optional("proxy", |value| proxy(value, around));
    let max_requests_per_second = requests_per_second(&table);
    let request_timeout = table.or("request_timeout", REQUEST_TIMEOUT, interval);
    table.finish();
    Some(OpenVpms {
        url: url?,
        username: username?,
        password: password?,
        ca_file: ca_file?,
        proxy: proxy?,
        allow_plain_http: allow_plain_http?,
        max_requests_per_second: max_requests_per_second?,
        request_timeout: request_timeout?,
    })
}

fn healthengine(table: Table<'_>, around: &Surroundings<'_>) -> Option<Healthengine> {
    const ENVIRONMENTS: &[(&str, Environment)] =
        &[("DEV", Environment::Dev), ("UAT", Environment::Uat), ("PROD", Environment::Prod)];
    let default_url = Url::parse(HEALTHENGINE_URL).ok()?;
    let url = table.or("url", default_url, |value| {
        let url = url(&["http", "https"])(value)?;
        if is_readable_on_the_way(&url) { value.fail(say::plain_http(false)) } else { Some(url) }
    });
    let proxy = table.optional("proxy", |value| proxy(value, around));
    let api_key = table.required("api_key", |value| around.header_secret(value));
    let vendor = table.required("vendor", user_agent_words);
    let contact = table.required("contact", user_agent_words);
    let environment = table.required("environment", choice(ENVIRONMENTS));
    let max_requests_per_second = requests_per_second(&table);
    let request_timeout = table.or("request_timeout", REQUEST_TIMEOUT, interval);
    table.finish();
    Some(Healthengine {
        url: url?,
        proxy: proxy?,
        api_key: api_key?,
        vendor: vendor?,
        contact: contact?,
        environment: environment?,
        max_requests_per_second: max_requests_per_second?,
        request_timeout: request_timeout?,
    })
}

/// `[state]`.
pub(super) fn state_path(root: &Table<'_>, around: &Surroundings<'_>) -> Option<PathBuf> {
    let Some(table) = root.table("state") else { return Some(PathBuf::from(STATE_PATH)) };
    let path = table.or("path", STATE_PATH.to_owned(), words);
    table.finish();
    path.map(|path| around.path(&path))
}

/// `[admin]`.
pub(super) fn admin(root: &Table<'_>) -> Option<(SocketAddr, Vec<String>)> {
    let Some(table) = root.table("admin") else { return Some((ADMIN_LISTEN, Vec::new())) };
    let (address, hosts) =
        (table.or("listen", ADMIN_LISTEN, listen), table.or("hosts", Vec::new(), |value| value.list(host)));
    table.finish();
    address.zip(hosts)
}

/// Addresses of `allowed_ips`. None at all would refuse every webhook, which is hardly what somebody wants who takes the trouble to
/// configure them.
fn senders(value: &Value<'_>) -> Option<Vec<IpAddr>> {
    if value.items()?.is_empty() { value.fail(say::no_senders()) } else { value.list(ip) }
}

fn webhooks(table: Table<'_>, around: &Surroundings<'_>, admin_listen: Option<SocketAddr>) -> Option<Webhooks> {
    let listen = table.or("listen", WEBHOOKS_LISTEN, |value| {
        let address = listen(value)?;
        // Port 0 is a free port each time.
        let taken = admin_listen.filter(|admin| *admin == address && address.port() != 0);
        taken.map_or(Some(address), |admin| value.fail(say::same_listener(admin)))
    });
    let public_url = table.required("public_url", url(&["https"]));
    let secret = table.required("secret", |value| webhook_secret(value, around));
    let allowed_ips = table.or("allowed_ips", HEALTHENGINE_SENDERS.to_vec(), senders);
    let trusted_proxies = table.or("trusted_proxies", Vec::new(), |value| value.list(ip));
    table.finish();
    Some(Webhooks {
        listen: listen?,
        public_url: public_url?,
        secret: secret?,
        allowed_ips: allowed_ips?,
        trusted_proxies: trusted_proxies?,
    })
}

/// `[sync]`, all of it optional.
pub(super) fn sync(root: &Table<'_>) -> Option<Sync> {
    const DOUBT: &[(&str, ClinicianDoubt)] =
        &[("offer", ClinicianDoubt::Offer), ("withhold", ClinicianDoubt::Withhold)];
    let defaults = Sync::default();
    let Some(table) = root.table("sync") else { return Some(defaults) };
    let horizon_days = table.or("horizon_days", defaults.horizon_days, whole(1, HORIZON_DAYS_MOST));
    let near_most = horizon_days.unwrap_or(HORIZON_DAYS_MOST);
    let near_days = table.or("near_days", defaults.near_days.min(near_most), |value| {
        let days = whole(1, HORIZON_DAYS_MOST)(value)?;
        if days > near_most { value.fail(say::near_beyond_horizon(near_most.into())) } else { Some(days) }
    });
    let availability_interval = table.or("availability_interval", defaults.availability_interval, interval);
    let far_availability_interval = table.or("far_availability_interval", defaults.far_availability_interval, interval);
    let request_interval = table.or("request_interval", defaults.request_interval, interval);
    let idle_request_interval = table.or("idle_request_interval", defaults.idle_request_interval, interval);
    let config_interval = table.or("config_interval", defaults.config_interval, interval);
    let full_resync_at = table.or("full_resync_at", defaults.full_resync_at, time_of_day);
    let min_notice = table.or("min_notice", defaults.min_notice, duration);
    let max_retry_interval = table.or("max_retry_interval", defaults.max_retry_interval, interval);
    let clinician_doubt = table.or("clinician_doubt", defaults.clinician_doubt, choice(DOUBT));
    table.finish();
    Some(Sync {
        horizon_days: horizon_days?,
        near_days: near_days?,
        availability_interval: availability_interval?,
        far_availability_interval: far_availability_interval?,
        request_interval: request_interval?,
        idle_request_interval: idle_request_interval?,
        config_interval: config_interval?,
        full_resync_at: full_resync_at?,
        min_notice: min_notice?,
        max_retry_interval: max_retry_interval?,
        clinician_doubt: clinician_doubt?,
    })
}

fn bookings(table: Option<Table<'_>>) -> Option<Bookings> {
    const DOWN: &[(&str, WhenDown)] = &[("reject", WhenDown::Reject), ("hold", WhenDown::Hold)];
    let defaults = Bookings::default();
    let Some(table) = table else { return Some(defaults) };
    let when_openvpms_is_down = table.or("when_openvpms_is_down", defaults.when_openvpms_is_down, choice(DOWN));
    let keep_days = table.or("keep_days", defaults.keep_days, whole(1, DAYS_KEPT_MOST));
    let client_memory_days = table.or("client_memory_days", defaults.client_memory_days, whole(0, DAYS_KEPT_MOST));
    let labels = table.or("patient_name_labels", defaults.patient_name_labels, |value| value.list(label));
    table.finish();
    Some(Bookings {
        when_openvpms_is_down: when_openvpms_is_down?,
        keep_days: keep_days?,
        client_memory_days: client_memory_days?,
        patient_name_labels: labels?,
    })
}

impl Default for Sync {
    fn default() -> Self {
        const MINUTE: u64 = 60;
        Self {
            horizon_days: 60,
            near_days: 7,
            availability_interval: Duration::from_secs(MINUTE),
            far_availability_interval: Duration::from_secs(15 * MINUTE),
            request_interval: Duration::from_secs(5),
            idle_request_interval: Duration::from_secs(10),
            config_interval: Duration::from_secs(10 * MINUTE),
            full_resync_at: NaiveTime::from_hms_opt(3, 30, 0).unwrap_or_default(),
            min_notice: Duration::ZERO,
            max_retry_interval: Duration::from_secs(30),
            clinician_doubt: ClinicianDoubt::Offer,
        }
    }
}

impl Default for Bookings {
    fn default() -> Self {
        Self {
            when_openvpms_is_down: WhenDown::Reject,
            keep_days: DAYS_KEPT,
            client_memory_days: DAYS_KEPT,
            patient_name_labels: PATIENT_NAME_LABELS.map(str::to_owned).to_vec(),
        }
    }
}

fn requests_per_second(table: &Table<'_>) -> Option<u32> {
    table.or("max_requests_per_second", REQUESTS_PER_SECOND, whole(1, REQUESTS_PER_SECOND_MOST))
}

/// A secret that is a segment of a URL's path, without an escape in it.
fn webhook_secret(value: &Value<'_>, around: &Surroundings<'_>) -> Option<super::Secret> {
    let secret = around.word(value)?;
    let reserved = |character: &char| !character.is_ascii_alphanumeric() && !"-._~".contains(*character);
    let text = secret.expose_secret();
    match text.chars().enumerate().find(|(_, character)| reserved(character)) {
        Some((at, character)) => value.fail(say::webhook_secret_characters(at + 1, character)),
        // "." and ".." are path segments with a meaning.
        None if text.trim_matches('.').is_empty() => value.fail(say::webhook_secret_dots()),
        None => Some(secret),
    }
}
