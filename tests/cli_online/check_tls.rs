//! `check`, its part about TLS: certificates of servers and authorities, and `public_url`.

use std::sync::Arc;

use serde_json::Value;

use crate::check::{assert_says, problem, problems};
use crate::clinic::{Clinic, free_port};

const NO_SUCH_PAGE: &str = "HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\nconnection: close\r\n\r\n";

/// A server over TLS, with a certificate for 127.0.0.1, that has one answer.
fn tls_server(answer: &'static str) -> u16 {
    tls_server_with(&["good.pem"], answer)
}

/// The same with these certificates, its own first.
fn tls_server_with(chain: &[&str], answer: &'static str) -> u16 {
    use rustls::pki_types::pem::PemObject as _;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};
    use std::io::{Read as _, Write as _};

    vetbridge::http::network::install_crypto_provider();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls");
    let chain = chain.iter().map(|name| CertificateDer::from_pem_file(directory.join(name)).unwrap()).collect();
    let key = PrivateKeyDer::from_pem_file(directory.join("server.key")).unwrap();
    let config = rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(chain, key).unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(stream) = stream else { return };
            let mut tls = rustls::StreamOwned::new(rustls::ServerConnection::new(Arc::clone(&config)).unwrap(), stream);
            let mut asked = [0; 2048];
            let _failed = tls.read(&mut asked).and_then(|_| tls.write_all(answer.as_bytes()));
            tls.conn.send_close_notify();
            let _failed = tls.conn.complete_io(&mut tls.sock);
        }
    });
    port
}

