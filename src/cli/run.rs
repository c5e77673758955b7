//! `vetbridge run`: the service.

use std::process::ExitCode;

use super::Global;
use crate::config;

/// Runs the command.
#[expect(clippy::unused_async, reason = "not wired")]
pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let _config = config::load(&global.config_file()?)?;
    anyhow::bail!("run is not wired")
}
