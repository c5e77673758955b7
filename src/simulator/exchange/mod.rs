//! How a simulated server is asked: over loopback HTTP ([`serve`]) or in memory ([`Memory`]),
//! through the same fault plan.
//!
//! A [`Model`] turns one request into one answer, at once and without waiting. What a network adds
//! to that (silence, a reset, half an answer, a page of some proxy, an answer that is late) is a
//! [`Fault`], and `Fate` says what it does to one exchange. Both carriers act on the same fate, so
//! a client meets the same thing in memory as over HTTP, with one exception: a request that has
//! already arrived over HTTP cannot be refused any more, so there [`Fault::Refuse`] hangs up, as
//! [`Fault::LoseRequest`] does. A port that really refuses is [`Faults::close_port`].

mod listener;
mod memory;
mod model;

pub use listener::serve;
pub use memory::Memory;
pub use model::{ArrivedRequest, Fault, Faults, Model, SentAnswer};
