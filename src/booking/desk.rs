//! The booking desk: what to do next about one booking. One pure function, [`step`].
//!
//! The model. A POST to OpenVPMS cannot be repeated safely and cannot be asked about; a rejection counts at Healthengine for 20
//! seconds; either side, the network and this process can fail at any moment. So the shell does one thing at a time: it hands
//! an [`Event`] to [`step`], makes the returned [`Entry`] durable if it changed, and only then carries out the one [`Action`],
//! whose result is the next event. Whatever is interrupted is found in the ledger and goes on with [`Event::Due`] or when
//! Healthengine asks again.
//!
//! What holds:
//! - `submitting` is durable before a POST leaves. Found without an outcome it is a lost answer, never a fresh start.
//! - After a lost answer nothing is rejected and nothing is posted before the slot itself was read: wholly taken is ours (we saw
//!   it free a moment before), partly taken is somebody else's, free means that nothing was made, once the server cannot
//!   carry the request out any more.
//! - A POST leaves only after a look that found the slot free, under the locks of its schedule and clinician.
//! - Nothing is confirmed that does not stand, as far as anybody can know; what cannot be known is `in_doubt` and flagged.
//!
//! Races accepted: staff can take the slot between look and POST (OpenVPMS refuses most of these), and a calendar block laid in
//! that moment is not seen.

mod resolved;

use chrono::{DateTime, TimeDelta, Utc};

use super::ledger::{Deadline, Doubt, Entry, Owed, Place, State};
use crate::healthengine::ConfirmInsert;
use crate::ids::BookingReference;
use crate::messages::booking as say;
use crate::openvpms::ALREADY_SCHEDULED;

pub use resolved::{Outcome, Resolved};

/// What was seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Event {
    /// Healthengine lists the booking as outstanding.
    Asked(Ask),
    /// The slot was read, or could not be.
    Looked(Look),
    /// The POST came to an end.
    Submitted(Submission),
    /// Healthengine answered what we told it.
    Replied(Reply),
    /// Read whole, the list of outstanding bookings still has it after an answer of ours was refused.
    StillListed,
    /// Read whole, the list of outstanding bookings does not have it.
    Unlisted,
    /// The pet owner cancelled while the booking was waiting.
    Withdrawn,
    /// The process started, or a time that was waited for has come.
    Due,
    /// The appointment was cancelled in OpenVPMS because the pet owner wanted it.
    CancelledForOwner,
    /// The pet owner cancelled, and the appointment stands and cannot be cancelled from here, for this reason.
    CannotCancel(String),
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
}

/// What a booking request asks for, after mapping.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ask {
    /// An appointment here.
    Insert(Place),
    /// Something that cannot be made, for this reason; `problem` if an administrator has to act.
    Impossible {
        /// A sentence for Healthengine's support and the ledger.
        reason: String,
        /// A sentence for the administrator.
        problem: Option<String>,
    },
    /// Nothing any more: the pet owner cancelled before it was made.
    Nothing,
    /// Nobody can tell: OpenVPMS was not read since the start, for this reason.
    Unread(String),
}

/// What reading the slot showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Look {
    /// An answered reading.
    Seen {
        /// When the reading began.
        began: DateTime<Utc>,
        /// How much of the slot is taken on the schedule, by whomever.
        taken: Taken,
        /// Why the slot cannot be booked, if it cannot.
        refusal: Option<String>,
    },
    /// The schedule or clinician is no longer to be read (its flag was cleared), for this reason.
    Closed(String),
    /// No answer within the time there was.
    Unreachable(String),
}

/// How much of a slot is busy on its schedule.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// Nothing.
    None,
    /// Some.
    Part,
    /// Every minute.
    All,
    /// All of it, at least in part by another booking's appointment that was made since the store is complete. What a forgotten
    /// store could have left there would have been in its way.
    ByAnother,
    /// Nobody can tell: some of it lies outside opening hours, where appointments do not show, and the rest is taken.
    Unseen,
}

