//! The answer to a POST was lost: what a reading of the slot says of it.

use chrono::{DateTime, Utc};
use vetbridge::booking::entry::State;
use vetbridge::booking::machine::{Action, Ask, Event, Reply, SlotTaken, Submission};

use crate::case::{Case, confirm, lost, refused};
use crate::support::at;

#[test]
fn a_lost_answer_and_a_taken_slot_is_confirmed_without_a_reference_and_flagged() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    assert_eq!(case.submitted(13, lost(false)), Action::LookAgain);
    assert_eq!(case.looked(14, SlotTaken::All), confirm(&[], "p-1"));
    assert_eq!((case.entry.state, case.is_flagged()), (State::InDoubt, true));
    assert!(case.entry.needs_attention.as_ref().unwrap().contains("Healthengine booking 36127212"));
    case.replied(15, Reply::Accepted);
    assert!(!case.entry.is_open());
    assert_eq!(case.asked(20), confirm(&[], "p-1"), "again with the same empty ids");
}

#[test]
fn a_timeout_needs_two_late_readings_before_the_slot_counts_as_free() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    assert_eq!(case.looked(14, SlotTaken::None), Action::Rest, "the server can still carry it out");
    assert_eq!(case.next_look(14), Some(at(33)), "two timeouts after the POST was given up");
    assert_eq!(case.see(32, Event::Due), Action::Rest);
    assert_eq!(case.see(33, Event::Due), Action::LookAgain);
    assert_eq!(case.looked(33, SlotTaken::None), Action::Rest, "once is not enough");
    assert_eq!(case.looked(42, SlotTaken::None), Action::Rest, "too soon after the first");
    assert_eq!(case.looked(43, SlotTaken::None), Action::LookAndHold);
    assert_eq!(case.looked(44, SlotTaken::None), Action::Submit, "past the deadline too");
    assert_eq!(case.submitted(45, refused("An appointment is already scheduled for 1-2")), confirm(&[], "p-1"));
}

#[test]
fn a_reading_that_was_not_answered_settles_nothing() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    for second in [14, 30, 60] {
        assert_eq!(case.unreachable(second), Action::Rest);
        assert_eq!(case.entry.state, State::Submitting);
    }
    assert_eq!(case.looked(62, SlotTaken::None), Action::Rest);
    assert_eq!(case.looked(72, SlotTaken::None), Action::LookAndHold);
}

#[test]
fn after_a_500_one_reading_is_enough() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    assert_eq!(case.submitted(4, lost(true)), Action::LookAgain);
    assert_eq!(case.looked(5, SlotTaken::None), Action::LookAndHold);
}

#[test]
fn three_posts_that_leave_nothing_are_rejected_with_the_likely_causes() {
    let mut case = Case::new();
    case.asked(1);
    for attempt in 0..3 {
        let second = 2 + attempt * 3;
        assert_eq!(case.looked(second, SlotTaken::None), Action::Submit);
        case.submitted(second + 1, lost(true));
        let next = case.looked(second + 2, SlotTaken::None);
        assert_eq!(matches!(next, Action::Reject(_)), attempt == 2, "attempt {attempt}: {next:?}");
    }
    assert_eq!(case.problems(), 1);
}

#[test]
fn somebody_else_in_part_of_the_slot_means_that_ours_does_not_stand() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    assert!(matches!(case.looked(30, SlotTaken::Part), Action::Reject(_)));
    case.replied(31, Reply::Accepted);
    assert!(case.is_flagged(), "the pet owner was told yes");
}

#[test]
fn a_booking_found_on_its_way_at_start_is_a_lost_answer() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    // Killed here, started a minute later.
    assert_eq!(case.next_look(60), Some(DateTime::<Utc>::MIN_UTC));
    assert_eq!(case.see(60, Event::Due), Action::LookAgain);
    assert_eq!(case.looked(61, SlotTaken::All), confirm(&[], "p-1"));
}

#[test]
fn a_lost_answer_and_a_time_that_is_partly_taken_is_rejected_and_looked_up_while_the_request_may_lie_in_a_queue() {
    let rejected = |submission: Submission, second: i64| {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(4, submission);
        assert!(matches!(case.looked(second, SlotTaken::Part), Action::Reject(_)));
        case.replied(second + 1, Reply::Accepted);
        assert_eq!((case.entry.state, case.entry.is_open()), (State::Rejected, false));
        case.entry.needs_attention
    };
    // A calendar block that staff have just laid does not keep the late request out, and looks like an appointment.
    let sentence = rejected(lost(false), 5).unwrap();
    assert!(sentence.contains("Check the diary for \"Healthengine booking 36127212\""), "{sentence}");
    assert_eq!(rejected(lost(true), 5), None, "the server is through with it");
    let late = rejected(lost(false), 25).unwrap();
    assert!(!late.contains("Check the diary"), "no server carries it out later than that: {late}");
}

#[test]
fn a_booking_that_is_cancelled_while_its_outcome_is_unknown_is_not_posted_again() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(4, lost(true));
    case.see(5, Event::Asked(Ask::Nothing));
    assert!(matches!(case.looked(6, SlotTaken::None), Action::Reject(_)));
    case.replied(300, Reply::Accepted);
    assert!(!case.is_flagged());
}
