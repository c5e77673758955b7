//! `vetbridge service`: the service of Windows, for whoever administers it, and for Windows itself.

use std::ffi::OsString;
use std::path::{Path, absolute};
use std::process::ExitCode;

use clap::ValueEnum as _;

use super::args::{Command, Global, INVALID, ServiceArgs, ServiceCommand};
use super::guarded::guarded;
use super::logging::{self, LogFormat, LogLevel};
use super::{output, run, runtime};
use crate::config::{self, ConfigError};
use crate::messages::{start as start_say, windows_service as say};
use crate::os::installation::{self, Installation};
use crate::os::service_sid::SERVICE_ACCOUNT;
use crate::os::signal::SystemSignals;
use crate::os::{places, service_manager};
use crate::store::{self, OpenError};

/// True for what Windows starts, which has neither console nor standard error.
pub(super) fn is_started_by_windows(command: &Command) -> bool {
    matches!(command, Command::Service(ServiceArgs { command: ServiceCommand::Run }))
}

/// Runs the service that Windows has started.
pub(super) fn serve(global: Global) -> ExitCode {
    let level = global.log_level.unwrap_or(LogLevel::Info);
    if let Err(why) = logging::start_as_service(global.log_format, level) {
        tracing::warn!("{}", say::no_log_file(&places::log_directory(), why));
    }
    // An error means that a provider is there already.
    let _ = rustls::crypto::ring::default_provider().install_default();
    let served = service_manager::serve(move |signals| {
        let ended = runtime::new()
            .map_err(anyhow::Error::from)
            .and_then(|runtime| runtime.block_on(guarded(Box::pin(run_trusted(&global, signals)))));
        match ended {
            Ok(status) if status == ExitCode::SUCCESS => 0,
            Ok(_) => 1,
            Err(error) => {
                tracing::error!("{error:#}");
                if error.is::<ConfigError>() { INVALID } else { 1 }
            }
        }
    });
    match served {
        Ok(()) => ExitCode::SUCCESS,
        Err(fault) => {
            output::error(&fault.into(), false);
            ExitCode::FAILURE
        }
    }
}

/// Nothing of a configuration that an ordinary user could have put there is read.
async fn run_trusted(global: &Global, signals: SystemSignals) -> anyhow::Result<ExitCode> {
    if let Some(foreign) = installation::refuse_planted(&global.config_file()?)? {
        tracing::warn!("{}", say::opened_to(&foreign));
    }
    run::until_told(global, signals).await
}

/// Runs the command.
pub(super) async fn run(global: &Global, command: &ServiceCommand) -> anyhow::Result<ExitCode> {
    match command {
        ServiceCommand::Prepare { program_folder: Some(folder) } => {
            let folder = absolute(folder)?;
            installation::prepare_program_folder(&folder)?;
            output::result(say::program_folder_prepared(&folder))?;
        }
        ServiceCommand::Prepare { program_folder: None } => {
            installation::prepare()?;
            output::result(say::prepared(&places::own_directory()))?;
        }
        ServiceCommand::Install { start } => install(global, *start).await?,
        ServiceCommand::Uninstall => {
            installation::uninstall().await?;
            output::result(say::uninstalled(&places::own_directory()))?;
        }
        ServiceCommand::Start => start().await?,
        ServiceCommand::Stop => stop().await?,
        ServiceCommand::Restart => {
            stop().await?;
            start().await?;
        }
        ServiceCommand::Reload => {
            installation::reload()?;
            output::result(say::RELOADED)?;
        }
        ServiceCommand::Status => {
            let is_running = installation::is_running()?;
            output::result(if is_running { say::RUNNING } else { say::NOT_RUNNING })?;
            return Ok(if is_running { ExitCode::SUCCESS } else { ExitCode::FAILURE });
        }
        // It is dealt with before there is a runtime.
        ServiceCommand::Run => anyhow::bail!(start_say::had_to_stop("it was started in another way than by Windows")),
    }
    Ok(ExitCode::SUCCESS)
}

/// Only a valid configuration, and a state directory that is one, are given to the service: their
/// access lists are set.
async fn install(global: &Global, start_too: bool) -> anyhow::Result<()> {
    let path = absolute(global.config_file()?)?;
    let (config, files) = config::load_with_files(&path);
    let config = config?;
    match store::inspect(&config.state_path) {
        // A service that runs has it.
        Ok(_) | Err(OpenError::InUse { .. }) => {}
        Err(error) => return Err(error.into()),
    }
    let state = absolute(&config.state_path)?;
    let (files, arguments) = (files.into_iter().collect(), arguments(global, &path));
    let shortcoming = installation::install(&Installation { config: path.clone(), state, files, arguments })?;
    output::result(say::installed(&path, SERVICE_ACCOUNT))?;
    if let Some(why) = shortcoming {
        output::note(&say::not_restarted_after_errors(why));
    }
    if start_too { start().await } else { Ok(output::result(say::HOW_TO_START)?) }
}

/// What Windows starts the program with: the log as it is wanted now, too.
fn arguments(global: &Global, config: &Path) -> Vec<OsString> {
    let mut arguments = vec![OsString::from("--config"), config.as_os_str().to_owned()];
    let level = global.log_level.and_then(|level| level.to_possible_value());
    let format = global.log_format.to_possible_value().filter(|_| global.log_format != LogFormat::Text);
    for (option, value) in [("--log-level", level), ("--log-format", format)] {
        if let Some(value) = value {
            arguments.extend([OsString::from(option), OsString::from(value.get_name())]);
        }
    }
    arguments.extend([OsString::from("service"), OsString::from("run")]);
    arguments
}

async fn start() -> anyhow::Result<()> {
    installation::start().await?;
    Ok(output::result(say::started(&places::log_directory()))?)
}

async fn stop() -> anyhow::Result<()> {
    installation::stop().await?;
    Ok(output::result(say::STOPPED)?)
}
