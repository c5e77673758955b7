//! Sentences about bookings: reasons for Healthengine's support and the ledger, and what a person
//! has to do.
//!
//! They name bookings by number and appointments by time, never a pet owner.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::LazyLock;

use chrono::{DateTime, Utc};

use super::appointment_times::{dated, for_when, on_wall, when};
use super::rules;
use crate::booking::entry::{Entry, FlagOn, State};
use crate::booking::flag::{Flag, Flagged};
use crate::booking::problem::{BookingProblem, WhyNotCancelled};
use crate::booking::state_reason::{PostRefusal, StateReason};
use crate::ids::{BookingId, PracticeId};
use crate::openvpms::IN_THE_PAST;
use crate::zone::Zone;

/// The practice is off, and OpenVPMS could not be asked.
pub const SWITCHED_OFF: &str =
    "Online booking was switched off for this practice, and its system could not be reached before that.";

/// Begins the line of a person's, so that a record's line is known again as one.
const NOTE: &str = "Note: ";

/// What records of earlier versions say of an appointment that a person had cancelled.
const FORMER_CANCELLED_BY_PERSON: &str = "The practice cancelled the appointment by hand.";

/// Begins what became of a cancellation that vetbridge could not carry out; the reason follows.
const IN_VAIN: &str = "The pet owner cancelled at Healthengine, and the appointment stands: ";

/// Begins which rule turned a new client away; its number follows, and then the end.
const TURNED_AWAY_BY: &str = "New clients are turned away by rule ";
const OF_NEW_CLIENTS: &str = " (new_patients).";

