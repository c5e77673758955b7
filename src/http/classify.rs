//! Which failures of an exchange mean that nothing was sent, and which that nobody knows.
//!
//! Measured against servers that refuse, hang, reset and answer by halves: an error while connecting (refused, name unknown,
//! TLS, connect timeout) is the only one after which the server cannot have seen the request. For that to hold the connect
//! timeout must be shorter than the whole one; [`super::network`] sees to it.

use std::error::Error;

use super::tls::certificate_error;
use crate::remote::{CallError, Cause, ErrorClass};

/// How much of an error's text is kept.
const DETAIL_CHARS_MAX: usize = 200;

/// A failed exchange.
#[derive(Debug)]
pub(super) struct Failure {
    /// What the caller is told.
    pub(super) error: CallError,
    /// The connection was refused or broke, rather than stayed silent: another attempt can do better at once.
    pub(super) connection_broke: bool,
}

impl Failure {
    /// No answer head arrived.
    pub(super) fn of_request(error: reqwest::Error) -> Self {
        let error = error.without_url();
        let timeout = error.is_timeout();
        if let Some(certificate) = error.is_connect().then(|| certificate_error(&error)).flatten() {
            return Self { error: certificate, connection_broke: false };
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

/// The text of the last source: the operating system's or the TLS library's own words. None of them quotes what was sent.
fn innermost(error: &reqwest::Error) -> String {
    let mut last: &dyn Error = error;
    while let Some(source) = last.source() {
        last = source;
    }
    super::answer::clean(&last.to_string(), DETAIL_CHARS_MAX)
}
