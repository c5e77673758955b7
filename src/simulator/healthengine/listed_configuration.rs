//! Resources and appointment types, as the snapshots of the configuration list them.

use serde_json::{Value, json};

use super::body::{Fields, Wrong};

/// A resource, as the snapshot listed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedResource {
    /// `pmsResourceId`.
    pub id: String,
    /// `pmsResourceName`.
    pub name: String,
    /// `pmsPractitionerTitle`.
    pub title: Option<String>,
    /// `pmsPractitionerFirstname`.
    pub first_name: Option<String>,
    /// `pmsPractitionerLastname`.
    pub last_name: Option<String>,
}

impl ListedResource {
    /// Reads an entry of the snapshot.
    pub(super) fn read(value: &Value, notes: &mut Vec<String>) -> Result<Self, Wrong> {
        let known = [
            "pmsResourceId",
            "pmsResourceName",
            "pmsPractitionerTitle",
            "pmsPractitionerFirstname",
            "pmsPractitionerLastname",
        ];
        let fields = Fields::of(value, "a resource", &known, notes)?;
        Ok(Self {
            id: fields.text("pmsResourceId")?,
            name: fields.text("pmsResourceName")?,
            title: fields.optional_text("pmsPractitionerTitle")?,
            first_name: fields.optional_text("pmsPractitionerFirstname")?,
            last_name: fields.optional_text("pmsPractitionerLastname")?,
        })
    }

    /// As the API writes it.
    pub(super) fn json(&self) -> Value {
        let Self { id, name, title, first_name, last_name } = self;
        json!({
            "pmsResourceId": id,
            "pmsResourceName": name,
            "pmsPractitionerTitle": title,
            "pmsPractitionerFirstname": first_name,
            "pmsPractitionerLastname": last_name,
        })
    }
}

/// An appointment type, as the snapshot listed it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListedType {
    /// `pmsAppointmentTypeId`.
    pub id: String,
    /// `pmsAppointmentTypeName`.
    pub name: String,
    /// `pmsAppointmentLength`: minutes.
    pub length_minutes: Option<u32>,
    /// The resource that alone has it; every one if `None`.
    pub resource: Option<String>,
}

impl ListedType {
    /// True if the resource has this type.
    pub(super) fn belongs_to(&self, resource: &str) -> bool {
        self.resource.as_deref().is_none_or(|own| own == resource)
    }

    /// Reads an entry of the snapshot.
    pub(super) fn read(value: &Value, notes: &mut Vec<String>) -> Result<Self, Wrong> {
        let known = ["pmsAppointmentTypeId", "pmsAppointmentTypeName", "pmsAppointmentLength", "pmsResourceId"];
        let fields = Fields::of(value, "an appointment type", &known, notes)?;
        Ok(Self {
            id: fields.text("pmsAppointmentTypeId")?,
            name: fields.text("pmsAppointmentTypeName")?,
            length_minutes: fields.optional_count("pmsAppointmentLength")?,
            resource: fields.optional_text("pmsResourceId")?,
        })
    }

    /// As the API writes it.
    pub(super) fn json(&self) -> Value {
        let Self { id, name, length_minutes, resource } = self;
        json!({
            "pmsAppointmentTypeId": id,
            "pmsAppointmentTypeName": name,
            "pmsAppointmentLength": length_minutes,
            "pmsResourceId": resource,
        })
    }
}
