//! Practices that are switched while something else goes wrong, or twice before anybody looked.

use std::sync::Arc;
use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::bridge::off::Off;
use vetbridge::bridge::runner::RunState;
use vetbridge::config::{ResourceEntry, WhenDown};
use vetbridge::ids::{LocationId, ScheduleId};
use vetbridge::server::view;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault};
use vetbridge::simulator::healthengine::MarketplaceStatus;
use vetbridge::simulator::openvpms::ScheduleEntity;

use crate::lifecycle::{block, offers, standing, told_since, until_silent};
use crate::support::{BRANCH, Clinic, Fuse, PRACTICE, day, minutes, practice, seconds};

fn switch(clinic: &mut Clinic, id: &str, enabled: bool) {
    block(&mut clinic.config, id).enabled = enabled;
    clinic.reload();
}

/// Five schedules, of which OpenVPMS then lists the first only.
async fn held_back_by_the_guard() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.openvpms.staff(|world| {
        for number in 1..=3 {
            let (id, name) = (ScheduleId(1000 + number), format!("Room {number}"));
            let room = ScheduleEntity { id, name, location: LocationId(98), ..world.schedules[0].clone() };
            world.schedules.push(room);
        }
    });
    clinic.open_up().await;
    clinic.openvpms.staff(|world| {
        for id in [211, 1001, 1002, 1003] {
            world.schedule_mut(ScheduleId(id)).unwrap().online = false;
        }
    });
    clinic.until("it is held back", minutes(11), |clinic| clinic.problems().contains_key("resource_guard")).await;
    clinic
}

fn is_published(clinic: &Clinic, id: &str, resource: &str, on: &str) -> bool {
    clinic.healthengine.published(&practice(id), resource, day(on)).unwrap().is_some_and(|ranges| !ranges.is_empty())
}

fn slow(part: &'static str, by: Duration) -> impl Fn(&ArrivedRequest) -> Option<Fault> {
    move |asked| asked.target.contains(part).then_some(Fault::Slow(by))
}

