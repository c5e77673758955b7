//! What pet owners do at Healthengine, and what they see there.

use vetbridge::booking::entry::State;
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus, NotOffered, PublishedRange, Wish};

use super::{Clinic, PRACTICE, practice, seconds, wall_time, wish};

impl Clinic {
    /// A pet owner books what is offered at the main clinic.
    pub(crate) fn owner_books(&self, resource: &str, kind: &str, start: &str) -> BookingId {
        self.try_to_book(wish(resource, kind, start)).expect("a time that is offered")
    }

    /// A pet owner books what Healthengine's site still shows to him, whatever is offered this moment.
    pub(crate) fn owner_books_regardless(&self, resource: &str, kind: &str, start: &str) -> BookingId {
        self.healthengine.book_regardless(&practice(PRACTICE), wish(resource, kind, start)).unwrap()
    }

    /// A pet owner tries.
    pub(crate) fn try_to_book(&self, wish: Wish) -> Result<BookingId, NotOffered> {
        self.healthengine.book(&practice(PRACTICE), wish)
    }

    /// True if the main clinic offers this start for this type.
    pub(crate) fn offers(&self, resource: &str, kind: &str, start: &str) -> bool {
        let start = wall_time(start);
        let offers = self.healthengine.offered(&practice(PRACTICE), resource, start.date()).unwrap();
        offers.iter().any(|offer| offer.start == start && offer.kinds.iter().any(|own| own == kind))
    }

    /// True if what the main clinic published holds this start for this type, whatever Healthengine makes of it.
    pub(crate) fn published(&self, resource: &str, kind: &str, start: &str) -> bool {
        let (day, time) = (wall_time(start).date(), wall_time(start).time());
        let ranges = self.healthengine.published(&practice(PRACTICE), resource, day).unwrap().unwrap_or_default();
        let holds = |range: &PublishedRange| range.start <= time && time < range.end;
        ranges.iter().any(|range| holds(range) && range.appointment_types.iter().any(|own| own == kind))
    }

    /// A booking as Healthengine has it.
    pub(crate) fn booking(&self, id: BookingId) -> MarketplaceBooking {
        self.healthengine.booking(id).unwrap()
    }

    /// Where a booking stands for its pet owner.
    pub(crate) fn status(&self, id: BookingId) -> MarketplaceStatus {
        self.booking(id).status
    }

    /// This booking is meant to be at odds between the two systems, and flagged for that.
    pub(crate) fn excuse(&mut self, id: BookingId) {
        self.excused.push(id);
    }
}

/// A pet owner books in room 136, and is confirmed.
pub(crate) async fn booked(clinic: &Clinic, start: &str) -> BookingId {
    let booking = clinic.owner_books("s136", "66:s136", start);
    clinic.until_state(booking, State::Confirmed, seconds(10)).await;
    booking
}
