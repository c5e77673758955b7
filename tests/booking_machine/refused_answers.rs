//! Healthengine refuses an answer, or does not list the booking any more.

use vetbridge::booking::entry::State;
use vetbridge::booking::flag::Flag;
use vetbridge::booking::machine::{Action, Event, Reply, Resolved, ResolvedAs, SlotTaken};

use crate::case::{Case, confirm, created, flag, lost};

#[test]
fn a_booking_whose_first_rejection_is_refused_and_that_is_no_longer_listed_was_settled_by_hand() {
    let rejected = || {
        let mut case = Case::new();
        case.asked(3);
        assert!(matches!(case.looked(4, SlotTaken::All), Action::Reject(_)));
        case
    };
    let mut by_hand = rejected();
    assert_eq!(by_hand.replied(5, Reply::Refused), Action::Relist);
    by_hand.see(6, Event::Unlisted);
    assert_eq!(flag(&by_hand), Some(&Flag::SettledByHand));
    // Nor had it heard of one that did not get in.
    let mut outside = rejected();
    assert_eq!(outside.replied(5, Reply::NotDelivered), Action::Rest);
    outside.see(8, Event::Unlisted);
    assert_eq!(flag(&outside), Some(&Flag::SettledByHand));
    // Our own rejection, which nobody heard arrive.
    let mut ours = rejected();
    ours.replied(5, Reply::NoAnswer);
    ours.asked(6);
    assert_eq!(ours.replied(7, Reply::Refused), Action::Relist);
    ours.see(8, Event::Unlisted);
    assert_eq!(ours.entry.needs_attention, None);
    // So may one be that was on its way when the process ended.
    let mut interrupted = rejected();
    interrupted.asked(6);
    assert_eq!(interrupted.replied(7, Reply::Refused), Action::Relist);
    interrupted.see(8, Event::Unlisted);
    assert_eq!(interrupted.entry.needs_attention, None);
}

#[test]
fn what_is_answered_is_answered_again_in_the_same_way() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    assert_eq!(case.replied(5, Reply::NoAnswer), Action::Rest);
    assert_eq!(case.asked(10), confirm(&["603:be08"], "p-1"));
    case.replied(11, Reply::Accepted);
    assert_eq!(case.asked(15), confirm(&["603:be08"], "p-1"));
    case.see(20, Event::CancelledForOwner);
    assert!(matches!(case.asked(25), Action::Reject(_)));
    assert!(matches!(case.replied(26, Reply::Refused), Action::Cancel(_)));
}

#[test]
fn a_refused_answer_to_a_booking_that_is_not_listed_any_more_was_given_already_when_one_was_lost() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    assert_eq!(case.replied(5, Reply::NoAnswer), Action::Rest);
    case.asked(6);
    assert_eq!(case.replied(7, Reply::Refused), Action::Relist);
    assert_eq!(case.see(8, Event::Unlisted), Action::Rest);
    assert_eq!((case.entry.state, case.entry.is_acknowledged(), case.is_flagged()), (State::Confirmed, true, false));
    // Or was on its way when the process ended.
    let mut interrupted = Case::new();
    interrupted.asked(2);
    interrupted.looked(3, SlotTaken::None);
    interrupted.submitted(4, created("603:be08"));
    interrupted.asked(6);
    assert_eq!(interrupted.replied(7, Reply::Refused), Action::Relist);
    assert_eq!(interrupted.see(8, Event::Unlisted), Action::Rest);
    assert_eq!((interrupted.entry.state, interrupted.is_flagged()), (State::Confirmed, false));
}

#[test]
fn an_appointment_whose_every_confirmation_is_refused_and_that_is_no_longer_listed_is_not_expected() {
    let inserted = || {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(4, created("603:be08"));
        case
    };
    let mut refused = inserted();
    assert_eq!(refused.replied(5, Reply::Refused), Action::Relist);
    assert_eq!(refused.see(6, Event::Unlisted), Action::Rest);
    let sentence = refused.entry.needs_attention.clone().unwrap();
    assert!(sentence.contains("stands") && sentence.contains("Healthengine does not expect it"), "{sentence}");
    assert_eq!(
        (refused.entry.state, refused.entry.is_acknowledged(), refused.entry.is_open()),
        (State::Confirmed, true, false)
    );
    // Its pet owner gave it up, and that comes as an update.
    refused.see(10, Event::CancelledForOwner);
    assert_eq!((refused.entry.state, refused.is_flagged()), (State::Cancelled, false));

    // One was turned away at the door, the next was refused, and the list could not be read at once.
    let mut outside = inserted();
    outside.replied(5, Reply::NotDelivered);
    outside.asked(6);
    assert_eq!(outside.replied(7, Reply::Refused), Action::Relist);
    outside.see(8, Event::NotRelisted);
    assert!(!outside.is_flagged());
    outside.see(9, Event::Unlisted);
    assert_eq!(flag(&outside), Some(&Flag::NotExpected));

    // Nobody knows its reference either.
    let mut doubt = Case::new();
    doubt.asked(2);
    doubt.looked(3, SlotTaken::None);
    doubt.submitted(4, lost(true));
    assert_eq!(doubt.looked(6, SlotTaken::All), confirm(&[], "p-1"));
    assert_eq!(doubt.replied(7, Reply::Refused), Action::Relist);
    doubt.see(8, Event::Unlisted);
    assert_eq!((doubt.entry.state, doubt.entry.is_open()), (State::InDoubt, false));
    assert_eq!(flag(&doubt), Some(&Flag::NotExpected));
}

