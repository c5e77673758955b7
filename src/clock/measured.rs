//! Moments that a process measured itself, as values: nothing here asks what time it is.

use chrono::{DateTime, Utc};

/// The present as a process measured it itself: what its clock showed when it began, and what went
/// by since.
///
/// Waits that must not be shorter than they are long are counted by it: until a request that was
/// given up cannot be carried out any more, however the machine's clock is set meanwhile. Moments
/// noted by it can be kept; [`Measured::counted`] says what they are worth.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Measured {
    /// When the process began.
    pub began: DateTime<Utc>,
    /// The present.
    pub now: DateTime<Utc>,
}

impl Measured {
    /// From when on time counts that is to go by after a noted moment. What another process noted
    /// was before this one began; how long before, a clock that was set meanwhile cannot tell.
    pub fn counted(&self, noted: DateTime<Utc>) -> DateTime<Utc> {
        if (self.began..=self.now).contains(&noted) { noted } else { self.began }
    }
}
