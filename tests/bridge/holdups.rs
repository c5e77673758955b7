//! One thing that goes wrong holds up no other, and is not mistaken for something else.

use std::time::Duration;

use serde_json::json;
use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::support::{Clinic, PRACTICE, booked, day, minutes, practice, seconds};

#[tokio::test(start_paused = true)]
async fn a_restored_database_on_a_shaky_line_cancels_nothing() {
    let clinic = Clinic::open().await;
    let mut bookings = Vec::new();
    for hour in 9..17 {
        bookings.push(booked(&clinic, &format!("2027-02-16 {hour:02}:00")).await);
    }
    clinic.pass(minutes(2)).await;
    for booking in &bookings {
        let appointment = clinic.appointment_of(*booking).id;
        clinic.openvpms.staff(|world| world.remove_appointment(appointment));
    }
    let mut asked_for = 0;
    clinic.openvpms_faults.set(move |asked| {
        asked_for += u32::from(asked.target.contains("/bookings/"));
        (asked.target.contains("/bookings/") && asked_for.is_multiple_of(4)).then_some(Fault::StatusBefore(503))
    });
    clinic.pass(minutes(20)).await;
    for booking in bookings {
        assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed, "cancelled by a round that broke off");
    }
}

#[tokio::test(start_paused = true)]
async fn late_bookings_of_one_schedule_keep_none_of_another_waiting() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|_| Some(Fault::Slow(seconds(2))));
    let start = |number: i64| format!("2027-02-16 {:02}:{:02}", 9 + number / 4, number % 4 * 15);
    let many: Vec<_> = (0..20).map(|number| clinic.owner_books_regardless("s136", "66:s136", &start(number))).collect();
    let other = clinic.owner_books_regardless("s211", "66:s211", "2027-02-16 09:00");
    for (number, id) in many.iter().chain([&other]).enumerate() {
        let booked = json!(format!("2027-02-14 01:00:{number:02}"));
        clinic.healthengine.write_field(*id, "bookedTime", Some(booked)).unwrap();
        clinic.healthengine.let_deadline_pass(*id).unwrap();
    }
    let stands = |clinic: &Clinic, id: &BookingId| clinic.state(*id) == Some(State::Confirmed);
    clinic.until("the other schedule's is made", minutes(2), |clinic| stands(clinic, &other)).await;
    let before = many.iter().filter(|id| stands(&clinic, id)).count();
    assert!(before <= 2, "{before} of 20 that were booked earlier were made before");
    clinic.until("all are made", minutes(5), |clinic| many.iter().all(|id| stands(clinic, id))).await;
}

