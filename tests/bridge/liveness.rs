//! Requests that wait for too long are a problem here before they are one at Healthengine.

use vetbridge::booking::entry::State;
use vetbridge::simulator::exchange::Fault;

use crate::support::{Clinic, PRACTICE, day, minutes, practice, seconds};

const KINDS: [&str; 3] = ["bookings_wait", "updates_wait", "days_wait"];

fn complaints(clinic: &Clinic) -> Vec<String> {
    clinic.healthengine.health(&practice(PRACTICE)).unwrap().problems
}

fn is_said(clinic: &Clinic, kind: &str) -> bool {
    clinic.problems().contains_key(kind)
}

/// A booking, a cancellation and a day wait, because OpenVPMS is away and bookings are held.
async fn everything_waits(clinic: &Clinic) {
    let earlier = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(earlier, State::Confirmed, seconds(15)).await;
    clinic.openvpms_faults.close_port();
    clinic.owner_books("s136", "66:s136", "2027-02-16 12:00");
    clinic.healthengine.cancel(earlier).unwrap();
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-17"), Some("s136")).unwrap();
}

async fn holding(wall: &str) -> Clinic {
    let mut clinic = Clinic::at(wall);
    clinic.config.bookings.when_openvpms_is_down = vetbridge::config::WhenDown::Hold;
    clinic.open_up().await;
    clinic
}

#[tokio::test(start_paused = true)]
async fn what_waits_for_five_minutes_is_a_problem_before_healthengine_makes_it_one_and_is_well_when_answered() {
    let clinic = holding("2027-02-15 08:00").await;
    everything_waits(&clinic).await;
    clinic
        .throughout("nothing is said early", seconds(290), |clinic| !KINDS.iter().any(|kind| is_said(clinic, kind)))
        .await;
    for kind in KINDS {
        clinic.until(kind, seconds(25), |clinic| is_said(clinic, kind)).await;
    }
    assert_eq!(complaints(&clinic), Vec::<String>::new(), "Healthengine complains first");
    let problems = clinic.problems();
    assert!(
        problems["bookings_wait"].starts_with("1 booking waited")
            && problems["bookings_wait"].contains(" since 2027-02-15 08:0")
    );
    assert!(problems["updates_wait"].starts_with("1 change of a booking"), "{problems:?}");
    assert!(problems["days_wait"].contains("1 request"), "{problems:?}");
    clinic.until("Healthengine follows", minutes(6), |clinic| complaints(clinic).len() == 3).await;
    clinic.openvpms_faults.heal();
    for kind in KINDS {
        clinic.until(kind, minutes(2), |clinic| !is_said(clinic, kind)).await;
    }
    clinic.until("Healthengine is content", seconds(10), |clinic| complaints(clinic).is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn at_night_it_is_a_problem_here_although_healthengine_does_not_count() {
    let clinic = holding("2027-02-15 22:00").await;
    everything_waits(&clinic).await;
    for kind in KINDS {
        clinic.until(kind, seconds(320), |clinic| is_said(clinic, kind)).await;
    }
    clinic.pass(minutes(60)).await;
    assert_eq!(complaints(&clinic), Vec::<String>::new());
    clinic.openvpms_faults.heal();
    for kind in KINDS {
        clinic.until(kind, minutes(2), |clinic| !is_said(clinic, kind)).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_waited_while_the_bridge_was_stopped_counts_from_when_it_was_asked() {
    let mut clinic = holding("2027-02-15 08:00").await;
    clinic.openvpms_faults.close_port();
    clinic.owner_books("s136", "66:s136", "2027-02-16 12:00");
    clinic.stop().await;
    clinic.pass(minutes(8)).await;
    clinic.start();
    clinic.until("it is said", seconds(60), |clinic| is_said(clinic, "bookings_wait")).await;
    assert_eq!(complaints(&clinic), Vec::<String>::new(), "Healthengine complains first");
}

#[tokio::test(start_paused = true)]
async fn a_list_that_cannot_be_read_for_five_minutes_is_a_problem_too() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(15)).await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.contains("/requests/bookingUpdates").then_some(Fault::StatusBefore(500)));
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("it is said", seconds(330), |clinic| is_said(clinic, "updates_wait")).await;
    assert_eq!(complaints(&clinic), Vec::<String>::new(), "Healthengine complains first");
    clinic.healthengine_faults.heal();
    clinic.until("it is well", minutes(1), |clinic| !is_said(clinic, "updates_wait")).await;
    clinic.finish().await;
}
