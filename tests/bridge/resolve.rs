//! A person settles bookings that need one, and both systems follow.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use vetbridge::booking::entry::State;
use vetbridge::booking::resolution::{Resolution, reference};
use vetbridge::ids::{BookingId, BookingReference};
use vetbridge::practice::resolve::NotResolved;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, Who};

use crate::support::{Clinic, booked, minutes, seconds};

/// A booking whose POST was carried out and whose answer was lost.
async fn in_doubt(clinic: &Clinic, start: &str) -> BookingId {
    clinic.fail_submissions([Fault::LoseAnswer]);
    let booking = clinic.owner_books("s136", "66:s136", start);
    clinic.until_state(booking, State::InDoubt, minutes(2)).await;
    clinic.until("Healthengine was told", minutes(1), |clinic| clinic.entry(booking).is_acknowledged()).await;
    assert!(clinic.entry(booking).needs_attention.is_some());
    booking
}

/// The reference that OpenVPMS has for the one appointment of a booking.
fn reference_of(clinic: &Clinic, booking: BookingId) -> BookingReference {
    let appointment = clinic.appointment_of(booking);
    BookingReference(clinic.openvpms.staff(|world| world.reference(&appointment)))
}

fn confirmed(reference: &BookingReference) -> Resolution {
    Resolution::Confirmed { reference: Some(reference.clone()), force: false }
}

fn forced(reference: &BookingReference) -> Resolution {
    Resolution::Confirmed { reference: Some(reference.clone()), force: true }
}

async fn resolve(clinic: &Clinic, booking: BookingId, verdict: Resolution) -> Result<State, NotResolved> {
    let note = Some("looked by Kim".parse().unwrap());
    clinic.practice().clone().resolve(booking, &verdict, note).await.map(|entry| entry.state)
}

fn refused(outcome: Result<State, NotResolved>) -> String {
    match outcome {
        Err(NotResolved::Objected(why)) => why.to_string(),
        Err(NotResolved::Refused(why)) => why,
        other => panic!("{other:?}"),
    }
}

fn failed(outcome: Result<State, NotResolved>) -> String {
    match outcome {
        Err(NotResolved::Failed(why)) => why,
        other => panic!("{other:?}"),
    }
}

