//! Which bookings of the ledger are listed: by the API, and by the command while no service runs.
//!
//! Those that need a person come first, then those that changed last. All filters that are given
//! count.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::booking_search::{ShownTexts, Sought};
use super::view::{self, BookingView};
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

/// The bookings that are wanted.
#[derive(Debug)]
pub struct BookingPage {
    /// Those that need a person first, then those that changed last.
    pub bookings: Vec<BookingView>,
    /// How many there are beside those that were left out for the limit's sake.
    pub total: usize,
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

/// The bookings of a ledger that a query wants, with times of their practices' zones. `called` is
/// what a practice is called, where more is known of that than the store has.
///
/// # Errors
/// A sentence about the query.
pub fn listed(
    ledger: &Ledger,
    store: &Store,
    query: &BookingQuery,
    now: DateTime<Utc>,
    zone_of: impl Fn(&PracticeId) -> Zone,
    called: impl Fn(&PracticeId) -> Option<String>,
) -> Result<BookingPage, String> {
    let BookingQuery { practice, state, since, search, limit } = query;
    if let Some(state) = state.as_deref().filter(|state| !State::ALL_NAMES.contains(state)) {
        return Err(say::no_such_state(state, &messages::listed(State::ALL_NAMES)));
    }
    let since = since.as_deref().map(|text| ChangedSince::parse(text).ok_or(say::BAD_SINCE)).transpose()?;
    let changed_at = |entry: &Entry| entry.history.last().map(|last| last.at);
    let is_wanted = |entry: &Entry| {
        practice.as_ref().is_none_or(|id| entry.practice_id.0 == *id)
            && state.as_ref().is_none_or(|name| entry.state.name() == name)
            && since.is_none_or(|since| changed_at(entry) >= Some(since.moment(now, zone_of(&entry.practice_id))))
    };
    let mut entries: Vec<Entry> = ledger.all().into_iter().filter(is_wanted).collect();
    let practices: BTreeSet<&PracticeId> = entries.iter().map(|entry| &entry.practice_id).collect();
    let known = |id: &PracticeId| {
        let names = BookingNames::read(store, id);
        let called = called(id).unwrap_or_else(|| page::practice_name(id, names.locations()));
        (id.clone(), (names, called, zone_of(id)))
    };
    let known: BTreeMap<PracticeId, _> = practices.into_iter().map(known).collect();
    if let Some(sought) = search.as_deref().map(Sought::new) {
        entries.retain(|entry| {
            let Some((names, called, zone)) = known.get(&entry.practice_id) else { return false };
            // Which cancellations wait is on the page alone.
            sought.finds(&ShownTexts::of(entry, names, called, false, now, *zone))
        });
    }
    let is_flagged = |entry: &Entry| entry.needs_attention.is_some();
    entries.sort_by_key(|entry| std::cmp::Reverse((is_flagged(entry), changed_at(entry), entry.booking_id)));
    let total = entries.len();
    entries.truncate(limit.unwrap_or(total));
    let view = |entry: &Entry| {
        let (names, _, zone) = known.get(&entry.practice_id)?;
        Some(view::booking(entry, *zone).named(entry, names))
    };
    Ok(BookingPage { bookings: entries.iter().filter_map(view).collect(), total })
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
