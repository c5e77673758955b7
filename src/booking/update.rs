//! What to do about a change that a pet owner made to a booking. Cancelling is the only change
//! Healthengine has.
//!
//! A booking that is not answered yet goes first, so that an update never overtakes its own
//! booking. One that is not even in the ledger can still wait on Healthengine's list, in a long
//! backlog or on a page that was not read: only a list that was read whole and does not have it
//! says that nobody here knows the booking.

use crate::booking::entry::{Entry, State};
use crate::booking::problem::{WhyItStands, WhyNotCancelled};
use crate::call_error::{Answer, ErrorClass};
use crate::healthengine::{BookingStatus, BookingUpdate};
use crate::ids::BookingReference;
use crate::openvpms::{BOOKING_NOT_FOUND, INVALID_REFERENCE, MUST_BE_PENDING};

/// After this many refusals in words that nobody knows, OpenVPMS will not cancel the appointment.
const CANCEL_REFUSALS_MAX: u32 = 3;

/// What Healthengine's list of outstanding bookings says of one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OutstandingStatus {
    /// It is on the list: it waits for our answer.
    Listed,
    /// The list was read whole, and it is not on it.
    NotListed,
    /// Part of the list was not read: a page failed, there were too many, or an entry could not be
    /// made out.
    Unknown,
}

impl From<Option<bool>> for OutstandingStatus {
    fn from(listed: Option<bool>) -> Self {
        match listed {
            Some(true) => Self::Listed,
            Some(false) => Self::NotListed,
            None => Self::Unknown,
        }
    }
}

/// What to do about an update.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum UpdatePlan {
    /// Nothing yet: its booking waits for our answer, or can do so. It is listed again at the next
    /// poll.
    Wait,
    /// Nothing is to be done in OpenVPMS: confirm.
    Confirm,
    /// Nobody here knows the booking: reject.
    RejectUnknown,
    /// An appointment stands that a person has to cancel, for this reason: reject and flag.
    RejectAndFlag(WhyNotCancelled),
    /// Cancel this appointment, then see [`after_cancel`].
    Cancel(BookingReference),
    /// Two appointments were made for the booking: cancel the one that Healthengine knows, and
    /// ours.
    CancelBoth {
        /// As Healthengine echoes it.
        another: BookingReference,
        /// As the ledger has it.
        ours: BookingReference,
    },
    /// Healthengine echoes a reference that the ledger does not know: take it over, then cancel it.
    AdoptAndCancel(BookingReference),
    /// The booking itself waits for our answer; `withdraw` if it must not be made any more.
    AfterBooking {
        /// True if nothing was sent to OpenVPMS yet.
        withdraw: bool,
    },
}

impl UpdatePlan {
    /// In a few words, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Wait => "wait: its booking is not answered",
            Self::Confirm => "confirm: nothing is to be done",
            Self::RejectUnknown => "reject: nobody knows the booking",
            Self::RejectAndFlag(_) => "reject: a person has to cancel it",
            Self::Cancel(_) => "cancel",
            Self::CancelBoth { .. } => "cancel both appointments",
            Self::AdoptAndCancel(_) => "take over and cancel",
            Self::AfterBooking { withdraw: true } => "withdraw the booking",
            Self::AfterBooking { withdraw: false } => "wait: its booking is under way",
        }
    }
}

/// What to do about an update, by what the ledger knows of the booking, or else by whether it is
/// still outstanding.
pub fn plan(update: &BookingUpdate, entry: Option<&Entry>, outstanding: OutstandingStatus) -> UpdatePlan {
    if update.status != BookingStatus::Cancelled {
        return UpdatePlan::Confirm;
    }
    let Some(entry) = entry else {
        return match (echoed_reference(&update.pms_appointment_ids), outstanding) {
            // It was answered once, and its appointment is known by name: cancelling that is right
            // whoever asks first.
            (Some(reference), _) => UpdatePlan::AdoptAndCancel(reference),
            (None, OutstandingStatus::Listed | OutstandingStatus::Unknown) => UpdatePlan::Wait,
            (None, OutstandingStatus::NotListed) => UpdatePlan::RejectUnknown,
        };
    };
    // The appointment that Healthengine knows of, if it is not the one of the ledger: another
    // bridge made it, or a forgotten store of ours.
    let another =
        echoed_reference(&update.pms_appointment_ids).filter(|echoed| entry.reference.as_ref() != Some(echoed));
    match (entry.state, &entry.reference, another) {
        (State::Received, _, _) => UpdatePlan::AfterBooking { withdraw: true },
        (State::Submitting | State::Inserted, _, _) => UpdatePlan::AfterBooking { withdraw: false },
        (State::Confirmed, Some(_), _) | (_, _, Some(_)) if entry.diary.cancel_refusals >= CANCEL_REFUSALS_MAX => {
            UpdatePlan::RejectAndFlag(WhyNotCancelled::Refused)
        }
        (State::Confirmed, Some(ours), Some(another)) => UpdatePlan::CancelBoth { another, ours: ours.clone() },
        (State::Confirmed, Some(ours), None) => UpdatePlan::Cancel(ours.clone()),
        // What Healthengine knows of is gone, and a person made another appointment by hand.
        (State::Confirmed | State::InDoubt, None, Some(another)) if entry.has_had(&another) => {
            UpdatePlan::RejectAndFlag(WhyNotCancelled::WithoutReference)
        }
        (State::Confirmed | State::InDoubt | State::Rejected | State::Cancelled, _, Some(another)) => {
            UpdatePlan::Cancel(another)
        }
        (State::Confirmed | State::InDoubt, _, None) => UpdatePlan::RejectAndFlag(WhyNotCancelled::WithoutReference),
        (State::Rejected | State::Cancelled, _, None) => UpdatePlan::Confirm,
    }
}

