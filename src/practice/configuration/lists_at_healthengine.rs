//! What Healthengine has before it is told anything.
//!
//! A store that was lost knows of no list, and the first one it sends deletes what it leaves out,
//! with the links that staff made by hand. So the guard measures a first list by what Healthengine
//! itself says it has. Where nothing was ever linked that is nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::sync::ConfigurationSync;
use crate::call_error::{Answer, ErrorClass};
use crate::healthengine::{PmsAppointmentType, PmsResource};
use crate::ids::{LocationId, ResourceId};
use crate::mapping::guard::Accepted;
use crate::mapping::remembered::RememberedConfiguration;
use crate::mapping::{Asked, Mapping};

/// Healthengine's own lists, each where none is known as accepted.
pub(super) struct ListsThere {
    resources: Option<Vec<PmsResource>>,
    types: Option<Vec<PmsAppointmentType>>,
}

impl ConfigurationSync {
    /// Reads them. One that this edition of the API does not tell is as an empty one; so is one
    /// that cannot be read when a person `insists`, who says what Healthengine is to have, whatever
    /// it has.
    pub(super) async fn lists_at_healthengine(&self, insists: bool) -> Answer<ListsThere> {
        let (unknown_resources, unknown_types) = {
            let remembered = self.accepted.remembered();
            (remembered.resources.is_none(), remembered.types.is_none())
        };
        let mut found = ListsThere { resources: None, types: None };
        if unknown_resources {
            found.resources = Some(self.unless_untold(self.context.healthengine.resources().await, insists)?);
        }
        if unknown_types {
            found.types = Some(self.unless_untold(self.context.healthengine.appointment_types().await, insists)?);
        }
        Ok(found)
    }

    fn unless_untold<T>(&self, read: Answer<Vec<T>>, insists: bool) -> Answer<Vec<T>> {
        match read {
            Err(error) if error.class == ErrorClass::Refused => Ok(Vec::new()),
            Err(error) if insists => {
                tracing::warn!(practice = %self.context.id(), "Healthengine does not say what it has ({error}): \
                                                               whatever it is, it is replaced.");
                Ok(Vec::new())
            }
            read => read,
        }
    }

    /// Takes them for what was last accepted.
    pub(super) fn take_over(&self, found: ListsThere, asked: &Asked, mapping: &Mapping) {
        let ListsThere { resources, types } = found;
        if resources.is_some() || types.is_some() {
            self.accepted.note(|remembered| {
                let RememberedConfiguration { resources: known, types: known_types, accepted, .. } = remembered;
                if let Some(listed) = resources {
                    accepted.resources = of_ours(&listed, asked, mapping);
                    *known = Some(listed);
                }
                if let Some(listed) = types {
                    let ids = listed.iter().filter_map(|own| own.pms_appointment_type_id.parse().ok());
                    accepted.types = ids.collect::<BTreeSet<_>>();
                    *known_types = Some(listed);
                }
            });
        }
    }
}

/// Resources with ids as we make them. Healthengine does not know their locations: where the
/// reading has none either, one counts that the configuration asks for, so that the resource counts
/// as missing.
fn of_ours(listed: &[PmsResource], asked: &Asked, mapping: &Mapping) -> BTreeMap<ResourceId, LocationId> {
    let read = Accepted::from_mapping(mapping).resources;
    let ids = listed.iter().filter_map(|own| own.pms_resource_id.parse::<ResourceId>().ok());
    ids.filter_map(|id| Some((id, read.get(&id).or(asked.locations.first()).copied()?))).collect()
}
