//! `[alerts]`: who is told, and that no address of theirs is shown.

use std::time::Duration;

use secrecy::ExposeSecret as _;
use vetbridge::config::{AlertSettings, MailSecurity};

use crate::configuration::LEAST;
use crate::{directory, parse_in};

const EMAIL: &str = r#"[alerts.email]
server = "smtps://mail.examplevets.com.au:465"
username = "bridge"
password = { file = "smtp.password" }
from = "bridge@examplevets.com.au"
to = ["reception@examplevets.com.au"]
"#;

fn alerts(text: &str) -> Result<AlertSettings, Vec<String>> {
    let parsed = parse_in(directory().path(), &format!("{LEAST}{text}"));
    let messages = |error: vetbridge::config::ConfigError| {
        error.problems.into_iter().map(|problem| problem.message).collect::<Vec<_>>()
    };
    parsed.map(|config| config.alerts.unwrap()).map_err(messages)
}

fn problem(text: &str) -> String {
    let mut problems = alerts(text).unwrap_err();
    assert_eq!(problems.len(), 1, "{problems:#?}");
    problems.remove(0)
}

#[test]
fn every_key_is_read_and_no_secret_is_shown() {
    let text = format!(
        "[alerts]\nafter = \"0s\"\nheartbeat_url = {{ file = \"heartbeat.url\" }}\nheartbeat_interval = \"30s\"\n\
         webhook_url = {{ file = \"alerts.url\" }}\nca_file = \"clinic-ca.pem\"\nproxy = \"http://proxy:3128\"\n{EMAIL}"
    );
    let read = alerts(&text).unwrap();
    assert_eq!((read.after, read.heartbeat_interval), (Duration::ZERO, Duration::from_secs(30)));
    let url = |url: &vetbridge::config::SecretUrl| (url.server().to_owned(), url.path().expose_secret().to_owned());
    assert_eq!(url(read.webhook.as_ref().unwrap()), ("https://hooks.example".into(), "/T0psecret?key=s3cret".into()));
    assert_eq!(url(read.heartbeat.as_ref().unwrap()), ("https://heart.example".into(), "/b3at".into()));
    assert!(read.ca_file.is_some() && read.proxy.is_some());
    let email = read.email.as_ref().unwrap();
    assert_eq!((email.host.as_str(), email.port), ("mail.examplevets.com.au", 465));
    let (user, password) = email.login.as_ref().unwrap();
    assert_eq!((user.as_str(), password.expose_secret()), ("bridge", "smtp-hunter2"));
    let shown = format!("{read:?}");
    for secret in ["T0psecret", "s3cret", "b3at", "hooks.example", "hunter2"] {
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn without_the_section_nobody_is_told_and_what_is_left_out_has_its_default() {
    assert_eq!(parse_in(directory().path(), LEAST).unwrap().alerts, None);
    let read = alerts("[alerts]\n").unwrap();
    assert_eq!((read.after, read.heartbeat_interval), (Duration::from_secs(300), Duration::from_secs(60)));
    assert!(read.names_nobody());
    let email = alerts(EMAIL).unwrap().email.unwrap();
    assert_eq!(email.security, MailSecurity::Tls);
}

#[test]
fn mail_is_encrypted_unless_it_stays_on_this_machine() {
    use MailSecurity::{Plain, StartTls, StartTlsIfOffered, Tls};
    let read = |server: &str, starttls: &str| {
        let text = EMAIL.replace("smtps://mail.examplevets.com.au:465", server) + starttls;
        alerts(&text).map(|alerts| alerts.email.unwrap()).map(|email| (email.host, email.port, email.security))
    };
    for (server, starttls, host, port, security) in [
        ("smtps://mail.example", "", "mail.example", 465, Tls),
        ("smtps://mail.example:1465/", "", "mail.example", 1465, Tls),
        ("smtp://mail.example", "", "mail.example", 587, StartTls),
        ("smtp://10.8.0.1:25", "", "10.8.0.1", 25, StartTls),
        ("smtp://127.0.0.1:25", "", "127.0.0.1", 25, StartTlsIfOffered),
        ("smtp://localhost", "", "localhost", 587, StartTlsIfOffered),
        ("smtp://[::1]:25", "starttls = false\n", "::1", 25, Plain),
        ("smtp://127.0.0.1", "starttls = true\n", "127.0.0.1", 587, StartTls),
    ] {
        assert_eq!(read(server, starttls), Ok((host.to_owned(), port, security)), "{server} {starttls}");
    }
    for server in ["smtp://mail.example", "smtp://10.8.0.1", "smtp://localhost.example"] {
        let problems = read(server, "starttls = false\n").unwrap_err();
        assert!(problems.len() == 1 && problems[0].contains("this is no loopback address"), "{problems:?}");
    }
    for server in ["mail.example:465", "https://mail.example", "smtp://mail.example/inbox", "smtp://user@mail.example"]
    {
        let problems = read(server, "").unwrap_err();
        assert!(problems.len() == 1 && problems[0].starts_with("[alerts.email] server: "), "{server}: {problems:?}");
    }
}

#[test]
fn what_is_wrong_is_named_with_its_place_and_without_the_secret() {
    for (text, begins, contains) in [
        ("[alerts]\nafer = \"5m\"\n", "[alerts]: unknown key `afer`", "`after`"),
        ("[alerts.email]\nserver = \"smtps://x\"\nfrom = \"a@b.example\"\nto = []\n", "[alerts.email] to", "recipient"),
        ("[alerts]\nheartbeat_interval = \"1ms\"\n", "[alerts] heartbeat_interval", "100ms"),
        ("[alerts]\nwebhook_url = \"T0psecret\"\n", "[alerts] webhook_url", "https://host/path"),
        ("[alerts]\nwebhook_url = \"ftp://T0psecret\"\n", "[alerts] webhook_url", "https://host/path"),
        ("[alerts]\nwebhook_url = \"https://u:T0psecret@x\"\n", "[alerts] webhook_url", "without user name"),
        ("[alerts]\nheartbeat_url = \"http://x.example/T0psecret\"\n", "[alerts] heartbeat_url", "use https"),
        ("[alerts]\nwebhook_url = { file = \"none.url\" }\n", "[alerts] webhook_url file", "does not exist"),
    ] {
        let problem = problem(text);
        assert!(problem.starts_with(begins) && problem.contains(contains), "{text}: {problem}");
        assert!(!problem.contains("T0psecret"), "{problem}");
    }
    let half = problem(&EMAIL.replace("username = \"bridge\"\n", ""));
    assert!(half.contains("belong together"), "{half}");
    let twice = problem(&EMAIL.replace("to = [", "to = [\"X <reception@examplevets.com.au>\", "));
    assert!(twice.contains("reception@examplevets.com.au is listed twice"), "{twice}");
    let nobody = problem(&EMAIL.replace("reception@examplevets.com.au", "reception"));
    assert!(nobody.starts_with("[alerts.email] to: ") && nobody.contains("mail address"), "{nobody}");
}
