//! What excuses a booking from a promise: what nobody could know from outside.

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::BookingId;
use vetbridge::simulator::healthengine::{LateReject, MarketplaceBooking, MarketplaceStatus, Repeated, RequestOutcome};

use crate::life::{Deed, Life};
use crate::story::{About, Purpose};
use crate::world::wants;

impl Life {
    /// What nobody can know from outside.
    pub(super) fn is_excused(&self, booking: &MarketplaceBooking, entry: Option<&Entry>) -> bool {
        let id = booking.id;
        // The store was lost and with it a flag, or staff changed an appointment that nobody
        // remembers; Healthengine did not ask either.
        let told_or_changed = self.flagged.contains_key(&id)
            || self.deeds.contains_key(&id)
            || booking.answer == RequestOutcome::RejectedTooLate;
        let forgotten = entry.is_none() && self.store_went_back_since(id) && told_or_changed;
        // The same where an older store was put back afterwards: in that one the appointment stands
        // and nobody asked for anything.
        let rejected_too_late = booking.answer == RequestOutcome::RejectedTooLate;
        let told_in_another_store = (self.given_up.contains_key(&id) || rejected_too_late)
            && booking.open_updates.is_empty()
            && self.flagged_in_another_store(id);
        // Settled by hand before the bridge ever saw it in a list.
        let never_listed = entry.is_none() && self.was(id, Deed::SettledByHand);
        // Nobody looks after a time that went by while the practice was off or a server away.
        let changed = [Deed::Moved, Deed::Cancelled, Deed::Restored].into_iter().any(|deed| self.was(id, deed));
        let too_late = changed && booking.start <= self.world.wall();
        // Somebody was quicker than our rejection, which got lost, or which Healthengine took all
        // the same: from outside that looks like a rejection that settled the booking.
        let took_it_all_the_same = self.world.shape.repeated == Repeated::Accepted;
        let may_be_ours = took_it_all_the_same || !self.world.story.struck(id, Purpose::Answer).is_empty();
        let is_rejected = entry.is_some_and(|entry| entry.state == State::Rejected);
        let seems_ours = booking.answer == RequestOutcome::ByHand && is_rejected && may_be_ours;
        self.is_revived(booking)
            || seems_ours
            || self.adopted_after_a_move(id, entry)
            || changed && self.adopted_without_a_place(id, entry)
            || too_late
            || forgotten
            || told_in_another_store
            || self.is_unseen(booking)
            || never_listed
            || self.moved_where_nobody_sees(booking)
    }

    /// Healthengine asked for it again when the store that knew its appointment was lost: the time
    /// was taken, presumably by itself, so it was confirmed without a reference, and a person was
    /// told. The store that was put back then knows of neither.
    pub(super) fn confirmed_in_another_store(&self, booking: &MarketplaceBooking) -> bool {
        let id = booking.id;
        self.was(id, Deed::Repeated) && booking.pms_appointment_ids.is_empty() && self.flagged_in_another_store(id)
    }

    /// True if a person was told in a store that is not the present one.
    fn flagged_in_another_store(&self, id: BookingId) -> bool {
        self.flagged.get(&id).is_some_and(|at| self.setbacks.iter().any(|back| back > at))
    }

    /// A late rejection that Healthengine does not take leaves the booking in its list for ever.
    pub(super) fn cannot_be_answered(&self, booking: &MarketplaceBooking) -> bool {
        let refused = self.world.shape.late_reject != LateReject::Settle;
        refused && self.world.entry(booking.id).is_some_and(|entry| entry.state == State::Rejected)
    }

    /// True if somebody settled a booking by hand as quickly as only programs do. Where its time
    /// was taken meanwhile, that looks like another bridge from outside.
    pub(super) fn somebody_was_quick(&self) -> bool {
        let quick = vetbridge::booking::other_bridge_suspicion::YOUNG + TimeDelta::seconds(5);
        self.deeds.iter().any(|(id, deeds)| {
            let booked = self.booked.get(id).copied();
            let by_hand = deeds.iter().filter(|(_, deed)| *deed == Deed::SettledByHand);
            by_hand.map(|(at, _)| *at).any(|at| booked.is_some_and(|booked| at - booked <= quick))
        })
    }

