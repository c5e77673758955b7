//! The service as whoever administers the computer sees it: installed, started, asked, stopped,
//! removed.

use std::ffi::{OsStr, OsString};
use std::path::{Path, PathBuf};
use std::time::Duration;

use tokio::time::Instant;
use windows_service::service::{
    Service, ServiceAccess, ServiceAction, ServiceActionType, ServiceErrorControl, ServiceExitCode,
    ServiceFailureActions, ServiceFailureResetPeriod, ServiceInfo, ServiceStartType, ServiceState, ServiceStatus,
    ServiceType, UserEventCode,
};
use windows_service::service_manager::{ServiceManager, ServiceManagerAccess};

use super::access_list::{self, ServiceRights};
use super::service_manager::{RELOAD_CONTROL, fault, said};
use super::{event_log, file_security, places};
use crate::os::ownership::{ForeignHand, Hand};
use crate::os::service_fault::ServiceFault;
use crate::os::service_sid::{SERVICE_ACCOUNT, SERVICE_NAME};

const DISPLAY_NAME: &str = "vetbridge";
const DESCRIPTION: &str = "The bridge between OpenVPMS and Healthengine: online bookings of a veterinary clinic";
/// After an exit with an error the service starts again: soon, then less often.
const RESTART_PAUSES: [Duration; 3] = [Duration::from_secs(5), Duration::from_secs(30), Duration::from_secs(60)];
/// After so long without an error the first pause holds again.
const ERRORS_FORGOTTEN_AFTER: Duration = Duration::from_secs(24 * 60 * 60);

const STARTED_WITHIN: Duration = Duration::from_secs(60);
const STOPPED_WITHIN: Duration = Duration::from_secs(30);
const LOOK_EVERY: Duration = Duration::from_millis(250);

/// What is installed.
#[derive(Debug)]
pub struct Installation {
    /// The configuration, by its whole path.
    pub config: PathBuf,
    /// The state directory, by its whole path.
    pub state: PathBuf,
    /// Other files that the configuration depends on.
    pub files: Vec<PathBuf>,
    /// What the program is started with.
    pub arguments: Vec<OsString>,
}

/// Makes the directories of configuration, state and log, and closes them to other users.
///
/// # Errors
/// That is not possible, or not allowed.
pub fn prepare() -> Result<(), ServiceFault> {
    let written = [places::state_directory(), places::log_directory()];
    access_list::close_directory(&places::own_directory(), ServiceRights::Read, &written)?;
    written.iter().try_for_each(|path| access_list::close_directory(path, ServiceRights::Modify, &[]))
}

/// Makes the folder that the installer puts the program into.
///
/// # Errors
/// That is not possible, or somebody else could change what is in it.
pub fn prepare_program_folder(folder: &Path) -> Result<(), ServiceFault> {
    access_list::close_program_folder(folder)
}

/// Refuses to read a configuration in the usual place that somebody else could have put there.
/// `Some`: the one account that could, because an administrator has let it in.
///
/// # Errors
/// Somebody could.
pub fn refuse_planted(config: &Path) -> Result<Option<ForeignHand>, ServiceFault> {
    let path = places::own_directory();
    let by = if config.starts_with(&path) { access_list::refuse_unclosed(&path)? } else { None };
    Ok(by.map(|by| ForeignHand { path, hand: Hand::Changes(by) }))
}

/// Installs the service, or brings one that is installed to the present program and configuration.
/// Nothing is started. `Some`: what Windows did not take, though the service can do without it.
///
/// # Errors
/// Windows refuses it.
pub fn install(installation: &Installation) -> Result<Option<String>, ServiceFault> {
    let manager = manager(ServiceManagerAccess::CONNECT | ServiceManagerAccess::CREATE_SERVICE)?;
    let program = program()?;
    file_security::refuse_changeable(&program)?;
    prepare()?;
    let Installation { config, state, files, arguments } = installation;
    if *state != places::state_directory() {
        access_list::close_directory(state, ServiceRights::Modify, &[])?;
    }
    let own = places::own_directory();
    if !config.starts_with(&own) {
        file_security::refuse_changeable(config)?;
    }
    let elsewhere = files.iter().chain([config]).filter(|file| !file.starts_with(&own) && file.exists());
    elsewhere.map(PathBuf::as_path).try_for_each(access_list::let_the_service_read)?;
    event_log::register()?;

    let info = info(program, arguments);
    let access = ServiceAccess::CHANGE_CONFIG | ServiceAccess::START;
    let service = match open(&manager, access) {
        Ok(service) => {
            service.change_config(&info).map_err(fault)?;
            service
        }
        Err(ServiceFault::NotInstalled) => manager.create_service(&info, access).map_err(fault)?,
        Err(fault) => return Err(fault),
    };
    service.set_description(DESCRIPTION).map_err(fault)?;
    let actions = RESTART_PAUSES.map(|delay| ServiceAction { action_type: ServiceActionType::Restart, delay });
    let actions = ServiceFailureActions {
        reset_period: ServiceFailureResetPeriod::After(ERRORS_FORGOTTEN_AFTER),
        reboot_msg: None,
        command: None,
        actions: Some(actions.to_vec()),
    };
    service.update_failure_actions(actions).map_err(fault)?;
    Ok(service.set_failure_actions_on_non_crash_failures(true).err().map(said))
}

