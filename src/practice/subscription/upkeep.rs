//! Makes and renews the practice's webhook subscription, and ends it when the practice is switched
//! off.
//!
//! What is made and deleted is decided in [`crate::webhooks::subscriptions`]. The state knows of a
//! subscription before it is asked for, so one whose making was never answered is found by where it
//! calls. The subscriptions are looked at every hour, the log of failed deliveries every five
//! minutes and when a webhook was missed.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::evidence::{Deliveries, WebhookEvidence};
use crate::backoff::Backoff;
use crate::call_error::{Answer, CallError, ErrorClass, ServerOutage};
use crate::healthengine::Subscription;
use crate::messages::webhooks as say;
use crate::polling::pace::BLOCKED;
use crate::practice::booking_executor::other_bridge_signs::OtherBridgeSigns;
use crate::practice::context::Context;
use crate::practice::health::calls::CallHealth;
use crate::practice::health::subject::Subject;
use crate::store::{Batch, Record, RecordKind, StoreError};
use crate::supervisor;
use crate::webhooks::subscriptions::{Change, Made, RememberedSubscriptions, View, WantedSubscription};

/// Between two looks at the log of failed deliveries.
const ERRORS_EVERY: Duration = Duration::from_secs(5 * 60);
/// No two looks are closer than this, however many webhooks are missed.
const LOOKS_APART: Duration = Duration::from_secs(60);
/// Between two looks at the subscriptions.
const SUBSCRIPTIONS_EVERY: Duration = Duration::from_secs(3600);
/// The backoff while Healthengine does not do what it is asked.
const FIRST_DELAY: Duration = Duration::from_secs(5);
const LONGEST_DELAY: Duration = Duration::from_secs(5 * 60);
/// While polls are refused nothing is asked here; so often it is seen whether they still are.
const ACCESS_SEEN_EVERY: Duration = Duration::from_secs(5);
/// No more subscriptions than this are ended in one look.
const DELETED_MAX: usize = 50;
/// A look makes one subscription, then deletes the others.
const ROUNDS_MAX: usize = 3;
impl Record for RememberedSubscriptions {
    const KIND: &'static str = "subscriptions";
    const VERSION: u32 = 1;
}

/// They travel: only what is remembered as ours is ever deleted at Healthengine.
pub(in crate::practice) const KIND: RecordKind = RecordKind::exported::<RememberedSubscriptions>();

/// Keeps the subscription of one practice.
pub(in crate::practice) struct WebhookSubscription {
    pub(super) context: Arc<Context>,
    pub(super) calls: Arc<CallHealth>,
    pub(super) other_bridge: Arc<OtherBridgeSigns>,
    pub(in crate::practice) evidence: Arc<WebhookEvidence>,
    remembered: Mutex<RememberedSubscriptions>,
    pub(super) deliveries: Mutex<Deliveries>,
    /// One look at a time.
    looking: AsyncMutex<()>,
}

/// Why a look came to nothing.
pub(super) enum LookError {
    Healthengine(CallError),
    Store(StoreError),
}

impl From<CallError> for LookError {
    fn from(error: CallError) -> Self {
        Self::Healthengine(error)
    }
}

impl From<StoreError> for LookError {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl WebhookSubscription {
    /// Reads what the state remembers.
    pub(in crate::practice) fn open(
        context: Arc<Context>,
        calls: Arc<CallHealth>,
        other_bridge: Arc<OtherBridgeSigns>,
        evidence: Arc<WebhookEvidence>,
    ) -> Self {
        // A record that cannot be read leaves the address to know ours by.
        let remembered =
            context.shared.store.get::<RememberedSubscriptions>(&context.id().0).ok().flatten().unwrap_or_default();
        let (remembered, deliveries, looking) = (Mutex::new(remembered), Mutex::default(), AsyncMutex::default());
        Self { context, calls, other_bridge, evidence, remembered, deliveries, looking }
    }

    pub(super) fn remembered(&self) -> RememberedSubscriptions {
        self.remembered.lock().clone()
    }

    /// Changes what is remembered; durable when this returns.
    async fn remember(&self, change: impl FnOnce(&mut RememberedSubscriptions)) -> Result<(), StoreError> {
        let (before, after) = {
            let mut remembered = self.remembered.lock();
            let before = remembered.clone();
            change(&mut remembered);
            (before, remembered.clone())
        };
        if before == after {
            return Ok(());
        }
        let mut batch = Batch::new();
        if after.is_empty() {
            batch.delete::<RememberedSubscriptions>(&self.context.id().0);
        } else {
            batch.put(&self.context.id().0, &after)?;
        }
        self.context.shared.store.commit(batch).await
    }

