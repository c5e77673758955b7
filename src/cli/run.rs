//! `vetbridge run`: the service.

use std::cell::OnceCell;
use std::ffi::OsStr;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use super::Global;
use super::exposure::exposures;
use crate::clock::Clock;
use crate::config::secrets_in_force::InForce;
use crate::config::watch::{LOOK_EVERY, WatchedFiles};
use crate::config::{self, Config, ConfigError};
use crate::http_clients::Network;
use crate::messages::{
    config_secrets as secrets_say, reload as reload_say, start as say, supervisor as supervisor_say,
    webhooks as webhooks_say,
};
use crate::os::signal::{Signal, SystemSignals};
use crate::os::{service_manager, signals};
use crate::service::{self, Failure, Service};
use crate::store;
use crate::supervisor::caught;
use crate::without_store::WithoutStore;

/// Runs the command.
pub(super) async fn run(global: &Global) -> anyhow::Result<ExitCode> {
    // Before anything starts: a signal that nobody listens to ends the process, or is lost.
    let signals = signals::to_stop_or_reload()?;
    until_told(global, signals).await
}

/// Runs the service until it is told to stop.
pub(super) async fn until_told(global: &Global, mut signals: SystemSignals) -> anyhow::Result<ExitCode> {
    let path = global.config_file()?;
    // Before it is read: what changes from here on is noticed.
    let mut file = WatchedFiles::new(&path);
    let config = read(&path, &mut file)?;
    if let Some(given) = std::env::var_os("STATE_DIRECTORY").and_then(|given| elsewhere(&config.state_path, &given)) {
        return Err(say::state_is_elsewhere(&config.state_path, &given).into());
    }
    super::output::commands_are(config::commands_for(&config.source));
    let mut watchdog = Watchdog::of_the_service_manager();
    let (mut network, clock) = (Network::new(&config)?, Clock::system());
    let without_store = OnceCell::new();
    let waits_for_the_store = |service: Arc<WithoutStore>| {
        let _first = without_store.set(service);
        service_manager::ready();
    };
    let opened = {
        let mut opening = std::pin::pin!(service::store_when_it_works(&config, &network, &clock, waits_for_the_store));
        loop {
            tokio::select! {
                opened = opening.as_mut() => break opened?,
                // The file is looked at again when the service runs, so a reload is none yet.
                () = signals.stop() => return Ok(ExitCode::SUCCESS),
                () = watchdog.is_due() => {
                    watchdog.feed(without_store.get().is_none_or(|service| service.supervisor().is_alive()));
                }
            }
        }
    };
    let service = Service::start_on(opened, &config, &network, clock).await?;
    announce(&config, &service);
    in_force(&config);
    warn(&config);
    // Where a service manager waits for it.
    service_manager::ready();
    let attend = async move |service: &Service| loop {
        tokio::select! {
            signal = signals.next() => match signal {
                Signal::Stop => return None,
                Signal::Reload => file.forget(),
            },
            why = service.failed() => return Some(why),
            () = change_of(&mut file) => {}
            () = watchdog.is_due() => {
                watchdog.feed(service.is_alive());
                continue;
            }
        }
        network = reload(service, network, &config.source, &mut file);
    };
    until_the_end(service, attend).await
}

/// Runs the service until `attend` ends, and stops it. A panic in there is a reason to end like any
/// other.
async fn until_the_end(
    service: Service,
    attend: impl AsyncFnOnce(&Service) -> Option<Failure>,
) -> anyhow::Result<ExitCode> {
    let attended = caught(attend(&service)).await;
    let failure = attended.unwrap_or_else(|_| Some(Failure::Loop(supervisor_say::run_failed())));
    service_manager::stopping();
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

/// The service manager's watchdog, where it has one (`WatchdogSec`): it ends a process that it does
/// not hear from.
struct Watchdog(Option<tokio::time::Interval>);

impl Watchdog {
    fn of_the_service_manager() -> Self {
        let every = service_manager::watchdog_limit().map(|limit| (limit / 3).max(Duration::from_millis(10)));
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
            service_manager::alive();
        }
    }
}

/// The directory that systemd gives the service (`StateDirectory=`), if the state is to be
/// somewhere else. There the service could write nothing, and would reject every booking.
fn elsewhere(state: &Path, given: &OsStr) -> Option<PathBuf> {
    let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let given: Vec<PathBuf> = std::env::split_paths(given).collect();
    let is_given = given.iter().any(|own| state.starts_with(own) || real(state).starts_with(real(own)));
    given.into_iter().next().filter(|_| !is_given)
}

