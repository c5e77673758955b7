//! Bookings of pet owners, what becomes of them, and the requests that belong to one.

use std::fmt;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::ids::{BookingId, RequestId};

/// A booking that a pet owner made and that waits for us.
#[derive(Clone, PartialEq, Eq)]
pub struct BookingRequest {
    /// Its id.
    pub booking_id: BookingId,
    /// Our resource; absent when it was removed before the booking was processed.
    pub pms_resource_id: Option<String>,
    /// Our appointment type; absent when Healthengine's is not linked.
    pub pms_appointment_type_id: Option<String>,
    /// What we confirmed it with, echoed.
    pub pms_appointment_ids: Vec<String>,
    /// The patient id we confirmed it with, echoed.
    pub pms_patient_id: Option<String>,
    /// When the pet owner booked.
    pub booked_time: Option<DateTime<Utc>>,
    /// Requested, confirmed or cancelled.
    pub status: BookingStatus,
    /// When the appointment is, at practice time.
    pub appointment_time: Option<NaiveDateTime>,
    /// How long it is.
    pub appointment_length_seconds: Option<i64>,
    /// What the pet owner wrote, perhaps several lines.
    pub reason: Option<String>,
    /// Healthengine's name of the appointment type.
    pub comments: Option<String>,
    /// Who comes.
    pub patient: Patient,
    /// Where a video visit happens.
    pub telehealth_url: Option<String>,
    /// What the pet owner said about being new.
    pub is_new_patient: Option<bool>,
}

/// The pet owner's fields that vetbridge uses, as typed. Never logged: `Debug` hides them.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Patient {
    /// First name.
    pub first_name: Option<String>,
    /// Last name.
    pub last_name: Option<String>,
    /// Phone, in any spelling.
    pub phone: Option<String>,
    /// Email.
    pub email: Option<String>,
}

impl fmt::Debug for Patient {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Patient(..)")
    }
}

impl fmt::Debug for BookingRequest {
    /// Without anything about the patient.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BookingRequest")
            .field("booking_id", &self.booking_id)
            .field("pms_resource_id", &self.pms_resource_id)
            .field("pms_appointment_type_id", &self.pms_appointment_type_id)
            .field("pms_appointment_ids", &self.pms_appointment_ids)
            .field("booked_time", &self.booked_time)
            .field("status", &self.status)
            .field("appointment_time", &self.appointment_time)
            .field("appointment_length_seconds", &self.appointment_length_seconds)
            .finish_non_exhaustive()
    }
}

/// Where a booking stands at Healthengine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookingStatus {
    /// Waits for us.
    Requested,
    /// Settled, by us, by staff or by the clock.
    Confirmed,
    /// The pet owner gave it up.
    Cancelled,
    /// Absent, or something later editions invented.
    Other(String),
}

/// A change of a booking that waits for us.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct BookingUpdate {
    /// The request's id, sequential.
    pub request_id: RequestId,
    /// The booking that changed.
    pub booking_id: BookingId,
    /// What we confirmed it with, echoed.
    pub pms_appointment_ids: Vec<String>,
    /// The patient id we confirmed it with, echoed.
    pub pms_patient_id: Option<String>,
    /// When it changed.
    pub updated_at: Option<DateTime<Utc>>,
    /// What it became.
    pub status: BookingStatus,
}

/// A booking whose appointment Healthengine wants to hear about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AppointmentChangeRequest {
    /// The booking.
    pub booking_id: BookingId,
    /// What we confirmed it with, echoed.
    pub pms_appointment_ids: Vec<String>,
}

/// A document that Healthengine wants to be sent. What it is called can say something about a
/// patient: `Debug` hides it.
#[derive(Clone, PartialEq, Eq)]
pub struct UploadRequest {
    /// The booking that it belongs to.
    pub booking_id: BookingId,
    /// What the practice system of a former integration called it.
    pub pms_document_id: String,
}

impl fmt::Debug for UploadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("UploadRequest").field("booking_id", &self.booking_id).finish_non_exhaustive()
    }
}

/// What `confirmInsert` carries. An appointment in doubt has no id.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfirmInsert {
    /// The whole booking reference of OpenVPMS, or nothing.
    pub pms_appointment_ids: Vec<String>,
    /// Our id of the patient.
    pub pms_patient_id: String,
}
