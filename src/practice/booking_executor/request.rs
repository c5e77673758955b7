//! A booking request with the client whom it is for.

use crate::healthengine::BookingRequest;
use crate::openvpms::{Contact, CustomerName};
use crate::pet_owner::known_clients::spelt_as;

/// A booking request with whom it is for.
pub(in crate::practice) struct RequestAndClient {
    /// As Healthengine lists it.
    pub(super) request: BookingRequest,
    /// The patient's fields as they were typed.
    pub(super) typed: Contact,
    /// The client it is, if OpenVPMS spells the name otherwise.
    pub(super) recalled: Option<CustomerName>,
}

impl RequestAndClient {
    /// The patient's fields as they are sent.
    pub(super) fn contact(&self) -> Contact {
        self.recalled.as_ref().map_or_else(|| self.typed.clone(), |client| spelt_as(&self.typed, client))
    }

    /// What was typed, if another name is sent.
    pub(super) fn typed_name(&self) -> Option<String> {
        self.recalled.as_ref()?;
        let patient = &self.request.patient;
        let names = [patient.first_name.as_deref(), patient.last_name.as_deref()];
        Some(names.map(Option::unwrap_or_default).join(" "))
    }
}
