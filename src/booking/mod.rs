//! Bookings, without any I/O; the shell around it is [`crate::practice`].
//!
//! | file | decides |
//! | --- | --- |
//! | [`decide`] | where in the diary a request belongs, or why nowhere |
//! | [`desk`] | what to do next about one booking: the state machine |
//! | [`update`] | what to do when a pet owner changes a booking |
//! | [`watch`] | what staff did to an appointment |
//! | [`rival`] | whether another bridge serves the same practice |
//! | [`resolve`] | whether what a person says of a booking can be believed |
//! | [`ledger`] | what is remembered of a booking, and its deadlines |
//! | [`contact`], [`phone`], [`notes`], [`text`] | from what a pet owner typed to OpenVPMS's fields |
//! | [`pseudonym`] | what Healthengine knows a patient by |
//! | [`memory`], [`names`], `given_names` | whether somebody is a client whom OpenVPMS was seen to know, and how it spells the name |
//! | [`sealing`] | how that is written so that nobody can read it |

pub mod contact;
pub mod decide;
pub mod desk;
mod given_names;
pub mod ledger;
pub mod memory;
pub mod names;
pub mod notes;
pub mod phone;
pub mod pseudonym;
pub mod resolve;
pub mod rival;
pub mod sealing;
pub mod text;
pub mod update;
pub mod watch;
