//! Asks for bookings whose appointment may have been moved or cancelled by staff.
//!
//! Each reading points at suspects, which are asked for at once. Besides, the upcoming bookings of
//! the near days are asked for one by one with each `config_interval`, all others once a day: a
//! move within the same minutes, or to another schedule, does not always show as free time.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};

use parking_lot::Mutex;

use super::executor::Executor;
use crate::booking::diary_watch::{DiaryAnswer, Pass, Sighting, is_suspect, is_watched, judge, round};
use crate::booking::entry::Entry;
use crate::booking::machine::Event;
use crate::dates;
use crate::ids::{BookingId, BookingReference};
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::practice::context::Context;
use crate::practice::health::subject::Subject;
use crate::practice::offering::Offering;
use crate::practice::reading::{DiaryReader, Reading};
use crate::supervisor;

/// Asked for again no sooner than this, if a server would not tell.
const SILENT_FOR: TimeDelta = TimeDelta::minutes(10);
/// So many bookings are asked for in one pass; the others follow in the next.
const ROUND_MAX: usize = 200;
/// So many in a row are not answered for by a server that is away.
const AWAY_AFTER: usize = 3;

/// Which bookings were asked for when, and what came of it. Of bookings that are live; a restart
/// forgets it.
#[derive(Debug, Default)]
struct Watched {
    /// Servers that answer 500 for live bookings are not asked again at every reading.
    silent: BTreeMap<BookingId, DateTime<Utc>>,
    asked_at: BTreeMap<BookingId, DateTime<Utc>>,
    /// Those that were not answered for when they were asked for last.
    unheard: BTreeSet<BookingId>,
    /// Those that a pass did not hear of that found many others gone.
    with_many: BTreeSet<BookingId>,
}

/// Whether OpenVPMS was there for a whole pass.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Answers {
    Came,
    GaveOut,
}

/// Those that one pass asks for, and those that it has no room for.
fn one_pass(mut entries: Vec<Entry>) -> (Vec<Entry>, Vec<BookingId>) {
    let cut = entries.split_off(ROUND_MAX.min(entries.len()));
    (entries, cut.into_iter().map(|entry| entry.booking_id).collect())
}

impl Watched {
    fn note(&mut self, id: BookingId, found: &DiaryAnswer, slot_is_free: bool, now: DateTime<Utc>) {
        self.asked_at.insert(id, now);
        match found {
            DiaryAnswer::Unknown => drop(self.unheard.insert(id)),
            DiaryAnswer::Gone | DiaryAnswer::Stands(_) | DiaryAnswer::Silent => drop(self.unheard.remove(&id)),
        }
        if *found == DiaryAnswer::Silent && slot_is_free {
            self.silent.insert(id, now);
        }
    }

    fn keep(&mut self, live: &[Entry]) {
        let live: BTreeSet<BookingId> = live.iter().map(|entry| entry.booking_id).collect();
        self.silent.retain(|id, _| live.contains(id));
        self.asked_at.retain(|id, _| live.contains(id));
        self.unheard.retain(|id| live.contains(id));
        self.with_many.retain(|id| live.contains(id));
    }
}

/// Asks for bookings whose appointment may have been moved or cancelled by staff.
pub(in crate::practice) struct DiaryWatch {
    context: Arc<Context>,
    executor: Arc<Executor>,
    reader: Arc<DiaryReader>,
    watched: Mutex<Watched>,
}

impl DiaryWatch {
    pub(in crate::practice) fn new(context: Arc<Context>, executor: Arc<Executor>, reader: Arc<DiaryReader>) -> Self {
        Self { context, executor, reader, watched: Mutex::default() }
    }

    /// Adds bookings of ours at whose time the reading shows free time.
    pub(in crate::practice) fn add_suspects(&self, reading: &Reading, suspects: &mut BTreeMap<BookingId, Entry>) {
        let now = self.context.now();
        let mut watched = self.watched.lock();
        watched.silent.retain(|_, at| dates::age(*at, now).is_some_and(|age| age < SILENT_FOR));
        let suspect = |entry: &Entry| {
            let schedule = entry.place.as_ref().and_then(|place| reading.readings.schedule(place.schedule));
            let suspicious = schedule.is_some_and(|schedule| is_suspect(entry, &schedule.free, schedule.began, now));
            let found = suspicious && !watched.silent.contains_key(&entry.booking_id);
            found.then(|| (entry.booking_id, entry.clone()))
        };
        suspects.extend(self.context.shared.ledger.pick_live(self.context.id(), suspect));
    }

    /// Asks for the suspects of one pass over the practice.
    pub(in crate::practice) fn ask_for_suspects(
        self: &Arc<Self>,
        offering: &Arc<Offering>,
        suspects: BTreeMap<BookingId, Entry>,
    ) {
        let mut suspects: Vec<Entry> = suspects.into_values().collect();
        {
            let watched = self.watched.lock();
            suspects.sort_by_key(|entry| watched.asked_at.get(&entry.booking_id).copied());
        }
        self.ask_for(offering, suspects);
    }

