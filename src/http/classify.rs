//! Which failures of an exchange mean that nothing was sent, and which that nobody knows.
//!
//! Measured against servers that refuse, hang, reset and answer by halves: an error while
//! connecting (refused, name unknown, TLS, connect timeout) is the only one after which the server
//! cannot have seen the request. For that to hold the connect timeout must be shorter than the
//! whole one; [`super::network`] sees to it.

use std::error::Error;

use super::tls::{certificate_error, speaks_no_tls};
use crate::call_error::{CallError, Cause, ErrorClass};
use crate::characters::one_line;
use crate::messages::call_failures;

/// How much of an error's text is kept.
const DETAIL_CHARS_MAX: usize = 200;

/// A failed exchange.
#[derive(Debug)]
pub(super) struct ExchangeFailure {
    /// What the caller is told.
    pub(super) error: CallError,
    /// The connection was refused or broke, rather than stayed silent: another attempt can do
    /// better at once.
    pub(super) connection_broke: bool,
}

/// A proxy, as it may be named: without what opens it.
#[derive(Debug)]
pub(super) struct ProxyDoor {
    address: String,
    has_credentials: bool,
}

impl ProxyDoor {
    /// The proxy of a URL.
    pub(super) fn of(url: &str) -> Option<Self> {
        let url = reqwest::Url::parse(url.trim()).ok()?;
        let port = url.port().map(|port| format!(":{port}")).unwrap_or_default();
        let address = format!("{}://{}{port}", url.scheme(), url.host_str()?);
        Some(Self { address, has_credentials: !url.username().is_empty() || url.password().is_some() })
    }
}

impl ExchangeFailure {
    /// The proxy let nothing through, for want of what opens it.
    pub(super) fn of_proxy(proxy: &ProxyDoor) -> Self {
        let detail = call_failures::proxy_shut(&proxy.address, proxy.has_credentials);
        Self { connection_broke: false, error: CallError::new(ErrorClass::NotSent, detail).due_to(Cause::Proxy) }
    }

    /// No answer head arrived.
    pub(super) fn of_request(error: reqwest::Error, proxy: Option<&ProxyDoor>) -> Self {
        let error = error.without_url();
        if let Some(proxy) = proxy.filter(|_| error.is_connect() && wants_credentials(&error)) {
            return Self::of_proxy(proxy);
        }
        let timeout = error.is_timeout();
        if let Some(certificate) = error.is_connect().then(|| certificate_error(&error)).flatten() {
            return Self { error: certificate, connection_broke: false };
        }
        if error.is_connect() && speaks_no_tls(&error) {
            let detail = call_failures::SPEAKS_HTTP;
            let error = CallError::new(ErrorClass::NotSent, detail).due_to(Cause::SpeaksHttp);
            return Self { error, connection_broke: false };
        }
        if speaks_no_http(&error) {
            let detail = call_failures::SPEAKS_NO_HTTP;
            return Self {
                error: CallError::new(ErrorClass::Lost, detail).due_to(Cause::SpeaksHttps),
                connection_broke: false,
            };
        }
        let (class, detail) = if error.is_connect() {
            (ErrorClass::NotSent, connecting(&error))
        } else if error.is_builder() {
            (ErrorClass::NotSent, format!("the request could not be made: {}", innermost(&error)))
        } else if timeout {
            (ErrorClass::Lost, "no answer came in time".to_owned())
        } else {
            (ErrorClass::Lost, format!("the connection broke before an answer: {}", innermost(&error)))
        };
        Self { connection_broke: !timeout && !error.is_builder(), error: CallError::new(class, detail) }
    }

    /// The head arrived, the body did not, or not whole.
    pub(super) fn of_body(error: reqwest::Error, status: u16) -> Self {
        let error = error.without_url();
        let timeout = error.is_timeout();
        let detail = if timeout {
            "the answer did not end in time".to_owned()
        } else {
            format!("the answer broke off: {}", innermost(&error))
        };
        Self { connection_broke: !timeout, error: CallError::with_status(ErrorClass::Lost, status, detail) }
    }

    /// The body is larger than anything these APIs have to say.
    pub(super) fn oversized(status: u16, limit_bytes: usize) -> Self {
        let detail = format!("the answer is larger than {limit_bytes} bytes");
        Self {
            connection_broke: false,
            error: CallError::with_status(ErrorClass::Contract, status, detail).due_to(Cause::TooLarge),
        }
    }

    /// Other long answers took all the time there was.
    pub(super) fn too_many_long(status: u16) -> Self {
        let detail = "too many long answers at one time";
        Self { connection_broke: false, error: CallError::with_status(ErrorClass::Lost, status, detail) }
    }
}

/// Why no connection came about.
fn connecting(error: &reqwest::Error) -> String {
    if error.is_timeout() {
        return "no connection came about in time".to_owned();
    }
    let cause = innermost(error);
    if error.is_dns() {
        return format!("the server's name could not be looked up: {cause}");
    }
    format!("no connection: {cause}")
}

/// True if it was the proxy that refused, for want of the right user name and password. The library
/// has no public kinds for that.
fn wants_credentials(error: &reqwest::Error) -> bool {
    let mut next: Option<&dyn Error> = Some(error);
    while let Some(error) = next {
        let text = error.to_string();
        let of_socks = text.starts_with("SOCKS error: ")
            && (text.contains("credentials not accepted") || text.contains("authentication"));
        if text == "tunnel error: proxy authorization required" || of_socks {
            return true;
        }
        next = error.source();
    }
    false
}

/// True if what came is no answer in http: a port of https says so in its own way.
fn speaks_no_http(error: &reqwest::Error) -> bool {
    let mut next: Option<&(dyn Error + 'static)> = Some(error);
    while let Some(error) = next {
        if error.downcast_ref::<hyper::Error>().is_some_and(hyper::Error::is_parse) {
            return true;
        }
        next = error.source();
    }
    false
}

/// The text of the last source: the operating system's or the TLS library's own words. None of them
/// quotes what was sent.
fn innermost(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    one_line(&last.to_string(), DETAIL_CHARS_MAX)
}
