//! What is said about webhooks: to senders, to operators.

use std::fmt::{self, Display};

use super::{Advice, plain};
use crate::call_error::{CallError, Cause};
use crate::webhooks::failure::DeliveryFault;

/// 403.
pub const NOT_ALLOWED: &str = "This address may not send webhooks.\n";
/// 404.
pub const NOTHING_HERE: &str = "There is nothing at this path.\n";
/// 405.
pub const ONLY_POST: &str = "Webhooks are sent with POST.\n";

/// 413.
pub fn body_too_large(bytes_max: usize) -> String {
    format!("The body is over {bytes_max} bytes.\n")
}

/// The listener is up.
pub fn listens(address: impl Display, prefix: impl Display) -> String {
    format!("Webhooks are expected at {address}; Healthengine calls {prefix}… .")
}

/// `check`: the listener answered in its own words.
pub fn leads_to_the_listener(prefix: impl Display) -> String {
    format!("{prefix}… leads to a webhook listener of vetbridge, as seen from here")
}

/// What is in the place of the listener's answer.
pub fn another_answer(status: u16, title: Option<&str>) -> String {
    let title = title.map(|title| format!(", a page titled \"{}\"", plain(title))).unwrap_or_default();
    format!("status {status}{title}")
}

/// `check`: something else answered.
pub fn leads_elsewhere(prefix: impl Display, found: &str) -> Advice {
    Advice::new(
        format!("{prefix}… does not lead to the webhook listener: {found} was answered"),
        "Have the proxy pass that path on to [webhooks] listen, unchanged; bookings are found by polling meanwhile",
    )
}

/// `check`: the proxy answered, and no service runs behind it.
pub fn nobody_behind_the_proxy(prefix: impl Display, found: &str) -> Advice {
    Advice::new(
        format!("{prefix}… leads to a proxy, and no vetbridge runs behind it yet: {found} was answered"),
        "Check again while vetbridge runs",
    )
}

/// `check`: this machine may not come in.
pub fn shut_from_here(prefix: impl Display, found: &str) -> Advice {
    Advice::new(
        format!(
            "Whether {prefix}… leads to the webhook listener cannot be seen from here: {found} was answered, as where \
             only Healthengine is let in"
        ),
        DELIVERIES_TELL,
    )
}

/// `check`: nothing answered.
pub fn unreached_from_here(prefix: impl Display, error: &CallError) -> Advice {
    Advice::new(
        format!("{prefix}… cannot be reached from here: {error}; whether it can from outside is not known"),
        format!(
            "Ask it from another network, such as a phone's; if it is not reached there either, look at the name in \
             the DNS, the firewall and the proxy. {DELIVERIES_TELL}"
        ),
    )
}

/// `check`: this machine cannot ask over https at all.
pub fn not_asked_from_here(prefix: impl Display, why: &anyhow::Error) -> Advice {
    Advice::new(format!("{prefix}… cannot be asked from here: {why:#}"), DELIVERIES_TELL)
}

/// `check`: what answered cannot be talked to.
pub fn unusable_from_here(prefix: impl Display, error: &CallError) -> Advice {
    let remedy = if error.cause == Some(Cause::SpeaksHttp) {
        "Have the proxy speak https at the port of public_url, or write the port into public_url at which it does"
    } else {
        "Give the proxy a certificate for the host of public_url that the world trusts, with the certificates between \
         the two"
    };
    Advice::new(
        format!("{prefix}… cannot be called: {error}"),
        format!("{remedy}; bookings are found by polling meanwhile"),
    )
}

/// Where it shows in the end.
const DELIVERIES_TELL: &str = "While vetbridge runs, deliveries that fail show on its status page with the reason";

/// A sender with the right secret that is not allowed: most likely the proxy is not trusted.
pub fn refused_with_the_secret(sender: impl Display) -> String {
    format!(
        "A webhook with the right secret was refused, because its sender {sender} is not among allowed_ips of \
         [webhooks]. If that is your reverse proxy, name it under trusted_proxies and have it send X-Forwarded-For; \
         if Healthengine has a new address, add it."
    )
}

/// A sender that is not allowed, and that knows nothing.
pub fn refused(sender: impl Display) -> String {
    format!("A call to the webhook listener was refused: its sender {sender} is not among allowed_ips of [webhooks].")
}

/// A delivery failed: it took too long.
pub const TIMED_OUT: &str = "no answer came within its five seconds";
/// A delivery failed: the name is unknown.
pub const NO_SUCH_HOST: &str = "the host name of public_url cannot be resolved";
/// A delivery failed: TLS.
pub const BAD_CERTIFICATE: &str = "the certificate at public_url is not accepted";
/// A delivery failed: nobody listens.
pub const CONNECTION_REFUSED: &str = "the connection to public_url is refused";
/// A delivery failed: the connection ended.
pub const HUNG_UP: &str = "the connection ended without an answer";
/// A delivery failed: no way there.
pub const NO_CONNECTION: &str = "public_url cannot be connected to";
/// A delivery failed, and the log does not say why.
pub const NO_REASON: &str = "its log gives no reason";

/// A delivery failed: the answer was no 200.
pub fn answered(status: u16) -> String {
    let hint = match status {
        300..400 => " (a redirect, which is not followed)",
        403 => " (the sender's address is not allowed; look at trusted_proxies and allowed_ips)",
        404 => " (the proxy leads elsewhere, or the secret is another one)",
        502..505 => " (the proxy does not reach vetbridge)",
        _ => "",
    };
    format!("status {status} was answered{hint}")
}

/// A delivery failed for a reason that we have no words for.
pub fn other_reason(words: &str) -> String {
    format!("\"{words}\"")
}

/// Health: deliveries fail.
pub fn deliveries_fail(reason: &str) -> String {
    format!(
        "Healthengine cannot deliver webhooks: {reason}. Bookings are found by polling meanwhile. Check that \
         public_url of [webhooks] leads to the webhook listener; this ends with the next webhook that arrives."
    )
}

/// Health: subscribing does not work.
pub fn not_subscribed(error: &CallError) -> String {
    format!(
        "Healthengine does not take or list the webhook subscription: {error}. Bookings are found by polling \
         meanwhile; it is tried again."
    )
}

/// In place of what a server said about a subscription, if that repeats our secret.
pub const WORDS_WITHHELD: &str = "its answer repeats the callback address";

impl fmt::Display for DeliveryFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Status(status) => f.write_str(&answered(*status)),
            Self::TimedOut => f.write_str(TIMED_OUT),
            Self::NoSuchHost => f.write_str(NO_SUCH_HOST),
            Self::BadCertificate => f.write_str(BAD_CERTIFICATE),
            Self::ConnectionRefused => f.write_str(CONNECTION_REFUSED),
            Self::HungUp => f.write_str(HUNG_UP),
            Self::NoConnection => f.write_str(NO_CONNECTION),
            Self::Other(words) => f.write_str(&other_reason(words)),
            Self::Unknown => f.write_str(NO_REASON),
        }
    }
}
