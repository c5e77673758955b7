//! The webhook listener: `POST /webhooks/<secret>` and nothing else.
//!
//! It is made to stand beyond loopback, behind a reverse proxy or not. The sender is judged first:
//! one that is not allowed hears 403 whatever they ask for, so they cannot find out by asking
//! whether a secret is the right one. Allowed ones hear 404 for any other path, 405 for another
//! method, 413 for a long body, and otherwise 200 at once: what follows from a webhook is done
//! behind it. Every answer but 200 ends the connection.
//!
//! A proxy may keep the path of `public_url` or strip it, so both `/webhooks/<secret>` and
//! `<path>/webhooks/<secret>` are right.
//!
//! What can change while it listens (secret, path, allowed senders, trusted proxies) is behind
//! [`Webhooks::reconfigure`].

use parking_lot::{Mutex, RwLock};
use std::borrow::Cow;
use std::collections::BTreeMap;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use axum::body::Body;
use axum::extract::{Request, State};
use axum::http::{HeaderMap, HeaderValue, Method, StatusCode, Uri, header};
use axum::response::{IntoResponse, Response};
use http_body_util::BodyExt as _;
use percent_encoding::percent_decode_str;
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret as _, SecretString};
use subtle::ConstantTimeEq as _;
use tokio::net::TcpListener;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::guard::announced_bytes;
use super::listener::{Peer, serve_expected};
use crate::config;
use crate::messages::webhooks as say;
use crate::webhooks::hint::Hint;

/// No webhook is longer.
pub const BODY_BYTES_MAX: usize = 64 * 1024;
/// So much of a body that is too long is read and thrown away.
const DRAINED_BYTES_MAX: usize = 1024 * 1024;
/// Healthengine waits five seconds for an answer. A body that is not there by then is not waited
/// for: it would only say whom to wake.
const BODY_WITHIN: Duration = Duration::from_secs(3);
/// The header of proxies that says for whom they speak.
const FORWARDED_FOR: &str = "x-forwarded-for";
/// A refused address is logged once in this time,
const TOLD_AGAIN_AFTER: Duration = Duration::from_secs(3600);
/// and no more addresses than this of each sort.
const TOLD_MAX: usize = 64;

/// What hears of every webhook.
type OnHint = dyn Fn(Hint) + Send + Sync;

/// A handle to the listener's settings and to what a webhook wakes; clones are the same.
#[derive(Clone)]
pub struct Webhooks {
    inner: Arc<WebhookListenerInner>,
}

struct WebhookListenerInner {
    rules: RwLock<Rules>,
    heard: Box<OnHint>,
    told: Mutex<ToldSenders>,
}

/// Refused senders that were logged, and when. Those who knew the secret have a list of their own:
/// what strangers send, from the same address or from many, hides nothing of them.
#[derive(Default)]
struct ToldSenders {
    with_the_secret: BTreeMap<IpAddr, Instant>,
    strangers: BTreeMap<IpAddr, Instant>,
}

impl ToldSenders {
    /// True if this is to be logged at `now`.
    fn is_due(&mut self, sender: IpAddr, knew_the_path: bool, now: Instant) -> bool {
        let told = if knew_the_path { &mut self.with_the_secret } else { &mut self.strangers };
        told.retain(|_, at| now.duration_since(*at) < TOLD_AGAIN_AFTER);
        told.len() < TOLD_MAX && told.insert(sender, now).is_none()
    }
}

/// Who may call where.
struct Rules {
    /// The paths that are right, secret and all.
    paths: [SecretString; 2],
    allowed: Vec<IpAddr>,
    proxies: Vec<IpAddr>,
}

impl Rules {
    fn of(config: &config::WebhookSettings) -> Self {
        let below = Zeroizing::new(format!("/webhooks/{}", config.secret.expose_secret()));
        let prefix = decoded(config.public_url.path().trim_end_matches('/')).into_owned();
        let canonical = |addresses: &[IpAddr]| addresses.iter().map(IpAddr::to_canonical).collect();
        Self {
            paths: [Zeroizing::new(format!("{prefix}{}", *below)).as_str().into(), below.as_str().into()],
            allowed: canonical(&config.allowed_ips),
            proxies: canonical(&config.trusted_proxies),
        }
    }

    /// Who speaks: the peer, or the one that trusted proxies speak for. `None`: a proxy passes on
    /// something that is no address.
    fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.proxies.contains(&peer) {
            return Some(peer);
        }
        // Each proxy adds whom it heard it from on the right. What stands left of the first
        // stranger is their word alone.
        let lines: Vec<_> =
            headers.get_all(FORWARDED_FOR).iter().map(|line| String::from_utf8_lossy(line.as_bytes())).collect();
        for entry in
            lines.iter().rev().flat_map(|line| line.rsplit(',')).map(str::trim).filter(|entry| !entry.is_empty())
        {
            let address = address(entry)?;
            if !self.proxies.contains(&address) {
                return Some(address);
            }
        }
        Some(peer)
    }

    /// True if the path is right. The comparison takes as long whatever the path shares with the
    /// right ones.
    fn is_right(&self, uri: &Uri) -> bool {
        let path = decoded(uri.path());
        let right = |own: &SecretString| own.expose_secret().as_bytes().ct_eq(path.as_bytes());
        bool::from(right(&self.paths[0]) | right(&self.paths[1]))
    }
}

