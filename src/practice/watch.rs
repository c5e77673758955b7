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
    /// With which booking the next round begins, if the last one was cut short.
    next_round: Option<BookingId>,
}

impl Practice {
    /// Adds bookings of ours at whose time the reading shows free time. One more than are asked for says that there are too many.
    pub(super) fn add_suspects(&self, reading: &Reading, suspects: &mut BTreeMap<BookingId, Entry>) {
        let now = self.now();
        let mut watched = self.locked(&self.watched);
        watched.silent.retain(|_, at| now - *at < SILENT_FOR);
        let mut room = (ROUND_MAX + 1).saturating_sub(suspects.len());
        let suspect = |entry: &Entry| {
            let schedule = entry.place.as_ref().and_then(|place| reading.readings.schedule(place.schedule));
            let suspicious = schedule.is_some_and(|schedule| is_suspect(entry, &schedule.free, schedule.began, now));
            let found = room > 0 && suspicious && !watched.silent.contains_key(&entry.booking_id);
            room -= usize::from(found);
            found.then(|| (entry.booking_id, entry.clone()))
        };
        suspects.extend(self.shared.ledger.pick_live(self.id(), suspect));
    }

    /// Asks for the suspects of one pass over the practice.
    pub(super) fn ask_for_suspects(self: &Arc<Self>, offering: &Arc<Offering>, suspects: BTreeMap<BookingId, Entry>) {
        self.ask_for(offering, suspects.into_values().collect(), true);
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
        let wanted = |entry: &Entry| is_watched(entry, now) && (all || is_near(entry));
        let mut round = self.shared.ledger.pick_live(self.id(), |entry| wanted(entry).then(|| entry.clone()));
        {
            let mut watched = self.locked(&self.watched);
            // Where one round does not hold all of them, the next goes on where it ended.
            let from = watched.next_round.take().map_or(0, |next| round.partition_point(|own| own.booking_id < next));
            round.rotate_left(from);
            if let Some(next) = round.get(ROUND_MAX) {
                watched.next_round = Some(next.booking_id);
                watched.all_at = watched.all_at.filter(|_| !all);
            }
        }
        self.ask_for(offering, round, false);
    }

    fn ask_for(self: &Arc<Self>, offering: &Arc<Offering>, mut entries: Vec<Entry>, slot_is_free: bool) {
        if entries.is_empty() {
            return;
        }
        let is_cut = entries.len() > ROUND_MAX;
        entries.truncate(ROUND_MAX);
        let (practice, offering) = (Arc::clone(self), Arc::clone(offering));
        self.tasks.spawn(async move {
            tokio::select! {
                biased;
                () = practice.stop.cancelled() => {}
                () = practice.ask_and_judge(&offering, entries, slot_is_free, is_cut) => {}
            }
        });
    }

    async fn ask_and_judge(
        self: &Arc<Self>,
        offering: &Offering,
        entries: Vec<Entry>,
        slot_is_free: bool,
        is_cut: bool,
    ) {
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
        let upcoming = self.shared.ledger.pick_live(self.id(), |entry| is_watched(entry, now).then_some(())).len();
        // Of a round that was cut short nobody knows how many the others would have been: it is measured by itself.
        let of = if is_cut { asked.len() } else { upcoming.max(asked.len()) };
        for (id, event) in judge(round, of, offering.zones.server) {
            self.seen_in_diary(id, asked.get(&id).cloned().flatten().as_ref(), event).await;
        }
    }

    /// Notes what staff did, unless the booking changed since it was asked for: a person can have given it another appointment.
    async fn seen_in_diary(self: &Arc<Self>, id: BookingId, asked: Option<&BookingReference>, event: Event) {
        let Ok(place) = Arc::clone(&self.known_places).acquire_owned().await else { return };
        let entry = self.shared.ledger.get(id).ok().flatten();
        if entry.is_some_and(|entry| entry.stands() && entry.reference.as_ref() == asked) {
            self.spawn_known_in(place, id, event);
        }
    }
}
