//! What practice staff link by hand in the portal: a Healthengine practitioner to a resource,
//! their appointment types to ours.
//!
//! Nothing can be booked without a linked practitioner. A snapshot that leaves a resource or a type
//! out deletes the links to it; sending it again does not bring them back, staff must.

use std::collections::{BTreeMap, BTreeSet};

use super::listed_configuration::{ListedResource, ListedType};
use super::practitioners::{OfferedKind, Practitioner};
use super::state::PracticeAccount;

impl PracticeAccount {
    /// The practitioner linked to a resource.
    pub(super) fn practitioner(&self, resource: &str) -> Option<&Practitioner> {
        self.practitioners.iter().find(|own| own.resource.as_deref() == Some(resource))
    }

    /// Links a practitioner of this name, who is made if need be.
    pub(super) fn link_resource(&mut self, resource: &ListedResource, name: &str) {
        for other in self.practitioners.iter_mut().filter(|own| own.resource.as_ref() == Some(&resource.id)) {
            other.resource = None;
        }
        let linked = Some(resource.id.clone());
        match self.practitioners.iter_mut().find(|own| own.name == name) {
            Some(known) => known.resource = linked,
            None => {
                self.practitioners.push(Practitioner { name: name.to_owned(), resource: linked, kinds: Vec::new() })
            }
        }
    }

    /// Gives the practitioner of a resource a kind, or replaces the one of that name.
    pub(super) fn link_kind(&mut self, resource: &str, kind: OfferedKind) -> bool {
        let Some(own) = self.practitioners.iter_mut().find(|own| own.resource.as_deref() == Some(resource)) else {
            return false;
        };
        match own.kinds.iter_mut().find(|known| known.name == kind.name) {
            Some(known) => *known = kind,
            None => own.kinds.push(kind),
        }
        true
    }

    /// Links everything that is not linked yet, as diligent staff would.
    pub(super) fn link_everything(&mut self) {
        let mut types: BTreeMap<Option<String>, Vec<ListedType>> = BTreeMap::new();
        for kind in &self.appointment_types {
            types.entry(kind.resource.clone()).or_default().push(kind.clone());
        }
        for resource in self.resources.clone() {
            if self.practitioner(&resource.id).is_none() {
                self.link_resource(&resource, &resource.name);
            }
            let own = [Some(resource.id.clone()), None];
            for kind in own.iter().filter_map(|key| types.get(key)).flatten() {
                let linked = |known: &OfferedKind| known.appointment_type.as_ref() == Some(&kind.id);
                if !self.practitioner(&resource.id).is_some_and(|own| own.kinds.iter().any(linked)) {
                    self.link_kind(&resource.id, OfferedKind::of(kind));
                }
            }
        }
    }

    /// Deletes the links to what a snapshot left out.
    pub(super) fn drop_links(&mut self) {
        let resources: BTreeSet<&str> = self.resources.iter().map(|own| own.id.as_str()).collect();
        let types: BTreeSet<&str> = self.appointment_types.iter().map(|own| own.id.as_str()).collect();
        for own in &mut self.practitioners {
            if let Some(gone) = own.resource.take_if(|id| !resources.contains(id.as_str())) {
                self.lost_links.push(format!("{} -> resource {gone}", own.name));
            }
            for kind in &mut own.kinds {
                if let Some(gone) = kind.appointment_type.take_if(|id| !types.contains(id.as_str())) {
                    self.lost_links.push(format!("{}, {} -> appointment type {gone}", own.name, kind.name));
                }
            }
        }
    }
}
