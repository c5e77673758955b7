//! The levels of the log mean what `--help` says.

use vetbridge::booking::entry::State;
use vetbridge::simulator::healthengine::MarketplaceStatus;

use crate::support::{Clinic, PRACTICE, booked, minutes, seconds};

/// The lines of a level about this.
fn lines(clinic: &Clinic, level: &str, about: &[&str]) -> Vec<String> {
    let all = clinic.log.lines().into_iter();
    all.filter(|line| line.trim_start().starts_with(level) && about.iter().all(|own| line.contains(own))).collect()
}

#[tokio::test(start_paused = true)]
async fn the_life_of_a_booking_is_found_by_its_id_at_every_level() {
    let clinic = Clinic::open().await;
    let booking = booked(&clinic, "2027-02-16 09:00").await;
    clinic.healthengine.cancel(booking).unwrap();
    clinic.until_state(booking, State::Cancelled, minutes(1)).await;
    clinic
        .until("its pet owner knows", seconds(10), |clinic| clinic.status(booking) == MarketplaceStatus::Cancelled)
        .await;
    let of = |level, about: &str| lines(&clinic, level, &[&format!("booking={booking} "), about]).len();
    for state in ["received", "submitting", "inserted", "confirmed", "cancelled"] {
        assert_eq!(of("INFO", &format!("state=\"{state}\"")), 1, "{state}");
    }
    for call in
        ["route=\"bookings\" status=201", "route=\"bookings/{id}/confirmInsert\" status=200", "method=\"DELETE\""]
    {
        assert_eq!(of("DEBUG", call), 1, "{call}");
    }
    for step in
        ["action=\"look and hold\"", "event=\"looked: free\"", "event=\"submitted: created\"", "action=\"confirm\""]
    {
        assert_eq!(of("TRACE", step), 1, "{step}");
    }
    assert_eq!(of("TRACE", "plan=\"cancel\""), 1);
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn debug_has_every_call_with_its_route_status_and_practice() {
    let clinic = Clinic::open().await;
    booked(&clinic, "2027-02-16 09:00").await;
    let (practice, called) = (format!("practice={PRACTICE} "), |line: &String| line.contains(" called"));
    let logged = lines(&clinic, "DEBUG", &["peer=", "route=", "status=", "ms=", &practice]).into_iter().filter(called);
    // One may be under way.
    let (logged, made) = (logged.count(), clinic.journal.calls().len());
    assert!(logged <= made && made <= logged + 4, "{logged} of {made}");
    clinic.finish().await;
}

#[tokio::test(start_paused = true)]
async fn trace_has_every_judgement_of_a_day_and_every_plan_with_its_reason() {
    let clinic = Clinic::open().await;
    let days = clinic.config.sync.horizon_days as usize * 2;
    let sent = lines(&clinic, "TRACE", &["decision=\"sent\"", "why=\"it was never sent\""]).len();
    assert_eq!(sent, days, "two schedules");
    assert!(!lines(&clinic, "TRACE", &["decision=\"left\"", "why=\"Healthengine has it\""]).is_empty());
    assert!(!lines(&clinic, "TRACE", &["configuration", "resources=", "types="]).is_empty());
    assert!(!lines(&clinic, "TRACE", &["next poll", "wait_ms="]).is_empty());
    clinic.staff_book(136, "2027-02-15 11:00", 30);
    clinic.pass(minutes(2)).await;
    let differs = lines(&clinic, "TRACE", &["resource=s136 date=2027-02-15", "why=\"it differs from what was sent\""]);
    assert_eq!(differs.len(), 1, "{differs:?}");
    clinic.finish().await;
}
