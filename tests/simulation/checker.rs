//! What must be true: at every step, and once everything has healed.
//!
//! A booking is *excused* from a promise only for a cause that the story holds about it, and each
//! excuse is named where it is made.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDateTime, TimeDelta, Utc};
use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::{BookingId, PracticeId, ResourceId};
use vetbridge::simulator::healthengine::{
    LateReject, MarketplaceBooking, MarketplaceStatus, Repeated, RequestOutcome, Violation,
};
use vetbridge::simulator::openvpms::Appointment;

use crate::life::{Deed, Life};
use crate::story::{About, Purpose};
use crate::support::starts;
use crate::truth;
use crate::world::wants;

/// A broken promise.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) booking: Option<BookingId>,
    pub(crate) what: String,
}

pub(crate) fn of(booking: BookingId, what: impl Into<String>) -> Wrong {
    Wrong { booking: Some(booking), what: what.into() }
}

pub(crate) fn in_general(what: impl Into<String>) -> Wrong {
    Wrong { booking: None, what: what.into() }
}

/// Healthengine's own limit for a rejection.
const DEADLINE: TimeDelta = TimeDelta::seconds(20);
/// So many bookings within seconds of each other are not all answered in time.
const CROWD: usize = 5;
/// A pet owner's cancellation is answered within this where nothing is wrong.
const UPDATE_ANSWERED: TimeDelta = TimeDelta::seconds(45);

/// Problems that are about calls that fail. None of them outlives what failed.
const OF_CALLS: [&str; 7] = ["openvpms", "healthengine", "booking_list", "answers", "access", "configuration", "days"];

/// What a flag asks a person to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Flag {
    CheckTheDiary,
    CannotCancel,
    Moved,
    OutOfSight,
    GoneWithMany,
    TooLate,
    SettledByHand,
    AnsweredElsewhere,
    NotExpected,
    MaybeForgotten,
    SwitchedOff,
    Unheard,
    Other,
}

impl Flag {
    /// By its sentence.
    pub(crate) fn of(sentence: &str) -> Self {
        let marks = [
            ("Check the diary", Self::CheckTheDiary),
            ("cannot cancel the appointment", Self::CannotCancel),
            ("The practice moved", Self::Moved),
            ("does not say where", Self::OutOfSight),
            ("gone together with many", Self::GoneWithMany),
            ("call them", Self::TooLate),
            ("settled by hand", Self::SettledByHand),
            ("another vetbridge may have answered", Self::AnsweredElsewhere),
            ("Healthengine does not expect it", Self::NotExpected),
            ("memory is younger", Self::MaybeForgotten),
            ("Online booking was switched off before", Self::SwitchedOff),
            ("Healthengine does not know", Self::Unheard),
        ];
        marks.into_iter().find(|(mark, _)| sentence.contains(mark)).map_or(Self::Other, |(_, flag)| flag)
    }

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::CheckTheDiary => "in doubt: check the diary",
            Self::CannotCancel => "cannot be cancelled online",
            Self::Moved => "moved by staff",
            Self::OutOfSight => "moved out of sight",
            Self::GoneWithMany => "gone with many others",
            Self::TooLate => "rejected too late",
            Self::SettledByHand => "settled by hand",
            Self::AnsweredElsewhere => "answered by somebody else",
            Self::NotExpected => "stands, and is not expected",
            Self::MaybeForgotten => "cancelled, and perhaps forgotten",
            Self::SwitchedOff => "never told before the practice was switched off",
            Self::Unheard => "resolved, and Healthengine does not know",
            Self::Other => "another",
        }
    }
}

impl Life {
    /// The cheap invariants.
    pub(crate) fn check(&mut self) -> Result<(), Wrong> {
        if let Some(violation) = self.world.healthengine.violations().iter().find(|own| !self.is_overtaken(own)) {
            return Err(in_general(format!("Healthengine was asked wrongly: {violation}")));
        }
        self.inspect_what_was_made()?;
        let bookings = self.world.bookings();
        for booking in &bookings {
            self.check_booking(booking)?;
        }
        self.check_verdicts()?;
        self.check_switches(&bookings)?;
        Ok(())
    }

