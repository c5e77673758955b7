//! The booking ledger: every booking in the store, and those that something can still happen to in
//! memory. The others are read when somebody asks for them, and walked where all of them are
//! needed, so that a year of bookings takes no more memory than a week of them.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::ops::ControlFlow;

use chrono::{DateTime, TimeDelta, Utc};

use crate::alerts::concern::{About, Concern};
use crate::availability::OwnBooking;
use crate::availability::rules::CountedBooking;
use crate::booking::entry::{Entry, Place, State};
use crate::ids::{BookingId, BookingReference, PracticeId};
use crate::practice::live_bookings::LiveBookings;
use crate::span::Span;
use crate::store::{Batch, Record, RecordKind, Store, StoreError, Unreadable};
use crate::zone::Zone;

impl Record for Entry {
    const KIND: &'static str = "booking";
    const VERSION: u32 = 1;
}

/// The ledger travels: it is what a backup is made for.
pub(super) const KIND: RecordKind = RecordKind::exported::<Entry>();

/// What can go wrong with the ledger.
#[derive(Debug, thiserror::Error)]
pub enum LedgerError {
    /// Nothing can be written any more.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// One booking cannot be read. It is left alone: taking it for unknown could book it twice.
    #[error(transparent)]
    Unreadable(#[from] Unreadable),
}

/// All bookings of all practices.
pub struct Ledger {
    store: Store,
    live: Mutex<LiveBookings>,
    /// The others whose appointments were yesterday or are later, for those who look at a day.
    settled: Mutex<BTreeMap<BookingId, Entry>>,
    unreadable: Vec<Unreadable>,
    /// When the clock was last set, as far as this process knows: at its start it may have been.
    clock_set_at: Mutex<DateTime<Utc>>,
}

/// The bookings of a store as its ledger begins with them.
pub(super) struct KnownBookings {
    now: DateTime<Utc>,
    live: LiveBookings,
    settled: BTreeMap<BookingId, Entry>,
    unreadable: Vec<Unreadable>,
}

impl KnownBookings {
    /// None yet, of those that something can still happen to from this moment on.
    pub(super) fn none(now: DateTime<Utc>) -> Self {
        Self { now, live: LiveBookings::default(), settled: BTreeMap::new(), unreadable: Vec::new() }
    }

    /// At this moment.
    pub(super) fn read_at(&self) -> DateTime<Utc> {
        self.now
    }

    /// A booking was found, or a record of one that cannot be read.
    pub(super) fn add(&mut self, found: Result<Entry, Unreadable>) {
        match found {
            Ok(entry) if is_live(&entry, self.now) => self.live.insert(entry),
            Ok(entry) if is_recent(&entry, self.now) => drop(self.settled.insert(entry.booking_id, entry)),
            Ok(_) => {}
            Err(own) => self.unreadable.push(own),
        }
    }
}

/// So many settled bookings of a practice are kept at most, the latest ones: those of a hundred a
/// day for over a year. Whatever Healthengine makes up, the ledger does not grow for ever.
pub const SETTLED_MAX: usize = 50_000;

/// Sorts by number: ids are int64 and never negative.
fn key(id: BookingId) -> String {
    format!("{:020}", id.0)
}

/// True while something can still happen to the booking without anybody asking for it.
fn is_live(entry: &Entry, now: DateTime<Utc>) -> bool {
    let upcoming = entry.place.as_ref().is_some_and(|place| now < place.span.end);
    entry.is_open() || entry.needs_attention.is_some() || (entry.stands() && upcoming)
}

/// True if the appointment was yesterday or is later.
fn is_recent(entry: &Entry, now: DateTime<Utc>) -> bool {
    let wanted = entry.wanted.at.is_some_and(|wall| now - TimeDelta::days(2) < wall.and_utc());
    entry.place.as_ref().map_or(wanted, |place| now - TimeDelta::days(2) < place.span.end)
}

impl Ledger {
    /// Reads the ledger. Records that cannot be read are named in the log and left where they are.
    pub fn open(store: Store, now: DateTime<Utc>) -> Self {
        let mut known = KnownBookings::none(now);
        for found in store.walk::<Entry>("") {
            known.add(found.map(|(_, entry)| entry));
        }
        Self::of(store, known)
    }

    /// The ledger of a store whose bookings were read when it was opened.
    pub(super) fn of(store: Store, known: KnownBookings) -> Self {
        let KnownBookings { now, live, settled, mut unreadable } = known;
        unreadable.sort_unstable_by(|one, other| one.key.cmp(&other.key));
        for own in &unreadable {
            tracing::error!("A booking of the ledger cannot be read and is left as it is: {own}.");
        }
        Self { store, live: Mutex::new(live), settled: Mutex::new(settled), unreadable, clock_set_at: Mutex::new(now) }
    }

