//! Practitioners and their kinds of visit, as pet owners see them.

use super::listed_configuration::ListedType;

/// A practitioner as Healthengine shows them to pet owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Practitioner {
    /// Their name.
    pub name: String,
    /// The resource that staff linked.
    pub resource: Option<String>,
    /// What they can be booked for.
    pub kinds: Vec<OfferedKind>,
}

/// An appointment type as Healthengine names it to pet owners.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedKind {
    /// Healthengine's name of it; bookings carry it as `comments`.
    pub name: String,
    /// Healthengine's own length, minutes, at least 1.
    pub length_minutes: u32,
    /// Our appointment type that staff linked.
    pub appointment_type: Option<String>,
}

/// What Healthengine takes for a type whose length nobody told, minutes.
const LENGTH_MINUTES_DEFAULT: u32 = 15;

impl OfferedKind {
    /// A kind as staff make it for a type: same name, same length, linked.
    pub(super) fn of(kind: &ListedType) -> Self {
        let length_minutes = kind.length_minutes.filter(|minutes| *minutes > 0).unwrap_or(LENGTH_MINUTES_DEFAULT);
        Self { name: kind.name.clone(), length_minutes, appointment_type: Some(kind.id.clone()) }
    }

    /// What identifies it to a caller: our linked id, else Healthengine's name.
    pub(super) fn label(&self) -> &str {
        self.appointment_type.as_deref().unwrap_or(&self.name)
    }
}
