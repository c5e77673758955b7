//! What pet owners see of clinicians: exactly the times that rosters and diary leave.

use chrono::{NaiveDateTime, TimeDelta};
use vetbridge::config::ClinicianDoubtSetting;
use vetbridge::ids::{ScheduleId, UserId};
use vetbridge::simulator::openvpms::{AppointmentId, UserBehaviour};

use crate::support::{BRANCH, Chance, Clinic, minutes, practice};
use crate::vets::{A_READING, ANDREW, CHRIS, SERVERS, first_days};

#[tokio::test(start_paused = true)]
async fn vets_who_change_schedules_at_noon_are_offered_where_they_are() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        clinic.roster_a_change_at_noon();
        clinic.start();
        clinic.until_in_step().await;
        clinic.assert_exact("at first");
        assert!(clinic.shows("u1158-s136", "2027-02-16 11:45") && !clinic.shows("u1158-s136", "2027-02-16 12:00"));
        assert!(clinic.shows("u1158-s211", "2027-02-16 12:00") && clinic.shows("u1159-s136", "2027-02-16 12:00"));

        clinic.staff_book_with(ANDREW, 136, "2027-02-16 10:00", 30);
        // Somebody else's appointments, on the schedule to which Andrew goes only at noon.
        clinic.staff_book_with(CHRIS, 211, "2027-02-16 09:30", 60);
        clinic.staff_book_with(None, 211, "2027-02-16 11:00", 30);
        clinic.staff_book_with(None, 136, "2027-02-17 09:00", 180);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with appointments");
        assert!(clinic.shows("u1158-s136", "2027-02-16 09:30") && clinic.shows("u1158-s136", "2027-02-16 11:00"));
        assert!(!clinic.shows("u1158-s136", "2027-02-16 10:15") && !clinic.shows("u1159-s211", "2027-02-16 11:00"));
        assert_eq!(clinic.problems(), Default::default());
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_appointment_on_one_schedule_takes_the_vet_and_nobody_else_off_the_other() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets(server);
        clinic.roster_both_everywhere();
        clinic.start();
        clinic.until_in_step().await;
        clinic.assert_exact("at first");
        clinic.staff_book_with(ANDREW, 211, "2027-02-16 10:00", 60);
        clinic.staff_book_with(CHRIS, 136, "2027-02-16 11:00", 60);
        clinic.staff_book_with(None, 211, "2027-02-16 13:00", 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with appointments");
        assert!(!clinic.shows("u1158-s136", "2027-02-16 10:30") && clinic.shows("u1159-s136", "2027-02-16 10:30"));
        assert!(!clinic.shows("u1159-s211", "2027-02-16 11:30") && clinic.shows("u1158-s211", "2027-02-16 11:30"));
        assert!(clinic.shows("u1158-s136", "2027-02-16 13:00") && clinic.shows("u1159-s136", "2027-02-16 13:00"));
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_vet_of_two_practices_is_in_both_and_an_appointment_in_one_takes_him_off_the_other() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets_with_branch(server);
        for day in first_days() {
            clinic.roster(ANDREW, 136, day, (9, 17));
            clinic.roster(ANDREW, 311, day, (9, 17));
        }
        clinic.start();
        clinic.until_in_step().await;
        clinic.assert_exact("at first");
        assert!(clinic.shows("u1158-s136", "2027-02-16 10:00") && clinic.shows("u1158-s311", "2027-02-16 10:00"));
        clinic.staff_book_with(ANDREW, 311, "2027-02-16 10:00", 30);
        clinic.staff_book_with(ANDREW, 136, "2027-02-17 10:00", 30);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with appointments");
        assert!(!clinic.shows("u1158-s136", "2027-02-16 10:00") && !clinic.shows("u1158-s311", "2027-02-17 10:00"));
        clinic.finish().await;
    }
}

/// A vet works at the branch, which no practice of the bridge has.
#[tokio::test(start_paused = true)]
async fn an_appointment_at_a_location_that_is_not_configured_takes_a_vet_off_all_the_same() {
    for server in SERVERS {
        let mut clinic = Clinic::of_vets_with_branch(server);
        clinic.config.practices.truncate(1);
        for day in first_days() {
            clinic.roster(ANDREW, 136, day, (9, 17));
            clinic.roster(ANDREW, 311, day, (9, 17));
        }
        clinic.start();
        clinic.until_in_step().await;
        clinic.staff_book_with(ANDREW, 311, "2027-02-16 10:00", 30);
        clinic.staff_book_with(None, 311, "2027-02-16 11:00", 30);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with appointments");
        assert!(!clinic.shows("u1158-s136", "2027-02-16 10:00") && clinic.shows("u1158-s136", "2027-02-16 11:00"));
        assert_eq!(clinic.healthengine.resources(&practice(BRANCH)).unwrap(), []);
        clinic.finish().await;
    }
}