    /// The clock leaped: bookings that were over by a clock that was ahead may be upcoming again.
    pub async fn look_again(&self, now: DateTime<Utc>) {
        *self.clock_set_at.lock() = now;
        let mut found = Vec::new();
        let look = |entry: Entry| {
            found.extend(is_live(&entry, now).then_some(entry.booking_id));
            ControlFlow::<()>::Continue(())
        };
        let _all = self.look_through(look).await;
        for id in found {
            let mut live = self.live();
            if live.get(id).is_some() {
                continue;
            }
            // It may have changed since it was found, and cannot from here on.
            if let Some(entry) = self.store.get::<Entry>(&key(id)).ok().flatten().filter(|own| is_live(own, now)) {
                self.settled.lock().remove(&id);
                live.insert(entry);
            }
        }
    }

    /// The bookings that could not be read when the ledger was opened.
    pub fn unreadable(&self) -> &[Unreadable] {
        &self.unreadable
    }

    fn live(&self) -> MutexGuard<'_, LiveBookings> {
        self.live.lock()
    }

    /// One booking.
    pub fn get(&self, id: BookingId) -> Result<Option<Entry>, LedgerError> {
        match self.live().get(id) {
            Some(entry) => Ok(Some(entry.clone())),
            None => Ok(self.store.get(&key(id))?),
        }
    }

    /// Writes a booking; durable when this returns.
    pub async fn save(&self, entry: &Entry, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.store.commit(Batch::of(&key(entry.booking_id), entry)?).await?;
        self.remember(entry, now);
        Ok(())
    }

    /// Says that a booking is saved in a moment ([`Store::expect_commit`]).
    pub fn expect_save(&self) {
        self.store.expect_commit();
    }

    /// Writes a booking soon. For what can be found out again.
    pub fn save_later(&self, entry: &Entry, now: DateTime<Utc>) -> Result<(), LedgerError> {
        self.store.write_later(Batch::of(&key(entry.booking_id), entry)?);
        self.remember(entry, now);
        Ok(())
    }

    fn remember(&self, entry: &Entry, now: DateTime<Utc>) {
        let (mut live, mut settled) = (self.live(), self.settled.lock());
        live.remove(entry.booking_id);
        settled.remove(&entry.booking_id);
        if is_live(entry, now) {
            live.insert(entry.clone());
        } else if is_recent(entry, now) {
            settled.insert(entry.booking_id, entry.clone());
        }
    }

    /// What `pick` makes of the live bookings of a practice. It is to be quick, for the others
    /// wait; and where there are thousands of bookings it spares a copy of each.
    pub fn pick_live<T>(&self, practice: &PracticeId, pick: impl FnMut(&Entry) -> Option<T>) -> Vec<T> {
        self.live().values().filter(|entry| entry.practice_id == *practice).filter_map(pick).collect()
    }

    /// The same of those that wait for something: the state machine has something to do or to find
    /// out, or Healthengine has to hear of a cancellation.
    pub fn pick_waiting<T>(&self, practice: &PracticeId, pick: impl FnMut(&Entry) -> Option<T>) -> Vec<T> {
        self.live().waiting_of(practice).filter_map(pick).collect()
    }

    /// True if some booking of a practice that waits for something is so.
    pub fn any_waiting(&self, practice: &PracticeId, is_so: impl FnMut(&Entry) -> bool) -> bool {
        self.live().waiting_of(practice).any(is_so)
    }

    /// The live bookings of a practice.
    pub fn live_of(&self, practice: &PracticeId) -> Vec<Entry> {
        self.live().values().filter(|entry| entry.practice_id == *practice).cloned().collect()
    }

    /// The bookings of all practices that are live, and those whose appointments were yesterday or
    /// are later.
    pub fn live_and_recent(&self) -> Vec<Entry> {
        let live = self.live();
        live.values().chain(self.settled.lock().values()).cloned().collect()
    }

    /// The practices that have bookings that somebody must look at.
    pub fn practices_with_flags(&self) -> BTreeSet<PracticeId> {
        let live = self.live();
        live.values().filter(|entry| entry.needs_attention.is_some()).map(|entry| entry.practice_id.clone()).collect()
    }

    /// What people are told of bookings that somebody must look at.
    pub fn concerns(&self) -> Vec<Concern> {
        let concern = |entry: &Entry| {
            Some(Concern {
                practice: Some(entry.practice_id.clone()),
                about: About::Booking(entry.booking_id),
                sentence: entry.needs_attention.as_ref()?.to_string(),
                since: entry.history.last().map(|last| last.at).unwrap_or_default(),
                puts_out_of_step: false,
                outage: None,
                tells_of_outage: false,
            })
        };
        self.live().values().filter_map(concern).collect()
    }

