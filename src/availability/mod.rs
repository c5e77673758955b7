//! What can be booked, and what of it Healthengine has to be told.
//!
//! A pure function of what was read, what the ledger knows, the configuration and the time. The
//! practice's shell reads a [`window()`], puts the answers into [`Readings`], lets [`learn`] keep
//! what they teach of rosters, asks [`days`], lets [`compare`] pick the days to send, and sends
//! [`ResourceDay::snapshot`]. The booking executor asks [`look`] before it writes into the diary;
//! [`slots`] says why each place on the grid is offered or not, [`explanation`] in the words of the
//! outside. All go through one judgement, so
//! nothing is offered that would then be refused.
//!
//! **Model.** A resource is bookable where its schedule is free and not busy (free time is never
//! trusted over busy time), less what bookings of ours take that the reading need not show, less
//! local times that happen twice; for a clinician see [`clinician`]. That is drawn in to the slot
//! [`grid`]. From a place on the grid every appointment type is offered for which there is room
//! ahead, across midnight too, and which none of the practice's [`rules`] withholds. A day at the
//! practice is the list of such starts, cut into [`Piece`]s.
//!
//! **Promises.** Every offered start is on the grid that OpenVPMS insists on, in the future,
//! outside the minimum notice, and a local time that names one moment in both zones. Every offered
//! type ends (real minutes, rounded up to the grid) within bookable time. The starts that the
//! snapshot's ranges expand to are exactly those, but for the last slot before midnight, which
//! Healthengine may lose: it knows no 24:00. What a schedule offers depends on the diary alone, not
//! on whether the near days or the whole horizon was read. (For a clinician, a wider window can
//! name more schedules of their roster.)
//!
//! **Accepted.** A reading is older than its use by a second or more; the booking executor looks
//! again. The doubled hour is not bookable at all, not even as the tail of an appointment that
//! begins before it, nor as the moment at which one ends: OpenVPMS keeps wall times, so such an
//! appointment's end would come back an hour off, and the booking state machine could not tell
//! later whether the time is wholly its own.

pub mod clinician;
pub mod day;
pub mod diff;
pub mod explanation;
pub mod grid;
pub mod openness;
mod question;
pub mod reading;
pub mod roster;
pub mod rules;
pub mod unread;
pub mod verdict;
pub mod window;

mod bookable;
mod ruled_offer;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Days as CalendarDays, NaiveDate};

use self::bookable::{Bookable, share};
pub use self::day::{Day, Piece, ResourceDay};
pub use self::diff::{DayChange, Moment, SentDay, compare, from_first_offered};
pub use self::grid::{appointment_end, is_on_grid};
pub use self::question::{ClinicianDoubt, Question};
pub use self::reading::{OwnBooking, Readings, ScheduleReading, UserReading};
pub use self::roster::{RosterDay, RosterKey, Rosters, learn, roster_schedules};
use self::ruled_offer::RuledOffer;
use self::rules::{NothingLeft, RulesInForce, types_without_times, why_nothing_is_left};
pub use self::verdict::{Look, Reason, RuledOutType, Share, Slot, Verdict};
pub use self::window::{Days, window};
use crate::ids::{AppointmentTypeId, ResourceId};
use crate::mapping::Resource;
use crate::span::Span;
pub use crate::zone::zones::{ClockFault, Zones};

/// What each resource offers on each of the days. A day that could not be read (wholly, with
/// everything that it depends on) is left out: about it nothing may be sent.
pub fn days(question: &Question<'_>, resources: &[Resource], days: Days) -> Vec<ResourceDay> {
    // The grid is the same for all resources of one slot size.
    let mut grids = BTreeMap::new();
    let mut answer = Vec::with_capacity(resources.len() * days.count as usize);
    for resource in resources {
        let Some(bookable) = Bookable::new(question, resource) else { continue };
        let slot_size_minutes = resource.slot_size_minutes;
        let narrowing = question.rules.narrowing(resource.id);
        for date in days.iter() {
            if !bookable.window.contains(&question.zones.practice.day(date)) {
                continue;
            }
            let grid = grids
                .entry((slot_size_minutes, date))
                .or_insert_with(|| grid::day_grid(date, slot_size_minutes, &question.zones));
            let day = match RuledOffer::new(question, &narrowing, resource, &bookable, date, grid) {
                None => {
                    let starts = grid.iter().filter_map(|place| Some((place.minute, bookable.offer(place)?)));
                    Day::from_starts(slot_size_minutes, starts)
                }
                Some(ruled) => ruled.day(slot_size_minutes),
            };
            answer.push(ResourceDay { resource: resource.id, date, day });
        }
    }
    answer
}

