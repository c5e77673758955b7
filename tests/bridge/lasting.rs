//! What lasts: how often the log says it, when it becomes an error, and who is blamed for it.

use chrono::TimeDelta;
use vetbridge::server::view;
use vetbridge::simulator::exchange::Fault;

use crate::support::{Clinic, PRACTICE, minutes, practice, seconds};

fn reasons(clinic: &Clinic) -> Vec<String> {
    clinic.practice().not_in_step(clinic.clock.now())
}

/// The lines of the log about a problem, by level.
fn levels(clinic: &Clinic, subject: &str) -> Vec<String> {
    let field = format!("subject=\"{subject}\"");
    clinic.log.with(&field).iter().map(|line| line.split_whitespace().next().unwrap_or_default().to_owned()).collect()
}

#[tokio::test(start_paused = true)]
async fn an_outage_is_logged_at_growing_pauses_becomes_an_error_after_ten_minutes_and_its_end_says_how_long_it_was() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.close_port();
    clinic.pass(minutes(9)).await;
    assert_eq!(levels(&clinic, "openvpms"), ["WARN"; 4], "at once, and after 1, 3 and 7 minutes");
    clinic.pass(minutes(3)).await;
    assert_eq!(levels(&clinic, "openvpms").last().unwrap(), "ERROR", "{:?}", levels(&clinic, "openvpms"));
    let told = clinic.log.with("This has lasted 10 minutes");
    assert!(told.iter().any(|line| line.contains("OpenVPMS cannot be read")), "{told:?}");
    clinic.pass(minutes(50)).await;
    assert_eq!(levels(&clinic, "openvpms").iter().filter(|level| *level == "ERROR").count(), 6, "10, 11, 13, 17 …");
    let attempts = clinic.journal.count("GET /ws", "");
    assert!(attempts > 100, "{attempts} attempts were made meanwhile");
    clinic.openvpms_faults.heal();
    clinic.until("it is over", minutes(1), |clinic| clinic.problems().is_empty()).await;
    let resolved = clinic.log.with("Resolved after ");
    assert!(resolved.len() == 1 && resolved[0].contains("Resolved after 1 hour"), "{resolved:?}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn outside_the_live_hours_an_outage_stays_a_warning_until_they_begin() {
    let mut clinic = Clinic::at("2027-02-15 05:00");
    clinic.start();
    clinic.until_in_step().await;
    clinic.healthengine_faults.close_port();
    clinic.pass(minutes(110)).await;
    assert!(
        levels(&clinic, "healthengine").iter().all(|level| level == "WARN"),
        "{:?}",
        levels(&clinic, "healthengine")
    );
    clinic.pass(minutes(12)).await;
    assert_eq!(levels(&clinic, "healthengine").last().unwrap(), "ERROR", "they begin at seven");
    clinic.healthengine_faults.heal();
    clinic.until("it is over", minutes(1), |clinic| clinic.problems().is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_submission_that_fails_again_and_again_is_logged_at_growing_pauses() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = vetbridge::config::WhenDown::Hold;
    clinic.start();
    clinic.until_in_step().await;
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::StatusBefore(503)));
    clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.pass(minutes(6)).await;
    let told = clinic.log.with("OpenVPMS did not confirm the booking").len();
    assert!((1..=3).contains(&told), "{told} lines in six minutes");
    clinic.openvpms_faults.heal();
    clinic.pass(minutes(2)).await;
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_wrong_practice_key_is_not_blamed_on_openvpms() {
    let mut clinic = Clinic::new();
    clinic.healthengine.revoke_consent(&practice(PRACTICE)).unwrap();
    clinic.start();
    clinic.until("Healthengine refuses", seconds(40), |clinic| clinic.problems().contains_key("access")).await;
    clinic
        .throughout("nothing is said of OpenVPMS", minutes(10), |clinic| {
            let problems: Vec<String> = clinic.problems().into_values().collect();
            !reasons(clinic).iter().chain(&problems).any(|text| text.contains("OpenVPMS"))
        })
        .await;
    assert!(clinic.problems()["access"].contains("[healthengine] url in "), "{:?}", clinic.problems());
    clinic.healthengine.grant_consent(&practice(PRACTICE)).unwrap();
    clinic.until_in_step().await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_healthengine_that_hangs_at_the_start_is_not_blamed_on_openvpms() {
    let mut clinic = Clinic::new();
    clinic.healthengine_faults.set(|_| Some(Fault::Hang));
    clinic.start();
    clinic
        .throughout("nothing is said of OpenVPMS", minutes(3), |clinic| {
            let problems: Vec<String> = clinic.problems().into_values().collect();
            !reasons(clinic).iter().chain(&problems).any(|text| text.contains("OpenVPMS"))
        })
        .await;
    clinic.healthengine_faults.heal();
    clinic.until_in_step().await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_openvpms_that_is_away_at_the_start_is_not_blamed_on_healthengine() {
    let mut clinic = Clinic::new();
    clinic.openvpms_faults.close_port();
    clinic.start();
    clinic.until("OpenVPMS is away", seconds(5), |clinic| clinic.problems().contains_key("openvpms")).await;
    clinic
        .throughout("nothing is said against Healthengine", minutes(5), |clinic| {
            let blames =
                |text: &String| text.contains("Healthengine did not") || text.contains("Healthengine has not acc");
            !reasons(clinic).iter().any(blames) && clinic.problems().keys().eq(["openvpms"])
        })
        .await;
    assert!(clinic.problems()["openvpms"].contains("[openvpms] url in "), "{:?}", clinic.problems());
    clinic.openvpms_faults.heal();
    clinic.until_in_step().await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_pause_says_since_when_and_is_a_problem_after_a_day_also_across_a_restart() {
    let mut clinic = Clinic::open().await;
    let began = clinic.clock.now();
    clinic.bridge().set_paused(&practice(PRACTICE), true).await.unwrap().unwrap();
    clinic.pass(minutes(60)).await;
    let status = view::status(clinic.bridge());
    let since = status.off[0].since.unwrap();
    assert!((since.to_utc() - began).abs() < TimeDelta::seconds(5) && status.off[0].why == "paused", "{since}");
    assert!(status.healthy && status.off[0].problems.is_empty(), "{status:?}");
    clinic.stop().await;
    clinic.start();
    clinic.pass(minutes(22 * 60)).await;
    assert!(view::status(clinic.bridge()).healthy);
    clinic.pass(minutes(61)).await;
    let status = view::status(clinic.bridge());
    assert!(!status.healthy && status.off[0].since == Some(since));
    let text = &status.off[0].problems[0].text;
    assert!(text.contains("paused for 1 day") && text.contains("`vetbridge resume --practice 1234567`"), "{text}");
    assert_eq!(clinic.log.with("WARN").iter().filter(|line| line.contains("paused for")).count(), 1);
    clinic.bridge().set_paused(&practice(PRACTICE), false).await.unwrap().unwrap();
    clinic.until_in_step().await;
    assert!(view::status(clinic.bridge()).healthy);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn traces_of_polls_have_plain_values() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.close_port();
    clinic.pass(minutes(2)).await;
    clinic.healthengine_faults.heal();
    clinic.until_in_step().await;
    let told = clinic.log.with("next poll");
    let has = |part: &str| told.iter().any(|line| line.contains(part));
    assert!(has("outcome=\"answered\"") && has("outcome=\"failed\"") && has("hint_after_ms="), "{told:#?}");
    assert!(!has("Some(") && !has("Failed {"), "{told:#?}");
    clinic.finish().await;
}
