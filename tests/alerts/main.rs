//! Alerts over real receivers: a mail server, a web server, and the program that tells them.

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]

mod check;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../cli_online/clinic.rs"]
mod clinic;
mod mail;
mod mail_server;
mod program;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../cli_online/service.rs"]
mod service;
mod web_server;
