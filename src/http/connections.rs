//! The way to a server: its connections, and the addresses that the names on the way stand for.
//!
//! The names are the server's own, and its proxy's where there is one. (A proxy for http, and one
//! of socks5h, looks the server's name up by itself.) Reads share connections, and what may not be
//! repeated gets one of its own ([`super::network`]). So that both meet the same server when a name
//! is moved to another address:
//! - each name is looked up again every [`LOOK_UP_EVERY`], and when it stands for other addresses
//!   all connections are given up;
//! - connections are given up after [`AGE_MAX`] in any case;
//! - within [`at_one_address`] (a booking: look, POST, perhaps another look) the connections stay
//!   those that it began with;
//! - the address that answered last is tried first, so a dead one among several is met once;
//! - within [`where_it_was_read`] (the POST of a booking) a call goes to the address that answered
//!   the reads before it, and to no other: of two servers behind one name each knows its own diary.
//!   Where that address is gone, nothing is sent.
//!
//! While a name cannot be looked up, its last addresses stay.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::io;
use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::time::Instant;

use super::setup_error::SetupError;
use crate::call_error::{CallError, ErrorClass};
use crate::messages::call_failures as say;
use crate::said_lines::SaidLines;

/// How often a name is looked up.
pub const LOOK_UP_EVERY: Duration = Duration::from_secs(30);
/// The greatest age of a connection, as far as it is used for anything more.
pub const AGE_MAX: Duration = Duration::from_secs(5 * 60);
/// Looking up takes no longer; then the last addresses stay.
const LOOK_UP_MAX: Duration = Duration::from_secs(1);

/// Looks names up.
#[async_trait]
pub trait NameLookup: Send + Sync {
    /// The addresses that a host name stands for, at this port. With 0 it is the port of the URL.
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>>;
}

/// The operating system.
#[derive(Debug, Clone, Copy)]
pub struct SystemNames;

#[async_trait]
impl NameLookup for SystemNames {
    async fn addresses(&self, host: &str, port: u16) -> io::Result<Vec<SocketAddr>> {
        Ok(tokio::net::lookup_host((host, port)).await?.collect())
    }
}

tokio::task_local! {
    /// What the work of this task began with, by route.
    static BEGUN_WITH: Mutex<BTreeMap<u64, Begun>>;
    /// The work goes where its reads were answered.
    static WHERE_READ: ();
    /// The only address that a call may go to.
    static ONLY: IpAddr;
}

/// A way as a piece of work knows it.
struct Begun {
    connections: Arc<Connections>,
    /// The addresses that answered reads.
    read_at: BTreeSet<IpAddr>,
}

/// Does this work over connections that go to the same address, from its first call to its last.
pub async fn at_one_address<F: Future>(work: F) -> F::Output {
    BEGUN_WITH.scope(Mutex::default(), work).await
}

/// Where the work of this task read until here counts for nothing: it reads anew.
pub fn read_anew() {
    let _no_such_work = BEGUN_WITH.try_with(|begun| locked(begun).values_mut().for_each(|begun| begun.read_at.clear()));
}

/// Does this part of work [`at_one_address`] only where its reads were answered.
pub async fn where_it_was_read<F: Future>(work: F) -> F::Output {
    WHERE_READ.scope((), work).await
}

/// Makes one call, to this address only if there is one.
pub(super) async fn only_at<F: Future>(address: Option<IpAddr>, call: F) -> F::Output {
    match address {
        Some(address) => ONLY.scope(address, call).await,
        None => call.await,
    }
}

/// Makes the two clients over addresses.
pub(super) type Make = Box<dyn Fn(Arc<Addresses>) -> Result<[reqwest::Client; 2], SetupError> + Send + Sync>;

/// The way to one server.
pub(super) struct ServerRoute {
    number: u64,
    names: Arc<dyn NameLookup>,
    make: Make,
    current: Mutex<Arc<Connections>>,
    said: SaidLines,
}

/// Connections that were made over the same addresses.
pub(super) struct Connections {
    /// For what may be repeated.
    pub(super) pooled: reqwest::Client,
    /// For what may not: every request has a connection of its own.
    pub(super) single_use: reqwest::Client,
    addresses: Arc<Addresses>,
    made_at: Instant,
    looked_up_at: Mutex<Instant>,
}

impl ServerRoute {
    /// A way whose names are looked up by these.
    pub(super) fn new(names: Arc<dyn NameLookup>, make: Make) -> Result<Self, SetupError> {
        static ROUTES: AtomicU64 = AtomicU64::new(0);
        let current = Connections::new(&make, Addresses::new(&names, BTreeMap::new()))?;
        let number = ROUTES.fetch_add(1, Ordering::Relaxed);
        Ok(Self { number, names, make, current: Mutex::new(Arc::new(current)), said: SaidLines::default() })
    }

    /// The connections of this moment, however old. For what sends nothing.
    pub(super) fn present(&self) -> Arc<Connections> {
        Arc::clone(&locked(&self.current))
    }

    /// The connections for a call.
    pub(super) async fn connections(&self) -> Arc<Connections> {
        if let Some(connections) = self.begun(|begun| Arc::clone(&begun.connections)) {
            return connections;
        }
        self.renew().await;
        let connections = self.present();
        // Of calls of the same work that run side by side the first one counts.
        let shared = BEGUN_WITH.try_with(|begun_with| {
            let begun = || Begun { connections: Arc::clone(&connections), read_at: BTreeSet::new() };
            Arc::clone(&locked(begun_with).entry(self.number).or_insert_with(begun).connections)
        });
        shared.unwrap_or(connections)
    }

