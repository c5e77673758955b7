//! `vetbridge check`: is everything as it must be for `run`?
//!
//! First the configuration, then this machine (port, state), then OpenVPMS (reached, credentials,
//! ids, zones, what is offered), then Healthengine for each enabled practice (reached, credentials,
//! consent, extra features, clocks). Nothing is changed on either side, and nothing is asked that
//! counts as a poll. A server that cannot be asked is one finding; the other is asked all the same.

mod findings;
mod machine;
mod mapping;

use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};

use self::findings::Report;
use super::exposure::exposures;
use super::{CheckArgs, Global, INVALID, output};
use crate::call_error::{Answer, ErrorClass};
use crate::clock::Clock;
use crate::config::{self, Config, ConfigError, PracticeSettings};
use crate::healthengine::ReadHealthengine;
use crate::http_clients;
use crate::messages::{check_findings as say, config_file as config_say, server_failures, webhooks as webhooks_say};
use crate::openvpms::ReadOpenVpms;

/// From here on a wrong clock is a problem: half of the time in which a booking must be answered
/// would be gone soon.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(30);

/// Runs the command.
pub(super) async fn run(global: &Global, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let config = match global.config_file().and_then(|file| config::load(&file)) {
        Ok(config) => config,
        Err(error) if args.json => {
            output::result(invalid(&error).json()?)?;
            return Ok(ExitCode::from(INVALID));
        }
        Err(error) => return Err(error.into()),
    };
    let mut report = offline(&config);
    let unused = config::proxy::unused_variables();
    if !unused.is_empty() {
        report.note("environment", server_failures::proxy_variables(&unused));
    }
    if !args.offline {
        machine::inspect(&config, &mut report).await?;
        let openvpms = http_clients::openvpms(&config.openvpms)?;
        let healthengine = |practice: &PracticeSettings| -> anyhow::Result<Arc<dyn ReadHealthengine>> {
            Ok(http_clients::healthengine(&config.healthengine, practice)?)
        };
        online(&config, openvpms.as_ref(), &healthengine, Clock::system().now(), &mut report).await?;
    }
    if args.json {
        output::result(report.json()?)?
    } else {
        output::result(&report)?
    }
    Ok(if report.problems() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// The problems of a file, as findings.
fn invalid(error: &ConfigError) -> Report {
    let mut report = Report::default();
    for problem in &error.problems {
        report.sentence(error.place(problem), &problem.message);
    }
    report
}

/// What a valid configuration says by itself.
fn offline(config: &Config) -> Report {
    let mut report = Report::default();
    let place = config.source.display().to_string();
    let disabled = config.practices.iter().filter(|practice| !practice.enabled).count();
    match config.practices.len() {
        0 => report.problem(place, say::no_practice()),
        1 if disabled == 0 => report.ok(place, "the configuration is valid: 1 practice"),
        practices => {
            report.ok(place, format!("the configuration is valid: {practices} practices, {disabled} disabled"))
        }
    }
    for (key, proxy) in
        [("[openvpms] proxy", &config.openvpms.proxy), ("[healthengine] proxy", &config.healthengine.proxy)]
    {
        if let Some(proxy) = proxy {
            report.ok(key, format!("all calls there go through {proxy}"));
        }
    }
    for (place, advice) in exposures(config) {
        report.problem(place, advice);
    }
    for (place, oddity) in config.secrets().into_iter().filter_map(|(place, secret)| Some((place, secret.oddity()?))) {
        report.note(place, config_say::oddity(oddity));
    }
    report
}

/// Makes a handle to Healthengine for a practice.
type ConnectHealthengine<'a> =
    dyn Fn(&PracticeSettings) -> anyhow::Result<Arc<dyn ReadHealthengine>> + Send + Sync + 'a;

/// Asks both servers. An error means that no client could be made.
async fn online(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    healthengine: &ConnectHealthengine<'_>,
    now: DateTime<Utc>,
    report: &mut Report,
) -> anyhow::Result<()> {
    if let Err(error) = inspect_openvpms(config, openvpms, now, report).await {
        report
            .problem("[openvpms]", server_failures::openvpms(&error, &config.openvpms.url, &config.openvpms.username));
    }
    inspect_healthengine(config, healthengine, report).await
}

/// An error is what the server could not be asked any further for.
async fn inspect_openvpms(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Answer<()> {
    openvpms.locations().await?;
    report.ok("[openvpms]", format!("OpenVPMS answers at {} and takes the password", config.openvpms.url));
    mapping::inspect(config, openvpms, now, report).await?;
    report.note("[openvpms]", say::role_hint(&config.openvpms.username));
    Ok(())
}

async fn inspect_healthengine(
    config: &Config,
    connect: &ConnectHealthengine<'_>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let url = &config.healthengine.url;
    if let Some(webhooks) = &config.webhooks {
        report.note("[webhooks]", webhooks_say::reached_from_outside(webhooks.prefix()));
    }
    let mut clock_seen = false;
    for practice in config.practices.iter().filter(|practice| practice.enabled) {
        let handle = connect(practice)?;
        match handle.features().await {
            Ok(features) => {
                report.ok(
                    mapping::title(practice),
                    format!("Healthengine answers at {url}; api_key and consent are good"),
                );
                let left_on: Vec<&str> =
                    features.iter().filter(|feature| feature.enabled).map(|feature| feature.id.as_str()).collect();
                if !left_on.is_empty() {
                    report.note(mapping::title(practice), say::features_left_on(&left_on));
                }
                if !clock_seen {
                    clock_seen = true;
                    inspect_clock(handle.clock_difference(), report);
                }
            }
            Err(error) => {
                let advice = server_failures::healthengine(&error, url, &practice.id);
                if concerns_all(error.class) {
                    report.problem("[healthengine]", advice);
                    break;
                }
                report.problem(mapping::title(practice), advice);
            }
        }
    }
    Ok(())
}

fn inspect_clock(ahead: TimeDelta, report: &mut Report) {
    if ahead.abs() > CLOCK_DIFFERENCE_MAX {
        report.problem("clock", say::clocks_differ(ahead));
    } else {
        report.ok("clock", format!("within {} s of Healthengine's", ahead.num_seconds().abs() + 1));
    }
}

/// True if every practice would fail in the same way.
fn concerns_all(class: ErrorClass) -> bool {
    match class {
        ErrorClass::NotSent
        | ErrorClass::Lost
        | ErrorClass::Unavailable
        | ErrorClass::Credentials
        | ErrorClass::TooMany
        | ErrorClass::Contract => true,
        ErrorClass::Forbidden | ErrorClass::Refused => false,
    }
}

#[cfg(test)]
mod tests;
