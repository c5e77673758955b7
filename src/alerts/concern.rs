//! What needs a person, as alerts see it.

use std::collections::BTreeMap;

use chrono::{DateTime, Utc};
use serde::{Deserialize, Serialize};

use crate::call_error::ServerOutage;
use crate::ids::{BookingId, PracticeId};

/// Something that needs a person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Concern {
    /// Whose it is; `None` for one of the whole.
    pub practice: Option<PracticeId>,
    /// What it is about.
    pub about: About,
    /// What is wrong and what to do.
    pub sentence: String,
    /// Since when.
    pub since: DateTime<Utc>,
    /// True for a problem that puts its practice out of step: where it is told, that the practice
    /// is out of step need not be.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub puts_out_of_step: bool,
    /// The outage of a server that it comes from, if it comes from one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outage: Option<ServerOutage>,
    /// True for the problem that says best what the outage means.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub tells_of_outage: bool,
}

/// What a concern is about; at a practice there is at most one of each.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum About {
    /// A booking that somebody must look at. It is told at once.
    Booking(BookingId),
    /// A problem, by the short name of its subject.
    Problem(String),
    /// The practice is out of step.
    OutOfStep,
}

/// Tells concerns apart.
pub type ConcernId = (Option<PracticeId>, About);

impl Concern {
    /// True if it comes from the same outage of a server: one cause, whichever practices and calls
    /// suffer from it.
    pub fn has_cause_of(&self, other: &Self) -> bool {
        self.outage.is_some() && self.outage == other.outage
    }

    /// What tells it apart.
    pub fn id(&self) -> ConcernId {
        (self.practice.clone(), self.about.clone())
    }
}

/// Everything that needs a person at a moment.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Sight {
    /// What does.
    pub concerns: Vec<Concern>,
    /// The practices that are on, and whether each is in step.
    pub practices: BTreeMap<PracticeId, bool>,
    /// False while the process is ill.
    pub is_alive: bool,
}

impl Sight {
    /// True if a heartbeat may be sent: every practice is in step and the process is not ill. A
    /// booking that needs a person does not count.
    pub fn is_well(&self) -> bool {
        self.is_alive && self.practices.values().all(|in_step| *in_step)
    }
}

/// One message to people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AlertMessage {
    /// What of.
    pub kind: AlertKind,
    /// What it names; at least one, but of a test.
    pub concerns: Vec<Concern>,
}

/// What a message is of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AlertKind {
    /// Something needs a person.
    Begun,
    /// It does not any more.
    Over,
    /// `vetbridge check --alerts`.
    Test,
}
