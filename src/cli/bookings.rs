//! `vetbridge bookings`: the ledger.

use std::process::ExitCode;

use super::{BookingsArgs, Global};

/// Runs the command.
#[expect(clippy::unused_async, reason = "not wired")]
pub(super) async fn run(_global: &Global, _args: &BookingsArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("bookings is not wired")
}
