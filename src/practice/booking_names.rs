//! What the schedule, clinician and appointment type of a booking are called, as Healthengine was
//! last told: known without OpenVPMS, and also of what is not offered any more.

use std::collections::BTreeMap;

use crate::booking::entry::{Entry, Place};
use crate::booking::wanted::WantedPlace;
use crate::healthengine::PmsResource;
use crate::ids::{PracticeId, ResourceId, TypeId};
use crate::mapping::remembered::RememberedConfiguration;
use crate::store::Store;

/// The names that a practice's bookings can need.
#[derive(Debug, Default)]
pub struct BookingNames {
    resources: BTreeMap<String, ResourceNames>,
    types: BTreeMap<String, String>,
    locations: Vec<String>,
}

#[derive(Debug, Clone)]
struct ResourceNames {
    name: String,
    clinician: Option<String>,
}

/// What is known of what a booking without a place asks for.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct WantedNames {
    /// The resource's.
    pub resource: Option<String>,
    /// The appointment type's.
    pub appointment_type: Option<String>,
}

/// The names of one booking's place; absent where they are not known.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlaceNames {
    /// The schedule's.
    pub schedule: Option<String>,
    /// The clinician's.
    pub clinician: Option<String>,
    /// The appointment type's.
    pub appointment_type: Option<String>,
}

impl BookingNames {
    /// Those of a practice.
    pub fn read(store: &Store, practice: &PracticeId) -> Self {
        let remembered = store.get::<RememberedConfiguration>(&practice.0).ok().flatten().unwrap_or_default();
        let mut names = Self { locations: remembered.location_names.into_values().collect(), ..Self::default() };
        for own in remembered.departed {
            if own.is_type {
                names.types.insert(own.id, own.name);
            } else {
                names.resources.insert(own.id, ResourceNames { name: own.name, clinician: None });
            }
        }
        for PmsResource { pms_resource_id, pms_resource_name, first_name, last_name } in
            remembered.resources.into_iter().flatten()
        {
            let clinician: Vec<String> = first_name.into_iter().chain(last_name).collect();
            let clinician = (!clinician.is_empty()).then(|| clinician.join(" "));
            names.resources.insert(pms_resource_id, ResourceNames { name: pms_resource_name, clinician });
        }
        for own in remembered.types.into_iter().flatten() {
            names.types.insert(own.pms_appointment_type_id, own.pms_appointment_type_name);
        }
        names
    }

    /// Those of this place.
    pub fn of(&self, place: &Place) -> PlaceNames {
        let resource = self.resources.get(&place.resource().to_string());
        let clinician = resource.and_then(|own| own.clinician.clone());
        // A clinician's resource is called `<clinician> - <schedule>`.
        let on_schedule = |own: &ResourceNames| {
            let rest = own.name.strip_prefix(own.clinician.as_deref()?)?;
            rest.strip_prefix(" - ").map(str::to_owned)
        };
        let of_schedule = self.resources.get(&ResourceId::schedule(place.schedule).to_string());
        let schedule = of_schedule.map(|own| own.name.clone()).or_else(|| resource.and_then(on_schedule));
        let id = TypeId { appointment_type: place.appointment_type, resource: place.resource() };
        let appointment_type = self.plain_type(&id.to_string(), resource);
        PlaceNames { schedule, clinician, appointment_type }
    }

    /// The names of what is wanted, of what Healthengine was ever told of.
    pub fn of_wanted(&self, wanted: &WantedPlace) -> WantedNames {
        let resource = wanted.resource.as_ref().and_then(|id| self.resources.get(id.as_str()));
        WantedNames {
            resource: resource.map(|own| own.name.clone()),
            appointment_type: wanted.appointment_type.as_ref().and_then(|id| self.plain_type(id.as_str(), resource)),
        }
    }

    /// A type is called `<type> - <resource>`.
    fn plain_type(&self, id: &str, resource: Option<&ResourceNames>) -> Option<String> {
        let name = self.types.get(id)?;
        let of_resource = resource.map(|own| format!(" - {}", own.name));
        Some(of_resource.and_then(|end| name.strip_suffix(&end)).unwrap_or(name).to_owned())
    }

    /// What the practice's locations are called.
    pub fn locations(&self) -> &[String] {
        &self.locations
    }

    /// What the resource of a booking is called as a whole, as the list of resources has it.
    pub fn resource_of(&self, entry: &Entry) -> Option<String> {
        let own = self.resources.get(&entry.place.as_ref()?.resource().to_string())?;
        Some(own.name.clone())
    }

    /// Every name that a booking of the practice shows, and those of the practice's locations.
    pub fn all_of(&self, entry: &Entry) -> Vec<String> {
        let of_place = entry.place.as_ref().map(|place| self.of(place)).unwrap_or_default();
        let of_wanted = self.of_wanted(&entry.wanted);
        let own = [of_place.schedule, of_place.clinician, of_place.appointment_type];
        let wanted = [of_wanted.resource, of_wanted.appointment_type];
        own.into_iter().chain(wanted).flatten().chain(self.locations.iter().cloned()).collect()
    }
}
