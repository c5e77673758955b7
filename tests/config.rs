//! The configuration file: what it may say, and what is said about one that is wrong.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")]

#[path = "common/configuration.rs"]
mod configuration;

use std::env::VarError;
use std::path::Path;
use std::time::Duration;

use secrecy::ExposeSecret;
use tempfile::TempDir;
use vetbridge::config::{self, ClinicianDoubtSetting, Config, ConfigError, Oddity, WhenDown};

use crate::configuration::LEAST;

/// The whole file of the contract, every optional key given.
const EVERYTHING: &str = r#"
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

/// A directory with the files that [`EVERYTHING`] names.
fn directory() -> TempDir {
    let directory = TempDir::new().unwrap();
    let put = |name: &str, text: &str| std::fs::write(directory.path().join(name), text).unwrap();
    put("openvpms.password", "from a file\n");
    put("clinic-ca.pem", "");
    put("webhook", "abc-123\r\n");
    directory
}

fn parse_in(directory: &Path, text: &str) -> Result<Config, ConfigError> {
    let env = |name: &str| match name {
        "HEALTHENGINE_API_KEY" | "PRACTICE_1234567_KEY" => Ok("from the environment".to_owned()),
        "CREDENTIALS_DIRECTORY" => Ok(directory.to_str().unwrap().to_owned()),
        _ => Err(VarError::NotPresent),
    };
    config::parse(&directory.join("vetbridge.toml"), text, &env)
}

/// The problems of a text, as `line: message`.
fn problems(text: &str) -> Vec<String> {
    let directory = directory();
    let error = parse_in(directory.path(), text).expect_err("a text with problems");
    let line = |place: Option<(usize, usize)>| place.map_or("-".to_owned(), |(line, _)| line.to_string());
    error.problems.iter().map(|problem| format!("{}: {}", line(problem.place), problem.message)).collect()
}

/// The only problem of [`LEAST`] with `old` replaced by `new`.
fn problem_with(old: &str, new: &str) -> String {
    assert!(LEAST.contains(old), "{old}");
    let found = problems(&LEAST.replacen(old, new, 1));
    assert_eq!(found.len(), 1, "{found:#?}");
    found[0].clone()
}

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

#[test]
fn a_misspelt_key_names_its_line_and_the_nearest_valid_key() {
    assert_eq!(
        problem_with("password = \"changeit\"", "password = \"changeit\"\nmax_request_per_second = 3"),
        "6: [openvpms]: unknown key `max_request_per_second`; the nearest valid key is `max_requests_per_second`"
    );
    let found = problems(&LEAST.replace("[openvpms]", "[openvmps]"));
    assert_eq!(
        found,
        [
            "-: there is no [openvpms], which is required",
            "2: unknown key `openvmps`; the nearest valid key is `openvpms`"
        ]
    );
    let found = problem_with("[practice.live_hours]\n", "[practice.live_hours]\nmonady = []\n");
    assert_eq!(found, "16: [practice.live_hours]: unknown key `monady`; the nearest valid key is `monday`");
}

#[test]
fn an_empty_list_of_senders_would_refuse_every_webhook_and_says_what_to_do_instead() {
    let webhooks = |senders: &str| {
        let table = format!("[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"s\"\n{senders}\n");
        problems(&format!("{LEAST}{table}"))
    };
    let found = webhooks("allowed_ips = []");
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(
        found[0].contains("[webhooks] allowed_ips: ") && found[0].contains("every webhook is refused"),
        "{found:#?}"
    );
    assert!(found[0].contains("leave the key out") && found[0].contains("take [webhooks] out"), "{found:#?}");
    let found = webhooks("allowed_ips = [\"x\"]");
    assert!(found.len() == 1 && !found[0].contains("refused"), "{found:#?}");
    let of = |senders: &str| {
        let table = format!("[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"s\"\n{senders}\n");
        parse_in(directory().path(), &format!("{LEAST}{table}")).unwrap().webhooks.unwrap().allowed_ips.len()
    };
    assert_eq!((of(""), of("allowed_ips = [\"10.0.0.1\"]"), of("trusted_proxies = []")), (3, 1, 3));
}

