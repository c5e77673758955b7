//! Loops of the bridge that panic or hang: said at once, started again, and what becomes of the process.

use std::collections::BTreeSet;

use vetbridge::booking::entry::State;
use vetbridge::messages::supervisor::VIGIL;
use vetbridge::practice::health::subject::Subject;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::BatchEndpoint;

use crate::support::{BRANCH, Clinic, Mine, PRACTICE, Step, booked, day, minutes, practice, seconds};

/// The loops of a practice that do something soon, or can be made to.
const LOOPS: [&str; 8] = [
    "configuration",
    "availability",
    "changed_days",
    "asked_days",
    "requests",
    "due_bookings",
    "subscriptions",
    "appointments",
];

/// The other loops of the service. Each of them has a test of its own in which it panics: the
/// listeners where they are defined (`src/server/listener.rs`), the one that tells people in
/// `alerts.rs`, the others here.
const OTHER_LOOPS: [&str; 7] =
    ["alerts", "rivals", "runner", "housekeeping", "vigil", "admin_listener", "webhook_listener"];

#[tokio::test(start_paused = true)]
async fn there_is_no_loop_without_a_test_in_which_it_panics() {
    let clinic = Clinic::new().with_webhooks();
    let service = clinic.service().await;
    clinic.pass(seconds(10)).await;
    let tested: BTreeSet<&str> = LOOPS.into_iter().chain(OTHER_LOOPS).collect();
    assert_eq!(service.bridge().supervisor().names(), tested);
    service.stop().await;
}

