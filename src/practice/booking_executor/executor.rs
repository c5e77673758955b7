//! Carries out what the state machine decides about one booking: looks, posts, tells, and keeps the
//! ledger ahead of all of it.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use futures_util::future::join;
use tokio::sync::Semaphore;

use super::locks::Held;
use super::other_bridge_signs::OtherBridgeSigns;
use super::request::RequestAndClient;
use super::turns::Turns;
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, Place, State};
use crate::booking::machine::{Action, Ask, Event, MachineContext, Notice, Reply, SlotLook, Step, Submission, step};
use crate::booking::placement;
use crate::booking::remote_answers::{may_be_anothers, post_outcome};
use crate::booking::wanted::WantedPlace;
use crate::call_error::{Answer, CallError, ErrorClass, ServerOutage};
use crate::config::WhenDown;
use crate::healthengine::{BookingRequest, BookingStatus};
use crate::http::connections::{at_one_address, read_anew, where_it_was_read};
use crate::ids::{BookingId, BookingReference, ResourceId};
use crate::mapping::guard::Accepted;
use crate::messages::booking as say_booking;
use crate::messages::practice as say;
use crate::openvpms::NewBooking;
use crate::pet_owner::notes;
use crate::polling::failed_calls::Call;
use crate::practice::configuration::accepted::AcceptedConfiguration;
use crate::practice::context::Context;
use crate::practice::days::publisher::Publisher;
use crate::practice::health::calls::CallHealth;
use crate::practice::health::subject::Subject;
use crate::practice::ledger::LedgerError;
use crate::practice::lists::Lists;
use crate::practice::offering::Offering;
use crate::practice::offering::inventory::asked;
use crate::practice::reading::{DiaryReader, Reading};

/// Between two attempts to find out what is offered, while a pet owner waits.
const ASK_AGAIN: Duration = Duration::from_secs(1);
/// So many bookings of a practice are dealt with at one time while their pet owners can still be
/// told no,
const IN_TIME_AT_ONCE: usize = 128;
/// and so many after that.
const LATE_AT_ONCE: usize = 16;
/// So many updates are carried out at one time,
const UPDATES_AT_ONCE: usize = 16;
/// and of bookings that nobody waits for so many are looked after. What has no place is found
/// again.
const KNOWN_AT_ONCE: usize = 32;

/// BookingPlaces for bookings that are dealt with at one time.
pub(in crate::practice) struct BookingPlaces {
    /// For bookings that can still be rejected in time.
    pub(in crate::practice) in_time: Arc<Semaphore>,
    /// For the others.
    pub(in crate::practice) late: Arc<Semaphore>,
    /// For what pet owners changed.
    pub(in crate::practice) updates: Arc<Semaphore>,
    /// For what is found out about bookings that nobody waits for.
    pub(in crate::practice) known: Arc<Semaphore>,
}

/// Carries out what the state machine decides.
pub(in crate::practice) struct Executor {
    pub(super) context: Arc<Context>,
    pub(super) calls: Arc<CallHealth>,
    pub(in crate::practice) lists: Arc<Lists>,
    pub(super) reader: Arc<DiaryReader>,
    pub(super) accepted: Arc<AcceptedConfiguration>,
    /// What was sent, and single days that changed.
    pub(super) publisher: Arc<Publisher>,
    pub(in crate::practice) other_bridge: Arc<OtherBridgeSigns>,
    pub(in crate::practice) turns: Arc<Turns>,
    pub(in crate::practice) places: BookingPlaces,
}

impl Executor {
    pub(in crate::practice) fn new(
        context: Arc<Context>,
        calls: Arc<CallHealth>,
        lists: Arc<Lists>,
        reader: Arc<DiaryReader>,
        accepted: Arc<AcceptedConfiguration>,
        publisher: Arc<Publisher>,
    ) -> Self {
        let other_bridge = Arc::new(OtherBridgeSigns::open(Arc::clone(&context)));
        let places = BookingPlaces {
            in_time: Arc::new(Semaphore::new(IN_TIME_AT_ONCE)),
            late: Arc::new(Semaphore::new(LATE_AT_ONCE)),
            updates: Arc::new(Semaphore::new(UPDATES_AT_ONCE)),
            known: Arc::new(Semaphore::new(KNOWN_AT_ONCE)),
        };
        Self { context, calls, lists, reader, accepted, publisher, other_bridge, turns: Arc::default(), places }
    }

