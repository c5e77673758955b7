//! `check` against servers that are not as they should be.

use super::findings::Level;
use super::*;
use crate::call_error::CallError;
use crate::cli::fakes::{FakeHealthengine, FakeOpenVpms};
use crate::config::sample;
use crate::healthengine::Feature;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::openvpms::{FreeBusy, Location, Schedule, User, UserFreeBusy};

fn now() -> DateTime<Utc> {
    "2027-02-15T00:00:00Z".parse().unwrap()
}

/// A valid configuration with these practices.
fn config(practices: &str) -> Config {
    sample::parsed(&format!("{}{practices}", sample::SERVERS))
}

/// A practice at these locations.
fn practice(id: i32, locations: &str, rest: &str) -> String {
    sample::practice(&id.to_string(), "k", locations, rest)
}

fn resource(line: &str) -> String {
    format!("[[practice.resource]]\n{line}\n")
}

async fn check(
    config: &Config,
    openvpms: &FakeOpenVpms,
    healthengine: impl Fn(&PracticeSettings) -> FakeHealthengine + Send + Sync,
) -> Report {
    let connect = |practice: &PracticeSettings| -> anyhow::Result<Arc<dyn ReadHealthengine>> {
        Ok(Arc::new(healthengine(practice)))
    };
    let mut report = offline(config);
    online(config, openvpms, &connect, now(), &mut report).await.unwrap();
    report
}

/// `place: message` of every problem.
fn problems(report: &Report) -> Vec<String> {
    let problems = report.findings.iter().filter(|finding| finding.level == Level::Problem);
    problems.map(|finding| format!("{}: {}", finding.place, finding.message)).collect()
}

async fn problems_at_main_clinic(practices: &str, change: impl FnOnce(&mut FakeOpenVpms)) -> Vec<String> {
    let mut openvpms = FakeOpenVpms::open_clinic();
    change(&mut openvpms);
    problems(&check(&config(practices), &openvpms, |_| FakeHealthengine::default()).await)
}

#[tokio::test]
async fn a_clinic_where_all_is_well_has_no_problem_and_a_hint_about_the_role() {
    let practices = practice(1, "[98]", "") + &resource("schedule = 136") + &resource("user = 1158\nschedule = 211");
    let report = check(&config(&practices), &FakeOpenVpms::open_clinic(), |_| FakeHealthengine::default()).await;
    assert_eq!(problems(&report), [""; 0]);
    let text = report.to_string();
    assert!(
        text.contains("takes the password")
            && text.contains("role Online Booking")
            && text.ends_with("No problem found.")
    );
    assert_eq!(report.findings.iter().filter(|finding| finding.level == Level::Note).count(), 1, "{text}");
    let json: serde_json::Value = serde_json::from_str(&report.json().unwrap()).unwrap();
    assert_eq!(json.as_array().unwrap()[0]["level"], "ok");
}

#[tokio::test]
async fn unknown_ids_are_named_with_those_that_exist() {
    let practices = practice(1, "[98, 97]", "")
        + &resource("schedule = 1")
        + &resource("schedule = 137")
        + &resource("schedule = 300")
        + &resource("user = 5\nschedule = 136")
        + &resource("user = 6\nschedule = 136");
    let found = problems_at_main_clinic(&practices, |openvpms| {
        openvpms.unflagged.push(ScheduleId(137));
        openvpms.schedules.insert(
            LocationId(99),
            vec![Schedule { id: ScheduleId(300), name: "Branch".into(), slot_size_minutes: 15 }],
        );
        openvpms.other_users.push(User { id: UserId(6), name: "Vera Vet".into() });
    })
    .await;
    assert_eq!(
        found,
        [
            "practice 1: OpenVPMS has no location 97 flagged for online booking",
            "practice 1 resource s1: OpenVPMS has no schedule 1",
            "practice 1 resource s137: Schedule 137 is not flagged for online booking in OpenVPMS",
            "practice 1 resource s300: Schedule 300 is at none of the practice's locations",
            "practice 1 resource u5-s136: OpenVPMS has no user 5",
            "practice 1 resource u6-s136: User 6 (Vera Vet) cannot be booked at the location of u6-s136",
        ]
    );
}

