//! Whether somebody who books is a client that OpenVPMS was seen to know, and how it spells the
//! name.
//!
//! OpenVPMS attaches a booking to a customer only if the names are equal but for case, so one slip
//! leaves staff a booking to attach by hand. What is remembered of earlier bookings is, for each
//! phone and email that was given, the name of the customer whom OpenVPMS attached. If a later
//! booking has one of these contacts and a name that fits one of these clients, OpenVPMS's spelling
//! is sent and what was typed goes into the notes. Nothing but the spelling is sent of what is
//! remembered: the contact that OpenVPMS knows is in the booking, else nothing would be remembered
//! for it.
//!
//! Nobody is taken for another: see [`super::name_match`]; where two clients fit, neither is used;
//! and a phone that belongs to more people than a household ([`HOUSEHOLD_MAX`]: a shelter, a shop)
//! helps nobody.
//!
//! The memory can be wrong: OpenVPMS's name can have changed since, or the contact is none that it
//! knows. Then no customer is attached to the booking, and what was used is forgotten ([`lesson`]),
//! so that it does no harm twice.

use super::contact::NAME_CHARS_MAX;
use super::name_match::{Fit, Name, fit};
use super::typed_text::one_line;
use crate::openvpms::{Contact, CustomerName};

/// More clients than this at one phone or email are no household.
pub const HOUSEHOLD_MAX: usize = 4;
/// A number of fewer digits belongs to no one in particular.
const PHONE_DIGITS_MIN: usize = 8;
/// A number that ends in so many equal digits was made up (0400 000 000).
const PHONE_EQUAL_DIGITS: usize = 6;

/// Somebody's way to be reached, in one spelling.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ContactKind {
    /// A phone number, the international form of an Australian one.
    Phone,
    /// An email address in lower case.
    Email,
}

/// The contacts that somebody can be known by.
pub fn known_by(contact: &Contact) -> Vec<(ContactKind, String)> {
    let phone =
        contact.any_phone().filter(|number| is_somebodys(number)).map(|number| (ContactKind::Phone, number.to_owned()));
    let email = contact.email.as_deref().filter(|email| email.contains('@'));
    phone.into_iter().chain(email.map(|email| (ContactKind::Email, email.to_lowercase()))).collect()
}

fn is_somebodys(number: &str) -> bool {
    let digits: Vec<u8> = number.bytes().filter(u8::is_ascii_digit).collect();
    let end = &digits[digits.len().saturating_sub(PHONE_EQUAL_DIGITS)..];
    digits.len() >= PHONE_DIGITS_MIN && end.iter().any(|digit| Some(digit) != end.first())
}

/// The client who is booking, if it is one of those remembered; `remembered` has a list for each
/// contact. `None` also for a client whose name OpenVPMS will find as it was typed.
pub fn recall<'a>(typed: &Contact, remembered: &'a [Vec<CustomerName>]) -> Option<&'a CustomerName> {
    if remembered.iter().any(|clients| clients.len() > HOUSEHOLD_MAX) {
        return None;
    }
    let name = Name { first: &typed.first_name, last: &typed.last_name };
    let mut fitting: Vec<(Fit, &CustomerName)> = Vec::new();
    for client in remembered.iter().flatten() {
        let how = fit(name, Name { first: &client.first, last: &client.last });
        // Whoever is remembered for both phone and email is one person.
        if how != Fit::No && !fitting.iter().any(|(_, other)| *other == client) {
            fitting.push((how, client));
        }
    }
    // The very name goes before one that is close: Anne beside Annie.
    let best = fitting.iter().map(|(how, _)| *how).max()?;
    let mut best = fitting.into_iter().filter(|(how, _)| *how == best).map(|(_, client)| client);
    let client = best.next().filter(|_| best.next().is_none())?;
    (!openvpms_finds(typed, client)).then_some(client)
}

/// True if OpenVPMS takes the names for equal.
fn openvpms_finds(contact: &Contact, client: &CustomerName) -> bool {
    let equal = |one: &str, other: &str| one.to_lowercase() == other.to_lowercase();
    equal(&contact.first_name, &client.first) && equal(&contact.last_name, &client.last)
}

/// What is sent of a client who was recalled: OpenVPMS's spelling with what was typed besides.
pub fn spelt_as(contact: &Contact, client: &CustomerName) -> Contact {
    Contact { first_name: client.first.clone(), last_name: client.last.clone(), ..contact.clone() }
}

/// What is learnt when the booking is read back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lesson {
    /// OpenVPMS knows this client by the contacts of the booking.
    Remember(CustomerName),
    /// OpenVPMS attached nobody, although the name was sent as it was remembered: the memory is
    /// wrong.
    Forget(CustomerName),
    /// Nothing.
    Nothing,
}

impl Lesson {
    /// In a word, for the log.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Remember(_) => "remember",
            Self::Forget(_) => "forget",
            Self::Nothing => "nothing",
        }
    }
}

/// What follows from the customer whom OpenVPMS attached to a booking. `recalled` is the client
/// whose spelling was sent.
pub fn lesson(attached: Option<&CustomerName>, recalled: Option<&CustomerName>) -> Lesson {
    match (attached, recalled) {
        (Some(customer), _) if can_be_sent(customer) => Lesson::Remember(customer.clone()),
        (None, Some(client)) => Lesson::Forget(client.clone()),
        (Some(_), _) | (None, None) => Lesson::Nothing,
    }
}

