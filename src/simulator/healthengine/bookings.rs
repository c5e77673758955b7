//! A booking, from the pet owner's tap to its end, and how the API writes it.
//!
//! ```text
//!  Requested ──confirmInsert──────────────────▶ Confirmed ──pet owner or PMS──▶ Cancelled
//!     │  └─────20 s pass─▶ Confirmed, still listed ──any answer──▶ no longer listed
//!     └───rejectInsert within 20 s──▶ Failed (the pet owner is shown other times)
//! ```
//! A booking is *listed* until it is answered, also when its pet owner has cancelled it or the 20
//! seconds are over. They are counted from `bookedTime` as it is written, in whole seconds; at
//! exactly 20 it is too late.

use std::collections::BTreeMap;
use std::fmt;

use chrono::{DateTime, NaiveDate, NaiveDateTime, SubsecRound, TimeDelta, Utc};
use serde_json::{Value, json};

use super::body::{write_moment, write_wall_time};
use super::listed_configuration::{ListedResource, ListedType};
use crate::ids::{BookingId, RequestId};

/// For how long a rejection counts.
const REJECTION_COUNTS_FOR: TimeDelta = TimeDelta::seconds(20);

/// Who comes. `Debug` hides it.
#[derive(Clone, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the fields are those of the API's Patient, as they are called")]
pub struct PetOwner {
    pub first_name: Option<String>,
    pub last_name: Option<String>,
    pub date_of_birth: Option<NaiveDate>,
    pub phone: Option<String>,
    pub email: Option<String>,
    pub address: Option<String>,
    pub suburb: Option<String>,
    pub state: Option<String>,
    pub postcode: Option<String>,
    pub gender: Option<String>,
    pub medicare_number: Option<String>,
    pub medicare_irn: Option<String>,
    pub medicare_expiry: Option<String>,
}

impl fmt::Debug for PetOwner {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PetOwner(..)")
    }
}

impl PetOwner {
    fn json(&self) -> Value {
        json!({
            "firstname": self.first_name,
            "lastname": self.last_name,
            "dob": self.date_of_birth.map(|day| day.format("%d-%m-%Y").to_string()),
            "phone": self.phone,
            "email": self.email,
            "address": self.address,
            "suburb": self.suburb,
            "state": self.state,
            "postcode": self.postcode,
            "gender": self.gender,
            "medicareNumber": self.medicare_number,
            "medicareIrn": self.medicare_irn,
            "medicareExpiry": self.medicare_expiry,
        })
    }
}

/// Where a booking stands, for its pet owner.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum MarketplaceStatus {
    /// They wait.
    Requested,
    /// They were told yes: by an answer, by the clock or by staff.
    Confirmed,
    /// They or the practice gave it up.
    Cancelled,
    /// They were told no, in time, and shown other times.
    Failed,
}

/// Who ended or settled something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Who {
    /// The consumer, through the API.
    Pms,
    /// The pet owner, on the site.
    PetOwner,
    /// Practice staff, in the portal.
    Staff,
}

/// What became of a booking's request.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RequestOutcome {
    /// Nothing yet: it is listed.
    Open,
    /// `confirmInsert`.
    Confirmed,
    /// `rejectInsert`, in time.
    Rejected,
    /// `rejectInsert`, when the pet owner had been told yes.
    RejectedTooLate,
    /// `cancel` instead of an answer.
    Cancelled,
    /// Staff progressed it in the portal.
    ByHand,
}

/// A booking.
pub(super) struct BookingRecord {
    pub(super) resource: String,
    /// Healthengine's name of the type.
    pub(super) kind: String,
    /// Our type that was linked when it was booked.
    pub(super) appointment_type: Option<String>,
    pub(super) start: NaiveDateTime,
    pub(super) length_seconds: u32,
    pub(super) pet_owner: PetOwner,
    pub(super) reason: Option<String>,
    pub(super) telehealth_url: Option<String>,
    pub(super) is_new_patient: bool,
    pub(super) booked_at: DateTime<Utc>,

