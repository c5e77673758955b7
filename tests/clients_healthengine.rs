//! The Healthengine client against answers in memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod clients_support;

use std::sync::Arc;

use async_trait::async_trait;
use chrono::{DateTime, TimeDelta, Utc};
use clients_support::{Scripted, json, response};
use serde_json::{Value, json};
use vetbridge::client::contact::contact;
use vetbridge::clock::Clock;
use vetbridge::healthengine::client::{HealthengineClient, credentials, user_agent};
use vetbridge::healthengine::{
    AvailabilityRange, AvailabilitySnapshot, BookingStatus, ConfirmInsert, ErrorLogQuery, LiveRange, LivenessContract,
    PmsAppointmentType, PmsResource, ReadHealthengine, RequestKind, Subscription, WriteHealthengine,
};
use vetbridge::http::{Lane, Method, Request, Response, Transport};
use vetbridge::ids::{BookingId, RequestId};
use vetbridge::openvpms::Contact;
use vetbridge::remote::{Answer, CallError, Cause, ErrorClass};

/// Stands for everything about a patient: no error may repeat it.
const MARKER: &str = "Zaphod";

fn client(answer: Response) -> (HealthengineClient, Arc<Scripted>) {
    let transport = Scripted::always(&answer);
    (HealthengineClient::new(transport.clone(), Clock::system()), transport)
}

fn answered(body: &Value) -> HealthengineClient {
    client(json(200, body)).0
}

fn at(text: &str) -> DateTime<Utc> {
    text.parse().unwrap()
}

fn body(request: &Request) -> Value {
    serde_json::from_slice(request.json.as_ref().unwrap()).unwrap()
}

fn snapshot(id: usize) -> AvailabilitySnapshot {
    AvailabilitySnapshot {
        id: Some(format!("s136/{id}")),
        date: "2019-02-15".parse().unwrap(),
        pms_resource_id: "s136".into(),
        availability: vec![AvailabilityRange {
            start: "09:00".into(),
            end: "12:00".into(),
            slot_length: 900,
            pms_appointment_type_ids: vec!["66:s136".into()],
        }],
    }
}

#[tokio::test]
async fn outstanding_requests_are_named_once_and_strangers_are_kept() {
    let kinds = json!(["bookings", "pmsResources", "uploadDocuments", "bookings", null, 7, "teleportation"]);
    let (server, transport) = client(json(200, &kinds));
    assert_eq!(
        server.requests().await.unwrap(),
        [
            RequestKind::Bookings,
            RequestKind::PmsResources,
            RequestKind::UploadDocuments,
            RequestKind::Unknown("teleportation".into()),
        ]
    );
    let asked = transport.only();
    assert_eq!((asked.path.as_str(), asked.lane, asked.repeatable), ("/requests", Lane::Desk, true));
}

#[tokio::test]
async fn a_booking_is_read_with_every_unit_as_it_is() {
    let server = answered(&json!({
        "data": [{
            "bookingId": 36127212, "pmsResourceId": "s136", "pmsAppointmentTypeId": "66:s136", "pmsAppointmentIds": [],
            "pmsPatientId": null, "bookedTime": "2019-02-14 01:02:03", "bookingStatus": "Requested",
            "pmsAppointmentTime": "2019-02-15 12:30:00", "pmsAppointmentLength": 900, "reason": "Vaccination\nPet name: Muffett",
            "comments": "Standard Consult", "isNewPatient": true, "telehealthUrl": null,
            "patient": { "firstname": "Judith", "lastname": "Bourke", "phone": "0418 976 543", "email": "j@example.com",
                         "dob": "23-02-1980", "medicareNumber": "123" }
        }],
        "page": { "currentPage": 2, "totalPages": 3, "perPage": 1, "total": 3 }
    }));
    let page = server.booking_requests(2).await.unwrap();
    assert_eq!((page.current, page.total, page.unreadable), (2, 3, 0));
    let booking = &page.items[0];
    assert_eq!(booking.booking_id, BookingId(36_127_212));
    assert_eq!(booking.booked_time, Some(at("2019-02-14T01:02:03Z")));
    assert_eq!(booking.appointment_time, Some("2019-02-15T12:30:00".parse().unwrap()));
    assert_eq!((booking.appointment_length_seconds, &booking.status), (Some(900), &BookingStatus::Requested));
    assert_eq!(booking.patient.first_name.as_deref(), Some("Judith"));
    assert_eq!(booking.reason.as_deref(), Some("Vaccination\nPet name: Muffett"));
    assert!(!format!("{page:?}").contains("Judith") && !format!("{page:?}").contains("Muffett"));
}

