//! TLS as this program speaks it to others, and the certificates that a server showed.
//!
//! The certificates are seen where they are judged: so those of a connection that was refused are
//! known too, and the whole chain rather than the server's own alone.

use std::sync::Arc;

use parking_lot::Mutex;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{ClientConfig, DigitallySignedStruct, DistinguishedName, RootCertStore, SignatureScheme};
use rustls_platform_verifier::Verifier;

use super::certificate_facts::{self, CertificateFacts};
use super::setup_error::SetupError;

/// So many certificates of a chain are looked at.
const CHAIN_MAX: usize = 10;

/// What a server showed last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ShownChain {
    /// The server's own, if it could be read.
    pub own: Option<CertificateFacts>,
    /// Those that it sends with it, but for roots: what is trusted is this machine's business.
    pub intermediates: Vec<CertificateFacts>,
    /// True if the connection came about.
    pub is_accepted: bool,
}

/// The certificates that one server showed last. Those of a proxy on the way are none of them.
#[derive(Debug)]
pub struct ShownCertificates {
    server: Option<ServerName<'static>>,
    last: Mutex<Option<ShownChain>>,
}

impl ShownCertificates {
    /// None yet, of the server with this name or address.
    pub fn of(host: &str) -> Self {
        let host = host.trim_start_matches('[').trim_end_matches(']');
        Self { server: ServerName::try_from(host.to_owned()).ok(), last: Mutex::default() }
    }

    /// What it showed last; `None` before the first connection, and where it speaks plain http.
    pub fn last(&self) -> Option<ShownChain> {
        self.last.lock().clone()
    }

    fn note(&self, server: &ServerName<'_>, own: &[u8], others: &[CertificateDer<'_>], is_accepted: bool) {
        if self.server.as_ref().is_none_or(|own| *own != server.to_owned()) {
            return;
        }
        let others = others.iter().take(CHAIN_MAX).filter_map(|der| certificate_facts::of_der(der));
        *self.last.lock() = Some(ShownChain {
            own: certificate_facts::of_der(own),
            intermediates: others.filter(|facts| !facts.is_root).collect(),
            is_accepted,
        });
    }
}

/// The certificates of a PEM file.
pub(crate) fn authorities(pem: &[u8]) -> Result<Vec<CertificateDer<'static>>, SetupError> {
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or(SetupError::CertificateAuthority)
}

/// TLS to a server whose certificate the platform trusts, or one of these authorities (PEM). What
/// it shows is kept.
pub(crate) fn client_config(ca_pem: Option<&[u8]>, shown: &Arc<ShownCertificates>) -> Result<ClientConfig, SetupError> {
    let builder = ClientConfig::builder();
    let provider = Arc::clone(builder.crypto_provider());
    let verifier = match ca_pem {
        None => Verifier::new(provider),
        Some(pem) => Verifier::new_with_extra_roots(authorities(pem)?, provider),
    };
    let verifier = verifier.map_err(|error| SetupError::Client(error.to_string()))?;
    let watched = WatchedVerifier { verifier, shown: Arc::clone(shown) };
    Ok(builder.dangerous().with_custom_certificate_verifier(Arc::new(watched)).with_no_client_auth())
}

/// TLS that trusts nobody, for plain http: loading the platform's certificates fails where there
/// are none, which is no reason not to speak it.
pub(crate) fn no_tls() -> ClientConfig {
    ClientConfig::builder().with_root_certificates(RootCertStore::empty()).with_no_client_auth()
}

/// The platform's verdict, and a note of what it was about.
#[derive(Debug)]
struct WatchedVerifier {
    verifier: Verifier,
    shown: Arc<ShownCertificates>,
}

impl ServerCertVerifier for WatchedVerifier {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let verdict = self.verifier.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        self.shown.note(server_name, end_entity, intermediates, verdict.is_ok());
        verdict
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.verifier.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.verifier.supported_verify_schemes()
    }

    fn requires_raw_public_keys(&self) -> bool {
        self.verifier.requires_raw_public_keys()
    }

    fn root_hint_subjects(&self) -> Option<&[DistinguishedName]> {
        self.verifier.root_hint_subjects()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_the_server_itself_shows_is_kept_without_roots_and_what_a_proxy_shows_is_not() {
        let der = |pem: &[u8]| authorities(pem).unwrap().remove(0);
        let own = der(include_bytes!("../../fixtures/tls/chained.pem"));
        let others = [
            der(include_bytes!("../../fixtures/tls/intermediate.pem")),
            der(include_bytes!("../../fixtures/tls/ca.pem")),
        ];
        let name = |host: &str| ServerName::try_from(host.to_owned()).unwrap();
        for (host, shows) in [("clinic.example", "clinic.example"), ("[::1]", "::1"), ("10.8.0.1", "10.8.0.1")] {
            let shown = ShownCertificates::of(host);
            shown.note(&name("proxy.example"), &own, &others, true);
            assert_eq!(shown.last(), None);
            shown.note(&name(shows), &own, &others, false);
            let last = shown.last().unwrap();
            assert_eq!((last.intermediates.len(), last.is_accepted), (1, false), "{host}");
            assert_eq!(last.own.unwrap().name.as_deref(), Some("The server of the tests"));
        }
    }
}