    /// Asks in rounds until the practice stops, whatever Healthengine says of the configuration. A
    /// round in which OpenVPMS was away is made up for soon.
    pub(in crate::practice) async fn watch_loop(self: Arc<Self>) {
        let interval = self.context.settings.sync.config_interval;
        let mut backoff = self.context.backoff(Duration::from_secs(1));
        let mut clock = self.context.shared.leaps.listen();
        // OpenVPMS is read for the configuration first: it names the zones.
        if supervisor::wait(self.context.stop.run_until_cancelled(self.context.milestones.configured.wait()))
            .await
            .is_none()
        {
            return;
        }
        loop {
            let round = async {
                match self.reader.early.offering_for(None, false).await {
                    Ok(offering) => self.watch_round(&offering).await,
                    Err(_) => Answers::GaveOut,
                }
            };
            let wait = match self.context.stop.run_until_cancelled(round).await {
                None => return,
                Some(Answers::Came) => {
                    backoff.reset();
                    interval
                }
                Some(Answers::GaveOut) => backoff.next_delay().min(interval),
            };
            let due = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => false,
                    () = tokio::time::sleep(wait) => true,
                    () = clock.leaped() => true,
                }
            });
            if !due.await {
                return;
            }
        }
    }

    /// Asks for upcoming bookings one by one: the near ones each time, all of them once a day.
    async fn watch_round(self: &Arc<Self>, offering: &Offering) -> Answers {
        let now = self.context.now();
        let near_end = now + TimeDelta::days(i64::from(self.context.settings.sync.near_days));
        let live = self.context.shared.ledger.live_of(self.context.id());
        let round = {
            let mut watched = self.watched.lock();
            watched.keep(&live);
            round(live, &watched.asked_at, near_end, now)
        };
        let (entries, cut) = one_pass(round);
        self.ask_and_judge(offering, entries, false, cut).await
    }

    /// Asks for bookings at whose time a reading shows free time, in a task of its own: the reading
    /// goes on.
    fn ask_for(self: &Arc<Self>, offering: &Arc<Offering>, entries: Vec<Entry>) {
        if entries.is_empty() {
            return;
        }
        let (entries, cut) = one_pass(entries);
        let (own, offering) = (Arc::clone(self), Arc::clone(offering));
        self.context.spawn("appointments that are looked up", async move {
            tokio::select! {
                biased;
                () = own.context.stop.cancelled() => {}
                _ = own.ask_and_judge(&offering, entries, true, cut) => {}
            }
        });
    }

    async fn ask_and_judge(
        self: &Arc<Self>,
        offering: &Offering,
        mut entries: Vec<Entry>,
        slot_is_free: bool,
        cut: Vec<BookingId>,
    ) -> Answers {
        let (failing, with_many) = {
            let watched = self.watched.lock();
            (watched.unheard.clone(), watched.with_many.clone())
        };
        // One that fails each time says nothing about the others, and these come first.
        entries.sort_by_key(|entry| failing.contains(&entry.booking_id));
        let mut pass = Pass { is_cut: !cut.is_empty(), ..Pass::default() };
        let (mut unheard, mut in_a_row) = (Vec::new(), 0);
        let mut waiting = entries.into_iter();
        for entry in waiting.by_ref() {
            let (id, Some(reference)) = (entry.booking_id, &entry.reference) else { continue };
            let asking = self.context.openvpms.background.booking(reference);
            let found = DiaryAnswer::from(OnBehalfOf::booking(self.context.id(), id).does(asking).await);
            self.watched.lock().note(id, &found, slot_is_free, self.context.now());
            match (&found, failing.contains(&id)) {
                (DiaryAnswer::Unknown, true) => {}
                (DiaryAnswer::Unknown, false) => {
                    in_a_row += 1;
                    unheard.push(id);
                }
                (DiaryAnswer::Gone | DiaryAnswer::Stands(_) | DiaryAnswer::Silent, _) => in_a_row = 0,
            }
            pass.sightings.push(Sighting { entry, found, slot_is_free, with_many: with_many.contains(&id) });
            // The server is away: the rest of the pass would only wait for it too.
            if in_a_row == AWAY_AFTER {
                break;
            }
        }
        unheard.extend(waiting.map(|entry| entry.booking_id));
        pass.unheard = unheard.len();
        let now = self.context.now();
        pass.upcoming =
            self.context.shared.ledger.pick_live(self.context.id(), |entry| is_watched(entry, now).then_some(())).len();
        let asked: BTreeMap<BookingId, Option<BookingReference>> = pass
            .sightings
            .iter()
            .map(|sighting| (sighting.entry.booking_id, sighting.entry.reference.clone()))
            .collect();
        let verdicts = judge(&pass, offering.zones.server);
        if verdicts.iter().any(|(_, event)| *event == Event::GoneWithMany) {
            // Of those that there was no time for nobody heard either.
            self.watched.lock().with_many.extend(unheard.into_iter().chain(cut));
        }
        for (id, event) in verdicts {
            let (practice, booking) = (self.context.id(), id);
            tracing::trace!(%practice, %booking, verdict = event.name(), slot_is_free, "looked for in the diary");
            self.seen_in_diary(id, asked.get(&id).cloned().flatten().as_ref(), event).await;
        }
        let is_away = in_a_row > 0 || (pass.is_unanswered() && self.context.health.has(&Subject::OpenVpms));
        if is_away { Answers::GaveOut } else { Answers::Came }
    }

    /// Notes what staff did, unless the booking changed since it was asked for: a person can have
    /// given it another appointment.
    async fn seen_in_diary(self: &Arc<Self>, id: BookingId, asked: Option<&BookingReference>, event: Event) {
        let Ok(place) = Arc::clone(&self.executor.places.known).acquire_owned().await else { return };
        let entry = self.context.shared.ledger.get(id).ok().flatten();
        if entry.is_some_and(|entry| entry.stands() && entry.reference.as_ref() == asked) {
            self.executor.spawn_known_in(place, id, event);
        }
    }
}
