//! `vetbridge resync`, through the service and without one.

use serde_json::Value;
use vetbridge::ids::{PracticeId, ScheduleId};

use crate::clinic::{Clinic, PRACTICE, practice};
use crate::service::Service;

/// How often each kind of thing was sent: liveness contracts, resources, appointment types, batches of days.
fn sent(clinic: &Clinic) -> [u64; 4] {
    let tallies = clinic.healthengine.tallies();
    [
        "config/livenessContract",
        "config/pmsResources/snapshot",
        "config/pmsAppointmentTypes/snapshot",
        "availability/snapshots",
    ]
    .map(|path| tallies.get(&format!("POST {path}")).copied().unwrap_or(0))
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_nothing_is_sent_unless_that_is_typed_and_what_was_sent_is_remembered() {
    let clinic = Clinic::open().await;
    let dry = clinic.run(&["resync", "--dry-run"]).await;
    assert_eq!((dry.status, dry.error.as_str()), (0, ""));
    let start = "Practice 1234567: nothing was sent; it would be\nliveness contract: changed\nresources: 2, 2 added\n  \
                 + s136  Main Appointment Schedule\n  + s211  Main Surgery Schedule\nappointment types: 8, 8 added\n  \
                 + 63:s136  Long Consult - Main Appointment Schedule\n";
    assert!(dry.out.starts_with(start), "{}", dry.out);
    assert!(dry.out.contains("\navailability: 10 days, 10 of them changed\n  "), "{}", dry.out);
    assert!(
        dry.out.contains("  s136  Main Appointment Schedule\n    + ") && dry.out.contains("  types 63 66 76 79"),
        "{}",
        dry.out
    );
    let refused = clinic.run(&["resync"]).await;
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    for part in
        ["No vetbridge runs at 127.0.0.1:", "(nobody listens)", "nothing was sent", "--dry-run", "--offline-too"]
    {
        assert!(refused.error.contains(part), "{part}: {}", refused.error);
    }
    let refused = clinic.run(&["resync", "--json"]).await;
    let error: Value = serde_json::from_str(&refused.out).unwrap();
    assert!(error["error"].as_str().unwrap().contains("--offline-too"), "{error}");
    assert_eq!((refused.status, refused.error.as_str()), (1, ""));
    assert_eq!(sent(&clinic), [0; 4]);

    let all = clinic.run(&["resync", "--offline-too"]).await;
    assert_eq!((all.status, all.error.as_str()), (0, ""), "{}", all.out);
    assert!(
        all.out.starts_with("Practice 1234567\n") && all.out.ends_with("availability: 10 days, 10 of them changed\n"),
        "{}",
        all.out
    );
    assert_eq!(sent(&clinic), [1; 4]);

    // What was accepted was written down: nothing differs, and a person gets everything sent again all the same.
    let again = clinic.run(&["resync", "--offline-too", "--only", "availability"]).await;
    assert_eq!(again.out, "Practice 1234567\navailability: 10 days, 0 of them changed\n");
    assert_eq!(sent(&clinic), [1, 1, 1, 2]);
    let config = clinic.run(&["resync", "--offline-too", "--json", "--only", "config", "--practice", PRACTICE]).await;
    let outcomes: Value = serde_json::from_str(&config.out).unwrap();
    assert_eq!((config.status, outcomes.as_array().unwrap().len()), (0, 1));
    assert!(outcomes[0]["practice"] == PRACTICE && outcomes[0]["days"].is_null(), "{outcomes}");
    assert_eq!(sent(&clinic), [2, 2, 2, 2]);
    assert!(clinic.healthengine.violations().is_empty(), "{:?}", clinic.healthengine.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_running_service_does_it_itself() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let before = sent(&clinic);
    let dry = clinic.run(&["resync", "--dry-run"]).await;
    assert_eq!((dry.status, dry.error.as_str()), (0, ""));
    assert!(dry.out.ends_with("availability: 10 days, 0 of them changed\n"), "{}", dry.out);
    assert_eq!(sent(&clinic), before);
    let all = clinic.run(&["resync"]).await;
    assert_eq!((all.status, all.error.as_str()), (0, ""), "{}", all.out);
    assert_eq!(sent(&clinic), before.map(|count| count + 1));
    // The API tells the same to whoever wants no lines.
    let path = format!("/api/v1/practices/{PRACTICE}/resync?only=config&dry_run=true");
    let answer = service.ask(reqwest::Method::POST, &path).await;
    assert_eq!(answer.status(), 200);
    let outcome: serde_json::Value = answer.json().await.unwrap();
    assert!(outcome["dry_run"] == true && outcome["problem"].is_null() && outcome["days"].is_null(), "{outcome}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dry_run_names_each_change_of_a_list_and_each_range_of_a_day() {
    let clinic = Clinic::open().await;
    assert_eq!(clinic.run(&["resync", "--offline-too"]).await.status, 0);
    let renamed = "[[practice.resource]]\nschedule = 136\nname = \"Room one\"\n";
    clinic.write("vetbridge.toml", &format!("{}\n{renamed}", clinic.configuration()));
    let day = clinic.today().succ_opt().unwrap();
    let at = |hour| day.and_hms_opt(hour, 0, 0).unwrap();
    clinic.openvpms.staff(|world| world.add_block(ScheduleId(136), at(10), at(11)));
    let dry = clinic.run(&["resync", "--dry-run"]).await;
    for part in [
        "resources: 1, 1 changed, 1 removed\n  ~ s136  Room one (was Main Appointment Schedule)\n  - s211  Main Surgery Schedule\n".to_owned(),
        format!("availability: 5 days, 1 of them changed\n  {day}  s136  Room one\n    - 0"),
        "-10:00  types ".to_owned(),
        "\n    + 11:00-".to_owned(),
    ] {
        assert!(dry.out.contains(&part), "{part} in {}", dry.out);
    }
    let json = clinic.run(&["resync", "--dry-run", "--json"]).await;
    let json: Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!(json[0]["configuration"]["resources"]["names"]["s136"], "Room one (was Main Appointment Schedule)");
    let changed = &json[0]["days"]["difference"]["days"][0];
    assert_eq!((&changed["resource"], &changed["date"]), (&"s136".into(), &day.to_string().into()), "{json}");
    assert!(changed["removed"]["ranges"][0]["start"].is_string(), "{json}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_problem_is_said_with_its_remedy_and_does_not_stop_the_next_practice() {
    let clinic = Clinic::open().await;
    let refused = practice("7654321", "no-such-key", "").replace("[98]", "[106]");
    clinic.write("vetbridge.toml", &(clinic.settings() + &refused + &practice(PRACTICE, "the-practice-key", "")));
    let resync = clinic.run(&["resync", "--offline-too", "--log-level", "error"]).await;
    assert_eq!(resync.status, 1);
    let at = |needle: &str| resync.out.find(needle).unwrap_or_else(|| panic!("{needle}: {}", resync.out));
    assert!(at("problem: Healthengine refuses practice 7654321 (403, GET features)") < at("Practice 1234567\n"));
    assert!(resync.out.contains("availability: 10 days"), "{}", resync.out);
    assert_eq!(
        resync.error,
        "vetbridge: The resync of practice 7654321 is not complete. See to the problem, then run it again.\n"
    );

    let refused = resync.out.lines().find(|line| line.starts_with("problem: ")).unwrap();
    assert!(refused.contains("[healthengine] url in vetbridge.toml is http://127.0.0.1:"), "{refused}");
    assert!(!refused.contains("OpenVPMS"), "what one side does is not blamed on the other: {refused}");

    clinic.openvpms_faults.close_port();
    let away = clinic.run(&["resync", "--offline-too", "--practice", PRACTICE, "--log-level", "error"]).await;
    assert!(
        away.status == 1 && away.out.contains("problem: OpenVPMS cannot be read") && away.out.contains("VPN"),
        "{}",
        away.out
    );
    assert!(away.out.contains("[openvpms] url in vetbridge.toml is http://127.0.0.1:"), "{}", away.out);
    assert!(!away.out.contains("Healthengine"), "{}", away.out);

    let unknown = clinic.run(&["resync", "--dry-run", "--practice", "7"]).await;
    assert_eq!((unknown.status, unknown.out.as_str()), (1, ""));
    assert!(unknown.error.contains("Enabled are 7654321 and 1234567"), "{}", unknown.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_releases_what_the_guard_holds_back() {
    let clinic = Clinic::open().await;
    assert_eq!(clinic.run(&["resync", "--offline-too"]).await.status, 0);
    clinic.openvpms.staff(|world| {
        for schedule in [136, 211] {
            world.schedule_mut(ScheduleId(schedule)).unwrap().online = false;
        }
    });
    let dry = clinic.run(&["resync", "--only", "config", "--dry-run"]).await;
    assert!(
        dry.out.contains(
            "resources: 0, 2 removed\n  - s136  Main Appointment Schedule\n  - s211  Main Surgery Schedule\n"
        ),
        "{}",
        dry.out
    );
    assert_eq!(clinic.run(&["resync", "--offline-too", "--only", "config"]).await.status, 0);
    assert!(clinic.healthengine.resources(&PracticeId(PRACTICE.into())).unwrap().is_empty());
}
