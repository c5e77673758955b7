//! From nothing to a practice that is in step.

use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::ids::ScheduleId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::support::{BRANCH, Clinic, PRACTICE, minutes, practice, seconds, wish};

/// What a practice that is set up sends, in order.
pub(crate) const SET_UP: [&str; 6] = [
    "GET /features",
    "POST /config/livenessContract",
    "POST /config/pmsResources/snapshot",
    "POST /config/pmsAppointmentTypes/snapshot",
    "POST /availability/snapshots",
    "GET /requests",
];

/// What was sent to Healthengine, in order.
fn told(clinic: &Clinic) -> Vec<String> {
    let calls = clinic.journal.calls().into_iter().filter(|call| !call.is_openvpms());
    calls.map(|call| call.what).collect()
}

#[tokio::test(start_paused = true)]
async fn a_new_practice_sends_contract_resources_types_and_days_and_only_then_asks_for_requests() {
    let mut clinic = Clinic::new();
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(seconds(1)).await;
    let mut expected = SET_UP.to_vec();
    // What Healthengine has before it is told anything.
    expected.splice(1..1, ["GET /config/pmsResources", "GET /config/pmsAppointmentTypes"]);
    assert_eq!(told(&clinic), expected);
    let resources = clinic.healthengine.resources(&practice(PRACTICE)).unwrap();
    let names: Vec<(&str, &str)> = resources.iter().map(|own| (own.id.as_str(), own.name.as_str())).collect();
    assert_eq!(names, [("s136", "Main Appointment Schedule"), ("s211", "Main Surgery Schedule")]);
    assert!(
        clinic.offers("s136", "66:s136", "2027-02-15 09:00") && clinic.offers("s136", "63:s136", "2027-02-28 17:00")
    );
    assert!(!clinic.offers("s136", "63:s136", "2027-02-28 17:15"), "two slots do not fit before 17:30");
    assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new());
    assert_eq!(clinic.problems(), Default::default());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_without_changes_sends_nothing_again() {
    let mut clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.until_in_step().await;
    for how in ["stopped", "unplugged"] {
        if how == "stopped" {
            clinic.stop().await
        } else {
            clinic.pull_the_plug().await
        }
        clinic.pass(minutes(2)).await;
        clinic.journal.clear();
        clinic.start();
        clinic.pass(minutes(3)).await;
        let posts = clinic.journal.of("POST", "");
        assert!(posts.is_empty(), "{how}: {posts:#?}");
        assert!(clinic.journal.count("GET /requests", "") > 30, "{how}: it polls");
        assert_eq!(clinic.journal.count("GET /ws/booking/v2/schedules/", "/freebusy"), 2 * 3, "{how}: it reads");
        assert_eq!(clinic.state(booking), Some(State::Confirmed));
        assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new());
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_restart_asks_for_requests_while_openvpms_is_read_and_a_booking_waits_for_the_mapping() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.openvpms_faults.set(|_| Some(Fault::Slow(seconds(1))));
    clinic.journal.clear();
    clinic.start();
    clinic.pass(Duration::from_millis(100)).await;
    assert_eq!(clinic.journal.count("GET /requests", "/requests"), 1);
    assert_eq!(clinic.journal.count("GET /requests/bookings", ""), 0, "nobody can say yet what is offered");
    clinic.until_state(booking, State::Confirmed, seconds(15)).await;
    clinic.openvpms_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_without_openvpms_polls_all_the_same_and_goes_on_when_it_is_there() {
    let mut clinic = Clinic::new();
    clinic.openvpms_faults.close_port();
    clinic.start();
    clinic.pass(minutes(2)).await;
    assert!(clinic.journal.count("GET /requests", "") > 10);
    assert!(clinic.journal.count("POST ", "") == 0, "nothing is known, so nothing is sent");
    assert!(!clinic.practice().not_in_step(clinic.clock.now()).is_empty());
    clinic.openvpms_faults.heal();
    clinic.pass(seconds(40)).await;
    assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_start_without_healthengine_sends_everything_once_it_is_there() {
    let mut clinic = Clinic::new();
    clinic.healthengine_faults.close_port();
    clinic.start();
    clinic.pass(minutes(2)).await;
    assert!(clinic.problems().contains_key("healthengine"), "{:?}", clinic.problems());
    clinic.healthengine_faults.heal();
    clinic.journal.clear();
    clinic.pass(seconds(45)).await;
    assert_eq!(
        (clinic.journal.count("POST /availability/snapshots", ""), clinic.journal.count("POST /config", "")),
        (1, 3)
    );
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn two_practices_run_side_by_side() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    let ids = |id: &str| {
        clinic.healthengine.resources(&practice(id)).unwrap().into_iter().map(|own| own.id).collect::<Vec<_>>()
    };
    assert_eq!((ids(PRACTICE), ids(BRANCH)), (vec!["s136".to_owned(), "s211".to_owned()], vec!["s311".to_owned()]));
    let here = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    let there = clinic.healthengine.book(&practice(BRANCH), wish("s311", "66:s311", "2027-02-15 10:00")).unwrap();
    for booking in [here, there] {
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    }
    assert_eq!(clinic.appointment_of(there).schedule, ScheduleId(311));
    assert_eq!(clinic.entry(there).practice_id, practice(BRANCH));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_meets_a_restart_without_openvpms_is_rejected_in_time() {
    for fault in [Fault::Refuse, Fault::Hang, Fault::StatusBefore(503)] {
        let mut clinic = Clinic::open().await;
        clinic.stop().await;
        let plan = fault.clone();
        clinic.openvpms_faults.set(move |_| Some(plan.clone()));
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
        clinic.start();
        let rejected = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Failed;
        clinic.until(&format!("it is rejected in spite of {fault:?}"), seconds(17), rejected).await;
        clinic.openvpms_faults.heal();
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_stop_finishes_what_is_in_flight() {
    let mut clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::Slow(seconds(4))]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Submitting, seconds(6)).await;
    let before = clinic.clock.now();
    clinic.stop().await;
    assert!((clinic.clock.now() - before).num_seconds() < 8);
    assert_eq!(clinic.booking(booking).pms_appointment_ids.len(), 1, "it was confirmed before the process left");
    clinic.start();
    clinic.until_state(booking, State::Confirmed, seconds(1)).await;
    clinic.finish().await;
}
