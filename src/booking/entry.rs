//! One booking as the ledger remembers it: ids, times, states, never who it is for.
//!
//! [`Entry`] is what is stored. It changes only through [`super::machine::step`]; each
//! change is durable before anything outside relies on it.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::answered::{Acknowledged, Answered, Delivery, Owed};
use super::diary_record::DiaryRecord;
use super::flag::{Flag, Flagged};
use super::post_record::PostRecord;
use super::state_reason::StateReason;
use super::wanted::WantedPlace;
use crate::availability::OwnBooking;
use crate::availability::rules::CountedBooking;
use crate::ids::{
    AppointmentTypeId, BookingId, BookingReference, LocationId, PracticeId, ResourceId, ScheduleId, UserId,
};
use crate::span::Span;
use crate::zone::Zone;

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
    /// The names of all of them.
    pub const ALL_NAMES: [&str; 7] =
        ["received", "submitting", "inserted", "confirmed", "rejected", "in_doubt", "cancelled"];

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

/// A state that was reached.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HistoryItem {
    /// The state.
    pub state: State,
    /// When.
    #[serde(with = "crate::dates::kept::moment")]
    pub at: DateTime<Utc>,
    /// Why. It says nothing about the patient, unless a person noted something of that kind.
    pub reason: StateReason,
}

/// A pet owner's cancellation that is not carried out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenCancellation {
    /// OpenVPMS could not be asked yet.
    Waiting,
    /// vetbridge cannot cancel the appointment: a person has to.
    Refused,
}

impl OpenCancellation {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Waiting => "waiting",
            Self::Refused => "refused",
        }
    }
}

/// How many entries of a history are kept at each end.
const HISTORY_ENDS: usize = 20;

