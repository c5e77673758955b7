//! One booking as the ledger remembers it: ids, times, states, never who it is for.
//!
//! [`Entry`] is what is stored. It changes only through [`super::machine::step`]; each
//! change is durable before anything outside relies on it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::availability::OwnBooking;
use crate::dates;
use crate::ids::{
    AppointmentTypeId, BookingId, BookingReference, LocationId, PracticeId, ResourceId, ScheduleId, UserId,
};
use crate::span::Span;

/// Where a booking stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Seen at Healthengine; nothing was sent to OpenVPMS, or nothing of what was sent exists.
    Received,
    /// A POST is under way, or its outcome is not known yet.
    Submitting,
    /// The appointment stands in the diary; Healthengine has not heard of it yet.
    Inserted,
    /// The appointment stands and Healthengine knows.
    Confirmed,
    /// There is no appointment and there will be none.
    Rejected,
    /// The appointment stands in all likelihood, but nobody knows its reference.
    InDoubt,
    /// There was an appointment, and it was cancelled.
    Cancelled,
}

impl State {
    /// As it is written in JSON and shown to operators.
    pub fn name(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Submitting => "submitting",
            Self::Inserted => "inserted",
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::InDoubt => "in_doubt",
            Self::Cancelled => "cancelled",
        }
    }
}

/// Where and when the appointment stands, or is to stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Place {
    /// The location.
    pub location: LocationId,
    /// The schedule.
    pub schedule: ScheduleId,
    /// The clinician, if one was chosen.
    pub user: Option<UserId>,
    /// The appointment type.
    pub appointment_type: AppointmentTypeId,
    /// From when to when.
    pub span: Span,
}

impl Place {
    /// The resource that was booked.
    pub fn resource(&self) -> ResourceId {
        ResourceId { schedule: self.schedule, user: self.user }
    }
}

/// A POST whose outcome nobody knows. Its moments are noted as the process measured them ([`crate::clock::Measured`]): a clock that is
/// set forward must not make a request seem to be over that can still be carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LostAnswer {
    /// When the answer was lost, or the record of the POST was found. The POST left no later.
    pub since: DateTime<Utc>,
    /// True if the server itself answered (500): it will not carry the request out later.
    pub server_is_through: bool,
    /// When the slot was last looked at, answered or not.
    pub looked_at: Option<DateTime<Utc>>,
    /// The first reading that counts and said free.
    pub free_at: Option<DateTime<Utc>>,
}

/// A state that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryItem {
    /// The state.
    pub state: State,
    /// When.
    pub at: DateTime<Utc>,
    /// Why, in a sentence without anything about the patient.
    pub reason: String,
}

/// What Healthengine has still to hear of a booking that a person or the diary settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// The answer that belongs to the state, if it still lists the booking.
    Answer,
    /// That the appointment is cancelled.
    Cancel,
    /// The same; it refused that once, perhaps because it knows.
    CancelRefused,
}

/// Whether Healthengine can have heard what became of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Heard {
    /// It has not: no answer of ours has left, or each was refused.
    Nothing,
    /// The first one is on its way, or was when the process ended.
    Underway,
    /// Perhaps: one was not answered, or was taken. Also of entries that an older version wrote.
    #[default]
    Perhaps,
}

/// More former references of a booking are not kept: the oldest go first.
const FORMER_REFERENCES_MAX: usize = 8;
/// How many entries of a history are kept at each end.
const HISTORY_ENDS: usize = 20;

