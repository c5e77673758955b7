//! Two bridges on one practice: what the one that stands back holds back, and for how long.

use chrono::TimeDelta;
use vetbridge::booking::entry::State;
use vetbridge::booking::resolution::Resolution;
use vetbridge::ids::BookingReference;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault};
use vetbridge::simulator::healthengine::{HeldSubscription, MarketplaceStatus, RequestOutcome};
use vetbridge::simulator::openvpms::Appointment;

use crate::support::{Clinic, PRACTICE, booked, is_submission, minutes, practice, seconds};
use crate::two_bridges::{OTHER_BRIDGE, clinic_of_slow_servers, clinic_that_was_there_first};

/// True of the list of outstanding bookings.
fn is_the_list(asked: &ArrivedRequest) -> bool {
    asked.method == "GET" && asked.target.contains("/requests/bookings")
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_its_owner_gives_up_while_it_is_left_to_the_other_bridge_is_never_made() {
    let mut clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.pass(seconds(30)).await;
    clinic.stop().await;
    clinic.journal.clear();
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    clinic.pass(seconds(8)).await;
    assert!(clinic.journal.count("GET /requests/bookings", "") > 0, "it was seen");
    clinic.healthengine.cancel(booking).unwrap();
    clinic.pass(minutes(1)).await;
    assert_eq!(clinic.journal.count("POST /ws/booking/v2/bookings", ""), 0, "{}", clinic.account());
    assert!(clinic.appointments_of(booking).is_empty());
    assert_eq!(clinic.status(booking), MarketplaceStatus::Cancelled);
    another.stop().await;
    clinic.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn while_the_list_of_bookings_cannot_be_read_the_one_that_stands_back_makes_none() {
    let clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.pass(minutes(1)).await;
    // The former bridge has the booking, and its confirmation is late.
    clinic.openvpms_faults.set(|asked| is_submission(asked).then_some(Fault::Slow(seconds(9))));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    clinic.pass(seconds(11)).await;
    clinic.healthengine_faults.set(|asked| is_the_list(asked).then_some(Fault::StatusBefore(502)));
    clinic.pass(seconds(15)).await;
    assert!(another.entry(booking).is_none(), "{:?}", another.entry(booking));
    clinic.healthengine_faults.heal();
    clinic.pass(seconds(30)).await;
    clinic.appointment_of(booking);
    assert_eq!(clinic.state(booking), Some(State::Confirmed));
    another.stop().await;
}

#[tokio::test(start_paused = true)]
async fn the_one_that_was_there_first_rejects_in_time_what_it_cannot_see() {
    let (clinic, another) = clinic_that_was_there_first().await;
    another.stop().await;
    clinic.openvpms_faults.close_port();
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    let rejected = |clinic: &Clinic| clinic.booking(booking).answer == RequestOutcome::Rejected;
    clinic.until("it is rejected while that helps the pet owner", seconds(16), rejected).await;
    assert_eq!(clinic.state(booking), Some(State::Rejected));
}

#[tokio::test(start_paused = true)]
async fn the_one_that_was_there_first_leaves_a_cancellation_of_the_others_booking_to_it_for_a_minute() {
    let (clinic, another) = clinic_that_was_there_first().await;
    another.stop().await;
    // The other one answered it, and Healthengine does not echo with which reference.
    let theirs = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    clinic.healthengine.progress_by_hand(theirs).unwrap();
    clinic.healthengine.cancel(theirs).unwrap();
    let waits = |clinic: &Clinic| !clinic.booking(theirs).open_updates.is_empty();
    clinic.throughout("it is left to the other one", seconds(55), waits).await;
    clinic.until("it is rejected", seconds(20), |clinic| clinic.booking(theirs).updates_rejected == 1).await;
}

#[tokio::test(start_paused = true)]
async fn the_one_that_stands_back_from_another_rejects_nothing_that_it_cannot_see() {
    let clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.pass(minutes(1)).await;
    let first = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    clinic.until("it is said", seconds(60), |_| another.problems().contains_key(OTHER_BRIDGE)).await;
    assert_eq!(clinic.state(first), Some(State::Confirmed));
    clinic.openvpms_faults.close_port();
    clinic.bridge().stop(seconds(8)).await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 10:00");
    clinic.pass(minutes(2)).await;
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::Open);
    // It makes the booking when OpenVPMS is there again: the pet owner was told yes.
    clinic.openvpms_faults.heal();
    let confirmed = |clinic: &Clinic| clinic.booking(booking).answer == RequestOutcome::Confirmed;
    clinic.until("it is made", minutes(1), confirmed).await;
    clinic.appointment_of(booking);
    another.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_a_person_replaced_is_no_sign_of_another_bridge() {
    let clinic = Clinic::open().await;
    booked(&clinic, "2027-02-16 09:00").await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    // Staff make the appointment anew, and a person says which it is.
    let former = clinic.appointment_of(booking);
    clinic.staff_cancel(former.id);
    let anew = clinic.staff_book(136, "2027-02-16 10:00", 15);
    let is_anew = |own: &&Appointment| own.id == anew;
    let reference =
        clinic.openvpms.staff(|world| world.standing().find(is_anew).map(|own| BookingReference(world.reference(own))));
    let verdict = Resolution::Confirmed { reference, force: true };
    clinic.practice().resolve(booking, &verdict, None).await.unwrap();
    // Healthengine knows the first one.
    clinic.healthengine.cancel(booking).unwrap();
    let cancelled = |clinic: &Clinic| clinic.state(booking) == Some(State::Cancelled);
    clinic.until("the owner's cancellation is carried out", minutes(1), cancelled).await;
    assert_eq!(clinic.problems().get(OTHER_BRIDGE), None);
    assert!(clinic.openvpms.staff(|world| world.standing().all(|own| own.id != anew)));
}

#[tokio::test(start_paused = true)]
async fn a_list_that_does_not_answer_makes_no_rejection_late() {
    let clinic = Clinic::open().await;
    clinic.staff_book(136, "2027-02-18 10:00", 15);
    let booking = clinic.owner_books_regardless("s136", "66:s136", "2027-02-18 10:00");
    let booked_at = clinic.clock.now();
    clinic.until("it is seen", seconds(10), |clinic| clinic.find_entry(booking).is_some()).await;
    clinic.healthengine_faults.set(|asked| is_the_list(asked).then_some(Fault::Hang));
    let rejected = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Failed;
    clinic.until("it is rejected", seconds(30), rejected).await;
    let age = clinic.clock.now() - booked_at;
    assert!(age <= TimeDelta::milliseconds(14_500), "{age}");
    assert_eq!(clinic.entry(booking).needs_attention, None);
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_is_renewed_tells_the_one_that_was_started_later_that_it_was() {
    let mut clinic = Clinic::new();
    let theirs = |clinic: &Clinic, days: i64| HeldSubscription {
        client_id: Some(PRACTICE.to_owned()),
        topic: "requests.*".to_owned(),
        callback_url: "https://elsewhere.example/webhooks/another-secret".to_owned(),
        start_at: clinic.clock.now(),
        expire_at: Some(clinic.clock.now() + TimeDelta::days(days)),
    };
    let subscribe = |clinic: &Clinic, days| {
        clinic.healthengine.add_subscription(&practice(PRACTICE), theirs(clinic, days)).unwrap();
    };
    // The former bridge made it a day ago,
    subscribe(&clinic, 6);
    clinic.open_up().await;
    clinic.pass(minutes(10)).await;
    assert_eq!(clinic.problems().get(OTHER_BRIDGE), None);
    // and makes it anew.
    subscribe(&clinic, 7);
    clinic.until("it is said", minutes(1), |clinic| clinic.problems().contains_key(OTHER_BRIDGE)).await;
    let text = clinic.problems()[OTHER_BRIDGE].clone();
    assert!(text.contains("subscription") && text.contains("started later"), "{text}");
}
