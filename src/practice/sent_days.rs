//! What Healthengine was last told of each resource and day.
//!
//! A snapshot whose answer never came may have been accepted, or may yet be: what Healthengine has of that day is then unknown. So
//! days are noted as *unheard* on the disk before they leave, until their answer came. An unheard day is sent again with the next
//! reading, and once more after [`LATE`], when nothing can overtake it any longer.
//!
//! Healthengine queues what it accepts, and does not say in which order the queue is worked off. So two different snapshots of
//! one resource and day are sent at least [`QUEUE_TIME`] apart; one that comes sooner goes to the days that are due.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::{Mutex as AsyncMutex, MutexGuard as AsyncMutexGuard};
use tokio::time::Instant;

use super::batches::Batches;
use super::findings::Findings;
use super::health::Subject;
use super::publishing::{ReadDay, Which};
use super::put_aside::Aside;
use super::unsent::Unsent;
use super::{Practice, full_resync};
use crate::availability::{Day, ResourceDay, SentDay};
use crate::clock::Measured;
use crate::dates;
use crate::healthengine::BatchOutcome;
use crate::ids::{PracticeId, ResourceId};
use crate::messages::practice as say;
use crate::remote::{Answer, CallError, ErrorClass};
use crate::store::{Batch, Record, RecordKind, Store};
use crate::supervisor;

/// A day as the store keeps it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(super) struct Told {
    #[serde(flatten)]
    pub(super) sent: SentDay,
    /// When the reading began that the day comes from.
    pub(super) read_at: DateTime<Utc>,
}

impl Record for Told {
    const KIND: &'static str = "sent-day";
    const VERSION: u32 = 1;
}

/// Days travel: a protected resource gets its last accepted day again. After an import all of them are sent again.
pub(super) const SENT_DAY: RecordKind = RecordKind::exported::<Told>();

/// A snapshot of this day left, and nobody knows what became of it.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct Unheard {
    /// When it left, by the clock,
    since: DateTime<Utc>,
    /// and as the process measured it. Absent from what an older version noted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    measured: Option<DateTime<Utc>>,
}

impl Record for Unheard {
    const KIND: &'static str = "unheard-day";
    const VERSION: u32 = 1;
}

impl Unheard {
    /// True once nothing of it can be on its way, whatever the clock was set to meanwhile.
    fn has_arrived(&self, now: &Measured) -> bool {
        now.counted(self.measured.unwrap_or(self.since)) + LATE <= now.now
    }
}

/// They travel with the days they are about.
pub(super) const UNHEARD_DAY: RecordKind = RecordKind::exported::<Unheard>();

pub(super) type Key = (ResourceId, NaiveDate);

/// A request that nobody waits for any longer is carried out within this time, or not at all. An assumption with room to spare:
/// servers and proxies give up after half a minute as a rule.
const LATE: TimeDelta = TimeDelta::seconds(60);
/// How long a snapshot may wait in Healthengine's queue before the next one of its day follows.
pub(super) const QUEUE_TIME: TimeDelta = TimeDelta::milliseconds(500);

/// What Healthengine was told, and the turn to tell it.
pub(super) struct Publisher {
    practice: PracticeId,
    told: Mutex<BTreeMap<Key, Told>>,
    unheard: Mutex<BTreeMap<Key, Unheard>>,
    /// What was sent before this counts for nothing.
    full_resync_at: Mutex<Option<DateTime<Utc>>>,
    turn: AsyncMutex<()>,
    /// What Healthengine did not take and has not taken since.
    pub(super) unsent: Findings<Unsent>,
    /// What it does not take while it takes others.
    pub(super) aside: Findings<Aside>,
    pub(super) batches: Batches,
}

impl Publisher {
    /// Reads what was told before the restart.
    pub(super) fn open(store: &Store, practice: &PracticeId) -> Self {
        let found = store.scan::<Told>(&format!("{practice}/"));
        // A day that cannot be read is a day that was never sent.
        let told: BTreeMap<Key, Told> =
            found.records.into_iter().filter_map(|(key, told)| Some((parse_key(&key)?, told))).collect();
        let refused = told.iter().filter(|(_, told)| !told.sent.accepted).map(|(key, _)| *key);
        let aside = Findings::new(Aside::new(refused, Instant::now()));
        let found = store.scan::<Unheard>(&format!("{practice}/"));
        let unheard =
            found.records.into_iter().filter_map(|(key, unheard)| Some((parse_key(&key)?, unheard))).collect();
        Self {
            practice: practice.clone(),
            told: Mutex::new(told),
            unheard: Mutex::new(unheard),
            full_resync_at: Mutex::new(full_resync::last(store, practice)),
            turn: AsyncMutex::default(),
            unsent: Findings::default(),
            aside,
            batches: Batches::default(),
        }
    }

