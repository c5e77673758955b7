//! `vetbridge resync`: everything is sent again.

use std::process::ExitCode;

use super::{Global, ResyncArgs};

/// Runs the command.
#[expect(clippy::unused_async, reason = "not wired")]
pub(super) async fn run(_global: &Global, _args: &ResyncArgs) -> anyhow::Result<ExitCode> {
    anyhow::bail!("resync is not wired")
}
