//! What pet owners and staff change afterwards.

use serde_json::{Value, json};
use vetbridge::booking::entry::State;
use vetbridge::config::WhenDown;
use vetbridge::ids::{BookingId, ScheduleId};
use vetbridge::simulator::exchange::{Fault, SentAnswer};
use vetbridge::simulator::healthengine::{LateReject, MarketplaceStatus, RequestOutcome, Who};
use vetbridge::simulator::openvpms::AppointmentStatus;

use crate::support::{Clinic, booked, minutes, seconds, wall_time};

const SLOT: &str = "2027-02-15 10:00";

fn updates_are_answered(clinic: &Clinic, booking: BookingId) -> bool {
    clinic.booking(booking).open_updates.is_empty()
}

#[tokio::test(start_paused = true)]
async fn a_pet_owner_cancels_and_the_appointment_goes_and_its_time_is_offered_again() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.until("it is not offered", seconds(2), |clinic| !clinic.published("s136", "66:s136", SLOT)).await;
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until_state(booking, State::Cancelled, seconds(10)).await;
    clinic.until("the update is answered", seconds(1), |clinic| updates_are_answered(clinic, booking)).await;
    assert!(clinic.appointments_of(booking).is_empty());
    assert_eq!(clinic.booking(booking).updates_rejected, 0);
    clinic.until("it is offered", seconds(2), |clinic| clinic.offers("s136", "66:s136", SLOT)).await;
    assert_eq!(clinic.entry(booking).needs_attention, None);
    assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_visit_that_has_begun_cannot_be_cancelled_and_a_person_is_told() {
    let mut clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    let appointment = clinic.appointment_of(booking);
    assert!(clinic.openvpms.staff(|world| world.check_in(appointment.id)));
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("the update is answered", seconds(10), |clinic| updates_are_answered(clinic, booking)).await;
    assert_eq!(clinic.booking(booking).updates_rejected, 1);
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("cancel it in OpenVPMS"), "{told}");
    assert_eq!(clinic.appointment_of(booking).status, AppointmentStatus::CheckedIn);
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_appointment_that_openvpms_refuses_to_cancel_three_times_in_unknown_words_is_a_persons() {
    let mut clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    let mut passing = true;
    clinic.openvpms_faults.set(move |asked| {
        let is_it = asked.method == "DELETE";
        // A failure that passes says nothing.
        let fails = is_it && std::mem::take(&mut passing);
        is_it.then_some(if fails { Fault::StatusBefore(500) } else { Fault::RefusalBefore(400) })
    });
    clinic.journal.clear();
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("the update is answered", minutes(1), |clinic| updates_are_answered(clinic, booking)).await;
    assert_eq!(clinic.journal.count("DELETE /ws", ""), 4, "three refusals");
    assert_eq!(clinic.booking(booking).updates_rejected, 1);
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("cannot cancel the appointment"), "{told}");
    assert_eq!(clinic.appointments_of(booking).len(), 1);
    clinic.excuse(booking);
}

/// When the cancellation was tried, in milliseconds since it was tried first.
fn tried(clinic: &Clinic) -> Vec<i64> {
    let calls = clinic.journal.of("POST /bookings/", "/cancel");
    let first = calls.first().map(|call| call.at);
    calls.iter().filter_map(|call| Some((call.at - first?).num_milliseconds())).collect()
}

