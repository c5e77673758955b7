//! Remembers what Healthengine was last sent of each resource and day.
//!
//! A day is noted as unacknowledged on the disk before its snapshot leaves, until the answer came
//! ([`crate::publishing::last_sent`]).

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, Utc};
use parking_lot::{Mutex, MutexGuard};
use serde::{Deserialize, Serialize};

use crate::availability::window::first_minute_from;
use crate::availability::{Day, ResourceDay, SentDay};
use crate::call_error::CallError;
use crate::clock::Measured;
use crate::dates;
use crate::healthengine::BatchOutcome;
use crate::ids::{AppointmentTypeId, PracticeId, ResourceId};
use crate::publishing::compact_day::CompactDay;
use crate::publishing::last_sent::{LastSent, Unacknowledged, free_from, is_sure};
use crate::publishing::offered_before::{OfferedBefore, WasOffered, was_offered};
use crate::publishing::{DayKey, ReadDay};
use crate::store::{Batch, OpenedDatabase, Record, RecordKind, Store, StoreError};
use crate::zone::Zone;

impl Record for LastSent {
    const KIND: &'static str = "sent-day";
    const VERSION: u32 = 1;
}

/// Days travel: a protected resource gets its last accepted day again. After an import all of them
/// are sent again.
pub(in crate::practice) const SENT_DAY: RecordKind = RecordKind::exported::<LastSent>();

impl Record for Unacknowledged {
    const KIND: &'static str = "unheard-day";
    const VERSION: u32 = 1;
}

/// They travel with the days they are about.
pub(in crate::practice) const UNACKNOWLEDGED_DAY: RecordKind = RecordKind::exported::<Unacknowledged>();

/// When everything was last sent again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct FullResync {
    /// When it began. The first version wrote when it ended, so that after an upgrade its days are
    /// sent once more.
    at: DateTime<Utc>,
}

impl Record for FullResync {
    const KIND: &'static str = "full-resync";
    const VERSION: u32 = 1;
}

/// It travels with the days; see [`SentDays::full_resync_that_counts`] for what an import makes of
/// it.
pub(in crate::practice) const FULL_RESYNC: RecordKind = RecordKind::exported::<FullResync>();

/// What Healthengine was last sent of a day, and answered, in few bytes: [`LastSent`].
pub(super) struct KeptDay {
    day: CompactDay,
    at: DateTime<Utc>,
    read_at: DateTime<Utc>,
    accepted: bool,
    /// True if it has times that can be booked.
    has_times: bool,
    /// What was offered before, where a rule asks for it.
    before: Option<Box<OfferedBefore>>,
}

impl KeptDay {
    fn of(LastSent { sent: SentDay { day, at, accepted }, read_at, before }: &LastSent) -> Self {
        let (has_times, before) = (day.starts().next().is_some(), before.clone().map(Box::new));
        Self { day: CompactDay::of(day), at: *at, read_at: *read_at, accepted: *accepted, has_times, before }
    }

    fn unfold(&self) -> LastSent {
        let Self { day, at, read_at, accepted, has_times: _, before } = self;
        let sent = SentDay { day: day.unfold(), at: *at, accepted: *accepted };
        LastSent { sent, read_at: *read_at, before: before.as_deref().cloned() }
    }

    /// True if Healthengine accepted times that can be booked.
    fn offers_times(&self) -> bool {
        self.accepted && self.has_times
    }

    /// True if Healthengine may offer times of it. A refusal left what was there before.
    fn may_offer_times(&self) -> bool {
        !self.accepted || self.has_times
    }
}

/// The days of one practice.
pub(super) type KeptDays = BTreeMap<DayKey, KeptDay>;

/// What was last sent of the days of all practices, as it was read when the store was opened.
#[derive(Default)]
pub(crate) struct DaysAtStart(Mutex<BTreeMap<String, KeptDays>>);

impl DaysAtStart {
    /// A day was found. One that cannot be read is a day that was never sent.
    pub(in crate::practice) fn add(&self, key: &str, last: &LastSent) {
        let (Some(practice), Some(key)) = (practice_of(key), parse_key(key)) else { return };
        let day = KeptDay::of(last);
        let mut all = self.0.lock();
        match all.get_mut(practice) {
            Some(days) => drop(days.insert(key, day)),
            None => drop(all.insert(practice.to_owned(), KeptDays::from([(key, day)]))),
        }
    }

