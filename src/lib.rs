//! vetbridge (skeleton; the picture and reading order follow).

pub mod cli;
pub mod clock;
pub mod config;
pub mod healthengine;
pub mod http;
pub mod ids;
pub mod messages;
pub mod openvpms;
pub mod remote;
pub mod simulator;
pub mod span;
pub mod zone;
