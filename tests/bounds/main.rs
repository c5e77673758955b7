//! Whatever the two systems say, and however much there is to do: memory, calls and waiting stay
//! within bounds, and whoever can still be helped comes first.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[allow(unused_imports, reason = "other tests need more of it")]
#[path = "../support/mod.rs"]
mod support;

#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../cli_online/clinic.rs"]
mod clinic;
#[allow(dead_code, reason = "other tests need more of it")]
#[path = "../cli_online/service.rs"]
mod service;
#[path = "../common/settled.rs"]
mod settled;

mod backlog;
mod bombs;
mod flood;
mod full_ledger;
mod large_practice;
mod memory;
mod pages;
mod rate;
