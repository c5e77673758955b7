//! Practices that are switched off, on, replaced and changed while the bridge runs.

use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::bridge::off::Off;
use vetbridge::bridge::runner::RunState;
use vetbridge::config::{Config, WhenDown};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{LateReject, MarketplaceStatus, NewPractice};

use crate::start::SET_UP;
use crate::support::{BRANCH, Clinic, PRACTICE, day, minutes, practice, seconds, sydney, wish};

pub(crate) fn standing(clinic: &Clinic, id: &str) -> Option<RunState> {
    let off = clinic.bridge().off().into_iter().find(|(own, _)| own.id().0 == id).map(|(_, standing)| standing);
    off.or_else(|| clinic.bridge().practice(&practice(id)).map(|_| RunState::On))
}

/// Waits until nothing is sent for a practice any more, and holds the marketplace to that.
pub(crate) async fn until_silent(clinic: &Clinic, id: &str, off: Off) {
    let silent = |clinic: &Clinic| standing(clinic, id) == Some(RunState::Silent(off));
    clinic.until(&format!("{id} is silent"), minutes(4), silent).await;
    // The last days wait in the marketplace's queue.
    clinic.pass(seconds(1)).await;
    clinic.healthengine.expect_silence(&practice(id)).unwrap();
}

/// How many starts a practice offers on the days to come.
pub(crate) fn offers(clinic: &Clinic, id: &str) -> usize {
    let resources = clinic.healthengine.resources(&practice(id)).unwrap();
    let days: Vec<_> = day("2027-02-15").iter_days().take(14).collect();
    let of = |resource: &str| -> usize {
        let offered = |day| clinic.healthengine.offered(&practice(id), resource, day).unwrap().len();
        days.iter().map(|day| offered(*day)).sum()
    };
    resources.iter().map(|resource| of(&resource.id)).sum()
}

pub(crate) fn block<'a>(config: &'a mut Config, id: &str) -> &'a mut vetbridge::config::PracticeSettings {
    config.practices.iter_mut().find(|own| own.id.0 == id).unwrap()
}

/// What was sent to Healthengine for a practice since so many calls.
pub(crate) fn told_since(clinic: &Clinic, id: &str, calls: usize) -> Vec<String> {
    let all = clinic.journal.calls().into_iter().skip(calls);
    all.filter(|call| call.practice.as_ref().is_some_and(|own| own.0 == id)).map(|call| call.what).collect()
}

