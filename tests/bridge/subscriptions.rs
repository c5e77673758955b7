//! The life of a webhook subscription: made, renewed, replaced, ended; ours and nobody else's.

use std::collections::VecDeque;
use std::time::Duration;

use chrono::TimeDelta;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault};
use vetbridge::simulator::healthengine::{HeldSubscription, Renewal};

use crate::support::webhooks::{SECRET, settings};
use crate::support::{BRANCH, Clinic, PRACTICE, instant, minutes, practice, seconds};

const CALLBACK: &str = "https://bridge.example/some/path/webhooks/s3cret-of-the-webhooks";

fn hours(hours: u64) -> Duration {
    minutes(60 * hours)
}

/// An hour goes by in one leap: whatever is due by then happens once, at its end. So weeks pass in no time.
async fn an_hour_passes(clinic: &Clinic) {
    tokio::time::advance(hours(1) - seconds(2)).await;
    clinic.pass(seconds(2)).await;
}

async fn subscribed(clinic: &Clinic) {
    let one = |clinic: &Clinic| clinic.subscriptions_of(PRACTICE).len() == 1;
    clinic.until("the practice is subscribed", minutes(2), one).await;
}

/// How often subscriptions were listed (`GET`), made (`POST`) or ended (`DELETE`).
fn calls(clinic: &Clinic, method: &str) -> usize {
    let calls = clinic.journal.of(&format!("{method} /subscription"), "");
    calls.iter().filter(|call| !call.what.ends_with("ErrorLog")).count()
}

fn is_subscribing(asked: &ArrivedRequest) -> bool {
    asked.method == "POST" && asked.target.ends_with("/subscription")
}

/// A subscription as we would make it, of this practice, to this address.
fn someones(client_id: Option<&str>, callback_url: &str) -> HeldSubscription {
    HeldSubscription {
        client_id: client_id.map(ToOwned::to_owned),
        topic: "requests.*".into(),
        callback_url: callback_url.into(),
        start_at: instant("2027-02-01 08:00"),
        expire_at: None,
    }
}