    pub(super) answer: RequestOutcome,
    pub(super) answered_at: Option<DateTime<Utc>>,
    pub(super) pms_appointment_ids: Vec<String>,
    pub(super) pms_patient_id: Option<String>,
    pub(super) cancelled_by: Option<Who>,
    pub(super) did_not_attend: bool,
    pub(super) updates_rejected: u32,
    /// True if a test let the 20 seconds pass by decree.
    pub(super) deadline_passed: bool,
    /// What a test wants its fields to look like; `None`: missing.
    pub(super) overrides: BTreeMap<String, Option<Value>>,
}

impl BookingRecord {
    /// True once a rejection no longer counts.
    pub(super) fn is_late(&self, now: DateTime<Utc>) -> bool {
        self.deadline_passed || now >= self.booked_at.trunc_subsecs(0) + REJECTION_COUNTS_FOR
    }

    /// Where it stands.
    pub(super) fn status(&self, now: DateTime<Utc>) -> MarketplaceStatus {
        match (self.cancelled_by, self.answer) {
            (Some(_), _) | (None, RequestOutcome::Cancelled) => MarketplaceStatus::Cancelled,
            (None, RequestOutcome::Rejected) => MarketplaceStatus::Failed,
            (None, RequestOutcome::Confirmed | RequestOutcome::RejectedTooLate | RequestOutcome::ByHand) => {
                MarketplaceStatus::Confirmed
            }
            (None, RequestOutcome::Open) if self.is_late(now) => MarketplaceStatus::Confirmed,
            (None, RequestOutcome::Open) => MarketplaceStatus::Requested,
        }
    }

    /// The first moment after it.
    pub(super) fn end(&self) -> NaiveDateTime {
        self.start + TimeDelta::seconds(self.length_seconds.into())
    }

    fn status_name(&self, now: DateTime<Utc>) -> &'static str {
        match self.status(now) {
            MarketplaceStatus::Requested => "Requested",
            MarketplaceStatus::Confirmed => "Confirmed",
            // A failed one is in no list; the API has no word for it.
            MarketplaceStatus::Cancelled | MarketplaceStatus::Failed => "Cancelled",
        }
    }

    /// An entry of `requests/bookings`, with its resource and its type, as far as the snapshots
    /// still have them.
    pub(super) fn json(
        &self,
        id: BookingId,
        resource: Option<&ListedResource>,
        linked: Option<&ListedType>,
        now: DateTime<Utc>,
    ) -> Value {
        let mut value = json!({
            "bookingId": id,
            "pmsResourceId": resource.map(|own| &own.id),
            "pmsAppointmentTypeId": linked.map(|own| &own.id),
            "pmsAppointmentIds": self.pms_appointment_ids,
            "pmsPatientId": self.pms_patient_id,
            "bookedTime": write_moment(self.booked_at),
            "bookingStatus": self.status_name(now),
            "pmsAppointmentTime": write_wall_time(self.start),
            "pmsAppointmentLength": self.length_seconds,
            "reason": self.reason,
            "comments": self.kind,
            "patient": self.pet_owner.json(),
            "telehealthUrl": self.telehealth_url,
            "isNewPatient": self.is_new_patient,
        });
        if let Some(map) = value.as_object_mut() {
            for (name, field) in &self.overrides {
                match field {
                    Some(field) => map.insert(name.clone(), field.clone()),
                    None => map.remove(name),
                };
            }
        }
        value
    }

    /// An entry of `requests/bookingUpdates`.
    pub(super) fn update_json(
        &self,
        id: BookingId,
        request: RequestId,
        at: DateTime<Utc>,
        now: DateTime<Utc>,
    ) -> Value {
        json!({
            "requestId": request,
            "bookingId": id,
            "pmsAppointmentIds": self.pms_appointment_ids,
            "pmsPatientId": self.pms_patient_id,
            "updatedAt": write_moment(at),
            "bookingStatus": self.status_name(now),
        })
    }

    /// An entry of `requests/pmsAppointmentChanges`.
    pub(super) fn change_json(&self, id: BookingId) -> Value {
        json!({
            "bookingId": id,
            "pmsAppointmentIds": self.pms_appointment_ids,
            "pmsPatientId": self.pms_patient_id,
        })
    }
}
