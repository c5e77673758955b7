//! What the client sends, and what the server says became of it.

use serde_json::json;
use vetbridge::call_error::ErrorClass;
use vetbridge::clock::Clock;
use vetbridge::healthengine::client::{HealthengineClient, credentials, user_agent};
use vetbridge::healthengine::{
    AvailabilitySnapshot, ConfirmInsert, ErrorLogQuery, LiveRange, LivenessContract, PmsAppointmentType, PmsResource,
    ReadHealthengine, Subscription, WriteHealthengine,
};
use vetbridge::http::{Lane, Method};
use vetbridge::ids::{BookingId, RequestId};

use crate::clients_support::{Scripted, json, response};
use crate::{answered, at, body, client, snapshot};

#[tokio::test]
async fn what_is_sent_is_exactly_what_the_definition_has() {
    let (server, transport) = client(response(200, "application/json", ""));
    let with = ConfirmInsert { pms_appointment_ids: vec!["603:3:be08".into()], pms_patient_id: "3".into() };
    server.confirm_insert(BookingId(5), &with).await.unwrap();
    server.reject_insert(BookingId(5), "taken").await.unwrap();
    server.confirm_update(BookingId(5), RequestId(9)).await.unwrap();
    server.reject_update(BookingId(5), RequestId(9), "unknown").await.unwrap();
    server.cancel(BookingId(5), "gone").await.unwrap();
    server.did_not_attend(BookingId(5), "absent").await.unwrap();
    server.no_pms_appointment_change(BookingId(5)).await.unwrap();
    let interactive = [
        ("confirmInsert", Some(json!({"pmsAppointmentIds": ["603:3:be08"], "pmsPatientId": "3"}))),
        ("rejectInsert", Some(json!({"reason": "taken"}))),
        ("confirmUpdate/9", None),
        ("rejectUpdate/9", Some(json!({"reason": "unknown"}))),
        ("cancel", Some(json!({"reason": "gone"}))),
        ("didNotAttend", Some(json!({"reason": "absent"}))),
        ("noPmsAppointmentChange", None),
    ];
    for (asked, (path, sent)) in transport.asked().iter().zip(interactive) {
        assert_eq!(
            (asked.method, &asked.path, asked.lane),
            (Method::Post, &format!("/bookings/5/{path}"), Lane::Interactive)
        );
        assert_eq!(asked.json.as_ref().map(|_| body(asked)), sent, "{path}");
        assert!(!asked.gzip);
    }

    let (server, transport) = client(response(200, "application/json", ""));
    let resource = PmsResource {
        pms_resource_id: "s136".into(),
        pms_resource_name: "Main".into(),
        first_name: None,
        last_name: None,
    };
    let kind = PmsAppointmentType {
        pms_appointment_type_id: "66:s136".into(),
        pms_appointment_type_name: "Consult - Main".into(),
        length_minutes: Some(15),
        pms_resource_id: Some("s136".into()),
    };
    let range = LiveRange { start: "08:00".into(), end: "17:00".into() };
    let contract = LivenessContract { live_hours: [("publicHolidays".to_owned(), vec![range])].into() };
    server.send_liveness_contract(&contract).await.unwrap();
    server.send_resources(&[resource]).await.unwrap();
    server.send_appointment_types(&[kind]).await.unwrap();
    server.send_availability(&AvailabilitySnapshot { id: None, ..snapshot(0) }).await.unwrap();
    let background = [
        ("/config/livenessContract", json!({"liveHours": {"publicHolidays": [{"start": "08:00", "end": "17:00"}]}})),
        ("/config/pmsResources/snapshot", json!([{"pmsResourceId": "s136", "pmsResourceName": "Main"}])),
        (
            "/config/pmsAppointmentTypes/snapshot",
            json!([{"pmsAppointmentTypeId": "66:s136", "pmsAppointmentTypeName": "Consult - Main",
                    "pmsAppointmentLength": 15, "pmsResourceId": "s136"}]),
        ),
        (
            "/availability/snapshot",
            json!({"date": "2019-02-15", "pmsResourceId": "s136", "availability":
                   [{"start": "09:00", "end": "12:00", "slotLength": 900, "pmsAppointmentTypeIds": ["66:s136"]}]}),
        ),
    ];
    for (asked, (path, sent)) in transport.asked().iter().zip(background) {
        assert_eq!((asked.path.as_str(), asked.lane), (path, Lane::Background));
        assert_eq!(body(asked), sent, "{path}");
    }
}

#[tokio::test]
async fn a_batch_says_what_became_of_each_snapshot_and_is_compressed() {
    let batch: Vec<_> = (0..100).map(snapshot).collect();
    let created: Vec<String> = (1..100).map(|id| format!("s136/{id}")).collect();
    let (server, transport) = client(json(
        200,
        &json!({"created": created, "existing": [], "failed": ["s136/0"], "errors": [{"snapshot": "s136/0", "error": "no"}]}),
    ));
    let outcome = server.send_availability_batch(&batch).await.unwrap();
    assert_eq!((outcome.accepted.len(), outcome.failed), (99, vec![(0, "no".to_owned())]));
    assert!(transport.only().gzip);
    assert_eq!(body(&transport.only()).as_array().unwrap().len(), 100);

    assert!(server.send_availability_batch(&[batch.clone(), batch].concat()).await.is_err());
    assert!(server.send_availability_batch(&[]).await.unwrap().accepted.is_empty());
    assert_eq!(transport.asked().len(), 1, "neither too many nor none are sent");
}

