//! The records that practices keep in memory, taken from the reading with which a store is opened.

use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use super::days::sent::DaysAtStart;
use super::ledger::{KnownBookings, Ledger};
use super::requests::early_poll::{EarlyPolls, EnabledPractices};
use crate::booking::entry::Entry;
use crate::publishing::last_sent::LastSent;
use crate::store::{FirstReading, FoundRecord, OpenedDatabase, Store};

/// What a bridge begins with.
pub struct StartRecords {
    bookings: Mutex<KnownBookings>,
    days: DaysAtStart,
    practices: EnabledPractices,
    polls: EarlyPolls,
}

impl StartRecords {
    /// None yet, of a store that is opened at this moment.
    pub fn none(now: DateTime<Utc>) -> Self {
        Self {
            bookings: Mutex::new(KnownBookings::none(now)),
            days: DaysAtStart::default(),
            practices: Arc::default(),
            polls: EarlyPolls::default(),
        }
    }

    /// The same, and these practices poll meanwhile. Within a runtime.
    #[must_use]
    pub fn polling(self, practices: &EnabledPractices) -> Self {
        Self { practices: Arc::clone(practices), ..self }
    }

    /// The ledger of the store that was opened, the days, and the polls that were sent.
    pub(crate) fn begin(self, store: Store, now: DateTime<Utc>) -> (Ledger, DaysAtStart, EarlyPolls) {
        let Self { bookings, days, practices: _, polls } = self;
        let bookings = bookings.into_inner();
        // By a clock that was set back meanwhile what was over is upcoming again.
        let is_ahead = now < bookings.read_at();
        (if is_ahead { Ledger::open(store, now) } else { Ledger::of(store, bookings) }, days, polls)
    }
}

impl FirstReading for StartRecords {
    fn opened(&self, store: &OpenedDatabase<'_>) {
        self.polls.send(&self.practices, store);
    }

    fn see(&self, found: &FoundRecord<'_>) {
        if let Some(booking) = found.of::<Entry>() {
            let booking = booking.map(|(_, entry)| entry);
            self.bookings.lock().add(booking);
        } else if let Some(Ok((key, last))) = found.of::<LastSent>() {
            self.days.add(key, &last);
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;
    use serde::{Deserialize, Serialize};

    use super::*;
    use crate::booking::answered::Acknowledged;
    use crate::booking::entry::{Place, State};
    use crate::ids::{AppointmentTypeId, BookingId, LocationId, PracticeId, ScheduleId};
    use crate::span::Span;
    use crate::store::{Batch, Record};

    /// A booking that is none.
    #[derive(Serialize, Deserialize)]
    struct Damaged;

    impl Record for Damaged {
        const KIND: &'static str = Entry::KIND;
        const VERSION: u32 = 1;
    }

    fn entry(id: i64, state: State, days_ago: i64, now: DateTime<Utc>) -> Entry {
        let start = now - TimeDelta::days(days_ago);
        let mut entry = Entry::received(BookingId(id), PracticeId("1".into()), None, "p".into(), start);
        let span = Span::new(start, start + TimeDelta::minutes(15));
        let (location, schedule, appointment_type) = (LocationId(98), ScheduleId(136), AppointmentTypeId(66));
        entry.place = Some(Place { location, schedule, user: None, appointment_type, span });
        (entry.state, entry.answered.acknowledged) = (state, Acknowledged::Yes);
        entry
    }

    #[test]
    fn a_ledger_that_begins_with_the_first_reading_is_the_one_that_reads_by_itself() {
        let (directory, now) = (tempfile::tempdir().unwrap(), DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let store = Store::open(directory.path(), now).unwrap();
        let reading = Ledger::open(store.clone(), now);
        for (id, state, days_ago) in [
            (1, State::Confirmed, 100),
            (2, State::Confirmed, -3),
            (3, State::Cancelled, 1),
            (4, State::Cancelled, -1),
            (5, State::Submitting, 9),
        ] {
            reading.save_later(&entry(id, state, days_ago, now), now).unwrap();
        }
        for id in [8, 7] {
            store.write_later(Batch::of(&format!("{id:020}"), &Damaged).unwrap());
        }
        drop((reading, store));

        let (store, records) = Store::open_reading(directory.path(), now, &|| StartRecords::none(now)).unwrap();
        let reading = Ledger::open(store.clone(), now);
        let (begun, ..) = records.begin(store, now);
        let ids = |ledger: &Ledger| ledger.live_and_recent().iter().map(|own| own.booking_id.0).collect::<Vec<_>>();
        assert_eq!(ids(&begun), [2, 5, 3, 4]);
        assert_eq!(begun.live_and_recent(), reading.live_and_recent());
        assert_eq!((begun.unreadable().len(), begun.unreadable()), (2, reading.unreadable()));
    }

    #[test]
    fn a_clock_that_was_set_back_since_the_store_was_opened_has_the_ledger_read_again() {
        let (directory, now) = (tempfile::tempdir().unwrap(), DateTime::UNIX_EPOCH + TimeDelta::days(20_000));
        let store = Store::open(directory.path(), now).unwrap();
        Ledger::open(store.clone(), now).save_later(&entry(1, State::Confirmed, 9, now), now).unwrap();
        drop(store);
        for (set_back_days, known) in [(0, 0), (10, 1)] {
            let (store, records) = Store::open_reading(directory.path(), now, &|| StartRecords::none(now)).unwrap();
            let (ledger, ..) = records.begin(store, now - TimeDelta::days(set_back_days));
            assert_eq!(ledger.live_and_recent().len(), known, "{set_back_days}");
        }
    }
}
