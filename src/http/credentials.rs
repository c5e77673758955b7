//! Who we say we are, and the headers that say it.
//!
//! A header lies in memory that is wiped when the last request with it is gone. What cannot be
//! wiped is what leaves: the buffers of the connection, into which hyper and rustls copy it.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
pub use reqwest::header::HeaderName;
use reqwest::header::{AUTHORIZATION, HeaderMap, HeaderValue};
use secrecy::zeroize::Zeroizing;
use secrecy::{ExposeSecret, SecretString};

use super::setup_error::SetupError;

/// Introduces user name and password.
const BASIC: &[u8] = b"Basic ";

/// Who we say we are. `Debug` shows no secret.
#[derive(Debug, Clone)]
pub enum Credentials {
    /// HTTP Basic.
    Basic {
        /// The user, without a colon.
        username: String,
        /// The password.
        password: SecretString,
    },
    /// Headers with secret values.
    Headers(Vec<(HeaderName, SecretString)>),
}

impl Credentials {
    /// As they are sent.
    ///
    /// # Errors
    /// Says which of them cannot be sent.
    pub(super) fn headers(&self) -> Result<HeaderMap, SetupError> {
        match self {
            Self::Basic { username, .. } if username.contains(':') => Err(SetupError::UserName),
            Self::Basic { username, password } => {
                let value = basic(username, password).and_then(secret_value);
                let value = value.ok_or_else(|| SetupError::HeaderValue("username or password".to_owned()))?;
                Ok(HeaderMap::from_iter([(AUTHORIZATION, value)]))
            }
            Self::Headers(pairs) => pairs
                .iter()
                .map(|(name, value)| {
                    let value = secret_value(Zeroizing::new(value.expose_secret().as_bytes().to_vec()));
                    Ok((name.clone(), value.ok_or_else(|| SetupError::HeaderValue(name.to_string()))?))
                })
                .collect(),
        }
    }
}

/// The value of `Authorization` (RFC 7617). Every buffer has its whole length from the start, so
/// that none is left behind when it grows.
fn basic(username: &str, password: &SecretString) -> Option<Zeroizing<Vec<u8>>> {
    let password = password.expose_secret();
    let mut plain = Zeroizing::new(Vec::with_capacity(username.len() + 1 + password.len()));
    for part in [username, ":", password] {
        plain.extend_from_slice(part.as_bytes());
    }
    let mut value = Zeroizing::new(vec![0; BASIC.len() + base64::encoded_len(plain.len(), true)?]);
    let (head, rest) = value.split_at_mut(BASIC.len());
    head.copy_from_slice(BASIC);
    STANDARD.encode_slice(&plain, rest).ok()?;
    Some(value)
}

/// `None`: a header cannot carry it.
fn secret_value(bytes: Zeroizing<Vec<u8>>) -> Option<HeaderValue> {
    let mut value = HeaderValue::from_maybe_shared(Bytes::from_owner(bytes)).ok()?;
    value.set_sensitive(true);
    Some(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn basic_is_written_as_the_standard_has_it_and_shown_by_no_debug() {
        let basic = Credentials::Basic { username: "Aladdin".into(), password: "open sesame".into() };
        let headers = basic.headers().unwrap();
        assert_eq!(headers[AUTHORIZATION], "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==");
        let shown = format!("{headers:?} {basic:?}");
        assert!(!shown.contains("QWxh") && !shown.contains("sesame"), "{shown}");
        let foreign = Credentials::Basic { username: "zoë".into(), password: "ü".into() };
        assert_eq!(foreign.headers().unwrap()[AUTHORIZATION], "Basic em/DqzrDvA==");
    }

    #[test]
    fn what_a_header_cannot_carry_is_named_without_its_value() {
        let with = |name: &'static str, value: &str| {
            Credentials::Headers(vec![(HeaderName::from_static(name), value.to_owned().into())]).headers()
        };
        assert_eq!(with("x-key", "s3cret").unwrap()["x-key"], "s3cret");
        let error = with("x-key", "s3\ncret").unwrap_err().to_string();
        assert!(error.contains("x-key") && !error.contains("cret"), "{error}");
    }
}
