//! The desk's rules, one scenario each, with the times that matter. What holds on every path is in
//! `desk_every_path.rs`.

#![expect(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod desk_support;

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::answered::Acknowledged;
use vetbridge::booking::entry::{Entry, Place, State};
use vetbridge::booking::flag::{Flag, Flagged};
use vetbridge::booking::machine::{
    Action, Ask, Event, MachineContext, Notice, Reply, Resolved, ResolvedAs, SlotLook, SlotTaken, Step, Submission,
    next_look, step,
};
use vetbridge::booking::problem::{Unoffered, Unplaceable, WhyItStands, WhyNotCancelled};
use vetbridge::booking::resolution::{Resolution, diary_check};
use vetbridge::healthengine::ConfirmInsert;
use vetbridge::ids::{BookingId, BookingReference, PracticeId};
use vetbridge::span::Span;

use desk_support::{at, circumstances, place};
use vetbridge::clock::Measured;

const VISIT_HAS_BEGUN: WhyNotCancelled = WhyNotCancelled::Stands(WhyItStands::VisitHasBegun);

/// A booking made at second 0, and a desk whose clock is set by each event.
struct Case {
    entry: Entry,
    hold: bool,
    ahead: TimeDelta,
    /// True while the clock was set and Healthengine's was not read since.
    is_unsure: bool,
    /// How far the machine's clock was set forward,
    set: i64,
    /// and when the process began.
    began: i64,
    notices: Vec<Notice>,
}

impl Case {
    fn new() -> Self {
        let entry = Entry::received(BookingId(36_127_212), PracticeId("1".into()), Some(at(0)), "p-1".into(), at(1));
        Self {
            entry,
            hold: false,
            ahead: TimeDelta::zero(),
            is_unsure: false,
            set: 0,
            began: -86_400,
            notices: Vec::new(),
        }
    }

    fn holding() -> Self {
        Self { hold: true, ..Self::new() }
    }

    fn see(&mut self, second: i64, event: Event) -> Action {
        let circumstances = MachineContext {
            healthengine_ahead: self.ahead,
            ahead_is_sure: !self.is_unsure,
            measured: self.measured(second),
            hold: self.hold,
            ..circumstances(second + self.set)
        };
        let Step { entry, action, notices } = step(self.entry.clone(), event, &circumstances);
        self.entry = entry;
        self.notices.extend(notices);
        action
    }

    fn measured(&self, second: i64) -> Measured {
        Measured { began: at(self.began), now: at(second) }
    }

    /// When it is to be looked at again.
    fn next_look(&self, second: i64) -> Option<DateTime<Utc>> {
        next_look(&self.entry, TimeDelta::seconds(10), &self.measured(second))
    }

    fn asked(&mut self, second: i64) -> Action {
        self.see(second, Event::Asked(Ask::Insert(place())))
    }

    fn looked(&mut self, second: i64, taken: SlotTaken) -> Action {
        let refusal = (taken != SlotTaken::None).then(|| "The time is taken.".to_owned());
        self.see(second, Event::Looked(SlotLook::Seen { began: at(second), taken, refusal }))
    }

    fn unreachable(&mut self, second: i64) -> Action {
        self.see(second, Event::Looked(SlotLook::Unreachable("connection refused".into())))
    }

    fn submitted(&mut self, second: i64, submission: Submission) -> Action {
        self.see(second, Event::Submitted(submission))
    }

    fn replied(&mut self, second: i64, reply: Reply) -> Action {
        self.see(second, Event::Replied(reply))
    }

    fn problems(&self) -> usize {
        self.notices.iter().filter(|notice| matches!(notice, Notice::Problem(_))).count()
    }

    fn is_flagged(&self) -> bool {
        self.entry.needs_attention.is_some()
    }
}

/// What a person has to do about the booking.
fn flag(case: &Case) -> Option<&Flag> {
    case.entry.needs_attention.as_ref().and_then(Flagged::flag)
}