#[tokio::test(start_paused = true)]
async fn a_round_that_is_too_long_for_one_pass_is_not_measured_by_bookings_that_it_did_not_ask_for() {
    let mut clinic = Clinic::new();
    clinic.config.sync.near_days = 14;
    clinic.config.sync.config_interval = minutes(30);
    clinic.open_up().await;
    let start = |number: i64| {
        let (day, slot) = (16 + number / 28, number % 28);
        format!("2027-02-{day} {:02}:{:02}", 9 + slot / 4, slot % 4 * 15)
    };
    let mut bookings = Vec::new();
    for number in 0..280 {
        bookings.push(clinic.owner_books_regardless("s136", "66:s136", &start(number)));
    }
    let all_stand = |clinic: &Clinic| bookings.iter().all(|id| clinic.state(*id) == Some(State::Confirmed));
    clinic.until("all are made", minutes(10), all_stand).await;
    // Sixty are no quarter of all, but more than a quarter of the two hundred that one pass asks
    // for. Others stand at their times, so no reading points at them.
    bookings.sort_by_key(|id| (clinic.entry(*id).diary.inserted_at, *id));
    for id in &bookings[..60] {
        let gone = clinic.appointment_of(*id);
        clinic.openvpms.staff(|world| world.remove_appointment(gone.id));
        clinic.staff_book(136, &gone.start.format("%Y-%m-%d %H:%M").to_string(), 15);
    }
    clinic.pass(minutes(35)).await;
    let flagged = bookings.iter().filter(|id| clinic.entry(**id).needs_attention.is_some()).count();
    assert_eq!((clinic.journal.count("POST /bookings", "/cancel"), flagged), (0, 60));
    clinic.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn of_a_restored_database_the_few_that_one_pass_has_no_time_for_are_not_cancelled_either() {
    let mut clinic = Clinic::new();
    clinic.config.sync.near_days = 14;
    clinic.open_up().await;
    let before = clinic.openvpms.staff(|world| world.clone());
    let start = |number: i64| {
        let (day, slot) = (16 + number / 28, number % 28);
        format!("2027-02-{day} {:02}:{:02}", 9 + slot / 4, slot % 4 * 15)
    };
    let bookings: Vec<_> =
        (0..202).map(|number| clinic.owner_books_regardless("s136", "66:s136", &start(number))).collect();
    let all_stand = |clinic: &Clinic| bookings.iter().all(|id| clinic.state(*id) == Some(State::Confirmed));
    clinic.until("all are made", minutes(10), all_stand).await;
    clinic.openvpms.staff(|world| world.restore(&before));
    let all_flagged = |clinic: &Clinic| bookings.iter().all(|id| clinic.entry(*id).needs_attention.is_some());
    clinic.until("a person is told of all of them", minutes(25), all_flagged).await;
    assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 0);
    clinic.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn bookings_that_the_server_never_tells_of_hold_up_no_cancellation() {
    let clinic = Clinic::open().await;
    let mut bookings = Vec::new();
    for hour in 9..15 {
        bookings.push(booked(&clinic, &format!("2027-02-16 {hour:02}:00")).await);
    }
    clinic.pass(minutes(1)).await;
    let of = |booking: BookingId| {
        let appointment = clinic.appointment_of(booking);
        (appointment.id, clinic.openvpms.staff(|world| world.reference(&appointment)))
    };
    // The last four are moved, so that readings point at them too; the server fails to tell where three of them are.
    let untold: Vec<String> = bookings[2..5].iter().map(|booking| of(*booking).1).collect();
    clinic.openvpms_faults.set(move |asked| {
        let target = asked.target.replace("%3A", ":");
        untold.iter().any(|reference| target.ends_with(reference)).then_some(Fault::StatusBefore(503))
    });
    for (number, booking) in bookings[2..].iter().enumerate() {
        clinic.staff_move(of(*booking).0, 136, &format!("2027-02-16 16:{:02}", 15 * number), 15);
    }
    // Whatever stands before or behind those in the pass.
    for booking in [bookings[0], bookings[1]] {
        clinic.staff_cancel(of(booking).0);
    }
    let cancelled = |clinic: &Clinic| bookings[..2].iter().all(|id| clinic.status(*id) == MarketplaceStatus::Cancelled);
    clinic.until("both are cancelled", minutes(4), cancelled).await;
    assert!(clinic.entry(bookings[5]).needs_attention.is_some(), "its move is known");
    clinic.openvpms_faults.heal();
    let all_known = |clinic: &Clinic| bookings[2..].iter().all(|id| clinic.entry(*id).needs_attention.is_some());
    clinic.until("the others are known", minutes(2), all_known).await;
}

#[tokio::test(start_paused = true)]
async fn on_a_server_that_fails_for_live_bookings_a_cancellation_by_staff_is_still_noticed_within_a_minute_or_two() {
    let clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| world.reading_a_booking_fails = true);
    let booking = booked(&clinic, "2027-02-15 12:00").await;
    // A round of GETs has gone by, and the server said nothing of any of them.
    clinic.pass(minutes(11)).await;
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.until("it is cancelled", minutes(2), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn days_of_removed_resources_do_not_hold_up_the_polls() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.set(|asked| {
        asked.target.contains("/availability/snapshot").then_some(Fault::Slow(Duration::from_millis(2500)))
    });
    for date in 16..28 {
        for resource in ["s901", "s902", "s903", "s904", "s905", "s906"] {
            let date = day(&format!("2027-02-{date}"));
            clinic.healthengine.ask_availability(&practice(PRACTICE), date, Some(resource)).unwrap();
        }
    }
    clinic.journal.clear();
    clinic.pass(minutes(2)).await;
    let polls: Vec<_> = clinic.journal.of("GET /requests", "/requests").into_iter().map(|call| call.at).collect();
    let longest = polls.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest.num_seconds() <= 6, "{longest} between two polls");
    assert!(clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_read_holds_up_no_day_of_another() {
    let clinic = Clinic::open().await;
    clinic
        .openvpms_faults
        .set(|asked| asked.target.contains("/schedules/211/freebusy").then_some(Fault::StatusBefore(500)));
    let ask = |date, resource| clinic.healthengine.ask_availability(&practice(PRACTICE), day(date), resource).unwrap();
    ask("2027-02-16", Some("s211"));
    ask("2027-02-20", Some("s136"));
    let open = |clinic: &Clinic| clinic.healthengine.days_asked_for(&practice(PRACTICE)).unwrap();
    clinic.until("the day that can be read is sent", seconds(30), |clinic| open(clinic).len() == 1).await;
    clinic.openvpms_faults.heal();
    clinic.until("the other follows", minutes(1), |clinic| open(clinic).is_empty()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_list_that_fails_is_a_problem_although_polls_are_answered() {
    let clinic = Clinic::open().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.contains("/requests/bookings?").then_some(Fault::StatusBefore(500)));
    clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until("somebody hears of it", seconds(30), |clinic| clinic.problems().contains_key("booking_list")).await;
    assert!(!clinic.practice().not_in_step(clinic.clock.now()).is_empty());
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_days_are_sent_although_the_configuration_is_refused() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.ends_with("/config/pmsResources/snapshot").then_some(Fault::StatusBefore(500)));
    clinic.openvpms.staff(|world| world.schedules[0].name = "Renamed".into());
    clinic.staff_book(136, "2027-02-16 10:00", 15);
    clinic.start();
    let still_offered = |clinic: &Clinic| clinic.offers("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("the day follows the diary", minutes(2), |clinic| !still_offered(clinic)).await;
    assert!(clinic.problems().contains_key("configuration"));
}

#[tokio::test(start_paused = true)]
async fn a_stop_begins_no_booking_so_that_none_is_in_doubt_afterwards() {
    let mut clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|asked| (asked.method == "POST").then_some(Fault::Slow(Duration::from_millis(1700))));
    let bookings: Vec<BookingId> =
        (9..17).map(|hour| clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {hour:02}:00"))).collect();
    clinic.until("the first is in", seconds(20), |clinic| !clinic.appointments_of(bookings[0]).is_empty()).await;
    clinic.stop().await;
    clinic.openvpms_faults.heal();
    clinic.start();
    clinic.pass(minutes(2)).await;
    for booking in bookings {
        assert_ne!(clinic.state(booking), Some(State::InDoubt));
    }
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_lost_its_flag_is_emptied_as_soon_as_a_booking_meets_it() {
    let clinic = Clinic::open().await;
    clinic.pass(minutes(1)).await;
    clinic.openvpms.staff(|world| world.schedules[0].online = false);
    let offered = |clinic: &Clinic| clinic.offers("s136", "66:s136", "2027-02-16 11:00");
    assert!(offered(&clinic));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(booking, State::Rejected, seconds(15)).await;
    clinic.until("its day is empty", seconds(5), |clinic| !offered(clinic)).await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_refreshes_its_day_at_once_although_another_schedule_of_that_day_cannot_be_read() {
    let clinic = Clinic::open().await;
    clinic
        .openvpms_faults
        .set(|asked| asked.target.contains("/schedules/211/freebusy").then_some(Fault::StatusBefore(500)));
    clinic.healthengine.ask_availability(&practice(PRACTICE), day("2027-02-16"), None).unwrap();
    // Long enough for its pause to have grown.
    clinic.pass(minutes(2)).await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    let taken = |clinic: &Clinic| !clinic.published("s136", "66:s136", "2027-02-16 10:00");
    clinic.until("its time is closed", seconds(1), taken).await;
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
}
