//! `vetbridge rehearse` as it is typed, with the simulated OpenVPMS over loopback, and a
//! Healthengine beside it that must hear nothing.

#![allow(clippy::unwrap_used, reason = "helpers of tests; the lint spares only the tests themselves")]

#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../cli_online/clinic.rs"]
mod clinic;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../cli_online/service.rs"]
mod service;

mod booking;
mod crash;
#[allow(dead_code, clippy::expect_used, clippy::print_stdout, reason = "shared with the tests of the other pages")]
#[path = "../browser/driver.rs"]
mod driver;
mod page;
mod process;
mod reading;
mod report;