/// How a POST ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Submission {
    /// 201.
    Created(BookingReference),
    /// 400 with the server's reason: nothing was made.
    Refused(String),
    /// Nothing was made, and the reason has nothing to do with the booking.
    NothingDone(String),
    /// Nobody knows. `server_is_through` if it answered (500, 503) and will not act later.
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
    Taken,
    /// 400, 404, 410: perhaps settled already.
    Refused,
    /// No answer, or one that says nothing.
    Away,
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
    /// Nothing, until Healthengine asks again or [`next_look`] comes.
    Rest,
}

/// What others have to hear.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// The days of this place changed: read and send them for everything that shares its schedule or clinician.
    FreshDays,
    /// The same of a place where the appointment stood before.
    FreedDays(Place),
    /// A health problem of the practice, in a sentence with what to do.
    Problem(String),
}

/// The outcome of [`step`].
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
pub struct Circumstances {
    /// The present, on our clock.
    pub now: DateTime<Utc>,
    /// How far Healthengine's clock is ahead of ours.
    pub healthengine_ahead: TimeDelta,
    /// How long a request to OpenVPMS may take.
    pub request_timeout: TimeDelta,
    /// True to keep bookings for when OpenVPMS is back, instead of rejecting them in time.
    pub hold: bool,
    /// The practice's wall time is written with this zone in sentences for people.
    pub zone: crate::zone::Zone,
}

/// After this many POSTs that left nothing there will be no other.
const SUBMISSIONS_MAX: u32 = 3;
/// After this many refused answers an administrator hears of it.
const REFUSALS_BEFORE_PROBLEM: u32 = 3;
/// A look is repeated no sooner than this; after looks that were not answered the pause doubles,
const LOOK_RETRY: TimeDelta = TimeDelta::seconds(2);
/// up to this.
const LOOK_RETRY_MAX: TimeDelta = TimeDelta::seconds(30);

/// What to do next about a booking.
pub fn step(entry: Entry, event: Event, now: &Circumstances) -> Step {
    let mut desk = Desk { entry, now, notices: Vec::new() };
    if desk.entry.state == State::Cancelled && !desk.entry.told {
        desk.entry.owed.get_or_insert(Owed::Cancel);
    }
    let owed = desk.entry.owed;
    match event {
        Event::Resolved(resolved) => desk.resolved(resolved),
        Event::Unresolved(reason) => desk.unresolved(&reason),
        Event::Asked(_) if owed.is_some() => desk.owed_asked(),
        Event::Replied(reply) if owed.is_some() => desk.owed_replied(reply),
        Event::StillListed if owed.is_some() => desk.owed_still_listed(),
        Event::Unlisted if owed.is_some() => desk.owed_unlisted(),
        Event::Asked(ask) => desk.asked(ask),
        Event::Looked(look) => desk.looked(look),
        Event::Submitted(submission) => desk.submitted(submission),
        Event::Replied(reply) => desk.replied(reply),
        Event::StillListed => desk.still_listed(),
        Event::Unlisted => desk.unlisted(),
        Event::Withdrawn => desk.withdrawn(),
        Event::Due => desk.due(),
        Event::CancelledForOwner => desk.cancelled(say::CANCELLED_FOR_OWNER, true),
        Event::CannotCancel(reason) => desk.cannot_cancel(&reason),
        Event::Gone => desk.cancelled(say::CANCELLED_BY_STAFF, false),
        Event::Moved(place) => desk.moved(place),
        Event::ClinicianNamed => desk.clinician_named(),
        Event::OutOfSight => desk.out_of_sight(),
        Event::GoneWithMany => desk.gone_with_many(),
        Event::SwitchedOff => desk.switched_off(),
    }
}

