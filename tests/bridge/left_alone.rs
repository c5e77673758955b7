//! A server says for how long it wants to be left alone.

use vetbridge::booking::entry::State;
use vetbridge::server::view;
use vetbridge::simulator::exchange::Fault;

use crate::support::{Clinic, PRACTICE, minutes, practice, seconds};

/// How soon a booking is found and answered although its server wants to be left alone: a probe
/// each half minute, and a poll.
const SOON: u64 = 45;

/// One answer of Healthengine's asks for so much time, as a poll meets it.
async fn healthengine_wants_to_be_left_alone(clinic: &Clinic, fault: Fault) {
    let mut wishes = vec![fault];
    clinic.healthengine_faults.set(move |asked| if asked.target.ends_with("/requests") { wishes.pop() } else { None });
    clinic.until("a poll met it", seconds(11), |clinic| clinic.problems().contains_key("healthengine")).await;
    clinic.healthengine_faults.heal();
}

#[tokio::test(start_paused = true)]
async fn a_503_that_asks_for_an_hour_silences_healthengine_for_half_a_minute() {
    for fault in [Fault::RetryLater(3600), Fault::TooMany(3600)] {
        let clinic = Clinic::open().await;
        healthengine_wants_to_be_left_alone(&clinic, fault.clone()).await;
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(SOON)).await;
        clinic.appointment_of(booking);
        // Days are sent again after a minute; with 429 only after the hour.
        clinic.pass(minutes(1)).await;
        let started = clinic.clock.now();
        clinic.staff_book(136, "2027-02-17 09:00", 15);
        clinic.journal.clear();
        let patience = if fault == Fault::RetryLater(3600) { minutes(2) } else { minutes(62) };
        let sent = |clinic: &Clinic| !clinic.journal.of("POST /availability", "").is_empty();
        let is_sent = |clinic: &Clinic| {
            sent(clinic) && clinic.journal.of("POST /availability", "").iter().any(|call| call.outcome == Ok(200))
        };
        clinic.until("the day is sent", patience, is_sent).await;
        let took = (clinic.clock.now() - started).num_minutes();
        assert_eq!(took > 50, fault == Fault::TooMany(3600), "{fault:?}: {took} minutes");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_openvpms_that_asks_for_an_hour_takes_bookings_after_half_a_minute() {
    for fault in [Fault::RetryLater(3600), Fault::TooMany(3600)] {
        let clinic = Clinic::open().await;
        let mut wishes = vec![fault.clone()];
        clinic.openvpms_faults.set(move |_| wishes.pop());
        clinic.until("it is met", minutes(2), |clinic| !clinic.bridge().left_alone().is_empty()).await;
        clinic.pass(seconds(31)).await;
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        clinic.appointment_of(booking);
        clinic.bridge().ask_again();
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_person_ends_the_pause_by_a_resync_a_reload_or_a_resume_and_until_then_it_is_told() {
    type End = fn(&Clinic);
    let ways: [(&str, End); 3] = [
        ("asked again, as a resync and the button do", |clinic| drop(clinic.bridge().ask_again())),
        ("reloaded", Clinic::reload),
        ("reloaded with another interval", |_| ()),
    ];
    for (way, end) in ways {
        let mut clinic = Clinic::open().await;
        healthengine_wants_to_be_left_alone(&clinic, Fault::TooMany(3600)).await;
        clinic.pass(seconds(5)).await;
        let told = view::status(clinic.bridge()).left_alone;
        assert_eq!((told.len(), told[0].server.as_ref(), told[0].status), (1, "Healthengine", 429), "{way}");
        let left = told[0].until - clinic.clock.now();
        assert!((3580..=3600).contains(&left.num_seconds()), "{way}: {left}");
        assert!(told[0].sentence().contains("vetbridge resync"), "{}", told[0].sentence());
        // A practice that is remade has nothing of the pause either.
        if way == "reloaded with another interval" {
            clinic.config.sync.request_interval = seconds(4);
            clinic.reload();
        }
        end(&clinic);
        assert!(view::status(clinic.bridge()).left_alone.is_empty(), "{way}");
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        clinic.pass(minutes(2)).await;
        assert_eq!(clinic.problems(), Default::default(), "{way}");
        clinic.finish().await;
    }
    let clinic = Clinic::open().await;
    healthengine_wants_to_be_left_alone(&clinic, Fault::TooMany(3600)).await;
    clinic.bridge().set_paused(&practice(PRACTICE), false).await.unwrap();
    assert!(view::status(clinic.bridge()).left_alone.is_empty(), "resumed");
    clinic.pass(minutes(2)).await;
    clinic.finish().await;
}
