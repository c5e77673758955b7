//! One HTTP exchange with a remote system: what is asked, what is answered, and who carries it.
//!
//! The two clients speak through a [`Transport`]: over the network in the program ([`network`]),
//! straight into a simulator in simulations. Limits, timeouts, credentials and error classes of the
//! network belong to the transport; paths, bodies and the meaning of answers belong to the clients
//! ([`answer`] and [`json`] hold what both need to read one). Neither API is known here.

pub mod answer;
pub mod base_url;
mod bounded_json;
pub mod certificate_facts;
mod classify;
pub mod connections;
mod credentials;
pub mod json;
pub mod network;
pub mod penalty;
pub mod rate_limit;
mod retry;
pub mod route;
mod setup_error;
pub mod shown_certificates;
pub(crate) mod tls;

use std::fmt;

use async_trait::async_trait;

use crate::call_error::Answer;

/// Who goes first when calls are rationed, the most urgent first. The background never has more
/// than half of a server's tokens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Lane {
    /// Bookings and their lists: a pet owner waits.
    Interactive,
    /// The question what Healthengine wants, which says besides that the practice is alive.
    Poll,
    /// Reads of free/busy and configuration, snapshots.
    Background,
}

/// The method of an exchange.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Asks; can be repeated.
    Get,
    /// Changes something.
    Post,
    /// Cancels; can be repeated.
    Delete,
}

impl fmt::Display for Method {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Get => "GET",
            Self::Post => "POST",
            Self::Delete => "DELETE",
        })
    }
}

/// What is asked. Authentication and `User-Agent` are added by the transport.
#[derive(Clone)]
pub struct Request {
    /// The method.
    pub method: Method,
    /// Path and query below the base URL, beginning with `/`, percent-encoded.
    pub path: String,
    /// The `Accept` header.
    pub accept: &'static str,
    /// A JSON body.
    pub json: Option<Vec<u8>>,
    /// True if the body is to be compressed (`Content-Encoding: gzip`).
    pub gzip: bool,
    /// Who goes first.
    pub lane: Lane,
    /// True if the call may be repeated by the transport while nothing was sent or the server is
    /// away. One that may not is sent once, over a connection of its own: a reset of a reused one
    /// cannot be told from a lost answer.
    pub repeatable: bool,
}

impl fmt::Debug for Request {
    /// Without the body, which can hold a patient's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.method, self.path)
    }
}

/// What was answered, whatever the status: the whole body arrived.
///
/// With one exception. A 201 whose body broke off, but whose `Location` header names what was
/// created, is answered with an empty body: whoever asked must learn that it exists, and what it is
/// called.
#[derive(Clone)]
pub struct Response {
    /// The status.
    pub status: u16,
    /// Headers, names in lower case.
    pub headers: Vec<(String, String)>,
    /// The body, within the transport's limit, decompressed.
    pub body: Vec<u8>,
}

impl Response {
    /// The value of a header, by its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Response {
    /// Without the body, which can hold a patient's data.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Response({}, {} bytes)", self.status, self.body.len())
    }
}

/// Carries one exchange. An error means that no complete answer arrived: its class is `NotSent` or
/// `Lost` (or `Contract` for a body over the limit); every status, also 500, is a [`Response`].
#[async_trait]
pub trait Transport: Send + Sync {
    /// Asks and waits for the answer. Whoever drops the future has not taken the request back: it
    /// may have left.
    async fn exchange(&self, request: Request) -> Answer<Response>;
}