#[tokio::test]
async fn what_a_web_form_escaped_is_decoded_once_and_a_phone_that_is_a_number_gets_its_zero_back() {
    let server = answered(&json!({"data": [{
        "bookingId": 5, "reason": "Won&#039;t eat &amp; limps\nPet name: &quot;Tom &amp;amp; Jerry&quot;", "comments": "Cats &amp; dogs &lt;1 y",
        "patient": {"firstname": "D&#x27;Arcy &#8238;", "lastname": "O&#039;Brien&nbsp;", "phone": 412345678, "email": "o&#39;b@example.com"}
    }]}));
    let booking = server.booking_requests(1).await.unwrap().items.remove(0);
    assert_eq!(booking.reason.as_deref(), Some("Won't eat & limps\nPet name: \"Tom &amp; Jerry\""));
    assert_eq!(booking.comments.as_deref(), Some("Cats & dogs <1 y"));
    let contact = contact(&booking.patient, booking.reason.as_deref(), &["pet name".to_owned()]);
    let expected = Contact {
        title: String::new(),
        first_name: "D'Arcy".into(),
        last_name: "O'Brien".into(),
        phone: Some("+61412345678".into()),
        mobile: Some("0412345678".into()),
        email: Some("o'b@example.com".into()),
        patient_name: Some("\"Tom &amp; Jerry\"".into()),
    };
    assert!(contact == expected);
}

#[tokio::test]
async fn odd_fields_become_absent_and_only_an_entry_without_its_id_is_unreadable() {
    let server = answered(&json!({
        "data": [
            { "bookingId": "5", "pmsResourceId": 12384, "pmsAppointmentIds": [603, "603:3:be08", null], "bookedTime": "yesterday",
              "bookingStatus": "Teleported", "pmsAppointmentTime": 7, "pmsAppointmentLength": "900", "patient": null,
              "isNewPatient": "perhaps", "reason": {"a": 1} },
            { "bookingId": 6 },
            { "bookingId": null, "reason": "x" },
            "nonsense",
            null
        ],
        "page": { "currentPage": "x", "totalPages": -3 }
    }));
    let page = server.booking_requests(1).await.unwrap();
    assert_eq!((page.items.len(), page.unreadable, page.current, page.total), (2, 3, 1, 1));
    let odd = &page.items[0];
    assert_eq!(odd.booking_id, BookingId(5));
    assert_eq!(odd.pms_resource_id.as_deref(), Some("12384"));
    assert_eq!(odd.pms_appointment_ids, ["603", "603:3:be08"]);
    assert_eq!((odd.booked_time, odd.appointment_time, odd.appointment_length_seconds), (None, None, Some(900)));
    assert_eq!(odd.status, BookingStatus::Other("Teleported".into()));
    assert_eq!((odd.is_new_patient, &odd.reason), (None, &None));
    assert_eq!(page.items[1].status, BookingStatus::Other(String::new()));
}

