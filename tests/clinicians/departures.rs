//! Clinicians who cannot be booked any more, between the offer and the booking, and after the next
//! look at the configuration.

use vetbridge::booking::entry::State;
use vetbridge::ids::{LocationId, UserId};
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use vetbridge::simulator::openvpms::{UserBehaviour, World};

use crate::support::{Clinic, PRACTICE, minutes, practice, seconds};
use crate::vets::{A_READING, ANDREW, SERVERS};

const ABSENT: &str = "The clinician can no longer be booked online at this location.";

/// Something happens to Andrew; somebody books him on the time that was offered a moment before, and is told why not.
async fn booked_too_late(server: UserBehaviour, what_happens: impl FnOnce(&mut World), reason: &str) -> Clinic {
    let mut clinic = Clinic::of_vets(server);
    clinic.roster_a_change_at_noon();
    clinic.start();
    clinic.until_in_step().await;
    assert!(clinic.shows("u1158-s136", "2027-02-16 10:00"));
    clinic.openvpms.staff(what_happens);

    let booking = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Rejected, seconds(10)).await;
    clinic
        .until("it is answered", seconds(2), |clinic| clinic.booking(booking).answer == RequestOutcome::Rejected)
        .await;
    let view = clinic.booking(booking);
    assert_eq!(view.status, MarketplaceStatus::Failed, "in time");
    assert_eq!(clinic.last_reason(booking), reason);
    assert!(clinic.appointments_of(booking).is_empty());
    let took = clinic.until("fresh days", seconds(3), |clinic| !clinic.shows("u1158-s136", "2027-02-16 11:00")).await;
    assert!(took <= seconds(1), "{took:?}");
    // The schedule and the other vet are there as before; nothing is wrong with the servers.
    assert!(clinic.shows("s136", "2027-02-16 10:00") && clinic.shows("u1159-s211", "2027-02-16 10:00"));
    clinic.pass(A_READING).await;
    assert_eq!((clinic.starts_of(0, "u1158-s136"), clinic.starts_of(0, "u1158-s211")), (0, 0));
    assert!(clinic.starts_of(0, "u1159-s136") > 0);
    assert_eq!(clinic.practice().not_in_step(clinic.clock.now()), Vec::<String>::new());
    clinic
}

/// The configuration is read again: his resources are left out and named as a problem, and come back with him.
async fn left_out(clinic: &Clinic, problem: &str, he_comes_back: impl FnOnce(&mut World)) {
    clinic.pass(minutes(10)).await;
    let resources = clinic.healthengine.resources(&practice(PRACTICE)).unwrap();
    let ids: Vec<&str> = resources.iter().map(|own| own.id.as_str()).collect();
    assert_eq!(ids, ["s136", "u1159-s136", "s211", "u1159-s211"], "{}", clinic.account());
    let problems = clinic.problems();
    assert_eq!(problems.keys().collect::<Vec<_>>(), ["departed", "left_out"], "{problems:?}");
    for resource in ["u1158-s136", "u1158-s211"] {
        let sentence = format!("Resource {resource} is left out: {problem}");
        assert!(problems["left_out"].contains(&sentence), "{problems:?}");
    }
    clinic.openvpms.staff(he_comes_back);
    clinic.pass(minutes(11)).await;
    assert_eq!(clinic.problems(), Default::default());
    // Deleting a resource cost its links; staff make them again.
    clinic.healthengine.link_everything(&practice(PRACTICE)).unwrap();
    clinic.assert_exact("when he is back");
    assert!(clinic.starts_of(0, "u1158-s136") > 0);
}

