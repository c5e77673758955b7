//! Bookings: made, cancelled and refused.

use serde_json::{Value, json};
use vetbridge::booking::resolution::after_delete;
use vetbridge::booking::update::{AfterCancel, after_cancel};
use vetbridge::call_error::ErrorClass;
use vetbridge::http::{Lane, Method};
use vetbridge::ids::BookingReference;
use vetbridge::openvpms::{ALREADY_SCHEDULED, BOOKING_NOT_FOUND, INVALID_REFERENCE, ReadOpenVpms, WriteOpenVpms};

use crate::clients_support::response;
use crate::{client, judith};

#[tokio::test]
async fn a_booking_is_posted_as_the_server_insists_and_leaves_once() {
    let (server, transport) = client(response(201, "text/plain", "603:3:be08f3c6-1afb-11e6-be41-3dbaef689d97"));
    let reference = server.submit(&judith()).await.unwrap();
    assert_eq!(reference.0, "603:3:be08f3c6-1afb-11e6-be41-3dbaef689d97");
    let asked = transport.only();
    assert_eq!(
        (asked.method, asked.path.as_str(), asked.accept),
        (Method::Post, "/ws/booking/v2/bookings", "text/plain")
    );
    assert!(!asked.repeatable && asked.lane == Lane::Interactive);
    let body: Value = serde_json::from_slice(asked.json.as_ref().unwrap()).unwrap();
    assert_eq!(
        body,
        json!({
            "location": 98, "schedule": 136, "appointmentType": 66,
            "start": "2019-02-15T12:30:00.000+11:00", "end": "2019-02-15T12:45:00.000+11:00",
            "title": "Ms", "firstName": "Judith", "lastName": "Bourke", "mobile": "0418976543",
            "patientName": "Muffett", "notes": "Healthengine booking 36127212", "user": 1158
        })
    );
}

#[tokio::test]
async fn the_reference_is_found_in_the_header_when_the_body_is_broken() {
    let reference = "23:bdab2340-e580-11f1-adf1-236651e19fb7";
    for body in ["", "23:bdab2340", "<html>cut", "{\"a\":1}", reference] {
        let mut answer = response(201, "text/plain", body);
        let location = format!("http://pms.example/openvpms/ws/booking/v2/bookings/{reference}");
        answer.headers.push(("location".into(), location));
        let (server, _) = client(answer);
        assert_eq!(server.submit(&judith()).await, Ok(BookingReference(reference.into())), "{body}");
    }
}

#[tokio::test]
async fn a_booking_without_a_reference_may_stand_in_the_diary() {
    let references = [(200, "603:be08f3c6-1afb"), (202, "603:be08f3c6-1afb"), (203, "603:be08f3c6-1afb"), (200, "1")];
    let others = [(201, ""), (201, "<html>"), (200, ""), (200, "Judith Bourke"), (202, "Zaphod"), (204, "")];
    for (status, body) in others.into_iter().chain(references) {
        let (server, _) = client(response(status, "text/plain", body));
        let error = server.submit(&judith()).await.unwrap_err();
        let nothing_was_done = error.nothing_was_done();
        assert!(!nothing_was_done, "{status} {body:?}: {error:?}");
    }
    // A location that leads elsewhere is no reference either.
    let mut answer = response(201, "text/plain", "");
    answer.headers.push(("location".into(), "http://pms.example/openvpms/login".into()));
    assert!(!client(answer).0.submit(&judith()).await.unwrap_err().nothing_was_done());
}

#[tokio::test]
async fn a_page_of_something_in_between_says_nothing_of_the_appointment_and_the_containers_own_says_that_there_is_none()
{
    let page = |status, title: &str| {
        let body = format!("<html><title>{title}</title></html>");
        client(response(status, "text/html;charset=utf-8", body.as_str())).0
    };
    for (status, class, surely_nothing) in [
        (200, ErrorClass::Contract, false),
        (302, ErrorClass::Contract, true),
        (401, ErrorClass::Credentials, true),
        // A firewall's: the service itself has no 403.
        (403, ErrorClass::Contract, false),
        (404, ErrorClass::Contract, false),
        (405, ErrorClass::Contract, false),
        (406, ErrorClass::Contract, false),
        (408, ErrorClass::Contract, false),
        (415, ErrorClass::Contract, false),
        (429, ErrorClass::TooMany, true),
        (500, ErrorClass::Unavailable, false),
        (503, ErrorClass::Unavailable, false),
    ] {
        let server = page(status, "Login");
        let error = server.submit(&judith()).await.unwrap_err();
        assert_eq!((error.status, error.nothing_was_done()), (Some(status), surely_nothing));
        assert_eq!(error.class, if surely_nothing { class } else { ErrorClass::Lost }, "{status}");
        let error = server.cancel(&BookingReference("23:bdab".into())).await.unwrap_err();
        assert_eq!((error.class, error.status), (class, Some(status)));
    }
    for status in [400, 404, 405, 406, 415] {
        let error = page(status, &format!("HTTP Status {status} – of Tomcat")).submit(&judith()).await.unwrap_err();
        assert_eq!((error.status, error.nothing_was_done()), (Some(status), true));
    }
    let error = page(500, "HTTP Status 500 – Internal Server Error").submit(&judith()).await.unwrap_err();
    assert_eq!((error.class, error.nothing_was_done()), (ErrorClass::Unavailable, false));
}

