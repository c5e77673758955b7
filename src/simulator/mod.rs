//! OpenVPMS and Healthengine as models: with state, as strict as the real servers, and with faults
//! on request.
//!
//! A model answers bytes with bytes ([`exchange::Model`]). The same model stands behind a loopback
//! listener ([`exchange::serve`]) and, for simulations, directly behind the clients
//! ([`exchange::Memory`]).

pub mod exchange;
pub mod healthengine;
pub mod openvpms;