#[test]
fn all_problems_of_a_file_come_together_in_the_order_of_its_lines() {
    let text = LEAST
        .replace("username = \"sample\"", "usrname = \"healthengine\"")
        .replace("environment = \"UAT\"", "environment = \"Prod\"\nrequest_timeout = 10")
        .replace("locations = [98]", "locations = [98, \"99\"]")
        .replace("08:00-18:00", "18:00-08:00");
    assert_eq!(
        problems(&text),
        [
            "2: [openvpms] has no `username`, which is required",
            "4: [openvpms]: unknown key `usrname`; the nearest valid key is `username`",
            "10: [healthengine] environment: must be one of \"DEV\", \"UAT\" and \"PROD\"; did you mean \"PROD\"?",
            "11: [healthengine] request_timeout: expected a text in quotes, found an integer",
            "15: [[practice]] locations: expected a whole number of at least 1, found a string",
            "17: [practice.live_hours] monday: the end must be after the start; hours over midnight are two ranges, \
             up to \"24:00\" and, the next day, from \"00:00\"",
        ]
    );
}

#[test]
fn no_problem_shows_a_line_of_the_file() {
    // A secret in every place where a slip of the pen can put it.
    let secret = "hunter2hunter2";
    for (old, new) in [
        ("password = \"changeit\"", format!("password = {secret}")),
        ("password = \"changeit\"", format!("password = \"{secret}")),
        ("password = \"changeit\"", format!("password = '{secret}' x")),
        ("password = \"changeit\"", format!("password = [\"{secret}\"]")),
        ("password = \"changeit\"", format!("password = {{ fil = \"{secret}\" }}")),
        ("password = \"changeit\"", format!("passwrd = \"{secret}\"")),
        ("password = \"changeit\"", format!("password = \"{secret}\\nx\"")),
        ("password = \"changeit\"", format!("password = \"\"\"{secret}")),
        ("http://127.0.0.1/openvpms", format!("https://u:{secret}@openvpms.example.com/")),
        ("http://127.0.0.1/openvpms", format!("{secret}://openvpms.example.com/")),
        ("key = \"k\"", format!("key = \"{secret}ü\"")),
        ("key = \"k\"", format!("key = \"{secret}\" \"")),
    ] {
        let found = problems(&LEAST.replacen(old, &new, 1));
        assert!(!found.is_empty() && found.iter().all(|problem| !problem.contains(secret)), "{new}: {found:#?}");
    }
}

#[test]
fn broken_toml_is_told_with_its_line_and_the_rest_is_judged_all_the_same() {
    let text = LEAST.replace("username = \"sample\"", "username = sample");
    let found = problems(&text.replace("vendor = \"Example Vets Bridge\"", "vendr = \"V\""));
    assert_eq!(found.len(), 2, "{found:#?}");
    assert!(found[0].starts_with("4: this is not TOML: "), "{found:#?}");
    assert!(found[1].starts_with("8: [healthengine]: unknown key `vendr`"), "{found:#?}");
}

#[test]
fn debug_of_a_configuration_shows_no_secret() {
    let config = parse_in(directory().path(), EVERYTHING).unwrap();
    let shown = format!("{config:#?}");
    for secret in ["from a file", "from the environment", "practice secret", "abc-123"] {
        assert!(!shown.contains(secret), "{shown}");
    }
    assert!(shown.contains("1234567"), "{shown}");
}

#[test]
fn plain_http_over_the_internet_needs_a_word() {
    let url = "http://127.0.0.1/openvpms";
    let found = problem_with(url, "http://openvpms.example.com/openvpms");
    assert!(
        found.contains("[openvpms] url: http sends the credentials in the clear") && found.contains("allow_plain_http")
    );
    let text =
        LEAST.replace(url, "http://openvpms.example.com").replace("username", "allow_plain_http = true\nusername");
    assert!(parse_in(directory().path(), &text).is_ok());
    let found = problem_with("[healthengine]", "[healthengine]\nurl = \"http://healthengine.example.com\"");
    assert!(found.contains("[healthengine] url") && !found.contains("allow_plain_http"), "{found}");
    assert!(
        parse_in(
            directory().path(),
            &LEAST.replace("[healthengine]", "[healthengine]\nurl = \"http://127.0.0.1:1/x\"")
        )
        .is_ok()
    );
}

#[test]
fn the_public_url_is_https() {
    let webhooks = |url: &str| format!("{LEAST}[webhooks]\npublic_url = \"{url}\"\nsecret = \"s\"\n");
    assert_eq!(problems(&webhooks("http://10.0.0.1/x")), ["18: [webhooks] public_url: must begin with https://"]);
    assert!(parse_in(directory().path(), &webhooks("https://bridge.example.com/some/path")).is_ok());
    assert!(problems(&webhooks("https://bridge.example.com/?a=b"))[0].contains("plain URL"));
}