/// A booking in the ledger.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// Healthengine's id.
    pub booking_id: BookingId,
    /// The practice that was booked.
    pub practice_id: PracticeId,
    /// Where it stands.
    pub state: State,
    /// Where the appointment stands or is to stand; absent if the request named nothing that exists.
    pub place: Option<Place>,
    /// When the pet owner booked, by Healthengine's clock.
    #[serde(default, deserialize_with = "dates::that_count")]
    pub booked_at: Option<DateTime<Utc>>,
    /// The appointment in OpenVPMS.
    pub reference: Option<BookingReference>,
    /// The references that the appointment had before a person named another: Healthengine may go on to echo them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub former_references: Vec<BookingReference>,
    /// Our pseudonym of the patient; empty where the booking was adopted and nothing was done about it yet.
    pub patient: String,
    /// True if the store is younger than the booking, so that an appointment of ours can exist that the ledger does not know.
    #[serde(rename = "maybe_forgotten", default, skip_serializing_if = "is_false")]
    pub predates_store: bool,
    /// True once Healthengine took our last answer, or stopped asking.
    #[serde(default, skip_serializing_if = "is_false")]
    pub told: bool,
    /// True if Healthengine took our rejection while its pet owner was still choosing: it cannot be taken back.
    #[serde(default, skip_serializing_if = "is_false")]
    pub rejected_in_time: bool,
    /// When the last rejection that got no answer was given up, by Healthengine's clock: it arrived by then, if at all. Absent while
    /// one is on its way, so that a crash leaves no hope behind.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rejection_lost_at: Option<DateTime<Utc>>,
    /// Whether an answer of ours can have arrived: a booking that is settled without one was settled by somebody else.
    #[serde(default, skip_serializing_if = "is_perhaps")]
    pub heard: Heard,
    /// How often Healthengine refused our answer and went on asking.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub refusals: u32,
    /// Since when Healthengine's list, part of which cannot be read, does not show the booking although every answer of ours was refused;
    /// as the process measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unseen_since: Option<DateTime<Utc>>,
    /// How often OpenVPMS refused to cancel the appointment, in words that nobody knows.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub cancel_refusals: u32,
    /// How many looks in a row OpenVPMS did not answer.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub unanswered_looks: u32,
    /// OpenVPMS is left alone about this booking until then, as the process measures it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub not_before: Option<DateTime<Utc>>,
    /// How many POSTs may have reached the server and were found to have left nothing.
    #[serde(rename = "left_nothing", default, skip_serializing_if = "is_zero")]
    pub posts_without_effect: u32,
    /// When the last POST left.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub submitted_at: Option<DateTime<Utc>>,
    /// When the appointment was known to stand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub inserted_at: Option<DateTime<Utc>>,
    /// What is not known about the last POST.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub doubt: Option<LostAnswer>,
    /// True if the pet owner gave the booking up before it was made.
    #[serde(default, skip_serializing_if = "is_false")]
    pub withdrawn: bool,
    /// True if Healthengine stopped asking before we answered: somebody settled it by hand.
    #[serde(default, skip_serializing_if = "is_false")]
    pub unlisted: bool,
    /// True once operators were told that staff moved the appointment to where it cannot be seen.
    #[serde(default, skip_serializing_if = "is_false")]
    pub out_of_sight: bool,
    /// True once the diary named the clinician of `place`: that it names nobody then means that staff took them off.
    #[serde(default, skip_serializing_if = "is_false")]
    pub clinician_named: bool,
    /// True once staff chose the clinician, so that the pet owner's choice counts no more.
    #[serde(default, skip_serializing_if = "is_false")]
    pub clinician_by_staff: bool,
    /// True while the appointment is gone together with suspiciously many others, and nothing is cancelled without a person.
    #[serde(rename = "left_alone", default, skip_serializing_if = "is_false")]
    pub cancellation_suspended: bool,
    /// True if the pet owner cancelled and the appointment could not be: the two systems differ until a person acts.
    #[serde(default, skip_serializing_if = "is_false")]
    pub given_up: bool,
    /// What Healthengine has still to hear of a booking that a person settled, or staff cancelled. The flag goes when it has.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owed: Option<Owed>,
    /// What a person has to do, in a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub needs_attention: Option<String>,
    /// The states it went through: the first and the last twenty.
    pub history: Vec<HistoryItem>,
}

fn is_false(flag: &bool) -> bool {
    !flag
}

fn is_perhaps(heard: &Heard) -> bool {
    *heard == Heard::Perhaps
}

fn is_zero(number: &u32) -> bool {
    *number == 0
}

impl Entry {
    /// A booking seen for the first time.
    pub fn received(
        booking_id: BookingId,
        practice_id: PracticeId,
        booked_at: Option<DateTime<Utc>>,
        patient: String,
        now: DateTime<Utc>,
    ) -> Self {
        let mut entry = Self {
            booking_id,
            practice_id,
            state: State::Received,
            place: None,
            booked_at,
            reference: None,
            former_references: Vec::new(),
            patient,
            predates_store: false,
            told: false,
            rejected_in_time: false,
            rejection_lost_at: None,
            heard: Heard::Nothing,
            refusals: 0,
            unseen_since: None,
            cancel_refusals: 0,
            unanswered_looks: 0,
            not_before: None,
            posts_without_effect: 0,
            submitted_at: None,
            inserted_at: None,
            doubt: None,
            withdrawn: false,
            unlisted: false,
            out_of_sight: false,
            clinician_named: false,
            clinician_by_staff: false,
            cancellation_suspended: false,
            given_up: false,
            owed: None,
            needs_attention: None,
            history: Vec::new(),
        };
        entry.enter(State::Received, now, "Healthengine lists the booking.");
        entry
    }

