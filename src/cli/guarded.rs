//! A command's last protection.

use std::process::ExitCode;

use crate::messages::supervisor as say;
use crate::supervisor;

/// A command that panics has failed like any other that cannot do its work.
pub(super) async fn guarded(command: impl Future<Output = anyhow::Result<ExitCode>>) -> anyhow::Result<ExitCode> {
    let outcome = supervisor::caught(command).await;
    outcome.unwrap_or_else(|_| Err(anyhow::anyhow!(say::command_failed())))
}