#[tokio::test(start_paused = true)]
async fn a_booking_in_doubt_that_is_found_in_the_diary_can_be_cancelled_online_again() {
    let clinic = Clinic::open().await;
    let booking = in_doubt(&clinic, "2027-02-16 10:00").await;
    let own = reference_of(&clinic, booking);
    assert_eq!(resolve(&clinic, booking, confirmed(&own)).await.unwrap(), State::Confirmed);
    let entry = clinic.entry(booking);
    assert_eq!((entry.owed(), entry.needs_attention, entry.reference), (None, None, Some(own)));
    let reasons: Vec<String> = entry.history.iter().map(|own| own.reason.to_string()).collect();
    assert!(reasons.contains(&"Note: looked by Kim".to_owned()), "{reasons:?}");
    assert_eq!(clinic.log.with("Kim").len(), 0, "notes are kept, not logged");

    clinic.healthengine.cancel(booking).unwrap();
    clinic
        .until("the appointment is cancelled", seconds(10), |clinic| clinic.appointments_of(booking).is_empty())
        .await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_in_doubt_without_an_appointment_is_cancelled_at_healthengine() {
    let clinic = Clinic::open().await;
    let (gone, by_hand) = (in_doubt(&clinic, "2027-02-16 10:00").await, in_doubt(&clinic, "2027-02-16 11:00").await);
    for (booking, verdict, state) in
        [(gone, Resolution::Rejected, State::Rejected), (by_hand, Resolution::Cancelled, State::Cancelled)]
    {
        clinic.staff_cancel(clinic.appointment_of(booking).id);
        assert_eq!(resolve(&clinic, booking, verdict.clone()).await.unwrap(), state);
        assert_eq!(clinic.status(booking), MarketplaceStatus::Cancelled);
        assert_eq!(clinic.booking(booking).cancelled_by, Some(Who::Pms));
        assert_eq!(clinic.entry(booking).needs_attention, None);
        clinic.journal.clear();
        assert_eq!(resolve(&clinic, booking, verdict).await.unwrap(), state, "said twice");
        assert_eq!(clinic.journal.count("POST /bookings", ""), 0, "and done once");
    }
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_cancels_a_booking_that_is_not_flagged_in_both_systems() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    assert_eq!(resolve(&clinic, booking, Resolution::Cancelled).await.unwrap(), State::Cancelled);
    assert!(clinic.appointments_of(booking).is_empty());
    assert_eq!(clinic.status(booking), MarketplaceStatus::Cancelled);
    clinic
        .until("its time is offered again", seconds(1), |clinic| {
            clinic.published("s136", "66:s136", "2027-02-16 10:00")
        })
        .await;
    let own = clinic.entry(booking).reference.unwrap();
    assert!(refused(resolve(&clinic, booking, forced(&own)).await).contains("cannot be taken back"));
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_openvpms_says_otherwise_is_refused_and_force_has_its_limits() {
    let mut clinic = Clinic::open().await;
    let booking = in_doubt(&clinic, "2027-02-16 10:00").await;
    let other = booked(&clinic, "2027-02-16 12:00").await;
    let (own, others) = (reference_of(&clinic, booking), reference_of(&clinic, other));

    let elsewhere = refused(resolve(&clinic, booking, confirmed(&others)).await);
    assert!(
        elsewhere.contains("schedule 136 at Tue 16 Feb 2027 12:00") && elsewhere.contains("--force"),
        "{elsewhere}"
    );
    let taken = refused(resolve(&clinic, booking, forced(&others)).await);
    assert!(taken.contains(&other.to_string()), "{taken}");
    let unknown = reference("999:be08f3c6-3a0e-4bb9-a8a1-8d6b7d3ec1a2").unwrap();
    let stranger = reference("nonsense").unwrap();
    for verdict in [confirmed(&unknown), forced(&unknown), confirmed(&stranger), forced(&stranger)] {
        refused(resolve(&clinic, booking, verdict).await);
    }
    let stands = refused(resolve(&clinic, other, Resolution::Rejected).await);
    assert!(stands.contains("--cancelled"), "{stands}");
    assert_eq!(clinic.state(booking), Some(State::InDoubt));
    assert!(clinic.entry(booking).needs_attention.is_some());
    assert_eq!(
        (clinic.status(booking), clinic.status(other)),
        (MarketplaceStatus::Confirmed, MarketplaceStatus::Confirmed)
    );

    // A server that answers 500 for every booking that stands.
    clinic.openvpms.staff(|world| world.reading_a_booking_fails = true);
    let unseen = refused(resolve(&clinic, booking, confirmed(&own)).await);
    assert!(unseen.contains("--force"), "{unseen}");
    refused(resolve(&clinic, other, Resolution::Rejected).await);
    assert_eq!(resolve(&clinic, booking, forced(&own)).await.unwrap(), State::Confirmed);

    // Moved by staff while nobody could see it: by force the ledger takes the new place.
    clinic.openvpms.staff(|world| world.reading_a_booking_fails = false);
    let doubtful = in_doubt(&clinic, "2027-02-16 14:00").await;
    clinic.staff_move(clinic.appointment_of(doubtful).id, 136, "2027-02-16 15:00", 15);
    let moved = reference_of(&clinic, doubtful);
    refused(resolve(&clinic, doubtful, confirmed(&moved)).await);
    assert_eq!(resolve(&clinic, doubtful, forced(&moved)).await.unwrap(), State::Confirmed);
    let start = clinic.entry(doubtful).place.unwrap().span.start;
    assert_eq!(start, crate::support::instant("2027-02-16 15:00"));
    clinic.excuse(doubtful);
    clinic.pass(minutes(3)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_system_that_is_away_leaves_the_flag_with_the_reason() {
    let clinic = Clinic::open().await;
    let booking = in_doubt(&clinic, "2027-02-16 10:00").await;
    let own = reference_of(&clinic, booking);
    clinic.openvpms_faults.close_port();
    let why = failed(resolve(&clinic, booking, confirmed(&own)).await);
    assert!(why.contains("Nothing was settled"), "{why}");
    failed(resolve(&clinic, booking, confirmed(&own)).await);
    let flag = clinic.entry(booking).needs_attention.unwrap();
    assert_eq!(flag.matches("failed").count(), 1, "{flag}");
    assert!(flag.starts_with("Check the diary"), "{flag}");
    clinic.openvpms_faults.heal();

    clinic.healthengine_faults.close_port();
    let why = failed(resolve(&clinic, booking, Resolution::Cancelled).await);
    assert!(why.contains("Healthengine does not know"), "{why}");
    assert!(clinic.entry(booking).needs_attention.unwrap().contains("Healthengine does not know"));
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    // A person's word is kept: it reaches Healthengine as soon as that can be.
    clinic.healthengine_faults.heal();
    clinic.until("it hears", minutes(2), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled).await;
    clinic.until("the flag is gone", seconds(5), |clinic| clinic.entry(booking).needs_attention.is_none()).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_waits_is_rejected_and_then_cancelled_if_that_comes_too_late() {
    let mut clinic = Clinic::new();
    clinic.config.bookings.when_openvpms_is_down = vetbridge::config::WhenDown::Hold;
    clinic.open_up().await;
    clinic.openvpms_faults.close_port();
    let held = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    clinic.until_state(held, State::Received, seconds(10)).await;
    clinic.pass(minutes(1)).await;
    assert_eq!(resolve(&clinic, held, Resolution::Rejected).await.unwrap(), State::Rejected);
    assert_eq!(clinic.status(held), MarketplaceStatus::Cancelled, "he was told yes");
    clinic.openvpms_faults.heal();
    clinic.pass(minutes(2)).await;
    assert!(clinic.appointments_of(held).is_empty());
    assert_eq!(clinic.entry(held).needs_attention, None);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn the_pet_owner_cancels_at_the_same_moment_and_both_come_to_the_same_end() {
    for delay in 0..12 {
        let clinic = Clinic::open().await;
        let booking = in_doubt(&clinic, "2027-02-16 10:00").await;
        let own = reference_of(&clinic, booking);
        clinic.pass(seconds(4)).await;
        clinic.healthengine.cancel(booking).unwrap();
        clinic.pass(std::time::Duration::from_millis(delay * 120)).await;
        if resolve(&clinic, booking, confirmed(&own)).await.is_err() {
            let flag = clinic.entry(booking).needs_attention.unwrap();
            assert!(flag.contains("cancelled"), "{flag}");
            let practice = clinic.practice().clone();
            practice.resolve(booking, &confirmed(&own), None).await.unwrap_err();
            clinic.staff_cancel(clinic.appointment_of(booking).id);
            assert_eq!(resolve(&clinic, booking, Resolution::Cancelled).await.unwrap(), State::Cancelled);
        }
        clinic.until("nothing stands", seconds(20), |clinic| clinic.appointments_of(booking).is_empty()).await;
        clinic.until("and no flag", seconds(20), |clinic| clinic.entry(booking).needs_attention.is_none()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_power_cut_in_the_middle_loses_nothing_that_a_person_cannot_say_again() {
    use crate::support::Fuse;
    for calls in 0..4 {
        for (arrives, steps) in [(false, 0), (true, 0), (true, 2), (true, 4)] {
            let mut clinic = Clinic::open().await;
            let booking = booked(&clinic, "2027-02-16 10:00").await;
            clinic.pass(seconds(1)).await;
            clinic.power().set(Fuse { calls, arrives, steps });
            let practice = clinic.practice().clone();
            let running = tokio::spawn(async move { practice.resolve(booking, &Resolution::Cancelled, None).await });
            clinic.pass(seconds(30)).await;
            running.abort();
            clinic.pull_the_plug().await;
            clinic.start();
            clinic.pass(minutes(1)).await;
            assert_eq!(resolve(&clinic, booking, Resolution::Cancelled).await.unwrap(), State::Cancelled);
            assert!(clinic.appointments_of(booking).is_empty());
            assert_eq!(clinic.status(booking), MarketplaceStatus::Cancelled);
            clinic.finish().await;
        }
    }
}

#[tokio::test(start_paused = true)]
async fn a_watch_that_asked_before_a_person_named_another_appointment_cancels_nothing() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    let twin = in_doubt(&clinic, "2027-02-16 12:00").await;
    // Staff cancel the first and take the second for it; the answer about the first is slow.
    clinic.pass(seconds(70)).await;
    let (first, second) = (reference_of(&clinic, booking), reference_of(&clinic, twin));
    clinic.staff_cancel(clinic.appointment_of(booking).id);
    let slow = format!("/bookings/{}", first.0.replace(':', "%3A"));
    let asked_for = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&asked_for);
    clinic.openvpms_faults.set(move |asked| {
        let is_it = asked.method == "GET" && asked.target.ends_with(&slow);
        seen.fetch_or(is_it, Ordering::Relaxed);
        is_it.then_some(Fault::Slow(std::time::Duration::from_secs(8)))
    });
    clinic.until("the watch asks", minutes(2), |_| asked_for.load(Ordering::Relaxed)).await;
    assert_eq!(resolve(&clinic, twin, Resolution::Rejected).await.unwrap(), State::Rejected);
    assert_eq!(resolve(&clinic, booking, forced(&second)).await.unwrap(), State::Confirmed);
    clinic.pass(seconds(20)).await;
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed, "{}", clinic.account());
}

#[tokio::test(start_paused = true)]
async fn whoever_reads_of_a_doubt_in_the_log_learns_once_what_to_do_and_how_that_ends() {
    let clinic = Clinic::open().await;
    let booking = in_doubt(&clinic, "2027-02-16 10:00").await;
    clinic.pass(minutes(5)).await;
    let told = clinic.log.with(&format!("`vetbridge bookings resolve {booking}`"));
    assert_eq!(told.len(), 1, "{told:#?}");
    assert!(
        told[0].contains("WARN") && told[0].contains(&*clinic.entry(booking).needs_attention.unwrap()),
        "{told:#?}"
    );
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_who_meets_a_reload_of_the_configuration_is_asked_to_try_again_and_can() {
    let mut clinic = Clinic::open().await;
    let booking = in_doubt(&clinic, "2027-02-16 10:00").await;
    let (own, former) = (reference_of(&clinic, booking), clinic.practice());
    clinic.config.sync.near_days = 2;
    clinic.reload();
    clinic.until("it has a successor", seconds(20), |clinic| !Arc::ptr_eq(&former, &clinic.practice())).await;
    let calls = clinic.journal.count("", "");
    let why = match former.resolve(booking, &confirmed(&own), None).await {
        Err(NotResolved::Refused(why)) => why,
        other => panic!("{other:?}"),
    };
    assert!(why.contains("Try again"), "{why}");
    assert_eq!(
        (clinic.state(booking), clinic.journal.count("", "")),
        (Some(State::InDoubt), calls),
        "nothing was done"
    );
    assert_eq!(resolve(&clinic, booking, confirmed(&own)).await.unwrap(), State::Confirmed);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reload_waits_for_a_person_who_is_settling_a_booking() {
    let mut clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    clinic.pass(seconds(1)).await;
    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::Slow(seconds(6))));
    let former = clinic.practice();
    let settling = tokio::spawn({
        let practice = former.clone();
        async move { practice.resolve(booking, &Resolution::Cancelled, None).await }
    });
    clinic.pass(seconds(1)).await;
    clinic.config.sync.near_days = 2;
    clinic.reload();
    clinic.pass(seconds(4)).await;
    assert!(!settling.is_finished() && Arc::ptr_eq(&former, &clinic.practice()), "two would be at one booking");
    assert_eq!(settling.await.unwrap().unwrap().state, State::Cancelled);
    assert_eq!(clinic.status(booking), MarketplaceStatus::Cancelled);
    clinic.until("the successor is there", seconds(5), |clinic| !Arc::ptr_eq(&former, &clinic.practice())).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_person_is_not_kept_waiting_for_a_booking_that_is_in_other_hands_for_long() {
    let mut clinic = Clinic::new();
    clinic.config.openvpms.request_timeout = seconds(90);
    clinic.open_up().await;
    let booking = booked(&clinic, "2027-02-16 10:00").await;
    clinic.pass(seconds(1)).await;
    clinic.openvpms_faults.set(|asked| (asked.method == "DELETE").then_some(Fault::Slow(seconds(60))));
    clinic.healthengine.cancel(booking).unwrap();
    // The next poll finds it, and its DELETE is on the way.
    clinic.pass(seconds(8)).await;
    let began = clinic.clock.now();
    let why = refused(resolve(&clinic, booking, Resolution::Cancelled).await);
    assert!(why.contains("Try again") && (clinic.clock.now() - began).num_seconds() == 30, "{why}");
    clinic.until_state(booking, State::Cancelled, minutes(2)).await;
    clinic.openvpms_faults.heal();
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn what_somebody_saw_before_the_booking_went_to_the_diary_settles_nothing() {
    let clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|_| Some(Fault::Slow(seconds(3))));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
    // It is being looked at, and the diary is empty.
    clinic.until_state(booking, State::Received, seconds(10)).await;
    assert!(clinic.appointments_of(booking).is_empty());
    let answer = resolve(&clinic, booking, Resolution::Rejected).await;
    assert!(matches!(&answer, Err(NotResolved::Refused(why)) if why.contains("look into it again")), "{answer:?}");
    clinic.until_state(booking, State::Confirmed, seconds(15)).await;
    assert_eq!(clinic.status(booking), MarketplaceStatus::Confirmed);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_name_in_a_note_stands_in_the_history_and_neither_in_the_log_nor_in_what_healthengine_is_sent() {
    const NAME: &str = "Zaphodine";
    let mut clinic = Clinic::open().await;
    let (stands, gone) = (in_doubt(&clinic, "2027-02-16 10:00").await, in_doubt(&clinic, "2027-02-16 11:00").await);
    let unmade = booked(&clinic, "2027-02-16 12:00").await;
    let own = reference_of(&clinic, stands);
    clinic.staff_cancel(clinic.appointment_of(gone).id);
    let was_sent = Arc::new(AtomicBool::new(false));
    let seen = Arc::clone(&was_sent);
    clinic.healthengine_faults.set(move |asked| {
        seen.fetch_or(String::from_utf8_lossy(&asked.body).contains(NAME), Ordering::Relaxed);
        None
    });
    let note = || Some(format!("{NAME} called").parse().unwrap());
    for (booking, verdict) in [(stands, confirmed(&own)), (gone, Resolution::Rejected), (unmade, Resolution::Cancelled)]
    {
        clinic.practice().resolve(booking, &verdict, note()).await.unwrap();
        let reasons: Vec<String> = clinic.entry(booking).history.iter().map(|own| own.reason.to_string()).collect();
        assert!(reasons.contains(&format!("Note: {NAME} called")), "{reasons:?}");
    }
    // What follows later, also in a process that read the notes from the disk.
    clinic.healthengine.cancel(stands).unwrap();
    clinic.stop().await;
    clinic.start();
    clinic.until_state(stands, State::Cancelled, minutes(1)).await;
    assert!(clinic.log.with(&stands.to_string()).len() > 1, "states are logged");
    assert_eq!(clinic.log.with(NAME), Vec::<String>::new());
    assert!(!was_sent.load(Ordering::Relaxed));
    clinic.finish().await;
}
