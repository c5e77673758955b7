//! What can come of asking a remote system, in classes that the caller can act on.
//!
//! Only [`ErrorClass::NotSent`] may be repeated blindly, for reads [`ErrorClass::Unavailable`] too.
//! For a write that must not be repeated, [`CallError::nothing_was_done`] is the question to ask:
//! everything else means *outcome unknown*.

use std::fmt;
use std::time::Duration;

use serde::{Deserialize, Serialize};

/// How often the interactive lane asks a server that wants to be left alone.
pub const PROBE_EVERY: Duration = Duration::from_secs(30);

/// A call that did not bring what was asked for.
///
/// `detail` is written for an operator and our ledger. It never holds a patient's data. Of a call
/// that is about a booking it has words of ours alone. Of the others it has the title of an HTML
/// page, the field names and types of JSON, and the server's one-line reason for a refusal, each
/// cut to a line.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub struct CallError {
    /// What the caller can do about it.
    pub class: ErrorClass,
    /// The HTTP status, where an answer came.
    pub status: Option<u16>,
    /// What happened, in a few words.
    pub detail: String,
    /// How long the server wants to be left alone, clamped to an hour.
    pub retry_after: Option<Duration>,
    /// What an operator should look at, where more is known than the class says.
    pub cause: Option<Cause>,
    /// Which call it was: method and path, with `{id}` for every id.
    pub call: Option<String>,
}

/// What a failed call is due to, where the answer or the connection tells. Sentences for operators
/// follow from it; what a caller does about the failure follows from the class alone.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cause {
    /// The answer is a page of HTML, or another text that the API does not speak: something between
    /// us and the server, or in its place, answered.
    Page,
    /// The answer is larger than anything that the API has to say.
    TooLarge,
    /// The server wants to be left alone for a while, and is ([`crate::http::penalty`]).
    LeftAlone,
    /// The server's certificate.
    Certificate(CertificateFault),
    /// The proxy that the configuration names wants a user name and a password.
    Proxy,
    /// https was spoken to what speaks plain http.
    SpeaksHttp,
    /// Plain http was spoken to what speaks https, as far as can be told.
    SpeaksHttps,
}

/// What is wrong with a server's certificate.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum CertificateFault {
    /// It has no subjectAltName.
    NoName,
    /// It is for other names.
    OtherName,
    /// It was valid.
    Expired,
    /// It will be valid.
    NotYetValid,
    /// Nobody who is trusted signed it.
    UnknownIssuer,
    /// It is that of a certificate authority.
    AuthorityAsServer,
    /// Something else.
    Other,
}

/// What a caller can do about a failed call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum ErrorClass {
    /// Nothing left this machine, or nothing can have arrived: refused, DNS, TLS, connect timeout,
    /// a server in its penalty time.
    NotSent,
    /// The request left and no answer of the server itself came: timeout, reset, half an answer,
    /// and for a booking also the answer of something in between. A write may have been carried
    /// out, or still will be.
    Lost,
    /// 5xx. A write may have been carried out.
    Unavailable,
    /// The application said no, in its own words (400, 404, 409, 410, 422 with a plain text or JSON
    /// reason).
    Refused,
    /// 401.
    Credentials,
    /// 403.
    Forbidden,
    /// 429.
    TooMany,
    /// An answer that the API does not have: HTML, truncated or unknown JSON, a redirect, an
    /// unexpected status.
    Contract,
}

/// A server is away, or lets us in for nothing: one cause that makes every call to it fail, for
/// every practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ServerOutage {
    /// OpenVPMS cannot be reached, or does not work.
    OpenVpmsAway,
    /// OpenVPMS refuses the user.
    OpenVpmsRefuses,
    /// Healthengine cannot be reached, or does not work.
    HealthengineAway,
    /// Healthengine refuses the api-key.
    HealthengineRefuses,
}

