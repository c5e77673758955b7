//! Until when a certificate is valid, and what it is called: read from its DER form, as far as that
//! takes (RFC 5280, sections 4.1 and 4.1.2.4 to 4.1.2.6).

use chrono::{DateTime, NaiveDateTime, Utc};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject as _;

use crate::characters::one_line;

const SEQUENCE: u8 = 0x30;
const VERSION: u8 = 0xa0;
const UTC_TIME: u8 = 0x17;
const GENERALIZED_TIME: u8 = 0x18;
const SET: u8 = 0x31;
const OBJECT_ID: u8 = 0x06;
/// UTF8String, PrintableString, T61String, IA5String. Others are hardly ever met.
const TEXTS: [u8; 4] = [0x0c, 0x13, 0x14, 0x16];
/// `commonName`, `organizationalUnitName` and `organizationName`, in the order in which they name a
/// certificate (RFC 5280, appendix A.1).
const NAMES: [&[u8]; 3] = [&[0x55, 0x04, 0x03], &[0x55, 0x04, 0x0b], &[0x55, 0x04, 0x0a]];
/// How much of a name is kept.
const NAME_CHARS_MAX: usize = 80;

/// What is told of a certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CertificateFacts {
    /// When it ends.
    pub end: DateTime<Utc>,
    /// What it is called, on one line.
    pub name: Option<String>,
    /// True if it names itself as its issuer, as the root of a chain does.
    pub is_root: bool,
}

/// What is told of a certificate; `None` for what is none.
pub fn of_der(der: &[u8]) -> Option<CertificateFacts> {
    let (certificate, _) = value(der, SEQUENCE)?;
    let (mut rest, _) = value(certificate, SEQUENCE)?;
    if rest.first() == Some(&VERSION) {
        rest = element(rest)?.2;
    }
    // Serial number, signature algorithm.
    for _ in 0..2 {
        rest = element(rest)?.2;
    }
    let (issuer, rest) = value(rest, SEQUENCE)?;
    let (validity, rest) = value(rest, SEQUENCE)?;
    let (subject, _) = value(rest, SEQUENCE)?;
    Some(CertificateFacts { end: end(validity)?, name: name(subject), is_root: issuer == subject })
}

fn end(validity: &[u8]) -> Option<DateTime<Utc>> {
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

/// The best of a subject's names: sets of pairs of an object id and a text.
fn name(subject: &[u8]) -> Option<String> {
    let (mut rest, mut best) = (subject, None::<(usize, String)>);
    while !rest.is_empty() {
        let (set, following) = value(rest, SET)?;
        rest = following;
        let Some((pair, _)) = value(set, SEQUENCE) else { continue };
        let Some((id, text)) = value(pair, OBJECT_ID) else { continue };
        let Some(rank) = NAMES.iter().position(|own| *own == id) else { continue };
        let Some((_, text, _)) = element(text).filter(|(tag, ..)| TEXTS.contains(tag)) else { continue };
        let text = one_line(&String::from_utf8_lossy(text), NAME_CHARS_MAX);
        if !text.is_empty() && best.as_ref().is_none_or(|(other, _)| rank < *other) {
            best = Some((rank, text));
        }
    }
    best.map(|(_, name)| name)
}

/// The certificate of a PEM file that ends last: an old one beside its successor does no harm.
pub fn of_pem(pem: &[u8]) -> Option<CertificateFacts> {
    let all = CertificateDer::pem_slice_iter(pem).filter_map(|der| of_der(&der.ok()?));
    all.max_by_key(|facts| facts.end)
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
        assert!(of_pem(expired).unwrap().end < "2027-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        // After 2049 the year has four digits.
        let good = include_bytes!("../../fixtures/tls/good.pem");
        assert_eq!(of_pem(good).unwrap().end, "2120-01-01T00:00:00Z".parse::<DateTime<Utc>>().unwrap());
        assert_eq!(of_pem(&[&good[..], expired].concat()), of_pem(good));
        let der = CertificateDer::from_pem_slice(good).unwrap();
        for length in 0..der.len().min(160) {
            assert_eq!(of_der(&der[..length]), None);
        }
        assert_eq!((of_pem(b""), of_der(b"\x30\x83\xff\xff\xff")), (None, None));
    }

    #[test]
    fn a_certificate_is_called_by_its_common_name_and_a_root_is_known() {
        let named = |pem: &[u8]| {
            let facts = of_pem(pem).unwrap();
            (facts.name.unwrap_or_default(), facts.is_root)
        };
        for (pem, name, is_root) in [
            (&include_bytes!("../../fixtures/tls/ca.pem")[..], "vetbridge test authority", true),
            (include_bytes!("../../fixtures/tls/intermediate.pem"), "An intermediate of the tests", false),
            (include_bytes!("../../fixtures/tls/chained.pem"), "The server of the tests", false),
            (include_bytes!("../../fixtures/tls/good.pem"), "127.0.0.1", false),
        ] {
            assert_eq!(named(pem), (name.to_owned(), is_root));
        }
        // A pair: the organisation stands in where there is no other name, and lines are one line.
        let pair = |id: u8, text: &[u8]| {
            let text = [&[0x0c, text.len() as u8], text].concat();
            let pair = [&[0x06, 3, 0x55, 0x04, id], &text[..]].concat();
            let sequence = [&[SEQUENCE, pair.len() as u8], &pair[..]].concat();
            [&[SET, sequence.len() as u8], &sequence[..]].concat()
        };
        assert_eq!(name(&pair(0x0a, b"Let's\nEncrypt")).as_deref(), Some("Let's Encrypt"));
        let both = [pair(0x0a, b"Let's Encrypt"), pair(0x03, b"R3"), pair(0x0b, b"x"), pair(0x06, b"US")].concat();
        assert_eq!(name(&both).as_deref(), Some("R3"));
        assert_eq!((name(b""), name(&pair(0x06, b"US")), name(b"\x31\x09")), (None, None, None));
    }
}
