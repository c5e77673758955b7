//! `vetbridge discover`: what OpenVPMS offers for online booking, and the `[[practice]]` blocks
//! that follow from it.
//!
//! Only reads. For each location: its schedules with their appointment types, when they are open in
//! the next fortnight, and its clinicians with the schedules they are rostered to within the
//! horizon.
//!
//! Rosters are read from users' free/busy. Its times are partly wrong for a clinician on several
//! schedules, but every schedule id in it is one that they are rostered to (OpenVPMS Booking API
//! v2, user free/busy), and that is all that is taken from it.
//!
//! Users are all who are flagged for online booking. The API does not tell whether one is a
//! clinician; a booking with one who is none is made without a clinician, and OpenVPMS writes the
//! name into its notes.

mod day_parts;
mod found;
mod practice_block;
mod render;

use std::process::ExitCode;

use anyhow::Context;

use super::{DiscoverArgs, Global, output};
use crate::call_error::ErrorClass;
use crate::clock::Clock;
use crate::config::{self, OpenVpmsOnly};
use crate::http_clients;
use crate::messages::{call_failures, config_secrets as secrets_say};

/// Runs the command.
pub(super) async fn run(global: &Global, args: &DiscoverArgs) -> anyhow::Result<ExitCode> {
    let OpenVpmsOnly { openvpms: settings, sync } = config::load_openvpms(&global.config_file()?)?;
    let openvpms = http_clients::openvpms(&settings)?;
    let found =
        found::discover(openvpms.as_ref(), sync.horizon_days, Clock::system().now()).await.map_err(|error| {
            let advice = call_failures::openvpms(&error, &settings.url, &settings.username);
            let oddity = settings.password.oddity().filter(|_| error.class == ErrorClass::Credentials);
            oddity
                .into_iter()
                .fold(advice, |advice, oddity| advice.and(secrets_say::oddity(oddity, settings.password.file())))
        })?;
    if args.json {
        output::raw(&render::json(&found)?)?;
    } else if args.toml {
        output::result(practice_block::toml(&found, sync.horizon_days))?;
    } else {
        output::result(render::text(&found, sync.horizon_days)).context("standard output")?;
    }
    Ok(ExitCode::SUCCESS)
}

#[cfg(test)]
mod tests;
