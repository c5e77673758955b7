//! The transport over the network: reqwest with every limit set.
//!
//! A [`Server`] is one remote server as all of this process sees it: its address, rate limit and
//! penalty time. Handles to it ([`Server::transport`]) differ by their credentials only, so
//! practices that share Healthengine share its limits.
//!
//! Promises:
//! - Redirects are not followed and nothing is repeated below us: a request that may not be
//!   repeated leaves once.
//! - Such a request goes over a connection of its own; the others share a pool. Both lead to the
//!   same address ([`super::connections`]).
//! - Connecting has its own, shorter timeout, so that a timeout while connecting is known to have
//!   sent nothing.
//! - Bodies are counted while they stream, after decompression: a server cannot make us hold more
//!   than the limit. Of long ones few are taken in at one time, however many calls are under way;
//!   the others wait on the wire.
//! - No proxy of the environment is used: what the configuration says is where the data goes.
//! - After a 429, or a 5xx, with `Retry-After` the server is left alone as [`super::penalty`] says.

use std::fmt;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use reqwest::header::{CONTENT_ENCODING, CONTENT_LENGTH, CONTENT_TYPE, HeaderMap, HeaderValue, LOCATION};
use secrecy::{ExposeSecret, SecretString};
use tokio::sync::{Semaphore, SemaphorePermit};

use super::base_url::BaseUrl;
use super::classify::{ExchangeFailure, ProxyDoor};
use super::connections::{Addresses, Connections, NameLookup, Resolver, ServerRoute, SystemNames, only_at};
pub use super::credentials::{Credentials, HeaderName};
use super::penalty::Penalty;
use super::rate_limit::Limits;
pub use super::setup_error::SetupError;
use super::shown_certificates::{ShownCertificates, authorities, client_config, no_tls};
use super::{Method, Request, Response, Transport, retry};
use crate::call_error::{Answer, CallError, ErrorClass};

/// The body limit unless set otherwise: a year of one schedule in slots of five minutes is about 5
/// MiB.
pub const BODY_LIMIT_BYTES: usize = 8 * 1024 * 1024;
/// A body longer than this is a long one,
const SHORT_BODY_BYTES: usize = 256 * 1024;
/// and so many of them are taken in at one time.
const LONG_BODIES_MAX: usize = 2;
/// Connecting takes at most this long, and at most half of the request timeout.
const CONNECT_TIMEOUT_MAX: Duration = Duration::from_secs(5);
/// An idle connection is dropped well before the servers' own limits (Tomcat: 20 s), which spares
/// most resets.
const IDLE_TIMEOUT: Duration = Duration::from_secs(15);

/// What is to be known of a server before it can be asked.
#[derive(Clone)]
pub struct ServerSettings {
    /// Where it is.
    pub base_url: BaseUrl,
    /// How we introduce ourselves.
    pub user_agent: String,
    /// The rate limit for all calls together.
    pub max_requests_per_second: NonZeroU32,
    /// From the first byte of connecting to the last byte of the answer.
    pub request_timeout: Duration,
    /// The longest body that is read, after decompression.
    pub body_limit_bytes: usize,
    /// Certificates (PEM) that are trusted besides the platform's.
    pub ca_pem: Option<Vec<u8>>,
    /// The proxy through which it is reached, as a URL (http, https, socks5 or socks5h), perhaps
    /// with user name and password. It is used whatever the address: who names one means it.
    pub proxy: Option<SecretString>,
    /// Who looks its name up.
    pub names: Arc<dyn NameLookup>,
}

impl fmt::Debug for ServerSettings {
    /// Without the proxy, which can hold a password.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ServerSettings({})", self.base_url)
    }
}

impl ServerSettings {
    /// Ten requests a second, ten seconds each, [`BODY_LIMIT_BYTES`], the platform's certificates.
    pub fn new(base_url: BaseUrl, user_agent: impl Into<String>) -> Self {
        Self {
            base_url,
            user_agent: user_agent.into(),
            max_requests_per_second: NonZeroU32::MIN.saturating_add(9),
            request_timeout: Duration::from_secs(10),
            body_limit_bytes: BODY_LIMIT_BYTES,
            ca_pem: None,
            proxy: None,
            names: Arc::new(SystemNames),
        }
    }
}

