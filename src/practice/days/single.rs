//! Single days that changed: read and sent as soon as something happened to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex as AsyncMutex, broadcast};
use tokio::time::Instant;

use super::publisher::Publisher;
use super::queue::{DUE_WAIT_MAX, DayQueue};
use crate::availability::{Day, ResourceDay};
use crate::call_error::CallError;
use crate::ids::ResourceId;
use crate::mapping::Resource;
use crate::messages::configuration_sync as configuration_say;
use crate::practice::context::Context;
use crate::practice::reading::DiaryReader;
use crate::practice::shared::DiaryChange;
use crate::publishing::due::DayGroup;
use crate::publishing::{ReadDay, ReadDays, SendIf};
use crate::supervisor;

/// Days whose last answers were lost are looked through no more often than this.
const SETTLED_EVERY: Duration = Duration::from_secs(1);

/// Reads and sends single days.
pub(in crate::practice) struct SingleDays {
    context: Arc<Context>,
    pub(super) publisher: Arc<Publisher>,
    reader: Arc<DiaryReader>,
    /// What is heard of the diary's changes; kept while the loop that hears them is started again.
    changes: AsyncMutex<broadcast::Receiver<DiaryChange>>,
}

impl SingleDays {
    pub(in crate::practice) fn new(context: Arc<Context>, publisher: Arc<Publisher>, reader: Arc<DiaryReader>) -> Self {
        let changes = AsyncMutex::new(context.shared.changes.subscribe());
        Self { context, publisher, reader, changes }
    }

