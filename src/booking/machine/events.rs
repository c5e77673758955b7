//! What can be seen of a booking, and what can be done about it: the input and the output of
//! [`super::step`].

use chrono::{DateTime, TimeDelta, Utc};

use crate::availability::rules::RuleAt;
use crate::booking::entry::{Entry, Place};
use crate::booking::problem::{BookingProblem, Unplaceable, WhyNotCancelled};
use crate::booking::state_reason::PostRefusal;
use crate::clock::Measured;
use crate::healthengine::ConfirmInsert;
use crate::ids::BookingReference;

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Healthengine lists the booking as outstanding.
    Asked(Ask),
    /// The slot was read, or could not be.
    Looked(SlotLook),
    /// The POST came to an end.
    Submitted(Submission),
    /// Healthengine answered what we told it.
    Replied(Reply),
    /// Read whole, the list of outstanding bookings still has it after an answer of ours was
    /// refused.
    StillListed,
    /// Read whole, the list of outstanding bookings does not have it.
    Unlisted,
    /// The list could not be read, or not whole, after an answer of ours was refused.
    NotRelisted,
    /// A later list, which could not be read whole, does not have it either.
    Unseen,
    /// The pet owner cancelled while the booking was waiting.
    Withdrawn,
    /// The process started, or a time that was waited for has come.
    Due,
    /// The appointment was cancelled in OpenVPMS because the pet owner wanted it.
    CancelledForOwner,
    /// The pet owner cancelled, and OpenVPMS could not be asked to cancel the appointment yet.
    OwnerCancelled,
    /// The pet owner cancelled, and the appointment stands and cannot be cancelled from here, for
    /// this reason.
    CannotCancel(WhyNotCancelled),
    /// The pet owner cancelled, and OpenVPMS refused to cancel the appointment in words that nobody
    /// knows.
    CancelRefused,
    /// The appointment is gone from the diary without us: staff cancelled it.
    Gone,
    /// Staff moved the appointment here, or gave it to another clinician.
    Moved(Place),
    /// The diary names the clinician that the ledger has.
    ClinicianNamed,
    /// Its slot is free and the server will not say where it is.
    OutOfSight,
    /// It is gone like suspiciously many others: a person has to look first.
    GoneWithMany,
    /// A person looked and says what became of it, and OpenVPMS agrees as far as it was asked.
    Resolved(Resolved),
    /// A person tried to say so, and OpenVPMS did not answer, for this reason.
    Unresolved(String),
    /// The practice was switched off and nobody waits any longer.
    SwitchedOff,
    /// Somebody else answered within seconds, and an appointment that is not ours takes the time.
    AnsweredElsewhere,
    /// The time is taken, perhaps by this booking's own appointment from another bridge.
    LeftToAnother,
    /// OpenVPMS refused the POST because the time is taken, so that nothing is on its way. Whose
    /// appointment it is shows a moment later.
    RefusedAsTaken,
    /// The same, and nobody else has answered for a minute.
    NobodySaysWhose,
}

impl Event {
    /// In a few words, for the log: none of what it holds.
    pub fn name(&self) -> &'static str {
        match self {
            Self::Asked(Ask::Insert(_)) => "asked for an appointment",
            Self::Asked(Ask::TurnAway(..)) => "asked by a new client",
            Self::Asked(Ask::Impossible(_)) => "asked for what cannot be",
            Self::Asked(Ask::Nothing) => "asked for nothing any more",
            Self::Asked(Ask::Unread(_)) => "asked, whatever is offered",
            Self::Looked(SlotLook::Seen { refusal: Some(_), .. }) => "looked: not to be booked",
            Self::Looked(SlotLook::Seen { withheld: Some(_), .. }) => "looked: not offered",
            Self::Looked(SlotLook::Seen { taken: SlotTaken::None, .. }) => "looked: free",
            Self::Looked(SlotLook::Seen { .. }) => "looked: taken",
            Self::Looked(SlotLook::Closed(_)) => "looked: closed",
            Self::Looked(SlotLook::Unreachable(_)) => "looked: no answer",
            Self::Submitted(Submission::Created(_)) => "submitted: created",
            Self::Submitted(Submission::Refused(_)) => "submitted: refused",
            Self::Submitted(Submission::NothingDone(_)) => "submitted: nothing done",
            Self::Submitted(Submission::Lost { .. }) => "submitted: answer lost",
            Self::Replied(Reply::Accepted) => "answered: accepted",
            Self::Replied(Reply::Refused) => "answered: refused",
            Self::Replied(Reply::NotDelivered) => "answered: not delivered",
            Self::Replied(Reply::NoAnswer) => "answered: nobody knows",
            Self::StillListed => "still listed",
            Self::Unlisted => "no longer listed",
            Self::NotRelisted => "list not read",
            Self::Unseen => "not seen on the list",
            Self::Withdrawn => "withdrawn",
            Self::Due => "due",
            Self::CancelledForOwner => "cancelled for the pet owner",
            Self::OwnerCancelled => "cancelled by the pet owner",
            Self::CannotCancel(_) => "cannot be cancelled",
            Self::CancelRefused => "cancellation refused",
            Self::Gone => "gone from the diary",
            Self::Moved(_) => "moved by staff",
            Self::ClinicianNamed => "clinician named",
            Self::OutOfSight => "out of sight",
            Self::GoneWithMany => "gone with many",
            Self::Resolved(_) => "resolved by a person",
            Self::Unresolved(_) => "not resolved",
            Self::SwitchedOff => "practice switched off",
            Self::AnsweredElsewhere => "answered elsewhere",
            Self::LeftToAnother => "left to another bridge",
            Self::RefusedAsTaken => "refused as taken",
            Self::NobodySaysWhose => "nobody says whose it is",
        }
    }
}

