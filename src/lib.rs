//! vetbridge (skeleton; the picture and reading order follow).

pub mod availability;
pub mod booking;
pub mod bridge;
pub mod cli;
pub mod clock;
pub mod config;
pub mod delays;
pub mod healthengine;
pub mod http;
pub mod ids;
pub mod mapping;
pub mod messages;
pub mod openvpms;
pub mod practice;
pub mod remote;
pub mod server;
pub mod service;
pub mod simulator;
pub mod span;
pub mod store;
pub mod zone;
