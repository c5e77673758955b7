//! Bookings: what becomes of each of them, without any I/O. [`crate::practice`] is the shell that
//! carries it out.
//!
//! | file | decides |
//! | --- | --- |
//! | [`placement`] | where in the diary a request belongs, or why nowhere |
//! | [`machine`] | what to do next about one booking: the state machine |
//! | [`remote_answers`] | what an answer of either system means for a booking |
//! | [`update`] | what to do when a pet owner changes a booking |
//! | [`diary_watch`] | what staff did to an appointment |
//! | [`other_bridge_suspicion`] | whether another bridge serves the same practice |
//! | [`resolution`] | whether what a person says of a booking can be believed |
//! | [`entry`] | what the ledger keeps of a booking: its state, and |
//! | [`wanted`] | what it asks for, as long as there is no place for it |
//! | [`answered`] | what Healthengine was told, and what it made of that |
//! | [`post_record`] | what is known of the POSTs to OpenVPMS |
//! | [`diary_record`] | what the diary showed of the appointment |
//! | [`state_reason`], [`flag`] | why a booking entered a state, and what a person has to do about it: values |
//! | [`problem`] | what is wrong with a booking: values |
//! | `stored` | the form in which the store keeps that |
//! | [`counted`] | what a booking counts as in figures |
//! | [`deadline`] | by when a booking has to be answered |

pub mod answered;
pub mod counted;
pub mod deadline;
pub mod diary_record;
pub mod diary_watch;
pub mod entry;
pub mod flag;
pub mod machine;
pub mod other_bridge_suspicion;
pub mod placement;
pub mod post_record;
pub mod problem;
pub mod remote_answers;
pub mod resolution;
pub mod state_reason;
mod stored;
pub mod update;
pub mod wanted;
