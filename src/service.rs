//! The service: store, bridge and listeners, from a configuration to a clean stop. `run` and `demo`
//! are this with different ways to end.

use std::fmt;
use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use secrecy::ExposeSecret as _;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::alerts::teller::Alerts;
use crate::bridge::{Bridge, Connect, enabled_practices};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::messages::typed_commands::TypedCommands;
use crate::messages::{Advice, reload, start as say, supervisor as supervisor_say};
use crate::practice::health::subject::Subject;
use crate::practice::{KINDS, StartRecords};
use crate::server::webhooks::Webhooks;
use crate::server::{self, Access, Admin, Gate};
use crate::store::{self, OpenError, Store};
use crate::without_store::WithoutStore;

/// So long what is in flight has to come to an end. The admin listener and the disk take their time
/// after it, and the process leaves within ten seconds.
const PATIENCE: Duration = Duration::from_secs(6);

/// A running service.
pub struct Service {
    bridge: Arc<Bridge>,
    store: Store,
    /// What it was started with: some of it holds until the end.
    started_with: Config,
    admin_address: SocketAddr,
    admin: JoinHandle<()>,
    stop: CancellationToken,
    webhooks: Option<Listening>,
    alerts: Telling,
}

/// The webhook listener, where one is configured.
struct Listening {
    webhooks: Webhooks,
    address: SocketAddr,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

/// What tells people by mail, webhook and heartbeat.
struct Telling {
    alerts: Arc<Alerts>,
    task: JoinHandle<()>,
    stop: CancellationToken,
}

/// Why a service does not start.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// The state directory cannot be used.
    #[error(transparent)]
    Store(#[from] crate::store::OpenError),
    /// An address cannot be listened on.
    #[error(transparent)]
    Listen(#[from] Advice),
    /// The process was stopped while the store was being opened.
    #[error("vetbridge was interrupted while it opened the store")]
    Interrupted,
    /// While the store could not be opened a loop died again and again, or stood still.
    #[error("{}", say::had_to_stop(.0))]
    Hopeless(String),
}

/// Why a service cannot go on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Failure {
    /// The store cannot be written: nothing may be done that is not remembered.
    Store(String),
    /// A loop dies again and again, or stands still. What it left undone the next process finds.
    Loop(String),
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (Self::Store(why) | Self::Loop(why)) = self;
        f.write_str(why)
    }
}

/// A listener, and where it listens.
type Bound = (Arc<TcpListener>, SocketAddr);

/// Makes pages of a bridge.
pub type MakePages = Box<dyn FnOnce(&Arc<Bridge>) -> Router + Send>;

/// What stands at the root of the admin listener instead of the status page.
pub struct FrontPages {
    /// Makes the pages, of a bridge that does nothing yet.
    pub pages: MakePages,
    /// How commands are typed that pages name.
    pub commands: TypedCommands,
}

/// What a service is started on: its store, and the admin listener if it was needed before.
pub struct Opened {
    store: Store,
    /// What was read of it when it was opened, if that was kept.
    records: Option<StartRecords>,
    /// What is shown at the root of the admin listener instead of the status page, which is at
    /// [`server::STATUS_PATH`] then.
    front: Option<FrontPages>,
    /// One that listens already: where the service without a store was asked, or whose port was
    /// chosen before. Kept open, so that nobody who connects in between is turned away.
    admin: Option<Bound>,
    /// What told people that there was no store. It tells them that there is one again.
    alerts: Option<Arc<Alerts>>,
}

impl Opened {
    /// On a store, with an admin listener of its own.
    pub fn on(store: Store) -> Self {
        Self { store, records: None, front: None, admin: None, alerts: None }
    }

    /// On a store whose records were read when it was opened.
    fn with_records((store, records): (Store, StartRecords)) -> Self {
        Self { records: Some(records), ..Self::on(store) }
    }
}

async fn bind(key: &str, address: SocketAddr) -> Result<Bound, Advice> {
    let listener = TcpListener::bind(address).await.map_err(|error| say::cannot_listen(key, address, &error))?;
    let address = listener.local_addr().unwrap_or(address);
    Ok((Arc::new(listener), address))
}

async fn bind_admin(config: &Config) -> Result<Bound, Advice> {
    bind("[admin] listen", config.admin_listen).await
}

