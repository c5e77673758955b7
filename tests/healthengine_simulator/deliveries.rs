//! Delivery of webhooks: to whom, with what, how often, and what the log says of those that failed.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use async_trait::async_trait;
use serde_json::{Value, json};
use tokio::time::Instant;
use tokio_util::sync::{CancellationToken, DropGuard};
use vetbridge::simulator::healthengine::{ANSWER_WITHIN, Courier, Delivered, ErrorLog, RESENT_AFTER};

use crate::{Server, pass};

/// Keeps what it is to carry, and answers as it is told.
#[derive(Default)]
struct Keeper {
    began: Option<Instant>,
    kept: Mutex<Vec<(u64, String, Value)>>,
    /// `None`: no answer at all.
    answer: Mutex<Option<Delivered>>,
}

#[async_trait]
impl Courier for Keeper {
    async fn post(&self, callback_url: &str, body: Vec<u8>) -> Delivered {
        let at = self.began.unwrap().elapsed().as_secs();
        self.kept.lock().unwrap().push((at, callback_url.to_owned(), serde_json::from_slice(&body).unwrap()));
        let answer = *self.answer.lock().unwrap();
        match answer {
            Some(answer) => answer,
            None => std::future::pending().await,
        }
    }
}

impl Keeper {
    fn bodies(&self) -> Vec<Value> {
        std::mem::take(&mut *self.kept.lock().unwrap()).into_iter().map(|(_, _, body)| body).collect()
    }

    fn times(&self) -> Vec<u64> {
        std::mem::take(&mut *self.kept.lock().unwrap()).into_iter().map(|(at, _, _)| at).collect()
    }
}

fn delivering(server: &Server, answer: Option<Delivered>) -> (Arc<Keeper>, DropGuard) {
    let keeper = Arc::new(Keeper { began: Some(Instant::now()), answer: Mutex::new(answer), ..Keeper::default() });
    let (model, courier, stop) = (server.model.clone(), Arc::clone(&keeper), CancellationToken::new());
    let stopped = stop.clone();
    tokio::spawn(async move { model.deliver_webhooks(courier, stopped).await });
    (keeper, stop.drop_guard())
}

fn subscribe(server: &Server, topic: &str, path: &str) -> String {
    let body = json!({
        "topic": topic,
        "callbackUrl": format!("https://bridge.example/{path}"),
        "clientId": "1234567",
        "expireAt": "2026-03-09 00:00:00",
    });
    let made = server.post("subscription", body);
    assert_eq!(made.status, 201);
    made.body["id"].as_str().unwrap().to_owned()
}

/// Time goes by in steps, so that everything due happens in its turn.
async fn go_by(seconds: u64) {
    tokio::time::sleep(Duration::from_secs(seconds)).await;
}

