//! What things are called on the pages: names where they are known, ids where they are not.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::booking::entry::Entry;
use crate::bridge::Bridge;
use crate::ids::{BookingId, PracticeId};
use crate::practice::Practice;
use crate::practice::booking_names::BookingNames;

/// The name of a practice: that of its location, or of the first of several.
pub(super) fn practice(id: &PracticeId, practice: Option<&Practice>) -> String {
    practice.and_then(Practice::name).unwrap_or_else(|| format!("Practice {id}"))
}

/// The name of the practice of this id, be it on or off.
pub(super) fn of_practice(bridge: &Bridge, id: &PracticeId) -> String {
    practice(id, bridge.on_or_off(id).map(|(practice, _)| practice).as_deref())
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
                names: BookingNames::read(self.bridge.store(), id),
                cancelled: practice.map(|practice| practice.waiting_cancellations()).unwrap_or_default(),
            })
        };
        Arc::clone(self.of_practices.lock().entry(id.clone()).or_insert_with(read))
    }

    /// What was booked: appointment type, clinician and schedule.
    pub(super) fn booked(&self, entry: &Entry) -> String {
        let Some(place) = &entry.place else { return "nothing that is offered".to_owned() };
        let names = self.of(&entry.practice_id).names.of(place);
        let kind = names.appointment_type.unwrap_or_else(|| format!("appointment type {}", place.appointment_type));
        let schedule = names.schedule.unwrap_or_else(|| format!("schedule {}", place.schedule));
        let clinician = place.user.map(|user| names.clinician.unwrap_or_else(|| format!("clinician {user}")));
        [Some(kind), clinician, Some(schedule)].into_iter().flatten().collect::<Vec<_>>().join(", ")
    }

    /// True if its pet owner cancelled, and that is not settled yet.
    pub(super) fn cancellation_waits(&self, entry: &Entry) -> bool {
        self.of(&entry.practice_id).cancelled.contains(&entry.booking_id)
    }
}
