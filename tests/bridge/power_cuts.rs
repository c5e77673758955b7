//! The process dies at any moment of one booking, and what it left is put right at the next start.
//! `tests/simulation` hunts for the rest.

use vetbridge::booking::entry::State;

use crate::support::{Clinic, Fuse, seconds};

#[tokio::test(start_paused = true)]
async fn a_power_cut_between_any_two_steps_of_one_booking_leaves_exactly_one_appointment() {
    // From the poll that lists it to the confirmation there are five calls; the power is cut at
    // each, before and after it arrived, and some steps later, when a write to the disk may be half
    // done.
    for calls in 0..5 {
        for arrives in [false, true] {
            for steps in [0, 1, 2, 3, 5] {
                let fuse = Fuse { calls, arrives, steps };
                let mut clinic = Clinic::open().await;
                let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
                clinic.power().set(fuse);
                clinic.until("the power is cut", seconds(70), |clinic| clinic.power().is_cut()).await;
                clinic.pull_the_plug().await;
                clinic.start();
                let settled =
                    |clinic: &Clinic| matches!(clinic.state(booking), Some(State::Confirmed | State::InDoubt));
                clinic.until(&format!("it is settled after {fuse:?}"), seconds(60), settled).await;
                clinic.appointment_of(booking);
                clinic.finish().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn that_healthengine_took_a_confirmation_is_found_out_again_after_a_power_cut_before_it_was_written() {
    let mut clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    let is_confirmed = |clinic: &Clinic| clinic.state(booking) == Some(State::Confirmed);
    clinic.until("it is confirmed", seconds(60), is_confirmed).await;
    clinic.pull_the_plug().await;
    clinic.start();
    assert_eq!(clinic.state(booking), Some(State::Inserted), "the cut came before the write");
    clinic.until("it is settled", seconds(60), is_confirmed).await;
    clinic.appointment_of(booking);
    clinic.finish().await;
}
