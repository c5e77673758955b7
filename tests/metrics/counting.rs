//! What counts, and once only.

use vetbridge::booking::entry::State;
use vetbridge::booking::resolution::Resolution;
use vetbridge::ids::BookingReference;
use vetbridge::server::metrics;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::scrape::Scrape;
use crate::support::{BRANCH, Clinic, PRACTICE, booked, minutes, seconds};

fn scrape(clinic: &Clinic) -> Scrape {
    Scrape::read(&metrics::text(clinic.bridge(), None))
}

/// Confirmed, rejected, in doubt, cancelled.
fn outcomes(clinic: &Clinic) -> [f64; 4] {
    let scrape = scrape(clinic);
    ["confirmed", "rejected", "in_doubt", "cancelled"].map(|outcome| {
        scrape.value("vetbridge_bookings_total", &[("practice", PRACTICE), ("outcome", outcome)]).unwrap()
    })
}

fn own(clinic: &Clinic, name: &str) -> f64 {
    scrape(clinic).value(name, &[("practice", PRACTICE)]).unwrap()
}

#[tokio::test(start_paused = true)]
async fn a_booking_counts_once_by_its_first_answer_whatever_a_person_makes_of_it() {
    let clinic = Clinic::open().await;
    assert_eq!(outcomes(&clinic), [0.0; 4], "a practice is shown before its first booking");
    clinic.fail_submissions([Fault::LoseAnswer]);
    let doubtful = clinic.owner_books("s136", "66:s136", "2027-02-16 09:00");
    clinic.until_state(doubtful, State::InDoubt, minutes(3)).await;
    assert_eq!(outcomes(&clinic), [0.0, 0.0, 1.0, 0.0]);
    assert_eq!(own(&clinic, "vetbridge_bookings_need_attention"), 1.0);
    let appointment = clinic.appointment_of(doubtful);
    let reference = BookingReference(clinic.openvpms.staff(|world| world.reference(&appointment)));
    let verdict = Resolution::Confirmed { reference: Some(reference), force: false };
    clinic.practice().resolve(doubtful, &verdict, None).await.unwrap();
    assert_eq!((outcomes(&clinic), own(&clinic, "vetbridge_bookings_need_attention")), ([0.0, 0.0, 1.0, 0.0], 0.0));

    clinic.staff_book(136, "2027-02-16 11:00", 30);
    let late = clinic.owner_books_regardless("s136", "66:s136", "2027-02-16 11:00");
    clinic.until("it is rejected", seconds(20), |clinic| clinic.status(late) == MarketplaceStatus::Failed).await;
    assert_eq!(outcomes(&clinic), [0.0, 1.0, 1.0, 0.0]);
    clinic.healthengine.cancel(doubtful).unwrap();
    clinic.until_state(doubtful, State::Cancelled, minutes(1)).await;
    assert_eq!(outcomes(&clinic), [0.0, 1.0, 1.0, 1.0]);
    assert_eq!(own(&clinic, "vetbridge_booking_answer_seconds_count"), 2.0);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn a_request_that_waits_and_a_reading_that_grows_old_show_how_long() {
    let clinic = Clinic::open().await;
    clinic
        .healthengine_faults
        .set(|asked| asked.target.contains("/requests/bookings").then_some(Fault::StatusBefore(502)));
    clinic.openvpms_faults.close_port();
    clinic.owner_books("s136", "66:s136", "2027-02-16 09:00");
    clinic.pass(minutes(4)).await;
    let labels = [("practice", PRACTICE), ("kind", "bookings")];
    let waits = scrape(&clinic).value("vetbridge_oldest_open_request_seconds", &labels).unwrap();
    assert!((200.0..=240.0).contains(&waits), "{waits}");
    assert!(own(&clinic, "vetbridge_reading_age_seconds") >= 240.0);
    assert_eq!(own(&clinic, "vetbridge_practice_in_step"), 0.0);
    let refused = scrape(&clinic).sum("vetbridge_http_requests_total", "class", "not_sent");
    assert!(refused > 3.0, "{refused}");
    assert!(scrape(&clinic).sum("vetbridge_http_requests_total", "class", "unavailable") > 3.0);
    let problem = [("practice", PRACTICE), ("subject", "openvpms")];
    assert_eq!(scrape(&clinic).value("vetbridge_problems", &problem), Some(1.0));
}

#[tokio::test(start_paused = true)]
async fn bookings_add_no_series_and_a_practice_that_is_gone_has_none() {
    let mut clinic = Clinic::with_branch();
    clinic.open_up().await;
    booked(&clinic, "2027-02-16 09:00").await;
    clinic.pass(minutes(20)).await;
    let before = scrape(&clinic).len();
    for hour in 10..18 {
        booked(&clinic, &format!("2027-02-16 {hour}:00")).await;
    }
    clinic.pass(minutes(20)).await;
    assert_eq!(scrape(&clinic).len(), before);
    assert!(scrape(&clinic).values_of("practice").contains(BRANCH));

    clinic.config.practices.retain(|own| own.id.0 == PRACTICE);
    clinic.reload();
    let is_gone = |clinic: &Clinic| !scrape(clinic).values_of("practice").contains(BRANCH);
    clinic.until("nothing of it is left", minutes(2), is_gone).await;
    clinic.finish().await;
}
