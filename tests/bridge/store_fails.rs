//! The disk is full, or takes no writes for another reason: what the bridge does before it ends,
//! and until the store works again.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use axum::body::Body;
use axum::extract::Request;
use tower_service::Service as _;
use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::server::{Access, Gate, view, without_store_router};
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;
use vetbridge::store::{MemoryEngine, OpenError, Store, fresh_command_key, fresh_token};
use vetbridge::without_store::WithoutStore;

use crate::support::{Clinic, Mine, PRACTICE, Step, instant, is_submission, minutes, seconds};

fn first(clinic: &Clinic) -> BookingId {
    clinic.owner_books("s136", "66:s136", "2027-02-15 10:00")
}

#[tokio::test(start_paused = true)]
async fn a_booking_that_was_not_begun_is_rejected_in_time_when_the_disk_is_full() {
    let mut clinic = Clinic::open().await;
    clinic.fill_the_disk();
    let booking = first(&clinic);
    let booked = clinic.clock.now();
    clinic.until_it_gives_up(seconds(15)).await;
    assert!(clinic.clock.now() - booked < chrono::TimeDelta::seconds(15));
    assert_eq!(clinic.status(booking), MarketplaceStatus::Failed);
    assert!(clinic.appointments_of(booking).is_empty());
    clinic.start();
    clinic.pass(minutes(2)).await;
    assert!(clinic.appointments_of(booking).is_empty());
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_booking_whose_post_is_on_its_way_when_the_disk_fills_is_not_rejected_and_not_made_twice() {
    for (fault, what) in [
        (Fault::Slow(seconds(3)), "the answer comes"),
        (Fault::LoseAnswer, "the answer is lost"),
        (Fault::CarryOutLate(seconds(4)), "it is carried out late"),
        (Fault::LoseRequest, "it never arrives"),
    ] {
        let mut clinic = Clinic::open().await;
        clinic.fail_submissions([fault]);
        let booking = first(&clinic);
        clinic.until_submitting(booking).await;
        clinic.fill_the_disk();
        // Another one, which nobody can be at work on.
        let other = clinic.owner_books("s211", "66:s211", "2027-02-15 11:00");
        clinic.until_it_gives_up(seconds(40)).await;
        assert_ne!(clinic.status(booking), MarketplaceStatus::Failed, "{what}");
        assert_eq!(clinic.status(other), MarketplaceStatus::Failed, "{what}");
        clinic.start();
        let settled = |clinic: &Clinic| matches!(clinic.state(booking), Some(State::Confirmed | State::InDoubt));
        clinic.until(&format!("it is settled: {what}"), minutes(2), settled).await;
        clinic.appointment_of(booking);
        clinic.pass(minutes(1)).await;
        clinic.finish().await;
    }
}

/// A store that cannot be opened until the disk was seen to.
struct Disk {
    mended: Arc<AtomicBool>,
    disk: MemoryEngine,
}

impl Disk {
    fn full(clinic: &Clinic) -> Self {
        Self { mended: Arc::default(), disk: clinic.disk() }
    }

    fn wait(&self, service: Arc<WithoutStore>, clinic: &Clinic) -> tokio::task::JoinHandle<Store> {
        let (mended, disk, clock) = (Arc::clone(&self.mended), self.disk.clone(), clinic.clock.clone());
        tokio::spawn(async move {
            let open = || async {
                if mended.load(Ordering::Relaxed) {
                    return Ok(Store::in_memory(&disk, clock.now()).unwrap());
                }
                Err(OpenError::Disk { path: "state".into(), reason: "no space left on device".into() })
            };
            service.run(open).await.unwrap()
        })
    }

    fn mend(&self) {
        self.mended.store(true, Ordering::Relaxed);
    }
}

#[tokio::test(start_paused = true)]
async fn without_a_store_new_bookings_are_rejected_in_time_until_it_works_and_then_all_is_as_usual() {
    let mut clinic = Clinic::open().await;
    let earlier = first(&clinic);
    clinic.until_state(earlier, State::Confirmed, seconds(10)).await;
    clinic.fill_the_disk();
    let nothing = clinic.owner_books("s136", "66:s136", "2027-02-15 10:30");
    clinic.until_it_gives_up(seconds(15)).await;
    assert_eq!(clinic.status(nothing), MarketplaceStatus::Failed);

    let disk = Disk::full(&clinic);
    let service = clinic.without_store();
    let store = disk.wait(Arc::clone(&service), &clinic);
    clinic.pass(seconds(1)).await;
    for minute in 0..3 {
        let booking = clinic.owner_books("s136", "66:s136", &format!("2027-02-15 {}:00", 12 + minute));
        let rejected = |clinic: &Clinic| clinic.status(booking) == MarketplaceStatus::Failed;
        let took = clinic.until("it is rejected", seconds(15), rejected).await;
        assert!(took < seconds(12), "{took:?}");
        assert!(clinic.appointments_of(booking).is_empty());
        clinic.pass(minutes(1)).await;
    }
    let shown = service.shown().clone();
    assert!(shown.why.contains("no space left on device") && shown.why.contains("Check free space"), "{}", shown.why);
    assert!(shown.polled_at.values().all(Option::is_some));
    assert_eq!(clinic.log.with("ERROR").iter().filter(|line| line.contains("Bookings cannot be made")).count(), 1);

    disk.mend();
    let began = clinic.clock.now();
    let store = store.await.unwrap();
    assert!(clinic.clock.now() - began <= chrono::TimeDelta::seconds(30));
    clinic.start_on(store);
    let booking = clinic.owner_books("s136", "66:s136", "2027-02-15 16:00");
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    clinic.appointment_of(earlier);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn without_a_store_a_booking_that_the_last_process_was_at_work_on_is_left_for_the_store_to_decide() {
    for arrives in [false, true] {
        let mut clinic = Clinic::open().await;
        // The answer to the POST comes when the disk is full, and the process dies before anybody hears of it.
        clinic.openvpms_faults.set(move |asked| {
            let fault = if arrives { Fault::LoseAnswer } else { Fault::LoseRequest };
            is_submission(asked).then_some(fault)
        });
        let booking = first(&clinic);
        clinic.until_submitting(booking).await;
        clinic.pull_the_plug().await;
        clinic.openvpms_faults.heal();
        let disk = Disk::full(&clinic);
        let store = disk.wait(clinic.without_store(), &clinic);
        clinic.pass(seconds(90)).await;
        assert_ne!(clinic.status(booking), MarketplaceStatus::Failed, "nobody may reject what may stand");
        disk.mend();
        let store = store.await.unwrap();
        clinic.start_on(store);
        let settled = |clinic: &Clinic| matches!(clinic.state(booking), Some(State::Confirmed | State::InDoubt));
        clinic.until("it is settled", minutes(2), settled).await;
        clinic.appointment_of(booking);
        clinic.pass(minutes(1)).await;
        clinic.finish().await;
    }
}

/// A service without a store that never gets one, its loops mined.
fn without_a_store(clinic: &Clinic) -> Arc<WithoutStore> {
    let (disk, service) = (Disk::full(clinic), clinic.without_store());
    drop(disk.wait(Arc::clone(&service), clinic));
    service
}

/// What `/healthz` answers.
async fn healthz(service: &Arc<WithoutStore>) -> u16 {
    let access = Access { token: fresh_token().unwrap(), command_key: fresh_command_key().unwrap(), hosts: Vec::new() };
    let mut router = without_store_router(Arc::clone(service), Gate::new(access).unwrap());
    let request = Request::builder().uri("/healthz").header("host", "localhost").body(Body::empty()).unwrap();
    router.call(request).await.unwrap().status().as_u16()
}

const POLLING: &str = "polling without a store";

#[tokio::test(start_paused = true)]
async fn without_a_store_a_loop_that_panics_is_told_started_again_and_given_up_when_that_does_not_help() {
    let clinic = Clinic::new();
    let mut left = 3;
    clinic.mines.plant(move |own, step| {
        (own == POLLING && matches!(step, Step::Call(_)) && left > 0).then(|| left -= 1)?;
        Some(Mine::Panic)
    });
    let service = without_a_store(&clinic);
    let subject = format!("loop {POLLING} of practice {PRACTICE}");
    let said = || view::without_store(&service).problems.into_iter().find(|own| own.subject == subject);
    clinic.until("it is said", seconds(1), |_| said().is_some()).await;
    assert!(said().unwrap().text.contains("bookings are not rejected in time"), "{:?}", said());
    let status = view::without_store(&service);
    assert!(status.practices[0].reasons.iter().any(|why| why.contains(POLLING)), "{:?}", status.practices[0].reasons);
    assert_eq!(healthz(&service).await, 200, "it is about to be started again");
    clinic.until("the problem is resolved", seconds(30), |_| said().is_none()).await;
    clinic.until("it polls", seconds(10), |_| service.shown().polled_at.values().all(Option::is_some)).await;

    clinic.mines.plant(|own, step| (own == POLLING && matches!(step, Step::Call(_))).then_some(Mine::Panic));
    let why = tokio::time::timeout(minutes(6), service.supervisor().hopeless()).await.unwrap();
    assert!(why.contains(POLLING) && why.contains(PRACTICE) && why.contains("10 times"), "{why}");
    assert_eq!(healthz(&service).await, 503);
}

#[tokio::test(start_paused = true)]
async fn without_a_store_a_poll_that_hangs_is_told_and_the_watchdog_hears_nothing() {
    let clinic = Clinic::new();
    clinic.mines.plant(|own, step| (own == POLLING && matches!(step, Step::Call(_))).then_some(Mine::Hang));
    let service = without_a_store(&clinic);
    clinic.pass(minutes(4)).await;
    assert_eq!(healthz(&service).await, 200, "it may be slow");
    clinic.until("it stands still", minutes(2), |_| !service.supervisor().is_alive()).await;
    assert_eq!(healthz(&service).await, 503);
    clinic.pass(seconds(6)).await;
    let told = view::without_store(&service).problems;
    assert!(told.iter().any(|own| own.subject.contains(POLLING) && own.text.contains("stood still")), "{told:?}");
    let why = tokio::time::timeout(minutes(11), service.supervisor().hopeless()).await.unwrap();
    assert!(why.contains(POLLING), "{why}");
}

#[tokio::test(start_paused = true)]
async fn without_a_store_there_is_no_loop_without_a_test_in_which_it_panics() {
    let clinic = Clinic::new();
    let service = without_a_store(&clinic);
    clinic.pass(seconds(1)).await;
    let tested = BTreeSet::from([POLLING, "opening of the state", "vigil"]);
    assert_eq!(service.supervisor().names(), tested, "its admin listener is that of the service");
}

#[tokio::test(start_paused = true)]
async fn a_panic_while_the_store_is_opened_is_told_and_it_is_opened_all_the_same() {
    let clinic = Clinic::new();
    let (service, attempts) = (clinic.without_store(), AtomicUsize::new(0));
    let store = service.run(|| async {
        assert!(attempts.fetch_add(1, Ordering::Relaxed) > 0, "planted");
        Ok(Store::in_memory(&clinic.disk(), clinic.clock.now()).unwrap())
    });
    let told = clinic.until("it is said", minutes(1), |_| {
        view::without_store(&service).problems.iter().any(|own| own.subject == "loop opening of the state")
    });
    let (store, _) = tokio::join!(store, told);
    assert_eq!((store.map(drop), attempts.load(Ordering::Relaxed)), (Ok(()), 2));
}

#[tokio::test(start_paused = true)]
async fn without_a_store_status_names_a_server_that_wants_to_be_left_alone_and_a_person_ends_that() {
    let clinic = Clinic::new();
    clinic.healthengine_faults.set(|_| Some(Fault::TooMany(3600)));
    let service = without_a_store(&clinic);
    clinic.pass(seconds(5)).await;
    let told = view::without_store(&service).left_alone;
    assert_eq!((told.len(), told[0].server.as_ref(), told[0].status), (1, "Healthengine", 429));
    assert!((3590..=3600).contains(&(told[0].until - clinic.clock.now()).num_seconds()), "{told:?}");
    clinic.healthengine_faults.heal();
    assert_eq!(service.ask_again(), ["Healthengine"]);
    assert!(view::without_store(&service).left_alone.is_empty());
    clinic.until("it polls at once", seconds(1), |_| service.shown().polled_at.values().all(Option::is_some)).await;
}

#[tokio::test(start_paused = true)]
async fn without_a_store_healthengine_may_be_away_and_a_late_rejection_is_not_sent() {
    let mut clinic = Clinic::open().await;
    clinic.stop().await;
    let disk = Disk::full(&clinic);
    let store = disk.wait(clinic.without_store(), &clinic);
    clinic.pass(seconds(10)).await;
    clinic.healthengine_faults.set(|_| Some(Fault::LoseRequest));
    let booking = first(&clinic);
    clinic.pass(seconds(25)).await;
    clinic.healthengine_faults.heal();
    clinic.pass(minutes(1)).await;
    // Its pet owner was told yes: it waits for somebody who can remember.
    assert_ne!(clinic.status(booking), MarketplaceStatus::Failed);
    disk.mend();
    let store = store.await.unwrap();
    clinic.start_on(store);
    clinic.until_state(booking, State::Confirmed, minutes(1)).await;
    assert!(clinic.clock.now() < instant("2027-02-15 10:00"));
    clinic.finish().await;
}

/// The end of a service has to fit into ten seconds.
#[tokio::test(start_paused = true)]
async fn giving_up_waits_for_nobody_for_long() {
    let mut clinic = Clinic::open().await;
    clinic.openvpms_faults.set(|_| Some(Fault::Hang));
    let booking = first(&clinic);
    clinic.until("it is seen", seconds(10), |clinic| clinic.find_entry(booking).is_some()).await;
    clinic.fill_the_disk();
    let mut batch = vetbridge::store::Batch::new();
    batch.delete::<vetbridge::store::Meta>("none");
    clinic.bridge().store().write_later(batch);
    let began = tokio::time::Instant::now();
    clinic.until_it_gives_up(seconds(5)).await;
    assert!(began.elapsed() < Duration::from_secs(12), "{:?}", began.elapsed());
    clinic.openvpms_faults.heal();
    clinic.start();
    clinic.pass(minutes(2)).await;
    clinic.finish().await;
}
