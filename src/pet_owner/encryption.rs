//! How the client memory is written so that its records say nothing to anybody without the key.
//!
//! From one secret come two keys, each for one purpose. Contacts become keyed hashes: there are so
//! few phone numbers that a hash without a key could be searched for all of them. Names are
//! encrypted (ChaCha20-Poly1305), each with a nonce of its own and bound to the place where it
//! stands, so that no record can be put in another's place.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD_NO_PAD as BASE64;
use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use ring::hmac;

use super::known_clients::ContactKind;
use crate::hex;
use crate::openvpms::CustomerName;

/// A nonce is never used twice with one key: random, of 12 bytes.
pub type NonceBytes = [u8; NONCE_LEN];

/// 16 bytes, as long as a pseudonym's.
const HASH_BYTES: usize = 16;
const CONTACTS: &[u8] = b"vetbridge client contacts 1";
const NAMES: &[u8] = b"vetbridge client names 1";

/// Both keys.
pub struct Sealing {
    contacts: hmac::Key,
    names: LessSafeKey,
}

impl Sealing {
    /// The keys that come from a secret. `None` never happens with a cipher of 32 bytes; the
    /// library's type allows it.
    pub fn new(secret: &[u8; 32]) -> Option<Self> {
        let secret = hmac::Key::new(hmac::HMAC_SHA256, secret);
        let contacts = hmac::Key::new(hmac::HMAC_SHA256, hmac::sign(&secret, CONTACTS).as_ref());
        let names = UnboundKey::new(&CHACHA20_POLY1305, hmac::sign(&secret, NAMES).as_ref()).ok()?;
        Some(Self { contacts, names: LessSafeKey::new(names) })
    }

    /// The hash under which what is known of a contact stands.
    pub fn contact(&self, kind: ContactKind, contact: &str) -> String {
        let kind = match kind {
            ContactKind::Phone => "phone",
            ContactKind::Email => "email",
        };
        self.hash(&[kind, contact])
    }

    /// The hash that tells the clients of one contact apart.
    pub fn client(&self, client: &CustomerName) -> String {
        self.hash(&["client", &client.first, &client.last])
    }

    fn hash(&self, fields: &[&str]) -> String {
        let mut context = hmac::Context::with_key(&self.contacts);
        for field in fields {
            // With its length in front no field can run over into the next.
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field.as_bytes());
        }
        let tag = context.sign();
        hex::encode(tag.as_ref().get(..HASH_BYTES).unwrap_or(tag.as_ref()))
    }

    /// A client's name as it is stored under `place`.
    pub fn seal(&self, place: &str, client: &CustomerName, nonce: NonceBytes) -> Option<String> {
        // Neither name holds a line feed: only names that fit on a line are remembered.
        let mut text = format!("{}\n{}", client.first, client.last).into_bytes();
        let aad = Aad::from(place.as_bytes());
        self.names.seal_in_place_append_tag(Nonce::assume_unique_for_key(nonce), aad, &mut text).ok()?;
        Some(BASE64.encode([&nonce[..], &text].concat()))
    }

    /// Reads what [`Sealing::seal`] wrote. `None` under another key, at another place, or when a
    /// bit of it is another.
    pub fn open(&self, place: &str, sealed: &str) -> Option<CustomerName> {
        let bytes = BASE64.decode(sealed).ok()?;
        let (nonce, text) = bytes.split_at_checked(NONCE_LEN)?;
        let mut text = text.to_vec();
        let nonce = Nonce::try_assume_unique_for_key(nonce).ok()?;
        let text = self.names.open_in_place(nonce, Aad::from(place.as_bytes()), &mut text).ok()?;
        let (first, last) = std::str::from_utf8(text).ok()?.split_once('\n')?;
        Some(CustomerName { first: first.to_owned(), last: last.to_owned() })
    }
}

impl std::fmt::Debug for Sealing {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Sealing(..)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn judith() -> CustomerName {
        CustomerName { first: "Judith".into(), last: "Bourke".into() }
    }

    #[test]
    fn what_is_sealed_reads_back_only_with_its_key_at_its_place_and_unchanged() {
        let sealing = Sealing::new(&[1; 32]).unwrap();
        let sealed = sealing.seal("here", &judith(), [7; NONCE_LEN]).unwrap();
        assert!(sealing.open("here", &sealed) == Some(judith()));
        assert!(sealing.open("there", &sealed).is_none());
        assert!(Sealing::new(&[2; 32]).unwrap().open("here", &sealed).is_none());
        for at in 0..sealed.len() {
            let mut changed = sealed.clone().into_bytes();
            changed[at] = if changed[at] == b'A' { b'B' } else { b'A' };
            assert!(sealing.open("here", std::str::from_utf8(&changed).unwrap()).is_none(), "{at}");
            assert!(sealing.open("here", &sealed[..at]).is_none(), "{at}");
        }
    }

    #[test]
    fn a_hash_tells_contacts_kinds_and_keys_apart_and_shows_nothing() {
        let sealing = Sealing::new(&[1; 32]).unwrap();
        let hash = sealing.contact(ContactKind::Phone, "+61418976543");
        assert_eq!(hash, sealing.contact(ContactKind::Phone, "+61418976543"));
        assert_eq!((hash.len(), hash.contains("418")), (32, false), "{hash}");
        assert_ne!(hash, sealing.contact(ContactKind::Email, "+61418976543"));
        assert_ne!(hash, sealing.contact(ContactKind::Phone, "+61418976544"));
        assert_ne!(hash, Sealing::new(&[2; 32]).unwrap().contact(ContactKind::Phone, "+61418976543"));
        let moved = CustomerName { first: "JudithB".into(), last: "ourke".into() };
        assert_ne!(sealing.client(&judith()), sealing.client(&moved));
    }
}