#[test]
fn a_secret_that_cannot_be_read_names_the_place_and_the_remedy() {
    let with = |secret: &str| problem_with("password = \"changeit\"", &format!("password = {secret}"));
    assert!(
        with("{ env = \"NOT_SET\" }")
            .starts_with("5: [openvpms] password env: the environment variable NOT_SET is not set")
    );
    let missing = with("{ file = \"none.password\" }");
    assert!(missing.contains("none.password does not exist: create it"), "{missing}");
    assert!(with("{ file = \".\" }").contains("is not UTF-8 text"));
    assert!(with("{ file = \"a\", env = \"B\" }").contains("exactly one of them"));
    assert!(with("{ }").contains("exactly one of them"));
    assert!(with("7").contains("a secret is a text in quotes"));
    assert!(with("\"\"").contains("the secret is empty"));
    assert!(with("\"two\\nlines\"").contains("single line"));
    assert!(with("{ credential = \"../x\" }").contains("plain file name"));
    assert!(with("{ files = \"x\" }").contains("unknown key `files`; the nearest valid key is `file`"));
    let no_directory = config::parse(
        Path::new("x.toml"),
        &LEAST.replace("password = \"changeit\"", "password = { credential = \"x\" }"),
        &|_| Err(VarError::NotPresent),
    );
    assert!(no_directory.unwrap_err().to_string().contains("LoadCredential"));
}

#[cfg(unix)]
#[test]
fn a_secret_file_without_permission_says_chmod() {
    use std::os::unix::fs::PermissionsExt;
    let directory = directory();
    let file = directory.path().join("locked");
    std::fs::write(&file, "pw").unwrap();
    std::fs::set_permissions(&file, std::fs::Permissions::from_mode(0o000)).unwrap();
    // Root reads everything: then there is nothing to see here, and the sentence has a test of its own.
    if std::fs::read(&file).is_ok() {
        return;
    }
    let error =
        parse_in(directory.path(), &LEAST.replace("password = \"changeit\"", "password = { file = \"locked\" }"))
            .unwrap_err();
    assert!(error.to_string().contains("chmod 600"), "{error}");
}

#[test]
fn what_can_only_be_a_mistake_is_left_out_at_the_ends_of_a_secret_and_the_rest_is_named() {
    let directory = directory();
    let text = LEAST
        .replace("password = \"changeit\"", "password = { file = \"password\" }")
        .replace("api_key = \"eyJ0e-consumer\"", "api_key = { file = \"key\" }");
    let read = |password: &[u8], key: &[u8]| {
        std::fs::write(directory.path().join("password"), password).unwrap();
        std::fs::write(directory.path().join("key"), key).unwrap();
        parse_in(directory.path(), &text)
    };
    for ends in ["", "\n", "\r\n", "\n\n", "\t\n", "\u{a0}\n", "\u{200b}", "\u{feff}", "\u{2060}\r\n", "\u{202c}"] {
        let config = read(format!("\u{feff}pw{ends}").as_bytes(), format!("\u{feff} key {ends} ").as_bytes()).unwrap();
        assert_eq!(config.openvpms.password.expose_secret(), "pw", "{ends:?}");
        assert_eq!(config.healthengine.api_key.expose_secret(), "key", "{ends:?}");
        assert_eq!(config.openvpms.password.oddity(), None, "{ends:?}");
    }
    for (password, oddity) in [
        (" pw", Oddity::BeginsWith(' ')),
        ("pw \n", Oddity::EndsWith(' ')),
        ("p\u{a0}w", Oddity::Holds(2, '\u{a0}')),
        ("\"pw\"", Oddity::Quoted),
    ] {
        let config = read(password.as_bytes(), b"key").unwrap();
        assert_eq!(config.openvpms.password.expose_secret(), password.trim_end_matches('\n'), "kept: it can be meant");
        assert_eq!(config.openvpms.password.oddity(), Some(oddity));
    }
    let refused = |password: &str, key: &str| read(password.as_bytes(), key.as_bytes()).unwrap_err().to_string();
    assert!(refused("pw\npw", "key").contains("character 3 of the secret is a line break"));
    let inside = refused("pw", "ke\u{200b}y");
    assert!(
        inside.contains("api_key") && inside.contains("character 3 of the secret is a space of no width (U+200B)"),
        "{inside}"
    );
    assert!(refused("\u{feff}\u{a0}\n", "key").contains("the secret is empty"));
    let utf16 = read(b"\xff\xfep\0w\0", b"key").unwrap_err().to_string();
    assert!(utf16.contains("is UTF-16"), "{utf16}");
}

