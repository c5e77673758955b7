//! The whole bridge: practices side by side over one store, from a configuration and two ways to reach the servers.
//!
//! A [`keeper`] sees to it that each practice is as the configuration, and whoever pauses it, wants it. A configuration that is
//! read again is handed to the keepers; those whose practice it does not change do nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::booking::pseudonym::Pseudonyms;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::healthengine::HealthengineHandle;
use crate::ids::PracticeId;
use crate::messages::practice as say;
use crate::practice::clients::ClientMemory;
use crate::practice::health::{Health, Subject};
use crate::practice::ledger::Ledger;
use crate::practice::locks::Locks;
use crate::practice::rosters::KnownRosters;
use crate::practice::{self, Doors, Practice, Settings, Shared, zones};
use crate::store::{Store, StoreError};
use crate::zone::Zone;

pub mod keeper;
pub mod pauses;

use keeper::{Keeper, Means, Off, Standing, Wanted};

/// How the two servers are reached: over the network, or in memory.
pub trait Connect {
    /// OpenVPMS, shared by all practices.
    fn openvpms(&self) -> Doors;
    /// Healthengine as one practice; `None` for a practice that it was not made for.
    fn healthengine(&self, practice: &config::Practice) -> Option<HealthengineHandle>;
}

/// So many changes of the diary can wait for a practice to hear of them; what is missed is found by the next reading.
const CHANGES: usize = 1024;
/// Housekeeping.
const NOW_AND_THEN: Duration = Duration::from_secs(6 * 3600);

type Keepers = BTreeMap<PracticeId, Arc<Keeper>>;

/// The running bridge.
pub struct Bridge {
    shared: Arc<Shared>,
    keepers: Arc<Mutex<Keepers>>,
    keep_days: watch::Sender<u32>,
    /// What is wrong with the whole rather than with one practice.
    health: Health,
    started_at: DateTime<Utc>,
    /// The keepers and the housekeeping.
    tasks: TaskTracker,
    stop: CancellationToken,
}

impl Bridge {
    /// A bridge that does nothing yet.
    pub fn new(config: &Config, connect: &impl Connect, store: Store, clock: Clock) -> Self {
        let now = clock.now();
        let shared = Arc::new(Shared {
            ledger: Ledger::open(store.clone(), now),
            pseudonyms: Pseudonyms::new(store.pseudonym_key().bytes()),
            clients: ClientMemory::open(store.clone(), config.bookings.client_memory_days, now),
            rosters: KnownRosters::open(store.clone()),
            locks: Locks::default(),
            resolving: tokio::sync::Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
            broken: CancellationToken::new(),
            clock,
            store,
        });
        let bridge = Self {
            shared,
            keepers: Arc::default(),
            keep_days: watch::Sender::new(config.bookings.keep_days),
            health: Health::of_the_service(),
            started_at: now,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        for (id, wanted) in bridge.wanted(config, connect) {
            let keeper = bridge.keeper(wanted);
            bridge.keepers().insert(id, keeper);
        }
        bridge.look_for_left_behind();
        bridge
    }

    /// Starts every practice, and the housekeeping of what they share.
    pub fn start(&self) {
        let keepers: Vec<(PracticeId, Arc<Keeper>)> =
            self.keepers().iter().map(|(id, keeper)| (id.clone(), Arc::clone(keeper))).collect();
        for (id, keeper) in keepers {
            self.spawn(id, keeper);
        }
        let (shared, stop, keep_days) = (Arc::clone(&self.shared), self.stop.clone(), self.keep_days.subscribe());
        self.tasks.spawn(async move {
            loop {
                let days = *keep_days.borrow();
                if let Err(error) = shared.ledger.forget_old(days, shared.clock.now()).await {
                    tracing::error!("Old bookings cannot be forgotten: {error}.");
                }
                shared.clients.forget_old(shared.clock.now());
                // Days of every zone are over by then.
                shared.rosters.forget_before((shared.clock.now() - TimeDelta::days(2)).date_naive());
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(NOW_AND_THEN) => {}
                }
            }
        });
    }

    /// Makes the practices what another configuration says. Those it does not change hear nothing of it.
    pub fn reload(&self, config: &Config, connect: &impl Connect) {
        self.keep_days.send_replace(config.bookings.keep_days);
        self.shared.clients.set_days(config.bookings.client_memory_days, self.now());
        let mut wanted = self.wanted(config, connect);
        let mut added = Vec::new();
        {
            let mut keepers = self.keepers();
            for (id, keeper) in keepers.iter() {
                match wanted.remove(id) {
                    Some(next) if next == keeper.wanted() => keeper.practice().try_again(),
                    Some(next) => keeper.want(|wanted| *wanted = next),
                    // With the means it had: its key is not in the file any more.
                    None => keeper.want(|wanted| wanted.off = Some(Off::Removed)),
                }
            }
            for (id, wanted) in wanted {
                let keeper = self.keeper(wanted);
                keepers.insert(id.clone(), Arc::clone(&keeper));
                added.push((id, keeper));
            }
        }
        for (id, keeper) in added {
            self.spawn(id, keeper);
        }
        self.look_for_left_behind();
    }