    /// Those of a practice, which is about to begin with them.
    pub(super) fn take(&self, practice: &PracticeId) -> KeptDays {
        self.0.lock().remove(&practice.0).unwrap_or_default()
    }
}

/// True if some day of a practice was ever sent, by a store that is being opened.
pub(in crate::practice) fn has_sent(store: &OpenedDatabase<'_>, practice: &PracticeId) -> bool {
    store.has_any::<LastSent>(&format!("{}/", practice.0)).unwrap_or(false)
}

/// What Healthengine was last sent.
pub(in crate::practice) struct SentDays {
    store: Store,
    practice: PracticeId,
    last: Mutex<KeptDays>,
    unacknowledged: Mutex<BTreeMap<DayKey, Unacknowledged>>,
    /// What was sent before this counts for nothing.
    full_resync_at: Mutex<Option<DateTime<Utc>>>,
}

impl SentDays {
    /// Reads what was sent before the restart, unless it was read when the store was opened.
    pub(super) fn open(store: &Store, practice: &PracticeId, at_start: Option<KeptDays>) -> Self {
        // A day that cannot be read is a day that was never sent.
        let full_resync = store.get::<FullResync>(&practice.0).ok().flatten();
        let read = || days_of(store, practice, |last| KeptDay::of(&last));
        Self {
            store: store.clone(),
            practice: practice.clone(),
            last: Mutex::new(at_start.unwrap_or_else(read)),
            unacknowledged: Mutex::new(days_of(store, practice, |own| own)),
            full_resync_at: Mutex::new(full_resync.map(|last| last.at)),
        }
    }

