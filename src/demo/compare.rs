//! Appointment by appointment: what Healthengine, the ledger and the diary say of each booking, and
//! whether that is what people did.

use std::collections::BTreeSet;

use super::journal::{Deeds, DiaryTime, Journal, JournalEntry};
use super::stage::appointments_of;
use crate::booking::entry::{Entry, HistoryItem, State};
use crate::ids::{BookingId, ResourceId};
use crate::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus, RequestOutcome, Who};
use crate::simulator::openvpms::{Appointment, AppointmentStatus, World};

/// One booking from all sides.
struct Case<'a> {
    view: &'a MarketplaceBooking,
    deeds: &'a Deeds,
    entry: Option<&'a Entry>,
    /// The appointments with its number that are not cancelled.
    standing: Vec<Appointment>,
}

/// What differs about one booking, in words.
pub(super) fn booking(
    view: &MarketplaceBooking,
    others: &[MarketplaceBooking],
    entry: Option<&Entry>,
    world: &World,
    journal: &Journal,
) -> Vec<String> {
    let Some(deeds) = journal.bookings.get(&view.id) else {
        return vec![format!("Booking {} was made by nobody.", view.id)];
    };
    // Whoever types `bookings resolve` while the demo runs knows what they want.
    let by_person = |item: &HistoryItem| item.reason.is_by_person();
    if entry.is_some_and(|entry| entry.needs_attention.is_none() && entry.history.iter().any(by_person)) {
        return Vec::new();
    }
    let mut standing = appointments_of(world, view.id);
    standing.retain(|own| own.status != AppointmentStatus::Cancelled);
    let case = Case { view, deeds, entry, standing };
    let mut found = match view.status {
        MarketplaceStatus::Requested => vec!["is not answered yet".to_owned()],
        MarketplaceStatus::Confirmed => case.confirmed(world),
        MarketplaceStatus::Failed => case.rejected(others, world, journal),
        MarketplaceStatus::Cancelled => case.cancelled(),
    };
    if !view.open_updates.is_empty() {
        found.push("was cancelled by its pet owner, and nobody answered that".to_owned());
    }
    found.extend(case.flag());
    found.into_iter().map(|what| format!("Booking {} {what}.", view.id)).collect()
}

