//! The life of a booking.

use serde_json::{Value, json};
use vetbridge::simulator::healthengine::{LateReject, MarketplaceStatus, Repeated, RequestOutcome, Who};

use crate::{DAY, Server, at, pass};

#[tokio::test(start_paused = true)]
async fn a_booking_is_listed_in_the_formats_of_the_api() {
    let server = Server::open().await;
    let booking = server.book("09:15");
    let expected = json!({
        "bookingId": booking,
        "pmsResourceId": "s136",
        "pmsAppointmentTypeId": "66:s136",
        "pmsAppointmentIds": [],
        "pmsPatientId": null,
        "bookedTime": "2026-03-02 00:00:01",
        "bookingStatus": "Requested",
        "pmsAppointmentTime": "2026-03-03 09:15:00",
        "pmsAppointmentLength": 900,
        "reason": "Limping\nPet name: Muffett",
        "comments": "Consult - s136",
        "patient": {
            "firstname": "Jo", "lastname": "Citizen", "dob": "23-02-1980", "phone": "0412 345 678",
            "email": "jo@example.com", "address": null, "suburb": null, "state": null, "postcode": null,
            "gender": null, "medicareNumber": null, "medicareIrn": null, "medicareExpiry": null,
        },
        "telehealthUrl": null,
        "isNewPatient": false,
    });
    assert_eq!(server.list("requests/bookings"), [expected]);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_confirmed_booking_leaves_the_list_with_its_ids() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    pass(3).await;
    assert_eq!(server.confirm(booking, "603:be08"), 200);
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    let view = server.model.booking(booking).unwrap();
    assert_eq!(
        (view.status, view.answer, view.start),
        (MarketplaceStatus::Confirmed, RequestOutcome::Confirmed, at("09:00:00"))
    );
    assert_eq!((view.pms_appointment_ids, view.pms_patient_id), (vec!["603:be08".into()], Some("p1".into())));
    assert_eq!(view.answered_at.unwrap() - view.booked_at, chrono::TimeDelta::seconds(3));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_rejection_within_twenty_seconds_fails_the_booking_and_asks_for_the_day() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    pass(19).await;
    assert_eq!(server.reject(booking), 200);
    assert_eq!(server.model.booking(booking).unwrap().status, MarketplaceStatus::Failed);
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    let wanted = json!({ "day": DAY, "pms_resource_id": "s136", "pmsResourceId": "s136" });
    assert_eq!(server.list("requests/availability"), [wanted]);
    pass(1).await;
    server.send_day("s136", &[("09:15", "10:00")]);
    assert_eq!(server.get("requests").body, json!([]));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn after_twenty_seconds_a_booking_counts_as_confirmed_and_stays_listed() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    pass(20).await;
    assert_eq!(server.model.booking(booking).unwrap().status, MarketplaceStatus::Confirmed);
    assert_eq!(server.list("requests/bookings")[0]["bookingStatus"], "Confirmed");
    assert_eq!(server.confirm(booking, "1:a"), 200);
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn the_twenty_seconds_are_counted_from_booked_time_as_it_is_written() {
    let server = Server::open().await;
    tokio::time::advance(std::time::Duration::from_millis(900)).await;
    let booking = server.book("09:00"); // in the last tenth of a second
    tokio::time::advance(std::time::Duration::from_millis(19_050)).await;
    assert_eq!(server.model.booking(booking).unwrap().status, MarketplaceStatus::Requested);
    tokio::time::advance(std::time::Duration::from_millis(100)).await;
    assert_eq!(server.model.booking(booking).unwrap().status, MarketplaceStatus::Confirmed);
}

#[tokio::test(start_paused = true)]
async fn a_late_rejection_settles_is_ignored_or_is_refused_as_set() {
    for (late_reject, status, listed, answer) in [
        (LateReject::Settle, 200, false, RequestOutcome::RejectedTooLate),
        (LateReject::Ignore, 200, true, RequestOutcome::Open),
        (LateReject::Refuse, 400, true, RequestOutcome::Open),
    ] {
        let server = Server::open().await;
        server.model.configure(|settings| settings.late_reject = late_reject);
        let booking = server.book("09:00");
        server.model.let_deadline_pass(booking).unwrap();
        assert_eq!(server.reject(booking), status, "{late_reject:?}");
        let view = server.model.booking(booking).unwrap();
        assert_eq!((view.status, view.answer), (MarketplaceStatus::Confirmed, answer), "{late_reject:?}");
        assert_eq!(!server.list("requests/bookings").is_empty(), listed, "{late_reject:?}");
        server.assert_well_behaved();
    }
}

#[tokio::test(start_paused = true)]
async fn an_answer_that_is_repeated_is_no_violation_and_answered_as_set() {
    for (repeated, status) in [(Repeated::NotFound, 404), (Repeated::BadRequest, 400), (Repeated::Accepted, 200)] {
        let server = Server::open().await;
        server.model.configure(|settings| settings.repeated = repeated);
        let (confirmed, rejected) = (server.book("09:00"), server.book("09:15"));
        assert_eq!((server.confirm(confirmed, "1:a"), server.confirm(confirmed, "1:a")), (200, status));
        assert_eq!((server.reject(rejected), server.reject(rejected)), (200, status));
        server.assert_well_behaved();
    }
}

#[tokio::test(start_paused = true)]
async fn a_contrary_answer_is_refused_and_a_violation() {
    let server = Server::open().await;
    let (confirmed, rejected) = (server.book("09:00"), server.book("09:15"));
    assert_eq!((server.confirm(confirmed, "1:a"), server.reject(rejected)), (200, 200));
    assert_eq!(server.confirm(confirmed, "2:b"), 400);
    assert_eq!(server.reject(confirmed), 400);
    assert_eq!(server.confirm(rejected, "3:c"), 400);
    assert_eq!(server.violations().len(), 3);
    assert_eq!(server.model.booking(confirmed).unwrap().pms_appointment_ids, ["1:a"]);
    assert_eq!(server.model.booking(rejected).unwrap().status, MarketplaceStatus::Failed);
}

#[tokio::test(start_paused = true)]
async fn one_appointment_for_two_bookings_is_a_violation() {
    let server = Server::open().await;
    let (first, second) = (server.book("09:00"), server.book("09:15"));
    server.confirm(first, "1:a");
    server.confirm(second, "1:a");
    assert_eq!(server.violations(), [format!("booking {second} is confirmed with the appointment of another booking")]);
}

#[tokio::test(start_paused = true)]
async fn a_confirmation_needs_ids_perhaps_none_and_a_patient() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    let path = format!("bookings/{booking}/confirmInsert");
    let wrong = [
        json!({}),
        json!({ "pmsAppointmentIds": [] }),
        json!({ "pmsPatientId": "p" }),
        json!({ "pmsAppointmentIds": "1", "pmsPatientId": "p" }),
        json!({ "pmsAppointmentIds": [""], "pmsPatientId": "p" }),
        json!({ "pmsAppointmentIds": [], "pmsPatientId": "" }),
        json!({ "pmsAppointmentIds": [], "pmsPatientId": 5 }),
    ];
    for body in wrong.clone() {
        assert_eq!(server.post(&path, body.clone()).status, 400, "{body}");
    }
    assert_eq!(server.violations().len(), wrong.len());
    assert_eq!(server.post(&path, json!({ "pmsAppointmentIds": [], "pmsPatientId": "p" })).status, 200);
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_was_never_made_is_404_and_a_violation() {
    let server = Server::open().await;
    for call in ["confirmInsert", "rejectInsert", "confirmUpdate/1", "rejectUpdate/1", "cancel", "didNotAttend"] {
        assert_eq!(server.post(&format!("bookings/999/{call}"), json!({})).status, 404, "{call}");
    }
    assert_eq!(server.post("bookings/abc/cancel", json!({})).status, 404);
    assert_eq!(server.violations().len(), 7);
}

#[tokio::test(start_paused = true)]
async fn a_pet_owners_cancellation_is_an_update_that_echoes_what_was_confirmed() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    server.confirm(booking, "1:a");
    pass(60).await;
    let request = server.model.cancel(booking).unwrap();
    let expected = json!({
        "requestId": request, "bookingId": booking, "pmsAppointmentIds": ["1:a"], "pmsPatientId": "p1",
        "updatedAt": "2026-03-02 00:01:01", "bookingStatus": "Cancelled",
    });
    assert_eq!(server.list("requests/bookingUpdates"), [expected]);
    assert_eq!(server.model.booking(booking).unwrap().open_updates, [request]);
    assert!(server.model.cancel(booking).is_err(), "only once");
    let confirm = Server::asked("POST", &format!("bookings/{booking}/confirmUpdate/{request}"), None);
    assert_eq!(server.answer(&confirm).status, 200);
    assert_eq!(server.answer(&confirm).status, 404);
    assert_eq!(server.list("requests/bookingUpdates"), Vec::<Value>::new());
    let view = server.model.booking(booking).unwrap();
    assert_eq!(
        (view.status, view.cancelled_by, view.updates_rejected),
        (MarketplaceStatus::Cancelled, Some(Who::PetOwner), 0)
    );
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_rejected_update_leaves_the_list_and_the_practice_is_told() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    server.confirm(booking, "1:a");
    let request = server.model.cancel(booking).unwrap();
    assert_eq!(
        server.post(&format!("bookings/{booking}/rejectUpdate/{request}"), json!({ "reason": null })).status,
        200
    );
    assert_eq!(server.get("requests").body, json!([]));
    let view = server.model.booking(booking).unwrap();
    assert_eq!((view.status, view.updates_rejected), (MarketplaceStatus::Cancelled, 1));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn an_update_must_belong_to_its_booking() {
    let server = Server::open().await;
    let (one, other) = (server.book("09:00"), server.book("09:15"));
    let request = server.model.cancel(one).unwrap();
    assert_eq!(server.post(&format!("bookings/{other}/confirmUpdate/{request}"), json!({})).status, 404);
    assert_eq!(server.violations().len(), 1);
    assert_eq!(server.model.booking(one).unwrap().open_updates, [request]);
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_is_cancelled_before_its_answer_is_listed_as_cancelled_until_answered() {
    let server = Server::open().await;
    let (one, other) = (server.book("09:00"), server.book("09:15"));
    server.model.cancel(one).unwrap();
    server.model.cancel(other).unwrap();
    let list = server.list("requests/bookings");
    assert_eq!((list.len(), &list[0]["bookingStatus"]), (2, &json!("Cancelled")));
    // Rejected, or confirmed because the insert was under way: cancelled all the same.
    assert_eq!((server.reject(one), server.confirm(other, "1:a")), (200, 200));
    for booking in [one, other] {
        assert_eq!(server.model.booking(booking).unwrap().status, MarketplaceStatus::Cancelled);
    }
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    let updates = server.list("requests/bookingUpdates");
    assert_eq!((updates.len(), &updates[1]["pmsAppointmentIds"]), (2, &json!(["1:a"])));
    assert_eq!(server.list("requests/availability"), Vec::<Value>::new(), "nobody waits for other times");
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn the_practice_can_cancel_what_stands() {
    let server = Server::open().await;
    let (confirmed, waiting, failed) = (server.book("09:00"), server.book("09:15"), server.book("09:30"));
    server.confirm(confirmed, "1:a");
    server.reject(failed);
    let cancel = |booking| server.post(&format!("bookings/{booking}/cancel"), json!({ "reason": "ill" })).status;
    assert_eq!((cancel(confirmed), cancel(waiting), cancel(failed)), (200, 200, 400));
    assert_eq!(cancel(confirmed), 404, "it is no longer pending");
    for booking in [confirmed, waiting] {
        let view = server.model.booking(booking).unwrap();
        assert_eq!((view.status, view.cancelled_by), (MarketplaceStatus::Cancelled, Some(Who::Pms)));
    }
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    assert_eq!(server.list("requests/bookingUpdates"), Vec::<Value>::new());
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn staff_can_progress_a_booking_by_hand() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    server.model.progress_by_hand(booking).unwrap();
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    assert_eq!(server.model.booking(booking).unwrap().status, MarketplaceStatus::Confirmed);
    assert_eq!(server.confirm(booking, "1:a"), 404);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn nobody_came_is_reported_after_the_time_of_the_appointment() {
    let server = Server::open().await;
    let (booking, early) = (server.book("09:00"), server.book("09:15"));
    server.confirm(booking, "1:a");
    server.confirm(early, "2:b");
    let report = |id| server.post(&format!("bookings/{id}/didNotAttend"), json!({})).status;
    assert_eq!(report(early), 200);
    assert_eq!(server.violations(), [format!("booking {early} is reported as not attended before its time")]);
    server.model.forget_exchanges();
    pass(24 * 3600).await;
    assert_eq!(report(booking), 200);
    assert!(server.model.booking(booking).unwrap().did_not_attend);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_booking_whose_resource_or_type_is_gone_shows_null_for_it() {
    let server = Server::open().await;
    server.book("09:00");
    server.send_rooms(&["s211"]);
    server.send_types(&["s211"]);
    let booking = &server.list("requests/bookings")[0];
    assert_eq!((&booking["pmsResourceId"], &booking["pmsAppointmentTypeId"]), (&Value::Null, &Value::Null));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_test_can_write_any_field_of_a_request() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    server.model.write_field(booking, "bookedTime", None).unwrap();
    server.model.write_field(booking, "patient", Some(Value::Null)).unwrap();
    server.model.write_field(booking, "bookingStatus", Some(json!("Postponed"))).unwrap();
    let listed = &server.list("requests/bookings")[0];
    assert_eq!(listed.get("bookedTime"), None);
    assert_eq!((&listed["patient"], &listed["bookingStatus"]), (&Value::Null, &json!("Postponed")));
}

#[tokio::test(start_paused = true)]
async fn nothing_about_a_pet_owner_is_in_debug_output_or_violations() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    server.post(&format!("bookings/{booking}/confirmInsert"), json!({ "pmsAppointmentIds": [], "Muffett": "Citizen" }));
    let text =
        format!("{:?} {:?} {:?}", server.model.booking(booking), crate::wish("09:00"), server.model.violations());
    assert!(text.contains("s136"));
    for word in ["Citizen", "0412", "jo@", "Limping"] {
        assert!(!text.contains(word), "{word}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_forgotten_confirmation_is_asked_for_again_and_taken_again() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    assert!(!server.model.forget_confirmation(booking).unwrap(), "there is none yet");
    assert_eq!(server.confirm(booking, "603:be08"), 200);
    assert!(server.model.forget_confirmation(booking).unwrap());
    assert_eq!(server.list("requests/bookings").len(), 1);
    assert_eq!(server.confirm(booking, "603:be08"), 200);
    assert_eq!(server.list("requests/bookings"), Vec::<Value>::new());
    server.assert_well_behaved();
}
