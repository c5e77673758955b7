//! A list that suddenly shrank costs a clinic no links.

use std::collections::BTreeMap;

use vetbridge::availability::explanation::Code;
use vetbridge::booking::entry::State;
use vetbridge::ids::{LocationId, ScheduleId};
use vetbridge::practice::resync::Only;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::openvpms::ScheduleEntity;

use crate::support::{Clinic, PRACTICE, day, minutes, practice, seconds};

/// A clinic with five schedules: 136, 211, 1001, 1002, 1003.
async fn five_schedules() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.config.sync.config_interval = minutes(2);
    clinic.openvpms.staff(|world| {
        for number in 1..=3 {
            let room = ScheduleEntity {
                id: ScheduleId(1000 + number),
                name: format!("Room {number}"),
                location: LocationId(98),
                ..world.schedules[0].clone()
            };
            world.schedules.push(room);
        }
    });
    clinic.open_up().await;
    clinic
}

fn clear_flags(clinic: &Clinic, schedules: &[i64], online: bool) {
    clinic.openvpms.staff(|world| {
        for id in schedules {
            world.schedule_mut(ScheduleId(*id)).unwrap().online = online;
        }
    });
}

fn resources(clinic: &Clinic) -> usize {
    clinic.healthengine.resources(&practice(PRACTICE)).unwrap().len()
}

