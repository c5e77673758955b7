//! How the server finds the customer of a booking, and what it notes otherwise.

use super::draft::Draft;
use super::world::{Customer, PatientEntity, PhoneContact, UserEntity, World};

/// The most that booking notes hold; longer ones end in three dots.
const NOTES_LENGTH_MAX: usize = 5000;

impl World {
    /// The one active person whose names agree, whatever their case, and who has one of the
    /// contacts. `None` for two.
    pub(super) fn matching_customer(&self, draft: &Draft) -> Option<&Customer> {
        let mut matching = self.customers.iter().filter(|customer| {
            customer.active
                && customer.company.is_none()
                && same_but_for_case(&customer.first_name, draft.first_name.as_deref().unwrap_or_default())
                && same_but_for_case(&customer.last_name, draft.last_name.as_deref().unwrap_or_default())
                && has_a_contact_of(customer, draft)
        });
        let first = matching.next();
        if matching.next().is_some() { None } else { first }
    }
}

/// The animal of that name, whatever its case.
pub(super) fn matching_patient<'a>(customer: &'a Customer, name: &str) -> Option<&'a PatientEntity> {
    customer.patients.iter().find(|patient| same_but_for_case(&patient.name, name))
}

fn same_but_for_case(a: &str, b: &str) -> bool {
    a.to_lowercase() == b.to_lowercase()
}

/// An email must be the same text. Either number can be any phone of the customer.
fn has_a_contact_of(customer: &Customer, draft: &Draft) -> bool {
    let numbers = || [&draft.phone, &draft.mobile].into_iter().flatten().map(|number| comparable(number));
    let same_number = |phone: &PhoneContact| {
        let own = comparable(&format!("{}{}", phone.area_code.as_deref().unwrap_or_default(), phone.number));
        numbers().any(|number| !number.is_empty() && number == own)
    };
    let same_email = |email: &String| draft.email.as_ref() == Some(email);
    customer.phones.iter().any(same_number) || customer.emails.iter().any(same_email)
}

/// A number without ASCII blanks, hyphens and parentheses, up to the first character that is then
/// neither digit nor plus.
fn comparable(number: &str) -> String {
    let rest = number.chars().filter(|c| !matches!(c, '\t'..='\r' | ' ' | '-' | '(' | ')'));
    rest.take_while(|c| c.is_ascii_digit() || *c == '+').collect()
}

/// What goes into the booking notes: everything about a person who was not found, and what has no
/// field of its own. `unknown_patient` is true for a pet that the customer does not have, `user`
/// one who is no clinician.
pub(super) fn notes(draft: &Draft, found: bool, unknown_patient: bool, user: Option<&UserEntity>) -> Option<String> {
    let mut lines = Vec::new();
    let mut line = |label: &str, text: Option<&str>| {
        if let Some(text) = text.filter(|text| !text.is_empty()) {
            lines.push(format!("{label}: {text}"));
        }
    };
    if !found {
        line("Title", Some(draft.title.as_deref().unwrap_or("null")));
        line("First Name", draft.first_name.as_deref());
        line("Last Name", draft.last_name.as_deref());
        line("Phone", draft.phone.as_deref());
        line("Mobile", draft.mobile.as_deref());
        line("Email", draft.email.as_deref());
    }
    if unknown_patient {
        line("Patient", draft.patient_name.as_deref());
    }
    line("User", user.map(|user| user.name.as_str()));
    line("Notes", draft.notes.as_deref());
    if lines.is_empty() { None } else { Some(shortened(&lines.join("\n"))) }
}

/// Cut in UTF-16 units, as Java counts.
fn shortened(text: &str) -> String {
    if text.encode_utf16().count() <= NOTES_LENGTH_MAX {
        return text.to_owned();
    }
    let units: Vec<u16> = text.encode_utf16().take(NOTES_LENGTH_MAX - 3).collect();
    format!("{}...", String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_number_is_compared_by_its_digits_up_to_the_first_thing_else() {
        let table = [
            ("0418 976 543", "0418976543"),
            ("(03) 9123-4567", "0391234567"),
            ("9123.4567", "9123"),
            ("0418\u{a0}976 543", "0418"),
            ("0418976543 ask for Judy", "0418976543"),
            ("+61 418", "+61418"),
            ("mobile 0418", ""),
        ];
        for (number, expected) in table {
            assert_eq!(comparable(number), expected, "{number}");
        }
    }

    #[test]
    fn long_notes_end_in_three_dots() {
        let draft = Draft { notes: Some("x".repeat(6000)), ..Draft::default() };
        let notes = notes(&draft, true, false, None).unwrap();
        assert_eq!((notes.len(), &notes[4990..]), (5000, "xxxxxxx..."));
    }
}
