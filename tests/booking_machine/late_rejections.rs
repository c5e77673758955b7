//! Rejections that may have come too late: whether a person has to call the pet owner.

use chrono::TimeDelta;
use vetbridge::booking::entry::State;
use vetbridge::booking::machine::{Action, Event, Reply, SlotLook, SlotTaken};
use vetbridge::booking::resolution::{Resolution, diary_check};
use vetbridge::ids::BookingReference;

use crate::case::Case;

#[test]
fn a_rejection_in_time_whose_answer_was_lost_alarms_nobody() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::All);
    assert_eq!(case.replied(13, Reply::NoAnswer), Action::Rest);
    case.see(25, Event::Unlisted);
    assert_eq!((case.entry.is_acknowledged(), case.is_flagged()), (true, false));
}

#[test]
fn a_late_rejection_whose_answer_was_lost_asks_for_a_person_however_our_clock_is_set_meanwhile() {
    for (set, before) in [(0, false), (864_000, false), (-864_000, false), (864_000, true), (-864_000, true)] {
        let mut case = Case::new();
        case.asked(30);
        let Action::Reject(_) = case.looked(31, SlotTaken::All) else { panic!("{:?}", case.entry) };
        if before {
            // Nobody read Healthengine's clock since.
            (case.set, case.is_unsure) = (set, true);
        }
        assert_eq!(case.replied(41, Reply::NoAnswer), Action::Rest);
        (case.set, case.ahead, case.is_unsure) = (set, TimeDelta::seconds(-set), false);
        case.see(80, Event::Unlisted);
        assert!(case.is_flagged(), "set by {set} s, before the answer was lost: {before}");
    }
}

#[test]
fn a_rejection_that_is_answered_while_the_clock_is_set_may_be_late_and_asks_for_a_person() {
    for (is_unsure, flagged) in [(false, false), (true, true)] {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::All);
        case.is_unsure = is_unsure;
        case.replied(4, Reply::Accepted);
        assert_eq!(case.is_flagged(), flagged);
    }
}

#[test]
fn a_rejection_that_healthengine_took_in_time_cannot_be_confirmed_whatever_is_flagged_and_a_late_one_can() {
    for (second, refused) in [(3, true), (30, false)] {
        let mut case = Case::new();
        case.entry.post.predates_store = true;
        case.asked(second);
        case.unreachable(second + 1);
        if second == 30 {
            case.see(31, Event::Looked(SlotLook::Closed("it is not flagged".into())));
        }
        case.replied(second + 2, Reply::Accepted);
        assert_eq!((case.entry.state, case.is_flagged()), (State::Rejected, true));
        let reference = Some(BookingReference("603:be08".into()));
        let asked = diary_check(&case.entry, &Resolution::Confirmed { reference, force: true });
        assert_eq!(asked.is_err(), refused, "{asked:?}");
    }
}

#[test]
fn a_late_rejection_that_healthengine_refuses_asks_for_a_person_all_the_same() {
    let mut case = Case::new();
    case.asked(30);
    let Action::Reject(_) = case.looked(31, SlotTaken::All) else { panic!("{:?}", case.entry) };
    assert_eq!(case.replied(32, Reply::Refused), Action::Relist);
    assert_eq!(case.see(33, Event::StillListed), Action::Rest);
    assert!(case.entry.needs_attention.as_deref().unwrap().contains("call them"));
    // In time a refusal says nothing about the pet owner: he was not told yes.
    let mut case = Case::new();
    case.asked(3);
    case.looked(4, SlotTaken::All);
    case.replied(5, Reply::Refused);
    case.see(6, Event::StillListed);
    assert_eq!(case.entry.needs_attention, None);
}
