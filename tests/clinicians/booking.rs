//! Bookings for a clinician: whom they name, what they close, and two at one time.

use std::collections::BTreeSet;

use vetbridge::booking::entry::State;
use vetbridge::ids::{BookingId, UserId};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use vetbridge::simulator::openvpms::UserBehaviour;

use crate::support::{BRANCH, Clinic, PRACTICE, seconds};
use crate::vets::{ANDREW, CHRIS, SERVERS, first_days};

/// A clinic where Andrew can be anywhere all day, also at the branch, and Chris in both rooms. The bridge runs.
async fn everywhere(server: UserBehaviour) -> Clinic {
    let mut clinic = Clinic::of_vets_with_branch(server);
    clinic.roster_both_everywhere();
    for day in first_days() {
        clinic.roster(ANDREW, 311, day, (9, 17));
    }
    clinic.start();
    clinic.until_in_step().await;
    clinic.assert_exact("at first");
    clinic
}

/// These bookings ended well: each stands in the diary with this clinician.
fn assert_made(clinic: &Clinic, booking: BookingId, user: i64) {
    let view = clinic.booking(booking);
    assert_eq!(
        (view.status, view.answer),
        (MarketplaceStatus::Confirmed, RequestOutcome::Confirmed),
        "{}",
        clinic.account()
    );
    let appointment = clinic.appointment_of(booking);
    assert_eq!(appointment.clinician, Some(UserId(user)));
    assert_eq!((format!("u{user}-s{}", appointment.schedule), appointment.start), (view.resource.clone(), view.start));
    assert_eq!(view.pms_appointment_ids, [clinic.openvpms.staff(|world| world.reference(&appointment))]);
}

/// This one was turned down while the pet owner could still be told.
fn assert_turned_down(clinic: &Clinic, booking: BookingId, reason: &str) {
    let view = clinic.booking(booking);
    assert_eq!(
        (view.status, view.answer),
        (MarketplaceStatus::Failed, RequestOutcome::Rejected),
        "{}",
        clinic.account()
    );
    let took = view.answered_at.unwrap() - view.booked_at;
    assert!(took.num_seconds() < 15, "{took}");
    assert!(clinic.appointments_of(booking).is_empty());
    assert_eq!(clinic.state(booking), Some(State::Rejected));
    assert_eq!(clinic.last_reason(booking), reason);
    assert_eq!(clinic.entry(booking).needs_attention, None);
}

