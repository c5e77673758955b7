//! What an answer of OpenVPMS or Healthengine means for a booking. An answer that does not surely
//! say something says nothing.

use super::entry::{Entry, State};
use super::machine::{Event, Reply, SlotLook, SlotTaken, Submission};
use super::state_reason::PostRefusal;
use crate::availability::Share;
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::ids::BookingReference;
use crate::openvpms::SCHEDULE_NOT_AVAILABLE;

/// What a POST came to. Everything that is not surely nothing is lost.
pub fn post_outcome(answer: Answer<BookingReference>) -> Submission {
    match answer {
        Ok(reference) => Submission::Created(reference),
        Err(CallError { class: ErrorClass::Refused, status: Some(400), cause: None, detail, .. }) => {
            Submission::Refused(detail.into())
        }
        Err(error) if error.nothing_was_done() => Submission::NothingDone(error.to_string()),
        Err(error) => {
            // A 502, 503 or 504 can be that of a proxy whose connection broke while the server goes
            // on.
            let server_is_through = error.class == ErrorClass::Unavailable && error.status == Some(500);
            Submission::Lost { server_is_through, detail: error.to_string() }
        }
    }
}

/// What is known of an answer of ours to Healthengine that failed in another way than by being
/// refused.
pub fn failed_answer(error: &CallError) -> Reply {
    if is_surely_undelivered(error) { Reply::NotDelivered } else { Reply::NoAnswer }
}

/// True if an answer that failed so has not reached Healthengine and will not. A gateway that
/// answers 4xx, or sends elsewhere, passed nothing on, unless it waited for something in vain
/// (408); its page with a status of success can stand before anything.
fn is_surely_undelivered(error: &CallError) -> bool {
    let of_a_gateway = error.class == ErrorClass::Contract && matches!(error.status, Some(400..=407 | 409..=499));
    error.nothing_was_done() || of_a_gateway
}

/// True if the server says that there is no such thing.
pub fn is_not_found(error: &CallError) -> bool {
    error.class == ErrorClass::Refused && error.status == Some(404)
}

/// True if the server says that a schedule is no longer there for us.
pub fn is_schedule_closed(error: &CallError) -> bool {
    error.is_refusal(400, SCHEDULE_NOT_AVAILABLE) || is_not_found(error)
}

/// How much of a slot is taken. An appointment of ours takes all of it, so any free minute shows
/// that it does not stand; without one, time outside opening hours can hide it.
pub fn slot_taken(busy: Share, free: Share) -> SlotTaken {
    match (busy, free) {
        (Share::All, _) => SlotTaken::All,
        (Share::None, Share::Part | Share::All) => SlotTaken::None,
        (Share::Part, Share::Part | Share::All) => SlotTaken::Part,
        (Share::None | Share::Part, Share::None) => SlotTaken::Unseen,
    }
}

/// True if what takes the time of a booking can be that very booking's appointment, made by another
/// bridge a moment ago.
pub fn may_be_anothers(entry: &Entry, event: &Event) -> bool {
    let found = matches!(event, Event::Looked(SlotLook::Seen { taken: SlotTaken::All, refusal: Some(_), .. }))
        && entry.state == State::Received;
    let told = matches!(event, Event::Submitted(Submission::Refused(PostRefusal::AlreadyScheduled)));
    (found || told) && entry.post.without_effect == 0 && !entry.post.predates_store && !entry.withdrawn
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::call_error::Cause;

    fn failed(class: ErrorClass, status: Option<u16>) -> Submission {
        post_outcome(Err(CallError { status, ..CallError::new(class, "x") }))
    }

    #[test]
    fn only_answers_that_rule_an_appointment_out_are_taken_for_none() {
        assert!(matches!(failed(ErrorClass::Refused, Some(400)), Submission::Refused(_)));
        for (class, status) in [
            (ErrorClass::NotSent, None),
            (ErrorClass::Credentials, Some(401)),
            (ErrorClass::Forbidden, Some(403)),
            (ErrorClass::TooMany, Some(429)),
            (ErrorClass::Contract, Some(302)),
            (ErrorClass::Refused, Some(404)),
            (ErrorClass::Refused, Some(415)),
        ] {
            assert!(matches!(failed(class, status), Submission::NothingDone(_)), "{class:?} {status:?}");
        }
        // The container did not let the request in: nothing is known of the time that it asks for.
        let page = CallError::with_status(ErrorClass::Refused, 400, "x").due_to(Cause::Page);
        assert!(matches!(post_outcome(Err(page)), Submission::NothingDone(_)));
        for (class, status, through) in [
            (ErrorClass::Lost, None, false),
            (ErrorClass::Lost, Some(408), false),
            (ErrorClass::Lost, Some(503), false),
            (ErrorClass::Contract, Some(200), false),
            (ErrorClass::Contract, Some(201), false),
            (ErrorClass::Unavailable, Some(503), false),
            (ErrorClass::Unavailable, Some(500), true),
        ] {
            let outcome = failed(class, status);
            let is_lost = matches!(outcome, Submission::Lost { server_is_through, .. } if server_is_through == through);
            assert!(is_lost, "{class:?} {status:?}");
        }
    }

    #[test]
    fn only_an_answer_that_may_have_been_carried_out_counts_as_perhaps_heard() {
        let page = |status| CallError::with_status(ErrorClass::Contract, status, "a page").due_to(Cause::Page);
        for status in [302, 400, 401, 403, 404, 407, 413] {
            assert!(is_surely_undelivered(&page(status)), "{status}");
        }
        for status in [200, 202, 408] {
            assert!(!is_surely_undelivered(&page(status)), "{status}");
        }
        for (class, status, unheard) in [
            (ErrorClass::NotSent, None, true),
            (ErrorClass::TooMany, Some(429), true),
            (ErrorClass::Credentials, Some(401), true),
            (ErrorClass::Forbidden, Some(403), true),
            (ErrorClass::Lost, None, false),
            (ErrorClass::Lost, Some(200), false),
            (ErrorClass::Unavailable, Some(502), false),
            (ErrorClass::Contract, None, false),
        ] {
            let error = CallError { status, ..CallError::new(class, "") };
            assert_eq!(is_surely_undelivered(&error), unheard, "{class:?} {status:?}");
        }
    }

    #[test]
    fn a_free_minute_shows_that_an_appointment_of_ours_does_not_stand_and_closed_time_shows_nothing() {
        assert_eq!(slot_taken(Share::All, Share::None), SlotTaken::All);
        assert_eq!(slot_taken(Share::None, Share::All), SlotTaken::None);
        assert_eq!(slot_taken(Share::None, Share::Part), SlotTaken::None);
        assert_eq!(slot_taken(Share::Part, Share::Part), SlotTaken::Part);
        assert_eq!(slot_taken(Share::None, Share::None), SlotTaken::Unseen);
        assert_eq!(slot_taken(Share::Part, Share::None), SlotTaken::Unseen);
    }
}
