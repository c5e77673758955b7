//! Far more bookings at one time than can be made at the rate that the clinic's server is asked at.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use serde_json::Value;
use vetbridge::booking::entry::State;
use vetbridge::ids::{BookingId, ScheduleId};
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::rate::{assert_openvpms_is_spared, longest_silence};
use crate::support::{Clinic, PRACTICE, minutes, practice, seconds};

/// A clinic with so many schedules like 136, whose calls are rationed.
pub(crate) async fn clinic_with(schedules: i64) -> Clinic {
    let mut clinic = Clinic::new();
    clinic.rationed = true;
    clinic.openvpms.staff(|world| {
        let pattern = world.schedules[0].clone();
        for number in 1..schedules {
            let mut schedule = pattern.clone();
            (schedule.id, schedule.name) = (ScheduleId(1000 + number), format!("Room {number}"));
            world.schedules.push(schedule);
        }
    });
    clinic.open_up().await;
    clinic
}

/// A booking for each of the first times of the coming days, schedule by schedule.
pub(crate) fn book_many(clinic: &Clinic, schedules: i64, count: usize) -> Vec<BookingId> {
    let times = (0..).flat_map(|number| {
        let (day, slot) = (16 + number / 28, number % 28);
        let start = format!("2027-02-{day} {:02}:{:02}", 9 + slot / 4, slot % 4 * 15);
        let schedule = |number: i64| if number == 0 { 136 } else { 1000 + number };
        (0..schedules).map(move |number| (schedule(number), start.clone()))
    });
    let book = |(schedule, start): (i64, String)| {
        clinic.owner_books_regardless(&format!("s{schedule}"), &format!("66:s{schedule}"), &start)
    };
    times.take(count).map(book).collect()
}

pub(crate) fn answered(clinic: &Clinic) -> usize {
    let bookings = clinic.healthengine.bookings(&practice(PRACTICE)).unwrap();
    bookings.iter().filter(|booking| booking.answered_at.is_some()).count()
}

#[tokio::test(start_paused = true)]
async fn forty_five_pages_of_late_bookings_are_all_made_and_whoever_can_still_be_told_comes_first() {
    let clinic = clinic_with(15).await;
    clinic.healthengine.configure(|settings| settings.per_page = 10);
    clinic.healthengine_faults.close_port();
    let late = book_many(&clinic, 15, 450);
    clinic.pass(minutes(1)).await;
    clinic.journal.clear();
    clinic.healthengine_faults.heal();
    clinic.until("some are made", minutes(2), |clinic| answered(clinic) > 50).await;

    // The list has them on its last page; hundreds stand before them.
    let mut fresh = Vec::new();
    for hour in 9..17 {
        fresh.push(clinic.owner_books_regardless("s211", "66:s211", &format!("2027-02-20 {hour:02}:00")));
        clinic.pass(seconds(1)).await;
    }
    clinic.pass(seconds(20)).await;
    assert!(answered(&clinic) < 400, "the flood is not over yet");
    for booking in fresh {
        let view = clinic.booking(booking);
        assert_eq!(view.status, MarketplaceStatus::Confirmed);
        let took = view.answered_at.unwrap() - view.booked_at;
        assert!(took <= TimeDelta::seconds(19), "{took}");
    }
    clinic.until("all are made", minutes(20), |clinic| answered(clinic) == late.len() + 8).await;
    clinic.pass(seconds(5)).await;
    assert!(late.iter().all(|booking| clinic.state(*booking) == Some(State::Confirmed)));
    assert_openvpms_is_spared(&clinic);
    assert!(longest_silence(&clinic) <= 10, "{} s between two polls", longest_silence(&clinic));
    clinic.assert_no_overlap();
}

#[tokio::test(start_paused = true)]
async fn the_oldest_deadline_is_served_first_however_the_list_is_sorted() {
    let clinic = clinic_with(10).await;
    clinic.healthengine_faults.close_port();
    let bookings = book_many(&clinic, 10, 200);
    clinic.pass(minutes(1)).await;
    // Their numbers say nothing about when they were made.
    let mut place = 0;
    let mut order = BTreeMap::new();
    for booking in &bookings {
        place = (place + 77) % bookings.len();
        let at = clinic.clock.now() - TimeDelta::minutes(30) + TimeDelta::seconds(i64::try_from(place).unwrap());
        let text = at.format("%Y-%m-%d %H:%M:%S").to_string();
        clinic.healthengine.write_field(*booking, "bookedTime", Some(Value::String(text))).unwrap();
        order.insert(*booking, place);
    }
    clinic.journal.clear();
    clinic.healthengine_faults.heal();
    clinic.until("all are answered", minutes(5), |clinic| answered(clinic) == bookings.len()).await;
    // The last answer has still to come back.
    clinic.pass(seconds(1)).await;
    let confirmed: Vec<usize> = clinic
        .journal
        .of("POST /bookings/", "/confirmInsert")
        .iter()
        .map(|call| order[&BookingId(call.what.split('/').nth(2).unwrap().parse().unwrap())])
        .collect();
    assert_eq!(confirmed.len(), bookings.len());
    for (turn, place) in confirmed.iter().enumerate() {
        // Sixteen are dealt with side by side.
        assert!(turn.abs_diff(*place) <= 16, "number {place} was served as number {turn}");
    }
    assert_openvpms_is_spared(&clinic);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_flood_that_cannot_be_made_in_time_is_rejected_in_time() {
    let clinic = clinic_with(15).await;
    clinic.pass(seconds(5)).await;
    clinic.journal.clear();
    let bookings = book_many(&clinic, 15, 100);
    clinic.until("all are answered", minutes(2), |clinic| answered(clinic) == bookings.len()).await;
    let late = bookings.iter().filter(|booking| {
        let view = clinic.booking(**booking);
        view.answered_at.unwrap() - view.booked_at > TimeDelta::seconds(20)
    });
    // All looks end after twelve seconds; then ten answers a second are sent, polls included.
    let late = late.count();
    assert!(late <= 20, "{late} of a hundred were told too late");
    assert_openvpms_is_spared(&clinic);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_of_a_flood_costs_the_clinics_server_a_look_and_a_post_and_every_day_is_right_afterwards() {
    let clinic = clinic_with(15).await;
    clinic.healthengine_faults.close_port();
    let late = book_many(&clinic, 15, 400);
    clinic.pass(minutes(1)).await;
    clinic.journal.clear();
    clinic.healthengine_faults.heal();
    let took = clinic.until("all are made", minutes(5), |clinic| answered(clinic) == late.len()).await;
    // The last answer has still to come back.
    clinic.pass(seconds(1)).await;
    let count = |begin: &str, end: &str| clinic.journal.count(begin, end);
    assert_eq!(count("POST /ws", "/bookings"), 400);
    assert_eq!(count("POST /bookings/", "/confirmInsert"), 400, "nobody is told twice");
    // The near days are read every minute.
    let rounds = 15 * usize::try_from(took.as_secs() / 60 + 1).unwrap();
    let readings = count("GET /ws", "/freebusy");
    assert!(readings <= 400 + rounds + 20, "{readings} readings, {rounds} of them of near days");
    // Clients' names are learnt again once few are left.
    let read_back = count("GET /ws/booking/v2/bookings/", "");
    assert!((1..=150).contains(&read_back), "{read_back} read back");
    assert!(took < seconds(130), "{took:?}");
    assert_openvpms_is_spared(&clinic);
    clinic.until_in_step().await;
    clinic.finish().await;
}