#[test]
fn a_file_as_editors_of_windows_write_it_is_read_and_so_is_what_was_pasted_with_unseen_marks() {
    let pasted = LEAST
        .replace("username = \"sample\"", "username = \"healthengine\u{200b}\"")
        .replace("id = \"1\"", "id = \"\u{a0}1\u{feff}\"");
    let text = format!("\u{feff}{pasted}").replace('\n', "\r\n");
    let config = parse_in(directory().path(), &text).unwrap();
    assert_eq!((config.openvpms.username.as_str(), config.practices[0].id.0.as_str()), ("healthengine", "1"));
}

#[test]
fn the_files_that_a_configuration_depends_on_are_known_also_where_one_is_missing() {
    let directory = directory();
    let place = |name: &str| directory.path().join(name);
    let text = LEAST
        .replace("password = \"changeit\"", "password = { file = \"password\" }\nca_file = \"ca.pem\"")
        .replace("api_key = \"eyJ0e-consumer\"", "api_key = { file = \"key\" }");
    std::fs::write(place("vetbridge.toml"), text).unwrap();
    std::fs::write(place("password"), "pw").unwrap();
    let (config, files) = config::load_with_files(&place("vetbridge.toml"));
    assert!(config.is_err());
    assert_eq!(files.into_iter().collect::<Vec<_>>(), ["ca.pem", "key", "password"].map(place));
}

#[test]
fn intervals_are_at_least_100_ms_and_min_notice_may_be_nothing() {
    let with = |line: &str| parse_in(directory().path(), &format!("{LEAST}[sync]\n{line}\n"));
    for key in [
        "availability_interval",
        "far_availability_interval",
        "request_interval",
        "idle_request_interval",
        "config_interval",
        "max_retry_interval",
    ] {
        let error = with(&format!("{key} = \"99ms\"")).unwrap_err().to_string();
        assert!(error.contains(key) && error.contains("at least 100ms"), "{error}");
        assert!(with(&format!("{key} = \"100ms\"")).is_ok(), "{key}");
    }
    assert!(with("min_notice = \"0s\"").is_ok());
    assert!(with("min_notice = \"soon\"").unwrap_err().to_string().contains("written like"));
}

#[test]
fn near_days_lie_within_the_horizon() {
    let with = |lines: &str| parse_in(directory().path(), &format!("{LEAST}[sync]\n{lines}\n"));
    let error = with("near_days = 8\nhorizon_days = 7").unwrap_err().to_string();
    assert!(
        error.contains(":18:") && error.contains("near_days: must not be more than horizon_days, which is 7"),
        "{error}"
    );
    assert_eq!(with("horizon_days = 3").unwrap().sync.near_days, 3);
    for line in ["horizon_days = 0", "horizon_days = 367", "near_days = 0", "horizon_days = 1.5"] {
        assert!(with(line).is_err(), "{line}");
    }
    assert_eq!(with("horizon_days = 0x16e").unwrap().sync.horizon_days, 366);
}

#[test]
fn an_unknown_time_zone_names_the_nearest_one() {
    let with = |zone: &str| problem_with("locations = [98]", &format!("locations = [98]\ntimezone = \"{zone}\""));
    assert_eq!(
        with("Australia/Sidney"),
        "15: [[practice]] timezone: \"Australia/Sidney\" is no IANA time zone; the nearest is \"Australia/Sydney\""
    );
    assert!(with("Brisbane").ends_with("the nearest is \"Australia/Brisbane\""));
    assert!(with("GMT+10:00").contains("is no IANA time zone"));
    for no_place in ["Etc/UTC", "GMT", "UTC", "Zulu", "EST", "Etc/GMT-10"] {
        assert!(with(no_place).contains("is no IANA time zone of a place"), "{no_place}");
    }
    assert!(with("AEST").ends_with("write \"Australia/Sydney\" or \"Australia/Brisbane\""));
}

/// A second practice.
fn and_practice(id: &str, locations: &str, resources: &str) -> String {
    configuration::practice(id, "k", locations, "") + resources
}

