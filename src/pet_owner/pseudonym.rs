//! What Healthengine knows a patient by, where OpenVPMS told no customer id.
//!
//! A pseudonym is an HMAC-SHA-256, under a key that stays in the state directory, of name, phone
//! and email. So one person keeps one id from booking to booking, and the id says nothing about the
//! person to anybody without the key.
//!
//! What counts as one person: first and last name alike in letters and digits, in any case
//! (`O'Brien`, `OBRIEN`); the phone in one spelling; the email in lower case. Accents count: `José`
//! and `Jose` can be two people, and one person seldom spells the own name in two ways. Someone who
//! changes phone or email becomes another patient to Healthengine; nothing here can tell.
//!
//! The name is that which is sent to OpenVPMS. So a client who is recalled in spite of a slip
//! ([`super::known_clients`]) keeps the id of the booking for which the name was typed as OpenVPMS
//! has it.

use ring::hmac;

use crate::hex;
use crate::ids::BookingId;
use crate::openvpms::Contact;

/// Goes in front, so that the same key can serve for something else; a change of the rules above
/// changes the number.
const PURPOSE: &str = "vetbridge patient 1";
/// 16 bytes: with a million patients the chance that two share an id is below 1 in 10^26.
const ID_BYTES: usize = 16;

/// Makes pseudonyms.
#[derive(Clone)]
pub struct Pseudonyms {
    key: hmac::Key,
}

impl Pseudonyms {
    /// With the key of the store.
    pub fn new(key: &[u8; 32]) -> Self {
        Self { key: hmac::Key::new(hmac::HMAC_SHA256, key) }
    }

    /// The id of the person who made `booking`: `p-` and 32 hexadecimal digits. With neither phone
    /// nor email a name alone would make one patient of strangers, so then the id is the booking's
    /// own.
    pub fn of(&self, contact: &Contact, booking: BookingId) -> String {
        let Contact { title: _, first_name, last_name, phone: _, mobile: _, email, patient_name: _ } = contact;
        let phone = contact.any_phone();
        let stranger = if phone.is_none() && email.is_none() { booking.to_string() } else { String::new() };
        let email = email.as_deref().unwrap_or_default().to_lowercase();
        self.id([&letters(first_name), &letters(last_name), phone.unwrap_or_default(), &email, &stranger])
    }

    /// The id of a patient of whom nothing is known but a booking.
    pub fn of_nobody(&self, booking: BookingId) -> String {
        self.id(["", "", "", "", &booking.to_string()])
    }

    fn id(&self, fields: [&str; 5]) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        for field in std::iter::once(PURPOSE).chain(fields) {
            // With its length in front no field can run over into the next.
            context.update(&(field.len() as u64).to_be_bytes());
            context.update(field.as_bytes());
        }
        format!("p-{}", id(context.sign().as_ref()))
    }

    /// Tells two secrets apart without saying anything about either.
    pub fn fingerprint(&self, secret: &str) -> String {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(b"vetbridge fingerprint 1");
        context.update(secret.as_bytes());
        id(context.sign().as_ref())
    }
}

fn id(tag: &[u8]) -> String {
    hex::encode(tag.get(..ID_BYTES).unwrap_or(tag))
}

impl std::fmt::Debug for Pseudonyms {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Pseudonyms(..)")
    }
}

fn letters(name: &str) -> String {
    name.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::contact::contact;
    use super::super::typed_text::strategies::any_text;
    use super::*;
    use crate::healthengine::Patient;

    fn pseudonym_of(key: u8, [first, last, phone, email]: [&str; 4], booking: i64) -> String {
        let some = |text: &str| Some(text.to_owned());
        let patient =
            Patient { first_name: some(first), last_name: some(last), phone: some(phone), email: some(email) };
        Pseudonyms::new(&[key; 32]).of(&contact(&patient, Some("Pet name: Rex"), &[]), BookingId(booking))
    }

    const MARY: [&str; 4] = ["Mary", "O'Brien", "0412 345 678", "mary@example.com"];

    #[test]
    fn one_person_keeps_one_id_however_the_fields_are_typed() {
        let id = pseudonym_of(1, MARY, 1);
        // Ids are at Healthengine for good: this very text may never change.
        assert_eq!(id, "p-3091264d356fdbf4964c35b1ea84f0e2");
        for other in [
            ["MARY ", "O’brien", "+61 412 345 678", "Mary@Example.com"],
            ["Mary", "OBrien", "61412345678", " mary@example.com"],
            ["mary", "O Brien", "0412-345-678 (mob)", "MARY@EXAMPLE.COM"],
        ] {
            assert_eq!(pseudonym_of(1, other, 2), id, "{other:?}");
        }
    }

    #[test]
    fn another_person_another_key_and_a_field_in_another_place_give_another_id() {
        let id = pseudonym_of(1, MARY, 1);
        assert_ne!(pseudonym_of(2, MARY, 1), id);
        for other in [
            ["Maria", "O'Brien", "0412 345 678", "mary@example.com"],
            ["MaryO", "Brien", "0412 345 678", "mary@example.com"],
            ["O'Brien", "Mary", "0412 345 678", "mary@example.com"],
            ["Mary", "O'Brien", "0412 345 679", "mary@example.com"],
            ["Mary", "O'Brien", "", "mary@example.com"],
            ["Mary", "O'Brien", "0412 345 678", ""],
        ] {
            assert_ne!(pseudonym_of(1, other, 1), id, "{other:?}");
        }
    }

    #[test]
    fn strangers_without_phone_and_email_are_not_taken_for_one_person() {
        let nobody = ["Mary", "", "none", ""];
        assert_ne!(pseudonym_of(1, nobody, 1), pseudonym_of(1, nobody, 2));
        assert_eq!(pseudonym_of(1, nobody, 1), pseudonym_of(1, nobody, 1));
        let reachable = ["Mary", "", "", "mary@example.com"];
        assert_eq!(pseudonym_of(1, reachable, 1), pseudonym_of(1, reachable, 2));
    }

    proptest! {
        #[test]
        fn an_id_has_one_form_and_shows_nothing(fields in [any_text(), any_text(), any_text(), any_text()]) {
            let [first, last, phone, email] = &fields;
            let id = pseudonym_of(1, [first, last, phone, email], 1);
            let digits = id.strip_prefix("p-").unwrap();
            prop_assert!(digits.len() == 32 && digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f')));
        }
    }
}