#[tokio::test(start_paused = true)]
async fn what_happens_is_told_as_the_api_writes_it_to_whoever_subscribed_to_it() {
    let server = Server::open().await;
    let (keeper, _stop) = delivering(&server, Some(Delivered::Answered(200)));
    let unheard = server.book("09:45");
    go_by(1).await;
    assert_eq!(keeper.bodies(), [] as [Value; 0], "nobody had subscribed");
    server.confirm(unheard, "7:x");

    let id = subscribe(&server, "requests.*", "all");
    subscribe(&server, "requests.bookings", "bookings");
    let booking = server.book("09:00");
    go_by(1).await;
    let kept = std::mem::take(&mut *keeper.kept.lock().unwrap());
    let mut urls: Vec<&str> = kept.iter().map(|(_, url, _)| url.as_str()).collect();
    urls.sort_unstable();
    assert_eq!(urls, ["https://bridge.example/all", "https://bridge.example/bookings"]);
    let told = kept.iter().find(|(_, url, _)| url.ends_with("all")).unwrap().2.clone();
    assert_eq!(
        told,
        json!({
            "timestamp": "2026-03-02 00:00:02",
            "id": id,
            "clientId": "1234567",
            "topic": "requests.bookings",
            "data": { "target": "/requests/bookings", "requestType": "bookings", "bookingId": booking },
        })
    );

    let request = server.model.cancel(booking).unwrap();
    server.reject(booking);
    server.model.ask_availability(&server.practice, "2026-03-05".parse().unwrap(), None).unwrap();
    server.model.ask_availability(&server.practice, "2026-03-05".parse().unwrap(), None).unwrap();
    server.model.ask_appointment_change(unheard).unwrap();
    server.model.ask_resources(&server.practice).unwrap();
    server.model.ask_appointment_types(&server.practice).unwrap();
    go_by(1).await;
    let told: Vec<Value> = keeper.bodies().into_iter().map(|body| body["data"].clone()).collect();
    let kinds: Vec<&str> = told.iter().map(|data| data["requestType"].as_str().unwrap()).collect();
    let expected = ["bookingUpdates", "availability", "pmsAppointmentChanges", "pmsResources", "pmsAppointmentTypes"];
    assert_eq!(kinds, expected, "what is asked for already is not told again");
    assert_eq!((&told[0]["requestId"], &told[0]["bookingId"]), (&json!(request), &json!(booking)));
    assert_eq!((&told[2]["bookingId"], &told[3]["target"]), (&json!(unheard), &Value::Null));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_delivery_that_is_not_answered_is_sent_again_three_times_and_given_up() {
    assert_eq!((ANSWER_WITHIN.as_secs(), RESENT_AFTER.map(|after| after.as_secs())), (5, [10, 100, 1000]));
    for (answer, times) in [
        (Some(Delivered::Refused), [0, 10, 110, 1110]),
        (Some(Delivered::Answered(500)), [0, 10, 110, 1110]),
        (Some(Delivered::Answered(204)), [0, 10, 110, 1110]),
        // Five seconds later each time.
        (None, [0, 15, 120, 1125]),
    ] {
        let server = Server::open().await;
        subscribe(&server, "requests.*", "s3cret");
        let (keeper, _stop) = delivering(&server, answer);
        server.book("09:00");
        go_by(4000).await;
        assert_eq!(keeper.times(), times, "{answer:?}");
        assert_eq!(server.model.open_deliveries(), 0);
        let log = server.list("subscriptionErrorLog");
        assert_eq!((log.len(), &log[0]["attempt"]), (1, &json!(4)), "{log:?}");
        assert!(log[0]["errorMessage"].as_str().unwrap().contains("s3cret"), "as the real one's");
        assert_eq!(log[0]["payload"]["timestamp"], "2026-03-02 00:00:01");
    }
}

#[tokio::test(start_paused = true)]
async fn the_log_has_the_last_attempt_or_every_one_and_is_asked_from_a_time_on() {
    let server = Server::open().await;
    server.model.configure(|settings| settings.error_log = ErrorLog::EveryAttempt);
    let id = subscribe(&server, "requests.*", "x");
    let (keeper, _stop) = delivering(&server, Some(Delivered::HungUp));
    server.book("09:00");
    go_by(60).await;
    assert_eq!(server.list("subscriptionErrorLog").len(), 2);
    let later = format!("subscriptionErrorLog?subscriptionId={id}&from=2026-03-02%2000%3A00%3A05");
    assert_eq!(server.list(&later).len(), 1);
    *keeper.answer.lock().unwrap() = Some(Delivered::Answered(200));
    go_by(3000).await;
    assert_eq!((server.list("subscriptionErrorLog").len(), server.model.open_deliveries()), (2, 0));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn nothing_is_delivered_to_a_subscription_that_has_ended_or_not_begun() {
    let server = Server::open().await;
    let id = subscribe(&server, "requests.*", "x");
    let (keeper, _stop) = delivering(&server, Some(Delivered::Refused));
    server.book("09:00");
    go_by(5).await;
    assert_eq!(keeper.times(), [0]);
    let delete = Server::asked("DELETE", &format!("subscription/{id}"), None);
    assert_eq!(server.answer(&delete).status, 204);
    go_by(2000).await;
    assert_eq!((keeper.times(), server.model.open_deliveries()), (vec![], 0), "not even sent again");

    let begins_later =
        json!({ "topic": "requests.*", "callbackUrl": "https://x.example/y", "startAt": "2026-03-03 00:00:00" });
    assert_eq!(server.post("subscription", begins_later).status, 201);
    server.book("09:15");
    go_by(5).await;
    assert_eq!(keeper.times(), [0_u64; 0]);
    pass(24 * 3600).await;
    server.model.ask_resources(&server.practice).unwrap();
    go_by(1).await;
    assert_eq!(keeper.times().len(), 1);
}