#[tokio::test(start_paused = true)]
async fn switched_off_and_on_before_anybody_looked_it_never_left() {
    let mut clinic = Clinic::open().await;
    let calls = clinic.journal.calls().len();
    switch(&mut clinic, PRACTICE, false);
    switch(&mut clinic, PRACTICE, true);
    clinic.pass(seconds(30)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::On));
    let told = told_since(&clinic, PRACTICE, calls);
    let only_looks = |what: &String| ["GET /requests", "GET /subscription"].contains(&what.as_str());
    assert!(told.iter().all(only_looks), "{told:?}");
    let removed = clinic.config.practices.pop().unwrap();
    clinic.reload();
    clinic.config.practices.push(removed);
    clinic.reload();
    clinic.pass(seconds(30)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::On));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_last_of_many_switches_counts() {
    for pause in [0, 1, 4, 11, 30, 200] {
        for last in [true, false] {
            let mut clinic = Clinic::open().await;
            for round in 0..9 {
                switch(&mut clinic, PRACTICE, round % 2 == 1);
                clinic.pass(Duration::from_millis(pause)).await;
                clinic.bridge().set_paused(&practice(PRACTICE), round % 3 == 0).await.unwrap();
                clinic.pass(Duration::from_millis(pause)).await;
            }
            clinic.bridge().set_paused(&practice(PRACTICE), false).await.unwrap();
            switch(&mut clinic, PRACTICE, last);
            if last {
                let on = |clinic: &Clinic| standing(clinic, PRACTICE) == Some(RunState::On);
                clinic.until("it is on", minutes(2), on).await;
                clinic.until_in_step().await;
                clinic.finish().await;
            } else {
                until_silent(&clinic, PRACTICE, Off::Disabled).await;
                assert_eq!(offers(&clinic, PRACTICE), 0);
                clinic.stop().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn days_that_the_guard_protects_are_emptied_too_when_it_is_switched_off() {
    let mut clinic = held_back_by_the_guard().await;
    // The days of the one that is left are read and sent before the features are.
    clinic.healthengine_faults.set(slow("/features", seconds(5)));
    clinic.config.sync.near_days = 2;
    clinic.reload();
    clinic.pass(seconds(3)).await;
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some("s1001")).unwrap();
    clinic.pass(seconds(20)).await;
    assert!(is_published(&clinic, PRACTICE, "s1001", "2027-02-16"), "it is protected");
    assert_eq!(clinic.healthengine.resources(&practice(PRACTICE)).unwrap().len(), 5);
    clinic.healthengine_faults.heal();
    switch(&mut clinic, PRACTICE, false);
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_protected_day_that_arrives_late_is_not_offered_after_the_farewell() {
    let mut clinic = held_back_by_the_guard().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.contains("/availability/snapshots").then_some(Fault::CarryOutLate(seconds(40))));
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some("s1001")).unwrap();
    clinic.pass(seconds(7)).await;
    clinic.healthengine_faults.heal();
    switch(&mut clinic, PRACTICE, false);
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    clinic.pass(minutes(2)).await;
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn no_day_that_arrives_late_is_offered_after_the_farewell() {
    for late in [5, 20, 40, 55] {
        let mut clinic = Clinic::open().await;
        clinic
            .healthengine_faults
            .set(move |asked| asked.target.contains("/availability/").then_some(Fault::CarryOutLate(seconds(late))));
        clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), None).unwrap();
        clinic.pass(seconds(7)).await;
        clinic.healthengine_faults.heal();
        clinic.healthengine.configure(|settings| settings.strict_queue = false);
        switch(&mut clinic, PRACTICE, false);
        until_silent(&clinic, PRACTICE, Off::Disabled).await;
        clinic.pass(minutes(2)).await;
        assert_eq!(offers(&clinic, PRACTICE), 0);
        clinic.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_resource_that_healthengine_would_not_let_go_is_emptied_with_the_others() {
    let mut clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|asked| asked.target.contains("/config/").then_some(Fault::StatusBefore(500)));
    block(&mut clinic.config, PRACTICE).resources =
        vec![ResourceEntry { schedule: ScheduleId(211), user: None, name: None }];
    clinic.reload();
    clinic.pass(minutes(3)).await;
    switch(&mut clinic, PRACTICE, false);
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert!(!is_published(&clinic, PRACTICE, "s136", "2027-02-16"));
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn days_beyond_a_nearer_horizon_are_emptied() {
    let mut clinic = Clinic::open().await;
    assert!(is_published(&clinic, PRACTICE, "s136", "2027-02-26"));
    clinic.config.sync.horizon_days = 5;
    clinic.reload();
    clinic.pass(minutes(2)).await;
    assert!(is_published(&clinic, PRACTICE, "s136", "2027-02-19"));
    assert!(!is_published(&clinic, PRACTICE, "s136", "2027-02-26"), "it is not kept up to date any more");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_by_staff_that_healthengine_does_not_take_is_left_to_a_person() {
    let mut clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    clinic.healthengine_faults.set(|asked| asked.target.ends_with("/cancel").then_some(Fault::StatusBefore(500)));
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.until_state(booking, State::Cancelled, minutes(3)).await;
    switch(&mut clinic, PRACTICE, false);
    clinic.pass(minutes(1)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::Leaving(Off::Disabled)), "it may yet be taken");
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    assert!(clinic.entry(booking).needs_attention.is_some(), "the pet owner was not told");
    let status = view::status(clinic.bridge());
    assert_eq!((status.healthy, status.off[0].needs_attention), (false, 1), "{status:?}");
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_in_doubt_at_a_practice_without_consent_is_left_to_a_person() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.fail_submissions([Fault::Hang]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Submitting, seconds(20)).await;
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.config.practices.remove(0);
    clinic.reload();
    clinic.until("it is gone", minutes(1), |clinic| standing(clinic, PRACTICE).is_none()).await;
    assert!(clinic.entry(booking).needs_attention.is_some(), "nobody looks after it any more");
    let status = view::status(clinic.bridge());
    assert!(!status.healthy);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_was_held_until_the_end_is_left_to_a_person() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.open_up().await;
    clinic.openvpms_faults.set(|_| Some(Fault::Refuse));
    let first = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    switch(&mut clinic, PRACTICE, false);
    // Just when the days are emptied, another pet owner books.
    let second = loop {
        let before = clinic.journal.count("POST /availability", "");
        clinic.pass(Duration::from_millis(5)).await;
        if clinic.status(first) == MarketplaceStatus::Failed || clinic.journal.count("POST /availability", "") > before
        {
            break clinic.owner_books_regardless("s136", "66:s136", "2027-02-15 11:00");
        }
    };
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    clinic.pass(minutes(1)).await;
    for booking in [first, second] {
        assert_eq!(clinic.state(booking), Some(State::Rejected), "{}", clinic.account());
    }
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_is_booked_before_healthengine_has_worked_off_the_empty_days_is_answered_too() {
    let mut clinic = Clinic::open().await;
    let empties = |clinic: &Clinic| clinic.journal.count("POST /availability", "");
    let before = empties(&clinic);
    switch(&mut clinic, PRACTICE, false);
    while empties(&clinic) == before {
        clinic.pass(Duration::from_millis(1)).await;
    }
    clinic.pass(Duration::from_millis(100)).await;
    // Pet owners still see the time.
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_ne!(clinic.status(booking), MarketplaceStatus::Requested, "{}", clinic.account());
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn what_a_pet_owner_gave_up_and_only_a_lost_store_knew_is_left_to_a_person() {
    let mut clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    clinic.stop().await;
    clinic.lose_the_store();
    clinic.start();
    clinic.pass(minutes(1)).await;
    clinic.openvpms_faults.set(|_| Some(Fault::Refuse));
    clinic.healthengine.cancel(booking).unwrap();
    switch(&mut clinic, PRACTICE, false);
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!((clinic.appointments_of(booking).len(), clinic.booking(booking).updates_rejected), (1, 1));
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("cancel"), "{told}");
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_replaced_practice_leaves_with_the_api_key_of_the_file() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.healthengine.configure(|settings| settings.api_key = "the next one".into());
    clinic.config.practices.pop();
    clinic.reload();
    clinic.pass(minutes(1)).await;
    assert_eq!(standing(&clinic, BRANCH), Some(RunState::Leaving(Off::Removed)), "it is refused (401)");
    clinic.config.healthengine.api_key = "the next one".into();
    clinic.reload();
    clinic.until("it is gone", minutes(1), |clinic| standing(clinic, BRANCH).is_none()).await;
    // The last days wait in the marketplace's queue.
    clinic.pass(seconds(1)).await;
    assert_eq!(offers(&clinic, BRANCH), 0);
    clinic.until_in_step().await;
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn days_that_went_by_are_left_alone_by_a_farewell() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    clinic.pass(minutes(3 * 24 * 60)).await;
    block(&mut clinic.config, PRACTICE).enabled = false;
    let calls = clinic.journal.calls().len();
    clinic.start();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(offers(&clinic, PRACTICE), 0);
    let told = told_since(&clinic, PRACTICE, calls);
    assert_eq!(told.iter().filter(|what| what.contains("/availability/")).count(), 1, "{told:?}");
    clinic.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_at_any_step_of_a_farewell_leaves_nothing_offered_and_one_appointment() {
    for calls in 0..7 {
        for arrives in [false, true] {
            for steps in [0, 1, 3, 6] {
                let fuse = Fuse { calls, arrives, steps };
                let mut clinic = Clinic::open().await;
                let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
                switch(&mut clinic, PRACTICE, false);
                clinic.power().set(fuse);
                clinic.pass(seconds(30)).await;
                clinic.pull_the_plug().await;
                clinic.start();
                until_silent(&clinic, PRACTICE, Off::Disabled).await;
                assert_eq!(offers(&clinic, PRACTICE), 0, "{fuse:?}");
                assert!(matches!(clinic.state(booking), Some(State::Confirmed | State::InDoubt)), "{fuse:?}");
                clinic.appointment_of(booking);
                // And on again, everything is offered.
                clinic.healthengine.expect_calls(&practice(PRACTICE)).unwrap();
                switch(&mut clinic, PRACTICE, true);
                clinic.finish().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_reload_at_any_step_of_a_booking_that_goes_wrong_neither_loses_nor_repeats_it() {
    let faults = [
        Fault::LoseAnswer,
        Fault::CarryOutLate(seconds(15)),
        Fault::LoseRequest,
        Fault::Hang,
        Fault::StatusAfter(500),
        Fault::Refuse,
    ];
    for fault in faults {
        for hold in [false, true] {
            for delay in [0, 7, 15, 40, 3_000, 11_000, 25_000, 42_000] {
                let mut clinic = Clinic::new();
                if hold {
                    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
                }
                clinic.open_up().await;
                clinic.fail_submissions([fault.clone()]);
                let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
                clinic.pass(Duration::from_millis(delay)).await;
                clinic.config.sync.near_days = 2;
                clinic.reload();
                clinic.pass(minutes(2)).await;
                let standing = clinic.appointments_of(booking).len();
                match clinic.state(booking) {
                    Some(State::Confirmed | State::InDoubt) => assert_eq!(standing, 1, "{fault:?} {hold} {delay}"),
                    Some(State::Rejected) => assert_eq!(standing, 0, "{fault:?} {hold} {delay}"),
                    other => panic!("{other:?} after {fault:?} {hold} {delay}\n{}", clinic.account()),
                }
                clinic.excuse(booking);
                clinic.finish().await;
            }
        }
    }
}

#[tokio::test(start_paused = true)]
async fn bookings_are_answered_in_time_though_a_reload_meets_servers_that_hang() {
    for hangs in ["/availability/", "/features", "/config/", "/freebusy", "/free-busy", "/locations"] {
        let mut clinic = Clinic::open().await;
        let hang = move |asked: &ArrivedRequest| asked.target.contains(hangs).then_some(Fault::Hang);
        clinic.openvpms_faults.set(hang);
        clinic.healthengine_faults.set(hang);
        clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), Some("s211")).unwrap();
        clinic.pass(seconds(6)).await;
        clinic.config.sync.near_days = 2;
        clinic.reload();
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
        clinic.pass(seconds(20)).await;
        let status = clinic.status(booking);
        assert!(matches!(status, MarketplaceStatus::Confirmed | MarketplaceStatus::Failed), "{hangs}: {status:?}");
        assert!(clinic.entry(booking).needs_attention.is_none(), "{hangs}\n{}", clinic.account());
        clinic.openvpms_faults.heal();
        clinic.healthengine_faults.heal();
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn two_practices_that_swap_their_locations_are_each_what_the_file_says() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    let own = clinic.config.practices[0].locations.clone();
    clinic.config.practices[0].locations = clinic.config.practices[1].locations.clone();
    clinic.config.practices[1].locations = own;
    clinic.reload();
    clinic.pass(seconds(30)).await;
    let ids = |id| -> Vec<String> {
        clinic.healthengine.resources(&practice(id)).unwrap().into_iter().map(|own| own.id).collect()
    };
    assert_eq!((ids(PRACTICE), ids(BRANCH)), (vec!["s311".to_owned()], vec!["s136".to_owned(), "s211".to_owned()]));
    // The pet owner of the one who was there before can still cancel.
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until_state(booking, State::Cancelled, seconds(30)).await;
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_thousand_reloads_leave_nothing_behind() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    let tasks = tokio::runtime::Handle::current().metrics().num_alive_tasks();
    let practice = Arc::downgrade(&clinic.practice());
    for round in 0..1000 {
        clinic.config.sync.near_days = 2 + round % 2;
        clinic.config.practices[1].enabled = round % 3 > 0;
        clinic.reload();
        clinic.pass(Duration::from_millis(u64::from(round % 40))).await;
    }
    clinic.config.practices[1].enabled = true;
    clinic.reload();
    clinic.until_in_step().await;
    clinic.pass(minutes(2)).await;
    assert!(practice.upgrade().is_none(), "the first one is kept");
    assert_eq!(tokio::runtime::Handle::current().metrics().num_alive_tasks(), tasks);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_is_switched_on_while_it_leaves_ends_what_its_farewell_began() {
    let mut clinic = Clinic::open().await;
    clinic.fail_submissions([Fault::Slow(seconds(2))]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    switch(&mut clinic, PRACTICE, false);
    clinic.until_state(booking, State::Submitting, seconds(20)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::Leaving(Off::Disabled)));
    switch(&mut clinic, PRACTICE, true);
    clinic.until_state(booking, State::Confirmed, seconds(20)).await;
    clinic.finish().await;
}

/// Waits, closely, until a practice stands like this, and pulls the plug in that moment.
async fn pull_the_plug_when(clinic: &mut Clinic, id: &str, wanted: Option<RunState>) {
    for _ in 0..240_000 {
        if standing(clinic, id) == wanted {
            return clinic.pull_the_plug().await;
        }
        clinic.pass(Duration::from_millis(1)).await;
    }
    panic!("never {wanted:?}\n{}", clinic.account());
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_is_silent_stays_so_although_the_power_is_cut_in_that_moment() {
    let mut clinic = Clinic::open().await;
    switch(&mut clinic, PRACTICE, false);
    pull_the_plug_when(&mut clinic, PRACTICE, Some(RunState::Silent(Off::Disabled))).await;
    let calls = clinic.journal.calls().len();
    clinic.start();
    clinic.pass(minutes(5)).await;
    assert_eq!(standing(&clinic, PRACTICE), Some(RunState::Silent(Off::Disabled)));
    assert_eq!(told_since(&clinic, PRACTICE, calls), [""; 0]);
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_removed_practice_without_consent_is_forgotten_although_the_power_is_cut_in_that_moment() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    clinic.healthengine.revoke_consent(&practice(BRANCH)).unwrap();
    clinic.config.practices.pop();
    clinic.reload();
    pull_the_plug_when(&mut clinic, BRANCH, None).await;
    clinic.start();
    clinic.pass(seconds(5)).await;
    assert_eq!(clinic.bridge().health().problems(), [], "nobody is asked to put it back");
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_farewell_that_was_broken_off_is_asked_for_until_it_is_over() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    let left_behind = |clinic: &Clinic| {
        let problems = clinic.bridge().health().problems();
        problems.iter().any(|own| own.text.contains(BRANCH) && own.text.contains("enabled = false"))
    };
    // Taken out while Healthengine is away: the process that has the key ends before it can empty the days.
    let away =
        |asked: &ArrivedRequest| asked.header("practice-id").is_some_and(|id| id == BRANCH).then_some(Fault::Refuse);
    clinic.healthengine_faults.set(away);
    let branch = clinic.config.practices.pop().unwrap();
    clinic.reload();
    clinic.pass(minutes(5)).await;
    assert_eq!(standing(&clinic, BRANCH), Some(RunState::Leaving(Off::Removed)));
    clinic.stop().await;
    clinic.start();
    clinic.pass(seconds(5)).await;
    assert!(left_behind(&clinic));
    // Put back for one start; Healthengine is still away then, and back long after.
    clinic.stop().await;
    clinic.config.practices.push(branch);
    block(&mut clinic.config, BRANCH).enabled = false;
    clinic.start();
    clinic.pass(minutes(60)).await;
    assert_eq!(standing(&clinic, BRANCH), Some(RunState::Leaving(Off::Disabled)));
    // Who takes it out too early is told again.
    clinic.stop().await;
    let branch = clinic.config.practices.pop().unwrap();
    clinic.start();
    clinic.pass(seconds(5)).await;
    assert!(left_behind(&clinic) && offers(&clinic, BRANCH) > 0);
    clinic.config.practices.push(branch);
    clinic.reload();
    clinic.pass(minutes(5)).await;
    clinic.healthengine_faults.heal();
    until_silent(&clinic, BRANCH, Off::Disabled).await;
    assert_eq!(offers(&clinic, BRANCH), 0);
    clinic.stop().await;
    clinic.config.practices.pop();
    clinic.start();
    clinic.pass(seconds(5)).await;
    assert!(!left_behind(&clinic));
    clinic.stop().await;
}
