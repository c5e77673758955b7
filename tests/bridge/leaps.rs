//! The machine sleeps, or its clock is ahead for a while: what is due is done at once, and nothing
//! waits for a future that was a mistake.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use chrono::TimeDelta;
use vetbridge::booking::entry::State;
use vetbridge::bridge::off::Off;
use vetbridge::ids::{BookingId, ScheduleId};
use vetbridge::simulator::exchange::Fault;

use crate::lifecycle::{block, offers, until_silent};
use crate::support::{Clinic, PRACTICE, booked, day, is_submission, minutes, practice, seconds, wall_time};

const TEN_DAYS: TimeDelta = TimeDelta::days(10);

fn not_in_step(clinic: &Clinic) -> Vec<String> {
    clinic.practice().not_in_step(clinic.machine.now())
}

/// Both servers are away while the clock of the machine is ten days ahead, and then it is right again.
async fn wrong_for_a_while(clinic: &Clinic) {
    clinic.set_machine(TEN_DAYS);
    clinic.pass(minutes(3)).await;
    clinic.set_machine(TimeDelta::zero());
    clinic.openvpms_faults.heal();
    clinic.healthengine_faults.heal();
}

async fn open() -> Clinic {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    clinic
}

#[tokio::test(start_paused = true)]
async fn after_an_hour_of_sleep_everything_that_is_due_is_done_within_seconds() {
    let clinic = open().await;
    // Far days are read every quarter of an hour, the configuration every ten minutes, subscriptions every hour.
    clinic.pass(minutes(1)).await;
    clinic.staff_book(136, "2027-03-01 10:00", 15);
    clinic.journal.clear();
    clinic.machine_sleeps(minutes(60));
    let seen = |clinic: &Clinic| !clinic.published("s136", "66:s136", "2027-03-01 10:00");
    clinic.until("a far day is as the diary", seconds(10), seen).await;
    clinic.until("in step", seconds(5), |clinic| not_in_step(clinic).is_empty()).await;
    for (what, begin, end) in [
        ("a poll", "GET /requests", "/requests"),
        ("the configuration", "GET /openvpms/ws/booking/v2/locations", ""),
        ("the subscriptions", "GET /subscription", "/subscription"),
    ] {
        let begin = begin.replace("/openvpms", "");
        clinic.until(what, seconds(5), |clinic| clinic.journal.count(&begin, end) > 0).await;
    }
    assert_eq!(clinic.log.with("clock went").len(), 1, "{:?}", clinic.log.with("clock went"));
    booked(&clinic, "2027-02-16 10:00").await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn single_days_that_failed_while_the_clock_was_ahead_are_sent_when_it_is_right_again() {
    for asked_to_wait in [None, Some(3600)] {
        let clinic = open().await;
        booked(&clinic, "2027-02-17 10:00").await;
        // Days are not taken, and those that change wait by a clock that is wrong.
        clinic.healthengine_faults.set(move |asked| {
            let days = asked.method == "POST" && asked.target.contains("/availability");
            days.then_some(asked_to_wait.map_or(Fault::StatusBefore(500), Fault::TooMany))
        });
        clinic.set_machine(TEN_DAYS);
        clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-26"), Some("s136")).unwrap();
        clinic.pass(seconds(1)).await;
        wrong_for_a_while(&clinic).await;
        // A changed day beyond the near ones, and one that is asked for.
        let limit = if asked_to_wait.is_some() { minutes(62) } else { seconds(40) };
        let booking = clinic.owner_books_regardless("s136", "66:s136", "2027-02-25 10:00");
        clinic.until_state(booking, State::Confirmed, minutes(1)).await;
        let gone = |clinic: &Clinic| !clinic.published("s136", "66:s136", "2027-02-25 10:00");
        clinic.until("the changed day is sent", limit, gone).await;
        let answered = |clinic: &Clinic| clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty();
        clinic.until("the day that is asked for is sent", limit, answered).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn days_that_were_sent_while_the_clock_was_ahead_are_sent_again_when_they_change() {
    let clinic = open().await;
    clinic.set_machine(TEN_DAYS);
    clinic.pass(minutes(2)).await;
    clinic.set_machine(TimeDelta::zero());
    clinic.until("in step", minutes(2), |clinic| not_in_step(clinic).is_empty()).await;
    for start in ["2027-02-25 10:00", "2027-02-26 11:00", "2027-02-27 09:00"] {
        let Ok(booking) = clinic.try_to_book(crate::support::wish("s136", "66:s136", start)) else { continue };
        clinic.until_state(booking, State::Confirmed, seconds(15)).await;
        let gone = |clinic: &Clinic| !clinic.published("s136", "66:s136", start);
        clinic.until("the changed day is sent", seconds(10), gone).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_a_clock_that_was_ahead_is_settled_when_it_is_right_again() {
    let clinic = open().await;
    clinic.fail_submissions([Fault::LoseAnswer]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("it is submitted", seconds(10), |clinic| clinic.state(booking) == Some(State::Submitting)).await;
    clinic.openvpms_faults.set(|asked| (!is_submission(asked)).then_some(Fault::Refuse));
    clinic.healthengine_faults.close_port();
    wrong_for_a_while(&clinic).await;
    let settled = |clinic: &Clinic| matches!(clinic.state(booking), Some(State::InDoubt | State::Confirmed));
    clinic.until("it is settled", minutes(2), settled).await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_of_a_clock_that_was_ahead_is_no_evidence_for_days() {
    let clinic = open().await;
    clinic.set_machine(TEN_DAYS);
    booked(&clinic, "2027-02-26 10:00").await;
    clinic.set_machine(TimeDelta::zero());
    clinic.door.fail(Some(vetbridge::simulator::healthengine::Delivered::Refused));
    clinic.pass(seconds(30)).await;
    clinic.journal.clear();
    clinic.pass(minutes(2)).await;
    let polls = clinic.journal.count("GET /requests", "/requests");
    // It is eight in the morning: every five seconds. With webhooks it would be every ten.
    assert!(polls >= 22, "{polls}");
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_was_over_by_a_clock_that_was_ahead_is_watched_again_when_it_is_right() {
    let clinic = open().await;
    let booking = booked(&clinic, "2027-02-18 10:00").await;
    clinic.openvpms_faults.close_port();
    clinic.healthengine_faults.close_port();
    clinic.set_machine(TEN_DAYS);
    // Housekeeping forgets what is over.
    tokio::time::advance(minutes(6 * 60 + 1)).await;
    clinic.pass(minutes(1)).await;
    clinic.set_machine(TimeDelta::zero());
    clinic.openvpms_faults.heal();
    clinic.healthengine_faults.heal();
    clinic.until("in step", minutes(2), |clinic| not_in_step(clinic).is_empty()).await;
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    let cancelled = |clinic: &Clinic| clinic.state(booking) == Some(State::Cancelled);
    clinic.until("staff's cancellation is passed on", minutes(2), cancelled).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_is_switched_off_while_the_clock_is_ahead_offers_nothing_of_the_days_that_seem_to_be_past() {
    // Before the bridge has gone round by the wrong clock, and after.
    for wait in [seconds(1), minutes(16)] {
        let mut clinic = Clinic::new();
        clinic.open_up().await;
        clinic.set_machine(TEN_DAYS);
        clinic.pass(wait).await;
        block(&mut clinic.config, PRACTICE).enabled = false;
        clinic.reload();
        until_silent(&clinic, PRACTICE, Off::Disabled).await;
        clinic.set_machine(TimeDelta::zero());
        assert_eq!(offers(&clinic, PRACTICE), 0, "{wait:?}");
    }
}

/// A booking is submitted, and the pet owner gives it up before OpenVPMS, which is very slow, carries it out.
async fn given_up_on_its_way(clinic: &Clinic) -> BookingId {
    clinic.fail_submissions([Fault::CarryOutLate(seconds(24))]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("it is submitted", seconds(10), |clinic| clinic.state(booking) == Some(State::Submitting)).await;
    clinic.healthengine.cancel(booking).unwrap();
    let is_lost = |clinic: &Clinic| clinic.entry(booking).post.lost_answer.is_some();
    clinic.until("its answer is lost", seconds(12), is_lost).await;
    clinic.pass(seconds(1)).await;
    booking
}

/// The appointment stands for a pet owner who gave it up: a person is told.
async fn is_found(clinic: &Clinic, booking: BookingId) {
    let flagged = |clinic: &Clinic| clinic.entry(booking).needs_attention.is_some();
    clinic.until("a person is told", minutes(3), flagged).await;
    assert_eq!(clinic.state(booking), Some(State::InDoubt), "{}", clinic.account());
    clinic.appointment_of(booking);
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_leaps_forward_does_not_make_an_appointment_on_its_way_seem_not_to_come() {
    for ahead in [TimeDelta::minutes(2), TEN_DAYS] {
        let clinic = open().await;
        let booking = given_up_on_its_way(&clinic).await;
        clinic.set_machine(ahead);
        is_found(&clinic, booking).await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_with_another_clock_an_appointment_on_its_way_is_waited_for_all_the_same() {
    let (right, hour) = (TimeDelta::zero(), TimeDelta::hours(1));
    for (before, after) in [(right, hour), (-hour, right), (hour, right)] {
        let mut clinic = Clinic::open().await;
        clinic.stop().await;
        clinic.set_machine(before);
        clinic.start();
        clinic.pass(seconds(30)).await;
        let booking = given_up_on_its_way(&clinic).await;
        clinic.pull_the_plug().await;
        clinic.set_machine(after);
        clinic.start();
        is_found(&clinic, booking).await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_clock_that_leaps_forward_does_not_make_a_day_on_its_way_seem_to_have_arrived() {
    const TIME: &str = "2027-02-16 10:00";
    let clinic = open().await;
    let left = Arc::new(AtomicBool::new(false));
    let leaves = Arc::clone(&left);
    // The day without this time arrives late,
    clinic.healthengine_faults.set(move |asked| {
        let is_first = asked.method == "POST" && asked.target.contains("/availability") && !leaves.swap(true, Relaxed);
        is_first.then_some(Fault::CarryOutLate(seconds(45)))
    });
    let appointment = clinic.staff_book(136, TIME, 15);
    clinic.until("the day is sent", minutes(2), |_| left.load(Relaxed)).await;
    clinic.pass(seconds(12)).await;
    // when staff have given it back, and the day with it was sent.
    clinic.staff_cancel(appointment);
    clinic.set_machine(TimeDelta::minutes(2));
    clinic.pass(minutes(3)).await;
    assert!(clinic.published("s136", "66:s136", TIME), "{}", clinic.account());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_day_that_was_asked_for_and_arrives_late_does_not_hide_what_is_offered_since() {
    const TIME: &str = "2027-02-16 10:00";
    let clinic = open().await;
    let closed = clinic
        .openvpms
        .staff(|world| world.add_block(ScheduleId(136), wall_time("2027-02-16 00:00"), wall_time("2027-02-17 00:00")));
    clinic.until("the day is empty", minutes(2), |clinic| !clinic.published("s136", "66:s136", TIME)).await;
    // By a clock that is ahead the day is over. The answer that nothing is offered arrives late,
    let left = Arc::new(AtomicBool::new(false));
    let leaves = Arc::clone(&left);
    clinic.healthengine_faults.set(move |asked| {
        let is_the_day =
            asked.target.contains("/availability/") && String::from_utf8_lossy(&asked.body).contains("2027-02-16");
        (asked.method == "POST" && is_the_day && !leaves.swap(true, Relaxed))
            .then_some(Fault::CarryOutLate(seconds(45)))
    });
    clinic.set_machine(TEN_DAYS);
    clinic.pass(seconds(3)).await;
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some("s136")).unwrap();
    clinic.until("the answer is sent", seconds(10), |_| left.load(Relaxed)).await;
    // when staff have opened the day, and its times were sent.
    clinic.set_machine(TimeDelta::zero());
    assert!(clinic.openvpms.staff(|world| world.remove_block(closed)));
    clinic.until("the day is offered", seconds(40), |clinic| clinic.published("s136", "66:s136", TIME)).await;
    clinic.pass(minutes(3)).await;
    assert!(clinic.published("s136", "66:s136", TIME), "{}", clinic.account());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_day_that_is_asked_for_by_a_clock_that_was_ahead_is_not_emptied_when_it_is_right_again() {
    let clinic = open().await;
    let mut hangs = true;
    clinic.healthengine_faults.set(move |asked| {
        let is_days = asked.method == "POST" && asked.target.contains("/availability/");
        (is_days && std::mem::take(&mut hangs)).then_some(Fault::Hang)
    });
    clinic.set_machine(TEN_DAYS);
    clinic.pass(seconds(3)).await;
    // By that clock the day is over, and the answer that nothing is offered waits for the call that hangs.
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-15"), Some("s136")).unwrap();
    clinic.pass(seconds(6)).await;
    clinic.set_machine(TimeDelta::zero());
    clinic.pass(minutes(3)).await;
    assert!(clinic.published("s136", "66:s136", "2027-02-15 10:00"));
    clinic.finish().await;
}
