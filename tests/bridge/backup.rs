//! An old backup is brought back: nothing that was booked since is made twice, and everything agrees again.

use chrono::TimeDelta;
use vetbridge::booking::entry::State;
use vetbridge::bridge::off::Off;
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;
use vetbridge::store::{Export, MemoryEngine, Store};

use crate::lifecycle::{block, offers, until_silent};
use crate::support::{Clinic, PRACTICE, minutes, seconds};

#[tokio::test(start_paused = true)]
async fn an_old_backup_is_safe_bookings_since_then_are_adopted_and_never_inserted_twice() {
    let mut clinic = Clinic::open().await;
    let before = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(before, State::Confirmed, seconds(10)).await;
    let backup = clinic.export();

    // What the backup does not know: one that stands, one that was cancelled, and one of its own that staff cancelled.
    let stands = clinic.owner_books("s136", "66:s136", "2027-02-15 11:00");
    let cancelled = clinic.owner_books("s136", "66:s136", "2027-02-15 12:00");
    for booking in [stands, cancelled] {
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    }
    clinic.healthengine.cancel(cancelled).unwrap();
    clinic.until_state(cancelled, State::Cancelled, seconds(10)).await;
    clinic.staff_book(211, "2027-02-15 14:00", 30);
    clinic.pass(minutes(3)).await;

    clinic.stop().await;
    clinic.import(&backup);
    // Booked while nobody looks, at a time that is free.
    let meanwhile = clinic.owner_books("s136", "66:s136", "2027-02-15 15:00");
    clinic.pass(minutes(1)).await;
    clinic.start();
    clinic.until_in_step().await;
    assert!(clinic.bridge().store().meta().imported_at.is_some());
    clinic.until_state(meanwhile, State::Confirmed, minutes(1)).await;
    for booking in [before, stands, meanwhile] {
        clinic.appointment_of(booking);
    }
    assert_eq!(clinic.find_entry(stands), None, "nobody asked about it yet");

    // Its pet owner cancels: Healthengine echoes the reference, and by that it is adopted.
    clinic.healthengine.cancel(stands).unwrap();
    clinic.until_state(stands, State::Cancelled, minutes(1)).await;
    assert!(clinic.appointments_of(stands).is_empty());
    assert_eq!(clinic.status(stands), MarketplaceStatus::Cancelled);
    clinic.finish().await;
}

