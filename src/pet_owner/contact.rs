//! The patient fields of a booking, as OpenVPMS can match them.
//!
//! OpenVPMS attaches a booking to a customer when first and last name are equal (ignoring case) and
//! one phone or email is; it neither trims nor normalises (Booking API, "Matching"). So blanks,
//! apostrophes and hyphens are made plain ([`super::typed_text`]), the phone goes out in both
//! Australian spellings ([`super::phone`]), and the email keeps its case. Fields without a match go
//! into the booking's notes, hence the bounds on their lengths ([`super::notes`]).

use crate::healthengine::Patient;
use crate::openvpms::Contact;

use super::phone::Phone;
use super::typed_text::{ascii_punctuated, cut, lines};

/// The longest name of a person or pet, in characters.
pub const NAME_CHARS_MAX: usize = 100;
/// The longest email address that mail can be sent to (RFC 5321 allows 256 with the angle
/// brackets), in characters.
pub const EMAIL_CHARS_MAX: usize = 254;

/// Converts the fields of the person who booked. `reason` is what they wrote; the pet's name is
/// looked for in it, on a line that begins with one of `pet_labels`, such as `Pet name: Muffett`.
pub fn contact(patient: &Patient, reason: Option<&str>, pet_labels: &[String]) -> Contact {
    let Patient { first_name, last_name, phone, email } = patient;
    let number = phone.as_deref().and_then(Phone::read);
    Contact {
        title: String::new(),
        first_name: name(first_name.as_deref()),
        last_name: name(last_name.as_deref()),
        phone: number.as_ref().map(Phone::phone_field),
        mobile: number.as_ref().and_then(Phone::mobile_field),
        email: email.as_deref().and_then(email_address),
        patient_name: reason.and_then(|reason| pet_name(reason, pet_labels)),
    }
}

/// OpenVPMS refuses a blank name.
fn name(typed: Option<&str>) -> String {
    let name = ascii_punctuated(typed.unwrap_or_default());
    if name.is_empty() { "-".to_owned() } else { cut(&name, NAME_CHARS_MAX).to_owned() }
}

/// The case is kept, because OpenVPMS compares it. A text too long to be an address would be
/// another one if it were cut.
fn email_address(typed: &str) -> Option<String> {
    let email = ascii_punctuated(typed);
    (!email.is_empty() && email.chars().count() <= EMAIL_CHARS_MAX).then_some(email)
}

/// The pet's name from the first line of `reason` that begins with a label and has something behind
/// it. The label is compared by its letters and digits, in any case; behind it stands a colon, an
/// equals sign, or a hyphen between blanks.
pub fn pet_name(reason: &str, labels: &[String]) -> Option<String> {
    let is_label = |head: &str| labels.iter().any(|label| letters(label).eq(letters(head)));
    let is_labelled = |head: &str| letters(head).next().is_some() && is_label(head);
    lines(reason).find_map(|line| {
        let line = ascii_punctuated(line);
        let value = separators(&line).find_map(|(head, value)| is_labelled(head).then_some(value))?;
        let value = cut(value.trim(), NAME_CHARS_MAX);
        value.chars().any(char::is_alphanumeric).then(|| value.to_owned())
    })
}

/// Every way to take a line for label and value. Only its beginning is looked at: no label is
/// longer.
fn separators(line: &str) -> impl Iterator<Item = (&str, &str)> {
    const LABEL_BYTES_MAX: usize = 200;
    let marks = [":", "\u{ff1a}", "=", " - "];
    marks.into_iter().flat_map(move |mark| {
        let places = line.match_indices(mark).take_while(|(at, _)| *at <= LABEL_BYTES_MAX);
        places.map(move |(at, mark)| (&line[..at], &line[at + mark.len()..]))
    })
}