    fn last(&self) -> MutexGuard<'_, KeptDays> {
        self.last.lock()
    }

    /// What Healthengine was last sent of a day, and answered.
    pub(in crate::practice) fn last_of(&self, key: DayKey) -> Option<LastSent> {
        self.last().get(&key).map(KeptDay::unfold)
    }

    /// True if any day of a resource was ever sent.
    pub(in crate::practice) fn has_resource(&self, resource: ResourceId) -> bool {
        self.last().range((resource, NaiveDate::MIN)..=(resource, NaiveDate::MAX)).next().is_some()
    }

    pub(in crate::practice) fn unacknowledged(&self, key: DayKey) -> Option<Unacknowledged> {
        self.unacknowledged.lock().get(&key).copied()
    }

    /// How many days from this one on Healthengine offers times of a resource.
    pub(in crate::practice) fn days_offered(&self, resource: ResourceId, first: NaiveDate) -> usize {
        let last = self.last();
        let days = last.range((resource, first)..=(resource, NaiveDate::MAX));
        days.filter(|(_, last)| last.offers_times()).count()
    }

    /// How many starts after this moment Healthengine offers, as far as it was heard; `None` if it
    /// was never sent a day, as far as the store knows.
    pub(in crate::practice) fn starts_offered(&self, now: DateTime<Utc>, practice: &Zone) -> Option<usize> {
        let today = practice.wall(now).date();
        let starts = |((_, date), last): (&DayKey, &KeptDay)| {
            let soonest = first_minute_from(now, *date, practice);
            let counts = last.offers_times() && today <= *date;
            if counts { last.day.unfold().starts().filter(|(minute, _)| soonest <= *minute).count() } else { 0 }
        };
        let last = self.last();
        (!last.is_empty()).then(|| last.iter().map(starts).sum())
    }

    /// The days that Healthengine refused when they were last sent.
    pub(super) fn refused(&self) -> Vec<DayKey> {
        self.last().iter().filter(|(_, last)| !last.accepted).map(|(key, _)| *key).collect()
    }

    /// True if Healthengine refused a day from this one on, up to but not including the end.
    pub(in crate::practice) fn is_refused_within(&self, first: NaiveDate, end: NaiveDate) -> bool {
        self.last().iter().any(|((_, date), last)| !last.accepted && (first..end).contains(date))
    }

    /// When a day was last accepted, also before a restart.
    pub(in crate::practice) fn last_accepted_at(&self) -> Option<DateTime<Utc>> {
        self.last().values().filter(|last| last.accepted).map(|last| last.at).max()
    }

    /// When the last full resync began.
    pub(super) fn full_resync_at(&self) -> Option<DateTime<Utc>> {
        *self.full_resync_at.lock()
    }

    /// The same if it counts. What was sent before the store was replaced by a backup, or by what
    /// could be saved of a damaged one, says nothing of what Healthengine has.
    pub(super) fn full_resync_that_counts(&self, now: DateTime<Utc>) -> Option<DateTime<Utc>> {
        let counts = |last: &DateTime<Utc>| dates::age(*last, now).is_some() && !self.is_replaced_since(*last, now);
        self.full_resync_at().filter(counts)
    }

    /// Of a store that was replaced nobody can say what Healthengine has: also the days that it
    /// believes empty are emptied again.
    pub(in crate::practice) fn doubt_days_of_a_replaced_store(&self, now: DateTime<Utc>) {
        if self.full_resync_at().is_some_and(|last| self.is_replaced_since(last, now)) {
            self.begin_full_resync(now);
        }
    }

    fn is_replaced_since(&self, last: DateTime<Utc>, now: DateTime<Utc>) -> bool {
        self.store.meta().replaced_since(last, now)
    }

    /// From here on every day that was sent before this moment is sent again when it is read.
    pub(super) fn begin_full_resync(&self, at: DateTime<Utc>) {
        *self.full_resync_at.lock() = Some(at);
        if let Ok(batch) = Batch::of(&self.practice.0, &FullResync { at }) {
            self.store.write_later(batch);
        }
    }

    /// Unacknowledged days that nothing can overtake any longer.
    pub(super) fn to_be_settled(&self, now: &Measured) -> Vec<DayKey> {
        let all = self.unacknowledged.lock();
        all.iter().filter(|(_, own)| own.has_arrived(now)).map(|(key, _)| *key).collect()
    }

    /// The day that Healthengine last accepted.
    pub(super) fn accepted(&self, resource: ResourceId, date: NaiveDate) -> Option<ResourceDay> {
        let last = self.last();
        let last = last.get(&(resource, date)).filter(|last| last.accepted)?;
        Some(ResourceDay { resource, date, day: last.day.unfold() })
    }

    /// True if Healthengine was ever sent something of a day, and answered.
    pub(super) fn was_sent(&self, key: DayKey) -> bool {
        self.last().contains_key(&key)
    }

    /// True if Healthengine offers times of a resource on a day, as far as we were told.
    pub(super) fn offers(&self, resource: ResourceId, date: NaiveDate) -> bool {
        self.last().get(&(resource, date)).is_some_and(KeptDay::offers_times)
    }

    /// From when on a day of this resource may be sent again.
    pub(in crate::practice) fn free_from(
        &self,
        resource: ResourceId,
        date: NaiveDate,
        now: DateTime<Utc>,
    ) -> DateTime<Utc> {
        let key = (resource, date);
        let answered = self.last().get(&key).map(|last| last.at);
        free_from(answered, self.unacknowledged(key).map(|own| own.since), now)
    }

    /// True if some day was ever sent.
    pub(in crate::practice) fn has_sent(&self) -> bool {
        !self.last().is_empty()
    }

    /// True if a snapshot left whose answer never came, and can still arrive.
    pub(in crate::practice) fn has_unacknowledged(&self) -> bool {
        !self.unacknowledged.lock().is_empty()
    }

    /// The days of which Healthengine may offer times, empty. The present time does not count: by a
    /// clock that is days ahead all of them are past.
    pub(in crate::practice) fn not_known_empty(&self) -> Vec<ResourceDay> {
        let last = self.last();
        let may_offer = last.iter().filter(|(_, last)| last.may_offer_times());
        may_offer.map(|(key, last)| emptied(*key, last.day.slot_size_minutes())).collect()
    }

    /// Every day that Healthengine was sent something of, empty.
    pub(in crate::practice) fn emptied(&self) -> Vec<ResourceDay> {
        let unacknowledged = self.unacknowledged.lock();
        let mut days: BTreeMap<DayKey, ResourceDay> =
            unacknowledged.keys().map(|key| (*key, emptied(*key, 1))).collect();
        days.extend(self.last().iter().map(|(key, last)| (*key, emptied(*key, last.day.slot_size_minutes()))));
        days.into_values().collect()
    }

    /// Snapshots of these days are about to leave. Durable when this returns, so that a crash does
    /// not leave Healthengine with a day that nobody knows of. Returns what was unacknowledged
    /// before.
    pub(super) async fn leave(
        &self,
        keys: &[DayKey],
        now: DateTime<Utc>,
        measured: &Measured,
    ) -> Result<Vec<Option<Unacknowledged>>, StoreError> {
        let leaving = Unacknowledged { since: now, measured: Some(measured.now) };
        let mut batch = Batch::new();
        keys.iter().try_for_each(|key| batch.put(&self.key(*key), &leaving))?;
        self.store.commit(batch).await?;
        let mut all = self.unacknowledged.lock();
        Ok(keys.iter().map(|key| all.insert(*key, leaving)).collect())
    }

    /// What was answered is unacknowledged no longer, unless an earlier snapshot of the day may
    /// still arrive.
    pub(super) fn acknowledge(
        &self,
        read: &[ReadDay],
        before: Vec<Option<Unacknowledged>>,
        outcome: &BatchOutcome,
        failure: Option<&CallError>,
        measured: &Measured,
    ) {
        let nothing_was_done = failure.is_none_or(CallError::nothing_was_done);
        let accepted: BTreeSet<usize> = outcome.accepted.iter().copied().collect();
        let heard = read.iter().zip(before).enumerate().filter_map(|(index, (read, before))| {
            let left = if accepted.contains(&index) {
                before.filter(|before| !before.has_arrived(measured))
            } else if nothing_was_done {
                before
            } else {
                return None;
            };
            Some((read.key(), left))
        });
        self.only_unacknowledged(heard.collect());
    }

    /// Of each of these days no other snapshot is unacknowledged.
    pub(super) fn only_unacknowledged(&self, days: Vec<(DayKey, Option<Unacknowledged>)>) {
        let mut all = self.unacknowledged.lock();
        let mut batch = Batch::new();
        for (key, left) in days {
            let text = self.key(key);
            match left {
                None => {
                    batch.delete::<Unacknowledged>(&text);
                    all.remove(&key);
                }
                Some(left) => {
                    // One that cannot be written stays as it was on the disk: it is sent again.
                    let _unwritten = batch.put(&text, &left);
                    all.insert(key, left);
                }
            }
        }
        drop(all);
        self.store.write_later(batch);
    }

    /// What is remembered of a day that is replaced at this moment. `lost` is the snapshot that was
    /// unacknowledged when the new one left.
    pub(super) fn before(&self, key: DayKey, lost: Option<&Unacknowledged>, now: DateTime<Utc>) -> OfferedBefore {
        let last = self.last_of(key);
        let is_sure = is_sure(last.as_ref(), lost, now, |noted| self.is_replaced_since(noted, now));
        OfferedBefore::at_replacement(last.as_ref().map(LastSent::offered), is_sure, now)
    }

    /// Whether a pet owner who booked at the first of these moments, if that is known, was offered
    /// a start, by the minute of the day, for a type. The second is the present.
    pub(in crate::practice) fn was_offered(
        &self,
        key: DayKey,
        start: (u32, AppointmentTypeId),
        booked: (Option<DateTime<Utc>>, DateTime<Utc>),
    ) -> WasOffered {
        let (lost, now) = (self.unacknowledged(key), booked.1);
        let last = self.last_of(key);
        let is_sure = is_sure(last.as_ref(), lost.as_ref(), now, |noted| self.is_replaced_since(noted, now));
        was_offered(last.as_ref().map(LastSent::offered), is_sure, start, booked)
    }

    /// Healthengine answered that it takes these days, or that it refuses them.
    pub(super) fn answered(&self, days: Vec<(DayKey, LastSent)>) {
        let mut batch = Batch::new();
        for (key, last) in days {
            if let Err(error) = batch.put(&self.key(key), &last) {
                tracing::error!(practice = %self.practice, "What was sent cannot be remembered: {error}.");
            }
            self.last().insert(key, KeptDay::of(&last));
        }
        self.store.write_later(batch);
    }

    /// Forgets days that are past, and those of resources that Healthengine deleted.
    pub(super) fn forget(&self, keep: impl Fn(ResourceId, NaiveDate) -> bool) {
        let is_gone = |key: &&DayKey| !keep(key.0, key.1);
        let mut batch = Batch::new();
        let mut last = self.last();
        for key in last.keys().filter(is_gone).copied().collect::<Vec<_>>() {
            last.remove(&key);
            batch.delete::<LastSent>(&self.key(key));
        }
        drop(last);
        let mut unacknowledged = self.unacknowledged.lock();
        for key in unacknowledged.keys().filter(is_gone).copied().collect::<Vec<_>>() {
            unacknowledged.remove(&key);
            batch.delete::<Unacknowledged>(&self.key(key));
        }
        drop(unacknowledged);
        if !batch.is_empty() {
            self.store.write_later(batch);
        }
    }

    fn key(&self, (resource, date): DayKey) -> String {
        format!("{}/{resource}/{date}", self.practice)
    }
}