/// Makes *ring* the cryptography behind TLS, for the whole process. Calling it again does nothing.
pub fn install_crypto_provider() {
    // An error means that a provider is installed already, which is all that is wanted.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// One remote server: limits, penalty time and connections are shared by all handles to it.
pub struct Server {
    base_url: BaseUrl,
    limits: Arc<Limits>,
    body_limit_bytes: usize,
    /// Places for long bodies.
    long_bodies: Semaphore,
    request_timeout: Duration,
    proxy: Option<ProxyDoor>,
    route: ServerRoute,
    shown: Arc<ShownCertificates>,
}

impl Server {
    /// Prepares to ask a server; nothing is sent yet.
    ///
    /// # Errors
    /// Says which setting cannot be used.
    pub fn new(settings: &ServerSettings) -> Result<Arc<Self>, SetupError> {
        Self::with_limits(settings, Arc::new(Limits::new(settings.max_requests_per_second)))
    }

    /// The same with other settings, while the handles to this one are still in use. A server at
    /// the same address goes on to be asked as seldom as before, by both together, and is left
    /// alone for as long as it wished.
    ///
    /// # Errors
    /// Says which setting cannot be used.
    pub fn renewed(&self, settings: &ServerSettings) -> Result<Arc<Self>, SetupError> {
        if self.base_url != settings.base_url {
            return Self::new(settings);
        }
        Self::with_limits(settings, Limits::renewed(&self.limits, settings.max_requests_per_second))
    }

    fn with_limits(settings: &ServerSettings, limits: Arc<Limits>) -> Result<Arc<Self>, SetupError> {
        install_crypto_provider();
        let shown = Arc::new(ShownCertificates::of(&settings.base_url.host()));
        Ok(Arc::new(Self {
            base_url: settings.base_url.clone(),
            limits,
            body_limit_bytes: settings.body_limit_bytes,
            long_bodies: Semaphore::new(LONG_BODIES_MAX),
            request_timeout: settings.request_timeout,
            proxy: settings.proxy.as_ref().and_then(|url| ProxyDoor::of(url.expose_secret())),
            route: route(settings, &shown)?,
            shown,
        }))
    }

    /// A handle that introduces itself with these credentials.
    ///
    /// # Errors
    /// Says which of them cannot be sent.
    pub fn transport(self: &Arc<Self>, credentials: &Credentials) -> Result<Arc<dyn Transport>, SetupError> {
        Ok(Arc::new(AuthorisedServer { server: self.clone(), headers: credentials.headers()? }))
    }

    /// The certificates that it shows.
    pub fn shown_certificates(&self) -> &Arc<ShownCertificates> {
        &self.shown
    }

    /// The time for which it wants to be left alone.
    pub fn penalty(&self) -> &Arc<Penalty> {
        self.limits.penalty()
    }
}

/// True if a PEM file can be used as a certificate authority's.
pub fn holds_authority(pem: &[u8]) -> bool {
    authorities(pem).is_ok()
}

fn route(settings: &ServerSettings, shown: &Arc<ShownCertificates>) -> Result<ServerRoute, SetupError> {
    let (own, shown) = (settings.clone(), Arc::clone(shown));
    let make = move |addresses: Arc<Addresses>| {
        let tls = tls(&own, &shown)?;
        Ok([client(&own, 4, &addresses, tls.clone())?, client(&own, 0, &addresses, tls)?])
    };
    ServerRoute::new(Arc::clone(&settings.names), Box::new(make))
}

fn tls(settings: &ServerSettings, shown: &Arc<ShownCertificates>) -> Result<rustls::ClientConfig, SetupError> {
    let mut tls = match &settings.ca_pem {
        None if !settings.base_url.is_https() => no_tls(),
        ca_pem => client_config(ca_pem.as_deref(), shown)?,
    };
    tls.alpn_protocols = vec![b"http/1.1".to_vec()];
    Ok(tls)
}

fn client(
    settings: &ServerSettings,
    idle_connections_max: usize,
    addresses: &Arc<Addresses>,
    tls: rustls::ClientConfig,
) -> Result<reqwest::Client, SetupError> {
    let user_agent = HeaderValue::from_str(&settings.user_agent)
        .map_err(|_| SetupError::HeaderValue("the user agent (vendor, contact)".to_owned()))?;
    let mut builder = reqwest::Client::builder()
        .user_agent(user_agent)
        .connect_timeout(CONNECT_TIMEOUT_MAX.min(settings.request_timeout / 2))
        .timeout(settings.request_timeout)
        .redirect(reqwest::redirect::Policy::none())
        .retry(reqwest::retry::never())
        .referer(false)
        .tls_backend_preconfigured(tls)
        .no_proxy()
        .pool_max_idle_per_host(idle_connections_max)
        .pool_idle_timeout(IDLE_TIMEOUT)
        .dns_resolver(Arc::new(Resolver(Arc::clone(addresses))));
    if let Some(proxy) = &settings.proxy {
        builder = builder.proxy(reqwest::Proxy::all(proxy.expose_secret()).map_err(|_| SetupError::Proxy)?);
    }
    builder.build().map_err(|error| SetupError::Client(format!("{:#}", anyhow::Error::new(error.without_url()))))
}

/// A [`Server`] with credentials.
struct AuthorisedServer {
    server: Arc<Server>,
    headers: HeaderMap,
}

#[async_trait]
impl Transport for AuthorisedServer {
    async fn exchange(&self, request: Request) -> Answer<Response> {
        let mut pauses = retry::pauses();
        loop {
            self.server.limits.turn(request.lane).await?;
            let failure = match self.attempt(&request).await {
                Ok(response) => {
                    self.server.limits.penalty().heed(request.lane, &response);
                    return Ok(response);
                }
                Err(failure) => failure,
            };
            tracing::debug!(method = %request.method, class = ?failure.error.class, "no answer: {}", failure.error);
            match pauses.next() {
                Some(pause) if request.repeatable && failure.connection_broke => tokio::time::sleep(pause).await,
                _ => return Err(failure.error),
            }
        }
    }
}

impl AuthorisedServer {
    /// Sends the request once.
    async fn attempt(&self, request: &Request) -> Result<Response, ExchangeFailure> {
        let connections = self.server.route.connections().await;
        let only = self.server.route.only_address();
        let only = only.map_err(|error| ExchangeFailure { error, connection_broke: false })?;
        let sent = only_at(only, self.prepare(&connections, request)?.send()).await;
        let proxy = self.server.proxy.as_ref();
        let mut answer = sent.map_err(|error| ExchangeFailure::of_request(error, proxy))?;
        if let (407, Some(proxy)) = (answer.status().as_u16(), proxy) {
            return Err(ExchangeFailure::of_proxy(proxy));
        }
        connections.answered_from(answer.remote_addr());
        // The address of a proxy says nothing of the server behind it.
        if request.repeatable && proxy.is_none() {
            self.server.route.read_at(answer.remote_addr());
        }
        let mut response = Response {
            status: answer.status().as_u16(),
            headers: answer
                .headers()
                .iter()
                .map(|(name, value)| (name.to_string(), String::from_utf8_lossy(value.as_bytes()).into_owned()))
                .collect(),
            body: Vec::new(),
        };
        match self.body(&mut answer).await {
            Ok(body) => response.body = body,
            // Something was created, and the head says what: that must not be lost with the body.
            Err(_) if response.status == 201 && answer.headers().contains_key(LOCATION) => {}
            Err(failure) => return Err(failure),
        }
        Ok(response)
    }

    fn prepare(
        &self,
        connections: &Connections,
        request: &Request,
    ) -> Result<reqwest::RequestBuilder, ExchangeFailure> {
        let client = if request.repeatable { &connections.pooled } else { &connections.single_use };
        let method = match request.method {
            Method::Get => reqwest::Method::GET,
            Method::Post => reqwest::Method::POST,
            Method::Delete => reqwest::Method::DELETE,
        };
        let mut builder = client
            .request(method, self.server.base_url.with(&request.path))
            .headers(self.headers.clone())
            .header(reqwest::header::ACCEPT, request.accept);
        if let Some(json) = &request.json {
            builder = builder.header(CONTENT_TYPE, "application/json");
            builder = if request.gzip {
                builder.header(CONTENT_ENCODING, "gzip").body(compressed(json)?)
            } else {
                builder.body(json.clone())
            };
        } else if request.method == Method::Post {
            // Left out by hyper, and some proxies answer 411 without it.
            builder = builder.header(CONTENT_LENGTH, "0");
        }
        Ok(builder)
    }

    /// Reads the body piece by piece; reqwest decompresses as it goes, so the count is of what it
    /// unfolds to.
    async fn body(&self, answer: &mut reqwest::Response) -> Result<Vec<u8>, ExchangeFailure> {
        let (status, limit) = (answer.status().as_u16(), self.server.body_limit_bytes);
        if answer.content_length().is_some_and(|length| length > limit as u64) {
            return Err(ExchangeFailure::oversized(status, limit));
        }
        let mut body = Vec::new();
        // Held to the end of the body, which is then read in the same breath.
        let mut place = None;
        while let Some(piece) = answer.chunk().await.map_err(|error| ExchangeFailure::of_body(error, status))? {
            if body.len() + piece.len() > limit {
                return Err(ExchangeFailure::oversized(status, limit));
            }
            if place.is_none() && body.len() + piece.len() > SHORT_BODY_BYTES {
                place = Some(self.place_for_a_long_body(status).await?);
            }
            body.extend_from_slice(&piece);
        }
        Ok(body)
    }

    async fn place_for_a_long_body(&self, status: u16) -> Result<SemaphorePermit<'_>, ExchangeFailure> {
        let waited = tokio::time::timeout(self.server.request_timeout, self.server.long_bodies.acquire()).await;
        waited.ok().and_then(Result::ok).ok_or_else(|| ExchangeFailure::too_many_long(status))
    }
}

fn compressed(json: &[u8]) -> Result<Vec<u8>, ExchangeFailure> {
    use std::io::Write;

    let mut encoder = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::default());
    encoder.write_all(json).and_then(|()| encoder.finish()).map_err(|error| ExchangeFailure {
        error: CallError::new(ErrorClass::NotSent, format!("the request could not be compressed: {}", error.kind())),
        connection_broke: false,
    })
}
