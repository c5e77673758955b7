//! What Healthengine wants: the list of kinds, and one paged list per kind. Lists shrink as their
//! entries are answered.
//!
//! Webhooks are announced where a request comes to exist: `pet_owners.rs` (bookings,
//! cancellations), `staff.rs` (what staff and Healthengine itself ask for) and [`want_day`] (after
//! a rejection too).

use chrono::{DateTime, NaiveDate, Utc};
use serde_json::{Value, json};

use super::bookings::RequestOutcome;
use super::delivery_queue::AnnouncedEvent;
use super::health;
use super::state::{DayWanted, Ids, PracticeAccount};
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};

/// `GET requests`: being asked is the sign that the integration lives.
pub(super) fn kinds(visit: &mut Visit<'_>) -> HandlerOutcome {
    health::polled(visit.practice, visit.now);
    let wanted = &visit.practice.wanted;
    let open = |name: &str, outstanding: bool| outstanding.then(|| name.to_owned());
    let booking_waits = visit.practice.bookings.values().any(|booking| booking.answer == RequestOutcome::Open);
    let known = [
        open("bookings", booking_waits),
        open("bookingUpdates", !wanted.updates.is_empty()),
        open("availability", !wanted.days.is_empty()),
        open("pmsAppointmentChanges", !wanted.appointment_changes.is_empty()),
        open("pmsResources", wanted.resources),
        open("pmsAppointmentTypes", wanted.appointment_types),
        open("uploadDocuments", !wanted.uploads.is_empty()),
        open("attachDocuments", !wanted.attachments.is_empty()),
    ];
    HandlerReply::with(known.into_iter().flatten().chain(wanted.other_kinds.iter().cloned()).collect())
}

/// `GET requests/bookings`
pub(super) fn bookings(visit: &mut Visit<'_>) -> HandlerOutcome {
    let open = visit.practice.bookings.iter().filter(|(_, booking)| booking.answer == RequestOutcome::Open);
    paged(visit, open, |(id, booking)| {
        let resource = visit.practice.resource(&booking.resource);
        let linked = booking.appointment_type.as_deref().and_then(|own| visit.practice.appointment_type(own));
        booking.json(*id, resource, linked, visit.now)
    })
}

/// `GET requests/bookingUpdates`
pub(super) fn booking_updates(visit: &mut Visit<'_>) -> HandlerOutcome {
    let open = visit.practice.wanted.updates.iter().filter_map(|(request, update)| {
        visit.practice.bookings.get(&update.booking).map(|booking| (request, update, booking))
    });
    paged(visit, open, |(request, update, booking)| booking.update_json(update.booking, *request, update.at, visit.now))
}

/// `GET requests/availability`
pub(super) fn availability(visit: &mut Visit<'_>) -> HandlerOutcome {
    paged(visit, visit.practice.wanted.days.iter(), |wanted| {
        let resource = &wanted.resource;
        json!({ "day": wanted.day.to_string(), "pms_resource_id": resource, "pmsResourceId": resource })
    })
}

/// `GET requests/pmsAppointmentChanges`
pub(super) fn appointment_changes(visit: &mut Visit<'_>) -> HandlerOutcome {
    let open = visit.practice.wanted.appointment_changes.iter();
    let open = open.filter_map(|id| visit.practice.bookings.get(id).map(|booking| (id, booking)));
    paged(visit, open, |(id, booking)| booking.change_json(*id))
}

/// The lists of the extra features that are always empty here.
pub(super) fn none(visit: &mut Visit<'_>) -> HandlerOutcome {
    paged(visit, std::iter::empty(), |value: Value| value)
}

/// The page that the query asks for, as the API writes pages. A page after the last is empty.
pub(super) fn paged<T>(
    visit: &Visit<'_>,
    entries: impl Iterator<Item = T>,
    json: impl Fn(T) -> Value,
) -> HandlerOutcome {
    let page: usize = match visit.asked_for("page").map(str::parse) {
        None => 1,
        Some(Ok(page)) if page > 0 => page,
        Some(_) => return Err(HandlerRefusal::mistake(400, "page must be an integer from 1")),
    };
    let per_page = visit.settings.per_page.max(1);
    let (first, mut total, mut data) = ((page - 1).saturating_mul(per_page), 0, Vec::new());
    for entry in entries {
        if total >= first && data.len() < per_page {
            data.push(json(entry));
        }
        total += 1;
    }
    let pages = total.div_ceil(per_page).max(1);
    HandlerReply::with(json!({
        "data": data,
        "page": { "currentPage": page, "totalPages": pages, "perPage": per_page, "total": total },
    }))
}

/// Asks for a day, unless that is asked for already.
pub(super) fn want_day(
    practice: &mut PracticeAccount,
    ids: &mut Ids,
    day: NaiveDate,
    resource: Option<String>,
    at: DateTime<Utc>,
) {
    if practice.wanted.days.iter().any(|wanted| wanted.day == day && wanted.resource == resource) {
        return;
    }
    let missing = match &resource {
        Some(one) => [one.clone()].into(),
        None => practice.resources.iter().map(|own| own.id.clone()).collect(),
    };
    practice.wanted.days.push(DayWanted { day, resource, missing, at });
    practice.announce(AnnouncedEvent::new("availability", None, Some(ids.event())));
}

/// A snapshot of a day came: what asked for it is answered. A request for every resource is, once
/// all of them came.
pub(super) fn day_heard(practice: &mut PracticeAccount, resource: &str, day: NaiveDate, now: DateTime<Utc>) {
    let mut answered = Vec::new();
    practice.wanted.days.retain_mut(|wanted| {
        if wanted.day == day {
            wanted.missing.remove(resource);
        }
        let open = wanted.day != day || !wanted.missing.is_empty();
        if !open {
            answered.push(wanted.at);
        }
        open
    });
    for at in answered {
        health::answered(practice, || format!("the availability request for {day}"), at, now);
    }
}
