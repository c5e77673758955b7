//! `vetbridge run`: the service.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::connect::Network;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::service::Service;

/// Runs the command.
pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let config = config::load(&global.config_file()?)?;
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let service = Service::start(&config, &Network::new(&config)?, Clock::system()).await?;
    announce(&config, &service);
    // Under systemd: ready. Elsewhere this does nothing.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let failure = tokio::select! {
        _ = terminated.recv() => None,
        _ = interrupted.recv() => None,
        why = service.failed() => Some(why),
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("Stopping: what is in flight is finished first.");
    service.stop().await;
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(anyhow::anyhow!(
            "vetbridge had to stop: {why}. The supervisor starts it again; nothing that was confirmed is lost."
        )),
    }
}

fn announce(config: &Config, service: &Service) {
    let enabled = config.practices.iter().filter(|practice| practice.enabled).count();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), practices = enabled, "vetbridge runs.");
    if enabled == 0 {
        tracing::warn!(
            "No practice is enabled, so there is nothing to do. Add a [[practice]] block (see `vetbridge discover --toml`)."
        );
    }
    // The token opens the page, so it is shown to whoever sits at a terminal and never kept in a log.
    if std::io::stderr().is_terminal() {
        super::output::note(&format!("Status page: {}", service.admin_link()));
    } else {
        let file = config.state_path.join("admin-token");
        tracing::info!(
            "The status page is at http://{}/; its token is in {}.",
            service.admin_address(),
            file.display()
        );
    }
}