fn emptied((resource, date): DayKey, slot_size_minutes: u32) -> ResourceDay {
    ResourceDay { resource, date, day: Day::empty(slot_size_minutes) }
}

fn days_of<R: Record, K>(store: &Store, practice: &PracticeId, keep: impl Fn(R) -> K) -> BTreeMap<DayKey, K> {
    let found = store.walk::<R>(&format!("{practice}/")).filter_map(Result::ok);
    found.filter_map(|(key, day)| Some((parse_key(&key)?, keep(day)))).collect()
}

/// The practices but for these of which Healthengine may offer times from a day on: nobody has
/// their keys to empty their days.
pub fn with_days_from(store: &Store, first: NaiveDate, but: &BTreeSet<PracticeId>) -> BTreeSet<PracticeId> {
    let mut found = others_with::<LastSent>(store, first, but, |last| last.sent.day.starts().next().is_some());
    found.extend(others_with::<Unacknowledged>(store, first, but, |_| true));
    found
}

/// The practices but for these with such a day from this one on. Of each, no more is read than
/// tells.
fn others_with<R: Record>(
    store: &Store,
    first: NaiveDate,
    but: &BTreeSet<PracticeId>,
    counts: impl Fn(&R) -> bool,
) -> BTreeSet<PracticeId> {
    let mut found = BTreeSet::new();
    let mut days = store.walk::<R>("");
    while let Some(day) = days.next() {
        let Ok((key, day)) = day else { continue };
        let Some(practice) = practice_of(&key).map(|id| PracticeId(id.to_owned())) else { continue };
        let is_one = parse_key(&key).is_some_and(|(_, date)| first <= date) && counts(&day);
        if is_one || but.contains(&practice) {
            days.skip_prefix(&format!("{practice}/"));
        }
        if is_one && !but.contains(&practice) {
            found.insert(practice);
        }
    }
    found
}

