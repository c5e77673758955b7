//! What `deploy/` has for containers, reverse proxies and clusters, and TLS to OpenVPMS: the files themselves
//! are used.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "helpers of tests; the lint spares only the tests themselves"
)]
#![allow(clippy::print_stderr, reason = "what is left out is said")]
#![allow(clippy::disallowed_methods, reason = "scripts and CI say by variables what has to be here, and where")]

#[allow(dead_code, reason = "shared with other tests")]
#[path = "../cli_online/clinic.rs"]
mod clinic;
mod clinic_proxy;
mod cluster;
mod containerfile;
mod group;
mod image;
mod private_ca;
mod proxies;
mod proxy_program;
#[allow(dead_code, reason = "shared with other tests")]
#[path = "../cli_online/service.rs"]
mod service;
mod tls;
mod tomcat_path;

use std::fs;
use std::path::Path;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");

/// A file of the repository.
fn file(path: &str) -> String {
    fs::read_to_string(Path::new(ROOT).join(path)).unwrap_or_else(|error| panic!("{path}: {error}"))
}
