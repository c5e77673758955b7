//! Rules of the offer and bookings: a rule withholds no time from a pet owner who was offered it.
//!
//! What Healthengine was offered is what it was last sent and took, and what that replaced a short
//! while ago ([`crate::publishing::offered_before`]). Where that is not known, the pet owner was
//! offered the time.

use chrono::Timelike as _;

use super::executor::Executor;
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, Place};
use crate::booking::machine::SlotLook;
use crate::publishing::SendIf;
use crate::publishing::offered_before::WasOffered;

impl Executor {
    /// A look without the rule that withholds the time, unless the pet owner was surely not offered
    /// it.
    pub(super) fn but_for_what_was_offered(&self, entry: &Entry, place: &Place, mut look: SlotLook) -> SlotLook {
        if let SlotLook::Seen { withheld, .. } = &mut look {
            withheld.take_if(|_| self.was_offered(entry, place) != WasOffered::No);
        }
        look
    }

    fn was_offered(&self, entry: &Entry, place: &Place) -> WasOffered {
        let now = self.context.now();
        let ahead = self.context.healthengine.clock_difference();
        let booked_at = Deadline::new(entry.booked_at, ahead).age(now).map(|age| now - age);
        let wall = self.context.zone().wall(place.span.start);
        let start = (wall.hour() * 60 + wall.minute(), place.appointment_type);
        self.publisher.sent.was_offered((place.resource(), wall.date()), start, (booked_at, now))
    }

    /// Healthengine shows the time of a rejected booking again when it is sent its day.
    pub(super) fn send_again(&self, place: &Place) {
        let date = self.context.zone().wall(place.span.start).date();
        self.publisher.changed.add(place.resource(), date, SendIf::Always);
    }
}
