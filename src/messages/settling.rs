//! The words of the pages on which a person settles a booking: the buttons, what they do, and why
//! a verdict cannot be true. Where [`super::resolve`] names an option of the command, these name a
//! button or a field of the page.

use std::fmt;

use super::resolve::reference_elsewhere;
use crate::booking::entry::{Entry, State};
use crate::booking::flag::Flag;
use crate::booking::resolution::Objection;
use crate::booking::state_reason::StateReason;

/// What a button says became of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PressedVerdict {
    /// The appointment stands.
    Confirmed,
    /// There is no appointment.
    Rejected,
    /// The appointment is to go, or is gone.
    Cancelled,
}

impl PressedVerdict {
    /// All.
    pub const ALL: [Self; 3] = [Self::Confirmed, Self::Rejected, Self::Cancelled];

    /// The word in addresses and forms; the API takes the same.
    pub fn name(self) -> &'static str {
        match self {
            Self::Confirmed => "confirmed",
            Self::Rejected => "rejected",
            Self::Cancelled => "cancelled",
        }
    }

    /// The verdict of this word.
    pub fn of(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|verdict| verdict.name() == name)
    }

    /// The button, where nothing is known of what the person found.
    pub fn label(self) -> &'static str {
        match self {
            Self::Confirmed => "It is in the diary",
            Self::Rejected => "There is no appointment",
            Self::Cancelled => "Cancel the appointment",
        }
    }

    /// What it does to a booking.
    pub fn effect(self, entry: &Entry) -> &'static str {
        match (self, flag(entry)) {
            (Self::Confirmed, Some(Flag::Moved { .. } | Flag::AnotherClinician | Flag::OutOfSight)) => {
                return "The appointment stands as the diary has it, and the pet owner knows. Healthengine goes on \
                        showing what was booked, and hears nothing.";
            }
            (Self::Confirmed, Some(Flag::CannotCancel(_))) => {
                return "The appointment stays in the diary, and the visit takes place although the pet owner \
                        cancelled. Healthengine goes on showing the booking as cancelled.";
            }
            (Self::Cancelled, Some(Flag::CannotCancel(_))) => {
                return "The appointment does not take place. vetbridge looks whether OpenVPMS still has it and, if \
                        so, asks once more to have it cancelled; then Healthengine is told.";
            }
            _ => {}
        }
        match self {
            Self::Confirmed if is_made_by_hand(entry) => {
                "An appointment for this booking is in the diary, and the visit takes place. Healthengine is told that \
                 the booking is confirmed, if it still asks. It goes on showing the pet owner the time that they \
                 booked: if the appointment is at another time, tell them. An appointment that was made by hand has \
                 no online booking reference, so vetbridge cannot cancel it: if the pet owner cancels online, this \
                 page asks for a person."
            }
            Self::Confirmed => {
                "The appointment is in the diary, and the visit takes place. Healthengine is told that the booking \
                 is confirmed, if it does not know yet. If vetbridge does not know the appointment's reference, type \
                 it below."
            }
            Self::Rejected => {
                "There is no appointment in the diary, and there will be none. Healthengine is told that the booking \
                 is rejected, or cancelled if it is too late for that, and tells the pet owner."
            }
            Self::Cancelled => {
                "The appointment is to go, or is gone. vetbridge cancels it in OpenVPMS if it still stands, and tells \
                 Healthengine."
            }
        }
    }
}

