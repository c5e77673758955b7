//! The clinic's end as docs/network.md has it: a certificate made by the page's own commands, and a proxy before
//! OpenVPMS.

use std::path::Path;
use std::process::Command;

use tempfile::TempDir;
use vetbridge::config;

use crate::clinic::Clinic;
use crate::proxy_program::{Proxy, ProxyKind};
use crate::{file, private_ca, tls};

const PAGE: &str = "docs/network.md";

/// Has the page's commands make the authority and the certificate, for 127.0.0.1 in place of the address in the VPN.
fn make_certificates(directory: &Path) {
    let page = file(PAGE);
    let start = page.find("\nopenssl req -x509").expect("the page makes an authority") + 1;
    let commands = page[start..].split("```").next().unwrap().replace("10.8.0.1", "127.0.0.1");
    let made = Command::new("sh").arg("-ec").arg(&commands).current_dir(directory).output().unwrap();
    assert!(made.status.success(), "{commands}\n{made:?}");
}

/// False where openssl or the proxy is not installed.
fn can_be_walked(kind: ProxyKind) -> bool {
    let openssl = Command::new("openssl").arg("version").output().is_ok_and(|output| output.status.success());
    let required = std::env::var_os("PROXIES").is_some_and(|value| value == "required");
    assert!(openssl || !required, "PROXIES=required, and openssl is not installed");
    if !openssl {
        eprintln!("LEFT OUT: openssl is not installed");
    }
    openssl && kind.is_here()
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_clinics_nginx_a_booking_is_made_and_nothing_but_the_booking_api_is_reached() {
    only_the_booking_api_is_reached(ProxyKind::Nginx, 403).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn through_the_clinics_caddy_a_booking_is_made_and_nothing_but_the_booking_api_is_reached() {
    only_the_booking_api_is_reached(ProxyKind::Caddy, 404).await;
}

async fn only_the_booking_api_is_reached(kind: ProxyKind, for_strangers: u16) {
    if !can_be_walked(kind) {
        return;
    }
    let certificates = TempDir::new().unwrap();
    make_certificates(certificates.path());
    let clinic = Clinic::open().await;
    let proxy = Proxy::before_openvpms(kind, private_ca::openvpms_port(&clinic), certificates.path()).await;

    // Without the new authority nothing is asked; with it, all is well.
    clinic.write("vetbridge.toml", &private_ca::configuration_at(&clinic, proxy.port, None));
    let refused = clinic.run(&["check"]).await;
    assert!(refused.status == 1 && refused.out.contains("nobody whom this machine trusts"), "{refused:?}");
    std::fs::copy(certificates.path().join("clinic-ca.pem"), clinic.directory.path().join("clinic-ca.pem")).unwrap();
    clinic.write("vetbridge.toml", &private_ca::configuration_at(&clinic, proxy.port, Some("clinic-ca.pem")));
    private_ca::all_is_well_and_a_booking_is_made(&clinic).await;

    let authority = certificates.path().join("clinic-ca.pem");
    let status = async |from: [u8; 4], path: &str| {
        let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
        let answer = tls::exchange_under(&authority, from, proxy.port, &request).await;
        answer
            .split(' ')
            .nth(1)
            .and_then(|status| status.parse::<u16>().ok())
            .unwrap_or_else(|| panic!("{path}: {answer}"))
    };
    let own = [127, 0, 0, 1];
    // OpenVPMS's own answer to somebody without a password.
    assert_eq!(status(own, "/openvpms/ws/booking/v2/locations").await, 401);
    for path in [
        "/",
        "/openvpms",
        "/openvpms/",
        "/openvpms/app",
        "/openvpms/login",
        "/openvpms/ws/",
        "/openvpms/ws/booking",
        "/openvpms/ws/bookings/v2/locations",
        "/openvpms/ws/customer/1",
        "/openvpms/ws/booking/../../app",
        "/openvpms/ws/booking/..%2f..%2fapp",
        "/openvpms/ws/booking%2f..%2f..%2fapp",
        "/openvpms/ws/booking/%2e%2e/%2e%2e/app",
        "/manager/html",
        // Tomcat takes `..;` for `..`.
        "/openvpms/ws/booking/..;/..;/app",
        "/openvpms/ws/booking/x/..;a=b/..;/..;/app",
        "/openvpms/ws/booking/%2e%2e;/%2e%2e;/app",
        "/openvpms/ws/booking/..%3b/..%3b/app",
        "/openvpms/ws/booking/v2/locations;x=y",
        "/openvpms/ws/booking/..%5c..%5capp",
    ] {
        assert_eq!(status(own, path).await, 404, "{path}");
    }
    let stranger = status([127, 0, 0, 3], "/openvpms/ws/booking/v2/locations").await;
    assert_eq!(stranger, for_strangers, "somebody else in the VPN");
}

#[test]
fn the_allow_list_has_the_addresses_and_ports_that_vetbridge_has() {
    let (page, example) = (file(PAGE), config::EXAMPLE);
    let allowed = example.split("# allowed_ips = [").nth(1).unwrap().split(']').next().unwrap();
    assert!(page.contains(&format!("| Healthengine | {} |", allowed.replace('"', ""))), "{allowed}");
    assert!(page.contains(&format!("`{}`, `/metrics` only", config::ADMIN_LISTEN)));
    assert!(example.contains("# listen = \"127.0.0.1:8687\"") && page.contains("| `127.0.0.1:8687` |"));
    assert!(
        example.contains("https://healthengine.com.au/pms-api") && page.contains("| `healthengine.com.au` | TCP 443 |")
    );
}
