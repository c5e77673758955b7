//! The whole bridge between both simulators: what an administrator, a pet owner and clinic staff rely on, one test each.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[path = "../support/mod.rs"]
mod support;

mod booking;
mod changes;
mod contested;
mod openvpms_away;
mod start;
