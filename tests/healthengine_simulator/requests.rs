//! What Healthengine wants, and how the lists shrink.

use serde_json::{Value, json};

use crate::{DAY, Server, day, pass};

#[tokio::test(start_paused = true)]
async fn kinds_are_listed_while_something_of_them_is_outstanding() {
    let server = Server::open().await;
    let practice = &server.practice;
    assert_eq!(server.get("requests").body, json!([]));
    let (waiting, cancelled) = (server.book("09:00"), server.book("09:15"));
    server.confirm(cancelled, "1:a");
    let update = server.model.cancel(cancelled).unwrap();
    server.model.ask_availability(practice, DAY.parse().unwrap(), None).unwrap();
    server.model.ask_appointment_change(cancelled).unwrap();
    server.model.ask_resources(practice).unwrap();
    server.model.ask_appointment_types(practice).unwrap();
    let all =
        ["bookings", "bookingUpdates", "availability", "pmsAppointmentChanges", "pmsResources", "pmsAppointmentTypes"];
    assert_eq!(server.get("requests").body, json!(all));

    server.confirm(waiting, "2:b");
    server.post(&format!("bookings/{cancelled}/confirmUpdate/{update}"), json!({}));
    pass(1).await;
    server.post("availability/snapshots", json!([day("s136", &[]), day("s211", &[])]));
    let change = Server::asked("POST", &format!("bookings/{cancelled}/noPmsAppointmentChange"), None);
    assert_eq!(server.answer(&change).status, 200);
    server.send_rooms(&["s136", "s211"]);
    assert_eq!(server.get("requests").body, json!(["pmsAppointmentTypes"]));
    server.send_types(&["s136", "s211"]);
    assert_eq!(server.get("requests").body, json!([]));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn lists_are_paged_and_shrink_as_they_are_answered() {
    let server = Server::open().await;
    server.model.configure(|settings| settings.per_page = 2);
    let bookings: Vec<_> = ["09:00", "09:15", "09:30"].iter().map(|time| server.book(time)).collect();
    let page = |number: u32| server.get(&format!("requests/bookings?page={number}")).body;
    assert_eq!(page(1)["page"], json!({ "currentPage": 1, "totalPages": 2, "perPage": 2, "total": 3 }));
    assert_eq!(page(2)["data"][0]["bookingId"], json!(bookings[2]));
    assert_eq!(page(3)["data"], json!([]));
    server.confirm(bookings[0], "1:a");
    assert_eq!(page(2)["data"], json!([]), "the third has moved to page 1");
    assert_eq!(page(1)["data"][1]["bookingId"], json!(bookings[2]));
    server.assert_well_behaved();
    for wrong in ["0", "-1", "two", ""] {
        assert_eq!(server.get(&format!("requests/bookings?page={wrong}")).status, 400, "{wrong}");
    }
    assert_eq!(server.violations().len(), 4);
}

#[tokio::test(start_paused = true)]
async fn an_empty_list_has_one_page() {
    let server = Server::new();
    for list in ["bookings", "bookingUpdates", "availability", "pmsAppointmentChanges", "attachDocuments"] {
        let reply = server.get(&format!("requests/{list}")).body;
        assert_eq!(reply["data"], json!([]), "{list}");
        assert_eq!(reply["page"], json!({ "currentPage": 1, "totalPages": 1, "perPage": 100, "total": 0 }), "{list}");
    }
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_day_without_a_resource_is_asked_for_until_every_resource_came() {
    let server = Server::open().await;
    let practice = &server.practice;
    server.model.ask_availability(practice, DAY.parse().unwrap(), None).unwrap();
    server.model.ask_availability(practice, DAY.parse().unwrap(), None).unwrap();
    let wanted = json!({ "day": DAY, "pms_resource_id": null, "pmsResourceId": null });
    assert_eq!(server.list("requests/availability"), [wanted], "asked for once");
    server.send_day("s136", &[("09:00", "10:00")]); // known already, and an answer all the same
    assert_eq!(server.model.days_asked_for(practice).unwrap(), [(DAY.parse().unwrap(), None)]);
    server.send_day("s211", &[]);
    assert_eq!(server.list("requests/availability"), Vec::<Value>::new());
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_question_about_an_appointment_is_answered_by_no_change_a_cancellation_or_nobody_came() {
    let server = Server::open().await;
    let practice = &server.practice;
    for (time, call) in [("09:00", "noPmsAppointmentChange"), ("09:15", "cancel"), ("09:30", "didNotAttend")] {
        let booking = server.book(time);
        server.confirm(booking, time);
        server.model.ask_appointment_change(booking).unwrap();
        let listed = json!({ "bookingId": booking, "pmsAppointmentIds": [time], "pmsPatientId": "p1" });
        assert_eq!(server.list("requests/pmsAppointmentChanges"), [listed]);
        assert_eq!(server.post(&format!("bookings/{booking}/{call}"), json!({})).status, 200);
        assert_eq!(server.model.appointment_changes_asked_for(practice).unwrap(), [], "{call}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_update_need_not_be_a_cancellation() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    server.confirm(booking, "1:a");
    server.model.touch(booking).unwrap();
    assert_eq!(server.list("requests/bookingUpdates")[0]["bookingStatus"], "Confirmed");
}

#[tokio::test(start_paused = true)]
async fn kinds_that_nobody_knows_are_listed_on_demand() {
    let server = Server::new();
    server.model.ask_other(&server.practice, "petPassports").unwrap();
    assert_eq!(server.get("requests").body, json!(["petPassports"]));
    server.model.withdraw_other(&server.practice, "petPassports").unwrap();
    assert_eq!(server.get("requests").body, json!([]));
}
