//! What things are called on the page: names where OpenVPMS was read, ids where it was not.

use std::sync::Arc;

use crate::booking::entry::{Entry, Place};
use crate::bridge::Bridge;
use crate::ids::{PracticeId, TypeId};
use crate::practice::{Offering, Practice};

/// The name of a practice: that of its location, or of the first of several.
pub(super) fn practice(id: &PracticeId, practice: Option<&Practice>) -> String {
    let offering = practice.and_then(Practice::offering);
    let names = practice.zip(offering.as_deref()).map(|(practice, offering)| {
        let locations = practice.locations().iter();
        locations.filter_map(|location| offering.location_names.get(location).cloned()).collect::<Vec<_>>()
    });
    match names.unwrap_or_default().as_slice() {
        [] => format!("Practice {id}"),
        [only] => only.clone(),
        [first, others @ ..] => format!("{first} and {} more", others.len()),
    }
}

/// What was booked: appointment type and resource.
pub(super) fn booked(bridge: &Bridge, entry: &Entry) -> String {
    let offering = bridge.on_or_off(&entry.practice_id).and_then(|(practice, _)| practice.offering());
    entry.place.as_ref().map_or_else(|| "nothing that is offered".to_owned(), |place| place_name(offering, place))
}

fn place_name(offering: Option<Arc<Offering>>, place: &Place) -> String {
    let (id, kind) = (place.resource(), place.appointment_type);
    let resource = offering.as_ref().and_then(|offering| offering.mapping.resource(id));
    let type_id = TypeId { appointment_type: kind, resource: id };
    let kind_name = resource.and_then(|own| own.types.iter().find(|own| own.id == type_id));
    let kind_name = kind_name.map_or_else(|| format!("appointment type {kind}"), |own| own.plain_name.clone());
    let resource = resource.map_or_else(
        || match id.user {
            Some(user) => format!("clinician {user} on schedule {}", id.schedule),
            None => format!("schedule {}", id.schedule),
        },
        |own| own.name.clone(),
    );
    format!("{kind_name}, {resource}")
}
