//! Syncing resource availability.

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::service::Service;
use crate::world::{id, offers, told};

fn batches(clinic: &Clinic) -> usize {
    told(clinic, PRACTICE).iter().filter(|(_, call)| call == "POST availability/snapshots").count()
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_availability_resync_action_by_pms_user() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.healthengine.forget_exchanges();
    let resync = clinic.run(&["resync", "--practice", PRACTICE, "--only", "availability"]).await;
    assert!(resync.status == 0 && resync.out.contains("availability: 10 days"), "{resync:?}");
    assert_eq!(batches(&clinic), 1);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_availability_after_being_temporarily_disabled() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    eventually("it is offered", async || offers(&clinic, PRACTICE) > 0).await;
    let paused = clinic.run(&["pause", "--practice", PRACTICE]).await;
    assert_eq!(paused.status, 0, "{paused:?}");
    eventually("nothing is offered", async || offers(&clinic, PRACTICE) == 0).await;
    let resumed = clinic.run(&["resume", "--practice", PRACTICE]).await;
    assert_eq!(resumed.status, 0, "{resumed:?}");
    for resource in ["s136", "s211"] {
        for day in clinic.today().iter_days().skip(1).take(4) {
            let sent = || clinic.healthengine.published(&id(PRACTICE), resource, day).unwrap();
            eventually("every day is sent", async || sent().is_some_and(|ranges| !ranges.is_empty())).await;
        }
    }
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}
