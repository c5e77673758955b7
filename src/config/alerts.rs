//! `[alerts]`: who is told when something needs a person.

use std::fmt;
use std::net::IpAddr;
use std::time::Duration;

use lettre::message::Mailbox;
use reqwest::Url;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};

use super::Secret;
use super::certificate::{self, CaFile};
use super::proxy::{self, Proxy};
use super::secret::Surroundings;
use super::toml_reader::{Table, Value};
use super::values::{duration, interval, is_readable_on_the_way, url, words};
use crate::http::base_url::typed_url;
use crate::messages::config_file as say;

/// How long something may last before anybody is told, where the file does not say.
const AFTER: Duration = Duration::from_secs(5 * 60);
const HEARTBEAT_INTERVAL: Duration = Duration::from_secs(60);
const SMTPS_PORT: u16 = 465;
const SUBMISSION_PORT: u16 = 587;

/// Who is told, and when.
#[derive(Debug, Clone, PartialEq)]
pub struct AlertSettings {
    /// What heals by itself within this time is not told.
    pub after: Duration,
    /// Asked while all is well.
    pub heartbeat: Option<SecretUrl>,
    /// Between two heartbeats, at least 100 ms.
    pub heartbeat_interval: Duration,
    /// Where messages are posted.
    pub webhook: Option<SecretUrl>,
    /// How messages are mailed.
    pub email: Option<EmailSettings>,
    /// A private certificate authority (PEM), for all three.
    pub ca_file: Option<CaFile>,
    /// The proxy that leads to the heartbeat and the webhook.
    pub proxy: Option<Proxy>,
}

/// `[alerts.email]`.
#[derive(Debug, Clone, PartialEq)]
pub struct EmailSettings {
    /// The name or address of the mail server, without brackets.
    pub host: String,
    /// Its port.
    pub port: u16,
    /// How the connection is encrypted.
    pub security: MailSecurity,
    /// User name and password, where the server wants some.
    pub login: Option<(String, Secret)>,
    /// Who writes.
    pub from: Mailbox,
    /// Who is written to; at least one.
    pub to: Vec<Mailbox>,
}

/// How a connection to a mail server is encrypted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MailSecurity {
    /// From the start.
    Tls,
    /// After STARTTLS, which the server must offer.
    StartTls,
    /// The same if the server offers it; loopback only.
    StartTlsIfOffered,
    /// Not at all; loopback only.
    Plain,
}

/// A URL that lets whoever has it speak or count as alive. Nothing of it is shown: the path is the
/// secret, and whose it is concerns nobody.
#[derive(Clone)]
pub struct SecretUrl {
    secret: Secret,
    server: String,
    path: SecretString,
}

impl PartialEq for SecretUrl {
    /// Server and path follow from the text.
    fn eq(&self, other: &Self) -> bool {
        self.secret == other.secret
    }
}

impl SecretUrl {
    fn new(secret: Secret, url: Url) -> Self {
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let server = format!("{}://{}{port}", url.scheme(), url.host_str().unwrap_or_default());
        // It has neither user nor fragment: it begins with the server, and path and query follow.
        let text = Zeroizing::new(String::from(url));
        let path = text.get(server.len()..).unwrap_or("/").into();
        Self { secret, server, path }
    }

    /// Scheme, host and port.
    pub fn server(&self) -> &str {
        &self.server
    }

    /// Path and query, as the one wants them who sends them.
    pub fn path(&self) -> SecretString {
        self.path.clone()
    }
}

impl fmt::Debug for SecretUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretUrl")
    }
}

impl AlertSettings {
    /// True if nobody hears of anything.
    pub fn names_nobody(&self) -> bool {
        self.heartbeat.is_none() && self.webhook.is_none() && self.email.is_none()
    }

    /// Every secret with its place in the file.
    pub(super) fn secrets(&self) -> Vec<(&'static str, &Secret)> {
        let urls = [("[alerts] heartbeat_url", &self.heartbeat), ("[alerts] webhook_url", &self.webhook)];
        let urls = urls.into_iter().filter_map(|(place, url)| Some((place, &url.as_ref()?.secret)));
        let proxy = self.proxy.iter().map(|proxy| ("[alerts] proxy", proxy.secret()));
        let login = self.email.iter().filter_map(|email| email.login.as_ref());
        urls.chain(proxy).chain(login.map(|(_, password)| ("[alerts.email] password", password))).collect()
    }
}

