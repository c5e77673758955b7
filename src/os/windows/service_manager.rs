//! The service manager of Windows, as the service itself sees it: it is started by it, hears its
//! controls and reports to it. In a program that was started in any other way, the reports do
//! nothing.
//!
//! `service_main` is called by Windows on a thread of its own, without anything from us. So what is
//! to be run, and the handle to report with, are kept in statics of this file.

use std::ffi::OsString;
use std::sync::OnceLock;
use std::time::Duration;

use parking_lot::Mutex;
use windows_service::service::{
    ServiceControl, ServiceControlAccept, ServiceExitCode, ServiceState, ServiceStatus, ServiceType,
};
use windows_service::service_control_handler::{self, ServiceControlHandlerResult, ServiceStatusHandle};
use windows_service::{define_windows_service, service_dispatcher};

use crate::os::service_fault::ServiceFault;
use crate::os::service_sid::SERVICE_NAME;
use crate::os::signal::{Signal, SystemSignals};

/// The control that asks for a reload: the first of those that a service can give a meaning.
pub const RELOAD_CONTROL: u32 = 128;

/// The database is opened and checked within that.
const STARTING_MAX: Duration = Duration::from_secs(60);
/// vetbridge leaves within 10 seconds.
const STOPPING_MAX: Duration = Duration::from_secs(20);

type Work = Box<dyn FnOnce(SystemSignals) -> u8 + Send>;

static WORK: Mutex<Option<Work>> = Mutex::new(None);
static REPORTS: OnceLock<ServiceStatusHandle> = OnceLock::new();

define_windows_service!(service_entry, service_main);

/// Runs the work as the service that Windows has started. Returns when it is over; its result is
/// the exit status.
///
/// # Errors
/// Windows has not started this process.
pub fn serve(work: impl FnOnce(SystemSignals) -> u8 + Send + 'static) -> Result<(), ServiceFault> {
    *WORK.lock() = Some(Box::new(work));
    service_dispatcher::start(SERVICE_NAME, service_entry).map_err(fault)
}

fn service_main(_arguments: Vec<OsString>) {
    let Some(work) = WORK.lock().take() else { return };
    let (sender, signals) = SystemSignals::channel();
    #[allow(clippy::wildcard_enum_match_arm, reason = "Windows has a dozen controls that do not concern us")]
    let heard = move |control| match control {
        ServiceControl::Interrogate => ServiceControlHandlerResult::NoError,
        ServiceControl::Stop | ServiceControl::Shutdown => {
            // The receiver is gone only when the work is over.
            let _ = sender.blocking_send(Signal::Stop);
            ServiceControlHandlerResult::NoError
        }
        ServiceControl::UserEvent(code) if code.to_raw() == RELOAD_CONTROL => {
            // If many wait already, one of them will do.
            let _ = sender.try_send(Signal::Reload);
            ServiceControlHandlerResult::NoError
        }
        _ => ServiceControlHandlerResult::NotImplemented,
    };
    let reports = match service_control_handler::register(SERVICE_NAME, heard) {
        Ok(reports) => REPORTS.get_or_init(|| reports),
        Err(error) => {
            tracing::error!("Windows does not take the service's reports ({error}); restart the computer.");
            return;
        }
    };
    report(ServiceState::StartPending, ServiceExitCode::NO_ERROR, STARTING_MAX);
    let exit_code = match work(signals) {
        0 => ServiceExitCode::NO_ERROR,
        status => ServiceExitCode::ServiceSpecific(status.into()),
    };
    let _ = reports.set_service_status(status(ServiceState::Stopped, exit_code, Duration::ZERO));
}

/// The service does its work.
pub fn ready() {
    report(ServiceState::Running, ServiceExitCode::NO_ERROR, Duration::ZERO);
}

/// The service is about to leave.
pub fn stopping() {
    report(ServiceState::StopPending, ServiceExitCode::NO_ERROR, STOPPING_MAX);
}

/// Nobody looks.
pub fn alive() {}

/// Windows has no watchdog for services.
pub fn watchdog_limit() -> Option<Duration> {
    None
}

/// What the library says, as a person reads it.
pub(super) fn fault(error: windows_service::Error) -> ServiceFault {
    let number = if let windows_service::Error::Winapi(error) = &error { error.raw_os_error() } else { None };
    ServiceFault::of_windows(number, said(error))
}

/// The words of Windows rather than those of the library.
pub(super) fn said(error: windows_service::Error) -> String {
    if let windows_service::Error::Winapi(error) = error { error.to_string() } else { error.to_string() }
}

fn report(state: ServiceState, exit_code: ServiceExitCode, wait_hint: Duration) {
    if let Some(reports) = REPORTS.get() {
        // There is nobody else to tell if this fails.
        let _ = reports.set_service_status(status(state, exit_code, wait_hint));
    }
}

fn status(state: ServiceState, exit_code: ServiceExitCode, wait_hint: Duration) -> ServiceStatus {
    let accepted = if state == ServiceState::Running {
        ServiceControlAccept::STOP | ServiceControlAccept::SHUTDOWN
    } else {
        ServiceControlAccept::empty()
    };
    ServiceStatus {
        service_type: ServiceType::OWN_PROCESS,
        current_state: state,
        controls_accepted: accepted,
        exit_code,
        checkpoint: 0,
        wait_hint,
        process_id: None,
    }
}
