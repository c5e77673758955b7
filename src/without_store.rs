//! The service while its store cannot be opened: the disk is full or read-only, and nothing can be
//! remembered.
//!
//! A booking that is not remembered must not be made, because a crash would then make it twice.
//! What can be done without a memory is done: Healthengine is polled, so that it counts us as
//! alive, and bookings are rejected while their pet owners can still choose another time. The store
//! is tried every [`TRY_EVERY`], and once it opens, the service goes on as usual.
//!
//! **What is not rejected.** The process before this one may have been at work on a booking: its
//! appointment may stand, and only the store that cannot be read knows. Such a booking was listed
//! before we began, so only those are rejected that are not in the first complete list we get, or
//! that were made since we began. The others stay open at Healthengine until the store works. So do
//! bookings whose pet owners were told yes by Healthengine: rejecting them is worth a flag in the
//! ledger, and that needs one.
//!
//! Its loops are kept alive as those of the service with a store are ([`crate::supervisor`]).

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use futures_util::future::{join, join_all, join3};
use tokio::sync::Notify;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use crate::alerts::concern::{About, Concern, Sight};
use crate::alerts::teller::AlertSource;
use crate::booking::deadline::Deadline;
use crate::bridge::Connect;
use crate::call_error::Answer;
use crate::call_error::PROBE_EVERY;
use crate::clock::Clock;
use crate::config::Config;
use crate::healthengine::{BookingRequest, HealthengineHandle, RequestKind};
use crate::http::penalty::Penalties;
use crate::ids::{BookingId, PracticeId};
use crate::messages::{admin as admin_say, start as say, supervisor as supervisor_say};
use crate::metrics::exposition::Metrics;
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::polling::lists::{Coverage, all_pages};
use crate::polling::pace::{BLOCKED, Refusals};
use crate::practice::health::loops::kept;
use crate::practice::health::problems::{Problem, Problems};
use crate::practice::health::subject::Subject;
use crate::said_lines::SaidLines;
use crate::store::OpenError;
use crate::supervisor::{self, Kept, Supervisor};
use crate::zone::Zone;

/// How often the store is tried.
pub const TRY_EVERY: Duration = Duration::from_secs(30);
/// Healthengine's clock is known to half a second and half a round trip, and its times have whole
/// seconds.
const CLOCKS_AGREE_WITHIN: TimeDelta = TimeDelta::seconds(2);

/// The service without its store.
pub struct WithoutStore {
    clock: Clock,
    began: DateTime<Utc>,
    request_interval: Duration,
    healthengines: BTreeMap<PracticeId, HealthengineHandle>,
    penalties: Penalties,
    metrics: Metrics,
    /// A person wants Healthengine to be asked again at once.
    asked_again: Notify,
    supervisor: Supervisor,
    /// What is wrong beside the store.
    health: Arc<Problems>,
    /// What was logged and may repeat.
    said: SaidLines,
    shown: Mutex<Shown>,
}

/// What operators see.
#[derive(Debug, Clone)]
pub struct Shown {
    /// Why there is no store, and what to do.
    pub why: String,
    /// The last poll of each practice that was answered.
    pub polled_at: BTreeMap<PracticeId, Option<DateTime<Utc>>>,
}

impl WithoutStore {
    /// A service that does nothing yet. `why` is what opening the store ended in.
    pub fn new(config: &Config, connect: &impl Connect, clock: Clock, why: &OpenError) -> Arc<Self> {
        let enabled = config.practices.iter().filter(|practice| practice.enabled);
        let healthengines: BTreeMap<PracticeId, HealthengineHandle> =
            enabled.filter_map(|practice| Some((practice.id.clone(), connect.healthengine(practice)?))).collect();
        let polled_at = healthengines.keys().map(|id| (id.clone(), None)).collect();
        Arc::new(Self {
            began: clock.now(),
            clock,
            request_interval: config.sync.request_interval,
            healthengines,
            penalties: connect.penalties(),
            metrics: Metrics { calls: connect.call_metrics(), ..Metrics::default() },
            asked_again: Notify::new(),
            supervisor: Supervisor::default(),
            health: Arc::new(Problems::of_the_service()),
            said: SaidLines::default(),
            shown: Mutex::new(Shown { why: say::no_store(why), polled_at }),
        })
    }