    /// Appointments of ours, of all practices, that reach into a stretch of time. `but` is the
    /// booking that asks.
    pub fn own_bookings(&self, but: Option<BookingId>, within: &Span, now: DateTime<Utc>) -> Vec<OwnBooking> {
        let clock_set_at = *self.clock_set_at.lock();
        // One that was made in the future was made before this machine's clock was set right.
        let known = |at: DateTime<Utc>| if at <= now { at } else { clock_set_at.min(now) };
        let live = self.live();
        let reaches = |entry: &&Entry| entry.place.as_ref().is_some_and(|place| place.span.overlaps(within));
        let others = live.values().filter(reaches).filter(|entry| Some(entry.booking_id) != but);
        others
            .filter_map(Entry::own_booking)
            .map(|own| OwnBooking { inserted: own.inserted.map(known), ..own })
            .collect()
    }

    /// Appointments of ours, of all practices, for rules that count those of a day. Those that are
    /// over count too. `but` is the booking that asks.
    pub fn counted_bookings(&self, but: Option<BookingId>, practice: &Zone) -> Vec<CountedBooking> {
        let live = self.live();
        let settled = self.settled.lock();
        let others = live.values().chain(settled.values()).filter(|entry| Some(entry.booking_id) != but);
        others.filter_map(|entry| entry.counted_booking(practice)).collect()
    }

    /// True if another booking's appointment, made at `since` or later, is known to stand on the
    /// schedule of this place at its time.
    pub fn another_stands(&self, but: BookingId, place: &Place, since: DateTime<Utc>) -> bool {
        let stands =
            |entry: &Entry| matches!(entry.state, State::Inserted | State::Confirmed) && entry.reference.is_some();
        let there = |own: &Place| own.schedule == place.schedule && own.span.overlaps(&place.span);
        self.live().values().filter(|entry| entry.booking_id != but && stands(entry)).any(|entry| {
            entry.diary.inserted_at.is_some_and(|at| at >= since) && entry.place.as_ref().is_some_and(there)
        })
    }