#[tokio::test]
async fn what_a_booking_says_is_cut_to_what_the_diary_can_hold() {
    let long = "ä".repeat(100_000);
    let ids: Vec<Value> = (0..500).map(|id| json!(format!("603:{id}"))).collect();
    let server = answered(&json!({"data": [{
        "bookingId": 5, "pmsResourceId": long, "pmsAppointmentIds": ids, "bookingStatus": long,
        "reason": long, "comments": long, "telehealthUrl": long,
        "patient": {"firstname": long, "lastname": long, "phone": long, "email": long}
    }]}));
    let booking = server.booking_requests(1).await.unwrap().items.remove(0);
    assert_eq!(booking.pms_resource_id, None, "a part of an id is another id");
    assert_eq!(booking.pms_appointment_ids.len(), 10);
    let length = |text: &Option<String>| text.as_ref().unwrap().chars().count();
    let BookingStatus::Other(status) = &booking.status else { panic!("{:?}", booking.status) };
    let patient = &booking.patient;
    let lengths = [&booking.reason, &booking.comments, &booking.telehealth_url].map(length);
    let names = [&patient.first_name, &patient.last_name, &patient.phone, &patient.email].map(length);
    // An ellipsis stands for the rest of a name.
    assert_eq!((lengths, names, status.chars().count()), ([4_000, 1_000, 1_000], [255; 4], 61));
}

#[tokio::test]
async fn of_a_list_that_is_too_long_the_rest_waits_and_the_list_is_known_to_be_incomplete() {
    let entries: Vec<Value> = (0..1_200)
        .map(|id| json!({"bookingId": id, "requestId": id, "day": "2019-02-15", "pmsDocumentId": "x", "timestamp": null}))
        .collect();
    let server = answered(&json!({ "data": entries }));
    let query = ErrorLogQuery { subscription_id: None, from: None, to: None, page: 1 };
    fn counts<T>(page: Answer<vetbridge::healthengine::Page<T>>) -> (usize, usize) {
        page.map(|page| (page.items.len(), page.unreadable)).unwrap()
    }
    let found = [
        counts(server.booking_requests(1).await),
        counts(server.booking_updates(1).await),
        counts(server.availability_requests(1).await),
        counts(server.appointment_change_requests(1).await),
        counts(server.upload_requests(1).await),
        counts(server.attach_requests(1).await),
        counts(server.subscription_errors(&query).await),
    ];
    assert_eq!(found, [(1_000, 200); 7]);
    let endless = answered(&json!({ "data": vec![0; 100_001] }));
    let error = endless.booking_requests(1).await.unwrap_err();
    assert!(
        error.class == ErrorClass::Contract && error.detail.contains("at data: expected a list of at most"),
        "{error}"
    );
}

#[tokio::test]
async fn names_kinds_hours_and_messages_that_have_no_end_are_cut() {
    let (long, endless) = ("x".repeat(1_000), "x".repeat(100_000));
    let kinds: Vec<String> = (0..500).map(|number| format!("{number} {long}")).collect();
    let kinds = answered(&json!(kinds)).requests().await.unwrap();
    let name = |kind: &RequestKind| {
        let RequestKind::Unknown(name) = kind else { panic!("{kind:?}") };
        name.chars().count()
    };
    assert_eq!((kinds.len(), kinds.iter().map(name).max()), (100, Some(61)));

    let range = json!({"start": "08:00", "end": "17:00"});
    let days: serde_json::Map<String, Value> =
        (0..150).map(|day| (format!("{day} {long}"), json!(vec![range.clone(); 150]))).collect();
    let contract = answered(&json!({ "liveHours": days })).liveness_contract().await.unwrap();
    let longest = contract.live_hours.keys().map(|day| day.chars().count()).max();
    let most = contract.live_hours.values().map(Vec::len).max();
    assert_eq!((contract.live_hours.len(), longest, most), (100, Some(61), Some(100)));

    let query = ErrorLogQuery { subscription_id: None, from: None, to: None, page: 1 };
    let log = answered(&json!({"data": [{"errorType": endless, "errorMessage": endless}]}));
    let error = log.subscription_errors(&query).await.unwrap().items.remove(0);
    let length = |text: Option<String>| text.unwrap().chars().count();
    assert_eq!((length(error.kind), length(error.message)), (301, 301));
    let refused = client(json(400, &json!({"error": "x".repeat(60_000)}))).0.cancel(BookingId(5), "gone").await;
    assert_eq!(refused.unwrap_err().detail.chars().count(), 301);
    // So long an answer is no reason at all.
    let refused = client(json(400, &json!({"error": endless}))).0.cancel(BookingId(5), "gone").await;
    assert!(!refused.unwrap_err().detail.contains("xxx"));
}

