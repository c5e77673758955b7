//! The whole bridge: practices side by side over one store, from a configuration and two ways to
//! reach the servers.
//!
//! A [`runner`] sees to it that each practice is as the configuration, and whoever pauses it, wants
//! it. A configuration that is read again is handed to the runners; those whose practice it does
//! not change do nothing.

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join_all, join4};
use tokio::sync::{Mutex as AsyncMutex, broadcast, watch};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::alerts::channels::AlertChannels;
use crate::clock::{Clock, Stopwatch};
use crate::clock_leaps::Leaps;
use crate::config::{self, Config};
use crate::healthengine::HealthengineHandle;
use crate::http::penalty::{LeftAlone, Penalties};
use crate::ids::PracticeId;
use crate::messages::call_rates::RateFinding;
use crate::messages::{
    admin as admin_say, practice as say, state_directory as state_say, supervisor as supervisor_say,
};
use crate::metrics::calls::CallMetrics;
use crate::metrics::exposition::Metrics;
use crate::metrics::practices::PracticeMetrics;
use crate::pet_owner::pseudonym::Pseudonyms;
use crate::polling::call_rates::CallBudget;
use crate::practice::booking_executor::locks::Locks;
use crate::practice::client_memory::ClientMemory;
use crate::practice::health::loops::kept;
use crate::practice::health::problems::Problems;
use crate::practice::health::subject::Subject;
use crate::practice::ledger::Ledger;
use crate::practice::rosters::KnownRosters;
use crate::practice::{
    self, EarlyPolls, EnabledPractices, OpenVpmsClients, PassPlaces, Practice, Settings, Shared, StartRecords, pauses,
    zones,
};
use crate::store::{Store, StoreError};
use crate::supervisor::{self, Kept, Supervisor};
use crate::webhooks::hint::Hint;
use crate::zone::Zone;

mod alert_source;
pub mod off;
pub mod runner;
mod vigil;

use off::Off;
use runner::{PracticeDeps, PracticeRunner, RunState, WantedPractice};

/// How the two servers are reached: over the network, or in memory.
pub trait Connect {
    /// OpenVPMS, shared by all practices.
    fn openvpms(&self) -> OpenVpmsClients;
    /// Healthengine as one practice; `None` for a practice that neither this nor an earlier
    /// configuration had.
    fn healthengine(&self, practice: &config::PracticeSettings) -> Option<HealthengineHandle>;
    /// The times for which they want to be left alone.
    fn penalties(&self) -> Penalties;
    /// Where the calls to both are counted.
    fn call_metrics(&self) -> CallMetrics;
    /// Who is told of what needs a person, if anybody.
    fn alerts(&self) -> Option<Arc<AlertChannels>> {
        None
    }
}

/// So many changes of the diary can wait for a practice to hear of them; what is missed is found by
/// the next reading.
const CHANGES: usize = 1024;
/// Housekeeping.
const NOW_AND_THEN: Duration = Duration::from_secs(6 * 3600);

type Runners = BTreeMap<PracticeId, Arc<PracticeRunner>>;

/// The running bridge.
pub struct Bridge {
    shared: Arc<Shared>,
    runners: Arc<Mutex<Runners>>,
    /// One pause, or end of one, at a time: what is written last is what is wanted.
    pausing: AsyncMutex<()>,
    keep_days: watch::Sender<u32>,
    penalties: Mutex<Penalties>,
    call_budget: Arc<Mutex<CallBudget>>,
    /// What is wrong with the whole rather than with one practice.
    health: Arc<Problems>,
    started_at: DateTime<Utc>,
    /// The runners and the housekeeping.
    tasks: TaskTracker,
    stop: CancellationToken,
}

/// A practice that was asked to pause, or to go on.
pub struct PauseChange {
    /// The practice.
    pub runner: Arc<PracticeRunner>,
    /// False if it was so already.
    pub is_new: bool,
}

impl Bridge {
    /// A bridge that does nothing yet.
    pub fn new(config: &Config, connect: &impl Connect, store: Store, clock: Clock) -> Self {
        Self::begun_with(None, config, connect, store, clock)
    }

