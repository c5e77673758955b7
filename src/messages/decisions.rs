//! Why a booking request cannot be made at all. The reasons are for Healthengine's support.

use crate::ids::{BookingId, PracticeId, ResourceId, TypeId};

/// `pmsResourceId` is null.
pub const NO_RESOURCE: &str = "The booking names no resource; the one that was booked was probably removed.";
/// Not one of ours.
pub const UNKNOWN_RESOURCE: &str = "The practice's system does not offer the resource that was booked.";
/// `pmsAppointmentTypeId` is null.
pub const NO_TYPE: &str = "The booking names no appointment type of the practice's system.";
/// Not one of this resource.
pub const UNKNOWN_TYPE: &str =
    "The practice's system does not offer this appointment type with the resource that was booked.";
/// One of ours until a short while ago.
pub const RESOURCE_STOPPED: &str =
    "The practice's system has stopped offering the resource that was booked; the practice is asked to look into it.";
/// One of this resource until a short while ago.
pub const TYPE_STOPPED: &str =
    "The practice's system has stopped offering this appointment type; the practice is asked to look into it.";
/// No time, or one that cannot be read.
pub const NO_TIME: &str = "The booking has no time that can be read.";
/// Skipped by the clocks.
pub const TIME_DOES_NOT_EXIST: &str = "The clocks are put forward over this time on that day.";
/// Doubled by the clocks.
pub const CLOCKS_CHANGE: &str = "The clocks are put back on that day, and the appointment's time is not one time.";
/// Too late.
pub const IN_THE_PAST: &str = "The time of the appointment is past.";
/// The diary would refuse it.
pub const OFF_THE_GRID: &str = "The time does not begin at a slot of the diary.";
/// More than a day.
pub const TOO_LONG: &str = "The appointment is longer than a day.";

/// A resource that is not offered is linked at Healthengine.
pub fn link_resource(booking: BookingId) -> String {
    format!(
        "Booking {booking} was made for a resource that OpenVPMS does not offer. Check the practitioners' appointment \
         books in Healthengine's Practice Admin portal."
    )
}

/// An appointment type of Healthengine's is not linked to one of ours.
pub fn link_type(booking: BookingId, resource: &str) -> String {
    format!(
        "Booking {booking} for \"{resource}\" has no appointment type that OpenVPMS offers there. In Healthengine's \
         Practice Admin portal, give each of this practitioner's appointment types its \"Linked PMS Appointment\"."
    )
}

/// OpenVPMS suddenly offers a resource no more, and Healthengine still has it.
pub fn resource_stopped(booking: BookingId, id: ResourceId, practice: &PracticeId) -> String {
    let schedule = id.schedule;
    format!(
        "Booking {booking} is for resource {id}, which OpenVPMS has suddenly stopped offering and Healthengine still \
         has. Look in OpenVPMS whether that is meant: Online Booking of schedule {schedule}, and its location. {}",
        if_it_is_meant(practice)
    )
}

/// OpenVPMS suddenly offers an appointment type no more, and Healthengine still has it.
pub fn type_stopped(booking: BookingId, id: TypeId, resource: &str, practice: &PracticeId) -> String {
    format!(
        "Booking {booking} for \"{resource}\" is of appointment type {id}, which OpenVPMS has suddenly stopped \
         offering there and Healthengine still has. Look in OpenVPMS whether that is meant: the appointment types of \
         schedule {}, and their Online Booking. {}",
        id.resource.schedule,
        if_it_is_meant(practice)
    )
}

fn if_it_is_meant(practice: &PracticeId) -> String {
    format!("If it is meant, type `vetbridge resync --practice {practice} --only config`; if not, put it right there.")
}
