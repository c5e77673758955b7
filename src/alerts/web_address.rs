//! An address on the web that is posted to, or asked as a heartbeat.

use std::sync::Arc;

use secrecy::{ExposeSecret as _, SecretString};

use super::failure::NotArrived;
use crate::call_error::{CallError, ErrorClass};
use crate::http::shown_certificates::ShownCertificates;
use crate::http::{Lane, Method, Request, Response, Transport};

/// A secret URL with the way there.
pub struct WebAddress {
    transport: Arc<dyn Transport>,
    path: SecretString,
    shown: Option<Arc<ShownCertificates>>,
}

impl WebAddress {
    /// The path, with its query, at a server.
    pub fn new(transport: Arc<dyn Transport>, path: SecretString) -> Self {
        Self { transport, path, shown: None }
    }

    /// The same, at a server that shows these certificates.
    #[must_use]
    pub fn that_shows(self, shown: &Arc<ShownCertificates>) -> Self {
        Self { shown: Some(Arc::clone(shown)), ..self }
    }

    /// The certificates that the server shows.
    pub fn shown_certificates(&self) -> Option<&ShownCertificates> {
        self.shown.as_deref()
    }

    /// Asks it as a heartbeat.
    ///
    /// # Errors
    /// It did not answer that all is well.
    pub async fn beat(&self) -> Result<(), NotArrived> {
        self.call(Method::Get, None).await
    }

    /// Posts this JSON.
    ///
    /// # Errors
    /// It may not have arrived.
    pub async fn post(&self, json: Vec<u8>) -> Result<(), NotArrived> {
        self.call(Method::Post, Some(json)).await
    }

    async fn call(&self, method: Method, json: Option<Vec<u8>>) -> Result<(), NotArrived> {
        let request = Request {
            method,
            path: self.path.expose_secret().to_owned(),
            accept: "*/*",
            json,
            gzip: false,
            lane: Lane::Interactive,
            repeatable: method == Method::Get,
        };
        let answer = self.transport.exchange(request).await.and_then(|answer| accepted(&answer));
        answer.map_err(NotArrived::Call)
    }
}

/// What the receiver says is not looked at: it may repeat the address, which is a secret.
fn accepted(answer: &Response) -> Result<(), CallError> {
    let class = match answer.status {
        200..=299 => return Ok(()),
        401 => ErrorClass::Credentials,
        403 => ErrorClass::Forbidden,
        429 => ErrorClass::TooMany,
        400..=499 => ErrorClass::Refused,
        500..=599 => ErrorClass::Unavailable,
        _ => ErrorClass::Contract,
    };
    Err(CallError::with_status(class, answer.status, "the receiver does not take it"))
}