    /// The same with the records that were read when the store was opened. Without them it reads
    /// what it needs.
    pub fn begun_with(
        records: Option<StartRecords>,
        config: &Config,
        connect: &impl Connect,
        store: Store,
        clock: Clock,
    ) -> Self {
        // Before the store is read: a clock that is set meanwhile has leaped.
        let now = clock.now();
        let (stopwatch, leaps) = (Stopwatch::start(now), Leaps::since(now));
        let (ledger, days_at_start, early_polls) = match records {
            None => (Ledger::open(store.clone(), now), None, EarlyPolls::default()),
            Some(records) => {
                let (ledger, days, polls) = records.begin(store.clone(), now);
                (ledger, Some(days), polls)
            }
        };
        let shared = Arc::new(Shared {
            ledger,
            days_at_start: Mutex::new(days_at_start),
            early_polls,
            pseudonyms: Pseudonyms::new(store.pseudonym_key().bytes()),
            clients: ClientMemory::open(store.clone(), config.bookings.client_memory_days, now),
            rosters: KnownRosters::open(store.clone()),
            pass_places: PassPlaces::default(),
            locks: Locks::default(),
            resolving: tokio::sync::Mutex::default(),
            changes: broadcast::Sender::new(CHANGES),
            practices: Mutex::default(),
            outages: Arc::default(),
            supervisor: Supervisor::default(),
            leaps,
            broken: CancellationToken::new(),
            stopwatch,
            clock,
            metrics: Metrics {
                calls: connect.call_metrics(),
                practices: PracticeMetrics::default(),
                flush_times: store.flush_times(),
            },
            store,
        });
        shared.set_store_right();
        let bridge = Self {
            shared,
            runners: Arc::default(),
            pausing: AsyncMutex::default(),
            keep_days: watch::Sender::new(config.bookings.keep_days),
            penalties: Mutex::new(connect.penalties()),
            call_budget: Arc::new(Mutex::new(config.call_budget())),
            health: Arc::new(Problems::of_the_service()),
            started_at: now,
            tasks: TaskTracker::new(),
            stop: CancellationToken::new(),
        };
        for (id, deps) in all_deps(config, connect) {
            let runner = bridge.runner(&id, deps);
            bridge.runners().insert(id, runner);
        }
        // From here on they change.
        bridge.shared.days_at_start.lock().take();
        bridge.look_for_left_behind();
        bridge.look_at_store();
        bridge
    }

    /// Starts every practice, and the housekeeping of what they share.
    pub fn start(&self) {
        let runners: Vec<(PracticeId, Arc<PracticeRunner>)> =
            self.runners().iter().map(|(id, runner)| (id.clone(), Arc::clone(runner))).collect();
        for (id, runner) in runners {
            self.spawn(id, runner);
        }
        self.keep_house();
        self.keep_vigil();
    }

    /// Forgets what is old, now and then.
    fn keep_house(&self) {
        let (shared, stop, keep_days) = (Arc::clone(&self.shared), self.stop.clone(), self.keep_days.subscribe());
        let kept = self.kept(supervisor_say::HOUSEKEEPING, None);
        self.tasks.spawn(async move {
            let house = || async {
                loop {
                    let days = *keep_days.borrow();
                    if let Err(error) = shared.ledger.forget_old(days, shared.clock.now()).await {
                        tracing::error!("Old bookings cannot be forgotten: {error}.");
                    }
                    shared.clients.forget_old(shared.clock.now());
                    // Days of every zone are over by then.
                    shared.rosters.forget_before((shared.clock.now() - TimeDelta::days(2)).date_naive());
                    let again = stop.run_until_cancelled(tokio::time::sleep(NOW_AND_THEN));
                    if supervisor::rest(again).await.is_none() {
                        return;
                    }
                }
            };
            shared.supervisor.keep(kept, &stop, house).await;
        });
    }

