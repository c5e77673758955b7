//! The full resync: everything that was sent before the moment at which it begins counts for nothing, and is sent again when it is
//! next read.
//!
//! Only that moment is remembered. A schedule that cannot be read, a Healthengine that goes away and a restart in the middle leave
//! just what is still to be sent, and nothing is sent twice.

use chrono::{DateTime, NaiveDate, NaiveTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Offering, Practice};
use crate::dates;
use crate::ids::PracticeId;
use crate::store::{Batch, Record, RecordKind, Store};
use crate::zone::Zone;

/// When everything was last sent again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
pub(super) struct FullResync {
    /// When it began. The first version wrote when it ended, so that after an upgrade its days are sent once more.
    at: DateTime<Utc>,
}

impl Record for FullResync {
    const KIND: &'static str = "full-resync";
    const VERSION: u32 = 1;
}

/// It travels with the days; see [`Practice::full_resync_is_due`] for what an import makes of it.
pub(super) const KIND: RecordKind = RecordKind::exported::<FullResync>();

/// When the last one of a practice began, as the store has it.
pub(super) fn last(store: &Store, practice: &PracticeId) -> Option<DateTime<Utc>> {
    store.get::<FullResync>(&practice.0).ok().flatten().map(|last| last.at)
}

impl Practice {
    /// Due when the last one was before the latest moment at which the set time of day began.
    pub(super) fn full_resync_is_due(&self, offering: &Offering) -> bool {
        let now = self.now();
        // What was sent before the store was replaced by a backup, or by what could be saved of a damaged one, says nothing of what
        // Healthengine has.
        let counts = |last: &DateTime<Utc>| dates::age(*last, now).is_some() && !self.is_replaced_since(*last);
        let Some(last) = self.publisher.full_resync_at().filter(counts) else {
            // The first sending of all days is one.
            return true;
        };
        let zone = &offering.zones.practice;
        let today = zone.wall(now).date();
        let latest = [Some(today), today.pred_opt()].into_iter().flatten().find_map(|day| {
            let at = first_instant_from(zone, day, self.settings.sync.full_resync_at);
            (at <= now).then_some(at)
        });
        latest.is_some_and(|latest| last < latest)
    }

    fn is_replaced_since(&self, last: DateTime<Utc>) -> bool {
        self.shared.store.meta().replaced_since(last, self.now())
    }

    /// Of a store that was replaced nobody can say what Healthengine has: also the days that it believes empty are emptied again.
    pub(super) fn doubt_days_of_a_replaced_store(&self) {
        if self.publisher.full_resync_at().is_some_and(|last| self.is_replaced_since(last)) {
            self.begin_full_resync();
        }
    }

    /// From here on every day that was sent before this moment is sent again when it is read.
    pub(super) fn begin_full_resync(&self) {
        let at = self.now();
        self.publisher.set_full_resync_at(Some(at));
        if let Ok(batch) = Batch::of(&self.id().0, &FullResync { at }) {
            self.shared.store.write_later(batch);
        }
    }
}

/// The first instant of a day at or after a time on the wall, also where that time is skipped or doubled.
fn first_instant_from(zone: &Zone, day: NaiveDate, time: NaiveTime) -> DateTime<Utc> {
    let wall = day.and_time(time);
    (0..=180)
        .find_map(|minutes| zone.instants(wall + TimeDelta::minutes(minutes)).earliest())
        .unwrap_or_else(|| zone.day_start(day))
}
