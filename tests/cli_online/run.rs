//! `vetbridge run` as a process: from its start to its end.

use std::time::Duration;

use serde_json::Value;
use tokio::net::TcpListener;
use vetbridge::ids::PracticeId;

use crate::clinic::{Clinic, PRACTICE, eventually, free_port};
use crate::service::Service;

#[tokio::test(flavor = "multi_thread")]
async fn it_gets_in_step_survives_sighup_and_leaves_on_sigterm() {
    let clinic = Clinic::open().await;
    // Not in step before Healthengine takes the configuration.
    clinic.healthengine_faults.close_port();
    let mut service = Service::start(&clinic).await;
    let healthy = service.open("/healthz").await;
    assert_eq!((healthy.status().as_u16(), healthy.text().await.unwrap().as_str()), (200, "ok\n"));
    let ready = service.open("/readyz").await;
    assert_eq!(ready.status(), 503);
    let reasons: Value = ready.json().await.unwrap();
    assert!(reasons[0]["practice"] == PRACTICE && !reasons[0]["reasons"].as_array().unwrap().is_empty(), "{reasons}");
    clinic.healthengine_faults.heal();
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    let status: Value = service.get("/api/v1/status").await.json().await.unwrap();
    assert!(status["practices"][0]["in_step"] == true && status["practices"][0]["resources"] == 2, "{status}");

    service.signal("HUP");
    eventually("the signal is heard", async || service.log().contains("was read again")).await;
    assert_eq!(service.open("/healthz").await.status(), 200);
    assert_eq!(
        clinic.healthengine.published(&PracticeId(PRACTICE.into()), "s136", clinic.today()).unwrap().map(|_| ()),
        Some(())
    );

    service.signal("TERM");
    let (status, took) = service.wait().await;
    assert!(status == 0 && took < Duration::from_secs(10), "{status} after {took:?}: {}", service.log());
    let log = service.log();
    for secret in ["changeit", "the-api-key", "the-practice-key", service.token()] {
        assert!(!log.contains(secret), "{log}");
    }
    assert!(log.contains("admin-token") && !log.contains("\"level\":\"ERROR\""), "{log}");
    assert!(clinic.healthengine.violations().is_empty(), "{:?}", clinic.healthengine.violations());

    // A restart without changes sends nothing again.
    clinic.healthengine.forget_exchanges();
    let again = Service::start_and_get_in_step(&clinic).await;
    eventually("it polls", async || clinic.healthengine.tallies().get("GET requests").is_some_and(|polls| *polls > 3))
        .await;
    again.stop().await;
    let posts: Vec<String> = clinic.healthengine.tallies().into_keys().filter(|own| own.starts_with("POST")).collect();
    assert_eq!(posts, [""; 0]);
}

#[tokio::test(flavor = "multi_thread")]
async fn it_leaves_within_ten_seconds_though_a_server_hangs_and_a_client_stays() {
    let clinic = Clinic::open().await;
    let mut service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms_faults.set(|_| Some(vetbridge::simulator::exchange::Fault::Hang));
    clinic.healthengine_faults.set(|_| Some(vetbridge::simulator::exchange::Fault::Hang));
    // A client that has sent half of a request.
    let mut half = std::net::TcpStream::connect(("127.0.0.1", clinic.port)).unwrap();
    std::io::Write::write_all(&mut half, b"GET /healthz HTTP/1.1\r\nho").unwrap();
    let booking = clinic.healthengine.offered(&PracticeId(PRACTICE.into()), "s136", clinic.today()).is_ok();
    assert!(booking);
    service.signal("INT");
    let (status, took) = service.wait().await;
    assert!(status == 0 && took < Duration::from_secs(10), "{status} after {took:?}: {}", service.log());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_instance_is_told_who_the_first_one_is() {
    let clinic = Clinic::open().await;
    let service = Service::start(&clinic).await;
    let second = clinic.run(&["run"]).await;
    assert_eq!((second.status, second.out.as_str()), (1, ""));
    assert_eq!(second.error.lines().count(), 1, "{}", second.error);
    let holder = format!("is in use by another vetbridge (process {}", service.process());
    assert!(second.error.contains(&holder) && second.error.contains("Stop that one first"), "{}", second.error);
    // The first one does not mind.
    assert_eq!(service.open("/healthz").await.status(), 200);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_or_a_state_directory_that_is_none_ends_the_start_with_a_sentence() {
    let clinic = Clinic::open().await;
    let taken = TcpListener::bind(("127.0.0.1", clinic.port)).await.unwrap();
    let ended = clinic.run(&["run"]).await;
    let sentence =
        format!("vetbridge: [admin] listen: 127.0.0.1:{} is in use by another program. Stop that program", clinic.port);
    assert!(ended.status == 1 && ended.error.starts_with(&sentence), "{ended:?}");
    drop(taken);
    clinic.write("vetbridge.toml", &clinic.configuration().replace("path = \"state\"", "path = \".\""));
    let ended = clinic.run(&["run"]).await;
    assert!(ended.status == 1 && ended.error.contains("no state directory of vetbridge: it holds "), "{ended:?}");
    clinic.write("vetbridge.toml", "[openvpms]\n");
    assert_eq!(clinic.run(&["run"]).await.status, 2);
    let port = free_port().await;
    clinic.write(
        "vetbridge.toml",
        &clinic
            .configuration()
            .replace("127.0.0.1:", "203.0.113.7:")
            .replace(&clinic.port.to_string(), &port.to_string()),
    );
    assert_eq!(clinic.run(&["run"]).await.status, 2, "plain http to a public address");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_watchdog_of_the_service_manager_hears_from_it_before_and_after_the_store_opens() {
    let clinic = Clinic::open().await;
    let socket = clinic.directory.path().join("notify");
    let manager = tokio::net::UnixDatagram::bind(&socket).unwrap();
    let service = Service::start_watched(&clinic, &socket, Duration::from_millis(900)).await;
    let (mut buffer, mut heard) = ([0; 200], Vec::new());
    let listening = async {
        while heard.iter().filter(|own| *own == "WATCHDOG=1").count() < 5 {
            let length = manager.recv(&mut buffer).await.unwrap();
            heard.extend(String::from_utf8_lossy(&buffer[..length]).lines().map(ToOwned::to_owned));
        }
    };
    let in_time = tokio::time::timeout(Duration::from_secs(10), listening).await;
    assert!(in_time.is_ok() && heard.iter().any(|own| own == "READY=1"), "{heard:?}");
    service.stop().await;
}
