//! `vetbridge check --alerts`: a test through each channel, and what to do where it fails.

use serde_json::Value;

use crate::clinic::{eventually, free_port};
use crate::program::Scene;
use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn a_test_goes_through_each_channel_and_is_said_to_have_arrived() {
    let scene = Scene::open().await;
    let checked = scene.clinic.run(&["check"]).await;
    assert_eq!((checked.status, scene.hook.count(), scene.heart.count()), (0, 0, 0), "{checked:?}");
    let checked = scene.clinic.run(&["check", "--alerts"]).await;
    assert_eq!((checked.status, checked.error.as_str()), (0, ""), "{}", checked.out);
    for place in ["[alerts] webhook_url", "[alerts] heartbeat_url", "[alerts.email] to reception@vet.example"] {
        assert!(checked.out.contains(place), "{place}: {}", checked.out);
    }
    assert!(!checked.out.contains("s3cret"), "{}", checked.out);
    assert_eq!((scene.mail.mails().len(), scene.hook.count(), scene.heart.count()), (1, 1, 1));
    assert!(scene.hook.texts()[0].starts_with("vetbridge: this is a test\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn each_channel_that_fails_is_a_problem_with_a_remedy_and_no_secret() {
    let scene = Scene::open().await;
    scene.hook.answer([404]);
    let nobody = free_port().await;
    scene.clinic.write("heartbeat.url", &format!("http://127.0.0.1:{nobody}/T0psecret"));
    scene.mail.refuse(1);
    let checked = scene.clinic.run(&["check", "--alerts", "--json"]).await;
    assert_eq!((checked.status, checked.error.as_str()), (1, ""), "{}", checked.out);
    assert!(!checked.out.contains("T0psecret") && !checked.out.contains("s3cret"), "{}", checked.out);
    let findings: Vec<Value> = serde_json::from_str(&checked.out).unwrap();
    let problems: Vec<&Value> = findings.iter().filter(|finding| finding["level"] == "problem").collect();
    assert_eq!(problems.len(), 3, "{problems:#?}");
    for (place, message, remedy) in [
        ("[alerts] webhook_url", "status 404", "Copy the address into [alerts] webhook_url again"),
        ("[alerts] heartbeat_url", "no connection", "Check the address in [alerts] heartbeat_url"),
        ("[alerts.email] to reception@vet.example", "451", "It may be busy"),
    ] {
        let says = |problem: &&&Value| {
            let has = |key: &str, part: &str| problem[key].as_str().is_some_and(|text| text.contains(part));
            has("place", place) && has("message", message) && has("remedy", remedy)
        };
        assert!(problems.iter().any(|problem| says(&problem)), "{place}: {problems:#?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_heartbeat_is_not_asked_while_a_practice_is_out_of_step() {
    let scene = Scene::open().await;
    let service = Service::start_and_get_in_step(&scene.clinic).await;
    scene.clinic.openvpms_faults.close_port();
    eventually("it is out of step", async || service.open("/readyz").await.status() == 503).await;
    let before = scene.heart.count();
    let checked = scene.clinic.run(&["check", "--alerts"]).await;
    assert!(
        checked.out.contains("The heartbeat was not asked, because practice 1234567 is out of step"),
        "{checked:?}"
    );
    assert_eq!(scene.heart.count(), before, "the service does not ask it either");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_the_section_there_is_nothing_to_test() {
    let scene = Scene::open().await;
    scene.clinic.write("vetbridge.toml", &scene.clinic.configuration());
    let checked = scene.clinic.run(&["check", "--alerts"]).await;
    assert!(checked.status == 1 && checked.out.contains("There is no [alerts]"), "{checked:?}");
}
