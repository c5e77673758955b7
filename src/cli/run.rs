//! `vetbridge run`: the service.

use std::io::IsTerminal as _;
use std::path::Path;
use std::process::ExitCode;
use std::time::Duration;

use sd_notify::NotifyState;
use tokio::signal::unix::{SignalKind, signal};

use super::Global;
use super::connect::Network;
use super::exposure::exposures;
use crate::clock::Clock;
use crate::config::in_force::InForce;
use crate::config::watch::{LOOK_EVERY, Watched};
use crate::config::{self, Config, ConfigError};
use crate::messages::{config as config_say, reload as reload_say, start as say, webhooks as webhooks_say};
use crate::service::{self, Failure, Service};
use crate::store;

/// Runs the command.
pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    let path = global.config_file()?;
    // Before it is read: what changes from here on is noticed.
    let mut file = Watched::new(&path);
    let config = read(&path, &mut file)?;
    // Before anything starts: a signal that nobody listens to ends the process, or is lost.
    let (mut terminated, mut interrupted) = (signal(SignalKind::terminate())?, signal(SignalKind::interrupt())?);
    let mut hung_up = signal(SignalKind::hangup())?;
    let mut watchdog = Watchdog::of_the_service_manager();
    let (mut network, clock) = (Network::new(&config)?, Clock::system());
    let ready = || {
        let _ = sd_notify::notify(&[NotifyState::Ready]);
    };
    let opened = {
        let mut opening = std::pin::pin!(service::store_when_it_works(&config, &network, &clock, ready));
        loop {
            tokio::select! {
                opened = opening.as_mut() => break opened?,
                _ = terminated.recv() => return Ok(ExitCode::SUCCESS),
                _ = interrupted.recv() => return Ok(ExitCode::SUCCESS),
                // The file is looked at again when the service runs.
                _ = hung_up.recv() => {}
                () = watchdog.is_due() => watchdog.feed(true),
            }
        }
    };
    let service = Service::start_on(opened, &config, &network, clock).await?;
    announce(&config, &service);
    in_force(&config);
    warn(&config);
    // Under systemd: ready. Elsewhere this does nothing.
    let _ = sd_notify::notify(&[NotifyState::Ready]);
    let failure = loop {
        tokio::select! {
            _ = terminated.recv() => break None,
            _ = interrupted.recv() => break None,
            why = service.failed() => break Some(why),
            _ = hung_up.recv() => file.forget(),
            () = change_of(&mut file) => {}
            () = watchdog.is_due() => {
                watchdog.feed(service.is_alive());
                continue;
            }
        }
        network = reload(&service, network, &config.source, &mut file);
    };
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
    tracing::info!("{}", say::STOPPING);
    if matches!(failure, Some(Failure::Store(_))) {
        service.reject_open().await;
    }
    service.stop().await;
    match failure {
        None => Ok(ExitCode::SUCCESS),
        Some(why) => Err(anyhow::anyhow!(say::had_to_stop(&why.to_string()))),
    }
}

/// The service manager's watchdog, where it has one (`WatchdogSec`): it ends a process that it does not hear from.
struct Watchdog(Option<tokio::time::Interval>);

impl Watchdog {
    fn of_the_service_manager() -> Self {
        let every = sd_notify::watchdog_enabled().map(|limit| (limit / 3).max(Duration::from_millis(10)));
        Self(every.map(tokio::time::interval))
    }

    /// Ends when it expects to hear from us.
    async fn is_due(&mut self) {
        match &mut self.0 {
            Some(interval) => drop(interval.tick().await),
            None => std::future::pending().await,
        }
    }

    /// It hears from us only while every loop makes progress.
    fn feed(&self, alive: bool) {
        if alive {
            let _ = sd_notify::notify(&[NotifyState::Watchdog]);
        }
    }
}

/// Ends when the file changed.
async fn change_of(file: &mut Watched) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if file.changed() {
            return;
        }
    }
}

/// Reads the configuration, and watches from here on whatever it depends on. What was not watched before is read once more: so no
/// change falls between.
fn read(path: &Path, file: &mut Watched) -> Result<Config, ConfigError> {
    let (mut config, mut files) = config::load_with_files(path);
    for _ in 0..READINGS_MAX {
        if !file.follow(&files) {
            break;
        }
        (config, files) = config::load_with_files(path);
    }
    config
}

/// A configuration that names other files each time it is read is written at the moment, and its change is noticed.
const READINGS_MAX: usize = 3;

/// Reads the configuration again. One that cannot be used changes nothing.
fn reload(service: &Service, network: Network, source: &Path, file: &mut Watched) -> Network {
    let read = read(source, file).map_err(anyhow::Error::from);
    match read.and_then(|config| Ok((network.renewed(&config)?, config))) {
        Ok((renewed, config)) => {
            service.reload(&config, &renewed);
            tracing::info!("{}", reload_say::RELOADED);
            let copies: Vec<String> =
                config.secrets().into_iter().filter(|(_, secret)| secret.is_copy()).map(|(place, _)| place).collect();
            if !copies.is_empty() {
                tracing::info!("{}", reload_say::copies(&copies));
            }
            in_force(&config);
            warn(&config);
            renewed
        }
        Err(error) => {
            service.not_reloaded(&format!("{error:#}"));
            network
        }
    }
}

/// Notes which secrets are in force, for `check`.
fn in_force(config: &Config) {
    let noted = InForce::of(config).map_err(anyhow::Error::from);
    if let Err(error) = noted.and_then(|in_force| Ok(store::note_in_force(&config.state_path, &in_force.to_text())?)) {
        tracing::warn!("{}", reload_say::not_noted(&error));
    }
}

/// What of a valid configuration is hardly meant.
fn warn(config: &Config) {
    for (place, advice) in exposures(config) {
        tracing::warn!("{place}: {advice}");
    }
    for (place, oddity) in config.secrets().into_iter().filter_map(|(place, secret)| Some((place, secret.oddity()?))) {
        tracing::warn!("{place}: {}", config_say::oddity(oddity));
    }
}

fn announce(config: &Config, service: &Service) {
    let enabled = config.practices.iter().filter(|practice| practice.enabled).count();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), practices = enabled, "{}", say::RUNS);
    if enabled == 0 {
        tracing::warn!("{}", say::NOTHING_ENABLED);
    }
    if let (Some(webhooks), Some(address)) = (&config.webhooks, service.webhook_address()) {
        tracing::info!("{}", webhooks_say::listens(address, webhooks.prefix()));
    }
    // The token opens the page, so it is shown to whoever sits at a terminal and never kept in a log.
    if std::io::stderr().is_terminal() {
        super::output::note(&say::status_page(service.admin_link()));
    } else {
        let file = config.state_path.join("admin-token");
        tracing::info!("{}", say::status_page_and_token(service.admin_address(), &file));
    }
}