    /// Looks after the subscriptions until the practice stops, or until there is nothing to look
    /// after.
    pub(in crate::practice) async fn upkeep_loop(self: Arc<Self>) {
        let mut backoff = Backoff::new(FIRST_DELAY, LONGEST_DELAY, self.context.seed());
        let mut clock = self.context.shared.leaps.listen();
        // Configuration goes first.
        if supervisor::wait(self.context.stop.run_until_cancelled(self.context.milestones.configured.wait()))
            .await
            .is_none()
        {
            return;
        }
        let (mut subscriptions_at, mut subscribed) = (Instant::now(), false);
        loop {
            if self.context.settings.webhooks.is_none() && !self.is_subscribed() {
                // Nothing is to be looked after until the practice starts with other settings.
                return supervisor::rest(self.context.stop.cancelled()).await;
            }
            let began = Instant::now();
            let (wait, may_be_sooner) = if self.calls.is_shut_out() {
                (ACCESS_SEEN_EVERY, false)
            } else {
                let subscriptions_are_due = !subscribed || subscriptions_at <= began;
                let looked = async {
                    if subscriptions_are_due {
                        subscribed = false;
                        self.look_after_subscriptions().await?;
                        (subscriptions_at, subscribed) = (began + SUBSCRIPTIONS_EVERY, true);
                    }
                    self.read_delivery_errors().await
                };
                self.after_look(looked.await, &mut backoff)
            };
            let woken = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => None,
                    () = tokio::time::sleep(wait) => Some(false),
                    () = self.asked_to_look(began), if may_be_sooner => Some(true),
                    () = clock.leaped() => Some(true),
                }
            });
            match woken.await {
                None => return,
                Some(true) => subscribed = false,
                Some(false) => {}
            }
        }
    }

    /// A missed webhook is a reason to look, after some time.
    async fn asked_to_look(&self, began: Instant) {
        tokio::time::sleep_until(began + LOOKS_APART).await;
        self.evidence.missed().await;
    }

    /// How long to wait after a look, which ended so, and whether a missed webhook may bring the
    /// next one forward.
    fn after_look(&self, looked: Result<(), LookError>, backoff: &mut Backoff) -> (Duration, bool) {
        let error = match looked {
            Ok(()) => {
                backoff.reset();
                self.context.health.clear(&Subject::Subscriptions, self.context.now());
                return (ERRORS_EVERY, true);
            }
            Err(LookError::Healthengine(error)) => self.without_secret(error),
            Err(LookError::Store(error)) => {
                self.context.stop_on_store_failure(Err(error.into()));
                return (LONGEST_DELAY, false);
            }
        };
        let (outage, text) = (ServerOutage::of_healthengine(&error), say::not_subscribed(&error));
        self.context.health.set_in(outage, Subject::Subscriptions, Some(text), self.context.now());
        let wait = if error.is_access() { BLOCKED } else { backoff.next_delay().max(error.pause()) };
        (wait, false)
    }

    /// An error whose text does not repeat the secret.
    fn without_secret(&self, error: CallError) -> CallError {
        if self.context.settings.webhooks.as_ref().is_some_and(|wanted| wanted.is_told_by(&error.detail)) {
            return CallError { detail: say::WORDS_WITHHELD.to_owned(), ..error };
        }
        error
    }

    /// True if the state remembers a subscription.
    pub(in crate::practice) fn is_subscribed(&self) -> bool {
        !self.remembered().is_empty()
    }

    pub(super) fn healthengines_now(&self) -> DateTime<Utc> {
        self.context.now() + self.context.healthengine.clock_difference()
    }

    /// Brings the subscriptions at Healthengine into line with the configuration.
    async fn look_after_subscriptions(&self) -> Result<(), LookError> {
        let wanted = self.context.settings.webhooks.as_ref();
        self.adjust_subscriptions(wanted, wanted).await
    }

    /// Deletes every subscription of ours, and forgets it. For a practice that is to be silent,
    /// also when its loops have ended.
    ///
    /// # Errors
    /// Healthengine did not do it, or the store cannot be written; what was not deleted ends by
    /// itself within a week.
    pub(in crate::practice) async fn end(&self) -> Answer<()> {
        let known_by = self.context.settings.webhooks.as_ref();
        if known_by.is_none() && !self.is_subscribed() {
            return Ok(());
        }
        match self.adjust_subscriptions(None, known_by).await {
            Ok(()) => Ok(()),
            Err(LookError::Healthengine(error)) => Err(self.without_secret(error)),
            Err(LookError::Store(error)) => {
                let told = CallError::new(ErrorClass::NotSent, error.to_string());
                self.context.stop_on_store_failure(Err(error.into()));
                Err(told)
            }
        }
    }

    /// Makes and deletes until there is nothing left to do. `known_by` says which address ours
    /// begin with; `wanted` is the same, or nothing when none is to be left.
    async fn adjust_subscriptions(
        &self,
        wanted: Option<&WantedSubscription>,
        known_by: Option<&WantedSubscription>,
    ) -> Result<(), LookError> {
        let _one = supervisor::wait(self.looking.lock()).await;
        let fingerprint = |callback: &str| self.context.shared.pseudonyms.fingerprint(callback);
        let mut listed = self.context.healthengine.subscriptions().await?;
        self.weigh_subscriptions(&listed);
        for _ in 0..ROUNDS_MAX {
            let changes = self.changes(wanted, known_by, &listed, &fingerprint);
            let makes = changes.iter().filter(|change| matches!(change, Change::Make(_))).count();
            let (practice, deletes) = (self.context.id(), changes.len() - makes);
            tracing::trace!(%practice, listed = listed.len(), makes, deletes, "subscriptions");
            if changes.is_empty() {
                break;
            }
            for change in changes.into_iter().take(DELETED_MAX) {
                // While the practice stops nothing is begun; what is left is seen at the next
                // start.
                if wanted.is_some() && self.context.stop.is_cancelled() {
                    return Ok(());
                }
                match change {
                    Change::Make(asked) => self.subscribe(asked, &mut listed).await?,
                    Change::Delete(id) => self.unsubscribe(&id, &mut listed).await?,
                }
            }
        }
        let callback = wanted.map(|wanted| fingerprint(&wanted.callback_url));
        let ours = self.changes(None, known_by, &listed, &fingerprint).len();
        self.remember(|own| own.forget_absent(&listed, callback.as_deref(), ours)).await?;
        Ok(())
    }

    fn changes(
        &self,
        wanted: Option<&WantedSubscription>,
        known_by: Option<&WantedSubscription>,
        listed: &[Subscription],
        fingerprint: &(dyn Fn(&str) -> String + Sync),
    ) -> Vec<Change> {
        let now = self.healthengines_now();
        self.viewed(known_by, fingerprint, |view| view.changes(wanted, listed, now))
    }

    fn viewed<T>(
        &self,
        known_by: Option<&WantedSubscription>,
        fingerprint: &(dyn Fn(&str) -> String + Sync),
        look: impl FnOnce(&View<'_>) -> T,
    ) -> T {
        let practices = self.context.shared.practices.lock().clone();
        let remembered = self.remembered();
        look(&View {
            practice: self.context.id(),
            practices: &practices,
            known_by,
            remembered: &remembered,
            fingerprint,
        })
    }

    /// Healthengine lists these subscriptions, among which another bridge's may be.
    pub(super) fn weigh_subscriptions(&self, listed: &[Subscription]) {
        let fingerprint = |callback: &str| self.context.shared.pseudonyms.fingerprint(callback);
        // Made after a moment by Healthengine's clock.
        let other_bridges = |since: DateTime<Utc>| {
            self.viewed(self.context.settings.webhooks.as_ref(), &fingerprint, |view| {
                listed.iter().filter(|own| view.is_other_bridges(own, since)).collect()
            })
        };
        self.other_bridge.weigh_subscriptions(other_bridges);
    }

    /// Asks for a subscription that the state knows of already.
    async fn subscribe(&self, asked: Subscription, listed: &mut Vec<Subscription>) -> Result<(), LookError> {
        let callback = self.context.shared.pseudonyms.fingerprint(&asked.callback_url);
        self.remember(|own| own.will_ask(&callback)).await?;
        let made = self.context.healthengine.subscribe(&asked).await?;
        let Some(id) = made.id else {
            return Err(CallError::new(ErrorClass::Contract, "the subscription that was made has no id").into());
        };
        let until = made.expire_at.or(asked.expire_at).unwrap_or_else(|| self.healthengines_now());
        let note = Made { callback, at: self.healthengines_now(), until };
        self.remember(|own| own.was_made(id.clone(), note)).await?;
        tracing::info!(practice = %self.context.id(), subscription = id, "Subscribed to webhooks until \
            {}.", until.format("%Y-%m-%d %H:%M UTC"));
        listed.retain(|own| own.id.as_ref() != Some(&id));
        listed.push(Subscription { id: Some(id), expire_at: Some(until), ..asked });
        Ok(())
    }

    async fn unsubscribe(&self, id: &str, listed: &mut Vec<Subscription>) -> Result<(), LookError> {
        match self.context.healthengine.unsubscribe(id).await {
            Ok(()) => {
                tracing::info!(practice = %self.context.id(), subscription = id, "Ended a subscription to webhooks.")
            }
            // Gone already: it ended, or our lost call did it.
            Err(error) if error.class == ErrorClass::Refused && matches!(error.status, Some(404 | 410)) => {}
            Err(error) => return Err(error.into()),
        }
        listed.retain(|own| own.id.as_deref() != Some(id));
        Ok(())
    }
}
