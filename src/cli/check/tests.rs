//! `check` against servers that are not as they should be.

use chrono::TimeDelta;

use super::*;
use crate::call_error::{CallError, ErrorClass};
use crate::cli::fakes::{FakeHealthengine, FakeOpenVpms};
use crate::config::sample;
use crate::findings::report::Level;
use crate::healthengine::{Feature, PmsAppointmentType, PmsResource};
use crate::ids::{AppointmentTypeId, LocationId, ScheduleId, UserId};
use crate::openvpms::{AppointmentType, FreeBusy, Location, Schedule, User, UserFreeBusy};
use crate::span::Span;

fn now() -> DateTime<Utc> {
    "2027-02-15T00:00:00Z".parse().unwrap()
}

/// A valid configuration with these practices.
pub(super) fn config(practices: &str) -> Config {
    sample::parsed(&format!("{}{practices}", sample::SERVERS))
}

/// A practice at these locations.
pub(super) fn practice(id: i32, locations: &str, rest: &str) -> String {
    sample::practice(&id.to_string(), "k", locations, rest)
}

pub(super) fn resource(line: &str) -> String {
    format!("[[practice.resource]]\n{line}\n")
}

pub(super) async fn check(
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
pub(super) fn problems(report: &Report) -> Vec<String> {
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
    let notes = report.findings.iter().filter(|finding| finding.level == Level::Note).map(|note| note.message.as_str());
    let notes: Vec<&str> = notes.collect();
    assert_eq!(notes.len(), 3, "{text}");
    // The clinic is open day and night, and promises to answer on Mondays.
    assert!(notes[0].contains("monday 00:00-08:00 and 18:00-24:00, tuesday 00:00-24:00"), "{}", notes[0]);
    assert!(
        notes[2].contains("no resource of this practice yet; vetbridge run sends 2 resources and 2"),
        "{}",
        notes[2]
    );
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
    assert!(found[0].contains("Location 98 (Main Clinic) has no schedule flagged"), "{found:?}");
    let branch = |openvpms: &mut FakeOpenVpms| {
        let location = Location { id: LocationId(99), name: "Branch".into(), ..openvpms.locations[0].clone() };
        openvpms.locations.push(location);
    };
    let found = problems_at_main_clinic(&practice(1, "[98, 99]", ""), branch).await;
    assert!(found.len() == 1 && found[0].contains("Location 99 (Branch) has no schedule flagged"), "{found:?}");
    let named = practice(1, "[98, 99]", "") + &resource("schedule = 136");
    assert_eq!(problems_at_main_clinic(&named, branch).await, [""; 0]);
}

#[tokio::test]
async fn a_wrong_password_is_one_problem_and_healthengine_is_asked_all_the_same() {
    let found = problems_at_main_clinic(&practice(1, "[98]", ""), |openvpms| {
        openvpms.failing = Some(CallError::with_status(ErrorClass::Credentials, 401, "an HTML page"));
    })
    .await;
    let told = "[openvpms]: OpenVPMS refuses the password of user \"sample\" (401) at http://127.0.0.1/openvpms";
    assert_eq!(found, [told]);
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
    let told = "practice 1: Healthengine has no consent of practice 1 for us (403) at \
                https://healthengine.com.au/pms-api/v1";
    assert_eq!(problems(&report), [told]);
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
    let told = "[healthengine]: Healthengine refuses the api_key (401) at https://healthengine.com.au/pms-api/v1";
    assert_eq!(problems(&report), [told]);
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
        report.contains("closes at 24:00")
            && report.contains("set a closing time of 23:45")
            && !report.contains("No problem"),
        "{report}"
    );
}

