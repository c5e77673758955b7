//! What is wrong with a booking, as values. `messages` has the sentences.

use serde::{Deserialize, Serialize};

use crate::ids::{ResourceId, TypeId};

/// Why a booking request has no place in the diary, for Healthengine's support.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unplaceable {
    /// It names no resource.
    NoResource,
    /// What it names is not offered.
    NotOffered(Unoffered),
    /// It has no time, or one that cannot be read.
    NoTime,
    /// The clocks skip its time.
    TimeDoesNotExist,
    /// The clocks double its time.
    ClocksChange,
    /// Its time is past.
    InThePast,
    /// Its time is not the beginning of a slot.
    OffTheGrid,
    /// It is longer than a day.
    TooLong,
}

/// Why OpenVPMS does not offer what a booking request names. An administrator has to see to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unoffered {
    /// The resource is not one of ours.
    UnknownResource,
    /// The resource was one of ours until a short while ago.
    ResourceStopped(ResourceId),
    /// No appointment type is named.
    NoType {
        /// The name of the resource.
        resource: String,
    },
    /// The appointment type is not one of the resource.
    UnknownType {
        /// The name of the resource.
        resource: String,
    },
    /// The appointment type was one of the resource until a short while ago.
    TypeStopped {
        /// The type.
        id: TypeId,
        /// The name of the resource.
        resource: String,
    },
}

/// Something about a booking that an administrator has to see to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BookingProblem {
    /// OpenVPMS does not offer what it asks for.
    NotOffered(Unoffered),
    /// OpenVPMS refused it in these words, which say that something is wrong with the set-up.
    UnexpectedRefusal(String),
    /// OpenVPMS took so many POSTs and made no appointment.
    NothingArrives {
        /// So many.
        submissions: u32,
    },
    /// OpenVPMS can be read and takes no POST, for this reason.
    PostNotTaken(String),
    /// Healthengine refuses the answer and keeps asking.
    AnswerRefused,
}

/// Why an appointment that its pet owner cancelled is not cancelled in OpenVPMS. Records have these
/// names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyNotCancelled {
    /// It stands and will stand.
    Stands(WhyItStands),
    /// Nobody knows its reference.
    WithoutReference,
    /// OpenVPMS refuses it, time and again, in words that nobody knows.
    Refused,
    /// The practice was switched off.
    SwitchedOff,
}

/// Why OpenVPMS does not cancel an appointment. Records have these names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WhyItStands {
    /// The visit has begun.
    VisitHasBegun,
    /// The reference is another server's, or another integration's.
    ForeignReference,
}