    /// An answer that lay in a queue while somebody resolved its booking, and came after the answer
    /// to that; or one of a store that went back, which does not know what was answered since: on a
    /// list of several pages that changes it cannot see that either.
    fn is_overtaken(&self, violation: &Violation) -> bool {
        if violation.what.contains("is no appointment type of") {
            // Days that lay in a queue while their resource lost its types, which Healthengine was told meanwhile.
            let at = violation.at - TimeDelta::seconds(self.world.shape.skew_seconds);
            return self.world.story.days_lay_in_a_queue_at(at);
        }
        let id = violation.call.split('/').nth(1).and_then(|number| number.parse().ok()).map(BookingId);
        let late = |id| self.was(id, Deed::Resolved) && !self.world.story.struck(id, Purpose::Answer).is_empty();
        let otherwise = violation.what.contains("confirmed with other ids");
        let resolved = violation.what.contains("rejected or cancelled by the PMS");
        // A list can have been read before Healthengine took the first answer, and somebody named
        // another appointment since.
        let renamed = |id| otherwise && self.was(id, Deed::Resolved);
        let forgotten = otherwise || violation.what.contains("was confirmed by the PMS");
        id.is_some_and(|id| resolved && late(id) || renamed(id) || forgotten && self.store_went_back_since(id))
    }

    fn check_booking(&mut self, booking: &MarketplaceBooking) -> Result<(), Wrong> {
        let id = booking.id;
        let standing = self.world.appointments_of(id);
        // Nobody knows any more that staff moved it, and Healthengine asks for it once more.
        let forgotten = self.was(id, Deed::Moved) && self.was(id, Deed::Repeated) && self.store_went_back_since(id);
        if standing.len() > 1 && !forgotten {
            return Err(of(id, format!("booking {id} stands in the diary {} times", standing.len())));
        }
        let entry = self.world.entry(id);
        let flagged = entry.as_ref().is_some_and(|entry| entry.needs_attention.is_some());
        // A flag that went with a lost store is nobody's fault.
        let confirmed_by_person = self.was(id, Deed::Resolved) && entry.as_ref().is_some_and(Entry::stands);
        let excused = flagged || self.store_went_back_since(id) || confirmed_by_person;
        // Somebody saw that there is none, and Healthengine was told so.
        let revoked = self.was(id, Deed::Resolved) && booking.cancelled_by.is_some();
        if booking.answer == RequestOutcome::Confirmed
            && self.world.story.appointments_of(id) == 0
            && !excused
            && !revoked
        {
            return Err(of(id, format!("booking {id} is confirmed, and no appointment was ever made")));
        }
        let refused = matches!(booking.answer, RequestOutcome::Rejected | RequestOutcome::RejectedTooLate);
        if refused && !standing.is_empty() && !excused && !self.is_revived(booking) {
            return Err(of(id, format!("booking {id} is rejected, and its appointment stands")));
        }
        if booking.answer == RequestOutcome::RejectedTooLate
            && booking.cancelled_by.is_none()
            && !excused
            && self.world.is_up()
            && self.is_old(booking.answered_at, TimeDelta::seconds(60))
            && !self.was_disturbed(TimeDelta::seconds(60))
        {
            return Err(of(
                id,
                format!("booking {id} was rejected when its pet owner had been told yes, and nobody is told"),
            ));
        }
        self.check_deadlines(booking)?;
        if let (true, Some(entry)) = (flagged, &entry) {
            self.check_flag(booking, entry)?;
        }
        Ok(())
    }