#[tokio::test]
async fn types_that_fit_into_no_opening_are_told_once_for_a_schedule_however_many_clinicians_are_on_it() {
    let practices = practice(1, "[98]", "") + &resource("schedule = 211") + &resource("user = 1158\nschedule = 211");
    let open =
        |hour: u32| Span::new(now() + TimeDelta::hours(hour.into()), now() + TimeDelta::hours(i64::from(hour) + 1));
    let found = problems_at_main_clinic(&practices, |openvpms| {
        // An hour of which half is taken, and an hour without anything: the openings count, not what is left.
        let taken = Span::new(open(2).start, open(2).start + TimeDelta::minutes(30));
        let free = vec![Span::new(taken.end, open(2).end), open(5)];
        openvpms.free_busy.insert(ScheduleId(211), FreeBusy { free, busy: vec![taken] });
        let kind = |id, name: &str, slots| AppointmentType { id: AppointmentTypeId(id), name: name.into(), slots };
        openvpms.types.insert(ScheduleId(211), vec![kind(66, "Fits", 4), kind(67, "Dental", 5)]);
    });
    assert_eq!(
        found.await,
        ["practice 1 resource s211: Appointment type \"Dental\" (75 minutes) on schedule 211 (Surgery) is longer \
             than \
          any opening in the next 60 days (at most 60 minutes), so it is never offered"]
    );
}

#[tokio::test]
async fn schedules_at_a_location_of_somebody_else_are_one_finding_with_the_list_to_write() {
    let with = |locations: &str| {
        practice(1, locations, "")
            + &resource("schedule = 136")
            + &resource("schedule = 211")
            + &resource("user = 1158\nschedule = 136")
    };
    let branch = |openvpms: &mut FakeOpenVpms| {
        openvpms.locations.push(Location {
            id: LocationId(106),
            name: "Branch".into(),
            ..openvpms.locations[0].clone()
        });
    };
    for (locations, told, list) in [
        ("[106]", "and the practice's locations are 106", "Write locations = [98, 106] if"),
        ("[97]", "are 97 (OpenVPMS has no location 97 flagged for online booking)", "Write locations = [98] if"),
    ] {
        let mut openvpms = FakeOpenVpms::open_clinic();
        branch(&mut openvpms);
        let report = check(&config(&with(locations)), &openvpms, |_| FakeHealthengine::default()).await;
        let found = problems(&report);
        assert_eq!(found.len(), 1, "{found:#?}");
        assert!(
            found[0].starts_with("practice 1: Schedules 136 and 211 are at location 98 (Main Clinic)"),
            "{found:#?}"
        );
        assert!(found[0].contains(told) && report.to_string().contains(list), "{report}");
    }
}

#[tokio::test]
async fn a_server_elsewhere_needs_a_zone_in_the_configuration_and_one_in_utc_with_a_zone_stays_as_it_is() {
    let zone = |name: &'static str| move |openvpms: &mut FakeOpenVpms| openvpms.locations[0].time_zone = name.into();
    for name in ["America/New_York", "US/Pacific", "Asia/Tokyo", "Etc/UTC", "EST"] {
        let found = problems_at_main_clinic(&practice(1, "[98]", ""), zone(name)).await;
        assert!(found[0].contains(&format!("\"{name}\" for location 98, which is no place in Australia")), "{found:?}");
    }
    // Told where it is, the times are worked out, and hours that nobody can mean are a problem still.
    let named = practice(1, "[98]", "timezone = \"Australia/Perth\"");
    let found = problems_at_main_clinic(&named, zone("America/New_York")).await;
    assert!(found.len() == 1 && found[0].contains("an appointment at 09:00 in the diary is offered at"), "{found:?}");
    assert_eq!(problems_at_main_clinic(&named, zone("GMT+08:00")).await, [""; 0]);
}