/// Reads the section, which may be absent. `None`: wrong and reported.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Option<Option<AlertSettings>> {
    let Some(table) = root.table("alerts") else { return Some(None) };
    let after = table.or("after", AFTER, duration);
    let heartbeat = table.optional("heartbeat_url", |value| secret_url(value, around));
    let heartbeat_interval = table.or("heartbeat_interval", HEARTBEAT_INTERVAL, interval);
    let webhook = table.optional("webhook_url", |value| secret_url(value, around));
    let ca_file = table.optional("ca_file", |value| certificate::read(value, around));
    let proxy = table.optional("proxy", |value| proxy::read(value, around));
    let email = table.table("email").map(|table| email(table, around));
    table.finish();
    Some(Some(AlertSettings {
        after: after?,
        heartbeat: heartbeat?,
        heartbeat_interval: heartbeat_interval?,
        webhook: webhook?,
        email: email.map_or(Some(None), |email| email.map(Some))?,
        ca_file: ca_file?,
        proxy: proxy?,
    }))
}

fn email(table: Table<'_>, around: &Surroundings<'_>) -> Option<EmailSettings> {
    let starttls = table.optional("starttls", Value::flag);
    let server = table.required("server", |value| mail_server(value, starttls.flatten()));
    let username = table.optional("username", words);
    let password = table.optional("password", |value| around.secret(value));
    let from = table.required("from", mailbox);
    let to = table.required("to", recipients);
    let login = username.zip(password).and_then(|halves| match halves {
        (Some(username), Some(password)) => Some(Some((username, password))),
        (None, None) => Some(None),
        (Some(_), None) | (None, Some(_)) => {
            table.report(say::half_a_login());
            None
        }
    });
    table.finish();
    let (host, port, security) = server?;
    starttls?;
    Some(EmailSettings { host, port, security, login: login?, from: from?, to: to? })
}

/// Host, port and encryption of `smtps://…` or `smtp://…`.
fn mail_server(value: &Value<'_>, starttls: Option<bool>) -> Option<(String, u16, MailSecurity)> {
    if !value.text()?.contains("://") {
        return value.fail(say::mail_server_form());
    }
    let url = url(&["smtp", "smtps"])(value)?;
    let host = url.host_str().unwrap_or_default().trim_matches(['[', ']']).to_owned();
    if host.is_empty() || !matches!(url.path(), "" | "/") {
        return value.fail(say::mail_server_form());
    }
    let is_loopback = host.parse().map_or(host.eq_ignore_ascii_case("localhost"), |own: IpAddr| own.is_loopback());
    let security = match (url.scheme(), starttls) {
        ("smtps", _) => MailSecurity::Tls,
        (_, Some(true)) => MailSecurity::StartTls,
        (_, None) if !is_loopback => MailSecurity::StartTls,
        (_, None) => MailSecurity::StartTlsIfOffered,
        (_, Some(false)) if is_loopback => MailSecurity::Plain,
        (_, Some(false)) => return value.fail(say::plain_mail()),
    };
    let usual = if security == MailSecurity::Tls { SMTPS_PORT } else { SUBMISSION_PORT };
    Some((host, url.port().unwrap_or(usual), security))
}

fn mailbox(value: &Value<'_>) -> Option<Mailbox> {
    value.text()?.trim().parse().ok().or_else(|| value.fail(say::bad_mail_address()))
}

fn recipients(value: &Value<'_>) -> Option<Vec<Mailbox>> {
    let recipients = value.list(mailbox)?;
    let twice = (1..recipients.len()).find(|at| recipients[..*at].iter().any(|own| own.email == recipients[*at].email));
    match twice.and_then(|at| recipients.get(at)) {
        Some(twice) => value.fail(say::twice(&twice.email)),
        None if value.items()?.is_empty() => value.fail(say::empty_list("recipient")),
        None => Some(recipients),
    }
}

/// A whole URL that is a secret. What is wrong is told without the text.
fn secret_url(value: &Value<'_>, around: &Surroundings<'_>) -> Option<SecretUrl> {
    let secret = around.word(value)?;
    let is_whole = |url: &Url| {
        let is_bare = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
        matches!(url.scheme(), "http" | "https") && url.host_str().is_some_and(|host| !host.is_empty()) && is_bare
    };
    match typed_url(secret.expose_secret()).ok().filter(is_whole) {
        None => value.fail(say::bad_secret_url()),
        Some(url) if is_readable_on_the_way(&url) => value.fail(say::plain_http(false)),
        Some(url) => Some(SecretUrl::new(secret, url)),
    }
}
