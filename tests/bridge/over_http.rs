//! The same over real sockets, with the database on a disk: what only the network and the clock of
//! the machine can break.

use vetbridge::booking::entry::State;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;
use vetbridge::simulator::openvpms::World;

use crate::support::{Online, is_submission};

#[tokio::test]
async fn over_http_a_booking_is_made_and_cancelled_from_either_side() {
    let online = Online::open().await;
    let (one, other) = (online.owner_books("10:00"), online.owner_books("11:00"));
    for booking in [one, other] {
        online.until("it is confirmed", |online| online.state(booking) == Some(State::Confirmed)).await;
        assert_eq!((online.standing(booking), online.status(booking)), (1, MarketplaceStatus::Confirmed));
    }
    online.healthengine.cancel(one).unwrap();
    let staff_cancel = |world: &mut World| {
        let id = world.with_note(&format!("Healthengine booking {other}"))[0].id;
        world.cancel(id)
    };
    assert!(online.openvpms.staff(staff_cancel));
    for booking in [one, other] {
        online.until("it is cancelled", |online| online.state(booking) == Some(State::Cancelled)).await;
        online.until("its pet owner knows", |online| online.status(booking) == MarketplaceStatus::Cancelled).await;
        assert_eq!(online.standing(booking), 0);
    }
    online.until("both times are offered again", |online| online.offers("10:00") && online.offers("11:00")).await;
    online.finish().await;
}

#[tokio::test]
async fn over_http_lost_answers_leave_one_appointment_and_a_restart_knows_of_it() {
    let mut online = Online::open().await;
    for (time, fault, state) in [
        ("10:00", Fault::LoseAnswer, State::InDoubt),
        ("11:00", Fault::LoseRequest, State::Confirmed),
        ("12:00", Fault::Hang, State::Confirmed),
        // The head of the answer names the appointment, so half of a body does no harm.
        ("13:00", Fault::Truncate, State::Confirmed),
        ("14:00", Fault::StatusAfter(500), State::InDoubt),
        ("15:00", Fault::StatusBefore(503), State::Confirmed),
    ] {
        let mut faults = vec![fault.clone()];
        online.openvpms_faults.set(move |asked| if is_submission(asked) { faults.pop() } else { None });
        let booking = online.owner_books(time);
        online.until(&format!("it is settled after {fault:?}"), |online| online.state(booking) == Some(state)).await;
        online.until("its pet owner knows", |online| online.status(booking) == MarketplaceStatus::Confirmed).await;
        assert_eq!(online.standing(booking), 1, "{fault:?}");
    }
    // The day of the last booking goes out half a second after it was last sent.
    tokio::time::sleep(std::time::Duration::from_millis(1500)).await;
    online.stop().await;
    online.healthengine.forget_exchanges();
    online.start().await;
    let polled = |online: &Online| online.healthengine.tallies().get("GET requests").is_some_and(|polls| *polls > 5);
    online.until("it polls", polled).await;
    let tallies = online.healthengine.tallies();
    assert!(tallies.keys().all(|call| call.starts_with("GET")), "nothing is sent again: {tallies:?}");
    online.finish().await;
}

#[tokio::test]
async fn over_http_a_closed_port_means_a_rejection_in_time_and_nothing_is_lost_when_it_opens() {
    let online = Online::open().await;
    online.openvpms_faults.close_port();
    let booking = online.owner_books("10:00");
    online.until("it is rejected", |online| online.status(booking) == MarketplaceStatus::Failed).await;
    online.openvpms_faults.heal();
    online.until("its time is offered again", |online| online.offers("10:00")).await;
    let again = online.owner_books("10:00");
    online.until("it is confirmed", |online| online.state(again) == Some(State::Confirmed)).await;
    assert_eq!((online.standing(booking), online.standing(again)), (0, 1));
    online.finish().await;
}
