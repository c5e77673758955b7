//! What the practice system answers to bookings, updates and questions.
//!
//! Assumptions, where the definition is silent: an answer that was given before is refused as
//! [`super::Repeated`] says; a contrary one (confirmed with other ids, rejected after a
//! confirmation) is refused with 400 and is a violation; a booking that its pet owner has cancelled
//! still takes either answer, and stays cancelled; cancelling a booking that waits settles it; a
//! rejection in time asks for the day's availability, one that came too late and is accepted does
//! too.

use serde_json::Value;

use super::body::{Fields, Wrong};
use super::bookings::{BookingRecord, MarketplaceStatus, RequestOutcome, Who};
use super::settings::{LateReject, Repeated};
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};
use super::{health, requests};
use crate::ids::BookingId;

/// `POST bookings/{bookingId}/confirmInsert`
pub(super) fn confirm_insert(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    let body = visit.required_body()?;
    let (ids, patient) = read_confirmation(&body, visit.notes)?;
    let doubled = |(other, booking): (&BookingId, &BookingRecord)| {
        *other != id && booking.pms_appointment_ids.iter().any(|own| ids.contains(own))
    };
    if visit.practice.bookings.iter().any(doubled) {
        visit.notes.push(format!("booking {id} is confirmed with the appointment of another booking"));
    }
    let Some(booking) = visit.practice.bookings.get_mut(&id) else { return Err(gone()) };
    match booking.answer {
        RequestOutcome::Open => {
            booking.pms_appointment_ids = ids;
            booking.pms_patient_id = Some(patient);
            settle(visit, id, RequestOutcome::Confirmed)
        }
        RequestOutcome::Confirmed if booking.pms_appointment_ids == ids && booking.pms_patient_id == Some(patient) => {
            repeated(visit)
        }
        RequestOutcome::ByHand => repeated(visit),
        RequestOutcome::Confirmed => Err(HandlerRefusal::mistake(400, "the booking was confirmed with other ids")),
        RequestOutcome::Rejected | RequestOutcome::RejectedTooLate | RequestOutcome::Cancelled => {
            Err(HandlerRefusal::mistake(400, "the booking was rejected or cancelled by the PMS"))
        }
    }
}

/// `POST bookings/{bookingId}/rejectInsert`
pub(super) fn reject_insert(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    read_reason(visit)?;
    let Some(booking) = visit.practice.bookings.get(&id) else { return Err(gone()) };
    match (booking.answer, booking.status(visit.now)) {
        (RequestOutcome::Open, MarketplaceStatus::Requested) => {
            want_its_day(visit, id);
            settle(visit, id, RequestOutcome::Rejected)
        }
        (RequestOutcome::Open, MarketplaceStatus::Cancelled | MarketplaceStatus::Failed) => {
            settle(visit, id, RequestOutcome::Rejected)
        }
        (RequestOutcome::Open, MarketplaceStatus::Confirmed) => match visit.settings.late_reject {
            LateReject::Settle => {
                want_its_day(visit, id);
                settle(visit, id, RequestOutcome::RejectedTooLate)
            }
            LateReject::Ignore => HandlerReply::done(),
            LateReject::Refuse => Err(HandlerRefusal::fair(400, "the booking is confirmed")),
        },
        (RequestOutcome::Confirmed, _) => Err(HandlerRefusal::mistake(400, "the booking was confirmed by the PMS")),
        (
            RequestOutcome::Rejected
            | RequestOutcome::RejectedTooLate
            | RequestOutcome::Cancelled
            | RequestOutcome::ByHand,
            _,
        ) => repeated(visit),
    }
}

/// `POST bookings/{bookingId}/confirmUpdate/{requestId}`
pub(super) fn confirm_update(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    if visit.body.as_ref().is_some_and(|body| body.as_object().is_none_or(|map| !map.is_empty())) {
        visit.notes.push("a confirmation of an update has no body".to_owned());
    }
    answer_update(visit, id)
}

/// `POST bookings/{bookingId}/rejectUpdate/{requestId}`: the pet owner's cancellation stands, the
/// practice is told.
pub(super) fn reject_update(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    read_reason(visit)?;
    let reply = answer_update(visit, id)?;
    if let Some(booking) = visit.practice.bookings.get_mut(&id) {
        booking.updates_rejected += 1;
    }
    Ok(reply)
}