#[tokio::test(start_paused = true)]
async fn a_disabled_practice_is_emptied_once_and_then_silent_while_the_other_goes_on() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    assert!(offers(&clinic, PRACTICE) > 0 && offers(&clinic, BRANCH) > 0);
    let calls = clinic.journal.calls().len();
    block(&mut clinic.config, BRANCH).enabled = false;
    clinic.reload();
    until_silent(&clinic, BRANCH, Off::Disabled).await;
    assert_eq!(offers(&clinic, BRANCH), 0);
    let told = told_since(&clinic, BRANCH, calls);
    assert_eq!(told.iter().filter(|what| what.contains("/availability/")).count(), 1, "{told:?}");
    // The other practice heard nothing of it.
    let other = told_since(&clinic, PRACTICE, calls);
    assert!(other.iter().all(|what| what == "GET /requests"), "{other:?}");
    clinic.staff_book(311, "2027-02-16 10:00", 30);
    clinic.pass(minutes(120)).await;
    assert_eq!(told_since(&clinic, BRANCH, calls).len(), told.len(), "nothing is sent any more");
    clinic.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn enabling_again_sends_contract_resources_types_and_all_days_and_then_asks_for_requests() {
    let mut clinic = Clinic::open().await;
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.reload();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    clinic.pass(minutes(60)).await;
    clinic.healthengine.expect_calls(&practice(PRACTICE)).unwrap();
    let calls = clinic.journal.calls().len();
    block(&mut clinic.config, PRACTICE).enabled = true;
    clinic.reload();
    clinic.until_in_step().await;
    let told = told_since(&clinic, PRACTICE, calls);
    assert_eq!(told[..SET_UP.len()], SET_UP);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_was_disabled_while_the_process_was_stopped_is_emptied_at_the_next_start() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    assert!(offers(&clinic, PRACTICE) > 0, "a stop empties nothing");
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.start();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(offers(&clinic, PRACTICE), 0);
    // And at the start after that nothing is left to do.
    clinic.stop().await;
    let calls = clinic.journal.calls().len();
    clinic.start();
    clinic.pass(minutes(5)).await;
    assert_eq!(clinic.journal.calls().len(), calls);
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::Silent(Off::Disabled)));
    clinic.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_was_removed_while_the_process_was_stopped_is_named_with_what_to_do() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.stop().await;
    let branch = clinic.config.practices.pop().unwrap();
    clinic.start();
    clinic.pass(seconds(5)).await;
    let problems = clinic.bridge().health().problems();
    assert!(
        problems.iter().any(|own| own.text.contains(BRANCH) && own.text.contains("enabled = false")),
        "{problems:?}"
    );
    assert!(offers(&clinic, BRANCH) > 0, "its key is gone");
    // Put back for one start, or for one reload.
    clinic.config.practices.push(branch);
    block(&mut clinic.config, BRANCH).enabled = false;
    clinic.reload();
    until_silent(&clinic, BRANCH, Off::Disabled).await;
    assert_eq!(clinic.bridge().health().problems(), []);
    clinic.config.practices.pop();
    clinic.reload();
    clinic.pass(seconds(5)).await;
    assert_eq!((standing(&clinic, BRANCH), clinic.bridge().health().problems()), (None, Vec::new()));
    assert_eq!(offers(&clinic, BRANCH), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_id_that_is_replaced_is_emptied_and_the_next_one_set_up() {
    let mut clinic = Clinic::open().await;
    clinic.healthengine.add_practice(NewPractice::new("2222222", "another key", sydney()));
    let own = block(&mut clinic.config, PRACTICE);
    (own.id.0, own.key) = ("2222222".into(), "another key".into());
    clinic.reload();
    clinic.until("the former one is gone", minutes(2), |clinic| standing(clinic, PRACTICE).is_none()).await;
    clinic.healthengine.expect_silence(&practice(PRACTICE)).unwrap();
    clinic.until_in_step().await;
    clinic.pass(minutes(30)).await;
    assert_eq!((offers(&clinic, PRACTICE), standing(&clinic, "2222222")), (0, Some(RunState::On)));
    assert!(offers(&clinic, "2222222") > 0);
    let liveness = clinic.healthengine.liveness_contract(&practice("2222222")).unwrap();
    assert!(liveness.is_some());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn everything_to_a_replaced_practice_stops_when_its_consent_is_gone() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.healthengine.revoke_consent(&practice(BRANCH)).unwrap();
    clinic.config.practices.pop();
    let calls = clinic.journal.calls().len();
    clinic.reload();
    clinic.until("it is gone", minutes(1), |clinic| standing(clinic, BRANCH).is_none()).await;
    assert!(told_since(&clinic, BRANCH, calls).len() <= 2);
    clinic.healthengine.expect_silence(&practice(BRANCH)).unwrap();
    clinic.pass(minutes(30)).await;
    assert!(clinic.bridge().health().problems().is_empty());
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_survives_restarts_and_its_end_sends_everything_again() {
    let mut clinic = Clinic::open().await;
    clinic.bridge().set_paused(&practice(PRACTICE), true).await.unwrap().unwrap();
    until_silent(&clinic, PRACTICE, Off::Paused).await;
    clinic.stop().await;
    clinic.start();
    clinic.pass(minutes(10)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::Silent(Off::Paused)));
    // A reload does not end it.
    clinic.reload();
    clinic.pass(minutes(1)).await;
    assert_eq!((standing(&clinic, PRACTICE), offers(&clinic, PRACTICE)), (Some(RunState::Silent(Off::Paused)), 0));
    clinic.healthengine.expect_calls(&practice(PRACTICE)).unwrap();
    clinic.bridge().set_paused(&practice(PRACTICE), false).await.unwrap().unwrap();
    clinic.until_in_step().await;
    assert!(clinic.offers("s136", "66:s136", "2027-02-15 10:00"));
    assert!(clinic.bridge().set_paused(&practice("7"), true).await.unwrap().is_none(), "nobody configured it");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_whose_answer_was_lost_is_settled_before_the_practice_is_silent() {
    let mut clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::LoseAnswer]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_submitting(booking).await;
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.reload();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    clinic.appointment_of(booking);
    assert_eq!((clinic.state(booking), clinic.status(booking)), (Some(State::InDoubt), MarketplaceStatus::Confirmed));
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_booked_while_the_days_are_being_emptied_is_made() {
    let mut clinic = Clinic::open().await;
    block(&mut clinic.config, PRACTICE).enabled = false;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.reload();
    // On the page of another pet owner the time still stands.
    clinic.until("days are empty", minutes(1), |clinic| offers(clinic, PRACTICE) == 0).await;
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    clinic.appointment_of(booking);
    assert_eq!(clinic.state(booking), Some(State::Confirmed));
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_held_booking_of_a_practice_that_is_switched_off_is_rejected_and_flagged_for_a_person() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    clinic.openvpms_faults.set(|_| Some(Fault::Refuse));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.pass(minutes(2)).await;
    assert_eq!(clinic.state(booking), Some(State::Received));
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.reload();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(clinic.state(booking), Some(State::Rejected));
    assert!(clinic.entry(booking).needs_attention.is_some(), "the pet owner was told yes");
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_has_left_with_a_booking_that_a_person_was_told_of_is_silent_after_a_restart_too() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    // It refuses rejections that come too late, and lists their bookings for ever.
    clinic.healthengine.configure(|settings| settings.late_reject = LateReject::Refuse);
    clinic.openvpms_faults.set(|_| Some(Fault::Refuse));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.pass(minutes(2)).await;
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.reload();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    let entry = clinic.entry(booking);
    assert!(entry.is_open() && entry.needs_attention.is_some(), "{entry:?}");
    clinic.stop().await;
    let calls = clinic.journal.calls().len();
    clinic.start();
    clinic.pass(minutes(5)).await;
    assert_eq!(told_since(&clinic, PRACTICE, calls), Vec::<String>::new());
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_farewell_waits_for_a_marketplace_that_is_away_and_survives_a_restart() {
    let mut clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|_| Some(Fault::Refuse));
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.reload();
    clinic.pass(minutes(10)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::Leaving(Off::Disabled)));
    clinic.pull_the_plug().await;
    clinic.start();
    clinic.pass(minutes(10)).await;
    assert!(offers(&clinic, PRACTICE) > 0);
    clinic.healthengine_faults.heal();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_is_not_silent_before_a_day_that_healthengine_refuses_for_a_while_is_empty() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    let bad_day = day("2027-02-17");
    clinic.healthengine.configure(|settings| settings.refused_day = Some(("s311".to_owned(), bad_day)));
    let calls = clinic.journal.calls().len();
    block(&mut clinic.config, BRANCH).enabled = false;
    clinic.reload();
    clinic.pass(minutes(5)).await;
    assert_eq!(standing(&clinic, BRANCH), Some(RunState::Leaving(Off::Disabled)));
    let told = told_since(&clinic, BRANCH, calls);
    let tries = told.iter().filter(|what| what.contains("/availability/")).count();
    assert!((5..40).contains(&tries), "{tries} in five minutes: it is tried again, with growing pauses");
    clinic.healthengine.configure(|settings| settings.refused_day = None);
    until_silent(&clinic, BRANCH, Off::Disabled).await;
    assert_eq!(offers(&clinic, BRANCH), 0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn switched_on_again_in_the_middle_of_a_farewell_everything_is_offered_again() {
    let mut clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|_| Some(Fault::LoseAnswer));
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.reload();
    clinic.pass(seconds(40)).await;
    clinic.healthengine_faults.heal();
    block(&mut clinic.config, PRACTICE).enabled = true;
    clinic.reload();
    clinic.until_in_step().await;
    clinic.pass(minutes(2)).await;
    assert!(clinic.offers("s136", "66:s136", "2027-02-15 10:00"));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn changed_live_hours_resources_and_settings_take_effect_at_once() {
    let mut clinic = Clinic::open().await;
    let before = clinic.healthengine.liveness_contract(&practice(PRACTICE)).unwrap();
    let own = block(&mut clinic.config, PRACTICE);
    own.live_hours = Clinic::with_branch().config.practices[1].live_hours.clone();
    own.resources = vec![vetbridge::config::ResourceEntry {
        schedule: vetbridge::ids::ScheduleId(211),
        user: None,
        name: Some("Theatre".into()),
    }];
    clinic.config.sync.horizon_days = 5;
    clinic.reload();
    let names = |clinic: &Clinic| -> Vec<String> {
        clinic.healthengine.resources(&practice(PRACTICE)).unwrap().into_iter().map(|own| own.name).collect()
    };
    clinic.until("the resources are sent", seconds(10), |clinic| names(clinic) == ["Theatre"]).await;
    assert_ne!(clinic.healthengine.liveness_contract(&practice(PRACTICE)).unwrap(), before);
    let offered = |day: &str| clinic.healthengine.offered(&practice(PRACTICE), "s211", day.parse().unwrap()).unwrap();
    clinic.pass(seconds(5)).await;
    assert!(!offered("2027-02-19").is_empty());
    clinic.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_reload_in_the_middle_of_a_booking_neither_loses_nor_repeats_it() {
    for delay in [0, 3, 6, 9, 12, 15, 18, 21, 30, 60] {
        let mut clinic = Clinic::open().await;
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
        clinic.pass(Duration::from_millis(delay)).await;
        clinic.config.sync.near_days = 2;
        clinic.reload();
        clinic.until_state(booking, State::Confirmed, minutes(1)).await;
        clinic.appointment_of(booking);
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_configuration_that_is_read_again_before_the_bridge_has_begun_counts() {
    let mut clinic = Clinic::new();
    clinic.config.sync.horizon_days = 3;
    clinic.start();
    clinic.config.sync.horizon_days = 5;
    clinic.reload();
    clinic.until_in_step().await;
    assert!(clinic.published("s136", "66:s136", "2027-02-19 10:00"), "the fifth day");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_changed_key_sends_the_configuration_again_and_a_reload_without_changes_sends_nothing() {
    let mut clinic = Clinic::open().await;
    let calls = clinic.journal.calls().len();
    clinic.reload();
    clinic.pass(seconds(4)).await;
    let told = told_since(&clinic, PRACTICE, calls);
    assert!(told.iter().all(|what| what == "GET /requests"), "{told:?}");
    clinic.healthengine.replace_key(&practice(PRACTICE), "the next key").unwrap();
    block(&mut clinic.config, PRACTICE).key = "the next key".into();
    let calls = clinic.journal.calls().len();
    clinic.reload();
    clinic.pass(seconds(10)).await;
    let told = told_since(&clinic, PRACTICE, calls);
    for what in ["POST /config/livenessContract", "POST /config/pmsResources/snapshot"] {
        assert!(told.iter().any(|own| own == what), "{told:?}");
    }
    let wished = clinic.try_to_book(wish("s136", "66:s136", "2027-02-15 10:00")).unwrap();
    clinic.until_state(wished, State::Confirmed, seconds(20)).await;
    clinic.finish().await;
}
