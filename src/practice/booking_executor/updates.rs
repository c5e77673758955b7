//! Carries out what pet owners change, and answers what Healthengine asks about appointments.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::executor::Executor;
use crate::booking::diary_watch::{self, DiaryAnswer};
use crate::booking::entry::{Entry, State};
use crate::booking::machine::Event;
use crate::booking::problem::WhyNotCancelled;
use crate::booking::update::{self, AfterCancel, OutstandingStatus, UpdatePlan};
use crate::call_error::{Answer, ServerOutage};
use crate::healthengine::{AppointmentChangeRequest, BookingUpdate};
use crate::ids::{BookingId, BookingReference, RequestId};
use crate::messages::updates as say;
use crate::openvpms::INVALID_REFERENCE;
use crate::polling::failed_calls::Call;
use crate::polling::lists::{Coverage, ListedBookings};
use crate::practice::ledger::LedgerError;
use crate::practice::offering::Offering;

impl Executor {
    /// Starts to deal with outstanding updates, oldest first. What there is no place for is listed
    /// again. So much of the list was read; `bookings` were read before.
    pub(in crate::practice) fn start_updates(
        self: &Arc<Self>,
        mut updates: Vec<BookingUpdate>,
        coverage: Coverage,
        bookings: &ListedBookings,
    ) {
        updates.sort_by_key(|update| update.request_id);
        let listed: BTreeSet<RequestId> = updates.iter().map(|update| update.request_id).collect();
        if coverage != Coverage::Part {
            self.calls.keep_answers(|call| !matches!(call, Call::UpdateAnswer(request) if !listed.contains(request)));
        }
        for update in updates {
            if self.other_bridge.is_the_others(&update) {
                continue;
            }
            // A booking that a task is at goes first; the update is listed again at the next poll.
            let Some(turn) = self.turns.take(update.booking_id) else { continue };
            let Ok(place) = Arc::clone(&self.places.updates).try_acquire_owned() else { break };
            let (own, outstanding) = (Arc::clone(self), bookings.tells_of(update.booking_id));
            let work = self.context.work_on(update.booking_id, async move {
                let outcome = own.update(&update, outstanding).await;
                drop((turn, place));
                outcome
            });
            self.context.tasks.spawn(work);
        }
    }

    async fn update(&self, update: &BookingUpdate, outstanding: OutstandingStatus) -> Result<(), LedgerError> {
        let id = update.booking_id;
        let entry = self.context.shared.ledger.get(id)?.filter(|entry| entry.practice_id == *self.context.id());
        // The list was read before the update was: a booking that its pet owner made, and gave up,
        // since then is not on it.
        let outstanding = match (&entry, outstanding) {
            (None, OutstandingStatus::NotListed) => self.lists.is_listed(id).await.into(),
            (Some(_), _) | (None, OutstandingStatus::Listed | OutstandingStatus::Unknown) => outstanding,
        };
        let plan = update::plan(update, entry.as_ref(), outstanding);
        let (practice, request, state) =
            (self.context.id(), update.request_id, entry.as_ref().map(|own| own.state.name()));
        tracing::trace!(%practice, booking = %id, %request, state, ?outstanding, plan = plan.name(), "update");
        match plan {
            UpdatePlan::Wait => {}
            UpdatePlan::Confirm => self.confirm_update(update).await,
            UpdatePlan::RejectUnknown => self.reject_update(update, say::UNKNOWN_BOOKING).await,
            UpdatePlan::RejectAndFlag(why) => self.reject_and_flag(update, entry, why).await?,
            UpdatePlan::AfterBooking { withdraw } => {
                if let Some(entry) = entry.filter(|_| withdraw) {
                    self.attend(entry, Event::Withdrawn).await?;
                }
            }
            UpdatePlan::Cancel(reference) => self.cancel_for_owner(update, entry, &reference).await?,
            UpdatePlan::CancelBoth { another, ours } => {
                if !entry.as_ref().is_some_and(|entry| entry.has_had(&another)) {
                    self.other_bridge.reference_echoed(id);
                }
                let answer = self.context.openvpms.writer.cancel(&another).await;
                // One of another server is none of this diary's.
                if update::after_cancel(&answer) == AfterCancel::Cancelled || is_of_another_server(&answer) {
                    self.cancel_for_owner(update, entry, &ours).await?;
                } else {
                    self.answer_after_cancel(update, entry, answer).await?;
                }
            }
            UpdatePlan::AdoptAndCancel(reference) => {
                self.other_bridge.reference_echoed(id);
                self.cancel_for_owner(update, self.adopted_by(update), &reference).await?;
            }
        }
        Ok(())
    }

