//! Two bridges on one practice: the state was exported and imported elsewhere, or copied, and the
//! former one was left running.
//!
//! OpenVPMS takes 0.3 s for an exchange, a confirmation a second, and both bridges look at the same
//! moment: the worst there is.

use std::time::Duration;

use chrono::TimeDelta;
use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::BookingId;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};
use vetbridge::store::MemoryEngine;

use crate::support::{Another, Clinic, Travel, minutes, seconds, webhooks};

/// The subject of the problem.
pub(crate) const OTHER_BRIDGE: &str = "another_bridge";

/// A clinic with slow servers, whose bridge has been running for half an hour and made three bookings.
pub(crate) async fn clinic_of_slow_servers() -> Clinic {
    let clinic = clinic_that_just_opened().await;
    for start in ["2027-02-16 09:00", "2027-02-16 09:15", "2027-02-16 09:30"] {
        clinic.pass(minutes(10)).await;
        let booking = clinic.owner_books("s136", "66:s136", start);
        clinic.until_state(booking, State::Confirmed, seconds(15)).await;
    }
    clinic
}

/// A clinic whose bridge was there first, and another one with webhooks of its own. The first one has noticed it.
pub(crate) async fn clinic_that_was_there_first() -> (Clinic, Another) {
    let mut clinic = Clinic::new().with_webhooks();
    clinic.open_up().await;
    let mut config = clinic.config.clone();
    config.webhooks = Some(webhooks::settings("https://elsewhere.example", "another-secret"));
    let another = clinic.start_another_as(&config, MemoryEngine::new());
    clinic.until("it is said", minutes(1), |clinic| clinic.problems().contains_key(OTHER_BRIDGE)).await;
    (clinic, another)
}

/// [`clinic_of_slow_servers`] a minute after the start.
async fn clinic_that_just_opened() -> Clinic {
    let mut clinic = Clinic::new();
    clinic.travel = Travel::Slow { openvpms: Duration::from_millis(300), confirmation: seconds(1) };
    clinic.open_up().await;
    clinic
}

/// What became of ten bookings.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    /// The appointment stands once and Healthengine knows.
    well: usize,
    /// It stands twice.
    doubled: usize,
    /// Healthengine rejected it and an appointment stands.
    rejected_and_stands: usize,
    /// Anything else.
    otherwise: usize,
}

/// Which of the two looks first when somebody books.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Quicker {
    First,
    Other,
}

/// Ten pet owners book, one after the other. A webhook wakes both bridges at the moment of each
/// booking, one a tenth of a second late.
async fn ten_bookings(clinic: &Clinic, another: &Another, quicker: Quicker) -> Vec<BookingId> {
    let mut bookings = Vec::new();
    for number in 0..10 {
        let start = format!("2027-02-17 1{}:{}", number / 4, ["00", "15", "30", "45"][number % 4]);
        let booking = clinic.owner_books_regardless("s136", "66:s136", &start);
        let (one, two) = match quicker {
            Quicker::First => (clinic.practice(), another.practice()),
            Quicker::Other => (another.practice(), clinic.practice()),
        };
        one.look_now();
        clinic.pass(Duration::from_millis(100)).await;
        two.look_now();
        let answered = |clinic: &Clinic| clinic.booking(booking).answer != RequestOutcome::Open;
        clinic.until("it is answered", seconds(15), answered).await;
        clinic.pass(seconds(8)).await;
        bookings.push(booking);
    }
    clinic.pass(minutes(1)).await;
    bookings
}

fn counted(clinic: &Clinic, bookings: &[BookingId]) -> Count {
    let mut count = Count::default();
    for id in bookings {
        let kind = match (clinic.status(*id), clinic.appointments_of(*id).len()) {
            (MarketplaceStatus::Confirmed, 1) => &mut count.well,
            (_, 2..) => &mut count.doubled,
            (MarketplaceStatus::Failed, 1) => &mut count.rejected_and_stands,
            _ => &mut count.otherwise,
        };
        *kind += 1;
    }
    count
}

fn all_well() -> Count {
    Count { well: 10, ..Count::default() }
}

/// How many of these each bridge made: `(the first, the other)`.
fn made(clinic: &Clinic, another: &Another, bookings: &[BookingId]) -> (usize, usize) {
    let is_made = |entry: &Entry| entry.reference.is_some();
    (
        bookings.iter().filter(|id| clinic.find_entry(**id).as_ref().is_some_and(is_made)).count(),
        bookings.iter().filter(|id| another.entry(**id).as_ref().is_some_and(is_made)).count(),
    )
}

