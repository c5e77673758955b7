//! Outstanding bookings, as the client reads them.

use serde_json::{Value, json};
use vetbridge::healthengine::{BookingStatus, ReadHealthengine, RequestKind};
use vetbridge::http::Lane;
use vetbridge::ids::BookingId;
use vetbridge::openvpms::Contact;
use vetbridge::pet_owner::contact::contact;

use crate::clients_support::json;
use crate::{answered, at, client};

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
    assert_eq!((asked.path.as_str(), asked.lane, asked.repeatable), ("/requests", Lane::Poll, true));
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
        "bookingId": 5, "reason": "Won&#039;t eat &amp; limps\nPet name: &quot;Tom &amp;amp; \
                                   Jerry&quot;", "comments": "Cats &amp; dogs &lt;1 y",
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