/// Place by place, what is offered on one day of one resource, or why not. `None` if the day could
/// not be read.
pub fn slots(question: &Question<'_>, resource: &Resource, date: NaiveDate) -> Option<Vec<Slot>> {
    let bookable = Bookable::new(question, resource)?;
    if !bookable.window.contains(&question.zones.practice.day(date)) {
        return None;
    }
    let grid = grid::day_grid(date, resource.slot_size_minutes, &question.zones);
    let narrowing = question.rules.narrowing(resource.id);
    let ruled = RuledOffer::new(question, &narrowing, resource, &bookable, date, &grid);
    let slot = |place: &grid::GridSlot| {
        let (verdict, ruled_out) = match (bookable.offer(place), &ruled) {
            (None, _) => (Verdict::Withheld(bookable.reason(place)), Vec::new()),
            (Some(types), None) => (Verdict::Offered(types.to_vec()), Vec::new()),
            (Some(types), Some(ruled)) => ruled.verdict(place, types),
        };
        Slot { minute: place.minute, start: place.start, verdict, ruled_out }
    };
    Some(grid.iter().map(slot).collect())
}

/// The resources of which the rules leave no start on any of the days, although the diary has some.
pub fn nothing_left(question: &Question<'_>, resources: &[Resource], days: Days) -> BTreeMap<ResourceId, NothingLeft> {
    let why = |resource: &Resource| {
        let offers = |rules: RulesInForce<'_>| offers_any(&Question { rules, ..*question }, resource, days);
        Some((resource.id, why_nothing_is_left(question.rules, resource.id, offers)?))
    };
    resources.iter().filter_map(why).collect()
}

/// The appointment types of a resource that the rules leave no start on any of the days, although
/// the diary has some.
pub fn types_left_without_times(
    question: &Question<'_>,
    resource: &Resource,
    days: Days,
) -> BTreeMap<AppointmentTypeId, NothingLeft> {
    types_without_times(question.rules, resource.id, |rules| {
        let offered = self::days(&Question { rules, ..*question }, std::slice::from_ref(resource), days);
        offered.iter().flat_map(|own| own.day.types()).collect::<BTreeSet<AppointmentTypeId>>()
    })
}

/// A few days first, then ever more: where there is an offer, most of them need not be judged.
fn offers_any(question: &Question<'_>, resource: &Resource, days: Days) -> bool {
    let mut judged = 0;
    while let Some(first) = days.first.checked_add_days(CalendarDays::new(judged.into())) {
        let count = judged.max(1).min(days.count - judged);
        if count == 0 {
            break;
        }
        let offered = self::days(question, std::slice::from_ref(resource), Days { first, count });
        if offered.iter().any(|own| !own.day.is_empty()) {
            return true;
        }
        judged += count;
    }
    false
}

/// The booking executor's look at a span of time for an appointment type. `offered` is the resource
/// as it is offered, by whose types and grid the rules judge; none judges one that is offered no
/// longer. `None` if it could not be read.
pub fn look(
    question: &Question<'_>,
    resource: &Resource,
    span: Span,
    (kind, offered): (AppointmentTypeId, Option<&Resource>),
) -> Option<Look> {
    let bookable = Bookable::new(question, resource)?;
    if !bookable.window.contains(&span) {
        return None;
    }
    Some(Look {
        refusal: bookable.refusal(span),
        withheld: offered.and_then(|offered| ruled_offer::withheld(question, offered, span, kind)),
        busy: share(&bookable.reading.busy, &span),
        free: share(&bookable.reading.free, &span),
    })
}

#[cfg(test)]
mod clinician_tests;
#[cfg(test)]
mod explanation_tests;
#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;
