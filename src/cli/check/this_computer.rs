//! Can `run` listen and keep its state on this machine, or does it run already?
//!
//! Nothing is made: a port is bound for a moment, a state directory that exists is looked at.

use std::net::SocketAddr;

use chrono::{DateTime, Utc};
use tokio::net::TcpListener;

use crate::bridge::off::Off;
use crate::cli::running::{self, FoundService, NoService};
use crate::cli::state_owner;
use crate::config::Config;
use crate::config::secrets_in_force::InForce;
use crate::findings::report::{Report, title};
use crate::ids::PracticeId;
use crate::messages::{
    Advice, commands, listed, practice_called, reload as reload_say, start as say, state_directory as state_say,
};
use crate::practice::health::problems::Problem;
use crate::practice::pauses;
use crate::practice::zones;
use crate::server::view::BridgeStatus;
use crate::store::{self, OpenError};
use crate::zone::Zone;

const ADMIN: &str = "[admin] listen";
const WEBHOOKS: &str = "[webhooks] listen";
const STATE: &str = "[state] path";
const SERVICE: &str = "running service";

/// Looks for a service that runs with this configuration; if there is none, whether one could
/// start. Of one that runs, the practices that are out of step.
pub(super) async fn inspect(
    config: &Config,
    now: DateTime<Utc>,
    report: &mut Report,
) -> anyhow::Result<Option<Vec<PracticeId>>> {
    let mut running = None;
    match running::find(&config.instance()).await {
        Ok(FoundService::Running(service)) => {
            report.ok(ADMIN, commands::runs_already(service.address()));
            match service.status().await {
                Ok(status) => {
                    inspect_service(&status, report);
                    let out = status.practices.into_iter().filter(|practice| !practice.in_step);
                    running = Some(out.map(|practice| PracticeId(practice.id)).collect());
                }
                Err(error) => {
                    running = Some(Vec::new());
                    report.sentence(SERVICE, error.to_string());
                }
            }
            inspect_secrets(config, report);
        }
        Ok(FoundService::Absent(absent)) => {
            match absent.never_ran() {
                true => report.note(SERVICE, commands::not_started_yet(config.admin_listen)),
                false => report.note(SERVICE, commands::has_stopped(config.admin_listen)),
            }
            inspect_port(ADMIN, config.admin_listen, report).await;
            if let Some(webhooks) = &config.webhooks {
                inspect_port(WEBHOOKS, webhooks.listen, report).await;
            }
            inspect_state(config, &absent, now, report).await?;
        }
        Err(error) => match error.downcast::<Advice>() {
            Ok(advice) => report.problem(ADMIN, advice),
            Err(error) => return Err(error),
        },
    }
    Ok(running)
}

/// Whatever the running service suffers from is a problem here too, in its own words.
fn inspect_service(status: &BridgeStatus, report: &mut Report) {
    let before = report.problems();
    for (practices, problem) in status.causes() {
        let whose = listed(practices.iter().map(|own| status.called(own)));
        let place = if practices.is_empty() { SERVICE.to_owned() } else { format!("{SERVICE}, {whose}") };
        let zone = practices.first().and_then(|own| status.zone_of(own));
        report.sentence(place, suffers(problem, zones::named(zone)));
    }
    for practice in &status.practices {
        let place = format!("{SERVICE}, {}", practice_called(&practice.id, practice.name.as_deref()));
        practice.reasons.iter().for_each(|reason| report.sentence(place.as_str(), commands::not_in_step(reason)));
        inspect_bookings(&place, practice.needs_attention, report);
        if let Some(changes) = &practice.unsent_configuration {
            report.note(place, commands::unsent_configuration(changes));
        }
    }
    for practice in &status.off {
        let place = format!("{SERVICE}, {}", practice_called(&practice.id, practice.name.as_deref()));
        let since = practice.since.map(|since| (since.to_utc(), zones::named(practice.zone.as_deref())));
        report.note(place.as_str(), commands::off_is_not_sent(&practice.id, &practice.why, since));
        inspect_bookings(&place, practice.needs_attention, report);
    }
    if report.problems() == before {
        report.ok(SERVICE, commands::SERVICE_IS_WELL);
    }
}

fn inspect_bookings(place: &str, needs_attention: usize, report: &mut Report) {
    if needs_attention > 0 {
        report.sentence(place, commands::bookings_need_attention(needs_attention));
    }
}

fn suffers(problem: &Problem, zone: Zone) -> String {
    format!("since {}: {}", commands::at(problem.since, zone), problem.text)
}

/// Does the service that runs have the secrets and certificates that were just read?
fn inspect_secrets(config: &Config, report: &mut Report) {
    let noted = store::noted_in_force(&config.state_path);
    let Some(noted) = noted.as_deref().and_then(InForce::from_text) else { return };
    let others = noted.others(config);
    for own in config.referred().into_iter().filter(|own| others.contains(&own.place)) {
        report
            .problem(own.place, reload_say::another(if own.is_secret { "secret" } else { "certificate" }, own.is_copy));
    }
}

async fn inspect_port(key: &str, address: SocketAddr, report: &mut Report) {
    match TcpListener::bind(address).await {
        Ok(_) => report.ok(key, format!("{address} is free")),
        Err(error) => report.problem(key, say::cannot_listen(key, address, &error)),
    }
}

/// The practices that somebody paused, as the state has it. A pause is said of the running service
/// where one runs.
async fn note_pauses(config: &Config, absent: &NoService, now: DateTime<Utc>, report: &mut Report) {
    if absent.never_ran() || state_owner::to_become(&config.state_path).is_some() {
        return;
    }
    // What hinders that is found when the service starts, or by `vetbridge state verify`.
    let Ok(store) = absent.open_store().await else { return };
    for practice in &config.practices {
        if let Some(pause) = pauses::of(&store, &practice.id) {
            let zone = zones::shown(practice.timezone, &store, &practice.id);
            let since = pause.since.map(|since| (since, zone));
            let advice = commands::off_is_not_sent(&practice.id.0, Off::Paused.name(), since);
            // As the running service does, which takes a pause for forgotten after a day.
            match pause.for_long(now) {
                Some(_) => report.problem(title(practice), advice),
                None => report.note(title(practice), advice),
            }
        }
    }
}

async fn inspect_state(
    config: &Config,
    absent: &NoService,
    now: DateTime<Utc>,
    report: &mut Report,
) -> anyhow::Result<()> {
    let path = config.state_path.clone();
    let looked_at = tokio::task::spawn_blocking(move || store::inspect(&path)).await?;
    let path = config.state_path.display();
    match looked_at {
        Ok(true) => {
            report.ok(STATE, format!("{path} can be used"));
            note_pauses(config, absent, now, report).await;
        }
        Ok(false) => match store::can_be_made(&config.state_path) {
            Ok(()) => report.ok(STATE, format!("{path} will be made by the first run")),
            Err(error) => report.problem(STATE, state_say::cannot_be_made(&config.state_path, &error)),
        },
        // Commands that root types become the owner before they open it.
        Err(OpenError::OtherOwner { .. }) if state_owner::to_become(&config.state_path).is_some() => {
            report.ok(STATE, format!("{path} can be used by the user that it belongs to"));
        }
        Err(error @ OpenError::OtherOwner { .. }) => report.note(STATE, commands::check_as_other_user(&error)),
        Err(error) => match absent.mute_holder(&error) {
            Some(advice) => report.problem(STATE, advice),
            None => report.sentence(STATE, error.to_string()),
        },
    }
    Ok(())
}
