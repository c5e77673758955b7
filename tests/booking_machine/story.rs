//! The story of a booking says what its pet owner and staff did, and what a person settled in the
//! words that are true of it.

use vetbridge::booking::entry::{OpenCancellation, Place, State};
use vetbridge::booking::machine::{Action, Event, Reply, Resolved, ResolvedAs, SlotTaken};
use vetbridge::booking::resolution::{DiaryCheck, Objection, Resolution, Unresolved, after_get, diary_check};
use vetbridge::booking::update::{self, UpdatePlan};
use vetbridge::call_error::{CallError, ErrorClass};
use vetbridge::healthengine::{BookingStatus, BookingUpdate};
use vetbridge::ids::{BookingReference, RequestId};
use vetbridge::openvpms::BOOKING_NOT_FOUND;
use vetbridge::span::Span;
use vetbridge::zone::Zone;

use crate::case::{Case, VISIT_HAS_BEGUN, confirm};
use crate::support::{at, place};

const BY_HAND: ResolvedAs = ResolvedAs::Confirmed { reference: None, place: None };

/// The time was taken after the pet owner was told yes.
fn rejected_too_late() -> Case {
    let mut case = Case::new();
    case.asked(30);
    case.looked(31, SlotTaken::All);
    case.replied(32, Reply::Accepted);
    case
}

fn settled(outcome: ResolvedAs, listed: Option<bool>) -> Event {
    Event::Resolved(Resolved { outcome, listed, note: None })
}

/// The last sentences of its history, as a record has them after a restart too.
fn last(case: &Case, count: usize) -> Vec<String> {
    let record = serde_json::to_string(&case.entry).unwrap();
    let read: vetbridge::booking::entry::Entry = serde_json::from_str(&record).unwrap();
    let told = |entry: &vetbridge::booking::entry::Entry| {
        let reasons: Vec<String> = entry.history.iter().map(|item| item.reason.to_string()).collect();
        reasons[reasons.len() - count..].to_vec()
    };
    assert_eq!(told(&read), told(&case.entry));
    told(&case.entry)
}

#[test]
fn a_pet_owner_who_cancels_while_openvpms_is_away_is_in_the_story_once_and_until_that_is_settled() {
    let mut case = Case::made();
    for second in [100, 200, 300] {
        assert_eq!(case.see(second, Event::OwnerCancelled), Action::Rest);
    }
    assert_eq!(case.entry.history.len(), 5, "noted once: {:?}", case.entry.history);
    assert!(last(&case, 1)[0].starts_with("The pet owner cancelled at Healthengine."), "{:?}", last(&case, 1));
    assert_eq!((case.entry.state, case.entry.open_cancellation()), (State::Confirmed, Some(OpenCancellation::Waiting)));
    case.see(400, Event::CannotCancel(VISIT_HAS_BEGUN));
    case.see(401, Event::CannotCancel(VISIT_HAS_BEGUN));
    assert_eq!((case.entry.history.len(), case.entry.open_cancellation()), (6, Some(OpenCancellation::Refused)));
    assert!(last(&case, 1)[0].contains("the appointment stands: The visit has begun"), "{:?}", last(&case, 1));
    // The visit takes place all the same: Healthengine is not said to have it as confirmed.
    let here = ResolvedAs::Confirmed { reference: Some(BookingReference("603:be08".into())), place: None };
    assert_eq!(case.see(500, settled(here, Some(false))), Action::Rest);
    assert_eq!(case.entry.open_cancellation(), None);
    assert_eq!(last(&case, 1), ["Healthengine has the booking as cancelled by the pet owner."]);
}

#[test]
fn what_the_pet_owner_did_or_was_told_is_no_reason_that_healthengine_is_given() {
    let mut case = rejected_too_late();
    assert!(last(&case, 1)[0].starts_with("The pet owner was told that there is an appointment"));
    case.see(40, Event::StillListed);
    assert_eq!(case.entry.history.len(), 3, "noted once: {:?}", case.entry.history);
    // Healthengine asks once more, also of a process that read the record anew.
    case.entry = serde_json::from_str(&serde_json::to_string(&case.entry).unwrap()).unwrap();
    assert_eq!(case.asked(50), Action::Reject("The time is taken.".into()));
}

#[test]
fn a_move_is_told_with_both_times_and_after_it_is_settled_with_what_healthengine_still_shows() {
    let mut case = Case::made();
    let later = Place { span: Span::new(at(90_000), at(90_900)), ..place() };
    case.see(100, Event::Moved(later));
    let (from, to) = ("Thu 14 Feb 2019 06:33", "Thu 14 Feb 2019 07:33");
    assert_eq!(last(&case, 1), [format!("The practice moved the appointment from {from} to {to}.")]);
    let flag = case.entry.needs_attention.as_deref().unwrap();
    assert!(flag.contains(&format!("from {from} to {to}.")), "{flag}");
    // Healthengine is away: it took the confirmation long ago, and has no news to hear.
    let reference = Some(BookingReference("603:be08".into()));
    let knows = settled(ResolvedAs::Confirmed { reference, place: Some(later) }, None);
    assert_eq!(case.see(200, knows), Action::Rest);
    assert_eq!((case.entry.needs_attention.as_ref(), case.entry.owed()), (None, None));
    let still =
        format!("A person settled it: the pet owner knows of the new time. Healthengine still shows them {from}.");
    assert_eq!(last(&case, 2), [still.as_str(), "Healthengine has the booking as confirmed."]);
}

