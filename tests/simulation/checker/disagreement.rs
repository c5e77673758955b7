//! Once everything has healed: diary, Healthengine and ledger tell the same of every booking, and
//! every practice is in step.

use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::PracticeId;
use vetbridge::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus, RequestOutcome};
use vetbridge::simulator::openvpms::Appointment;

use super::{Wrong, in_general, of};
use crate::life::{Deed, Life};
use crate::story::About;
use crate::world::wants;

/// Problems that are about calls that fail. None of them outlives what failed.
const OF_CALLS: [&str; 7] = ["openvpms", "healthengine", "booking_list", "answers", "access", "configuration", "days"];

impl Life {
    /// Something on which the two systems and the ledger differ, a booking as soon as there is one.
    pub(crate) fn disagreement(&self) -> Option<Wrong> {
        let standing = self.world.standing_by_booking();
        let of_booking = |booking: &MarketplaceBooking| {
            let standing = standing.get(&booking.id).map_or(&[][..], Vec::as_slice);
            let what = self.compare(booking, standing).err()?;
            Some(of(booking.id, format!("booking {} {what}", booking.id)))
        };
        // Comparing the days is most of the work.
        self.world
            .bookings()
            .iter()
            .find_map(of_booking)
            .or_else(|| self.world.config.practices.iter().find_map(|practice| self.disagreement_of(&practice.id)))
    }

    fn disagreement_of(&self, practice: &PracticeId) -> Option<Wrong> {
        if let Some((day, resource)) = self.world.healthengine.days_asked_for(practice).unwrap().into_iter().next() {
            return Some(in_general(format!("{day} of {resource:?} is asked for")));
        }
        let running = self.world.bridge().and_then(|bridge| bridge.practice(practice));
        if self.healed && running.is_none() {
            return Some(in_general(format!("practice {practice} is not switched on yet")));
        }
        let mut reasons = running.as_ref().map(|own| own.not_in_step(self.world.clock.now())).unwrap_or_default();
        if self.somebody_was_quick() {
            // That ends with the next bookings, and nobody books any more.
            reasons.retain(|reason| reason != vetbridge::messages::other_bridge::NOT_ALONE);
        }
        let problems = running.map(|own| own.health().problems()).unwrap_or_default();
        if let Some(reason) = reasons.into_iter().next() {
            let problems: Vec<_> = problems.iter().map(|own| &own.text).collect();
            return Some(in_general(format!("practice {practice}: {reason} {problems:?}")));
        }
        if let Some(problem) = problems.iter().find(|own| OF_CALLS.contains(&own.subject.as_str())) {
            return Some(in_general(format!("practice {practice} still has a problem: {}", problem.text)));
        }
        self.compare_days(practice)
    }

    fn compare(&self, booking: &MarketplaceBooking, standing: &[Appointment]) -> Result<(), String> {
        let id = booking.id;
        let entry = self.world.entry(id);
        let flagged = entry.as_ref().is_some_and(|entry| entry.needs_attention.is_some());
        if booking.answer == RequestOutcome::Open && !(flagged && self.cannot_be_answered(booking)) {
            return Err("is not answered".into());
        }
        if !booking.open_updates.is_empty() {
            return Err("was given up, and nobody answers that".into());
        }
        let open = entry.as_ref().is_some_and(|entry| entry.is_open());
        if open && !self.cannot_be_answered(booking) {
            return Err(format!("is still open in the ledger ({:?})", entry.map(|entry| entry.state)));
        }
        // The pet owner cancelled, and somebody insists on the visit.
        let stands = entry.as_ref().is_some_and(Entry::stands);
        let insists = self.was(id, Deed::Resolved) && self.given_up.contains_key(&id) && stands && standing.len() == 1;
        if flagged || insists || self.is_excused(booking, entry.as_ref()) {
            return Ok(());
        }
        match (booking.status, standing) {
            (MarketplaceStatus::Confirmed, [own]) => self.compare_appointment(booking, own)?,
            (MarketplaceStatus::Confirmed, _) => {
                return Err("is confirmed and not in the diary, and nobody is told".into());
            }
            (MarketplaceStatus::Cancelled | MarketplaceStatus::Failed, []) => {}
            (MarketplaceStatus::Cancelled | MarketplaceStatus::Failed, _) => {
                return Err("is over and stands in the diary, and nobody is told".into());
            }
            (MarketplaceStatus::Requested, _) => return Err("waits".into()),
        }
        let Some(entry) = entry else {
            return if self.store_went_back_since(id) { Ok(()) } else { Err("is not in the ledger".into()) };
        };
        let agrees = match booking.status {
            MarketplaceStatus::Confirmed => entry.state == State::Confirmed,
            MarketplaceStatus::Cancelled | MarketplaceStatus::Failed => {
                matches!(entry.state, State::Cancelled | State::Rejected)
            }
            MarketplaceStatus::Requested => false,
        };
        if agrees { Ok(()) } else { Err(format!("is {:?}, and the ledger says {:?}", booking.status, entry.state)) }
    }

    fn compare_appointment(&self, booking: &MarketplaceBooking, own: &Appointment) -> Result<(), String> {
        let reference = self.world.openvpms.staff(|clinic| clinic.reference(own));
        // Somebody saw it where it is; Healthengine cannot be told of another place, nor of a
        // reference that was found later.
        if let Some(entry) = self.world.entry(booking.id).filter(|_| self.was(booking.id, Deed::Resolved)) {
            // A lost store knew, and the server does not say.
            let nobody_knows = entry.place.is_none() && self.store_went_back_since(booking.id);
            let there = nobody_knows
                || entry.place.is_some_and(|place| {
                    place.schedule == own.schedule && crate::support::sydney().wall(place.span.start) == own.start
                });
            let same = entry.reference.is_some_and(|known| known.0 == reference);
            return if there && same { Ok(()) } else { Err("was resolved, and stands otherwise in the diary".into()) };
        }
        let settled_otherwise = booking.answer == RequestOutcome::ByHand || self.confirmed_in_another_store(booking);
        if !settled_otherwise && booking.pms_appointment_ids != [reference] {
            return Err(format!("is confirmed with {:?}", booking.pms_appointment_ids));
        }
        let About::Time(schedule, start, _) = wants(booking) else { return Ok(()) };
        if own.schedule != schedule || own.start != start {
            return Err("stands elsewhere in the diary, and nobody is told".into());
        }
        Ok(())
    }
}
