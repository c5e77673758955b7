//! How the components of a practice wake each other, and what they wait for at the start.

use std::sync::atomic::{AtomicBool, Ordering};

use tokio::sync::{Notify, SetOnce};

/// What wakes the loops of a practice.
#[derive(Default)]
pub(super) struct Signals {
    /// Something waits at Healthengine: the next poll is now.
    pub(super) poll: Notify,
    /// A person may have put right what Healthengine refused.
    pub(super) try_again: Notify,
    /// What the configuration sync is asked for.
    pub(super) configuration: ConfigurationWanted,
}

/// What the configuration sync is asked for.
#[derive(Default)]
pub(super) struct ConfigurationWanted {
    resources: AtomicBool,
    types: AtomicBool,
    wanted: Notify,
}

impl ConfigurationWanted {
    /// OpenVPMS is to be read soon: something that is offered turned out to be closed.
    pub(super) fn soon(&self) {
        self.wanted.notify_one();
    }

    /// Healthengine asks for the resources. A request stays listed until its snapshot arrives;
    /// asking twice for one does no good.
    pub(super) fn resources(&self) {
        if !self.resources.swap(true, Ordering::Relaxed) {
            self.soon();
        }
    }

    /// Healthengine asks for the appointment types.
    pub(super) fn types(&self) {
        if !self.types.swap(true, Ordering::Relaxed) {
            self.soon();
        }
    }

    /// Both lists are to be sent with the next sync.
    pub(super) fn both_with_the_next(&self) {
        self.resources.store(true, Ordering::Relaxed);
        self.types.store(true, Ordering::Relaxed);
    }

    /// Healthengine has the resources.
    pub(super) fn has_resources(&self) {
        self.resources.store(false, Ordering::Relaxed);
    }

    /// Healthengine has the appointment types.
    pub(super) fn has_types(&self) {
        self.types.store(false, Ordering::Relaxed);
    }

    pub(super) fn wants_resources(&self) -> bool {
        self.resources.load(Ordering::Relaxed)
    }

    pub(super) fn wants_types(&self) -> bool {
        self.types.load(Ordering::Relaxed)
    }

    /// Ends when the configuration is to be read.
    pub(super) async fn wanted(&self) {
        self.wanted.notified().await;
    }
}

/// What happened since the practice was started. Several tasks wait for these. Unlike those of a
/// `watch` they go on in the order in which they came, so that a simulation can be repeated.
#[derive(Default)]
pub(super) struct Milestones {
    /// The configuration was tried for the first time.
    pub(super) configured: SetOnce<()>,
    /// There was something to offer.
    pub(super) offering_read: SetOnce<()>,
    /// The days were sent.
    pub(super) days_sent: SetOnce<()>,
    /// Healthengine's list of bookings was read whole, or for as long as it is waited for that.
    pub(super) bookings_listed: SetOnce<()>,
}