/// The path is quoted where it has blanks: else Windows would look for another program on its way.
fn info(program: PathBuf, arguments: &[OsString]) -> ServiceInfo {
    ServiceInfo {
        name: SERVICE_NAME.into(),
        display_name: DISPLAY_NAME.into(),
        service_type: ServiceType::OWN_PROCESS,
        start_type: ServiceStartType::AutoStart,
        error_control: ServiceErrorControl::Normal,
        executable_path: program,
        launch_arguments: arguments.to_vec(),
        dependencies: Vec::new(),
        account_name: Some(OsString::from(SERVICE_ACCOUNT)),
        account_password: None,
    }
}

fn program() -> Result<PathBuf, ServiceFault> {
    std::env::current_exe().map_err(|error| ServiceFault::Other(error.to_string()))
}

/// Stops the service and removes it. Configuration, state and log stay.
///
/// # Errors
/// Windows refuses it, or the service does not stop.
pub async fn uninstall() -> Result<(), ServiceFault> {
    stop().await?;
    let service = open(&manager(ServiceManagerAccess::CONNECT)?, ServiceAccess::DELETE)?;
    service.delete().map_err(fault)?;
    event_log::unregister();
    Ok(())
}

/// Starts the service and waits until it does its work.
///
/// # Errors
/// Windows refuses it, or the service ends.
pub async fn start() -> Result<(), ServiceFault> {
    let access = ServiceAccess::START | ServiceAccess::QUERY_STATUS;
    let service = open(&manager(ServiceManagerAccess::CONNECT)?, access)?;
    if service.query_status().map_err(fault)?.current_state == ServiceState::Running {
        return Ok(());
    }
    service.start::<&OsStr>(&[]).map_err(fault)?;
    let status = until(&service, "start", STARTED_WITHIN, &[ServiceState::Running, ServiceState::Stopped]).await?;
    match (status.current_state, status.exit_code) {
        (ServiceState::Running, _) => Ok(()),
        (_, ServiceExitCode::Win32(status) | ServiceExitCode::ServiceSpecific(status)) => {
            Err(ServiceFault::EndedAtOnce { status, logs: places::log_directory() })
        }
    }
}

/// Stops the service and waits until it has left. One that does not run is left alone.
///
/// # Errors
/// Windows refuses it, or the service does not stop.
pub async fn stop() -> Result<(), ServiceFault> {
    let access = ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
    let service = open(&manager(ServiceManagerAccess::CONNECT)?, access)?;
    if service.query_status().map_err(fault)?.current_state == ServiceState::Stopped {
        return Ok(());
    }
    until(
        &service,
        "start",
        STARTED_WITHIN,
        &[ServiceState::Running, ServiceState::StopPending, ServiceState::Stopped],
    )
    .await?;
    match service.stop().map_err(fault) {
        // It is leaving, or has left meanwhile.
        Ok(_) | Err(ServiceFault::NotRunning | ServiceFault::Busy) => {}
        Err(fault) => return Err(fault),
    }
    until(&service, "stop", STOPPED_WITHIN, &[ServiceState::Stopped]).await.map(drop)
}

/// Has the service read its configuration again.
///
/// # Errors
/// Windows refuses it, or the service does not run.
pub fn reload() -> Result<(), ServiceFault> {
    let access = ServiceAccess::USER_DEFINED_CONTROL;
    let service = open(&manager(ServiceManagerAccess::CONNECT)?, access)?;
    let control = UserEventCode::from_raw(RELOAD_CONTROL).map_err(|error| ServiceFault::Other(error.to_string()))?;
    service.notify(control).map(drop).map_err(fault)
}

/// True if the service does its work.
///
/// # Errors
/// It is not installed, or Windows refuses to say.
pub fn is_running() -> Result<bool, ServiceFault> {
    let service = open(&manager(ServiceManagerAccess::CONNECT)?, ServiceAccess::QUERY_STATUS)?;
    Ok(service.query_status().map_err(fault)?.current_state == ServiceState::Running)
}

async fn until(
    service: &Service,
    what: &'static str,
    within: Duration,
    states: &[ServiceState],
) -> Result<ServiceStatus, ServiceFault> {
    let end = Instant::now() + within;
    loop {
        let status = service.query_status().map_err(fault)?;
        if states.contains(&status.current_state) {
            return Ok(status);
        }
        if Instant::now() > end {
            return Err(ServiceFault::TooSlow { what, within, logs: places::log_directory() });
        }
        tokio::time::sleep(LOOK_EVERY).await;
    }
}

fn manager(access: ServiceManagerAccess) -> Result<ServiceManager, ServiceFault> {
    ServiceManager::local_computer(None::<&OsStr>, access).map_err(fault)
}

fn open(manager: &ServiceManager, access: ServiceAccess) -> Result<Service, ServiceFault> {
    manager.open_service(SERVICE_NAME, access).map_err(fault)
}
