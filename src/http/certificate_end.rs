//! Until when a certificate is valid: read from its DER form, as far as that takes (RFC 5280,
//! sections 4.1 and 4.1.2.5).

use chrono::{DateTime, NaiveDateTime, Utc};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;

/// When a certificate ends; `None` for what is none.
pub fn of_der(der: &[u8]) -> Option<DateTime<Utc>> {
    let (certificate, _) = value(der, SEQUENCE)?;
    let (mut rest, _) = value(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm, issuer.
    for _ in 0..3 {
        rest = element(rest)?.2;
    }
    let (validity, _) = value(rest, SEQUENCE)?;
    let (_, _, not_after) = element(validity)?;
    let (tag, text, _) = element(not_after)?;
    let text = std::str::from_utf8(text).ok()?;
    let (format, text) = match tag {
        // Two digits of the year, which begin with 1950.
        UTC_TIME => ("%Y%m%d%H%M%SZ", format!("{}{text}", if text.get(..2)? < "50" { "20" } else { "19" })),
        GENERALIZED_TIME => ("%Y%m%d%H%M%SZ", text.to_owned()),
        _ => return None,
    };
    Some(NaiveDateTime::parse_from_str(&text, format).ok()?.and_utc())
}

/// When the last of the certificates of a PEM file ends: an old one beside its successor does no
/// harm.
pub fn of_pem(pem: &[u8]) -> Option<DateTime<Utc>> {
    CertificateDer::pem_slice_iter(pem).filter_map(|der| of_der(&der.ok()?)).max()
}

/// The content of an element of this kind, and what follows it.
fn value(der: &[u8], tag: u8) -> Option<(&[u8], &[u8])> {
    element(der).filter(|(own, ..)| *own == tag).map(|(_, content, rest)| (content, rest))
}

/// Tag, content, and what follows.
fn element(der: &[u8]) -> Option<(u8, &[u8], &[u8])> {
    let (tag, rest) = der.split_first()?;
    let (length, rest) = rest.split_first()?;
    let (length, rest) = match usize::from(*length) {
        short @ ..=0x7f => (short, rest),
        // So many bytes hold the length.
        long @ 0x81..=0x83 => {
            let (bytes, rest) = rest.split_at_checked(long - 0x80)?;
            (bytes.iter().fold(0, |length, byte| length << 8 | usize::from(*byte)), rest)
        }
        _ => return None,
    };
    let (content, rest) = rest.split_at_checked(length)?;
    Some((*tag, content, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_end_is_read_in_both_forms_and_of_nothing_else() {
        let expired = include_bytes!("../../fixtures/tls/expired.pem");
        assert!(of_pem(expired).unwrap() < "2027-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        // After 2049 the year has four digits.
        let good = include_bytes!("../../fixtures/tls/good.pem");
        assert_eq!(of_pem(good), Some("2120-01-01T00:00:00Z".parse().unwrap()));
        assert_eq!(of_pem(&[&good[..], expired].concat()), of_pem(good));
        let der = CertificateDer::from_pem_slice(good).unwrap();
        for length in 0..der.len().min(200) {
            assert_eq!(of_der(&der[..length]), None);
        }
        assert_eq!((of_pem(b""), of_der(b"\x30\x83\xff\xff\xff")), (None, None));
    }
}
