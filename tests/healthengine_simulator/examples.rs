//! The examples of the published documents, as printed.

use serde_json::{Value, json};
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{DeliveryFailure, PetOwner, Wish};

use crate::{Server, pass};

macro_rules! example {
    ($name:literal) => {
        serde_json::from_str::<Value>(include_str!(concat!("../../fixtures/healthengine/", $name))).unwrap()
    };
}

/// A server that was sent the quick start's configuration.
fn configured() -> Server {
    let server = Server::new();
    assert_eq!(server.post("config/livenessContract", example!("liveness-contract.json")).status, 200);
    assert_eq!(server.post("config/pmsResources/snapshot", example!("resources-snapshot.json")).status, 200);
    assert_eq!(
        server.post("config/pmsAppointmentTypes/snapshot", example!("appointment-types-snapshot.json")).status,
        200
    );
    server
}

#[tokio::test(start_paused = true)]
async fn the_configuration_of_the_quick_start_is_accepted_and_read_back() {
    let server = configured();
    assert_eq!(server.get("config/livenessContract").body, example!("liveness-contract.json"));
    assert_eq!(server.get("config/pmsResources").body, example!("resources-snapshot.json"));
    let mut types = example!("appointment-types-snapshot.json");
    types[0]["pmsAppointmentLength"] = json!(30); // sent as a text, kept as the integer that the definition wants
    assert_eq!(server.get("config/pmsAppointmentTypes").body, types);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_slot_length_of_30_means_seconds_and_leaves_the_length_to_healthengine() {
    let server = configured();
    let mut snapshot = example!("availability-snapshot.json");
    snapshot["date"] = json!("2026-10-01");
    assert_eq!(server.post("availability/snapshot", snapshot).status, 200);
    pass(1).await;
    let offers = server.model.offered(&server.practice, "12345", "2026-10-01".parse().unwrap()).unwrap();
    let starts: Vec<String> = offers.iter().map(|offer| offer.start.format("%H:%M").to_string()).collect();
    assert_eq!(starts[..7], ["09:00", "09:30", "10:00", "10:30", "11:00", "11:30", "13:00"]);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn the_availability_example_as_printed_is_not_json() {
    let server = configured();
    let mut asked = Server::asked("POST", "availability/snapshot", Some(&Value::Null));
    asked.body = include_bytes!("../../fixtures/healthengine/availability-snapshot-as-printed.txt").to_vec();
    assert_eq!(server.answer(&asked).status, 400);
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn booking_36127212_is_listed_and_confirmed_as_in_the_quick_start() {
    let server = configured();
    let wish = Wish::new("12345", "G1235", "2026-10-01T09:00:00".parse().unwrap()).by(PetOwner::default(), "Limping");
    let booking = server.model.book_regardless(&server.practice, wish).unwrap();
    assert_eq!(booking, BookingId(36_127_212));
    assert_eq!(server.get("requests").body, example!("requests.json"));
    assert_eq!(server.post("bookings/36127212/confirmInsert", example!("confirm-insert.json")).status, 200);
    assert_eq!(server.get("requests").body, json!([]));
    let booking = server.model.booking(booking).unwrap();
    assert_eq!((booking.pms_appointment_ids, booking.pms_patient_id), (vec!["123".into()], Some("Patient1".into())));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn the_telehealth_confirmation_of_the_definition_is_accepted_with_its_integer_id() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    let path = format!("bookings/{booking}/confirmInsert");
    assert_eq!(server.post(&path, example!("confirm-insert-telehealth.json")).status, 200);
    assert_eq!(server.model.booking(booking).unwrap().pms_appointment_ids, ["12384"]);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn the_subscription_of_the_quick_start_is_accepted_until_it_is_over() {
    let server = Server::new();
    // The tests begin in 2026; the example expires in 2024.
    server.model.configure(|settings| settings.skew = chrono::TimeDelta::days(-800));
    let reply = server.post("subscription", example!("subscription.json"));
    assert_eq!(reply.status, 201);
    for (name, value) in example!("subscription.json").as_object().unwrap() {
        assert_eq!(&reply.body[name], value);
    }
    server.assert_well_behaved();
    server.model.configure(|settings| settings.skew = chrono::TimeDelta::zero());
    assert_eq!(server.get("subscription").body, json!([]));
    assert_eq!(server.post("subscription", example!("subscription.json")).status, 400);
}

#[tokio::test(start_paused = true)]
async fn the_error_log_comes_out_as_printed() {
    let server = Server::new();
    let failure = DeliveryFailure {
        id: "f0fc5931-678a-4152-9b45-710ed6959ae9".into(),
        at: "2020-10-12T10:08:28Z".parse().unwrap(),
        subscription_id: "db26bebd-63f3-47d6-9fb8-09b4edc38aa7".into(),
        topic: "requests.bookings".into(),
        client_id: None,
        callback_url: "https://yourweb.site/3dfbb04e-ea89-42bc-be90-bb52ab123ec5".into(),
        called_at: "2020-10-12T10:06:35Z".parse().unwrap(),
        target: Some("/requests/bookings".into()),
        request_type: "bookings".into(),
        booking_id: Some(BookingId(154)),
        request_id: None,
        attempt: 3,
        error_type: r"GuzzleHttp\Exception\ConnectException".into(),
        error_message: "cURL error 6: Could not resolve host: yourweb.site \
                        (see https://curl.haxx.se/libcurl/c/libcurl-errors.html"
            .into(),
    };
    server.model.log_delivery_failure(&server.practice, failure).unwrap();
    let path = "subscriptionErrorLog?subscriptionId=db26bebd-63f3-47d6-9fb8-09b4edc38aa7";
    for range in ["", "&from=2020-10-12+09%3A00%3A00&to=2020-10-12%2011:00:00"] {
        assert_eq!(server.get(&format!("{path}{range}")).body, example!("subscription-error-log.json"));
    }
    assert_eq!(server.list(&format!("{path}&from=2020-10-12+10%3A08%3A29")), Vec::<Value>::new());
    server.assert_well_behaved();
}
