//! The program as a process, against both simulators over HTTP.

#![allow(clippy::unwrap_used, reason = "helpers of tests; the lint spares only the tests themselves")]

mod bookings;
mod check;
mod check_tls;
mod clinic;
mod discover;
mod explain;
mod found;
mod impostor;
mod lifecycle;
mod page;
mod practices_page;
mod probe;
mod resolve;
mod resync;
mod run;
mod server;
#[allow(dead_code, reason = "shared with other tests")]
mod service;
mod settle;
mod state;
mod webhooks;