#[tokio::test]
async fn a_schedule_that_reaches_two_practices_through_two_locations_is_a_problem() {
    let found = problems_at_main_clinic(&(practice(1, "[98]", "") + &practice(2, "[99]", "")), |openvpms| {
        openvpms.locations.push(Location {
            id: LocationId(99),
            name: "Branch".into(),
            time_zone: "Australia/Sydney".into(),
        });
        let main = openvpms.schedules[&LocationId(98)][0].clone();
        openvpms.schedules.insert(LocationId(99), vec![main]);
    })
    .await;
    assert_eq!(
        found,
        ["practice 2: Schedule 136 belongs to practice 1 too, and two practices would sell the same time"]
    );
}

#[tokio::test]
async fn a_server_without_a_named_zone_needs_one_in_the_configuration() {
    let offset = |openvpms: &mut FakeOpenVpms| openvpms.locations[0].time_zone = "GMT+10:00".into();
    let found = problems_at_main_clinic(&practice(1, "[98]", ""), offset).await;
    assert!(found[0].contains("\"GMT+10:00\" for location 98"), "{found:?}");
    let named = practice(1, "[98]", "timezone = \"Australia/Brisbane\"");
    assert_eq!(problems_at_main_clinic(&named, offset).await, [""; 0]);
    let found = problems_at_main_clinic(&named, |openvpms| openvpms.locations[0].time_zone = "Moon/Base".into()).await;
    assert!(found[0].contains("unknown here"), "{found:?}");
}

#[tokio::test]
async fn schedules_without_anything_to_book_are_found() {
    let listed = practice(1, "[98]", "") + &resource("schedule = 211");
    let found = problems_at_main_clinic(&listed, |openvpms| drop(openvpms.types.remove(&ScheduleId(211)))).await;
    assert!(found[0].contains("Schedule 211 (Surgery) has no appointment type"), "{found:?}");
    // Not listed, it is only left out.
    let all = practice(1, "[98]", "");
    assert_eq!(problems_at_main_clinic(&all, |openvpms| drop(openvpms.types.remove(&ScheduleId(211)))).await, [""; 0]);
    let found = problems_at_main_clinic(&all, |openvpms| openvpms.schedules.clear()).await;
    assert!(found[0].contains("None of the practice's locations"), "{found:?}");
}

#[tokio::test]
async fn a_wrong_password_is_one_problem_and_healthengine_is_asked_all_the_same() {
    let found = problems_at_main_clinic(&practice(1, "[98]", ""), |openvpms| {
        openvpms.failing = Some(CallError::with_status(ErrorClass::Credentials, 401, "an HTML page"));
    })
    .await;
    assert_eq!(found, ["[openvpms]: OpenVPMS refuses the password of user \"sample\" (401)"]);
    let openvpms =
        FakeOpenVpms { failing: Some(CallError::new(ErrorClass::NotSent, "refused")), ..FakeOpenVpms::default() };
    let report = check(&config(&practice(1, "[98]", "")), &openvpms, |_| FakeHealthengine::default()).await;
    assert!(report.to_string().contains("api_key and consent are good"), "{report}");
}

#[tokio::test]
async fn missing_consent_is_a_problem_of_its_practice_alone() {
    let config = config(
        &(practice(1, "[98]", "")
            + &resource("schedule = 136")
            + &practice(2, "[98]", "")
            + &resource("schedule = 211")),
    );
    let healthengine = |practice: &PracticeSettings| FakeHealthengine {
        failing: (practice.id.0 == "1").then(|| CallError::with_status(ErrorClass::Forbidden, 403, "no consent")),
        ..FakeHealthengine::default()
    };
    let report = check(&config, &FakeOpenVpms::open_clinic(), healthengine).await;
    assert_eq!(problems(&report), ["practice 1: Healthengine has no consent of practice 1 for us (403)"]);
    let good = "api_key and consent are good";
    assert!(report.findings.iter().any(|finding| finding.place == "practice 2" && finding.message.contains(good)));
}