    /// Appointments keep off closed time that was closed before their pet owners booked.
    fn inspect_what_was_made(&mut self) -> Result<(), Wrong> {
        let made = self.world.story.made_since(self.inspected);
        self.inspected += made.len();
        for (appointment, made) in made {
            let id = made.booking;
            let Some(booked) = self.booked.get(&id).copied() else {
                return Err(of(id, format!("an appointment was made for booking {id}, which nobody booked")));
            };
            let found = self.world.openvpms.staff(|clinic| {
                let own = clinic.appointment(appointment)?.clone();
                let schedule = clinic.schedules.iter().find(|own_schedule| own_schedule.id == own.schedule)?;
                let open = schedule.hours.start.is_some_and(|open| own.start.time() >= open)
                    && schedule.hours.end.is_some_and(|close| own.end.time() <= close);
                let blocked = clinic.blocks().find(|block| {
                    let meets = block.schedule == own.schedule && block.start < own.end && own.start < block.end;
                    meets && self.blocks_laid.get(&block.id).is_some_and(|laid| *laid < booked)
                });
                Some((own.start, open, blocked.is_some()))
            });
            match found {
                Some((start, false, _)) => {
                    return Err(of(id, format!("booking {id} was made at {start}, when the schedule is not open")));
                }
                Some((start, _, true)) => {
                    return Err(of(
                        id,
                        format!("booking {id} was made at {start}, which was closed before it was booked"),
                    ));
                }
                _ => {}
            }
        }
        Ok(())
    }

    /// Every request is answered inside its deadline where the faults leave room.
    fn check_deadlines(&self, booking: &MarketplaceBooking) -> Result<(), Wrong> {
        let id = booking.id;
        let calm_since = |since: DateTime<Utc>| self.world.story.disturbed_until().is_none_or(|until| until < since);
        if let Some(booked) = self.booked.get(&id).copied()
            && booking.answer == RequestOutcome::Open
            && !self.is_recent(self.on_since(&booking.practice, booked), DEADLINE)
            && calm_since(booked)
            && !self.was(id, Deed::Repeated)
            && !self.cannot_be_answered(booking)
            // It is left to another bridge, as it seems, until that one has surely not made it.
            && !self.somebody_was_quick()
        {
            return Err(of(id, format!("booking {id} is not answered within its deadline although nothing was wrong")));
        }
        if let Some(given_up) = self.given_up.get(&id).copied()
            && !booking.open_updates.is_empty()
            && !self.is_recent(self.on_since(&booking.practice, given_up), UPDATE_ANSWERED)
            && calm_since(given_up)
            && calm_since(self.booked[&id])
        {
            return Err(of(id, format!("nobody answers that booking {id} was given up, although nothing is wrong")));
        }
        Ok(())
    }

    /// A late rejection that Healthengine does not take leaves the booking in its list for ever.
    fn cannot_be_answered(&self, booking: &MarketplaceBooking) -> bool {
        let refused = self.world.shape.late_reject != LateReject::Settle;
        refused && self.world.entry(booking.id).is_some_and(|entry| entry.state == State::Rejected)
    }