fn decoded(path: &str) -> Cow<'_, str> {
    percent_decode_str(path).decode_utf8_lossy()
}

/// An address as proxies write it: bare, or with a port, in brackets or not.
fn address(entry: &str) -> Option<IpAddr> {
    let entry = entry.trim_matches('"');
    let bare = || entry.trim_start_matches('[').trim_end_matches(']').parse::<IpAddr>().ok();
    let with_port = || entry.parse::<SocketAddr>().ok().map(|address| address.ip());
    bare().or_else(with_port).map(|address| address.to_canonical())
}

impl Webhooks {
    /// A listener's settings. `heard` is called for every webhook, and must not wait.
    pub fn new(config: &config::WebhookSettings, heard: impl Fn(Hint) + Send + Sync + 'static) -> Self {
        let rules = RwLock::new(Rules::of(config));
        Self { inner: Arc::new(WebhookListenerInner { rules, heard: Box::new(heard), told: Mutex::default() }) }
    }

    /// From here on other settings count. Where it listens stays as it is.
    pub fn reconfigure(&self, config: &config::WebhookSettings) {
        *self.inner.rules.write() = Rules::of(config);
    }

    /// Serves until the token is cancelled.
    pub async fn serve(self, listener: Arc<TcpListener>, stop: CancellationToken) {
        let rules = self.clone();
        let is_expected =
            move |peer| rules.with(|rules| rules.allowed.contains(&peer) || rules.proxies.contains(&peer));
        serve_expected(listener, self.router(), is_expected, stop).await;
    }

    /// All paths. A request needs its [`Peer`] among its extensions.
    pub fn router(&self) -> Router {
        Router::new().fallback(answer).with_state(self.clone())
    }

    fn with<T>(&self, read: impl FnOnce(&Rules) -> T) -> T {
        read(&self.inner.rules.read())
    }

    /// Says in the log who was refused, once an hour. Beside the answer, which so takes as long
    /// whatever the sender knew.
    fn tell_refused(&self, sender: Option<IpAddr>, knew_the_path: bool) {
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            let Some(sender) = sender else { return };
            let mut told = inner.told.lock();
            if !told.is_due(sender, knew_the_path, Instant::now()) {
                return;
            }
            if knew_the_path {
                tracing::warn!("{}", say::refused_with_the_secret(sender));
            } else {
                tracing::info!("{}", say::refused(sender));
            }
        });
    }
}

/// Answers one request; see the module's page for the order.
async fn answer(State(webhooks): State<Webhooks>, request: Request) -> Response {
    let peer = request.extensions().get::<Peer>().copied();
    let (sender, is_allowed, is_right) = webhooks.with(|rules| {
        let sender = peer.and_then(|Peer(peer)| rules.sender(peer, request.headers()));
        let is_allowed = sender.is_some_and(|sender| rules.allowed.contains(&sender));
        (sender, is_allowed, rules.is_right(request.uri()))
    });
    if !is_allowed {
        webhooks.tell_refused(sender, is_right);
        return refused(StatusCode::FORBIDDEN, say::NOT_ALLOWED);
    }
    if !is_right {
        return refused(StatusCode::NOT_FOUND, say::NOTHING_HERE);
    }
    if request.method() != Method::POST {
        let mut response = refused(StatusCode::METHOD_NOT_ALLOWED, say::ONLY_POST);
        response.headers_mut().insert(header::ALLOW, HeaderValue::from_static("POST"));
        return response;
    }
    let announced = announced_bytes(request.headers()).unwrap_or_default();
    let body = if announced > DRAINED_BYTES_MAX { None } else { read(request.into_body()).await };
    match body.filter(|_| announced <= BODY_BYTES_MAX) {
        Some(body) => {
            // Whatever it says, and however much of it came, something waits.
            (webhooks.inner.heard)(Hint::read(&body));
            StatusCode::OK.into_response()
        }
        None => refused(StatusCode::PAYLOAD_TOO_LARGE, say::body_too_large(BODY_BYTES_MAX)),
    }
}

/// The body, as far as it comes in time; `None` if it is too long. What is a little too long is
/// taken off the connection, because a sender that is hung up on while they send may not see
/// the answer.
async fn read(mut body: Body) -> Option<Vec<u8>> {
    let (mut kept, mut bytes) = (Vec::new(), 0);
    let until = Instant::now() + BODY_WITHIN;
    while let Ok(Some(Ok(frame))) = tokio::time::timeout_at(until, body.frame()).await {
        let Ok(data) = frame.into_data() else { continue };
        bytes += data.len();
        if bytes <= BODY_BYTES_MAX {
            kept.extend_from_slice(&data);
        } else if bytes > DRAINED_BYTES_MAX {
            break;
        }
    }
    (bytes <= BODY_BYTES_MAX).then_some(kept)
}