    /// Every booking, oldest number first, one after the other.
    pub fn all(&self) -> impl Iterator<Item = Entry> + '_ {
        self.store.walk::<Entry>("").filter_map(|found| found.ok().map(|(_, entry)| entry))
    }

    /// Looks at every booking, oldest number first, until there is something to say, and lets
    /// others do their work in between: whoever has a booking to answer comes first.
    async fn look_through<T>(&self, mut look: impl FnMut(Entry) -> ControlFlow<T>) -> Option<T> {
        let mut all = self.store.walk::<Entry>("");
        while let Some(found) = all.next() {
            if all.is_about_to_read() {
                tokio::task::yield_now().await;
            }
            let Ok((_, entry)) = found else { continue };
            if let ControlFlow::Break(found) = look(entry) {
                return Some(found);
            }
        }
        None
    }

    /// The booking, other than this one, whose appointment stands under a reference.
    pub async fn other_under(&self, reference: &BookingReference, but: BookingId) -> Option<BookingId> {
        let is_it = |entry: Entry| {
            let stands = entry.booking_id != but && entry.stands() && entry.reference.as_ref() == Some(reference);
            if stands { ControlFlow::Break(entry.booking_id) } else { ControlFlow::Continue(()) }
        };
        self.look_through(is_it).await
    }

    /// Forgets settled bookings whose appointment is `keep_days` ago, and of each practice the
    /// oldest beyond [`SETTLED_MAX`]; flagged ones stay.
    pub async fn forget_old(&self, keep_days: u32, now: DateTime<Utc>) -> Result<usize, StoreError> {
        let before = now - TimeDelta::days(i64::from(keep_days));
        let mut batch = Batch::new();
        let mut forgotten = 0;
        let mut settled: BTreeMap<PracticeId, Vec<(DateTime<Utc>, BookingId)>> = BTreeMap::new();
        let look = |entry: Entry| {
            if is_live(&entry, now) {
                return ControlFlow::<()>::Continue(());
            }
            let last = entry.history.last().map(|last| last.at);
            let over = entry.place.as_ref().map_or(last, |place| Some(place.span.end));
            if over.is_some_and(|over| over < before) {
                batch.delete::<Entry>(&key(entry.booking_id));
                forgotten += 1;
            } else {
                settled.entry(entry.practice_id).or_default().push((last.unwrap_or_default(), entry.booking_id));
            }
            ControlFlow::Continue(())
        };
        let _all = self.look_through(look).await;
        for mut of_practice in settled.into_values() {
            of_practice.sort_unstable();
            let too_many = of_practice.len().saturating_sub(SETTLED_MAX);
            for (_, id) in &of_practice[..too_many] {
                batch.delete::<Entry>(&key(*id));
                forgotten += 1;
            }
        }
        if forgotten > 0 {
            self.store.commit(batch).await?;
        }
        let (mut live, mut settled) = (self.live(), self.settled.lock());
        settled.extend(live.remove_unless(|entry| is_live(entry, now)).into_iter().map(|own| (own.booking_id, own)));
        settled.retain(|_, entry| is_recent(entry, now));
        Ok(forgotten)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::booking::answered::Acknowledged;
    use crate::ids::{AppointmentTypeId, LocationId, ScheduleId};
    use crate::span::Span;
    use crate::store::MemoryEngine;

    fn at(minutes: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::minutes(minutes)
    }

    fn place(schedule: i64, from: i64, to: i64) -> Place {
        Place {
            location: LocationId(98),
            schedule: ScheduleId(schedule),
            user: None,
            appointment_type: AppointmentTypeId(66),
            span: Span::new(at(from), at(to)),
        }
    }

    #[tokio::test]
    async fn of_more_settled_bookings_than_anybody_needs_the_oldest_are_forgotten() {
        let ledger = Ledger::open(Store::in_memory(&MemoryEngine::default(), at(0)).unwrap(), at(0));
        let rejected = |id: i64, practice: &str| {
            let mut entry = Entry::received(BookingId(id), PracticeId(practice.into()), None, "p".into(), at(id));
            (entry.state, entry.answered.acknowledged) = (State::Rejected, Acknowledged::Yes);
            entry
        };
        let settled = i64::try_from(SETTLED_MAX).unwrap();
        for id in 0..settled + 10 {
            ledger.save_later(&rejected(id, "1"), at(id)).unwrap();
        }
        let mut flagged = rejected(settled + 10, "1");
        flagged.needs_attention = Some("SlotLook.".into());
        flagged.history[0].at = at(-1);
        ledger.save_later(&flagged, at(0)).unwrap();
        ledger.save_later(&rejected(settled + 11, "2"), at(0)).unwrap();
        assert_eq!(ledger.forget_old(400, at(settled)).await.unwrap(), 10);
        let known = |id| ledger.get(BookingId(id)).unwrap().is_some();
        assert!(!known(0) && !known(9) && known(10) && known(settled + 10) && known(settled + 11));
        assert_eq!(ledger.forget_old(400, at(settled)).await.unwrap(), 0);
    }

    #[tokio::test]
    async fn an_appointment_of_another_booking_counts_if_this_store_saw_it_made_and_it_stands_there() {
        let ledger = Ledger::open(Store::in_memory(&MemoryEngine::default(), at(0)).unwrap(), at(0));
        let mut entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), at(5));
        (entry.state, entry.diary.inserted_at) = (State::Confirmed, Some(at(6)));
        (entry.reference, entry.place) = (Some(BookingReference("7:x".into())), Some(place(136, 600, 630)));
        ledger.save(&entry, at(6)).await.unwrap();

        let stands = |but, place| ledger.another_stands(BookingId(but), &place, at(0));
        assert!(stands(2, place(136, 615, 645)));
        assert!(!stands(1, place(136, 600, 630)), "it is this booking's own");
        assert!(!stands(2, place(136, 630, 645)) && !stands(2, place(211, 600, 630)), "it is not in the way");
        assert!(!ledger.another_stands(BookingId(2), &place(136, 600, 630), at(7)), "the store is younger");
        entry.state = State::InDoubt;
        ledger.save(&entry, at(8)).await.unwrap();
        assert!(!stands(2, place(136, 600, 630)), "nobody knows whether it stands");
    }

    #[tokio::test]
    async fn an_appointment_that_was_made_by_a_clock_that_was_ahead_is_shown_by_readings_since_the_clock_was_set() {
        let ledger = Ledger::open(Store::in_memory(&MemoryEngine::default(), at(0)).unwrap(), at(0));
        let mut entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), at(5));
        (entry.state, entry.place) = (State::Confirmed, Some(place(136, 600, 630)));
        entry.diary.inserted_at = Some(at(300));
        ledger.save(&entry, at(300)).await.unwrap();
        let inserted = |now| ledger.own_bookings(None, &Span::new(at(0), at(10_000)), at(now))[0].inserted;
        assert_eq!(inserted(301), Some(at(300)));
        ledger.look_again(at(10)).await;
        assert_eq!((inserted(10), inserted(90)), (Some(at(10)), Some(at(10))));
        assert_eq!(inserted(300), Some(at(300)));
    }
}
