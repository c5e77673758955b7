//! The bookings of the ledger that something can still happen to, and which of them wait for
//! something. A clinic has hundreds of appointments ahead of it and a booking or two under way: a
//! poll looks at these alone.

use std::collections::{BTreeMap, BTreeSet};

use crate::booking::entry::Entry;
use crate::ids::{BookingId, PracticeId};

/// Some bookings in memory, by number.
#[derive(Debug, Default)]
pub(super) struct LiveBookings {
    entries: BTreeMap<BookingId, Entry>,
    /// Those of each practice that wait for something.
    waiting: BTreeMap<PracticeId, BTreeSet<BookingId>>,
}

/// True while there is something to do about a booking, or to find out.
fn waits(entry: &Entry) -> bool {
    entry.is_open() || entry.owes_a_cancellation()
}

impl LiveBookings {
    /// The booking, if it is one of these.
    pub(super) fn get(&self, id: BookingId) -> Option<&Entry> {
        self.entries.get(&id)
    }

    /// All of them, oldest number first.
    pub(super) fn values(&self) -> impl Iterator<Item = &Entry> {
        self.entries.values()
    }

    /// Those of a practice that wait for something, oldest number first.
    pub(super) fn waiting_of(&self, practice: &PracticeId) -> impl Iterator<Item = &Entry> {
        let ids = self.waiting.get(practice).into_iter().flatten();
        ids.filter_map(|id| self.entries.get(id))
    }

    /// Keeps a booking, in the place of what was kept of it before.
    pub(super) fn insert(&mut self, entry: Entry) {
        self.remove(entry.booking_id);
        if waits(&entry) {
            self.waiting.entry(entry.practice_id.clone()).or_default().insert(entry.booking_id);
        }
        self.entries.insert(entry.booking_id, entry);
    }

    /// Forgets a booking. What was kept of it.
    pub(super) fn remove(&mut self, id: BookingId) -> Option<Entry> {
        let entry = self.entries.remove(&id)?;
        if let Some(waiting) = self.waiting.get_mut(&entry.practice_id) {
            waiting.remove(&id);
        }
        Some(entry)
    }

    /// Forgets those that are not like this. What was kept of them.
    pub(super) fn remove_unless(&mut self, like_this: impl Fn(&Entry) -> bool) -> Vec<Entry> {
        let others: Vec<BookingId> =
            self.values().filter(|entry| !like_this(entry)).map(|entry| entry.booking_id).collect();
        others.into_iter().filter_map(|id| self.remove(id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::booking::answered::{Acknowledged, Owed};
    use crate::booking::entry::State;

    #[test]
    fn a_booking_waits_while_something_is_to_be_done_about_it_at_its_own_practice() {
        let (own, other) = (PracticeId("1".into()), PracticeId("2".into()));
        let entry = |state, acknowledged| {
            let mut entry = Entry::received(BookingId(7), own.clone(), None, "p".into(), DateTime::UNIX_EPOCH);
            (entry.state, entry.answered.acknowledged) = (state, acknowledged);
            entry
        };
        let mut live = LiveBookings::default();
        for (state, acknowledged, waits) in [
            (State::Received, Acknowledged::NotYet, true),
            (State::Confirmed, Acknowledged::Yes, false),
            (State::Confirmed, Acknowledged::Owed(Owed::Cancel), true),
            (State::Cancelled, Acknowledged::Yes, false),
            (State::Inserted, Acknowledged::NotYet, true),
        ] {
            live.insert(entry(state, acknowledged));
            assert_eq!(live.waiting_of(&own).count(), usize::from(waits), "{state:?}");
            assert_eq!((live.waiting_of(&other).count(), live.values().count()), (0, 1));
        }
        assert_eq!(live.remove_unless(|_| false).len(), 1);
        assert_eq!((live.waiting_of(&own).count(), live.values().count()), (0, 0));
    }
}
