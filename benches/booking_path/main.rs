//! The bridge beside what a booking takes at the least.
//!
//! `cargo bench --bench booking_path`: in one process and one run, alternately, a straight line of
//! the same calls and flushes ([`floor`]) and the whole bridge ([`mod@bridge`]) book at servers that
//! answer after 0, 20 and 100 ms. Both are timed at the servers: from the arrival of the poll that
//! finds a booking, or from when its webhook leaves, to the arrival of its confirmation. Neither is
//! timed while the other still works: each begins after a rest.
//!
//! `BOOKINGS=100` makes fewer than 1,000 bookings of each kind. `ONLY=webhooks` or
//! `ONLY=polls-10-20` measures one part.
//!
//! Where the servers are slow several clinics are measured side by side, so that a run takes
//! minutes: they hardly use the processor.

#![expect(clippy::unwrap_used, clippy::print_stdout, reason = "a measurement prints, and stands on fixed values")]

mod bridge;
mod clinic;
#[path = "../../tests/common/configuration.rs"]
mod configuration;
mod floor;
mod times;

use std::time::Duration;

use futures_util::future::join_all;
use serde_json::json;
use vetbridge::ids::BookingId;

use crate::bridge::Hears;
use crate::clinic::{Clinic, LEGS};
use crate::floor::Floor;
use crate::times::Times;

/// Nothing is slowed down by it.
const UNLIMITED: u32 = 1_000;
/// The limit of both servers as vetbridge sets it.
const LIMIT: u32 = 10;
/// Answers of the servers come after so many milliseconds,
const DELAYS_MS: [u64; 3] = [0, 20, 100];
/// and then so many bookings are under way side by side, at as many clinics as that takes.
const AT_ONCE: [i64; 3] = [1, 10, 20];
/// After it what either has to do after a confirmation (the bridge writes, and sends the day) is
/// over, and the machine is as idle as before a poll of the bridge.
const REST: Duration = Duration::from_millis(100);
/// So many webhooks are followed at once.
const BURST: usize = 5;
/// Between two of them.
const APART: Duration = Duration::from_millis(150);
/// The backlog of the last part.
const BACKLOG: usize = 200;

fn main() {
    vetbridge::http::network::install_crypto_provider();
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let bookings = setting("BOOKINGS").and_then(|text| text.parse().ok()).unwrap_or(1_000);
    let only = setting("ONLY");
    let wanted = |part: String| only.as_deref().is_none_or(|only| part.starts_with(only));
    for schedules in [1, 10] {
        for (delay_ms, at_once) in DELAYS_MS.into_iter().zip(AT_ONCE) {
            if wanted(format!("polls-{schedules}-{delay_ms}")) {
                let (delay, clinics) = (Duration::from_millis(delay_ms), (at_once / schedules).max(1));
                runtime.block_on(found_by_polls(schedules, delay, clinics as usize, bookings));
            }
        }
    }
    for delay_ms in DELAYS_MS.into_iter().filter(|delay_ms| wanted(format!("webhooks-{delay_ms}"))) {
        runtime.block_on(heard_by_webhooks(Duration::from_millis(delay_ms), 4, bookings / 10));
    }
    for delay_ms in [20, 500].into_iter().filter(|delay_ms| wanted(format!("backlog-{delay_ms}"))) {
        runtime.block_on(backlog(Duration::from_millis(delay_ms)));
    }
}

#[expect(clippy::disallowed_methods, reason = "a measurement is set by the environment")]
fn setting(name: &str) -> Option<String> {
    std::env::var(name).ok()
}

/// What both took.
#[derive(Default)]
struct Measured {
    floor: Times,
    bridge: Times,
    floor_legs: [Times; LEGS.len()],
    bridge_legs: [Times; LEGS.len()],
    violations: usize,
}

impl Measured {
    fn of_all(all: Vec<Self>) -> Self {
        let mut whole = Self::default();
        for own in all {
            whole.floor.add(own.floor);
            whole.bridge.add(own.bridge);
            whole.floor_legs.iter_mut().zip(own.floor_legs).for_each(|(legs, own)| legs.add(own));
            whole.bridge_legs.iter_mut().zip(own.bridge_legs).for_each(|(legs, own)| legs.add(own));
            whole.violations += own.violations;
        }
        whole
    }

    /// Where one booking is made at a time it shows which calls were when.
    fn note_legs(&mut self, below: &Clinic, above: &Clinic) {
        for (times, clinic) in [(&mut self.floor_legs, below), (&mut self.bridge_legs, above)] {
            let legs = clinic.watch.legs();
            times.iter_mut().enumerate().for_each(|(leg, times)| times.extend(legs.iter().map(|legs| legs[leg])));
        }
    }

    fn print(&self, what: &str) {
        println!("\n{what}, {} and {} bookings: median, 95 %, 99 %", self.floor.count(), self.bridge.count());
        println!("  {:<16}{}", "floor", self.floor);
        println!("  {:<16}{}", "bridge", self.bridge);
        println!("  {:<16}{}", "bridge / floor", self.bridge.over(&self.floor));
        for (leg, (floor, bridge)) in LEGS.iter().zip(self.floor_legs.iter().zip(&self.bridge_legs)) {
            if floor.count() > 0 {
                println!("  {leg}: floor{floor}, bridge{bridge}");
            }
        }
        assert_eq!(self.violations, 0, "violations of Healthengine's API");
    }
}

