//! What pet owners type: names, phone, email, reason; and how clients are told from each other.

#![no_main]

use libfuzzer_sys::fuzz_target;
use vetbridge::healthengine::Patient;
use vetbridge::openvpms::CustomerName;
use vetbridge::pet_owner::contact::{NAME_CHARS_MAX, contact, pet_name};
use vetbridge::pet_owner::known_clients::{known_by, recall, spelt_as};
use vetbridge::pet_owner::name_match::{Fit, Name, fit};
use vetbridge::pet_owner::phone::Phone;
use vetbridge::pet_owner::typed_text;

// Lines, separated by U+0001: first and last name, phone, email, names of a client, reason.
fuzz_target!(|text: &str| {
    let mut parts = text.splitn(7, '\u{1}').map(str::to_owned);
    let mut part = || parts.next();
    let patient = Patient { first_name: part(), last_name: part(), phone: part(), email: part() };
    let client = CustomerName { first: part().unwrap_or_default(), last: part().unwrap_or_default() };
    let reason = part();
    let labels = ["pet name", "pet's name"].map(str::to_owned);
    let typed = contact(&patient, reason.as_deref(), &labels);
    for name in [&typed.first_name, &typed.last_name] {
        assert!(!name.trim().is_empty() && name.chars().count() <= NAME_CHARS_MAX, "{name:?}");
        assert!(!name.contains(char::is_control), "{name:?}");
    }
    assert!(known_by(&typed).len() <= 2);
    let known = Name { first: &client.first, last: &client.last };
    if fit(Name { first: &typed.first_name, last: &typed.last_name }, known) != Fit::No {
        spelt_as(&typed, &client);
    }
    recall(&typed, &[vec![client.clone()], vec![client.clone(), client]]);
    let whole = reason.as_deref().unwrap_or(text);
    pet_name(whole, &labels);
    typed_text::one_line(whole);
    typed_text::ascii_punctuated(whole);
    if let Some(phone) = Phone::read(whole) {
        assert!(phone.phone_field().chars().all(|c| c == '+' || c.is_ascii_digit()));
    }
});