#[tokio::test(start_paused = true)]
async fn before_the_inventory_was_read_after_a_restart_a_clinician_is_booked_and_not_twice() {
    for server in SERVERS {
        let mut clinic = everywhere(server).await;
        clinic.stop().await;
        // The branch is none of the practice's locations, and Andrew is there at ten.
        clinic.staff_book_with(ANDREW, 311, "2027-02-16 10:00", 30);
        clinic
            .openvpms_faults
            .set(|asked| asked.target.ends_with("/schedules/211/appointmentTypes").then_some(Fault::Hang));
        clinic.start();
        let free = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 09:00");
        let taken = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 10:00");
        clinic.until_state(free, State::Confirmed, seconds(15)).await;
        clinic.until_state(taken, State::Rejected, seconds(15)).await;
        assert!(clinic.practice().offering().is_none(), "the inventory was read");
        assert_made(&clinic, free, ANDREW);
        clinic.excuse(free);
        clinic.openvpms_faults.heal();
        clinic.until_in_step().await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_booking_names_the_clinician_and_closes_the_time_on_every_resource_that_shares_him_or_the_schedule() {
    for server in SERVERS {
        let mut clinic = everywhere(server).await;
        let time = "2027-02-16 10:00";
        let shown: Vec<&str> =
            ["s136", "s211", "u1158-s136", "u1158-s211", "u1159-s136", "u1159-s211", "s311", "u1158-s311"]
                .into_iter()
                .filter(|resource| clinic.shows(resource, time))
                .collect();
        assert_eq!(shown.len(), 8, "{shown:?}");
        let booking = clinic.owner_books_at(PRACTICE, "u1158-s136", time);
        clinic.excuse(booking);
        clinic.until("it is in the diary", seconds(10), |clinic| !clinic.appointments_of(booking).is_empty()).await;
        let took = clinic.until_exact(seconds(5)).await;
        assert!(took <= seconds(1), "{took:?}");
        let shown: BTreeSet<&str> = shown.into_iter().filter(|resource| clinic.shows(resource, time)).collect();
        assert_eq!(shown, BTreeSet::from(["s211", "u1159-s211", "s311"]));
        clinic.until_state(booking, State::Confirmed, seconds(5)).await;
        assert_made(&clinic, booking, ANDREW);

        // And opens it again when it is cancelled.
        clinic.healthengine.cancel(booking).unwrap();
        clinic.until_state(booking, State::Cancelled, seconds(10)).await;
        let took = clinic.until_exact(seconds(5)).await;
        assert!(took <= seconds(1), "{took:?}");
        assert!(clinic.shows("u1158-s311", time));
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_pet_owners_who_want_one_vet_at_one_time_on_two_schedules_one_gets_him() {
    for server in SERVERS {
        let mut clinic = everywhere(server).await;
        let wishes = ["u1158-s136", "u1158-s211"];
        let bookings = wishes.map(|resource| clinic.owner_books_at(PRACTICE, resource, "2027-02-16 10:00"));
        // Nobody else has to wait or to lose for it.
        let other = clinic.owner_books_at(PRACTICE, "u1159-s136", "2027-02-16 10:30");
        for booking in bookings.into_iter().chain([other]) {
            clinic.excuse(booking);
            clinic
                .until("it is answered", seconds(15), |clinic| clinic.booking(booking).answer != RequestOutcome::Open)
                .await;
        }
        // Three changes of one day follow each other at Healthengine with half a second between them.
        let took = clinic.until_exact(seconds(5)).await;
        assert!(took <= seconds(2), "{took:?}");
        let [winner, loser] = by_luck(&clinic, bookings);
        assert_made(&clinic, winner, ANDREW);
        assert_turned_down(&clinic, loser, "The clinician has another appointment at this time.");
        assert_made(&clinic, other, CHRIS);
        clinic.assert_no_overlap();
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_pet_owners_of_two_practices_who_want_one_vet_at_overlapping_times_one_gets_him() {
    for server in SERVERS {
        let mut clinic = everywhere(server).await;
        // The surgery's slots are half an hour: the two overlap by a quarter.
        let here = clinic.owner_books_at(PRACTICE, "u1158-s211", "2027-02-16 10:00");
        let there = clinic.owner_books_at(BRANCH, "u1158-s311", "2027-02-16 10:15");
        for booking in [here, there] {
            clinic.excuse(booking);
            clinic
                .until("it is answered", seconds(20), |clinic| clinic.booking(booking).answer != RequestOutcome::Open)
                .await;
        }
        clinic.until_exact(seconds(2)).await;
        let [winner, loser] = by_luck(&clinic, [here, there]);
        assert_made(&clinic, winner, ANDREW);
        assert_turned_down(&clinic, loser, "The clinician has another appointment at this time.");
        let later = clinic.owner_books_at(BRANCH, "u1158-s311", "2027-02-16 10:30");
        clinic.excuse(later);
        clinic.until_state(later, State::Confirmed, seconds(10)).await;
        assert_made(&clinic, later, ANDREW);
        clinic.until_exact(seconds(2)).await;
        clinic.finish().await;
    }
}

/// Staff write an appointment with him on another schedule, and a pet owner books before the diary is read again.
#[tokio::test(start_paused = true)]
async fn a_vet_whom_staff_took_a_moment_ago_on_another_schedule_is_seen_by_the_look_before_the_booking() {
    for server in SERVERS {
        let mut clinic = everywhere(server).await;
        clinic.staff_book_with(ANDREW, 311, "2027-02-16 10:00", 30);
        assert!(clinic.shows("u1158-s136", "2027-02-16 10:00"), "still as it was read");
        let booking = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 10:00");
        clinic.excuse(booking);
        clinic.until_state(booking, State::Rejected, seconds(10)).await;
        clinic
            .until("it is answered", seconds(2), |clinic| clinic.booking(booking).answer != RequestOutcome::Open)
            .await;
        assert_turned_down(&clinic, booking, "The clinician has another appointment at this time.");
        let took =
            clinic.until("fresh days", seconds(2), |clinic| !clinic.shows("u1158-s136", "2027-02-16 10:00")).await;
        assert!(took <= seconds(1), "{took:?}");
        clinic.finish().await;
    }
}

/// The one that was made, then the other.
fn by_luck(clinic: &Clinic, bookings: [BookingId; 2]) -> [BookingId; 2] {
    let [one, other] = bookings;
    if clinic.appointments_of(one).is_empty() { [other, one] } else { [one, other] }
}
