//! The judgement on one place of the grid (offered, with which types, or why not), and the
//! booking executor's look at one span.

use chrono::{DateTime, Utc};

use super::rules::RuleAt;
use crate::ids::AppointmentTypeId;

/// One place on the grid of one resource's day, and the judgement on it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Minute of the day on the practice's wall clock.
    pub minute: u32,
    /// When it begins.
    pub start: DateTime<Utc>,
    /// Offered or not.
    pub verdict: Verdict,
    /// The appointment types for which there is room and which rules withhold from here.
    pub ruled_out: Vec<RuledOutType>,
}

/// An appointment type that rules withhold from a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RuledOutType {
    /// The type.
    pub kind: AppointmentTypeId,
    /// Every key that does, in the order of the file; at least one. Each does it alone, so the type
    /// is offered only when all of them change.
    pub by: Vec<RuleAt>,
}

/// The fewest keys whose change offers a time to some appointment type, where these are ruled out.
/// A key that withholds every type is among them.
pub(super) fn fewest_keys(ruled_out: &[RuledOutType]) -> &[RuleAt] {
    let fewest = ruled_out.iter().min_by_key(|own| (own.by.len(), &own.by));
    fewest.map_or(&[], |own| &own.by)
}

/// Offered or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    /// With the appointment types that fit from here, by id; at least one.
    Offered(Vec<AppointmentTypeId>),
    /// Not, and why. Where several reasons hold it is the first of them in the order of [`Reason`].
    Withheld(Reason),
}

/// Why a time cannot be booked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Reason {
    /// The clocks jump over this time that day.
    DoesNotExist,
    /// The clocks show this time twice that day, in the server's zone or the practice's.
    HappensTwice,
    /// It has begun.
    Past,
    /// An appointment or a calendar block is on the schedule, or a booking of ours that the reading
    /// cannot show yet.
    ScheduleBusy,
    /// Outside the schedule's opening hours.
    Closed,
    /// The clinician has an appointment on another schedule, or is taken to have one.
    ClinicianBusyElsewhere,
    /// The clinician is not free on this schedule, as far as the server says.
    NotRostered,
    /// There is room, but not enough for any appointment type.
    TooShort,
    /// Everything fits, but it begins inside the minimum notice.
    TooSoon,
    /// Everything fits, but rules withhold every type for which there is room. The first of the
    /// fewest keys whose change offers it to some type.
    Rule(RuleAt),
}

/// What the diary says of one span on one resource.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// Why an appointment cannot be made there; `None` if it can. Does not judge the grid and the
    /// minimum notice.
    pub refusal: Option<Reason>,
    /// The rule that withholds it, if the diary does not. It is not refused to those who were
    /// offered it before.
    pub withheld: Option<RuleAt>,
    /// How much of the span the schedule shows as taken. Bookings of ours that it does not show are
    /// not counted.
    pub busy: Share,
    /// How much of the span the schedule shows as free. What is neither busy nor free is closed:
    /// whether an appointment stands there cannot be seen.
    pub free: Share,
}

/// How much of a span.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Share {
    /// Nothing.
    None,
    /// Some of it.
    Part,
    /// All of it.
    All,
}