#[test]
fn an_appointment_that_a_list_which_is_never_whole_does_not_show_is_flagged_ten_minutes_after_its_confirmation_was_refused()
 {
    let refused = || {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(4, created("603:be08"));
        assert_eq!(case.replied(5, Reply::Refused), Action::Relist);
        case.see(6, Event::NotRelisted);
        case
    };
    let mut case = refused();
    for second in [11, 300, 605] {
        assert_eq!(case.see(second, Event::Unseen), Action::Rest);
        assert!(!case.is_flagged(), "{second}");
    }
    case.see(606, Event::Unseen);
    let sentence = case.entry.needs_attention.clone().unwrap();
    assert!(sentence.contains("stands") && sentence.contains("Healthengine does not expect it"), "{sentence}");
    assert_eq!((case.entry.state, case.entry.is_open()), (State::Inserted, true), "the list may have it yet");
    // It does: the flag had no cause.
    assert!(matches!(case.asked(700), Action::Confirm(_)));
    case.replied(701, Reply::Accepted);
    assert_eq!((case.entry.state, case.is_flagged()), (State::Confirmed, false));

    // The list is whole again and does not have it.
    let mut gone = refused();
    gone.see(606, Event::Unseen);
    gone.see(700, Event::Unlisted);
    assert_eq!((gone.entry.state, gone.is_flagged()), (State::Confirmed, true));

    // It was on a list meanwhile: the ten minutes begin anew.
    let mut seen = refused();
    seen.asked(300);
    seen.replied(301, Reply::Refused);
    seen.see(302, Event::NotRelisted);
    seen.see(606, Event::Unseen);
    assert!(!seen.is_flagged());
    seen.see(902, Event::Unseen);
    assert!(seen.is_flagged());

    // A confirmation that may have arrived is what settled it.
    let mut heard = Case::new();
    heard.asked(2);
    heard.looked(3, SlotTaken::None);
    heard.submitted(4, created("603:be08"));
    heard.replied(5, Reply::NoAnswer);
    heard.see(6, Event::Unseen);
    heard.see(9_000, Event::Unseen);
    assert!(!heard.is_flagged());

    // A rejection is no better off.
    let mut rejected = Case::new();
    rejected.asked(2);
    rejected.looked(3, SlotTaken::All);
    rejected.replied(4, Reply::Refused);
    rejected.see(5, Event::NotRelisted);
    rejected.see(605, Event::Unseen);
    assert_eq!(flag(&rejected), Some(&Flag::Unseen));
    assert!(rejected.entry.needs_attention.as_deref().unwrap().contains("There is no appointment"));
}

#[test]
fn an_answer_that_healthengine_refuses_three_times_is_a_problem() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    for poll in 1..=4 {
        case.asked(poll * 5);
        assert_eq!(case.replied(poll * 5 + 1, Reply::Refused), Action::Relist);
        case.see(poll * 5 + 2, Event::StillListed);
        assert_eq!(case.problems(), usize::from(poll >= 3), "poll {poll}");
    }
}

#[test]
fn a_waiting_booking_that_somebody_settles_by_hand_is_not_made_any_more() {
    let mut case = Case::holding();
    case.asked(2);
    case.unreachable(3);
    assert_eq!(case.see(600, Event::Unlisted), Action::Rest);
    assert_eq!((case.entry.state, case.entry.is_acknowledged(), case.is_flagged()), (State::Rejected, true, true));

    let mut doubt = Case::new();
    doubt.asked(2);
    doubt.looked(3, SlotTaken::None);
    doubt.submitted(4, lost(true));
    doubt.see(5, Event::Unlisted);
    assert_eq!(doubt.looked(6, SlotTaken::None), Action::Rest, "nothing is posted any more");
    assert_eq!((doubt.entry.state, doubt.is_flagged()), (State::Rejected, true));
}

#[test]
fn what_healthengine_refuses_again_and_again_after_a_person_settled_it_is_flagged_although_nothing_was() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, created("603:be08"));
    case.replied(5, Reply::Accepted);
    let resolved = Resolved { outcome: ResolvedAs::Rejected, listed: Some(true), note: None };
    assert!(matches!(case.see(60, Event::Resolved(resolved)), Action::Reject(_)));
    for poll in 0..3 {
        assert_eq!(case.entry.needs_attention, None, "it goes on by itself");
        assert_eq!(case.replied(61 + poll * 10, Reply::Refused), Action::Relist);
        assert_eq!(case.see(62 + poll * 10, Event::StillListed), Action::Rest);
        case.asked(63 + poll * 10);
    }
    assert_eq!(flag(&case), Some(&Flag::NewsIsOwed { is_refused: true }));
}
