//! OpenVPMS is away, silent, or keeps to itself what became of a booking.

use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::config::WhenDown;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use vetbridge::simulator::openvpms::Condition;

use vetbridge::messages::out_of_step::OutOfStep;

use crate::support::{Clinic, as_told, is_submission, minutes, seconds};

const SLOT: &str = "2027-02-15 10:00";

fn books(clinic: &Clinic) -> BookingId {
    clinic.owner_books("s136", "66:s136", SLOT)
}

/// Waits until the pet owner is told no, which must be in time and leaves nothing behind.
async fn rejected_in_time(clinic: &Clinic, booking: BookingId) {
    told_no_in_time(clinic, booking).await;
    assert_eq!(clinic.entry(booking).needs_attention, None);
}

async fn told_no_in_time(clinic: &Clinic, booking: BookingId) {
    clinic.until("it is answered", seconds(20), |clinic| clinic.booking(booking).answer != RequestOutcome::Open).await;
    let view = clinic.booking(booking);
    assert_eq!(view.status, MarketplaceStatus::Failed, "{}", clinic.account());
    assert!((view.answered_at.unwrap() - view.booked_at).num_milliseconds() <= 16_000, "{view:?}");
    clinic.until_state(booking, State::Rejected, seconds(1)).await;
    assert!(clinic.appointments_of(booking).is_empty());
}

