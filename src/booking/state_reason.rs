//! Why a booking entered a state: a value. `messages` has the sentence for each, and knows the
//! reason again by it.

use chrono::NaiveDateTime;
use serde::{Deserialize, Serialize};

use super::problem::Unplaceable;
use crate::availability::rules::RuleAt;
use crate::openvpms::{ALREADY_SCHEDULED, IN_THE_PAST};

/// Why a booking entered a state. The store keeps the sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub enum StateReason {
    /// Healthengine lists the booking.
    Listed,
    /// Healthengine echoes a reference of a booking that the ledger does not know.
    Adopted,
    /// The slot is free.
    SlotIsFree,
    /// OpenVPMS made the appointment.
    Inserted,
    /// Healthengine took the confirmation.
    ConfirmationTaken,
    /// Healthengine stopped asking.
    Unlisted,
    /// Healthengine stopped asking, and took no confirmation of ours.
    SettledWithoutUs,
    /// The pet owner cancelled before the appointment was made.
    Withdrawn,
    /// A POST left nothing in the diary.
    PostWithoutEffect,
    /// Too many POSTs left nothing in the diary.
    NothingArrives,
    /// The answer to a POST was lost, and part of the slot is taken.
    TakenByAnother,
    /// The answer to a POST was lost, and all of the slot is taken.
    ProbablyOurs,
    /// The slot is taken, and the store is younger than the booking.
    PredatesStore,
    /// The answer to a POST was lost, and the schedule cannot be read any more.
    CannotLook,
    /// The pet owner cancelled, and so did OpenVPMS.
    CancelledForOwner,
    /// The practice was switched off, and OpenVPMS could not be asked.
    SwitchedOff,
    /// Staff cancelled the appointment.
    CancelledByStaff,
    /// Staff moved the appointment; from where nobody knows.
    MovedByStaff,
    /// Staff moved the appointment, by the practice's clocks.
    MovedByStaffTo {
        /// From this time,
        from: NaiveDateTime,
        /// to this one.
        to: NaiveDateTime,
    },
    /// Staff gave the appointment to another clinician, or to none.
    ClinicianChangedByStaff,
    /// The process stopped while a POST was under way.
    Interrupted,
    /// A person looked: the appointment stands.
    SeenByPerson,
    /// A person looked: there is no appointment.
    MissedByPerson,
    /// A person wants it cancelled, or did it.
    CancelledByPerson,
    /// A person settled a booking that was rejected too late: its pet owner knows.
    OwnerCalled,
    /// A person settled a booking that has no appointment: none is needed.
    NotNeeded,
    /// A person made the appointment by hand: OpenVPMS has no reference for it.
    MadeByHand,
    /// A person told the pet owner what staff changed.
    OwnerKnows,
    /// A person told the pet owner of the new time. Healthengine still shows this one, by the
    /// practice's clocks.
    OwnerKnowsOfMove(NaiveDateTime),
    /// Healthengine has what a person said.
    HeardFromPerson,
    /// A person settled it, and Healthengine asks for no answer.
    NotAskedAnyMore,
    /// A person settled it, and Healthengine has it as cancelled by its pet owner.
    CancelledThere,
    /// Healthengine had told the pet owner yes before the rejection reached it.
    ToldYes,
    /// The pet owner cancelled, and OpenVPMS has the appointment still.
    OwnerCancelled,
    /// The pet owner cancelled, and vetbridge cannot cancel the appointment, for this reason.
    OwnerCancelledInVain(String),
    /// OpenVPMS refused the POST because the time was taken a moment before; whose appointment it
    /// is has to show.
    RefusedAsTaken,
    /// Somebody else answered within seconds, and the time is taken.
    AnsweredElsewhere,
    /// The time is taken, perhaps by this booking's appointment from another bridge.
    LeftToAnother,
    /// The same, and nobody else answered.
    PerhapsAnothers,
    /// The answer to a POST was lost, in this way.
    AnswerLost(String),
    /// A POST was not taken, for this reason.
    NotSent(String),
    /// OpenVPMS cannot be reached, for this reason.
    OutOfReach(String),
    /// OpenVPMS refused the POST.
    Refused(PostRefusal),
    /// What is asked for has no place in the diary.
    Unplaceable(Unplaceable),
    /// A rule of the practice withholds the time, and it was not offered.
    NotOffered(RuleAt),
    /// A rule of the practice turns new clients away, in these words.
    NewClient(String),
    /// Which rule that is, by its number among the practice's rules. Healthengine is told its words
    /// alone.
    TurnedAwayBy(u32),
    /// A line of a person's, as they typed it. It can name a patient although it should not, so it
    /// is neither logged nor sent to Healthengine ([`Entry::last_reason`](super::entry::Entry)).
    Note(String),
    /// A sentence: of what was seen of the slot, or read from a record.
    Sentence(String),
}

