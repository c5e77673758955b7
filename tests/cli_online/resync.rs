//! `vetbridge resync`, through the service and without one.

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
async fn without_a_service_this_process_sends_everything_and_remembers_it() {
    let clinic = Clinic::open().await;
    let dry = clinic.run(&["resync", "--dry-run"]).await;
    assert_eq!((dry.status, dry.error.as_str()), (0, ""));
    assert_eq!(
        dry.out,
        "Practice 1234567: nothing was sent; it would be\nliveness contract\nresources: 2, added: s136 s211\n\
         appointment types: 8, added: 63:s136 63:s211 66:s136 66:s211 76:s136 76:s211 79:s136 79:s211\n\
         availability: 10 days, 10 of them changed\n"
    );
    assert_eq!(sent(&clinic), [0; 4]);

    let all = clinic.run(&["resync"]).await;
    assert_eq!((all.status, all.error.as_str()), (0, ""), "{}", all.out);
    assert!(
        all.out.starts_with("Practice 1234567\n") && all.out.ends_with("availability: 10 days, 10 of them changed\n"),
        "{}",
        all.out
    );
    assert_eq!(sent(&clinic), [1; 4]);

    // What was accepted was written down: nothing differs, and a person gets everything sent again all the same.
    let again = clinic.run(&["resync", "--only", "availability"]).await;
    assert_eq!(again.out, "Practice 1234567\navailability: 10 days, 0 of them changed\n");
    assert_eq!(sent(&clinic), [1, 1, 1, 2]);
    let config = clinic.run(&["resync", "--only", "config", "--practice", PRACTICE]).await;
    assert!(config.status == 0 && !config.out.contains("availability"), "{}", config.out);
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
async fn a_problem_is_said_with_its_remedy_and_does_not_stop_the_next_practice() {
    let clinic = Clinic::open().await;
    let refused = practice("7654321", "no-such-key", "").replace("[98]", "[106]");
    clinic.write("vetbridge.toml", &(clinic.settings() + &refused + &practice(PRACTICE, "the-practice-key", "")));
    let resync = clinic.run(&["resync", "--log-level", "error"]).await;
    assert_eq!(resync.status, 1);
    let at = |needle: &str| resync.out.find(needle).unwrap_or_else(|| panic!("{needle}: {}", resync.out));
    assert!(at("problem: Healthengine refuses practice 7654321 (403, GET features)") < at("Practice 1234567\n"));
    assert!(resync.out.contains("availability: 10 days"), "{}", resync.out);
    assert_eq!(
        resync.error,
        "vetbridge: The resync of practice 7654321 is not complete. See to the problem, then run it again.\n"
    );

    clinic.openvpms_faults.close_port();
    let away = clinic.run(&["resync", "--practice", PRACTICE, "--log-level", "error"]).await;
    assert!(
        away.status == 1 && away.out.contains("problem: OpenVPMS cannot be read") && away.out.contains("VPN"),
        "{}",
        away.out
    );

    let unknown = clinic.run(&["resync", "--practice", "7"]).await;
    assert_eq!((unknown.status, unknown.out.as_str()), (1, ""));
    assert!(unknown.error.contains("Enabled are 7654321 and 1234567"), "{}", unknown.error);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_releases_what_the_guard_holds_back() {
    let clinic = Clinic::open().await;
    assert_eq!(clinic.run(&["resync"]).await.status, 0);
    clinic.openvpms.staff(|world| {
        for schedule in [136, 211] {
            world.schedule_mut(ScheduleId(schedule)).unwrap().online = false;
        }
    });
    let dry = clinic.run(&["resync", "--only", "config", "--dry-run"]).await;
    assert!(dry.out.contains("resources: 0, removed: s136 s211"), "{}", dry.out);
    assert_eq!(clinic.run(&["resync", "--only", "config"]).await.status, 0);
    assert!(clinic.healthengine.resources(&PracticeId(PRACTICE.into())).unwrap().is_empty());
}
