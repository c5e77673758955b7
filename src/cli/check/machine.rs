//! Can `run` listen and keep its state on this machine, or does it run already?
//!
//! Nothing is made: a port is bound for a moment, a state directory that exists is looked at.

use std::net::SocketAddr;

use tokio::net::TcpListener;

use super::findings::Report;
use crate::cli::running::{self, Absent, Found};
use crate::config::Config;
use crate::config::in_force::InForce;
use crate::messages::{Advice, commands, reload as reload_say, start as say};
use crate::store::{self, OpenError};

const ADMIN: &str = "[admin] listen";
const WEBHOOKS: &str = "[webhooks] listen";
const STATE: &str = "[state] path";

/// Looks for a service that runs with this configuration; if there is none, whether one could start.
pub(super) async fn inspect(config: &Config, report: &mut Report) -> anyhow::Result<()> {
    match running::find(&config.instance()).await {
        Ok(Found::Running(service)) => {
            report.ok(ADMIN, commands::runs_already(service.address()));
            inspect_secrets(config, report);
        }
        Ok(Found::Absent(absent)) => {
            inspect_port(ADMIN, config.admin_listen, report).await;
            if let Some(webhooks) = &config.webhooks {
                inspect_port(WEBHOOKS, webhooks.listen, report).await;
            }
            inspect_state(config, &absent, report).await?;
        }
        Err(error) => match error.downcast::<Advice>() {
            Ok(advice) => report.problem(ADMIN, advice),
            Err(error) => return Err(error),
        },
    }
    Ok(())
}

/// Does the service that runs have the secrets that were just read?
fn inspect_secrets(config: &Config, report: &mut Report) {
    let noted = store::noted_in_force(&config.state_path);
    let Some(noted) = noted.as_deref().and_then(InForce::from_text) else { return };
    let others = noted.others(config);
    for (place, secret) in config.secrets().into_iter().filter(|(place, _)| others.contains(place)) {
        report.problem(place, reload_say::another_secret(secret.is_copy()));
    }
}

async fn inspect_port(key: &str, address: SocketAddr, report: &mut Report) {
    match TcpListener::bind(address).await {
        Ok(_) => report.ok(key, format!("{address} is free")),
        Err(error) => report.problem(key, say::cannot_listen(key, address, &error)),
    }
}

async fn inspect_state(config: &Config, absent: &Absent, report: &mut Report) -> anyhow::Result<()> {
    let path = config.state_path.clone();
    let looked_at = tokio::task::spawn_blocking(move || store::inspect(&path)).await?;
    let path = config.state_path.display();
    match looked_at {
        Ok(true) => report.ok(STATE, format!("{path} can be used")),
        Ok(false) => report.ok(STATE, format!("{path} will be made by the first run")),
        Err(error @ OpenError::OtherOwner { .. }) => report.note(STATE, commands::check_as_other_user(&error)),
        Err(error) => match absent.mute_holder(&error) {
            Some(advice) => report.problem(STATE, advice),
            None => report.sentence(STATE, error.to_string()),
        },
    }
    Ok(())
}