    /// Looks whether loops are stuck, whether the clock leaps, who is in step, and what stands for
    /// long.
    fn keep_vigil(&self) {
        let (shared, stop) = (Arc::clone(&self.shared), self.stop.clone());
        let (runners, health) = (Arc::clone(&self.runners), Arc::clone(&self.health));
        let budget = Arc::clone(&self.call_budget);
        let mut kept = self.kept(supervisor_say::VIGIL, None);
        kept.limit = Duration::MAX;
        self.tasks.spawn(async move {
            let vigil = || async {
                let loops = shared.supervisor.watch();
                let leaped = || async {
                    shared.set_store_right();
                    shared.ledger.look_again(shared.clock.now()).await;
                };
                let leaps = shared.leaps.watch(&shared.clock, leaped);
                let all = || runners.lock().values().cloned().collect::<Vec<_>>();
                let judgements = async {
                    loop {
                        let (all, budget) = (all(), *budget.lock());
                        vigil::judge(&all, shared.clock.now());
                        vigil::judge_call_rates(&vigil::rate_findings(&all, &budget), &health, shared.clock.now());
                        supervisor::rest(tokio::time::sleep(vigil::JUDGED_EVERY)).await;
                    }
                };
                let long = async {
                    loop {
                        let next = vigil::log_again(&all(), &health, &shared);
                        supervisor::rest(tokio::time::sleep(next)).await;
                    }
                };
                let _stopped = stop.run_until_cancelled(join4(loops, leaps, judgements, long)).await;
            };
            shared.supervisor.keep(kept, &stop, vigil).await;
        });
    }

    fn kept(&self, name: &'static str, practice: Option<&PracticeId>) -> Kept {
        kept(&self.health, &self.shared.clock, name, practice)
    }

