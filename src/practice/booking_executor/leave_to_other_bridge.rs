//! Lets another bridge on the practice go first with a booking.
//!
//! Two rules hold whether or not there is a sign of one. Before a booking is rejected because its
//! time is taken, [`GIVES_WAY`] go by and the list is read again: what takes the time may be that
//! very booking's appointment. And a booking that somebody else answered within seconds, and whose
//! time is taken, is a sign.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use super::executor::Executor;
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, State};
use crate::booking::machine::{Ask, Event, SlotLook, SlotTaken};
use crate::booking::other_bridge_suspicion::Sign;
use crate::healthengine::BookingRequest;
use crate::ids::BookingId;
use crate::polling::lists::OnList;
use crate::practice::ledger::LedgerError;

/// Between finding the time of a booking taken and rejecting the booking for that.
const GIVES_WAY: TimeDelta = TimeDelta::seconds(4);
/// So long the look at Healthengine's list after it may take where the rejection is still in time.
const LISTED_WITHIN: TimeDelta = TimeDelta::seconds(1);
/// It is cut so that the rejection leaves at this age of the booking.
const REJECTS_AT: TimeDelta = TimeDelta::seconds(14);
/// A booking whose time is taken, perhaps by its own appointment, is left to the other bridge for
/// this long.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);
/// A list that could not be read, or that changed while it was, is read again after this long,
const LISTED_AGAIN: Duration = Duration::from_secs(1);
/// and so often. A booking of which nobody can tell then is left to the next poll.
const LISTED_TRIES: usize = 30;
impl Executor {
    /// Bookings that are listed: those that the other bridge may answer first are taken out, and
    /// seen to when their time has come.
    pub(in crate::practice) fn leave_to_another(self: &Arc<Self>, listed: &mut Vec<BookingRequest>) {
        let ahead = self.context.healthengine.clock_difference();
        let booked = |request: &BookingRequest| request.booked_time.and_then(|at| at.checked_sub_signed(ahead));
        let (_, suspicion) = self.other_bridge.change(|own| {
            listed.iter().for_each(|request| own.listed(request.booking_id, booked(request)));
        });
        if !suspicion.stands_back() {
            return;
        }
        let (left, own) = std::mem::take(listed).into_iter().partition(|request| self.is_untouched(request.booking_id));
        *listed = own;
        for request in left {
            let Some(turn) = self.turns.take(request.booking_id) else { continue };
            let Ok(place) = Arc::clone(&self.places.in_time).try_acquire_owned() else { continue };
            let until =
                suspicion.left_until(booked(&request), self.context.now(), self.context.settings.request_timeout);
            let own = Arc::clone(self);
            let work = self.context.work_on(request.booking_id, async move {
                let outcome = own.after_the_other(request, until).await;
                drop((turn, place));
                outcome
            });
            self.context.tasks.spawn(work);
        }
    }

    /// True of a booking for which nothing was sent to OpenVPMS.
    fn is_untouched(&self, id: BookingId) -> bool {
        self.context.shared.ledger.get(id).is_ok_and(|entry| entry.as_ref().is_none_or(Entry::is_untouched))
    }

