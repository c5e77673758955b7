//! A rehearsal that only reads.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use tokio::net::TcpListener;

use crate::clinic::{Clinic, PRACTICE};
use crate::process::{Running, count, listen_to_openvpms};
use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn without_book_openvpms_is_only_read_and_healthengine_hears_nothing() {
    let clinic = Clinic::open().await;
    let heard = listen_to_openvpms(&clinic);
    let ended = clinic.run(&["rehearse", "--for", "1s"]).await;
    assert_eq!(ended.status, 0, "{ended:?}");
    for part in
        ["Page          http://127.0.0.1:", "Practice 1234567: 2 resources, 8 appointment types", "Switched off"]
    {
        assert!(ended.out.contains(part), "{part:?} is missing in {ended:?}");
    }
    let reads = count(&heard, "GET");
    assert!(reads > 5 && reads == heard.lock().unwrap().len(), "{:?}", heard.lock().unwrap());
    assert!(clinic.healthengine.exchanges().is_empty());
    assert!(!clinic.state().exists(), "it keeps nothing where the service does");
}

#[tokio::test(flavor = "multi_thread")]
async fn nobody_is_called_whom_alerts_webhooks_or_healthengine_name() {
    let clinic = Clinic::open().await;
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, calls) = (listener.local_addr().unwrap().port(), Arc::new(AtomicUsize::new(0)));
    let counted = Arc::clone(&calls);
    tokio::spawn(async move {
        while listener.accept().await.is_ok() {
            counted.fetch_add(1, Ordering::SeqCst);
        }
    });
    let nobody = clinic.configuration().split("url = \"http://127.0.0.1:").nth(2).unwrap()[..5].to_owned();
    let text = clinic
        .configuration()
        .replace(&format!("127.0.0.1:{}", nobody.trim_end_matches('/')), &format!("127.0.0.1:{port}"));
    let text = format!(
        "{text}[alerts]\nafter = \"0s\"\nheartbeat_url = \"http://127.0.0.1:{port}/beat\"\nheartbeat_interval = \"1s\"\n\
         webhook_url = \"http://127.0.0.1:{port}/alert\"\n[webhooks]\nlisten = \"127.0.0.1:{port}\"\n\
         public_url = \"https://bridge.example\"\nsecret = \"a-secret-of-webhooks\"\n"
    );
    assert!(text.contains(&format!("{port}/pms-api")), "{text}");
    clinic.write("vetbridge.toml", &text);
    let ended = clinic.run(&["rehearse", "--book", "--for", "4s"]).await;
    assert_eq!(ended.status, 0, "{ended:?}");
    assert_eq!(calls.load(Ordering::SeqCst), 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn somebody_who_has_only_openvpms_and_locations_can_rehearse() {
    let clinic = Clinic::open().await;
    let settings = clinic.settings();
    let openvpms = settings.split("[healthengine]").next().unwrap();
    let sync = settings.split("[sync]").nth(1).unwrap();
    clinic.write("vetbridge.toml", &format!("{openvpms}[sync]{sync}[[practice]]\nlocations = [98]\n"));
    let running = Running::start(&clinic, &[]).await;
    running.until_said("Practice rehearsal-1: 2 resources").await;
    assert!(running.said("still lacks for vetbridge run:").is_some());
    assert!(running.said("there is no [healthengine]").is_some() && running.said("has no `key`").is_some());
    let page = running.page("/").await;
    assert!(page.contains("Main Surgery Schedule") && page.contains("still lacks"), "{page}");
    assert_eq!(running.stop().await.0, 0);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_practice_block_as_discover_writes_it_can_be_rehearsed() {
    let clinic = Clinic::open().await;
    let blocks = clinic.run(&["discover", "--toml"]).await;
    clinic.write("vetbridge.toml", &(clinic.settings() + &blocks.out));
    let ended = clinic.run(&["rehearse", "--for", "1s"]).await;
    assert!(ended.status == 0 && ended.out.contains("Practice rehearsal-1: "), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_configuration_without_a_practice_says_what_to_write() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &clinic.settings());
    let ended = clinic.run(&["rehearse"]).await;
    assert!(ended.status == 1 && ended.error.contains("vetbridge discover"), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_of_openvpms_is_named_as_what_it_is() {
    let clinic = Clinic::open().await;
    clinic.write("openvpms.password", "wrong\n");
    let ended = clinic.run(&["rehearse", "--book"]).await;
    assert!(ended.status == 1 && ended.error.contains("password"), "{ended:?}");
    assert!(!ended.error.contains("wrong\n") && ended.out.is_empty(), "{ended:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_service_can_run_meanwhile_and_a_termination_ends_a_rehearsal_with_success() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let running = Running::start(&clinic, &[]).await;
    running.until_said("Practice 1234567: 2 resources").await;
    // One browser has both pages open.
    assert!(running.cookie.starts_with("vetbridge-rehearsal-session="), "{}", running.cookie);
    let (status, out) = running.stop().await;
    assert!(status == 0 && out.last().unwrap().contains("Nothing was written to OpenVPMS."), "{out:?}");
    assert_eq!(service.open("/readyz").await.status(), 200);
    assert!(clinic.healthengine.resources(&vetbridge::ids::PracticeId(PRACTICE.into())).unwrap().len() == 2);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn nothing_of_a_rehearsal_stays_on_the_disk() {
    let clinic = Clinic::open().await;
    let temporary = tempfile::tempdir().unwrap();
    let mut command = clinic.command(&["rehearse", "--book", "--for", "1s"]);
    command.env("TMPDIR", temporary.path());
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    assert_eq!(std::fs::read_dir(temporary.path()).unwrap().count(), 0);
    assert!(!clinic.state().join("rehearsal-leftovers.json").exists());
}
