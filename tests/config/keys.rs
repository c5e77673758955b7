//! Every key, with its default, and the example file.

use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use vetbridge::config::{self, ClinicianDoubtSetting, WhenDown};

use crate::configuration::LEAST;
use crate::{directory, parse_in};

/// The whole file of the contract, every optional key given.
pub(crate) const EVERYTHING: &str = r#"
[openvpms]
url = "http://10.8.0.1:8080/openvpms"
username = "healthengine"
password = { file = "openvpms.password" }
ca_file = "clinic-ca.pem"
allow_plain_http = false
max_requests_per_second = 7
request_timeout = "11s"

[healthengine]
url = "https://healthengine.com.au/pms-api/v1"
api_key = { env = "HEALTHENGINE_API_KEY" }
vendor = "Example Vets Bridge"
contact = "it@examplevets.com.au"
environment = "PROD"
max_requests_per_second = 12
request_timeout = "9s"

[state]
path = "state"

[admin]
listen = "127.0.0.1:8686"

[webhooks]
listen = "127.0.0.1:8687"
public_url = "https://bridge.examplevets.com.au"
secret = { credential = "webhook" }
allowed_ips = ["13.55.48.1", "::1"]
trusted_proxies = ["127.0.0.1"]

[sync]
horizon_days = 30
near_days = 5
availability_interval = "61s"
far_availability_interval = "16m"
request_interval = "200ms"
idle_request_interval = "12s"
config_interval = "11m"
full_resync_at = "04:45"
min_notice = "1h30m"
max_retry_interval = "31s"
clinician_doubt = "withhold"

[bookings]
when_openvpms_is_down = "hold"
keep_days = 100
client_memory_days = 0
patient_name_labels = ["pet name:"]

[[practice]]
id = "1234567"
key = "practice secret"
locations = [98, 99]
enabled = false
timezone = "Australia/Sydney"
[practice.live_hours]
monday = ["08:00-18:00"]
public_holidays = ["10:00-24:00"]
[[practice.resource]]
schedule = 136
name = "Consulting room"
[[practice.resource]]
user = 1158
schedule = 211
"#;

#[test]
fn every_key_of_the_contract_is_read() {
    let directory = directory();
    let config = parse_in(directory.path(), EVERYTHING).unwrap();
    assert_eq!(config.openvpms.url.as_str(), "http://10.8.0.1:8080/openvpms");
    assert_eq!(config.openvpms.password.expose_secret(), "from a file");
    let ca_file = config.openvpms.ca_file.as_ref().map(|file| file.path().to_owned());
    assert_eq!(ca_file, Some(directory.path().join("clinic-ca.pem")));
    assert_eq!(
        (config.openvpms.max_requests_per_second, config.openvpms.request_timeout),
        (7, Duration::from_secs(11))
    );
    assert_eq!(config.healthengine.api_key.expose_secret(), "from the environment");
    assert_eq!(config.healthengine.user_agent(), "Example Vets Bridge (it@examplevets.com.au) PROD");
    assert_eq!(config.state_path, directory.path().join("state"));
    let webhooks = config.webhooks.unwrap();
    assert_eq!(webhooks.secret.expose_secret(), "abc-123");
    assert_eq!((webhooks.allowed_ips.len(), webhooks.trusted_proxies.len()), (2, 1));
    let sync = config.sync;
    assert_eq!((sync.horizon_days, sync.near_days), (30, 5));
    assert_eq!(sync.request_interval, Duration::from_millis(200));
    assert_eq!(sync.min_notice, Duration::from_secs(5400));
    assert_eq!(sync.full_resync_at.to_string(), "04:45:00");
    assert_eq!(sync.clinician_doubt, ClinicianDoubtSetting::Withhold);
    assert_eq!(config.bookings.when_openvpms_is_down, WhenDown::Hold);
    assert_eq!((config.bookings.keep_days, config.bookings.client_memory_days), (100, 0));
    assert_eq!(config.bookings.patient_name_labels, ["pet name"]);
    let practice = &config.practices[0];
    assert_eq!((practice.id.0.as_str(), practice.enabled, practice.locations.len()), ("1234567", false, 2));
    assert_eq!(practice.timezone.unwrap().to_string(), "Australia/Sydney");
    let names: Vec<_> =
        practice.resources.iter().map(|entry| (entry.id().to_string(), entry.name.as_deref())).collect();
    assert_eq!(names, [("s136".into(), Some("Consulting room")), ("u1158-s211".into(), None)]);
}

