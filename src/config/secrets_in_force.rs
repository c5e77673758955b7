//! Which secrets and certificates a running service has, so that `check` can say when it still has
//! others than the configuration has.
//!
//! The service notes a fingerprint of each in its state directory, which only its user and root can
//! read; nothing is sent or printed. A fingerprint is two bytes of a keyed hash, under a key that
//! is made for the note: enough to tell two secrets apart but for one time in 65,536, and too
//! little to find one out by trying.

use std::collections::BTreeMap;

use ring::hmac;
use serde::{Deserialize, Serialize};

use super::Config;

/// What was noted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InForce {
    key: [u8; 16],
    secrets: BTreeMap<String, [u8; 2]>,
}

impl InForce {
    /// The secrets and certificates of a configuration, under a fresh key.
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
        let print = |content: &[u8]| {
            let tag = hmac::sign(&hash, content);
            [tag.as_ref()[0], tag.as_ref()[1]]
        };
        let secrets = config.referred().into_iter().map(|own| (own.place, print(own.content)));
        Self { key, secrets: secrets.collect() }
    }

    /// The places of what of `config` is another than what was noted.
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

    #[test]
    fn another_certificate_authority_is_told_as_another_secret_is() {
        let directory = tempfile::tempdir().unwrap();
        let with = |pem: &str| {
            std::fs::write(directory.path().join("clinic-ca.pem"), pem).unwrap();
            let text = config::EXAMPLE
                .replace("{ file = \"openvpms.password\" }", "\"pw\"")
                .replace("{ env = \"HEALTHENGINE_API_KEY\" }", "\"api\"")
                .replace("{ env = \"PRACTICE_1234567_KEY\" }", "\"k1\"")
                .replacen("# ca_file =", "ca_file =", 1);
            let env = |name: &str| match name {
                "CREDENTIALS_DIRECTORY" => Ok(directory.path().display().to_string()),
                _ => Err(std::env::VarError::NotPresent),
            };
            config::parse(&directory.path().join("x.toml"), &text, &env).unwrap()
        };
        let (one, other) = (with("one"), with("other"));
        assert!(one != other, "a reload takes it over");
        let noted = InForce::with_key([7; 16], &one);
        assert_eq!(noted.others(&one), [""; 0]);
        assert_eq!(noted.others(&other), ["[openvpms] ca_file"]);
        let of_ca_file = other.referred().into_iter().find(|own| own.place == "[openvpms] ca_file").unwrap();
        assert!(of_ca_file.is_copy && !of_ca_file.is_secret, "systemd copied it");
    }
}
