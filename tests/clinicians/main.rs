//! Clinicians as bookable resources, end to end: what pet owners see of them, bookings with them,
//! and what becomes of both when rosters and staff change. Where it matters each test runs against
//! both kinds of server.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[allow(unused_imports, reason = "each test binary uses the part of the harness that it needs")]
#[path = "../support/mod.rs"]
mod support;

#[path = "../common/program.rs"]
mod program;

mod availability;
mod booking;
mod cost;
mod departures;
mod discover;
mod handover;
mod nurse;
mod rosters;
mod truth;
mod vets;