#[test]
fn what_is_left_out_has_the_defaults_of_the_contract() {
    let config = parse_in(directory().path(), LEAST).unwrap();
    assert_eq!(config.healthengine.url.as_str(), "https://healthengine.com.au/pms-api/v1");
    assert_eq!(config.state_path, Path::new("/var/lib/vetbridge"));
    assert_eq!(config.admin_listen.to_string(), "127.0.0.1:8686");
    assert!(config.webhooks.is_none());
    let sync = &config.sync;
    assert_eq!((sync.horizon_days, sync.near_days, sync.clinician_doubt), (60, 7, ClinicianDoubtSetting::Offer));
    let seconds = [
        sync.availability_interval,
        sync.far_availability_interval,
        sync.request_interval,
        sync.idle_request_interval,
        sync.config_interval,
        sync.min_notice,
        sync.max_retry_interval,
        config.openvpms.request_timeout,
        config.healthengine.request_timeout,
    ]
    .map(|interval| interval.as_secs());
    assert_eq!(seconds, [60, 900, 5, 10, 600, 0, 30, 10, 10]);
    assert_eq!((config.openvpms.max_requests_per_second, config.healthengine.max_requests_per_second), (10, 10));
    assert_eq!(config.bookings.when_openvpms_is_down, WhenDown::Reject);
    assert_eq!((config.bookings.keep_days, config.bookings.client_memory_days), (400, 400));
    assert_eq!(config.bookings.patient_name_labels, ["pet name", "pet's name", "patient name", "animal name"]);
    assert!(config.practices[0].enabled && config.practices[0].resources.is_empty());
}

#[test]
fn the_example_file_is_valid() {
    let config = parse_in(directory().path(), config::EXAMPLE).unwrap();
    assert_eq!(config.practices[0].resources.len(), 2);
    assert_eq!(config.sync, config::SyncSettings::default());
}

#[test]
fn every_line_that_the_example_comments_out_is_valid_too_and_says_the_default() {
    // A commented line of settings begins with "# name =", "# [" and so on; prose does not.
    let is_setting = |line: &str| {
        let name = line.split('=').next().unwrap_or_default().trim();
        let is_name = !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_');
        line.starts_with('[') || (line.contains('=') && is_name)
    };
    let text: Vec<&str> = config::EXAMPLE
        .lines()
        .map(|line| line.strip_prefix("# ").filter(|rest| is_setting(rest)).unwrap_or(line))
        .collect();
    let text = text.join("\n").replace("webhook.secret", "webhook");
    assert!(text.contains("\n[webhooks]\n") && text.contains("\nclient_memory_days = 400"), "{text}");
    let config = parse_in(directory().path(), &text).unwrap();
    let least = parse_in(directory().path(), LEAST).unwrap();
    assert_eq!((config.sync, config.bookings), (least.sync, least.bookings));
    assert_eq!((config.state_path, config.admin_listen), (least.state_path, least.admin_listen));
    let webhooks = config.webhooks.unwrap();
    let defaults = "[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"s\"\n";
    let defaults = parse_in(directory().path(), &format!("{LEAST}{defaults}")).unwrap().webhooks.unwrap();
    assert_eq!((webhooks.allowed_ips, webhooks.listen), (defaults.allowed_ips, defaults.listen));
}