#[tokio::test(start_paused = true)]
async fn after_an_import_the_former_bridge_makes_every_booking_and_the_other_says_so_within_a_minute() {
    for window in [0, 300] {
        let clinic = clinic_of_slow_servers().await;
        clinic.unlocked.writes_for(TimeDelta::milliseconds(window));
        let another = clinic.start_another_on_an_import();
        clinic.pass(minutes(1)).await;
        assert_eq!(another.problems().get(OTHER_BRIDGE), None, "nothing has happened yet");

        let first = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
        let said = |_: &Clinic| another.problems().contains_key(OTHER_BRIDGE);
        let took = clinic.until("it is said", seconds(60), said).await;
        assert!(took < seconds(20), "{took:?}");
        let text = another.problems()[OTHER_BRIDGE].clone();
        assert!(text.contains("does another vetbridge serve this practice?"), "{text}");
        assert!(text.contains("stop the other") && text.contains("started later"), "{text}");
        assert!(another.practice().not_in_step(clinic.clock.now()).iter().any(|why| why.contains("Another vetbridge")));
        assert_eq!(clinic.log.with("ERROR").len(), 1, "once, and loudly");
        let begun = clinic.log.with("does another vetbridge serve this practice?");
        assert_eq!(
            begun.iter().filter(|line| !line.contains("Still")).count(),
            1,
            "and not as a warning too: {begun:?}"
        );

        let bookings = ten_bookings(&clinic, &another, Quicker::Other).await;
        assert_eq!(counted(&clinic, &bookings), all_well(), "window {window} ms\n{}", clinic.account());
        assert_eq!(made(&clinic, &another, &bookings), (10, 0));
        assert_eq!(clinic.state(first), Some(State::Confirmed));
        assert!(bookings.iter().all(|id| another.entry(*id).is_none()), "what it leaves alone it does not write down");
        assert_eq!(clinic.problems().get(OTHER_BRIDGE), None);
        another.stop().await;
        clinic.finish().await;
    }
}

/// What two bridges between which nothing tells may do to ten bookings.
fn assert_bounded(clinic: &Clinic, another: &Another, bookings: &[BookingId], doubled_max: usize) {
    let count = counted(clinic, bookings);
    assert_eq!((count.rejected_and_stands, count.otherwise), (0, 0), "{}", clinic.account());
    assert!(count.doubled <= doubled_max, "{count:?}\n{}", clinic.account());
    let is_flagged = |entry: Option<Entry>| entry.is_some_and(|entry| entry.needs_attention.is_some());
    for id in bookings.iter().filter(|id| clinic.appointments_of(**id).len() > 1) {
        assert!(is_flagged(clinic.find_entry(*id)) || is_flagged(another.entry(*id)), "{id}\n{}", clinic.account());
    }
}