#[tokio::test(start_paused = true)]
async fn while_openvpms_is_away_a_booking_is_rejected_in_time_however_it_is_away() {
    type Disturb = fn(&Clinic);
    let ways: [(&str, Disturb); 8] = [
        ("the port is closed", |clinic| clinic.openvpms_faults.close_port()),
        ("silence", |clinic| clinic.openvpms_faults.set(|_| Some(Fault::Hang))),
        ("resets", |clinic| clinic.openvpms_faults.set(|_| Some(Fault::LoseRequest))),
        ("503", |clinic| clinic.openvpms_faults.set(|_| Some(Fault::StatusBefore(503)))),
        ("a login page", |clinic| clinic.openvpms_faults.set(|_| Some(Fault::LoginPage))),
        ("404 in HTML", |clinic| clinic.openvpms.staff(|world| world.condition = Condition::ApplicationAway)),
        ("401", |clinic| clinic.openvpms.staff(|world| world.condition = Condition::DatabaseAway)),
        ("reads break off", |clinic| clinic.openvpms_faults.set(|_| Some(Fault::Truncate))),
    ];
    for (way, disturb) in ways {
        let clinic = Clinic::open().await;
        disturb(&clinic);
        let booking = books(&clinic);
        rejected_in_time(&clinic, booking).await;
        let is_seen = |clinic: &Clinic| clinic.problems().contains_key("openvpms");
        clinic.until(&format!("health knows of {way}"), seconds(75), is_seen).await;
        clinic.openvpms_faults.heal();
        clinic.openvpms.staff(|world| world.condition = Condition::Well);
        clinic.until("the problem is resolved", minutes(2), |clinic| clinic.problems().is_empty()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_surely_did_nothing_counts_as_out_of_reach() {
    let ways = [Fault::StatusBefore(401), Fault::StatusBefore(404), Fault::StatusBefore(403), Fault::TooMany(1)];
    for fault in ways {
        let clinic = Clinic::open().await;
        clinic.fail_submissions([fault.clone()]);
        let booking = books(&clinic);
        rejected_in_time(&clinic, booking).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_post_that_did_not_leave_is_sent_after_another_look_and_no_more_than_once() {
    let clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::Refuse]);
    let booking = books(&clinic);
    clinic.until_state(booking, State::Confirmed, seconds(15)).await;
    clinic.finish().await;

    let clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::Refuse, Fault::Refuse]);
    let booking = books(&clinic);
    rejected_in_time(&clinic, booking).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_held_booking_is_made_when_openvpms_is_back() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    clinic.openvpms_faults.close_port();
    let booking = books(&clinic);
    clinic
        .throughout("it stays open", minutes(5), |clinic| clinic.booking(booking).answer == RequestOutcome::Open)
        .await;
    clinic.openvpms_faults.heal();
    clinic.until_state(booking, State::Confirmed, seconds(40)).await;
    assert_eq!(clinic.entry(booking).needs_attention, None);
    clinic.appointment_of(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_held_booking_whose_time_was_taken_meanwhile_is_rejected_and_flagged() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    clinic.openvpms_faults.close_port();
    let booking = books(&clinic);
    clinic.pass(minutes(2)).await;
    clinic.staff_book(136, SLOT, 15);
    clinic.openvpms_faults.heal();
    clinic.until_state(booking, State::Rejected, seconds(40)).await;
    let told = |clinic: &Clinic| clinic.entry(booking).needs_attention;
    clinic.until("a person has to call the pet owner", seconds(1), |clinic| told(clinic).is_some()).await;
    let told = told(&clinic).unwrap();
    assert!(told.contains("call them") && told.contains(&as_told(SLOT)), "{told}");
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::RejectedTooLate);
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn after_the_deadline_the_bridge_keeps_trying_because_the_pet_owner_was_told_yes() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.close_port();
    clinic.openvpms_faults.close_port();
    let booking = books(&clinic);
    clinic.pass(seconds(30)).await;
    clinic.healthengine_faults.heal();
    let open = |clinic: &Clinic| clinic.booking(booking).answer == RequestOutcome::Open;
    clinic.throughout("it is not rejected", minutes(3), open).await;
    clinic.openvpms_faults.heal();
    clinic.until_state(booking, State::Confirmed, seconds(40)).await;
    assert_eq!(clinic.entry(booking).needs_attention, None);
    clinic.finish().await;
}

/// What becomes of a booking whose POST goes wrong once.
enum End {
    /// It stands under its reference.
    Confirmed,
    /// It stands, without a reference, and a person is asked to look.
    InDoubt,
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_ends_in_exactly_one_appointment() {
    let after = |seconds| Fault::CarryOutLate(Duration::from_secs(seconds));
    // What happens to the one POST, how it ends, and for how long nobody may have been told anything.
    let ways = [
        (Fault::LoseAnswer, End::InDoubt, 0),
        (Fault::Truncate, End::InDoubt, 0),
        (Fault::StatusAfter(500), End::InDoubt, 0),
        (Fault::StatusAfter(502), End::InDoubt, 0),
        (Fault::StatusAfter(504), End::InDoubt, 0),
        // Something in between did not wait for the answer, or did not let it through.
        (Fault::StatusAfter(408), End::InDoubt, 0),
        (Fault::StatusAfter(403), End::InDoubt, 0),
        (Fault::StatusAfter(404), End::InDoubt, 0),
        (Fault::Slow(Duration::from_secs(12)), End::InDoubt, 10),
        (after(3), End::InDoubt, 10),
        // Carried out long after it was given up: between the look that counts first and the second one.
        (after(25), End::InDoubt, 25),
        (Fault::StatusBefore(500), End::Confirmed, 0),
        // The request could still lie in a queue, so thirty seconds go by before it is sent again.
        (Fault::StatusBefore(503), End::Confirmed, 30),
        (Fault::LoginPage, End::Confirmed, 30),
        (Fault::StatusBefore(502), End::Confirmed, 30),
        (Fault::LoseRequest, End::Confirmed, 30),
        (Fault::Hang, End::Confirmed, 30),
    ];
    for (fault, end, seconds_at_least) in ways {
        let clinic = Clinic::open().await;
        clinic.fail_submissions([fault.clone()]);
        let booking = books(&clinic);
        let state = if matches!(end, End::Confirmed) { State::Confirmed } else { State::InDoubt };
        let took = clinic.until_state(booking, state, seconds(60)).await;
        assert!(took >= seconds(seconds_at_least), "{fault:?}: {took:?}");
        clinic
            .until("Healthengine was told", seconds(10), |clinic| {
                clinic.booking(booking).answer == RequestOutcome::Confirmed
            })
            .await;
        clinic.appointment_of(booking);
        let (view, entry) = (clinic.booking(booking), clinic.entry(booking));
        match end {
            End::Confirmed => {
                assert_eq!((view.pms_appointment_ids.len(), entry.needs_attention), (1, None), "{fault:?}")
            }
            End::InDoubt => {
                assert!(view.pms_appointment_ids.is_empty(), "{fault:?}");
                let told = entry.needs_attention.unwrap();
                assert!(
                    told.contains(&format!("Healthengine booking {booking}")) && told.contains(&as_told(SLOT)),
                    "{told}"
                );
            }
        }
        let submissions = clinic.journal.count("POST /ws/booking/v2/bookings", "");
        assert_eq!(submissions, if matches!(end, End::Confirmed) { 2 } else { 1 }, "{fault:?}");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_server_that_never_makes_the_appointment_ends_in_a_rejection_that_names_the_likely_cause() {
    let clinic = Clinic::open().await;
    // The user lacks the role: everything can be read, and every POST is 500.
    clinic.openvpms.staff(|world| world.accounts[0].may_book = false);
    let booking = books(&clinic);
    rejected_in_time(&clinic, booking).await;
    assert_eq!(clinic.journal.count("POST /ws/booking/v2/bookings", ""), 3);
    let problem = &clinic.problems()[&format!("booking {booking}")];
    assert!(problem.contains("Online Booking role"), "{problem}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_lost_answer_a_time_that_is_partly_taken_is_somebody_elses() {
    let mut clinic = Clinic::open().await;
    let world = clinic.openvpms.clone();
    clinic.openvpms_faults.set(move |asked| {
        is_submission(asked).then(|| {
            // Staff were quicker, and the answer that says so is lost.
            let at = |text| crate::support::wall_time(text);
            world.staff(|world| {
                world.add_block(vetbridge::ids::ScheduleId(136), at("2027-02-15 10:15"), at("2027-02-15 10:30"))
            });
            Fault::LoseRequest
        })
    });
    let booking = clinic.owner_books("s136", "63:s136", SLOT);
    told_no_in_time(&clinic, booking).await;
    // The request may lie in a queue, and a block keeps no appointment out.
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("Check the diary"), "{told}");
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_booking_in_the_dark_does_not_hold_up_the_others() {
    let clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::Hang]);
    let dark = books(&clinic);
    clinic.until_state(dark, State::Submitting, seconds(6)).await;
    clinic.pass(seconds(11)).await;
    let other = clinic.owner_books("s136", "66:s136", "2027-02-15 10:15");
    let same = clinic.owner_books_regardless("s136", "66:s136", SLOT);
    clinic.until_state(other, State::Confirmed, seconds(8)).await;
    clinic.until_state(same, State::Rejected, seconds(8)).await;
    assert_eq!(clinic.state(dark), Some(State::Submitting), "nobody knows yet, and its time is kept for it");
    clinic.until_state(dark, State::Confirmed, seconds(40)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_whose_user_openvpms_refuses_is_out_of_step_at_once() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|_| Some(Fault::RefusalBefore(401)));
    let reasons = |clinic: &Clinic| clinic.practice().out_of_step(clinic.clock.now());
    let is_told = |clinic: &Clinic| reasons(clinic).contains(&OutOfStep::OpenVpmsRefuses);
    // The next reading hears of it.
    clinic.until("it is said", seconds(65), is_told).await;
    clinic.openvpms_faults.heal();
    clinic.until("it is over", minutes(2), |clinic| reasons(clinic).is_empty()).await;
    clinic.finish().await;
}