    /// The entry of a booking that the ledger does not know, by what Healthengine echoes of it.
    pub(in crate::practice) fn adopted_by(&self, update: &BookingUpdate) -> Option<Entry> {
        let reference = update::echoed_reference(&update.pms_appointment_ids)?;
        let patient = update.pms_patient_id.clone().unwrap_or_default();
        Some(Entry::adopted(update.booking_id, self.context.id().clone(), reference, None, patient, self.context.now()))
    }

    async fn cancel_for_owner(
        &self,
        update: &BookingUpdate,
        entry: Option<Entry>,
        reference: &BookingReference,
    ) -> Result<(), LedgerError> {
        let answer = self.context.openvpms.writer.cancel(reference).await;
        self.answer_after_cancel(update, entry, answer).await
    }

    async fn answer_after_cancel(
        &self,
        update: &BookingUpdate,
        entry: Option<Entry>,
        answer: Answer<()>,
    ) -> Result<(), LedgerError> {
        let after = update::after_cancel(&answer);
        let (practice, booking) = (self.context.id(), update.booking_id);
        tracing::trace!(%practice, %booking, outcome = after.name(), "cancellation for the pet owner");
        match (after, entry) {
            (AfterCancel::Cancelled, entry) => {
                if let Some(entry) = entry {
                    self.note_event(entry, Event::CancelledForOwner).await?;
                }
                self.confirm_update(update).await;
            }
            (AfterCancel::Stands(why), entry) => {
                self.reject_and_flag(update, entry, WhyNotCancelled::Stands(why)).await?;
            }
            (again @ (AfterCancel::Refused | AfterCancel::Again), entry) => {
                if let Err(error) = answer
                    && self.context.is_due_of_booking("cancel", booking, ServerOutage::of_openvpms(&error))
                {
                    tracing::warn!(%practice, %booking, "OpenVPMS did not cancel the appointment: {error}.");
                }
                if let Some(entry) = entry {
                    let is_refused = again == AfterCancel::Refused;
                    let event = if is_refused { Event::CancelRefused } else { Event::OwnerCancelled };
                    self.note_event(entry, event).await?;
                }
            }
        }
        Ok(())
    }

    /// The appointment stands, and a person has to cancel it.
    async fn reject_and_flag(
        &self,
        update: &BookingUpdate,
        entry: Option<Entry>,
        why: WhyNotCancelled,
    ) -> Result<(), LedgerError> {
        if let Some(entry) = entry {
            self.note_event(entry, Event::CannotCancel(why)).await?;
        }
        self.reject_update(update, &why.to_string()).await;
        Ok(())
    }

    /// Notes an event that asks for no further action of the booking executor.
    pub(in crate::practice) async fn note_event(&self, entry: Entry, event: Event) -> Result<(), LedgerError> {
        self.attend(entry, event).await
    }

    async fn confirm_update(&self, update: &BookingUpdate) {
        let answer = self.context.healthengine.confirm_update(update.booking_id, update.request_id).await;
        self.calls.answered(Call::UpdateAnswer(update.request_id), update.booking_id, answer);
    }

    async fn reject_update(&self, update: &BookingUpdate, reason: &str) {
        let answer = self.context.healthengine.reject_update(update.booking_id, update.request_id, reason).await;
        self.calls.answered(Call::UpdateAnswer(update.request_id), update.booking_id, answer);
    }