#[tokio::test(start_paused = true)]
async fn of_a_copied_state_the_bridge_that_was_started_later_yields_as_soon_as_it_is_beaten() {
    for window in [0, 300] {
        let clinic = clinic_of_slow_servers().await;
        clinic.unlocked.writes_for(TimeDelta::milliseconds(window));
        // Copied as files: nothing in it tells.
        let another = clinic.start_another(clinic.disk().backup());
        // Not at a moment at which the other one polls by itself, or it would be the quicker one.
        clinic.pass(minutes(1) + Duration::from_millis(300)).await;
        let bookings = ten_bookings(&clinic, &another, Quicker::First).await;
        assert_bounded(&clinic, &another, &bookings, usize::from(window > 0));
        assert_eq!(made(&clinic, &another, &bookings[1..]), (9, 0), "window {window}");
        assert!(another.problems()[OTHER_BRIDGE].contains("started later"), "{:?}", another.problems());
        another.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_that_was_there_first_and_is_always_beaten_says_so_and_yields_in_the_end() {
    for window in [0, 300] {
        let clinic = clinic_of_slow_servers().await;
        clinic.unlocked.writes_for(TimeDelta::milliseconds(window));
        let another = clinic.start_another(clinic.disk().backup());
        clinic.pass(minutes(1)).await;
        let bookings = ten_bookings(&clinic, &another, Quicker::Other).await;
        assert_bounded(&clinic, &another, &bookings, if window > 0 { 2 } else { 0 });
        let (_, other) = made(&clinic, &another, &bookings[5..]);
        assert_eq!(other, 5, "window {window}");
        assert!(clinic.problems().contains_key(OTHER_BRIDGE));
        assert!(clinic.log.with("ERROR").iter().any(|line| line.contains("was there first")), "at first");
        another.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn of_two_that_start_fresh_one_yields_after_the_first_booking_that_both_met() {
    for window in [0, 300] {
        let clinic = clinic_that_just_opened().await;
        clinic.unlocked.writes_for(TimeDelta::milliseconds(window));
        let another = clinic.start_another(MemoryEngine::new());
        clinic.pass(minutes(2)).await;
        let bookings = ten_bookings(&clinic, &another, Quicker::First).await;
        assert_bounded(&clinic, &another, &bookings, usize::from(window > 0));
        assert_eq!(made(&clinic, &another, &bookings[1..]), (9, 0), "window {window}");
        assert!(another.problems().contains_key(OTHER_BRIDGE));
        another.stop().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_former_bridge_that_was_stopped_is_waited_for_with_two_bookings_and_then_no_more() {
    let mut clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.pass(seconds(30)).await;
    clinic.stop().await;
    let mut took = Vec::new();
    for start in ["2027-02-18 09:00", "2027-02-18 10:00", "2027-02-18 11:00"] {
        let booking = clinic.owner_books("s136", "66:s136", start);
        let confirmed = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Confirmed;
        took.push(clinic.until("it is confirmed", seconds(16), confirmed).await);
        clinic.appointment_of(booking);
        clinic.pass(seconds(5)).await;
    }
    assert!(took[0] > seconds(12) && took[1] > seconds(12) && took[2] < seconds(8), "{took:?}");
    assert_eq!(another.problems().get(OTHER_BRIDGE), None);
    another.stop().await;
    clinic.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn after_ten_minutes_without_a_booking_the_former_bridge_is_waited_for_no_more_nor_after_a_restart() {
    let mut clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.stop().await;
    clinic.pass(minutes(11)).await;
    let disk = another.stop().await;
    let another = clinic.start_another(disk);
    clinic.pass(minutes(1)).await;
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    let confirmed = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Confirmed;
    let took = clinic.until("it is confirmed", seconds(8), confirmed).await;
    assert!(took < seconds(8), "{took:?}");
    another.stop().await;
}

#[tokio::test(start_paused = true)]
async fn once_the_other_bridge_is_stopped_the_one_that_yielded_serves_and_has_no_problem() {
    let mut clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.pass(minutes(1)).await;
    ten_bookings(&clinic, &another, Quicker::First).await;
    assert!(another.problems().contains_key(OTHER_BRIDGE));
    clinic.stop().await;
    for start in ["2027-02-18 09:00", "2027-02-18 10:00", "2027-02-18 11:00"] {
        let booking = clinic.owner_books("s136", "66:s136", start);
        let confirmed = |clinic: &Clinic| clinic.booking(booking).answer == RequestOutcome::Confirmed;
        let took = clinic.until("it is confirmed", seconds(36), confirmed).await;
        assert!(took > seconds(26), "{took:?}");
        clinic.appointment_of(booking);
        clinic.pass(seconds(5)).await;
    }
    assert_eq!(another.problems().get(OTHER_BRIDGE), None);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 12:00");
    let confirmed = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Confirmed;
    clinic.until("it is confirmed at once", seconds(8), confirmed).await;
    another.stop().await;
    clinic.assert_well_behaved();
}

#[tokio::test(start_paused = true)]
async fn a_booking_with_which_the_former_bridge_died_is_neither_rejected_nor_made_again_but_in_doubt() {
    let mut clinic = clinic_of_slow_servers().await;
    let another = clinic.start_another_on_an_import();
    clinic.pass(seconds(30)).await;
    clinic.healthengine_faults.set(|asked| asked.target.ends_with("/confirmInsert").then_some(Fault::LoseRequest));
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    clinic.until_state(booking, State::Inserted, seconds(10)).await;
    clinic.pull_the_plug().await;
    clinic.healthengine_faults.heal();
    let answered = |clinic: &Clinic| clinic.booking(booking).answer != RequestOutcome::Open;
    clinic.until("it is answered", minutes(2), answered).await;
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::Confirmed);
    clinic.appointment_of(booking);
    let entry = another.entry(booking).unwrap();
    assert_eq!(entry.state, State::InDoubt);
    assert!(entry.needs_attention.unwrap().contains("Check the diary"));
    // The next one is made although the other is gone.
    let next = clinic.owner_books("s136", "66:s136", "2027-02-18 10:00");
    let confirmed = |clinic: &Clinic| clinic.status(next) == MarketplaceStatus::Confirmed;
    clinic.until("it is confirmed in time", seconds(16), confirmed).await;
    another.stop().await;
}

#[tokio::test(start_paused = true)]
async fn staff_who_settle_a_booking_by_hand_are_no_other_bridge() {
    let mut clinic = clinic_of_slow_servers().await;
    // While one that was imported listens,
    let another = clinic.start_another_on_an_import();
    clinic.stop().await;
    let by_hand = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    clinic.pass(seconds(8)).await;
    clinic.healthengine.progress_by_hand(by_hand).unwrap();
    clinic.pass(minutes(1)).await;
    assert_eq!(another.problems().get(OTHER_BRIDGE), None);
    assert!(another.entry(by_hand).unwrap().needs_attention.unwrap().contains("settled by hand"));
    another.stop().await;
    // and while another one is in the middle of making it.
    clinic.start();
    clinic.pass(minutes(1)).await;
    let by_hand = clinic.owner_books("s136", "66:s136", "2027-02-18 10:00");
    clinic.until_state(by_hand, State::Submitting, seconds(10)).await;
    clinic.healthengine.progress_by_hand(by_hand).unwrap();
    clinic.pass(seconds(30)).await;
    assert_eq!(clinic.problems().get(OTHER_BRIDGE), None);
    let next = clinic.owner_books("s136", "66:s136", "2027-02-18 11:00");
    clinic.until_state(next, State::Confirmed, seconds(16)).await;
}

#[tokio::test(start_paused = true)]
async fn a_lost_answer_of_our_own_is_no_sign_of_another_bridge() {
    let clinic = clinic_that_just_opened().await;
    for (start, fault) in [("2027-02-18 09:00", Fault::LoseAnswer), ("2027-02-18 10:00", Fault::StatusAfter(502))] {
        clinic.healthengine_faults.set(move |asked| asked.target.ends_with("/confirmInsert").then_some(fault.clone()));
        let booking = clinic.owner_books("s136", "66:s136", start);
        clinic.until_state(booking, State::Confirmed, seconds(20)).await;
        clinic.healthengine_faults.heal();
        clinic.pass(seconds(30)).await;
    }
    assert_eq!(clinic.problems().get(OTHER_BRIDGE), None);
    let next = clinic.owner_books("s136", "66:s136", "2027-02-18 11:00");
    clinic.until_state(next, State::Confirmed, seconds(8)).await;
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_time_that_staff_took_is_rejected_in_time_all_the_same() {
    let clinic = clinic_of_slow_servers().await;
    clinic.staff_book(136, "2027-02-18 10:00", 15);
    let booking = clinic.owner_books_regardless("s136", "66:s136", "2027-02-18 10:00");
    clinic.until_state(booking, State::Rejected, seconds(14)).await;
    clinic.until("Healthengine knows", seconds(1), |clinic| clinic.status(booking) == MarketplaceStatus::Failed).await;
    assert_eq!(clinic.booking(booking).answer, RequestOutcome::Rejected);
    assert_eq!(clinic.problems().get(OTHER_BRIDGE), None);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_reference_that_is_not_ours_of_a_booking_that_was_made_under_our_eyes_tells_of_another_bridge() {
    // Fast servers: the two never meet at a booking.
    let mut clinic = Clinic::new();
    clinic.open_up().await;
    let another = clinic.start_another(clinic.disk().backup());
    clinic.pass(minutes(1)).await;
    let ours = clinic.owner_books("s136", "66:s136", "2027-02-18 09:00");
    another.practice().look_now();
    clinic.pass(seconds(12)).await;
    let theirs = clinic.owner_books("s136", "66:s136", "2027-02-18 10:00");
    clinic.practice().look_now();
    clinic.pass(seconds(12)).await;
    assert_eq!((another.entry(ours).is_some(), another.entry(theirs)), (true, None));
    assert_eq!(another.problems().get(OTHER_BRIDGE), None);
    clinic.healthengine.cancel(theirs).unwrap();
    another.practice().look_now();
    clinic.until("it is said", minutes(1), |_| another.problems().contains_key(OTHER_BRIDGE)).await;
    assert!(another.problems()[OTHER_BRIDGE].contains("booking reference"), "{:?}", another.problems());
    assert_eq!(clinic.status(theirs), MarketplaceStatus::Cancelled);
    assert!(clinic.appointments_of(theirs).is_empty());
    another.stop().await;
}

#[tokio::test(start_paused = true)]
async fn a_subscription_that_another_bridge_makes_tells_the_one_that_was_there_first() {
    let (clinic, another) = clinic_that_was_there_first().await;
    let text = clinic.problems()[OTHER_BRIDGE].clone();
    assert!(text.contains("subscription") && text.contains("was there first"), "{text}");
    assert_eq!(another.problems().get(OTHER_BRIDGE), None, "the former one's is older than its start");
    another.stop().await;
}
