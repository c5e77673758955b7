//! The command key of a state directory: by it a command and the service know each other
//! ([`crate::server::proof`]).
//!
//! It is derived from both secret files, so it stands in none of its own: from the key of
//! pseudonyms, because that is random whatever token an operator chose, and from the admin token,
//! because that never leaves the directory while the key of pseudonyms goes along with an export.
//! Whoever may read the directory has it, and nobody else.

use std::path::Path;

use ring::hmac;
use secrecy::{ExposeSecret as _, SecretString};

use super::error::OpenError;
use super::secret_file::{SecretKey, admin_token, fresh_key, pseudonym_key};

/// The command key of a state directory; `None` if no vetbridge was ever started on it.
///
/// # Errors
/// A secret file cannot be read, or holds something else.
pub fn command_key(state: &Path) -> Result<Option<SecretKey>, OpenError> {
    let both = admin_token(state)?.zip(pseudonym_key(state)?);
    Ok(both.map(|(token, key)| derived(&key, &token)))
}

/// A command key that nobody has.
///
/// # Errors
/// The system has no random bytes.
pub fn fresh_command_key() -> std::io::Result<SecretKey> {
    fresh_key()
}

pub(super) fn derived(pseudonym_key: &SecretKey, token: &SecretString) -> SecretKey {
    let mut context = hmac::Context::with_key(&hmac::Key::new(hmac::HMAC_SHA256, pseudonym_key.bytes()));
    context.update(b"vetbridge command key\n");
    context.update(token.expose_secret().as_bytes());
    let mut bytes = [0; 32];
    bytes.copy_from_slice(context.sign().as_ref());
    SecretKey::from_bytes(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_command_key_changes_with_either_secret() {
        let key = |key: u8, token: &str| derived(&SecretKey::from_bytes([key; 32]), &token.to_owned().into());
        let one = key(1, "a-token-of-16-chars");
        assert_eq!(one.bytes(), key(1, "a-token-of-16-chars").bytes());
        assert_ne!(one.bytes(), key(2, "a-token-of-16-chars").bytes());
        assert_ne!(one.bytes(), key(1, "b-token-of-16-chars").bytes());
    }
}
