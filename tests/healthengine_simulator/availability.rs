//! Snapshots, the queue, and what follows from them for pet owners.

use chrono::TimeDelta;
use serde_json::{Value, json};
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{BatchEndpoint, NotOffered};

use crate::{DAY, Server, day, pass, wish};

#[tokio::test(start_paused = true)]
async fn a_snapshot_is_seen_when_the_queue_has_come_to_it() {
    let server = Server::open().await;
    server.model.configure(|settings| settings.snapshot_delay = std::time::Duration::from_secs(10));
    server.send_day("s136", &[("13:00", "13:15")]);
    pass(9).await;
    assert_eq!(server.offered("66:s136")[0], "09:00");
    pass(1).await;
    assert_eq!(server.offered("66:s136"), ["13:00"]);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn starts_follow_from_ranges_and_slot_length_and_a_range_to_midnight_loses_its_last_slot() {
    let server = Server::open().await;
    server.send_day("s136", &[("09:00", "09:40"), ("23:30", "23:59")]);
    pass(1).await;
    assert_eq!(server.offered("66:s136"), ["09:00", "09:15", "23:30"]);
    // The sender says where a long one fits; here he said it does everywhere.
    assert_eq!(server.offered("79:s136"), ["09:00", "09:15", "23:30"]);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_range_can_be_for_some_types_only() {
    let server = Server::open().await;
    let mut snapshot = day("s136", &[("09:00", "09:30"), ("09:30", "09:45")]);
    snapshot["availability"][0]["pmsAppointmentTypeIds"] = json!(["66:s136", "79:s136"]);
    snapshot["availability"][1]["pmsAppointmentTypeIds"] = json!(["66:s136"]);
    assert_eq!(server.post("availability/snapshot", snapshot).status, 200);
    pass(1).await;
    assert_eq!(server.offered("66:s136"), ["09:00", "09:15", "09:30"]);
    assert_eq!(server.offered("79:s136"), ["09:00", "09:15"]);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn only_what_is_offered_can_be_booked_and_it_is_gone_then() {
    let server = Server::open().await;
    for (wish, reason) in [
        (wish("08:45"), NotOffered::Time),
        (wish("09:05"), NotOffered::Time),
        (wish("10:00"), NotOffered::Time),
        (vetbridge::simulator::healthengine::Wish { kind: "66:s211".into(), ..wish("09:00") }, NotOffered::NotLinked),
        (vetbridge::simulator::healthengine::Wish { resource: "s999".into(), ..wish("09:00") }, NotOffered::NotLinked),
    ] {
        assert_eq!(server.model.book(&server.practice, wish.clone()), Err(reason), "{wish:?}");
    }
    server.book("09:15");
    assert_eq!(server.offered("66:s136"), ["09:00", "09:30", "09:45"]);
    assert_eq!(server.offered("79:s136"), ["09:30", "09:45"], "a long one at nine would run into it");
    assert_eq!(server.model.book(&server.practice, wish("09:15")), Err(NotOffered::Time));
    assert!(server.model.book_regardless(&server.practice, wish("09:15")).is_ok());
    // A snapshot that was read before the booking does not bring the time back.
    server.send_day("s136", &[("09:00", "09:30")]);
    pass(1).await;
    assert_eq!(server.offered("66:s136"), ["09:00"]);
}

#[tokio::test(start_paused = true)]
async fn the_past_is_not_offered() {
    let server = Server::open().await;
    pass(22 * 3600 + 20 * 60).await; // Tuesday, 09:20 in Sydney
    assert_eq!(server.offered("66:s136"), ["09:30", "09:45"]);
}

#[tokio::test(start_paused = true)]
async fn a_rejected_time_is_offered_again_only_after_a_fresh_snapshot() {
    let server = Server::open().await;
    let booking = server.book("09:00");
    pass(5).await;
    assert_eq!(server.reject(booking), 200);
    assert_eq!(server.offered("66:s136")[0], "09:15");
    pass(1).await;
    server.send_day("s136", &[("09:00", "10:00")]);
    assert_eq!(server.offered("66:s136")[0], "09:00", "the same ranges again say that it is free indeed");
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn shapes_of_snapshots_are_checked() {
    let server = Server::open().await;
    let with = |field: &str, value: Value| {
        let mut snapshot = day("s136", &[("09:00", "10:00")]);
        snapshot[field] = value;
        snapshot
    };
    let range = |field: &str, value: Value| {
        let mut snapshot = day("s136", &[("09:00", "10:00")]);
        snapshot["availability"][0][field] = value;
        snapshot
    };
    let wrong = [
        with("date", json!("2026-02-30")),
        with("date", json!("2026-3-3")),
        with("date", json!("03-03-2026")),
        with("pmsResourceId", json!(136)),
        with("pmsResourceId", json!("s999")),
        with("availability", Value::Null),
        with("id", json!(1)),
        range("start", json!("9:00")),
        range("end", json!("24:00")),
        range("end", json!("08:00")),
        range("end", json!("09:00")),
        range("end", Value::Null),
        range("slotLength", json!(15.5)),
        range("slotLength", json!(-900)),
        range("slotLength", json!("")),
        range("slotLength", Value::Null),
        range("pmsAppointmentTypeIds", json!("66:s136")),
        range("pmsAppointmentTypeIds", json!(["66:s211"])),
        range("pmsAppointmentTypeIds", json!(["nothing"])),
    ];
    for snapshot in &wrong {
        assert_eq!(server.post("availability/snapshot", snapshot.clone()).status, 400, "{snapshot}");
    }
    assert_eq!(server.violations().len(), wrong.len());
    assert_eq!(server.offered("66:s136").len(), 4, "nothing of it had an effect");
}

#[tokio::test(start_paused = true)]
async fn ranges_that_offer_one_time_twice_are_a_violation() {
    let server = Server::open().await;
    server.send_day("s136", &[("09:00", "10:00"), ("10:00", "11:00")]);
    server.assert_well_behaved();
    pass(1).await;
    server.send_day("s136", &[("09:00", "10:00"), ("09:45", "11:00")]);
    assert_eq!(server.violations(), ["ranges of the snapshot overlap at 09:45"]);
}

#[tokio::test(start_paused = true)]
async fn a_batch_says_what_was_created_known_and_wrong_by_id_or_index() {
    let server = Server::open().await;
    let mut named = day("s211", &[("09:00", "10:00")]);
    named["id"] = json!("mine");
    let reply =
        server.post("availability/snapshots", json!([named, day("s136", &[("09:00", "10:00")]), day("s9", &[])]));
    assert_eq!(reply.status, 200);
    assert_eq!(reply.body["created"], json!(["mine"]));
    assert_eq!(reply.body["existing"], json!(["1"]));
    assert_eq!(reply.body["failed"], json!(["2"]));
    assert_eq!(reply.body["errors"][0]["snapshot"], "2");
    assert!(reply.body["errors"][0]["error"].as_str().unwrap().contains("s9"));
    assert_eq!(server.violations().len(), 1);
    assert_eq!(server.post("availability/snapshots", json!([])).body.get("errors"), None);
}

#[tokio::test(start_paused = true)]
async fn the_same_day_again_is_existing_for_a_while() {
    let server = Server::open().await;
    let send = || server.post("availability/snapshots", json!([day("s136", &[("09:00", "10:00")])])).body;
    assert_eq!(send()["existing"], json!(["0"]));
    pass(3600).await;
    assert_eq!(send()["created"], json!(["0"]));
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_batch_of_a_hundred_is_taken_and_one_of_a_hundred_and_one_refused() {
    let server = Server::open().await;
    let first = DAY.parse::<chrono::NaiveDate>().unwrap();
    let batch = |count: i64| -> Value {
        let days = (0..count).map(|offset| {
            let mut snapshot = day("s211", &[("09:00", "10:00")]);
            snapshot["date"] = json!((first + TimeDelta::days(offset)).to_string());
            snapshot
        });
        days.collect()
    };
    let reply = server.post("availability/snapshots", batch(100));
    assert_eq!(reply.body["created"].as_array().unwrap().len(), 100);
    server.assert_well_behaved();
    pass(1).await;
    assert_eq!(server.post("availability/snapshots", batch(101)).status, 400);
    assert_eq!(server.violations().len(), 1);
}

#[tokio::test(start_paused = true)]
async fn one_day_twice_in_a_batch_is_a_violation_and_the_second_fails() {
    let server = Server::open().await;
    let twice = json!([day("s136", &[("13:00", "14:00")]), day("s136", &[("15:00", "16:00")])]);
    let reply = server.post("availability/snapshots", twice);
    assert_eq!((&reply.body["created"], &reply.body["failed"]), (&json!(["0"]), &json!(["1"])));
    assert!(server.violations()[0].contains("twice in one call"));
}

#[tokio::test(start_paused = true)]
async fn a_day_sent_again_while_it_is_queued_is_a_violation_unless_it_is_the_same() {
    let server = Server::open().await;
    server.send_day("s136", &[("13:00", "14:00")]);
    server.send_day("s136", &[("13:00", "14:00")]);
    server.assert_well_behaved();
    server.send_day("s136", &[("15:00", "16:00")]);
    assert_eq!(server.violations(), ["2026-03-03 of s136 is sent again while it is still queued"]);
    server.model.forget_exchanges();
    server.model.configure(|settings| settings.strict_queue = false);
    server.send_day("s136", &[("16:00", "16:15")]);
    pass(1).await;
    assert_eq!(server.offered("66:s136"), ["16:00"], "the queue keeps its order");
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_server_before_1_9_0_has_no_batches() {
    let server = Server::open().await;
    for status in [404, 405] {
        server.model.configure(|settings| settings.batch = BatchEndpoint::Absent(status));
        assert_eq!(server.post("availability/snapshots", json!([day("s136", &[])])).status, status);
    }
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_request_for_a_resource_that_is_gone_can_be_answered_with_an_empty_day_only() {
    let server = Server::open().await;
    server.model.ask_availability(&server.practice, DAY.parse().unwrap(), Some("s136")).unwrap();
    server.send_rooms(&["s211"]);
    assert_eq!(server.list("requests/availability")[0]["pmsResourceId"], "s136");
    assert_eq!(server.post("availability/snapshot", day("s136", &[])).status, 200);
    assert_eq!(server.list("requests/availability"), Vec::<Value>::new());
    server.assert_well_behaved();
    assert_eq!(server.post("availability/snapshot", day("s136", &[])).status, 400);
}

#[tokio::test(start_paused = true)]
async fn what_is_published_can_be_compared() {
    let server = Server::open().await;
    let ranges = |room: &str| server.model.published(&server.practice, room, DAY.parse().unwrap()).unwrap();
    assert_eq!(ranges("s211"), None);
    let published = ranges("s136").unwrap();
    assert_eq!(published.len(), 1);
    assert_eq!((published[0].start.to_string(), published[0].slot_length_seconds), ("09:00:00".into(), 900));
    assert!(server.model.booking(BookingId(1)).is_err());
}
