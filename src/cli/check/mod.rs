//! `vetbridge check`: is everything as it must be for `run`?
//!
//! First the configuration and its files, then this machine (port, state, a running service), then
//! `public_url`, then OpenVPMS (reached, credentials, ids, zones, what is offered and when), then
//! Healthengine for each enabled practice (reached, credentials, consent, extra features, clocks,
//! what it has). Nothing is changed on either side, and nothing is asked that counts as a poll. A
//! server that cannot be asked is one finding; the other is asked all the same. With `--alerts` a
//! test is sent to everybody whom `[alerts]` names.

mod alerts;
mod at_healthengine;
mod certificates;
mod files;
mod this_computer;
mod webhooks;

use std::collections::BTreeMap;
use std::process::ExitCode;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;

use self::at_healthengine::ConnectHealthengine;
use super::exposure::exposures;
use super::{CheckArgs, Global, INVALID, output};
use crate::call_error::Answer;
use crate::clock::Clock;
use crate::config::{self, AlertSettings, Config, ConfigError, PracticeSettings};
use crate::findings::{self, report::Report};
use crate::healthengine::ReadHealthengine;
use crate::http::network::SetupError;
use crate::http_clients;
use crate::ids::PracticeId;
use crate::mapping::Mapping;
use crate::messages::call_rates::{self, RateFinding};
use crate::messages::tls::CertificateKeeper;
use crate::messages::{
    alerts as alerts_say, call_failures, check_findings as say, config_file as config_say,
    config_secrets as secrets_say, counted, exposure as exposure_say,
};
use crate::openvpms::ReadOpenVpms;
use crate::polling::call_rates::DiaryReads;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &CheckArgs) -> anyhow::Result<ExitCode> {
    let config = match global.config_file().and_then(|file| config::load(&file)) {
        Ok(config) => config,
        Err(error) => {
            let error = if args.offline { error } else { with_locations(error).await };
            if args.json {
                output::raw(&invalid(&error).json()?)?;
                return Ok(ExitCode::from(INVALID));
            }
            return Err(error.into());
        }
    };
    let (mut report, now) = (offline(&config), Clock::system().now());
    files::inspect(&config, now, &mut report);
    let unused = config::proxy::unused_variables();
    if !unused.is_empty() {
        report.note("environment", call_failures::proxy_variables(&unused));
    }
    let mut out_of_step = Vec::new();
    if !args.offline {
        let service = this_computer::inspect(&config, now, &mut report).await?;
        let service_runs = service.is_some();
        out_of_step = service.unwrap_or_default();
        if let Some(settings) = &config.webhooks {
            webhooks::inspect(settings, service_runs, now, &mut report).await;
        }
        ask(&config, now, &mut report).await?;
    }
    if args.alerts {
        alerts::test(&config, &out_of_step, now, &mut report).await;
    } else if !args.offline {
        alerts::inspect(&config, &mut report);
    }
    if args.json {
        output::raw(&report.json()?)?
    } else {
        output::result(&report)?
    }
    Ok(if report.problems() == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Whoever wrote something else for the ids of locations is told which OpenVPMS has, if the rest of
/// the file leads there.
async fn with_locations(mut error: ConfigError) -> ConfigError {
    let mut wanting = error.problems.iter_mut().filter(|own| own.message.contains(config_say::LOCATION_IDS)).peekable();
    if wanting.peek().is_none() {
        return error;
    }
    let there = async {
        let only = config::load_openvpms(&error.file).ok()?;
        http_clients::openvpms(&only.openvpms).ok()?.locations().await.ok()
    };
    if let Some(there) = there.await {
        let there: Vec<_> = there.into_iter().map(|location| (location.id, location.name)).collect();
        wanting.for_each(|problem| problem.message.push_str(&config_say::locations_there(&say::named(&there))));
    }
    error
}

/// Asks both servers over the network, and looks at the certificates that they show.
async fn ask(config: &Config, now: DateTime<Utc>, report: &mut Report) -> anyhow::Result<()> {
    let healthengine_server = Mutex::new(None);
    let healthengine = |practice: &PracticeSettings| -> anyhow::Result<Arc<dyn ReadHealthengine>> {
        let (handle, server) = http_clients::healthengine_with_server(&config.healthengine, practice)?;
        *healthengine_server.lock() = Some(server);
        Ok(handle)
    };
    match http_clients::openvpms_with_server(&config.openvpms) {
        Ok((openvpms, server)) => {
            online(config, openvpms.as_ref(), &healthengine, now, report).await?;
            let shown = server.shown_certificates();
            certificates::inspect("[openvpms] url", shown, CertificateKeeper::Clinic, now, report);
        }
        Err(error) => {
            // A certificate authority's file that is of no use was found already, as a file.
            if error.downcast_ref() != Some(&SetupError::CertificateAuthority) {
                report.sentence("[openvpms]", error.root_cause().to_string());
            }
            at_healthengine::inspect(config, &healthengine, &BTreeMap::new(), report).await?;
        }
    }
    if let Some(server) = healthengine_server.lock().as_ref() {
        let shown = server.shown_certificates();
        certificates::inspect("[healthengine] url", shown, CertificateKeeper::Healthengine, now, report);
    }
    Ok(())
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
            let practices = counted(practices, "practice");
            report.ok(place, format!("the configuration is valid: {practices}, {disabled} disabled"))
        }
    }
    for (key, proxy) in
        [("[openvpms] proxy", &config.openvpms.proxy), ("[healthengine] proxy", &config.healthengine.proxy)]
    {
        if let Some(proxy) = proxy {
            report.ok(key, format!("all calls there go through {proxy}"));
        }
    }
    if config.alerts.as_ref().is_some_and(AlertSettings::names_nobody) {
        report.note("[alerts]", alerts_say::no_channel());
    }
    for (place, advice) in exposures(config) {
        report.problem(place, advice);
    }
    let admin = config.admin_listen;
    if !admin.ip().is_loopback() && !admin.ip().is_unspecified() {
        report.note("[admin] listen", exposure_say::admin_beyond_loopback(admin));
    }
    let practices = config.practices.iter().filter(|practice| practice.enabled).count();
    tell_of_rates(call_rates::found_of_polls(practices, &config.call_budget()), &mut report);
    for (place, secret) in config.secrets() {
        if let Some(oddity) = secret.oddity() {
            report.note(place, secrets_say::oddity(oddity, secret.file()));
        }
    }
    report
}

