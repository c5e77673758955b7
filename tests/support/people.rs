//! Who books. Made up; their names must never appear in a log.

use vetbridge::simulator::healthengine::{PetOwner, Wish};

use super::wall_time;

/// Everything of the people below that a log could give away.
pub(super) const SECRETS: [&str; 8] =
    ["Judith", "Bourke", "Bourke", "418976543", "418 976 543", "judith@example.com", "Muffett", "Limping"];

/// A customer of the clinic, who types her phone in another spelling than the clinic's.
pub(crate) fn judith() -> PetOwner {
    PetOwner {
        first_name: Some("Judith".into()),
        last_name: Some("Bourke".into()),
        phone: Some("+61 418 976 543".into()),
        email: Some("judith@example.com".into()),
        ..PetOwner::default()
    }
}

/// Somebody the clinic does not know.
pub(crate) fn person(first: &str, last: &str, phone: &str) -> PetOwner {
    PetOwner {
        first_name: Some(first.into()),
        last_name: Some(last.into()),
        phone: Some(phone.into()),
        ..PetOwner::default()
    }
}

/// What Judith wants to book.
pub(crate) fn wish(resource: &str, kind: &str, start: &str) -> Wish {
    Wish::new(resource, kind, wall_time(start)).by(judith(), "Limping since Monday\nPet name: Muffett")
}