#[tokio::test(start_paused = true)]
async fn the_first_retry_of_a_cancellation_comes_soon_however_long_nothing_was_due_and_a_leap_brings_the_next_at_once()
{
    let clinic = Clinic::open().await;
    // So long that pauses would have grown to their longest.
    clinic.pass(minutes(10)).await;
    for start in ["2027-02-15 10:00", "2027-02-15 11:00", "2027-02-15 12:00", "2027-02-15 13:00"] {
        let booking = booked(&clinic, start).await;
        clinic.pass(minutes(1)).await;
        let mut fails = 2;
        clinic.healthengine_faults.set(move |asked| {
            let is_cancellation = fails > 0 && asked.target.ends_with("/cancel");
            fails -= u32::from(is_cancellation);
            is_cancellation.then_some(Fault::StatusBefore(502))
        });
        clinic.journal.clear();
        clinic.staff_cancel(clinic.appointment_of(booking).id);
        clinic
            .until("it is delivered", minutes(3), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled)
            .await;
        let tried = tried(&clinic);
        assert!(tried.len() == 3 && tried[1] <= 7_500 && tried[2] <= 20_000, "{start}: {tried:?}");
    }
    let booking = booked(&clinic, "2027-02-15 14:00").await;
    clinic.pass(minutes(1)).await;
    clinic.healthengine_faults.set(|asked| asked.target.ends_with("/cancel").then_some(Fault::StatusBefore(502)));
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.pass(minutes(5)).await;
    // A pause has just begun.
    let count = |clinic: &Clinic| clinic.journal.count("POST /bookings/", "/cancel");
    let before = count(&clinic);
    clinic.until("it is tried again", minutes(1), |clinic| count(clinic) > before).await;
    clinic.healthengine_faults.heal();
    clinic.machine_sleeps(minutes(60));
    clinic.until("it is delivered", seconds(5), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_waits_for_openvpms_and_survives_a_lost_answer() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.openvpms_faults.close_port();
    clinic.healthengine.cancel(booking).unwrap();
    clinic.throughout("it stays open", minutes(2), |clinic| !updates_are_answered(clinic, booking)).await;
    clinic.openvpms_faults.heal();
    let mut lost = false;
    clinic.openvpms_faults.set(move |asked| {
        (asked.method == "DELETE" && !std::mem::replace(&mut lost, true)).then_some(Fault::LoseAnswer)
    });
    clinic.until("the update is answered", seconds(15), |clinic| updates_are_answered(clinic, booking)).await;
    assert_eq!((clinic.booking(booking).updates_rejected, clinic.state(booking)), (0, Some(State::Cancelled)));
    assert_eq!(clinic.journal.count("DELETE ", ""), clinic.journal.of("DELETE ", "").len());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_given_up_before_it_was_made_is_never_made() {
    let clinic = Clinic::open().await;
    let booking = clinic.owner_books("s136", "66:s136", SLOT);
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("the update is answered", seconds(15), |clinic| updates_are_answered(clinic, booking)).await;
    assert_eq!(clinic.state(booking), Some(State::Rejected));
    assert_eq!(clinic.entry(booking).needs_attention, None);
    assert!(clinic.journal.of("POST /ws", "").is_empty());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_change_that_is_no_cancellation_is_confirmed_and_changes_nothing() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.healthengine.touch(booking).unwrap();
    clinic.until("the update is answered", seconds(10), |clinic| updates_are_answered(clinic, booking)).await;
    assert_eq!((clinic.booking(booking).updates_rejected, clinic.state(booking)), (0, Some(State::Confirmed)));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn with_a_lost_store_a_booking_is_adopted_by_the_reference_that_healthengine_echoes() {
    let mut clinic = Clinic::open().await;
    let (booking, by_hand) = (booked(&clinic, SLOT).await, clinic.owner_books("s136", "66:s136", "2027-02-15 11:00"));
    clinic.stop().await;
    // Nothing of ours stands for this one: staff settled it in the portal.
    clinic.healthengine.progress_by_hand(by_hand).unwrap();
    clinic.lose_the_store();
    clinic.start();
    clinic.until("days are sent", seconds(5), |clinic| clinic.journal.count("GET /requests", "") > 1).await;
    clinic.healthengine.cancel(booking).unwrap();
    clinic.healthengine.cancel(by_hand).unwrap();
    let both = |clinic: &Clinic| updates_are_answered(clinic, booking) && updates_are_answered(clinic, by_hand);
    clinic.until("both updates are answered", seconds(15), both).await;
    assert_eq!(clinic.state(booking), Some(State::Cancelled));
    assert_eq!(clinic.booking(booking).updates_rejected, 0);
    assert_eq!((clinic.state(by_hand), clinic.booking(by_hand).updates_rejected), (None, 1));
    assert!(clinic.appointments_of(booking).is_empty());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_adopted_booking_that_healthengine_lists_once_more_is_confirmed_with_a_patient() {
    let mut clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.stop().await;
    clinic.lose_the_store();
    clinic.start();
    clinic.healthengine.ask_appointment_change(booking).unwrap();
    clinic.until_state(booking, State::Confirmed, seconds(15)).await;
    assert_eq!(clinic.entry(booking).patient, "", "nobody was named");
    assert!(clinic.healthengine.forget_confirmation(booking).unwrap());
    clinic.until("it is confirmed", seconds(15), |clinic| clinic.status(booking) == MarketplaceStatus::Confirmed).await;
    assert!(clinic.entry(booking).patient.starts_with("p-"), "{:?}", clinic.entry(booking));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_by_staff_reaches_the_pet_owner_with_the_next_reading() {
    for silent in [false, true] {
        let clinic = Clinic::open().await;
        // Some servers answer 500 for every booking that stands; one that is gone is 404 there too.
        clinic.openvpms.staff(|world| world.reading_a_booking_fails = silent);
        let booking = booked(&clinic, SLOT).await;
        clinic.pass(seconds(90)).await;
        assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
        clinic.staff_cancel(clinic.appointment_of(booking).id);
        let took = clinic
            .until("it is cancelled", seconds(62), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled)
            .await;
        assert!(took > seconds(0));
        assert_eq!(clinic.booking(booking).cancelled_by, Some(Who::Pms));
        clinic.pass(seconds(1)).await;
        assert_eq!((clinic.state(booking), clinic.entry(booking).needs_attention), (Some(State::Cancelled), None));
        assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 1);
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn an_appointment_that_staff_move_is_followed_and_flagged_once() {
    let mut clinic = Clinic::open().await;
    let (booking, elsewhere) = (booked(&clinic, SLOT).await, booked(&clinic, "2027-02-15 11:00").await);
    clinic.staff_move(clinic.appointment_of(booking).id, 136, "2027-02-15 14:00", 15);
    clinic.staff_move(clinic.appointment_of(elsewhere).id, 211, "2027-02-15 11:00", 30);
    let flagged = |clinic: &Clinic, id| clinic.entry(id).needs_attention.is_some();
    clinic
        .until("both are flagged", seconds(62), |clinic| flagged(clinic, booking) && flagged(clinic, elsewhere))
        .await;
    let place = clinic.entry(booking).place.unwrap();
    assert_eq!((place.schedule, place.span.start), (ScheduleId(136), crate::support::instant("2027-02-15 14:00")));
    assert_eq!(clinic.entry(elsewhere).place.unwrap().schedule, ScheduleId(211));
    let told = clinic.entry(booking).needs_attention.unwrap();
    assert!(told.contains("from Mon 15 Feb 2027 10:00 to Mon 15 Feb 2027 14:00"), "{told}");
    let history = clinic.entry(booking).history.len();
    clinic.pass(minutes(25)).await;
    assert_eq!(clinic.entry(booking).history.len(), history, "noted once");
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 0);

    // Where it stands, it can still be cancelled.
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until_state(booking, State::Cancelled, seconds(10)).await;
    assert!(clinic.appointments_of(booking).is_empty());
    clinic.excuse(elsewhere);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn bookings_are_watched_while_healthengine_refuses_the_configuration() {
    let mut clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.healthengine_faults.set(|asked| asked.target.contains("/config/").then_some(Fault::StatusBefore(400)));
    clinic.openvpms.staff(|world| world.schedule_mut(ScheduleId(136)).unwrap().name = "Another name".to_owned());
    clinic.until("it is refused", minutes(11), |clinic| clinic.problems().contains_key("configuration")).await;
    clinic.journal.clear();
    clinic.pass(minutes(25)).await;
    let asked = clinic.journal.count("GET /ws/booking/v2/bookings/", "");
    assert!((2..=3).contains(&asked), "with each interval of ten minutes: {asked}");
    let appointment = clinic.appointment_of(booking);
    clinic.staff_move(appointment.id, 211, SLOT, 30);
    clinic.until("it is followed", minutes(11), |clinic| clinic.entry(booking).needs_attention.is_some()).await;
    clinic.healthengine_faults.heal();
    clinic.pass(minutes(1)).await;
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_appointment_that_went_out_of_sight_is_flagged_once_and_not_cancelled() {
    let mut clinic = Clinic::open().await;
    clinic.openvpms.staff(|world| world.reading_a_booking_fails = true);
    let booking = booked(&clinic, SLOT).await;
    clinic.staff_move(clinic.appointment_of(booking).id, 211, "2027-02-15 11:00", 30);
    clinic.until("it is flagged", seconds(62), |clinic| clinic.entry(booking).needs_attention.is_some()).await;
    let asked = |clinic: &Clinic| clinic.journal.count("GET /ws/booking/v2/bookings/", "");
    let before = asked(&clinic);
    clinic.pass(minutes(9)).await;
    assert!(asked(&clinic) <= before + 1, "a silent server is not asked at every reading");
    assert_eq!((clinic.status(booking), clinic.state(booking)), (MarketplaceStatus::Confirmed, Some(State::Confirmed)));
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn many_appointments_gone_at_once_are_not_believed() {
    let mut clinic = Clinic::open().await;
    let mut bookings = Vec::new();
    for hour in 9..15 {
        bookings.push(booked(&clinic, &format!("2027-02-16 {hour:02}:00")).await);
    }
    clinic.pass(minutes(2)).await;
    // Yesterday's backup: five of six were made since.
    for booking in &bookings[1..] {
        let id = clinic.appointment_of(*booking).id;
        assert!(clinic.openvpms.staff(|world| world.remove_appointment(id)));
    }
    let flagged = |clinic: &Clinic, id: &BookingId| clinic.entry(*id).needs_attention.is_some();
    clinic.until("all are flagged", seconds(62), |clinic| bookings[1..].iter().all(|id| flagged(clinic, id))).await;
    clinic.pass(minutes(25)).await;
    assert_eq!(clinic.journal.count("POST /bookings", "/cancel"), 0);
    assert!(bookings.iter().all(|id| clinic.status(*id) == MarketplaceStatus::Confirmed));
    assert!(!flagged(&clinic, &bookings[0]));
    let told = clinic.entry(bookings[1]).needs_attention.unwrap();
    assert!(told.contains("backup"), "{told}");
    bookings[1..].iter().for_each(|id| clinic.excuse(*id));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn three_cancellations_by_staff_are_believed() {
    let clinic = Clinic::open().await;
    let mut bookings = Vec::new();
    for hour in 9..12 {
        bookings.push(booked(&clinic, &format!("2027-02-16 {hour:02}:00")).await);
    }
    clinic.pass(minutes(1)).await;
    for booking in &bookings {
        clinic.staff_cancel(clinic.appointment_of(*booking).id);
    }
    let gone = |clinic: &Clinic, id: &BookingId| clinic.status(*id) == MarketplaceStatus::Cancelled;
    clinic.until("all are cancelled", seconds(62), |clinic| bookings.iter().all(|id| gone(clinic, id))).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_by_staff_is_delivered_when_healthengine_is_back() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.pass(minutes(1)).await;
    clinic.healthengine_faults.close_port();
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.until_state(booking, State::Cancelled, seconds(62)).await;
    clinic.pass(minutes(5)).await;
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    clinic.healthengine_faults.heal();
    clinic.until("it is cancelled", seconds(45), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled).await;
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::Confirmed);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_crossing_a_cancellation_leaves_nothing_open() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, SLOT).await;
    clinic.pass(minutes(1)).await;
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until("the update is answered", seconds(70), |clinic| updates_are_answered(clinic, booking)).await;
    clinic.pass(minutes(2)).await;
    assert_eq!((clinic.state(booking), clinic.booking(booking).updates_rejected), (Some(State::Cancelled), 0));
    assert_eq!(clinic.booking(booking).start, wall_time(SLOT));
    clinic.finish().await;
}

/// Waits until all of these are answered, and their updates too.
async fn until_answered(clinic: &Clinic, bookings: &[BookingId]) {
    let is_answered = |id: &BookingId| {
        let booking = clinic.booking(*id);
        booking.answer != RequestOutcome::Open && booking.open_updates.is_empty()
    };
    clinic.until("all are answered", minutes(9), |_| bookings.iter().all(is_answered)).await;
}

/// Healthengine's list goes on saying that the pet owner waits.
fn give_up_unnoticed(clinic: &Clinic, booking: BookingId) {
    clinic.healthengine.cancel(booking).unwrap();
    clinic.healthengine.write_field(booking, "bookingStatus", Some("Requested".into())).unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_waits_for_its_booking_in_a_long_backlog() {
    let clinic = Clinic::open().await;
    clinic.healthengine_faults.close_port();
    let start =
        |number: usize| format!("2027-02-{} {:02}:{:02}", 16 + number / 28, 9 + number % 28 / 4, number % 4 * 15);
    let bookings: Vec<BookingId> =
        (0..60).map(|number| clinic.owner_books_regardless("s136", "66:s136", &start(number))).collect();
    clinic.pass(minutes(1)).await;
    let given_up = [bookings[25], bookings[58]];
    for booking in given_up {
        give_up_unnoticed(&clinic, booking);
    }
    // So slow that a poll is over before most of them have begun.
    clinic.openvpms_faults.set(|_| Some(Fault::Slow(seconds(1))));
    clinic.healthengine_faults.heal();
    until_answered(&clinic, &bookings).await;
    for booking in given_up {
        assert_eq!(clinic.appointments_of(booking).len(), 0, "it stands for an owner who cancelled");
        assert_eq!((clinic.booking(booking).updates_rejected, clinic.state(booking)), (0, Some(State::Cancelled)));
    }
    clinic.finish().await;
}

/// What becomes of the second page of the list of bookings.
type SecondPage = fn(&mut SentAnswer);

/// A page of something in between, a call that is not there for a moment, in silence and in words,
/// and answers that have no entry on the second page although the first announces it.
const SECOND_PAGES: [(&str, SecondPage); 6] = [
    ("502", |page| *page = SentAnswer::html(502, "Bad Gateway")),
    ("404 without a body", |page| (page.status, page.body) = (404, Vec::new())),
    ("404 in words", |page| (page.status, page.body) = (404, br#"{"error":"not found"}"#.to_vec())),
    ("an empty list", |page| page.body = page_with("data", json!([]), page)),
    ("an empty list of one page", |page| {
        page.body = json!({ "data": [], "page": { "currentPage": 1, "totalPages": 1 } }).to_string().into_bytes();
    }),
    ("null", |page| page.body = page_with("data", json!(null), page)),
];

fn page_with(field: &str, value: Value, page: &SentAnswer) -> Vec<u8> {
    let mut body: Value = serde_json::from_slice(&page.body).unwrap();
    body[field] = value;
    body.to_string().into_bytes()
}

fn lose_page_two(clinic: &Clinic, becomes: SecondPage) {
    clinic.twist.set(move |asked, answered| {
        if asked.target.contains("/requests/bookings?") && asked.target.contains("page=2") {
            becomes(answered);
        }
    });
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_waits_while_the_list_that_may_have_its_booking_is_not_read_whole() {
    for (what, becomes) in SECOND_PAGES {
        let clinic = Clinic::open().await;
        clinic.healthengine.configure(|settings| settings.per_page = 1);
        clinic.healthengine_faults.close_port();
        let first = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        let second = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
        // Its resource is gone, so that the first is listed for as long as its rejection comes too late.
        clinic.healthengine.configure(|settings| settings.late_reject = LateReject::Ignore);
        clinic.healthengine.write_field(first, "pmsResourceId", Some(Value::Null)).unwrap();
        clinic.pass(minutes(1)).await;
        give_up_unnoticed(&clinic, second);
        clinic.healthengine_faults.heal();
        lose_page_two(&clinic, becomes);
        let waits = |clinic: &Clinic| !clinic.booking(second).open_updates.is_empty() && clinic.state(second).is_none();
        clinic.throughout(&format!("{what}: the update waits"), minutes(1), waits).await;
        clinic.twist.heal();
        clinic.healthengine.configure(|settings| settings.late_reject = LateReject::Settle);
        until_answered(&clinic, &[first, second]).await;
        assert_eq!(clinic.appointments_of(second).len(), 0, "{what}: it stands for an owner who cancelled");
        let outcome = (clinic.booking(second).updates_rejected, clinic.state(second));
        assert_eq!(outcome, (0, Some(State::Cancelled)), "{what}");
    }
}

#[tokio::test(start_paused = true)]
async fn a_booking_on_a_page_that_is_lost_for_a_moment_is_not_taken_for_settled_by_hand() {
    for (what, becomes) in SECOND_PAGES {
        let mut clinic = Clinic::new();
        clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
        clinic.healthengine.configure(|settings| settings.per_page = 1);
        clinic.open_up().await;
        clinic.openvpms_faults.close_port();
        let bookings = ["10:00", "11:00"].map(|at| clinic.owner_books("s136", "66:s136", &format!("2027-02-16 {at}")));
        for booking in bookings {
            clinic.until_state(booking, State::Received, seconds(15)).await;
        }
        lose_page_two(&clinic, becomes);
        let held = |clinic: &Clinic| clinic.state(bookings[1]) == Some(State::Received);
        clinic.throughout(&format!("{what}: it is held"), minutes(1), held).await;
        clinic.twist.heal();
        clinic.openvpms_faults.heal();
        for booking in bookings {
            clinic.until_state(booking, State::Confirmed, minutes(2)).await;
            assert_eq!(clinic.entry(booking).needs_attention, None, "{what}");
        }
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_cancellation_of_a_booking_that_nobody_here_knows_is_rejected_once_the_list_is_read_whole() {
    let mut clinic = Clinic::open().await;
    let unknown = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.healthengine.progress_by_hand(unknown).unwrap();
    clinic.excuse(unknown);
    // An entry that cannot be made out could be any booking.
    let odd = clinic.owner_books("s136", "66:s136", "2027-02-16 11:00");
    clinic.healthengine.write_field(odd, "bookingId", None).unwrap();
    clinic.healthengine.cancel(unknown).unwrap();
    let waits = |clinic: &Clinic| !clinic.booking(unknown).open_updates.is_empty();
    clinic.throughout("the update waits", minutes(1), waits).await;
    clinic.healthengine.write_field(odd, "bookingId", Some(odd.0.into())).unwrap();
    clinic.until("it is rejected", seconds(15), |clinic| clinic.booking(unknown).updates_rejected == 1).await;
}

#[tokio::test(start_paused = true)]
async fn a_round_in_which_openvpms_was_away_is_made_up_for_when_it_is_back() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    clinic.pass(minutes(2)).await;
    // Readings and everything else go on; only single bookings are not answered for while the next round is made.
    clinic.openvpms_faults.set(|asked| asked.target.contains("/bookings/").then_some(Fault::StatusBefore(503)));
    clinic.journal.clear();
    clinic
        .until("it was asked for", minutes(11), |clinic| clinic.journal.count("GET /ws/booking/v2/bookings/", "") > 0)
        .await;
    clinic.openvpms_faults.heal();
    clinic
        .until("it is asked for again", seconds(40), |clinic| {
            clinic.journal.of("GET /ws/booking/v2/bookings/", "").iter().any(|call| call.outcome == Ok(200))
        })
        .await;
    assert_eq!(clinic.appointments_of(booking).len(), 1);
    clinic.finish().await;
}