#[test]
fn a_practice_a_resource_or_a_schedule_that_stands_twice_is_an_error() {
    let resource = |schedule: i64| format!("[[practice.resource]]\nschedule = {schedule}\n");
    let room = resource(136);

    let found = problems(&format!("{LEAST}{}", and_practice("1", "[98]", "")));
    assert_eq!(
        found,
        [
            "18: [[practice]] id: practice 1 is configured already (line 12): a practice id can stand in one [[practice]] only"
        ]
    );

    let found = problems(&format!("{LEAST}{room}{room}"));
    assert_eq!(
        found,
        ["20: [[practice.resource]] schedule: resource s136 is configured already (line 18): remove one of the two"]
    );

    let found = problems(&format!("{LEAST}{room}{}", and_practice("2", "[99]", &room)));
    assert_eq!(found.len(), 1);
    assert!(
        found[0]
            .starts_with("26: [[practice.resource]] schedule: schedule 136 belongs to practice 1 already (line 18)"),
        "{found:?}"
    );

    let found = problems(&LEAST.replace("[98]", "[98, 98]"));
    assert_eq!(found, ["14: [[practice]] locations: location 98 is listed twice: remove one"]);

    // The room itself and a clinician in it are two resources.
    let clinician = "[[practice.resource]]\nuser = 1158\nschedule = 136\n";
    assert!(parse_in(directory().path(), &format!("{LEAST}{room}{clinician}")).is_ok());
    // Twice on one line is twice.
    let inline = LEAST.replace("locations = [98]", "locations = [98]\nresource = [{ schedule = 1 }, { schedule = 1 }]");
    assert!(problems(&inline)[0].contains("resource s1 is configured already"));
}

#[test]
fn a_location_is_shared_by_practices_that_both_say_which_schedules_are_theirs() {
    let resource = |schedule: i64| format!("[[practice.resource]]\nschedule = {schedule}\n");
    let both = format!("{LEAST}{}{}", resource(136), and_practice("2", "[98]", &resource(137)));
    assert_eq!(parse_in(directory().path(), &both).unwrap().practices.len(), 2);
    for (first, second) in [("", ""), (resource(136).as_str(), ""), ("", resource(137).as_str())] {
        let found = problems(&format!("{LEAST}{first}{}", and_practice("2", "[98]", second)));
        assert_eq!(found.len(), 1, "{found:?}");
        assert!(found[0].contains("location 98 belongs to practice 1 too (line 14)"), "{found:?}");
    }
}

#[test]
fn practices_need_live_hours_and_locations() {
    assert_eq!(
        problem_with("monday = [\"08:00-18:00\"]", "monday = []"),
        "15: [practice.live_hours] names no hours: at least one day needs some, like monday = [\"08:00-18:00\"]"
    );
    assert_eq!(
        problem_with("locations = [98]", "locations = []"),
        "14: [[practice]] locations: must name at least one location of OpenVPMS"
    );
    let without = LEAST.split("[practice.live_hours]").next().unwrap();
    assert_eq!(problems(without), ["11: there is no [practice.live_hours], which is required"]);
    assert_eq!(problem_with("id = \"1\"", "id = \"\""), "12: [[practice]] id: must not be empty");
}

#[test]
fn values_that_cannot_be_sent_are_refused() {
    assert!(problem_with("vendor = \"Example Vets Bridge\"", "vendor = \"V (x)\"").contains("User-Agent"));
    assert!(problem_with("username = \"sample\"", "username = \"a:b\"").contains("colon"));
    assert!(problem_with("api_key = \"eyJ0e-consumer\"", "api_key = \"schlüssel\"").contains("HTTP header"));
    let webhooks = format!("{LEAST}[webhooks]\npublic_url = \"https://x.example\"\nsecret = \"a/b\"\n");
    assert!(problems(&webhooks)[0].contains("is part of a URL"));
}

#[test]
fn discover_needs_openvpms_and_nothing_else() {
    let directory = directory();
    let file = directory.path().join("vetbridge.toml");
    std::fs::write(
        &file,
        "[openvpms]\nurl = \"https://x.example\"\nusername = \"u\"\npassword = { file = \"openvpms.password\" }\n",
    )
    .unwrap();
    let only = config::load_openvpms(&file).unwrap();
    assert_eq!(only.openvpms.password.expose_secret(), "from a file");
    std::fs::write(&file, "[openvpms]\nurl = \"https://x.example\"\nuser = \"u\"\n[healthengine]\napi_key = 7\n")
        .unwrap();
    let error = config::load_openvpms(&file).unwrap_err();
    assert_eq!(error.problems.len(), 3, "{error}");
    assert!(!error.to_string().contains("healthengine"), "{error}");
}

#[test]
fn a_file_that_cannot_be_read_says_how_to_name_another() {
    let directory = directory();
    let error = config::load(&directory.path().join("none.toml")).unwrap_err().to_string();
    assert!(error.contains("none.toml: no such file") && error.contains("--config"), "{error}");
    assert!(config::load(directory.path()).is_err());
}
