//! What leaves: over which connection, with which headers, and from which settings.

use secrecy::SecretString;
use vetbridge::http::Request;
use vetbridge::http::network::{Credentials, HeaderName, Server, ServerSettings, SetupError};

use crate::raw_server::{RawServer, Then, answer, get, ok, post};

#[tokio::test]
async fn reads_share_a_connection_and_every_booking_has_its_own() {
    let server = RawServer::start([ok()]).await;
    let transport = server.transport();
    for request in [get(), get(), post(), post(), get()] {
        transport.exchange(request).await.unwrap();
    }
    assert_eq!(server.connections(), [0, 0, 1, 2, 0]);
}

#[tokio::test]
async fn a_read_survives_an_idle_connection_that_the_server_closed() {
    let server = RawServer::start([Then::AnswerAndClose(answer("200 OK", b"[]"))]).await;
    let transport = server.transport();
    for _ in 0..5 {
        assert!(transport.exchange(get()).await.is_ok());
    }
}

#[tokio::test]
async fn a_request_carries_path_credentials_and_body_exactly() {
    let server = RawServer::start([ok()]).await;
    let shared = Server::new(&server.settings()).unwrap();
    let headers = vec![(HeaderName::from_static("practice-key"), SecretString::from("t1qKf"))];
    let by_header = shared.transport(&Credentials::Headers(headers)).unwrap();
    server.transport().exchange(post()).await.unwrap();
    by_header.exchange(get()).await.unwrap();
    by_header.exchange(Request { gzip: true, ..post() }).await.unwrap();
    by_header.exchange(Request { json: None, ..post() }).await.unwrap();

    let seen = server.seen();
    assert!(seen[0].starts_with("POST /base/bookings HTTP/1.1\r\n"), "{}", seen[0]);
    for line in [
        "authorization: Basic c2FtcGxlOmNoYW5nZWl0\r\n",
        "user-agent: Example (it@example.com) DEV\r\n",
        "accept: text/plain\r\n",
        "content-type: application/json\r\n",
        "\r\n\r\n{\"firstName\":\"Judith\"}",
    ] {
        assert!(seen[0].contains(line), "{line} is missing in {}", seen[0]);
    }
    assert!(
        seen[1].starts_with("GET /base/locations?from=2019-02-15T00%3A00%3A00%2B11%3A00 HTTP/1.1\r\n"),
        "{}",
        seen[1]
    );
    assert!(seen[1].contains("practice-key: t1qKf\r\n") && !seen[1].contains("authorization"), "{}", seen[1]);
    assert!(seen[2].contains("content-encoding: gzip\r\n") && !seen[2].contains("Judith"), "{}", seen[2]);
    assert!(seen[3].contains("content-length: 0\r\n") && !seen[3].contains("content-type"), "{}", seen[3]);
}

#[tokio::test]
async fn settings_that_cannot_be_used_are_named_without_their_secrets() {
    let server = RawServer::start([ok()]).await;
    let no_certificate = ServerSettings { ca_pem: Some(b"nonsense".to_vec()), ..server.settings() };
    assert_eq!(Server::new(&no_certificate).err(), Some(SetupError::CertificateAuthority));

    let shared = Server::new(&server.settings()).unwrap();
    let broken = vec![(HeaderName::from_static("api-key"), SecretString::from("eyJ0e\n"))];
    let error = shared.transport(&Credentials::Headers(broken)).err().unwrap();
    assert!(error.to_string().contains("api-key") && !error.to_string().contains("eyJ0e"), "{error}");
    let colon = Credentials::Basic { username: "a:b".into(), password: SecretString::from("changeit") };
    assert_eq!(shared.transport(&colon).err(), Some(SetupError::UserName));
    assert!(!format!("{colon:?}").contains("changeit"));
}
