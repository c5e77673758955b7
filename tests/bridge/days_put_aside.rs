//! Days that Healthengine does not take: they hold up no others, and are sent again.

use std::io::Read as _;

use serde_json::Value;
use vetbridge::simulator::exchange::{ArrivedRequest, Fault};

use crate::support::{Clinic, minutes, seconds};

const NEAR: &str = "2027-02-16 10:00";
const FAR: &str = "2027-02-26 10:00";

fn published(clinic: &Clinic, start: &str) -> bool {
    clinic.published("s136", "66:s136", start)
}

fn is_snapshot(asked: &ArrivedRequest) -> bool {
    asked.target.contains("/availability/snapshot")
}

/// True of a call that holds this day of a resource.
fn holds(asked: &ArrivedRequest, resource: &str, day: &str) -> bool {
    let mut text = String::new();
    if flate2::read::GzDecoder::new(asked.body.as_slice()).read_to_string(&mut text).is_err() {
        text = String::from_utf8_lossy(&asked.body).into_owned();
    }
    fn found(value: &Value, resource: &str, day: &str) -> bool {
        match value {
            Value::Array(all) => all.iter().any(|one| found(one, resource, day)),
            Value::Object(fields) => {
                let has = |text: &str| fields.values().any(|value| value == text);
                (has(resource) && has(day)) || fields.values().any(|value| found(value, resource, day))
            }
            Value::Null | Value::Bool(_) | Value::Number(_) | Value::String(_) => false,
        }
    }
    is_snapshot(asked) && found(&serde_json::from_str(&text).unwrap_or_default(), resource, day)
}

#[tokio::test(start_paused = true)]
async fn after_an_incident_in_which_every_day_is_refused_all_of_them_arrive_as_soon_as_one_does() {
    let clinic = Clinic::open().await;
    let sent_at = clinic.practice().last_done().sent_at;
    clinic.healthengine_faults.set(|asked| is_snapshot(asked).then_some(Fault::RefusalBefore(400)));
    clinic.staff_book(136, NEAR, 15);
    clinic.staff_book(136, FAR, 15);
    let refused = |clinic: &Clinic| clinic.problems().get("refused_days").is_some_and(|text| text.contains("2 days"));
    clinic.until("both are refused", minutes(16), refused).await;
    assert_eq!(clinic.practice().last_done().sent_at, sent_at, "nothing arrived");
    assert!(!clinic.practice().not_in_step(clinic.clock.now()).is_empty(), "pet owners see a time that is taken");
    assert!(published(&clinic, NEAR) && published(&clinic, FAR));
    clinic.healthengine_faults.heal();
    clinic.staff_book(136, "2027-02-17 09:00", 15);
    let arrived = |clinic: &Clinic| !published(clinic, NEAR) && !published(clinic, FAR);
    clinic.until("all of them arrive", seconds(65), arrived).await;
    assert_eq!(clinic.problems(), Default::default());
    assert!(clinic.practice().not_in_step(clinic.clock.now()).is_empty());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn one_day_for_which_every_call_fails_holds_up_no_other_and_is_sent_again_by_itself() {
    for fault in [Fault::StatusBefore(500), Fault::StatusBefore(403), Fault::StatusBefore(400)] {
        let clinic = Clinic::open().await;
        clinic.healthengine_faults.set({
            let fault = fault.clone();
            move |asked| holds(asked, "s136", "2027-02-16").then_some(fault.clone())
        });
        clinic.staff_book(136, NEAR, 15);
        clinic.staff_book(136, "2027-02-17 10:00", 15);
        clinic.staff_book(211, NEAR, 30);
        clinic
            .until("the others arrive", minutes(5), |clinic| {
                !published(clinic, "2027-02-17 10:00") && !clinic.published("u1158-s211", "63:u1158-s211", NEAR)
            })
            .await;
        assert!(published(&clinic, NEAR));
        assert!(clinic.problems()["days"].contains("1 day is not sent"), "{:?}", clinic.problems());
        clinic.journal.clear();
        clinic.staff_book(136, "2027-02-17 11:00", 15);
        clinic.until("what changes arrives", seconds(65), |clinic| !published(clinic, "2027-02-17 11:00")).await;
        let failed = clinic.journal.calls().into_iter().filter(|call| call.outcome != Ok(200)).count();
        assert_eq!(failed, 0, "{fault:?}: the bad day is left alone");
        clinic.healthengine_faults.heal();
        clinic.until("it arrives as well", minutes(7), |clinic| !published(clinic, NEAR)).await;
        assert_eq!(clinic.problems(), Default::default());
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_every_call_fails_nothing_is_put_aside_and_few_are_made() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|asked| is_snapshot(asked).then_some(Fault::StatusBefore(500)));
    for day in 16..=21 {
        clinic.staff_book(136, &format!("2027-02-{day} 10:00"), 15);
    }
    clinic.journal.clear();
    clinic.pass(minutes(40)).await;
    let calls = clinic.journal.count("POST /availability/", "");
    // Days of which nobody knows whether they arrived are tried every half a minute, each for itself.
    assert!(calls < 40 * 2 * 6, "{calls} in forty minutes");
    clinic.healthengine_faults.heal();
    let arrived = |clinic: &Clinic| (16..=21).all(|day| !published(clinic, &format!("2027-02-{day} 10:00")));
    clinic.until("all of them arrive with the next reading", seconds(65), arrived).await;
    clinic.finish().await;
}