/// Asks both servers. An error means that no client could be made.
async fn online(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    healthengine: &ConnectHealthengine<'_>,
    now: DateTime<Utc>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let offers = match inspect_openvpms(config, openvpms, now, report).await {
        Ok(offers) => offers,
        Err(error) => {
            let advice = call_failures::openvpms(&error, &config.openvpms.url, &config.openvpms.username);
            report.problem("[openvpms]", advice);
            BTreeMap::new()
        }
    };
    at_healthengine::inspect(config, healthengine, &offers, report).await
}

/// Calls that come by themselves and use most of a rate limit.
fn tell_of_rates(found: Option<RateFinding>, report: &mut Report) {
    match found {
        Some(RateFinding { place, is_too_much: true, advice }) => report.problem(place, advice),
        Some(RateFinding { place, is_too_much: false, advice }) => report.note(place, advice),
        None => {}
    }
}

/// An error is what the server could not be asked any further for.
async fn inspect_openvpms(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Answer<BTreeMap<PracticeId, Mapping>> {
    openvpms.locations().await?;
    report.ok("[openvpms]", format!("OpenVPMS answers at {} and takes the password", config.openvpms.url));
    let offers = findings::openvpms::inspect(config, openvpms, now, report).await?;
    let mut reads = DiaryReads::default();
    for practice in config.practices.iter().filter(|practice| practice.enabled) {
        offers.get(&practice.id).into_iter().for_each(|mapping| reads.add(practice.locations.len(), mapping));
    }
    tell_of_rates(call_rates::found_of_readings(&reads, &config.call_budget()), report);
    report.note("[openvpms]", say::role_hint(&config.openvpms.username));
    Ok(offers)
}

#[cfg(test)]
mod rules_tests;
#[cfg(test)]
mod tests;
