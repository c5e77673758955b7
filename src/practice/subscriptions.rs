//! Keeps the practice's webhook subscription at Healthengine, hears its webhooks, and reads there which deliveries failed.
//!
//! What is made and deleted is decided in [`crate::webhooks::subscriptions`]. The state knows of a subscription before it is asked
//! for, so one whose making was never answered is found by where it calls. The subscriptions are looked at every hour, the log of
//! failed deliveries every five minutes and when a webhook was missed.

use parking_lot::{Mutex, MutexGuard};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex as AsyncMutex, Notify};
use tokio::time::Instant;

use super::Practice;
use super::health::Subject;
use crate::dates;
use crate::delays::Delays;
use crate::healthengine::paging::read_all;
use crate::healthengine::{ErrorLogQuery, Subscription};
use crate::ids::PracticeId;
use crate::messages::webhooks as say;
use crate::remote::{Answer, CallError, ErrorClass};
use crate::store::{Batch, Record, RecordKind, Store, StoreError};
use crate::supervisor;
use crate::webhooks::evidence::Item;
use crate::webhooks::failure::reason;
use crate::webhooks::hint::Hint;
use crate::webhooks::pace::BLOCKED;
use crate::webhooks::subscriptions::{Change, Made, Remembered, View, Wanted};

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
/// Entries of the log are dated in whole seconds, and written after the call.
const ERRORS_OVERLAP: TimeDelta = TimeDelta::seconds(60);

impl Record for Remembered {
    const KIND: &'static str = "subscriptions";
    const VERSION: u32 = 1;
}

/// They travel: only what is remembered as ours is ever deleted at Healthengine.
pub(super) const KIND: RecordKind = RecordKind::exported::<Remembered>();

/// What is known of a practice's subscriptions.
pub(super) struct Subscriptions {
    store: Store,
    practice: PracticeId,
    remembered: Mutex<Remembered>,
    deliveries: Mutex<Deliveries>,
    /// One look at a time.
    looking: AsyncMutex<()>,
    wanted: Notify,
}

/// Which deliveries failed.
#[derive(Debug, Default)]
struct Deliveries {
    /// Of which subscription.
    of: String,
    /// Until when the log was read, by Healthengine's clock.
    read_to: Option<DateTime<Utc>>,
    /// The last one that failed: when, and why.
    failed: Option<(DateTime<Utc>, String)>,
}

/// Why a look came to nothing.
enum Failed {
    Healthengine(CallError),
    Store(StoreError),
}

impl From<CallError> for Failed {
    fn from(error: CallError) -> Self {
        Self::Healthengine(error)
    }
}

impl From<StoreError> for Failed {
    fn from(error: StoreError) -> Self {
        Self::Store(error)
    }
}

impl Subscriptions {
    /// Reads what the state remembers.
    pub(super) fn open(store: &Store, practice: &PracticeId) -> Self {
        // A record that cannot be read leaves the address to know ours by.
        let remembered = store.get::<Remembered>(&practice.0).ok().flatten().unwrap_or_default();
        Self {
            store: store.clone(),
            practice: practice.clone(),
            remembered: Mutex::new(remembered),
            deliveries: Mutex::default(),
            looking: AsyncMutex::default(),
            wanted: Notify::new(),
        }
    }

    fn locked<'a, T>(mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock()
    }

    fn remembered(&self) -> Remembered {
        Self::locked(&self.remembered).clone()
    }

    /// Changes what is remembered; durable when this returns.
    async fn remember(&self, change: impl FnOnce(&mut Remembered)) -> Result<(), StoreError> {
        let (before, after) = {
            let mut remembered = Self::locked(&self.remembered);
            let before = remembered.clone();
            change(&mut remembered);
            (before, remembered.clone())
        };
        if before == after {
            return Ok(());
        }
        let mut batch = Batch::new();
        if after.is_empty() {
            batch.delete::<Remembered>(&self.practice.0);
        } else {
            batch.put(&self.practice.0, &after)?;
        }
        self.store.commit(batch).await
    }
}

impl Practice {
    /// A webhook for this practice arrived.
    pub fn webhook(&self, hint: &Hint) {
        self.locked(&self.evidence).arrived(hint, self.now());
        self.tell_deliveries();
        self.look_now();
    }

    /// When the last webhook for this practice arrived.
    pub fn webhook_at(&self) -> Option<DateTime<Utc>> {
        self.locked(&self.evidence).arrived_at()
    }

    /// Something may wait at Healthengine: the next poll is now.
    pub fn look_now(&self) {
        self.look_now.notify_one();
    }

    /// A poll of this moment found these, with since when they wait by Healthengine's clock.
    pub(super) fn found(&self, items: Vec<(Item, Option<DateTime<Utc>>)>, polled_at: DateTime<Utc>) {
        let ahead = self.healthengine.clock_difference();
        let items = items.into_iter().map(|(item, since)| (item, since.map(|since| since - ahead)));
        let was_missed = self.locked(&self.evidence).found(items, polled_at);
        if was_missed && self.settings.webhooks.is_some() {
            tracing::debug!(practice = %self.id(), "A poll found something that no webhook announced.");
            self.subscriptions.wanted.notify_one();
        }
    }