/// A whole shift taken by one appointment, before the bridge ever saw the roster: only the setting can decide.
#[tokio::test(start_paused = true)]
async fn what_was_never_seen_either_way_is_decided_by_the_setting() {
    for (doubt, offered) in [(ClinicianDoubtSetting::Offer, true), (ClinicianDoubtSetting::Withhold, false)] {
        // On a 2.1 server the appointment comes off every schedule, and there is no doubt.
        let mut clinic = Clinic::of_vets(UserBehaviour::Guide);
        clinic.config.sync.clinician_doubt = doubt;
        clinic.roster_both_everywhere();
        let own = clinic.staff_book_with(ANDREW, 211, "2027-02-16 09:00", 8 * 60);
        let others = clinic.staff_book_with(None, 211, "2027-02-17 09:00", 8 * 60);
        clinic.start();
        clinic.until_in_step().await;
        assert_eq!(clinic.shows("u1158-s136", "2027-02-16 10:00"), offered);
        assert!(clinic.shows("u1158-s136", "2027-02-17 10:00"), "he is free on 211, so it is somebody else's");

        // Once the schedule was seen without it, the roster is known and nothing is in doubt.
        clinic.staff_cancel(own);
        clinic.staff_cancel(others);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with an empty diary");
        clinic.staff_book_with(ANDREW, 211, "2027-02-16 09:00", 8 * 60);
        clinic.staff_book_with(CHRIS, 211, "2027-02-17 09:00", 8 * 60);
        clinic.pass(A_READING).await;
        clinic.assert_exact("with a known roster");
        clinic.finish().await;
    }
}

/// An appointment that the API can tell of, at some time of the four days: inside opening hours;
/// the vet's within one of his shifts on that schedule, on no other appointment of his, and no
/// shift of his begins or ends in its middle.
fn throw_appointment(clinic: &Clinic, chance: &Chance) -> Option<AppointmentId> {
    let (user, schedule) = (
        [Some(ANDREW), Some(ANDREW), Some(CHRIS), None][chance.below(4) as usize],
        [136, 211, 311][chance.below(3) as usize],
    );
    let day = first_days().nth(chance.below(4) as usize).unwrap();
    let start = day.and_hms_opt(9, 0, 0).unwrap() + TimeDelta::minutes(15 * chance.below(31) as i64);
    let end = start + TimeDelta::minutes(15 * (1 + chance.below(5)) as i64);
    if end > day.and_hms_opt(17, 0, 0).unwrap() {
        return None;
    }
    let possible = clinic.openvpms.staff(|world| {
        let overlaps = |from: NaiveDateTime, until: NaiveDateTime| from < end && start < until;
        let taken = world.standing().filter(|own| overlaps(own.start, own.end));
        let is_taken = taken
            .into_iter()
            .any(|own| own.schedule == ScheduleId(schedule) || (user.is_some() && own.clinician == user.map(UserId)));
        let area = world.areas.iter().find(|area| area.schedules == [ScheduleId(schedule)]).unwrap().id;
        let his = world.roster.iter().filter(|shift| Some(shift.user) == user.map(UserId));
        let touching: Vec<_> = his.filter(|shift| overlaps(shift.start, shift.end)).collect();
        let is_on_duty = user.is_none() || touching.iter().any(|shift| shift.area == area);
        let is_split = touching.iter().any(|shift| shift.start > start || shift.end < end);
        !is_taken && is_on_duty && !is_split
    });
    possible.then(|| clinic.add(user, schedule, start, end))
}

#[tokio::test(start_paused = true)]
async fn whatever_staff_write_into_the_diary_offers_stay_exact() {
    for (seed, server) in (1..=2).flat_map(|seed| SERVERS.map(|server| (seed, server))) {
        println!("seed {seed}, {server:?}");
        let chance = Chance::from_seed(seed);
        let mut clinic = Clinic::of_vets_with_branch(server);
        for day in first_days() {
            for (user, schedule, hours) in [
                (ANDREW, 136, (9, 12)),
                (ANDREW, 211, (9, 17)),
                (ANDREW, 311, (13, 17)),
                (CHRIS, 211, (9, 13)),
                (CHRIS, 136, (9, 17)),
            ] {
                clinic.roster(user, schedule, day, hours);
            }
        }
        clinic.start();
        clinic.until_in_step().await;
        clinic.assert_exact("at first");
        let mut standing = Vec::new();
        for round in 0..5 {
            standing.extend((0..20).filter_map(|_| throw_appointment(&clinic, &chance)));
            for _ in 0..standing.len() / 4 {
                let gone = standing.swap_remove(chance.below(standing.len() as u64) as usize);
                clinic.staff_cancel(gone);
            }
            clinic.pass(A_READING).await;
            clinic.assert_exact(&format!("seed {seed}, {server:?}, round {round}"));
        }
        assert!(standing.len() > 10 && clinic.starts_of(0, "u1158-s211") > 0);
        clinic.pass(minutes(1)).await;
        clinic.finish().await;
    }
}
