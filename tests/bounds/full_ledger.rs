//! The program as a process, on a ledger that is as full as it gets: it takes no more memory for it
//! than `docs/performance.md` says, and what the systemd unit allows it is enough.

use std::path::Path;

use vetbridge::clock::Clock;
use vetbridge::practice::ledger::{Ledger, SETTLED_MAX};
use vetbridge::store::Store;

use crate::clinic::{Clinic, PRACTICE};
use crate::memory::{PEAK_MIB_MAX, peak_mib};
use crate::service::Service;
use crate::settled::settled;

/// What the unit allows the process, in MiB.
fn memory_max_mib(unit: &str) -> u64 {
    let text = std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("deploy").join(unit)).unwrap();
    let gib = text.lines().find_map(|line| line.strip_prefix("MemoryMax=")?.strip_suffix('G')).unwrap();
    gib.parse::<u64>().unwrap() * 1024
}

/// What a bridge with this many settled bookings takes at most, at rest and while four lists of
/// them are sent, by the table of the page: in MB, of a release build.
fn documented_mb() -> (u64, u64) {
    let page = include_str!("../../docs/performance.md");
    let row = page.lines().find(|line| line.starts_with("| 50,000 settled bookings")).unwrap();
    let aims = row.trim_end_matches('|').rsplit('|').next().unwrap().trim();
    let (at_rest, lists) = aims.split_once(" MB, ").unwrap();
    (at_rest.parse().unwrap(), lists.strip_suffix(" MB under lists").unwrap().parse().unwrap())
}

/// The service as the unit starts it.
async fn start(clinic: &Clinic) -> Service {
    let mut command = clinic.command(&["run", "--log-format", "json"]);
    command.env("MALLOC_ARENA_MAX", "1");
    Service::spawn(clinic, command).await
}

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ledger_that_is_listed_and_exported_takes_no_more_memory_than_the_page_says_and_the_units_allow() {
    assert_eq!(SETTLED_MAX, 50_000, "the page tells of so many");
    let (at_rest_mb, lists_mb) = documented_mb();
    let clinic = Clinic::open().await;
    let service = start(&clinic).await;
    // A debug build is several times as large, with and without bookings. What these add is less
    // than the page allows the whole.
    let empty = peak_mib(&service);
    service.stop().await;
    let now = Clock::system().now();
    let store = Store::open(&clinic.state(), now).unwrap();
    let ledger = Ledger::open(store.clone(), now);
    for number in 0..SETTLED_MAX {
        ledger.save_later(&settled(PRACTICE, i64::try_from(number).unwrap()), now).unwrap();
    }
    store.flush().await.unwrap();
    drop((ledger, store));

    let service = start(&clinic).await;
    let started = peak_mib(&service);
    assert!(started <= empty + at_rest_mb, "{empty} MiB without bookings, {started} MiB with them");
    let list = || clinic.run(&["bookings", "--json"]);
    let (one, two, three, four) = tokio::join!(list(), list(), list(), list());
    for listed in [one, two, three, four] {
        assert_eq!(
            (listed.status, listed.out.matches("\"booking_id\"").count()),
            (0, SETTLED_MAX),
            "{}{}",
            listed.error,
            listed.out.chars().take(500).collect::<String>()
        );
    }
    let lists = peak_mib(&service);
    assert!(lists <= empty + lists_mb, "{empty} MiB without bookings, {lists} MiB while four lists are sent");
    let exported = clinic.run(&["state", "export", "backup.jsonl", "--json"]).await;
    assert_eq!(exported.status, 0, "{exported:?}");
    let peak = peak_mib(&service);
    println!(
        "{empty} MiB without bookings, {started} MiB once it was started, {lists} MiB with lists, {peak} MiB at most"
    );
    // Answers that are far too large can come at the same time.
    for unit in ["vetbridge.service", "vetbridge@.service"] {
        let allowed = memory_max_mib(unit);
        assert!(peak + PEAK_MIB_MAX < allowed, "{peak} MiB of {allowed} MiB in {unit}");
    }
    service.stop().await;
}