    /// Looks after the subscriptions until the practice stops, or until there is nothing to look after.
    pub(super) async fn subscription_loop(self: Arc<Self>) {
        let mut delays = Delays::new(FIRST_DELAY, LONGEST_DELAY, self.seed());
        let mut clock = self.shared.leaps.listen();
        // Configuration goes first.
        if supervisor::wait(self.stop.run_until_cancelled(self.first_configuration.wait())).await.is_none() {
            return;
        }
        let (mut subscriptions_at, mut subscribed) = (Instant::now(), false);
        loop {
            if self.settings.webhooks.is_none() && !self.is_subscribed() {
                // Nothing is to be looked after until the practice starts with other settings.
                return supervisor::rest(self.stop.cancelled()).await;
            }
            let began = Instant::now();
            let (wait, may_be_sooner) = if self.is_shut_out() {
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
                self.after_look(looked.await, &mut delays)
            };
            let woken = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => None,
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
        self.subscriptions.wanted.notified().await;
    }

    /// How long to wait after a look, which ended so, and whether a missed webhook may bring the next one forward.
    fn after_look(&self, looked: Result<(), Failed>, delays: &mut Delays) -> (Duration, bool) {
        let error = match looked {
            Ok(()) => {
                delays.reset();
                self.health.clear(&Subject::Subscriptions);
                return (ERRORS_EVERY, true);
            }
            Err(Failed::Healthengine(error)) => self.without_secret(error),
            Err(Failed::Store(error)) => {
                self.written(Err(error.into()));
                return (LONGEST_DELAY, false);
            }
        };
        self.health.raise(Subject::Subscriptions, say::not_subscribed(&error), self.now());
        let wait = if error.is_access() { BLOCKED } else { delays.next_delay().max(error.pause()) };
        (wait, false)
    }

    /// An error whose text does not repeat the secret.
    fn without_secret(&self, error: CallError) -> CallError {
        if self.settings.webhooks.as_ref().is_some_and(|wanted| wanted.is_told_by(&error.detail)) {
            return CallError { detail: say::WORDS_WITHHELD.to_owned(), ..error };
        }
        error
    }

    /// True if the state remembers a subscription.
    pub(super) fn is_subscribed(&self) -> bool {
        !self.subscriptions.remembered().is_empty()
    }

    fn healthengines_now(&self) -> DateTime<Utc> {
        self.now() + self.healthengine.clock_difference()
    }

    /// Brings the subscriptions at Healthengine into line with the configuration.
    async fn look_after_subscriptions(&self) -> Result<(), Failed> {
        let wanted = self.settings.webhooks.as_ref();
        self.adjust_subscriptions(wanted, wanted).await
    }

    /// Deletes every subscription of ours, and forgets it. For a practice that is to be silent, also when its loops have ended.
    ///
    /// # Errors
    /// Healthengine did not do it, or the store cannot be written; what was not deleted ends by itself within a week.
    pub async fn end_subscriptions(&self) -> Answer<()> {
        let known_by = self.settings.webhooks.as_ref();
        if known_by.is_none() && !self.is_subscribed() {
            return Ok(());
        }
        match self.adjust_subscriptions(None, known_by).await {
            Ok(()) => Ok(()),
            Err(Failed::Healthengine(error)) => Err(self.without_secret(error)),
            Err(Failed::Store(error)) => {
                let told = CallError::new(ErrorClass::NotSent, error.to_string());
                self.written(Err(error.into()));
                Err(told)
            }
        }
    }

    /// Makes and deletes until there is nothing left to do. `known_by` says which address ours begin with; `wanted` is the same, or
    /// nothing when none is to be left.
    async fn adjust_subscriptions(&self, wanted: Option<&Wanted>, known_by: Option<&Wanted>) -> Result<(), Failed> {
        let _one = supervisor::wait(self.subscriptions.looking.lock()).await;
        let fingerprint = |callback: &str| self.shared.pseudonyms.fingerprint(callback);
        let mut listed = self.healthengine.subscriptions().await?;
        self.weigh_subscriptions(&listed);
        for _ in 0..ROUNDS_MAX {
            let changes = self.changes(wanted, known_by, &listed, &fingerprint);
            if changes.is_empty() {
                break;
            }
            for change in changes.into_iter().take(DELETED_MAX) {
                // While the practice stops nothing is begun; what is left is seen at the next start.
                if wanted.is_some() && self.stop.is_cancelled() {
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
        self.subscriptions.remember(|own| own.forget_absent(&listed, callback.as_deref(), ours)).await?;
        Ok(())
    }

    fn changes(
        &self,
        wanted: Option<&Wanted>,
        known_by: Option<&Wanted>,
        listed: &[Subscription],
        fingerprint: &(dyn Fn(&str) -> String + Sync),
    ) -> Vec<Change> {
        let now = self.healthengines_now();
        self.viewed(known_by, fingerprint, |view| view.changes(wanted, listed, now))
    }

    fn viewed<T>(
        &self,
        known_by: Option<&Wanted>,
        fingerprint: &(dyn Fn(&str) -> String + Sync),
        look: impl FnOnce(&View<'_>) -> T,
    ) -> T {
        let practices = self.shared.practices.lock().clone();
        let remembered = self.subscriptions.remembered();
        look(&View { practice: self.id(), practices: &practices, known_by, remembered: &remembered, fingerprint })
    }

    /// The subscriptions among these that another bridge made for this practice after `since`, by Healthengine's clock.
    pub(super) fn another_bridges<'a>(
        &self,
        listed: &'a [Subscription],
        since: DateTime<Utc>,
    ) -> Vec<&'a Subscription> {
        let fingerprint = |callback: &str| self.shared.pseudonyms.fingerprint(callback);
        self.viewed(self.settings.webhooks.as_ref(), &fingerprint, |view| {
            listed.iter().filter(|own| view.is_another_bridges(own, since)).collect()
        })
    }

    /// Asks for a subscription that the state knows of already.
    async fn subscribe(&self, asked: Subscription, listed: &mut Vec<Subscription>) -> Result<(), Failed> {
        let callback = self.shared.pseudonyms.fingerprint(&asked.callback_url);
        self.subscriptions.remember(|own| own.will_ask(&callback)).await?;
        let made = self.healthengine.subscribe(&asked).await?;
        let Some(id) = made.id else {
            return Err(CallError::new(ErrorClass::Contract, "the subscription that was made has no id").into());
        };
        let until = made.expire_at.or(asked.expire_at).unwrap_or_else(|| self.healthengines_now());
        let note = Made { callback, at: self.healthengines_now(), until };
        self.subscriptions.remember(|own| own.was_made(id.clone(), note)).await?;
        tracing::info!(practice = %self.id(), subscription = id, "Subscribed to webhooks until {}.", until.format("%Y-%m-%d %H:%M UTC"));
        listed.retain(|own| own.id.as_ref() != Some(&id));
        listed.push(Subscription { id: Some(id), expire_at: Some(until), ..asked });
        Ok(())
    }

    async fn unsubscribe(&self, id: &str, listed: &mut Vec<Subscription>) -> Result<(), Failed> {
        match self.healthengine.unsubscribe(id).await {
            Ok(()) => tracing::info!(practice = %self.id(), subscription = id, "Ended a subscription to webhooks."),
            // Gone already: it ended, or our lost call did it.
            Err(error) if error.class == ErrorClass::Refused && matches!(error.status, Some(404 | 410)) => {}
            Err(error) => return Err(error.into()),
        }
        listed.retain(|own| own.id.as_deref() != Some(id));
        Ok(())
    }

    /// Reads which deliveries of the subscription failed since the last look.
    async fn read_delivery_errors(&self) -> Result<(), Failed> {
        let Some(wanted) = self.settings.webhooks.as_ref().filter(|_| !self.stop.is_cancelled()) else { return Ok(()) };
        let callback = self.shared.pseudonyms.fingerprint(&wanted.callback_url);
        let Some(id) = self.subscriptions.remembered().current(&callback).map(str::to_owned) else { return Ok(()) };
        let now = self.healthengines_now();
        // What failed while no bridge listened is no news.
        let from = {
            let mut deliveries = Subscriptions::locked(&self.subscriptions.deliveries);
            if deliveries.of != id {
                *deliveries = Deliveries { of: id.clone(), ..Deliveries::default() };
            }
            let read_to = deliveries.read_to.filter(|read_to| dates::age(*read_to, now).is_some()).unwrap_or(now);
            deliveries.read_to = Some(read_to);
            read_to
        };
        let page = |page| {
            let query = ErrorLogQuery { subscription_id: Some(id.clone()), from: Some(from), to: None, page };
            async move { self.healthengine.subscription_errors(&query).await }
        };
        let read = match read_all(page).await {
            // A subscription without a failure may be unknown to the log.
            Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => Vec::new(),
            read => read?.items,
        };
        let last = read
            .iter()
            .filter_map(|error| Some((error.timestamp?, reason(error, &wanted.callback_url))))
            .max_by_key(|(at, _)| *at);
        {
            let mut deliveries = Subscriptions::locked(&self.subscriptions.deliveries);
            deliveries.read_to = Some((now - ERRORS_OVERLAP).max(from));
            deliveries.failed = last.or(deliveries.failed.take());
        }
        self.tell_deliveries();
        Ok(())
    }

    /// Deliveries fail if none arrived since the last one that failed.
    fn tell_deliveries(&self) {
        let arrived = self.locked(&self.evidence).arrived_at().map(|at| at + self.healthengine.clock_difference());
        let mut deliveries = Subscriptions::locked(&self.subscriptions.deliveries);
        deliveries.failed.take_if(|(at, _)| arrived.is_some_and(|arrived| arrived >= *at));
        let text = deliveries.failed.as_ref().map(|(_, reason)| say::deliveries_fail(reason));
        self.health.set(Subject::Webhooks, text, self.now());
    }
}