#[tokio::test]
async fn the_other_request_lists_are_read() {
    let updates = json!({"data": [
        {"requestId": 9, "bookingId": 5, "pmsAppointmentIds": ["603:3:be08"], "updatedAt": "2019-02-14 01:02:03", "bookingStatus": "Cancelled"},
        {"bookingId": 5}, {"requestId": 9}
    ], "page": {"currentPage": 1, "totalPages": 1}});
    let page = answered(&updates).booking_updates(1).await.unwrap();
    assert_eq!((page.items.len(), page.unreadable), (1, 2));
    assert_eq!((page.items[0].request_id, &page.items[0].status), (RequestId(9), &BookingStatus::Cancelled));

    let days = json!({"data": [
        {"day": "2019-02-15", "pmsResourceId": "s136"}, {"day": "2019-02-16", "pms_resource_id": "s211"},
        {"day": "2019-02-17"}, {"day": "soon"}, {"pmsResourceId": "s136"}
    ]});
    let page = answered(&days).availability_requests(1).await.unwrap();
    let resources: Vec<_> = page.items.iter().map(|day| day.pms_resource_id.as_deref()).collect();
    assert_eq!((resources, page.unreadable), (vec![Some("s136"), Some("s211"), None], 2));

    let changes = json!({"data": [{"bookingId": 5, "pmsAppointmentIds": null}], "page": null});
    let page = answered(&changes).appointment_change_requests(1).await.unwrap();
    assert_eq!((page.items[0].booking_id, page.items[0].pms_appointment_ids.len()), (BookingId(5), 0));
}

#[tokio::test]
async fn a_list_without_its_data_is_empty_only_where_its_page_says_so() {
    let pages = json!({"currentPage": 1, "totalPages": 1, "perPage": 100, "total": 2});
    for odd in [
        json!({"data": null}),
        json!({"page": null}),
        json!({"page": {}}),
        json!({"page": {"currentPage": 1, "totalPages": 1}}),
        json!({"data": null, "page": pages}),
        json!({"page": pages}),
    ] {
        let error = answered(&odd).booking_requests(1).await.unwrap_err();
        assert_eq!(error.class, ErrorClass::Contract, "{odd}");
    }
    let none = json!({"currentPage": 1, "totalPages": 1, "perPage": 100, "total": 0});
    for empty in [json!({"data": []}), json!({"data": null, "page": none}), json!({"page": none})] {
        let page = answered(&empty).booking_requests(1).await.unwrap();
        assert_eq!((page.items.len(), page.unreadable, page.total), (0, 0, 1), "{empty}");
    }
}

