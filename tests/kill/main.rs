//! The real program, ended without warning: killed at any moment, or its disk cut off from power, full, or read-only.
//!
//! Each round some pet owners book and cancel, and somewhere in between the process is gone. Before
//! the next one starts its ledger is read and compared with what the outside has seen: whatever an
//! outside effect relied on must be there. Then the next process has to put everything right.
//!
//! | run | does |
//! | --- | --- |
//! | `cargo test --test kill` | a few rounds of kill -9, a full and a read-only disk |
//! | `ROUNDS=100 cargo test --test kill -- --nocapture kill_9` | as many rounds as one likes; `SEED=7` for other ones |
//! | `tests/power_cut.sh` | power cuts and a small disk of its own; needs root and loop devices |

#![allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking, its helpers too")]
#![allow(clippy::print_stderr, reason = "whoever runs a hundred rounds wants to see them pass")]

#[path = "../support/chance.rs"]
mod chance;
#[path = "../cli_online/clinic.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod clinic;
#[path = "../cli_online/service.rs"]
#[allow(dead_code, reason = "shared with other tests")]
mod service;

mod disks;
mod full;
mod power;
mod read_only;
mod rounds;