impl ServerOutage {
    /// What a failed call to OpenVPMS is part of; `None` if another call can fare better.
    pub fn of_openvpms(error: &CallError) -> Option<Self> {
        Self::of(error, Self::OpenVpmsAway, Self::OpenVpmsRefuses)
    }

    /// The same of a call to Healthengine.
    pub fn of_healthengine(error: &CallError) -> Option<Self> {
        Self::of(error, Self::HealthengineAway, Self::HealthengineRefuses)
    }

    fn of(error: &CallError, away: Self, refuses: Self) -> Option<Self> {
        match error.class {
            ErrorClass::NotSent | ErrorClass::Lost | ErrorClass::Unavailable | ErrorClass::TooMany => Some(away),
            ErrorClass::Contract => matches!(error.cause, Some(Cause::Page)).then_some(away),
            ErrorClass::Credentials => Some(refuses),
            ErrorClass::Refused | ErrorClass::Forbidden => None,
        }
    }
}

impl CallError {
    /// An error without an HTTP status. The detail ends without a full stop, whatever was said: it
    /// stands within sentences.
    pub fn new(class: ErrorClass, detail: impl Into<String>) -> Self {
        let mut detail = detail.into();
        detail.truncate(detail.trim_end_matches('.').len());
        Self { class, status: None, detail, retry_after: None, cause: None, call: None }
    }

    /// An error that an answer with this status stands for.
    pub fn with_status(class: ErrorClass, status: u16, detail: impl Into<String>) -> Self {
        Self { status: Some(status), ..Self::new(class, detail) }
    }

    /// The same, with what it is due to.
    #[must_use]
    pub fn due_to(self, cause: Cause) -> Self {
        Self { cause: Some(cause), ..self }
    }

    /// The same, of this call.
    #[must_use]
    pub fn of(self, call: impl Into<String>) -> Self {
        Self { call: Some(call.into()), ..self }
    }

    /// True if the server refuses who we are.
    pub fn is_access(&self) -> bool {
        matches!(self.class, ErrorClass::Credentials | ErrorClass::Forbidden)
    }

    /// How long whoever asks in a loop waits at least: what the server wishes, up to a minute. The
    /// transport keeps to the whole of the wish; that it was lifted is noticed within this time.
    pub fn pause(&self) -> Duration {
        self.retry_after.unwrap_or_default().min(Duration::from_secs(60))
    }

    /// True if the server can have done nothing of what was asked, and will not do it later either.
    pub fn nothing_was_done(&self) -> bool {
        match self.class {
            ErrorClass::NotSent
            | ErrorClass::Refused
            | ErrorClass::Credentials
            | ErrorClass::Forbidden
            | ErrorClass::TooMany => true,
            ErrorClass::Lost | ErrorClass::Unavailable => false,
            // A redirect is decided on the request. A page, whatever its status, can be decided on
            // the answer.
            ErrorClass::Contract => matches!(self.status, Some(300..=399)),
        }
    }

    /// True if the server knows no such call, so that the URL leads elsewhere. A 404 for a call
    /// with an id in it can be about the id.
    pub fn is_unknown_call(&self) -> bool {
        let is_about_no_id = self.call.as_ref().is_some_and(|call| !call.contains('{'));
        self.class == ErrorClass::Refused && self.status == Some(404) && is_about_no_id
    }

    /// True if this is the application's refusal with exactly this status and text.
    pub fn is_refusal(&self, status: u16, text: &str) -> bool {
        self.class == ErrorClass::Refused && self.status == Some(status) && self.detail == text
    }
}

impl fmt::Display for CallError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.detail)?;
        match (self.status, &self.call) {
            (Some(status), Some(call)) => write!(f, " (status {status}, {call})"),
            (Some(status), None) => write!(f, " (status {status})"),
            (None, Some(call)) => write!(f, " ({call})"),
            (None, None) => Ok(()),
        }
    }
}

/// What a call brings.
pub type Answer<T> = Result<T, CallError>;
