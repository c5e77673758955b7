//! Goes on with bookings of the ledger: doubts to settle, cancellations to deliver, and what lists
//! say of them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;

use super::executor::Executor;
use crate::booking::entry::Entry;
use crate::booking::machine::{Event, next_look};
use crate::ids::BookingId;
use crate::polling::failed_calls::Call;
use crate::practice::health::subject::Subject;
use crate::supervisor;

impl Executor {
    /// True if bookings need not wait until OpenVPMS was read.
    pub(in crate::practice) fn knows_what_is_offered(&self) -> bool {
        self.reader.early.knows()
    }

    /// True if a booking waits for something that a poll can bring.
    pub(in crate::practice) fn has_open_bookings(&self) -> bool {
        self.context
            .shared
            .ledger
            .any_waiting(self.context.id(), |entry| entry.is_open() && !entry.owes_a_cancellation())
    }

    /// Open bookings that Healthengine does not list any more.
    pub(in crate::practice) fn settled_by_others(self: &Arc<Self>, listed: &BTreeSet<BookingId>) {
        let settled = |entry: &Entry| {
            let waits = entry.is_open() && !entry.answered.unlisted && !entry.owes_a_cancellation();
            (waits && !listed.contains(&entry.booking_id)).then_some(entry.booking_id)
        };
        for id in self.context.shared.ledger.pick_waiting(self.context.id(), settled) {
            self.spawn_known(id, Event::Unlisted);
        }
    }

    /// Bookings of which Healthengine took no answer, and which are not on the part of its list
    /// that was read.
    pub(in crate::practice) fn not_seen(self: &Arc<Self>, listed: &BTreeSet<BookingId>) {
        let unseen = |entry: &Entry| {
            (entry.is_refused_throughout() && !listed.contains(&entry.booking_id)).then_some(entry.booking_id)
        };
        for id in self.context.shared.ledger.pick_waiting(self.context.id(), unseen) {
            self.spawn_known(id, Event::Unseen);
        }
    }

    /// Deals with a booking of the ledger in a task of its own, unless one is at it already. False
    /// if there is no place for it.
    pub(in crate::practice) fn spawn_known(self: &Arc<Self>, id: BookingId, event: Event) -> bool {
        let Ok(place) = Arc::clone(&self.places.known).try_acquire_owned() else { return false };
        self.spawn_known_in(place, id, event);
        true
    }

    /// The same in this place.
    pub(in crate::practice) fn spawn_known_in(
        self: &Arc<Self>,
        place: OwnedSemaphorePermit,
        id: BookingId,
        event: Event,
    ) {
        let Some(turn) = self.turns.take(id) else { return };
        let own = Arc::clone(self);
        let work = self.context.work_on(id, async move {
            let outcome = own.attend_known(id, event).await;
            drop((turn, place));
            outcome
        });
        self.context.tasks.spawn(work);
    }

    /// Wakes bookings whose time has come: doubts to settle, cancellations to deliver.
    pub(in crate::practice) async fn due_loop(self: Arc<Self>) {
        let mut undelivered = self.context.backoff(Duration::from_secs(5));
        let mut deliver_at = Instant::now();
        let mut clock = self.context.shared.leaps.listen();
        loop {
            self.context.health.forget_old_bookings(self.context.now());
            let is_owed = self.context.shared.ledger.any_waiting(self.context.id(), Entry::owes_a_cancellation);
            if !is_owed {
                // The next one is delivered when it comes, and its first pause is a short one.
                undelivered.reset();
                deliver_at = Instant::now();
            }
            let deliver = deliver_at <= Instant::now();
            let all_began = self.wake_due(deliver);
            // More cancellations than places: the next ones follow at once, if they are heard.
            if is_owed && deliver && (all_began || self.context.health.has(&Subject::Healthengine)) {
                deliver_at = Instant::now() + undelivered.next_delay();
            }
            let again = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => false,
                    () = tokio::time::sleep(Duration::from_secs(1)) => true,
                    () = clock.leaped() => {
                        undelivered.reset();
                        deliver_at = Instant::now();
                        true
                    }
                }
            });
            if !again.await {
                return;
            }
        }
    }

    /// Goes on with bookings whose doubt can be looked at, and with cancellations that Healthengine
    /// has not heard of. True if all of them have begun.
    pub(in crate::practice) fn wake_due(self: &Arc<Self>, deliver: bool) -> bool {
        let measured = self.context.measured();
        // Refused credentials or consent: nothing is delivered before they are accepted again.
        let refused = self.calls.is_blocked(Call::Answer(BookingId(0)));
        // What a former process left is looked at once it is known whether Healthengine still asks
        // for it: a restored store can hold a doubt that was settled, and answered, long ago.
        let may_look = self.context.milestones.bookings_listed.initialized();
        let due = |entry: &Entry| {
            let next = next_look(entry, self.context.settings.request_timeout, &measured);
            let look = may_look && next.is_some_and(|due| due <= measured.now);
            let deliver = deliver && entry.owes_a_cancellation() && !refused;
            (look || deliver).then_some(entry.booking_id)
        };
        let due = self.context.shared.ledger.pick_waiting(self.context.id(), due);
        due.into_iter().all(|id| self.spawn_known(id, Event::Due))
    }
}
