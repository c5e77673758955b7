//! Bookings that come before OpenVPMS's inventory was read, which takes minutes where there are hundreds of schedules.

use std::time::Duration;

use vetbridge::booking::entry::State;
use vetbridge::config::{ResourceEntry, WhenDown};
use vetbridge::ids::{AppointmentTypeId, BookingId, LocationId, ScheduleId};
use vetbridge::simulator::exchange::{ArrivedRequest, Fault};
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use vetbridge::simulator::openvpms::{LocationEntity, ScheduleEntity};

use crate::support::{Call, Clinic, Fuse, is_submission, minutes, seconds};

fn asks_for_types_of_211(asked: &ArrivedRequest) -> bool {
    asked.target.ends_with("/schedules/211/appointmentTypes")
}

/// A start that does not get to the end of the inventory.
fn start_without_the_whole_inventory(clinic: &mut Clinic) {
    clinic.openvpms_faults.set(|asked| asks_for_types_of_211(asked).then_some(Fault::Hang));
    clinic.journal.clear();
    clinic.start();
}

/// Until the inventory is read, and everything agrees.
async fn read_and_finish(clinic: Clinic) {
    assert!(clinic.practice().offering().is_none(), "the inventory was read");
    clinic.openvpms_faults.heal();
    clinic.until("the inventory is read", minutes(2), |clinic| clinic.practice().offering().is_some()).await;
    clinic.until_in_step().await;
    clinic.finish().await;
}

fn took_at_most_ten_seconds(clinic: &Clinic, booking: BookingId) {
    let view = clinic.booking(booking);
    let took = view.answered_at.unwrap() - view.booked_at;
    assert!(took.num_seconds() <= 10, "{took}");
}

