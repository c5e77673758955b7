//! The disk fills while the program works, and is emptied again.

use std::fs;
use std::time::Duration;

use serde_json::Value;
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{MarketplaceStatus, RequestOutcome};

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::disks::Mounted;
use crate::service::Service;

/// Books until the program ends because it cannot write, and returns what was booked.
async fn book_until_it_ends(clinic: &Clinic, service: &mut Service) -> (Vec<BookingId>, i32) {
    let mut bookings = Vec::new();
    for _ in 0..200 {
        if !service.runs() {
            break;
        }
        bookings.push(clinic.book(if bookings.len().is_multiple_of(2) { "s136" } else { "s211" }).await);
        for _ in 0..20 {
            tokio::time::sleep(Duration::from_millis(20)).await;
            if !service.runs()
                || clinic.healthengine.booking(*bookings.last().unwrap()).unwrap().answer != RequestOutcome::Open
            {
                break;
            }
        }
        // Every day is written again.
        for _ in 0..5 {
            service.try_post(&format!("/api/v1/practices/{PRACTICE}/resync?only=availability")).await;
        }
        if bookings.len() > 12 {
            // Free again, so that there is always a time on offer.
            let _ = clinic.healthengine.cancel(bookings[bookings.len() - 12]);
        }
    }
    let (status, _) = service.wait().await;
    (bookings, status)
}

/// No appointment twice, and what was confirmed stands, or somebody is told.
async fn compare(clinic: &Clinic, service: &Service, bookings: &[BookingId]) {
    let answered = |id: &BookingId| {
        let view = clinic.healthengine.booking(*id).unwrap();
        view.answer != RequestOutcome::Open && view.open_updates.is_empty()
    };
    eventually("everything is answered", async || bookings.iter().all(answered)).await;
    let ledger = async || -> Vec<Value> { service.get("/api/v1/bookings").await.json().await.unwrap() };
    let open = |entry: &Value| ["received", "submitting", "inserted"].contains(&entry["state"].as_str().unwrap());
    eventually("nothing is open", async || !ledger().await.iter().any(open)).await;
    let ledger = ledger().await;
    for id in bookings {
        let standing = clinic.standing(*id);
        let view = clinic.healthengine.booking(*id).unwrap();
        let entry = ledger.iter().find(|entry| entry["booking_id"].as_i64() == Some(id.0));
        let flagged = entry.is_some_and(|entry| entry["needs_attention"].is_string());
        match (view.status, standing) {
            (MarketplaceStatus::Confirmed, 1) | (MarketplaceStatus::Cancelled | MarketplaceStatus::Failed, 0) => {}
            (status, standing) => assert!(
                standing <= 1 && flagged,
                "booking {id}: {status:?} with {standing} appointments, ledger {entry:?}\n{}",
                service.log()
            ),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_cannot_grow_ends_the_program_with_status_1_and_the_next_one_has_everything() {
    let clinic = Clinic::open().await;
    clinic.write(
        "vetbridge.toml",
        &clinic.configuration().replace("request_timeout = \"5s\"", "request_timeout = \"1s\""),
    );
    Service::start_and_get_in_step(&clinic).await.stop().await;
    let size = fs::metadata(clinic.state().join("db")).unwrap().len();
    // The shell's limit counts blocks of 512 bytes. A write beyond it fails as one on a full disk
    // does, with EFBIG for ENOSPC. sled makes room for half a megabyte when it opens, and for the
    // next when that is used up.
    let limit = (size + 600 * 1024).div_ceil(512);
    let mut service = Service::start_limited(&clinic, &format!("trap '' XFSZ; ulimit -f {limit}")).await;
    let (bookings, status) = book_until_it_ends(&clinic, &mut service).await;
    assert_eq!(status, 1, "{}", service.log());
    assert!(service.log().contains("had to stop"), "{}", service.log());
    assert!(bookings.len() > 1);

    let service = Service::start(&clinic).await;
    compare(&clinic, &service, &bookings).await;
    service.stop().await;
    let verified = clinic.run(&["state", "verify"]).await;
    assert_eq!(verified.status, 0, "{verified:?}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs root: run tests/power_cut.sh"]
async fn on_a_small_disk_that_is_full_it_ends_waits_without_a_store_and_goes_on_when_there_is_room() {
    let clinic = Clinic::open().await;
    let _disk = Mounted::tmpfs("3m", &clinic.state());
    let mut service = Service::start_and_get_in_step(&clinic).await;
    let ballast = clinic.state().join("ballast");
    fill(&ballast);
    let (mut bookings, status) = book_until_it_ends(&clinic, &mut service).await;
    assert_eq!(status, 1, "{}", service.log());

    // Not a byte is free.
    fill(&clinic.state().join("more-ballast"));
    let service = Service::start(&clinic).await;
    let why: Value = service.get("/api/v1/status").await.json().await.unwrap();
    assert!(why["healthy"] == false && why.to_string().contains("Bookings cannot be made"), "{why}");
    tokio::time::sleep(Duration::from_secs(1)).await;
    let rejected = clinic.book("s136").await;
    let failed = || clinic.healthengine.booking(rejected).unwrap().status == MarketplaceStatus::Failed;
    eventually("a new booking is rejected", async || failed()).await;
    bookings.push(rejected);

    fs::remove_file(clinic.state().join("more-ballast")).unwrap();
    fs::remove_file(ballast).unwrap();
    eventually("it is in step again", async || service.open("/readyz").await.status() == 200).await;
    bookings.push(clinic.book("s136").await);
    compare(&clinic, &service, &bookings).await;
    service.stop().await;
}

/// Writes until the disk is full.
fn fill(file: &std::path::Path) {
    use std::io::Write as _;
    let mut file = fs::File::create(file).unwrap();
    while file.write_all(&[0; 1024]).is_ok() {}
    while file.write_all(&[0]).is_ok() {}
}
