//! What things are called on the pages: names where they are known, ids where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use crate::booking::entry::Entry;
use crate::bridge::Bridge;
use crate::ids::{BookingId, PracticeId};
use crate::messages::page as say;
use crate::practice::Practice;
use crate::practice::booking_names::BookingNames;
use crate::server::booking_search::ShownTexts;
use crate::zone::Zone;

/// The name of a practice.
pub(super) fn practice(id: &PracticeId, practice: Option<&Practice>) -> String {
    practice.and_then(Practice::name).unwrap_or_else(|| format!("Practice {id}"))
}

/// The name of the practice of this id, be it on or off. Where two would be equal, the id follows.
pub(in crate::server) fn of_practice(bridge: &Bridge, id: &PracticeId) -> String {
    let of = |practice: &Practice| self::practice(practice.id(), Some(practice));
    let Some((own, _)) = bridge.on_or_off(id) else { return practice(id, None) };
    let name = of(&own);
    let others = bridge.practices().chain(bridge.off().into_iter().map(|(practice, _)| practice));
    let mut others = others.filter(|other| other.id() != id);
    if others.any(|other| of(&other) == name) { format!("{name} ({id})") } else { name }
}

/// True if several practices are on or off here.
pub(super) fn are_several(bridge: &Bridge) -> bool {
    bridge.practices().count() + bridge.off().len() > 1
}

/// What is known of the practices' bookings beside the ledger, each read once for a page.
pub(super) struct Names<'a> {
    pub(super) bridge: &'a Bridge,
    of_practices: Mutex<BTreeMap<PracticeId, Arc<PracticeNames>>>,
}

struct PracticeNames {
    own: String,
    names: BookingNames,
    cancelled: BTreeSet<BookingId>,
}

impl<'a> Names<'a> {
    pub(super) fn new(bridge: &'a Bridge) -> Self {
        Self { bridge, of_practices: Mutex::default() }
    }

    fn of(&self, id: &PracticeId) -> Arc<PracticeNames> {
        let read = || {
            let practice = self.bridge.practice(id);
            Arc::new(PracticeNames {
                own: of_practice(self.bridge, id),
                names: BookingNames::read(self.bridge.store(), id),
                cancelled: practice.map(|practice| practice.waiting_cancellations()).unwrap_or_default(),
            })
        };
        Arc::clone(self.of_practices.lock().entry(id.clone()).or_insert_with(read))
    }

    /// What was booked: appointment type, clinician and schedule.
    pub(super) fn booked(&self, entry: &Entry) -> String {
        let of_practice = self.of(&entry.practice_id);
        let Some(place) = &entry.place else {
            let names = of_practice.names.of_wanted(&entry.wanted);
            return say::wanted(&entry.wanted, names.resource, names.appointment_type);
        };
        let names = of_practice.names.of(place);
        let kind = names.appointment_type.unwrap_or_else(|| format!("appointment type {}", place.appointment_type));
        let schedule = names.schedule.unwrap_or_else(|| format!("schedule {}", place.schedule));
        let clinician = place.user.map(|user| names.clinician.unwrap_or_else(|| format!("clinician {user}")));
        [Some(kind), clinician, Some(schedule)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// True if its pet owner cancelled, and that is not settled yet.
    pub(super) fn cancellation_waits(&self, entry: &Entry) -> bool {
        self.of(&entry.practice_id).cancelled.contains(&entry.booking_id)
    }

    /// What it is shown with, and found by.
    pub(super) fn shown_texts(&self, entry: &Entry, now: DateTime<Utc>) -> ShownTexts {
        let (of_practice, waits) = (self.of(&entry.practice_id), self.cancellation_waits(entry));
        let zone = self.bridge.zone_of(&entry.practice_id);
        ShownTexts::of(entry, &of_practice.names, &of_practice.own, waits, now, zone)
    }
}

/// The zones of the times of these bookings: one said once, or that of each practice; `None`
/// without any booking.
pub(super) fn zones<'a>(bridge: &Bridge, bookings: impl Iterator<Item = &'a Entry>) -> Option<String> {
    let of = |entry: &Entry| (entry.practice_id.clone(), bridge.zone_of(&entry.practice_id));
    let zones: BTreeMap<PracticeId, Zone> = bookings.map(of).collect();
    let first = zones.values().next()?;
    if zones.values().all(|zone| zone == first) {
        return Some(say::times_are_of(*first));
    }
    let each = zones.iter().map(|(id, zone)| (of_practice(bridge, id), zone.to_string()));
    Some(say::zones(&each.collect::<Vec<_>>()))
}
