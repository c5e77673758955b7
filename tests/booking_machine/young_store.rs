//! The store is younger than the booking: nobody knows what was done about it before.

use vetbridge::booking::entry::State;
use vetbridge::booking::flag::Flag;
use vetbridge::booking::machine::{Action, Ask, Event, Reply, SlotLook, SlotTaken};
use vetbridge::booking::problem::Unplaceable;

use crate::case::{Case, confirm, created, flag};
use crate::support::at;

#[test]
fn a_slot_that_another_booking_of_the_ledger_has_is_somebody_elses_however_young_the_store_is() {
    let mut case = Case::new();
    case.entry.post.predates_store = true;
    case.asked(1);
    assert_eq!(case.looked(3, SlotTaken::ByAnother), Action::Reject("The time is taken.".into()));
}

#[test]
fn a_store_younger_than_the_booking_does_not_call_a_taken_slot_somebody_elses() {
    let mut case = Case::new();
    case.entry.post.predates_store = true;
    case.asked(30);
    assert_eq!(case.looked(31, SlotTaken::All), confirm(&[], "p-1"));
    assert_eq!(flag(&case), Some(&Flag::CheckTheDiary { may_be_anothers: true }));
    let mut part = Case::new();
    part.entry.post.predates_store = true;
    part.asked(30);
    assert!(matches!(part.looked(31, SlotTaken::Part), Action::Reject(_)));
}

#[test]
fn an_appointment_that_a_forgotten_store_may_have_made_elsewhere_asks_for_a_person() {
    let made = |second: i64| {
        let mut case = Case::holding();
        case.entry.post.predates_store = true;
        case.asked(second);
        case.looked(second + 1, SlotTaken::None);
        assert_eq!(case.submitted(second + 2, created("603:be08")), confirm(&["603:be08"], "p-1"));
        case.entry.needs_attention
    };
    assert_eq!(made(90).unwrap().flag(), Some(&Flag::PerhapsMadeBefore));
    assert_eq!(made(20), None, "nobody has moved anything yet");
}

#[test]
fn a_booking_older_than_the_store_that_is_rejected_without_a_look_is_looked_up_by_a_person() {
    let rejected = |predates_store: bool, event: Event| {
        let mut case = Case::new();
        case.entry.post.predates_store = predates_store;
        case.asked(3);
        assert!(matches!(case.see(5, event), Action::Reject(_)));
        case.replied(6, Reply::Accepted);
        assert_eq!((case.entry.state, case.entry.is_open()), (State::Rejected, false));
        case.entry.needs_attention
    };
    let unseen = || {
        [
            Event::Looked(SlotLook::Unreachable("no answer".into())),
            Event::Looked(SlotLook::Closed("it is not flagged".into())),
            Event::Asked(Ask::Impossible(Unplaceable::InThePast)),
            Event::SwitchedOff,
        ]
    };
    for event in unseen() {
        let sentence = rejected(true, event).unwrap();
        assert!(sentence.contains("memory is younger") && sentence.contains("cancel it in OpenVPMS"), "{sentence}");
    }
    for event in unseen() {
        assert_eq!(rejected(false, event), None, "nobody can have made it before");
    }
    // Part of the time is somebody else's: an appointment of ours would take all of it.
    let seen = SlotLook::Seen {
        began: at(5),
        taken: SlotTaken::Part,
        refusal: Some("The time is taken.".into()),
        withheld: None,
    };
    assert_eq!(rejected(true, Event::Looked(seen)), None);
}

#[test]
fn a_cancelled_booking_that_is_older_than_the_store_may_have_been_made_and_asks_for_a_person() {
    for event in [Event::Asked(Ask::Nothing), Event::Withdrawn] {
        let mut case = Case::new();
        case.entry.post.predates_store = true;
        assert!(matches!(case.see(40, event.clone()), Action::Reject(_)));
        assert!(case.entry.needs_attention.as_deref().unwrap().contains("cancel it in OpenVPMS"));
        let mut known = Case::new();
        known.see(40, event);
        assert_eq!(known.entry.needs_attention, None, "nothing was made, and that is certain");
    }
}