    /// Deals with a booking that was left to the other bridge until this moment.
    async fn after_the_other(
        self: &Arc<Self>,
        request: BookingRequest,
        until: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let id = request.booking_id;
        let mut wait = (until - self.context.now()).to_std().unwrap_or_default();
        for _ in 0..LISTED_TRIES {
            if self.context.stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return Ok(());
            }
            // Nothing is made of a booking that may be answered, nor of one whose owner may have
            // given it up meanwhile.
            match self.lists.look_up(id).await {
                OnList::Yes(request) => return self.left_to_this_one(*request).await,
                OnList::No => return self.answered_by_the_other(request).await,
                OnList::Unknown => wait = LISTED_AGAIN,
            }
        }
        Ok(())
    }

    /// Deals with a booking that the other bridge did not answer in its time.
    async fn left_to_this_one(self: &Arc<Self>, request: BookingRequest) -> Result<(), LedgerError> {
        let id = request.booking_id;
        let is_first = self.context.shared.ledger.get(id)?.is_none();
        self.attend_request(request).await?;
        let made = self.context.shared.ledger.get(id)?.is_some_and(|entry| entry.state == State::Confirmed);
        if is_first && made {
            self.other_bridge.weigh(|own, _| own.left_in_vain());
        }
        Ok(())
    }

    /// Somebody else answered a booking that this bridge left alone: the other bridge if an
    /// appointment takes its time, else a person.
    async fn answered_by_the_other(&self, request: BookingRequest) -> Result<(), LedgerError> {
        let id = request.booking_id;
        // To a bridge that is certain a booking is left for longer than a person takes.
        let by_a_program = self.other_bridge.is_young(request.booked_time) || self.other_bridge.is_certain();
        let known = self.context.shared.ledger.get(id)?;
        let entry = known.clone().unwrap_or_else(|| self.first_seen(&self.asked(request.clone()), self.context.now()));
        let ask =
            self.context.offering.current().map(|offering| self.what_is_asked(&request, &offering, self.context.now()));
        let Some(Ask::Insert(place)) = ask else { return Ok(()) };
        let taken = match self.reader.look(&entry, &place, false).await.0 {
            SlotLook::Seen { taken, .. } => taken,
            // Nobody can tell what became of it. One that is in the ledger is found there.
            SlotLook::Closed(_) | SlotLook::Unreachable(_) => return Ok(()),
        };
        let entry = Entry { place: Some(place), ..entry };
        match taken {
            SlotTaken::All if by_a_program => {
                self.other_bridge.sign(&Sign::MadeByAnother(id));
                if known.is_some() { self.attend(entry, Event::AnsweredElsewhere).await } else { Ok(()) }
            }
            // What the other bridge rejects is its affair.
            SlotTaken::None | SlotTaken::Part if known.is_none() && self.other_bridge.is_certain() => Ok(()),
            SlotTaken::None | SlotTaken::Part | SlotTaken::All | SlotTaken::ByAnother | SlotTaken::Unseen => {
                self.attend(entry, Event::Unlisted).await
            }
        }
    }

    /// Gives another bridge the time to say that it made the appointment; what is seen then instead
    /// of that the time is taken.
    pub(super) async fn give_way(&self, entry: &Entry, seen: Event) -> Event {
        let age = Deadline::new(entry.booked_at, self.context.healthengine.clock_difference()).age(self.context.now());
        let in_time = age.map(|age| REJECTS_AT - age).filter(|left| *left > TimeDelta::zero());
        let wait = in_time.map_or(GIVES_WAY, |left| (left - LISTED_WITHIN).clamp(TimeDelta::zero(), GIVES_WAY));
        tokio::select! {
            biased;
            () = self.context.stop.cancelled() => {}
            () = tokio::time::sleep(wait.to_std().unwrap_or_default()) => {}
        }
        // A list that takes longer must not make the rejection late.
        let within = in_time.map_or(GIVES_WAY, |left| (left - wait).max(LISTED_WITHIN)).to_std().unwrap_or_default();
        let listed = tokio::time::timeout(within, self.lists.is_listed(entry.booking_id)).await;
        if listed == Ok(Some(false)) {
            if !self.other_bridge.is_young(entry.booked_at) {
                return seen;
            }
            self.other_bridge.sign(&Sign::MadeByAnother(entry.booking_id));
            return Event::AnsweredElsewhere;
        }
        if !self.other_bridge.now().withholds_rejections() {
            return seen;
        }
        let first_seen = entry.history.first().map_or(self.context.now(), |first| first.at);
        if self.context.now() - first_seen > PATIENCE { Event::NobodySaysWhose } else { Event::LeftToAnother }
    }
}
