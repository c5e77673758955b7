//! The clinic's end as docs/network.md has it: a certificate made by the page's own commands, and a proxy before
//! OpenVPMS.

use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use parking_lot::Mutex;
use tempfile::TempDir;
use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::net::TcpListener;
use vetbridge::config;

use crate::clinic::Clinic;
use crate::proxy_program::{Proxy, ProxyKind};
use crate::{file, private_ca, tls, tomcat_path};

const PAGE: &str = "docs/network.md";
/// All that passes.
const BOOKING_API: &str = "/openvpms/ws/booking/";
const OWN: [u8; 4] = [127, 0, 0, 1];

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
    let status = async |from, path| status(&authority, &proxy, from, path).await;
    // OpenVPMS's own answer to somebody without a password.
    assert_eq!(status(OWN, "/openvpms/ws/booking/v2/locations").await, 401);
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
        // The proxy's `..` goes up from `..;`, and Tomcat's goes up from where `..;` led.
        "/openvpms/ws/booking/..;/../app",
        "/openvpms/ws/booking/..;x/../ws/customer/1",
        "/openvpms/ws/booking/a/..;/../..;/../manager/html",
        "/openvpms/ws/booking/%2e%2e;/%2e%2e/app",
        "/app/../openvpms/ws/booking/v2/locations",
        "/openvpms/ws/booking//v2/locations",
        "/openvpms/ws/booking/v2/./locations",
        "/openvpms/ws/%62ooking/v2/locations",
    ] {
        assert_eq!(status(OWN, path).await, 404, "{path}");
    }
    let stranger = status([127, 0, 0, 3], "/openvpms/ws/booking/v2/locations").await;
    assert_eq!(stranger, for_strangers, "somebody else in the VPN");
}

/// The status of the answer to a request for this path, as it is sent.
async fn status(authority: &Path, proxy: &Proxy, from: [u8; 4], path: &str) -> u16 {
    let request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\n\r\n");
    let answer = tls::exchange_under(authority, from, proxy.port, &request).await;
    let status = answer.split(' ').nth(1).and_then(|status| status.parse().ok());
    status.unwrap_or_else(|| panic!("{path}: {answer}"))
}

/// In the place of Tomcat: a server that writes down the targets of the requests that reach it, and its port.
async fn recorder() -> (u16, Arc<Mutex<Vec<String>>>) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let (port, targets) = (listener.local_addr().unwrap().port(), Arc::new(Mutex::new(Vec::new())));
    let heard = Arc::clone(&targets);
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let heard = Arc::clone(&heard);
            tokio::spawn(async move {
                let (mut stream, mut line) = (BufReader::new(stream), Vec::new());
                while line != b"\r\n" {
                    if line.starts_with(b"GET ") {
                        let line = String::from_utf8_lossy(&line);
                        heard.lock().push(line["GET ".len()..line.rfind(" HTTP/").unwrap()].to_owned());
                    }
                    line.clear();
                    if stream.read_until(b'\n', &mut line).await.unwrap_or(0) == 0 {
                        return;
                    }
                }
                let _gone = stream.write_all(b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n").await;
            });
        }
    });
    (port, targets)
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clinics_nginx_passes_on_tomcat_takes_for_the_booking_api() {
    tomcat_serves_nothing_but_the_booking_api(ProxyKind::Nginx).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_clinics_caddy_passes_on_tomcat_takes_for_the_booking_api() {
    tomcat_serves_nothing_but_the_booking_api(ProxyKind::Caddy).await;
}

async fn tomcat_serves_nothing_but_the_booking_api(kind: ProxyKind) {
    if !can_be_walked(kind) {
        return;
    }
    let certificates = TempDir::new().unwrap();
    make_certificates(certificates.path());
    let (port, targets) = recorder().await;
    let proxy = Proxy::before_openvpms(kind, port, certificates.path()).await;
    let authority = certificates.path().join("clinic-ca.pem");

    // What vetbridge asks arrives as it was sent.
    let own = [
        "/openvpms/ws/booking/v2/locations",
        "/openvpms/ws/booking/v2/users/1158/locations/98/freebusy?from=2027-02-15T00%3A00%3A00%2B11%3A00&to=2027-02-16T00%3A00%3A00%2B11%3A00&slots=true",
        "/openvpms/ws/booking/v2/bookings/603%3Abe08c2a4-56d9-4a6f-9f4c-0d2b6a1f7e11",
    ];
    for path in own {
        assert_eq!(status(&authority, &proxy, OWN, path).await, 204, "{path}");
    }
    assert_eq!(std::mem::take(&mut *targets.lock()), own);

    let is_booking_api = |path: &String| path.starts_with(BOOKING_API);
    let nasty = tomcat_path::nasty_below(BOOKING_API);
    let leads_out = nasty.iter().filter(|target| !tomcat_path::served(target).iter().all(is_booking_api)).count();
    assert!(nasty.len() > 600 && leads_out > 200, "{leads_out} of {} lead out", nasty.len());
    for target in &nasty {
        let status = status(&authority, &proxy, OWN, target).await;
        assert!(matches!(status, 204 | 400 | 404), "{target}: {status}");
    }
    let passed = targets.lock();
    assert!(passed.iter().any(|target| target == "/openvpms/ws/booking/v2/v2/app"), "{passed:?}");
    let elsewhere = passed.iter().flat_map(|target| {
        let served = tomcat_path::served(target).into_iter().filter(|path| !is_booking_api(path));
        served.map(move |path| format!("{target} is {path}"))
    });
    assert_eq!(elsewhere.collect::<Vec<_>>(), [""; 0], "{kind:?} passes on what Tomcat serves elsewhere");
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
