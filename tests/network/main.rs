//! The transport against servers that misbehave, over loopback: which error class each kind of
//! failure gets, and how often a request leaves.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod bodies;
mod certificates;
mod failures;
mod left_alone;
mod names;
mod proxies;
mod raw_server;
mod requests;