    fn begun<T>(&self, look: impl FnOnce(&mut Begun) -> T) -> Option<T> {
        BEGUN_WITH.try_with(|begun| locked(begun).get_mut(&self.number).map(look)).ok().flatten()
    }

    /// A read was answered from this address.
    pub(super) fn read_at(&self, address: Option<SocketAddr>) {
        self.begun(|begun| begun.read_at.extend(address.map(|address| address.ip())));
    }

    /// The only address that a call may go to, if there is one.
    ///
    /// # Errors
    /// The reads before it were answered by several servers, and nobody can tell which of them has
    /// the diary.
    pub(super) fn only_address(&self) -> Result<Option<IpAddr>, CallError> {
        if WHERE_READ.try_with(|()| ()).is_err() {
            return Ok(None);
        }
        let read_at = self.begun(|begun| begun.read_at.clone()).unwrap_or_default();
        match read_at.len() {
            0 | 1 => Ok(read_at.first().copied()),
            _ => Err(CallError::new(ErrorClass::NotSent, say::SEVERAL_SERVERS)),
        }
    }

    /// Gives connections up that are old, or that lead to where a name does not lead any more.
    async fn renew(&self) {
        let now = Instant::now();
        let connections = self.present();
        let mut is_over = connections.made_at + AGE_MAX <= now;
        // Of a name that was never needed nothing is known that could have changed.
        let mut known = connections.addresses.known().clone();
        if connections.look_up(now) {
            for (name, addresses) in &mut known {
                let found = tokio::time::timeout(LOOK_UP_MAX, self.names.addresses(name, 0)).await;
                let found = found.ok().and_then(Result::ok).filter(|found| !found.is_empty());
                if let Some(found) = found.filter(|found| !is_same(found, addresses)) {
                    tracing::info!("a server's name stands for other addresses: its connections are made anew");
                    (*addresses, is_over) = (found, true);
                }
            }
        }
        if !is_over {
            return;
        }
        let known = Addresses::new(&self.names, known);
        match Connections::new(&self.make, known) {
            Ok(made) => {
                let mut current = locked(&self.current);
                // Somebody else may have been quicker.
                if Arc::ptr_eq(&current, &connections) {
                    *current = Arc::new(made);
                }
            }
            Err(error) if self.said.is_due("renew") => {
                tracing::warn!("connections cannot be made anew, and the old ones stay: {error}");
            }
            Err(_) => {}
        }
    }
}

impl Connections {
    fn new(make: &Make, addresses: Arc<Addresses>) -> Result<Self, SetupError> {
        let [pooled, single_use] = make(Arc::clone(&addresses))?;
        let now = Instant::now();
        Ok(Self { pooled, single_use, addresses, made_at: now, looked_up_at: Mutex::new(now) })
    }

    /// An answer came from this address: it is tried first from here on.
    pub(super) fn answered_from(&self, address: Option<SocketAddr>) {
        let Some(address) = address else { return };
        for addresses in self.addresses.known().values_mut() {
            if let Some(place) = addresses.iter().position(|own| own.ip() == address.ip()) {
                addresses[..=place].rotate_right(1);
            }
        }
    }

    /// True for the one call that is to look the names up again.
    fn look_up(&self, now: Instant) -> bool {
        let mut last = locked(&self.looked_up_at);
        let is_due = *last + LOOK_UP_EVERY <= now;
        if is_due {
            *last = now;
        }
        is_due
    }
}

/// What each name on the way stood for when it was first needed.
pub(super) struct Addresses {
    names: Arc<dyn NameLookup>,
    known: Mutex<BTreeMap<String, Vec<SocketAddr>>>,
}

impl Addresses {
    fn new(names: &Arc<dyn NameLookup>, known: BTreeMap<String, Vec<SocketAddr>>) -> Arc<Self> {
        Arc::new(Self { names: Arc::clone(names), known: Mutex::new(known) })
    }

    fn known(&self) -> MutexGuard<'_, BTreeMap<String, Vec<SocketAddr>>> {
        locked(&self.known)
    }
}

/// As reqwest asks.
pub(super) struct Resolver(pub(super) Arc<Addresses>);

impl Resolve for Resolver {
    fn resolve(&self, name: Name) -> Resolving {
        let addresses = Arc::clone(&self.0);
        let only = ONLY.try_with(|address| *address).ok();
        Box::pin(async move {
            let name = name.as_str().to_ascii_lowercase();
            let known = addresses.known().get(&name).cloned();
            let found = match known {
                Some(known) => known,
                None => {
                    let found = addresses.names.addresses(&name, 0).await?;
                    if found.is_empty() {
                        return Err(io::Error::other(say::NAME_WITHOUT_ADDRESS).into());
                    }
                    addresses.known().entry(name).or_insert(found).clone()
                }
            };
            let allowed = found.into_iter().filter(move |own| only.is_none_or(|only| own.ip() == only));
            Ok(Box::new(allowed) as Addrs)
        })
    }
}

fn is_same(one: &[SocketAddr], other: &[SocketAddr]) -> bool {
    let hosts =
        |addresses: &[SocketAddr]| addresses.iter().map(SocketAddr::ip).collect::<std::collections::BTreeSet<_>>();
    hosts(one) == hosts(other)
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock()
}
