//! What a person settles is true in both systems afterwards, and its story says what happened: an
//! appointment that was made by hand, a cancellation that waited, a practice that is paused.

use vetbridge::booking::entry::{OpenCancellation, State};
use vetbridge::booking::resolution::Resolution;
use vetbridge::bridge::runner::RunState;
use vetbridge::config::WhenDown;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::practice::resolve::NotResolved;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};

use crate::support::{Clinic, PRACTICE, as_told, booked, minutes, seconds};

const SLOT: &str = "2027-02-15 10:00";
const BY_HAND: Resolution = Resolution::Confirmed { reference: None, force: true };

fn story(clinic: &Clinic, booking: BookingId) -> Vec<String> {
    clinic.entry(booking).history.iter().map(|item| item.reason.to_string()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_appointment_that_a_person_made_by_hand_settles_the_booking_of_a_pet_owner_who_was_told_yes() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    clinic.openvpms_faults.close_port();
    let booking = clinic.owner_books("s136", "66:s136", SLOT);
    clinic.pass(minutes(2)).await;
    clinic.staff_book(136, SLOT, 15);
    clinic.openvpms_faults.heal();
    clinic.until("it is flagged", minutes(1), |clinic| clinic.entry(booking).needs_attention.is_some()).await;
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::RejectedTooLate);
    let told = story(&clinic, booking);
    assert!(told.last().unwrap().starts_with("The pet owner was told that there is an appointment"), "{told:#?}");

    // The receptionist agrees upon another time with the pet owner, and makes the appointment.
    clinic.staff_book(136, "2027-02-15 14:00", 15);
    let practice = clinic.practice();
    let unsure = Resolution::Confirmed { reference: None, force: false };
    let why = practice.resolve(booking, &unsure, None).await.unwrap_err().to_string();
    assert!(why.contains("--confirmed --force"), "{why}");
    clinic.journal.clear();
    let entry = practice.resolve(booking, &BY_HAND, None).await.unwrap();
    assert_eq!((entry.state, entry.reference, entry.needs_attention), (State::Confirmed, None, None));
    assert_eq!(clinic.journal.count("POST /bookings", ""), 0, "Healthengine is told nothing that it has so already");
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    let told = story(&clinic, booking);
    assert!(told[told.len() - 2].contains("by hand"), "{told:#?}");
    assert!(told.last().unwrap().starts_with("Healthengine asks for no answer"), "{told:#?}");

    // A pet owner who cancels it is a matter for a person: nobody else knows which appointment it is.
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("a person has to cancel it", seconds(20), |clinic| clinic.entry(booking).given_up).await;
    let flag = clinic.entry(booking).needs_attention.unwrap();
    let said = format!("The pet owner has cancelled Healthengine booking {booking} for {}", as_told(SLOT));
    assert!(flag.starts_with(&said), "{flag}");
    assert_eq!(practice.resolve(booking, &Resolution::Cancelled, None).await.unwrap().state, State::Cancelled);
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_that_waits_for_openvpms_is_in_the_ledger_until_it_is_carried_out() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.openvpms_faults.close_port();
    clinic.healthengine.cancel(booking).unwrap();
    let waits = |clinic: &Clinic| clinic.entry(booking).open_cancellation() == Some(OpenCancellation::Waiting);
    clinic.until("it is noted", minutes(1), waits).await;
    let noted = story(&clinic, booking).len();
    clinic.pass(minutes(3)).await;
    assert_eq!(story(&clinic, booking).len(), noted, "noted once");
    clinic.openvpms_faults.heal();
    clinic.until_state(booking, State::Cancelled, minutes(2)).await;
    assert_eq!(clinic.entry(booking).open_cancellation(), None);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_flagged_booking_of_a_paused_practice_is_settled_in_both_systems() {
    let clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::LoseAnswer]);
    let booking = clinic.owner_books("s136", "66:s136", SLOT);
    clinic.until_state(booking, State::InDoubt, minutes(2)).await;
    let id = PracticeId(PRACTICE.into());
    clinic.bridge().set_paused(&id, true).await.unwrap();
    let silent =
        |clinic: &Clinic| clinic.bridge().off().iter().any(|(_, standing)| matches!(standing, RunState::Silent(_)));
    clinic.until("it is paused", minutes(5), silent).await;
    let (practice, off) = clinic.bridge().on_or_off(&id).unwrap();
    assert!(off.is_some() && clinic.entry(booking).needs_attention.is_some());
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.healthengine.expect_calls(&id).unwrap();
    assert_eq!(practice.resolve(booking, &Resolution::Cancelled, None).await.unwrap().state, State::Cancelled);
    assert_eq!(clinic.status(booking), MarketplaceStatus::Cancelled);
    assert_eq!(clinic.entry(booking).needs_attention, None);
    clinic.bridge().set_paused(&id, false).await.unwrap();
    clinic.pass(minutes(2)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_move_is_settled_while_healthengine_is_away_because_it_has_nothing_to_hear() {
    let mut clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.staff_move(clinic.appointment_of(booking).id, 136, "2027-02-15 14:00", 15);
    clinic.until("it is flagged", minutes(2), |clinic| clinic.entry(booking).needs_attention.is_some()).await;
    let moved = format!("from {} to {}", as_told(SLOT), as_told("2027-02-15 14:00"));
    assert!(story(&clinic, booking).last().unwrap().contains(&moved), "{:#?}", story(&clinic, booking));
    clinic.healthengine_faults.close_port();
    let knows = Resolution::Confirmed { reference: None, force: false };
    let settled: Result<_, NotResolved> = clinic.practice().resolve(booking, &knows, None).await;
    assert_eq!(settled.unwrap().needs_attention, None);
    let told = story(&clinic, booking);
    assert!(told[told.len() - 2].ends_with(&format!("Healthengine still shows them {}.", as_told(SLOT))), "{told:#?}");
    assert_eq!(told.last().unwrap(), "Healthengine has the booking as confirmed.");
    clinic.healthengine_faults.heal();
    clinic.excuse(booking);
    clinic.pass(minutes(2)).await;
    clinic.finish().await;
}