/// Why a booking entered a state, for the history and Healthengine's support.
fn reason(reason: &StateReason) -> Cow<'_, str> {
    let sentence = match reason {
        StateReason::Listed => "Healthengine lists the booking.",
        StateReason::Adopted => "Adopted from the reference that Healthengine echoes.",
        StateReason::SlotIsFree => "The slot is free; the booking goes to OpenVPMS.",
        StateReason::Inserted => "OpenVPMS made the appointment.",
        StateReason::ConfirmationTaken => "Healthengine took the confirmation.",
        StateReason::Unlisted => "Healthengine does not list the booking any more.",
        StateReason::SettledWithoutUs => {
            "Healthengine does not list the booking any more, and did not take vetbridge's confirmation."
        }
        StateReason::Withdrawn => "The pet owner cancelled before the appointment was made.",
        StateReason::PostWithoutEffect => {
            "OpenVPMS's answer was lost and the slot is free: no appointment was made, so it is submitted again."
        }
        StateReason::NothingArrives => "OpenVPMS takes bookings but makes no appointment.",
        StateReason::TakenByAnother => "The time was taken by somebody else in the meantime.",
        StateReason::ProbablyOurs => {
            "OpenVPMS's answer was lost; the slot was free before and is taken, so the appointment stands in all \
             likelihood."
        }
        StateReason::PredatesStore => {
            "The slot is taken, and vetbridge's memory is younger than the booking: the appointment may be this \
             booking's."
        }
        StateReason::CannotLook => "OpenVPMS's answer was lost, and the schedule cannot be read any more.",
        StateReason::CancelledForOwner => "The pet owner cancelled; OpenVPMS cancelled the appointment.",
        StateReason::SwitchedOff => SWITCHED_OFF,
        StateReason::CancelledByStaff => "The practice cancelled the appointment.",
        StateReason::MovedByStaff => "The practice moved the appointment.",
        StateReason::MovedByStaffTo { from, to } => {
            return format!("The practice moved the appointment from {} to {}.", on_wall(*from), on_wall(*to)).into();
        }
        StateReason::ClinicianChangedByStaff => "The practice gave the appointment to another clinician, or to none.",
        StateReason::Interrupted => "vetbridge stopped while the booking was on its way to OpenVPMS.",
        StateReason::SeenByPerson => "A person looked into the diary: the appointment stands.",
        StateReason::CancelledByPerson => "A person at the practice had the appointment cancelled.",
        StateReason::MissedByPerson => "A person looked into the diary: there is no appointment.",
        StateReason::OwnerCalled => "A person called the pet owner: there is no appointment.",
        StateReason::NotNeeded => "A person settled it: there is no appointment, and none is needed.",
        StateReason::MadeByHand => {
            "A person made the appointment in OpenVPMS by hand. It has no online booking reference, so vetbridge \
             cannot cancel it."
        }
        StateReason::OwnerKnows => "A person settled it: the appointment stands, and the pet owner knows.",
        StateReason::OwnerKnowsOfMove(former) => {
            let former = on_wall(*former);
            return format!(
                "A person settled it: the pet owner knows of the new time. Healthengine still shows them {former}."
            )
            .into();
        }
        StateReason::HeardFromPerson => "Healthengine has the booking as confirmed.",
        StateReason::NotAskedAnyMore => {
            "Healthengine asks for no answer to the booking any more. The pet owner sees there what they saw before."
        }
        StateReason::CancelledThere => "Healthengine has the booking as cancelled by the pet owner.",
        StateReason::ToldYes => {
            "The pet owner was told that there is an appointment: Healthengine counts a booking as confirmed that is \
             not rejected within 20 seconds."
        }
        StateReason::OwnerCancelled => {
            "The pet owner cancelled at Healthengine. The appointment stands until OpenVPMS cancels it."
        }
        StateReason::OwnerCancelledInVain(why) => return format!("{IN_VAIN}{why}").into(),
        StateReason::RefusedAsTaken => "OpenVPMS refused the booking: its time was taken a moment before.",
        StateReason::AnsweredElsewhere => {
            "Somebody else answered the booking within seconds and its time is taken, so an appointment stands that \
             vetbridge did not make."
        }
        StateReason::LeftToAnother => {
            "The time is taken, perhaps by this booking's appointment from another vetbridge, which is left to answer."
        }
        StateReason::PerhapsAnothers => {
            "The time is taken and nobody else answers: the appointment may be this booking's, made by another \
             vetbridge."
        }
        StateReason::AnswerLost(detail) => {
            return format!("Nobody knows whether OpenVPMS made the appointment: {detail}.").into();
        }
        StateReason::NotSent(detail) => return format!("OpenVPMS did not take the booking: {detail}.").into(),
        StateReason::OutOfReach(detail) => {
            return format!("The practice's system cannot be reached ({detail}).").into();
        }
        StateReason::Refused(PostRefusal::AlreadyScheduled) => "The time is taken.",
        StateReason::Refused(PostRefusal::InThePast) => {
            return format!("OpenVPMS refused the booking: {IN_THE_PAST}.").into();
        }
        StateReason::Refused(PostRefusal::Other(text)) => {
            return format!("OpenVPMS refused the booking: {text}.").into();
        }
        StateReason::Unplaceable(why) => return why.to_string().into(),
        StateReason::NotOffered(rule) => return rules::refused(*rule).into(),
        StateReason::NewClient(message) => message,
        StateReason::TurnedAwayBy(number) => return format!("{TURNED_AWAY_BY}{number}{OF_NEW_CLIENTS}").into(),
        StateReason::Note(note) => return format!("{NOTE}{note}").into(),
        StateReason::Sentence(sentence) => sentence,
    };
    sentence.into()
}

impl fmt::Display for StateReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&reason(self))
    }
}

/// Reads a record.
impl From<String> for StateReason {
    fn from(sentence: String) -> Self {
        /// Looked into for each line of each booking when a ledger is read.
        static PLAIN: LazyLock<BTreeMap<String, StateReason>> =
            LazyLock::new(|| StateReason::PLAIN.into_iter().map(|plain| (plain.to_string(), plain)).collect());
        if let Some(note) = sentence.strip_prefix(NOTE) {
            return Self::Note(note.to_owned());
        }
        if let Some(why) = sentence.strip_prefix(IN_VAIN) {
            return Self::OwnerCancelledInVain(why.to_owned());
        }
        let rule = sentence.strip_prefix(TURNED_AWAY_BY).and_then(|rest| rest.strip_suffix(OF_NEW_CLIENTS));
        if let Some(Ok(number)) = rule.map(str::parse) {
            return Self::TurnedAwayBy(number);
        }
        if sentence == FORMER_CANCELLED_BY_PERSON {
            return Self::CancelledByPerson;
        }
        PLAIN.get(&sentence).cloned().unwrap_or(Self::Sentence(sentence))
    }
}

