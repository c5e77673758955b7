//! What a failed call is called, and what its text never holds.

use serde_json::json;
use vetbridge::call_error::{CallError, Cause, ErrorClass};
use vetbridge::healthengine::client::HealthengineClient;
use vetbridge::healthengine::{ConfirmInsert, ReadHealthengine, RequestKind, UploadRequest, WriteHealthengine};
use vetbridge::ids::{BookingId, RequestId};

use crate::clients_support::{json, response};
use crate::{MARKER, answered, client, snapshot};

#[tokio::test]
async fn errors_have_the_class_that_the_caller_can_act_on() {
    for (status, body, class, detail) in [
        (400, r#"{"error":"Snapshot\u0000 is\nalready there"}"#, ErrorClass::Refused, "Snapshot is already there"),
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
        let server = client(answer).0;
        let error = server.send_availability(&snapshot(1)).await.unwrap_err();
        assert_eq!((error.class, error.status, error.detail.as_str()), (class, Some(status), detail));
        // About a booking the class is the same, and no word of the answer is told.
        let about_a_booking = server.cancel(BookingId(5), "gone").await.unwrap_err();
        assert_eq!((about_a_booking.class, about_a_booking.status), (class, Some(status)));
        assert!(!body.starts_with("{") || !about_a_booking.detail.contains(detail) || status >= 429, "{error}");
        let told_to_wait = matches!(class, ErrorClass::TooMany | ErrorClass::Unavailable);
        if told_to_wait {
            assert_eq!(error.retry_after.map(|pause| pause.as_secs()), Some(7));
        }
    }
    let (server, _) = client(response(200, "text/html", "<html><title>Maintenance</title></html>"));
    let error = server.send_availability(&snapshot(1)).await.unwrap_err();
    assert!(
        error.class == ErrorClass::Contract && error.detail.contains("\"Maintenance\""),
        "a page accepted nothing: {error}"
    );
    let long = json!({"error": "x".repeat(100_000)});
    assert!(client(json(400, &long)).0.send_availability(&snapshot(1)).await.unwrap_err().detail.len() < 400);
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
        // Nothing would tell that a snapshot was not taken for no other reason than a text that the
        // definition is silent about.
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
        for (about_a_booking, error) in [
            (true, server.cancel(BookingId(5), "gone").await.unwrap_err()),
            (true, server.booking_requests(1).await.unwrap_err()),
            (false, server.requests().await.unwrap_err()),
            (false, server.send_availability_batch(&[snapshot(0)]).await.unwrap_err()),
            (false, server.unsubscribe("b1").await.unwrap_err()),
        ] {
            assert_eq!(
                (error.class, error.status, error.cause),
                (ErrorClass::Contract, Some(status), Some(Cause::Page)),
                "{status}: {error:?}"
            );
            let titled = error.detail.contains("a page titled \"Access denied | Example Firewall\"");
            assert_eq!(titled, body == page && !about_a_booking, "{error}");
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
async fn a_byte_order_mark_before_json_is_skipped() {
    let marked = |status, body: &str| client(response(status, "application/json", format!("\u{FEFF}{body}"))).0;
    assert_eq!(marked(200, r#"["bookings"]"#).requests().await.unwrap(), [RequestKind::Bookings]);
    let error = marked(400, r#"{"error":"too late"}"#).send_availability(&snapshot(1)).await.unwrap_err();
    assert_eq!((error.class, error.detail.as_str()), (ErrorClass::Refused, "too late"));
}

/// Every call that is about patients' bookings; the errors.
async fn all_errors(server: &HealthengineClient) -> Vec<CallError> {
    let (booking, request) = (BookingId(7), RequestId(1));
    let with = ConfirmInsert { pms_appointment_ids: vec!["603:be08".into()], pms_patient_id: "p".into() };
    let upload = UploadRequest { booking_id: booking, pms_document_id: "d".into() };
    let errors = [
        server.confirm_insert(booking, &with).await.err(),
        server.reject_insert(booking, "taken").await.err(),
        server.confirm_update(booking, request).await.err(),
        server.reject_update(booking, request, "unknown").await.err(),
        server.cancel(booking, "cancelled").await.err(),
        server.did_not_attend(booking, "absent").await.err(),
        server.no_pms_appointment_change(booking).await.err(),
        server.reject_upload(&upload, "none").await.err(),
        server.reject_attachment(request, "none").await.err(),
        server.upload_requests(1).await.err(),
        server.attach_requests(1).await.err(),
        server.booking_requests(1).await.err(),
        server.booking_updates(1).await.err(),
        server.availability_requests(1).await.err(),
        server.appointment_change_requests(1).await.err(),
    ];
    errors.into_iter().flatten().collect()
}

#[tokio::test]
async fn no_error_of_a_call_about_bookings_repeats_anything_about_a_patient() {
    let bodies = [
        ("application/json", format!(r#"{{"error":"{MARKER}"}}"#)),
        ("application/json", format!(r#"{{"data":"{MARKER}"}}"#)),
        ("application/json", format!(r#"{{"data":{{"{MARKER} B":1}}}}"#)),
        ("application/json", format!(r#"["{MARKER}"]"#)),
        ("application/json", format!(r#"{{"data":[{{"bookingId":"{MARKER}"#)),
        ("application/json", format!(r#"{{"{MARKER}":1}}"#)),
        ("application/json", format!(r#"{{"data":{{"{MARKER}":1}}}}"#)),
        ("Zaphod/html; name=Zaphod", format!(r#"{{"message":"{MARKER}"}}"#)),
        ("text/html", format!("<html><title>Error</title>{MARKER}</html>")),
        ("text/html", format!("<html><title>No such booking of {MARKER}</title></html>")),
        ("text/plain", format!("<html><title>HTTP Status 400 – {MARKER}</title></html>")),
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
    assert!(count > 1500, "{count} errors were looked at");
}
