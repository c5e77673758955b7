//! What is known of rosters: learnt, kept, and followed when it changes.

use vetbridge::simulator::openvpms::UserBehaviour;

use crate::support::Clinic;
use crate::vets::{A_READING, ANDREW, CHRIS, SERVERS, first_days};

/// See `what_was_never_seen_either_way_is_decided_by_the_setting`: a bridge that had forgotten the
/// roster would offer this time.
#[tokio::test(start_paused = true)]
async fn what_was_learnt_is_known_after_a_restart() {
    let mut clinic = Clinic::of_vets(UserBehaviour::Guide);
    clinic.roster_both_everywhere();
    clinic.start();
    clinic.until_in_step().await;
    clinic.stop().await;
    clinic.staff_book_with(ANDREW, 211, "2027-02-16 09:00", 8 * 60);
    clinic.start();
    clinic.pass(A_READING).await;
    clinic.assert_exact("after the restart");
    assert!(!clinic.shows("u1158-s136", "2027-02-16 10:00") && clinic.shows("u1159-s136", "2027-02-16 10:00"));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_roster_is_followed_at_once_while_nothing_hides_it() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        clinic.roster_both_everywhere();
        clinic.start();
        clinic.until_in_step().await;
        clinic.roster_off(ANDREW, 211);
        clinic.pass(A_READING).await;
        clinic.assert_exact("off the surgery");
        assert_eq!(clinic.starts_of(0, "u1158-s211"), 0);
        // Known not to be there: whatever stands in the surgery is somebody else's.
        clinic.staff_book_with(CHRIS, 211, "2027-02-16 10:00", 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with somebody else's appointment");
        assert!(clinic.shows("u1158-s136", "2027-02-16 10:00"));
        clinic.finish().await;
    }
}

/// The appointment was never seen without the old roster's "not there": only the free time around
/// it tells that it is his.
#[tokio::test(start_paused = true)]
async fn a_new_shift_with_an_appointment_already_in_it_takes_the_vet_off_his_other_schedule() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        for day in first_days() {
            clinic.roster(ANDREW, 136, day, (9, 17));
            clinic.roster(ANDREW, 211, day, (9, 11));
        }
        clinic.start();
        clinic.until_in_step().await;
        for day in first_days() {
            clinic.roster(ANDREW, 211, day, (13, 17));
        }
        clinic.staff_book_with(ANDREW, 211, "2027-02-16 14:00", 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with the new shift");
        assert!(clinic.shows("u1158-s211", "2027-02-16 13:00") && !clinic.shows("u1158-s136", "2027-02-16 14:00"));
        clinic.finish().await;
    }
}

/// Somebody else's appointment stands where he was rostered until a moment ago: it looks like his
/// until it was away once.
#[tokio::test(start_paused = true)]
async fn a_change_of_roster_behind_an_appointment_is_followed_at_the_next_quiet_moment() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        clinic.roster_both_everywhere();
        clinic.start();
        clinic.until_in_step().await;
        let own = clinic.staff_book_with(CHRIS, 211, "2027-02-16 10:00", 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with the roster as it was");
        clinic.roster_off(ANDREW, 211);
        clinic.pass(A_READING).await;
        assert!(!clinic.shows("u1158-s136", "2027-02-16 10:00"), "withheld: the appointment may be his");
        assert!(clinic.shows("u1158-s136", "2027-02-16 11:00"));

        clinic.staff_move(own, 211, "2027-02-16 14:00", 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("after a quiet moment");
        clinic.staff_move(own, 211, "2027-02-16 10:00", 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with the appointment back");
        assert!(clinic.shows("u1158-s136", "2027-02-16 10:00"));
        clinic.finish().await;
    }
}
