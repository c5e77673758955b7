//! Webhooks wake the bridge; whether they arrive decides how often it polls.

use std::time::Duration;

use chrono::TimeDelta;
use vetbridge::booking::entry::State;
use vetbridge::polling::pace::BURST;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{Delivered, ErrorLog};
use vetbridge::webhooks::hint::Hint;

use crate::support::webhooks::SECRET;
use crate::support::{BRANCH, Clinic, PRACTICE, Travel, minutes, practice, seconds};

/// Where polls alone would take a minute.
const SLOW: u64 = 60;

/// A clinic with webhooks that polls every five seconds, or every minute while they arrive.
async fn open() -> Clinic {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.config.sync.idle_request_interval = seconds(SLOW);
    clinic.open_up().await;
    assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 1);
    clinic
}

/// How often the practice polls in five minutes.
async fn polls(clinic: &Clinic) -> usize {
    clinic.journal.clear();
    clinic.pass(minutes(5)).await;
    clinic.journal.count("GET /requests", "/requests")
}

fn is_slow(polls: usize) -> bool {
    (4..=6).contains(&polls)
}

fn is_fast(polls: usize) -> bool {
    (58..=62).contains(&polls)
}

#[tokio::test(start_paused = true)]
async fn a_booking_is_confirmed_at_its_webhook_and_polls_slow_down_while_webhooks_arrive() {
    let clinic = open().await;
    assert!(is_fast(polls(&clinic).await), "none ever arrived");
    for (number, start) in ["10:00", "11:00", "12:00"].iter().enumerate() {
        let booking = clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {start}"));
        let took = clinic.until_state(booking, State::Confirmed, seconds(5)).await;
        // The first one can arrive while a poll is under way.
        assert!(took <= seconds(1), "{took:?} for number {number}");
        let polls = polls(&clinic).await;
        assert!(is_slow(polls), "{polls}");
    }
    clinic.pass(minutes(50)).await;
    assert!(is_slow(polls(&clinic).await), "an hour is not over yet");
    clinic.pass(minutes(5)).await;
    assert!(is_fast(polls(&clinic).await), "an hour without any");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_missed_webhook_means_the_shorter_interval_until_the_next_one_arrives() {
    let clinic = open().await;
    let first = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(first, State::Confirmed, seconds(5)).await;
    assert!(is_slow(polls(&clinic).await));
    clinic.door.fail(Some(Delivered::Refused));
    let missed = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.until_state(missed, State::Confirmed, seconds(SLOW + 5)).await;
    assert!(is_fast(polls(&clinic).await));
    clinic.door.fail(None);
    clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
    clinic.pass(seconds(30)).await;
    assert!(is_slow(polls(&clinic).await));
    // An update, and a day: of the one the number is known, of the other the kind.
    clinic.door.fail(Some(Delivered::Refused));
    clinic.healthengine.cancel(first).unwrap();
    clinic.until_state(first, State::Cancelled, seconds(SLOW + 5)).await;
    assert!(is_fast(polls(&clinic).await));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_storm_of_webhooks_means_a_bounded_number_of_polls_and_every_one_is_answered() {
    let clinic = open().await;
    clinic.journal.clear();
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    for _ in 0..10 {
        clinic.healthengine.announce(&practice(PRACTICE), "bookings", 1_000).unwrap();
        clinic.pass(seconds(1)).await;
    }
    clinic.until("all are delivered", minutes(1), |clinic| clinic.healthengine.open_deliveries() == 0).await;
    assert_eq!(clinic.door.answers(), vec![Delivered::Answered(200); 10_001]);
    let polls = clinic.journal.of("GET /requests", "/requests");
    // Five at once, then one a second, and a regular one now and then.
    let burst = usize::try_from(BURST).unwrap();
    assert!((10 + burst - 1..=13 + burst).contains(&polls.len()), "{} polls in ten seconds", polls.len());
    for three in polls[burst + 1..].windows(3) {
        assert!(three[2].at - three[0].at >= TimeDelta::milliseconds(990), "{three:?}");
    }
    assert_eq!(clinic.state(booking), Some(State::Confirmed));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn five_pet_owners_who_book_within_a_second_wait_for_none_of_each_other() {
    let clinic = open().await;
    for number in 0..5 {
        let booking = clinic.owner_books("s136", "66:s136", &format!("2027-02-16 1{number}:00"));
        let took = clinic.until_state(booking, State::Confirmed, seconds(5)).await;
        assert!(took <= Duration::from_millis(150), "{took:?}");
        clinic.pass(Duration::from_millis(150) - took).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn in_a_storm_of_webhooks_none_is_forgotten() {
    let clinic = open().await;
    for number in 0..8 {
        let delay = Duration::from_millis(130 * number);
        for _ in 0..7 {
            clinic.healthengine.announce(&practice(PRACTICE), "availability", 50).unwrap();
            clinic.pass(Duration::from_millis(110)).await;
        }
        clinic.pass(delay).await;
        let booking = clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {:02}:00", 9 + number));
        let took = clinic.until_state(booking, State::Confirmed, seconds(5)).await;
        assert!(took <= Duration::from_millis(1_200), "{took:?}");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_that_arrives_during_the_poll_of_another_one_or_right_after_it_is_not_forgotten() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.config.sync.idle_request_interval = seconds(SLOW);
    // A poll takes a fifth of a second, and the answer is made in the middle of it.
    clinic.travel = Travel::Steady(Duration::from_millis(100));
    clinic.open_up().await;
    for (number, delay) in [20, 90, 110, 150, 190, 210, 500, 990].into_iter().enumerate() {
        clinic.healthengine.announce(&practice(PRACTICE), "availability", 1).unwrap();
        clinic.pass(Duration::from_millis(delay)).await;
        let booking = clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {:02}:00", 9 + number));
        let took = clinic.until_state(booking, State::Confirmed, seconds(70)).await;
        // The spacing, and some five calls.
        assert!(took <= Duration::from_millis(2_500), "{took:?}, {delay} ms after the other");
        clinic.pass(seconds(7)).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_does_not_wait_because_a_regular_poll_was_a_moment_ago() {
    let clinic = open().await;
    for (number, delay) in [50, 200, 500, 900].into_iter().enumerate() {
        clinic.pass(seconds(10)).await;
        clinic.journal.clear();
        let polled = |clinic: &Clinic| clinic.journal.count("GET /requests", "/requests") > 0;
        clinic.until("a regular poll", seconds(SLOW + 5), polled).await;
        clinic.pass(Duration::from_millis(delay)).await;
        let booking = clinic.owner_books("s136", "66:s136", &format!("2027-02-16 1{number}:00"));
        let took = clinic.until_state(booking, State::Confirmed, seconds(5)).await;
        assert!(took <= Duration::from_millis(150), "{took:?}, {delay} ms after the poll");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn everything_that_waits_is_done_whatever_the_webhook_was_about() {
    let clinic = open().await;
    clinic.door.fail(Some(Delivered::HungUp));
    let hidden: Vec<_> =
        ["10:00", "11:00", "12:00"].map(|at| clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {at}"))).into();
    clinic.pass(seconds(1)).await;
    clinic.door.fail(None);
    clinic.healthengine.ask_appointment_types(&practice(PRACTICE)).unwrap();
    for booking in hidden {
        clinic.until_state(booking, State::Confirmed, seconds(5)).await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_does_not_wait_for_another_one_that_takes_its_time() {
    let clinic = open().await;
    let first = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(first, State::Confirmed, seconds(5)).await;
    let mut faults = vec![Fault::Slow(seconds(3))];
    clinic.openvpms_faults.set(move |asked| {
        let slow = asked.method == "POST" && asked.target.ends_with("/bookings");
        if slow { faults.pop() } else { None }
    });
    let slow = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.pass(seconds(1)).await;
    let quick = clinic.owner_books("s211", "66:s211", "2027-02-16 11:00");
    let took = clinic.until_state(quick, State::Confirmed, seconds(5)).await;
    assert!(took <= seconds(1), "{took:?}");
    assert_ne!(clinic.state(slow), Some(State::Confirmed));
    clinic.until_state(slow, State::Confirmed, seconds(5)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_webhook_wakes_the_practice_that_it_names_and_all_if_it_names_none_that_runs() {
    let mut clinic = Clinic::with_branch().with_webhooks();
    clinic.config.sync.request_interval = minutes(2);
    clinic.config.sync.idle_request_interval = minutes(2);
    clinic.open_up().await;
    for (named, woken) in [
        (Some(PRACTICE), vec![PRACTICE]),
        (Some(BRANCH), vec![BRANCH]),
        (Some("9"), vec![PRACTICE, BRANCH]),
        (None, vec![PRACTICE, BRANCH]),
    ] {
        // Beside the regular polls.
        let quiet = |clinic: &Clinic| {
            let last = clinic.journal.of("GET /requests", "/requests").last().map(|call| call.at);
            last.is_some_and(|last| (5..60).contains(&(clinic.clock.now() - last).num_seconds()))
        };
        clinic.until("both have polled a while ago", minutes(5), quiet).await;
        clinic.journal.clear();
        clinic.bridge().webhook(&Hint { practice: named.map(practice), ..Hint::default() });
        clinic.pass(seconds(2)).await;
        let polled: Vec<_> =
            clinic.journal.of("GET /requests", "/requests").into_iter().filter_map(|call| call.practice).collect();
        let mut expected: Vec<_> = woken.into_iter().map(practice).collect();
        expected.sort();
        let mut polled = polled;
        polled.sort();
        assert_eq!(polled, expected, "{named:?}");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn deliveries_that_fail_are_a_health_problem_with_the_reason_until_one_arrives() {
    for (fault, error_log, reason) in [
        (Delivered::TimedOut, ErrorLog::LastAttempt, "no answer came within its five seconds"),
        (Delivered::Refused, ErrorLog::EveryAttempt, "the connection to public_url is refused"),
        (
            Delivered::Answered(502),
            ErrorLog::LastAttempt,
            "status 502 was answered (the proxy does not reach vetbridge)",
        ),
    ] {
        let clinic = open().await;
        clinic.healthengine.configure(|settings| settings.error_log = error_log);
        clinic.pass(minutes(10)).await;
        clinic.door.fail(Some(fault));
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        let told = |clinic: &Clinic| clinic.problems().contains_key("webhooks");
        clinic.until("an administrator is told", minutes(6), told).await;
        let text = clinic.problems()["webhooks"].clone();
        assert!(text.contains(reason) && !text.contains(SECRET) && !text.contains("bridge.example"), "{text}");
        assert_eq!(clinic.state(booking), Some(State::Confirmed), "found by polling");
        // Resent until it is given up, after 1,110 seconds and then some.
        clinic.throughout("it stands", minutes(25), told).await;
        assert_eq!(clinic.healthengine.open_deliveries(), 0);
        clinic.door.fail(None);
        clinic.pass(minutes(10)).await;
        assert!(told(&clinic), "nothing arrived since");
        clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
        clinic.until("the problem is resolved", seconds(5), |clinic| !told(clinic)).await;
        clinic.throughout("and stays so", minutes(15), |clinic| !told(clinic)).await;
        let said = clinic.log.with("cannot deliver webhooks").len();
        assert!((5..=7).contains(&said), "{said}: at growing pauses");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_arrives_at_the_second_attempt_is_no_problem() {
    let clinic = open().await;
    clinic.door.fail(Some(Delivered::HungUp));
    clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
    clinic.pass(seconds(1)).await;
    clinic.door.fail(None);
    clinic.throughout("nobody is told", minutes(15), |clinic| clinic.problems().is_empty()).await;
    assert_eq!(clinic.door.answers(), [Delivered::HungUp, Delivered::Answered(200)]);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_failed_while_the_bridge_was_stopped_is_no_news() {
    let mut clinic = open().await;
    clinic.stop().await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.pass(minutes(30)).await;
    assert_eq!(clinic.healthengine.delivery_failures(&practice(PRACTICE)).unwrap().len(), 1);
    clinic.start();
    clinic.until_state(booking, State::Confirmed, minutes(1)).await;
    clinic.throughout("nobody is told", minutes(15), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn no_webhook_leads_to_a_call_while_healthengine_wants_to_be_left_alone() {
    let clinic = open().await;
    let mut faults = vec![Fault::TooMany(120)];
    clinic.healthengine_faults.set(move |asked| if asked.target.ends_with("/requests") { faults.pop() } else { None });
    clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
    clinic.pass(seconds(2)).await;
    clinic.journal.clear();
    let asked = |clinic: &Clinic| clinic.journal.count("GET /requests", "/requests");
    // The interactive lane asks again half a minute later.
    for _ in 0..13 {
        clinic.healthengine.announce(&practice(PRACTICE), "bookings", 100).unwrap();
        clinic.pass(seconds(2)).await;
    }
    assert_eq!(asked(&clinic), 0);
    clinic.pass(seconds(15)).await;
    assert!(asked(&clinic) > 0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn while_consent_is_refused_webhooks_change_nothing() {
    let clinic = open().await;
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    // The refusal is believed.
    clinic.pass(minutes(1)).await;
    clinic.journal.clear();
    for _ in 0..20 {
        clinic.healthengine.announce(&practice(PRACTICE), "bookings", 100).unwrap();
        clinic.pass(seconds(30)).await;
    }
    let polls = clinic.journal.count("GET /requests", "");
    assert!((1..=3).contains(&polls), "{polls} in ten minutes");
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    clinic.pass(minutes(6)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn whatever_the_configuration_says_healthengine_never_takes_the_practice_for_dead() {
    let mut clinic = Clinic::new();
    let sync = &mut clinic.config.sync;
    let long = Duration::from_secs(3 * 3600);
    (sync.request_interval, sync.idle_request_interval, sync.max_retry_interval) = (long, long, long);
    sync.availability_interval = minutes(30);
    clinic.start();
    clinic.pass(minutes(3)).await;
    // Over the night, when it may sleep longer, into the next day; and with a server that fails for a while.
    clinic.until_wall("2027-02-16 09:00").await;
    let mut count = 0;
    clinic.healthengine_faults.set(move |asked| {
        count += u32::from(asked.target.ends_with("/requests"));
        (asked.target.ends_with("/requests") && count == 2).then_some(Fault::LoseRequest)
    });
    clinic.until_wall("2027-02-16 12:00").await;
    let polls = clinic.journal.of("GET /requests", "/requests");
    assert!(polls.len() > 12 * 11, "{}", polls.len());
    assert_eq!(clinic.healthengine.lapses(&practice(PRACTICE)).unwrap(), []);
    assert_eq!(clinic.healthengine.health(&practice(PRACTICE)).unwrap().problems, [""; 0]);
    clinic.healthengine_faults.heal();
    clinic.pull_the_plug().await;
    assert!(clinic.healthengine.violations().is_empty());
}