#[tokio::test]
async fn what_healthengine_has_is_compared_with_what_is_offered() {
    let practices = practice(1, "[98]", "") + &resource("schedule = 136") + &resource("schedule = 211");
    let kind = |id: &str, name: &str, resource: &str| PmsAppointmentType {
        pms_appointment_type_id: id.into(),
        pms_appointment_type_name: name.into(),
        length_minutes: Some(15),
        pms_resource_id: Some(resource.into()),
    };
    let named = |id: &str, name: &str| PmsResource {
        pms_resource_id: id.into(),
        pms_resource_name: name.into(),
        first_name: None,
        last_name: None,
    };
    let types =
        vec![kind("66:s136", "Standard Consult - Main", "s136"), kind("66:s211", "Standard Consult - Surgery", "s211")];
    let openvpms = FakeOpenVpms::open_clinic();
    let report = async |resources: Vec<PmsResource>| {
        let types = types.clone();
        let healthengine = move |_: &PracticeSettings| FakeHealthengine {
            resources: resources.clone(),
            types: types.clone(),
            ..FakeHealthengine::default()
        };
        check(&config(&practices), &openvpms, healthengine).await.to_string()
    };
    let same = report(vec![named("s136", "Main"), named("s211", "Surgery")]).await;
    assert!(same.contains("the same 2 resources and 2 appointment types"), "{same}");
    let other = report(vec![named("s136", "Room 1"), named("u7-s1", "Dr Gone")]).await;
    let told = "not there yet: Surgery (s211); there under another name or length: Main (s136); only there: Dr \
                Gone (u7-s1)";
    assert!(other.contains(told) && other.contains("deleted with its links"), "{other}");
}

#[test]
fn polls_that_use_up_the_rate_limit_and_an_admin_listener_that_others_reach_are_noted() {
    let many: String = (1..=26).map(|id| practice(id, &format!("[{id}]"), "")).collect();
    let report = offline(&config(&many)).to_string();
    assert!(report.contains("The polls of 26 practices, one every 5 s, and the other calls"), "{report}");
    assert!(report.contains("are 5.8 calls a second together, more than half of the 10"), "{report}");
    assert!(report.contains("Set request_interval and idle_request_interval in [sync] to \"6s\" or more"), "{report}");
    assert!(report.contains("max_requests_per_second in [healthengine] to 12 or more"), "{report}");
    let more: String = (1..=60).map(|id| practice(id, &format!("[{id}]"), "")).collect();
    let report = offline(&config(&more));
    assert!(report.problems() == 1 && report.to_string().contains("so polls come late"), "{report}");
    // Those that are switched off ask nothing.
    let off = offline(&config(&more.replace("[practice.live_hours]", "enabled = false\n[practice.live_hours]")));
    assert!(off.problems() == 0 && !off.to_string().contains("calls a second"), "{off}");
    let few = offline(&config(&practice(1, "[98]", ""))).to_string();
    assert!(!few.contains("calls a second"), "{few}");
    let vpn = offline(&config(&(practice(1, "[98]", "") + "[admin]\nlisten = \"10.8.0.2:8686\"\n")));
    assert!(vpn.problems() == 0 && vpn.to_string().contains("travels in the clear"), "{vpn}");
}

#[tokio::test]
async fn readings_that_use_up_the_rate_limit_of_openvpms_are_told_with_what_to_change() {
    let practices = practice(1, "[98]", "") + &resource("schedule = 136") + &resource("user = 1158\nschedule = 211");
    let found = async |sync: &str| {
        let config = config(&(practices.clone() + sync));
        check(&config, &FakeOpenVpms::open_clinic(), |_| FakeHealthengine::default()).await
    };
    let calm = found("").await;
    assert!(!calm.to_string().contains("calls a second"), "{calm}");
    // Two schedules and a clinician: three calls.
    let over = found("[sync]\navailability_interval = \"500ms\"\n").await;
    assert_eq!(over.problems(), 1, "{over}");
    let told = "[openvpms] max_requests_per_second: Reading 2 schedules and 1 clinician every 0.5 s, and the";
    assert!(problems(&over)[0].starts_with(told), "{over}");
    assert!(over.to_string().contains("Set availability_interval in [sync] to \"1s\" or more"), "{over}");
}
