//! The booking state machine: what to do next about one booking. One pure function, [`step`].
//!
//! The model. A POST to OpenVPMS cannot be repeated safely and cannot be asked about; a rejection
//! counts at Healthengine for 20 seconds; either side, the network and this process can fail at any
//! moment. So the shell does one thing at a time: it hands an [`Event`] to [`step`], makes the
//! returned [`Entry`](super::entry::Entry) durable if it changed, and only then carries out the one
//! [`Action`], whose result is the next event. Two things are written without being waited for,
//! because losing them loses nothing: that a booking was seen, beside the look at its time, and
//! that Healthengine took a confirmation. Whatever is interrupted is found in the ledger and goes
//! on with [`Event::Due`] or when Healthengine asks again.
//!
//! What holds:
//! - `submitting` is durable before a POST leaves. Found without an outcome it is a lost answer,
//!   never a fresh start.
//! - After a lost answer nothing is rejected and nothing is posted before the slot itself was read:
//!   wholly taken is ours (we saw it free a moment before), partly taken is somebody else's, free
//!   means that nothing was made, once the server cannot carry the request out any more.
//! - A POST leaves only after a look that found the slot free, under the locks of its schedule and
//!   clinician.
//! - Nothing is confirmed that does not stand, as far as anybody can know; what cannot be known is
//!   `in_doubt` and flagged.
//!
//! Races accepted: staff can take the slot between look and POST (OpenVPMS refuses most of these),
//! and a calendar block laid in that moment is not seen.
//!
//! [`events`] has the events and actions, [`transition`] which rule answers which event. The rules
//! stand by subject: [`look_and_post`], [`lost_answer`], [`rejecting`], [`telling`] Healthengine,
//! what happens to an appointment in the [`diary`], what another bridge does at the same time
//! ([`made_by_other_bridge`]), and what a person says ([`by_person`]). [`debt`] has what
//! Healthengine is owed after that.

mod by_person;
mod debt;
mod diary;
mod events;
mod look_and_post;
mod lost_answer;
mod lost_answer_looks;
mod made_by_other_bridge;
mod rejecting;
mod telling;
mod transition;

pub use events::{
    Action, Ask, Event, MachineContext, Notice, Reply, Resolved, ResolvedAs, SlotLook, SlotTaken, Step, Submission,
};
pub use lost_answer_looks::next_look;
pub use transition::step;
