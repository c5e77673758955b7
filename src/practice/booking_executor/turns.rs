//! One task at a time is at a booking.

use std::collections::BTreeSet;
use std::sync::Arc;

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::ids::BookingId;

/// The bookings that tasks are at.
#[derive(Default)]
pub(in crate::practice) struct Turns {
    busy: Mutex<BTreeSet<BookingId>>,
    /// One of them is free again.
    over: Notify,
}

/// A booking that one task is at.
pub(in crate::practice) struct Turn {
    turns: Arc<Turns>,
    booking: BookingId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.busy.lock().remove(&self.booking);
        self.turns.over.notify_waiters();
    }
}

impl Turns {
    /// Takes a booking for one task; `None` while another has it.
    pub(in crate::practice) fn take(self: &Arc<Self>, booking: BookingId) -> Option<Turn> {
        self.busy.lock().insert(booking).then(|| Turn { turns: Arc::clone(self), booking })
    }

    /// Waits for a booking that another task has.
    pub(in crate::practice) async fn wait_for(self: &Arc<Self>, booking: BookingId) -> Turn {
        loop {
            let over = self.over.notified();
            tokio::pin!(over);
            // Listening before looking: a turn that ends in between is heard.
            over.as_mut().enable();
            if let Some(turn) = self.take(booking) {
                return turn;
            }
            over.await;
        }
    }

    /// True if no task is at any booking.
    pub(in crate::practice) fn is_empty(&self) -> bool {
        self.busy.lock().is_empty()
    }
}
