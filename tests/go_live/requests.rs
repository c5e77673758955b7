//! Handling incoming requests, and booking related edge cases.

use chrono::TimeDelta;
use vetbridge::simulator::healthengine::{MarketplaceStatus, PetOwner, Wish};

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::service::Service;
use crate::world::{a_while, id, offers, told};

#[tokio::test(flavor = "multi_thread")]
async fn polling_for_new_requests() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.healthengine.forget_exchanges();
    // The configuration says every 100 ms; in a clinic it says every five seconds.
    let polls = || told(&clinic, PRACTICE).iter().filter(|(_, call)| call == "GET requests").count();
    eventually("requests are asked for again and again", async || polls() > 10).await;
    let times: Vec<_> = told(&clinic, PRACTICE).into_iter().map(|(at, _)| at).collect();
    let longest = times.windows(2).map(|pair| pair[1] - pair[0]).max().unwrap();
    assert!(longest < TimeDelta::seconds(10), "{longest}");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handling_priority_requests() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    let status = |booking| clinic.healthengine.booking(booking).unwrap().status;
    eventually("the booking is confirmed", async || status(booking) == MarketplaceStatus::Confirmed).await;
    assert_eq!(clinic.standing(booking), 1);
    clinic.healthengine.cancel(booking).unwrap();
    eventually("the cancellation is carried out", async || clinic.standing(booking) == 0).await;
    clinic.healthengine.ask_availability(&id(PRACTICE), clinic.today(), Some("s136")).unwrap();
    let asked = || clinic.healthengine.days_asked_for(&id(PRACTICE)).unwrap();
    eventually("the day is sent", async || asked().is_empty()).await;
    let health = clinic.healthengine.health(&id(PRACTICE)).unwrap();
    assert_eq!(health.problems, [""; 0]);
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn handling_multiple_request_types_with_priority() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let former = clinic.book("s136").await;
    eventually("it is confirmed", async || clinic.standing(former) == 1).await;
    service.stop().await;
    // Everything comes at once while nobody answers.
    let booking = clinic.book("s211").await;
    clinic.healthengine.cancel(former).unwrap();
    clinic.healthengine.ask_availability(&id(PRACTICE), clinic.today(), None).unwrap();
    clinic.healthengine.ask_other(&id(PRACTICE), "somethingNew").unwrap();
    clinic.healthengine.forget_exchanges();
    let service = Service::start(&clinic).await;
    eventually("all of it is answered", async || clinic.standing(booking) == 1 && clinic.standing(former) == 0).await;
    let answers: Vec<String> = told(&clinic, PRACTICE).into_iter().map(|(_, call)| call).collect();
    let at = |needle: &str| answers.iter().position(|call| call.contains(needle));
    eventually("the update is confirmed", async || {
        told(&clinic, PRACTICE).iter().any(|(_, call)| call.contains("confirmUpdate"))
    })
    .await;
    assert!(at("requests/bookings").unwrap() < at("requests/bookingUpdates").unwrap_or(usize::MAX), "{answers:?}");
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn handling_an_unknown_booking_id_for_incoming_booking_related_requests() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let booking = clinic.book("s136").await;
    eventually("it is confirmed", async || clinic.standing(booking) == 1).await;
    service.stop().await;
    // A booking from before the integration, that staff progressed by hand.
    let tomorrow = clinic.today().succ_opt().unwrap();
    let wish = Wish::new("s136", "66:s136", tomorrow.and_hms_opt(12, 0, 0).unwrap());
    let unknown = clinic.healthengine.book_regardless(&id(PRACTICE), wish.by(PetOwner::default(), "Itching")).unwrap();
    clinic.healthengine.progress_by_hand(unknown).unwrap();
    clinic.healthengine.cancel(unknown).unwrap();
    let service = Service::start(&clinic).await;
    let rejected = || told(&clinic, PRACTICE).iter().any(|(_, call)| call.contains("rejectUpdate"));
    eventually("the update is rejected", async || rejected()).await;
    a_while().await;
    assert_eq!((clinic.standing(booking), clinic.standing(unknown)), (1, 0), "nothing else is touched");
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn outstanding_requests_are_fetched_at_first_set_up_and_on_re_enabling() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let paused = clinic.run(&["pause", "--practice", PRACTICE]).await;
    assert_eq!(paused.status, 0, "{paused:?}");
    eventually("nothing is offered", async || offers(&clinic, PRACTICE) == 0).await;
    // A page that a pet owner opened before that.
    let tomorrow = clinic.today().succ_opt().unwrap();
    let wish = Wish::new("s136", "66:s136", tomorrow.and_hms_opt(10, 0, 0).unwrap());
    let booking = clinic.healthengine.book_regardless(&id(PRACTICE), wish.by(PetOwner::default(), "Itching")).unwrap();
    a_while().await;
    assert_eq!(clinic.standing(booking), 0);
    clinic.run(&["resume", "--practice", PRACTICE]).await;
    eventually("it is made", async || clinic.standing(booking) == 1).await;
    service.stop().await;
    // A former integration left one behind, and this one starts for the first time.
    let wish = Wish::new("s211", "66:s211", tomorrow.and_hms_opt(11, 0, 0).unwrap());
    let left = clinic.healthengine.book_regardless(&id(PRACTICE), wish.by(PetOwner::default(), "Itching")).unwrap();
    std::fs::remove_dir_all(clinic.state()).unwrap();
    let service = Service::start(&clinic).await;
    eventually("it is made", async || clinic.standing(left) == 1).await;
    service.stop().await;
}
