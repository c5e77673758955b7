//! The loops of a practice, and the tasks that they start: each is kept alive, or noticed when it fails.

use std::future::Future;
use std::sync::Arc;

use tokio::sync::{Mutex as AsyncMutex, broadcast};

use super::health::{Health, Subject};
use super::{Changed, Practice};
use crate::clock::Clock;
use crate::ids::{BookingId, PracticeId};
use crate::messages::supervisor as say;
use crate::supervisor::{Kept, STUCK_AFTER, caught};

/// What is heard of the diary's changes; kept while the loop that hears them is started again.
pub(super) type Changes = Arc<AsyncMutex<broadcast::Receiver<Changed>>>;

/// A loop whose troubles are told among the problems of the whole: it serves all practices, or one of them and outlives that.
pub(crate) fn kept(health: &Arc<Health>, clock: &Clock, name: &'static str, practice: Option<&PracticeId>) -> Kept {
    let (health, clock, whose) = (Arc::clone(health), clock.clone(), practice.cloned());
    Kept {
        name,
        practice: practice.cloned(),
        limit: STUCK_AFTER,
        tell: Box::new(move |trouble| {
            let text = trouble.map(|trouble| say::trouble(name, whose.as_ref(), trouble));
            let subject = match &whose {
                Some(practice) => Subject::LoopOf(name, practice.clone()),
                None => Subject::Loop(name),
            };
            health.set(subject, text, clock.now());
        }),
    }
}

impl Practice {
    /// Starts the loops. They end when the practice's token is cancelled.
    pub fn start(self: &Arc<Self>) {
        self.tell_of_days_refused_before();
        let changes: Changes = Arc::new(AsyncMutex::new(self.shared.changes.subscribe()));
        self.keep(say::CONFIGURATION, Self::configuration_loop);
        self.keep(say::AVAILABILITY, Self::availability_loop);
        self.keep(say::CHANGED_DAYS, move |practice| practice.refresh_loop(Arc::clone(&changes)));
        self.keep(say::ASKED_DAYS, Self::asked_days_loop);
        self.keep(say::REQUESTS, Self::request_loop);
        self.keep(say::DUE_BOOKINGS, Self::due_loop);
        self.keep(say::SUBSCRIPTIONS, Self::subscription_loop);
        self.keep(say::APPOINTMENTS, Self::watch_loop);
        self.keep(say::RIVALS, Self::rival_loop);
    }

    /// Keeps a loop alive until the practice stops.
    fn keep<F>(self: &Arc<Self>, name: &'static str, begin: impl Fn(Arc<Self>) -> F + Send + Sync + 'static)
    where
        F: Future<Output = ()> + Send + 'static,
    {
        let (practice, told) = (Arc::clone(self), Arc::clone(self));
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
            let supervised = practice.shared.supervisor.keep(kept, &practice.stop, || begin(Arc::clone(&practice)));
            supervised.await;
        });
    }

    /// Starts a task that ends by itself. One that fails is a problem until the next of its name succeeds; what it was about comes
    /// up again by itself.
    pub(super) fn spawn(self: &Arc<Self>, name: &'static str, task: impl Future<Output = ()> + Send + 'static) {
        let practice = Arc::clone(self);
        self.tasks.spawn(async move {
            let failed = caught(task).await.is_err();
            let text = failed.then(|| say::task_failed(name));
            practice.health.set(Subject::Loop(name), text, practice.now());
        });
    }

    /// Work on one booking, to be spawned. Whatever it holds (the booking's turn, its place, the locks) is free again when it fails, and the
    /// booking is found again: by the next poll, or in the ledger.
    pub(super) fn work_on(
        self: &Arc<Self>,
        booking: BookingId,
        task: impl Future<Output = ()> + Send + 'static,
    ) -> impl Future<Output = ()> + Send + 'static {
        let practice = Arc::clone(self);
        async move {
            if caught(task).await.is_err() {
                tracing::error!(practice = %practice.id(), %booking, "{}", say::booking_failed(booking));
                practice.health.raise(Subject::Booking(booking), say::booking_failed(booking), practice.now());
            }
        }
    }

    /// Why the practice counts as out of step: loops that are dead or stuck.
    pub(super) fn loops_that_are_ill(&self) -> Option<String> {
        say::not_alive(&self.shared.supervisor.ill(self.id()))
    }
}
