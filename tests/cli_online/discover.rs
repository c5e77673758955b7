//! `vetbridge discover`, and what is made of its output.

use crate::clinic::Clinic;

#[tokio::test(flavor = "multi_thread")]
async fn what_discover_prints_passes_check_once_id_and_key_are_filled_in() {
    let clinic = Clinic::open().await;
    // Of the configuration discover needs [openvpms] only.
    let settings = clinic.settings();
    let (openvpms, rest) = settings.split_once("[healthengine]").unwrap();
    clinic.write("vetbridge.toml", openvpms);
    let discovered = clinic.run(&["discover", "--toml"]).await;
    assert_eq!((discovered.status, discovered.error.as_str()), (0, ""), "{}", discovered.out);
    // The branch clinic has no schedule, so one block is to be filled in.
    let filled_in =
        discovered.out.replace("id = \"\"", "id = \"1234567\"").replace("key = \"\"", "key = \"the-practice-key\"");
    assert_eq!(filled_in.matches("1234567").count(), 1, "{filled_in}");
    clinic.write("vetbridge.toml", &format!("{openvpms}[healthengine]{rest}\n{filled_in}"));
    let checked = clinic.run(&["check"]).await;
    assert_eq!((checked.status, checked.error.as_str()), (0, ""), "{}", checked.out);
    assert!(checked.out.ends_with("No problem found.\n"), "{}", checked.out);
    // Two schedules and Andrew on 136: three resources with four types each.
    assert!(checked.out.contains("3 resources, 12 appointment types of 15 to 60 minutes"), "{}", checked.out);
}

#[tokio::test(flavor = "multi_thread")]
async fn discover_shows_the_clinic_to_people_and_to_programs() {
    let clinic = Clinic::open().await;
    let text = clinic.run(&["discover"]).await;
    assert_eq!((text.status, text.error.as_str()), (0, ""));
    for line in [
        "location 98  Main Clinic  (Australia/Sydney)",
        "  schedule 136  Main Appointment Schedule  slots of 15 minutes",
        "    appointment type 63  Long Consult  30 minutes",
        "  user 1158  Andrew Turner  rostered on schedule 136",
    ] {
        assert!(text.out.lines().any(|own| own.starts_with(line)), "{line}: {}", text.out);
    }
    let json = clinic.run(&["discover", "--json"]).await;
    let locations: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    let ids: Vec<i64> = locations.as_array().unwrap().iter().map(|own| own["location"].as_i64().unwrap()).collect();
    assert_eq!(ids, [106, 98]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_cannot_be_asked_is_named_with_the_remedy() {
    let clinic = Clinic::open().await;
    clinic.write("openvpms.password", "wrong");
    let refused = clinic.run(&["discover"]).await;
    assert_eq!((refused.status, refused.out.as_str()), (1, ""));
    assert!(
        refused.error.contains("password of user \"sample\"") && refused.error.contains("[openvpms]"),
        "{}",
        refused.error
    );
    clinic.write("openvpms.password", "changeit ");
    let refused = clinic.run(&["discover"]).await.error;
    assert!(refused.contains("openvpms.password ends with a blank. Take that away at its end"), "{refused}");
    clinic.openvpms_faults.close_port();
    let away = clinic.run(&["discover"]).await;
    assert!(away.status == 1 && away.error.contains("VPN"), "{}", away.error);
    assert_eq!(away.error.lines().count(), 1, "{}", away.error);
}
