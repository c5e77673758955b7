//! One task at a time is at a booking.

use std::sync::Arc;

use super::Practice;
use crate::ids::BookingId;

/// A booking that one task is at.
pub(super) struct Turn {
    practice: Arc<Practice>,
    booking: BookingId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.practice.locked(&self.practice.busy_bookings).remove(&self.booking);
        self.practice.turn_over.notify_waiters();
    }
}

impl Practice {
    /// Takes a booking for one task; `None` while another has it.
    pub(super) fn take_turn(self: &Arc<Self>, booking: BookingId) -> Option<Turn> {
        self.locked(&self.busy_bookings).insert(booking).then(|| Turn { practice: Arc::clone(self), booking })
    }

    /// Waits for a booking that another task has.
    pub(super) async fn wait_for_turn(self: &Arc<Self>, booking: BookingId) -> Turn {
        loop {
            let over = self.turn_over.notified();
            tokio::pin!(over);
            // Listening before looking: a turn that ends in between is heard.
            over.as_mut().enable();
            if let Some(turn) = self.take_turn(booking) {
                return turn;
            }
            over.await;
        }
    }
}
