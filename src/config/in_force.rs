//! Which secrets a running service has, so that `check` can say when it still has others than the configuration has.
//!
//! The service notes a fingerprint of each in its state directory, which only its user and root can read; nothing is sent or
//! printed. A fingerprint is two bytes of a keyed hash, under a key that is made for the note: enough to tell two secrets apart but
//! for one time in 65,536, and too little to find one out by trying.

use std::collections::BTreeMap;

use ring::hmac;
use secrecy::ExposeSecret as _;
use serde::{Deserialize, Serialize};

use super::Config;

/// What was noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    key: [u8; 16],
    secrets: BTreeMap<String, [u8; 2]>,
}

impl InForce {
    /// The secrets of a configuration, under a fresh key.
    ///
    /// # Errors
    /// The system has no random numbers.
    pub fn of(config: &Config) -> Result<Self, getrandom::Error> {
        let mut key = [0; 16];
        getrandom::fill(&mut key)?;
        Ok(Self::with_key(key, config))
    }

    fn with_key(key: [u8; 16], config: &Config) -> Self {
        let hash = hmac::Key::new(hmac::HMAC_SHA256, &key);
        let print = |text: &str| {
            let tag = hmac::sign(&hash, text.as_bytes());
            [tag.as_ref()[0], tag.as_ref()[1]]
        };
        let secrets = config.secrets().into_iter().map(|(place, secret)| (place, print(secret.expose_secret())));
        Self { key, secrets: secrets.collect() }
    }

    /// The places of the secrets of `config` that are others than those noted.
    pub fn others(&self, config: &Config) -> Vec<String> {
        let own = Self::with_key(self.key, config);
        let differs = |(place, print): &(String, [u8; 2])| self.secrets.get(place) != Some(print);
        own.secrets.into_iter().filter(differs).map(|(place, _)| place).collect()
    }

    /// As it is written.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }

    /// What was written; `None` for anything else.
    pub fn from_text(text: &str) -> Option<Self> {
        serde_json::from_str(text).ok()
    }
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::*;
    use crate::config;

    fn config(password: &str, key: &str) -> Config {
        let text = config::EXAMPLE
            .replace("{ file = \"openvpms.password\" }", &format!("\"{password}\""))
            .replace("{ env = \"HEALTHENGINE_API_KEY\" }", "\"api\"")
            .replace("{ env = \"PRACTICE_1234567_KEY\" }", &format!("\"{key}\""));
        config::parse(Path::new("x.toml"), &text, &|_| Err(std::env::VarError::NotPresent)).unwrap()
    }

    #[test]
    fn another_secret_is_told_by_its_place_and_the_note_shows_none() {
        let noted = InForce::with_key([7; 16], &config("hunter2", "k1"));
        let text = noted.to_text();
        assert!(!text.contains("hunter2") && !text.contains("k1"), "{text}");
        let read = InForce::from_text(&text).unwrap();
        assert_eq!(read.others(&config("hunter2", "k1")), [""; 0]);
        assert_eq!(read.others(&config("hunter3", "k1")), ["[openvpms] password"]);
        assert_eq!(read.others(&config("hunter2", "k2")), ["practice 1234567 key"]);
        assert_eq!(InForce::from_text("{}"), None);
    }
}
