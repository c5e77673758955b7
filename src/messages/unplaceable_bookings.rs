//! Why a booking request cannot be made at all. The reasons are for Healthengine's support.

use std::fmt;

use crate::booking::problem::{Unoffered, Unplaceable};
use crate::ids::{BookingId, PracticeId, ResourceId, TypeId};

impl fmt::Display for Unplaceable {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoResource => "The booking names no resource; the one that was booked was probably removed.",
            Self::NotOffered(Unoffered::UnknownResource) => {
                "The practice's system does not offer the resource that was booked."
            }
            Self::NotOffered(Unoffered::NoType { .. }) => {
                "The booking names no appointment type of the practice's system."
            }
            Self::NotOffered(Unoffered::UnknownType { .. }) => {
                "The practice's system does not offer this appointment type with the resource that was booked."
            }
            Self::NotOffered(Unoffered::ResourceStopped(_)) => {
                "The practice's system has stopped offering the resource that was booked; the practice \
                 is asked to look into it."
            }
            Self::NotOffered(Unoffered::TypeStopped { .. }) => {
                "The practice's system has stopped offering this appointment type; the practice \
                 is asked to look into it."
            }
            Self::NoTime => "The booking has no time that can be read.",
            Self::TimeDoesNotExist => "The clocks are put forward over this time on that day.",
            Self::ClocksChange => "The clocks are put back on that day, and the appointment's time is not one time.",
            Self::InThePast => "The time of the appointment is past.",
            Self::OffTheGrid => "The time does not begin at a slot of the diary.",
            Self::TooLong => "The appointment is longer than a day.",
        })
    }
}

/// What an administrator has to do.
pub fn not_offered(why: &Unoffered, booking: BookingId, practice: &PracticeId) -> String {
    match why {
        Unoffered::UnknownResource => link_resource(booking),
        Unoffered::ResourceStopped(id) => resource_stopped(booking, *id, practice),
        Unoffered::NoType { resource } | Unoffered::UnknownType { resource } => link_type(booking, resource),
        Unoffered::TypeStopped { id, resource } => type_stopped(booking, *id, resource, practice),
    }
}

/// A resource that is not offered is linked at Healthengine.
fn link_resource(booking: BookingId) -> String {
    format!(
        "Booking {booking} was made for a resource that OpenVPMS does not offer. Check the practitioners' appointment \
         books in Healthengine's Practice Admin portal."
    )
}

/// An appointment type of Healthengine's is not linked to one of ours.
fn link_type(booking: BookingId, resource: &str) -> String {
    format!(
        "Booking {booking} for \"{resource}\" has no appointment type that OpenVPMS offers there. In Healthengine's \
         Practice Admin portal, give each of this practitioner's appointment types its \"Linked PMS Appointment\"."
    )
}

/// OpenVPMS suddenly offers a resource no more, and Healthengine still has it.
fn resource_stopped(booking: BookingId, id: ResourceId, practice: &PracticeId) -> String {
    let schedule = id.schedule;
    format!(
        "Booking {booking} is for resource {id}, which OpenVPMS has suddenly stopped offering and Healthengine still \
         has. Look in OpenVPMS whether that is meant: Online Booking of schedule {schedule}, and its location. {}",
        if_it_is_meant(practice)
    )
}

/// OpenVPMS suddenly offers an appointment type no more, and Healthengine still has it.
fn type_stopped(booking: BookingId, id: TypeId, resource: &str, practice: &PracticeId) -> String {
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