    /// True if the store was put back or lost since the booking was made, as far as the bridge can tell.
    pub(crate) fn store_went_back_since(&self, id: BookingId) -> bool {
        self.is_before_one_of(id, &self.setbacks)
    }

    /// True if the booking was made before one of these moments, as far as the bridge can tell:
    /// Healthengine's times have whole seconds, and its clock is known to half a second.
    pub(super) fn is_before_one_of(&self, id: BookingId, moments: &[DateTime<Utc>]) -> bool {
        let booked = self.booked.get(&id).map(|at| *at - TimeDelta::seconds(2));
        moments.iter().any(|at| booked.is_none_or(|booked| *at >= booked))
    }

    pub(super) fn was_disturbed(&self, within: TimeDelta) -> bool {
        let now = self.world.clock.now();
        self.world.story.disturbed_until().is_some_and(|until| until > now - within)
    }

    pub(super) fn is_old(&self, at: Option<DateTime<Utc>>, age: TimeDelta) -> bool {
        // Healthengine's clock differs from the world's by seconds.
        at.is_some_and(|at| !self.is_recent(at, age + TimeDelta::seconds(30)))
    }

    /// A lost store knew of the move and had told a person. All that Healthengine says of the
    /// booking since is its reference, and the diary only knows where it is by then.
    fn adopted_after_a_move(&self, id: BookingId, entry: Option<&Entry>) -> bool {
        let moves = self.deeds.get(&id).into_iter().flatten().filter(|(_, deed)| *deed == Deed::Moved);
        let Some(moved) = moves.map(|(at, _)| *at).max() else { return false };
        let begins = entry.and_then(|entry| entry.history.first()).map(|first| (first.state, first.at));
        begins.is_some_and(|(state, at)| state == State::Confirmed && at > moved) && self.store_went_back_since(id)
    }

    /// A lost store knew where it stands. Healthengine says only its reference, the server does not
    /// say where that is, and so nobody looks whether it stands there still.
    fn adopted_without_a_place(&self, id: BookingId, entry: Option<&Entry>) -> bool {
        entry.is_some_and(|entry| entry.place.is_none() && entry.reference.is_some()) && self.store_went_back_since(id)
    }

    /// Beyond the near days a time that staff freed and somebody took before the next reading is noticed within a day.
    pub(super) fn is_unseen(&self, booking: &MarketplaceBooking) -> bool {
        let place = self.world.entry(booking.id).and_then(|entry| entry.place);
        let start = place.map_or(booking.start, |place| crate::support::sydney().wall(place.span.start));
        let far = start.date() >= self.world.wall().date() + TimeDelta::days(self.world.near_days());
        let changed = [Deed::Cancelled, Deed::Moved, Deed::Restored].into_iter().any(|deed| self.was(booking.id, deed));
        // An old store does not know that it was cancelled because its pet owner, or whoever resolved it, wanted that.
        let wanted = self.given_up.contains_key(&booking.id) || self.was(booking.id, Deed::Resolved);
        let forgotten = wanted && self.store_went_back_since(booking.id);
        far && (changed || forgotten)
    }

    /// A restored database brings an appointment back that was cancelled: nobody asks for those.
    pub(super) fn is_revived(&self, booking: &MarketplaceBooking) -> bool {
        self.was(booking.id, Deed::Restored) && booking.status != MarketplaceStatus::Confirmed
    }

    /// Staff moved it, the server does not say where it is, and its old time was taken by something
    /// else before anybody saw it free.
    pub(super) fn moved_where_nobody_sees(&self, booking: &MarketplaceBooking) -> bool {
        let About::Time(schedule, from, to) = wants(booking) else { return false };
        self.was(booking.id, Deed::Moved)
            && self.world.openvpms.staff(|clinic| {
                let meets = |own, start, end| own == schedule && start < to && from < end;
                clinic.reading_a_booking_fails
                    && (clinic.standing().any(|own| meets(own.schedule, own.start, own.end))
                        || clinic.blocks().any(|own| meets(own.schedule, own.start, own.end)))
            })
    }
}