#[tokio::test(start_paused = true)]
async fn a_vet_who_was_rostered_off_since_is_not_booked_and_stays_a_resource() {
    for server in SERVERS {
        let off = |world: &mut World| world.roster.retain(|shift| shift.user != UserId(ANDREW));
        let clinic = booked_too_late(server, off, "The clinician is not available at this time.").await;
        clinic.assert_exact("without him");
        clinic.pass(minutes(10)).await;
        assert_eq!(clinic.healthengine.resources(&practice(PRACTICE)).unwrap().len(), 6);
        let problems = clinic.problems();
        assert_eq!(problems.keys().collect::<Vec<_>>(), ["never_open"], "{problems:?}");
        for resource in ["(u1158-s136) has no roster", "(u1158-s211) has no roster"] {
            assert!(problems["never_open"].contains(resource), "{problems:?}");
        }
        clinic.roster_a_change_at_noon();
        clinic.pass(A_READING).await;
        assert_eq!(clinic.problems(), Default::default());
        clinic.assert_exact("when he is back");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_vet_who_left_the_location_is_not_booked_and_then_left_out() {
    for server in SERVERS {
        let moves =
            |to: Vec<LocationId>| move |world: &mut World| world.user_mut(UserId(ANDREW)).unwrap().locations = to;
        let clinic = booked_too_late(server, moves(vec![LocationId(106)]), ABSENT).await;
        left_out(&clinic, "the clinician does not work at location 98.", moves(Vec::new())).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_vet_who_lost_the_online_booking_flag_is_not_booked_and_then_left_out() {
    for server in SERVERS {
        let flag = |on: bool| move |world: &mut World| world.user_mut(UserId(ANDREW)).unwrap().online = on;
        let clinic = booked_too_late(server, flag(false), ABSENT).await;
        left_out(&clinic, "OpenVPMS offers no clinician 1158; tick their Online Booking.", flag(true)).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_vet_who_was_deleted_is_not_booked_and_then_left_out() {
    for server in SERVERS {
        let mut kept = None;
        let clinic = booked_too_late(
            server,
            |world| {
                let at = world.users.iter().position(|user| user.id == UserId(ANDREW)).unwrap();
                kept = Some(world.users.remove(at));
            },
            ABSENT,
        )
        .await;
        left_out(&clinic, "OpenVPMS offers no clinician 1158; tick their Online Booking.", |world| {
            world.users.extend(kept)
        })
        .await;
        clinic.finish().await;
    }
}

/// He lost one location of two: what he is asked for at the other goes on, and its reasons are its own.
#[tokio::test(start_paused = true)]
async fn a_vet_who_left_the_branch_only_goes_on_at_the_main_clinic() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets_with_branch(server);
        clinic.roster_a_change_at_noon();
        clinic.start();
        clinic.until_in_step().await;
        clinic.openvpms.staff(|world| world.user_mut(UserId(ANDREW)).unwrap().locations = vec![LocationId(98)]);
        let booking = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 10:00");
        clinic.excuse(booking);
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        let late = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 14:00");
        clinic.until_state(late, State::Rejected, seconds(10)).await;
        assert_eq!(clinic.last_reason(late), "The clinician is not available at this time.");
        clinic.pass(A_READING).await;
        clinic.assert_exact("at the main clinic");
        clinic.finish().await;
    }
}

/// Two of five resources are left, fewer than half: the guard keeps all of them, links and all, and
/// nobody can be booked who is gone.
#[tokio::test(start_paused = true)]
async fn while_the_guard_keeps_a_vet_who_is_gone_at_healthengine_nothing_can_be_booked_with_him() {
    let mut clinic = Clinic::of_vets(UserBehaviour::Guide);
    clinic.hire(1160, "Maria van der Berg", true);
    for day in crate::vets::first_days() {
        for (user, schedule) in [(ANDREW, 136), (ANDREW, 211), (1160, 136)] {
            clinic.roster(user, schedule, day, (9, 17));
        }
    }
    clinic.offer(0, &["s136", "s211", "u1158-s136", "u1158-s211", "u1160-s136"]);
    clinic.start();
    clinic.until_in_step().await;
    clinic.openvpms.staff(|world| {
        world.users.retain(|user| ![UserId(ANDREW), UserId(1160)].contains(&user.id));
    });
    clinic.pass(minutes(11)).await;
    let problems = clinic.problems();
    assert_eq!(problems.keys().map(String::as_str).collect::<Vec<_>>(), ["left_out", "resource_guard", "type_guard"]);
    assert_eq!(clinic.healthengine.resources(&practice(PRACTICE)).unwrap().len(), 5);
    for resource in ["u1158-s136", "u1158-s211", "u1160-s136"] {
        assert_eq!(clinic.starts_of(0, resource), 0, "{resource}: emptied by the readings before");
    }
    let booking = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Rejected, seconds(10)).await;
    let reason = clinic.last_reason(booking);
    assert!(reason.starts_with("The practice's system has stopped offering the resource that was booked"), "{reason}");
    clinic.finish().await;
}

/// He works at the branch since a minute ago, and has an appointment there: the configuration does not know it yet.
#[tokio::test(start_paused = true)]
async fn a_vet_who_has_an_appointment_at_a_location_that_is_his_since_a_minute_ago_is_not_booked() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets_with_branch(server);
        clinic.offer(1, &["s311"]);
        clinic.roster_both_everywhere();
        clinic.openvpms.staff(|world| world.user_mut(UserId(ANDREW)).unwrap().locations = vec![LocationId(98)]);
        for day in crate::vets::first_days() {
            clinic.roster(ANDREW, 311, day, (9, 17));
        }
        clinic.start();
        clinic.until_in_step().await;
        clinic.openvpms.staff(|world| {
            world.user_mut(UserId(ANDREW)).unwrap().locations = vec![LocationId(98), LocationId(106)];
        });
        clinic.staff_book_with(ANDREW, 311, "2027-02-16 10:00", 15);
        let booking = clinic.owner_books_at(PRACTICE, "u1158-s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Rejected, seconds(10)).await;
        assert_eq!(clinic.last_reason(booking), "The clinician has another appointment at this time.");
        // The configuration is read at once, and with it what he offers is right.
        let shown = |clinic: &Clinic| clinic.shows("u1158-s211", "2027-02-16 10:00");
        clinic.until("his time is closed", seconds(1), |clinic| !shown(clinic)).await;
        clinic.pass(A_READING).await;
        clinic.assert_exact("with his appointment at the branch");
        clinic.finish().await;
    }
}