    pub(super) fn told(&self) -> MutexGuard<'_, BTreeMap<Key, Told>> {
        self.told.lock()
    }

    fn unheard(&self) -> MutexGuard<'_, BTreeMap<Key, Unheard>> {
        self.unheard.lock()
    }

    /// The turn to tell it something. No call is under way until it is dropped.
    pub(super) async fn turn(&self) -> AsyncMutexGuard<'_, ()> {
        supervisor::wait(self.turn.lock()).await
    }

    /// How many days from this one on Healthengine offers times of a resource.
    pub(super) fn days_offered(&self, resource: ResourceId, first: NaiveDate) -> usize {
        let told = self.told();
        let days = told.range((resource, first)..=(resource, NaiveDate::MAX));
        days.filter(|(_, told)| told.sent.accepted && told.sent.day.starts().next().is_some()).count()
    }

    /// The days that Healthengine refused when they were last sent.
    fn refused(&self) -> Vec<Key> {
        let told = self.told();
        told.iter().filter(|(_, told)| !told.sent.accepted).map(|(key, _)| *key).collect()
    }

    /// True if Healthengine refused a day from this one on, up to but not including the end.
    pub(super) fn is_refused_within(&self, first: NaiveDate, end: NaiveDate) -> bool {
        let told = self.told();
        told.iter().any(|((_, date), told)| !told.sent.accepted && (first..end).contains(date))
    }

    /// When a day was last accepted, also before a restart.
    pub(super) fn last_accepted_at(&self) -> Option<DateTime<Utc>> {
        self.told().values().filter(|told| told.sent.accepted).map(|told| told.sent.at).max()
    }

    /// When the last full resync began.
    pub(super) fn full_resync_at(&self) -> Option<DateTime<Utc>> {
        *self.full_resync_at.lock()
    }

    /// Another one begins, or none counts.
    pub(super) fn set_full_resync_at(&self, at: Option<DateTime<Utc>>) {
        *self.full_resync_at.lock() = at;
    }

    /// True if Healthengine may have something else of a day than it was last heard to accept, and it is time to send it again.
    pub(super) fn is_in_doubt(
        &self,
        key: Key,
        sent_at: DateTime<Utc>,
        now: DateTime<Utc>,
        measured: &Measured,
    ) -> bool {
        if self.full_resync_at().is_some_and(|at| sent_at < at || dates::age(sent_at, now).is_none()) {
            return true;
        }
        self.unheard().get(&key).is_some_and(|unheard| sent_at < unheard.since || unheard.has_arrived(measured))
    }

    /// Unheard days that nothing can overtake any longer.
    pub(super) fn to_be_settled(&self, now: &Measured) -> Vec<Key> {
        self.unheard().iter().filter(|(_, unheard)| unheard.has_arrived(now)).map(|(key, _)| *key).collect()
    }

    fn key(&self, (resource, date): Key) -> String {
        format!("{}/{resource}/{date}", self.practice)
    }

    /// The day that Healthengine last accepted.
    pub(super) fn accepted(&self, resource: ResourceId, date: NaiveDate) -> Option<ResourceDay> {
        let told = self.told();
        let told = told.get(&(resource, date)).filter(|told| told.sent.accepted)?;
        Some(ResourceDay { resource, date, day: told.sent.day.clone() })
    }

    /// True if Healthengine offers times of a resource on a day, as far as we were told.
    pub(super) fn offers(&self, resource: ResourceId, date: NaiveDate) -> bool {
        self.accepted(resource, date).is_some_and(|own| own.day.starts().next().is_some())
    }

    /// True while a day that is asked for, and of which nothing is offered, would only be refused again.
    pub(super) fn is_refused_empty(&self, resource: &str, date: NaiveDate, now: DateTime<Utc>) -> bool {
        self.unsent.look(|unsent| unsent.is_refused_empty(resource, date, now))
    }

    /// From when on a day of this resource may be sent again. What was sent in the future was sent long ago.
    pub(super) fn free_from(&self, resource: ResourceId, date: NaiveDate, now: DateTime<Utc>) -> DateTime<Utc> {
        let key = (resource, date);
        let heard = self.told().get(&key).map(|told| told.sent.at);
        let left = self.unheard().get(&key).map(|unheard| unheard.since);
        let known = |at: &DateTime<Utc>| dates::age(*at, now).is_some();
        heard.filter(known).max(left.filter(known)).map_or(DateTime::<Utc>::MIN_UTC, |at| at + QUEUE_TIME)
    }

    /// True if some day was ever sent.
    pub(super) fn has_told(&self) -> bool {
        !self.told().is_empty()
    }

    /// True if a snapshot left whose answer never came, and can still arrive.
    pub(super) fn has_unheard(&self) -> bool {
        !self.unheard().is_empty()
    }

    /// The days of which Healthengine may offer times, empty. The present time does not count: by a clock that is days ahead all of
    /// them are past. Neither does a refusal: what was refused left what was there before.
    pub(super) fn not_known_empty(&self) -> Vec<ResourceDay> {
        let told = self.told();
        let may_offer = told.iter().filter(|(_, told)| !told.sent.accepted || told.sent.day.starts().next().is_some());
        let empty = |(&(resource, date), told): (&Key, &Told)| {
            let day = Day::empty(told.sent.day.slot_size_minutes());
            ResourceDay { resource, date, day }
        };
        may_offer.map(empty).collect()
    }

    /// Every day that Healthengine was sent something of, empty.
    pub(super) fn emptied(&self) -> Vec<ResourceDay> {
        let mut days: BTreeMap<Key, Day> = self.unheard().keys().map(|key| (*key, Day::empty(1))).collect();
        days.extend(self.told().iter().map(|(key, told)| (*key, Day::empty(told.sent.day.slot_size_minutes()))));
        days.into_iter().map(|((resource, date), day)| ResourceDay { resource, date, day }).collect()
    }
}

