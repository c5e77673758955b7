//! One running practice: components that each own their state, wired, started and stopped in
//! [`wiring`].
//!
//! | file | does |
//! | --- | --- |
//! | [`wiring`] | makes the components, starts their loops, stops them |
//! | [`requests`] | asks Healthengine what it wants |
//! | [`booking_executor`] | carries out what is decided about bookings |
//! | [`days`] | reads and sends what can be booked |
//! | [`configuration`] | sends liveness contract, resources and appointment types |
//! | [`subscription`] | keeps the webhook subscription |
//! | [`health`] | what is wrong, and what was last done when |
//! | [`in_step`] | whether Healthengine shows what the diary says |
//! | [`resolve`], [`resync`] | what a person has done at once |
//! | [`last_resync`] | how the last resync went |
//! | [`explain`] | why a time is offered or not |
//! | [`deactivation`] | what is done before a practice that is switched off is silent |
//!
//! What the components have in common:
//!
//! | file | is |
//! | --- | --- |
//! | [`context`] | what each of them is made with |
//! | [`signals`] | how they wake each other |
//! | [`offering`] | what the practice offers: written by the configuration sync, read by all |
//! | [`lists`] | reads Healthengine's lists of requests |
//! | [`reading`], [`kept_readings`] | reads free/busy from OpenVPMS; the latest of it |
//! | [`round_error`] | why a round came to nothing |
//!
//! What all practices share is in [`shared`]: the booking [`ledger`], the [`rosters`], the client
//! memory ([`client_memory`]), the [`zones`], the [`pauses`], the [`booking_names`]. [`records`]
//! names every kind of record there is; [`start_records`] has those that a start takes over.
//!
//! Practices run side by side. They share the store, the locks of the diary and the rate limits,
//! never a task: one that fails holds up no other.

pub mod booking_executor;
pub mod booking_names;
pub mod client_memory;
mod configuration;
mod context;
mod days;
mod deactivation;
pub mod explain;
pub mod health;
mod in_step;
mod kept_readings;
pub mod last_resync;
pub mod ledger;
mod lists;
mod live_bookings;
pub mod offering;
pub mod pauses;
mod reading;
mod records;
mod requests;
pub mod resolve;
pub mod resync;
pub mod rosters;
mod round_error;
pub mod shared;
mod signals;
mod start_records;
mod subscription;
mod wiring;
pub mod zones;

pub(crate) use days::pass_places::PassPlaces;
pub use days::sent::with_days_from;
pub use deactivation::Deactivation;
pub use health::last_done::LastDone;
pub use offering::Offering;
pub(crate) use offering::inventory::{asked, read_inventory};
pub use records::KINDS;
pub(crate) use requests::early_poll::EarlyPolls;
pub use requests::early_poll::EnabledPractices;
pub use shared::{OpenVpmsClients, Settings, Shared};
pub use start_records::StartRecords;
pub use wiring::Practice;
