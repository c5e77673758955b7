//! Tells people where they did not ask: by mail, by a POST, and by a heartbeat whose absence tells.
//!
//! The core decides, from what was told, what needs a person, and the time:
//!
//! | file | decides |
//! | --- | --- |
//! | [`concern`] | (what needs a person, and a message, as values) |
//! | [`due`] | which messages are due |
//! | [`outbox`] | which of them is tried when, for one receiver |
//! | [`heartbeat`] | when the heartbeat is asked |
//! | [`failure`] | (why a message did not arrive, as a value) |
//!
//! The shell looks, sends and remembers:
//!
//! | file | does |
//! | --- | --- |
//! | [`teller`] | looks twice a second at what needs a person, and hands on what is due |
//! | [`channels`] | the receivers of a configuration, and the heartbeat |
//! | [`letter`] | a message as it is sent, however often |
//! | [`web_address`] | a POST, or a heartbeat |
//! | [`mail`], [`mail_stream`] | a mail, over a connection that is encrypted and bounded |
//! | [`told`] | what was told, across restarts |
//!
//! A message arrives at least once: one whose answer was lost is sent again. Nothing about a
//! patient is in one: its sentences are those of the status page, which hold nothing of that kind.

pub mod channels;
pub mod concern;
pub mod due;
pub mod failure;
pub mod heartbeat;
pub mod letter;
pub mod mail;
mod mail_stream;
pub mod outbox;
pub mod teller;
pub(crate) mod told;
pub mod web_address;
