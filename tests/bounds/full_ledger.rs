//! The program as a process, on a ledger that is as full as it gets: what the systemd unit allows
//! it is enough.

use std::path::Path;

use chrono::TimeDelta;
use vetbridge::booking::answered::Acknowledged;
use vetbridge::booking::entry::{Entry, HistoryItem, Place, State};
use vetbridge::booking::state_reason::StateReason;
use vetbridge::clock::Clock;
use vetbridge::ids::{AppointmentTypeId, BookingId, BookingReference, LocationId, PracticeId, ScheduleId};
use vetbridge::practice::ledger::{Ledger, SETTLED_MAX};
use vetbridge::span::Span;
use vetbridge::store::Store;

use crate::clinic::{Clinic, PRACTICE};
use crate::memory::{PEAK_MIB_MAX, peak_mib};
use crate::service::Service;

/// What the unit allows the process, in MiB.
fn memory_max_mib(unit: &str) -> u64 {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(unit)).unwrap();
    let gib = text.lines().find_map(|line| line.strip_prefix("MemoryMax=")?.strip_suffix('G')).unwrap();
    gib.parse::<u64>().unwrap() * 1024
}

/// A booking of a hundred days ago, as nearly every one is remembered.
fn settled(id: usize) -> Entry {
    let end = Clock::system().now() - TimeDelta::days(100);
    let id = i64::try_from(id).unwrap();
    let mut entry = Entry::received(BookingId(36_000_000 + id), PracticeId(PRACTICE.into()), None, "p".repeat(32), end);
    let (start, appointment_type) = (end - TimeDelta::minutes(15), AppointmentTypeId(66));
    let span = Span::new(start, end);
    entry.place =
        Some(Place { location: LocationId(98), schedule: ScheduleId(136), user: None, appointment_type, span });
    entry.reference = Some(BookingReference(format!("{id}:be08d2d4-3f4f-4b1e-8b0a-2f6a3a6f4b61")));
    entry.booked_at = Some(start);
    (entry.state, entry.answered.acknowledged, entry.diary.inserted_at) =
        (State::Confirmed, Acknowledged::Yes, Some(start));
    let came = [
        (State::Submitting, StateReason::SlotIsFree),
        (State::Inserted, StateReason::Inserted),
        (State::Confirmed, StateReason::ConfirmationTaken),
    ];
    entry.history.extend(came.map(|(state, reason)| HistoryItem { state, at: start, reason }));
    entry
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ledger_that_is_listed_and_exported_takes_less_memory_than_the_systemd_units_allow() {
    let clinic = Clinic::open().await;
    let now = Clock::system().now();
    let store = Store::open(&clinic.state(), now).unwrap();
    let ledger = Ledger::open(store.clone(), now);
    for id in 0..SETTLED_MAX {
        ledger.save_later(&settled(id), now).unwrap();
    }
    store.flush().await.unwrap();
    drop((ledger, store));

    let service = Service::start(&clinic).await;
    let started = peak_mib(&service);
    // On a busy machine a program that is not optimised can need longer for all of them than the
    // command waits.
    let mut listed = clinic.run(&["bookings", "--json"]).await;
    for _ in 0..5 {
        if listed.status != 0 {
            listed = clinic.run(&["bookings", "--json"]).await;
        }
    }
    assert_eq!(
        (listed.status, listed.out.matches("\"booking_id\"").count()),
        (0, SETTLED_MAX),
        "{}{}",
        listed.error,
        listed.out.chars().take(500).collect::<String>()
    );
    let exported = clinic.run(&["state", "export", "backup.jsonl", "--json"]).await;
    assert_eq!(exported.status, 0, "{exported:?}");
    let peak = peak_mib(&service);
    println!("{started} MiB once it was started, {peak} MiB at most");
    // Answers that are far too large can come at the same time.
    for unit in ["vetbridge.service", "vetbridge@.service"] {
        let allowed = memory_max_mib(unit);
        assert!(peak + PEAK_MIB_MAX < allowed, "{peak} MiB of {allowed} MiB in {unit}");
    }
    service.stop().await;
}