impl Case<'_> {
    /// Confirmed: exactly one appointment stands, where it was booked or where staff moved it.
    fn confirmed(&self, world: &World) -> Vec<String> {
        let mut found = Vec::new();
        match self.view.answer {
            RequestOutcome::Confirmed => {}
            RequestOutcome::Open => found.push("counts as confirmed because nobody answered in time".to_owned()),
            RequestOutcome::RejectedTooLate
            | RequestOutcome::Rejected
            | RequestOutcome::Cancelled
            | RequestOutcome::ByHand => {
                found.push(format!("counts as confirmed although it was answered otherwise ({:?})", self.view.answer));
            }
        }
        if self.deeds.cancelled.is_some() {
            found.push("was cancelled by staff, and Healthengine does not know".to_owned());
        }
        found.extend(self.ledger_is(&[State::Confirmed]));
        let [own] = self.standing.as_slice() else {
            found.push(format!("is confirmed, and {} appointments stand in the diary", self.standing.len()));
            return found;
        };
        let expected = self.deeds.moved_to.or_else(|| self.booked());
        if expected != Some(DiaryTime::of(own)) {
            let (at, on) = (own.start.format("%Y-%m-%d %H:%M"), own.schedule);
            found.push(format!("stands in the diary at another place: schedule {on}, {at}"));
        }
        let reference = world.reference(own);
        if self.view.answer == RequestOutcome::Confirmed && self.view.pms_appointment_ids != [reference] {
            found.push("was confirmed with another reference than the diary's".to_owned());
        }
        found
    }

    /// Rejected: nothing stands, and there was a reason to.
    fn rejected(&self, others: &[MarketplaceBooking], world: &World, journal: &Journal) -> Vec<String> {
        let mut found = self.ledger_is(&[State::Rejected]);
        found.extend(self.nothing_stands());
        let Some(wanted) = self.booked() else { return found };
        let elsewhere = others.iter().filter(|other| other.id != self.view.id).filter_map(booked);
        let diary =
            world.appointments().filter(|own| !self.standing.iter().any(|ours| ours.id == own.id)).map(DiaryTime::of);
        let blocks =
            world.blocks().map(|own| DiaryTime { schedule: own.schedule, user: None, start: own.start, end: own.end });
        let mut taken = journal.taken.iter().copied().chain(elsewhere).chain(diary).chain(blocks);
        if !taken.any(|own| own.collides(&wanted)) {
            found.push("was rejected, and its time was never taken".to_owned());
        }
        found
    }

    /// Cancelled: by somebody, and nothing stands, unless the pet was there already.
    fn cancelled(&self) -> Vec<String> {
        let Deeds { given_up, cancelled, checked_in, .. } = self.deeds;
        if *checked_in && given_up.is_some() && cancelled.is_none() && !self.standing.is_empty() {
            let mut found = self.ledger_is(&[State::Confirmed]);
            if self.entry.is_none_or(|entry| entry.needs_attention.is_none()) {
                found.push("was cancelled after the pet had come, and nobody is told to look".to_owned());
            }
            return found;
        }
        let mut found = self.ledger_is(&[State::Cancelled, State::Rejected]);
        found.extend(self.nothing_stands());
        let by_whom = match self.view.cancelled_by {
            Some(Who::PetOwner) => given_up.is_some(),
            Some(Who::Pms) => cancelled.is_some(),
            Some(Who::Staff) | None => false,
        };
        if !by_whom {
            found.push("is cancelled at Healthengine, and nobody did that".to_owned());
        }
        found
    }

    /// A person is asked for where something needs one, and nowhere else.
    fn flag(&self) -> Option<String> {
        let flagged = self.entry.is_some_and(|entry| entry.needs_attention.is_some());
        let moved = self.deeds.moved.is_some();
        let stays = self.view.status == MarketplaceStatus::Confirmed;
        let cause = moved || self.deeds.checked_in && self.deeds.given_up.is_some();
        match (flagged, moved && stays, cause) {
            (false, true, _) => Some("was moved by staff, and nobody is told to call the pet owner".to_owned()),
            (true, _, false) => Some("asks for a person without a cause".to_owned()),
            (true | false, _, _) => None,
        }
    }

    fn ledger_is(&self, states: &[State]) -> Vec<String> {
        match self.entry {
            None => vec!["is not in the ledger".to_owned()],
            Some(entry) if states.contains(&entry.state) => Vec::new(),
            Some(entry) => {
                let (ledger, status) = (entry.state.name(), self.view.status);
                vec![format!("is {ledger} in the ledger and {status:?} at Healthengine")]
            }
        }
    }

    fn nothing_stands(&self) -> Option<String> {
        let count = self.standing.len();
        (count > 0).then(|| format!("is {:?} at Healthengine, and {count} appointments stand", self.view.status))
    }

    fn booked(&self) -> Option<DiaryTime> {
        booked(self.view)
    }
}

/// The place that was booked.
fn booked(view: &MarketplaceBooking) -> Option<DiaryTime> {
    let ResourceId { schedule, user } = view.resource.parse().ok()?;
    let end = view.start + chrono::TimeDelta::seconds(view.length_seconds.into());
    Some(DiaryTime { schedule, user, start: view.start, end })
}

/// What differs about the clinic's own appointments, and about appointments of bookings that do not
/// exist.
pub(super) fn diary(world: &World, journal: &Journal) -> Vec<String> {
    let mut found = Vec::new();
    for (id, entry) in &journal.entries {
        let own = world.appointment(*id).filter(|own| own.status != AppointmentStatus::Cancelled).map(DiaryTime::of);
        let expected = match entry {
            JournalEntry::Stands(place) => Some(*place),
            JournalEntry::Cancelled => None,
        };
        if own != expected {
            found.push(format!("Appointment {id} of the clinic's own is not as staff left it."));
        }
    }
    let known: BTreeSet<BookingId> = journal.bookings.keys().copied().collect();
    for own in world.standing().filter(|own| !journal.entries.contains_key(&own.id)) {
        if !booking_number(own).is_some_and(|id| known.contains(&id)) {
            found.push(format!("Appointment {} was made by nobody.", own.id));
        }
    }
    found
}

/// The number in an appointment's notes.
fn booking_number(own: &Appointment) -> Option<BookingId> {
    let lines = own.notes.as_deref()?.lines();
    let number = lines.filter_map(|line| line.split("Healthengine booking ").nth(1)?.trim().parse().ok()).next();
    number.map(BookingId)
}