/// When a booking with an unknown outcome is to be looked at again; `None` if there is no doubt to settle.
///
/// A reading counts as *free* for a request that may still lie in a queue only when it began no sooner than two timeouts after
/// the POST, and the second of the two that are needed one timeout after the first.
pub fn next_look(entry: &Entry, request_timeout: TimeDelta) -> Option<DateTime<Utc>> {
    if entry.state != State::Submitting {
        return None;
    }
    let Some(doubt) = &entry.doubt else { return Some(DateTime::<Utc>::MIN_UTC) };
    let Some(looked_at) = doubt.looked_at else { return Some(doubt.since) };
    let counts_from = match (doubt.server_is_through, doubt.free_at) {
        (true, _) => doubt.since,
        (false, None) => doubt.since + request_timeout * 2,
        (false, Some(free_at)) => free_at + request_timeout,
    };
    Some(counts_from.max(looked_at + LOOK_RETRY).max(entry.not_before.unwrap_or(looked_at)))
}

struct Desk<'a> {
    entry: Entry,
    now: &'a Circumstances,
    notices: Vec<Notice>,
}

impl Desk<'_> {
    fn asked(mut self, ask: Ask) -> Step {
        match self.entry.state {
            State::Received => self.decide(ask),
            // Its outcome is unknown, and settling that goes its own pace.
            State::Submitting => {
                self.entry.withdrawn |= ask == Ask::Nothing;
                self.due()
            }
            // Our answer was lost, or Healthengine did not keep it: the same answer again.
            State::Inserted | State::Confirmed | State::InDoubt | State::Rejected => {
                self.entry.told = false;
                self.tell()
            }
            State::Cancelled => {
                self.entry.told = false;
                self.owed_asked()
            }
        }
    }

    /// A booking that nothing was done about yet.
    fn decide(mut self, ask: Ask) -> Step {
        match ask {
            Ask::Nothing => self.give_up(),
            Ask::Impossible { reason, problem } => {
                self.notices.extend(problem.map(Notice::Problem));
                self.reject(reason)
            }
            Ask::Unread(detail) => self.out_of_reach(&detail),
            Ask::Insert(place) => {
                self.entry.place = Some(place);
                if self.is_left_alone() { self.rest() } else { self.then(Action::LookAndHold) }
            }
        }
    }

    /// True while OpenVPMS has a rest from this booking, and no pet owner waits for a rejection.
    fn is_left_alone(&self) -> bool {
        let hurry = !self.now.hold && self.deadline().rejection_counts(self.now.now);
        !hurry && self.entry.not_before.is_some_and(|at| self.now.now < at)
    }

    fn deadline(&self) -> Deadline {
        Deadline::new(self.entry.booked_at, self.now.healthengine_ahead)
    }

    /// OpenVPMS did not answer about this booking: the pause until it is asked again grows.
    fn unanswered(&mut self) {
        let doublings = self.entry.unanswered_looks.min(4);
        self.entry.unanswered_looks = self.entry.unanswered_looks.saturating_add(1);
        let pause = (LOOK_RETRY * 2_i32.pow(doublings)).min(LOOK_RETRY_MAX);
        self.entry.not_before = Some(self.now.now + pause);
    }

    fn looked(mut self, look: Look) -> Step {
        match look {
            Look::Unreachable(_) => self.unanswered(),
            Look::Seen { .. } | Look::Closed(_) => (self.entry.unanswered_looks, self.entry.not_before) = (0, None),
        }
        match (self.entry.state, look) {
            (State::Received, Look::Unreachable(detail)) => self.out_of_reach(&detail),
            (State::Received, Look::Closed(reason)) => self.reject_and_refresh(reason),
            (State::Received, Look::Seen { taken, .. }) if self.may_be_ours_already(taken) => {
                let reason = if self.entry.left_nothing > 0 { say::PROBABLY_OURS } else { say::MAYBE_FORGOTTEN };
                self.doubtful(reason)
            }
            (State::Received, Look::Seen { refusal: Some(reason), .. }) => self.reject_and_refresh(reason),
            (State::Received, Look::Seen { refusal: None, .. }) => {
                self.entry.submitted_at = Some(self.now.now);
                self.entry.enter(State::Submitting, self.now.now, say::SUBMITTING);
                self.then(Action::Submit)
            }
            (State::Submitting, look) => self.settle(look),
            // A look that came too late to matter.
            (State::Inserted | State::Confirmed | State::Rejected | State::InDoubt | State::Cancelled, _) => {
                self.rest()
            }
        }
    }

    /// True if what takes the slot can be an appointment of ours that the ledger does not know of.
    fn may_be_ours_already(&self, taken: Taken) -> bool {
        match taken {
            Taken::All | Taken::Unseen => self.entry.maybe_forgotten || self.entry.left_nothing > 0,
            Taken::ByAnother => self.entry.left_nothing > 0,
            Taken::None | Taken::Part => false,
        }
    }

    /// Reads the traces of a POST whose answer was lost.
    fn settle(mut self, look: Look) -> Step {
        let now = self.now.now;
        let mut doubt =
            self.entry.doubt.unwrap_or(Doubt { since: now, server_is_through: false, looked_at: None, free_at: None });
        doubt.looked_at = Some(now);
        self.entry.doubt = Some(doubt);
        match look {
            Look::Unreachable(_) => self.rest(),
            // Nobody can look any more. The pet owner was told yes, so a person has to.
            Look::Closed(_) => self.doubtful(say::CANNOT_LOOK),
            Look::Seen { taken: Taken::Unseen, .. } => self.doubtful(say::CANNOT_LOOK),
            // The other booking's appointment may be gone, unnoticed: it was looked at before the POST, and the slot was free.
            Look::Seen { taken: Taken::All | Taken::ByAnother, .. } => self.doubtful(say::PROBABLY_OURS),
            Look::Seen { taken: Taken::Part, .. } => {
                self.entry.doubt = None;
                self.reject_and_refresh(say::TAKEN_BY_ANOTHER.into())
            }
            Look::Seen { taken: Taken::None, began, .. } => {
                if self.is_settled_as_free(&mut doubt, began) {
                    self.left_nothing()
                } else {
                    self.entry.doubt = Some(doubt);
                    self.rest()
                }
            }
        }
    }

    /// Notes a reading that said free; true if the request cannot be carried out any more.
    fn is_settled_as_free(&self, doubt: &mut Doubt, began: DateTime<Utc>) -> bool {
        let timeout = self.now.request_timeout;
        if doubt.server_is_through {
            return began >= doubt.since;
        }
        match doubt.free_at {
            None if began >= doubt.since + timeout * 2 => {
                doubt.free_at = Some(began);
                false
            }
            None => false,
            Some(free_at) => began >= free_at + timeout,
        }
    }

    /// A POST left nothing in the diary: once more, but not for ever.
    fn left_nothing(mut self) -> Step {
        self.entry.doubt = None;
        self.entry.left_nothing += 1;
        if self.entry.unlisted {
            self.entry.told = true;
            return self.settled_by_hand();
        }
        if self.entry.withdrawn {
            return self.reject(say::WITHDRAWN.into());
        }
        if self.entry.left_nothing >= SUBMISSIONS_MAX {
            self.notices.push(Notice::Problem(say::nothing_arrives(self.entry.booking_id, self.entry.left_nothing)));
            return self.reject_and_refresh(say::NOTHING_ARRIVES.into());
        }
        self.entry.enter(State::Received, self.now.now, say::LEFT_NOTHING);
        self.then(Action::LookAndHold)
    }

    fn submitted(mut self, submission: Submission) -> Step {
        let now = self.now.now;
        match submission {
            Submission::Created(reference) => {
                self.entry.reference = Some(reference);
                self.entry.inserted_at = Some(now);
                self.entry.enter(State::Inserted, now, say::INSERTED);
                self.notices.push(Notice::FreshDays);
                self.tell()
            }
            // An earlier POST of ours may be what stands there.
            Submission::Refused(text) if text.starts_with(ALREADY_SCHEDULED) && self.entry.left_nothing > 0 => {
                self.doubtful(say::PROBABLY_OURS)
            }
            Submission::Refused(text) => {
                if !say::is_expected_refusal(&text) {
                    self.notices.push(Notice::Problem(say::unexpected_refusal(self.entry.booking_id, &text)));
                }
                self.reject_and_refresh(say::refused(&text))
            }
            Submission::NothingDone(detail) => {
                self.notices.push(Notice::Problem(say::post_not_taken(self.entry.booking_id, &detail)));
                self.unanswered();
                self.entry.submitted_at = None;
                self.entry.enter(State::Received, now, say::not_sent(&detail));
                self.out_of_reach(&detail)
            }
            Submission::Lost { server_is_through, detail } => {
                self.entry.doubt = Some(Doubt { since: now, server_is_through, looked_at: None, free_at: None });
                self.entry.enter(State::Submitting, now, say::lost(&detail));
                self.then(Action::LookAgain)
            }
        }
    }

    /// OpenVPMS cannot be asked. While a rejection helps the pet owner it is better than silence, unless the clinic wants to hold.
    fn out_of_reach(self, detail: &str) -> Step {
        if !self.now.hold && self.deadline().rejection_counts(self.now.now) && self.entry.left_nothing == 0 {
            return self.reject(say::out_of_reach(detail));
        }
        self.rest()
    }

    /// The slot is wholly taken and it was we who asked for it: the appointment stands with near certainty, but without a name.
    fn doubtful(mut self, reason: &str) -> Step {
        let now = self.now.now;
        self.entry.doubt = None;
        self.entry.inserted_at = Some(now);
        self.entry.enter(State::InDoubt, now, reason);
        self.entry.flag(say::check_the_diary(&self.entry, self.now.zone, reason == say::MAYBE_FORGOTTEN));
        self.notices.push(Notice::FreshDays);
        if self.entry.unlisted {
            self.entry.told = true;
            return self.rest();
        }
        self.tell()
    }

    fn reject_and_refresh(mut self, reason: String) -> Step {
        self.notices.push(Notice::FreshDays);
        self.reject(reason)
    }

    fn reject(mut self, reason: String) -> Step {
        self.entry.doubt = None;
        self.entry.enter(State::Rejected, self.now.now, reason);
        if self.entry.unlisted {
            self.entry.told = true;
            return self.settled_by_hand();
        }
        self.tell()
    }

    /// The answer that belongs to the state.
    fn tell(mut self) -> Step {
        self.entry.rejection_lost_at = None;
        let action = match self.entry.state {
            State::Inserted | State::Confirmed | State::InDoubt => Action::Confirm(confirmation(&self.entry)),
            State::Rejected | State::Cancelled => Action::Reject(self.last_reason()),
            State::Received | State::Submitting => Action::Rest,
        };
        self.then(action)
    }

    fn last_reason(&self) -> String {
        self.entry.history.last().map(|last| last.reason.clone()).unwrap_or_default()
    }

    fn replied(mut self, reply: Reply) -> Step {
        match (reply, self.entry.state) {
            (Reply::Away, state) => {
                if state == State::Rejected {
                    self.entry.rejection_lost_at = Some(self.now.now);
                }
                self.rest()
            }
            (Reply::Refused, _) => self.then(Action::Relist),
            (Reply::Taken, _) => {
                self.entry.told = true;
                self.entry.refusals = 0;
                let now = self.now.now;
                self.answered(say::CONFIRMED, now)
            }
        }
    }

    /// Healthengine knows, or stopped asking. `at` is when our answer reached it, as far as anybody can tell.
    fn answered(mut self, confirmed: &str, at: DateTime<Utc>) -> Step {
        let now = self.now.now;
        match self.entry.state {
            State::Inserted => self.entry.enter(State::Confirmed, now, confirmed),
            State::Rejected if !self.entry.withdrawn => {
                if self.deadline().is_over(at) {
                    self.entry.flag(say::rejected_too_late(&self.entry, self.now.zone));
                }
            }
            State::Rejected
            | State::Confirmed
            | State::InDoubt
            | State::Cancelled
            | State::Received
            | State::Submitting => {}
        }
        self.rest()
    }

    fn still_listed(mut self) -> Step {
        self.entry.refusals = self.entry.refusals.saturating_add(1);
        if self.entry.refusals == REFUSALS_BEFORE_PROBLEM {
            self.notices.push(Notice::Problem(say::answer_refused(self.entry.booking_id)));
        }
        // A rejection that is refused because it came too late: the pet owner was told yes, whatever becomes of the list.
        if self.entry.state == State::Rejected && !self.entry.withdrawn && self.deadline().is_over(self.now.now) {
            self.entry.flag(say::rejected_too_late(&self.entry, self.now.zone));
        }
        self.rest()
    }

    /// Somebody else settled it, or our lost answer did.
    fn unlisted(mut self) -> Step {
        self.entry.refusals = 0;
        match self.entry.state {
            State::Received => {
                self.entry.unlisted = true;
                self.entry.told = true;
                self.entry.enter(State::Rejected, self.now.now, say::UNLISTED);
                self.settled_by_hand()
            }
            State::Submitting => {
                self.entry.unlisted = true;
                self.due()
            }
            State::Inserted | State::Rejected | State::InDoubt => {
                self.entry.told = true;
                // As a rule it was our answer, which nobody heard arrive.
                let at = self.entry.rejection_lost_at.unwrap_or(self.now.now);
                self.answered(say::UNLISTED, at)
            }
            State::Cancelled => {
                self.entry.told = true;
                self.rest()
            }
            State::Confirmed => self.rest(),
        }
    }

    /// Nothing stands in the diary although Healthengine counts the booking as settled.
    fn settled_by_hand(mut self) -> Step {
        if self.entry.state != State::Rejected {
            self.entry.enter(State::Rejected, self.now.now, say::UNLISTED);
        }
        if !self.entry.withdrawn {
            self.entry.flag(say::settled_by_hand(&self.entry, self.now.zone));
        }
        self.rest()
    }

    fn withdrawn(self) -> Step {
        if self.entry.state == State::Received { self.give_up() } else { self.rest() }
    }

    /// The pet owner cancelled before anything was made, as far as the ledger knows. One that is younger than the booking cannot tell
    /// whether an earlier one had made the appointment, and nobody would ever cancel that.
    fn give_up(mut self) -> Step {
        self.entry.withdrawn = true;
        if self.entry.maybe_forgotten {
            self.entry.flag(say::maybe_forgotten_and_cancelled(&self.entry, self.now.zone));
        }
        self.reject(say::WITHDRAWN.into())
    }

    /// Goes on with what was interrupted.
    fn due(mut self) -> Step {
        if self.entry.state == State::Submitting && self.entry.doubt.is_none() {
            // Its POST left before the process started; when exactly, nobody can tell.
            let since = self.now.now;
            self.entry.doubt = Some(Doubt { since, server_is_through: false, looked_at: None, free_at: None });
            self.entry.enter(State::Submitting, self.now.now, say::INTERRUPTED);
        }
        if self.entry.owes_a_cancellation() {
            let reason = self.last_reason();
            return self.then(Action::Cancel(reason));
        }
        match next_look(&self.entry, self.now.request_timeout) {
            Some(due) if due <= self.now.now => self.then(Action::LookAgain),
            _ => self.rest(),
        }
    }

    /// The appointment stands no longer. `told` if Healthengine knows already.
    fn cancelled(mut self, reason: &str, told: bool) -> Step {
        self.entry.doubt = None;
        self.entry.refusals = 0;
        self.entry.told = told;
        // What a person said of an appointment that stood is overtaken, and so is what it was flagged for: at once if nobody has to
        // be told, else once Healthengine knows.
        if told || self.entry.owed.is_some() {
            self.entry.needs_attention = None;
        }
        self.entry.owed = (!told).then_some(Owed::Cancel);
        self.entry.enter(State::Cancelled, self.now.now, reason);
        self.notices.push(Notice::FreshDays);
        if told { self.rest() } else { self.due() }
    }

    fn cannot_cancel(mut self, reason: &str) -> Step {
        self.entry.given_up = true;
        self.flagged(|entry, zone| say::cannot_cancel(entry, zone, reason))
    }

    fn flagged(mut self, sentence: impl FnOnce(&Entry, crate::zone::Zone) -> String) -> Step {
        let sentence = sentence(&self.entry, self.now.zone);
        // Not to be cleared with what a person settled before.
        self.entry.owed = None;
        self.entry.flag(sentence);
        self.rest()
    }

    fn moved(mut self, place: Place) -> Step {
        // Two looks at once see one move.
        if self.entry.place == Some(place) {
            return self.rest();
        }
        let from = self.entry.place.replace(place);
        let other_clinician = from.is_some_and(|from| from.user != place.user);
        let only_clinician = from.is_some_and(|from| Place { user: place.user, ..from } == place);
        // Who chose a vet and sees another one is surprised, and only once.
        let surprised =
            other_clinician && from.is_some_and(|from| from.user.is_some()) && !self.entry.clinician_by_staff;
        if other_clinician {
            self.entry.clinician_by_staff = true;
            self.entry.clinician_named = place.user.is_some();
        }
        let state = self.entry.state;
        let reason = if only_clinician { say::CLINICIAN_CHANGED_BY_STAFF } else { say::MOVED_BY_STAFF };
        self.entry.enter(state, self.now.now, reason);
        self.notices.extend(from.map(Notice::FreedDays));
        self.notices.push(Notice::FreshDays);
        if only_clinician {
            return if surprised { self.flagged(say::another_clinician) } else { self.rest() };
        }
        self.flagged(|entry, zone| say::moved(entry, from.map(|from| from.span.start), surprised, zone))
    }

    fn clinician_named(mut self) -> Step {
        self.entry.clinician_named = self.entry.place.is_some_and(|place| place.user.is_some());
        self.rest()
    }

    fn out_of_sight(mut self) -> Step {
        if self.entry.out_of_sight {
            return self.rest();
        }
        self.entry.out_of_sight = true;
        self.flagged(say::out_of_sight)
    }

    fn gone_with_many(mut self) -> Step {
        self.entry.left_alone = true;
        self.flagged(say::gone_with_many)
    }

    /// What was not made will not be, and what nobody could find out a person has to.
    fn switched_off(mut self) -> Step {
        match self.entry.state {
            State::Received => self.reject(say::SWITCHED_OFF.into()),
            State::Submitting => self.doubtful(say::CANNOT_LOOK),
            State::Inserted | State::Confirmed | State::Rejected | State::InDoubt | State::Cancelled => {
                if self.entry.is_open() && self.entry.needs_attention.is_none() {
                    self.entry.flag(say::never_told(&self.entry, self.now.zone));
                }
                self.rest()
            }
        }
    }

    fn rest(self) -> Step {
        self.then(Action::Rest)
    }

    fn then(self, action: Action) -> Step {
        Step { entry: self.entry, action, notices: self.notices }
    }
}

/// What Healthengine is told about an appointment that stands.
fn confirmation(entry: &Entry) -> ConfirmInsert {
    let reference = entry.reference.as_ref().filter(|_| entry.state != State::InDoubt);
    ConfirmInsert {
        pms_appointment_ids: reference.map(|reference| reference.0.clone()).into_iter().collect(),
        pms_patient_id: match reference.and_then(BookingReference::customer) {
            Some(customer) => customer.to_string(),
            None => entry.patient.clone(),
        },
    }
}