/// A button: what it says of the booking, and its label.
pub type VerdictButton = (PressedVerdict, &'static str);

/// The buttons of a booking, named after what its flag asks a person to do. Of a booking that needs
/// nobody the appointment can be cancelled, if it stands.
pub fn buttons(entry: &Entry) -> Vec<VerdictButton> {
    use PressedVerdict::{Cancelled, Confirmed, Rejected};
    let plain = |verdict: PressedVerdict| (verdict, verdict.label());
    let Some(flagged) = &entry.needs_attention else {
        return if entry.stands() { vec![plain(Cancelled)] } else { Vec::new() };
    };
    // An old record has the sentence alone: then all three.
    let Some(flag) = flagged.flag() else { return PressedVerdict::ALL.map(plain).to_vec() };
    let as_it_is = match entry.state {
        State::Received | State::Submitting | State::Inserted | State::Confirmed | State::InDoubt => Confirmed,
        State::Rejected => Rejected,
        State::Cancelled => Cancelled,
    };
    match flag {
        Flag::CheckTheDiary { .. } | Flag::AnsweredElsewhere => PressedVerdict::ALL.map(plain).to_vec(),
        Flag::PerhapsMadeLate => vec![plain(Rejected), (Cancelled, I_HAVE_CANCELLED_IT)],
        Flag::CannotCancel(_) => vec![(Cancelled, I_HAVE_CANCELLED_IT), (Confirmed, "The visit takes place after all")],
        Flag::PredatesStoreAndCancelled => vec![(Cancelled, "The diary has no such appointment any more")],
        Flag::PredatesStoreAndRejected => vec![(Rejected, "The diary has no such appointment any more")],
        Flag::PerhapsMadeBefore => vec![(Confirmed, "The diary has one appointment"), plain(Cancelled)],
        Flag::Moved { .. } | Flag::AnotherClinician => vec![(Confirmed, THE_PET_OWNER_KNOWS), plain(Cancelled)],
        Flag::OutOfSight => vec![(Confirmed, "It stands, and the pet owner knows"), plain(Cancelled)],
        Flag::GoneWithMany => vec![
            (Confirmed, "The appointment is in the diary again"),
            (Cancelled, "The appointment is gone, and stays so"),
        ],
        Flag::RejectedTooLate => vec![(Rejected, "I have called the pet owner"), (Confirmed, I_HAVE_MADE_IT)],
        Flag::NeverTold => vec![(as_it_is, THE_PET_OWNER_KNOWS)],
        Flag::SettledByHand => vec![(Rejected, "No appointment is needed"), (Confirmed, I_HAVE_MADE_IT)],
        Flag::Unseen if entry.state == State::Rejected => vec![plain(Rejected), (Confirmed, I_HAVE_MADE_IT)],
        Flag::NotExpected | Flag::Unseen => {
            vec![(Confirmed, "It is confirmed at Healthengine"), plain(Cancelled)]
        }
        Flag::NewsIsOwed { .. } => vec![(as_it_is, "Tell Healthengine again")],
    }
}

fn flag(entry: &Entry) -> Option<&Flag> {
    entry.needs_attention.as_ref()?.flag()
}

/// True if the button says itself that the appointment was seen, whatever OpenVPMS answers: a visit
/// takes place although the pet owner cancelled.
pub fn implies_seen(entry: &Entry, verdict: PressedVerdict) -> bool {
    verdict == PressedVerdict::Confirmed && matches!(flag(entry), Some(Flag::CannotCancel(_)))
}

/// True if a person who confirms has to say which appointment it is. vetbridge knows that of one
/// that it found in the diary itself.
pub fn asks_which_appointment(entry: &Entry) -> bool {
    let found = matches!(
        flag(entry),
        Some(
            Flag::Moved { .. }
                | Flag::AnotherClinician
                | Flag::OutOfSight
                | Flag::CannotCancel(_)
                | Flag::NeverTold
                | Flag::NewsIsOwed { .. }
        )
    );
    !found || entry.reference.is_none()
}

/// True of a booking of which an appointment can only have been made by hand: vetbridge made none.
pub fn is_made_by_hand(entry: &Entry) -> bool {
    entry.reference.is_none() && !entry.stands()
}

/// What a settled booking is at Healthengine.
pub fn at_healthengine(entry: &Entry) -> String {
    let last = entry.history.last().map(|last| &last.reason);
    match (entry.state, last) {
        _ if entry.owed().is_some() => "Healthengine does not know yet. vetbridge goes on telling it.".to_owned(),
        (
            _,
            Some(
                own @ (StateReason::HeardFromPerson
                | StateReason::NotAskedAnyMore
                | StateReason::CancelledThere
                | StateReason::Unlisted),
            ),
        ) => own.to_string(),
        (State::Rejected | State::Cancelled, _) => "Healthengine has no appointment of it any more.".to_owned(),
        (State::Received | State::Submitting | State::Inserted | State::Confirmed | State::InDoubt, _) => String::new(),
    }
}

/// The label of a verdict on the page of this booking.
pub fn label(entry: &Entry, verdict: PressedVerdict) -> &'static str {
    let own = buttons(entry).into_iter().find(|(own, _)| *own == verdict);
    own.map_or(verdict.label(), |(_, label)| label)
}