    /// Sends single days as soon as something happened to them.
    pub(in crate::practice) async fn changed_days_loop(self: Arc<Self>) {
        let mut changes = self.changes.lock().await;
        let queue = Arc::clone(&self.publisher.changed);
        let mut clock = self.context.shared.leaps.listen();
        loop {
            self.settle_days();
            self.send_due(&queue).await;
            if self.context.stop.is_cancelled() {
                return;
            }
            // A day that has to wait does so without holding up what comes in.
            let unsettled = self.publisher.sent.has_unacknowledged();
            let wait = self.wait_for_due(&queue).min(if unsettled { SETTLED_EVERY } else { DUE_WAIT_MAX });
            let heard = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => None,
                    change = changes.recv() => Some(change.ok()),
                    () = queue.woken() => Some(None),
                    () = tokio::time::sleep(wait) => Some(None),
                    () = clock.leaped() => {
                        queue.locked().wait_no_longer();
                        Some(None)
                    }
                }
            });
            match heard.await {
                None => return,
                Some(Some(change)) => self.note_change(change),
                // Or so many changes at once that some were missed: the next reading of the near
                // days finds them.
                Some(None) => {}
            }
            // What came in meanwhile is one reading.
            while let Ok(change) = changes.try_recv() {
                self.note_change(change);
            }
        }
    }

    pub(super) fn wait_for_due(&self, queue: &DayQueue) -> Duration {
        let now = self.context.now();
        let next = queue.locked().next_at(now, |resource, day| self.publisher.sent.free_from(resource, day, now));
        next.map_or(Duration::MAX, |at| (at - now).to_std().unwrap_or_default().min(DUE_WAIT_MAX))
    }

    fn note_change(&self, change: DiaryChange) {
        let Some(offering) = self.context.offering.accepted() else { return };
        let is_read = change.read_by.as_ref() == Some(self.context.id());
        let shares = |resource: &&Resource| {
            let its_schedule = resource.id.schedule == change.schedule && !(is_read && resource.id.user.is_none());
            its_schedule || (change.user.is_some() && resource.id.user == change.user)
        };
        let (first, last) = offering.days_of(change.span);
        let mut due = self.publisher.changed.locked();
        for resource in offering.mapping.resources.iter().filter(shares) {
            for day in first.iter_days().take_while(|day| *day <= last).take(3) {
                due.add(resource.id, day, SendIf::Changed);
            }
        }
    }

    /// Days whose last answers were lost are sent once more, now that nothing can overtake them.
    fn settle_days(&self) {
        let Some(offering) = self.context.offering.accepted() else { return };
        let (horizon, publisher) = (self.context.horizon(&offering), &self.publisher);
        for (resource, day) in publisher.sent.to_be_settled(&self.context.measured()) {
            let now = Instant::now().into_std();
            let waits = publisher.aside.look(|aside| aside.fails_and_waits((resource, day), now));
            if !waits && horizon.holds(day) && offering.mapping.resource(resource).is_some() {
                publisher.changed.locked().add(resource, day, SendIf::Always);
            }
        }
    }

    /// Reads and sends what is due first. What of it fails is tried again later, and later each
    /// time.
    pub(super) async fn send_due(&self, queue: &DayQueue) {
        let free_from = |resource, day| self.publisher.sent.free_from(resource, day, self.context.now());
        let read = queue.locked().take_read(self.context.now(), free_from);
        if !read.is_empty() {
            self.send_read(queue, read).await;
        }
        let Some(wanted) = queue.locked().take(self.context.now(), free_from) else { return };
        let mut put_back = PutBack { queue, wanted: vec![wanted.clone()], now: self.context.now() };
        let outcome = self.send_days(&wanted).await;
        put_back.wanted.clear();
        let longest = self.context.settings.sync.max_retry_interval;
        let mut due = queue.locked();
        match outcome {
            Ok(()) => due.done(&wanted),
            Err((error, left)) => {
                let sent = wanted.resources.iter().filter(|(resource, _)| !left.contains(resource));
                due.done(&DayGroup {
                    days: wanted.days.clone(),
                    resources: sent.map(|(id, send)| (*id, *send)).collect(),
                });
                let mut wanted = wanted;
                wanted.resources.retain(|resource, _| left.contains(resource));
                due.put_off(&wanted, self.context.now(), longest, error.pause());
            }
        }
    }

    /// Sends days that were read already. What fails is read again.
    async fn send_read(&self, queue: &DayQueue, mut read: Vec<ReadDay>) {
        let Some(offering) = self.context.offering.accepted() else { return };
        read.retain(|read| offering.mapping.resource(read.day.resource).is_some());
        let all = read.iter().map(|read| DayGroup::one(read.day.resource, read.day.date));
        let all: Vec<DayGroup> = all.collect();
        let mut put_back = PutBack { queue, wanted: all.clone(), now: self.context.now() };
        let sent = self.publisher.publish_each(read, SendIf::Changed, &|_| {}).await;
        put_back.wanted.clear();
        let longest = self.context.settings.sync.max_retry_interval;
        let mut due = queue.locked();
        for wanted in &all {
            match &sent {
                Ok(_) => due.done(wanted),
                Err(error) => due.put_off(wanted, self.context.now(), longest, error.pause()),
            }
        }
    }

    /// Reads and sends some days of some resources, with one reading. On failure says which
    /// resources are still to be sent.
    async fn send_days(&self, wanted: &DayGroup) -> Result<(), (CallError, BTreeSet<ResourceId>)> {
        let Some(offering) = self.context.offering.accepted() else { return Ok(()) };
        let horizon = self.context.horizon(&offering);
        let days = wanted.days.iter().copied().filter(|day| horizon.holds(*day)).collect();
        let within = DayGroup { days, resources: wanted.resources.clone() };
        let Some(window) = within.window() else { return Ok(()) };
        let is_wanted = |resource: &&Resource| wanted.resources.contains_key(&resource.id);
        let resources: Vec<Resource> = offering.mapping.resources.iter().filter(is_wanted).cloned().collect();
        let reading = self.reader.read(&self.context.openvpms.background, &offering, &resources, window).await;
        let mut read = self.reader.days(&reading, &offering, &resources, window);
        read.days.retain(|day| within.days.contains(&day.date));
        // A schedule that is closed to us offers nothing; its resources leave with the next
        // configuration.
        let closed = || resources.iter().filter(|own| !reading.readings.schedules.contains_key(&own.id.schedule));
        for own in closed() {
            let days = within.days.iter().filter(|day| self.publisher.sent.offers(own.id, **day)).count();
            if days > 0 {
                tracing::warn!(practice = %self.context.id(), "{}", configuration_say::days_emptied(own.id, days));
            }
        }
        let closed = closed();
        read.days.extend(closed.flat_map(|own| {
            let day = Day::empty(own.slot_size_minutes);
            within.days.iter().map(move |date| ResourceDay { resource: own.id, date: *date, day: day.clone() })
        }));
        let mut left: BTreeSet<ResourceId> = wanted.resources.keys().copied().collect();
        for send in [SendIf::Always, SendIf::Changed] {
            let days: Vec<ResourceDay> =
                read.days.extract_if(.., |day| wanted.resources.get(&day.resource) == Some(&send)).collect();
            let sent: Vec<ResourceId> = days.iter().map(|day| day.resource).collect();
            if let Err(error) = self.publisher.publish(ReadDays { began: read.began, days }, send, &|_| {}).await {
                return Err((error, left));
            }
            left.retain(|resource| !sent.contains(resource));
        }
        reading.failure.map_or(Ok(()), |error| Err((error, left)))
    }
}

/// Days that were taken to be sent. Whoever took them and failed leaves them to be sent again.
struct PutBack<'a> {
    queue: &'a DayQueue,
    wanted: Vec<DayGroup>,
    now: DateTime<Utc>,
}

impl Drop for PutBack<'_> {
    fn drop(&mut self) {
        for wanted in self.wanted.drain(..) {
            self.queue.locked().put_off(&wanted, self.now, Duration::ZERO, Duration::ZERO);
        }
    }
}
