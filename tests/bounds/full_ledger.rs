//! The program as a process, on a ledger that is as full as it gets: what the systemd unit allows
//! it is enough.

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

#[tokio::test(flavor = "multi_thread")]
async fn a_full_ledger_that_is_listed_and_exported_takes_less_memory_than_the_systemd_units_allow() {
    let clinic = Clinic::open().await;
    let now = Clock::system().now();
    let store = Store::open(&clinic.state(), now).unwrap();
    let ledger = Ledger::open(store.clone(), now);
    for number in 0..SETTLED_MAX {
        ledger.save_later(&settled(PRACTICE, i64::try_from(number).unwrap()), now).unwrap();
    }
    store.flush().await.unwrap();
    drop((ledger, store));

    let service = Service::start(&clinic).await;
    let started = peak_mib(&service);
    let listed = clinic.run(&["bookings", "--json"]).await;
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