    /// Pauses a practice, or ends its pause, as if it were disabled in the configuration. `None` for a practice that is not in the
    /// configuration.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn set_paused(&self, id: &PracticeId, paused: bool) -> Result<Option<Arc<Keeper>>, StoreError> {
        let keeper = self.keepers().get(id).cloned();
        let Some(keeper) = keeper.filter(|keeper| keeper.wanted().off != Some(Off::Removed)) else { return Ok(None) };
        pauses::set_paused(&self.shared.store, id, paused, self.now()).await?;
        keeper.want(|wanted| wanted.off = off(&wanted.means.config, paused));
        Ok(Some(keeper))
    }

    /// Lets what is in flight come to an end, for as long as `patience`. What does not is found in the ledger at the next start.
    pub async fn stop(&self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!("Some calls were still in flight; they are settled at the next start.");
        }
    }

    /// Ends when the store cannot be written any more.
    pub async fn broken(&self) {
        self.shared.broken.cancelled().await;
    }

    /// The practices that are on.
    pub fn practices(&self) -> impl Iterator<Item = Arc<Practice>> {
        let keepers: Vec<Arc<Keeper>> = self.keepers().values().cloned().collect();
        keepers.into_iter().filter(|keeper| keeper.standing() == Standing::On).map(|keeper| keeper.practice())
    }

    /// One of them.
    pub fn practice(&self, id: &PracticeId) -> Option<Arc<Practice>> {
        let keeper = self.keepers().get(id).cloned();
        keeper.filter(|keeper| keeper.standing() == Standing::On).map(|keeper| keeper.practice())
    }

    /// The practices that are off, or about to be, and how each stands.
    pub fn off(&self) -> Vec<(Arc<Practice>, Standing)> {
        let keepers = self.keepers();
        let all = keepers.values().map(|keeper| (keeper.practice(), keeper.standing()));
        all.filter(|(_, standing)| *standing != Standing::On).collect()
    }

    /// What is wrong with the whole rather than with one practice.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// The zone in which times of a practice are shown, also of one that does not run.
    pub fn zone_of(&self, practice: &PracticeId) -> Zone {
        let running = self.practice(practice).map(|practice| practice.zone());
        let remembered = || zones::remembered(&self.shared.store, practice);
        running.or_else(remembered).unwrap_or(Zone::Iana(chrono_tz::UTC))
    }

    /// The bookings of all practices.
    pub fn ledger(&self) -> &Ledger {
        &self.shared.ledger
    }

    /// When it was started.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    fn keepers(&self) -> MutexGuard<'_, Keepers> {
        self.keepers.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What a configuration, and the pauses, want of each practice.
    fn wanted(&self, config: &Config, connect: &impl Connect) -> BTreeMap<PracticeId, Wanted> {
        let (settings, openvpms) = (Settings::of(config), connect.openvpms());
        let wanted = |practice: &config::Practice| {
            let means = Means {
                config: practice.clone(),
                settings: settings.clone(),
                openvpms: openvpms.clone(),
                healthengine: connect.healthengine(practice)?,
            };
            let off = off(practice, pauses::is_paused(&self.shared.store, &practice.id));
            Some((practice.id.clone(), Wanted { means, off }))
        };
        config.practices.iter().filter_map(wanted).collect()
    }

    fn keeper(&self, wanted: Wanted) -> Arc<Keeper> {
        Keeper::new(wanted, Arc::clone(&self.shared), self.stop.child_token())
    }

    fn spawn(&self, id: PracticeId, keeper: Arc<Keeper>) {
        let (keepers, own) = (Arc::clone(&self.keepers), Arc::clone(&keeper));
        self.tasks.spawn(keeper.keep(move || {
            let mut keepers = keepers.lock().unwrap_or_else(PoisonError::into_inner);
            // It may have been put back a moment ago.
            let removed = own.wanted().off == Some(Off::Removed);
            if removed {
                keepers.remove(&id);
            }
            removed
        }));
    }

    /// Practices whose days were sent and that are in no configuration: nobody has the key to empty them.
    fn look_for_left_behind(&self) {
        let kept: BTreeSet<PracticeId> = self.keepers().keys().cloned().collect();
        let today = (self.now() - TimeDelta::days(1)).date_naive();
        let left = practice::with_days_from(&self.shared.store, today).into_iter().filter(|id| !kept.contains(id));
        let left: Vec<PracticeId> = left.collect();
        self.health.set(Subject::LeftBehind, (!left.is_empty()).then(|| say::left_behind(&left)), self.now());
    }
}

/// Why a practice is off, if it is. What the file says comes first: ending a pause does not enable it.
fn off(practice: &config::Practice, paused: bool) -> Option<Off> {
    match (practice.enabled, paused) {
        (true, false) => None,
        (true, true) => Some(Off::Paused),
        (false, _) => Some(Off::Disabled),
    }
}
