//! The extra features: off unless the consumer switches them on, and never on in a bridge to
//! OpenVPMS.

use serde_json::{Value, json};

use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};

/// The features of this edition, with a name and what they are for.
pub(super) const FEATURES: [(&str, &str, &str); 3] = [
    ("documents", "Documents", "Scripts and referrals of a booking"),
    ("clientSnapshots", "Client snapshots", "Appointments and patients of a day"),
    ("attachDocuments", "Attach documents", "Forms of a pet owner for the practice"),
];

/// `GET features`
pub(super) fn all(visit: &mut Visit<'_>) -> HandlerOutcome {
    HandlerReply::with(FEATURES.iter().map(|(id, ..)| json(visit, id)).collect())
}

/// `GET features/{id}`
pub(super) fn one(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = wanted(visit)?;
    HandlerReply::with(json(visit, id))
}

/// `POST features/{id}/enable`
pub(super) fn enable(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = wanted(visit)?;
    visit.notes.push(format!("the feature {id} is enabled, which OpenVPMS's booking API cannot serve"));
    visit.practice.features.insert(id, true);
    HandlerReply::done()
}

/// `POST features/{id}/disable`
pub(super) fn disable(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = wanted(visit)?;
    visit.practice.features.insert(id, false);
    HandlerReply::done()
}

fn wanted(visit: &Visit<'_>) -> Result<&'static str, HandlerRefusal> {
    let id = visit.params.first().map_or("", String::as_str);
    named(id).ok_or_else(|| HandlerRefusal::mistake(404, "no such feature"))
}

/// The feature of this id.
pub(super) fn named(id: &str) -> Option<&'static str> {
    FEATURES.iter().map(|(own, ..)| *own).find(|own| *own == id)
}

fn json(visit: &Visit<'_>, id: &str) -> Value {
    let enabled = visit.practice.features.get(id).copied().unwrap_or(false);
    let (_, name, description) = FEATURES.iter().find(|(own, ..)| *own == id).copied().unwrap_or((id, "", ""));
    json!({ "id": id, "name": name, "description": description, "enabled": enabled })
}
