//! Limits of lists and names.

use serde_json::{Value, json};
use vetbridge::call_error::{Answer, ErrorClass};
use vetbridge::ids::{BookingReference, LocationId, ScheduleId, UserId};
use vetbridge::openvpms::client::OpenVpmsClient;
use vetbridge::openvpms::{ReadOpenVpms, WriteOpenVpms};

use crate::clients_support::{json, response};
use crate::{client, judith, window};

/// So many of these in a list.
fn many(count: i64, entry: impl Fn(i64) -> Value) -> OpenVpmsClient {
    let list: Vec<Value> = (1..=count).map(entry).collect();
    client(json(200, &json!(list))).0
}

/// How many were read, or what the answer is said to be.
pub(crate) fn told<T>(answer: Answer<Vec<T>>) -> Result<usize, String> {
    answer.map(|list| list.len()).map_err(|error| {
        assert_eq!(error.class, ErrorClass::Contract, "{error}");
        error.detail.rsplit("expected ").next().unwrap_or_default().to_owned()
    })
}

#[tokio::test]
async fn a_list_that_is_longer_than_any_clinics_fails_the_answer_instead_of_being_cut() {
    let named = |id: i64| json!({"id": id, "slotSize": 15, "slots": 1});
    let range = |_| json!({"start":"2019-02-15T09:00:00+11:00","end":"2019-02-15T09:05:00+11:00","schedule":1});
    let (place, schedule, user) = (LocationId(1), ScheduleId(2), UserId(3));
    let found = [
        told(many(10_000, named).locations().await),
        told(many(10_001, named).locations().await),
        told(many(10_000, named).schedules(place).await),
        told(many(10_001, named).schedules(place).await),
        told(many(10_000, named).users(place).await),
        told(many(10_001, named).users(place).await),
        told(many(10_001, named).user_locations(user).await),
        told(many(500, named).appointment_types(schedule).await),
        told(many(501, named).appointment_types(schedule).await),
        told(many(100_001, |_| json!(0)).schedule_free(schedule, window()).await),
        told(many(20_000, range).user_free(user, place, window()).await),
    ];
    let refused = |expected: &str, count: usize| Err(format!("{expected}, found a list of {count}"));
    let expected = [
        Ok(10_000),
        refused("a list of at most 10000 locations", 10_001),
        Ok(10_000),
        refused("a list of at most 10000 schedules", 10_001),
        Ok(10_000),
        refused("a list of at most 10000 users", 10_001),
        refused("a list of at most 10000 locations", 10_001),
        Ok(500),
        refused("a list of at most 500 appointment types", 501),
        refused("a list of at most 100000", 100_001),
        Ok(20_000),
    ];
    assert_eq!(found, expected);
}

#[tokio::test]
async fn nobody_is_rostered_to_hundreds_of_schedules() {
    let of = |schedules: i64| {
        let range =
            |id: i64| json!({"start":"2019-02-15T09:00:00+11:00","end":"2019-02-15T09:05:00+11:00","schedule":id});
        let (free, busy): (Vec<Value>, Vec<Value>) =
            ((1..=100).map(range).collect(), (101..=schedules).map(range).collect());
        client(json(200, &json!({"free": free, "busy": busy}))).0
    };
    let read = of(200).user_free_busy(UserId(3), LocationId(1), window()).await.unwrap();
    assert_eq!((read.free.len(), read.busy.len()), (100, 100));
    let error = of(201).user_free_busy(UserId(3), LocationId(1), window()).await.unwrap_err();
    assert!(error.class == ErrorClass::Contract && error.detail.contains("at most 200 schedules"), "{error}");
}

#[tokio::test]
async fn names_come_without_what_nobody_sees_and_a_blank_one_is_called_by_its_number() {
    let named = |name: &str| {
        let thing = json!([{"id": 1158, "name": name, "timeZone": "Australia/Sydney", "slotSize": 15, "slots": 1}]);
        client(json(200, &thing)).0
    };
    let turned = named("\u{202e}Dr\u{a0}Turner\u{200b}\n");
    assert_eq!(turned.users(LocationId(1)).await.unwrap()[0].name, "Dr Turner");
    assert_eq!(turned.locations().await.unwrap()[0].name, "Dr Turner");
    for blank in ["", " \u{a0}", "\u{200b}\u{202e}"] {
        let blank = named(blank);
        assert_eq!(blank.users(LocationId(1)).await.unwrap()[0].called(), "Clinician 1158");
        assert_eq!(blank.schedules(LocationId(1)).await.unwrap()[0].name, "Schedule 1158");
    }
}

#[tokio::test]
async fn names_are_cut_to_what_openvpms_can_hold_and_an_endless_reference_is_none() {
    let long = "ä".repeat(100_000);
    let named = json!([{"id": 1, "name": long, "timeZone": long, "slotSize": 15, "slots": 1}]);
    let (server, _) = client(json(200, &named));
    let place = server.locations().await.unwrap().remove(0);
    let stands = json!({"location":4,"schedule":12,"appointmentType":8,"start":"2027-04-04T02:00:00.000+10:00",
                        "end":"2027-04-04T02:30:00Z","firstName":long,"lastName":long});
    let booking = client(json(200, &stands)).0.booking(&BookingReference("23:bdab".into())).await.unwrap();
    let customer = booking.customer.unwrap();
    let lengths = [
        place.name,
        place.time_zone,
        server.schedules(LocationId(1)).await.unwrap().remove(0).name,
        server.users(LocationId(1)).await.unwrap().remove(0).name,
        server.appointment_types(ScheduleId(1)).await.unwrap().remove(0).name,
        customer.first,
        customer.last,
    ]
    .map(|name| name.chars().count());
    assert_eq!(lengths, [255; 7]);

    let whole = format!("23:{}", "b".repeat(197));
    assert!(client(response(201, "text/plain", whole.as_str())).0.submit(&judith()).await.is_ok());
    let error = client(response(201, "text/plain", format!("{whole}b"))).0.submit(&judith()).await.unwrap_err();
    assert!(error.detail.contains("no booking reference"), "{error}");
}