/// What a person has to do about a booking.
impl fmt::Display for FlagOn<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&flag(self.flag, self.entry, self.zone))
    }
}

/// Reads a record of a version that kept the sentence alone. It says of one flag only which it is:
/// the one that goes by itself.
impl From<String> for Flagged {
    fn from(sentence: String) -> Self {
        let flag = is_unseen(&sentence).then_some(Flag::Unseen);
        Self::new(flag, sentence)
    }
}

fn flag(flag: &Flag, entry: &Entry, zone: Zone) -> String {
    match flag {
        Flag::CheckTheDiary { may_be_anothers } => check_the_diary(entry, zone, *may_be_anothers),
        Flag::PerhapsMadeLate => perhaps_made_late(entry, zone),
        Flag::CannotCancel(why) => cannot_cancel(entry, zone, *why),
        Flag::PredatesStoreAndCancelled => maybe_forgotten_and_cancelled(entry, zone),
        Flag::PredatesStoreAndRejected => maybe_forgotten_and_rejected(entry, zone),
        Flag::PerhapsMadeBefore => maybe_made_before(entry, zone),
        Flag::Moved { from, other_clinician } => moved(entry, *from, *other_clinician, zone),
        Flag::AnotherClinician => another_clinician(entry, zone),
        Flag::OutOfSight => out_of_sight(entry, zone),
        Flag::GoneWithMany => gone_with_many(entry, zone),
        Flag::RejectedTooLate => rejected_too_late(entry, zone),
        Flag::NeverTold => never_told(entry, zone),
        Flag::SettledByHand => settled_by_hand(entry, zone),
        Flag::NotExpected => not_expected(entry, zone),
        Flag::Unseen => unseen(entry, zone),
        Flag::AnsweredElsewhere => super::other_bridge::answered_elsewhere(entry, zone),
        Flag::NewsIsOwed { is_refused: true } => super::resolve::unheard(entry, zone, super::resolve::REFUSED),
        Flag::NewsIsOwed { is_refused: false } => super::resolve::unheard(entry, zone, super::resolve::NO_ANSWER),
    }
}

/// What an administrator has to do about a booking of this practice.
pub fn problem(problem: &BookingProblem, booking: BookingId, practice: &PracticeId) -> String {
    match problem {
        BookingProblem::NotOffered(why) => super::unplaceable_bookings::not_offered(why, booking, practice),
        BookingProblem::UnexpectedRefusal(text) => unexpected_refusal(booking, text),
        BookingProblem::NothingArrives { submissions } => nothing_arrives(booking, *submissions),
        BookingProblem::PostNotTaken(detail) => post_not_taken(booking, detail),
        BookingProblem::AnswerRefused => answer_refused(booking),
    }
}

/// A refusal that says something is wrong with the set-up.
fn unexpected_refusal(booking: BookingId, text: &str) -> String {
    format!(
        "OpenVPMS refused booking {booking} with \"{text}\". Check the schedule and its appointment types in \
         OpenVPMS, then `vetbridge check`."
    )
}

/// Three POSTs and no appointment.
fn nothing_arrives(booking: BookingId, submissions: u32) -> String {
    format!(
        "Booking {booking} was submitted {submissions} times and OpenVPMS made no appointment. Likely causes: the \
         user that vetbridge logs in as lacks the Online Booking role, or OpenVPMS fails inside; its log says which."
    )
}