#[test]
fn an_appointment_that_was_made_by_hand_settles_a_late_rejection_without_a_reference() {
    let mut case = rejected_too_late();
    let confirmed = |force| Resolution::Confirmed { reference: None, force };
    let refused = diary_check(&case.entry, &confirmed(false));
    assert_eq!(refused, Err(Unresolved::Refused(Objection::NeedsReference)));
    assert_eq!(diary_check(&case.entry, &confirmed(true)), Ok(DiaryCheck::Nothing(BY_HAND)));
    // Healthengine does not ask any more, and is told nothing.
    assert_eq!(case.see(100, settled(BY_HAND, Some(false))), Action::Rest);
    assert_eq!((case.entry.state, case.entry.needs_attention.as_ref()), (State::Confirmed, None));
    let [by_hand, healthengine] = <[String; 2]>::try_from(last(&case, 2)).unwrap();
    assert!(by_hand.starts_with("A person made the appointment in OpenVPMS by hand."), "{by_hand}");
    assert!(healthengine.starts_with("Healthengine asks for no answer to the booking any more."), "{healthengine}");
    // One that it still asks for is confirmed with no reference, because there is none.
    let mut case = rejected_too_late();
    assert_eq!(case.see(100, settled(BY_HAND, Some(true))), confirm(&[], "p-1"));
    case.replied(101, Reply::Accepted);
    assert_eq!(last(&case, 1), ["Healthengine has the booking as confirmed."]);
}

#[test]
fn an_appointment_that_is_gone_can_be_made_again_by_hand_and_its_former_reference_cancels_nothing() {
    let mut case = Case::made();
    case.see(100, Event::GoneWithMany);
    let own = BookingReference("603:be08".into());
    let zone: Zone = "Australia/Sydney".parse().unwrap();
    let gone = || Err(CallError::with_status(ErrorClass::Refused, 404, BOOKING_NOT_FOUND));
    let asked =
        |reference, force| after_get(&case.entry, &Resolution::Confirmed { reference, force }, &own, &gone(), zone);
    assert_eq!(asked(None, false), Err(Unresolved::Refused(Objection::IsGone)));
    assert_eq!(asked(Some(own.clone()), true), Err(Unresolved::Refused(Objection::IsGone)), "what is named must stand");
    assert_eq!(asked(None, true), Ok(BY_HAND));
    case.see(200, settled(BY_HAND, Some(false)));
    assert!(last(&case, 2)[0].contains("by hand"), "{:?}", last(&case, 2));
    // Healthengine knows the former reference: that it is gone does not mean that nobody has to cancel.
    let cancelled = BookingUpdate {
        request_id: RequestId(7),
        booking_id: case.entry.booking_id,
        pms_appointment_ids: vec![own.to_string()],
        pms_patient_id: None,
        updated_at: None,
        status: BookingStatus::Cancelled,
    };
    let plan = update::plan(&cancelled, Some(&case.entry), Some(false).into());
    assert!(matches!(plan, UpdatePlan::RejectAndFlag(_)), "{plan:?}");
}

#[test]
fn what_a_person_settled_is_told_in_the_words_of_what_they_were_asked() {
    let mut called = rejected_too_late();
    assert!(matches!(called.see(100, settled(ResolvedAs::Rejected, Some(false))), Action::Cancel(_)));
    assert_eq!(last(&called, 1), ["A person called the pet owner: there is no appointment."]);
    // There never was an appointment that anybody could have cancelled.
    let mut never = rejected_too_late();
    never.see(100, settled(ResolvedAs::Cancelled, None));
    assert_eq!(last(&never, 1), ["A person settled it: there is no appointment, and none is needed."]);
    let mut stood = Case::made();
    stood.see(100, settled(ResolvedAs::Cancelled, None));
    assert_eq!(last(&stood, 1), ["A person at the practice had the appointment cancelled."]);
}

#[test]
fn a_record_of_an_earlier_version_keeps_what_a_person_did() {
    let mut case = Case::made();
    case.see(100, settled(ResolvedAs::Cancelled, None));
    let record = serde_json::to_string(&case.entry).unwrap();
    let former = record.replace(
        "A person at the practice had the appointment cancelled.",
        "The practice cancelled the appointment by hand.",
    );
    assert_ne!(former, record);
    let read: vetbridge::booking::entry::Entry = serde_json::from_str(&former).unwrap();
    assert_eq!(read.history, case.entry.history);
}