#[tokio::test]
async fn configuration_is_read_as_php_writes_it() {
    let contract = json!({"liveHours": {"monday": [{"start": "08:00", "end": "17:00"}, {"start": 8}], "tuesday": null, "sunday": []}});
    let read = answered(&contract).liveness_contract().await.unwrap();
    assert_eq!(read.live_hours["monday"], [LiveRange { start: "08:00".into(), end: "17:00".into() }]);
    assert!(read.live_hours["tuesday"].is_empty());
    for nothing in [json!([]), json!({}), json!({"liveHours": []}), json!({"liveHours": null}), json!(null)] {
        assert_eq!(answered(&nothing).liveness_contract().await.unwrap(), LivenessContract::default(), "{nothing}");
    }

    let types = json!([{"pmsAppointmentTypeId": "66:s136", "pmsAppointmentTypeName": "Consult", "pmsAppointmentLength": "30"},
                       {"pmsAppointmentTypeId": 7, "pmsAppointmentLength": -1}, {"pmsAppointmentTypeName": "x"}]);
    let types = answered(&types).appointment_types().await.unwrap();
    assert_eq!((types.len(), types[0].length_minutes, types[1].length_minutes), (2, Some(30), None));

    let features =
        answered(&json!([{"id": "documents", "enabled": 1}, {"id": "x", "enabled": null}])).features().await.unwrap();
    assert_eq!(features.iter().map(|feature| feature.enabled).collect::<Vec<_>>(), [true, false]);

    let (server, transport) = client(json(200, &json!([])));
    assert_eq!(server.resource("u1 &/s").await.unwrap(), []);
    assert_eq!(transport.only().path, "/config/pmsResources/findById?id=u1%20%26%2Fs");
}

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
    let desk = [
        ("confirmInsert", Some(json!({"pmsAppointmentIds": ["603:3:be08"], "pmsPatientId": "3"}))),
        ("rejectInsert", Some(json!({"reason": "taken"}))),
        ("confirmUpdate/9", None),
        ("rejectUpdate/9", Some(json!({"reason": "unknown"}))),
        ("cancel", Some(json!({"reason": "gone"}))),
        ("didNotAttend", Some(json!({"reason": "absent"}))),
        ("noPmsAppointmentChange", None),
    ];
    for (asked, (path, sent)) in transport.asked().iter().zip(desk) {
        assert_eq!((asked.method, &asked.path, asked.lane), (Method::Post, &format!("/bookings/5/{path}"), Lane::Desk));
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
async fn errors_have_the_class_that_the_caller_can_act_on() {
    for (status, body, class, detail) in [
        (
            400,
            r#"{"error":"Booking\u0000 is\nalready confirmed"}"#,
            ErrorClass::Refused,
            "Booking is already confirmed",
        ),
        (404, "", ErrorClass::Refused, "not found"),
        (410, r#"{"error":"expired"}"#, ErrorClass::Refused, "expired"),
        (401, "", ErrorClass::Credentials, "the credentials were refused"),
        (403, r#"{"error":"Consent revoked"}"#, ErrorClass::Forbidden, "Consent revoked"),
        (429, "", ErrorClass::TooMany, "the server says that it is asked too often"),
        (500, r#"{"error":"stack trace"}"#, ErrorClass::Unavailable, "the server failed"),
        (502, "<html>", ErrorClass::Unavailable, "the server, or something before it, failed"),
    ] {
        let mut answer = response(status, "application/json", body);
        answer.headers.push(("retry-after".into(), "7".into()));
        let error = client(answer).0.cancel(BookingId(5), "gone").await.unwrap_err();
        assert_eq!((error.class, error.status, error.detail.as_str()), (class, Some(status), detail));
        let told_to_wait = matches!(class, ErrorClass::TooMany | ErrorClass::Unavailable);
        if told_to_wait {
            assert_eq!(error.retry_after.map(|pause| pause.as_secs()), Some(7));
        }
    }
    let (server, _) = client(response(200, "text/html", "<html><title>Maintenance</title></html>"));
    let error = server.cancel(BookingId(5), "gone").await.unwrap_err();
    assert!(
        error.class == ErrorClass::Contract && error.detail.contains("\"Maintenance\""),
        "a page accepted nothing: {error}"
    );
    let long = json!({"error": "x".repeat(100_000)});
    assert!(client(json(400, &long)).0.cancel(BookingId(5), "gone").await.unwrap_err().detail.len() < 400);
}

#[tokio::test]
async fn only_a_success_that_the_api_has_counts_as_taken() {
    let with = ConfirmInsert { pms_appointment_ids: vec!["603:be08".into()], pms_patient_id: "p".into() };
    let booking = BookingId(7);
    for (status, kind, text, taken) in [
        (200, "application/json", "", true),
        (200, "application/json", "[]", true),
        (200, "application/json", r#"{"success":true,"error":null}"#, true),
        (204, "", "", true),
        (200, "text/html", "<html><title>Sign in to the network</title></html>", false),
        (200, "text/plain", "Please sign in", false),
        (200, "application/json", r#"{"error":"quota"}"#, false),
        (202, "application/json", "", false),
        (203, "application/json", "", false),
        (205, "", "", false),
        (206, "application/json", "", false),
    ] {
        let server = client(response(status, kind, text)).0;
        let answers = [
            server.confirm_insert(booking, &with).await,
            server.reject_insert(booking, "taken").await,
            server.cancel(booking, "cancelled").await,
            server.confirm_update(booking, RequestId(1)).await,
            server.reject_update(booking, RequestId(1), "unknown").await,
            server.no_pms_appointment_change(booking).await,
            server.unsubscribe("b1").await,
        ];
        for answer in answers {
            assert_eq!(answer.is_ok(), taken, "{status} {text:?}: {answer:?}");
            assert!(
                answer.err().is_none_or(|error| error.class == ErrorClass::Contract && error.status == Some(status))
            );
        }
        // Nothing would tell that a snapshot was not taken for no other reason than a text that the definition is silent about.
        let snapshot = server.send_availability(&snapshot(1)).await;
        assert_eq!(snapshot.is_ok(), taken || text.starts_with("Please"), "{status} {text:?}: {snapshot:?}");
    }
}

#[tokio::test]
async fn json_of_something_in_between_is_no_empty_list() {
    for other in
        [json!({}), json!({"status": "ok"}), json!({"error": "quota"}), json!({"page": null}), json!("ok"), json!([])]
    {
        let server = answered(&other);
        for error in [
            server.booking_requests(1).await.unwrap_err(),
            server.booking_updates(1).await.unwrap_err(),
            server.availability_requests(1).await.unwrap_err(),
            server.appointment_change_requests(1).await.unwrap_err(),
        ] {
            assert_eq!(error.class, ErrorClass::Contract, "{other}: {error:?}");
        }
    }
}

#[tokio::test]
async fn a_page_is_named_by_its_title_and_never_taken_for_the_apis_word() {
    let page = "<html><head><title>Access\u{202E} denied |\n Example Firewall</title></head><body>no</body></html>";
    for (status, content_type, body) in [
        (400, "text/html", page),
        (401, "text/html", page),
        (403, "application/json", page),
        (404, "text/html", page),
        (405, "text/html", page),
        (410, "text/plain", page),
        (413, "text/html", page),
        (415, "text/html", page),
        (422, "text/html", page),
        (404, "text/plain", "404 page not found"),
        (403, "text/plain", "error code: 1020"),
    ] {
        let (server, _) = client(response(status, content_type, body));
        for error in [
            server.cancel(BookingId(5), "gone").await.unwrap_err(),
            server.requests().await.unwrap_err(),
            server.send_availability_batch(&[snapshot(0)]).await.unwrap_err(),
            server.unsubscribe("b1").await.unwrap_err(),
        ] {
            assert_eq!(
                (error.class, error.status, error.cause),
                (ErrorClass::Contract, Some(status), Some(Cause::Page)),
                "{status}: {error:?}"
            );
            let titled = error.detail.contains("a page titled \"Access denied | Example Firewall\"");
            assert_eq!(titled, body == page, "{error}");
        }
    }
    // A failure of the server or of something before it is one either way; who said so is told.
    let error = client(response(502, "text/html", page)).0.requests().await.unwrap_err();
    assert_eq!((error.class, error.cause), (ErrorClass::Unavailable, Some(Cause::Page)));
    assert!(error.detail.contains("Example Firewall"), "{error}");
}

#[tokio::test]
async fn refusals_without_a_body_are_the_apis_own() {
    for (status, class) in [(401, ErrorClass::Credentials), (403, ErrorClass::Forbidden), (404, ErrorClass::Refused)] {
        let error = client(response(status, "", "")).0.requests().await.unwrap_err();
        assert_eq!((error.class, error.cause), (class, None));
    }
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

#[tokio::test]
async fn a_byte_order_mark_before_json_is_skipped() {
    let marked = |status, body: &str| client(response(status, "application/json", format!("\u{FEFF}{body}"))).0;
    assert_eq!(marked(200, r#"["bookings"]"#).requests().await.unwrap(), [RequestKind::Bookings]);
    let error = marked(400, r#"{"error":"too late"}"#).cancel(BookingId(5), "gone").await.unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (ErrorClass::Refused, "too late"));
}

/// Every call that answers with patients' bookings; the errors.
async fn all_errors(server: &HealthengineClient) -> Vec<CallError> {
    let errors = [
        server.booking_requests(1).await.err(),
        server.booking_updates(1).await.err(),
        server.availability_requests(1).await.err(),
        server.appointment_change_requests(1).await.err(),
    ];
    errors.into_iter().flatten().collect()
}

#[tokio::test]
async fn no_error_of_a_request_list_repeats_anything_about_a_patient() {
    let bodies = [
        ("application/json", format!(r#"{{"error":"{MARKER}"}}"#)),
        ("application/json", format!(r#"{{"data":"{MARKER}"}}"#)),
        ("application/json", format!(r#"{{"data":{{"{MARKER} B":1}}}}"#)),
        ("application/json", format!(r#"["{MARKER}"]"#)),
        ("application/json", format!(r#"{{"data":[{{"bookingId":"{MARKER}"#)),
        ("text/html", format!("<html><title>Error</title>{MARKER}</html>")),
        ("text/plain", MARKER.to_owned()),
    ];
    let mut count = 0;
    for (content_type, body) in &bodies {
        for status in [200, 201, 302, 400, 401, 403, 404, 409, 410, 422, 429, 500, 503] {
            for error in all_errors(&client(response(status, content_type, body.clone())).0).await {
                count += 1;
                assert!(!format!("{error} {error:?}").contains(MARKER), "{status} {body}: {error:?}");
            }
        }
    }
    assert!(count > 300, "{count} errors were looked at");
}

/// Answers after a while, with the time that its own clock shows then.
struct OtherClock {
    clock: Clock,
    ahead: TimeDelta,
    takes: TimeDelta,
}

#[async_trait]
impl Transport for OtherClock {
    async fn exchange(&self, _: Request) -> Answer<Response> {
        let half = (self.takes / 2).to_std().unwrap();
        tokio::time::sleep(half).await;
        let date = self.clock.now() + self.ahead;
        tokio::time::sleep(half).await;
        let mut answer = json(200, &json!([]));
        answer.headers.push(("date".into(), httpdate::fmt_http_date(date.into())));
        Ok(answer)
    }
}

#[tokio::test(start_paused = true)]
async fn the_clock_difference_is_measured_to_the_second() {
    for ahead in [0, 45, -45, 3600] {
        let clock = Clock::virtual_from(at("2019-02-15T01:00:00.250Z"));
        let transport =
            OtherClock { clock: clock.clone(), ahead: TimeDelta::seconds(ahead), takes: TimeDelta::milliseconds(800) };
        let server = HealthengineClient::new(Arc::new(transport), clock);
        assert_eq!(server.clock_difference(), TimeDelta::zero());
        server.requests().await.unwrap();
        let error = server.clone().clock_difference() - TimeDelta::seconds(ahead);
        assert!(error.abs() <= TimeDelta::milliseconds(500), "{ahead} s was measured with an error of {error}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_slow_exchange_says_how_far_the_other_clock_is_ahead_at_least() {
    let clock = Clock::virtual_from(at("2019-02-15T01:00:00Z"));
    let transport = OtherClock { clock: clock.clone(), ahead: TimeDelta::seconds(45), takes: TimeDelta::seconds(8) };
    let server = HealthengineClient::new(Arc::new(transport), clock);
    server.requests().await.unwrap();
    // Its date was written four seconds before the answer was there.
    assert_eq!(server.clock_difference(), TimeDelta::seconds(45 - 4));
}

#[tokio::test]
async fn the_date_of_a_page_or_of_a_failure_says_nothing_about_the_clocks() {
    for (status, content_type, body, counts) in [
        (502, "text/html", "<title>Bad Gateway</title>", false),
        (403, "text/html", "<title>Forbidden</title>", false),
        (200, "text/html", "<title>Login</title>", false),
        (401, "", "", false),
        (503, "application/json", r#"{"message":"no healthy upstream"}"#, false),
        (200, "application/json", "[]", true),
        (400, "application/json", r#"{"error":"no"}"#, true),
    ] {
        let mut answer = response(status, content_type, body);
        answer.headers.push(("date".into(), "Thu, 01 Jan 2015 00:00:00 GMT".into()));
        let (server, _) = client(answer);
        let _ = server.requests().await;
        assert_eq!(server.clock_difference() != TimeDelta::zero(), counts, "{status} {body}");
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