/// Reading works and booking does not.
fn post_not_taken(booking: BookingId, detail: &str) -> String {
    format!(
        "OpenVPMS can be read but does not take booking {booking}: {detail}. Check that nothing in front of OpenVPMS \
         (a proxy, a filter) holds back POST and DELETE below /openvpms/ws/booking."
    )
}

/// Healthengine keeps asking.
pub fn answer_refused(booking: BookingId) -> String {
    format!(
        "Healthengine refuses vetbridge's answer to booking {booking} and keeps asking. If it stays, ask \
         Healthengine's support about this booking."
    )
}

/// Somebody has to look into the diary.
fn check_the_diary(entry: &Entry, zone: Zone, forgotten: bool) -> String {
    let (booking, at) = (entry.booking_id, when(entry, zone));
    let doubt =
        if forgotten { "the appointment there may be somebody else's" } else { "it cannot be cancelled online" };
    format!("Check the diary for \"Healthengine booking {booking}\" at {at}: {doubt}.")
}

/// Rejected because somebody else has part of the time, while the request may lie in a queue.
fn perhaps_made_late(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, when(entry, zone));
    format!(
        "Check the diary for \"Healthengine booking {booking}\" at {at}: part of that time is taken by something \
         else, so vetbridge rejected the booking, but OpenVPMS may have made the appointment late. If it is there, \
         cancel it, and see that the pet owner knows."
    )
}

/// The pet owner does not come, and the diary says they do.
fn cannot_cancel(entry: &Entry, zone: Zone, why: WhyNotCancelled) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "The pet owner has cancelled Healthengine booking {booking} {at}, and vetbridge cannot cancel the appointment \
         ({why}): cancel it in OpenVPMS."
    )
}

/// Perhaps nobody comes to an appointment that an earlier store knew of.
fn maybe_forgotten_and_cancelled(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "The pet owner has cancelled Healthengine booking {booking} {at}, and vetbridge's memory is younger than the \
         booking: if the diary has an appointment with that number, cancel it in OpenVPMS."
    )
}

/// Perhaps an appointment that an earlier store knew of stands for a booking that was rejected.
fn maybe_forgotten_and_rejected(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "vetbridge rejected Healthengine booking {booking} {at} without a look into the diary, and its memory is \
         younger than the booking: if the diary has an appointment with that number, cancel it in OpenVPMS, and see \
         that the pet owner knows."
    )
}

/// Perhaps there are two appointments: an earlier store may have known of one that staff moved
/// since.
fn maybe_made_before(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "vetbridge made the appointment of Healthengine booking {booking} {at}, and its memory is younger than the \
         booking: if the diary has a second appointment with that number, cancel one of them in OpenVPMS."
    )
}

/// Healthengine has no call to move a booking.
fn moved(entry: &Entry, from: Option<DateTime<Utc>>, other_clinician: bool, zone: Zone) -> String {
    let (booking, to) = (entry.booking_id, when(entry, zone));
    let from = from.map_or_else(|| "its time".into(), |from| dated(from, zone));
    let with = if other_clinician { ", with another clinician or none" } else { "" };
    format!(
        "The practice moved Healthengine booking {booking} from {from} to {to}{with}. Healthengine cannot be told: \
         make sure that the pet owner knows."
    )
}

/// Nor one to tell that somebody else has it.
fn another_clinician(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "The practice gave Healthengine booking {booking} {at} to another clinician than the pet owner chose, or \
         to none. Healthengine cannot be told: make sure that the pet owner knows."
    )
}

/// Moved to a schedule that cannot be read, on a server that answers 500 for live bookings.
fn out_of_sight(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "The time of Healthengine booking {booking} {at} is free in the diary, and OpenVPMS does not say where the \
         appointment is: it was probably moved. Make sure that the pet owner knows."
    )
}

/// A restored database, perhaps.
fn gone_with_many(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "The appointment of Healthengine booking {booking} {at} is gone together with many others, so nothing was \
         cancelled at Healthengine. If OpenVPMS was restored from a backup, make the appointment again by hand."
    )
}

