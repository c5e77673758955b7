//! Secrets: nothing that the program writes shows one, and those that it read are wiped from memory.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../cli_online/clinic.rs"]
mod clinic;
mod debug;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../alerts/mail_server.rs"]
mod mail_server;
mod marks;
#[cfg(target_os = "linux")]
mod memory;
mod output;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../cli_online/service.rs"]
mod service;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../alerts/web_server.rs"]
mod web_server;
#[cfg(target_os = "linux")]
mod wiped;