#[tokio::test(start_paused = true)]
async fn a_subscription_names_the_practice_ends_in_a_week_and_is_renewed_every_day() {
    for renewal in [Renewal::SameOne, Renewal::AnotherOne] {
        let mut clinic = Clinic::new().with_webhooks();
        clinic.healthengine.configure(|settings| settings.renewal = renewal);
        clinic.start();
        subscribed(&clinic).await;
        let (_, made) = clinic.subscriptions_of(PRACTICE).remove(0);
        assert_eq!((made.client_id.as_deref(), made.topic.as_str()), (Some(PRACTICE), "requests.*"));
        assert_eq!(made.callback_url, CALLBACK);
        let life = made.expire_at.unwrap() - clinic.clock.now();
        assert!((TimeDelta::days(7) - life).num_minutes() <= 1, "{life}");
        clinic.pass(seconds(1)).await;
        clinic.journal.clear();
        for _ in 0..16 * 24 {
            an_hour_passes(&clinic).await;
            let standing = clinic.subscriptions_of(PRACTICE);
            assert_eq!(standing.len(), 1, "{renewal:?}: {standing:?}");
            let left = standing[0].1.expire_at.unwrap() - clinic.clock.now();
            assert!(left > TimeDelta::hours(5 * 24 + 22), "{left}");
        }
        let (made, ended) = (calls(&clinic, "POST"), calls(&clinic, "DELETE"));
        assert!((14..=16).contains(&made), "{made}");
        assert_eq!(ended, if renewal == Renewal::SameOne { 0 } else { made });
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_nothing_is_subscribed_twice_and_a_power_cut_in_between_leaves_one() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    assert_eq!(calls(&clinic, "POST"), 1);
    for cut in [false, true, false] {
        if cut {
            clinic.pull_the_plug().await
        } else {
            clinic.stop().await
        }
        clinic.pass(hours(2)).await;
        clinic.start();
        clinic.until_in_step().await;
        clinic.pass(minutes(2)).await;
    }
    assert_eq!((calls(&clinic, "POST"), calls(&clinic, "DELETE")), (1, 0));
    // A store that was lost knows ours by the address.
    clinic.stop().await;
    clinic.lose_the_store();
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(minutes(2)).await;
    assert_eq!((calls(&clinic, "POST"), calls(&clinic, "DELETE")), (1, 0));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn duplicates_and_wrong_ones_of_ours_go_and_strangers_stay() {
    let mut clinic = Clinic::new().with_webhooks();
    let prefix = CALLBACK.strip_suffix(SECRET).unwrap();
    let ours = [
        someones(Some(PRACTICE), CALLBACK),
        someones(None, CALLBACK),
        someones(Some("a former name"), &format!("{prefix}former-secret")),
        HeldSubscription { topic: "requests.bookings".into(), ..someones(Some(PRACTICE), CALLBACK) },
    ];
    let strangers = [
        someones(None, "https://somebody.example/hook"),
        someones(Some(PRACTICE), "https://bridge.example/webhooks/other-path"),
        someones(Some(PRACTICE), "https://bridge.example/some/path/webhook"),
    ];
    for own in ours.iter().chain(&strangers) {
        clinic.healthengine.add_subscription(&practice(PRACTICE), own.clone()).unwrap();
    }
    clinic.open_up().await;
    let standing: Vec<HeldSubscription> = clinic.subscriptions_of(PRACTICE).into_iter().map(|(_, own)| own).collect();
    for stranger in &strangers {
        assert!(standing.contains(stranger), "{stranger:?}");
    }
    let others: Vec<&HeldSubscription> = standing.iter().filter(|own| !strangers.contains(own)).collect();
    assert!(others.len() == 1 && others[0].expire_at.is_some() && others[0].callback_url == CALLBACK, "{others:?}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn two_practices_have_one_each_and_leave_each_others_alone() {
    let mut clinic = Clinic::with_branch().with_webhooks();
    // A list that shows the consumer's subscriptions, whichever practice they were made for.
    let other = someones(Some(BRANCH), CALLBACK);
    clinic.healthengine.add_subscription(&practice(PRACTICE), other.clone()).unwrap();
    clinic.open_up().await;
    clinic.pass(hours(2)).await;
    let of = |id: &str| clinic.subscriptions_of(id).into_iter().map(|(_, own)| own.client_id).collect::<Vec<_>>();
    assert_eq!(of(PRACTICE), [Some(BRANCH.to_owned()), Some(PRACTICE.to_owned())]);
    assert_eq!(of(BRANCH), [Some(BRANCH.to_owned())]);
    assert_eq!((calls(&clinic, "POST"), calls(&clinic, "DELETE")), (2, 0));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn lost_answers_leave_one_subscription_in_the_end() {
    let late = Fault::CarryOutLate(minutes(5));
    for renewal in [Renewal::SameOne, Renewal::AnotherOne] {
        for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::Truncate, Fault::StatusAfter(502), late.clone()] {
            let mut clinic = Clinic::new().with_webhooks();
            clinic.healthengine.configure(|settings| settings.renewal = renewal);
            let mut faults = VecDeque::from([fault.clone(), fault.clone()]);
            clinic.healthengine_faults.set(move |asked| if is_subscribing(asked) { faults.pop_front() } else { None });
            clinic.start();
            subscribed(&clinic).await;
            // What is carried out late comes to light at the next look.
            an_hour_passes(&clinic).await;
            an_hour_passes(&clinic).await;
            assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 1, "{renewal:?} {fault:?}");
            let made = calls(&clinic, "POST");
            assert!(made <= 3, "{renewal:?} {fault:?}: {made} times");
            assert!(clinic.problems().is_empty(), "{:?}", clinic.problems());
            clinic.finish().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_deletion_whose_answer_is_lost_is_made_good() {
    for fault in [Fault::LoseAnswer, Fault::LoseRequest, Fault::StatusAfter(503), Fault::CarryOutLate(minutes(1))] {
        let mut clinic = Clinic::new().with_webhooks();
        let duplicate = someones(Some(PRACTICE), &format!("{}x", CALLBACK.strip_suffix(SECRET).unwrap()));
        clinic.healthengine.add_subscription(&practice(PRACTICE), duplicate).unwrap();
        let mut faults = VecDeque::from([fault.clone()]);
        clinic.healthengine_faults.set(move |asked| if asked.method == "DELETE" { faults.pop_front() } else { None });
        clinic.start();
        clinic.until("something is deleted", minutes(1), |clinic| calls(clinic, "DELETE") > 0).await;
        clinic.pass(minutes(3)).await;
        assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 1, "{fault:?}");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_changed_address_is_subscribed_before_the_former_one_is_given_up() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    for (public_url, secret) in [
        ("https://bridge.example/some/path", "another-secret"),
        ("https://moved.example", "another-secret"),
        ("https://moved.example/", "a-third-secret"),
    ] {
        clinic.stop().await;
        clinic.journal.clear();
        clinic.config.webhooks = Some(settings(public_url, secret));
        clinic.start();
        clinic.until("the former one is gone", minutes(1), |clinic| calls(clinic, "DELETE") > 0).await;
        let standing = clinic.subscriptions_of(PRACTICE);
        let expected = format!("{}/webhooks/{secret}", public_url.trim_end_matches('/'));
        assert_eq!(standing.iter().map(|(_, own)| &own.callback_url).collect::<Vec<_>>(), [&expected]);
        let changes: Vec<String> = clinic.journal.calls().into_iter().map(|call| call.what).collect();
        let place = |begin: &str| changes.iter().position(|what| what.starts_with(begin)).unwrap();
        assert!(place("POST /subscription") < place("DELETE /subscription"), "{changes:?}");
        clinic.until_in_step().await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_that_was_asked_for_and_never_answered_is_known_though_the_address_changed() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.healthengine_faults.set(|asked| is_subscribing(asked).then_some(Fault::LoseAnswer));
    clinic.start();
    clinic.until("it was asked for", minutes(1), |clinic| calls(clinic, "POST") > 0).await;
    clinic.pull_the_plug().await;
    clinic.healthengine_faults.heal();
    clinic.config.webhooks = Some(settings("https://moved.example", SECRET));
    clinic.start();
    clinic.until("it is gone", minutes(1), |clinic| calls(clinic, "DELETE") > 0).await;
    let standing = clinic.subscriptions_of(PRACTICE);
    assert!(standing.len() == 1 && standing[0].1.callback_url.starts_with("https://moved.example/"), "{standing:?}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_webhooks_in_the_configuration_ours_are_deleted_and_then_they_are_only_looked_at() {
    let mut clinic = Clinic::new().with_webhooks();
    let stranger = someones(None, "https://somebody.example/hook");
    clinic.healthengine.add_subscription(&practice(PRACTICE), stranger.clone()).unwrap();
    clinic.open_up().await;
    assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 2);
    clinic.stop().await;
    clinic.config.webhooks = None;
    clinic.start();
    clinic.until("ours is deleted", minutes(1), |clinic| clinic.subscriptions_of(PRACTICE).len() == 1).await;
    assert_eq!(clinic.subscriptions_of(PRACTICE)[0].1, stranger);
    clinic.until_in_step().await;
    clinic.pass(seconds(5)).await;
    clinic.journal.clear();
    clinic.pass(hours(3)).await;
    clinic.stop().await;
    clinic.start();
    clinic.until_in_step().await;
    clinic.pass(hours(1)).await;
    assert_eq!(calls(&clinic, "POST") + calls(&clinic, "DELETE"), 0, "nothing is remembered");
    // Another bridge can make one.
    let looks = clinic.journal.count("GET /subscription", "");
    assert!((4 * 60..=4 * 80).contains(&looks), "{looks}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_can_end_its_subscriptions_when_its_loops_have_stopped() {
    let mut clinic = Clinic::with_branch().with_webhooks();
    let stranger = someones(None, "https://somebody.example/hook");
    clinic.healthengine.add_subscription(&practice(PRACTICE), stranger.clone()).unwrap();
    clinic.open_up().await;
    let main = clinic.practice();
    clinic.bridge().stop(seconds(8)).await;
    let mut faults = VecDeque::from([Fault::LoseRequest]);
    clinic.healthengine_faults.set(move |asked| if asked.method == "DELETE" { faults.pop_front() } else { None });
    assert!(main.end_subscriptions().await.is_err());
    assert_eq!(main.end_subscriptions().await, Ok(()));
    assert_eq!(main.end_subscriptions().await, Ok(()), "there is nothing left to end");
    assert_eq!(clinic.subscriptions_of(PRACTICE).into_iter().map(|(_, own)| own).collect::<Vec<_>>(), [stranger]);
    assert_eq!(clinic.subscriptions_of(BRANCH).len(), 1);
    clinic.assert_well_behaved();
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn while_consent_is_refused_nothing_is_asked_and_afterwards_it_is_made_good() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.start();
    clinic.pass(minutes(31)).await;
    assert_eq!(clinic.journal.count("GET /subscription", "") + calls(&clinic, "POST"), 0);
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    clinic.until("it is subscribed", minutes(6), |clinic| clinic.subscriptions_of(PRACTICE).len() == 1).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_refuses_subscriptions_alone_is_asked_every_five_minutes_and_polls_go_on() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/subscription").then_some(Fault::RefusalBefore(403)));
    clinic.open_up().await;
    clinic.journal.clear();
    // Each of them is one that no webhook announced.
    for number in 0..12 {
        clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
        clinic.pass(minutes(5)).await;
        assert!(clinic.journal.count("GET /requests", "") > 50 * number);
    }
    let asked = clinic.journal.count("GET /subscription", "");
    assert!((11..=13).contains(&asked), "{asked}");
    assert!(clinic.journal.count("GET /requests", "") > 600);
    let problems = clinic.problems();
    assert!(problems.len() == 1 && problems["subscriptions"].contains("polling meanwhile"), "{problems:?}");
    let said = clinic.log.with("polling meanwhile").len();
    assert!((6..=7).contains(&said), "{said}: at once, then after 1, 3, 7, 15, 31 and 63 minutes");
    clinic.healthengine_faults.heal();
    clinic.until("it is well", minutes(6), |clinic| clinic.problems().is_empty()).await;
    assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 1);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_fails_is_asked_with_growing_delays_and_its_words_do_not_repeat_the_secret() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.healthengine_faults.set(|asked| is_subscribing(asked).then_some(Fault::StatusBefore(500)));
    clinic.open_up().await;
    clinic.journal.clear();
    clinic.pass(hours(1)).await;
    let asked = calls(&clinic, "POST");
    assert!((10..=25).contains(&asked), "{asked}");
    assert!(!clinic.problems()["subscriptions"].contains(SECRET));
    clinic.healthengine_faults.heal();
    clinic.until("it is well", minutes(7), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_shortens_their_life_is_asked_as_often_as_it_takes() {
    for days in [1, 3] {
        let mut clinic = Clinic::new().with_webhooks();
        clinic.healthengine.configure(|settings| settings.subscription_life_max = Some(TimeDelta::days(days)));
        clinic.start();
        subscribed(&clinic).await;
        clinic.journal.clear();
        for _ in 0..3 * 24 {
            an_hour_passes(&clinic).await;
            assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 1);
        }
        assert!(calls(&clinic, "POST") <= 3 * 24, "{}", calls(&clinic, "POST"));
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_somebody_deletes_is_made_anew_when_a_webhook_is_missed() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    let (id, _) = clinic.subscriptions_of(PRACTICE).remove(0);
    clinic.healthengine.remove_subscription(&practice(PRACTICE), &id).unwrap();
    clinic.pass(minutes(2)).await;
    assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 0, "nobody knows yet");
    clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    subscribed(&clinic).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_is_switched_off_ends_its_own_and_one_that_is_switched_on_has_one_again() {
    let mut clinic = Clinic::with_branch().with_webhooks();
    clinic.open_up().await;
    for removed in [false, true] {
        let all = clinic.config.practices.clone();
        if removed {
            drop(clinic.config.practices.pop())
        } else {
            clinic.config.practices[1].enabled = false
        }
        clinic.reload();
        clinic.until("it is ended", minutes(2), |clinic| clinic.subscriptions_of(BRANCH).is_empty()).await;
        assert_eq!(clinic.subscriptions_of(PRACTICE).len(), 1);
        clinic.pass(seconds(10)).await;
        clinic.healthengine.expect_silence(&practice(BRANCH)).unwrap();
        clinic.pass(hours(1)).await;
        clinic.healthengine.expect_calls(&practice(BRANCH)).unwrap();
        clinic.config.practices = all;
        clinic.reload();
        clinic.until("it is back", minutes(2), |clinic| clinic.subscriptions_of(BRANCH).len() == 1).await;
        clinic.until_in_step().await;
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_with_another_secret_moves_the_subscription_and_webhooks_go_on() {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    clinic.config.webhooks = Some(settings("https://bridge.example/some/path", "another-secret"));
    clinic.reload();
    let moved = |clinic: &Clinic| {
        let standing = clinic.subscriptions_of(PRACTICE);
        standing.len() == 1 && standing[0].1.callback_url.ends_with("/another-secret")
    };
    clinic.until("it is moved", minutes(1), moved).await;
    clinic.healthengine.ask_resources(&practice(PRACTICE)).unwrap();
    clinic.until("a webhook arrives", seconds(2), |clinic| clinic.practice().webhook_at().is_some()).await;
    // Other senders are none of the practice's business: it goes on.
    clinic.journal.clear();
    clinic.config.webhooks.as_mut().unwrap().allowed_ips.push("9.9.9.9".parse().unwrap());
    clinic.reload();
    clinic.pass(minutes(1)).await;
    assert!(clinic.practice().webhook_at().is_some());
    assert_eq!(calls(&clinic, "POST") + calls(&clinic, "DELETE"), 0);
    clinic.finish().await;
}
