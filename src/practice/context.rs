//! What every component of a practice is made with: its settings, the ways to the two systems, the
//! time, and the means to start tasks. It holds no state of any component.

use std::future::Future;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::health::last_done::LastDone;
use super::health::problems::Problems;
use super::health::step_since::StepSince;
use super::health::subject::Subject;
use super::ledger::LedgerError;
use super::offering::{Offering, OfferingReader};
use super::shared::{OpenVpmsClients, Settings, Shared};
use super::signals::{Milestones, Signals};
use super::zones;
use crate::availability::Days;
use crate::backoff::Backoff;
use crate::call_error::ServerOutage;
use crate::clock::Measured;
use crate::config;
use crate::healthengine::HealthengineHandle;
use crate::ids::{BookingId, PracticeId};
use crate::messages::supervisor as say;
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::said_lines::SaidLines;
use crate::supervisor::{Kept, STUCK_AFTER, caught};
use crate::zone::Zone;

/// What every component of a practice is made with.
pub(super) struct Context {
    pub(super) config: config::PracticeSettings,
    pub(super) settings: Settings,
    pub(super) shared: Arc<Shared>,
    pub(super) openvpms: OpenVpmsClients,
    pub(super) healthengine: HealthengineHandle,
    /// What is wrong with the practice.
    pub(super) health: Problems,
    /// What was logged and may repeat.
    pub(super) said: SaidLines,
    /// What was last done when.
    pub(super) last_done: Mutex<LastDone>,
    /// Since when it is in step, or is not; absent before it was judged.
    pub(super) step_since: Mutex<Option<StepSince>>,
    /// What is offered, as the configuration sync last found it.
    pub(super) offering: OfferingReader,
    /// What wakes the loops.
    pub(super) signals: Signals,
    /// What the loops wait for at the start.
    pub(super) milestones: Milestones,
    pub(super) stop: CancellationToken,
    /// Everything that is to be finished before the practice has stopped.
    pub(super) tasks: TaskTracker,
}

impl Context {
    /// True if the line about a call for a booking that failed is to be logged. What comes from one
    /// outage is one line, however many bookings suffer from it.
    pub(super) fn is_due_of_booking(&self, what: &str, booking: BookingId, outage: Option<ServerOutage>) -> bool {
        match outage {
            Some(outage) => self.said.is_due(&format!("{what} {outage:?}")),
            None => self.said.is_due(&format!("{what} {booking}")),
        }
    }

    pub(super) fn id(&self) -> &PracticeId {
        &self.config.id
    }

    pub(super) fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// The same as this process measured it.
    pub(super) fn measured(&self) -> Measured {
        self.shared.stopwatch.read()
    }

    /// The delays between attempts. Their randomness comes from the store's secret key, which no
    /// two clinics share.
    pub(super) fn backoff(&self, first: Duration) -> Backoff {
        Backoff::new(first, self.settings.sync.max_retry_interval, self.seed())
    }

    pub(super) fn seed(&self) -> u64 {
        u64::from_str_radix(&self.shared.pseudonyms.fingerprint(&self.id().0)[..16], 16).unwrap_or_default()
    }

    /// The zone Healthengine sees: the configured one, else the server's as it was last read.
    /// Before OpenVPMS was ever read, UTC.
    pub(super) fn zone(&self) -> Zone {
        self.known_zone().unwrap_or(Zone::Iana(chrono_tz::UTC))
    }

    pub(super) fn known_zone(&self) -> Option<Zone> {
        let configured = self.config.timezone;
        configured
            .or_else(|| self.offering.current().map(|offering| offering.zones.practice))
            .or_else(|| zones::remembered(&self.shared.store, self.id()))
    }

    /// Today and the days after it that are offered.
    pub(super) fn horizon(&self, offering: &Offering) -> Days {
        Days::from_today(self.now(), &offering.zones.practice, self.settings.sync.horizon_days)
    }

    pub(super) fn min_notice(&self) -> TimeDelta {
        TimeDelta::from_std(self.settings.sync.min_notice).unwrap_or_default()
    }

    /// A store that cannot be written ends the process: nothing may be done that is not remembered.
    pub(super) fn stop_on_store_failure(&self, outcome: Result<(), LedgerError>) {
        match outcome {
            Ok(()) => {}
            // At each poll, for as long as Healthengine lists it. Operators were told when the
            // ledger was opened.
            Err(LedgerError::Unreadable(unreadable)) => {
                tracing::debug!(practice = %self.id(), "A booking is left alone: {unreadable}.");
            }
            Err(LedgerError::Store(error)) => {
                tracing::error!(practice = %self.id(), "The ledger cannot be written: {error}.");
                self.health.raise(Subject::Store, error.to_string(), self.now());
                self.shared.broken.cancel();
            }
        }
    }

    /// Keeps a loop of a component alive until the practice stops.
    pub(super) fn keep<C, F>(
        self: &Arc<Self>,
        name: &'static str,
        component: &Arc<C>,
        begin: impl Fn(Arc<C>) -> F + Send + Sync + 'static,
    ) where
        C: Send + Sync + 'static,
        F: Future<Output = ()> + Send + 'static,
    {
        let (context, told, component) = (Arc::clone(self), Arc::clone(self), Arc::clone(component));
        let request_timeout = self.settings.request_timeout.to_std().unwrap_or_default();
        let kept = Kept {
            name,
            practice: Some(self.id().clone()),
            limit: STUCK_AFTER.max(request_timeout * 6),
            tell: Box::new(move |trouble| {
                let text = trouble.map(|trouble| say::trouble(name, None, trouble));
                told.health.set(Subject::Loop(name), text, told.now());
            }),
        };
        self.tasks.spawn(async move {
            let begin = || Box::pin(OnBehalfOf::practice(context.id()).does(begin(Arc::clone(&component))));
            context.shared.supervisor.keep(kept, &context.stop, begin).await;
        });
    }

    /// Starts a task that ends by itself. One that fails is a problem until the next of its name
    /// succeeds; what it was about comes up again by itself.
    pub(super) fn spawn(self: &Arc<Self>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let context = Arc::clone(self);
        let task = Box::pin(OnBehalfOf::practice(context.id()).does(task));
        self.tasks.spawn(async move {
            let failed = caught(task).await.is_err();
            let text = failed.then(|| say::task_failed(name));
            context.health.set(Subject::Loop(name), text, context.now());
        });
    }

    /// Work on one booking, to be spawned. Whatever it holds (the booking's turn, its place, the
    /// locks) is free again when it fails, and the booking is found again: by the next poll, or in
    /// the ledger.
    pub(super) fn work_on(
        self: &Arc<Self>,
        booking: BookingId,
        task: impl Future<Output = Result<(), LedgerError>> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let context = Arc::clone(self);
        // Boxed, because it is handed on several times until it runs, and it is large.
        let task = Box::pin(OnBehalfOf::booking(context.id(), booking).does(task));
        async move {
            match caught(task).await {
                Ok(outcome) => context.stop_on_store_failure(outcome),
                Err(_) => {
                    if context.said.is_due(&format!("work {booking}")) {
                        tracing::error!(practice = %context.id(), %booking, "{}", say::booking_failed(booking));
                    }
                    context.health.raise(Subject::Booking(booking), say::booking_failed(booking), context.now());
                }
            }
        }
    }
}
