//! Handling incoming requests via webhook subscriptions.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use vetbridge::simulator::healthengine::{ANSWER_WITHIN, Courier, Delivered, HttpCourier, MarketplaceStatus};

use crate::clinic::{Clinic, PRACTICE, eventually, free_port};
use crate::service::Service;
use crate::world::id;

/// Delivers over HTTP, but for the first so many attempts, which are lost on the way.
struct Way {
    courier: HttpCourier,
    lost: AtomicUsize,
    ended: Mutex<Vec<(Delivered, std::time::Duration)>>,
}

#[async_trait]
impl Courier for Way {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let began = Instant::now();
        let is_lost = self.lost.fetch_update(Ordering::SeqCst, Ordering::SeqCst, |left| left.checked_sub(1)).is_ok();
        let delivered = if is_lost { Delivered::HungUp } else { self.courier.post(callback_url, body).await };
        self.ended.lock().unwrap().push((delivered, began.elapsed()));
        delivered
    }
}

/// A running service that is subscribed, whose polls are `interval` apart, and to which the first
/// so many deliveries are lost.
async fn subscribed(interval: &str, lost: usize) -> (Clinic, Service, Arc<Way>, DropGuard) {
    let (clinic, port) = (Clinic::open().await, free_port().await);
    let table = format!(
        "[webhooks]\nlisten = \"127.0.0.1:{port}\"\npublic_url = \"https://bridge.example\"\nsecret = \"s3cret\"\n\
         trusted_proxies = [\"127.0.0.1\"]\n[sync]"
    );
    let intervals = format!("request_interval = \"{interval}\"");
    let text = clinic.configuration().replace("[sync]", &table).replace("request_interval = \"100ms\"", &intervals);
    clinic.write("vetbridge.toml", &text);
    let courier = HttpCourier::new(([127, 0, 0, 1], port).into(), "13.55.48.1".parse().unwrap()).unwrap();
    let way = Arc::new(Way { courier, lost: AtomicUsize::new(lost), ended: Mutex::default() });
    let (model, carrier, stop) = (clinic.healthengine.clone(), Arc::clone(&way), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move { model.deliver_webhooks(carrier, stopped).await });
    let service = Service::start_and_get_in_step(&clinic).await;
    let is_subscribed = async || !clinic.healthengine.subscriptions(&id(PRACTICE)).unwrap().is_empty();
    eventually("the practice is subscribed", is_subscribed).await;
    (clinic, service, way, stop.drop_guard())
}

async fn a_booking_is_made(clinic: &Clinic) {
    let booking = clinic.book("s136").await;
    let status = || clinic.healthengine.booking(booking).unwrap().status;
    eventually("the booking is confirmed", async || {
        status() == MarketplaceStatus::Confirmed && clinic.standing(booking) == 1
    })
    .await;
}

#[tokio::test(flavor = "multi_thread")]
async fn acknowledging_a_webhook_payload_to_prevent_timeout() {
    let (clinic, service, way, _stop) = subscribed("4m", 0).await;
    a_booking_is_made(&clinic).await;
    let ended = way.ended.lock().unwrap().clone();
    assert!(!ended.is_empty());
    assert!(ended.iter().all(|(ended, took)| *ended == Delivered::Answered(200) && *took < ANSWER_WITHIN), "{ended:?}");
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn resolving_a_webhook_payload_attempt_before_the_maximum_number_of_retries() {
    let (clinic, service, way, _stop) = subscribed("4m", 1).await;
    // Found at the second attempt, ten seconds later.
    a_booking_is_made(&clinic).await;
    let ended: Vec<Delivered> = way.ended.lock().unwrap().iter().map(|(ended, _)| *ended).collect();
    assert_eq!(ended[..2], [Delivered::HungUp, Delivered::Answered(200)]);
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn handling_missed_webhook_payloads() {
    let (clinic, service, way, _stop) = subscribed("1s", usize::MAX).await;
    // No delivery ever arrives; polls do not depend on them.
    a_booking_is_made(&clinic).await;
    assert!(way.ended.lock().unwrap().iter().all(|(ended, _)| *ended == Delivered::HungUp));
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}