#[tokio::test]
async fn a_server_without_batches_is_told_by_its_status() {
    for status in [404, 405] {
        for (content_type, body) in [("application/json", ""), ("", "{}")] {
            let (server, _) = client(response(status, content_type, body));
            let error = server.send_availability_batch(&[snapshot(0)]).await.unwrap_err();
            assert_eq!((error.class, error.status), (ErrorClass::Refused, Some(status)));
        }
    }
}

#[tokio::test]
async fn subscriptions_are_made_found_and_ended() {
    let stored = json!({"id": "b1", "clientId": 1234567, "topic": "requests.*", "callbackUrl": "https://b.example/webhooks/s3cretwebhook",
                        "startAt": null, "expireAt": "2024-12-01 00:00:00"});
    let wanted = Subscription {
        id: None,
        client_id: Some("1234567".into()),
        topic: "requests.*".into(),
        callback_url: "https://b.example/webhooks/s3cretwebhook".into(),
        expire_at: Some(at("2024-12-01T00:00:00Z")),
    };
    let (server, transport) = client(json(201, &stored));
    let made = server.subscribe(&wanted).await.unwrap();
    assert_eq!(made, Subscription { id: Some("b1".into()), ..wanted.clone() });
    assert_eq!(
        body(&transport.only()),
        json!({"clientId": "1234567", "topic": "requests.*", "callbackUrl": wanted.callback_url, "expireAt": "2024-12-01 00:00:00"})
    );
    assert_eq!(answered(&json!([stored, {"topic": "requests.*"}])).subscriptions().await.unwrap(), [made]);

    assert!(!format!("{wanted:?}").contains("s3cret"));

    let (server, transport) = client(response(204, "", ""));
    server.unsubscribe("b1").await.unwrap();
    assert_eq!((transport.only().method, transport.only().path.as_str()), (Method::Delete, "/subscription/b1"));

    let refused = json!({"error": "callbackUrl https://b.example/webhooks/s3cretwebhook cannot be reached"});
    let error = client(json(400, &refused)).0.subscribe(&wanted).await.unwrap_err();
    assert!(error.class == ErrorClass::Refused && !error.detail.contains("s3cret"), "{error}");
}

#[tokio::test]
async fn the_error_log_is_asked_for_and_read() {
    let log = json!({"data": [{"id": 1, "subscriptionId": "b1", "callbackUrl": "https://b.example/x", "attempt": 3,
        "errorMessage": "Timed\nout", "payload": {"timestamp": "2024-12-01 00:00:00"}}], "page": {"currentPage": 1, "totalPages": 1}});
    let (server, transport) = client(json(200, &log));
    let query =
        ErrorLogQuery { subscription_id: Some("b1".into()), from: Some(at("2024-11-30T00:00:00Z")), to: None, page: 1 };
    let page = server.subscription_errors(&query).await.unwrap();
    assert_eq!(page.items[0].timestamp, Some(at("2024-12-01T00:00:00Z")));
    assert_eq!((page.items[0].attempt, page.items[0].message.as_deref()), (Some(3), Some("Timed out")));
    assert_eq!(transport.only().path, "/subscriptionErrorLog?page=1&subscriptionId=b1&from=2024-11-30%2000%3A00%3A00");
}

#[tokio::test]
async fn a_body_that_was_perhaps_refused_for_being_compressed_is_sent_plain() {
    let days: Vec<AvailabilitySnapshot> = (0..20).map(snapshot).collect();
    let all: Vec<usize> = (0..20).collect();
    let taken = || Ok(json(200, &json!({ "created": all })));
    let refused = |status| Ok(json(status, &json!({"error": "no"})));
    let gzips = |transport: &Scripted| transport.asked().iter().map(|asked| asked.gzip).collect::<Vec<_>>();

    // The first answer, and whether the body goes out plain then.
    let page = |status| Ok(response(status, "text/html", "<title>403 Forbidden</title>"));
    for first in [page(403), page(400), page(404), page(413), refused(415), refused(400)] {
        let transport = Scripted::new([first, taken(), taken()]);
        let server = HealthengineClient::new(transport.clone(), Clock::system());
        assert_eq!(server.send_availability_batch(&days).await.unwrap().accepted, all);
        assert_eq!(server.send_availability_batch(&days).await.unwrap().accepted, all);
        assert_eq!(gzips(&transport), [true, false, false], "it is remembered");
    }
    // Refused either way: that is the answer, and the next body is compressed and not sent twice.
    let transport = Scripted::new([refused(400), refused(400), refused(400)]);
    let server = HealthengineClient::new(transport.clone(), Clock::system());
    for _ in 0..2 {
        let error = server.send_availability_batch(&days).await.unwrap_err();
        assert_eq!((error.class, error.status), (ErrorClass::Refused, Some(400)));
    }
    assert_eq!(gzips(&transport), [true, false, true]);
    // The API's own no to who asks has nothing to do with it.
    for status in [401, 403, 429] {
        let transport = Scripted::new([refused(status)]);
        HealthengineClient::new(transport.clone(), Clock::system()).send_availability_batch(&days).await.unwrap_err();
        assert_eq!(gzips(&transport), [true]);
    }
}

#[test]
fn we_introduce_ourselves_as_asked_and_show_no_key() {
    assert_eq!(
        user_agent("Example Vets Bridge", "it@example.com", "PROD"),
        "Example Vets Bridge (it@example.com) PROD"
    );
    let shown = format!("{:?}", credentials("eyJ0e".into(), "1234567", "t1qKf".into()));
    assert!(shown.contains("practice-key") && !shown.contains("eyJ0e") && !shown.contains("t1qKf"), "{shown}");
}