#[tokio::test(start_paused = true)]
async fn a_booking_right_after_a_restart_is_made_in_time_although_the_inventory_is_not_read_yet() {
    let mut clinic = Clinic::open().await;
    // One was made while the bridge was down, and is late.
    let late = clinic.owner_books("s136", "66:s136", "2027-02-15 11:00");
    clinic.stop().await;
    clinic.healthengine_faults.close_port();
    start_without_the_whole_inventory(&mut clinic);
    clinic.pass(seconds(30)).await;
    clinic.healthengine_faults.heal();
    let booking = clinic.owner_books("s136", "63:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(60)).await;
    took_at_most_ten_seconds(&clinic, booking);
    assert_eq!((clinic.appointment_of(booking).end - clinic.appointment_of(booking).start).num_minutes(), 30);
    clinic.until_state(late, State::Confirmed, seconds(10)).await;
    let types = clinic.journal.count("GET", "/schedules/136/appointmentTypes");
    let lists = clinic.journal.count("GET", "/locations/98/schedules");
    clinic.pass(seconds(1)).await;

    // The next one needs none of that again.
    let next = clinic.owner_books("s136", "66:s136", "2027-02-15 13:00");
    clinic.until_state(next, State::Confirmed, seconds(10)).await;
    assert!(clinic.journal.count("GET", "/schedules/136/appointmentTypes") <= types + 1, "but for the inventory's own");
    assert!(clinic.journal.count("GET", "/locations/98/schedules") <= lists + 1);
    assert!(clinic.journal.of("POST /availability", "").is_empty(), "days are sent of the whole inventory");
    read_and_finish(clinic).await;
}

/// Whatever is asked of the inventory.
fn asks_what_is_offered(asked: &ArrivedRequest) -> bool {
    ["/appointmentTypes", "/schedules", "/locations"].iter().any(|end| asked.target.ends_with(end))
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_no_booking_waiting_for_what_was_known_before_it() {
    let mut clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|asked| asks_what_is_offered(asked).then_some(Fault::Hang));
    // Two reloads, one right after the other: nothing was read between them.
    for days in [30, 40] {
        clinic.config.bookings.client_memory_days = days;
        clinic.reload();
        clinic.pass(seconds(1)).await;
    }
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    assert!(clinic.practice().offering().is_none(), "the inventory was read");
    took_at_most_ten_seconds(&clinic, booking);

    // A practice that offers something else asks what there is.
    clinic.config.practices[0].resources.push(ResourceEntry { schedule: ScheduleId(211), user: None, name: None });
    clinic.reload();
    let booking = clinic.owner_books("s211", "66:s211", "2027-02-15 10:00");
    clinic.pass(seconds(10)).await;
    assert_eq!(clinic.state(booking), None, "nothing is known of what it offers now");
    clinic.openvpms_faults.heal();
    clinic.until_state(booking, State::Rejected, seconds(10)).await;
    clinic.config.practices[0].resources.clear();
    clinic.reload();
    clinic.until_in_step().await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn before_the_inventory_is_read_bookings_are_refused_as_they_would_be_later() {
    let mut clinic = Clinic::new();
    clinic.openvpms.staff(|world| {
        let mut third = world.schedules[0].clone();
        (third.id, third.name) = (ScheduleId(136_000), "Third Room".to_owned());
        world.schedules.push(third);
    });
    clinic.open_up().await;
    clinic.stop().await;
    clinic.staff_book(136, "2027-02-15 10:00", 15);
    clinic.openvpms.staff(|world| {
        world.schedules[0].types.retain(|(kind, _)| *kind != AppointmentTypeId(63));
        world.schedules[2].online = false;
    });
    start_without_the_whole_inventory(&mut clinic);
    let taken = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    let unknown = clinic.owner_books("s136000", "66:s136000", "2027-02-15 10:00");
    let closed = clinic.owner_books_regardless("s136", "66:s136", "2027-02-15 05:00");
    let kind = clinic.owner_books("s136", "63:s136", "2027-02-15 12:00");
    for booking in [taken, unknown, closed, kind] {
        clinic.until_state(booking, State::Rejected, seconds(15)).await;
        took_at_most_ten_seconds(&clinic, booking);
        assert_eq!(clinic.status(booking), MarketplaceStatus::Failed);
    }
    assert_eq!(clinic.journal.count("POST", "/bookings"), 0);
    assert_eq!(clinic.journal.count("GET", "/schedules/136000/appointmentTypes"), 0, "it is not listed");
    read_and_finish(clinic).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_is_settled_before_the_inventory_is_read() {
    let mut clinic = Clinic::open().await;
    let (power, mut armed) = (clinic.power(), true);
    clinic.openvpms_faults.set(move |asked| {
        if is_submission(asked) && std::mem::take(&mut armed) {
            power.set(Fuse { calls: 0, arrives: true, steps: 0 });
        }
        None
    });
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until("the power is cut", seconds(30), |clinic| clinic.power().is_cut()).await;
    clinic.pull_the_plug().await;
    start_without_the_whole_inventory(&mut clinic);
    clinic.until_state(booking, State::InDoubt, minutes(1)).await;
    assert_eq!(clinic.appointments_of(booking).len(), 1);
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    read_and_finish(clinic).await;
}

#[tokio::test(start_paused = true)]
async fn a_server_that_is_away_at_the_start_is_not_asked_for_every_booking_that_is_late() {
    let mut clinic = Clinic::open().await;
    clinic.config.bookings.when_openvpms_is_down = WhenDown::Hold;
    clinic.stop().await;
    let times = (0..12).map(|number| format!("2027-02-15 {:02}:{:02}", 10 + number / 4, number % 4 * 15));
    let late: Vec<BookingId> = times.map(|time| clinic.owner_books("s136", "66:s136", &time)).collect();
    clinic.pass(minutes(2)).await;
    clinic.openvpms_faults.close_port();
    clinic.journal.clear();
    clinic.start();
    clinic.pass(minutes(5)).await;
    let tried = clinic.journal.count("GET", "/locations");
    assert!((5..=40).contains(&tried), "{tried} attempts, those for the whole inventory among them");
    clinic.openvpms_faults.heal();
    clinic.openvpms_faults.set(|asked| asks_for_types_of_211(asked).then_some(Fault::Hang));
    for booking in late {
        clinic.until_state(booking, State::Confirmed, minutes(1)).await;
    }
    read_and_finish(clinic).await;
}

#[tokio::test(start_paused = true)]
async fn the_oldest_booking_does_not_wait_until_the_schedules_of_all_others_were_read() {
    let mut clinic = Clinic::new();
    clinic.openvpms.staff(|world| {
        for number in 1..=40 {
            let (id, name) = (ScheduleId(1000 + number), format!("Room {number}"));
            let room = ScheduleEntity { id, name, ..world.schedules[0].clone() };
            world.schedules.push(room);
        }
    });
    clinic.open_up().await;
    clinic.stop().await;
    clinic.openvpms_faults.set(|asked| {
        let types = asked.target.ends_with("/appointmentTypes");
        let fault = if asks_for_types_of_211(asked) { Fault::Hang } else { Fault::Slow(Duration::from_millis(300)) };
        types.then_some(fault)
    });
    clinic.start();
    clinic.pass(seconds(2)).await;
    let oldest = clinic.owner_books("s1001", "66:s1001", "2027-02-15 10:00");
    clinic.pass(seconds(1)).await;
    for number in 2..=40 {
        let id = 1000 + number;
        clinic.owner_books(&format!("s{id}"), &format!("66:s{id}"), "2027-02-15 10:00");
    }
    clinic.until_state(oldest, State::Confirmed, seconds(10)).await;
    clinic.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_schedule_that_cannot_be_read_fails_no_booking_of_another_and_is_tried_again_while_there_is_time() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    clinic.openvpms_faults.set(|asked| asks_for_types_of_211(asked).then_some(Fault::StatusBefore(503)));
    clinic.journal.clear();
    clinic.start();
    let failing = clinic.owner_books("s211", "66:s211", "2027-02-15 10:00");
    let other = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(other, State::Confirmed, seconds(7)).await;
    assert_eq!(clinic.booking(failing).answer, RequestOutcome::Open);
    clinic.openvpms_faults.set(|_| None);
    clinic.until_state(failing, State::Confirmed, seconds(5)).await;
    clinic.until_in_step().await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_stop_before_the_inventory_is_read_rejects_nothing_and_is_quick() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    clinic.openvpms_faults.close_port();
    clinic.start();
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until("it is seen", seconds(8), |clinic| clinic.journal.count("GET /requests/bookings", "") > 0).await;
    clinic.pass(seconds(1)).await;
    let began = tokio::time::Instant::now();
    clinic.stop().await;
    assert!(began.elapsed() < seconds(3), "{:?}", began.elapsed());
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::Open);
    clinic.openvpms_faults.heal();
    clinic.start();
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.finish().await;
}

/// Twenty-one locations: the main clinic's, and those from 201 on, each with one schedule.
async fn a_group_that_was_read() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.openvpms.staff(|world| {
        for number in 201..=220 {
            let (location, name) = (LocationId(number), format!("Clinic {number}"));
            world.locations.push(LocationEntity { id: location, name: name.clone(), online: true });
            let id = ScheduleId(number * 1000);
            world.schedules.push(ScheduleEntity { id, name, location, ..world.schedules[0].clone() });
        }
    });
    clinic.config.practices[0].locations.extend((201..=220).map(LocationId));
    clinic.open_up().await;
    clinic.stop().await;
    clinic
}

/// A start at which the inventory does not get beyond its first list.
fn start_without_the_lists(clinic: &mut Clinic) {
    let first_list = |asked: &ArrivedRequest| asked.target.ends_with("/locations/98/schedules");
    clinic.openvpms_faults.set(move |asked| first_list(asked).then_some(Fault::Hang));
    clinic.journal.clear();
    clinic.start();
}

#[tokio::test(start_paused = true)]
async fn after_a_restart_a_booking_needs_the_list_of_its_own_location_alone() {
    let mut clinic = a_group_that_was_read().await;
    start_without_the_lists(&mut clinic);
    let booking = clinic.owner_books("s220000", "66:s220000", "2027-02-15 10:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    let asked: Vec<String> =
        clinic.journal.calls().into_iter().filter(Call::is_openvpms).map(|call| call.what).collect();
    // The inventory's own first call, and those for the booking: locations, list, types, look, POST,
    // and how OpenVPMS spells the client's name.
    assert!(asked.len() <= 7, "{asked:?}");
    assert_eq!(clinic.journal.count("GET", "/locations/220/schedules"), 1, "{asked:?}");
    assert_eq!(clinic.journal.count("POST /config", ""), 0, "lists are sent of the whole inventory");

    // The next one at this schedule asks for the look alone.
    clinic.pass(seconds(1)).await;
    clinic.journal.clear();
    let next = clinic.owner_books("s220000", "66:s220000", "2027-02-15 11:00");
    clinic.until_state(next, State::Confirmed, seconds(10)).await;
    assert_eq!(clinic.journal.count("GET", "/schedules") + clinic.journal.count("GET", "/appointmentTypes"), 0);
    read_and_finish(clinic).await;
}

#[tokio::test(start_paused = true)]
async fn what_is_remembered_of_a_schedule_says_where_to_look_and_never_what_is_so() {
    let mut clinic = a_group_that_was_read().await;
    clinic.openvpms.staff(|world| {
        world.schedules.retain(|schedule| schedule.id != ScheduleId(201_000));
        let of = |id| move |schedule: &&mut ScheduleEntity| schedule.id == ScheduleId(id);
        world.schedules.iter_mut().find(of(202_000)).unwrap().location = LocationId(203);
        world.schedules.iter_mut().find(of(204_000)).unwrap().types.retain(|(kind, _)| kind.0 != 63);
    });
    clinic.config.practices[0].locations.retain(|location| *location != LocationId(205));
    // The first list is to be read too, for the schedule that moved.
    clinic
        .openvpms_faults
        .set(|asked| asked.target.ends_with("/schedules/136/appointmentTypes").then_some(Fault::Hang));
    clinic.journal.clear();
    clinic.start();
    let [vanished, without_type, of_nobody] = [("s201000", 66), ("s204000", 63), ("s205000", 66)]
        .map(|(resource, kind)| clinic.owner_books(resource, &format!("{kind}:{resource}"), "2027-02-15 10:00"));
    for booking in [vanished, without_type, of_nobody] {
        clinic.until_state(booking, State::Rejected, seconds(15)).await;
        took_at_most_ten_seconds(&clinic, booking);
        assert_eq!(clinic.status(booking), MarketplaceStatus::Failed);
    }
    assert_eq!(clinic.journal.count("POST", "/bookings"), 0);
    let moved = clinic.owner_books("s202000", "66:s202000", "2027-02-15 10:00");
    clinic.until_state(moved, State::Confirmed, seconds(10)).await;
    assert_eq!(clinic.entry(moved).place.unwrap().location, LocationId(203));
    read_and_finish(clinic).await;
}
