//! Whether webhooks arrive, as polls and deliveries tell.

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::practice::context::Context;
use crate::webhooks::evidence::{Evidence, Item};
use crate::webhooks::hint::Hint;

/// What polls and deliveries tell of webhooks.
#[derive(Default)]
pub(in crate::practice) struct WebhookEvidence {
    evidence: Mutex<Evidence>,
    /// A poll found something that no webhook announced.
    missed: Notify,
}

/// Which deliveries failed, by Healthengine's log.
#[derive(Debug, Default)]
pub(super) struct Deliveries {
    /// Of which subscription.
    pub(super) of: String,
    /// Until when the log was read, by Healthengine's clock.
    pub(super) read_to: Option<DateTime<Utc>>,
    /// The last one that failed: when, and why.
    pub(super) failed: Option<(DateTime<Utc>, String)>,
}

impl WebhookEvidence {
    /// A webhook for this practice arrived.
    pub(super) fn arrived(&self, hint: &Hint, now: DateTime<Utc>) {
        self.evidence.lock().arrived(hint, now);
    }

    /// When the last one arrived.
    pub(in crate::practice) fn arrived_at(&self) -> Option<DateTime<Utc>> {
        self.evidence.lock().arrived_at()
    }

    /// True if webhooks demonstrably arrive.
    pub(in crate::practice) fn webhooks_arrive(&self, now: DateTime<Utc>) -> bool {
        self.evidence.lock().webhooks_arrive(now)
    }

    /// A poll of this moment found these, with since when they wait by Healthengine's clock. True
    /// if a webhook was missed.
    pub(in crate::practice) fn found(
        &self,
        context: &Context,
        items: Vec<(Item, Option<DateTime<Utc>>)>,
        polled_at: DateTime<Utc>,
    ) -> bool {
        let ahead = context.healthengine.clock_difference();
        let items = items.into_iter().map(|(item, since)| (item, since.map(|since| since - ahead)));
        let was_missed = self.evidence.lock().found(items, polled_at) && context.settings.webhooks.is_some();
        if was_missed {
            self.missed.notify_one();
        }
        was_missed
    }

    /// Ends when a webhook was missed.
    pub(super) async fn missed(&self) {
        self.missed.notified().await;
    }
}
