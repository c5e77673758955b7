//! vetbridge (skeleton; the picture and reading order follow).

pub mod availability;
pub mod clock;
pub mod healthengine;
pub mod http;
pub mod ids;
pub mod mapping;
pub mod openvpms;
pub mod remote;
pub mod simulator;
pub mod span;
pub mod zone;
