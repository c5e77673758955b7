//! `[webhooks]`: where Healthengine may call the bridge.

use std::collections::BTreeSet;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};

use reqwest::Url;
use secrecy::ExposeSecret as _;

use super::Secret;
use super::secret::Surroundings;
use super::toml_reader::{Table, Value};
use super::values::{ip, listen, url};
use crate::messages::{config_file as say, config_secrets as secrets_say};

/// Where the webhook listener listens, where the file does not say.
const LISTEN: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 8687);
/// From where Healthengine sends webhooks (PMS API, webhooks).
const HEALTHENGINE_SENDERS: [IpAddr; 3] = [
    IpAddr::V4(Ipv4Addr::new(13, 55, 48, 1)),
    IpAddr::V4(Ipv4Addr::new(52, 62, 53, 70)),
    IpAddr::V4(Ipv4Addr::new(13, 54, 122, 64)),
];

/// A webhook secret of fewer characters can be guessed,
const SECRET_CHARS_MIN: usize = 16;
/// and so can one of fewer different ones, such as `aaaaaaaaaaaaaaaa`.
const SECRET_CHARS_DIFFERENT_MIN: usize = 6;

/// The webhook listener.
#[derive(Debug, Clone, PartialEq)]
pub struct WebhookSettings {
    /// Where it listens.
    pub listen: SocketAddr,
    /// What Healthengine calls it: https, perhaps with a path, without user, query or fragment.
    /// `/webhooks/<secret>` follows.
    pub public_url: Url,
    /// The last segment of the path; only characters that need no escape in one.
    pub secret: Secret,
    /// Who may call.
    pub allowed_ips: Vec<IpAddr>,
    /// Whose `X-Forwarded-For` is believed.
    pub trusted_proxies: Vec<IpAddr>,
}

impl WebhookSettings {
    /// What every callback of ours begins with: `<public_url>/webhooks/`.
    pub fn prefix(&self) -> String {
        format!("{}/webhooks/", self.public_url.as_str().trim_end_matches('/'))
    }

    /// True for a secret that can be guessed: short, or of few different characters. Whoever has it
    /// can make the bridge poll.
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

/// Reads the section, which may be absent. `None`: wrong and reported. The address of the admin
/// listener is taken.
pub(super) fn read(
    root: &Table<'_>,
    around: &Surroundings<'_>,
    admin_listen: Option<SocketAddr>,
) -> Option<Option<WebhookSettings>> {
    let Some(table) = root.table("webhooks") else { return Some(None) };
    let listen = table.or("listen", LISTEN, |value| {
        let address = listen(value)?;
        // Port 0 is a free port each time.
        let taken = admin_listen.filter(|admin| *admin == address && address.port() != 0);
        taken.map_or(Some(address), |admin| value.fail(say::same_listener(admin)))
    });
    let public_url = table.required("public_url", url(&["https"]));
    let secret = table.required("secret", |value| path_segment(value, around));
    let allowed_ips = table.or("allowed_ips", HEALTHENGINE_SENDERS.to_vec(), senders);
    let trusted_proxies = table.or("trusted_proxies", Vec::new(), |value| value.list(ip));
    table.finish();
    Some(Some(WebhookSettings {
        listen: listen?,
        public_url: public_url?,
        secret: secret?,
        allowed_ips: allowed_ips?,
        trusted_proxies: trusted_proxies?,
    }))
}

/// Addresses of `allowed_ips`. None at all would refuse every webhook, which is hardly what
/// somebody wants who takes the trouble to configure them.
fn senders(value: &Value<'_>) -> Option<Vec<IpAddr>> {
    if value.items()?.is_empty() { value.fail(say::no_senders()) } else { value.list(ip) }
}

/// A secret that is a segment of a URL's path, without an escape in it.
fn path_segment(value: &Value<'_>, around: &Surroundings<'_>) -> Option<Secret> {
    let secret = around.word(value)?;
    let reserved = |character: &char| !character.is_ascii_alphanumeric() && !"-._~".contains(*character);
    let text = secret.expose_secret();
    match text.chars().enumerate().find(|(_, character)| reserved(character)) {
        Some((at, character)) => value.fail(secrets_say::webhook_secret_characters(at + 1, character)),
        // "." and ".." are path segments with a meaning.
        None if text.trim_matches('.').is_empty() => value.fail(secrets_say::webhook_secret_dots()),
        None => Some(secret),
    }
}
