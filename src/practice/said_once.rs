//! What Healthengine asks for at every poll and nothing can be done about: logged once.

use std::collections::BTreeSet;

use parking_lot::Mutex;

/// What was logged once and need not be again.
#[derive(Default)]
pub(super) struct SaidOnce(Mutex<BTreeSet<String>>);

impl SaidOnce {
    /// True for what was not said before. What comes over the network is bounded: beyond `max`
    /// nothing is said.
    pub(super) fn is_new(&self, what: &str, max: usize) -> bool {
        let mut said = self.0.lock();
        said.len() < max && said.insert(what.to_owned())
    }
}

/// A name from the network, fit for a log.
pub(super) fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}
