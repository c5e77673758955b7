//! What a person has to do about a booking. A value with the sentence that was said of it.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::problem::WhyNotCancelled;

/// What a person has to do about a booking. Records have these names: they are for good.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Flag {
    /// Look whether the appointment that stands is this booking's.
    CheckTheDiary {
        /// True if it may be somebody else's.
        may_be_anothers: bool,
    },
    /// Look whether a rejected booking's appointment was made late.
    PerhapsMadeLate,
    /// Cancel the appointment in OpenVPMS: the pet owner cancelled, and it cannot be from here, for
    /// this reason.
    CannotCancel(WhyNotCancelled),
    /// Look for an appointment of a booking that its pet owner cancelled and that is older than the
    /// store.
    PredatesStoreAndCancelled,
    /// Look for an appointment of a booking that was rejected unseen and that is older than the
    /// store.
    PredatesStoreAndRejected,
    /// Look for a second appointment of a booking that is older than the store.
    PerhapsMadeBefore,
    /// Tell the pet owner that staff moved the appointment.
    Moved {
        /// From here.
        from: Option<DateTime<Utc>>,
        /// True if the pet owner chose a clinician and sees another one.
        other_clinician: bool,
    },
    /// Tell the pet owner that staff gave the appointment to another clinician.
    AnotherClinician,
    /// Find out where the appointment is.
    OutOfSight,
    /// Find out why many appointments are gone at once.
    GoneWithMany,
    /// Call the pet owner, who was told yes.
    RejectedTooLate,
    /// Call the pet owner, if they were told something else: the practice was switched off.
    NeverTold,
    /// Make the appointment, if the pet owner expects one: the booking was settled by hand.
    SettledByHand,
    /// Look the booking up at Healthengine, which does not expect the appointment.
    NotExpected,
    /// Look the booking up at Healthengine, which refused every answer and does not list it.
    Unseen,
    /// Compare: another bridge answered.
    AnsweredElsewhere,
    /// Healthengine does not know yet what a person said.
    NewsIsOwed {
        /// True if it refuses the news; else it does not answer.
        is_refused: bool,
    },
}

/// A flag and the sentence that operators read. Two are equal if they say the same.
#[derive(Debug, Clone)]
pub struct Flagged {
    /// `None` where only the sentence says it: in a record of a version that kept nothing else.
    flag: Option<Flag>,
    /// True once a person tried to settle it and failed.
    was_tried: bool,
    sentence: String,
}

impl Flagged {
    /// A flag in this sentence, which says what a person has to do about the booking as it is.
    pub fn new(flag: Option<Flag>, sentence: String) -> Self {
        Self { flag, was_tried: false, sentence }
    }

    /// The same, as a record has it.
    pub(super) fn of_record(flag: Flag, was_tried: bool, sentence: String) -> Self {
        Self { flag: Some(flag), was_tried, sentence }
    }

    /// The same, after a person's attempt to settle it failed for this reason. It asks for what it
    /// asked for.
    pub fn after_failed_resolution(&self, why: &str) -> Self {
        let sentence = FailedAttempt { sentence: &self.sentence, why }.to_string();
        Self { flag: self.flag.clone(), was_tried: true, sentence }
    }

    /// What a person has to do, if more is known of it than the sentence.
    pub fn flag(&self) -> Option<&Flag> {
        self.flag.as_ref()
    }

    /// True once a person tried to settle it and failed.
    pub(super) fn was_tried(&self) -> bool {
        self.was_tried
    }

    /// True of a flag that is of no matter once Healthengine lists the booking again. What a person
    /// began, a person ends.
    pub(super) fn goes_by_itself(&self) -> bool {
        self.flag == Some(Flag::Unseen) && !self.was_tried
    }
}

/// What a flag says once an attempt to settle it failed. `messages` displays it.
#[derive(Debug, Clone, Copy)]
pub struct FailedAttempt<'a> {
    /// What it said before.
    pub sentence: &'a str,
    /// Why the attempt failed.
    pub why: &'a str,
}

impl PartialEq for Flagged {
    fn eq(&self, other: &Self) -> bool {
        self.sentence == other.sentence
    }
}

impl Eq for Flagged {}

impl Deref for Flagged {
    type Target = str;

    fn deref(&self) -> &str {
        &self.sentence
    }
}

impl fmt::Display for Flagged {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.sentence)
    }
}

impl From<&str> for Flagged {
    fn from(sentence: &str) -> Self {
        Self::from(sentence.to_owned())
    }
}
