//! `vetbridge probe`: whether the process works, for health checks of containers and the like.
//!
//! It asks `/healthz`, and opens no file. A health check that read the configuration would fail
//! while somebody edits it, and whoever runs the container would then end a service that goes on
//! with the configuration it has. Nor does it judge the practices (as `/readyz` and
//! [`super::status`] do): a restart brings no OpenVPMS back.

use std::process::ExitCode;

use super::running::{self, CONNECT_TIMEOUT};
use super::{ProbeArgs, output};
use crate::messages::commands as say;

/// Runs the command.
pub(super) async fn run(args: &ProbeArgs) -> anyhow::Result<ExitCode> {
    let address = running::reachable(args.address);
    let http = running::client(CONNECT_TIMEOUT)?;
    match running::liveness(&http, address).await {
        Ok(true) => {
            output::result(say::WORKS)?;
            Ok(ExitCode::SUCCESS)
        }
        Ok(false) => Err(say::stands_still(address).into()),
        Err(why) => Err(say::not_probed(address, &why).into()),
    }
}
