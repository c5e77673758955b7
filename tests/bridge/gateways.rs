//! Something in between answers in Healthengine's place: a firewall, a gateway during a deploy, a captive portal.

use tokio::time::Instant;
use vetbridge::booking::entry::State;
use vetbridge::simulator::exchange::Fault;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};

use crate::support::{Clinic, minutes, seconds};

/// One call of this kind is answered by a page, and every other one by Healthengine.
fn one_page(clinic: &Clinic, method: &'static str, path: &'static str, status: u16) {
    let mut pages = 1;
    clinic.healthengine_faults.set(move |asked| {
        let meant = pages > 0 && asked.method == method && asked.target.ends_with(path);
        meant.then(|| {
            pages -= 1;
            Fault::StatusBefore(status)
        })
    });
}

#[tokio::test(start_paused = true)]
async fn one_page_in_answer_to_a_poll_holds_up_the_next_booking_for_seconds_whatever_its_status() {
    for status in [400, 401, 403, 404, 405, 415, 503] {
        let clinic = Clinic::open().await;
        clinic.pass(minutes(1)).await;
        one_page(&clinic, "GET", "/requests", status);
        clinic.until("a poll met it", seconds(11), |clinic| clinic.problems().contains_key("healthengine")).await;
        let told = clinic.problems();
        assert!(!told.contains_key("access"), "{status}: {told:?}");
        assert!(told["healthengine"].contains(&format!("HTTP Status {status}")), "named by its title: {told:?}");
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;
        assert_eq!(clinic.problems(), Default::default(), "{status}");
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_refusal_in_the_apis_own_form_is_asked_about_again_and_believed_when_it_stands_for_half_a_minute() {
    for status in [401, 403] {
        let clinic = Clinic::open().await;
        clinic.pass(minutes(1)).await;
        let mut refusals = 1;
        clinic.healthengine_faults.set(move |asked| {
            let meant = refusals > 0 && asked.target.ends_with("/requests");
            meant.then(|| {
                refusals -= 1;
                Fault::RefusalBefore(status)
            })
        });
        clinic.until("a poll met it", seconds(11), |clinic| clinic.problems().contains_key("access")).await;
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(10)).await;

        clinic.healthengine_faults.set(move |_| Some(Fault::RefusalBefore(status)));
        clinic.pass(minutes(1)).await;
        clinic.journal.clear();
        clinic.pass(minutes(4)).await;
        assert_eq!(clinic.journal.count("GET /requests", ""), 0, "{status}");
        clinic.healthengine_faults.heal();
        clinic.until("the problem is resolved", minutes(6), |clinic| clinic.problems().is_empty()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn refusals_without_a_word_while_something_in_between_is_replaced_hold_up_a_booking_for_no_more_than_that() {
    for status in [401, 403] {
        let clinic = Clinic::open().await;
        clinic.pass(minutes(1)).await;
        // Two polls and more meet it.
        let until = Instant::now() + seconds(20);
        clinic.twist.set(move |asked, answered| {
            if asked.target.ends_with("/requests") && Instant::now() < until {
                (answered.status, answered.body) = (status, Vec::new());
            }
        });
        clinic.until("a poll met it", seconds(11), |clinic| clinic.problems().contains_key("access")).await;
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until_state(booking, State::Confirmed, seconds(45)).await;
        clinic.until("the problem is resolved", seconds(30), |clinic| clinic.problems().is_empty()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_refusal_of_a_confirmation_is_asked_about_again_after_half_a_minute() {
    for status in [401, 403] {
        let clinic = Clinic::open().await;
        clinic.pass(minutes(1)).await;
        let mut refusals = 1;
        clinic.healthengine_faults.set(move |asked| {
            let meant = refusals > 0 && asked.target.ends_with("/confirmInsert");
            meant.then(|| {
                refusals -= 1;
                Fault::RefusalBefore(status)
            })
        });
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until("it met it", seconds(11), |clinic| clinic.problems().contains_key("access")).await;
        clinic.until_state(booking, State::Confirmed, seconds(45)).await;
        assert_eq!(clinic.journal.count("POST /bookings", "/confirmInsert"), 2, "{status}");
        clinic.until("the problem is resolved", seconds(30), |clinic| clinic.problems().is_empty()).await;
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn one_answer_with_a_wrong_date_moves_no_deadline() {
    for date in ["Thu, 01 Jan 2015 00:00:00 GMT", "Thu, 01 Jan 2032 00:00:00 GMT"] {
        let clinic = Clinic::open().await;
        clinic.pass(minutes(1)).await;
        clinic.openvpms_faults.set(|_| Some(Fault::Hang));
        // The list that the booking is on is dated wrongly.
        let mut lists = 1;
        clinic.twist.set(move |asked, answered| {
            if lists > 0 && asked.target.contains("/requests/bookings") {
                lists -= 1;
                answered.headers.retain(|(name, _)| name != "date");
                answered.headers.push(("date".to_owned(), date.to_owned()));
            }
        });
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        clinic.until("it is rejected", seconds(16), |clinic| clinic.status(booking) == MarketplaceStatus::Failed).await;
        assert_eq!(clinic.booking(booking).answer, RequestOutcome::Rejected);
        assert!(!clinic.problems().contains_key("clock"), "{:?}", clinic.problems());
        clinic.openvpms_faults.heal();
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn where_a_gateway_refuses_compressed_bodies_plain_ones_are_sent_and_nobody_is_blamed() {
    for status in [400, 403, 415] {
        let mut clinic = Clinic::new();
        clinic.healthengine_faults.set(move |asked| {
            (asked.header("content-encoding") == Some("gzip")).then_some(Fault::StatusBefore(status))
        });
        clinic.open_up().await;
        assert_eq!(clinic.problems(), Default::default(), "{status}");
        let refused = |clinic: &Clinic| clinic.journal.calls().iter().filter(|call| call.outcome == Ok(status)).count();
        assert_eq!(refused(&clinic), 1, "{status}: it is remembered");
        clinic.staff_book(136, "2027-02-17 09:00", 15);
        clinic.pass(minutes(2)).await;
        assert_eq!(refused(&clinic), 1, "{status}");
        clinic.healthengine_faults.heal();
        clinic.finish().await;
    }
}

#[tokio::test(start_paused = true)]
async fn a_page_that_refused_a_confirmation_leaves_no_hope_that_it_was_heard() {
    for status in [403, 404] {
        let mut clinic = Clinic::open().await;
        one_page(&clinic, "POST", "/confirmInsert", status);
        let booking = clinic.owner_books("s136", "66:s136", "2027-02-16 10:00");
        let confirmations = |clinic: &Clinic| clinic.journal.count("POST /bookings/", "/confirmInsert");
        clinic.until("a page answered", seconds(10), |clinic| confirmations(clinic) == 1).await;
        // Staff settle it in the portal before the next poll.
        clinic.healthengine.progress_by_hand(booking).unwrap();
        clinic.excuse(booking);
        clinic.until_state(booking, State::Confirmed, seconds(20)).await;
        let told = clinic.entry(booking).needs_attention;
        assert!(
            told.as_ref().is_some_and(|told| told.contains("Healthengine does not expect it")),
            "{status} {told:?}"
        );
    }
}