/// A booking in the ledger.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Healthengine's id.
    pub booking_id: BookingId,
    /// The practice that was booked.
    pub practice_id: PracticeId,
    /// Where it stands.
    pub state: State,
    /// Where the appointment stands or is to stand; absent if the request named nothing that
    /// exists.
    pub place: Option<Place>,
    /// What the request asks for, where there is no place for it.
    pub wanted: WantedPlace,
    /// When the pet owner booked, by Healthengine's clock.
    pub booked_at: Option<DateTime<Utc>>,
    /// The appointment in OpenVPMS.
    pub reference: Option<BookingReference>,
    /// Our pseudonym of the patient; empty where the booking was adopted and nothing was done about
    /// it yet.
    pub patient: String,
    /// What Healthengine was told.
    pub answered: Answered,
    /// What is known of the POSTs to OpenVPMS.
    pub post: PostRecord,
    /// What the diary showed of the appointment.
    pub diary: DiaryRecord,
    /// True if the pet owner gave the booking up before it was made.
    pub withdrawn: bool,
    /// True if the pet owner cancelled and the appointment could not be: the two systems differ
    /// until a person acts.
    pub given_up: bool,
    /// What a person has to do.
    pub needs_attention: Option<Flagged>,
    /// The states it went through: the first and the last twenty.
    pub history: Vec<HistoryItem>,
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
            wanted: WantedPlace::default(),
            booked_at,
            reference: None,
            patient,
            answered: Answered::default(),
            post: PostRecord::default(),
            diary: DiaryRecord::default(),
            withdrawn: false,
            given_up: false,
            needs_attention: None,
            history: Vec::new(),
        };
        entry.enter(State::Received, now, StateReason::Listed);
        entry
    }

    /// An appointment that Healthengine knows by our reference and the ledger does not: the store
    /// is younger than the booking.
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
        entry.diary.clinician_named = place.is_some_and(|place| place.user.is_some());
        entry.answered.acknowledged = Acknowledged::Yes;
        entry.diary.inserted_at = Some(now);
        entry.history.clear();
        entry.enter(State::Confirmed, now, StateReason::Adopted);
        entry
    }

    /// When the appointment begins, or was to begin.
    pub fn begins(&self, practice: Zone) -> Option<DateTime<Utc>> {
        let wanted = || practice.instants(self.wanted.at?).earliest();
        self.place.as_ref().map(|place| place.span.start).or_else(wanted)
    }

    /// Goes into a state and notes when and why.
    pub(super) fn enter(&mut self, state: State, at: DateTime<Utc>, reason: StateReason) {
        self.state = state;
        self.history.push(HistoryItem { state, at, reason });
        if self.history.len() > 2 * HISTORY_ENDS {
            self.history.remove(HISTORY_ENDS);
        }
    }

    /// Notes what happened beside the states that it goes through.
    pub(super) fn note(&mut self, at: DateTime<Utc>, happening: StateReason) {
        self.enter(self.state, at, happening);
    }

    /// True if it is noted that the pet owner cancelled, and nobody settled that.
    pub fn owner_cancelled(&self) -> bool {
        let mut since = self.history.iter().rev().take_while(|item| !item.reason.is_by_person());
        since.any(|item| item.reason == StateReason::OwnerCancelled)
    }

    /// What became of the pet owner's cancellation, while the appointment stands all the same.
    pub fn open_cancellation(&self) -> Option<OpenCancellation> {
        match self.stands() {
            true if self.given_up => Some(OpenCancellation::Refused),
            true if self.owner_cancelled() => Some(OpenCancellation::Waiting),
            true | false => None,
        }
    }

    /// Why it is in its state, for the log and for Healthengine: without what a person noted beside
    /// it, which can name a patient.
    pub fn last_reason(&self) -> Option<&StateReason> {
        let mut reasons = self.history.iter().rev().map(|item| &item.reason);
        reasons.find(|reason| !reason.is_beside())
    }

    /// Asks for a person. What happened last says what is to be done: a cancelled booking need no
    /// longer be looked for.
    pub(super) fn flag(&mut self, flag: Flag, zone: Zone) {
        let sentence = FlagOn { flag: &flag, entry: self, zone }.to_string();
        self.needs_attention = Some(Flagged::new(Some(flag), sentence));
    }

    /// A person says under which reference the appointment stands.
    pub(super) fn refer_to(&mut self, reference: Option<BookingReference>) {
        let former = std::mem::replace(&mut self.reference, reference);
        if let Some(former) = former.filter(|former| self.reference.as_ref() != Some(former)) {
            self.diary.keep_former(former);
        }
    }

    /// True of a reference that the appointment had before a person named another.
    pub fn has_had(&self, reference: &BookingReference) -> bool {
        self.diary.former_references.contains(reference)
    }

    /// True once Healthengine took our last answer, or stopped asking.
    pub fn is_acknowledged(&self) -> bool {
        self.answered.acknowledged == Acknowledged::Yes
    }

    /// What Healthengine has still to hear of what a person or the diary settled.
    pub fn owed(&self) -> Option<Owed> {
        self.answered.acknowledged.owed()
    }

    /// True of a booking for which nothing was sent to OpenVPMS, or nothing since an answer ruled
    /// an appointment out.
    pub fn is_untouched(&self) -> bool {
        self.state == State::Received && self.post.without_effect == 0
    }

    /// True if there surely is no appointment: none was asked for, or it is settled that none was
    /// made.
    pub fn surely_has_no_appointment(&self) -> bool {
        match self.state {
            State::Received => !self.post.may_have_left_one(),
            State::Rejected => !self.is_acknowledged(),
            State::Submitting | State::Inserted | State::Confirmed | State::InDoubt | State::Cancelled => false,
        }
    }

    /// True while an appointment of ours stands in the diary, as far as anybody knows.
    pub fn stands(&self) -> bool {
        matches!(self.state, State::Inserted | State::Confirmed | State::InDoubt)
    }

    /// True if nothing was done about it yet that is not done again if it is forgotten.
    pub fn is_only_seen(&self) -> bool {
        self.state == State::Received && self.post.without_effect == 0
    }

    /// True while the state machine has something to do or to find out.
    pub fn is_open(&self) -> bool {
        match self.state {
            State::Received | State::Submitting | State::Inserted => true,
            State::Rejected | State::InDoubt | State::Cancelled => !self.is_acknowledged(),
            State::Confirmed => false,
        }
    }

    /// True while Healthengine took none of our answers: each was refused, or turned away before it
    /// arrived.
    pub fn is_refused_throughout(&self) -> bool {
        let is_answered = matches!(self.state, State::Inserted | State::InDoubt | State::Rejected);
        is_answered && self.answered.acknowledged == Acknowledged::NotYet && self.answered.delivery == Delivery::Nothing
    }

    /// True while Healthengine has to hear that the appointment is cancelled, whether or not it
    /// lists the booking.
    pub fn owes_a_cancellation(&self) -> bool {
        match self.answered.acknowledged {
            Acknowledged::Yes => false,
            Acknowledged::Owed(Owed::Cancel | Owed::CancelRefused) => true,
            Acknowledged::NotYet | Acknowledged::Owed(Owed::Answer) => self.state == State::Cancelled,
        }
    }

    /// The appointment, for whoever works out what is taken: it stands, or nobody knows. A reading
    /// that began before `inserted` need not show it.
    pub fn own_booking(&self) -> Option<OwnBooking> {
        let place = self.place.as_ref()?;
        let inserted = match self.state {
            State::Submitting => None,
            State::Inserted | State::Confirmed | State::InDoubt => self.diary.inserted_at,
            State::Received | State::Rejected | State::Cancelled => return None,
        };
        Some(OwnBooking { schedule: place.schedule, user: place.user, span: place.span, inserted })
    }
}

impl Entry {
    /// The same for rules that count the bookings of a day at the practice, whether it is over or
    /// not.
    pub fn counted_booking(&self, practice: &Zone) -> Option<CountedBooking> {
        self.own_booking()?;
        let place = self.place.as_ref()?;
        let date = practice.wall(place.span.start).date();
        Some(CountedBooking { resource: place.resource(), appointment_type: place.appointment_type, date })
    }
}

/// A flag on a booking as it is: what it says depends on both. `messages` displays it.
#[derive(Debug, Clone, Copy)]
pub struct FlagOn<'a> {
    /// The flag.
    pub flag: &'a Flag,
    /// The booking.
    pub entry: &'a Entry,
    /// Times are written with this zone.
    pub zone: Zone,
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
            entry.enter(State::Received, at(n), StateReason::Sentence(n.to_string()));
        }
        assert_eq!(entry.history.len(), 40);
        assert_eq!(
            (entry.history[0].at, entry.history[19].at, entry.history[20].at, entry.history[39].at),
            (at(0), at(19), at(81), at(100))
        );
    }
}