/// A booking that is confirmed, and a backup of the moment in which its POST was under way.
async fn half_done(clinic: &Clinic) -> (BookingId, Export) {
    clinic.fail_submissions([Fault::Slow(seconds(2))]);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until("the POST has left", seconds(10), |clinic| clinic.state(booking) == Some(State::Submitting)).await;
    let backup = clinic.export();
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    (booking, backup)
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_the_backup_has_half_done_is_looked_for_before_it_is_made() {
    let mut clinic = Clinic::open().await;
    let (booking, backup) = half_done(&clinic).await;
    clinic.pass(minutes(5)).await;
    clinic.stop().await;
    clinic.import(&backup);
    clinic.start();
    clinic.until_state(booking, State::InDoubt, minutes(2)).await;
    clinic.appointment_of(booking);
    assert!(clinic.entry(booking).needs_attention.unwrap().contains("Check the diary"));
    clinic.excuse(booking);
    clinic.pass(minutes(1)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_the_backup_has_half_done_waits_until_a_whole_list_says_whether_it_is_asked_for() {
    let mut clinic = Clinic::open().await;
    let (booking, backup) = half_done(&clinic).await;
    clinic.stop().await;
    clinic.import(&backup);
    // An entry that cannot be made out could be any booking.
    let odd = clinic.owner_books("s136", "66:s136", "2027-02-15 11:00");
    clinic.healthengine.write_field(odd, "bookingId", None).unwrap();
    clinic.journal.clear();
    clinic.start();
    let lists = |clinic: &Clinic| clinic.journal.count("GET /requests/bookings", "");
    clinic.until("the list was read several times", minutes(2), |clinic| lists(clinic) == 5).await;
    assert_eq!(clinic.state(booking), Some(State::Submitting));
    clinic.healthengine.write_field(odd, "bookingId", Some(odd.0.into())).unwrap();
    clinic.until_state(booking, State::InDoubt, minutes(2)).await;
    clinic.pass(minutes(1)).await;
    let told = clinic.journal.count(&format!("POST /bookings/{booking}/confirmInsert"), "");
    assert_eq!(told, 0, "Healthengine does not ask for it any more");
    clinic.excuse(booking);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn an_unanswered_booking_that_the_backup_does_not_know_is_in_doubt_when_its_time_is_taken() {
    let mut clinic = Clinic::open().await;
    let backup = clinic.export();
    clinic.pass(minutes(1)).await;
    // Made, and the process ends before Healthengine hears of it.
    clinic.healthengine_faults.set(|asked| asked.target.ends_with("/confirmInsert").then_some(Fault::LoseRequest));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 10:00");
    clinic.until_state(booking, State::Inserted, seconds(10)).await;
    clinic.pull_the_plug().await;
    clinic.healthengine_faults.heal();
    clinic.pass(seconds(5)).await;
    clinic.import(&backup);
    clinic.start();
    clinic.until_state(booking, State::InDoubt, minutes(2)).await;
    clinic.appointment_of(booking);
    let is_told = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Confirmed;
    clinic.until("Healthengine is told", seconds(10), is_told).await;
    clinic.pass(minutes(1)).await;
    clinic.excuse(booking);
    clinic.finish().await;
}

/// A clinic whose diary is as it was at the backup, so that by what that says there is nothing to
/// send, while Healthengine has heard since that one o'clock is taken. The bridge does not run.
async fn on_a_backup_that_knows_nothing_of_thirteen_o_clock() -> Clinic {
    let mut clinic = Clinic::open().await;
    let backup = clinic.export();
    let blocked = clinic.staff_book(136, "2027-02-15 13:00", 60);
    clinic.pass(minutes(2)).await;
    assert!(!clinic.published("s136", "66:s136", "2027-02-15 13:00"));
    clinic.stop().await;
    clinic.staff_cancel(blocked);
    clinic.import(&backup);
    clinic
}

#[tokio::test(start_paused = true)]
async fn what_changed_since_the_backup_is_published_again_and_the_guard_still_measures_by_it() {
    let mut clinic = on_a_backup_that_knows_nothing_of_thirteen_o_clock().await;
    clinic.journal.clear();
    clinic.start();
    clinic.until_in_step().await;
    assert!(clinic.published("s136", "66:s136", "2027-02-15 13:00"));
    assert_eq!(clinic.journal.count("POST /config/pmsResources", ""), 1, "the configuration is sent again too");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn after_a_backup_a_schedule_that_cannot_be_read_at_first_is_sent_when_it_can_be() {
    let mut clinic = on_a_backup_that_knows_nothing_of_thirteen_o_clock().await;
    clinic.openvpms_faults.set(|asked| asked.target.contains("/schedules/136/freebusy").then_some(Fault::Refuse));
    clinic.start();
    clinic.pass(seconds(50)).await;
    clinic.openvpms_faults.heal();
    clinic.until_in_step().await;
    assert!(clinic.published("s136", "66:s136", "2027-02-15 13:00"));
    // What was sent once after the backup is not sent again.
    clinic.pass(minutes(2)).await;
    clinic.journal.clear();
    clinic.pass(minutes(5)).await;
    assert_eq!(clinic.journal.count("POST /availability", ""), 0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_practice_that_is_switched_off_on_an_old_backup_is_emptied_of_what_the_backup_does_not_know() {
    let mut clinic = Clinic::open().await;
    let all_day = clinic.staff_book(136, "2027-02-16 00:00", 24 * 60);
    clinic.pass(minutes(2)).await;
    let backup = clinic.export();
    clinic.staff_cancel(all_day);
    clinic.pass(minutes(2)).await;
    assert!(clinic.published("s136", "66:s136", "2027-02-16 13:00"));
    clinic.stop().await;
    clinic.import(&backup);
    block(&mut clinic.config, PRACTICE).enabled = false;
    clinic.start();
    until_silent(&clinic, PRACTICE, Off::Disabled).await;
    assert_eq!(offers(&clinic, PRACTICE), 0);
    clinic.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(start_paused = true)]
async fn a_backup_that_was_brought_back_while_the_clock_was_wrong_does_not_keep_everything_being_sent_again() {
    let mut clinic = Clinic::open().await;
    let backup = clinic.export();
    clinic.stop().await;
    let tomorrow = clinic.clock.now() + TimeDelta::days(1);
    let store = Store::in_memory(&MemoryEngine::imported(&backup, tomorrow), clinic.clock.now()).unwrap();
    clinic.start_on(store);
    clinic.until_in_step().await;
    // Once it is.
    clinic.pass(minutes(2)).await;
    clinic.journal.clear();
    clinic.pass(minutes(25)).await;
    let told = clinic.journal.count("POST /availability", "") + clinic.journal.count("POST /config", "");
    assert_eq!(told, 0, "nothing changed");
    assert!(clinic.journal.calls().len() < 640, "{} calls", clinic.journal.calls().len());
    clinic.finish().await;
}