impl Service {
    /// Opens the store, listens, and starts every enabled practice.
    ///
    /// # Errors
    /// What is wrong and what to do about it; nothing but a first poll was sent to anybody.
    pub async fn start(config: &Config, connect: &impl Connect, clock: Clock) -> Result<Self, StartError> {
        // The store first: its lock tells a second instance which process is the first, a busy port
        // does not.
        let opened = Opened::with_records(open_store(config, connect, &clock).await?);
        Self::start_on(opened, config, connect, clock).await
    }

    /// The same with an admin listener that is there already, and with these pages at its root.
    ///
    /// # Errors
    /// As those of [`Self::start`].
    pub async fn start_on_loopback(
        listener: LoopbackListener,
        front: Option<FrontPages>,
        config: &Config,
        connect: &impl Connect,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let opened = Opened::with_records(open_store(config, connect, &clock).await?);
        let opened = Opened { admin: Some(listener.0), front, ..opened };
        Self::start_on(opened, config, connect, clock).await
    }

    /// The same on a store that is open.
    ///
    /// # Errors
    /// The admin address cannot be listened on.
    pub async fn start_on(
        opened: Opened,
        config: &Config,
        connect: &impl Connect,
        clock: Clock,
    ) -> Result<Self, StartError> {
        let Opened { store, records, front, admin, alerts } = opened;
        let (listener, admin_address) = match admin {
            Some(bound) => bound,
            None => bind_admin(config).await?,
        };
        let webhook_listener = match &config.webhooks {
            Some(webhooks) => Some((webhooks, bind("[webhooks] listen", webhooks.listen).await?)),
            None => None,
        };
        let bridge = Arc::new(Bridge::begun_with(records, config, connect, store.clone(), clock.clone()));
        let stop = CancellationToken::new();
        let access = Access {
            token: store.admin_token().clone(),
            command_key: store.command_key(),
            hosts: config.admin_hosts.clone(),
        };
        let gate = if front.is_some() { Gate::of_rehearsal(access) } else { Gate::new(access) };
        let gate = gate.map_err(no_random(config))?;
        let admin = {
            let (bridge, stop) = (Arc::clone(&bridge), stop.clone());
            let admin = Admin::new(Arc::clone(&bridge), gate);
            let router = match front {
                Some(FrontPages { pages, commands }) => {
                    server::with_typed_commands(admin.router_behind(pages(&bridge)), &commands)
                }
                None => with_commands(admin.router(), config),
            };
            tokio::spawn(async move {
                let serve = || server::serve(Arc::clone(&listener), router.clone(), stop.clone());
                bridge.keep(supervisor_say::ADMIN_LISTENER, &stop, serve).await;
            })
        };
        let webhooks = webhook_listener.map(|(config, (listener, address))| {
            let heard = Arc::clone(&bridge);
            let webhooks = Webhooks::new(config, move |hint| heard.webhook(&hint));
            let stop = CancellationToken::new();
            let task = {
                let (webhooks, bridge, stop) = (webhooks.clone(), Arc::clone(&bridge), stop.clone());
                tokio::spawn(async move {
                    let serve = || webhooks.clone().serve(Arc::clone(&listener), stop.clone());
                    bridge.keep(supervisor_say::WEBHOOK_LISTENER, &stop, serve).await;
                })
            };
            Listening { webhooks, address, task, stop }
        });
        bridge.start();
        let alerts = alerts.unwrap_or_else(|| Arc::new(Alerts::new(connect.alerts(), clock)));
        alerts.remember_in(store.clone());
        let alerts = Telling::of(alerts, &bridge);
        Ok(Self { bridge, store, started_with: config.clone(), admin_address, admin, stop, webhooks, alerts })
    }

    /// Goes over to another configuration. What needs a restart stays as it is, and is named.
    pub fn reload(&self, config: &Config, connect: &impl Connect) {
        let waiting = waits_for_restart(&self.started_with, config);
        if let (Some(listening), Some(webhooks)) = (&self.webhooks, &config.webhooks) {
            listening.webhooks.reconfigure(webhooks);
        }
        // Where nobody listens, nothing is subscribed.
        let config = Config { webhooks: config.webhooks.clone().filter(|_| self.webhooks.is_some()), ..config.clone() };
        self.bridge.reload(&config, connect);
        self.alerts.alerts.reconfigure(connect.alerts());
        if waiting.is_empty() {
            self.bridge.health().clear(&Subject::ConfigFile, self.bridge.now());
        } else {
            // Whatever was wrong with the file before.
            let text = reload::waits_for_restart(&config.source, &waiting);
            self.bridge.health().raise_anew(Subject::ConfigFile, text, self.bridge.now());
        }
    }