    /// A flag has its cause, and the cause concerns this booking.
    fn check_flag(&mut self, booking: &MarketplaceBooking, entry: &Entry) -> Result<(), Wrong> {
        let (id, now) = (booking.id, self.world.clock.now());
        let sentence = entry.needs_attention.as_deref().unwrap_or_default();
        let flagged = *self.flagged.entry(id).or_insert(now);
        let booked = self.booked.get(&id).copied().unwrap_or(now);
        let story = &self.world.story;
        // The task that deals with it can die alone, and leaves no more behind than a process does.
        let schedule = booking.resource.parse::<ResourceId>().unwrap().schedule;
        let alone = story.panicked(id, schedule);
        let died = self.deaths.iter().chain(&alone).any(|at| *at >= booked && *at <= flagged);
        // A store that a clock made that was ahead, and that no poll has dated, counts from a later
        // start, or by as much later as the machine slept: what was booked until then seems older
        // than the store.
        let set_back = self.store_went_back_since(id) || self.is_before_one_of(id, &self.dated_anew);
        let disturbed = story.disturbed_until().is_some_and(|until| until >= booked);
        // When it was booked nobody could read, so nobody could tell whether the store is old enough to know it.
        let ageless = !story.struck(id, Purpose::BookedTime).is_empty();
        let switched = self.was_off_since(&booking.practice, booked);
        let flag = Flag::of(sentence);
        let has_cause = match flag {
            Flag::CheckTheDiary => {
                let by_another = sentence.contains("may be somebody else's") && self.somebody_was_quick();
                died || set_back || ageless || by_another || !story.struck(id, Purpose::Submission).is_empty()
            }
            Flag::CannotCancel => {
                let in_doubt = died || set_back || ageless || !story.struck(id, Purpose::Submission).is_empty();
                // Whoever settled it by hand, when its time was taken, may have made its appointment.
                let by_hand = self.was(id, Deed::SettledByHand);
                // That we cancelled it ourselves an old store does not know.
                let cancelled = self.given_up.contains_key(&id) || set_back && booking.cancelled_by.is_some();
                cancelled && (in_doubt || switched || by_hand || self.was(id, Deed::CheckedIn))
            }
            Flag::Moved => self.was(id, Deed::Moved) || self.was(id, Deed::Restored),
            Flag::OutOfSight => {
                // A server that answers 500 to this question once looks like one that does so always.
                let silent = !story.struck(id, Purpose::Question).is_empty();
                self.was(id, Deed::Moved) || silent && (self.was(id, Deed::Cancelled) || self.was(id, Deed::Restored))
            }
            Flag::GoneWithMany => {
                // Several that we cancelled ourselves, and whose answers got lost, are gone at one time too.
                let cancelled = !story.struck(id, Purpose::Cancellation).is_empty();
                cancelled || self.was(id, Deed::Restored) || self.was(id, Deed::Cancelled)
            }
            Flag::TooLate => {
                let asked_again = self.was(id, Deed::Repeated);
                // It was left to another bridge, as it seemed, for half a minute.
                let was_left = self.somebody_was_quick();
                disturbed || set_back || switched || asked_again || was_left || self.waited_in_a_crowd(id)
            }
            Flag::SettledByHand => self.was(id, Deed::SettledByHand) || set_back || self.was(id, Deed::Repeated),
            // Quicker than people are as a rule, and the time was taken meanwhile.
            Flag::AnsweredElsewhere => self.was(id, Deed::SettledByHand),
            Flag::NotExpected => self.was(id, Deed::SettledByHand) || set_back,
            Flag::MaybeForgotten => set_back || ageless,
            Flag::SwitchedOff => switched,
            // Also of what was flagged for something else when staff cancelled it.
            // Or of what its pet owner gave up, and our own cancellation had removed without an answer.
            Flag::Unheard => {
                let by_us = self.given_up.contains_key(&id) && !story.struck(id, Purpose::Cancellation).is_empty();
                by_us
                    || set_back
                    || [Deed::Resolved, Deed::Cancelled, Deed::Restored].into_iter().any(|deed| self.was(id, deed))
            }
            Flag::Other => false,
        };
        if has_cause {
            Ok(())
        } else {
            Err(of(id, format!("booking {id} is flagged without cause ({flag:?}): {sentence}")))
        }
    }

    /// Of many who want times of the same few schedules at one moment the last wait for the first,
    /// and a practice that holds bookings does not reject them meanwhile.
    fn waited_in_a_crowd(&self, id: BookingId) -> bool {
        let Some(booked) = self.booked.get(&id).copied() else { return false };
        let near = |at: &&DateTime<Utc>| (**at - booked).abs() <= TimeDelta::seconds(15);
        self.world.shape.hold && self.booked.values().filter(near).count() >= CROWD
    }

    /// True if the store was put back or lost since the booking was made, as far as the bridge can tell.
    pub(crate) fn store_went_back_since(&self, id: BookingId) -> bool {
        self.is_before_one_of(id, &self.setbacks)
    }