/// The pet owner counts on an appointment that does not exist.
fn rejected_too_late(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "There is no appointment for Healthengine booking {booking} {at}, and the pet owner was told there is: \
         call them (their number is at Healthengine)."
    )
}

/// The practice was switched off, and Healthengine had not taken what became of a booking.
fn never_told(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, when(entry, zone));
    let what = if entry.stands() { "there is" } else { "there is no longer, or never was," };
    format!(
        "Online booking was switched off before Healthengine took what became of booking {booking}: {what} an \
         appointment at {at} in OpenVPMS. If the pet owner was told something else, call them (their number is at \
         Healthengine)."
    )
}

/// Healthengine was told something by hand while we were still at it.
fn settled_by_hand(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    format!(
        "Healthengine booking {booking} {at} was settled by hand before vetbridge made an appointment: if the pet \
         owner expects one, make it in OpenVPMS."
    )
}

/// The same when the appointment was made already, and no confirmation arrived.
fn not_expected(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    let stands = if entry.state == State::InDoubt { "stands in all likelihood" } else { "stands" };
    format!(
        "An appointment {stands} for Healthengine booking {booking} {at} and Healthengine does not expect it: the \
         booking was settled there before it took vetbridge's confirmation. Look the booking up at Healthengine; \
         unless it is confirmed there, cancel the appointment in OpenVPMS."
    )
}

/// Stands in the sentence of [`Flag::Unseen`] and in no other.
const UNSEEN: &str = "it refused vetbridge's answers, and has not listed the booking for ten minutes";

/// True of a record's sentence that says so. One that a person tried to settle says more.
fn is_unseen(sentence: &str) -> bool {
    sentence.contains(UNSEEN) && !super::resolve::tells_of_an_attempt(sentence)
}

/// Every answer was refused, and the list is never read whole.
fn unseen(entry: &Entry, zone: Zone) -> String {
    let (booking, at) = (entry.booking_id, for_when(entry, zone));
    let (fact, likely, remedy) = match entry.state {
        State::Rejected => (
            "There is no appointment for",
            "it was settled by hand there in all likelihood",
            "if it is confirmed there, make the appointment in OpenVPMS",
        ),
        State::Received
        | State::Submitting
        | State::Inserted
        | State::Confirmed
        | State::InDoubt
        | State::Cancelled => (
            "An appointment stands for",
            "Healthengine does not expect it in all likelihood",
            "unless it is confirmed there, cancel the appointment in OpenVPMS",
        ),
    };
    format!(
        "{fact} Healthengine booking {booking} {at}, and {likely}: {UNSEEN}, \
         as far as its list can be read. Look the booking up at Healthengine; {remedy}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_rejection_before_openvpms_was_ever_read_does_not_say_the_same_twice() {
        let never = StateReason::OutOfReach(crate::messages::practice::NEVER_READ.into()).to_string();
        assert_eq!(never.matches("practice's system").count(), 1, "{never}");
        assert_eq!(never.matches("reached").count(), 1, "{never}");
    }

    #[test]
    fn the_flag_that_goes_by_itself_is_known_again_in_a_record_unless_a_person_tried_to_settle_it() {
        let entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), DateTime::UNIX_EPOCH);
        let zone = Zone::Iana(chrono_tz::UTC);
        let flagged = |flag: Flag| {
            let sentence = FlagOn { flag: &flag, entry: &entry, zone }.to_string();
            Flagged::new(Some(flag), sentence)
        };
        let unseen = flagged(Flag::Unseen);
        let reread = |flagged: &Flagged| Flagged::from(flagged.to_string());
        assert_eq!((reread(&unseen).flag(), &reread(&unseen)), (Some(&Flag::Unseen), &unseen));
        assert_eq!(reread(&unseen.after_failed_resolution("x")).flag(), None);
        assert_eq!(unseen.after_failed_resolution("x").flag(), Some(&Flag::Unseen));
        assert_eq!(reread(&flagged(Flag::NotExpected)).flag(), None);
    }
}