    /// Polls and rejects until `open` gets the store, or an error that will not pass.
    ///
    /// # Errors
    /// That error.
    pub async fn run<T, F>(&self, open: impl Fn() -> F) -> Result<T, OpenError>
    where
        F: Future<Output = Result<T, OpenError>>,
    {
        tracing::error!("{}", self.shown().why);
        let (opened, over) = (Mutex::new(None), CancellationToken::new());
        let opening = self.keep(supervisor_say::OPENING, &over, || async {
            let store = self.try_loop(&open).await;
            *opened.lock() = Some(store);
            over.cancel();
        });
        let mut vigil = self.kept(supervisor_say::VIGIL, None);
        vigil.limit = Duration::MAX;
        let vigil = self.supervisor.keep(vigil, &over, || async {
            let long = async {
                loop {
                    self.health.log_again(false, self.clock.now());
                    supervisor::rest(tokio::time::sleep(self.health.due_within(TRY_EVERY))).await;
                }
            };
            let _stopped = over.run_until_cancelled(join(self.supervisor.watch(), long)).await;
        });
        let polling = self.healthengines.iter().map(|(id, healthengine)| {
            let kept = self.kept(supervisor_say::POLLING_WITHOUT_STORE, Some(id));
            let begin = move || OnBehalfOf::practice(id).does(self.poll_loop(id, healthengine));
            self.supervisor.keep(kept, &over, begin)
        });
        tokio::select! {
            () = over.cancelled() => {}
            _ = join3(opening, vigil, join_all(polling)) => {}
        }
        let opened = opened.lock().take();
        match opened {
            Some(store) => store,
            None => std::future::pending().await,
        }
    }

    fn kept(&self, name: &'static str, practice: Option<&PracticeId>) -> Kept {
        kept(&self.health, &self.clock, name, practice)
    }

    /// Keeps a loop alive that serves all practices, until `stop`.
    pub async fn keep<F: Future<Output = ()>>(
        &self,
        name: &'static str,
        stop: &CancellationToken,
        begin: impl Fn() -> F,
    ) {
        self.supervisor.keep(self.kept(name, None), stop, begin).await;
    }

    /// Knows which of its loops are alive.
    pub fn supervisor(&self) -> &Supervisor {
        &self.supervisor
    }

    /// What is wrong beside the store.
    pub fn health(&self) -> &Problems {
        &self.health
    }

    /// The servers that want to be left alone.
    pub fn penalties(&self) -> &Penalties {
        &self.penalties
    }

    /// A person wants the servers to be asked again although they want to be left alone. The names
    /// of those that were.
    pub fn ask_again(&self) -> Vec<&'static str> {
        let lifted = self.penalties.lift();
        if !lifted.is_empty() {
            tracing::info!("{}", admin_say::asked_again(&lifted));
            self.asked_again.notify_waiters();
        }
        lifted
    }

    /// What is counted and timed: its calls.
    pub fn metrics(&self) -> &Metrics {
        &self.metrics
    }

    /// How far Healthengine's clock is ahead of ours, by each practice's handle.
    pub fn clock_differences(&self) -> impl Iterator<Item = TimeDelta> {
        self.healthengines.values().map(|healthengine| healthengine.clock_difference())
    }

    /// What time it is.
    pub fn now(&self) -> DateTime<Utc> {
        self.clock.now()
    }

    /// When it began.
    pub fn began(&self) -> DateTime<Utc> {
        self.began
    }

    /// What operators see.
    pub fn shown(&self) -> MutexGuard<'_, Shown> {
        self.shown.lock()
    }

    async fn try_loop<T, F>(&self, open: &impl Fn() -> F) -> Result<T, OpenError>
    where
        F: Future<Output = Result<T, OpenError>>,
    {
        loop {
            supervisor::rest(tokio::time::sleep(TRY_EVERY)).await;
            // A disk that hangs is waited for: to start again would not mend it, and nobody would
            // poll meanwhile.
            match supervisor::wait(open()).await {
                Err(why) if why.may_pass() => self.shown().why = say::no_store(&why),
                opened => {
                    if opened.is_ok() {
                        tracing::info!("{}", say::STORE_AGAIN);
                    }
                    return opened;
                }
            }
        }
    }

    async fn poll_loop(&self, id: &PracticeId, healthengine: &HealthengineHandle) {
        let mut seen = Seen { began: self.began, before_us: None };
        let mut refusals = Refusals::default();
        loop {
            let wait = match self.poll(id, healthengine, &mut seen).await {
                Ok(()) => {
                    refusals.accepted();
                    self.shown().polled_at.insert(id.clone(), Some(self.clock.now()));
                    self.request_interval
                }
                Err(error) => {
                    if self.said.is_due(&format!("poll {id}")) {
                        tracing::warn!(practice = %id, "Healthengine cannot be asked: {error}.");
                    }
                    let wait = if error.is_access() && refusals.refused(Instant::now().into_std()) {
                        BLOCKED
                    } else {
                        self.request_interval
                    };
                    wait.max(error.pause().min(PROBE_EVERY))
                }
            };
            supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = tokio::time::sleep(wait) => {}
                    () = self.asked_again.notified() => {}
                }
            })
            .await;
        }
    }

    async fn poll(&self, id: &PracticeId, healthengine: &HealthengineHandle, seen: &mut Seen) -> Answer<()> {
        let (listed, coverage) = if healthengine.requests().await?.contains(&RequestKind::Bookings) {
            // An entry without an id makes the list incomplete; that is all there is to know of it.
            let (listed, coverage, _) = all_pages(|page| healthengine.booking_requests(page)).await?;
            (listed, coverage)
        } else {
            (Vec::new(), Coverage::Whole)
        };
        let complete = coverage == Coverage::Whole;
        for booking in seen.rejectable(&listed, complete, healthengine.clock_difference(), self.clock.now()) {
            match healthengine.reject_insert(booking, say::REJECTED_WITHOUT_STORE).await {
                Ok(()) => tracing::warn!(practice = %id, %booking, "{}", say::REJECTED_WITHOUT_STORE),
                // Still listed at the next poll, if that is in time.
                Err(error) if self.said.is_due(&format!("reject {booking}")) => {
                    tracing::warn!(practice = %id, %booking, "The booking could not be rejected: {error}.");
                }
                Err(_) => {}
            }
        }
        Ok(())
    }
}

