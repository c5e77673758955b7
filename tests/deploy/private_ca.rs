//! OpenVPMS behind TLS with a certificate of the clinic's own authority (docs/network.md).

use crate::clinic::{Clinic, eventually};
use crate::service::Service;
use crate::{file, tls};

/// The clinic's configuration with OpenVPMS over TLS, and this `ca_file`.
pub(crate) async fn configuration(clinic: &Clinic, ca_file: Option<&str>) -> String {
    configuration_at(clinic, tls::before(openvpms_port(clinic)).await, ca_file)
}

/// Where the clinic's OpenVPMS listens.
pub(crate) fn openvpms_port(clinic: &Clinic) -> u16 {
    let url = openvpms_url(&clinic.configuration());
    url.trim_start_matches("http://127.0.0.1:").trim_end_matches("/openvpms").parse().unwrap()
}

fn openvpms_url(text: &str) -> String {
    text.split("url = \"").nth(1).and_then(|rest| rest.split('"').next()).unwrap().to_owned()
}

/// The same where TLS ends at this port.
pub(crate) fn configuration_at(clinic: &Clinic, port: u16, ca_file: Option<&str>) -> String {
    let text = clinic.configuration();
    let (url, encrypted) = (openvpms_url(&text), format!("https://127.0.0.1:{port}/openvpms"));
    let key = ca_file.map(|path| format!("[openvpms]\nca_file = \"{path}\"\n")).unwrap_or_default();
    text.replace(&url, &encrypted).replace("[openvpms]\n", if key.is_empty() { "[openvpms]\n" } else { &key })
}

/// `check` finds nothing, and what a pet owner books stands in the diary.
pub(crate) async fn all_is_well_and_a_booking_is_made(clinic: &Clinic) {
    let checked = clinic.run(&["check"]).await;
    assert!(checked.status == 0 && checked.out.contains("takes the password"), "{checked:?}");
    let service = Service::start_and_get_in_step(clinic).await;
    let booking = clinic.book("s136").await;
    eventually("the appointment stands", async || clinic.standing(booking) == 1).await;
    service.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_clinics_own_authority_as_ca_file_a_booking_is_made_over_tls() {
    let clinic = Clinic::open().await;
    // The former authority stands before it in the same file.
    clinic.write("clinic-ca.pem", &(file("fixtures/test-ca.pem") + &file("fixtures/tls/ca.pem")));
    clinic.write("vetbridge.toml", &configuration(&clinic, Some("clinic-ca.pem")).await);
    all_is_well_and_a_booking_is_made(&clinic).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_it_or_with_another_authority_nothing_is_asked_and_the_finding_names_ca_file() {
    let clinic = Clinic::open().await;
    clinic.write("other.pem", &file("fixtures/test-ca.pem"));
    for ca_file in [None, Some("other.pem")] {
        clinic.write("vetbridge.toml", &configuration(&clinic, ca_file).await);
        let checked = clinic.run(&["check"]).await;
        assert_eq!(checked.status, 1, "{checked:?}");
        assert!(checked.out.contains("nobody whom this machine trusts signed the server's certificate"), "{checked:?}");
        assert!(checked.out.contains("name that one's file as ca_file"), "{checked:?}");
        assert!(!checked.out.contains("takes the password"), "{checked:?}");
    }
}