/// `POST bookings/{bookingId}/cancel`
pub(super) fn cancel(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    read_reason(visit)?;
    visit.practice.wanted.appointment_changes.remove(&id);
    let now = visit.now;
    let Some(booking) = visit.practice.bookings.get_mut(&id) else { return Err(gone()) };
    match (booking.status(now), booking.answer) {
        // Also the way out of a booking that its pet owner gave up and whose rejection is refused.
        (_, RequestOutcome::Open) => {
            booking.cancelled_by.get_or_insert(Who::Pms);
            settle(visit, id, RequestOutcome::Cancelled)
        }
        (MarketplaceStatus::Cancelled, _) => repeated(visit),
        (MarketplaceStatus::Failed, _) => Err(HandlerRefusal::fair(400, "the booking failed")),
        (MarketplaceStatus::Requested | MarketplaceStatus::Confirmed, _) => {
            booking.cancelled_by = Some(Who::Pms);
            HandlerReply::done()
        }
    }
}

/// `POST bookings/{bookingId}/didNotAttend`
pub(super) fn did_not_attend(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    read_reason(visit)?;
    visit.practice.wanted.appointment_changes.remove(&id);
    let wall = visit.practice.zone.wall(visit.now);
    let now = visit.now;
    let Some(booking) = visit.practice.bookings.get_mut(&id) else { return Err(gone()) };
    if booking.status(now) != MarketplaceStatus::Confirmed {
        return Err(HandlerRefusal::fair(400, "the booking is not confirmed"));
    }
    if booking.start > wall {
        visit.notes.push(format!("booking {id} is reported as not attended before its time"));
    }
    if std::mem::replace(&mut booking.did_not_attend, true) { repeated(visit) } else { HandlerReply::done() }
}

/// `POST bookings/{bookingId}/noPmsAppointmentChange`
pub(super) fn no_appointment_change(visit: &mut Visit<'_>) -> HandlerOutcome {
    let id = visit.booking_id()?;
    if visit.practice.wanted.appointment_changes.remove(&id) { HandlerReply::done() } else { repeated(visit) }
}

fn read_confirmation(body: &Value, notes: &mut Vec<String>) -> Result<(Vec<String>, String), Wrong> {
    const LINKS: [&str; 4] = [
        "patientAppointmentLink",
        "patientAppointmentDescription",
        "practitionerAppointmentLink",
        "practitionerAppointmentDescription",
    ];
    let known = ["pmsAppointmentIds", "pmsPatientId", LINKS[0], LINKS[1], LINKS[2], LINKS[3]];
    let fields = Fields::of(body, "the confirmation", &known, notes)?;
    for name in LINKS {
        fields.optional_text(name)?;
    }
    let ids = fields.ids(fields.list("pmsAppointmentIds")?, "pmsAppointmentIds")?;
    Ok((ids, fields.text("pmsPatientId")?))
}

/// The body that most answers have: an object with a reason, or without.
fn read_reason(visit: &mut Visit<'_>) -> Result<(), HandlerRefusal> {
    let body = visit.required_body()?;
    Fields::of(&body, "the body", &["reason"], visit.notes)?.optional_text("reason")?;
    Ok(())
}

/// The booking leaves the list.
fn settle(visit: &mut Visit<'_>, id: BookingId, answer: RequestOutcome) -> HandlerOutcome {
    let now = visit.now;
    if let Some(booking) = visit.practice.bookings.get_mut(&id) {
        booking.answer = answer;
        booking.answered_at = Some(now);
        let since = booking.booked_at;
        health::answered(visit.practice, || format!("booking {id}"), since, now);
    }
    HandlerReply::done()
}

/// A rejection says that the published day was stale.
fn want_its_day(visit: &mut Visit<'_>, id: BookingId) {
    if let Some(booking) = visit.practice.bookings.get(&id) {
        let (day, resource) = (booking.start.date(), booking.resource.clone());
        requests::want_day(visit.practice, visit.ids, day, Some(resource), visit.now);
    }
}

fn answer_update(visit: &mut Visit<'_>, id: BookingId) -> HandlerOutcome {
    let request = visit.request_id()?;
    let wanted = &mut visit.practice.wanted;
    if let Some(update) = wanted.updates.get(&request).filter(|update| update.booking == id) {
        let since = update.at;
        wanted.updates.remove(&request);
        wanted.updates_answered.insert(request, id);
        health::answered(visit.practice, || format!("update {request} of booking {id}"), since, visit.now);
        return HandlerReply::done();
    }
    if wanted.updates_answered.get(&request) == Some(&id) {
        return repeated(visit);
    }
    Err(HandlerRefusal::mistake(404, "no such update of this booking"))
}

fn repeated(visit: &Visit<'_>) -> HandlerOutcome {
    match visit.settings.repeated {
        Repeated::NotFound => Err(HandlerRefusal::fair(404, "nothing is pending")),
        Repeated::BadRequest => Err(HandlerRefusal::fair(400, "it was answered before")),
        Repeated::Accepted => HandlerReply::done(),
    }
}

fn gone() -> HandlerRefusal {
    HandlerRefusal::mistake(404, "no such booking")
}
