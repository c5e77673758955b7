//! `vetbridge bookings resolve`, and the call of the admin API that it makes.

use reqwest::Method;
use serde_json::{Value, json};
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;
use vetbridge::simulator::openvpms::AppointmentStatus;

use crate::clinic::{Clinic, eventually};
use crate::service::Service;

/// A clinic whose service has one booking in doubt: OpenVPMS made the appointment, and its answer was lost.
async fn with_a_doubt() -> (Clinic, Service, BookingId) {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::StatusAfter(500)));
    let booking = clinic.book("s136").await;
    eventually("it is in doubt", async || state(&service, booking).await == "in_doubt").await;
    clinic.openvpms_faults.heal();
    eventually("Healthengine was told", async || {
        clinic.healthengine.booking(booking).unwrap().status == MarketplaceStatus::Confirmed
    })
    .await;
    (clinic, service, booking)
}

async fn state(service: &Service, booking: BookingId) -> String {
    let answer = service.get(&format!("/api/v1/bookings/{booking}")).await.json::<Value>().await;
    answer.unwrap_or_default()["state"].as_str().unwrap_or_default().to_owned()
}

/// The reference of the one appointment that pet owners' bookings left in the diary.
fn reference(clinic: &Clinic) -> String {
    clinic.openvpms.staff(|world| {
        let own = world.appointments().find(|own| own.notes.is_some() && own.status != AppointmentStatus::Cancelled);
        world.reference(own.unwrap())
    })
}

async fn post(service: &Service, booking: &str, body: &str) -> (u16, Value) {
    let path = format!("/api/v1/bookings/{booking}/resolve");
    let answer = service.ask_with(Method::POST, &path, body.to_owned()).await;
    (answer.status().as_u16(), answer.json().await.unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_person_settles_a_doubt_through_the_running_service() {
    let (clinic, service, booking) = with_a_doubt().await;
    let (id, reference) = (booking.to_string(), reference(&clinic));
    let resolve = async |rest: &[&str]| clinic.run(&[&["bookings", "resolve", &id], rest].concat()).await;

    let wrong = resolve(&["--rejected", "--note", "two\nlines"]).await;
    assert_eq!((wrong.status, wrong.out.as_str()), (1, ""));
    assert!(wrong.error.contains("one line"), "{}", wrong.error);
    let unknown = resolve(&["--confirmed", "1:be08"]).await;
    assert_eq!((unknown.status, unknown.out.as_str()), (1, ""));
    assert!(unknown.error.starts_with("vetbridge: OpenVPMS "), "{}", unknown.error);

    let done = resolve(&["--confirmed", &reference, "--note", "seen at the desk"]).await;
    assert_eq!((done.status, done.error.as_str()), (0, ""));
    assert!(done.out.contains("State        confirmed") && done.out.contains("Note: seen at the desk"), "{}", done.out);
    assert!(!done.out.contains("Attention"), "{}", done.out);

    // The pet owner can cancel online again.
    clinic.healthengine.cancel(booking).unwrap();
    eventually("it is cancelled", async || state(&service, booking).await == "cancelled").await;
    let again = resolve(&["--cancelled", "--json"]).await;
    let again: Value = serde_json::from_str(&again.out).unwrap();
    assert_eq!((again["booking_id"].as_i64(), again["state"].as_str()), (Some(booking.0), Some("cancelled")));
    let never = clinic.run(&["bookings", "resolve", "7", "--rejected"]).await;
    assert!(never.status == 1 && never.error.contains("There is no booking 7 in the ledger"), "{}", never.error);
    assert!(clinic.healthengine.violations().is_empty(), "{:?}", clinic.healthengine.violations());
    assert!(!service.log().contains("seen at the desk"));
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_service_the_command_settles_it_itself() {
    let (clinic, service, booking) = with_a_doubt().await;
    let id = booking.to_string();
    service.stop().await;
    let reference = reference(&clinic);
    let done = clinic.run(&["bookings", "resolve", &id, "--confirmed", &reference]).await;
    assert_eq!((done.status, done.error.as_str()), (0, ""), "{}", done.out);
    let gone = clinic.run(&["bookings", "resolve", &id, "--cancelled"]).await;
    assert_eq!((gone.status, gone.error.as_str()), (0, ""), "{}", gone.out);
    assert_eq!(clinic.healthengine.booking(booking).unwrap().status, MarketplaceStatus::Cancelled);
    assert_eq!(clinic.openvpms.staff(|world| world.standing().filter(|own| own.notes.is_some()).count()), 0);
    let shown = clinic.run(&["bookings", "show", &id, "--json"]).await;
    let shown: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!((&shown["state"], &shown["needs_attention"]), (&json!("cancelled"), &Value::Null));
    assert!(clinic.healthengine.violations().is_empty(), "{:?}", clinic.healthengine.violations());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_admin_api_says_what_is_wrong_and_what_a_booking_came_to() {
    let (clinic, service, booking) = with_a_doubt().await;
    let id = booking.to_string();
    for (id, body, status) in [
        (id.as_str(), "", 400),
        (&id, "{", 400),
        (&id, r#"{"outcome":"lost"}"#, 400),
        (&id, r#"{"outcome":"rejected","force":true}"#, 400),
        (&id, r#"{"outcome":"rejected","remark":"x"}"#, 400),
        ("7", r#"{"outcome":"rejected"}"#, 404),
        ("seven", r#"{"outcome":"rejected"}"#, 404),
        (&id, r#"{"outcome":"confirmed","reference":"nonsense"}"#, 409),
    ] {
        let (got, answer) = post(&service, id, body).await;
        let error = answer["error"].as_str().unwrap_or_default();
        assert_eq!(got, status, "{body}: {answer}");
        assert!(error.ends_with('.') && error.starts_with(char::is_uppercase), "{error}");
    }
    clinic.openvpms_faults.close_port();
    let (status, answer) = post(&service, &id, r#"{"outcome":"confirmed","reference":"1:x"}"#).await;
    assert_eq!(status, 502, "{answer}");
    clinic.openvpms_faults.heal();
    let (status, answer) = post(&service, &id, r#"{"outcome":"rejected","note":"no such appointment"}"#).await;
    assert_eq!((status, &answer["state"], &answer["needs_attention"]), (200, &json!("rejected"), &Value::Null));
    let path = format!("/api/v1/bookings/{id}/resolve");
    assert_eq!(service.ask(Method::GET, &path).await.status(), 405);
    service.stop().await;
}
