//! In which order bookings are dealt with whose pet owners have been told yes by now.
//!
//! A schedule takes one booking at a time, and only so many bookings have a place at one moment. By
//! the time of booking alone, twenty bookings of one schedule would take all the places, and the
//! other schedules would wait for them.

use std::collections::BTreeMap;

use crate::healthengine::BookingRequest;
use crate::ids::{ResourceId, ScheduleId};

/// The same bookings, given oldest first: the first one of each schedule, then the second one of
/// each, and so on.
pub fn schedules_in_turn(oldest_first: Vec<BookingRequest>) -> Vec<BookingRequest> {
    let mut before: BTreeMap<Option<ScheduleId>, usize> = BTreeMap::new();
    let mut ranked: Vec<(usize, BookingRequest)> = Vec::with_capacity(oldest_first.len());
    for booking in oldest_first {
        let resource = booking.pms_resource_id.as_deref().and_then(|id| id.parse::<ResourceId>().ok());
        let rank = before.entry(resource.map(|resource| resource.schedule)).or_default();
        ranked.push((*rank, booking));
        *rank += 1;
    }
    // The order among those of one rank stays.
    ranked.sort_by_key(|(rank, _)| *rank);
    ranked.into_iter().map(|(_, booking)| booking).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::healthengine::{BookingStatus, Patient};
    use crate::ids::BookingId;

    fn booking(id: i64, resource: &str) -> BookingRequest {
        BookingRequest {
            booking_id: BookingId(id),
            pms_resource_id: Some(resource.to_owned()),
            pms_appointment_type_id: None,
            pms_appointment_ids: Vec::new(),
            pms_patient_id: None,
            booked_time: None,
            status: BookingStatus::Confirmed,
            appointment_time: None,
            appointment_length_seconds: None,
            reason: None,
            comments: None,
            patient: Patient::default(),
            telehealth_url: None,
            is_new_patient: None,
        }
    }

    #[test]
    fn no_schedule_waits_for_all_bookings_of_another_and_each_keeps_its_own_order() {
        let listed = [(1, "s136"), (2, "s136"), (3, "u1158-s136"), (4, "s211"), (5, "s211"), (6, "s311"), (7, "room")];
        let order = schedules_in_turn(listed.map(|(id, resource)| booking(id, resource)).into());
        let order: Vec<i64> = order.iter().map(|booking| booking.booking_id.0).collect();
        assert_eq!(order, [1, 4, 6, 7, 2, 5, 3]);
    }
}