/// The reference we once confirmed with, as far as one can tell: exactly one id that a reference
/// can be.
pub fn echoed_reference(pms_appointment_ids: &[String]) -> Option<BookingReference> {
    match pms_appointment_ids {
        [id] if id.contains(':') && id.starts_with(|first: char| first.is_ascii_digit()) => {
            Some(BookingReference(id.clone()))
        }
        _ => None,
    }
}

/// What follows from OpenVPMS's answer to a cancellation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AfterCancel {
    /// The appointment stands no longer: confirm.
    Cancelled,
    /// It stands and will stand: reject with this reason and flag.
    Stands(WhyItStands),
    /// It stands, and nobody knows why: again at the next poll, but not for ever.
    Refused,
    /// Not known: again at the next poll.
    Again,
}

impl AfterCancel {
    /// In a word, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Cancelled => "cancelled",
            Self::Stands(_) => "stands",
            Self::Refused => "refused",
            Self::Again => "again",
        }
    }
}

/// Reads OpenVPMS's answer to a cancellation. Only its own words count: a 404 page is a server that
/// restarts.
pub fn after_cancel(answer: &Answer<()>) -> AfterCancel {
    match answer {
        Ok(()) => AfterCancel::Cancelled,
        Err(error) if error.is_refusal(404, BOOKING_NOT_FOUND) => AfterCancel::Cancelled,
        Err(error) if error.is_refusal(400, MUST_BE_PENDING) => AfterCancel::Stands(WhyItStands::VisitHasBegun),
        Err(error) if error.is_refusal(400, INVALID_REFERENCE) => AfterCancel::Stands(WhyItStands::ForeignReference),
        Err(error) if error.class == ErrorClass::Refused && error.status != Some(404) => AfterCancel::Refused,
        Err(_) => AfterCancel::Again,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::entry::Entry;
    use crate::call_error::{CallError, ErrorClass};
    use crate::ids::{BookingId, PracticeId, RequestId};
    use chrono::{DateTime, Utc};

    const ALL: [OutstandingStatus; 3] =
        [OutstandingStatus::Listed, OutstandingStatus::NotListed, OutstandingStatus::Unknown];

    fn update(status: BookingStatus, ids: &[&str]) -> BookingUpdate {
        BookingUpdate {
            request_id: RequestId(7),
            booking_id: BookingId(1),
            pms_appointment_ids: ids.iter().map(ToString::to_string).collect(),
            pms_patient_id: None,
            updated_at: None,
            status,
        }
    }

    fn entry(state: State, reference: Option<&str>) -> Entry {
        let mut entry =
            Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), DateTime::<Utc>::MIN_UTC);
        entry.state = state;
        entry.reference = reference.map(|text| BookingReference(text.into()));
        entry
    }

    #[test]
    fn a_cancellation_is_answered_by_what_the_ledger_knows() {
        let cancel = |state, reference| {
            // Whatever the list says: the ledger knows better.
            let planned = ALL.map(|outstanding| {
                plan(&update(BookingStatus::Cancelled, &[]), Some(&entry(state, reference)), outstanding)
            });
            assert!(planned.iter().all(|plan| *plan == planned[0]), "{planned:?}");
            planned[0].clone()
        };
        assert_eq!(cancel(State::Received, None), UpdatePlan::AfterBooking { withdraw: true });
        assert_eq!(cancel(State::Submitting, None), UpdatePlan::AfterBooking { withdraw: false });
        assert_eq!(cancel(State::Inserted, Some("1:a")), UpdatePlan::AfterBooking { withdraw: false });
        assert_eq!(cancel(State::Confirmed, Some("1:a")), UpdatePlan::Cancel(BookingReference("1:a".into())));
        assert!(matches!(cancel(State::InDoubt, None), UpdatePlan::RejectAndFlag(_)));
        assert_eq!(cancel(State::Rejected, None), UpdatePlan::Confirm);
        assert_eq!(cancel(State::Cancelled, Some("1:a")), UpdatePlan::Confirm);
    }

    #[test]
    fn an_unknown_booking_is_adopted_by_its_echoed_reference_and_else_rejected_once_it_is_surely_not_outstanding() {
        let rejected = UpdatePlan::RejectUnknown;
        let adopted = || UpdatePlan::AdoptAndCancel(BookingReference("603:be08".into()));
        for (ids, outstanding, expected) in [
            (&["603:be08"][..], OutstandingStatus::NotListed, adopted()),
            (&["603:be08"], OutstandingStatus::Listed, adopted()),
            (&["603:be08"], OutstandingStatus::Unknown, adopted()),
            (&[], OutstandingStatus::NotListed, rejected.clone()),
            (&[], OutstandingStatus::Listed, UpdatePlan::Wait),
            (&[], OutstandingStatus::Unknown, UpdatePlan::Wait),
            // Nothing that a reference of ours could be.
            (&["Patient1"], OutstandingStatus::NotListed, rejected.clone()),
            (&["123"], OutstandingStatus::NotListed, rejected.clone()),
            (&["1:a", "2:b"], OutstandingStatus::NotListed, rejected),
            (&["1:a", "2:b"], OutstandingStatus::Listed, UpdatePlan::Wait),
            (&["123"], OutstandingStatus::Unknown, UpdatePlan::Wait),
        ] {
            let planned = plan(&update(BookingStatus::Cancelled, ids), None, outstanding);
            assert_eq!(planned, expected, "{ids:?} {outstanding:?}");
        }
    }

    #[test]
    fn an_appointment_that_healthengine_knows_by_another_reference_than_the_ledger_is_cancelled_too() {
        let named = |text: &str| BookingReference(text.into());
        let both = || UpdatePlan::CancelBoth { another: named("603:be08"), ours: named("1:a") };
        for (state, reference, expected) in [
            (State::InDoubt, None, UpdatePlan::Cancel(named("603:be08"))),
            (State::Rejected, None, UpdatePlan::Cancel(named("603:be08"))),
            (State::Cancelled, Some("1:a"), UpdatePlan::Cancel(named("603:be08"))),
            (State::Confirmed, Some("1:a"), both()),
            (State::Confirmed, Some("603:be08"), UpdatePlan::Cancel(named("603:be08"))),
            (State::Rejected, Some("603:be08"), UpdatePlan::Confirm),
            (State::Inserted, Some("1:a"), UpdatePlan::AfterBooking { withdraw: false }),
        ] {
            for outstanding in ALL {
                let cancelled = update(BookingStatus::Cancelled, &["603:be08"]);
                let planned = plan(&cancelled, Some(&entry(state, reference)), outstanding);
                assert_eq!(planned, expected, "{state:?} {reference:?}");
            }
        }
    }

    #[test]
    fn after_three_refusals_in_unknown_words_a_person_has_to_cancel() {
        for (refusals, given_up) in [(0, false), (2, false), (3, true), (4, true)] {
            let mut confirmed = entry(State::Confirmed, Some("1:a"));
            confirmed.diary.cancel_refusals = refusals;
            for ids in [&[][..], &["1:a"]] {
                let planned =
                    plan(&update(BookingStatus::Cancelled, ids), Some(&confirmed), OutstandingStatus::NotListed);
                assert_eq!(matches!(planned, UpdatePlan::RejectAndFlag(_)), given_up, "{refusals}");
            }
        }
        let mut gone = entry(State::Cancelled, Some("1:a"));
        gone.diary.cancel_refusals = 3;
        let planned = |ids| plan(&update(BookingStatus::Cancelled, ids), Some(&gone), OutstandingStatus::NotListed);
        assert_eq!(planned(&["1:a"]), UpdatePlan::Confirm);
        assert!(matches!(planned(&["2:b"]), UpdatePlan::RejectAndFlag(_)), "what Healthengine knows of stands");
    }

    #[test]
    fn a_change_that_is_no_cancellation_is_confirmed() {
        for status in [BookingStatus::Confirmed, BookingStatus::Requested, BookingStatus::Other("Moved".into())] {
            for outstanding in ALL {
                assert_eq!(plan(&update(status.clone(), &[]), None, outstanding), UpdatePlan::Confirm);
            }
        }
    }

    #[test]
    fn only_openvpms_own_words_say_that_an_appointment_is_gone() {
        let refused = |status, text: &str| Err(CallError::with_status(ErrorClass::Refused, status, text));
        assert_eq!(after_cancel(&Ok(())), AfterCancel::Cancelled);
        assert_eq!(after_cancel(&refused(404, BOOKING_NOT_FOUND)), AfterCancel::Cancelled);
        assert!(matches!(after_cancel(&refused(400, MUST_BE_PENDING)), AfterCancel::Stands(_)));
        assert_eq!(after_cancel(&refused(400, "a reason that vetbridge does not know")), AfterCancel::Refused);
        assert_eq!(
            after_cancel(&Err(CallError::with_status(ErrorClass::Contract, 404, "an HTML page"))),
            AfterCancel::Again
        );
        assert_eq!(
            after_cancel(&Err(CallError::with_status(ErrorClass::Unavailable, 500, "failed"))),
            AfterCancel::Again
        );
    }
}
