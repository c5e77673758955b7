//! What staff do in the diary, and what they see there.

use std::collections::BTreeMap;

use chrono::TimeDelta;
use vetbridge::ids::{AppointmentTypeId, BookingId, ScheduleId};
use vetbridge::simulator::openvpms::{Appointment, AppointmentId, AppointmentStatus, NewAppointment, OpenVpmsSim};

use super::{Clinic, wall_time};

impl Clinic {
    /// The standing appointments with the number of this booking in their notes.
    pub(crate) fn appointments_of(&self, id: BookingId) -> Vec<Appointment> {
        standing(&self.openvpms, id)
    }

    /// The one standing appointment of this booking.
    pub(crate) fn appointment_of(&self, id: BookingId) -> Appointment {
        let found = self.appointments_of(id);
        assert_eq!(found.len(), 1, "appointments of booking {id}: {found:?}\n{}", self.account());
        found.into_iter().next().unwrap()
    }

    /// Staff write an appointment of so many minutes into the diary.
    pub(crate) fn staff_book(&self, schedule: i64, start: &str, minutes: i64) -> AppointmentId {
        let start = wall_time(start);
        self.openvpms.staff(|world| {
            world.add_appointment(NewAppointment {
                schedule: ScheduleId(schedule),
                start,
                end: start + TimeDelta::minutes(minutes),
                appointment_type: AppointmentTypeId(66),
                clinician: None,
                customer: None,
                patient: None,
            })
        })
    }

    /// Staff move an appointment.
    pub(crate) fn staff_move(&self, id: AppointmentId, schedule: i64, start: &str, minutes: i64) {
        let start = wall_time(start);
        let end = start + TimeDelta::minutes(minutes);
        assert!(self.openvpms.staff(|world| world.move_appointment(id, ScheduleId(schedule), start, end)));
    }

    /// Staff cancel an appointment.
    pub(crate) fn staff_cancel(&self, id: AppointmentId) {
        assert!(self.openvpms.staff(|world| world.cancel(id)));
    }
}

/// The standing appointments with the number of this booking in their notes.
pub(crate) fn standing(openvpms: &OpenVpmsSim, id: BookingId) -> Vec<Appointment> {
    let line = format!("Healthengine booking {id}");
    openvpms.staff(|world| {
        let standing = |own: &&Appointment| own.status != AppointmentStatus::Cancelled;
        world.with_note(&line).into_iter().filter(standing).cloned().collect()
    })
}

/// The standing appointments of every booking, by the numbers in their notes.
pub(crate) fn standing_by_booking(openvpms: &OpenVpmsSim) -> BTreeMap<BookingId, Vec<Appointment>> {
    let number = |line: &str| {
        let (label, number) = line.split_once("Healthengine booking ")?;
        (label.is_empty() || label.ends_with(": ")).then(|| number.parse().ok().map(BookingId))?
    };
    openvpms.staff(|world| {
        let mut standing: BTreeMap<BookingId, Vec<Appointment>> = BTreeMap::new();
        for own in world.standing() {
            if let Some(id) = own.notes.as_deref().and_then(|notes| notes.lines().find_map(number)) {
                standing.entry(id).or_default().push(own.clone());
            }
        }
        standing
    })
}