    /// Starts to answer whether appointments still stand. So much of the list of questions was
    /// read.
    pub(in crate::practice) fn start_appointment_changes(
        self: &Arc<Self>,
        requests: Vec<AppointmentChangeRequest>,
        coverage: Coverage,
    ) {
        if coverage != Coverage::Part {
            let listed: BTreeSet<BookingId> = requests.iter().map(|request| request.booking_id).collect();
            self.calls.keep_answers(|call| !matches!(call, Call::ChangeAnswer(booking) if !listed.contains(booking)));
        }
        for request in requests {
            let Some(turn) = self.turns.take(request.booking_id) else { continue };
            let Ok(place) = Arc::clone(&self.places.known).try_acquire_owned() else { break };
            let own = Arc::clone(self);
            let work = self.context.work_on(request.booking_id, async move {
                let outcome = own.appointment_change(&request).await;
                drop((turn, place));
                outcome
            });
            self.context.tasks.spawn(work);
        }
    }

    async fn appointment_change(&self, request: &AppointmentChangeRequest) -> Result<(), LedgerError> {
        let id = request.booking_id;
        let known = self.context.shared.ledger.get(id)?.filter(|entry| entry.practice_id == *self.context.id());
        let reference = known.as_ref().and_then(|entry| entry.reference.clone());
        // That the former one is gone says nothing of the one that a person made by hand.
        let is_former = |echoed: &BookingReference| known.as_ref().is_some_and(|entry| entry.has_had(echoed));
        let echoed = || update::echoed_reference(&request.pms_appointment_ids).filter(|echoed| !is_former(echoed));
        let Some(reference) = reference.or_else(echoed) else {
            self.no_change(id).await;
            return Ok(());
        };
        let found = DiaryAnswer::from(self.context.openvpms.interactive.booking(&reference).await);
        let entry = match known {
            Some(entry) => entry,
            None => {
                // Without the server's zone nobody knows where it stands, and so nobody would watch
                // it. The request stays open.
                let Ok(offering) = self.reader.early.offering_for(None, false).await else { return Ok(()) };
                self.other_bridge.reference_echoed(id);
                self.adopt(id, reference, &found, &offering).await?
            }
        };
        match found {
            DiaryAnswer::Gone if entry.stands() => self.attend(entry, Event::Gone).await?,
            // Staff cancelled it, and Healthengine has not heard.
            DiaryAnswer::Gone if entry.state == State::Cancelled && !entry.is_acknowledged() => {
                self.attend(entry, Event::Due).await?
            }
            DiaryAnswer::Gone | DiaryAnswer::Stands(_) | DiaryAnswer::Silent => self.no_change(id).await,
            // OpenVPMS is away: the request stays open.
            DiaryAnswer::Unknown => {}
        }
        Ok(())
    }

    /// Takes an appointment over that the ledger does not know.
    async fn adopt(
        &self,
        id: BookingId,
        reference: BookingReference,
        found: &DiaryAnswer,
        offering: &Offering,
    ) -> Result<Entry, LedgerError> {
        let place = match found {
            DiaryAnswer::Stands(booking) => diary_watch::place_of(booking, None, offering.zones.server),
            DiaryAnswer::Gone | DiaryAnswer::Silent | DiaryAnswer::Unknown => None,
        };
        let entry = Entry::adopted(id, self.context.id().clone(), reference, place, String::new(), self.context.now());
        if !matches!(found, DiaryAnswer::Unknown) {
            self.count(None, &entry);
            self.context.shared.ledger.save(&entry, self.context.now()).await?;
        }
        Ok(entry)
    }

    async fn no_change(&self, id: BookingId) {
        let answer = self.context.healthengine.no_pms_appointment_change(id).await;
        self.calls.answered(Call::ChangeAnswer(id), id, answer);
    }
}

fn is_of_another_server(answer: &Answer<()>) -> bool {
    answer.as_ref().is_err_and(|error| error.is_refusal(400, INVALID_REFERENCE))
}