#[tokio::test]
async fn only_the_services_own_answer_says_that_an_appointment_is_cancelled() {
    let reference = BookingReference("23:bdab2340-e580".into());
    let cancel = |status, kind: &'static str, body: &'static str| {
        let reference = reference.clone();
        async move { client(response(status, kind, body)).0.cancel(&reference).await }
    };
    assert_eq!(cancel(204, "text/plain", "").await, Ok(()));
    for (status, kind, body) in [
        (200, "text/html", "<html><title>Sign in to the network</title></html>"),
        (200, "application/json", r#"{"status":"ok"}"#),
        (200, "text/plain", ""),
        (200, "text/plain", "Booking not found"),
        (201, "text/plain", "23:bdab2340-e580"),
        (202, "text/plain", ""),
        (203, "text/plain", ""),
        (205, "text/plain", ""),
        (206, "text/plain", ""),
    ] {
        let answer = cancel(status, kind, body).await;
        let error = answer.clone().unwrap_err();
        assert_eq!((error.class, error.status), (ErrorClass::Contract, Some(status)), "{status} {body:?}");
        // It is asked for again at the next poll, and when somebody tries to settle it by hand.
        assert_eq!(after_cancel(&answer), AfterCancel::Again, "{status} {body:?}");
        assert!(after_delete(&answer).is_err(), "{status} {body:?}");
    }
    for status in [500, 502, 503, 504] {
        let answer = cancel(status, "text/html", "<html><title>Zaphod</title></html>").await;
        assert_eq!(after_cancel(&answer), AfterCancel::Again, "{status}");
    }
    let gone = cancel(404, "text/plain", "Booking not found").await;
    assert_eq!(after_cancel(&gone), AfterCancel::Cancelled);
    // It is asked for again; what is refused a third time is a person's.
    for (status, body) in [(404, "HTTP 404 Not Found"), (400, "Booking not found"), (410, "Booking not found")] {
        let after = after_cancel(&cancel(status, "text/plain", body).await);
        assert!(matches!(after, AfterCancel::Again | AfterCancel::Refused), "{status} {body:?}: {after:?}");
    }
}

#[tokio::test]
async fn refusals_keep_the_words_that_callers_compare() {
    let (server, _) = client(response(404, "text/plain", "Booking not found"));
    let reference = BookingReference("23:bdab2340-e580".into());
    assert!(server.booking(&reference).await.unwrap_err().is_refusal(404, BOOKING_NOT_FOUND));
    assert!(server.cancel(&reference).await.unwrap_err().is_refusal(404, BOOKING_NOT_FOUND));

    let taken = "An appointment is already scheduled for 2026-12-01 09:00:00.0-2026-12-01 09:15:00.0";
    let (server, _) = client(response(400, "text/plain", taken));
    let error = server.submit(&judith()).await.unwrap_err();
    assert!(error.detail.starts_with(ALREADY_SCHEDULED) && error.detail == taken && error.class == ErrorClass::Refused);

    // Jersey's own words for a path it does not know: nothing is gone.
    let (server, _) = client(response(404, "text/plain", "HTTP 404 Not Found"));
    assert_eq!(server.booking(&reference).await.unwrap_err().class, ErrorClass::Contract);
}

#[tokio::test]
async fn a_reference_is_one_path_segment_and_nonsense_is_not_sent() {
    let (server, transport) = client(response(204, "text/plain", ""));
    server.cancel(&BookingReference("603:3:be08f3c6-1afb".into())).await.unwrap();
    let asked = transport.only();
    assert_eq!(
        (asked.method, asked.path.as_str()),
        (Method::Delete, "/ws/booking/v2/bookings/603%3A3%3Abe08f3c6-1afb")
    );

    for nonsense in ["", "..", "../../users", "1:2?x=y", "1:ä", "1:\n", &"1".repeat(201)] {
        let error = server.cancel(&BookingReference(nonsense.to_owned())).await.unwrap_err();
        assert!(error.is_refusal(400, INVALID_REFERENCE), "{nonsense}");
    }
    assert_eq!(transport.asked().len(), 1);
}