impl AlertSource for WithoutStore {
    /// That there is no store. The heartbeat stops: no booking is made.
    fn sight(&self) -> Sight {
        let store = Concern {
            practice: None,
            about: About::Problem(Problem::of_store(String::new(), self.began).subject),
            sentence: self.shown().why.clone(),
            since: self.began,
            puts_out_of_step: false,
            outage: None,
            tells_of_outage: false,
        };
        let concerns = std::iter::once(store).chain(self.health.concerns(|_| false)).collect();
        let practices = self.healthengines.keys().map(|id| (id.clone(), false)).collect();
        Sight { concerns, practices, is_alive: false }
    }

    /// It is kept in the store.
    fn name_of(&self, _: &PracticeId) -> Option<String> {
        None
    }

    fn zone_of(&self, _: &PracticeId) -> Option<Zone> {
        None
    }

    fn tell(&self, not_delivered: Option<String>) {
        self.health.set(Subject::Alerts, not_delivered, self.now());
    }
}

/// What one practice's polls have shown.
#[derive(Debug)]
struct Seen {
    began: DateTime<Utc>,
    /// What the first complete list held. The process before us may have been at work on any of it.
    before_us: Option<BTreeSet<BookingId>>,
}

impl Seen {
    /// The bookings that nobody can have been at work on, and whose pet owners still hear of a
    /// rejection; oldest first. `ahead` is how far Healthengine's clock is ahead of ours.
    fn rejectable(
        &mut self,
        listed: &[BookingRequest],
        complete: bool,
        ahead: TimeDelta,
        now: DateTime<Utc>,
    ) -> Vec<BookingId> {
        let since_we_began = |booking: &&BookingRequest| {
            let appeared = self.before_us.as_ref().is_some_and(|before| !before.contains(&booking.booking_id));
            appeared || booking.booked_time.is_some_and(|at| at - ahead >= self.began + CLOCKS_AGREE_WITHIN)
        };
        let in_time = |booking: &&BookingRequest| Deadline::new(booking.booked_time, ahead).rejection_counts(now);
        let mut rejected: Vec<&BookingRequest> = listed.iter().filter(since_we_began).filter(in_time).collect();
        rejected.sort_by_key(|booking| (booking.booked_time, booking.booking_id));
        let rejected = rejected.into_iter().map(|booking| booking.booking_id).collect();
        if complete && self.before_us.is_none() {
            self.before_us = Some(listed.iter().map(|booking| booking.booking_id).collect());
        }
        rejected
    }
}
