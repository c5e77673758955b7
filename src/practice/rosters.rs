//! What was learnt of clinicians' rosters, by all practices together, and kept across restarts.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeSet;

use chrono::NaiveDate;

use crate::availability::{RosterDay, RosterKey, Rosters};
use crate::dates;
use crate::ids::{ScheduleId, UserId};
use crate::store::{Batch, Record, RecordKind, Store};

impl Record for RosterDay {
    const KIND: &'static str = "roster-day";
    const VERSION: u32 = 1;
}

/// It took weeks to learn, so it travels.
pub(super) const KIND: RecordKind = RecordKind::exported::<RosterDay>();

/// Knowledge of rosters, and where it is kept. It can be learnt again, so nothing waits for it to
/// be written.
pub struct KnownRosters {
    store: Store,
    rosters: Mutex<Rosters>,
}

fn key_text(key: &RosterKey) -> String {
    format!("{}/{}/{}", key.user, key.schedule, key.day)
}

fn parse(text: &str) -> Option<RosterKey> {
    let mut parts = text.split('/');
    let user = UserId(parts.next()?.parse().ok()?);
    let schedule = ScheduleId(parts.next()?.parse().ok()?);
    Some(RosterKey { user, schedule, day: dates::day(parts.next()?)? })
}

impl KnownRosters {
    /// Reads what was learnt before the restart; what cannot be read is learnt again.
    pub fn open(store: Store) -> Self {
        let found = store.scan::<RosterDay>("").records;
        let rosters = found.into_iter().filter_map(|(key, day)| Some((parse(&key)?, day))).collect();
        Self { store, rosters: Mutex::new(rosters) }
    }

    /// What is known at this moment.
    pub(super) fn locked(&self) -> MutexGuard<'_, Rosters> {
        self.rosters.lock()
    }

    /// Learns, and keeps what changed.
    pub(super) fn learn(&self, teach: impl FnOnce(&mut Rosters) -> BTreeSet<RosterKey>) {
        let mut rosters = self.locked();
        let changed = teach(&mut rosters);
        let mut batch = Batch::new();
        for key in &changed {
            let Some(day) = rosters.get(key) else { continue };
            if let Err(error) = batch.put(&key_text(key), day) {
                tracing::error!("A roster cannot be remembered: {error}.");
            }
        }
        if !batch.is_empty() {
            self.store.write_later(batch);
        }
    }

    /// Forgets days that are over.
    pub fn forget_before(&self, day: NaiveDate) {
        let mut rosters = self.locked();
        let over: Vec<RosterKey> = rosters.keys().filter(|key| key.day < day).copied().collect();
        let mut batch = Batch::new();
        for key in over {
            rosters.remove(&key);
            batch.delete::<RosterDay>(&key_text(&key));
        }
        if !batch.is_empty() {
            self.store.write_later(batch);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, TimeDelta, Utc};

    use super::*;
    use crate::span::Span;
    use crate::store::MemoryEngine;

    #[tokio::test]
    async fn what_was_learnt_is_known_after_a_restart_until_its_day_is_over() {
        let start = DateTime::<Utc>::UNIX_EPOCH + TimeDelta::days(20_000);
        let disk = MemoryEngine::new();
        let store = Store::in_memory(&disk, start).unwrap();
        let rosters = KnownRosters::open(store.clone());
        let key = RosterKey { user: UserId(1158), schedule: ScheduleId(211), day: start.date_naive() };
        let day = RosterDay { on: vec![Span::new(start, start + TimeDelta::hours(8))], off: Vec::new() };
        rosters.learn(|rosters| {
            rosters.insert(key, day.clone());
            BTreeSet::from([key])
        });
        store.flush().await.unwrap();

        let again = KnownRosters::open(Store::in_memory(&disk.crash(), start).unwrap());
        assert_eq!(again.locked().get(&key), Some(&day));
        again.forget_before(key.day);
        assert_eq!(again.locked().len(), 1);
        again.forget_before(key.day + chrono::Days::new(1));
        assert!(again.locked().is_empty());
    }
}
