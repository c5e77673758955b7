//! Availability: the days that Healthengine asks for, and the snapshots that replace them.

use chrono::NaiveDate;
use serde::{Deserialize, Serialize};

/// How many snapshots one batch may hold.
pub const BATCH_MAX: usize = 100;

/// A day that Healthengine wants to know again.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct AvailabilityRequest {
    /// The day at practice time.
    pub day: NaiveDate,
    /// The resource; every one when absent.
    pub pms_resource_id: Option<String>,
}

/// Availability of one resource on one day; replaces what was sent for that day.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilitySnapshot {
    /// Our name for this snapshot in the answer to a batch.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// The day at practice time.
    pub date: NaiveDate,
    /// The resource.
    pub pms_resource_id: String,
    /// When it can be booked; empty when not at all.
    pub availability: Vec<AvailabilityRange>,
}

/// A stretch of a day that can be booked.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct AvailabilityRange {
    /// `HH:MM` at practice time.
    pub start: String,
    /// `HH:MM` at practice time; a range that runs to midnight ends `23:59`.
    pub end: String,
    /// Seconds. Under 60 Healthengine ignores it.
    pub slot_length: u32,
    /// Our ids of the appointment types that can be booked in it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub pms_appointment_type_ids: Vec<String>,
}

/// What became of each snapshot of a batch, by index into it.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct BatchOutcome {
    /// Taken, or known already.
    pub accepted: Vec<usize>,
    /// Refused, with the reason.
    pub failed: Vec<(usize, String)>,
}
