//! Which bookings of the ledger are listed: by the API, and by the command while no service runs.
//!
//! Those that need a person come first, then those that changed last. All filters that are given
//! count. However many bookings there are, few of them are in memory at a time.

use std::collections::BTreeMap;
use std::ops::Range;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::booking_search::{ShownTexts, Sought};
use super::booking_view::BookingView;
use super::list_place::{Before, ListOrder, ListPlace};
use crate::booking::entry::{Entry, State};
use crate::config::duration;
use crate::dates;
use crate::ids::PracticeId;
use crate::messages::{self, admin as say, page};
use crate::practice::booking_names::BookingNames;
use crate::practice::ledger::Ledger;
use crate::store::Store;
use crate::zone::Zone;

/// The header that says how many bookings there are, where a limit leaves some out.
pub const TOTAL: &str = "x-total-count";

/// Which bookings are wanted; all of them if nothing is said.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BookingQuery {
    /// Those of this practice.
    pub practice: Option<String>,
    /// Those in this state.
    pub state: Option<String>,
    /// Those that changed since: [`ChangedSince`].
    pub since: Option<String>,
    /// Those that show this: [`super::booking_search`].
    pub search: Option<String>,
    /// Those that follow this booking in the list: [`super::list_place`].
    pub before: Option<String>,
    /// So many at most.
    pub limit: Option<usize>,
}

/// Since when bookings are wanted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ChangedSince {
    /// The beginning of a day, by the practice's calendar.
    Day(NaiveDate),
    /// So long ago.
    Ago(Duration),
}

impl ChangedSince {
    /// As it is typed: `2027-02-15`, `36h`.
    pub fn parse(text: &str) -> Option<Self> {
        dates::day(text).map(Self::Day).or_else(|| duration::parse(text).ok().map(Self::Ago))
    }

    fn moment(self, now: DateTime<Utc>, zone: Zone) -> DateTime<Utc> {
        match self {
            Self::Day(day) => zone.day_start(day),
            Self::Ago(ago) => {
                let ago = TimeDelta::from_std(ago).unwrap_or(TimeDelta::MAX);
                now.checked_sub_signed(ago).unwrap_or(DateTime::<Utc>::MIN_UTC)
            }
        }
    }
}

/// What is known of a practice beside the ledger.
struct KnownPractice {
    names: BookingNames,
    called: String,
    zone: Zone,
}

/// The bookings of a ledger that a query wants.
pub struct FoundBookings {
    order: ListOrder,
    wanted: Range<usize>,
    known: BTreeMap<PracticeId, KnownPractice>,
}

impl FoundBookings {
    /// Looks through the whole ledger; times are of their practices' zones. `called` is what a
    /// practice is called, where more is known of that than the store has.
    ///
    /// # Errors
    /// A sentence about the query.
    pub fn find(
        ledger: &Ledger,
        store: &Store,
        query: &BookingQuery,
        now: DateTime<Utc>,
        zone_of: impl Fn(&PracticeId) -> Zone,
        called: impl Fn(&PracticeId) -> Option<String>,
    ) -> Result<Self, String> {
        let BookingQuery { practice, state, since, search, before, limit } = query;
        if let Some(state) = state.as_deref().filter(|state| !State::ALL_NAMES.contains(state)) {
            return Err(say::no_such_state(state, &messages::listed(State::ALL_NAMES)));
        }
        let since = since.as_deref().map(|text| ChangedSince::parse(text).ok_or(say::BAD_SINCE)).transpose()?;
        let sought = search.as_deref().map(Sought::new);
        let changed_at = |entry: &Entry| entry.history.last().map(|last| last.at);
        let place = |entry: &Entry| ListPlace::of(entry, changed_at(entry));
        let before = before.as_deref().map(|text| {
            let before = Before::parse(text).and_then(|before| before.place(ledger, place));
            before.ok_or_else(|| say::no_such_booking(text))
        });
        let before = before.transpose()?;
        let mut known: BTreeMap<PracticeId, KnownPractice> = BTreeMap::new();
        let order = ListOrder::of(ledger, |entry| {
            let id = &entry.practice_id;
            if practice.as_ref().is_some_and(|wanted| id.0 != *wanted)
                || state.as_ref().is_some_and(|wanted| entry.state.name() != wanted)
                || since.is_some_and(|since| changed_at(entry) < Some(since.moment(now, zone_of(id))))
            {
                return None;
            }
            if !known.contains_key(id) {
                let names = BookingNames::read(store, id);
                let called = called(id).unwrap_or_else(|| page::practice_name(id, names.locations()));
                known.insert(id.clone(), KnownPractice { names, called, zone: zone_of(id) });
            }
            let KnownPractice { names, called, zone } = known.get(id)?;
            // Which cancellations wait is on the page alone.
            let shown = || ShownTexts::of(entry, names, called, false, now, *zone);
            sought.as_ref().is_none_or(|sought| sought.finds(&shown())).then(|| place(entry))
        });
        let wanted = order.behind(before, limit.unwrap_or(usize::MAX));
        Ok(Self { order, wanted, known })
    }

    /// How many bookings there are beside those that were left out for the limit's sake.
    pub fn total(&self) -> usize {
        self.order.len() - self.wanted.start
    }

    /// The bookings, each read when it is asked for.
    pub fn views<'a>(&'a self, ledger: &'a Ledger) -> impl Iterator<Item = BookingView> + 'a {
        self.order.entries(self.wanted.clone(), ledger).filter_map(|entry| {
            let KnownPractice { names, zone, called: _ } = self.known.get(&entry.practice_id)?;
            Some(BookingView::of(&entry, *zone, names))
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn since_is_a_day_at_the_practice_or_a_length_of_time() {
        let now: DateTime<Utc> = "2027-02-15T12:00:00Z".parse().unwrap();
        let sydney = Zone::Iana(chrono_tz::Australia::Sydney);
        let moment = |text: &str| ChangedSince::parse(text).map(|since| since.moment(now, sydney).to_rfc3339());
        assert_eq!(moment("2027-02-15").as_deref(), Some("2027-02-14T13:00:00+00:00"));
        assert_eq!(moment("36h").as_deref(), Some("2027-02-14T00:00:00+00:00"));
        assert_eq!((moment("yesterday"), moment("15/02/2027")), (None, None));
    }
}
