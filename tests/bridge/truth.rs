//! A problem stands until exactly that succeeds which failed, and it blames the side that it is about.

use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::messages::out_of_step::OutOfStep;
use vetbridge::simulator::exchange::Fault;

use crate::support::{Clinic, PRACTICE, minutes, practice, seconds};

/// 120 days, of which 14 are near.
fn large() -> Clinic {
    let mut clinic = Clinic::new();
    let sync = &mut clinic.config.sync;
    (sync.horizon_days, sync.near_days) = (60, 7);
    sync.availability_interval = Duration::from_secs(2);
    sync.far_availability_interval = Duration::from_secs(5);
    clinic
}

fn reasons(clinic: &Clinic) -> Vec<String> {
    clinic.practice().not_in_step(clinic.clock.now())
}

#[tokio::test(start_paused = true)]
async fn days_that_were_not_taken_are_a_problem_until_the_last_of_them_is() {
    let mut clinic = large();
    let mut faults = vec![Fault::RefusalBefore(502)];
    clinic
        .healthengine_faults
        .set(move |asked| if asked.target.ends_with("/availability/snapshots") { faults.pop() } else { None });
    clinic.start();
    let told = |clinic: &Clinic| clinic.problems().get("days").cloned().unwrap_or_default();
    clinic.until("no day arrived", seconds(5), |clinic| told(clinic).contains("120 days are not sent")).await;
    clinic.until("the near days arrived", seconds(5), |clinic| told(clinic).contains("106 days are not sent")).await;
    clinic
        .throughout("it is a problem", seconds(2), |clinic| {
            told(clinic).contains("POST availability/snapshots") && reasons(clinic) == [OutOfStep::NotTaken.to_string()]
        })
        .await;
    clinic.until("the problem is resolved", seconds(5), |clinic| clinic.problems().is_empty()).await;
    let last = clinic.healthengine.published(&practice(PRACTICE), "s211", crate::support::day("2027-04-15")).unwrap();
    assert!(last.is_some(), "the last day of the horizon");
    assert_eq!(reasons(&clinic), Vec::<String>::new());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_confirmation_is_not_cured_by_polls_that_are_accepted() {
    let clinic = Clinic::open().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/confirmInsert").then_some(Fault::RefusalBefore(403)));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    let told = |clinic: &Clinic| clinic.problems().get("access").cloned().unwrap_or_default();
    clinic
        .until("somebody hears of it", seconds(15), |clinic| {
            told(clinic).contains("(403, POST bookings/{id}/confirmInsert)")
        })
        .await;
    clinic.throughout("it stays so", minutes(4), |clinic| !told(clinic).is_empty()).await;
    assert_eq!(reasons(&clinic), [OutOfStep::NoAccess.to_string()]);
    let asked = clinic.journal.count("POST /", "/confirmInsert");
    assert_eq!(asked, 2, "once more after half a minute, then every five minutes");
    let of_another = clinic.owner_books("s211", "66:s211", "2027-02-16 10:00");
    clinic.healthengine_faults.heal();
    clinic.until_state(booking, State::Confirmed, minutes(2)).await;
    clinic.until_state(of_another, State::Confirmed, minutes(2)).await;
    clinic.until("the problem is resolved", seconds(10), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_refused_confirmation_holds_up_no_other_whose_pet_owner_waits() {
    let clinic = Clinic::open().await;
    let refused = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    let confirming = format!("/bookings/{refused}/confirmInsert");
    let is_it = confirming.clone();
    clinic.healthengine_faults.set(move |asked| asked.target.ends_with(&is_it).then_some(Fault::RefusalBefore(403)));
    clinic.until("it is refused", seconds(15), |clinic| clinic.problems().contains_key("access")).await;
    for start in ["2027-02-16 11:00", "2027-02-16 12:00"] {
        let other = clinic.owner_books("s136", "66:s136", start);
        clinic.until_state(other, State::Confirmed, seconds(8)).await;
    }
    assert_eq!(clinic.state(refused), Some(State::Inserted));
    assert!(clinic.journal.count("POST", &confirming) <= 2, "it is not asked for in a loop");
    clinic.healthengine_faults.heal();
    clinic.until_state(refused, State::Confirmed, minutes(6)).await;
    clinic.until("the problem is resolved", seconds(10), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_rejection_that_was_refused_until_it_was_late_is_given_again_and_the_problem_ends() {
    let mut clinic = Clinic::open().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/rejectInsert").then_some(Fault::RefusalBefore(403)));
    clinic.staff_book(136, "2027-02-16 10:00", 15);
    let booking = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 10:00");
    let is_told = |clinic: &Clinic| clinic.problems().contains_key("access");
    clinic.until("somebody hears of it", seconds(15), is_told).await;
    clinic.throughout("it stays so", minutes(1), is_told).await;
    clinic.healthengine_faults.heal();
    clinic.until("the problem is resolved", minutes(6), |clinic| clinic.problems().is_empty()).await;
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn refused_snapshots_and_a_refused_configuration_are_not_cured_by_polls_that_are_accepted() {
    for target in ["/availability/snapshots", "/config/pmsResources/snapshot"] {
        let clinic = Clinic::open().await;
        clinic
            .healthengine_faults
            .set(move |asked| asked.target.ends_with(target).then_some(Fault::RefusalBefore(403)));
        clinic.openvpms.staff(|world| world.schedules[0].name = "Renamed".into());
        clinic.staff_book(136, "2027-02-16 10:00", 15);
        let is_told = |clinic: &Clinic| {
            clinic.problems().get("access").is_some_and(|text| text.contains(&target[1..]) && text.contains("(403"))
        };
        clinic.until("somebody hears of it", minutes(11), is_told).await;
        clinic.throughout("it stays so", minutes(4), is_told).await;
        clinic.healthengine_faults.heal();
        clinic.until("the problem is resolved", minutes(6), |clinic| clinic.problems().is_empty()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn later_days_that_could_not_be_read_are_a_problem_although_the_near_ones_are() {
    let mut clinic = Clinic::new();
    clinic.config.sync.availability_interval = Duration::from_secs(2);
    let mut faults = vec![Fault::StatusBefore(500)];
    clinic
        .openvpms_faults
        .set(move |asked| if asked.target.contains("schedules/211/freebusy") { faults.pop() } else { None });
    clinic.start();
    let told = |clinic: &Clinic| clinic.problems().get("openvpms").cloned().unwrap_or_default();
    clinic.until("somebody hears of it", seconds(5), |clinic| told(clinic).contains("schedule 211")).await;
    clinic.throughout("it stays so", seconds(50), |clinic| told(clinic).contains("GET schedules/{id}/freebusy")).await;
    clinic.until("the problem is resolved", seconds(15), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_healthengine_refuses_is_never_blamed_on_openvpms() {
    for target in ["/config/livenessContract", "/availability/snapshots"] {
        let mut clinic = Clinic::new();
        clinic
            .healthengine_faults
            .set(move |asked| asked.target.ends_with(target).then_some(Fault::RefusalBefore(503)));
        clinic.start();
        clinic.pass(seconds(30)).await;
        clinic
            .throughout("only Healthengine is named", minutes(3), |clinic| {
                let named = [reasons(clinic), clinic.problems().into_values().collect()].concat();
                let blames = |text: &String| text.contains("OpenVPMS") || text.contains("VPN");
                !named.is_empty() && !named.iter().any(blames) && clinic.practice().last_done().read_at.is_some()
            })
            .await;
        clinic.healthengine_faults.heal();
        clinic.until_in_step().await;
        clinic.until("the problem is resolved", minutes(1), |clinic| clinic.problems().is_empty()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_was_done_when_survives_a_reload_and_what_the_store_knows_a_restart() {
    let mut clinic = Clinic::open().await;
    let before = clinic.practice().last_done();
    clinic.healthengine_faults.close_port();
    clinic.openvpms_faults.close_port();
    clinic.config.sync.min_notice = Duration::from_secs(60);
    clinic.reload();
    clinic.pass(seconds(1)).await;
    let after = clinic.practice().last_done();
    assert!(before.sent_at.is_some() && before.polled_at.is_some() && before.configured_at.is_some());
    assert_eq!((after.sent_at, after.configured_at), (before.sent_at, before.configured_at));
    assert!(after.polled_at >= before.polled_at && after.read_at >= before.read_at);
    clinic.stop().await;
    clinic.start();
    let after = clinic.practice().last_done();
    assert_eq!(after.sent_at, before.sent_at);
    assert!(after.configured_at.is_some());
    clinic.healthengine_faults.heal();
    clinic.openvpms_faults.heal();
    clinic.until_in_step().await;
    clinic.finish().await;
}