#[tokio::test(start_paused = true)]
async fn one_resource_gone_out_of_many_is_sent_at_once() {
    let clinic = five_schedules().await;
    clear_flags(&clinic, &[1003], false);
    clinic.until("it is gone", seconds(125), |clinic| resources(clinic) == 4).await;
    clinic.pass(seconds(1)).await;
    let problems = clinic.problems();
    assert!(problems.len() == 1 && problems["departed"].contains("(s1003)"), "{problems:?}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_fewer_than_half_is_held_back_until_three_readings_agree() {
    let clinic = five_schedules().await;
    clinic.journal.clear();
    clear_flags(&clinic, &[211, 1001, 1002, 1003], false);
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("resource_guard")).await;
    assert_eq!((resources(&clinic), clinic.journal.count("POST /config", "")), (5, 0));

    // Whatever asks for the lists gets the accepted ones again; for a day the accepted one.
    let before = clinic.healthengine.published(&practice(PRACTICE), "s1001", day("2027-02-16")).unwrap();
    clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
    clinic.healthengine.ask_appointment_types(&practice(PRACTICE)).unwrap();
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some("s1001")).unwrap();
    clinic.pass(seconds(8)).await;
    assert_eq!((resources(&clinic), clinic.journal.count("POST /config", "")), (5, 2));
    assert!(clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty());
    assert_eq!(clinic.healthengine.published(&practice(PRACTICE), "s1001", day("2027-02-16")).unwrap(), before);
    assert!(!before.unwrap().is_empty());

    clinic.until("the third reading is believed", minutes(5), |clinic| resources(clinic) == 1).await;
    clinic.pass(seconds(1)).await;
    assert_eq!(clinic.problems().keys().collect::<Vec<_>>(), ["departed"], "four left, and are named");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_that_comes_back_lost_nothing() {
    let clinic = five_schedules().await;
    clear_flags(&clinic, &[211, 1001, 1002, 1003], false);
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("resource_guard")).await;
    clear_flags(&clinic, &[211, 1001, 1002, 1003], true);
    clinic.until("the problem is resolved", seconds(125), |clinic| clinic.problems().is_empty()).await;
    assert_eq!(clinic.healthengine.lost_links(&practice(PRACTICE)).unwrap(), Vec::<String>::new());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_waits_for_a_person_also_over_a_restart() {
    let mut clinic = five_schedules().await;
    clear_flags(&clinic, &[136, 211, 1001, 1002, 1003], false);
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("resource_guard")).await;
    clinic.pass(minutes(20)).await;
    assert_eq!(resources(&clinic), 5);
    clinic.stop().await;
    clinic.start();
    clinic.pass(minutes(20)).await;
    assert_eq!(resources(&clinic), 5);
    assert!(clinic.problems()["resource_guard"].contains("resync"), "{:?}", clinic.problems());
    let done = clinic.practice().resync(Some(Only::Config), false, &|_| {}).await;
    assert_eq!((done.problem, resources(&clinic)), (None, 0));
    assert_eq!(done.configuration.unwrap().lost.len(), 5);
    clinic.pass(seconds(1)).await;
    assert_eq!(clinic.problems().keys().collect::<Vec<_>>(), ["departed"], "what was lost is named");
    clinic.practice().resync(Some(Only::Config), false, &|_| {}).await;
    assert_eq!(clinic.problems(), Default::default());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_first_list_after_the_store_was_lost_is_measured_by_what_healthengine_has() {
    let mut clinic = five_schedules().await;
    clinic.stop().await;
    clinic.lose_the_store();
    // A server that is still loading, at the first start of a store that knows nothing.
    clear_flags(&clinic, &[211, 1001, 1002, 1003], false);
    clinic.start();
    clinic.until("it is flagged", seconds(30), |clinic| clinic.problems().contains_key("resource_guard")).await;
    assert_eq!(resources(&clinic), 5);
    clear_flags(&clinic, &[211, 1001, 1002, 1003], true);
    clinic.until("the problem is resolved", seconds(125), |clinic| clinic.problems().is_empty()).await;
    assert_eq!(clinic.healthengine.lost_links(&practice(PRACTICE)).unwrap(), Vec::<String>::new());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn where_healthengine_does_not_say_what_it_has_a_first_list_waits() {
    let mut clinic = Clinic::new();
    clinic.healthengine_faults.set(|asked| {
        let is_question = asked.method == "GET" && asked.target.ends_with("/config/pmsResources");
        is_question.then_some(Fault::StatusBefore(502))
    });
    clinic.start();
    clinic.pass(minutes(2)).await;
    assert_eq!(clinic.journal.count("POST /config/pms", ""), 0);
    assert!(clinic.problems()["configuration"].contains("Healthengine"), "{:?}", clinic.problems());
    // A dry run insists on nothing, and a person may.
    let tried = clinic.practice().resync(Some(Only::Config), true, &|_| {}).await;
    assert!(tried.problem.is_some_and(|problem| problem.contains("502")));
    let done = clinic.practice().resync(Some(Only::Config), false, &|_| {}).await;
    assert_eq!((done.problem, resources(&clinic)), (None, 2));
    clinic.healthengine_faults.heal();
    clinic.until("it is well", minutes(2), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn types_are_guarded_like_resources() {
    let clinic = five_schedules().await;
    clinic.openvpms.staff(|world| world.appointment_types.iter_mut().for_each(|kind| kind.online = kind.id.0 == 66));
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("type_guard")).await;
    let types = |clinic: &Clinic| clinic.healthengine.appointment_types(&practice(PRACTICE)).unwrap().len();
    assert_eq!(types(&clinic), 20);
    clinic.until("the third reading is believed", minutes(5), |clinic| types(clinic) == 5).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn nothing_is_sent_for_the_days_of_schedules_whose_types_are_held_back() {
    let clinic = five_schedules().await;
    let bare = [1001, 1002, 1003];
    let types = |clinic: &Clinic| {
        clinic
            .openvpms
            .staff(|world| bare.map(|id| std::mem::take(&mut world.schedule_mut(ScheduleId(id)).unwrap().types)))
    };
    let days = [day("2027-02-15"), day("2027-02-16"), day("2027-02-26")];
    let published = |clinic: &Clinic| {
        let of = |id: i64| {
            days.map(|day| clinic.healthengine.published(&practice(PRACTICE), &format!("s{id}"), day).unwrap())
        };
        bare.map(of)
    };
    let before = published(&clinic);
    assert!(before.iter().flatten().all(|ranges| ranges.as_ref().is_some_and(|ranges| !ranges.is_empty())));
    let lost = types(&clinic);
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("type_guard")).await;
    clinic.journal.clear();

    // Every way on which a day is sent: a change, a question for it, a question for all, a resync,
    // the regular readings.
    clinic.staff_book(1001, "2027-02-16 10:00", 15);
    clinic.healthengine.ask_availability(&practice(PRACTICE), days[1], Some("s1001")).unwrap();
    clinic.healthengine.ask_availability(&practice(PRACTICE), days[2], None).unwrap();
    clinic.pass(seconds(20)).await;
    assert!(
        clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty(),
        "they get the accepted days again"
    );
    // A person looks at what a release would bring: nothing is released by that.
    let would = clinic.practice().resync(Some(Only::Config), true, &|_| {}).await;
    assert!(would.problem.is_none() && would.configuration.is_some_and(|changes| changes.held_back.is_empty()));
    let done = clinic.practice().resync(Some(Only::Availability), false, &|_| {}).await;
    assert_eq!(done.problem, None);
    clinic.healthengine.ask_availability(&practice(PRACTICE), days[1], Some("s1002")).unwrap();
    clinic.pass(seconds(70)).await;
    assert!(clinic.problems().contains_key("type_guard"), "it still holds");
    // Whoever misses a time of it is told so.
    let explained = clinic.practice().explain("s1001".parse().unwrap(), days[1], None).await.unwrap();
    assert!(explained.slots.iter().all(|slot| slot.code == Code::HeldBack), "{:?}", explained.slots);
    assert_eq!(published(&clinic), before);

    clinic.openvpms.staff(|world| {
        for (id, types) in bare.into_iter().zip(lost) {
            world.schedule_mut(ScheduleId(id)).unwrap().types = types;
        }
    });
    clinic.until("the problem is resolved", seconds(125), |clinic| clinic.problems().is_empty()).await;
    clinic.pass(seconds(65)).await;
    assert!(!clinic.published("s1001", "66:s1001", "2027-02-16 10:00"), "what staff wrote meanwhile is closed");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_of_what_the_guard_holds_is_rejected_with_the_true_cause() {
    let clinic = five_schedules().await;
    let rejected = async |resource: &str, kind: &str, start: &str, what: &str| {
        let booking = clinic.owner_books(resource, kind, start);
        clinic.until_state(booking, State::Rejected, seconds(20)).await;
        let entry = clinic.entry(booking);
        let problems = clinic.problems();
        let problem = problems.values().find(|text| text.contains(&booking.to_string())).expect("a problem");
        let reason = entry.history.last().unwrap().reason.to_string();
        for text in [problem, &reason] {
            assert!(text.contains("stopped offering") && !text.contains("Practice Admin"), "{text}");
        }
        for part in [what, "Look in OpenVPMS", "resync --practice", "If it is meant"] {
            assert!(problem.contains(part), "{part}: {problem}");
        }
    };
    let flags = |clinic: &Clinic, flags: &dyn Fn(i64) -> bool| {
        clinic.openvpms.staff(|world| {
            let all = world.appointment_types.iter_mut();
            let before: Vec<(i64, bool)> =
                all.map(|kind| (kind.id.0, std::mem::replace(&mut kind.online, flags(kind.id.0)))).collect();
            before
        })
    };
    let before: BTreeMap<i64, bool> = flags(&clinic, &|id| id == 66).into_iter().collect();
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("type_guard")).await;
    rejected("s1001", "63:s1001", "2027-02-16 10:00", "63:s1001").await;
    flags(&clinic, &|id| before[&id]);
    clinic.until("the types are back", seconds(125), |clinic| !clinic.problems().contains_key("type_guard")).await;
    clear_flags(&clinic, &[211, 1001, 1002, 1003], false);
    clinic.until("it is flagged", seconds(125), |clinic| clinic.problems().contains_key("resource_guard")).await;
    rejected("s1001", "66:s1001", "2027-02-16 11:00", "resource s1001").await;
    clear_flags(&clinic, &[211, 1001, 1002, 1003], true);
    clinic.until("they are back", seconds(125), |clinic| !clinic.problems().contains_key("resource_guard")).await;
    clinic.pass(seconds(65)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_list_of_types_that_arrives_after_a_later_one_does_not_stay() {
    let clinic = five_schedules().await;
    let types = |clinic: &Clinic| clinic.healthengine.appointment_types(&practice(PRACTICE)).unwrap().len();
    let lost = clinic.openvpms.staff(|world| world.schedule_mut(ScheduleId(1001)).unwrap().types.pop()).unwrap();
    clinic
        .healthengine_faults
        .set(|asked| asked.target.contains("pmsAppointmentTypes").then_some(Fault::CarryOutLate(seconds(40))));
    // Its list leaves within the interval, and is given up after ten seconds.
    clinic.pass(seconds(122)).await;
    clinic.healthengine_faults.heal();
    clinic.openvpms.staff(|world| world.schedule_mut(ScheduleId(1001)).unwrap().types.push(lost));
    clinic.until("the older list arrives", seconds(60), |clinic| types(clinic) == 19).await;
    clinic.until("the present one is sent once more", seconds(60), |clinic| types(clinic) == 20).await;
    clinic.finish().await;
}
