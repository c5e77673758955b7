//! `vetbridge run`: the service.

use std::io::IsTerminal as _;
use std::process::ExitCode;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::Global;
use super::connect::Network;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::messages::start as say;
use crate::service::{self, Service};

/// Runs the command.
pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let config = config::load(&global.config_file()?)?;
    // Before anything starts: a signal that nobody listens to ends the process, or is lost.
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hung_up = signal(SignalKind::hangup())?;
    let (network, clock) = (Network::new(&config)?, Clock::system());
    let ready = || {
        let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    };
    let store = tokio::select! {
        store = service::store_when_it_works(&config, &network, &clock, ready) => store?,
        _ = terminated.recv() => return Ok(ExitCode::SUCCESS),
        _ = interrupted.recv() => return Ok(ExitCode::SUCCESS),
        () = stay_as_it_is(&mut hung_up) => return Ok(ExitCode::SUCCESS),
    };
    let service = Service::start_on(store, &config, &network, clock).await?;
    announce(&config, &service);
    // Under systemd: ready. Elsewhere this does nothing.
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Ready]);
    let failure = tokio::select! {
        _ = terminated.recv() => None,
        _ = interrupted.recv() => None,
        why = service.failed() => Some(why),
        () = stay_as_it_is(&mut hung_up) => None,
    };
    let _ = sd_notify::notify(&[sd_notify::NotifyState::Stopping]);
    tracing::info!("{}", say::STOPPING);
    if failure.is_some() {
        service.reject_open().await;
    }
    service.stop().await;
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(anyhow::anyhow!(say::had_to_stop(&why))),
    }
}

/// SIGHUP asks for the configuration to be read again. That takes a restart; the signal itself must not end the service.
async fn stay_as_it_is(hung_up: &mut Signal) {
    while hung_up.recv().await.is_some() {
        tracing::warn!("{}", say::NO_RELOAD);
    }
    std::future::pending().await
}

fn announce(config: &Config, service: &Service) {
    let enabled = config.practices.iter().filter(|practice| practice.enabled).count();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), practices = enabled, "{}", say::RUNS);
    if enabled == 0 {
        tracing::warn!("{}", say::NOTHING_ENABLED);
    }
    // The token opens the page, so it is shown to whoever sits at a terminal and never kept in a log.
    if std::io::stderr().is_terminal() {
        super::output::note(&say::status_page(service.admin_link()));
    } else {
        let file = config.state_path.join("admin-token");
        tracing::info!("{}", say::status_page_and_token(service.admin_address(), &file));
    }
}
