//! A booking that a scenario leads through the state machine, event by event.

use chrono::{DateTime, TimeDelta, Utc};
use vetbridge::booking::entry::Entry;
use vetbridge::booking::flag::{Flag, Flagged};
use vetbridge::booking::machine::{
    Action, Ask, Event, MachineContext, Notice, Reply, SlotLook, SlotTaken, Step, Submission, next_look, step,
};
use vetbridge::booking::problem::{WhyItStands, WhyNotCancelled};
use vetbridge::clock::Measured;
use vetbridge::healthengine::ConfirmInsert;
use vetbridge::ids::{BookingId, BookingReference, PracticeId};

use crate::support::{at, circumstances, place};

pub(crate) const VISIT_HAS_BEGUN: WhyNotCancelled = WhyNotCancelled::Stands(WhyItStands::VisitHasBegun);

/// A booking made at second 0, and the state machine, whose clock is set by each event.
pub(crate) struct Case {
    pub(crate) entry: Entry,
    pub(crate) hold: bool,
    pub(crate) ahead: TimeDelta,
    /// True while the clock was set and Healthengine's was not read since.
    pub(crate) is_unsure: bool,
    /// How far the machine's clock was set forward,
    pub(crate) set: i64,
    /// and when the process began.
    pub(crate) began: i64,
    pub(crate) notices: Vec<Notice>,
}

impl Case {
    pub(crate) fn new() -> Self {
        let entry = Entry::received(BookingId(36_127_212), PracticeId("1".into()), Some(at(0)), "p-1".into(), at(1));
        Self {
            entry,
            hold: false,
            ahead: TimeDelta::zero(),
            is_unsure: false,
            set: 0,
            began: -86_400,
            notices: Vec::new(),
        }
    }

    /// The appointment stands, and Healthengine knows.
    pub(crate) fn made() -> Self {
        let mut case = Self::new();
        case.asked(2);
        case.looked(3, SlotTaken::None);
        case.submitted(4, created("603:be08"));
        case.replied(5, Reply::Accepted);
        case
    }

    pub(crate) fn holding() -> Self {
        Self { hold: true, ..Self::new() }
    }

    pub(crate) fn see(&mut self, second: i64, event: Event) -> Action {
        let circumstances = MachineContext {
            healthengine_ahead: self.ahead,
            ahead_is_sure: !self.is_unsure,
            measured: self.measured(second),
            hold: self.hold,
            ..circumstances(second + self.set)
        };
        let Step { entry, action, notices } = step(self.entry.clone(), event, &circumstances);
        self.entry = entry;
        self.notices.extend(notices);
        action
    }

    pub(crate) fn measured(&self, second: i64) -> Measured {
        Measured { began: at(self.began), now: at(second) }
    }

    /// When it is to be looked at again.
    pub(crate) fn next_look(&self, second: i64) -> Option<DateTime<Utc>> {
        next_look(&self.entry, TimeDelta::seconds(10), &self.measured(second))
    }

    pub(crate) fn asked(&mut self, second: i64) -> Action {
        self.see(second, Event::Asked(Ask::Insert(place())))
    }

    pub(crate) fn looked(&mut self, second: i64, taken: SlotTaken) -> Action {
        let refusal = (taken != SlotTaken::None).then(|| "The time is taken.".to_owned());
        self.see(second, Event::Looked(SlotLook::Seen { began: at(second), taken, refusal, withheld: None }))
    }

    pub(crate) fn unreachable(&mut self, second: i64) -> Action {
        self.see(second, Event::Looked(SlotLook::Unreachable("connection refused".into())))
    }

    pub(crate) fn submitted(&mut self, second: i64, submission: Submission) -> Action {
        self.see(second, Event::Submitted(submission))
    }

    pub(crate) fn replied(&mut self, second: i64, reply: Reply) -> Action {
        self.see(second, Event::Replied(reply))
    }

    pub(crate) fn problems(&self) -> usize {
        self.notices.iter().filter(|notice| matches!(notice, Notice::Problem(_))).count()
    }

    pub(crate) fn is_flagged(&self) -> bool {
        self.entry.needs_attention.is_some()
    }
}

/// What a person has to do about the booking.
pub(crate) fn flag(case: &Case) -> Option<&Flag> {
    case.entry.needs_attention.as_ref().and_then(Flagged::flag)
}

pub(crate) fn created(reference: &str) -> Submission {
    Submission::Created(BookingReference(reference.into()))
}

pub(crate) fn lost(server_is_through: bool) -> Submission {
    Submission::Lost { server_is_through, detail: "no answer".into() }
}

pub(crate) fn refused(text: &str) -> Submission {
    Submission::Refused(text.into())
}

pub(crate) fn confirm(ids: &[&str], patient: &str) -> Action {
    let pms_appointment_ids = ids.iter().map(ToString::to_string).collect();
    Action::Confirm(ConfirmInsert { pms_appointment_ids, pms_patient_id: patient.into() })
}
