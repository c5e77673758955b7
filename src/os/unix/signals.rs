//! Signals of Unix.

use std::io;

use tokio::signal::unix::{SignalKind, signal};
use tokio::sync::mpsc::Sender;

use crate::os::signal::{Signal, SystemSignals};

/// Hears SIGTERM and SIGINT from here on, and SIGHUP, with which a terminal ends that is closed.
///
/// # Errors
/// The system does not let us.
pub fn to_stop() -> io::Result<SystemSignals> {
    let (sender, signals) = SystemSignals::channel();
    if !is_hangup_ignored() {
        hear(SignalKind::hangup(), Signal::Stop, sender.clone())?;
    }
    hear_stop(sender)?;
    Ok(signals)
}

/// True for a program that was started to go on without its terminal, as `nohup` does. Only Linux
/// tells (`SigIgn`: a bit for each signal, SIGHUP the lowest).
fn is_hangup_ignored() -> bool {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let ignored = status.lines().find_map(|line| u64::from_str_radix(line.strip_prefix("SigIgn:")?.trim(), 16).ok());
    ignored.is_some_and(|mask| mask & 1 != 0)
}

/// Hears SIGHUP as well.
///
/// # Errors
/// The system does not let us.
pub fn to_stop_or_reload() -> io::Result<SystemSignals> {
    let (sender, signals) = SystemSignals::channel();
    hear(SignalKind::hangup(), Signal::Reload, sender.clone())?;
    hear_stop(sender)?;
    Ok(signals)
}

fn hear_stop(sender: Sender<Signal>) -> io::Result<()> {
    hear(SignalKind::terminate(), Signal::Stop, sender.clone())?;
    hear(SignalKind::interrupt(), Signal::Stop, sender)
}

/// What comes is kept from here on, whenever the task is scheduled.
fn hear(kind: SignalKind, means: Signal, sender: Sender<Signal>) -> io::Result<()> {
    let mut heard = signal(kind)?;
    tokio::spawn(async move { while heard.recv().await.is_some() && sender.send(means).await.is_ok() {} });
    Ok(())
}
