//! The configuration of a practice: resources, appointment types, live hours and extra features.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

/// A resource, as the snapshot lists it. Ids and names are unique within a practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PmsResource {
    /// `s136` or `u1158-s211`.
    pub pms_resource_id: String,
    /// The name staff see when they link it.
    pub pms_resource_name: String,
    /// First name of a clinician.
    #[serde(rename = "pmsPractitionerFirstname", default, skip_serializing_if = "Option::is_none")]
    pub first_name: Option<String>,
    /// Last name of a clinician.
    #[serde(rename = "pmsPractitionerLastname", default, skip_serializing_if = "Option::is_none")]
    pub last_name: Option<String>,
}

/// An appointment type of one resource, as the snapshot lists it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct PmsAppointmentType {
    /// `66:s136`.
    pub pms_appointment_type_id: String,
    /// The name staff see when they link it; unique within the practice.
    pub pms_appointment_type_name: String,
    /// How long it takes, **in minutes** (that of a booking is in seconds).
    #[serde(rename = "pmsAppointmentLength", default, skip_serializing_if = "Option::is_none")]
    pub length_minutes: Option<u32>,
    /// The resource it belongs to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pms_resource_id: Option<String>,
}

/// Hours of one day kind: `HH:MM` ranges at practice time. There is no 24:00.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LiveRange {
    /// `HH:MM`.
    pub start: String,
    /// `HH:MM`, at most `23:59`.
    pub end: String,
}

/// The hours during which we promise to answer. Keys: `monday` … `sunday`, `publicHolidays`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct LivenessContract {
    /// Ranges by day kind; a day kind without any is absent or empty.
    #[serde(default)]
    pub live_hours: BTreeMap<String, Vec<LiveRange>>,
}

/// An extra feature of Healthengine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Feature {
    /// Its id, such as `documents`.
    pub id: String,
    /// On or off.
    pub enabled: bool,
}