const I_HAVE_CANCELLED_IT: &str = "I have cancelled it in OpenVPMS";
const I_HAVE_MADE_IT: &str = "I have made the appointment";
const THE_PET_OWNER_KNOWS: &str = "The pet owner knows";

/// The button that settles.
pub const SETTLE: &str = "Yes, settle it";
/// The checkbox that makes OpenVPMS's word count for nothing.
pub const SAW_IT: &str = "I saw it in the diary, whatever OpenVPMS answers";
/// The checkbox of an appointment that has no reference.
pub const BY_HAND: &str = "It was made by hand in OpenVPMS, so it has no such reference";
/// The field for a reference.
pub const REFERENCE: &str = "Reference of the appointment, as in OpenVPMS (if another than vetbridge knows)";
/// Before the other buttons, once a verdict was refused.
pub const OTHER_ANSWERS: &str = "Other answers:";
/// What a note is for.
pub const NOTE_HINT: &str =
    "A note (optional, at most 200 characters, kept as typed: nothing about the pet owner or the pet)";

/// An objection for somebody on the page of a booking.
#[derive(Debug, Clone, Copy)]
pub struct OnThePage<'a> {
    /// Why it cannot be true.
    pub objection: &'a Objection,
    /// The booking, whose buttons are named.
    pub entry: &'a Entry,
}

