//! A booking of the ledger as operators see it, as JSON. The page and the commands show the same.

use chrono::{DateTime, FixedOffset};
use serde::{Deserialize, Serialize};

use crate::booking::entry::{Entry, HistoryItem};
use crate::practice::booking_names::BookingNames;
use crate::zone::Zone;

/// One booking of the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BookingView {
    /// Healthengine's number.
    pub booking_id: i64,
    /// The practice.
    pub practice_id: String,
    /// The ledger's state.
    pub state: String,
    /// OpenVPMS's reference.
    pub reference: Option<String>,
    /// The schedule.
    pub schedule: Option<i64>,
    /// From, at practice time.
    pub start: Option<DateTime<FixedOffset>>,
    /// To, at practice time.
    pub end: Option<DateTime<FixedOffset>>,
    /// What a person has to do.
    pub needs_attention: Option<String>,
    /// What happened.
    pub history: Vec<HappeningView>,
    /// The pet owner's cancellation, while the appointment stands all the same: `waiting` or
    /// `refused`.
    #[serde(default)]
    pub cancellation: Option<String>,
    /// The clinician.
    #[serde(default)]
    pub clinician: Option<i64>,
    /// The appointment type, as OpenVPMS has it.
    #[serde(default)]
    pub appointment_type: Option<i64>,
    /// The schedule's name, where it is known.
    #[serde(default)]
    pub schedule_name: Option<String>,
    /// The clinician's name, where it is known.
    #[serde(default)]
    pub clinician_name: Option<String>,
    /// The appointment type's name, where it is known.
    #[serde(default)]
    pub appointment_type_name: Option<String>,
    /// The resource that the request names, as Healthengine sent it, where no schedule was found
    /// for it.
    #[serde(default)]
    pub wanted_resource: Option<String>,
    /// The same of the appointment type.
    #[serde(default)]
    pub wanted_appointment_type: Option<String>,
    /// The wanted resource's name, where Healthengine was ever told one.
    #[serde(default)]
    pub wanted_resource_name: Option<String>,
    /// The same of the appointment type.
    #[serde(default)]
    pub wanted_appointment_type_name: Option<String>,
}

/// A state that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HappeningView {
    /// The state.
    pub state: String,
    /// When, at practice time.
    pub at: DateTime<FixedOffset>,
    /// Why.
    pub reason: String,
}

impl BookingView {
    /// With times of this zone, and with the names that are known.
    pub fn of(entry: &Entry, zone: Zone, names: &BookingNames) -> Self {
        let place = entry.place.as_ref();
        let wanted = names.of_wanted(&entry.wanted);
        let names = place.map(|place| names.of(place)).unwrap_or_default();
        let happening = |happening: &HistoryItem| HappeningView {
            state: happening.state.name().to_owned(),
            at: zone.at(happening.at),
            reason: happening.reason.to_string(),
        };
        Self {
            booking_id: entry.booking_id.0,
            practice_id: entry.practice_id.to_string(),
            state: entry.state.name().to_owned(),
            reference: entry.reference.as_ref().map(ToString::to_string),
            schedule: place.map(|place| place.schedule.0),
            start: entry.begins(zone).map(|start| zone.at(start)),
            end: place.map(|place| zone.at(place.span.end)),
            needs_attention: entry.needs_attention.as_deref().map(str::to_owned),
            history: entry.history.iter().map(happening).collect(),
            cancellation: entry.open_cancellation().map(|open| open.name().to_owned()),
            clinician: place.and_then(|place| place.user).map(|user| user.0),
            appointment_type: place.map(|place| place.appointment_type.0),
            schedule_name: names.schedule,
            clinician_name: names.clinician,
            appointment_type_name: names.appointment_type,
            wanted_resource: entry.wanted.resource.as_ref().map(ToString::to_string),
            wanted_appointment_type: entry.wanted.appointment_type.as_ref().map(ToString::to_string),
            wanted_resource_name: wanted.resource,
            wanted_appointment_type_name: wanted.appointment_type,
        }
    }
}
