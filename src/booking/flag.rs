//! What a person has to do about a booking. A value with the sentence that was said of it.

use std::fmt;
use std::ops::Deref;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use super::entry::Entry;
use crate::messages::booking as say;
use crate::zone::Zone;

/// What a person has to do about a booking.
#[derive(Debug, Clone, PartialEq, Eq)]
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
    CannotCancel(String),
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
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(from = "String", into = "String")]
pub struct Flagged {
    /// `None` where only the sentence says it: in a record, and after a failed resolution.
    flag: Option<Flag>,
    sentence: String,
}

impl Flagged {
    /// What a person has to do about the booking as it is.
    pub fn new(flag: Flag, entry: &Entry, zone: Zone) -> Self {
        let sentence = say::flag(&flag, entry, zone);
        Self { flag: Some(flag), sentence }
    }

    /// The same, after a person's attempt to settle it failed for this reason.
    pub fn after_failed_resolution(&self, why: &str) -> Self {
        Self { flag: None, sentence: crate::messages::resolve::unresolved(&self.sentence, why) }
    }

    /// What a person has to do, if more is known of it than the sentence.
    pub fn flag(&self) -> Option<&Flag> {
        self.flag.as_ref()
    }
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

/// Reads a record. It says of one flag only which it is: the one that goes by itself.
impl From<String> for Flagged {
    fn from(sentence: String) -> Self {
        let flag = say::is_unseen(&sentence).then_some(Flag::Unseen);
        Self { flag, sentence }
    }
}

impl From<&str> for Flagged {
    fn from(sentence: &str) -> Self {
        Self::from(sentence.to_owned())
    }
}

impl From<Flagged> for String {
    fn from(flagged: Flagged) -> Self {
        flagged.sentence
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{BookingId, PracticeId};

    #[test]
    fn the_flag_that_goes_by_itself_is_known_again_in_a_record_unless_a_person_tried_to_settle_it() {
        let entry = Entry::received(BookingId(1), PracticeId("1".into()), None, "p".into(), DateTime::UNIX_EPOCH);
        let zone = Zone::Iana(chrono_tz::UTC);
        let unseen = Flagged::new(Flag::Unseen, &entry, zone);
        let reread = |flagged: &Flagged| Flagged::from(flagged.to_string());
        assert_eq!((reread(&unseen).flag(), &reread(&unseen)), (Some(&Flag::Unseen), &unseen));
        assert_eq!(reread(&unseen.after_failed_resolution("x")).flag(), None);
        assert_eq!(reread(&Flagged::new(Flag::NotExpected, &entry, zone)).flag(), None);
    }
}
