//! What webhooks are good for: they say "look now", and nothing else is believed of them.
//!
//! A webhook carries no patient and no signature, so what it says is never acted on: it wakes the
//! practice that it names, and the poll that follows finds out what there is to do. So a lost
//! webhook costs seconds and a forged one a poll. What is decided about them is here, pure:
//!
//! | file | decides |
//! | --- | --- |
//! | [`hint`] | whom a webhook wakes, and what it announces |
//! | [`subscriptions`] | which subscriptions at Healthengine are made, renewed and deleted |
//! | [`evidence`] | whether webhooks demonstrably arrive |
//! | [`failure`] | what to tell an operator about a delivery that failed |
//!
//! The listener is [`crate::server::webhooks`], the shell that keeps the subscriptions is in
//! [`crate::practice`].

pub mod evidence;
pub mod failure;
pub mod hint;
pub mod subscriptions;