/// What makes a loop do something.
fn stir(clinic: &Clinic, name: &str, round: u32) {
    match name {
        "configuration" => clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap(),
        "changed_days" => drop(clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {:02}:00", 9 + round))),
        "asked_days" => clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-18"), None).unwrap(),
        _ => {}
    }
}

fn not_in_step(clinic: &Clinic) -> Vec<String> {
    clinic.practice().not_in_step(clinic.machine.now())
}

async fn open() -> Clinic {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    clinic
}

#[tokio::test(start_paused = true)]
async fn a_panic_in_any_loop_is_said_at_once_and_the_loop_goes_on() {
    for name in LOOPS {
        // A loop that calls nobody panics where it looks at the clock; the others in a call, and there too.
        let at_calls = !["due_bookings", "appointments"].contains(&name);
        for at_call in [true, false].into_iter().filter(|at_call| !at_call || at_calls) {
            let clinic = open().await;
            let mut left = 3;
            clinic.mines.plant(move |own, step| {
                let fits = own == name && matches!(step, Step::Call(_)) == at_call;
                (fits && left > 0).then(|| left -= 1)?;
                Some(Mine::Panic)
            });
            let subject = format!("loop {name}");
            stir(&clinic, name, 0);
            let said = |clinic: &Clinic| clinic.problems().contains_key(&subject);
            clinic.until(&subject, minutes(11), said).await;
            let text = &clinic.problems()[&subject];
            assert!(text.contains(name) && text.contains("started again in") && text.contains("report"), "{text}");
            assert!(not_in_step(&clinic).iter().any(|why| why.contains(name)), "{:?}", not_in_step(&clinic));
            assert!(clinic.bridge().supervisor().is_alive(), "the process works");
            stir(&clinic, name, 1);
            clinic.until(&format!("the problem of {name} is resolved"), minutes(12), |clinic| !said(clinic)).await;
            clinic.until("in step", seconds(70), |clinic| not_in_step(clinic).is_empty()).await;
            booked(&clinic, "2027-02-17 09:00").await;
            clinic.finish().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_day_that_was_being_sent_when_its_loop_panicked_is_sent_when_that_goes_on() {
    let clinic = open().await;
    let mut left = 1;
    clinic.mines.plant(move |name, step| {
        let fits = name == "changed_days" && matches!(step, Step::Call(_));
        (fits && left > 0).then(|| left -= 1)?;
        Some(Mine::Panic)
    });
    // Beyond the near days, which are read every minute.
    booked(&clinic, "2027-02-26 09:00").await;
    let gone = |clinic: &Clinic| !clinic.published("s136", "66:s136", "2027-02-26 09:00");
    clinic.until("the time is taken off", seconds(10), gone).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_housekeeping_and_the_vigil_are_kept_alive_too() {
    for name in ["housekeeping", "vigil"] {
        let clinic = open().await;
        let mut left = 2;
        clinic.mines.plant(move |own, _| {
            (own == name && left > 0).then(|| left -= 1)?;
            Some(Mine::Panic)
        });
        let subject = format!("loop {name}");
        let said = |clinic: &Clinic| clinic.bridge().health().problems().iter().any(|own| own.subject == subject);
        tokio::time::advance(minutes(6 * 60)).await;
        clinic.until(&subject, minutes(1), said).await;
        if name == "housekeeping" {
            clinic.until("the problem is resolved", minutes(1), |clinic| !said(clinic)).await;
        }
        assert!(clinic.bridge().supervisor().is_alive());
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn the_loop_that_looks_for_another_bridge_is_kept_alive_too() {
    for at_call in [true, false] {
        let mut clinic = Clinic::open().await;
        let state = clinic.export();
        clinic.stop().await;
        // After an import it looks.
        clinic.import(&state);
        let mut left = 3;
        clinic.mines.plant(move |own, step| {
            let fits = own == "rivals" && matches!(step, Step::Call(_)) == at_call;
            (fits && left > 0).then(|| left -= 1)?;
            Some(Mine::Panic)
        });
        clinic.start();
        let said = |clinic: &Clinic| clinic.problems().contains_key("loop rivals");
        clinic.until("it is said", seconds(30), said).await;
        assert!(not_in_step(&clinic).iter().any(|why| why.contains("rivals")), "{:?}", not_in_step(&clinic));
        clinic.until("the problem is resolved", minutes(2), |clinic| !said(clinic)).await;
        // While it looks it lets the other go first.
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-17 09:00");
        clinic.until_state(booking, State::Confirmed, minutes(2)).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_keeper_that_panics_is_kept_alive_and_named_with_its_practice_and_another_ones_recovery_is_not_its_own() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    // Both runners make their practices anew; both panic, and one of them once more.
    let mut left = 3;
    clinic.mines.plant(move |own, _| {
        (own == "runner" && left > 0).then(|| left -= 1)?;
        Some(Mine::Panic)
    });
    clinic.config.sync.request_interval = seconds(4);
    clinic.reload();
    let said = |clinic: &Clinic| -> Vec<(String, String)> {
        let problems = clinic.bridge().health().problems().into_iter();
        problems.map(|own| (own.subject, own.text)).filter(|(subject, _)| subject.contains("runner")).collect()
    };
    clinic.until("both are said", seconds(1), |clinic| said(clinic).len() == 2).await;
    for (practice, (subject, text)) in [PRACTICE, BRANCH].iter().zip(said(&clinic)) {
        assert_eq!(subject, format!("loop runner of practice {practice}"));
        assert!(text.contains(&format!("of practice {practice} failed")) && text.contains("started again"), "{text}");
    }
    clinic.until("one goes on", seconds(3), |clinic| said(clinic).len() < 2).await;
    assert_eq!(said(&clinic).len(), 1, "the other does not");
    clinic.until("it goes on too", seconds(5), |clinic| said(clinic).is_empty()).await;
    clinic.until_in_step().await;
    clinic.pass(minutes(1)).await;
    booked(&clinic, "2027-02-17 09:00").await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_waits_for_its_turn_to_send_days_does_not_stand_still() {
    let mut clinic = Clinic::new();
    clinic.config.healthengine.request_timeout = seconds(30);
    clinic.healthengine.configure(|settings| settings.batch = BatchEndpoint::Absent(404));
    clinic.open_up().await;
    // Day by day, twenty-eight of them in one turn: nine minutes.
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/availability/snapshot").then(|| Fault::Slow(seconds(20))));
    let practice = clinic.practice();
    let everything = practice.resync(None, false, &|_| {});
    let meanwhile = async {
        booked(&clinic, "2027-02-17 09:00").await;
        let stands_still = |own: &Clinic| own.problems().keys().any(|subject| subject.starts_with("loop"));
        let well = |own: &Clinic| own.bridge().supervisor().is_alive() && !stands_still(own);
        clinic.throughout("every loop goes on, or waits as it may", minutes(9), well).await;
    };
    tokio::join!(everything, meanwhile);
    clinic.healthengine_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_panics_again_and_again_ends_the_process() {
    let clinic = open().await;
    clinic.mines.plant(|name, step| (name == "requests" && matches!(step, Step::Call(_))).then_some(Mine::Panic));
    let why = tokio::time::timeout(minutes(6), clinic.bridge().supervisor().hopeless()).await.unwrap();
    assert!(why.contains("requests") && why.contains(PRACTICE) && why.contains("10 times"), "{why}");
    assert!(!clinic.bridge().supervisor().is_alive());
    assert!(!clinic.log.with("loop requests").is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_poll_that_hangs_is_out_of_step_within_seconds_and_the_watchdog_hears_nothing_after_minutes() {
    let clinic = open().await;
    clinic.mines.plant(|name, step| (name == "requests" && matches!(step, Step::Call(_))).then_some(Mine::Hang));
    let late = clinic.until("out of step", seconds(32), |clinic| !not_in_step(clinic).is_empty()).await;
    assert!(late >= seconds(10), "{late:?}");
    assert_eq!(not_in_step(&clinic).len(), 1, "{:?}", not_in_step(&clinic));
    assert!(clinic.bridge().supervisor().is_alive() && clinic.problems().is_empty(), "it may be slow");
    clinic.until("it stands still", minutes(6), |clinic| !clinic.bridge().supervisor().is_alive()).await;
    clinic.until("it is said", seconds(10), |clinic| clinic.problems().contains_key("loop requests")).await;
    let text = &clinic.problems()["loop requests"];
    assert!(text.contains("systemctl restart vetbridge") && text.contains("no booking is collected"), "{text}");
    let why = tokio::time::timeout(minutes(11), clinic.bridge().supervisor().hopeless()).await.unwrap();
    assert!(why.contains("requests"), "{why}");
}

#[tokio::test(start_paused = true)]
async fn a_loop_that_waits_for_hours_stands_still_for_nobody() {
    let mut clinic = Clinic::new();
    clinic.openvpms_faults.close_port();
    clinic.start();
    for _ in 0..12 {
        clinic.pass(minutes(15)).await;
        assert!(clinic.bridge().supervisor().is_alive(), "{:?}", clinic.problems());
    }
    clinic.openvpms_faults.heal();
    clinic.until_in_step().await;
    clinic.pass(minutes(1)).await;
    clinic.healthengine_faults.close_port();
    for _ in 0..12 {
        clinic.pass(minutes(15)).await;
        assert!(clinic.bridge().supervisor().is_alive(), "{:?}", clinic.problems());
    }
    clinic.healthengine_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_a_booking_is_made_is_said_and_the_booking_is_made_all_the_same() {
    let clinic = open().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 09:00");
    let mut left = 1;
    clinic.mines.plant(move |name, step| {
        let fits = name == "task" && matches!(step, Step::Call(what) if what.contains("/freebusy"));
        (fits && left > 0).then(|| left -= 1)?;
        Some(Mine::Panic)
    });
    let said = |clinic: &Clinic| clinic.problems().contains_key(&format!("booking {booking}"));
    clinic.until("it is said", seconds(10), said).await;
    clinic.until_state(booking, State::Confirmed, seconds(12)).await;
    assert!(!said(&clinic), "the problem is resolved");
    let another = clinic.owner_books("s136", "66:s136", "2027-02-16 09:15");
    clinic.until_state(another, State::Confirmed, seconds(12)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_problem_of_the_loop_that_watches_the_others_is_resolved_once_it_has_gone_round() {
    let clinic = open().await;
    let mut left = 1;
    clinic.mines.plant(move |name, step| {
        let fits = name == VIGIL && step == Step::Clock;
        (fits && left > 0).then(|| left -= 1)?;
        Some(Mine::Panic)
    });
    let said = |clinic: &Clinic| clinic.bridge().health().has(&Subject::Loop(VIGIL));
    clinic.until("it is said", seconds(5), said).await;
    clinic.until("the problem is resolved", seconds(30), |clinic| !said(clinic)).await;
}