impl StateReason {
    /// The reasons whose sentences have no details, so that a record's sentence says which it is.
    pub(crate) const PLAIN: [Self; 36] = [
        Self::Listed,
        Self::Adopted,
        Self::SlotIsFree,
        Self::Inserted,
        Self::ConfirmationTaken,
        Self::Unlisted,
        Self::SettledWithoutUs,
        Self::Withdrawn,
        Self::PostWithoutEffect,
        Self::NothingArrives,
        Self::TakenByAnother,
        Self::ProbablyOurs,
        Self::PredatesStore,
        Self::CannotLook,
        Self::CancelledForOwner,
        Self::SwitchedOff,
        Self::CancelledByStaff,
        Self::MovedByStaff,
        Self::ClinicianChangedByStaff,
        Self::Interrupted,
        Self::SeenByPerson,
        Self::MissedByPerson,
        Self::CancelledByPerson,
        Self::OwnerCalled,
        Self::NotNeeded,
        Self::MadeByHand,
        Self::OwnerKnows,
        Self::HeardFromPerson,
        Self::NotAskedAnyMore,
        Self::CancelledThere,
        Self::ToldYes,
        Self::OwnerCancelled,
        Self::RefusedAsTaken,
        Self::AnsweredElsewhere,
        Self::LeftToAnother,
        Self::PerhapsAnothers,
    ];

    /// True of what stands in a history beside the reasons for its states: what a person noted,
    /// what the pet owner did or was told, or which rule turned them away. Healthengine's
    /// support is given the reason of the state.
    pub fn is_beside(&self) -> bool {
        matches!(
            self,
            Self::Note(_)
                | Self::ToldYes
                | Self::OwnerCancelled
                | Self::OwnerCancelledInVain(_)
                | Self::TurnedAwayBy(_)
        )
    }

    /// True of what a person settled.
    pub fn is_by_person(&self) -> bool {
        matches!(
            self,
            Self::SeenByPerson
                | Self::MissedByPerson
                | Self::CancelledByPerson
                | Self::OwnerCalled
                | Self::NotNeeded
                | Self::MadeByHand
                | Self::OwnerKnows
                | Self::OwnerKnowsOfMove(_)
        )
    }

    /// True if the appointment that stands may be somebody else's.
    pub fn may_be_anothers(&self) -> bool {
        matches!(self, Self::PredatesStore | Self::PerhapsAnothers)
    }
}

impl From<&str> for StateReason {
    fn from(sentence: &str) -> Self {
        Self::from(sentence.to_owned())
    }
}

impl From<StateReason> for String {
    fn from(reason: StateReason) -> Self {
        reason.to_string()
    }
}

/// Why OpenVPMS refused a POST, read from its words at one place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PostRefusal {
    /// The time is taken.
    AlreadyScheduled,
    /// The time is past.
    InThePast,
    /// In these words, which say that something is wrong with the set-up.
    Other(String),
}

impl From<String> for PostRefusal {
    fn from(text: String) -> Self {
        if text.starts_with(ALREADY_SCHEDULED) {
            Self::AlreadyScheduled
        } else if text == IN_THE_PAST {
            Self::InThePast
        } else {
            Self::Other(text)
        }
    }
}

impl From<&str> for PostRefusal {
    fn from(text: &str) -> Self {
        Self::from(text.to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sentence_that_was_stored_reads_back_as_its_reason_and_any_other_as_itself() {
        for reason in StateReason::PLAIN {
            assert_eq!(StateReason::from(reason.to_string()), reason);
        }
        let details = [
            StateReason::AnswerLost("x".into()),
            StateReason::OutOfReach("x".into()),
            StateReason::Refused(PostRefusal::AlreadyScheduled),
            StateReason::Note("looked".into()),
        ];
        for reason in details {
            assert_eq!(StateReason::from(reason.to_string()).to_string(), reason.to_string());
        }
        let in_vain = StateReason::OwnerCancelledInVain("The visit has begun.".into());
        assert_eq!(StateReason::from(in_vain.to_string()), in_vain, "it is beside the state after a restart too");
        let turned_away = StateReason::TurnedAwayBy(3);
        assert_eq!(StateReason::from(turned_away.to_string()), turned_away);
        assert!(turned_away.is_beside(), "Healthengine is told what the rule says, after a restart too");
        let note = StateReason::Note("looked".into());
        assert_eq!(StateReason::from(note.to_string()), note, "what a person typed is never taken for a sentence");
    }
}
