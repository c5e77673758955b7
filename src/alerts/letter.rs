//! A message as it is sent.

use chrono::{DateTime, Utc};

use super::concern::AlertMessage;
use crate::hex;
use crate::messages::alerts::{self as say, Terms};

/// A message as it is sent, however often.
#[derive(Debug)]
pub struct Letter {
    /// What it tells.
    pub message: AlertMessage,
    /// Its first line.
    pub title: String,
    /// All of it.
    pub text: String,
    /// The same at each attempt, so that receivers can tell.
    pub id: String,
    /// When it was written.
    pub at: DateTime<Utc>,
}

impl Letter {
    /// Writes a message.
    pub fn new(message: AlertMessage, at: DateTime<Utc>, terms: &Terms) -> Self {
        let mut random = [0; 12];
        // Without random bytes two messages of one moment have one id, and a receiver that knows
        // ids may show one of them.
        let _ = getrandom::fill(&mut random);
        let id = format!("{}.{}", at.timestamp_millis(), hex::encode(&random));
        Self { title: say::title(&message, terms), text: say::text(&message, at, terms), id, at, message }
    }
}
