//! What Healthengine asks for at every poll and nothing can be done about: logged once.

use super::Practice;
use crate::messages;

impl Practice {
    /// A request type that vetbridge does not serve: said once, left alone.
    pub(super) fn unserved(&self, name: &str) {
        // Names come from the network; more than a handful of them is nonsense.
        let mut unserved = self.locked(&self.unserved);
        if unserved.len() < 20 && unserved.insert(name.to_owned()) {
            tracing::warn!(practice = %self.id(), request = plain(name), "Healthengine asks for something that vetbridge does not serve.");
        }
    }

    /// Said once for each kind.
    pub(super) fn say_rejected(&self, kind: &str) {
        if self.locked(&self.unserved).insert(kind.to_owned()) {
            tracing::warn!(
                practice = %self.id(), request = kind,
                "Healthengine asks for documents, which OpenVPMS's booking API does not have; such requests are rejected."
            );
        }
    }

    /// A day that cannot be offered is asked for: logged once.
    pub(super) fn said_once(&self, what: &str) {
        let mut unserved = self.locked(&self.unserved);
        if unserved.len() < 200 && unserved.insert(what.to_owned()) {
            let what: String = messages::plain(what).chars().take(80).collect();
            tracing::info!(practice = %self.id(), "Healthengine asks for {what}, which is not offered; it gets an empty day.");
        }
    }
}

/// A name from the network, fit for a log.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}
