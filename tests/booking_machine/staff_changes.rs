//! Staff cancel or move an appointment, and what a person then has to do.

use vetbridge::booking::answered::Acknowledged;
use vetbridge::booking::entry::{Place, State};
use vetbridge::booking::machine::{Action, Event, Notice, Reply, SlotTaken};
use vetbridge::span::Span;

use crate::case::{Case, VISIT_HAS_BEGUN, created};
use crate::support::{at, place};

#[test]
fn a_cancellation_by_staff_reaches_healthengine_and_is_repeated_until_it_does() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    case.replied(5, Reply::Accepted);
    assert!(matches!(case.see(100, Event::Gone), Action::Cancel(_)));
    assert_eq!(case.replied(101, Reply::NoAnswer), Action::Rest);
    assert!(case.entry.is_open());
    assert!(matches!(case.see(110, Event::Due), Action::Cancel(_)));
    case.replied(111, Reply::Accepted);
    assert_eq!((case.entry.state, case.entry.is_open()), (State::Cancelled, false));
}

#[test]
fn an_appointment_that_staff_cancel_before_healthengine_heard_of_it_is_cancelled_there_after_a_late_rejection() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    case.replied(5, Reply::NoAnswer);
    assert!(matches!(case.see(60, Event::Gone), Action::Cancel(_)));
    case.replied(61, Reply::NoAnswer);
    // It still lists the booking, and the pet owner was told yes long ago: a rejection only ends the asking.
    assert!(matches!(case.asked(70), Action::Reject(_)));
    assert!(matches!(case.replied(71, Reply::Accepted), Action::Cancel(_)));
    assert_eq!(case.replied(72, Reply::Accepted), Action::Rest);
    assert_eq!((case.entry.state, case.entry.is_open(), case.is_flagged()), (State::Cancelled, false, false));
    // A rejection that is refused is a cancellation at once; one that is refused too was not needed, or is told again.
    let mut case = Case { entry: case.entry, ..Case::new() };
    case.entry.answered.acknowledged = Acknowledged::NotYet;
    assert!(matches!(case.asked(80), Action::Reject(_)));
    assert!(matches!(case.replied(81, Reply::Refused), Action::Cancel(_)));
    assert_eq!(case.replied(82, Reply::Refused), Action::Relist);
    assert_eq!(case.see(83, Event::Unlisted), Action::Rest);
    assert!(!case.entry.is_open());
}

#[test]
fn what_was_flagged_of_an_appointment_is_over_when_both_systems_have_it_cancelled() {
    let flagged = || {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(4, created("603:be08"));
        case.replied(5, Reply::Accepted);
        case.see(100, Event::CannotCancel(VISIT_HAS_BEGUN));
        assert!(case.is_flagged());
        case
    };
    let mut by_owner = flagged();
    by_owner.see(200, Event::CancelledForOwner);
    assert!(!by_owner.is_flagged());
    let mut by_staff = flagged();
    assert!(matches!(by_staff.see(200, Event::Gone), Action::Cancel(_)));
    assert!(by_staff.is_flagged(), "Healthengine does not know yet");
    by_staff.replied(201, Reply::Accepted);
    assert!(!by_staff.is_flagged());
}

#[test]
fn a_move_by_staff_is_followed_and_flagged() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    case.replied(5, Reply::Accepted);
    let there = Place { span: Span::new(at(90_000), at(90_900)), ..place() };
    assert_eq!(case.see(100, Event::Moved(there)), Action::Rest);
    assert_eq!((case.entry.state, case.entry.place, case.is_flagged()), (State::Confirmed, Some(there), true));
    let told = case.entry.clone();
    case.see(101, Event::Moved(there));
    assert_eq!(case.entry, told, "a move that is seen twice is one move");
    assert!(case.notices.contains(&Notice::FreedDays(place())), "its former time is free for others");
}

#[test]
fn what_happened_last_says_what_a_person_has_to_do() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    case.replied(5, Reply::Accepted);
    let at_hour = |hour: i64| Place { span: Span::new(at(hour * 3600), at(hour * 3600 + 900)), ..place() };
    case.see(100, Event::Moved(at_hour(30)));
    let first = case.entry.needs_attention.clone();
    case.see(200, Event::Moved(at_hour(31)));
    assert_ne!(case.entry.needs_attention, first, "the second move is what the pet owner has to hear of");
    case.see(300, Event::CannotCancel(VISIT_HAS_BEGUN));
    assert!(case.entry.needs_attention.unwrap().contains("cancel it in OpenVPMS"));
}
