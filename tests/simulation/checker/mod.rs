//! What must be true: at every step, and once everything has healed.
//!
//! A booking is *excused* from a promise only for a cause that the story holds about it, and each
//! excuse is named where it is made.
//!
//! | file | checks |
//! | --- | --- |
//! | [`every_step`] | what must be true at every step |
//! | [`flags`] | that each flag has its cause |
//! | [`disagreement`] | once everything has healed: that all tell the same of every booking |
//! | [`published_days`] | once everything has healed: that what is published is what the diary has free |
//! | [`excuses`] | what excuses a booking from that |

use vetbridge::ids::BookingId;

mod disagreement;
mod every_step;
mod excuses;
mod flags;
mod published_days;

pub(crate) use flags::Flag;

/// A broken promise.
#[derive(Debug)]
pub(crate) struct Wrong {
    pub(crate) booking: Option<BookingId>,
    pub(crate) what: String,
}

pub(crate) fn of(booking: BookingId, what: impl Into<String>) -> Wrong {
    Wrong { booking: Some(booking), what: what.into() }
}

pub(crate) fn in_general(what: impl Into<String>) -> Wrong {
    Wrong { booking: None, what: what.into() }
}
