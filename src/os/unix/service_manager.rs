//! The service manager on Unix: systemd. Under another one, or none, all this does nothing.

use std::time::Duration;

use sd_notify::NotifyState;

/// The service does its work.
pub fn ready() {
    let _ = sd_notify::notify(&[NotifyState::Ready]);
}

/// The service is about to leave.
pub fn stopping() {
    let _ = sd_notify::notify(&[NotifyState::Stopping]);
}

/// Every loop makes progress.
pub fn alive() {
    let _ = sd_notify::notify(&[NotifyState::Watchdog]);
}

/// After so long without [`alive`] the process is ended; `None`: nobody looks.
pub fn watchdog_limit() -> Option<Duration> {
    sd_notify::watchdog_enabled()
}
