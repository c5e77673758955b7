//! What is done before a practice that was switched off is silent.
//!
//! Pet owners must not go on booking times that nobody collects. So first what is under way is settled as on any other day: what
//! they booked is made, what they cancelled is cancelled. Then every day that was ever sent goes out empty, the list of requests
//! is looked at once more, for what was booked in the last moment, and the subscriptions end. After that nothing is sent.
//!
//! How far it came stands in the store all the time: the days that were sent are forgotten at the end, and only then. A farewell
//! that was interrupted goes on at the next start; one that Healthengine does not let through is tried again until it does.
//! What is sent after it, when the practice is switched on again, is sent whole.
//!
//! What cannot be settled within [`SETTLING`], as while OpenVPMS is away, is not waited for: it is rejected or flagged, so that a
//! person hears of it.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::configuration::Reason;
use super::publishing::{ReadDays, Which};
use super::requests::BLOCKED;
use super::{Failed, Practice};
use crate::booking::desk::Event;
use crate::booking::ledger::State;
use crate::healthengine::RequestKind;
use crate::messages::booking as say;
use crate::remote::{Answer, ErrorClass};

/// How long what is under way may take to be settled.
const SETTLING: TimeDelta = TimeDelta::minutes(2);
/// Between two rounds of a farewell that goes on.
const ROUND: Duration = Duration::from_secs(1);

/// What ends a farewell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Farewell {
    /// Healthengine offers nothing of the practice any more, and calls nobody.
    Complete,
    /// Healthengine refuses the practice's key, which is not going to change.
    Refused,
}

impl Practice {
    /// True while Healthengine may offer something of the practice, or something is under way.
    pub fn has_ties(&self) -> bool {
        self.publisher.has_told() || self.publisher.has_unheard() || self.has_open()
    }

    fn has_open(&self) -> bool {
        self.shared.ledger.any_live(self.id(), |entry| entry.is_open()) || !self.locked(&self.busy_bookings).is_empty()
    }

    /// Settles, empties, and ends the subscriptions. Can be dropped at any time and begun again. A practice that is `removed` for
    /// good does not wait for its consent to come back.
    pub async fn leave(self: &Arc<Self>, removed: bool) -> Farewell {
        self.forget_full_resync();
        self.forget_acceptance();
        let began = self.now();
        let mut delays = self.delays(ROUND);
        loop {
            let wait = match self.leave_step(began).await {
                Ok(true) => {
                    self.forget_all_days();
                    return Farewell::Complete;
                }
                Ok(false) => {
                    delays.reset();
                    ROUND
                }
                Err(error) if error.class == ErrorClass::Forbidden && removed => {
                    self.forget_all_days();
                    return Farewell::Refused;
                }
                Err(error) if matches!(error.class, ErrorClass::Credentials | ErrorClass::Forbidden) => BLOCKED,
                Err(error) => delays.next_delay().max(error.retry_after.unwrap_or_default()),
            };
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = self.look_now.notified() => {}
            }
        }
    }

    /// As much of it as can be done at once; true if that was all.
    async fn leave_step(self: &Arc<Self>, began: DateTime<Utc>) -> Answer<bool> {
        if self.offering().is_none() {
            // The measure of what was booked. Without it bookings are dealt with as while OpenVPMS is away.
            let _unread = self.configure(Reason::Interval, true).await.map_err(Failed::into_error);
        }
        let may_wait = self.now() - began < SETTLING;
        if !self.settle().await? {
            if may_wait {
                return Ok(false);
            }
            self.settle_no_longer().await?;
        }
        let days = ReadDays { began: self.now(), days: self.publisher.emptied() };
        self.publish(days, Which::Changed, &|_| {}).await.inspect_err(|error| self.days_failed(error))?;
        let left = ReadDays { began: self.now(), days: self.publisher.emptied() };
        if !self.changed(&left, Which::Changed).is_empty() || self.publisher.has_unheard() {
            return Ok(false);
        }
        // What was booked before the last day was empty.
        Ok(self.settle().await? || !may_wait)
    }

    /// Deals with what is outstanding; true if nothing is.
    async fn settle(self: &Arc<Self>) -> Answer<bool> {
        let outstanding = self.poll().await?;
        self.wake_due(true);
        let in_the_way = [RequestKind::Bookings, RequestKind::BookingUpdates];
        Ok(!self.has_open() && !in_the_way.iter().any(|kind| outstanding.contains(kind)))
    }

    /// Nobody waits any longer for what could not be settled: a person has to know.
    async fn settle_no_longer(self: &Arc<Self>) -> Answer<()> {
        for entry in self.shared.ledger.live_of(self.id()) {
            if matches!(entry.state, State::Received | State::Submitting) {
                self.spawn_known(entry.booking_id, Event::SwitchedOff);
            }
        }
        let (updates, _) = self.all_pages(|page| self.healthengine.booking_updates(page)).await?;
        let updates: BTreeSet<_> = updates.iter().map(|update| (update.request_id, update.booking_id)).collect();
        for (request, booking) in updates {
            let Some(_turn) = self.take_turn(booking) else { continue };
            let entry = self.shared.ledger.get(booking).ok().flatten();
            if let Some(entry) = entry.filter(|entry| entry.practice_id == *self.id() && entry.stands()) {
                let noted = self.note_event(entry, Event::CannotCancel(say::SWITCHED_OFF.into())).await;
                self.written(noted);
            }
            match self.healthengine.reject_update(booking, request, say::SWITCHED_OFF).await {
                // Refused: it was answered before.
                Err(error) if error.class != ErrorClass::Refused => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}
