//! What was offered when the process stopped, kept in the store.
//!
//! OpenVPMS tells the appointment types of each schedule by a call of its own, so the inventory of
//! a group with thousands of schedules takes minutes. Days need not wait for it after a restart:
//! they are read and sent by what Healthengine had accepted before, until the inventory was read
//! again. Bookings are never judged by it: see [`super::early_inventory`].

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::Offering;
use crate::availability::Zones;
use crate::ids::{AppointmentTypeId, LocationId, PracticeId, ResourceId, ScheduleId, TypeId, UserId};
use crate::mapping::names::PersonName;
use crate::mapping::{Asked, Mapping, Resource, ResourceType, Wanted};
use crate::store::{Batch, Record, RecordKind, Store};

/// An offering, and the settings that it was worked out by. Others make it worthless.
#[derive(Debug, Serialize, Deserialize)]
struct KeptOffering {
    locations: BTreeSet<LocationId>,
    wanted: Vec<KeptWish>,
    /// The zone that the configuration names.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time_zone: Option<String>,
    server_zone: String,
    practice_zone: String,
    resources: Vec<KeptResource>,
    user_locations: Vec<(UserId, BTreeSet<LocationId>)>,
    listed: BTreeSet<ScheduleId>,
}

#[derive(Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptWish {
    schedule: ScheduleId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    name: Option<String>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptResource {
    schedule: ScheduleId,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    user: Option<UserId>,
    location: LocationId,
    name: String,
    /// First and last name of a clinician.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    clinician: Option<(Option<String>, String)>,
    slot_size_minutes: u32,
    types: Vec<KeptType>,
}

#[derive(Debug, Serialize, Deserialize)]
struct KeptType {
    id: AppointmentTypeId,
    plain_name: String,
    name: String,
    slots: u32,
    length_minutes: u32,
}

impl Record for KeptOffering {
    const KIND: &'static str = "offering";
    const VERSION: u32 = 1;
}

/// It is read again at the next start, wherever that is.
pub(in crate::practice) const KIND: RecordKind = RecordKind::stays_behind::<KeptOffering>();

/// Keeps an offering for the next start. What cannot be kept is read again then.
pub(in crate::practice) fn keep(store: &Store, practice: &PracticeId, offering: &Offering, asked: &Asked) {
    match Batch::of(&practice.0, &KeptOffering::of(offering, asked)) {
        Ok(batch) => store.write_later(batch),
        Err(error) => tracing::error!(%practice, "What is offered cannot be kept: {error}."),
    }
}

/// What was kept before the restart, unless the configuration asks for something else since.
pub(in crate::practice) fn kept(store: &Store, practice: &PracticeId, asked: &Asked) -> Option<Offering> {
    store.get::<KeptOffering>(&practice.0).ok().flatten()?.offering(asked)
}

impl KeptOffering {
    fn of(offering: &Offering, asked: &Asked) -> Self {
        let Offering { mapping, zones, user_locations, listed } = offering;
        let kind = |ResourceType { id, plain_name, name, slots, length_minutes }: &ResourceType| KeptType {
            id: id.appointment_type,
            plain_name: plain_name.clone(),
            name: name.clone(),
            slots: *slots,
            length_minutes: *length_minutes,
        };
        let resource = |Resource { id, location, name, clinician, slot_size_minutes, types }: &Resource| KeptResource {
            schedule: id.schedule,
            user: id.user,
            location: *location,
            name: name.clone(),
            clinician: clinician.clone().map(|PersonName { first, last }| (first, last)),
            slot_size_minutes: *slot_size_minutes,
            types: types.iter().map(kind).collect(),
        };
        Self {
            locations: asked.locations.clone(),
            wanted: wishes(asked),
            time_zone: asked.time_zone.map(|zone| zone.to_string()),
            server_zone: zones.server.to_string(),
            practice_zone: zones.practice.to_string(),
            resources: mapping.resources.iter().map(resource).collect(),
            user_locations: user_locations.iter().map(|(user, locations)| (*user, locations.clone())).collect(),
            listed: listed.clone(),
        }
    }

