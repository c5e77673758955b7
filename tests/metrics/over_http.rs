//! A service over real sockets is scraped without a token.

use vetbridge::booking::entry::State;
use vetbridge::build_info;
use vetbridge::ids::BookingId;

use crate::scrape::Scrape;
use crate::support::{Online, PRACTICE};

/// A service that made two bookings, one of which its pet owner cancelled. What a person has to
/// see to is there as well: a configuration file with an error.
pub(crate) async fn after_two_bookings() -> (Online, [BookingId; 2]) {
    let online = Online::open().await;
    let bookings = [online.owner_books("10:00"), online.owner_books("11:00")];
    for booking in bookings {
        online.until("it is confirmed", |online| online.state(booking) == Some(State::Confirmed)).await;
    }
    online.healthengine.cancel(bookings[1]).unwrap();
    online.until("it is cancelled", |online| online.state(bookings[1]) == Some(State::Cancelled)).await;
    online.service.as_ref().unwrap().not_reloaded("unknown key");
    (online, bookings)
}

#[tokio::test]
async fn every_metric_of_the_contract_has_a_sensible_value_after_a_booking() {
    let (online, bookings) = after_two_bookings().await;
    let (status, media_type, text) = online.get("/metrics").await;
    assert_eq!((status, media_type.as_str()), (200, "text/plain; version=0.0.4; charset=utf-8"));
    let scrape = Scrape::read(&text);
    let value = |name: &str, labels: &[(&str, &str)]| {
        scrape.value(name, labels).unwrap_or_else(|| panic!("{name} {labels:?}\n{text}"))
    };
    let own = |name: &str| value(name, &[("practice", PRACTICE)]);

    let build = [("version", env!("CARGO_PKG_VERSION")), ("commit", build_info::COMMIT), ("tzdb", build_info::TZDB)];
    assert_eq!(value("vetbridge_build_info", &build), 1.0);
    assert_eq!(own("vetbridge_practice_in_step"), 1.0);
    for (outcome, count) in [("confirmed", 2.0), ("cancelled", 1.0), ("rejected", 0.0), ("in_doubt", 0.0)] {
        let labels = [("practice", PRACTICE), ("outcome", outcome)];
        assert_eq!(value("vetbridge_bookings_total", &labels), count, "{outcome}");
    }
    assert_eq!(own("vetbridge_bookings_need_attention"), 0.0);
    assert_eq!(own("vetbridge_booking_answer_seconds_count"), 2.0);
    assert!((0.0..20.0).contains(&own("vetbridge_booking_answer_seconds_sum")), "{text}");
    let now = online.clock.now().timestamp_millis() as f64 / 1000.0;
    for peer in ["openvpms", "healthengine"] {
        let at = value("vetbridge_last_contact_timestamp_seconds", &[("practice", PRACTICE), ("peer", peer)]);
        assert!((now - 10.0..=now).contains(&at), "{peer}: {at} at {now}");
    }
    assert!((0.0..10.0).contains(&own("vetbridge_reading_age_seconds")));
    let snapshots = |result| value("vetbridge_snapshots_total", &[("practice", PRACTICE), ("result", result)]);
    assert!(snapshots("accepted") >= 14.0 && snapshots("refused") == 0.0, "{text}");
    for kind in ["bookings", "bookingUpdates", "availability"] {
        let oldest = value("vetbridge_oldest_open_request_seconds", &[("practice", PRACTICE), ("kind", kind)]);
        assert!((0.0..20.0).contains(&oldest), "{kind}: {oldest}");
    }
    assert!(value("vetbridge_clock_difference_seconds", &[]).abs() < 5.0);
    assert!(value("vetbridge_store_bytes", &[]) > 1000.0);
    assert!(value("vetbridge_store_flush_seconds_count", &[]) > 3.0);
    assert_eq!(value("vetbridge_problems", &[("practice", ""), ("subject", "config_file")]), 1.0);

    calls_are_counted_by_template(&scrape, bookings);
    online.finish().await;
}

fn calls_are_counted_by_template(scrape: &Scrape, bookings: [BookingId; 2]) {
    let calls = |peer, route| {
        scrape
            .value("vetbridge_http_requests_total", &[("peer", peer), ("route", route), ("class", "ok")])
            .unwrap_or(0.0)
    };
    // Two POSTs.
    assert_eq!(calls("openvpms", "bookings"), 2.0);
    assert!(calls("openvpms", "schedules/{id}/freebusy") > 0.0 && calls("openvpms", "bookings/{id}") > 0.0);
    assert_eq!(calls("healthengine", "bookings/{id}/confirmInsert"), 2.0);
    assert_eq!(calls("healthengine", "bookings/{id}/confirmUpdate/{id}"), 1.0);
    assert!(calls("healthengine", "requests") > 0.0 && calls("healthengine", "availability/snapshots") > 0.0);
    for route in scrape.values_of("route") {
        let counted = scrape.sum("vetbridge_http_requests_total", "route", route);
        let timed = scrape.sum("vetbridge_http_request_duration_seconds_count", "route", route);
        assert_eq!(counted, timed, "{route}");
        assert!(!route.chars().any(|c| c.is_ascii_digit()), "an id: {route}");
    }
    let classes = scrape.values_of("class");
    assert!(classes.is_subset(&["ok", "refused", "not_sent", "lost"].into()), "{classes:?}");
    for label in ["practice", "route", "subject", "kind", "outcome"] {
        let named = |id: BookingId| scrape.values_of(label).iter().any(|value| value.contains(&id.to_string()));
        assert!(!bookings.into_iter().any(named), "{label}");
    }
}
