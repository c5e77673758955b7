//! What was last done when.

use std::time::Duration;

use chrono::{DateTime, Utc};

/// What was last done when. Shown to operators, and what *in step* is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct LastDone {
    /// The last poll that was answered.
    pub polled_at: Option<DateTime<Utc>>,
    /// How long after the last poll the next one begins.
    pub poll_wait: Duration,
    /// The last time that OpenVPMS answered a reading.
    pub openvpms_at: Option<DateTime<Utc>>,
    /// The last reading of every schedule of the near days.
    pub read_at: Option<DateTime<Utc>>,
    /// The last time the configuration was as Healthengine has it.
    pub configured_at: Option<DateTime<Utc>>,
    /// When Healthengine last took a day.
    pub sent_at: Option<DateTime<Utc>>,
}

impl LastDone {
    /// The later of each: what a practice that starts anew goes on from.
    pub(in crate::practice) fn or(self, former: Self) -> Self {
        let Self { polled_at, poll_wait, openvpms_at, read_at, configured_at, sent_at } = self;
        Self {
            poll_wait: poll_wait.max(former.poll_wait),
            polled_at: polled_at.max(former.polled_at),
            openvpms_at: openvpms_at.max(former.openvpms_at),
            read_at: read_at.max(former.read_at),
            configured_at: configured_at.max(former.configured_at),
            sent_at: sent_at.max(former.sent_at),
        }
    }
}
