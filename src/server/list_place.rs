//! The order in which bookings are listed, and where in it a list goes on.
//!
//! Those that need a person come first, then the latest. What is the latest, each list says: when
//! the booking changed, or when its appointment begins. A list that goes on names the last booking
//! that was shown, so bookings that arrive meanwhile move nothing.
//!
//! The ledger has the bookings by number, so a list is made in two steps: all of them are walked
//! for their places, some 32 bytes each, and those that are shown are read again.

use std::cmp::Reverse;
use std::ops::Range;

use crate::booking::entry::Entry;
use crate::ids::BookingId;
use crate::practice::ledger::Ledger;

/// The place of a booking in a list. Greater ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ListPlace {
    needs_a_person: bool,
    /// The moment by which the list is sorted, in microseconds; bookings without one come last.
    moment: Option<i64>,
    id: BookingId,
}

impl ListPlace {
    /// The place of a booking in a list that is sorted by this moment.
    pub(super) fn of(entry: &Entry, moment: Option<chrono::DateTime<chrono::Utc>>) -> Self {
        let moment = moment.map(|moment| moment.timestamp_micros());
        Self { needs_a_person: entry.needs_attention.is_some(), moment, id: entry.booking_id }
    }

    /// As a link has it: `0_1802304900000000_36127212`.
    pub(super) fn to_text(self) -> String {
        let moment = self.moment.map(|micros| micros.to_string()).unwrap_or_default();
        format!("{}_{moment}_{}", u8::from(self.needs_a_person), self.id)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let (needs, moment, id) = (parts.next()?, parts.next()?, parts.next()?);
        let needs_a_person = match needs {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        let moment = match moment {
            "" => None,
            micros => Some(micros.parse().ok()?),
        };
        let id = BookingId(id.parse().ok()?);
        parts.next().is_none().then_some(Self { needs_a_person, moment, id })
    }
}

/// Behind which booking a list begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Before {
    /// Behind this place, whatever became of the booking that had it.
    Place(ListPlace),
    /// Behind this booking, wherever it stands now.
    Booking(BookingId),
}

impl Before {
    /// As a link has it, or a person types it; `None` if it is neither a place nor a number.
    pub(super) fn parse(text: &str) -> Option<Self> {
        let number = || text.parse().ok().map(|number| Self::Booking(BookingId(number)));
        ListPlace::parse(text).map(Self::Place).or_else(number)
    }

    /// The place itself. `place_of` knows that of a booking; `None` if the ledger has none of that
    /// number.
    pub(super) fn place(self, ledger: &Ledger, place_of: impl FnOnce(&Entry) -> ListPlace) -> Option<ListPlace> {
        match self {
            Self::Place(place) => Some(place),
            Self::Booking(id) => ledger.get(id).ok().flatten().map(|entry| place_of(&entry)),
        }
    }
}

/// The places of the bookings of a list, in its order.
#[derive(Debug)]
pub(super) struct ListOrder(Vec<ListPlace>);

impl ListOrder {
    /// Of the bookings for which `place_of` has one.
    pub(super) fn of(ledger: &Ledger, mut place_of: impl FnMut(&Entry) -> Option<ListPlace>) -> Self {
        let mut places: Vec<ListPlace> = ledger.all().filter_map(|entry| place_of(&entry)).collect();
        places.sort_unstable_by_key(|place| Reverse(*place));
        Self(places)
    }

    /// How many bookings there are in all.
    pub(super) fn len(&self) -> usize {
        self.0.len()
    }

    /// Which of them follow a place, or all of them: these at most.
    pub(super) fn behind(&self, before: Option<ListPlace>, limit: usize) -> Range<usize> {
        let begin = before.map_or(0, |before| self.0.partition_point(|place| *place >= before));
        begin..self.0.len().min(begin.saturating_add(limit))
    }

    /// Some of them as they are now, each read when it is asked for. One that was forgotten
    /// meanwhile is left out.
    pub(super) fn entries<'a>(&'a self, range: Range<usize>, ledger: &'a Ledger) -> impl Iterator<Item = Entry> + 'a {
        let places = self.0.get(range).unwrap_or_default();
        places.iter().filter_map(|place| ledger.get(place.id).ok().flatten())
    }

    /// The place of the last one of some, if others follow them.
    pub(super) fn goes_on_behind(&self, range: &Range<usize>) -> Option<ListPlace> {
        self.0.get(..range.end)?.last().copied().filter(|_| range.end < self.0.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(needs_a_person: bool, moment: Option<i64>, id: i64) -> ListPlace {
        ListPlace { needs_a_person, moment, id: BookingId(id) }
    }

    fn order() -> ListOrder {
        let mut places = vec![
            place(false, None, 9),
            place(false, Some(50), 1),
            place(true, None, 2),
            place(false, Some(90), 3),
            place(false, Some(50), 4),
            place(true, Some(7), 5),
        ];
        places.sort_unstable_by_key(|place| Reverse(*place));
        ListOrder(places)
    }

    #[test]
    fn what_needs_a_person_comes_first_and_then_the_latest() {
        let order = order();
        assert_eq!(order.0.iter().map(|place| place.id.0).collect::<Vec<_>>(), [5, 2, 3, 4, 1, 9]);
        for place in order.0 {
            assert_eq!(Before::parse(&place.to_text()), Some(Before::Place(place)));
        }
    }

    #[test]
    fn a_list_goes_on_behind_a_place_also_when_its_booking_is_gone() {
        let order = order();
        assert_eq!(order.behind(None, 2), 0..2);
        assert_eq!(order.goes_on_behind(&(0..2)), Some(place(true, None, 2)));
        assert_eq!(order.behind(Some(place(true, None, 2)), 3), 2..5);
        assert_eq!(order.behind(Some(place(false, Some(70), 8)), usize::MAX), 3..6);
        assert_eq!(order.goes_on_behind(&(3..6)), None);
    }

    #[test]
    fn a_place_that_no_link_has_is_none() {
        for text in ["", "0_1", "2_1_7", "0_x_7", "0_1_x", "0_1_7_", "0_99999999999999999999_7", "0_1_", "é", "seven"]
        {
            assert_eq!(Before::parse(text), None, "{text}");
        }
        assert_eq!(Before::parse("36127212"), Some(Before::Booking(BookingId(36_127_212))));
    }
}
