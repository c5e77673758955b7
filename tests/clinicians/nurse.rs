//! A user who is no clinician. The API lists her like one and does not tell the difference; the
//! server attaches only clinicians to appointments, and writes the names of others into the notes.

use vetbridge::booking::entry::State;
use vetbridge::ids::UserId;

use crate::support::{Clinic, PRACTICE, seconds};
use crate::vets::{A_READING, SERVERS, first_days};

/// Nina Okafor, a nurse.
const NINA: i64 = 1160;

/// Her appointments do not come off her time on the server: only the bridge's own memory keeps her
/// from being in two rooms.
#[tokio::test(start_paused = true)]
async fn a_nurse_is_named_in_the_notes_and_is_not_booked_in_two_rooms_at_a_time() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        clinic.hire(NINA, "Nina Okafor", false);
        for day in first_days() {
            clinic.roster(NINA, 136, day, (9, 17));
            clinic.roster(NINA, 211, day, (9, 17));
        }
        clinic.offer(0, &["s136", "s211", "u1160-s136", "u1160-s211"]);
        clinic.start();
        clinic.until_in_step().await;
        clinic.assert_exact("at first");

        let booking = clinic.owner_books_at(PRACTICE, "u1160-s136", "2027-02-16 10:00");
        clinic.excuse(booking);
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        let appointment = clinic.appointment_of(booking);
        assert_eq!(appointment.clinician, None);
        let notes = appointment.notes.unwrap();
        assert!(notes.lines().any(|line| line == "User: Nina Okafor"), "{notes}");
        assert_eq!(clinic.entry(booking).place.unwrap().user, Some(UserId(NINA)));

        let is_taken = |clinic: &Clinic| {
            !clinic.shows("u1160-s136", "2027-02-16 10:00") && !clinic.shows("u1160-s211", "2027-02-16 10:00")
        };
        clinic.until("her time is closed", seconds(1), is_taken).await;
        clinic.throughout("it stays closed", A_READING, is_taken).await;
        clinic.stop().await;
        clinic.start();
        clinic.pass(A_READING).await;
        assert!(is_taken(&clinic) && clinic.shows("s211", "2027-02-16 10:00"));
        let second = clinic.owner_books_at(PRACTICE, "u1160-s211", "2027-02-16 10:00");
        clinic.until_state(second, State::Rejected, seconds(10)).await;
        assert_eq!(clinic.last_reason(second), "The clinician has another appointment at this time.");
        clinic.finish().await;
    }
}