#[tokio::test]
async fn a_wrong_api_key_is_told_once_and_disabled_practices_are_not_asked() {
    let entry = |schedule| resource(&format!("schedule = {schedule}"));
    let both = practice(1, "[98]", "") + &entry(136) + &practice(2, "[98]", "") + &entry(211);
    let wrong_key = |_: &PracticeSettings| FakeHealthengine {
        failing: Some(CallError::with_status(ErrorClass::Credentials, 401, "x")),
        ..FakeHealthengine::default()
    };
    let report = check(&config(&both), &FakeOpenVpms::open_clinic(), wrong_key).await;
    assert_eq!(problems(&report), ["[healthengine]: Healthengine refuses the api_key (401)"]);
    let disabled = practice(1, "[98]", "enabled = false");
    let report = check(&config(&disabled), &FakeOpenVpms::open_clinic(), wrong_key).await;
    assert_eq!(problems(&report), [""; 0]);
}

#[tokio::test]
async fn a_wrong_clock_and_features_left_on_are_found() {
    let healthengine = |_: &PracticeSettings| FakeHealthengine {
        features: vec![
            Feature { id: "documents".into(), enabled: true },
            Feature { id: "other".into(), enabled: false },
        ],
        clock_ahead: TimeDelta::seconds(31),
        ..FakeHealthengine::default()
    };
    let report = check(&config(&practice(1, "[98]", "")), &FakeOpenVpms::open_clinic(), healthengine).await;
    assert_eq!(problems(&report).len(), 1);
    assert!(problems(&report)[0].starts_with("clock: This machine's clock is 31 s behind Healthengine's"));
    assert!(report.to_string().contains("cannot serve: documents\n"), "{report}");
}

#[test]
fn a_webhook_secret_that_can_be_guessed_and_listeners_on_every_address_do_not_pass() {
    let open = practice(1, "[98]", "")
        + "[admin]\nlisten = \"0.0.0.0:8686\"\n[webhooks]\nlisten = \"0.0.0.0:8687\"\npublic_url \
           = \"https://x.example\"\nsecret = \"a\"\n";
    let report = offline(&config(&open));
    let text = report.to_string();
    assert_eq!(report.problems(), 3, "{text}");
    for part in ["openssl rand -hex 32", "listen = \"127.0.0.1:8686\"", "listen = \"127.0.0.1:8687\"", "ssh -L"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let guarded = open.replace("0.0.0.0", "127.0.0.1").replace("\"a\"", "\"9c1f0d3b7a52e846\"");
    assert_eq!(offline(&config(&guarded)).problems(), 0);
}

#[test]
fn a_secret_with_a_blank_at_its_end_is_named_and_not_shown() {
    let mut with_blank = config(&practice(1, "[98]", ""));
    with_blank.openvpms.password = "hunter2 ".to_owned().into();
    let text = offline(&with_blank).to_string();
    assert!(text.contains("[openvpms] password") && text.contains("ends with a blank"), "{text}");
    assert!(!text.contains("hunter2"), "{text}");
}

#[test]
fn a_configuration_without_a_practice_is_a_problem() {
    assert_eq!(problems(&offline(&config(""))), ["vetbridge.toml: No practice is configured, so nothing is bridged"]);
}

#[tokio::test]
async fn a_schedule_that_is_never_open_and_a_clinician_without_a_roster_are_told_with_the_likely_cause() {
    let practices = practice(1, "[98]", "") + &resource("schedule = 136") + &resource("user = 1158\nschedule = 211");
    let with = |change: fn(&mut FakeOpenVpms)| problems_at_main_clinic(&practices, change);
    let schedule = with(|openvpms| drop(openvpms.free_busy.insert(ScheduleId(136), FreeBusy::default()))).await;
    assert_eq!(
        schedule,
        ["practice 1: Schedule 136 (Main) has no open time in the next 60 days, so nothing of it can be booked"]
    );
    let clinician =
        with(|openvpms| drop(openvpms.rosters.insert((UserId(1158), LocationId(98)), UserFreeBusy::default())));
    assert_eq!(
        clinician.await,
        ["practice 1 resource u1158-s211: User 1158 on schedule 211 (Surgery) has no roster in the next 60 days, \
             so nothing of it can be booked"]
    );
    let mut openvpms = FakeOpenVpms::open_clinic();
    openvpms.free_busy.insert(ScheduleId(136), FreeBusy::default());
    let report = check(&config(&practices), &openvpms, |_| FakeHealthengine::default()).await.to_string();
    assert!(
        report.contains("closes at 24:00") && report.contains("set 23:59") && !report.contains("No problem"),
        "{report}"
    );
}
