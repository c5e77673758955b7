//! The pet owners of the demo. All of them are invented; the mobile numbers are those that are set
//! aside for fiction.

use crate::simulator::healthengine::PetOwner;
use crate::simulator::openvpms::{Customer, CustomerId, PatientEntity, PatientId, PhoneContact};

/// A pet owner.
#[derive(Debug, Clone, Copy)]
pub(super) struct Person {
    first_name: &'static str,
    last_name: &'static str,
    pet: &'static str,
    mobile: &'static str,
    /// True if the clinic knows them.
    is_client: bool,
}

/// Everybody.
pub(super) const PEOPLE: [Person; 16] = [
    client("Amara", "Okafor", "Biscuit", "0491 570 006"),
    client("Bence", "Horvath", "Pixel", "+61 491 570 156"),
    client("Chloe", "Papadopoulos", "Ziggy", "0491570157"),
    client("Dilip", "Raman", "Mango", "0491 570 158"),
    client("Elif", "Yilmaz", "Pamuk", "(0491) 570 159"),
    client("Fergus", "O\u{2019}Rourke", "Tippy", "0491 570 110"),
    client("Grace", "Tuilagi", "Lani", "61491570313"),
    client("Henrik", "Dahl", "Nisse", "0491 570 737"),
    stranger("Isla", "McAllister", "Haggis", "0491 571 266"),
    stranger("Jack", "Nguyen", "Pho", "0491 571 491"),
    stranger("Keiko", "Mori", "Tofu", "0491 571 804"),
    stranger("Lachlan", "Byrne", "Dusty", "0491 572 549"),
    stranger("Mia", "Novak", "Olive", "0491 572 665"),
    stranger("Noah", "Castellano", "Gnocchi", "0491 572 983"),
    stranger("Priya", "Pillai", "Chai", "0491 573 770"),
    stranger("Zoë", "Lindqvist", "Smilla", "0491 573 087"),
];

const fn client(first_name: &'static str, last_name: &'static str, pet: &'static str, mobile: &'static str) -> Person {
    Person { first_name, last_name, pet, mobile, is_client: true }
}

const fn stranger(
    first_name: &'static str,
    last_name: &'static str,
    pet: &'static str,
    mobile: &'static str,
) -> Person {
    Person { is_client: false, ..client(first_name, last_name, pet, mobile) }
}

impl Person {
    /// First and last name.
    pub(super) fn name(&self) -> String {
        format!("{} {}", self.first_name, self.last_name)
    }

    /// The animal.
    pub(super) fn pet(&self) -> &'static str {
        self.pet
    }

    /// True for somebody who says that they were never here.
    pub(super) fn is_new(&self) -> bool {
        !self.is_client
    }

    /// As Healthengine knows them.
    pub(super) fn pet_owner(&self) -> PetOwner {
        PetOwner {
            first_name: Some(self.first_name.to_owned()),
            last_name: Some(self.last_name.to_owned()),
            phone: Some(self.mobile.to_owned()),
            email: Some(format!("{}@example.com", self.pet.to_lowercase())),
            ..PetOwner::default()
        }
    }
}

/// Those whom the clinic knows, as its staff wrote them down: phones in a spelling of their own.
pub(super) fn customers() -> Vec<Customer> {
    let clients = PEOPLE.iter().filter(|person| person.is_client).zip(1_i64..);
    clients
        .map(|(person, number)| Customer {
            id: CustomerId(2000 + number),
            title: None,
            first_name: person.first_name.replace('\u{2019}', "'"),
            last_name: person.last_name.replace('\u{2019}', "'"),
            company: None,
            phones: vec![PhoneContact { area_code: None, number: national(person.mobile), mobile: true }],
            emails: Vec::new(),
            patients: vec![PatientEntity { id: PatientId(3000 + number), name: person.pet.to_owned() }],
            active: true,
        })
        .collect()
}

/// `0491570156`, whatever the spelling.
fn national(mobile: &str) -> String {
    let digits: String = mobile.chars().filter(char::is_ascii_digit).collect();
    digits.strip_prefix("61").map_or_else(|| digits.clone(), |rest| format!("0{rest}"))
}
