//! Extra features, webhook subscriptions, and the log of failed deliveries.

use serde_json::{Value, json};

use crate::{Server, pass};

#[tokio::test(start_paused = true)]
async fn features_are_off_unless_a_former_integration_left_them_on() {
    let server = Server::new();
    let list = server.get("features").body;
    let ids: Vec<&str> = list.as_array().unwrap().iter().map(|own| own["id"].as_str().unwrap()).collect();
    assert_eq!(ids, ["documents", "clientSnapshots", "attachDocuments"]);
    assert!(list.as_array().unwrap().iter().all(|own| own["enabled"] == false));

    server.model.set_feature(&server.practice, "documents", true).unwrap();
    assert_eq!(server.get("features/documents").body["enabled"], true);
    let disable = |id: &str| server.answer(&Server::asked("POST", &format!("features/{id}/disable"), None)).status;
    assert_eq!(disable("documents"), 200);
    assert_eq!(server.model.features_on(&server.practice).unwrap(), Vec::<&str>::new());
    server.assert_well_behaved();
    assert_eq!((disable("nothing"), server.get("features/nothing").status), (404, 404));
}

#[tokio::test(start_paused = true)]
async fn using_an_extra_feature_is_a_violation() {
    let server = Server::new();
    assert_eq!(server.answer(&Server::asked("POST", "features/documents/enable", None)).status, 200);
    assert_eq!(server.model.features_on(&server.practice).unwrap(), ["documents"]);
    assert_eq!(server.post("documents/available", json!([])).status, 403);
    assert_eq!(server.violations().len(), 2);
}

#[tokio::test(start_paused = true)]
async fn documents_that_are_asked_for_can_be_rejected_once_and_nothing_else() {
    use vetbridge::ids::BookingId;
    let server = Server::new();
    server.model.ask_upload(&server.practice, BookingId(7), "603/referral").unwrap();
    let request = server.model.ask_attachment(&server.practice, "New Patient Form").unwrap();
    assert_eq!(server.get("requests").body, json!(["uploadDocuments", "attachDocuments"]));
    assert_eq!(server.get("requests/uploadDocuments").body["data"][0]["pmsDocumentId"], "603/referral");
    assert_eq!(server.get("requests/attachDocuments").body["data"][0]["requestId"], json!(request));

    let upload = json!({ "bookingId": 7, "pmsDocumentId": "603/referral", "reason": "none" });
    let attachment = format!("attachDocuments/{request}/rejectInsert");
    assert_eq!(server.post("documents/rejectUpload", upload.clone()).status, 200);
    assert_eq!(server.post(&attachment, json!({ "reason": null })).status, 200);
    assert_eq!(server.get("requests").body, json!([]));
    assert_eq!(
        (server.post("documents/rejectUpload", upload).status, server.post(&attachment, json!({})).status),
        (400, 410)
    );
    server.assert_well_behaved();
    let stranger = json!({ "bookingId": 8, "pmsDocumentId": "603/referral" });
    assert_eq!(server.post("documents/rejectUpload", stranger).status, 400);
    assert_eq!(server.post("attachDocuments/1/rejectInsert", json!({})).status, 404);
    assert_eq!(server.violations().len(), 2);
}

fn subscription(topic: &str) -> Value {
    json!({
        "topic": topic,
        "callbackUrl": "https://bridge.example/webhooks/s",
        "clientId": "1234567",
        "expireAt": "2026-03-02 01:00:00",
    })
}

#[tokio::test(start_paused = true)]
async fn a_subscription_is_made_renewed_read_deleted_and_expires() {
    let server = Server::new();
    let made = server.post("subscription", subscription("requests.*"));
    assert_eq!((made.status, &made.body["startAt"]), (201, &json!("2026-03-02 00:00:00")));
    let id = made.body["id"].as_str().unwrap().to_owned();
    assert_eq!(server.get(&format!("subscription/{id}")).body, made.body);

    let mut longer = subscription("requests.*");
    longer["expireAt"] = json!("2026-03-02 02:00:00");
    assert_eq!(server.post("subscription", longer).body["id"], json!(id), "renewed, not made twice");
    let other = server.post("subscription", subscription("requests.bookings")).body["id"].clone();
    assert_ne!(other, json!(id));

    pass(3600).await;
    assert_eq!(server.get("subscription").body.as_array().unwrap().len(), 1);
    assert_eq!(server.model.subscriptions(&server.practice).unwrap()[0].0, id);
    let delete = Server::asked("DELETE", &format!("subscription/{id}"), None);
    assert_eq!((server.answer(&delete).status, server.answer(&delete).status), (204, 404));
    assert_eq!(server.get("subscription").body, json!([]));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn shapes_of_subscriptions_are_checked() {
    let server = Server::new();
    let with = |field: &str, value: Value| {
        let mut subscription = subscription("requests.*");
        subscription[field] = value;
        subscription
    };
    let wrong = [
        with("topic", json!("requests.petPassports")),
        with("topic", Value::Null),
        with("callbackUrl", json!("bridge.example")),
        with("callbackUrl", Value::Null),
        with("expireAt", json!("2026-03-01 00:00:00")),
        with("expireAt", json!("2026-03-05T00:00:00Z")),
        with("startAt", json!("tomorrow")),
        with("clientId", json!(7)),
    ];
    for body in wrong.clone() {
        assert_eq!(server.post("subscription", body.clone()).status, 400, "{body}");
    }
    assert_eq!(server.violations().len(), wrong.len());
    assert_eq!(server.post("subscription", with("expireAt", Value::Null)).status, 201);
}

#[tokio::test(start_paused = true)]
async fn the_error_log_of_an_unknown_subscription_is_404_and_times_are_checked() {
    let server = Server::new();
    assert_eq!(server.list("subscriptionErrorLog"), Vec::<Value>::new());
    assert_eq!(server.get("subscriptionErrorLog?subscriptionId=none").status, 404);
    server.assert_well_behaved();
    assert_eq!(server.get("subscriptionErrorLog?from=2026-03-02T00:00:00Z").status, 400);
    assert_eq!(server.violations().len(), 1);
}
