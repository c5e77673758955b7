//! Bookings: what the ledger remembers ([`ledger`]), what to do next about one ([`desk`]), what pet owners change ([`update`]) and
//! what staff change ([`watch`]). No I/O here; the shell around it is [`crate::practice`].

pub mod decide;
pub mod desk;
pub mod ledger;
pub mod update;
pub mod watch;
