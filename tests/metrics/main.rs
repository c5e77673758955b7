//! What `/metrics` and the log tell: every metric of the contract with a sensible value, alerts and
//! dashboard that name nothing else, every call and decision, and nothing about a pet owner.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[allow(unused_imports, reason = "each test binary uses the part of the harness that it needs")]
#[path = "../support/mod.rs"]
mod support;

mod counting;
mod deployed;
mod levels;
mod over_http;
mod privacy;
mod scrape;
mod without_store;