    /// Keeps a loop alive that serves the whole bridge, until `stop`.
    pub async fn keep<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        begin: impl Fn() -> F,
    ) {
        self.shared.supervisor.keep(self.kept(name, None), stop, begin).await;
    }

    /// Knows which loops are alive.
    pub fn supervisor(&self) -> &Supervisor {
        &self.shared.supervisor
    }

    /// Makes the practices what another configuration says. Those it does not change hear nothing
    /// of it.
    pub fn reload(&self, config: &Config, connect: &impl Connect) {
        self.keep_days.send_replace(config.bookings.keep_days);
        self.shared.clients.set_days(config.bookings.client_memory_days, self.now());
        let mut wanted = all_deps(config, connect);
        let mut added = Vec::new();
        {
            let mut runners = self.runners();
            for (id, runner) in runners.iter() {
                let next = wanted.remove(id);
                let (before, removed) = (runner.wanted(), next.is_none());
                // One that is gone has the block that it had: its key is not in the file any more.
                let next = next.or_else(|| deps(&before.deps.config, config, connect));
                let deps = next.unwrap_or_else(|| before.deps.clone());
                if before.removed == removed && before.deps == deps {
                    runner.practice().try_again();
                } else {
                    runner.want(|wanted| (wanted.deps, wanted.removed) = (deps, removed));
                }
            }
            for (id, deps) in wanted {
                let runner = self.runner(&id, deps);
                runners.insert(id.clone(), Arc::clone(&runner));
                added.push((id, runner));
            }
        }
        for (id, runner) in added {
            self.spawn(id, runner);
        }
        self.look_for_left_behind();
        *self.penalties.lock() = connect.penalties();
        *self.call_budget.lock() = config.call_budget();
        self.ask_again();
    }

    /// The servers that want to be left alone, and for how much longer.
    pub fn left_alone(&self) -> Vec<(&'static str, LeftAlone)> {
        self.penalties().left_alone()
    }

    /// A person wants the servers to be asked again although they want to be left alone. The names
    /// of those that were.
    pub fn ask_again(&self) -> Vec<&'static str> {
        let lifted = self.penalties().lift();
        if !lifted.is_empty() {
            tracing::info!("{}", admin_say::asked_again(&lifted));
            let runners: Vec<Arc<PracticeRunner>> = self.runners().values().cloned().collect();
            runners.iter().for_each(|runner| runner.practice().ask_again());
        }
        lifted
    }

    fn penalties(&self) -> Penalties {
        self.penalties.lock().clone()
    }

    /// Pauses a practice, or ends its pause, as if it were disabled in the configuration. `None`
    /// for a practice that is not in the configuration.
    ///
    /// # Errors
    /// The store cannot be written.
    pub async fn set_paused(&self, id: &PracticeId, paused: bool) -> Result<Option<PauseChange>, StoreError> {
        let _one = self.pausing.lock().await;
        let configured = || self.runners().get(id).filter(|runner| !runner.wanted().removed).cloned();
        if configured().is_none() {
            return Ok(None);
        }
        let is_new = pauses::set_paused(&self.shared.store, id, paused, self.now()).await?;
        if !paused {
            self.ask_again();
        }
        // A configuration may have been read meanwhile.
        let runner = configured();
        if let Some(runner) = &runner {
            runner.want(|wanted| wanted.paused = paused);
        }
        Ok(runner.map(|runner| PauseChange { runner, is_new }))
    }

    /// Since when a practice is paused, if it is and that can be read.
    pub fn paused_since(&self, id: &PracticeId) -> Option<DateTime<Utc>> {
        pauses::of(&self.shared.store, id)?.since
    }

    /// Lets what is in flight come to an end, for as long as `patience`. What does not is found in
    /// the ledger at the next start.
    pub async fn stop(&self, patience: Duration) {
        self.stop.cancel();
        self.tasks.close();
        if tokio::time::timeout(patience, self.tasks.wait()).await.is_err() {
            tracing::warn!("Some calls were still in flight; they are settled at the next start.");
        }
    }

    /// Begins nothing more, and rejects what is open and not in doubt; for when the store has
    /// failed.
    pub async fn reject_open(&self, patience: Duration) {
        self.stop.cancel();
        let practices: Vec<Arc<Practice>> = self.runners().values().map(|runner| runner.practice()).collect();
        let all = join_all(practices.iter().map(|practice| practice.reject_open()));
        let _late = tokio::time::timeout(patience, all).await;
    }

    /// Ends when the store cannot be written any more.
    pub async fn broken(&self) {
        self.shared.broken.cancelled().await;
    }

    /// The practices that are on.
    pub fn practices(&self) -> impl Iterator<Item = Arc<Practice>> {
        let runners: Vec<Arc<PracticeRunner>> = self.runners().values().cloned().collect();
        runners.into_iter().filter(|runner| runner.standing() == RunState::On).map(|runner| runner.practice())
    }

    /// One of them.
    pub fn practice(&self, id: &PracticeId) -> Option<Arc<Practice>> {
        let runner = self.runners().get(id).cloned();
        runner.filter(|runner| runner.standing() == RunState::On).map(|runner| runner.practice())
    }

    /// One of all practices, and why it is off if it is.
    pub fn on_or_off(&self, id: &PracticeId) -> Option<(Arc<Practice>, Option<Off>)> {
        let runner = self.runners().get(id).cloned()?;
        let off = match runner.standing() {
            RunState::On => None,
            RunState::Leaving(off) | RunState::Silent(off) => Some(off),
        };
        Some((runner.practice(), off))
    }

    /// The practices that are off, or about to be, and how each stands.
    pub fn off(&self) -> Vec<(Arc<Practice>, RunState)> {
        let runners = self.runners();
        let all = runners.values().map(|runner| (runner.practice(), runner.standing()));
        all.filter(|(_, standing)| *standing != RunState::On).collect()
    }

    /// What is wrong with the whole rather than with one practice.
    pub fn health(&self) -> &Problems {
        &self.health
    }

    /// A webhook arrived: the practice that it names looks; every one does if it names none that
    /// runs.
    pub fn webhook(&self, hint: &Hint) {
        match hint.practice.as_ref().and_then(|id| self.practice(id)) {
            Some(practice) => practice.webhook(hint),
            None => self.practices().for_each(|practice| practice.look_now()),
        }
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

    /// What is to be said of the calls that come by themselves.
    pub fn call_rates(&self) -> Vec<RateFinding> {
        let runners: Vec<Arc<PracticeRunner>> = self.runners().values().cloned().collect();
        let budget = *self.call_budget.lock();
        vigil::rate_findings(&runners, &budget)
    }

    /// What is kept.
    pub fn store(&self) -> &Store {
        &self.shared.store
    }

    /// What is counted and timed.
    pub fn metrics(&self) -> &Metrics {
        &self.shared.metrics
    }

    /// When it was started.
    pub fn started_at(&self) -> DateTime<Utc> {
        self.started_at
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    fn runners(&self) -> MutexGuard<'_, Runners> {
        self.runners.lock()
    }

    /// What is wrong with the store as a whole, as it was found.
    fn look_at_store(&self) {
        let unreadable = state_say::unreadable_bookings(self.ledger().unreadable());
        let problems: Vec<String> = self.shared.store.alarm().into_iter().chain(unreadable).collect();
        self.health.set(Subject::Store, (!problems.is_empty()).then(|| problems.join(" ")), self.now());
    }

    /// A pause that was never ended counts, however long the practice was out of the configuration.
    fn runner(&self, id: &PracticeId, deps: PracticeDeps) -> Arc<PracticeRunner> {
        self.shared.metrics.practices.know(id);
        let wanted = WantedPractice { deps, paused: pauses::of(&self.shared.store, id).is_some(), removed: false };
        PracticeRunner::new(wanted, Arc::clone(&self.shared), self.stop.child_token())
    }

    fn spawn(&self, id: PracticeId, runner: Arc<PracticeRunner>) {
        let kept = self.kept(supervisor_say::KEEPER, Some(&id));
        let (runners, shared) = (Arc::clone(&self.runners), Arc::clone(&self.shared));
        self.tasks.spawn(async move {
            // Its end is the bridge's, or that of a practice that was removed.
            let (over, forgets) = (CancellationToken::new(), Arc::clone(&shared));
            let retire = || {
                let mut runners = runners.lock();
                // It may have been put back a moment ago.
                let removed = runner.wanted().removed;
                if removed {
                    runners.remove(&id);
                    forgets.metrics.practices.forget(&id);
                }
                removed
            };
            let keeping = || async {
                Box::pin(Arc::clone(&runner).keep(retire)).await;
                over.cancel();
            };
            shared.supervisor.keep(kept, &over, keeping).await;
        });
    }

    /// Practices whose days were sent and that are in no configuration: nobody has the key to empty
    /// them.
    fn look_for_left_behind(&self) {
        let kept: BTreeSet<PracticeId> = self.runners().keys().cloned().collect();
        let today = (self.now() - TimeDelta::days(1)).date_naive();
        let left: Vec<PracticeId> = practice::with_days_from(&self.shared.store, today, &kept).into_iter().collect();
        self.health.set(Subject::LeftBehind, (!left.is_empty()).then(|| say::left_behind(&left)), self.now());
    }
}

/// The practices that are enabled, and how Healthengine is reached as each.
pub fn enabled_practices(config: &Config, connect: &impl Connect) -> EnabledPractices {
    let enabled = config.practices.iter().filter(|practice| practice.enabled);
    enabled.filter_map(|practice| Some((practice.id.clone(), connect.healthengine(practice)?))).collect()
}

/// What each practice of a configuration has to work with.
fn all_deps(config: &Config, connect: &impl Connect) -> BTreeMap<PracticeId, PracticeDeps> {
    let practices = config.practices.iter();
    practices.filter_map(|practice| Some((practice.id.clone(), deps(practice, config, connect)?))).collect()
}

fn deps(practice: &config::PracticeSettings, config: &Config, connect: &impl Connect) -> Option<PracticeDeps> {
    Some(PracticeDeps {
        config: practice.clone(),
        settings: Settings::of(config),
        openvpms: connect.openvpms(),
        healthengine: connect.healthengine(practice)?,
    })
}
