//! Linking a PMS account to one or more Healthengine practices.

use crate::clinic::{Clinic, PRACTICE, eventually, practice};
use crate::service::Service;
use crate::world::{OTHER, a_while, add_other, both, id, offers, open_branch, order, resources, told};

const CONFIGURATION: [&str; 3] =
    ["POST config/livenessContract", "POST config/pmsResources/snapshot", "POST config/pmsAppointmentTypes/snapshot"];

#[tokio::test(flavor = "multi_thread")]
async fn linking_the_pms_account_with_a_healthengine_practice() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &clinic.settings());
    let service = Service::start(&clinic).await;
    assert_eq!(told(&clinic, PRACTICE), []);
    // The practice passes on its id and key, and the administrator writes them into the file.
    clinic.write("vetbridge.toml", &clinic.configuration());
    eventually("its configuration is sent", async || order(&told(&clinic, PRACTICE), &CONFIGURATION) == CONFIGURATION)
        .await;
    eventually("its times are offered", async || offers(&clinic, PRACTICE) > 0).await;
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn practice_provides_healthengine_practice_id_and_practice_key_without_consent_or_for_a_revoked_consent() {
    let clinic = Clinic::open().await;
    clinic.healthengine.revoke_consent(&id(PRACTICE)).unwrap();
    let service = Service::start(&clinic).await;
    let guidance = "API Consumer Consent";
    eventually("the log has the guidance", async || service.log().contains(guidance)).await;
    eventually("the page has it", async || service.get("/").await.text().await.unwrap().contains(guidance)).await;
    let status = clinic.run(&["status"]).await;
    assert!(status.status == 1 && status.out.contains(guidance), "{status:?}");
    // A refusal is believed after half a minute. Until then polls ask again, with growing pauses: not
    // every 100 ms.
    let calls = told(&clinic, PRACTICE).len();
    a_while().await;
    assert!(told(&clinic, PRACTICE).len() <= calls + 6, "it is asked with growing pauses");
    assert_eq!(service.open("/readyz").await.status(), 503);
    // Consent is granted, and nobody waits five minutes who has the configuration read again.
    clinic.healthengine.grant_consent(&id(PRACTICE)).unwrap();
    service.signal("HUP");
    eventually("its times are offered", async || offers(&clinic, PRACTICE) > 0).await;
    eventually("it is in step", async || service.open("/readyz").await.status() == 200).await;
    assert_eq!(clinic.run(&["status"]).await.status, 0);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn integration_of_pms_account_with_multi_location_support() {
    let clinic = Clinic::open().await;
    add_other(&clinic);
    open_branch(&clinic);
    clinic.write("vetbridge.toml", &both(&clinic));
    let service = Service::start_and_get_in_step(&clinic).await;
    assert_eq!(resources(&clinic, PRACTICE), ["Main Appointment Schedule", "Main Surgery Schedule"]);
    assert_eq!(resources(&clinic, OTHER), ["Branch Appointment Schedule"]);
    // And both locations as one practice.
    service.stop().await;
    clinic.healthengine.forget_exchanges();
    let one = practice(PRACTICE, "the-practice-key", "").replace("[98]", "[98, 106]");
    let removed = practice(OTHER, "the-other-key", "enabled = false").replace("[98]", "[107]");
    clinic.write("vetbridge.toml", &(clinic.settings() + &one + &removed));
    let service = Service::start(&clinic).await;
    eventually("one practice has all three", async || resources(&clinic, PRACTICE).len() == 3).await;
    eventually("the other offers nothing", async || offers(&clinic, OTHER) == 0).await;
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn updating_a_healthengine_practice_id_for_a_pms_account_or_location() {
    let clinic = Clinic::open().await;
    add_other(&clinic);
    let service = Service::start_and_get_in_step(&clinic).await;
    eventually("the former practice is offered", async || offers(&clinic, PRACTICE) > 0).await;
    clinic.write("vetbridge.toml", &(clinic.settings() + &practice(OTHER, "the-other-key", "")));
    eventually("the next practice is set up", async || order(&told(&clinic, OTHER), &CONFIGURATION) == CONFIGURATION)
        .await;
    eventually("the former one offers nothing", async || offers(&clinic, PRACTICE) == 0).await;
    eventually("the farewell is over", async || service.log().contains("nothing is sent for the practice any more"))
        .await;
    clinic.healthengine.expect_silence(&id(PRACTICE)).unwrap();
    eventually("the next one is offered", async || offers(&clinic, OTHER) > 0).await;
    a_while().await;
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}