    /// Deals with a booking that Healthengine lists, until it is answered or has to wait.
    pub(in crate::practice) async fn attend_request(
        self: &Arc<Self>,
        request: BookingRequest,
    ) -> Result<(), LedgerError> {
        let now = self.context.now();
        let asked = self.asked(request);
        let request = &asked.request;
        let stored = self.context.shared.ledger.get(request.booking_id)?;
        let entry = stored.clone().unwrap_or_else(|| self.first_seen(&asked, now));
        let ask = if request.status == BookingStatus::Cancelled {
            Ask::Nothing
        } else if entry.state == State::Received {
            match self.offering_in_time(&entry, request).await {
                Ok(offering) => self.what_is_asked(request, &offering, now),
                // It was not found out because the practice stops: whoever comes next is asked
                // again.
                Err(_) if self.context.stop.is_cancelled() => return Ok(()),
                Err(reason) => Ask::Unread(reason),
            }
        } else {
            // What was decided stays, whatever is offered.
            Ask::Unread(String::new())
        };
        let had_reference = entry.reference.is_some();
        self.attend_from(stored, entry, Event::Asked(ask), Some(&asked)).await?;
        if !had_reference {
            self.learn_from(asked);
        }
        Ok(())
    }

    /// What a booking request asks for, by what is offered.
    pub(super) fn what_is_asked(&self, request: &BookingRequest, offering: &Offering, now: DateTime<Utc>) -> Ask {
        let asked = asked(&self.context.config);
        let decide = |accepted: &Accepted| {
            let resources = &offering.mapping.resources;
            let rules = &self.context.config.rules;
            let offer = placement::Offered { resources, zones: &offering.zones, accepted, asked: &asked, rules };
            placement::ask(request, offer, now)
        };
        self.accepted.with_accepted(decide)
    }

