//! The ways to people: receivers of messages, and the heartbeat.

use std::time::Duration;

use serde_json::json;

use super::failure::NotArrived;
use super::letter::Letter;
use super::mail::Mailer;
use super::web_address::WebAddress;
use crate::http::shown_certificates::ShownCertificates;
use crate::messages::typed_commands::TypedCommands;

/// Everything that `[alerts]` names.
pub struct AlertChannels {
    /// What heals by itself within this time is not told.
    pub after: Duration,
    /// Who is told.
    pub receivers: Vec<Receiver>,
    /// What is asked while all is well, and how often.
    pub heartbeat: Option<(WebAddress, Duration)>,
    /// How people type commands so that they find this configuration.
    pub commands: TypedCommands,
}

/// Somebody who is told.
pub struct Receiver {
    /// Its place in the configuration.
    pub place: String,
    /// How it is reached.
    pub way: Way,
}

/// How somebody is told.
pub enum Way {
    /// By a POST of JSON.
    Webhook(WebAddress),
    /// By mail.
    Mail(Box<Mailer>),
}

impl Way {
    /// The certificates that the receiver's server shows.
    pub fn shown_certificates(&self) -> Option<&ShownCertificates> {
        match self {
            Self::Webhook(address) => address.shown_certificates(),
            Self::Mail(mailer) => Some(mailer.shown_certificates()),
        }
    }

    /// Tells somebody.
    ///
    /// # Errors
    /// It may not have arrived.
    pub async fn tell(&self, letter: &Letter) -> Result<(), NotArrived> {
        match self {
            Self::Webhook(address) => {
                let body = json!({ "text": letter.text }).to_string();
                address.post(body.into_bytes()).await
            }
            Self::Mail(mailer) => mailer.send(letter).await,
        }
    }
}