impl fmt::Display for OnThePage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [confirm, reject, cancel] = PressedVerdict::ALL.map(|verdict| label(self.entry, verdict));
        let tick = format!("tick \"{SAW_IT}\" under \"{confirm}\" and settle it again");
        match self.objection {
            // They name nothing of the command.
            Objection::IsCancelled | Objection::IsRejected | Objection::BadReference => self.objection.fmt(f),
            Objection::OnItsWay => f.write_str(
                "The booking is on its way to OpenVPMS, and vetbridge still finds out whether the appointment was \
                 made. It settles by itself, or the status page asks for a person, once OpenVPMS can be read",
            ),
            Objection::IsGivenUp => write!(
                f,
                "The pet owner cancelled this booking at Healthengine. If the appointment is to go, choose \
                 \"{cancel}\". If the visit takes place all the same, {tick}"
            ),
            Objection::NeedsReference => f.write_str(
                "vetbridge knows no appointment of this booking: tick \"It was made by hand in OpenVPMS, so it has no \
                 such reference\", or type its reference into the field \"Reference of the appointment\"",
            ),
            Objection::IsGone => write!(
                f,
                "OpenVPMS has no such booking: it was cancelled or never made. If there is no appointment, choose \
                 \"{reject}\" or \"{cancel}\". If another one was made by hand, leave the field \"Reference of the \
                 appointment\" empty and {tick}"
            ),
            Objection::Foreign => f.write_str(
                "OpenVPMS did not write this reference. Copy the whole of it, or leave the field \"Reference of the \
                 appointment\" empty: an appointment that was made by hand has none",
            ),
            Objection::Unseen => write!(
                f,
                "OpenVPMS does not say where this booking stands (status 500). Some servers answer so for every \
                 booking that stands; if you saw it in the diary at its time, {tick}"
            ),
            Objection::ItStands => write!(
                f,
                "OpenVPMS has the appointment in the diary. If it is to go, choose \"{cancel}\", which cancels it in \
                 both systems; if it is right, choose \"{confirm}\""
            ),
            Objection::PerhapsItStands => write!(
                f,
                "OpenVPMS does not say whether the appointment stands (status 500), and some servers answer so for \
                 every one that does. Choose \"{cancel}\", which makes sure of it"
            ),
            Objection::VisitHasBegun => write!(
                f,
                "OpenVPMS does not cancel the appointment, because the visit has begun or is over. If the visit takes \
                 place, choose \"{confirm}\"; else cancel it in OpenVPMS first"
            ),
            Objection::StandsElsewhere { there, here } => {
                let elsewhere = reference_elsewhere(there, here.as_ref());
                write!(f, "{elsewhere}. If it is the right one all the same, {tick}")
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate};

    use super::*;
    use crate::booking::flag::Flagged;
    use crate::booking::problem::WhyNotCancelled;
    use crate::booking::resolution::ScheduleAndTime;
    use crate::ids::{BookingId, PracticeId, ScheduleId};

    #[test]
    fn no_objection_on_the_page_speaks_of_the_command_line() {
        let start = NaiveDate::from_ymd_opt(2027, 2, 15).unwrap().and_hms_opt(9, 0, 0).unwrap();
        let mut entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), DateTime::UNIX_EPOCH);
        let place = ScheduleAndTime { schedule: ScheduleId(136), start };
        for objection in [
            Objection::BadReference,
            Objection::OnItsWay,
            Objection::IsCancelled,
            Objection::IsRejected,
            Objection::IsGivenUp,
            Objection::NeedsReference,
            Objection::IsGone,
            Objection::Foreign,
            Objection::Unseen,
            Objection::ItStands,
            Objection::PerhapsItStands,
            Objection::VisitHasBegun,
            Objection::StandsElsewhere { there: place, here: Some(place) },
            Objection::StandsElsewhere { there: place, here: None },
        ] {
            let said = OnThePage { objection: &objection, entry: &entry }.to_string();
            let is_of_the_page = !said.contains("--") && !said.contains("resolve") && !said.contains("ledger");
            assert!(is_of_the_page && !said.contains("  ") && !said.ends_with('.'), "{said}");
        }
        let flag = Flag::CannotCancel(WhyNotCancelled::Refused);
        entry.needs_attention = Some(Flagged::new(Some(flag), "Cancel it.".into()));
        let said = OnThePage { objection: &Objection::VisitHasBegun, entry: &entry }.to_string();
        assert!(said.contains("choose \"The visit takes place after all\""), "its own buttons are named: {said}");
    }

    #[test]
    fn the_buttons_are_named_after_what_the_flag_asks_for() {
        let plain = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), DateTime::UNIX_EPOCH);
        let labels = |state: State, flag: Option<Flag>| {
            let needs_attention = Some(Flagged::new(flag, "Look into the diary.".into()));
            let entry = Entry { state, needs_attention, ..plain.clone() };
            let all = buttons(&entry);
            assert!(all.iter().all(|(verdict, own)| label(&entry, *verdict) == *own));
            all.into_iter().map(|(verdict, label)| format!("{}: {label}", verdict.name())).collect::<Vec<_>>()
        };
        assert!(buttons(&plain).is_empty());
        let stands = Entry { state: State::Confirmed, ..plain.clone() };
        assert_eq!(buttons(&stands), [(PressedVerdict::Cancelled, "Cancel the appointment")]);
        // Of a flag that was read from an old record only the sentence is known.
        assert_eq!(labels(State::InDoubt, None).len(), 3);
        assert_eq!(labels(State::InDoubt, Some(Flag::CheckTheDiary { may_be_anothers: false })).len(), 3);
        assert_eq!(
            labels(State::Confirmed, Some(Flag::Moved { from: None, other_clinician: false })),
            ["confirmed: The pet owner knows", "cancelled: Cancel the appointment"]
        );
        assert_eq!(
            labels(State::Confirmed, Some(Flag::CannotCancel(WhyNotCancelled::Refused))),
            ["cancelled: I have cancelled it in OpenVPMS", "confirmed: The visit takes place after all"]
        );
        for (state, name) in [(State::Confirmed, "confirmed"), (State::Rejected, "rejected")] {
            let again = labels(state, Some(Flag::NewsIsOwed { is_refused: true }));
            assert_eq!(again, [format!("{name}: Tell Healthengine again")]);
        }
    }

    #[test]
    fn the_words_of_the_verdicts_are_those_of_the_api() {
        for verdict in PressedVerdict::ALL {
            assert_eq!(PressedVerdict::of(verdict.name()), Some(verdict));
        }
        assert_eq!(PressedVerdict::of("settled"), None);
    }
}
