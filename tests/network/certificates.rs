//! Certificates that are not accepted.

use std::net::SocketAddr;
use std::sync::Arc;

use vetbridge::call_error::{Cause, CertificateFault, ErrorClass};

use crate::raw_server::{post, settings, transport};

/// A server that shows this certificate to whoever connects, and answers nobody.
fn tls_server(certificate: &str, key: &str) -> SocketAddr {
    use rustls::pki_types::pem::PemObject;
    use rustls::pki_types::{CertificateDer, PrivateKeyDer};

    vetbridge::http::network::install_crypto_provider();
    let directory = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/tls");
    let certificate = CertificateDer::from_pem_file(directory.join(certificate)).unwrap();
    let key = PrivateKeyDer::from_pem_file(directory.join(key)).unwrap();
    let config =
        rustls::ServerConfig::builder().with_no_client_auth().with_single_cert(vec![certificate], key).unwrap();
    let config = Arc::new(config);
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        for stream in listener.incoming() {
            let Ok(mut stream) = stream else { return };
            let mut connection = rustls::ServerConnection::new(Arc::clone(&config)).unwrap();
            let _refused = connection.complete_io(&mut stream);
        }
    });
    address
}

#[tokio::test]
async fn what_is_wrong_with_a_certificate_is_named_each_with_its_remedy() {
    use CertificateFault::{AuthorityAsServer, Expired, NoName, NotYetValid, OtherName, UnknownIssuer};
    let authority = include_str!("../../fixtures/tls/ca.pem");
    for (certificate, key, trusted, fault, told, remedy) in [
        ("no-name.pem", "server.key", authority, NoName, "no subjectAltName", "made anew with the host of url"),
        ("other-name.pem", "server.key", authority, OtherName, "other.example", "made anew for the host of url"),
        ("expired.pem", "server.key", authority, Expired, "has expired", "Renew it"),
        ("not-yet-valid.pem", "server.key", authority, NotYetValid, "not valid yet", "clock"),
        ("good.pem", "server.key", TEST_CA, UnknownIssuer, "nobody whom this machine trusts", "ca_file"),
        ("ca.pem", "ca.key", authority, AuthorityAsServer, "CA:TRUE", "CA:FALSE"),
    ] {
        let mut settings = settings(&format!("https://{}/base", tls_server(certificate, key)));
        settings.ca_pem = Some(trusted.as_bytes().to_vec());
        let error = transport(&settings).exchange(post()).await.unwrap_err();
        assert_eq!((error.class, error.cause), (ErrorClass::NotSent, Some(Cause::Certificate(fault))), "{error}");
        let advice = vetbridge::messages::call_remedies::openvpms(&error);
        assert!(error.detail.contains(told) && advice.contains(remedy), "{certificate}: {error}. {advice}");
    }
}

/// A certificate authority that signed nothing.
pub(crate) const TEST_CA: &str = include_str!("../../fixtures/test-ca.pem");
