//! Bookings: what the state machine ([`crate::booking`]) decides about them is carried out here.
//!
//! | file | does |
//! | --- | --- |
//! | [`executor`] | one booking, step by step: decide, write, do |
//! | [`ledger_writes`] | what is written of a booking, and what waits for the disk |
//! | [`intake`] | the bookings that Healthengine lists |
//! | [`known`] | bookings of the ledger that go on by themselves |
//! | [`updates`] | cancellations by pet owners, questions about appointments |
//! | [`watch`] | cancellations and moves by staff |
//! | [`leave_to_other_bridge`], [`other_bridge_signs`] | another bridge on the practice: lets it go first, gathers signs of it |
//! | [`recall`] | recognises clients whose name is misspelt, and learns how OpenVPMS spells it |
//! | [`request`] | a booking request with the client whom it is for |
//! | [`offered`] | whether a time was offered to whom a rule withholds it |
//! | [`changed_days`] | tells all practices that an appointment of ours changed the diary |
//! | [`giving_up`] | rejects what can be rejected when the store has failed |
//! | [`turns`], [`locks`] | one task at a booking, one booking at a schedule and clinician |

mod changed_days;
pub(super) mod executor;
mod giving_up;
mod intake;
mod known;
mod leave_to_other_bridge;
mod ledger_writes;
pub mod locks;
mod offered;
pub(super) mod other_bridge_signs;
mod recall;
mod request;
pub(super) mod turns;
mod updates;
pub(super) mod watch;
