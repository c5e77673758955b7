//! What is done before a practice that was switched off is silent.
//!
//! Pet owners must not go on booking times that nobody collects. So first what is under way is
//! settled as on any other day: what they booked is made, what they cancelled is cancelled. Then
//! every day that was ever sent goes out empty, the list of requests is looked at once more, for
//! what was booked in the last moment, and the subscriptions end. After that nothing is sent.
//!
//! How far it came stands in the store all the time: the days that were sent are forgotten at the
//! end, and only then. A deactivation that was interrupted goes on at the next start; one that
//! Healthengine does not let through is tried again until it does. What is sent after it, when the
//! practice is switched on again, is sent whole.
//!
//! What cannot be settled within [`SETTLING`], as while OpenVPMS is away, is not waited for: it is
//! rejected or flagged, so that a person hears of it.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use tokio::time::Instant;

use super::Practice;
use super::configuration::sync::SyncReason;
use super::health::subject::Subject;
use super::lists;
use super::round_error::RoundError;
use crate::booking::entry::{Entry, State};
use crate::booking::machine::Event;
use crate::booking::problem::WhyNotCancelled;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::healthengine::{BookingStatus, RequestKind};
use crate::messages::booking as say;
use crate::messages::practice as say_practice;
use crate::polling::pace::BLOCKED;
use crate::publishing::last_sent::QUEUE_TIME;
use crate::publishing::{ReadDays, SendIf};

/// How long what is under way may take to be settled.
const SETTLING: Duration = Duration::from_secs(120);
/// Between two rounds of a deactivation that goes on.
const ROUND: Duration = Duration::from_secs(1);

/// What ends a deactivation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Deactivation {
    /// Healthengine offers nothing of the practice any more, and calls nobody.
    Complete,
    /// Healthengine refuses the practice's key, which is not going to change.
    Refused,
}

impl Practice {
    /// True while Healthengine may offer something of the practice or call us, or something is
    /// under way.
    pub fn has_ties(&self) -> bool {
        self.configuration.was_ever_accepted()
            || self.publisher.sent.has_sent()
            || self.publisher.sent.has_unacknowledged()
            // Whatever is left open by a deactivation that was complete, a person was told of.
            || self.is_any_open(|entry| entry.needs_attention.is_none())
            || self.subscription.is_subscribed()
    }

    /// True while something is under way, or open and like this.
    fn is_any_open(&self, like_this: impl Fn(&Entry) -> bool) -> bool {
        let open = |entry: &Entry| entry.is_open() && like_this(entry);
        self.context.shared.ledger.any_waiting(self.context.id(), open) || !self.executor.turns.is_empty()
    }

    /// Settles, empties, and ends the subscriptions. Can be dropped at any time and begun again. A
    /// practice that is `removed` for good does not wait for its consent to come back.
    pub async fn deactivate(self: &Arc<Self>, removed: bool) -> Deactivation {
        self.publisher.sent.doubt_days_of_a_replaced_store(self.context.now());
        self.accepted.forget_acceptance();
        let began = Instant::now();
        let mut backoff = self.context.backoff(ROUND);
        loop {
            let wait = match self.deactivate_step(began).await {
                Ok(true) => {
                    self.forget_for_good().await;
                    return Deactivation::Complete;
                }
                Ok(false) => {
                    backoff.reset();
                    ROUND
                }
                Err(error) if error.class == ErrorClass::Forbidden && removed => {
                    // The first time it is settled here, the second time a person hears that
                    // Healthengine was not told.
                    self.give_up_bookings().await;
                    self.give_up_bookings().await;
                    self.forget_for_good().await;
                    return Deactivation::Refused;
                }
                Err(error) if error.is_access() => BLOCKED,
                Err(error) => backoff.next_delay().max(error.pause()),
            };
            tokio::select! {
                biased;
                () = tokio::time::sleep(wait) => {}
                () = self.context.signals.try_again.notified() => {}
            }
        }
    }

    /// Silent from here on, also if the process dies in the next moment.
    async fn forget_for_good(&self) {
        self.publisher.forget_all_days();
        self.context.stop_on_store_failure(self.context.shared.store.flush().await.map_err(Into::into));
    }

