//! Ten minutes, inside the live hours.

use serde_json::json;
use vetbridge::simulator::healthengine::{NewPractice, NotOffered};

use crate::{DAY, Server, pass, wish};

const MINUTE: u64 = 60;

/// Live on Mondays and Tuesdays, 08:00 to 12:00; it is Monday, 11:00.
async fn live() -> Server {
    let server = Server::open().await;
    let hours = json!([{ "start": "08:00", "end": "12:00" }]);
    let contract = json!({ "liveHours": { "monday": hours, "tuesday": hours, "publicHolidays": [] } });
    assert_eq!(server.post("config/livenessContract", contract).status, 200);
    server.get("requests");
    server
}

fn problems(server: &Server) -> Vec<String> {
    server.model.health(&server.practice).unwrap().problems
}

#[tokio::test(start_paused = true)]
async fn ten_minutes_without_a_poll_are_unhealthy_inside_the_live_hours() {
    let server = live().await;
    pass(10 * MINUTE).await;
    assert_eq!(problems(&server), Vec::<String>::new());
    pass(1).await;
    assert_eq!(problems(&server), ["requests has not been asked for ten minutes"]);
    assert_eq!(server.model.lapses(&server.practice).unwrap(), []);
    server.get("requests");
    assert_eq!(problems(&server), Vec::<String>::new());
    assert_eq!(server.model.lapses(&server.practice).unwrap()[0].what, "the poll of requests");
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn time_outside_the_live_hours_does_not_count() {
    let server = live().await;
    pass(55 * MINUTE).await; // 11:55
    server.get("requests");
    server.model.ask_availability(&server.practice, DAY.parse().unwrap(), Some("s136")).unwrap();
    pass(20 * 3600 + 9 * MINUTE).await; // Tuesday 08:04, nine live minutes later
    assert_eq!(problems(&server), Vec::<String>::new());
    pass(2 * MINUTE).await;
    assert_eq!(problems(&server).len(), 2);
}

#[tokio::test(start_paused = true)]
async fn bookings_updates_and_availability_requests_must_be_answered_in_ten_minutes() {
    let server = live().await;
    let (waiting, cancelled) = (server.book("09:00"), server.book("09:15"));
    server.confirm(cancelled, "1:a");
    server.model.cancel(cancelled).unwrap();
    server.model.ask_availability(&server.practice, DAY.parse().unwrap(), Some("s136")).unwrap();
    server.model.ask_resources(&server.practice).unwrap(); // not critical
    for _ in 0..11 {
        pass(MINUTE).await;
        server.get("requests");
    }
    assert_eq!(problems(&server).len(), 3, "{:?}", problems(&server));
    server.confirm(waiting, "2:b");
    let update = server.model.booking(cancelled).unwrap().open_updates[0];
    server.post(&format!("bookings/{cancelled}/confirmUpdate/{update}"), json!({}));
    server.send_day("s136", &[]);
    assert_eq!(problems(&server), Vec::<String>::new());
    assert_eq!(server.model.lapses(&server.practice).unwrap().len(), 3);
}

#[tokio::test(start_paused = true)]
async fn what_is_answered_in_time_leaves_no_trace() {
    let server = live().await;
    for minute in 0..60 {
        server.get("requests");
        if minute % 20 == 0 {
            let booking = server.model.book_regardless(&server.practice, wish("09:00")).unwrap();
            pass(5).await;
            server.confirm(booking, &format!("{minute}:a"));
        }
        pass(MINUTE).await;
    }
    assert_eq!(server.model.lapses(&server.practice).unwrap(), []);
    server.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn on_a_public_holiday_its_own_hours_count() {
    let server = Server::new();
    let mut new = NewPractice::new("1234567", crate::KEY, "Australia/Sydney".parse().unwrap());
    new.public_holidays.insert("2026-03-02".parse().unwrap());
    server.model.add_practice(new);
    let hours = json!([{ "start": "08:00", "end": "12:00" }]);
    server.post("config/livenessContract", json!({ "liveHours": { "monday": hours, "publicHolidays": [] } }));
    pass(30 * MINUTE).await;
    assert_eq!(problems(&server), Vec::<String>::new());
    server.post("config/livenessContract", json!({ "liveHours": { "publicHolidays": hours } }));
    pass(30 * MINUTE).await;
    assert_eq!(problems(&server).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn without_a_contract_nothing_is_expected() {
    let server = Server::open().await;
    server.book("09:00");
    pass(3600).await;
    assert_eq!(problems(&server), Vec::<String>::new());
}

#[tokio::test(start_paused = true)]
async fn a_practice_can_want_its_times_hidden_while_unhealthy() {
    let server = Server::new();
    let mut new = NewPractice::new("1234567", crate::KEY, "Australia/Sydney".parse().unwrap());
    new.hides_times_when_unhealthy = true;
    server.model.add_practice(new);
    server.send_rooms(&["s136"]);
    server.send_types(&["s136"]);
    server.send_day("s136", &[("09:00", "10:00")]);
    let hours = json!([{ "start": "08:00", "end": "12:00" }]);
    server.post("config/livenessContract", json!({ "liveHours": { "monday": hours } }));
    pass(11 * MINUTE).await;
    assert_eq!(server.model.book(&server.practice, wish("09:00")), Err(NotOffered::Hidden));
    server.get("requests");
    assert_eq!(server.offered("66:s136").len(), 4);
}