/// A round is one booking of every schedule, all at one moment.
async fn found_by_polls(schedules: i64, delay: Duration, clinics: usize, bookings: usize) {
    let rounds = (bookings / clinics / usize::try_from(schedules).unwrap()).max(1);
    let clinic = || async {
        let (mut below, mut above) = (Clinic::open(schedules, delay).await, Clinic::open(schedules, delay).await);
        let state = tempfile::tempdir().unwrap();
        let floor = Floor::at(&below, &state.path().join("floor")).await;
        let service = bridge::start(&above, state.path(), Hears::ByPolls, UNLIMITED).await;
        let mut measured = Measured::default();
        for round in 0..=rounds {
            let straight = book_everywhere(&mut below);
            tokio::time::sleep(REST).await;
            floor.serve_beside().await;
            let bridged = book_everywhere(&mut above);
            above.watch.all_confirmed(&bridged).await;
            // In the first round connections are made.
            if round > 0 {
                measured.floor.extend(straight.into_iter().map(|booking| below.watch.since_poll(booking)));
                measured.bridge.extend(bridged.into_iter().map(|booking| above.watch.since_poll(booking)));
            }
        }
        if schedules == 1 {
            measured.note_legs(&below, &above);
        }
        measured.violations = above.healthengine.violations().len();
        service.stop().await;
        measured
    };
    let all = join_all((0..clinics).map(|_| clinic())).await;
    let many = if schedules == 1 { "schedule" } else { "schedules at one moment" };
    Measured::of_all(all).print(&format!("found by a poll, {schedules} {many}, answers after {delay:?}"));
}

fn book_everywhere(clinic: &mut Clinic) -> Vec<BookingId> {
    let bookings = clinic.schedules().map(|schedule| clinic.book(schedule)).collect();
    clinic.go_on();
    bookings
}

/// A round is a burst of webhooks for bookings of different schedules.
async fn heard_by_webhooks(delay: Duration, clinics: usize, bookings: usize) {
    let schedules = i64::try_from(BURST).unwrap();
    let rounds = (bookings / clinics / BURST).max(1);
    let clinic = || async {
        let (mut below, mut above) = (Clinic::open(schedules, delay).await, Clinic::open(schedules, delay).await);
        let state = tempfile::tempdir().unwrap();
        let floor = Floor::at(&below, &state.path().join("floor")).await;
        below.deliver_webhooks(floor.follow_webhooks().await);
        let service = bridge::start(&above, state.path(), Hears::ByWebhooks, UNLIMITED).await;
        let mut measured = Measured::default();
        for round in 0..=rounds {
            let bridged = burst(&mut above).await;
            tokio::time::sleep(REST).await;
            let straight = burst(&mut below).await;
            if round > 0 {
                measured.floor.extend(straight.into_iter().map(|booking| below.watch.since_webhook(booking)));
                measured.bridge.extend(bridged.into_iter().map(|booking| above.watch.since_webhook(booking)));
            }
            // Until the next burst is allowed.
            tokio::time::sleep(Duration::from_secs(5)).await;
        }
        measured.violations = above.healthengine.violations().len();
        service.stop().await;
        measured
    };
    let all = join_all((0..clinics).map(|_| clinic())).await;
    Measured::of_all(all).print(&format!("heard by a webhook, five {APART:?} apart, answers after {delay:?}"));
}

/// Books on every schedule, one after the other; returns when all are confirmed.
async fn burst(clinic: &mut Clinic) -> Vec<BookingId> {
    let mut bookings = Vec::new();
    for schedule in clinic.schedules() {
        bookings.push(clinic.book(schedule));
        tokio::time::sleep(APART).await;
    }
    clinic.watch.all_confirmed(&bookings).await;
    clinic.go_on();
    bookings
}

/// Bookings that wait since an hour, in two orders, at the rate limit that vetbridge sets.
async fn backlog(delay: Duration) {
    let waiting = |by_schedule: bool| async move {
        let mut clinic = Clinic::open(10, delay).await;
        let state = tempfile::tempdir().unwrap();
        let service = bridge::start(&clinic, state.path(), Hears::ByPolls, LIMIT).await;
        let before = clinic.watch.calls();
        let mut bookings = Vec::new();
        for _ in 0..BACKLOG / 10 {
            bookings.extend(book_everywhere(&mut clinic));
        }
        for (number, booking) in bookings.iter().enumerate() {
            let place = if by_schedule { number % 10 * 20 + number / 10 } else { number };
            let booked =
                chrono::DateTime::UNIX_EPOCH.naive_utc() + chrono::TimeDelta::seconds(1_750_000_000 + place as i64);
            let booked = json!(booked.format("%Y-%m-%d %H:%M:%S").to_string());
            clinic.healthengine.write_field(*booking, "bookedTime", Some(booked)).unwrap();
            clinic.healthengine.let_deadline_pass(*booking).unwrap();
        }
        clinic.watch.all_confirmed(&bookings).await;
        let (took, after) = (clinic.watch.first_to_last(&bookings), clinic.watch.calls());
        assert_eq!(clinic.healthengine.violations().len(), 0, "violations of Healthengine's API");
        service.stop().await;
        (took, after.0 - before.0, after.1 - before.1)
    };
    let (mixed, sorted) = tokio::join!(waiting(false), waiting(true));
    println!("\na backlog of {BACKLOG} bookings on ten schedules, {LIMIT} calls a second, answers after {delay:?}");
    for (order, (took, openvpms, healthengine)) in [("schedules mixed", mixed), ("one after another", sorted)] {
        let least = Duration::from_secs_f64(openvpms.max(healthengine) as f64 / f64::from(LIMIT));
        println!(
            "  {order:<20}{took:>8.1?}; {openvpms} calls to OpenVPMS and {healthengine} to Healthengine take {least:.1?}: {:.2}",
            took.as_secs_f64() / least.as_secs_f64()
        );
    }
}
