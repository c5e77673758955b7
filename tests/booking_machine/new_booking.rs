//! A new booking: the look, the POST, the confirmation, and what is in time.

use chrono::TimeDelta;
use vetbridge::availability::rules::{RuleAt, RuleKey};
use vetbridge::booking::entry::State;
use vetbridge::booking::machine::{Action, Ask, Event, Notice, Reply, SlotLook, SlotTaken, Submission};
use vetbridge::booking::problem::{Unoffered, Unplaceable};

use crate::case::{Case, confirm, created, refused};
use crate::support::{at, place};

#[test]
fn a_free_slot_is_booked_confirmed_and_its_days_sent() {
    let mut case = Case::new();
    assert_eq!(case.asked(2), Action::LookAndHold);
    assert_eq!(case.looked(3, SlotTaken::None), Action::Submit);
    assert_eq!(case.entry.state, State::Submitting);
    assert_eq!(case.submitted(4, created("603:be08")), confirm(&["603:be08"], "p-1"));
    assert_eq!(case.notices, [Notice::FreshDays]);
    assert_eq!(case.replied(5, Reply::Accepted), Action::Rest);
    assert_eq!(case.entry.state, State::Confirmed);
    let states: Vec<State> = case.entry.history.iter().map(|happening| happening.state).collect();
    assert_eq!(states, [State::Received, State::Submitting, State::Inserted, State::Confirmed]);
    assert!(!case.is_flagged());
}

#[test]
fn the_customer_in_a_reference_of_three_parts_is_the_patient_id() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    assert_eq!(case.submitted(4, created("603:3:be08")), confirm(&["603:3:be08"], "3"));
}

#[test]
fn a_taken_slot_is_rejected_with_fresh_days_and_no_flag_when_it_is_in_time() {
    let mut case = Case::new();
    case.asked(2);
    assert_eq!(case.looked(3, SlotTaken::Part), Action::Reject("The time is taken.".into()));
    assert_eq!(case.replied(4, Reply::Accepted), Action::Rest);
    assert_eq!((case.entry.state, case.entry.is_acknowledged(), case.is_flagged()), (State::Rejected, true, false));
    assert_eq!(case.notices, [Notice::FreshDays]);
}

#[test]
fn a_rejection_that_comes_too_late_asks_for_a_person() {
    let mut case = Case::new();
    case.asked(300);
    assert!(matches!(case.looked(301, SlotTaken::All), Action::Reject(_)));
    case.replied(302, Reply::Accepted);
    assert!(case.entry.needs_attention.unwrap().contains("36127212"));
}

#[test]
fn out_of_reach_is_rejected_while_that_helps_and_tried_for_ever_after() {
    let mut case = Case::new();
    case.asked(2);
    assert!(matches!(case.unreachable(15), Action::Reject(_)));
    let mut late = Case::new();
    late.asked(2);
    assert_eq!(late.unreachable(16), Action::Rest);
    assert_eq!((late.entry.state, late.asked(600)), (State::Received, Action::LookAndHold));
    assert_eq!(late.looked(601, SlotTaken::None), Action::Submit);
}

#[test]
fn the_clock_of_healthengine_decides_what_is_in_time() {
    let mut case = Case { ahead: TimeDelta::seconds(10), ..Case::new() };
    case.asked(-5);
    assert_eq!(case.unreachable(6), Action::Rest, "16 s at Healthengine");
    let mut case = Case { ahead: TimeDelta::seconds(-10), ..Case::new() };
    case.asked(12);
    assert!(matches!(case.unreachable(24), Action::Reject(_)), "14 s at Healthengine");
}

#[test]
fn a_held_booking_is_made_when_openvpms_is_back() {
    let mut case = Case::holding();
    case.asked(2);
    assert_eq!(case.unreachable(3), Action::Rest);
    assert_eq!(case.asked(7200), Action::LookAndHold);
    assert_eq!(case.looked(7201, SlotTaken::None), Action::Submit);
}

#[test]
fn a_held_booking_that_the_pet_owner_gives_up_is_rejected_and_nobody_is_alarmed() {
    let mut case = Case::holding();
    case.asked(2);
    case.unreachable(3);
    assert!(matches!(case.see(600, Event::Withdrawn), Action::Reject(_)));
    case.replied(601, Reply::Accepted);
    assert!(!case.is_flagged());
}