fn practice_of(key: &str) -> Option<&str> {
    key.rsplitn(3, '/').nth(2)
}

fn parse_key(key: &str) -> Option<DayKey> {
    let mut parts = key.rsplit('/');
    let (date, resource) = (parts.next()?, parts.next()?);
    Some((resource.parse().ok()?, dates::day(date)?))
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;
    use crate::store::MemoryEngine;

    #[tokio::test]
    async fn days_that_begin_with_the_first_reading_are_those_that_are_read_by_themselves() {
        let now = DateTime::UNIX_EPOCH + TimeDelta::days(20_000);
        let store = Store::in_memory(&MemoryEngine::new(), now).unwrap();
        let types = [AppointmentTypeId(66)];
        let mut expected = BTreeMap::new();
        for (practice, count) in [("1", 3_u64), ("12", 2), ("3", 0)] {
            let practice = PracticeId(practice.into());
            let day = |number: u64| {
                let sent = SentDay { day: Day::from_starts(15, [(600, &types[..])]), at: now, accepted: number != 1 };
                let key = ("s136".parse().unwrap(), now.date_naive() + chrono::Days::new(number));
                (key, LastSent { sent, read_at: now, before: None })
            };
            SentDays::open(&store, &practice, None).answered((0..count).map(day).collect());
            expected.insert(practice, count);
        }
        let at_start = DaysAtStart::default();
        for (key, last) in store.walk::<LastSent>("").filter_map(Result::ok) {
            at_start.add(&key, &last);
        }
        for (practice, count) in expected {
            let read = SentDays::open(&store, &practice, None);
            let begun = SentDays::open(&store, &practice, Some(at_start.take(&practice)));
            assert_eq!(begun.emptied().len() as u64, count);
            assert_eq!((begun.emptied(), begun.refused()), (read.emptied(), read.refused()));
        }
    }
}
