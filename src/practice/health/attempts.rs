//! What a practice has done since it started: until then it knows nothing of what failed before.

/// What a practice has done since it started.
#[derive(Debug, Clone, Copy, Default)]
pub(super) struct Attempts {
    pub(super) polls: u32,
    pub(super) readings: u32,
    pub(super) configurations: u32,
}

impl Attempts {
    /// True once each of it was done.
    pub(super) fn is_round(self) -> bool {
        self.polls > 1 && self.readings > 0 && self.configurations > 0
    }
}

/// Something that a practice has done whole.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Attempt {
    /// Healthengine answered a poll.
    Poll,
    /// Every schedule of the near days was read.
    Reading,
    /// Healthengine has the configuration.
    Configuration,
}
