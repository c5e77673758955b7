//! What a console asks of a program. The service is asked by [`super::service_manager`] instead.

use std::io;

use tokio::signal::windows::{ctrl_break, ctrl_c, ctrl_close, ctrl_shutdown};
use tokio::sync::mpsc::Sender;

use crate::os::signal::{Signal, SystemSignals};

/// Hears Ctrl-C, Ctrl-Break, the closing of the window and the end of the computer from here on.
///
/// # Errors
/// Windows does not let us.
pub fn to_stop() -> io::Result<SystemSignals> {
    let (sender, signals) = SystemSignals::channel();
    let (mut interrupted, mut broken, mut closed, mut shut_down) =
        (ctrl_c()?, ctrl_break()?, ctrl_close()?, ctrl_shutdown()?);
    let told = sender.clone();
    tokio::spawn(async move { while interrupted.recv().await.is_some() && stop(&told).await {} });
    let told = sender.clone();
    tokio::spawn(async move { while broken.recv().await.is_some() && stop(&told).await {} });
    let told = sender.clone();
    tokio::spawn(async move { while closed.recv().await.is_some() && stop(&told).await {} });
    tokio::spawn(async move { while shut_down.recv().await.is_some() && stop(&sender).await {} });
    Ok(signals)
}

/// The same: a console cannot ask for a reload. A change of the file is noticed anyhow.
///
/// # Errors
/// Windows does not let us.
pub fn to_stop_or_reload() -> io::Result<SystemSignals> {
    to_stop()
}

async fn stop(sender: &Sender<Signal>) -> bool {
    sender.send(Signal::Stop).await.is_ok()
}