    /// What is offered, or why that is not known. After a start it is found out, or waited for, as
    /// long as the deadline leaves time.
    async fn offering_in_time(&self, entry: &Entry, request: &BookingRequest) -> Result<Arc<Offering>, String> {
        let deadline = Deadline::new(entry.booked_at, self.context.healthengine.clock_difference());
        let now = self.context.now();
        let until = deadline.look_until(now);
        let limit = until.map_or(self.context.settings.request_timeout * 4, |until| until - now);
        let schedule =
            request.pms_resource_id.as_deref().and_then(|id| id.parse::<ResourceId>().ok()).map(|id| id.schedule);
        let found = async {
            loop {
                match self.reader.early.offering_for(schedule, until.is_some()).await {
                    Ok(offering) => return Ok(offering),
                    // It may be there again in time.
                    Err(_) if until.is_some() && !self.context.stop.is_cancelled() => {}
                    Err(error) => return Err(error.to_string()),
                }
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => {}
                    _ = self.context.milestones.offering_read.wait() => {}
                    () = tokio::time::sleep(ASK_AGAIN) => {}
                }
            }
        };
        let in_time = tokio::time::timeout(limit.to_std().unwrap_or_default(), found).await;
        in_time.unwrap_or_else(|_| Err(say::NEVER_READ.to_owned()))
    }

    pub(super) fn first_seen(&self, asked: &RequestAndClient, now: DateTime<Utc>) -> Entry {
        let request = &asked.request;
        let patient = self.context.shared.pseudonyms.of(&asked.contact(), request.booking_id);
        let mut entry =
            Entry::received(request.booking_id, self.context.id().clone(), request.booked_time, patient, now);
        let (meta, ahead) = (self.context.shared.store.meta(), self.context.healthengine.clock_difference());
        entry.wanted = WantedPlace::of(request);
        entry.post.predates_store = request.booked_time.is_none_or(|at| meta.may_lack(at, ahead));
        entry
    }

    /// True if the store was put back after this was last noted of a booking.
    fn was_replaced_since(&self, entry: &Entry) -> bool {
        let meta = self.context.shared.store.meta();
        entry.history.last().is_some_and(|last| meta.replaced_since(last.at, self.context.now()))
    }

    /// Goes on with a booking of the ledger.
    pub(in crate::practice) async fn attend_known(&self, id: BookingId, event: Event) -> Result<(), LedgerError> {
        match self.context.shared.ledger.get(id)? {
            Some(entry) => self.attend(entry, event).await,
            None => Ok(()),
        }
    }

    /// Goes on with a booking of the ledger that Healthengine did not list this moment.
    pub(in crate::practice) async fn attend(&self, entry: Entry, event: Event) -> Result<(), LedgerError> {
        let stored = self.context.shared.ledger.get(entry.booking_id)?;
        self.attend_from(stored, entry, event, None).await
    }

    /// What the look met, the POST meets too. `stored` is what the ledger has of the booking.
    async fn attend_from(
        &self,
        stored: Option<Entry>,
        entry: Entry,
        event: Event,
        asked: Option<&RequestAndClient>,
    ) -> Result<(), LedgerError> {
        // A booking's whole way is some 16 KB, which no caller needs to hold.
        Box::pin(at_one_address(self.attend_step_by_step(stored, entry, event, asked))).await
    }

    /// One thing at a time: decide, write, do.
    async fn attend_step_by_step(
        &self,
        mut stored: Option<Entry>,
        entry: Entry,
        mut event: Event,
        asked: Option<&RequestAndClient>,
    ) -> Result<(), LedgerError> {
        let mut entry = self.completed(entry, asked);
        let mut held: Option<Held> = None;
        // What the look before the POST read.
        let mut read: Option<Reading> = None;
        if event == Event::Unlisted {
            self.calls.answer_heard(entry.booking_id);
        }
        loop {
            let (from, event_name) = (entry.state, event.name());
            let Step { entry: next, action, notices } = step(entry, event, &self.circumstances());
            self.trace_step(from, event_name, &next, &action);
            // While the bridge stops nothing is begun; what is listed is listed at the next start.
            if self.context.stop.is_cancelled() && matches!(action, Action::LookAndHold | Action::Submit) {
                return Ok(());
            }
            // What was only seen is written while the answer to the look is on its way.
            let is_new = stored.as_ref() != Some(&next);
            let looks = action == Action::LookAndHold && next.place.is_some() && asked.is_some();
            let is_written_meanwhile = is_new && looks && next.is_only_seen();
            if is_new && !is_written_meanwhile {
                self.write(stored.as_ref(), &next).await?;
                stored = Some(next.clone());
            }
            entry = next;
            // The locks are let go once no POST follows and what was made is known, so that whoever
            // comes next finds a reading that has it, and need not read once more.
            let is_post = matches!(action, Action::Submit);
            let (locks, until_heard) = if is_post { (held.take(), None) } else { (None, held.take()) };
            let outcome = match (action, entry.place) {
                (Action::LookAndHold, Some(place)) if asked.is_some() => {
                    self.hear(&entry, notices, read.as_ref());
                    drop(until_heard);
                    let noted = async {
                        tokio::task::yield_now().await;
                        if is_written_meanwhile { self.write(stored.as_ref(), &entry).await } else { Ok(()) }
                    };
                    let (looked, noted) = join(self.look_and_hold(&entry, &place), noted).await;
                    noted?;
                    if is_written_meanwhile {
                        stored = Some(entry.clone());
                    }
                    let look;
                    ((look, read), held) = looked;
                    Some(Event::Looked(look))
                }
                // The answer to the pet owner leaves before others hear, which takes work. It has
                // left once the connection's own task has had its turn.
                (action, _) => {
                    let heard = async {
                        if !notices.is_empty() {
                            tokio::task::yield_now().await;
                            self.hear(&entry, notices, read.as_ref());
                        }
                        drop(until_heard);
                    };
                    join(self.carry_out(action, &entry, asked), heard).await.0
                }
            };
            let Some(outcome) = outcome else { return Ok(()) };
            event = outcome;
            if may_be_anothers(&entry, &event) {
                held = None;
                drop(locks);
                if matches!(event, Event::Submitted(_)) {
                    // Whoever dies while it waits must not take the POST for one that is under way.
                    let from = entry.state;
                    entry = step(entry, Event::RefusedAsTaken, &self.circumstances()).entry;
                    self.trace_step(from, Event::RefusedAsTaken.name(), &entry, &Action::Rest);
                    self.write(stored.as_ref(), &entry).await?;
                    stored = Some(entry.clone());
                }
                event = self.give_way(&entry, event).await;
            } else {
                held = held.or(locks);
            }
        }
    }

    fn trace_step(&self, from: State, event: &'static str, entry: &Entry, action: &Action) {
        let (practice, booking, from) = (self.context.id(), entry.booking_id, from.name());
        let (to, action, flagged) = (entry.state.name(), action.name(), entry.needs_attention.is_some());
        let reason = entry.last_reason().map(tracing::field::display);
        tracing::trace!(%practice, %booking, event, from, to, action, flagged, reason, "step");
    }

    /// The entry with what the ledger may lack about it.
    fn completed(&self, mut entry: Entry, asked: Option<&RequestAndClient>) -> Entry {
        if entry.patient.is_empty() {
            // It was adopted. Only a list names its pet owner.
            let (pseudonyms, id) = (&self.context.shared.pseudonyms, entry.booking_id);
            entry.patient = asked.map_or_else(|| pseudonyms.of_nobody(id), |asked| pseudonyms.of(&asked.contact(), id));
        }
        // What waited in a store that was put back may have been made since.
        entry.post.predates_store |= entry.state == State::Received && self.was_replaced_since(&entry);
        entry
    }

    /// Does what was decided. What came of it, or nothing if the booking has to wait.
    async fn carry_out(&self, action: Action, entry: &Entry, asked: Option<&RequestAndClient>) -> Option<Event> {
        if self.is_withheld(&action, entry) {
            return Some(Event::Replied(Reply::NotDelivered));
        }
        let (id, healthengine) = (entry.booking_id, &self.context.healthengine);
        let event = match (action, &entry.place) {
            // The patient's fields are at Healthengine, which lists the booking at the next poll.
            (Action::LookAndHold | Action::Rest, _) | (Action::LookAgain | Action::Submit, None) => return None,
            (Action::LookAgain, Some(place)) => Event::Looked(self.reader.look(entry, place, false).await.0),
            (Action::Submit, Some(place)) => Event::Submitted(self.submit(entry, place, asked?).await),
            (Action::Confirm(with), _) => {
                let reply = self.calls.reply(id, healthengine.confirm_insert(id, &with).await);
                if reply == Reply::Accepted {
                    self.other_bridge.confirmation_taken();
                    self.count_answer(entry);
                }
                Event::Replied(reply)
            }
            (Action::Reject(reason), _) => {
                let reply = self.calls.reply(id, healthengine.reject_insert(id, &reason).await);
                if reply == Reply::Accepted {
                    self.count_answer(entry);
                }
                Event::Replied(reply)
            }
            (Action::Cancel(reason), _) => Event::Replied(self.calls.reply(id, healthengine.cancel(id, &reason).await)),
            (Action::Relist, _) => self.relist(entry).await,
        };
        Some(event)
    }

    /// Healthengine took our answer to a booking.
    fn count_answer(&self, entry: &Entry) {
        let ahead = self.context.healthengine.clock_difference();
        if let Some(age) = Deadline::new(entry.booked_at, ahead).age(self.context.now()) {
            self.context.shared.metrics.practices.answered(self.context.id(), age);
        }
    }

    /// True of an answer that is not sent because credentials or consent are refused: it is
    /// delivered when they are accepted again. A rejection is sent while it helps. One refused
    /// confirmation holds up no other, whose pet owners wait.
    fn is_withheld(&self, action: &Action, entry: &Entry) -> bool {
        let call = Call::Answer(entry.booking_id);
        match action {
            Action::Cancel(_) => self.calls.is_blocked(call),
            Action::Confirm(_) => self.calls.is_refused(call),
            Action::Reject(_) => self.calls.is_refused(call) && self.is_too_late(entry),
            Action::LookAndHold | Action::LookAgain | Action::Submit | Action::Relist | Action::Rest => false,
        }
    }

    /// Whether Healthengine still lists a booking of which it refused the answer.
    async fn relist(&self, entry: &Entry) -> Event {
        match self.lists.is_listed(entry.booking_id).await {
            Some(true) => Event::StillListed,
            Some(false) => {
                self.other_bridge.perhaps_outrun(entry);
                self.calls.answer_heard(entry.booking_id);
                Event::Unlisted
            }
            None => Event::NotRelisted,
        }
    }

    /// True if the pet owner has been told yes: a rejection helps nobody any more.
    fn is_too_late(&self, entry: &Entry) -> bool {
        !Deadline::new(entry.booked_at, self.context.healthengine.clock_difference())
            .rejection_counts(self.context.now())
    }

    fn hear(&self, entry: &Entry, notices: Vec<Notice>, read: Option<&Reading>) {
        for notice in notices {
            match notice {
                Notice::FreshDays => match (&entry.place, read) {
                    (Some(place), Some(read)) if entry.state == State::Inserted => self.refresh_as_read(place, read),
                    (Some(place), _) => self.refresh(place),
                    (None, _) => {}
                },
                Notice::FreedDays(place) => self.refresh(&place),
                Notice::OfferAgain => entry.place.iter().for_each(|place| self.send_again(place)),
                Notice::Problem(problem) => {
                    let text = say_booking::problem(&problem, entry.booking_id, self.context.id());
                    self.context.health.raise(Subject::Booking(entry.booking_id), text, self.context.now())
                }
            }
        }
    }

    pub(super) fn circumstances(&self) -> MachineContext {
        let now = self.context.now();
        MachineContext {
            now,
            measured: self.context.measured(),
            healthengine_ahead: self.context.healthengine.clock_difference(),
            ahead_is_sure: !self.context.healthengine.clock_was_set(now),
            request_timeout: self.context.settings.request_timeout,
            hold: self.context.settings.bookings.when_openvpms_is_down == WhenDown::Hold || self.other_bridge.holds(),
            zone: self.context.zone(),
        }
    }

    /// Waits for the locks and looks, as long as the deadline leaves time.
    async fn look_and_hold(&self, entry: &Entry, place: &Place) -> ((SlotLook, Option<Reading>), Option<Held>) {
        let both = async {
            let held = self.context.shared.locks.hold(place).await;
            read_anew();
            let (look, reading) = self.reader.look(entry, place, true).await;
            ((self.but_for_what_was_offered(entry, place, look), reading), Some(held))
        };
        match tokio::time::timeout(self.time_to_look(entry), both).await {
            Ok(looked) => looked,
            Err(_) => ((SlotLook::Unreachable(say::NO_ANSWER_IN_TIME.into()), None), None),
        }
    }

    /// How long a look before a POST may take.
    fn time_to_look(&self, entry: &Entry) -> Duration {
        let deadline = Deadline::new(entry.booked_at, self.context.healthengine.clock_difference());
        let now = self.context.now();
        let limit = deadline.look_until(now).map_or(self.context.settings.request_timeout * 4, |until| until - now);
        limit.to_std().unwrap_or_default()
    }

    /// Posts where the look was answered. If no connection comes about there, another server of
    /// that name may answer a second look, and then gets the POST.
    async fn submit(&self, entry: &Entry, place: &Place, asked: &RequestAndClient) -> Submission {
        let first = self.post(place, asked).await;
        if first.as_ref().is_err_and(|error| error.class == ErrorClass::NotSent) && !self.context.stop.is_cancelled() {
            read_anew();
            let look = self.reader.look(entry, place, true);
            let seen = tokio::time::timeout(self.time_to_look(entry), look).await;
            if let Ok((SlotLook::Seen { refusal: None, .. }, _)) = seen {
                return post_outcome(self.post(place, asked).await);
            }
        }
        post_outcome(first)
    }

    async fn post(&self, place: &Place, asked: &RequestAndClient) -> Answer<BookingReference> {
        let Some(offering) = self.reader.early.offering_at_hand(place.schedule) else {
            return Err(CallError::new(ErrorClass::NotSent, say::NEVER_READ));
        };
        let zone = offering.zones.server;
        let resource = offering.mapping.resource(place.resource());
        let kind = resource.and_then(|resource| resource.appointment_type(place.appointment_type));
        let booking = NewBooking {
            location: place.location,
            schedule: place.schedule,
            appointment_type: place.appointment_type,
            start: zone.at(place.span.start),
            end: zone.at(place.span.end),
            user: place.user,
            contact: asked.contact(),
            notes: notes::notes(
                &asked.request,
                kind.map_or("", |kind| &kind.plain_name),
                asked.typed_name().as_deref(),
            ),
        };
        let answer = where_it_was_read(self.context.openvpms.writer.submit(&booking)).await;
        self.context.shared.ledger.expect_save();
        let booking = asked.request.booking_id;
        if let Err(error) = &answer
            && self.context.is_due_of_booking("submit", booking, ServerOutage::of_openvpms(error))
        {
            let practice = self.context.id();
            tracing::warn!(%practice, %booking, "OpenVPMS did not confirm the booking: {error}.");
        }
        answer
    }
}
