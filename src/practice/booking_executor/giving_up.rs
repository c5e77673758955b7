//! The store has failed: nothing can be remembered any more, so nothing more is booked.
//!
//! Bookings that nobody has begun to make are rejected while their pet owners can still choose
//! another time. Whatever may have an appointment is left to the next start, which finds it in the
//! ledger. The rejections themselves are remembered nowhere; the next start sees that Healthengine
//! lists these bookings no longer.

use std::sync::Arc;
use std::time::Duration;

use futures_util::future::join_all;

use super::executor::Executor;
use crate::booking::deadline::Deadline;
use crate::booking::entry::Entry;
use crate::healthengine::BookingRequest;
use crate::messages::start as say;
use crate::polling::failed_calls::Call;

/// A booking that a task is at is waited for in steps of this.
const STEP: Duration = Duration::from_millis(50);

impl Executor {
    /// Rejects what is open and not in doubt. Call it when nothing is begun any more.
    pub(in crate::practice) async fn reject_open(self: &Arc<Self>) {
        let listed = match self.lists.bookings().await {
            Ok((listed, _)) => listed,
            Err(error) => {
                return tracing::warn!(practice = %self.context.id(), "Open bookings cannot be rejected: {error}.");
            }
        };
        join_all(listed.iter().map(|request| self.reject_if_untouched(request))).await;
    }

    async fn reject_if_untouched(self: &Arc<Self>, request: &BookingRequest) {
        // What a task is doing about it has to come to its end: a POST may be on its way.
        let _turn = loop {
            match self.turns.take(request.booking_id) {
                Some(turn) => break turn,
                None => tokio::time::sleep(STEP).await,
            }
        };
        let ahead = self.context.healthengine.clock_difference();
        let meta = self.context.shared.store.meta();
        // An appointment that this store never saw made may stand.
        let unknown_before = request.booked_time.is_none_or(|at| meta.may_lack(at, ahead));
        // A rejection that comes too late wants a flag, and there is nowhere to put it.
        let in_time = Deadline::new(request.booked_time, ahead).rejection_counts(self.context.now());
        let Ok(entry) = self.context.shared.ledger.get(request.booking_id) else { return };
        if !in_time || unknown_before || !entry.as_ref().is_none_or(Entry::surely_has_no_appointment) {
            return;
        }
        match self.context.healthengine.reject_insert(request.booking_id, say::REJECTED_WITHOUT_STORE).await {
            Ok(()) => {
                let (practice, booking) = (self.context.id(), request.booking_id);
                tracing::warn!(%practice, %booking, "{}", say::REJECTED_WITHOUT_STORE);
            }
            Err(error) => self.calls.heard(Call::Answer(request.booking_id), Err(&error)),
        }
    }
}