/// The finding about `public_url`, as `level: message`, where a server with a certificate that is trusted, or not, has
/// this answer.
async fn public_url(answer: &'static str, is_trusted: bool) -> String {
    let clinic = Clinic::open().await;
    let port = if answer.is_empty() { free_port().await } else { tls_server(answer) };
    let webhooks = format!(
        "[webhooks]\nlisten = \"127.0.0.1:{}\"\npublic_url = \"https://127.0.0.1:{port}/hooks\"\nsecret = \
         \"9c1f0d3b7a52e846\"\n[sync]",
        free_port().await
    );
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[sync]", &webhooks));
    let mut command = clinic.command(&["check", "--json"]);
    if is_trusted {
        command.env("SSL_CERT_FILE", std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls/ca.pem"));
    }
    let output = tokio::task::spawn_blocking(move || command.output()).await.unwrap().unwrap();
    let findings: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    let found: Vec<_> = findings.iter().filter(|finding| finding["place"] == "[webhooks] public_url").collect();
    assert_eq!(found.len(), 1, "{findings:#?}");
    format!("{}: {}", found[0]["level"].as_str().unwrap(), found[0]["message"].as_str().unwrap())
}

#[tokio::test(flavor = "multi_thread")]
async fn public_url_is_asked_and_what_cannot_be_known_from_here_is_said_so() {
    let ours = "HTTP/1.1 403 Forbidden\r\ncontent-length: 35\r\n\r\nThis address may not send webhooks.";
    let ours_whole = "HTTP/1.1 403 Forbidden\r\ncontent-length: 36\r\n\r\nThis address may not send webhooks.\n";
    let page = "HTTP/1.1 200 OK\r\ncontent-length: 28\r\n\r\n<html><title>Shop</title>....";
    let proxy = "HTTP/1.1 502 Bad Gateway\r\ncontent-length: 0\r\n\r\n";
    for (answer, is_trusted, told) in [
        (ours_whole, true, "ok: https://127.0.0.1"),
        (ours, true, "note: Whether https://127.0.0.1"),
        (page, true, "problem: https://127.0.0.1"),
        (proxy, true, "note: https://127.0.0.1"),
        (NO_SUCH_PAGE, true, "problem: https://127.0.0.1"),
        (page, false, "problem: https://127.0.0.1"),
        ("", true, "note: https://127.0.0.1"),
    ] {
        let found = public_url(answer, is_trusted).await;
        assert!(found.starts_with(told), "{answer}: {found}");
    }
    let found = public_url(page, true).await;
    assert!(found.contains("does not lead to the webhook listener: status 200, a page titled \"Shop\""), "{found}");
    assert!(public_url(page, false).await.contains("nobody whom this machine trusts signed"));
    assert!(public_url("", true).await.contains("cannot be reached from here"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_authority_that_has_ended_is_a_problem() {
    let clinic = Clinic::open().await;
    let expired = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls/expired.pem");
    let ca_file = format!("[openvpms]\nca_file = \"{}\"\n", expired.display());
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[openvpms]\n", &ca_file));
    let found = problem(&clinic).await;
    let told = "The certificate authority's certificate (127.0.0.1) ended on ";
    assert_says(&found, "[openvpms] ca_file", told, "Have the authority's successor made");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_authority_without_any_certificate_is_a_problem_and_healthengine_is_asked_all_the_same() {
    let clinic = Clinic::open().await;
    clinic.write("ca.pem", "no certificate at all\n");
    let ca_file = "[openvpms]\nca_file = \"ca.pem\"\n";
    clinic.write("vetbridge.toml", &clinic.configuration().replace("[openvpms]\n", ca_file));
    let found = problem(&clinic).await;
    assert_says(&found, "[openvpms] ca_file", "holds no readable certificate (PEM)", "BEGIN CERTIFICATE");
    assert!(clinic.run(&["check"]).await.out.contains("api_key and consent are good"));
    let offline = clinic.run(&["check", "--offline"]).await;
    assert!(offline.status == 1 && offline.out.contains("holds no readable certificate"), "{offline:?}");
}

/// What is said of the certificates that a server in the place of OpenVPMS sends, its own first.
async fn told_of_chain(chain: &[&str]) -> Vec<String> {
    let clinic = Clinic::open().await;
    let port = tls_server_with(chain, NO_SUCH_PAGE);
    let authority = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls/ca.pem");
    let openvpms =
        format!("[openvpms]\nurl = \"https://127.0.0.1:{port}/openvpms\"\nca_file = \"{}\"\n", authority.display());
    let own_url = |line: &&str| !line.starts_with("url = \"http://127.0.0.1") || line.contains("pms-api");
    let configuration = clinic.configuration();
    let rest: Vec<&str> = configuration.lines().filter(own_url).collect();
    clinic.write("vetbridge.toml", &rest.join("\n").replace("[openvpms]\n", &openvpms));
    let ended = clinic.run(&["check", "--json"]).await;
    let findings: Vec<Value> = serde_json::from_str(&ended.out).unwrap();
    let told = findings.iter().filter(|finding| finding["place"] == "[openvpms] url");
    let text = |finding: &Value| format!("{}: {}. {}", finding["level"], finding["message"], finding["remedy"]);
    told.map(|finding| text(finding).replace('"', "")).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn every_certificate_that_a_server_sends_is_looked_at_and_named() {
    assert_eq!(told_of_chain(&["chained.pem", "intermediate.pem"]).await, [""; 0]);
    let stopped = told_of_chain(&["chained.pem", "intermediate-ended.pem"]).await;
    assert_eq!(stopped.len(), 1, "{stopped:?}");
    let named =
        "An intermediate certificate (An intermediate of the tests) that the server sends with its own ended on";
    assert!(stopped[0].starts_with(&format!("problem: {named} 2020-01-01. Install")), "{stopped:?}");
    // Nothing hangs on this one.
    let done_without = told_of_chain(&["good.pem", "intermediate-ended.pem", "ca.pem"]).await;
    assert_eq!(done_without.len(), 1, "{done_without:?}");
    assert!(done_without[0].starts_with(&format!("note: {named}")), "{done_without:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn https_to_a_port_of_http_and_http_to_one_of_https_are_told_with_what_to_write() {
    let clinic = Clinic::open().await;
    let text = clinic.configuration();
    clinic.write("vetbridge.toml", &text.replace("url = \"http://", "url = \"https://"));
    let found = problems(&clinic).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_says(
        &found[0],
        "[openvpms]",
        "the server's port speaks plain http",
        "Write http:// into url under [openvpms]",
    );
    assert_says(&found[1], "[healthengine]", "the server's port speaks plain http", "Check scheme and port");
    let port = tls_server(NO_SUCH_PAGE);
    let lines = text.lines().map(|line| match line.starts_with("url = ") {
        true => format!("url = \"http://127.0.0.1:{port}/openvpms\""),
        false => line.to_owned(),
    });
    clinic.write("vetbridge.toml", &lines.collect::<Vec<_>>().join("\n"));
    let found = problems(&clinic).await;
    assert_eq!(found.len(), 2, "{found:#?}");
    assert_says(&found[0], "[openvpms]", "speaks something else, such as https", "Write https:// into url");
    assert_says(&found[1], "[healthengine]", "speaks something else, such as https", "Check scheme and port");
}
