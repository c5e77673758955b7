//! What Healthengine was told of a booking, and what it made of that.

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

/// What Healthengine was told of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Answered {
    /// Whether Healthengine knows what became of the booking.
    pub acknowledged: Acknowledged,
    /// Whether an answer of ours can have arrived: a booking that is settled without one was
    /// settled by somebody else.
    pub delivery: Delivery,
    /// True if Healthengine took our rejection while its pet owner was still choosing: it cannot be
    /// taken back.
    pub rejected_in_time: bool,
    /// When the last rejection that got no answer was given up, by Healthengine's clock: it arrived
    /// by then, if at all. Absent while one is on its way, so that a crash leaves no hope behind.
    pub rejection_lost_at: Option<DateTime<Utc>>,
    /// How often Healthengine refused our answer and went on asking.
    pub refusals: u32,
    /// Since when Healthengine's list, part of which cannot be read, does not show the booking
    /// although every answer of ours was refused; as the process measures it.
    pub unseen_since: Option<DateTime<Utc>>,
    /// True if Healthengine stopped asking before we answered: somebody settled it by hand.
    pub unlisted: bool,
}

/// Whether Healthengine knows what became of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Acknowledged {
    /// It took no answer that still holds.
    #[default]
    NotYet,
    /// It took our last answer, or stopped asking.
    Yes,
    /// A person or the diary settled the booking, and Healthengine has still to hear of it.
    Owed(Owed),
}

impl Acknowledged {
    /// What Healthengine has still to hear.
    pub fn owed(self) -> Option<Owed> {
        match self {
            Self::Owed(owed) => Some(owed),
            Self::NotYet | Self::Yes => None,
        }
    }
}

/// What Healthengine has still to hear of a booking that a person or the diary settled.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Owed {
    /// The answer that belongs to the state, if Healthengine still lists the booking.
    Answer,
    /// That the appointment is cancelled.
    Cancel,
    /// The same; Healthengine refused that once, perhaps because it knows.
    CancelRefused,
}

/// Whether Healthengine can have heard what became of a booking.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Delivery {
    /// It has not: no answer of ours has left, or each was refused.
    #[default]
    Nothing,
    /// The first answer is on its way, or was when the process ended.
    Underway,
    /// Perhaps: an answer got no reply, or was taken.
    Perhaps,
}
