//! `vetbridge demo`: the bridge between two simulators.

use std::process::ExitCode;

use super::DemoArgs;

/// Runs the command.
#[expect(clippy::unused_async, reason = "not wired")]
pub(super) async fn run(_args: &DemoArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("demo is not wired")
}
