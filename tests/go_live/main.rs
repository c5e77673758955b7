//! What Healthengine asks of an integration before it goes live: its suggested testing, one test
//! per scenario, each named by the scenario's title, with the program as a process and both
//! simulators over HTTP. docs/go-live.md has the table.

#![allow(clippy::unwrap_used, reason = "helpers of tests; the lint spares only the tests themselves")]

#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../cli_online/clinic.rs"]
mod clinic;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../cli_online/service.rs"]
mod service;

mod availability;
mod configuration;
mod linking;
mod patients;
mod requests;
mod table;
mod webhooks;
mod world;