/// True for names that a booking can carry: neither blank, nor too long, nor with characters that
/// are never sent.
fn can_be_sent(customer: &CustomerName) -> bool {
    let fits = |name: &str| {
        let plain = one_line(name);
        // OpenVPMS does not trim what it has, so blanks at the ends are sent as they are.
        !plain.is_empty() && plain == name.trim_matches(' ') && name.chars().count() <= NAME_CHARS_MAX
    };
    fits(&customer.first) && fits(&customer.last)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(first: &str, last: &str) -> CustomerName {
        CustomerName { first: first.into(), last: last.into() }
    }

    fn typed(first: &str, last: &str) -> Contact {
        Contact { first_name: first.into(), last_name: last.into(), ..Contact::default() }
    }

    fn recalled(first: &str, last: &str, remembered: &[Vec<CustomerName>]) -> Option<String> {
        recall(&typed(first, last), remembered).map(|client| format!("{} {}", client.first, client.last))
    }

    #[test]
    fn of_a_household_the_one_is_found_who_is_meant() {
        let household = [vec![client("Judith", "Bourke"), client("Peter", "Bourke"), client("Kate", "Nguyen")]];
        for (first, last, expected) in [
            ("Jduith", "Bourke", Some("Judith Bourke")),
            ("Pete", "Bourke", Some("Peter Bourke")),
            ("Katherine", "Nguyen", Some("Kate Nguyen")),
            ("Bourke", "Peter", Some("Peter Bourke")),
            ("Judith", "Miller", Some("Judith Bourke")),
            ("Paul", "Bourke", None),
            ("P", "Bourke", None),
        ] {
            assert_eq!(recalled(first, last, &household).as_deref(), expected, "{first} {last}");
        }
    }

    #[test]
    fn a_name_that_openvpms_finds_by_itself_is_sent_as_it_was_typed() {
        let household = [vec![client("Judith", "Bourke")]];
        assert_eq!(recalled("JUDITH", "bourke", &household), None);
        assert_eq!(recalled("Júdith", "bourke", &household).as_deref(), Some("Judith Bourke"));
    }

    #[test]
    fn where_two_clients_fit_neither_is_used() {
        let two = [vec![client("Katherine", "Smith"), client("Catherine", "Smith")]];
        assert_eq!(recalled("Kate", "Smith", &two), None);
        assert_eq!(recalled("Kathryn", "Smith", &two), None);
        let changed = [vec![client("Judith", "Bourke"), client("Judith", "Miller")]];
        assert_eq!(recalled("Judith", "Jones", &changed), None);
        let accents = [vec![client("José", "Silva"), client("Jose", "Silva")]];
        assert_eq!(recalled("JOSÈ", "Silva", &accents), None);
        // One by phone, another by email.
        let apart = [vec![client("Katherine", "Smith")], vec![client("Catherine", "Smith")]];
        assert_eq!(recalled("Kate", "Smith", &apart), None);
    }

    #[test]
    fn one_client_by_phone_and_email_is_one_and_the_very_name_goes_before_a_close_one() {
        let both = [vec![client("Judith", "Bourke")], vec![client("Judith", "Bourke")]];
        assert_eq!(recalled("Judy", "Bourke", &both).as_deref(), Some("Judith Bourke"));
        let near = [vec![client("Zoë", "Smith"), client("Zoe A", "Smith")]];
        assert_eq!(recalled("Zoe", "Smith", &near).as_deref(), Some("Zoë Smith"));
    }

    #[test]
    fn a_phone_of_many_helps_nobody() {
        let mut many: Vec<CustomerName> = ["Ann", "Ben", "Cath", "Dave"].map(|first| client(first, "Smith")).to_vec();
        many[0] = client("Judith", "Bourke");
        assert_eq!(recalled("Judy", "Bourke", &[many.clone()]).as_deref(), Some("Judith Bourke"));
        many.push(client("Eve", "Jones"));
        assert_eq!(recalled("Judy", "Bourke", &[vec![client("Judith", "Bourke")], many]), None);
    }

    #[test]
    fn people_are_known_by_numbers_and_addresses_that_can_be_somebodys() {
        let by = |phone: Option<&str>, mobile: Option<&str>, email: Option<&str>| {
            let own = |text: Option<&str>| text.map(str::to_owned);
            let contact = Contact { phone: own(phone), mobile: own(mobile), email: own(email), ..Contact::default() };
            known_by(&contact).into_iter().map(|(_, text)| text).collect::<Vec<_>>()
        };
        assert_eq!(by(Some("+61418976543"), Some("0418976543"), Some("Mary@X.au")), ["+61418976543", "mary@x.au"]);
        assert_eq!(by(Some("0291234567"), Some("+61291234567"), None), ["+61291234567"]);
        assert_eq!(by(Some("91234567"), None, None), ["91234567"]);
        for nobodys in ["0", "000", "1234567", "+61400000000", "0000000000", "+61411111111"] {
            assert!(by(Some(nobodys), None, Some("none")).is_empty(), "{nobodys}");
        }
    }

    #[test]
    fn what_openvpms_attached_is_remembered_and_what_led_nowhere_is_forgotten() {
        let judith = client("Judith", "Bourke");
        assert_eq!(lesson(Some(&judith), None), Lesson::Remember(judith.clone()));
        assert_eq!(lesson(Some(&judith), Some(&client("Judy", "B"))), Lesson::Remember(judith.clone()));
        assert_eq!(lesson(None, Some(&judith)), Lesson::Forget(judith.clone()));
        assert_eq!(lesson(None, None), Lesson::Nothing);
        for (first, last) in
            [("", "Bourke"), (" ", "Bourke"), ("Judith", ""), ("Ju\ndith", "B"), ("J😀", "B"), (&"x".repeat(101), "B")]
        {
            assert_eq!(lesson(Some(&client(first, last)), None), Lesson::Nothing, "{first:?}");
        }
        assert_eq!(lesson(Some(&client("Judith ", "B")), None), Lesson::Remember(client("Judith ", "B")));
    }
}