    /// True if the booking was made before one of these moments, as far as the bridge can tell:
    /// Healthengine's times have whole seconds, and its clock is known to half a second.
    fn is_before_one_of(&self, id: BookingId, moments: &[DateTime<Utc>]) -> bool {
        let booked = self.booked.get(&id).map(|at| *at - TimeDelta::seconds(2));
        moments.iter().any(|at| booked.is_none_or(|booked| *at >= booked))
    }

    fn was_disturbed(&self, within: TimeDelta) -> bool {
        let now = self.world.clock.now();
        self.world.story.disturbed_until().is_some_and(|until| until > now - within)
    }

    fn is_old(&self, at: Option<DateTime<Utc>>, age: TimeDelta) -> bool {
        // Healthengine's clock differs from the world's by seconds.
        at.is_some_and(|at| !self.is_recent(at, age + TimeDelta::seconds(30)))
    }

    /// Something on which the two systems and the ledger differ, a booking as soon as there is one.
    pub(crate) fn disagreement(&self) -> Option<Wrong> {
        let of_booking = |booking: &MarketplaceBooking| {
            let what = self.compare(booking).err()?;
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
            reasons.retain(|reason| reason != vetbridge::messages::rival::NOT_ALONE);
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

    fn compare(&self, booking: &MarketplaceBooking) -> Result<(), String> {
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
        let standing = self.world.appointments_of(id);
        // The pet owner cancelled, and somebody insists on the visit.
        let stands = entry.as_ref().is_some_and(Entry::stands);
        let insists = self.was(id, Deed::Resolved) && self.given_up.contains_key(&id) && stands && standing.len() == 1;
        if flagged || insists || self.is_excused(booking, entry.as_ref()) {
            return Ok(());
        }
        match (booking.status, &standing[..]) {
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

    /// True if somebody settled a booking by hand as quickly as only programs do. Where its time
    /// was taken meanwhile, that looks like another bridge from outside.
    fn somebody_was_quick(&self) -> bool {
        let quick = vetbridge::booking::rival::YOUNG + TimeDelta::seconds(5);
        self.deeds.iter().any(|(id, deeds)| {
            let booked = self.booked.get(id).copied();
            let by_hand = deeds.iter().filter(|(_, deed)| *deed == Deed::SettledByHand);
            by_hand.map(|(at, _)| *at).any(|at| booked.is_some_and(|booked| at - booked <= quick))
        })
    }

    /// What nobody can know from outside.
    fn is_excused(&self, booking: &MarketplaceBooking, entry: Option<&Entry>) -> bool {
        let id = booking.id;
        // The store was lost and with it a flag, or staff changed an appointment that nobody
        // remembers; Healthengine did not ask either.
        let told_or_changed = self.flagged.contains_key(&id)
            || self.deeds.contains_key(&id)
            || booking.answer == RequestOutcome::RejectedTooLate;
        let forgotten = entry.is_none() && self.store_went_back_since(id) && told_or_changed;
        // The same where an older store was put back afterwards: in that one the appointment stands
        // and nobody asked for anything.
        let put_back = |at: &DateTime<Utc>| self.setbacks.iter().any(|back| back > at);
        let rejected_too_late = booking.answer == RequestOutcome::RejectedTooLate;
        let told_in_another_store = (self.given_up.contains_key(&id) || rejected_too_late)
            && booking.open_updates.is_empty()
            && self.flagged.get(&id).is_some_and(put_back);
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
    fn is_unseen(&self, booking: &MarketplaceBooking) -> bool {
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
    fn is_revived(&self, booking: &MarketplaceBooking) -> bool {
        self.was(booking.id, Deed::Restored) && booking.status != MarketplaceStatus::Confirmed
    }

    /// Staff moved it, the server does not say where it is, and its old time was taken by something
    /// else before anybody saw it free.
    fn moved_where_nobody_sees(&self, booking: &MarketplaceBooking) -> bool {
        let About::Time(schedule, from, to) = wants(booking) else { return false };
        self.was(booking.id, Deed::Moved)
            && self.world.openvpms.staff(|clinic| {
                let meets = |own, start, end| own == schedule && start < to && from < end;
                clinic.reading_a_booking_fails
                    && (clinic.standing().any(|own| meets(own.schedule, own.start, own.end))
                        || clinic.blocks().any(|own| meets(own.schedule, own.start, own.end)))
            })
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
        if booking.answer != RequestOutcome::ByHand && booking.pms_appointment_ids != [reference] {
            return Err(format!("is confirmed with {:?}", booking.pms_appointment_ids));
        }
        let About::Time(schedule, start, _) = wants(booking) else { return Ok(()) };
        if own.schedule != schedule || own.start != start {
            return Err("stands elsewhere in the diary, and nobody is told".into());
        }
        Ok(())
    }

    /// The days of a practice, as they are published and as the diary has them.
    fn compare_days(&self, practice: &PracticeId) -> Option<Wrong> {
        let now = self.world.wall();
        for resource in self.world.resources(practice) {
            // A store that was lost, or put back, does not know of every day that was sent.
            let beyond = self.world.days_beyond().filter(|_| self.setbacks.is_empty());
            for day in beyond {
                let published = self.world.healthengine.published(practice, &resource.to_string(), day).unwrap();
                if published.is_some_and(|ranges| !ranges.is_empty()) {
                    return Some(in_general(format!("{resource} on {day} is offered beyond the horizon")));
                }
            }
            for day in self.world.days() {
                let published = self.world.healthengine.published(practice, &resource.to_string(), day).unwrap();
                let Some(published) = published else {
                    return Some(in_general(format!("{resource} on {day} was never sent")));
                };
                let expected = self.world.openvpms.staff(|clinic| truth::starts(clinic, resource, day, now));
                let offered = starts(&published, day, now);
                if let Some(what) = self.difference(resource, &offered, &expected) {
                    return Some(in_general(format!("{resource} on {day}: {what}")));
                }
            }
        }
        None
    }

    /// The first start on which a day differs. What an API tells of a clinician is less than the
    /// truth: OpenVPMS 2.1 hides some of his free time while he has an appointment elsewhere, a
    /// booking of his that is in doubt takes his time, so does one whose change nobody has seen
    /// yet, and a bridge that lost what it had learnt of his roster can be wrong either way about
    /// his other schedule.
    fn difference(&self, resource: ResourceId, offered: &Starts, expected: &Starts) -> Option<String> {
        let in_doubt = |entry: Entry| {
            entry.needs_attention.is_some() && entry.place.is_some_and(|place| place.user == resource.user)
        };
        let is_in_doubt = || self.flagged.keys().filter_map(|id| self.world.entry(*id)).any(in_doubt);
        let is_unseen = || {
            let of_his =
                |own: &MarketplaceBooking| own.resource.parse().is_ok_and(|own: ResourceId| own.user == resource.user);
            let is_where_it_was = |own: &MarketplaceBooking| self.is_unseen(own) || self.moved_where_nobody_sees(own);
            self.world.bookings().iter().any(|own| of_his(own) && is_where_it_was(own))
        };
        let may_lack = resource.user.is_some()
            && (self.world.shape.is_2_1() || !self.setbacks.is_empty() || is_in_doubt() || is_unseen());
        let may_exceed = resource.user.is_some() && !self.setbacks.is_empty();
        let differs = |start: &&NaiveDateTime| {
            let kinds = |of: &Starts| of.get(*start).cloned().unwrap_or_default();
            let (offered, expected) = (kinds(offered), kinds(expected));
            let lacks = expected.iter().any(|kind| !offered.contains(kind));
            let exceeds = offered.iter().any(|kind| !expected.contains(kind));
            lacks && !may_lack || exceeds && !may_exceed
        };
        let first = offered.keys().chain(expected.keys()).filter(differs).min()?;
        Some(format!("{} offered {:?}, diary {:?}", first.time(), offered.get(first), expected.get(first)))
    }
}

type Starts = BTreeMap<NaiveDateTime, Vec<String>>;
