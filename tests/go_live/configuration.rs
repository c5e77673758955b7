//! PMS account and location configuration synchronisation, and PMS resource edge cases.

use vetbridge::ids::{AppointmentTypeId, ScheduleId};

use crate::clinic::{Clinic, PRACTICE, eventually};
use crate::service::Service;
use crate::world::{a_while, id, order, resources, told};

const CONTRACT: &str = "POST config/livenessContract";
const RESOURCES: &str = "POST config/pmsResources/snapshot";
const TYPES: &str = "POST config/pmsAppointmentTypes/snapshot";
const DAYS: &str = "POST availability/snapshots";

/// The configuration is read every second, as changes in OpenVPMS are noticed then.
fn quick(clinic: &Clinic) -> String {
    clinic.configuration().replace("[sync]\n", "[sync]\nconfig_interval = \"1s\"\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn initial_configuration_synchronisation() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let told = told(&clinic, PRACTICE);
    assert_eq!(order(&told, &[CONTRACT, RESOURCES, TYPES, DAYS]), [CONTRACT, RESOURCES, TYPES, DAYS]);
    assert!(clinic.healthengine.liveness_contract(&id(PRACTICE)).unwrap().is_some());
    assert_eq!(resources(&clinic, PRACTICE).len(), 2);
    assert_eq!(clinic.healthengine.appointment_types(&id(PRACTICE)).unwrap().len(), 8);
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn updating_liveness_contract_times_in_the_pms() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    let before = clinic.healthengine.liveness_contract(&id(PRACTICE)).unwrap();
    clinic.write("vetbridge.toml", &clinic.configuration().replace("08:00-18:00", "07:30-19:00"));
    eventually("the hours are sent", async || clinic.healthengine.liveness_contract(&id(PRACTICE)).unwrap() != before)
        .await;
    let contract = clinic.healthengine.liveness_contract(&id(PRACTICE)).unwrap().unwrap().to_string();
    assert!(contract.contains("07:30") && contract.contains("19:00"), "{contract}");
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_detected_in_pms_resource_snapshot() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &quick(&clinic));
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.openvpms.staff(|world| "Consulting Room".clone_into(&mut world.schedules[0].name));
    eventually("a renamed one is sent", async || {
        resources(&clinic, PRACTICE).iter().any(|own| own == "Consulting Room")
    })
    .await;
    clinic.openvpms.staff(|world| {
        let mut schedule = world.schedules[0].clone();
        (schedule.id, schedule.name) = (ScheduleId(999), "Second Room".to_owned());
        world.schedules.push(schedule);
    });
    eventually("a further one is sent", async || resources(&clinic, PRACTICE).len() == 3).await;
    clinic.openvpms.staff(|world| world.schedules.retain(|own| own.id != ScheduleId(999)));
    eventually("one that is gone is deleted", async || resources(&clinic, PRACTICE).len() == 2).await;
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_detected_in_pms_appointment_type_snapshot() {
    let clinic = Clinic::open().await;
    clinic.write("vetbridge.toml", &quick(&clinic));
    let service = Service::start_and_get_in_step(&clinic).await;
    let types = || clinic.healthengine.appointment_types(&id(PRACTICE)).unwrap();
    let length = || types().into_iter().find(|own| own.id == "66:s136").map(|own| own.length_minutes);
    let before = length().unwrap();
    let slots = |slots: u32| {
        clinic.openvpms.staff(|world| {
            let own = &mut world.schedules[0].types;
            own.iter_mut().filter(|(kind, _)| *kind == AppointmentTypeId(66)).for_each(|own| own.1 = slots);
        });
    };
    slots(3);
    eventually("a changed one is sent", async || length().is_some_and(|length| length != before)).await;
    slots(0);
    eventually("one that is gone is deleted", async || length().is_none()).await;
    slots(1);
    eventually("a further one is sent", async || length() == Some(before)).await;
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn manual_configuration_resync_action_by_pms_user() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.healthengine.forget_exchanges();
    let resync = clinic.run(&["resync", "--practice", PRACTICE, "--only", "config"]).await;
    assert_eq!(resync.status, 0, "{resync:?}");
    let told = told(&clinic, PRACTICE);
    assert_eq!(order(&told, &[CONTRACT, RESOURCES, TYPES, DAYS]), [CONTRACT, RESOURCES, TYPES]);
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn sending_configuration_after_being_temporarily_disabled() {
    let clinic = Clinic::open().await;
    let service = Service::start_and_get_in_step(&clinic).await;
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[98]\n", "[98]\nenabled = false\n"));
    eventually("it is silent", async || service.log().contains("nothing is sent for the practice any more")).await;
    clinic.healthengine.forget_exchanges();
    a_while().await;
    assert_eq!(told(&clinic, PRACTICE), []);
    clinic.write("vetbridge.toml", &clinic.configuration());
    let all = [CONTRACT, RESOURCES, TYPES, DAYS, "GET requests"];
    eventually("everything is sent", async || order(&told(&clinic, PRACTICE), &all) == all).await;
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}

#[tokio::test(flavor = "multi_thread")]
async fn managing_pms_practitioners_with_multiple_specialties() {
    let clinic = Clinic::open().await;
    let pairs =
        "[[practice.resource]]\nuser = 1158\nschedule = 136\n[[practice.resource]]\nuser = 1158\nschedule = 211\n";
    clinic.write("vetbridge.toml", &(clinic.configuration() + pairs));
    let service = Service::start_and_get_in_step(&clinic).await;
    let sent = clinic.healthengine.resources(&id(PRACTICE)).unwrap();
    let ids: Vec<&str> = sent.iter().map(|own| own.id.as_str()).collect();
    assert_eq!(ids, ["u1158-s136", "u1158-s211"]);
    for own in &sent {
        let names = (own.first_name.as_deref(), own.last_name.as_deref());
        assert_eq!(names, (Some("Andrew"), Some("Turner")), "{}", own.name);
    }
    assert_ne!(sent[0].name, sent[1].name);
    service.stop().await;
    assert_eq!(clinic.healthengine.violations(), []);
}
