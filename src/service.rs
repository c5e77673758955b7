//! The service: store, bridge and admin listener, from a configuration to a clean stop. `run` and `demo` are this with different
//! ways to end.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::bridge::{Bridge, Connect};
use crate::clock::Clock;
use crate::config::Config;
use crate::messages::{Advice, start as say};
use crate::server::{self, Admin};
use crate::store::Store;

/// So long what is in flight has to come to an end. The admin listener and the disk take their time after it, and the process
/// leaves within ten seconds.
const PATIENCE: Duration = Duration::from_secs(6);

/// A running service.
pub struct Service {
    bridge: Arc<Bridge>,
    store: Store,
    admin_address: SocketAddr,
    admin: JoinHandle<()>,
    stop: CancellationToken,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] crate::store::OpenError),
    /// The admin address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] Advice),
    /// The process was stopped while the store was being opened.
    #[error("vetbridge was interrupted while it opened the store")]
    Interrupted,
}

impl Service {
    /// Opens the store, listens, and starts every enabled practice.
    ///
    /// # Errors
    /// What is wrong and what to do about it; nothing was sent to anybody.
    pub async fn start(config: &Config, connect: &impl Connect, clock: Clock) -> Result<Self, StartError> {
        // The store first: its lock tells a second instance which process is the first, a busy port does not.
        let (path, now) = (config.state_path.clone(), clock.now());
        let store = tokio::task::spawn_blocking(move || Store::open_or_rebuild(&path, now))
            .await
            .map_err(|_| StartError::Interrupted)??;
        let listener = TcpListener::bind(config.admin_listen)
            .await
            .map_err(|error| say::cannot_listen("[admin] listen", config.admin_listen, &error))?;
        let admin_address = listener.local_addr().unwrap_or(config.admin_listen);
        let bridge = Arc::new(Bridge::new(config, connect, store.clone(), clock));
        let stop = CancellationToken::new();
        let admin = Admin::new(Arc::clone(&bridge), store.admin_token().expose_secret().to_owned());
        let admin = tokio::spawn(server::serve(listener, admin.router(), stop.clone()));
        bridge.start(config.bookings.keep_days);
        Ok(Self { bridge, store, admin_address, admin, stop })
    }

    /// The bridge inside.
    pub fn bridge(&self) -> &Arc<Bridge> {
        &self.bridge
    }

    /// Where the status page is.
    pub fn admin_address(&self) -> SocketAddr {
        self.admin_address
    }

    /// The link that opens the status page.
    pub fn admin_link(&self) -> String {
        server::link(self.admin_address, self.store.admin_token().expose_secret())
    }

    /// Ends when the service cannot go on: the store cannot be written.
    pub async fn failed(&self) -> String {
        tokio::select! {
            error = self.store.failed() => error.to_string(),
            () = self.bridge.broken() => "the booking ledger cannot be written".to_owned(),
        }
    }

    /// Finishes what is in flight, writes what is left, and closes the store.
    pub async fn stop(self) {
        self.bridge.stop(PATIENCE).await;
        self.stop.cancel();
        let _ = self.admin.await;
        if let Err(error) = self.store.flush().await {
            tracing::error!("The last changes were not written: {error}.");
        }
        drop(self.bridge);
        // The last handle waits for the disk.
        let store = self.store;
        let _ = tokio::task::spawn_blocking(move || drop(store)).await;
    }
}
