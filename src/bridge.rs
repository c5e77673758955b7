//! The whole bridge: practices side by side over one store, from a configuration and two ways to reach the servers.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::join_all;
use tokio::sync::broadcast;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::booking::pseudonym::Pseudonyms;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::healthengine::HealthengineHandle;
use crate::ids::PracticeId;
use crate::practice::ledger::Ledger;
use crate::practice::locks::Locks;
use crate::practice::rosters::KnownRosters;
use crate::practice::{Doors, Practice, Settings, Shared, zones};
use crate::store::Store;
use crate::zone::Zone;

/// How the two servers are reached: over the network, or in memory.
pub trait Connect {
    /// OpenVPMS, shared by all practices.
    fn openvpms(&self) -> Doors;
    /// Healthengine as one practice; `None` for a practice that it was not made for.
    fn healthengine(&self, practice: &config::Practice) -> Option<HealthengineHandle>;
}

/// So many changes of the diary can wait for a practice to hear of them; what is missed is found by the next reading.
const CHANGES: usize = 1024;

/// The running bridge.
pub struct Bridge {
    shared: Arc<Shared>,
    practices: BTreeMap<PracticeId, Arc<Practice>>,
    started_at: DateTime<Utc>,
    stop: CancellationToken,
}

impl Bridge {
    /// A bridge that does nothing yet.
    pub fn new(config: &Config, connect: &impl Connect, store: Store, clock: Clock) -> Self {
        let now = clock.now();
        let stop = CancellationToken::new();
        let shared = Arc::new(Shared {
            ledger: Ledger::open(store.clone(), now),
            pseudonyms: Pseudonyms::new(store.pseudonym_key().bytes()),
            rosters: KnownRosters::open(store.clone()),
            locks: Locks::default(),
            changes: broadcast::Sender::new(CHANGES),
            request_timeout: TimeDelta::from_std(config.openvpms.request_timeout).unwrap_or(TimeDelta::seconds(10)),
            tasks: TaskTracker::new(),
            broken: CancellationToken::new(),
            clock,
            store,
        });
        let settings = Settings { sync: config.sync.clone(), bookings: config.bookings.clone() };
        let mut practices = BTreeMap::new();
        for practice in config.practices.iter().filter(|practice| practice.enabled) {
            let Some(healthengine) = connect.healthengine(practice) else { continue };
            let practice = Practice::new(
                practice.clone(),
                settings.clone(),
                Arc::clone(&shared),
                connect.openvpms(),
                healthengine,
                stop.child_token(),
            );
            practices.insert(practice.id().clone(), practice);
        }
        Self { shared, practices, started_at: now, stop }
    }

    /// Starts every practice, and the housekeeping of what they share.
    pub fn start(&self, keep_days: u32) {
        for practice in self.practices.values() {
            practice.start();
        }
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        self.shared.tasks.spawn(async move {
            let once_a_day = Duration::from_secs(24 * 3600);
            loop {
                if let Err(error) = shared.ledger.forget_old(keep_days, shared.clock.now()).await {
                    tracing::error!("Old bookings cannot be forgotten: {error}.");
                }
                // Days of every zone are over by then.
                shared.rosters.forget_before((shared.clock.now() - TimeDelta::days(2)).date_naive());
                tokio::select! {
                    biased;
                    () = stop.cancelled() => return,
                    () = tokio::time::sleep(once_a_day) => {}
                }
            }
        });
    }

    /// Lets what is in flight come to an end, for as long as `patience`. What does not is found in the ledger at the next start.
    pub async fn stop(&self, patience: Duration) {
        self.stop.cancel();
        self.shared.tasks.close();
        if tokio::time::timeout(patience, self.shared.tasks.wait()).await.is_err() {
            tracing::warn!("Some calls were still in flight; they are settled at the next start.");
        }
    }

    /// Begins nothing more, and rejects what is open and not in doubt; for when the store has failed.
    pub async fn reject_open(&self, patience: Duration) {
        self.stop.cancel();
        let all = join_all(self.practices.values().map(|practice| practice.reject_open()));
        let _late = tokio::time::timeout(patience, all).await;
    }

    /// Ends when the store cannot be written any more.
    pub async fn broken(&self) {
        self.shared.broken.cancelled().await;
    }

    /// The practices that run.
    pub fn practices(&self) -> impl Iterator<Item = &Arc<Practice>> {
        self.practices.values()
    }

    /// One of them.
    pub fn practice(&self, id: &PracticeId) -> Option<&Arc<Practice>> {
        self.practices.get(id)
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

    /// What is kept.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// When it was started.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }
}
