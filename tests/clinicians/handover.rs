//! Staff give to somebody else what a pet owner booked.

use vetbridge::booking::entry::State;
use vetbridge::ids::{BookingId, UserId};
use vetbridge::simulator::healthengine::MarketplaceStatus;
use vetbridge::simulator::openvpms::UserBehaviour;

use crate::support::{Clinic, PRACTICE, as_told, minutes, seconds};
use crate::vets::{A_READING, ANDREW, CHRIS, first_days};

const TIME: &str = "2027-02-16 10:00";
/// The bookings of the near days are asked for within this.
const A_ROUND: u64 = 11;

/// Both vets can be in either room all day, and a pet owner booked this. The server tells of bookings.
async fn booked(resource: &str) -> (Clinic, BookingId) {
    let mut clinic = Clinic::of_vets(UserBehaviour::Guide);
    clinic.roster_both_everywhere();
    clinic.open_up().await;
    let booking = clinic.owner_books_at(PRACTICE, resource, TIME);
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.excuse(booking);
    (clinic, booking)
}

fn give(clinic: &Clinic, booking: BookingId, user: Option<i64>) {
    let appointment = clinic.appointment_of(booking).id;
    assert!(clinic.openvpms.staff(|world| world.give_to(appointment, user.map(UserId))));
}

fn whose(clinic: &Clinic, booking: BookingId) -> Option<UserId> {
    clinic.entry(booking).place.unwrap().user
}

#[tokio::test(start_paused = true)]
async fn an_appointment_that_staff_give_to_another_vet_frees_the_first_and_takes_the_other_and_is_flagged_once() {
    let (clinic, booking) = booked("u1158-s136").await;
    clinic.pass(A_READING).await;
    assert!(!clinic.shows("u1158-s211", TIME) && clinic.shows("u1159-s211", TIME));
    give(&clinic, booking, Some(CHRIS));
    let flagged = |clinic: &Clinic| clinic.entry(booking).needs_attention.is_some();
    clinic.until("somebody is told", minutes(A_ROUND), flagged).await;
    assert_eq!(whose(&clinic, booking), Some(UserId(CHRIS)));
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains(&format!("{} to another clinician", as_told(TIME))), "{told}");
    let took = clinic.until_exact(seconds(5)).await;
    assert!(took <= seconds(2), "{took:?}");
    assert!(clinic.shows("u1158-s211", TIME) && !clinic.shows("u1159-s211", TIME));
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);

    // The next one is no surprise any more; the ledger follows all the same.
    let history = clinic.entry(booking).history.len();
    clinic.pass(minutes(2 * A_ROUND)).await;
    assert_eq!(clinic.entry(booking).history.len(), history, "noted once");
    give(&clinic, booking, None);
    clinic.until("he is let go", minutes(A_ROUND), |clinic| whose(clinic, booking).is_none()).await;
    assert_eq!(clinic.entry(booking).needs_attention, Some(told));
    clinic.until_exact(seconds(5)).await;
    assert!(clinic.shows("u1158-s211", TIME) && clinic.shows("u1159-s211", TIME));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_move_to_another_time_and_another_vet_is_one_move() {
    let (clinic, booking) = booked("u1158-s136").await;
    let later = "2027-02-16 14:00";
    give(&clinic, booking, Some(CHRIS));
    clinic.staff_move(clinic.appointment_of(booking).id, 136, later, 15);
    let flagged = |clinic: &Clinic| clinic.entry(booking).needs_attention.is_some();
    clinic.until("somebody is told", A_READING, flagged).await;
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("to Tue 16 Feb 2027 14:00, with another clinician"), "{told}");
    // Healthengine goes on to hold the old time of what was booked; every other resource is as the diary says.
    let followed = |clinic: &Clinic| {
        let andrew = clinic.shows("u1158-s211", TIME) && clinic.shows("u1158-s211", later);
        andrew && clinic.shows("u1159-s211", TIME) && !clinic.shows("u1159-s211", later)
    };
    clinic.until("both former and present days are sent", seconds(2), followed).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_vet_whom_staff_choose_for_a_booking_of_a_room_is_taken_and_nobody_is_bothered() {
    let (clinic, booking) = booked("s136").await;
    give(&clinic, booking, Some(ANDREW));
    let his = |clinic: &Clinic| whose(clinic, booking) == Some(UserId(ANDREW));
    clinic.until("it is his", minutes(A_ROUND), his).await;
    give(&clinic, booking, Some(CHRIS));
    let the_others = |clinic: &Clinic| whose(clinic, booking) == Some(UserId(CHRIS));
    clinic.until("it is the other's", minutes(A_ROUND), the_others).await;
    assert_eq!(clinic.entry(booking).needs_attention, None);
    clinic.until_exact(seconds(5)).await;
    assert!(clinic.shows("u1158-s211", TIME) && !clinic.shows("u1159-s211", TIME));
    clinic.finish().await;
}

/// The server names clinicians only. That it never named her does not mean that she was taken off.
#[tokio::test(start_paused = true)]
async fn a_nurse_keeps_her_appointment_until_staff_give_it_to_a_vet() {
    const NINA: i64 = 1160;
    let mut clinic = Clinic::of_vets(UserBehaviour::Guide);
    clinic.hire(NINA, "Nina Okafor", false);
    clinic.roster_both_everywhere();
    for day in first_days() {
        clinic.roster(NINA, 136, day, (9, 17));
    }
    clinic.offer(0, &["s136", "s211", "u1160-s136", "u1158-s136", "u1158-s211"]);
    clinic.open_up().await;
    let booking = clinic.owner_books_at(PRACTICE, "u1160-s136", TIME);
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.excuse(booking);
    clinic.pass(minutes(2 * A_ROUND)).await;
    assert_eq!((whose(&clinic, booking), clinic.entry(booking).needs_attention), (Some(UserId(NINA)), None));
    give(&clinic, booking, Some(ANDREW));
    let his = |clinic: &Clinic| whose(clinic, booking) == Some(UserId(ANDREW));
    clinic.until("it is his", minutes(A_ROUND), his).await;
    assert!(clinic.entry(booking).needs_attention.is_some());
    clinic.finish().await;
}
