//! What a booking asks for, as Healthengine sent it, as long as there is no place for it.

use std::fmt;

use chrono::NaiveDateTime;
use serde::{Deserialize, Deserializer, Serialize};

use crate::healthengine::BookingRequest;

/// What a booking asks for. Of what the request did not name, or named in a way that is no id,
/// nothing is kept.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedPlace {
    /// When the appointment is to begin, on the practice's wall clock.
    pub at: Option<NaiveDateTime>,
    /// The resource.
    pub resource: Option<WantedId>,
    /// The appointment type.
    pub appointment_type: Option<WantedId>,
}

impl WantedPlace {
    /// What a request names.
    pub fn of(request: &BookingRequest) -> Self {
        let id = |text: &Option<String>| text.as_deref().and_then(WantedId::new);
        Self {
            at: request.appointment_time,
            resource: id(&request.pms_resource_id),
            appointment_type: id(&request.pms_appointment_type_id),
        }
    }
}

/// An id that need not be one of ours: another system may have given it to Healthengine. It is
/// short and holds nothing but letters, digits and the marks of ids, so that neither a name nor
/// the address of a mail can pass for one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(transparent)]
pub struct WantedId(String);

/// Ids of both systems, and UUIDs, are shorter.
const CHARS_MAX: usize = 64;

impl WantedId {
    /// `None` for what is no id.
    pub fn new(text: &str) -> Option<Self> {
        let is_mark = |c: char| matches!(c, ':' | '-' | '_' | '.');
        let is_id = text.chars().all(|c| c.is_ascii_alphanumeric() || is_mark(c));
        (is_id && (1..=CHARS_MAX).contains(&text.len())).then(|| Self(text.to_owned()))
    }

    /// As Healthengine sent it.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for WantedId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// Reads one that was kept. A state file can hold anything: what is no id counts for nothing, and
/// the booking is read all the same.
pub(super) fn kept<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<WantedId>, D::Error> {
    let text = Option::<String>::deserialize(deserializer)?;
    Ok(text.as_deref().and_then(WantedId::new))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_of_any_system_are_kept_and_what_a_person_may_have_typed_is_not() {
        for id in ["s136", "66:u1158-s211", "0f6c2d1e-1b1a-4f3c-9c33-0d8e5a4b7c21", "12_b.7", &"9".repeat(64)] {
            assert_eq!(WantedId::new(id).as_ref().map(WantedId::as_str), Some(id));
        }
        let odd = ["", "Judith Bourke", "jb@example.com", "+61412345678", "s1\n", "é", "<b>", &"9".repeat(65)];
        for text in odd {
            assert_eq!(WantedId::new(text), None, "{text:?}");
        }
    }
}