fn created(reference: &str) -> Submission {
    Submission::Created(BookingReference(reference.into()))
}

fn lost(server_is_through: bool) -> Submission {
    Submission::Lost { server_is_through, detail: "no answer".into() }
}

fn refused(text: &str) -> Submission {
    Submission::Refused(text.into())
}

fn confirm(ids: &[&str], patient: &str) -> Action {
    let pms_appointment_ids = ids.iter().map(ToString::to_string).collect();
    Action::Confirm(ConfirmInsert { pms_appointment_ids, pms_patient_id: patient.into() })
}

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
    let seen = SlotLook::Seen { began: at(5), taken: SlotTaken::Part, refusal: Some("The time is taken.".into()) };
    assert_eq!(rejected(true, Event::Looked(seen)), None);
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

#[test]
fn a_doubt_that_another_process_noted_is_settled_by_time_that_this_one_measured() {
    // Its clock was ten days ahead, or an hour behind, or right; this one began seven seconds after it looked.
    for clock in [864_000, -3_600, 0] {
        let mut case = Case::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(clock + 13, lost(false));
        case.unreachable(clock + 14);
        case.began = 21;
        assert_eq!(case.next_look(22), Some(at(41)), "two timeouts from the start: {clock}");
        assert_eq!(case.looked(22, SlotTaken::None), Action::Rest, "the server can still carry it out");
        assert_eq!(case.looked(40, SlotTaken::None), Action::Rest, "{clock}");
        assert_eq!(case.looked(41, SlotTaken::None), Action::Rest, "once is not enough");
        assert_eq!(case.looked(50, SlotTaken::None), Action::Rest, "too soon after the first: {clock}");
        assert_eq!(case.looked(51, SlotTaken::None), Action::LookAndHold, "{clock}");
    }
}

#[test]
fn a_clock_that_is_set_forward_makes_no_request_seem_to_be_over() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    case.looked(14, SlotTaken::None);
    case.set = 864_000;
    assert_eq!(case.next_look(15), Some(at(33)));
    assert_eq!(case.see(32, Event::Due), Action::Rest);
    assert_eq!(case.looked(33, SlotTaken::None), Action::Rest, "once is not enough");
    case.set = 2 * 864_000;
    assert_eq!(case.see(42, Event::Due), Action::Rest);
    assert_eq!(case.looked(43, SlotTaken::None), Action::LookAndHold);
    // Nor does one that is set back make it last longer.
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    case.looked(14, SlotTaken::None);
    case.set = -864_000;
    assert_eq!(case.looked(33, SlotTaken::None), Action::Rest);
    assert_eq!(case.looked(43, SlotTaken::None), Action::LookAndHold);
}

#[test]
fn a_server_that_does_not_answer_is_asked_less_and_less_about_one_booking() {
    let mut case = Case::new();
    case.asked(2);
    case.looked(3, SlotTaken::None);
    case.submitted(13, lost(false));
    let (mut now, mut pauses) = (14, Vec::new());
    for _ in 0..8 {
        case.unreachable(now);
        let next = (case.next_look(now).unwrap() - at(0)).num_seconds();
        pauses.push(next - now);
        now = next;
    }
    assert_eq!(pauses[pauses.len() - 3..], [30, 30, 30], "{pauses:?}");

    let mut held = Case::holding();
    held.asked(2);
    held.unreachable(3);
    assert_eq!(held.asked(4), Action::Rest, "left alone for two seconds");
    assert_eq!(held.asked(5), Action::LookAndHold);
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

#[test]
fn a_post_that_is_not_taken_although_reading_works_is_a_problem() {
    let mut case = Case::new();
    case.asked(300);
    case.looked(301, SlotTaken::None);
    assert_eq!(case.submitted(302, Submission::NothingDone("an HTML page (status 405)".into())), Action::Rest);
    assert_eq!((case.problems(), case.entry.state), (1, State::Received));
}

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
