//! What is wrong with a server's certificate, by the TLS library's own kinds of errors.

use std::error::Error;
use std::io;

use rustls::CertificateError;
use webpki::Error as PathError;

use crate::call_error::{CallError, Cause, CertificateFault, ErrorClass};
use crate::characters::one_line;
use crate::messages::tls as say;

/// The error for a connection that the server's certificate prevented; `None` if something else
/// did.
pub(crate) fn certificate_error(error: &(dyn Error + 'static)) -> Option<CallError> {
    let certificate = certificate(error)?;
    let fault = fault(certificate);
    let detail = if let CertificateError::NotValidForNameContext { expected, presented } = certificate
        && !presented.is_empty()
    {
        say::other_name(&expected.to_str(), presented)
    } else {
        say::what(fault).to_owned()
    };
    let detail = one_line(&format!("no connection: {detail}"), DETAIL_CHARS_MAX);
    Some(CallError::new(ErrorClass::NotSent, detail).due_to(Cause::Certificate(fault)))
}

/// True if the other side answered the beginning of TLS with something else.
pub(super) fn speaks_no_tls(error: &(dyn Error + 'static)) -> bool {
    matches!(tls_error(error), Some(rustls::Error::InvalidMessage(_)))
}

/// Names of a certificate can be many.
const DETAIL_CHARS_MAX: usize = 300;

fn fault(error: &CertificateError) -> CertificateFault {
    #[expect(clippy::wildcard_enum_match_arm, reason = "the library's list grows")]
    match error {
        CertificateError::NotValidForNameContext { presented, .. } if presented.is_empty() => CertificateFault::NoName,
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            CertificateFault::OtherName
        }
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => CertificateFault::Expired,
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => CertificateFault::NotYetValid,
        CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
        CertificateError::Other(other) if is_authority(other.0.as_ref()) => CertificateFault::AuthorityAsServer,
        _ => CertificateFault::Other,
    }
}

fn is_authority(error: &(dyn Error + Send + Sync + 'static)) -> bool {
    matches!(error.downcast_ref::<PathError>(), Some(PathError::CaUsedAsEndEntity))
}

fn certificate<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e CertificateError> {
    if let rustls::Error::InvalidCertificate(certificate) = tls_error(error)? { Some(certificate) } else { None }
}

/// Looks along the sources; an I/O error keeps the one it was made of to itself.
fn tls_error<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e rustls::Error> {
    let mut next = Some(error);
    while let Some(error) = next {
        if let Some(own) = error.downcast_ref::<rustls::Error>() {
            return Some(own);
        }
        let inner = error.downcast_ref::<io::Error>().and_then(io::Error::get_ref);
        next = match inner {
            Some(inner) => Some(inner as &(dyn Error + 'static)),
            None => error.source(),
        };
    }
    None
}