    fn offering(self, asked: &Asked) -> Option<Offering> {
        let is_asked_for = self.locations == asked.locations
            && self.wanted == wishes(asked)
            && self.time_zone == asked.time_zone.map(|zone| zone.to_string());
        let zones = Zones { server: self.server_zone.parse().ok()?, practice: self.practice_zone.parse().ok()? };
        let resources = self.resources.into_iter().map(KeptResource::resource).collect();
        is_asked_for.then(|| Offering {
            mapping: Mapping { resources, left_out: Vec::new(), missing_locations: Vec::new(), zones: Ok(zones) },
            zones,
            user_locations: self.user_locations.into_iter().collect(),
            listed: self.listed,
        })
    }
}

impl KeptResource {
    fn resource(self) -> Resource {
        let id = ResourceId { schedule: self.schedule, user: self.user };
        let kind = |KeptType { id: appointment_type, plain_name, name, slots, length_minutes }: KeptType| {
            ResourceType { id: TypeId { appointment_type, resource: id }, plain_name, name, slots, length_minutes }
        };
        Resource {
            id,
            location: self.location,
            name: self.name,
            clinician: self.clinician.map(|(first, last)| PersonName { first, last }),
            slot_size_minutes: self.slot_size_minutes,
            types: self.types.into_iter().map(kind).collect(),
        }
    }
}

fn wishes(asked: &Asked) -> Vec<KeptWish> {
    let wish =
        |Wanted { schedule, user, name }: &Wanted| KeptWish { schedule: *schedule, user: *user, name: name.clone() };
    asked.resources.iter().map(wish).collect()
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use chrono::DateTime;

    use super::*;
    use crate::store::MemoryEngine;
    use crate::zone::Zone;

    fn asked() -> Asked {
        let wanted = Wanted { schedule: ScheduleId(136), user: Some(UserId(1158)), name: Some("Vera".into()) };
        Asked { locations: BTreeSet::from([LocationId(98)]), resources: vec![wanted], time_zone: None }
    }

    fn offering() -> Offering {
        let zone = |name: &str| name.parse::<Zone>().unwrap();
        let id = ResourceId { schedule: ScheduleId(136), user: Some(UserId(1158)) };
        let kind = ResourceType {
            id: TypeId { appointment_type: AppointmentTypeId(66), resource: id },
            plain_name: "Consultation".into(),
            name: "Consultation - Vera".into(),
            slots: 2,
            length_minutes: 30,
        };
        let resource = Resource {
            id,
            location: LocationId(98),
            name: "Vera".into(),
            clinician: Some(PersonName { first: None, last: "Vet".into() }),
            slot_size_minutes: 15,
            types: vec![kind],
        };
        let zones = Zones { server: zone("Australia/Perth"), practice: zone("Australia/Sydney") };
        Offering {
            mapping: Mapping {
                resources: vec![resource],
                left_out: Vec::new(),
                missing_locations: Vec::new(),
                zones: Ok(zones),
            },
            zones,
            user_locations: BTreeMap::from([(UserId(1158), BTreeSet::from([LocationId(98), LocationId(106)]))]),
            listed: BTreeSet::from([ScheduleId(136), ScheduleId(211)]),
        }
    }

    #[tokio::test]
    async fn what_is_kept_is_what_was_offered_as_long_as_the_configuration_asks_for_the_same() {
        let store = Store::in_memory(&MemoryEngine::new(), DateTime::UNIX_EPOCH).unwrap();
        let practice = PracticeId("1234567".into());
        let kept = |asked: &Asked| kept(&store, &practice, asked);
        assert_eq!(kept(&asked()), None);
        keep(&store, &practice, &offering(), &asked());
        assert_eq!(kept(&asked()), Some(offering()));
        let zone = Some("Australia/Perth".parse().unwrap());
        for other in [
            Asked { locations: BTreeSet::from([LocationId(106)]), ..asked() },
            Asked { resources: Vec::new(), ..asked() },
            Asked { time_zone: zone, ..asked() },
        ] {
            assert_eq!(kept(&other), None, "{other:?}");
        }
    }
}
