//! At which location each schedule was last listed, kept in the store.
//!
//! OpenVPMS lists schedules by location alone: who looks for one schedule of a group with hundreds
//! of locations would ask for all their lists, which takes longer than a pet owner waits. After a
//! restart this record says which list to ask for. It is a signpost and no more: the list is read,
//! and nothing is decided by what stands here. So it may be of any age, of another configuration or
//! of another server. At worst the schedule is not on that list, and the others are read too.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use crate::ids::{LocationId, PracticeId, ScheduleId};
use crate::mapping::{Asked, Inventory};
use crate::store::{Batch, Record, RecordKind, Store};

/// The schedules of each of a practice's locations.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::practice) struct SchedulePlaces {
    schedules: BTreeMap<LocationId, BTreeSet<ScheduleId>>,
}

impl Record for SchedulePlaces {
    const KIND: &'static str = "schedule-places";
    const VERSION: u32 = 1;
}

/// It travels: a bridge that was moved is asked for bookings as soon as it runs.
pub(in crate::practice) const KIND: RecordKind = RecordKind::exported::<SchedulePlaces>();

impl SchedulePlaces {
    /// What is remembered of a practice. A record that cannot be read is written anew by the next
    /// reading.
    pub(super) fn remembered(store: &Store, practice: &PracticeId) -> Self {
        store.get(&practice.0).ok().flatten().unwrap_or_default()
    }

    /// Where all lists of a practice were read, they are remembered.
    pub(in crate::practice) fn remember(store: &Store, practice: &PracticeId, inventory: &Inventory, asked: &Asked) {
        let own = inventory.schedules.iter().filter(|(location, _)| asked.locations.contains(location));
        let ids = own.map(|(location, listed)| (*location, listed.iter().map(|(schedule, _)| schedule.id).collect()));
        let present = Self { schedules: ids.collect() };
        if Self::remembered(store, practice) == present {
            return;
        }
        match Batch::of(&practice.0, &present) {
            Ok(batch) => store.write_later(batch),
            Err(error) => tracing::error!(%practice, "Where its schedules are cannot be remembered: {error}."),
        }
    }

    /// The locations at which a schedule was listed.
    pub(super) fn of(&self, schedule: ScheduleId) -> BTreeSet<LocationId> {
        let lists_it = self.schedules.iter().filter(|(_, listed)| listed.contains(&schedule));
        lists_it.map(|(location, _)| *location).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::openvpms::Schedule;
    use crate::store::MemoryEngine;

    /// The same kind, as a later program writes it.
    #[derive(Serialize, Deserialize)]
    struct LaterForm(u32);

    impl Record for LaterForm {
        const KIND: &'static str = SchedulePlaces::KIND;
        const VERSION: u32 = SchedulePlaces::VERSION + 1;
    }

    #[tokio::test]
    async fn what_cannot_be_read_is_as_if_nothing_were_remembered_and_is_written_anew() {
        let store = Store::in_memory(&MemoryEngine::new(), DateTime::UNIX_EPOCH).unwrap();
        let practice = PracticeId("1234567".into());
        let of_136 = || SchedulePlaces::remembered(&store, &practice).of(ScheduleId(136));
        assert!(of_136().is_empty());
        store.commit(Batch::of(&practice.0, &LaterForm(7)).unwrap()).await.unwrap();
        assert!(of_136().is_empty());

        let schedule = Schedule { id: ScheduleId(136), name: "Room".into(), slot_size_minutes: 15 };
        let listed = |location| (LocationId(location), vec![(schedule.clone(), Vec::new())]);
        let inventory = Inventory { schedules: BTreeMap::from([98, 106, 7].map(listed)), ..Inventory::default() };
        let asked = Asked { locations: BTreeSet::from([LocationId(98), LocationId(106)]), ..Asked::default() };
        SchedulePlaces::remember(&store, &practice, &inventory, &asked);
        assert_eq!(of_136(), BTreeSet::from([LocationId(98), LocationId(106)]), "7 is none of the practice's");
    }
}
