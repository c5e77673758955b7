//! What the server tells, as the client reads it.

use chrono::NaiveDateTime;
use serde_json::{Value, json};
use vetbridge::http::Lane;
use vetbridge::ids::{AppointmentTypeId, BookingReference, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::{ReadOpenVpms, Window};

use crate::clients_support::json;
use crate::{client, span, window};

#[tokio::test]
async fn the_examples_of_the_guide_are_read() {
    let (server, _) = client(json(200, &json!([{"id":106,"name":"Branch Clinic","timeZone":"Australia/Sydney"}])));
    let locations = server.locations().await.unwrap();
    assert_eq!((locations[0].id, locations[0].time_zone.as_str()), (LocationId(106), "Australia/Sydney"));

    let (server, _) = client(json(200, &json!([{"id":136,"name":"Main Appointment Schedule","slotSize":15}])));
    assert_eq!(server.schedules(LocationId(98)).await.unwrap()[0].slot_size_minutes, 15);

    let types = json!([{"id":79,"name":"Short Consult","slots":1},{"id":63,"name":"Long Consult","slots":2}]);
    let (server, _) = client(json(200, &types));
    let slots: Vec<u32> =
        server.appointment_types(ScheduleId(136)).await.unwrap().iter().map(|kind| kind.slots).collect();
    assert_eq!(slots, [1, 2]);

    let user = json!([{"start":"2019-02-15T11:00:00.000+11:00","end":"2019-02-15T17:00:00.000+11:00","schedule":136}]);
    let (server, _) = client(json(200, &user));
    let free = server.user_free(UserId(1158), LocationId(98), window()).await.unwrap();
    assert_eq!(free[0].span, span("2019-02-15T00:00:00Z", "2019-02-15T06:00:00Z"));
    assert_eq!(free[0].schedule, ScheduleId(136));
}

#[tokio::test]
async fn a_free_busy_question_encodes_every_character_of_its_dates() {
    let answer =
        json!({"free":[{"start":"2019-02-15T09:00:00.000+11:00","end":"2019-02-15T10:45:00.000+11:00"}],"busy":null});
    let (server, transport) = client(json(200, &answer));
    let free_busy = server.schedule_free_busy(ScheduleId(136), window()).await.unwrap();
    assert_eq!(free_busy.free, [span("2019-02-14T22:00:00Z", "2019-02-14T23:45:00Z")]);
    assert_eq!(free_busy.busy, []);
    let asked = transport.only();
    assert_eq!(
        asked.path,
        "/ws/booking/v2/schedules/136/freebusy?from=2019-02-15T00%3A00%3A00%2B11%3A00&to=2019-02-16T00%3A00%3A00%2B11%3A00"
    );
    assert!(asked.repeatable && asked.lane == Lane::Background && asked.accept == "application/json");

    let (server, transport) = client(json(200, &json!([])));
    server
        .with_lane(Lane::Interactive)
        .schedule_free(ScheduleId(136), Window { slots: true, ..window() })
        .await
        .unwrap();
    assert!(transport.only().path.ends_with("&slots=true"));
    assert_eq!(transport.only().lane, Lane::Interactive);
}

#[tokio::test]
async fn unknown_fields_and_nulls_are_survived() {
    let odd = json!([{"id":"136","name":null,"slotSize":15.0,"colour":{"r":1}}]);
    let (server, _) = client(json(200, &odd));
    let schedules = server.schedules(LocationId(98)).await.unwrap();
    assert_eq!((schedules[0].id, schedules[0].name.as_str()), (ScheduleId(136), "Schedule 136"));

    let types = json!([{"id":1,"slots":0},{"id":2,"slots":null},{"id":3,"name":" ","slots":1}]);
    let (server, _) = client(json(200, &types));
    let types = server.appointment_types(ScheduleId(136)).await.unwrap();
    assert_eq!((types.len(), types[0].id, types[0].name.as_str()), (1, AppointmentTypeId(3), "Appointment type 3"));

    let bare = json!({"location":4,"schedule":12,"appointmentType":8,"start":"2027-04-04T02:00:00.000+10:00",
                      "end":"2027-04-04T02:30:00Z","user":0,"firstName":null,"notes":null});
    let (server, _) = client(json(200, &bare));
    let booking = server.booking(&BookingReference("23:bdab".into())).await.unwrap();
    assert_eq!((booking.user, booking.customer), (None, None));
    assert_eq!(booking.start, "2027-04-04T02:00:00".parse::<NaiveDateTime>().unwrap());
}

#[tokio::test]
async fn what_is_essential_and_unreadable_fails_the_answer_and_names_the_place() {
    let place =
        |body: Value| async move { client(json(200, &body)).0.schedules(LocationId(98)).await.unwrap_err().detail };
    let good = json!({"id":1,"name":"a","slotSize":15});
    for (bad, found) in [
        (json!({"name":"a","slotSize":15}), "at [1].id: expected a number, found nothing"),
        (
            json!({"id":2,"slotSize":0}),
            "at [1].slotSize: expected a number of minutes from 1 to 1440, found a whole number",
        ),
        (json!({"id":2,"slotSize":1441}), "at [1].slotSize: expected a number of minutes from 1 to 1440"),
        (json!({"id":2,"slotSize":null}), "at [1].slotSize: expected a number of minutes from 1 to 1440, found null"),
        (json!("Zaphod"), "at [1].id: expected a number, found nothing"),
    ] {
        let detail = place(json!([good, bad])).await;
        assert!(detail.contains(found), "{detail}");
    }
    let detail = place(json!({"error":"Zaphod"})).await;
    assert!(detail.ends_with("expected a list, found an object with the fields error"), "{detail}");

    let (server, _) = client(json(200, &json!({"free":[],"busy":[{"start":"2019-02-15T09:00:00.000+11:00"}]})));
    let detail = server.schedule_free_busy(ScheduleId(1), window()).await.unwrap_err().detail;
    assert!(detail.contains("at busy[0].end: expected a date with time and offset, found nothing"), "{detail}");
    let (server, _) = client(json(200, &json!({})));
    assert!(server.schedule_free_busy(ScheduleId(1), window()).await.is_err());
}
