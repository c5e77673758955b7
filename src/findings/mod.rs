//! What is wrong with how a clinic is set up, each thing with its remedy: what `check` prints and
//! what a rehearsal shows.
//!
//! | file | finds |
//! | --- | --- |
//! | [`report`] | nothing; keeps what was found, for people and for machines |
//! | [`openvpms`] | whether OpenVPMS has what the configuration asks for |
//! | [`open_times`] | what can never be booked, and what is offered outside the live hours |

pub(crate) mod open_times;
pub(crate) mod openvpms;
pub(crate) mod report;