/// The practices of which Healthengine was sent days from this one on, whether or not they are configured.
pub fn with_days_from(store: &Store, first: NaiveDate) -> BTreeSet<PracticeId> {
    let days = store.scan::<Told>("").records.into_iter();
    let offered = days.filter(|(_, told)| told.sent.day.starts().next().is_some()).map(|(key, _)| key);
    let unheard = store.scan::<Unheard>("").records.into_iter().map(|(key, _)| key);
    let keys = offered.chain(unheard);
    keys.filter(|key| parse_key(key).is_some_and(|(_, date)| first <= date))
        .filter_map(|key| Some(PracticeId(key.rsplitn(3, '/').nth(2)?.to_owned())))
        .collect()
}

fn parse_key(key: &str) -> Option<Key> {
    let mut parts = key.rsplit('/');
    let (date, resource) = (parts.next()?, parts.next()?);
    Some((resource.parse().ok()?, dates::day(date)?))
}

impl Practice {
    /// Durable when this returns, so that a crash does not leave Healthengine with a day that nobody knows of. Returns what was
    /// unheard before.
    pub(super) async fn note_unheard(&self, keys: &[Key]) -> Answer<Vec<Option<Unheard>>> {
        let unheard = Unheard { since: self.now(), measured: Some(self.measured().now) };
        let mut batch = Batch::new();
        let written = match keys.iter().try_for_each(|key| batch.put(&self.publisher.key(*key), &unheard)) {
            Ok(()) => self.shared.store.commit(batch).await,
            Err(error) => Err(error),
        };
        if let Err(error) = written {
            let failure = CallError::new(ErrorClass::NotSent, error.to_string());
            self.written(Err(error.into()));
            return Err(failure);
        }
        let mut all = self.publisher.unheard();
        Ok(keys.iter().map(|key| all.insert(*key, unheard)).collect())
    }