    /// An appointment that Healthengine knows by our reference and the ledger does not: the store is younger than the booking.
    pub fn adopted(
        booking_id: BookingId,
        practice_id: PracticeId,
        reference: BookingReference,
        place: Option<Place>,
        patient: String,
        now: DateTime<Utc>,
    ) -> Self {
        let mut entry = Self::received(booking_id, practice_id, None, patient, now);
        entry.reference = Some(reference);
        entry.place = place;
        entry.clinician_named = place.is_some_and(|place| place.user.is_some());
        entry.told = true;
        entry.inserted_at = Some(now);
        entry.history.clear();
        entry.enter(State::Confirmed, now, "Adopted from the reference that Healthengine echoes.");
        entry
    }

    /// Goes into a state and notes when and why.
    pub(super) fn enter(&mut self, state: State, at: DateTime<Utc>, reason: impl Into<String>) {
        self.state = state;
        self.history.push(HistoryItem { state, at, reason: reason.into() });
        if self.history.len() > 2 * HISTORY_ENDS {
            self.history.remove(HISTORY_ENDS);
        }
    }

    /// Asks for a person. What happened last says what is to be done: a cancelled booking need no longer be looked for.
    pub(super) fn flag(&mut self, sentence: String) {
        self.needs_attention = Some(sentence);
    }

    /// A person says under which reference the appointment stands.
    pub(super) fn refer_to(&mut self, reference: Option<BookingReference>) {
        let former = std::mem::replace(&mut self.reference, reference);
        let former = former.filter(|former| self.reference.as_ref() != Some(former) && !self.has_had(former));
        self.former_references.extend(former);
        if self.former_references.len() > FORMER_REFERENCES_MAX {
            self.former_references.remove(0);
        }
    }

    /// True of a reference that the appointment had before a person named another.
    pub fn has_had(&self, reference: &BookingReference) -> bool {
        self.former_references.contains(reference)
    }

    /// True while an appointment of ours stands in the diary, as far as anybody knows.
    pub fn stands(&self) -> bool {
        matches!(self.state, State::Inserted | State::Confirmed | State::InDoubt)
    }

    /// True while the state machine has something to do or to find out.
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Received | State::Submitting | State::Inserted => true,
            State::Rejected | State::InDoubt | State::Cancelled => !self.told,
            State::Confirmed => false,
        }
    }

    /// True while Healthengine took none of our answers: each was refused, or turned away before it arrived.
    pub fn is_refused_throughout(&self) -> bool {
        let is_answered = matches!(self.state, State::Inserted | State::InDoubt | State::Rejected);
        is_answered && !self.told && self.owed.is_none() && self.heard == Heard::Nothing
    }

    /// True while Healthengine has to hear that the appointment is cancelled, whether or not it lists the booking.
    pub fn owes_a_cancellation(&self) -> bool {
        let a_cancellation = matches!(self.owed, Some(Owed::Cancel | Owed::CancelRefused));
        !self.told && (self.state == State::Cancelled || a_cancellation)
    }

    /// The appointment, for whoever works out what is taken: it stands, or nobody knows. A reading that began before
    /// `inserted` need not show it.
    pub fn own_booking(&self) -> Option<OwnBooking> {
        let place = self.place.as_ref()?;
        let inserted = match self.state {
            State::Submitting => None,
            State::Inserted | State::Confirmed | State::InDoubt => self.inserted_at,
            State::Received | State::Rejected | State::Cancelled => return None,
        };
        Some(OwnBooking { schedule: place.schedule, user: place.user, span: place.span, inserted })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: i64) -> DateTime<Utc> {
        DateTime::from_timestamp(1_550_000_000 + seconds, 0).unwrap()
    }

    #[test]
    fn a_history_keeps_its_first_and_last_twenty() {
        let mut entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), at(0));
        for n in 1..=100 {
            entry.enter(State::Received, at(n), n.to_string());
        }
        assert_eq!(entry.history.len(), 40);
        assert_eq!(
            (entry.history[0].at, entry.history[19].at, entry.history[20].at, entry.history[39].at),
            (at(0), at(19), at(81), at(100))
        );
    }
}
