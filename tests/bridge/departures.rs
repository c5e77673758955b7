//! What leaves Healthengine, and what is offered and can never be booked: both are said, with their names.

use chrono::NaiveTime;
use vetbridge::booking::entry::State;
use vetbridge::ids::{LocationId, ScheduleId};
use vetbridge::practice::resync::Only;
use vetbridge::simulator::openvpms::Hours;

use crate::support::{Clinic, PRACTICE, minutes, practice, seconds};

fn told(clinic: &Clinic, subject: &str) -> String {
    clinic.problems().get(subject).cloned().unwrap_or_default()
}

fn has(clinic: &Clinic, resource: &str) -> bool {
    let resources = clinic.healthengine.resources(&practice(PRACTICE)).unwrap();
    resources.iter().any(|own| own.id == resource)
}

fn is_logged(clinic: &Clinic, text: &str) -> bool {
    !clinic.log.with(text).is_empty()
}

fn move_schedule(clinic: &Clinic, location: i64) {
    clinic.openvpms.staff(|world| world.schedule_mut(ScheduleId(211)).unwrap().location = LocationId(location));
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_is_moved_away_is_named_with_what_is_lost_and_again_when_it_is_back() {
    let mut clinic = Clinic::open().await;
    let booking = clinic.owner_books("s211", "66:s211", "2027-02-16 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    move_schedule(&clinic, 106);
    let would = clinic.practice().resync(Some(Only::Config), true, &|_| {}).await.to_string();
    for part in ["deleted: Resource", "(s211)", "link that staff made", "1 upcoming booking"] {
        assert!(would.contains(part), "{part}: {would}");
    }
    assert!(has(&clinic, "s211") && told(&clinic, "departed").is_empty(), "a dry run");
    clinic.until("it left", minutes(11), |clinic| !has(clinic, "s211")).await;
    for part in ["(s211)", "link that staff made", "1 upcoming booking", "days on which times", "`locations`"] {
        clinic.until(part, seconds(2), |clinic| told(clinic, "departed").contains(part)).await;
        assert!(part == "`locations`" || is_logged(&clinic, part), "{part}");
    }
    // It is no secret after a restart either.
    clinic.stop().await;
    clinic.start();
    clinic.until("it is told", minutes(1), |clinic| told(clinic, "departed").contains("(s211)")).await;
    move_schedule(&clinic, 98);
    clinic.until("it is back", minutes(11), |clinic| has(clinic, "s211")).await;
    clinic.until("the problem is resolved", seconds(5), |clinic| clinic.problems().is_empty()).await;
    assert!(is_logged(&clinic, "must be linked again"));
    clinic.healthengine.link_everything(&practice(PRACTICE)).unwrap();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_left_is_shown_for_a_day_or_until_a_person_says_that_it_is_meant() {
    for says_so in [false, true] {
        let clinic = Clinic::open().await;
        clinic.openvpms.staff(|world| world.schedule_mut(ScheduleId(211)).unwrap().online = false);
        clinic.until("it is told", minutes(11), |clinic| told(clinic, "departed").contains("(s211)")).await;
        if says_so {
            clinic.practice().resync(Some(Only::Config), false, &|_| {}).await;
        } else {
            clinic.throughout("it is told", minutes(23 * 60), |clinic| !told(clinic, "departed").is_empty()).await;
            clinic.pass(minutes(75)).await;
        }
        assert_eq!(told(&clinic, "departed"), "");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn what_leaves_with_a_persons_own_resync_is_shown_to_them_and_in_the_status_until_they_say_that_it_is_meant() {
    let clinic = Clinic::open().await;
    move_schedule(&clinic, 106);
    let resync = async || clinic.practice().resync(Some(Only::Config), false, &|_| {}).await.to_string();
    let output = resync().await;
    assert!(!has(&clinic, "s211"));
    for part in ["deleted: Resource", "(s211)", "link that staff made"] {
        assert!(output.contains(part), "{part}: {output}");
    }
    clinic.pass(minutes(25)).await;
    assert!(told(&clinic, "departed").contains("(s211)"), "{:?}", clinic.problems());
    let warnings = clinic.log.with("deleted at Healthengine");
    assert_eq!(
        warnings.iter().filter(|line| line.contains("(s211)") && line.contains("WARN")).count(),
        1,
        "{warnings:?}"
    );
    resync().await;
    assert_eq!(told(&clinic, "departed"), "");
    // That it was meant does not bring its links back.
    move_schedule(&clinic, 98);
    clinic.until("it is back", minutes(11), |clinic| has(clinic, "s211")).await;
    assert!(is_logged(&clinic, "must be linked again"));
    clinic.healthengine.link_everything(&practice(PRACTICE)).unwrap();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_closes_at_midnight_and_so_is_never_open_is_told_with_the_cause() {
    let clinic = Clinic::open().await;
    assert_eq!(told(&clinic, "never_open"), "");
    let close_at = |end: Option<NaiveTime>| {
        clinic.openvpms.staff(|world| {
            let schedule = world.schedule_mut(ScheduleId(136)).unwrap();
            schedule.times = None;
            schedule.hours = Hours { start: NaiveTime::from_hms_opt(9, 0, 0), end };
        });
    };
    // 24:00, as OpenVPMS keeps it.
    close_at(Some(NaiveTime::MIN));
    clinic.until("it is told", minutes(16), |clinic| told(clinic, "never_open").contains("Schedule 136")).await;
    let text = told(&clinic, "never_open");
    assert!(text.contains("no open time in the next 14 days") && text.contains("closes at 24:00"), "{text}");
    assert!(!text.contains("211"), "{text}");
    close_at(NaiveTime::from_hms_opt(17, 0, 0));
    clinic.until("the problem is resolved", minutes(2), |clinic| clinic.problems().is_empty()).await;
    // The later days follow.
    clinic.pass(minutes(16)).await;
    clinic.finish().await;
}