fn refused(status: StatusCode, why: impl Into<String>) -> Response {
    (status, [(header::CONNECTION, "close")], why.into()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(public_url: &str) -> Rules {
        let ip = |text: &str| text.parse::<IpAddr>().unwrap();
        Rules::of(&config::WebhookSettings {
            listen: "127.0.0.1:0".parse().unwrap(),
            public_url: public_url.parse().unwrap(),
            secret: "s3cret~".to_owned().into(),
            allowed_ips: vec![ip("13.55.48.1"), ip("::ffff:52.62.53.70")],
            trusted_proxies: vec![ip("127.0.0.1"), ip("10.0.0.2"), ip("2001:db8::2")],
        })
    }

    fn sender(peer: &str, forwarded: &[&str]) -> Option<String> {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append(FORWARDED_FOR, line.parse().unwrap());
        }
        rules("https://x.example").sender(peer.parse().unwrap(), &headers).map(|sender| sender.to_string())
    }

    #[test]
    fn the_sender_is_the_peer_or_the_rightmost_address_that_is_no_trusted_proxy() {
        let table: [(&str, &[&str], Option<&str>); 16] = [
            ("9.9.9.9", &[], Some("9.9.9.9")),
            ("9.9.9.9", &["13.55.48.1"], Some("9.9.9.9")),
            ("127.0.0.1", &[], Some("127.0.0.1")),
            ("127.0.0.1", &["13.55.48.1"], Some("13.55.48.1")),
            ("127.0.0.1", &["13.55.48.1, 9.9.9.9"], Some("9.9.9.9")),
            ("127.0.0.1", &["9.9.9.9, 13.55.48.1"], Some("13.55.48.1")),
            ("127.0.0.1", &["13.55.48.1,10.0.0.2"], Some("13.55.48.1")),
            ("127.0.0.1", &["9.9.9.9, 13.55.48.1, 2001:db8::2 , 10.0.0.2"], Some("13.55.48.1")),
            ("127.0.0.1", &["9.9.9.9", "13.55.48.1"], Some("13.55.48.1")),
            ("127.0.0.1", &["13.55.48.1", "10.0.0.2"], Some("13.55.48.1")),
            ("127.0.0.1", &["13.55.48.1:4711"], Some("13.55.48.1")),
            ("127.0.0.1", &["[2001:db8::7]:4711, [2001:db8::2]"], Some("2001:db8::7")),
            ("127.0.0.1", &["::ffff:13.55.48.1"], Some("13.55.48.1")),
            ("127.0.0.1", &["10.0.0.2, 127.0.0.1"], Some("127.0.0.1")),
            ("127.0.0.1", &["13.55.48.1, unknown"], None),
            ("127.0.0.1", &["13.55.48.1, , "], Some("13.55.48.1")),
        ];
        for (peer, forwarded, expected) in table {
            assert_eq!(sender(peer, forwarded).as_deref(), expected, "{peer} {forwarded:?}");
        }
    }

    #[tokio::test(start_paused = true)]
    async fn who_is_refused_with_the_secret_is_told_of_whatever_was_refused_without_it() {
        let (mut told, now) = (ToldSenders::default(), Instant::now());
        let proxy: IpAddr = "10.0.0.9".parse().unwrap();
        assert!(told.is_due(proxy, false, now), "a stranger behind the proxy");
        assert!(told.is_due(proxy, true, now), "the one that matters");
        assert!(!told.is_due(proxy, true, now) && !told.is_due(proxy, false, now), "once an hour");
        for stranger in 0..1_000_u32 {
            told.is_due(IpAddr::V4(stranger.into()), false, now);
        }
        assert!(told.is_due("10.0.0.8".parse().unwrap(), true, now), "a flood of strangers");
        assert!(told.is_due(proxy, true, now + TOLD_AGAIN_AFTER));
        assert!(told.strangers.len() <= TOLD_MAX);
    }

    #[test]
    fn a_path_of_the_public_url_may_be_kept_or_stripped_by_the_proxy() {
        let is_right = |public_url: &str, path: &str| rules(public_url).is_right(&path.parse().unwrap());
        for path in ["/webhooks/s3cret~", "/webhooks/s3cret~?a=b", "/webhooks/s3cret%7E"] {
            assert!(is_right("https://x.example", path) && is_right("https://x.example/", path), "{path}");
        }
        for path in ["/some/path/webhooks/s3cret~", "/webhooks/s3cret~"] {
            assert!(is_right("https://x.example/some/path", path), "{path}");
            assert!(is_right("https://x.example/some/path/", path), "{path}");
        }
        for path in [
            "/",
            "/webhooks",
            "/webhooks/",
            "/webhooks/s3cret",
            "/webhooks/s3cret~/",
            "/webhooks/s3cret~~",
            "/webhooks/S3CRET~",
            "//webhooks/s3cret~",
            "/other/webhooks/s3cret~",
            "/webhooks/../webhooks/s3cret~",
        ] {
            assert!(!is_right("https://x.example/some/path", path), "{path}");
        }
    }
}
