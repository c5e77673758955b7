//! `vetbridge run` with webhooks: a subscription over HTTP, deliveries through a proxy, and what a taken port leads to.

use std::sync::Arc;

use chrono::{Days, NaiveDateTime};
use tokio::net::TcpListener;
use tokio_util::sync::CancellationToken;
use vetbridge::ids::{BookingId, PracticeId};
use vetbridge::simulator::healthengine::{HttpCourier, RequestOutcome, Wish};

use crate::clinic::{Clinic, PRACTICE, eventually, free_port};
use crate::service::Service;

const SECRET: &str = "a-s3cret-of-this-test";

fn practice() -> PracticeId {
    PracticeId(PRACTICE.into())
}

/// The clinic with webhooks, at which polls alone would take minutes.
async fn with_webhooks() -> (Clinic, u16) {
    let (clinic, port) = (Clinic::open().await, free_port().await);
    let table = format!(
        "[webhooks]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://bridge.example/hooks\"\nsecret = \
         {{ file = \"webhook.secret\" }}\n\
         trusted_proxies = [\"127.0.0.1\"]\n"
    );
    let configuration = clinic.configuration().replace("request_interval = \"100ms\"", "request_interval = \"3m\"");
    clinic.write("vetbridge.toml", &configuration.replace("[sync]", &format!("{table}[sync]")));
    clinic.write("webhook.secret", &format!("{SECRET}\n"));
    (clinic, port)
}

fn in_two_days(clinic: &Clinic, time: &str) -> NaiveDateTime {
    let day = clinic.today() + Days::new(2);
    day.and_time(time.parse().unwrap())
}

/// A pet owner books this time as soon as it is offered.
async fn book(clinic: &Clinic, time: &str) -> BookingId {
    let start = in_two_days(clinic, time);
    let offered = || clinic.healthengine.offered(&practice(), "s136", start.date()).unwrap();
    eventually("it is offered", async || offered().iter().any(|offer| offer.start == start)).await;
    clinic.healthengine.book(&practice(), Wish::new("s136", "66:s136", start)).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_booking_is_made_at_its_webhook_and_the_secret_stays_out_of_the_log() {
    for strips in ["", "/hooks"] {
        let (clinic, port) = with_webhooks().await;
        let courier =
            HttpCourier::new(([127, 0, 0, 1], port).into(), "52.62.53.70".parse().unwrap()).unwrap().stripping(strips);
        let (model, stop) = (clinic.healthengine.clone(), CancellationToken::new());
        let _stop = stop.clone().drop_guard();
        tokio::spawn(async move { model.deliver_webhooks(Arc::new(courier), stop).await });
        let service = Service::start_and_get_in_step(&clinic).await;
        let subscribed = || clinic.healthengine.subscriptions(&practice()).unwrap();
        eventually("it is subscribed", async || subscribed().len() == 1).await;
        assert_eq!(subscribed()[0].1.callback_url, format!("https://bridge.example/hooks/webhooks/{SECRET}"));
        for time in ["10:00:00", "11:00:00"] {
            let booking = book(&clinic, time).await;
            let confirmed = async || clinic.healthengine.booking(booking).unwrap().answer == RequestOutcome::Confirmed;
            eventually("it is confirmed", confirmed).await;
        }
        // What it says to a stranger is in the log; the secret is not.
        let stranger = reqwest::Client::builder().no_proxy().tls_certs_only([]).build().unwrap();
        let call =
            stranger.post(format!("http://127.0.0.1:{port}/webhooks/{SECRET}")).header("x-forwarded-for", "9.9.9.9");
        assert_eq!(call.send().await.unwrap().status(), 403);
        eventually("the log has it", async || service.log().contains("its sender 9.9.9.9 is not among allowed_ips"))
            .await;
        assert!(service.log().contains("https://bridge.example/hooks/webhooks/…"), "{}", service.log());
        assert!(!service.log().contains(SECRET), "{}", service.log());
        let status = service.get("/api/v1/status").await.text().await.unwrap();
        assert!(!status.contains(SECRET) && status.contains("webhook_at"), "{status}");
        service.stop().await;
        assert_eq!(clinic.healthengine.open_deliveries(), 0, "every webhook was answered");
        let violations = clinic.healthengine.violations();
        assert!(violations.is_empty(), "{violations:?}");
        // A stop ends nothing at Healthengine.
        assert_eq!(subscribed().len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_port_in_use_ends_the_start_with_a_sentence_and_check_says_so_before() {
    let (clinic, port) = with_webhooks().await;
    let free = clinic.run(&["check"]).await;
    assert!(free.out.contains(&format!("127.0.0.1:{port} is free")), "{free:?}");
    assert!(free.out.contains("https://bridge.example/hooks/webhooks/…") && !free.out.contains(SECRET), "{free:?}");
    let taken = TcpListener::bind(("127.0.0.1", port)).await.unwrap();
    let sentence = format!("[webhooks] listen: 127.0.0.1:{port} is in use by another program");
    let checked = clinic.run(&["check"]).await;
    assert!(checked.status == 1 && checked.out.contains(&sentence), "{checked:?}");
    let ended = clinic.run(&["run"]).await;
    assert!(ended.status == 1 && ended.error.starts_with(&format!("vetbridge: {sentence}")), "{ended:?}");
    drop(taken);
}
