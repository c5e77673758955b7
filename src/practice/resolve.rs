//! Settles a booking as a person says: asks OpenVPMS first, then lets the booking executor take it
//! down and tell Healthengine.

use std::sync::Arc;
use std::time::Duration;

use super::Practice;
use super::booking_executor::turns::Turn;
use super::configuration::sync::SyncReason;
use super::health::subject::Subject;
use super::ledger::LedgerError;
use crate::booking::entry::{Entry, State};
use crate::booking::machine::{Event, Resolved, ResolvedAs};
use crate::booking::resolution::{
    DiaryCheck, Note, Objection, Resolution, Unresolved, after_delete, after_get, diary_check,
};
use crate::ids::{BookingId, BookingReference};
use crate::messages::resolve as say;
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::zone::Zone;

/// A booking is in another task's hands for as long as a call or two.
const TURN_WAIT: Duration = Duration::from_secs(30);

/// Why a booking is not resolved, or not yet by everybody.
#[derive(Debug, thiserror::Error)]
pub enum NotResolved {
    /// The ledger does not know it as one of this practice.
    #[error("the ledger does not know the booking")]
    Unknown,
    /// It cannot be done at this moment, or with this reference. Nothing was changed.
    #[error("{0}")]
    Refused(String),
    /// It would be wrong, for this reason. Nothing was changed.
    #[error("{0}")]
    Objected(Objection),
    /// Somebody did not answer; the booking needs a person still, as it says.
    #[error("{0}")]
    Failed(String),
    /// The ledger cannot be read or written.
    #[error(transparent)]
    Ledger(#[from] LedgerError),
}

impl From<Unresolved> for NotResolved {
    fn from(unresolved: Unresolved) -> Self {
        match unresolved {
            Unresolved::Refused(why) => Self::Objected(why),
            Unresolved::Failed(why) => Self::Failed(say::openvpms_failed(why)),
        }
    }
}

impl Practice {
    /// Settles a booking and sees that both systems follow. The entry as it is then.
    ///
    /// # Errors
    /// What stands in the way, in a sentence for the person.
    pub async fn resolve(
        self: &Arc<Self>,
        id: BookingId,
        verdict: &Resolution,
        note: Option<Note>,
    ) -> Result<Entry, NotResolved> {
        let before = self.context.shared.ledger.get(id)?;
        let _one = self.context.shared.resolving.lock().await;
        // Neither the booking executor nor the watch nor a pet owner's cancellation is at this
        // booking meanwhile.
        let waiting = tokio::time::timeout(TURN_WAIT, self.executor.turns.wait_for(id));
        let turn: Turn = waiting.await.map_err(|_| NotResolved::Refused(say::BUSY.into()))?;
        // A practice that is stopped waits for it; one that has stopped meanwhile has a successor,
        // which knows nothing of this turn.
        let token = self.context.tasks.token();
        if self.context.stop.is_cancelled() {
            return Err(NotResolved::Refused(say::BUSY.into()));
        }
        // Whoever looked into the diary saw it before the booking went there, or while it was on
        // its way.
        let is_on_its_way = |entry: &Entry| entry.state == State::Submitting && entry.post.lost_answer.is_none();
        let submitted_at = |entry: &Option<Entry>| entry.as_ref().and_then(|entry| entry.post.submitted_at);
        let is_overtaken = before.as_ref().is_some_and(is_on_its_way)
            || submitted_at(&self.context.shared.ledger.get(id)?) != submitted_at(&before);
        let outcome = match is_overtaken {
            true => Err(NotResolved::Refused(say::OVERTAKEN.into())),
            false => OnBehalfOf::booking(self.context.id(), id).does(self.resolve_in_turn(id, verdict, note)).await,
        };
        drop(token);
        drop(turn);
        if let Err(NotResolved::Ledger(LedgerError::Store(error))) = outcome {
            self.context.stop_on_store_failure(Err(LedgerError::Store(error.clone())));
            return Err(LedgerError::Store(error).into());
        }
        outcome
    }

    async fn resolve_in_turn(
        &self,
        id: BookingId,
        verdict: &Resolution,
        note: Option<Note>,
    ) -> Result<Entry, NotResolved> {
        let known = self.context.shared.ledger.get(id)?.filter(|entry| entry.practice_id == *self.context.id());
        let entry = known.ok_or(NotResolved::Unknown)?;
        let check = diary_check(&entry, verdict)?;
        tracing::trace!(practice = %self.context.id(), booking = %id, check = check.name(), "a person settles it");
        let outcome = match check {
            DiaryCheck::AlreadySettled => return Ok(entry),
            DiaryCheck::Nothing(outcome) => Ok(outcome),
            DiaryCheck::Get(reference) => self.ask_where(&entry, verdict, &reference).await,
            DiaryCheck::Delete(reference) => after_delete(&self.context.openvpms.writer.cancel(&reference).await),
        };
        let outcome = match outcome {
            Ok(outcome) => outcome,
            Err(unresolved) => {
                if let Unresolved::Failed(why) = &unresolved {
                    self.executor.attend(entry, Event::Unresolved(why.clone())).await?;
                }
                return Err(unresolved.into());
            }
        };
        if let ResolvedAs::Confirmed { reference: Some(reference), .. } = &outcome {
            // One appointment is not two pet owners'.
            if let Some(other) = self.context.shared.ledger.other_under(reference, id).await {
                return Err(NotResolved::Refused(say::taken_by(other)));
            }
        }
        let listed = if outcome == ResolvedAs::Cancelled { None } else { self.executor.lists.is_listed(id).await };
        let resolved = Resolved { outcome, listed, note: note.map(|note| note.to_string()) };
        self.executor.attend(entry, Event::Resolved(resolved)).await?;
        let entry = self.context.shared.ledger.get(id)?.ok_or(NotResolved::Unknown)?;
        if entry.owed().is_some() {
            let unheard = || say::unheard(&entry, self.context.zone(), say::NO_ANSWER);
            return Err(NotResolved::Failed(entry.needs_attention.as_deref().map_or_else(unheard, str::to_owned)));
        }
        self.context.health.clear(&Subject::Booking(id), self.context.now());
        Ok(entry)
    }

    async fn ask_where(
        &self,
        entry: &Entry,
        verdict: &Resolution,
        reference: &BookingReference,
    ) -> Result<ResolvedAs, Unresolved> {
        let server = self.server_zone().await.map_err(Unresolved::Failed)?;
        after_get(entry, verdict, reference, &self.context.openvpms.interactive.booking(reference).await, server)
    }

    /// The zone of OpenVPMS's wall times; read here if this is no running practice, or a young one.
    async fn server_zone(&self) -> Result<Zone, String> {
        if self.context.offering.current().is_none() {
            self.configuration
                .configure(SyncReason::Interval, true)
                .await
                .map_err(|failed| failed.into_error().to_string())?;
        }
        self.context
            .offering
            .current()
            .map(|offering| offering.zones.server)
            .ok_or_else(|| crate::messages::practice::NO_ZONE.into())
    }
}
