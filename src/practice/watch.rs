//! Asks for bookings whose appointment may have been moved or cancelled by staff.
//!
//! Each reading points at suspects, which are asked for at once. Besides, the upcoming bookings of the near days are asked for one by
//! one with each `config_interval`, all others once a day: a move within the same minutes, or to another schedule, does not
//! always show as free time.

use std::collections::BTreeMap;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use super::reading::Reading;
use super::{Offering, Practice};
use crate::booking::desk::Event;
use crate::booking::ledger::Entry;
use crate::booking::watch::{Found, Sighting, is_suspect, is_watched, judge};
use crate::ids::{BookingId, BookingReference};

/// Asked for again no sooner than this, if a server would not tell.
const SILENT_FOR: TimeDelta = TimeDelta::minutes(10);
/// So many bookings are asked for in one round; the others follow in the next.
const ROUND_MAX: usize = 200;

/// Which bookings were asked for when.
#[derive(Debug, Default)]
pub(super) struct Watched {
    /// Servers that answer 500 for live bookings are not asked again at every reading.
    silent: BTreeMap<BookingId, DateTime<Utc>>,
    all_at: Option<DateTime<Utc>>,
}

impl Practice {
    /// Looks for bookings of ours at whose time the reading shows free time.
    pub(super) fn watch_reading(self: &Arc<Self>, offering: &Arc<Offering>, reading: &Reading) {
        let now = self.now();
        let suspects: Vec<Entry> = {
            let mut watched = self.locked(&self.watched);
            watched.silent.retain(|_, at| now - *at < SILENT_FOR);
            let suspect = |entry: &Entry| {
                let schedule = entry.place.as_ref().and_then(|place| reading.readings.schedule(place.schedule));
                let suspicious =
                    schedule.is_some_and(|schedule| is_suspect(entry, &schedule.free, schedule.began, now));
                suspicious && !watched.silent.contains_key(&entry.booking_id)
            };
            self.shared.ledger.live_of(self.id()).into_iter().filter(suspect).take(ROUND_MAX).collect()
        };
        self.ask_for(offering, suspects, true);
    }

    /// Asks for upcoming bookings one by one: the near ones each time, all of them once a day.
    pub(super) fn watch_round(self: &Arc<Self>, offering: &Arc<Offering>) {
        let now = self.now();
        let all = {
            let mut watched = self.locked(&self.watched);
            let all = watched.all_at.is_none_or(|at| now - at >= TimeDelta::days(1));
            if all {
                watched.all_at = Some(now);
            }
            all
        };
        let near_end = now + TimeDelta::days(i64::from(self.settings.sync.near_days));
        let is_near = |entry: &Entry| entry.place.as_ref().is_some_and(|place| place.span.start < near_end);
        let entries = self.shared.ledger.live_of(self.id()).into_iter();
        let round = entries.filter(|entry| is_watched(entry, now) && (all || is_near(entry))).take(ROUND_MAX).collect();
        self.ask_for(offering, round, false);
    }

    fn ask_for(self: &Arc<Self>, offering: &Arc<Offering>, entries: Vec<Entry>, slot_is_free: bool) {
        if entries.is_empty() {
            return;
        }
        let (practice, offering) = (Arc::clone(self), Arc::clone(offering));
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = practice.stop.cancelled() => {}
                () = practice.ask_and_judge(&offering, entries, slot_is_free) => {}
            }
        });
    }

    async fn ask_and_judge(self: &Arc<Self>, offering: &Offering, entries: Vec<Entry>, slot_is_free: bool) {
        let mut round = Vec::new();
        let mut broke_off = false;
        for entry in entries {
            let Some(reference) = &entry.reference else { continue };
            let found = Found::from(self.openvpms.background.booking(reference).await);
            // The server is away: the rest of the round would only wait for it too.
            if found == Found::Unknown {
                broke_off = true;
                break;
            }
            if found == Found::Silent && slot_is_free {
                self.locked(&self.watched).silent.insert(entry.booking_id, self.now());
            }
            round.push(Sighting { entry, found, slot_is_free });
        }
        // How many are gone decides whether it is believed, and nobody knows how many the rest of the round would have been.
        if broke_off {
            round.retain(|sighting: &Sighting| sighting.found != Found::Gone);
        }
        let asked: BTreeMap<BookingId, Option<BookingReference>> =
            round.iter().map(|sighting| (sighting.entry.booking_id, sighting.entry.reference.clone())).collect();
        let now = self.now();
        let upcoming = self.shared.ledger.live_of(self.id()).iter().filter(|entry| is_watched(entry, now)).count();
        for (id, event) in judge(round, upcoming.max(asked.len()), offering.zones.server) {
            self.seen_in_diary(id, asked.get(&id).cloned().flatten().as_ref(), event);
        }
    }

    /// Notes what staff did, unless the booking changed since it was asked for: a person can have given it another appointment.
    fn seen_in_diary(self: &Arc<Self>, id: BookingId, asked: Option<&BookingReference>, event: Event) {
        let entry = self.shared.ledger.get(id).ok().flatten();
        if entry.is_some_and(|entry| entry.stands() && entry.reference.as_ref() == asked) {
            self.spawn_known(id, event);
        }
    }
}
