//! A configuration that changes while the service runs, and practices that are paused by hand.

use serde_json::Value;
use vetbridge::ids::PracticeId;

use crate::clinic::{Clinic, Ended, PRACTICE, eventually, free_port, practice};
use crate::service::Service;

fn resource_names(clinic: &Clinic) -> Vec<String> {
    let resources = clinic.healthengine.resources(&PracticeId(PRACTICE.into())).unwrap();
    resources.into_iter().map(|own| own.name).collect()
}

fn named(clinic: &Clinic, name: &str) -> String {
    format!("{}\n[[practice.resource]]\nschedule = 136\nname = \"{name}\"\n", clinic.configuration())
}

/// Whether anything is offered within the next days.
fn offers(clinic: &Clinic) -> bool {
    let id = PracticeId(PRACTICE.into());
    clinic.today().iter_days().take(5).any(|day| {
        let offered = |resource| clinic.healthengine.offered(&id, resource, day).is_ok_and(|offers| !offers.is_empty());
        offered("s136") || offered("s211")
    })
}

#[tokio::test(flavor = "multi_thread")]
async fn the_file_is_read_again_on_sighup_and_when_it_changes_and_a_broken_one_changes_nothing() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    assert_eq!(resource_names(&clinic).len(), 2);

    clinic.write("vetbridge.toml", &named(&clinic, "Room one"));
    service.signal("HUP");
    eventually("SIGHUP is obeyed", async || resource_names(&clinic) == ["Room one"]).await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;

    clinic.write("vetbridge.toml", &format!("{}\nnotes = 7\n", named(&clinic, "Room two")));
    service.signal("HUP");
    eventually("the error is told", async || service.log().contains("vetbridge.toml:")).await;
    let problem: Value = service.get("/api/v1/status").await.json().await.unwrap();
    let text = problem["problems"][0]["text"].as_str().unwrap();
    assert!(text.contains("stays in force") && text.contains("unknown key `notes`"), "{text}");
    assert!(problem["healthy"] == false && resource_names(&clinic) == ["Room one"], "{problem}");

    // Nobody sends a signal.
    clinic.write("vetbridge.toml", &named(&clinic, "Room three"));
    eventually("the change is noticed", async || resource_names(&clinic) == ["Room three"]).await;
    let status: Value = service.get("/api/v1/status").await.json().await.unwrap();
    assert_eq!(status["problems"], serde_json::json!([]));

    let port = free_port().await;
    let elsewhere = named(&clinic, "Room four").replace(&clinic.port.to_string(), &port.to_string());
    clinic.write("vetbridge.toml", &elsewhere);
    service.signal("HUP");
    eventually("the rest is in force", async || resource_names(&clinic) == ["Room four"]).await;
    eventually("it is named", async || service.log().contains("[admin] listen changed and waits for a restart")).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practice_is_paused_and_resumed_by_hand_and_status_says_so() {
    let clinic = Clinic::open().await;
    let none = clinic.run(&["status"]).await;
    assert!(none.status == 1 && none.error.contains("No vetbridge runs at"), "{none:?}");
    let service = Service::start_and_get_in_step(&clinic).await;
    let well = clinic.run(&["status"]).await;
    assert!(well.status == 0 && well.out.contains("Main Clinic (1234567): in step, 2 resources"), "{well:?}");
    eventually("something is offered", async || offers(&clinic)).await;

    let paused = clinic.run(&["pause", "--practice", PRACTICE]).await;
    let sentence = "Practice 1234567 is paused: its days at Healthengine are empty, and nothing is sent for it.";
    assert!(paused.status == 0 && paused.out.starts_with(sentence), "{paused:?}");
    eventually("nothing is offered", async || !offers(&clinic)).await;
    clinic.healthengine.expect_silence(&PracticeId(PRACTICE.into())).unwrap();
    let status = clinic.run(&["status"]).await;
    assert!(status.status == 0 && status.out.contains("Main Clinic (1234567) is paused since 20"), "{status:?}");
    let json: Value = serde_json::from_str(&clinic.run(&["status", "--json"]).await.out).unwrap();
    assert_eq!((&json["off"][0]["why"], &json["off"][0]["silent"]), (&"paused".into(), &true.into()), "{json}");
    let since = json["off"][0]["since"].as_str().unwrap();
    assert!(since.ends_with("+11:00") || since.ends_with("+10:00"), "at practice time: {since}");
    let since: chrono::DateTime<chrono::Utc> = since.parse().unwrap();
    assert!((chrono::TimeDelta::zero()..chrono::TimeDelta::minutes(2)).contains(&(clinic.healthengine.now() - since)));
    let again = clinic.run(&["pause", "--practice", PRACTICE]).await;
    assert!(again.status == 0 && again.out.contains("is paused already since 20"), "{again:?}");
    let says_that_it_is_paused = |resync: &Ended| {
        assert!(resync.status == 1 && resync.out.is_empty(), "{resync:?}");
        assert!(resync.error.contains("Practice 1234567 is paused since 20"), "{resync:?}");
        assert!(resync.error.contains("Type `vetbridge resume --practice 1234567`"), "{resync:?}");
    };
    says_that_it_is_paused(&clinic.run(&["resync", "--practice", PRACTICE]).await);
    says_that_it_is_paused(&clinic.run(&["resync"]).await);
    let asked = service.ask(reqwest::Method::POST, &format!("/api/v1/practices/{PRACTICE}/resync")).await;
    assert_eq!(asked.status(), 409);
    service.stop().await;

    // Without a service, for the next start.
    says_that_it_is_paused(&clinic.run(&["resync", "--dry-run", "--practice", PRACTICE]).await);
    let resumed = clinic.run(&["resume", "--practice", PRACTICE]).await;
    assert!(resumed.status == 0 && resumed.out.contains("served from the next start on"), "{resumed:?}");
    assert_eq!(clinic.run(&["pause", "--practice", "7"]).await.status, 1);
    clinic.healthengine.expect_calls(&PracticeId(PRACTICE.into())).unwrap();
    let service = Service::start_and_get_in_step(&clinic).await;
    eventually("everything is offered again", async || offers(&clinic)).await;
    let nothing = clinic.run(&["resume", "--practice", PRACTICE]).await;
    let sentence = "Practice 1234567 is not paused, and nothing was changed: it is on.\n";
    assert_eq!((nothing.status, nothing.out.as_str()), (0, sentence));
    let paused = clinic.run(&["pause", "--practice", PRACTICE, "--json"]).await;
    let json: Value = serde_json::from_str(&paused.out).unwrap();
    assert_eq!((paused.status, &json["on"], &json["off"]["why"]), (0, &false.into(), &"paused".into()), "{json}");
    let resumed = clinic.run(&["resume", "--practice", PRACTICE]).await;
    assert!(resumed.out.starts_with("Practice 1234567 is on"), "{resumed:?}");
    eventually("everything is offered again", async || offers(&clinic)).await;
    let unknown = clinic.run(&["pause", "--practice", "7"]).await;
    assert!(unknown.status == 1 && unknown.error.contains("Practice 7"), "{unknown:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_disabled_practice_is_called_so_by_resync_and_by_resume() {
    let clinic = Clinic::open().await;
    let disabled = practice(PRACTICE, "the-practice-key", "enabled = false\n");
    clinic.write("vetbridge.toml", &(clinic.settings() + &disabled));
    let says = |ended: &Ended| {
        assert!(
            ended.status == 1 && ended.error.contains("Practice 1234567 is disabled, so nothing is sent"),
            "{ended:?}"
        );
        assert!(ended.error.contains("`enabled = true`"), "{ended:?}");
    };
    says(&clinic.run(&["resync", "--dry-run"]).await);
    let service = Service::start(&clinic).await;
    says(&clinic.run(&["resync", "--practice", PRACTICE]).await);
    let resumed = clinic.run(&["resume", "--practice", PRACTICE]).await;
    assert!(resumed.status == 0 && resumed.out.contains("is not paused"), "{resumed:?}");
    assert!(resumed.out.contains("it is disabled in the configuration"), "{resumed:?}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_secret_file_is_picked_up_without_a_signal_and_a_mark_of_the_editor_does_no_harm() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms.staff(|world| {
        world.accounts.iter_mut().for_each(|account| account.password = "another".to_owned());
    });
    clinic.write("openvpms.password", "\u{feff}another\u{a0}\r\n");
    eventually("the change is noticed", async || service.log().contains("was read again")).await;
    eventually("OpenVPMS is read with it", async || {
        let status: Value = service.get("/api/v1/status").await.json().await.unwrap();
        service.open("/readyz").await.status() == 200 && status["healthy"] == true
    })
    .await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn check_says_that_the_service_has_another_secret_and_shows_neither() {
    let clinic = Clinic::open().await;
    let from_environment =
        clinic.configuration().replace("password = { file = \"openvpms.password\" }", "password = { env = \"PW\" }");
    clinic.write("vetbridge.toml", &from_environment);
    let service = Service::start_limited(&clinic, "export PW=changeit").await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    let check = async |password: &str| {
        let mut command = clinic.command(&["check"]);
        command.env("PW", password);
        let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap())
    };
    let (status, same) = check("changeit").await;
    assert_eq!(status, Some(0), "{same}");
    clinic.openvpms.staff(|world| {
        world.accounts.iter_mut().for_each(|account| account.password = "another".to_owned());
    });
    let (status, other) = check("another").await;
    assert_eq!(status, Some(1));
    assert!(
        other.contains("PROBLEM  [openvpms] password")
            && other.contains("has another secret")
            && other.contains("systemctl restart vetbridge"),
        "{other}"
    );
    let noted = std::fs::read_to_string(clinic.state().join("secrets-in-force")).unwrap();
    for shown in [&other, &noted, &service.log()] {
        assert!(!shown.contains("another\"") && !shown.contains("changeit"), "{shown}");
    }
    service.stop().await;
}
