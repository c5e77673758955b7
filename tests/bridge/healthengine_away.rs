//! Healthengine is away, or refuses a practice.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::call_error::ErrorClass;
use vetbridge::config::WhenDown;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{LateReject, MarketplaceStatus, RequestOutcome};

use crate::support::{BRANCH, Clinic, PRACTICE, minutes, practice, seconds, wish};

#[tokio::test(start_paused = true)]
async fn after_an_hour_without_healthengine_one_diff_brings_everything_up_to_date() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.pass(seconds(2)).await;
    clinic.healthengine_faults.close_port();
    clinic.journal.clear();
    for hour in 9..15 {
        let id = clinic.staff_book(136, &format!("2027-02-17 {hour:02}:00"), 15);
        clinic.pass(minutes(10)).await;
        if hour % 2 == 0 {
            clinic.staff_cancel(id);
        }
    }
    assert!(
        clinic.journal.count("GET /ws/booking/v2/schedules/136/freebusy", "") >= 59,
        "OpenVPMS is read all the time"
    );
    assert!(clinic.problems()["healthengine"].contains("Healthengine cannot be asked"));
    let calls = clinic.journal.calls().into_iter().filter(|call| !call.is_openvpms()).count();
    assert!(calls < 60 * 8, "it backs off: {calls}");
    clinic.healthengine_faults.heal();
    clinic.journal.clear();
    clinic.pass(seconds(70)).await;
    assert_eq!(clinic.journal.count("POST /availability", ""), 1, "one batch with the one day that differs");
    assert_eq!(clinic.journal.count("POST ", ""), 1);
    assert_eq!(clinic.problems(), Default::default());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_healthengine_did_not_hear_or_that_it_answered_in_vain_is_given_again() {
    for fault in [Fault::LoseRequest, Fault::LoseAnswer, Fault::StatusAfter(502), Fault::Hang, Fault::Truncate] {
        let clinic = Clinic::open().await;
        let mut faults = vec![fault.clone()];
        clinic.healthengine_faults.set(
            move |asked| {
                if asked.target.ends_with("/confirmInsert") { faults.pop() } else { None }
            },
        );
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(30)).await;
        assert_eq!(clinic.booking(booking).answer, RequestOutcome::Confirmed, "{fault:?}");
        assert_eq!(clinic.journal.count("POST /ws", ""), 1);
        assert_eq!(clinic.entry(booking).needs_attention, None);
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_a_web_page_answered_was_not_taken_and_is_given_again() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/confirmInsert").then_some(Fault::StatusBefore(200)));
    clinic.pass(minutes(1)).await;
    assert_eq!((clinic.booking(booking).answer, clinic.state(booking)), (RequestOutcome::Open, Some(State::Inserted)));
    clinic.healthengine_faults.heal();
    clinic
        .until("it is confirmed", seconds(15), |clinic| clinic.booking(booking).answer == RequestOutcome::Confirmed)
        .await;
    assert_eq!(clinic.journal.count("POST /ws", ""), 1);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_without_consent_is_left_alone_with_guidance_while_the_other_goes_on() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.pass(seconds(30)).await;
    let problem = &clinic.problems()["access"];
    assert!(problem.contains("API Consumer Consent") && problem.contains(PRACTICE), "{problem}");
    clinic.journal.clear();
    clinic.pass(minutes(15)).await;
    let refused = clinic.journal.calls().into_iter().filter(|call| call.outcome == Ok(403)).collect::<Vec<_>>();
    assert!((3..=12).contains(&refused.len()), "every five minutes, not in a loop: {refused:#?}");

    let there = clinic.healthengine.book(&practice(BRANCH), wish("s311", "66:s311", "2027-02-15 10:00")).unwrap();
    clinic.until_state(there, State::Confirmed, seconds(10)).await;
    assert!(clinic.practice_of(BRANCH).health().problems().is_empty());

    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    clinic.until("the problem is resolved", minutes(6), |clinic| clinic.problems().is_empty()).await;
    let here = clinic.owner_books("s136", "66:s136", "2027-02-15 11:00");
    clinic.until_state(here, State::Confirmed, seconds(10)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn whoever_granted_consent_again_sends_everything_and_what_waited_is_done_at_once() {
    let clinic = Clinic::open().await;
    let waits = clinic.owner_books("s136", "66:s136", "2027-02-15 11:00");
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.pass(minutes(2)).await;
    let refused = clinic.practice().resync(None, false, &|_| {}).await;
    assert!(refused.problem.as_ref().is_some_and(|problem| problem.contains("403")), "{refused:?}");
    clinic.pass(seconds(10)).await;
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    let done = clinic.practice().resync(None, false, &|_| {}).await;
    assert!(done.is_complete() && done.days.is_some_and(|days| days.sent > 0), "nothing is sent");
    clinic.until_state(waits, State::Confirmed, seconds(5)).await;
    clinic.until("the problem is resolved", seconds(5), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_new_practice_without_consent_starts_when_it_is_granted() {
    let mut clinic = Clinic::new();
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.start();
    clinic.pass(minutes(11)).await;
    assert!(clinic.problems().contains_key("access"));
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    clinic.pass(minutes(6)).await;
    assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_api_key_is_named_and_not_tried_in_a_loop() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.api_key = "another".into());
    clinic.pass(minutes(10)).await;
    assert!(clinic.problems()["access"].contains("api_key"), "{:?}", clinic.problems());
    let refused = clinic.journal.calls().into_iter().filter(|call| call.outcome == Ok(401)).count();
    assert!((2..=10).contains(&refused), "{refused}");
    clinic.healthengine.configure(|settings| settings.api_key = "eyJ0e-consumer".into());
    clinic.until("the problem is resolved", minutes(6), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_practice_whose_healthengine_is_silent_holds_up_no_other() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.healthengine_faults.set(|asked| (asked.header("practice-id") == Some(PRACTICE)).then_some(Fault::Hang));
    for hour in 9..13 {
        let wish = wish("s311", "66:s311", &format!("2027-02-16 {hour:02}:00"));
        let booking = clinic.healthengine.book(&practice(BRANCH), wish).unwrap();
        clinic.until_state(booking, State::Confirmed, seconds(7)).await;
    }
    let lost = clinic.journal.calls().into_iter().filter(|call| call.outcome == Err(ErrorClass::Lost)).count();
    assert!(lost > 0, "the other one was indeed silent");
    clinic.healthengine_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_slow_openvpms_delays_bookings_but_none_is_lost() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.openvpms_faults.set(|_| Some(Fault::Slow(seconds(3))));
    let bookings = [
        clinic.owner_books("s136", "66:s136", "2027-02-16 10:00"),
        clinic.owner_books("s211", "66:s211", "2027-02-16 10:00"),
        clinic.healthengine.book(&practice(BRANCH), wish("s311", "66:s311", "2027-02-16 10:00")).unwrap(),
    ];
    for booking in bookings {
        clinic.until_state(booking, State::Confirmed, seconds(15)).await;
        assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    }
    clinic.openvpms_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_is_wrong_is_a_problem_and_deadlines_are_kept_all_the_same() {
    let clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| settings.skew = chrono::TimeDelta::seconds(90));
    // An outlier is ignored until several polls agree.
    clinic.pass(seconds(20)).await;
    assert!(clinic.problems()["clock"].contains("timedatectl"), "{:?}", clinic.problems());
    clinic.openvpms_faults.set(|_| Some(Fault::Hang));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic
        .until("it is rejected in time", seconds(17), |clinic| clinic.status(booking) == MarketplaceStatus::Failed)
        .await;
    clinic.openvpms_faults.heal();
    clinic.healthengine.configure(|settings| settings.skew = chrono::TimeDelta::zero());
    clinic.until("the clock is right again", seconds(15), |clinic| !clinic.problems().contains_key("clock")).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_by_staff_waits_for_consent_without_knocking_and_is_delivered_after() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.pass(minutes(1)).await;
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.until("it is refused", seconds(10), |clinic| clinic.problems().contains_key("access")).await;
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.until_state(booking, State::Cancelled, minutes(2)).await;
    clinic.pass(minutes(15)).await;
    assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 0);
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    clinic.until("it is cancelled", minutes(6), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled).await;
    assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 1);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_healthengine_does_not_take_is_a_problem_until_it_does_however_well_polls_go() {
    let clinic = Clinic::open().await;
    let staffs = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(staffs, State::Confirmed, seconds(10)).await;
    clinic.pass(minutes(1)).await;
    clinic.healthengine_faults.set(|asked| {
        (asked.method == "POST" && asked.target.contains("/bookings/")).then_some(Fault::StatusBefore(503))
    });
    let owners = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    let told = |clinic: &Clinic| clinic.problems().get("answers").cloned();
    clinic.until("somebody hears of one", seconds(10), |clinic| told(clinic).is_some()).await;
    clinic.staff_cancel(clinic.appointment_of(staffs).id);
    let two = |clinic: &Clinic| told(clinic).is_some_and(|text| text.contains("2 bookings"));
    clinic.until("and of two", minutes(2), two).await;
    clinic.throughout("it stands", minutes(2), |clinic| told(clinic).is_some()).await;
    assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new(), "polls are answered");
    clinic.healthengine_faults.heal();
    clinic.until("both are delivered", minutes(1), |clinic| told(clinic).is_none()).await;
    assert_eq!(
        (clinic.status(owners), clinic.status(staffs)),
        (MarketplaceStatus::Confirmed, MarketplaceStatus::Cancelled)
    );
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_arrived_although_nobody_heard_is_no_problem_for_long() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|asked| asked.target.ends_with("/confirmInsert").then_some(Fault::LoseAnswer));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("somebody hears of it", seconds(10), |clinic| clinic.problems().contains_key("answers")).await;
    clinic.until("the problem is resolved", seconds(20), |clinic| clinic.problems().is_empty()).await;
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.healthengine_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_could_not_be_read_is_no_problem_once_there_is_nothing_to_read() {
    let mut clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|asked| {
        let is_list = asked.target.contains("/requests/bookings");
        is_list.then_some(Fault::StatusBefore(500))
    });
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.pass(seconds(15)).await;
    assert!(clinic.problems().contains_key("booking_list"), "{:?}", clinic.problems());
    clinic.healthengine.progress_by_hand(booking).unwrap();
    clinic.pass(seconds(40)).await;
    assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new());
    // Nobody ever told the bridge what this booking was.
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_that_arrived_unheard_is_known_also_while_a_list_of_many_pages_never_ends() {
    let mut clinic = Clinic::open().await;
    clinic.healthengine.configure(|settings| (settings.per_page, settings.late_reject) = (1, LateReject::Refuse));
    clinic.staff_book(136, "2027-02-16 09:00", 30);
    for start in ["2027-02-16 09:00", "2027-02-16 09:15"] {
        let booking = clinic.owner_books_regardless("s136", "66:s136", start);
        clinic.healthengine.let_deadline_pass(booking).unwrap();
        clinic.until_state(booking, State::Rejected, seconds(10)).await;
        clinic.excuse(booking);
    }
    clinic.pass(seconds(25)).await;
    let mut faults = vec![Fault::LoseAnswer];
    clinic.healthengine_faults.set(
        move |asked| {
            if asked.target.ends_with("/confirmInsert") { faults.pop() } else { None }
        },
    );
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(30)).await;
    assert_eq!(clinic.journal.count("POST /ws", ""), 1);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn while_consent_is_refused_confirmations_wait_too_and_are_delivered_after() {
    let clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::Slow(seconds(8)), Fault::Slow(seconds(9))]);
    let first = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("its POST has left", seconds(10), |clinic| clinic.state(first) == Some(State::Submitting)).await;
    let second = clinic.owner_books("s211", "66:s211", "2027-02-16 10:00");
    clinic.until("its POST has left", seconds(10), |clinic| clinic.state(second) == Some(State::Submitting)).await;
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    let made = |clinic: &Clinic| [first, second].iter().all(|id| clinic.state(*id) == Some(State::Inserted));
    clinic.until("both are made", seconds(30), made).await;
    clinic.pass(minutes(3)).await;
    let knocks = clinic.journal.count("POST /bookings", "/confirmInsert");
    assert!(knocks <= 1, "one refusal says enough: {knocks}");
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    for booking in [first, second] {
        clinic.until_state(booking, State::Confirmed, minutes(6)).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn while_polls_are_refused_nobody_asks_whether_a_booking_is_still_listed() {
    let clinic = Clinic::open().await;
    let refused = Arc::new(AtomicBool::new(false));
    let is_refused = Arc::clone(&refused);
    clinic.healthengine_faults.set(move |asked| match () {
        () if asked.target.ends_with("/confirmInsert") => Some(Fault::Slow(seconds(8))),
        () if is_refused.load(Ordering::Relaxed) && asked.target.contains("/requests") => {
            Some(Fault::RefusalBefore(403))
        }
        () => None,
    });
    // The confirmation is taken and said to be refused: whether the booking is still listed would tell.
    clinic.twist.set(|asked, answered| {
        if asked.target.ends_with("/confirmInsert") {
            answered.status = 400;
        }
    });
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("it is made", seconds(10), |clinic| clinic.state(booking) == Some(State::Inserted)).await;
    refused.store(true, Ordering::Relaxed);
    clinic.until("a poll is refused", seconds(7), |clinic| clinic.problems().contains_key("access")).await;
    clinic.journal.clear();
    clinic.pass(seconds(60)).await;
    assert_eq!(clinic.journal.count("GET /requests/bookings", ""), 0);
    refused.store(false, Ordering::Relaxed);
    clinic.twist.heal();
    clinic.until_state(booking, State::Confirmed, minutes(6)).await;
    clinic.healthengine_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_is_missing_from_a_long_list_is_settled_once_the_list_reads_the_same_twice() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    clinic.healthengine.configure(|settings| settings.per_page = 2);
    clinic.openvpms_faults.set(|_| Some(Fault::Refuse));
    let times = ["10:00", "11:00", "12:00", "13:00"];
    let bookings = times.map(|time| clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {time}")));
    clinic.until("all are held", seconds(20), |clinic| bookings.iter().all(|id| clinic.state(*id).is_some())).await;
    clinic.healthengine.progress_by_hand(bookings[0]).unwrap();
    clinic.until_state(bookings[0], State::Rejected, seconds(30)).await;
    assert!(clinic.entry(bookings[0]).needs_attention.unwrap().contains("settled by hand"));
    clinic.openvpms_faults.heal();
    for booking in &bookings[1..] {
        clinic.until_state(*booking, State::Confirmed, minutes(2)).await;
    }
    clinic.excuse(bookings[0]);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bookings_whose_answers_are_refused_together_are_looked_for_in_one_reading_of_the_list() {
    let clinic = Clinic::open().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.contains("/requests/bookings").then_some(Fault::Slow(Duration::from_millis(300))));
    // Each answer is taken, and said to be refused.
    clinic.twist.set(|asked, answered| {
        if asked.target.ends_with("/confirmInsert") {
            answered.status = 400;
        }
    });
    clinic.journal.clear();
    let bookings: Vec<_> = (0..24)
        .map(|slot| {
            let start = format!("2027-02-16 {:02}:{:02}", 10 + slot / 4, slot % 4 * 15);
            clinic.owner_books_regardless("s136", "66:s136", &start)
        })
        .collect();
    let all_settled = |clinic: &Clinic| bookings.iter().all(|id| clinic.state(*id) == Some(State::Confirmed));
    clinic.until("all are found to be settled", seconds(20), all_settled).await;
    assert_eq!(clinic.journal.count("POST /bookings", "/confirmInsert"), 24);
    let read = clinic.journal.count("GET /requests/bookings", "");
    assert!((2..=6).contains(&read), "{read} readings for 24 bookings");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_person_had_sent_during_an_outage_is_sent_soon_after_it() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.close_port();
    let failed = clinic.practice().resync(None, false, &|_| {}).await;
    assert!(failed.problem.is_some(), "{failed}");
    clinic.pass(minutes(3)).await;
    clinic.healthengine_faults.heal();
    clinic.until("nothing is wrong", seconds(40), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}
