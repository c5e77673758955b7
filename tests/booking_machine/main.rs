//! The booking state machine: its rules, one scenario each, with the times that matter, and what
//! holds on every path.
//!
//! | file | has |
//! | --- | --- |
//! | [`every_path`] | every path of one booking, up to a depth |
//! | [`resolve`] | the same, of a booking that a person settles |
//! | [`new_booking`], [`lost_answer`], [`measured_time`] | scenarios: how a booking is made, and what if nobody knows whether it was |
//! | [`young_store`] | scenarios: what a store that was lost or put back does not know |
//! | [`refused_answers`], [`late_rejections`] | scenarios: what Healthengine makes of our answers |
//! | [`staff_changes`], [`note`] | scenarios: what staff do to an appointment, and what a person notes |
//! | [`story`] | scenarios: what the history says of pet owners, staff and persons |
//! | [`case`], [`support`] | the booking of the scenarios; the booking of all tests |

#![allow(clippy::unwrap_used, reason = "a test that cannot be set up fails")]

mod case;
mod every_path;
mod late_rejections;
mod lost_answer;
mod measured_time;
mod new_booking;
mod note;
mod refused_answers;
mod resolve;
mod staff_changes;
mod story;
mod support;
mod young_store;