    /// As much of it as can be done at once; true if that was all.
    async fn deactivate_step(self: &Arc<Self>, began: Instant) -> Answer<bool> {
        if self.context.offering.current().is_none() {
            // The measure of what was booked. Without it bookings are dealt with as while OpenVPMS
            // is away.
            let _unread =
                self.configuration.configure(SyncReason::Interval, true).await.map_err(RoundError::into_error);
        }
        let may_wait = began.elapsed() < SETTLING;
        if !may_wait {
            // A booking that a task is at follows in the next round.
            self.give_up_bookings().await;
        }
        if !self.settle(may_wait).await? {
            if may_wait {
                return Ok(false);
            }
            self.give_up_updates().await?;
        }
        let offered = ReadDays { began: self.context.now(), days: self.publisher.sent.not_known_empty() };
        let published = self.publisher.publish(offered, SendIf::Always, &|_| {}).await?;
        if published.refused > 0 {
            // Times that nobody collects are still offered.
            return Err(CallError::new(ErrorClass::Refused, say_practice::NOT_EMPTIED));
        }
        let days = ReadDays { began: self.context.now(), days: self.publisher.sent.emptied() };
        self.publisher.publish(days, SendIf::Changed, &|_| {}).await?;
        let left = ReadDays { began: self.context.now(), days: self.publisher.sent.emptied() };
        let may_offer = !self.publisher.sent.not_known_empty().is_empty() || self.publisher.sent.has_unacknowledged();
        if may_offer || !self.publisher.changed(&left, SendIf::Changed).is_empty() {
            return Ok(false);
        }
        // What was booked before the last day was empty to pet owners, which is when Healthengine
        // has worked off its queue.
        tokio::time::sleep(QUEUE_TIME.to_std().unwrap_or_default()).await;
        if !self.settle(may_wait).await? {
            let nobody_knows = self.is_any_open(|entry| entry.needs_attention.is_none());
            if may_wait || nobody_knows || self.context.health.has(&Subject::BookingList) {
                return Ok(false);
            }
        }
        self.end_subscriptions().await?;
        Ok(true)
    }

    /// Deals with what is outstanding; true if nothing is. What Healthengine did not take is
    /// delivered again if it `may_wait`.
    async fn settle(self: &Arc<Self>, may_wait: bool) -> Answer<bool> {
        let outstanding = self.requests.poll().await?;
        self.executor.wake_due(may_wait);
        let in_the_way = [RequestKind::Bookings, RequestKind::BookingUpdates];
        Ok(!self.is_any_open(|_| true) && !in_the_way.iter().any(|kind| outstanding.contains(kind)))
    }

    /// Nobody waits any longer for the bookings that could not be settled: a person has to know.
    async fn give_up_bookings(self: &Arc<Self>) {
        let open = self.context.shared.ledger.live_of(self.context.id()).into_iter().filter(Entry::is_open);
        let all = open.map(|entry| async move {
            let Some(_turn) = self.executor.turns.take(entry.booking_id) else { return };
            let outcome = self.executor.attend_known(entry.booking_id, Event::SwitchedOff).await;
            self.context.stop_on_store_failure(outcome);
        });
        futures_util::future::join_all(all).await;
    }

    /// The same of what pet owners changed.
    async fn give_up_updates(self: &Arc<Self>) -> Answer<()> {
        let (updates, _) =
            self.executor.lists.read(lists::UPDATES, |page| self.context.healthengine.booking_updates(page)).await?;
        let updates: BTreeMap<_, _> = updates.into_iter().map(|own| ((own.request_id, own.booking_id), own)).collect();
        for ((request, booking), update) in updates {
            // The poll before this began to deal with it.
            let _turn = self.executor.turns.wait_for(booking).await;
            let known = self.context.shared.ledger.get(booking);
            let state = known.as_ref().ok().and_then(|known| known.as_ref()).map(|entry| entry.state);
            if matches!(state, Some(State::Received | State::Submitting)) {
                // It is given up first, in the next round, and this follows.
                continue;
            }
            let is_over = matches!(state, Some(State::Cancelled | State::Rejected));
            // Another telephone number, say: nothing is to be done in OpenVPMS.
            let is_open = update.status == BookingStatus::Cancelled && !is_over;
            let entry = match known {
                _ if !is_open => None,
                Ok(None) => match self.executor.adopted_by(&update) {
                    // While it waits for its own answer, as far as anybody knows, it may be made
                    // yet: that comes first.
                    None if self.executor.lists.is_listed(booking).await != Some(false) => continue,
                    // A lost store knew it: an appointment stands that its pet owner gave up.
                    adopted => adopted,
                },
                known => known.ok().flatten().filter(|entry| entry.practice_id == *self.context.id() && entry.stands()),
            };
            if let Some(entry) = entry {
                let noted = self.executor.note_event(entry, Event::CannotCancel(WhyNotCancelled::SwitchedOff)).await;
                self.context.stop_on_store_failure(noted);
            }
            let answer = if is_open {
                self.context.healthengine.reject_update(booking, request, say::SWITCHED_OFF).await
            } else {
                self.context.healthengine.confirm_update(booking, request).await
            };
            match answer {
                // Refused: it was answered before.
                Err(error) if error.class != ErrorClass::Refused => return Err(error),
                Ok(()) | Err(_) => {}
            }
        }
        Ok(())
    }
}