    /// Stays with the configuration it has: the file has errors.
    pub fn not_reloaded(&self, why: &str) {
        self.bridge.health().raise_anew(Subject::ConfigFile, reload::not_reloaded(why), self.bridge.now());
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

    /// The settings of the webhook listener that can change while it runs; `None` if there was none
    /// in the configuration.
    pub fn webhooks(&self) -> Option<&Webhooks> {
        self.webhooks.as_ref().map(|listening| &listening.webhooks)
    }

    /// Where webhooks are expected.
    pub fn webhook_address(&self) -> Option<SocketAddr> {
        self.webhooks.as_ref().map(|listening| listening.address)
    }

    /// Ends when the service cannot go on.
    pub async fn failed(&self) -> Failure {
        tokio::select! {
            error = self.store.failed() => Failure::Store(error.to_string()),
            () = self.bridge.broken() => Failure::Store("the booking ledger cannot be written".to_owned()),
            why = self.bridge.supervisor().hopeless() => Failure::Loop(why),
        }
    }

    /// True while every loop makes progress: what the watchdog of the service manager is told.
    pub fn is_alive(&self) -> bool {
        self.bridge.supervisor().is_alive()
    }

    /// Begins nothing more, and rejects what is open and not in doubt while its pet owners can
    /// still choose another time: after the store failed, nobody can make these bookings in time.
    pub async fn reject_open(&self) {
        self.bridge.reject_open(PATIENCE).await;
    }

    /// Finishes what is in flight, writes what is left, and closes the store.
    pub async fn stop(self) {
        // A webhook that is not answered comes again in ten seconds; one that is, and is not acted
        // on, does not.
        if let Some(listening) = &self.webhooks {
            listening.stop.cancel();
        }
        // Nobody is told that what stops has stopped.
        self.alerts.stop.cancel();
        let _ = self.alerts.task.await;
        self.bridge.stop(PATIENCE).await;
        self.stop.cancel();
        let _ = self.admin.await;
        if let Some(listening) = self.webhooks {
            let _ = listening.task.await;
        }
        if let Err(error) = self.store.flush().await {
            tracing::error!("The last changes were not written: {error}.");
        }
        drop(self.bridge);
        // The last handle waits for the disk.
        let store = self.store;
        let _ = tokio::task::spawn_blocking(move || drop(store)).await;
    }
}

/// An admin listener on this machine alone, for a service whose port is no matter of its
/// configuration. It listens before the service is there, so that the address can be written down
/// and nobody else takes it meanwhile.
pub struct LoopbackListener(Bound);

impl LoopbackListener {
    /// Listens on this port or, if it is 0, on a free one.
    ///
    /// # Errors
    /// Somebody listens there. The advice names the option, since nobody typed a key of a file.
    pub async fn bind(port: u16) -> Result<Self, Advice> {
        bind("--port", SocketAddr::from(([127, 0, 0, 1], port))).await.map(Self)
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.0.1
    }
}

impl Telling {
    fn of(alerts: Arc<Alerts>, bridge: &Arc<Bridge>) -> Self {
        let stop = CancellationToken::new();
        let task = {
            let (alerts, bridge, stop) = (Arc::clone(&alerts), Arc::clone(bridge), stop.clone());
            tokio::spawn(async move {
                let tell = || async {
                    let _stopped = stop.run_until_cancelled(alerts.run(&*bridge)).await;
                };
                bridge.keep(supervisor_say::ALERTS, &stop, tell).await;
            })
        };
        Self { alerts, task, stop }
    }
}

/// What of another configuration takes effect at the next start only.
fn waits_for_restart(running: &Config, next: &Config) -> Vec<&'static str> {
    let listen = |config: &Config| config.webhooks.as_ref().map(|webhooks| webhooks.listen);
    let all = [
        ("[state] path", running.state_path != next.state_path),
        ("[admin] listen", running.admin_listen != next.admin_listen),
        ("[admin] hosts", running.admin_hosts != next.admin_hosts),
        ("[webhooks] listen", listen(running) != listen(next)),
    ];
    all.into_iter().filter(|(_, changed)| *changed).map(|(key, _)| key).collect()
}