/// What of a label counts.
fn letters(text: &str) -> impl Iterator<Item = char> {
    text.chars().filter(|character| character.is_alphanumeric()).flat_map(char::to_lowercase)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::typed_text::strategies::{any_text, is_storable};
    use super::*;

    fn labels() -> Vec<String> {
        ["pet name", "pet's name", "patient name", "animal name"].map(String::from).to_vec()
    }

    fn patient(first: &str, last: &str, phone: &str, email: &str) -> Patient {
        let some = |text: &str| Some(text.to_owned());
        Patient { first_name: some(first), last_name: some(last), phone: some(phone), email: some(email) }
    }

    #[test]
    fn a_patient_as_people_type_becomes_a_contact_as_openvpms_compares() {
        let typed = patient(
            " Mary\u{a0} Jane ",
            "O’Brien–Smith 🐶",
            "0412-345-678 (mob)",
            "\u{feff} Mary.Jane@Example.COM\u{a0}",
        );
        let contact = contact(&typed, Some("Limps on the left\nPET  NAME :  Muffett \u{1F415}\n"), &labels());
        let expected = Contact {
            title: String::new(),
            first_name: "Mary Jane".into(),
            last_name: "O'Brien-Smith".into(),
            phone: Some("+61412345678".into()),
            mobile: Some("0412345678".into()),
            email: Some("Mary.Jane@Example.COM".into()),
            patient_name: Some("Muffett".into()),
        };
        assert!(contact == expected);
    }

    #[test]
    fn missing_and_blank_names_are_a_hyphen_and_other_blank_fields_are_absent() {
        for typed in [Patient::default(), patient(" ", "\u{3000}🐶", "unknown", " ")] {
            let contact = contact(&typed, None, &labels());
            let expected = Contact { first_name: "-".into(), last_name: "-".into(), ..Contact::default() };
            assert!(contact == expected);
        }
    }

    #[test]
    fn names_and_emails_as_devices_and_strangers_send_them() {
        for (typed, expected) in [
            ("Jose\u{301}", "José"),
            ("\u{202e}Mary\u{202c}", "Mary"),
            ("Mary\u{2009}\u{202f}\u{205f}Jane", "Mary Jane"),
            ("Mary\tJane\r\n", "Mary Jane"),
            ("Ma\u{1b}ry\u{9b}", "Mary"),
            ("D\u{2bc}Arcy", "D'Arcy"),
            ("Jean\u{2011}Luc", "Jean-Luc"),
            ("王\u{fe0f}伟", "王伟"),
            ("محمد", "محمد"),
            ("👨\u{200d}👩\u{200d}👧 Mary", "Mary"),
            ("\u{200b}\u{feff}", "-"),
            ("\u{0}", "-"),
        ] {
            let contact = contact(&patient(typed, typed, "", typed), None, &labels());
            assert_eq!((&*contact.first_name, &*contact.last_name), (expected, expected), "{typed:?}");
            assert_eq!(contact.email.as_deref(), Some(expected).filter(|text| *text != "-"), "{typed:?}");
        }
    }

    #[test]
    fn an_endless_name_is_cut_and_an_endless_number_too() {
        let marks = format!("Z{}", "\u{335}\u{489}".repeat(100_000));
        let contact = contact(&patient(&marks, &marks, &"9".repeat(100_000), ""), None, &labels());
        assert_eq!(contact.first_name.chars().count(), NAME_CHARS_MAX);
        assert_eq!(contact.phone.map(|phone| phone.len()), Some(super::super::phone::DIGITS_MAX));
    }

    #[test]
    fn an_email_that_is_too_long_is_left_out_and_a_name_is_cut() {
        let typed = patient(&"é".repeat(300), "B", "", &format!("{}@example.com", "x".repeat(300)));
        let contact = contact(&typed, None, &labels());
        assert_eq!((contact.first_name, contact.email), ("é".repeat(NAME_CHARS_MAX), None));
    }

    #[test]
    fn the_pets_name_is_found_behind_its_label_and_nowhere_else() {
        for (reason, expected) in [
            ("Pet name: Muffett", Some("Muffett")),
            ("pet name:Muffett", Some("Muffett")),
            ("  PET   NAME  :  Muffett  ", Some("Muffett")),
            ("PetName: Muffett", Some("Muffett")),
            ("Pet’s name: Muffett", Some("Muffett")),
            ("Pets name - Muffett", Some("Muffett")),
            ("• Pet name: Muffett", Some("Muffett")),
            ("Pet name\u{ff1a}Muffett", Some("Muffett")),
            ("Pet name = Muffett", Some("Muffett")),
            ("Limping\r\nAnimal name: Mr. Wu-Tang: the cat\r\nThanks", Some("Mr. Wu-Tang: the cat")),
            ("Pet name:\nPatient name: Rex", Some("Rex")),
            ("Pet name: -\nPatient name: Rex", Some("Rex")),
            ("Pet name: Rex\nPet name: Tom", Some("Rex")),
            ("Pet name: 😀", None),
            ("My pet name: Rex", None),
            ("Pet name-tag lost", None),
            ("Pet name Muffett", None),
            ("Species: dog", None),
            (": Rex", None),
            ("", None),
        ] {
            assert_eq!(pet_name(reason, &labels()).as_deref(), expected, "{reason:?}");
        }
    }

    #[test]
    fn labels_of_the_configuration_are_read_as_loosely_and_an_empty_one_fits_nothing() {
        let labels = ["  Name of your PET: ".to_owned(), " - ".to_owned(), String::new()];
        assert_eq!(pet_name("name of  your pet: Rex", &labels).as_deref(), Some("Rex"));
        assert_eq!(pet_name(": Rex\n- : Rex", &labels), None);
    }

    proptest! {
        #[test]
        fn any_patient_becomes_a_contact_that_openvpms_takes_and_that_stays_as_it_is(
            typed in [any_text(), any_text(), any_text(), any_text()], reason in any_text(), pet in any_text(),
        ) {
            let [first, last, phone, email] = &typed;
            let reason = format!("{reason}\nPet name: {pet}");
            let contact = contact(&patient(first, last, phone, email), Some(&reason), &labels());
            let Contact { title, first_name, last_name, phone, mobile, email, patient_name } = &contact;
            prop_assert!(title.is_empty());
            for required in [first_name, last_name] {
                prop_assert!(!required.is_empty() && required.chars().count() <= NAME_CHARS_MAX);
            }
            let all = [Some(first_name), Some(last_name), email.as_ref(), patient_name.as_ref()];
            for text in all.into_iter().flatten() {
                prop_assert!(text.chars().all(is_storable), "{:?}", text);
                prop_assert_eq!(text.trim(), text);
            }
            let again = super::contact(
                &Patient {
                    first_name: Some(first_name.clone()),
                    last_name: Some(last_name.clone()),
                    phone: mobile.clone().or_else(|| phone.clone()),
                    email: email.clone(),
                },
                patient_name.as_ref().map(|name| format!("Pet name: {name}")).as_deref(),
                &labels(),
            );
            prop_assert!(again == contact);
        }
    }
}
