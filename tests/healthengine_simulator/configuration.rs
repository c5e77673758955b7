//! Resources, appointment types, liveness contract, and the links that hang on them.

use serde_json::{Value, json};
use vetbridge::simulator::healthengine::OfferedKind;

use crate::{Server, pass};

#[tokio::test(start_paused = true)]
async fn a_snapshot_replaces_what_was_sent_before() {
    let server = Server::open().await;
    server.send_rooms(&["s211", "s300"]);
    let ids: Vec<String> = server.model.resources(&server.practice).unwrap().into_iter().map(|own| own.id).collect();
    assert_eq!(ids, ["s211", "s300"]);
    assert_eq!(server.get("config/pmsResources/findById?id=s136").body, json!([]));
    assert_eq!(server.get("config/pmsResources/findById?id=s300").body[0]["pmsResourceName"], "Room s300");
    assert_eq!(server.offered("66:s136"), Vec::<String>::new());
    server.send_types(&["s211"]);
    assert_eq!(server.get("config/pmsAppointmentTypes").body.as_array().unwrap().len(), 2);
    assert_eq!(server.get("config/pmsAppointmentTypes/findById?id=66%3As211").body[0]["pmsAppointmentLength"], 15);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn ids_and_names_must_be_unique_and_the_whole_snapshot_is_refused_otherwise() {
    let server = Server::open().await;
    let before = server.get("config/pmsResources").body;
    let room = |id: &str, name: &str| json!({ "pmsResourceId": id, "pmsResourceName": name });
    for list in [json!([room("a", "A"), room("a", "B")]), json!([room("a", "A"), room("b", "A")])] {
        let reply = server.post("config/pmsResources/snapshot", list);
        assert_eq!(reply.status, 400);
        assert!(reply.body["error"].as_str().unwrap().contains("unique"));
    }
    assert_eq!(server.get("config/pmsResources").body, before);
    let kind = |id: &str, name: &str| json!({ "pmsAppointmentTypeId": id, "pmsAppointmentTypeName": name });
    for list in [json!([kind("a", "A"), kind("a", "B")]), json!([kind("a", "A"), kind("b", "A")])] {
        assert_eq!(server.post("config/pmsAppointmentTypes/snapshot", list).status, 400);
    }
    assert_eq!(server.violations().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn required_fields_and_types_are_checked() {
    let server = Server::open().await;
    let resources = [
        json!({}),
        json!([{ "pmsResourceId": "a" }]),
        json!([{ "pmsResourceId": 7, "pmsResourceName": "A" }]),
        json!([{ "pmsResourceId": " ", "pmsResourceName": "A" }]),
        json!([{ "pmsResourceId": null, "pmsResourceName": "A" }]),
        json!([{ "pmsResourceId": "a", "pmsResourceName": "A", "pmsPractitionerTitle": 1 }]),
    ];
    for body in resources.clone() {
        assert_eq!(server.post("config/pmsResources/snapshot", body.clone()).status, 400, "{body}");
    }
    let kind = |length: Value| json!([{ "pmsAppointmentTypeId": "a", "pmsAppointmentTypeName": "A", "pmsAppointmentLength": length }]);
    let lengths = [json!(15.5), json!(-1), json!("fifteen"), json!(true)];
    for length in lengths.clone() {
        assert_eq!(server.post("config/pmsAppointmentTypes/snapshot", kind(length.clone())).status, 400, "{length}");
    }
    assert_eq!(server.violations().len(), resources.len() + lengths.len());
    assert_eq!(server.post("config/pmsAppointmentTypes/snapshot", kind(Value::Null)).status, 200);
}

#[tokio::test(start_paused = true)]
async fn an_appointment_type_must_belong_to_a_known_resource() {
    let server = Server::open().await;
    let stray = json!([{ "pmsAppointmentTypeId": "a", "pmsAppointmentTypeName": "A", "pmsResourceId": "s999" }]);
    assert_eq!(server.post("config/pmsAppointmentTypes/snapshot", stray).status, 400);
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn hours_of_the_liveness_contract_are_times_of_day() {
    let server = Server::new();
    let monday = |start: &str, end: &str| json!({ "liveHours": { "monday": [{ "start": start, "end": end }] } });
    for (start, end) in [("00:00", "23:59"), ("08:30", "17:00")] {
        assert_eq!(server.post("config/livenessContract", monday(start, end)).status, 200);
    }
    server.assert_well_behaved();
    for (start, end) in
        [("00:00", "24:00"), ("8:00", "17:00"), ("08:00:00", "17:00"), ("17:00", "08:00"), ("08:00", "08:00")]
    {
        assert_eq!(server.post("config/livenessContract", monday(start, end)).status, 400, "{start} {end}");
    }
    assert_eq!(server.post("config/livenessContract", json!({})).status, 400);
    let misspelt = json!({ "liveHours": { "publicholidays": [] } });
    assert_eq!(server.post("config/livenessContract", misspelt).status, 200);
    assert_eq!(server.violations().last().unwrap(), "liveHours has the unknown field publicholidays");
}

#[tokio::test(start_paused = true)]
async fn leaving_something_out_destroys_the_links_of_staff_and_sending_it_again_does_not_mend_them() {
    let server = Server::new();
    let mut new = vetbridge::simulator::healthengine::NewPractice::new(
        "1234567",
        crate::KEY,
        "Australia/Sydney".parse().unwrap(),
    );
    new.staff_link_at_once = false;
    server.model.add_practice(new);
    server.send_rooms(&["s136"]);
    server.send_types(&["s136"]);
    server.send_day("s136", &[("09:00", "10:00")]);
    pass(1).await;
    assert_eq!(server.offered("66:s136"), Vec::<String>::new(), "nobody has linked anything");

    server.model.link_resource(&server.practice, "s136", "Dr Do Good").unwrap();
    let kind = OfferedKind { name: "Check-up".into(), length_minutes: 20, appointment_type: Some("66:s136".into()) };
    server.model.link_kind(&server.practice, "s136", kind).unwrap();
    assert_eq!(server.offered("66:s136").len(), 4);
    assert_eq!(server.model.lost_links(&server.practice).unwrap(), Vec::<String>::new());

    server.send_types(&[]);
    server.send_types(&["s136"]);
    let lost = server.model.lost_links(&server.practice).unwrap();
    assert_eq!(lost, ["Dr Do Good, Check-up -> appointment type 66:s136"]);
    assert_eq!(server.offered("66:s136"), Vec::<String>::new());

    server.send_rooms(&[]);
    server.send_rooms(&["s136"]);
    assert_eq!(server.model.lost_links(&server.practice).unwrap()[1], "Dr Do Good -> resource s136");
    let practitioners = server.model.practitioners(&server.practice).unwrap();
    assert_eq!((practitioners.len(), &practitioners[0].resource), (1, &None));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_booking_of_a_kind_that_nobody_linked_has_no_appointment_type_and_healthengines_length() {
    let server = Server::open().await;
    let kind = OfferedKind { name: "Vaccination".into(), length_minutes: 20, appointment_type: None };
    server.model.link_kind(&server.practice, "s136", kind).unwrap();
    let mut wish = crate::wish("09:15");
    wish.kind = "Vaccination".into();
    server.model.book(&server.practice, wish).unwrap();
    let booking = &server.list("requests/bookings")[0];
    assert_eq!(booking["pmsAppointmentTypeId"], Value::Null);
    assert_eq!((&booking["comments"], &booking["pmsAppointmentLength"]), (&json!("Vaccination"), &json!(1200)));
}