/// The system has no random bytes.
fn no_random(config: &Config) -> impl Fn(std::io::Error) -> OpenError {
    |error| OpenError::Disk { path: config.state_path.clone(), reason: error.to_string() }
}

/// With commands on its pages that find the service of this configuration.
fn with_commands(router: Router, config: &Config) -> Router {
    server::with_typed_commands(router, &config::commands_for(&config.source))
}

async fn open_store(
    config: &Config,
    connect: &impl Connect,
    clock: &Clock,
) -> Result<(Store, StartRecords), StartError> {
    let (path, now) = (config.state_path.clone(), clock.now());
    let practices = enabled_practices(config, connect);
    let open = move || {
        let begin = || StartRecords::none(now).polling(&practices);
        let (store, records) = Store::open_or_rebuild_reading(&path, now, &begin)?;
        store.refuse_newer(&KINDS).map(|()| (store, records))
    };
    Ok(tokio::task::spawn_blocking(open).await.map_err(|_| StartError::Interrupted)??)
}

/// Opens the store for `run`, however long that takes: while it cannot be opened for a reason that
/// may pass, the service runs without it ([`WithoutStore`]). `waiting` is called when it begins to.
///
/// # Errors
/// The store cannot be opened and never will, the admin address cannot be listened on, or the
/// service without a store cannot go on.
pub async fn store_when_it_works(
    config: &Config,
    connect: &impl Connect,
    clock: &Clock,
    waiting: impl FnOnce(Arc<WithoutStore>),
) -> Result<Opened, StartError> {
    let why = match open_store(config, connect, clock).await {
        Err(StartError::Store(why)) if why.may_pass() => why,
        opened => return Ok(Opened::with_records(opened?)),
    };
    let (without_store, stop) = (WithoutStore::new(config, connect, clock.clone(), &why), CancellationToken::new());
    let _stopped_if_dropped = stop.clone().drop_guard();
    // Secrets that nobody knows, if there are none to be read: then health alone is told.
    let (token, command_key) =
        (store::admin_token(&config.state_path).ok().flatten(), store::command_key(&config.state_path).ok().flatten());
    let access = Access {
        token: token.map_or_else(store::fresh_token, Ok).map_err(no_random(config))?,
        command_key: command_key.map_or_else(store::fresh_command_key, Ok).map_err(no_random(config))?,
        hosts: config.admin_hosts.clone(),
    };
    let gate = Gate::new(access).map_err(no_random(config))?;
    let router = with_commands(server::without_store_router(Arc::clone(&without_store), gate), config);
    let bound = bind_admin(config).await?;
    let admin = {
        let (without_store, listener, stop) = (Arc::clone(&without_store), Arc::clone(&bound.0), stop.clone());
        tokio::spawn(async move {
            let serve = || server::serve(Arc::clone(&listener), router.clone(), stop.clone());
            without_store.keep(supervisor_say::ADMIN_LISTENER, &stop, serve).await;
        })
    };
    let alerts = Arc::new(Alerts::new(connect.alerts(), clock.clone()));
    let telling = {
        let (without_store, alerts, stop) = (Arc::clone(&without_store), Arc::clone(&alerts), stop.clone());
        tokio::spawn(async move {
            let tell = || async {
                let _stopped = stop.run_until_cancelled(alerts.run(&*without_store)).await;
            };
            without_store.keep(supervisor_say::ALERTS, &stop, tell).await;
        })
    };
    waiting(Arc::clone(&without_store));
    let open = || async {
        match open_store(config, connect, clock).await {
            Ok(opened) => Ok(opened),
            Err(StartError::Store(why)) => Err(why),
            Err(error @ (StartError::Listen(_) | StartError::Interrupted | StartError::Hopeless(_))) => {
                Err(OpenError::Disk { path: config.state_path.clone(), reason: error.to_string() })
            }
        }
    };
    let opened = tokio::select! {
        biased;
        opened = without_store.run(open) => opened,
        why = without_store.supervisor().hopeless() => return Err(StartError::Hopeless(why)),
    };
    // What was asked of this service is answered by it; whoever connects from here on waits for the
    // one on the store.
    stop.cancel();
    let _ = tokio::join!(admin, telling);
    Ok(Opened { admin: Some(bound), alerts: Some(alerts), ..Opened::with_records(opened?) })
}