/// Ends when the file changed.
async fn change_of(file: &mut WatchedFiles) {
    loop {
        tokio::time::sleep(LOOK_EVERY).await;
        if file.changed() {
            return;
        }
    }
}

/// Reads the configuration, and watches from here on whatever it depends on. What was not watched
/// before is read once more: so no change falls between.
fn read(path: &Path, file: &mut WatchedFiles) -> Result<Config, ConfigError> {
    let (mut config, mut files) = config::load_with_files(path);
    for _ in 0..READINGS_MAX {
        if !file.follow(&files) {
            break;
        }
        (config, files) = config::load_with_files(path);
    }
    config
}

/// A configuration that names other files each time it is read is written at the moment, and its
/// change is noticed.
const READINGS_MAX: usize = 3;

/// Reads the configuration again. One that cannot be used changes nothing.
fn reload(service: &Service, network: Network, source: &Path, file: &mut WatchedFiles) -> Network {
    let read = read(source, file).map_err(anyhow::Error::from);
    match read.and_then(|config| Ok((network.renewed(&config)?, config))) {
        Ok((renewed, config)) => {
            service.reload(&config, &renewed);
            tracing::info!("{}", reload_say::reloaded(source));
            let copies: Vec<String> =
                config.referred().into_iter().filter(|own| own.is_copy).map(|own| own.place).collect();
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
    for (place, secret) in config.secrets() {
        let Some(oddity) = secret.oddity() else { continue };
        tracing::warn!("{place}: {}", secrets_say::oddity(oddity, secret.file()));
    }
}

fn announce(config: &Config, service: &Service) {
    let enabled = config.practices.iter().filter(|practice| practice.enabled).count();
    // A practice that is paused is none of them, and its own line says so.
    let on = service.bridge().practices().count();
    tracing::info!(version = env!("CARGO_PKG_VERSION"), practices = on, "{}", say::RUNS);
    if enabled == 0 {
        tracing::warn!("{}", say::NOTHING_ENABLED);
    }
    if let (Some(webhooks), Some(address)) = (&config.webhooks, service.webhook_address()) {
        tracing::info!("{}", webhooks_say::listens(address, webhooks.prefix()));
    }
    // The token opens the page, so it is shown to whoever sits at a terminal and never kept in a
    // log.
    if std::io::stderr().is_terminal() {
        super::output::note(&say::status_page(service.admin_link()));
    } else {
        let file = config.state_path.join("admin-token");
        tracing::info!("{}", say::status_page_and_token(service.admin_address(), &file));
    }
}

#[cfg(test)]
mod tests {
    use async_trait::async_trait;

    use super::*;
    use crate::bridge::Connect;
    use crate::call_error::{Answer, CallError, ErrorClass};
    use crate::cli::{Command, exit_code, guarded};
    use crate::config::sample;
    use crate::healthengine::HealthengineHandle;
    use crate::healthengine::client::HealthengineClient;
    use crate::http::penalty::Penalties;
    use crate::http::{Request, Response, Transport};
    use crate::metrics::calls::CallMetrics;
    use crate::openvpms::client::OpenVpmsClient;
    use crate::practice::OpenVpmsClients;
    use crate::service::{Opened, StartError};
    use crate::store::{MemoryEngine, Store};

    /// Healthengine's client panics in every call, OpenVPMS is away.
    struct Mined(Clock);

    struct Away;

    struct Panics;

    #[async_trait]
    impl Transport for Away {
        async fn exchange(&self, _: Request) -> Answer<Response> {
            Err(CallError::new(ErrorClass::NotSent, "away"))
        }
    }

    #[async_trait]
    impl Transport for Panics {
        async fn exchange(&self, _: Request) -> Answer<Response> {
            panic!("planted")
        }
    }

    impl Connect for Mined {
        fn openvpms(&self) -> OpenVpmsClients {
            let client = OpenVpmsClient::new(Arc::new(Away));
            OpenVpmsClients {
                interactive: Arc::new(client.clone()),
                background: Arc::new(client.clone()),
                writer: Arc::new(client),
            }
        }

        fn healthengine(&self, _: &config::PracticeSettings) -> Option<HealthengineHandle> {
            Some(Arc::new(HealthengineClient::new(Arc::new(Panics), self.0.clone())))
        }

        fn penalties(&self) -> Penalties {
            Penalties::default()
        }

        fn call_metrics(&self) -> CallMetrics {
            CallMetrics::default()
        }
    }

    fn configuration(state: PathBuf) -> Config {
        let config = sample::parsed(&(sample::SERVERS.to_owned() + &sample::practice("1234567", "k", "[98]", "")));
        Config { state_path: state, admin_listen: "127.0.0.1:0".parse().unwrap(), ..config }
    }

    async fn service() -> Service {
        let clock = Clock::system();
        let store = Store::in_memory(&MemoryEngine::new(), clock.now()).unwrap();
        let config = configuration("state".into());
        Service::start_on(Opened::on(store), &config, &Mined(clock.clone()), clock).await.unwrap()
    }

    /// What the program ends with, as its `main` says it.
    fn status(outcome: anyhow::Result<ExitCode>) -> String {
        format!("{:?}", exit_code(&Command::Run, outcome))
    }

    fn one() -> String {
        format!("{:?}", ExitCode::from(1))
    }

    #[test]
    fn a_state_outside_of_what_systemd_gives_is_noticed() {
        let elsewhere = |state: &str, given: &str| elsewhere(Path::new(state), OsStr::new(given));
        assert_eq!(elsewhere("/var/lib/vetbridge", "/var/lib/vetbridge-east"), Some("/var/lib/vetbridge-east".into()));
        assert_eq!(elsewhere("/var/lib/vetbridge-east", "/var/lib/vetbridge-east"), None);
        assert_eq!(elsewhere("/var/lib/vetbridge/east", "/var/lib/other:/var/lib/vetbridge"), None);
    }

    #[test]
    fn a_state_that_systemd_gives_under_another_name_is_the_same() {
        let folder = tempfile::tempdir().unwrap();
        let (private, name) = (folder.path().join("private"), folder.path().join("vetbridge"));
        std::fs::create_dir(&private).unwrap();
        std::os::unix::fs::symlink(&private, &name).unwrap();
        assert_eq!(elsewhere(&name, private.as_os_str()), None);
    }

    #[tokio::test(start_paused = true)]
    async fn a_loop_that_no_restart_helps_ends_the_service_with_status_1_and_a_sentence() {
        let attend = async |service: &Service| Some(service.failed().await);
        let ended = tokio::time::timeout(Duration::from_secs(600), until_the_end(service().await, attend)).await;
        let ended = ended.unwrap();
        let why = ended.as_ref().unwrap_err().to_string();
        assert!(why.contains("had to stop") && why.contains("1234567") && why.contains("10 times"), "{why}");
        assert_eq!(status(ended), one());
    }

    #[tokio::test(start_paused = true)]
    async fn a_panic_of_what_waits_for_signals_stops_the_service_and_ends_it_with_status_1_and_a_sentence() {
        let ended = until_the_end(service().await, async |_: &Service| panic!("planted")).await;
        let why = ended.as_ref().unwrap_err().to_string();
        assert!(why.contains("had to stop") && why.contains("signals") && why.contains("report"), "{why}");
        assert_eq!(status(ended), one());
        assert_eq!(
            status(until_the_end(service().await, async |_: &Service| None).await),
            format!("{:?}", ExitCode::SUCCESS)
        );
    }

    #[tokio::test]
    async fn a_command_that_panics_ends_with_status_1_and_a_sentence() {
        let ended = guarded(async { panic!("planted") }).await;
        assert!(ended.as_ref().unwrap_err().to_string().contains("report"), "{ended:?}");
        assert_eq!(status(ended), one());
    }

    #[tokio::test(start_paused = true)]
    async fn without_a_store_too_a_loop_that_no_restart_helps_ends_the_service_with_status_1() {
        let directory = tempfile::tempdir().unwrap();
        // The lock cannot be written, whoever tries it.
        std::fs::create_dir_all(directory.path().join("state/lock")).unwrap();
        let config = configuration(directory.path().join("state"));
        let clock = Clock::system();
        let (mined, waiting) = (Mined(clock.clone()), OnceCell::new());
        let opening = service::store_when_it_works(&config, &mined, &clock, |own| drop(waiting.set(own)));
        let ended = tokio::time::timeout(Duration::from_secs(600), opening).await.unwrap();
        let Err(why @ StartError::Hopeless(_)) = ended else { panic!("it opened, or ended otherwise") };
        assert!(!waiting.get().unwrap().supervisor().is_alive());
        assert!(why.to_string().contains("had to stop") && why.to_string().contains("1234567"), "{why}");
        assert_eq!(status(Err(why.into())), one());
    }
}
