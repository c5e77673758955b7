//! What is written of a booking, and what waits for the disk.

use super::executor::Executor;
use crate::booking::counted::newly_counted;
use crate::booking::entry::{Entry, State};
use crate::booking::state_reason::StateReason;
use crate::messages::resolve::how_to_settle;
use crate::practice::health::subject::Subject;
use crate::practice::ledger::LedgerError;

impl Executor {
    /// Durable before anything outside relies on it. What was only seen is found again, and need
    /// not be waited for; nor need that Healthengine took a confirmation, of which the ledger knows
    /// that it was under way: found so, it is settled because Healthengine does not list it.
    pub(super) async fn write(&self, before: Option<&Entry>, entry: &Entry) -> Result<(), LedgerError> {
        let now = self.context.now();
        let changed_state = before.is_none_or(|before| before.state != entry.state);
        if changed_state {
            let reason = entry.last_reason().map(ToString::to_string).unwrap_or_default();
            let (practice, booking) = (self.context.id(), entry.booking_id);
            tracing::info!(%practice, %booking, state = entry.state.name(), "{reason}");
        }
        if let Some(sentence) = &entry.needs_attention
            && before.is_none_or(|before| before.needs_attention.as_ref() != Some(sentence))
        {
            let booking = entry.booking_id;
            tracing::warn!(practice = %self.context.id(), %booking, "{sentence} {}.", how_to_settle(booking));
        }
        if changed_state && entry.state == State::Confirmed {
            self.context.health.clear(&Subject::Booking(entry.booking_id), self.context.now());
        }
        self.count(before, entry);
        let only_looked = entry.state == State::Submitting
            && before.is_some_and(|before| before.post.lost_answer.is_some() && !changed_state);
        if only_looked || entry.is_only_seen() || before.is_some_and(|before| is_confirmation_taken(before, entry)) {
            return self.context.shared.ledger.save_later(entry, now);
        }
        self.context.shared.ledger.save(entry, now).await
    }

    /// The ledger has another entry of a booking.
    pub(super) fn count(&self, before: Option<&Entry>, entry: &Entry) {
        let metrics = &self.context.shared.metrics.practices;
        newly_counted(before, entry).into_iter().for_each(|outcome| metrics.booking(self.context.id(), outcome));
    }
}

/// True if all that happened is that Healthengine took a confirmation.
fn is_confirmation_taken(before: &Entry, entry: &Entry) -> bool {
    before.state == State::Inserted
        && entry.state == State::Confirmed
        && entry.last_reason() == Some(&StateReason::ConfirmationTaken)
        && entry.needs_attention == before.needs_attention
}