#[test]
fn a_refused_post_is_rejected_and_an_unusual_reason_is_a_problem() {
    for (text, problems) in [
        ("An appointment is already scheduled for 1-2", 0),
        ("Cannot make a booking in the past", 0),
        ("Appointment Type not found: 66", 1),
        ("Booking start is not on a slot boundary", 1),
    ] {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        assert!(matches!(case.submitted(4, refused(text)), Action::Reject(_)), "{text}");
        assert_eq!(case.problems(), problems, "{text}");
    }
}

#[test]
fn requests_that_can_never_be_made_are_rejected_and_nothing_is_looked_at() {
    let mut case = Case::new();
    let impossible = Ask::Impossible(Unplaceable::NotOffered(Unoffered::UnknownResource));
    let told = "The practice's system does not offer the resource that was booked.";
    assert_eq!(case.see(2, Event::Asked(impossible)), Action::Reject(told.into()));
    assert_eq!(case.problems(), 1);
    let mut gone = Case::new();
    assert!(matches!(gone.see(2, Event::Asked(Ask::Nothing)), Action::Reject(_)));
    gone.replied(300, Reply::Accepted);
    assert!(!gone.is_flagged(), "the pet owner cancelled: nobody waits");
}

#[test]
fn a_post_that_is_not_taken_although_reading_works_is_a_problem() {
    let mut case = Case::new();
    case.asked(300);
    case.looked(301, SlotTaken::None);
    assert_eq!(case.submitted(302, Submission::NothingDone("an HTML page (status 405)".into())), Action::Rest);
    assert_eq!((case.problems(), case.entry.state), (1, State::Received));
}

/// A look that finds the time free, where a rule withholds it and nobody was offered it.
fn withheld(case: &mut Case, second: i64) -> Action {
    let withheld = Some(RuleAt { number: 2, key: RuleKey::Hours });
    let look = SlotLook::Seen { began: at(second), taken: SlotTaken::None, refusal: None, withheld };
    case.see(second, Event::Looked(look))
}

#[test]
fn a_time_that_a_rule_withholds_and_nobody_was_offered_is_rejected_in_time_and_made_after_it() {
    let mut case = Case::new();
    case.asked(2);
    let told = "The practice does not offer this time online: rule 2 (hours).";
    assert_eq!(withheld(&mut case, 3), Action::Reject(told.into()));
    assert_eq!((case.entry.state, &case.notices[..]), (State::Rejected, &[Notice::FreshDays][..]));
    case.replied(4, Reply::Accepted);
    assert!(!case.is_flagged());
    let mut late = Case::new();
    late.asked(2);
    assert_eq!(withheld(&mut late, 16), Action::Submit, "the pet owner was told yes");
}

#[test]
fn after_a_post_that_left_nothing_no_rule_rejects_the_booking() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.entry.post.without_effect = 1;
    case.entry.state = State::Received;
    assert_eq!(case.asked(5), Action::LookAndHold);
    assert_eq!(withheld(&mut case, 6), Action::Submit);
}

#[test]
fn a_new_client_is_turned_away_in_the_practices_words_without_a_look_and_the_time_is_shown_again() {
    let ask = || Event::Asked(Ask::TurnAway(place(), "New clients please call.".into(), 3));
    let mut case = Case::new();
    assert_eq!(case.see(2, ask()), Action::Reject("New clients please call.".into()));
    assert_eq!((case.entry.state, &case.notices[..]), (State::Rejected, &[][..]), "nothing of it was ever taken");
    let told: Vec<String> = case.entry.history.iter().map(|own| own.reason.to_string()).collect();
    assert!(told.contains(&"New clients are turned away by rule 3 (new_patients).".to_owned()), "{told:?}");
    assert_eq!(case.replied(3, Reply::Accepted), Action::Rest);
    assert_eq!(case.notices, [Notice::OfferAgain]);
    assert!(!case.is_flagged());
    let mut late = Case::new();
    assert_eq!(late.see(16, ask()), Action::LookAndHold, "the pet owner was told yes");
    assert_eq!(late.looked(17, SlotTaken::None), Action::Submit);
    let mut held = Case::holding();
    held.asked(2);
    held.unreachable(3);
    assert_eq!(held.see(7200, ask()), Action::LookAndHold);
}