/// What a booking request asks for, after mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// An appointment here.
    Insert(Place),
    /// An appointment here for a new client, whom a rule of the practice turns away in these words;
    /// and the rule's number.
    TurnAway(Place, String, u32),
    /// Something that cannot be made, for this reason.
    Impossible(Unplaceable),
    /// Nothing any more: the pet owner cancelled before it was made.
    Nothing,
    /// Nobody can tell: OpenVPMS was not read since the start, for this reason.
    Unread(String),
}

/// What reading the slot showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SlotLook {
    /// An answered reading.
    Seen {
        /// When the reading began, as this process measured it.
        began: DateTime<Utc>,
        /// How much of the slot is taken on the schedule, by whomever.
        taken: SlotTaken,
        /// Why the slot cannot be booked, if it cannot.
        refusal: Option<String>,
        /// The rule by which it is not offered, if the pet owner was not offered it either.
        withheld: Option<RuleAt>,
    },
    /// The schedule or clinician is no longer to be read (its flag was cleared), for this reason.
    Closed(String),
    /// No answer within the time there was.
    Unreachable(String),
}

/// How much of a slot is busy on its schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SlotTaken {
    /// Nothing.
    None,
    /// Some.
    Part,
    /// Every minute.
    All,
    /// All of it, at least in part by another booking's appointment that was made since the store
    /// is complete. What a forgotten store could have left there would have been in its way.
    ByAnother,
    /// Nobody can tell: some of it lies outside opening hours, where appointments do not show, and
    /// the rest is taken.
    Unseen,
}

/// How a POST ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// 201.
    Created(BookingReference),
    /// 400 with the server's reason: nothing was made.
    Refused(PostRefusal),
    /// Nothing was made, and the reason has nothing to do with the booking.
    NothingDone(String),
    /// Nobody knows. `server_is_through` if it answered itself (500) and will not act later.
    Lost {
        /// True if the server is done with the request.
        server_is_through: bool,
        /// What happened.
        detail: String,
    },
}

/// How Healthengine took an answer of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Reply {
    /// 200.
    Accepted,
    /// 400, 404, 410: perhaps settled already.
    Refused,
    /// It did not get in: it did not leave, or was turned away at the door (401, 403, 429, a
    /// gateway's page with 4xx).
    NotDelivered,
    /// No answer, or one that says nothing.
    NoAnswer,
}

/// The one thing to do next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Action {
    /// Read the slot, holding the locks of its schedule and clinician until the POST is over.
    LookAndHold,
    /// Read the slot to settle a doubt; no lock, nobody waits for it.
    LookAgain,
    /// POST the booking.
    Submit,
    /// Tell Healthengine that the appointment stands.
    Confirm(ConfirmInsert),
    /// Tell Healthengine that it does not.
    Reject(String),
    /// Tell Healthengine that the practice cancelled it.
    Cancel(String),
    /// Read the list of outstanding bookings again and say whether it still has this one.
    Relist,
    /// Nothing, until Healthengine asks again or [`super::next_look`] comes.
    Rest,
}

impl Action {
    /// In a few words, for the log: none of what it holds.
    pub fn name(&self) -> &'static str {
        match self {
            Self::LookAndHold => "look and hold",
            Self::LookAgain => "look again",
            Self::Submit => "submit",
            Self::Confirm(_) => "confirm",
            Self::Reject(_) => "reject",
            Self::Cancel(_) => "cancel",
            Self::Relist => "read the list",
            Self::Rest => "rest",
        }
    }
}

/// What others have to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The days of this place changed: read and send them for everything that shares its schedule
    /// or clinician.
    FreshDays,
    /// The same of a place where the appointment stood before.
    FreedDays(Place),
    /// Healthengine took the rejection of a time that is free: it shows the time again when it is
    /// sent the day.
    OfferAgain,
    /// A health problem of the practice.
    Problem(BookingProblem),
}

/// The outcome of [`super::step`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// The entry as it is to be stored, before the action.
    pub entry: Entry,
    /// What to do next.
    pub action: Action,
    /// Who has to hear of it.
    pub notices: Vec<Notice>,
}

/// What the decisions depend on besides entry and event.
#[derive(Debug, Clone, Copy)]
pub struct MachineContext {
    /// The present, on our clock.
    pub now: DateTime<Utc>,
    /// The present as this process measured it. What is waited for until a request is surely over
    /// is counted by it.
    pub measured: Measured,
    /// How far Healthengine's clock is ahead of ours.
    pub healthengine_ahead: TimeDelta,
    /// False from when our clock is set until Healthengine's is read the next time.
    pub ahead_is_sure: bool,
    /// How long a request to OpenVPMS may take.
    pub request_timeout: TimeDelta,
    /// True to keep bookings for when OpenVPMS is back, instead of rejecting them in time.
    pub hold: bool,
    /// The practice's wall time is written with this zone in sentences for people.
    pub zone: crate::zone::Zone,
}

/// What a person said, after OpenVPMS was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Resolved {
    /// What became of it.
    pub outcome: ResolvedAs,
    /// Whether Healthengine still lists the booking as outstanding; `None` if it did not say.
    pub listed: Option<bool>,
    /// A line of the person's for the history.
    pub note: Option<String>,
}

/// What became of a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ResolvedAs {
    /// The appointment stands.
    Confirmed {
        /// Under this reference; without one it cannot be cancelled online.
        reference: Option<BookingReference>,
        /// Here, if that is known.
        place: Option<Place>,
    },
    /// There is none, and there was none.
    Rejected,
    /// It is cancelled in the diary.
    Cancelled,
}