    /// What was answered is unheard no longer, unless an earlier snapshot of the day may still arrive.
    pub(super) fn note_heard(
        &self,
        read: &[ReadDay],
        before: Vec<Option<Unheard>>,
        outcome: &BatchOutcome,
        failure: Option<&CallError>,
    ) {
        let measured = self.measured();
        let nothing_was_done = failure.is_none_or(CallError::nothing_was_done);
        let accepted: BTreeSet<usize> = outcome.accepted.iter().copied().collect();
        let mut all = self.publisher.unheard();
        let mut batch = Batch::new();
        for (index, (read, before)) in read.iter().zip(before).enumerate() {
            let left = if accepted.contains(&index) {
                before.filter(|before| !before.has_arrived(&measured))
            } else if nothing_was_done {
                before
            } else {
                continue;
            };
            let key = (read.day.resource, read.day.date);
            let text = self.publisher.key(key);
            match left {
                None => {
                    batch.delete::<Unheard>(&text);
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
        self.shared.store.write_later(batch);
    }

    pub(super) fn note_told(&self, read: &[ReadDay], outcome: &BatchOutcome) {
        if outcome.accepted.is_empty() && outcome.failed.is_empty() {
            return;
        }
        let now = self.now();
        let refused: BTreeMap<usize, &String> = outcome.failed.iter().map(|(index, reason)| (*index, reason)).collect();
        let accepted: BTreeSet<usize> = outcome.accepted.iter().copied().collect();
        let mut batch = Batch::new();
        let mut failures = Vec::new();
        for (index, ReadDay { as_of, day, .. }) in read.iter().enumerate() {
            // A snapshot that the answer does not mention was not accepted, and is sent again.
            if !accepted.contains(&index) && !refused.contains_key(&index) {
                continue;
            }
            if let Some(reason) = refused.get(&index) {
                failures.push(format!("{} on {}: {reason}", day.resource, day.date));
            }
            let key = (day.resource, day.date);
            let sent = SentDay { day: day.day.clone(), at: now, accepted: accepted.contains(&index) };
            let told = Told { sent, read_at: *as_of };
            if let Err(error) = batch.put(&self.publisher.key(key), &told) {
                tracing::error!(practice = %self.id(), "What was sent cannot be remembered: {error}.");
            }
            self.publisher.told().insert(key, told);
        }
        self.shared.store.write_later(batch);
        if !accepted.is_empty() {
            self.locked(&self.progress).sent_at = Some(now);
        }
        let keys = |indexes: Vec<usize>| {
            let read = indexes.into_iter().filter_map(|index| read.get(index));
            read.map(|read| (read.day.resource, read.day.date)).collect::<Vec<Key>>()
        };
        let again = self.publisher.aside.note(|aside| {
            let again = aside.taken(keys(accepted.into_iter().collect()));
            let refused = keys(refused.keys().copied().collect());
            refused.into_iter().for_each(|key| aside.refused(key, Instant::now()));
            again
        });
        for (resource, date) in again {
            self.note_due_day(resource, date, Which::Changed);
        }
        // There can be hundreds of thousands of days; they are looked through only where it matters.
        if failures.is_empty() && !self.health.has(&Subject::RefusedDays) {
            return;
        }
        match (failures.first(), self.publisher.refused().len()) {
            (Some(example), count) => self.health.raise(Subject::RefusedDays, say::refused_days(count, example), now),
            (None, 0) => self.health.clear(&Subject::RefusedDays),
            (None, _) => {}
        }
    }

    /// What Healthengine refused before this process or this configuration began waits for a person all the same.
    pub(super) fn tell_of_days_refused_before(&self) {
        let refused = self.publisher.refused();
        if let Some((resource, date)) = refused.first() {
            let example = format!("{resource} on {date}");
            self.health.raise(Subject::RefusedDays, say::refused_days(refused.len(), &example), self.now());
        }
    }

    /// Nothing of what was sent counts any longer: whatever comes next is sent whole.
    pub(super) fn forget_all_days(&self) {
        self.forget_days(|_, _| false);
    }

    /// Forgets days that are past, and those of resources that Healthengine deleted.
    pub(super) fn forget_days(&self, keep: impl Fn(ResourceId, NaiveDate) -> bool) {
        let mut told = self.publisher.told();
        let gone: Vec<Key> = told.keys().filter(|(resource, date)| !keep(*resource, *date)).copied().collect();
        let mut batch = Batch::new();
        for key in gone {
            told.remove(&key);
            batch.delete::<Told>(&self.publisher.key(key));
        }
        drop(told);
        self.publisher.aside.note(|aside| aside.keep(&keep));
        let mut unheard = self.publisher.unheard();
        let gone: Vec<Key> = unheard.keys().filter(|(resource, date)| !keep(*resource, *date)).copied().collect();
        for key in gone {
            unheard.remove(&key);
            batch.delete::<Unheard>(&self.publisher.key(key));
        }
        drop(unheard);
        if !batch.is_empty() {
            self.shared.store.write_later(batch);
        }
    }
}
