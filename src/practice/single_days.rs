//! Single days that changed: read and sent as soon as something happened to them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use tokio::time::Instant;

use super::due::{Queue, Wanted};
use super::loops::Changes;
use super::publishing::{ReadDay, ReadDays, Which};
use super::reading::Reading;
use super::{Offering, Practice};
use crate::availability::{Day, Days, ResourceDay};
use crate::booking::entry::Place;
use crate::dates;
use crate::ids::{PracticeId, ResourceId, ScheduleId, UserId};
use crate::mapping::Resource;
use crate::messages::configuration as configuration_say;
use crate::remote::CallError;
use crate::span::Span;
use crate::supervisor;

/// Something happened to the diary at this time: whoever shares the schedule or the clinician looks again.
#[derive(Debug, Clone)]
pub struct Changed {
    /// Where.
    pub schedule: ScheduleId,
    /// With whom.
    pub user: Option<UserId>,
    /// When.
    pub span: Span,
    /// The practice that has the schedule's day already, as it is after the change.
    pub read_by: Option<PracticeId>,
}

/// Nothing is waited for longer than this without looking again: clocks can be set.
const DUE_WAIT_MAX: Duration = Duration::from_secs(60);

impl Practice {
    /// The days of a booking changed: every practice hears of it.
    pub(super) fn refresh(&self, place: &Place) {
        self.tell_all(place, None);
    }

    /// The same after an appointment of ours was made, with the look at the desk that it was made by: that look is a reading of the
    /// day, and the ledger has the appointment. Whoever shares the schedule with a clinician reads it for himself.
    pub(super) fn refresh_as_read(&self, place: &Place, look: &Reading) {
        let read_by = self.day_as_read(place, look).map(|read| {
            self.due.locked().add_read(read);
            self.id().clone()
        });
        self.tell_all(place, read_by);
    }

    fn day_as_read(&self, place: &Place, look: &Reading) -> Option<ReadDay> {
        let offering = self.offered()?;
        // The clock was set back meanwhile: the appointment seems older than the look, which would show it.
        dates::age(look.began, self.now())?;
        let resource = offering.mapping.resource(place.resource()).filter(|resource| resource.id.user.is_none())?;
        let (first, last) = days_of(place.span, &offering);
        if first != last || !self.horizon(&offering).holds(first) {
            return None;
        }
        let ReadDays { began, mut days } = self.days(look, &offering, std::slice::from_ref(resource), Days::one(first));
        days.pop().map(|day| ReadDay { began, as_of: self.now(), day })
    }

    fn tell_all(&self, place: &Place, read_by: Option<PracticeId>) {
        let Place { schedule, user, span, .. } = *place;
        // Nobody listens while the bridge stops.
        let _ = self.shared.changes.send(Changed { schedule, user, span, read_by });
    }

    /// Sends single days as soon as something happened to them.
    pub(super) async fn refresh_loop(self: Arc<Self>, changes: Changes) {
        let mut changes = changes.lock().await;
        let mut clock = self.shared.leaps.listen();
        loop {
            self.send_due(&self.due).await;
            if self.stop.is_cancelled() {
                return;
            }
            // A day that has to wait does so without holding up what comes in.
            let wait = self.wait_for_due(&self.due);
            let heard = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => None,
                    change = changes.recv() => Some(change.ok()),
                    () = self.due.woken() => Some(None),
                    () = tokio::time::sleep(wait) => Some(None),
                    () = clock.leaped() => {
                        self.due.locked().wait_no_longer();
                        Some(None)
                    }
                }
            });
            match heard.await {
                None => return,
                Some(Some(change)) => self.note_change(change),
                // Or so many changes at once that some were missed: the next reading of the near days finds them.
                Some(None) => {}
            }
            // What came in meanwhile is one reading.
            while let Ok(change) = changes.try_recv() {
                self.note_change(change);
            }
        }
    }

    pub(super) fn wait_for_due(&self, queue: &Queue) -> Duration {
        let now = self.now();
        let next = queue.locked().next_at(now, |resource, day| self.publisher.free_from(resource, day, now));
        next.map_or(Duration::MAX, |at| (at - now).to_std().unwrap_or_default().min(DUE_WAIT_MAX))
    }

    fn note_change(&self, change: Changed) {
        let Some(offering) = self.offered() else { return };
        let is_read = change.read_by.as_ref() == Some(self.id());
        let shares = |resource: &&Resource| {
            let its_schedule = resource.id.schedule == change.schedule && !(is_read && resource.id.user.is_none());
            its_schedule || (change.user.is_some() && resource.id.user == change.user)
        };
        let (first, last) = days_of(change.span, &offering);
        let mut due = self.due.locked();
        for resource in offering.mapping.resources.iter().filter(shares) {
            for day in first.iter_days().take_while(|day| *day <= last).take(3) {
                due.add(resource.id, day, Which::Changed);
            }
        }
    }

    /// Days whose last answers were lost are sent once more, now that nothing can overtake them.
    pub(super) fn settle_days(&self) {
        let Some(offering) = self.offered() else { return };
        let horizon = self.horizon(&offering);
        for (resource, day) in self.publisher.to_be_settled(&self.measured()) {
            let waits = self.publisher.aside.look(|aside| aside.fails_and_waits((resource, day), Instant::now()));
            if !waits && horizon.holds(day) && offering.mapping.resource(resource).is_some() {
                self.note_due_day(resource, day, Which::All);
            }
        }
    }

    /// A day that could not be sent yet.
    pub(super) fn note_due_day(&self, resource: ResourceId, day: NaiveDate, which: Which) {
        self.due.locked().add(resource, day, which);
        self.due.wake();
    }

    /// Reads and sends what is due first. What of it fails is tried again later, and later each time.
    pub(super) async fn send_due(&self, queue: &Queue) {
        let free_from = |resource, day| self.publisher.free_from(resource, day, self.now());
        let read = queue.locked().take_read(self.now(), free_from);
        if !read.is_empty() {
            self.send_read(queue, read).await;
        }
        let Some(wanted) = queue.locked().take(self.now(), free_from) else { return };
        let mut unsent = Unsent { queue, wanted: vec![wanted.clone()], now: self.now() };
        let outcome = self.send_days(&wanted).await;
        unsent.wanted.clear();
        let longest = self.settings.sync.max_retry_interval;
        let mut due = queue.locked();
        match outcome {
            Ok(()) => due.done(&wanted),
            Err((error, left)) => {
                let sent = wanted.resources.iter().filter(|(resource, _)| !left.contains(resource));
                due.done(&Wanted {
                    days: wanted.days.clone(),
                    resources: sent.map(|(id, which)| (*id, *which)).collect(),
                });
                let mut wanted = wanted;
                wanted.resources.retain(|resource, _| left.contains(resource));
                due.put_off(&wanted, self.now(), longest, error.pause());
            }
        }
    }

    /// Sends days that were read already. What fails is read again.
    async fn send_read(&self, queue: &Queue, mut read: Vec<ReadDay>) {
        let Some(offering) = self.offered() else { return };
        read.retain(|read| offering.mapping.resource(read.day.resource).is_some());
        let all = read.iter().map(|read| Wanted::one(read.day.resource, read.day.date));
        let all: Vec<Wanted> = all.collect();
        let mut unsent = Unsent { queue, wanted: all.clone(), now: self.now() };
        let sent = self.publish_each(read, Which::Changed, &|_| {}).await;
        unsent.wanted.clear();
        let longest = self.settings.sync.max_retry_interval;
        let mut due = queue.locked();
        for wanted in &all {
            match &sent {
                Ok(_) => due.done(wanted),
                Err(error) => due.put_off(wanted, self.now(), longest, error.pause()),
            }
        }
    }

    /// Reads and sends some days of some resources, with one reading. On failure says which resources are still to be sent.
    async fn send_days(&self, wanted: &Wanted) -> Result<(), (CallError, BTreeSet<ResourceId>)> {
        let Some(offering) = self.offered() else { return Ok(()) };
        let horizon = self.horizon(&offering);
        let days = wanted.days.iter().copied().filter(|day| horizon.holds(*day)).collect();
        let within = Wanted { days, resources: wanted.resources.clone() };
        let Some(window) = within.window() else { return Ok(()) };
        let is_wanted = |resource: &&Resource| wanted.resources.contains_key(&resource.id);
        let resources: Vec<Resource> = offering.mapping.resources.iter().filter(is_wanted).cloned().collect();
        let reading = self.read(&self.openvpms.background, &offering, &resources, window).await;
        let mut read = self.days(&reading, &offering, &resources, window);
        read.days.retain(|day| within.days.contains(&day.date));
        // A schedule that is closed to us offers nothing; its resources leave with the next configuration.
        let closed = || resources.iter().filter(|own| !reading.readings.schedules.contains_key(&own.id.schedule));
        for own in closed() {
            let days = within.days.iter().filter(|day| self.publisher.offers(own.id, **day)).count();
            if days > 0 {
                tracing::warn!(practice = %self.id(), "{}", configuration_say::days_emptied(own.id, days));
            }
        }
        let closed = closed();
        read.days.extend(closed.flat_map(|own| {
            let day = Day::empty(own.slot_size_minutes);
            within.days.iter().map(move |date| ResourceDay { resource: own.id, date: *date, day: day.clone() })
        }));
        let mut left: BTreeSet<ResourceId> = wanted.resources.keys().copied().collect();
        for which in [Which::All, Which::Changed] {
            let days: Vec<ResourceDay> =
                read.days.extract_if(.., |day| wanted.resources.get(&day.resource) == Some(&which)).collect();
            let sent: Vec<ResourceId> = days.iter().map(|day| day.resource).collect();
            if let Err(error) = self.publish(ReadDays { began: read.began, days }, which, &|_| {}).await {
                return Err((error, left));
            }
            left.retain(|resource| !sent.contains(resource));
        }
        reading.failure.map_or(Ok(()), |error| Err((error, left)))
    }
}

/// Days that were taken to be sent. Whoever took them and failed leaves them to be sent again.
struct Unsent<'a> {
    queue: &'a Queue,
    wanted: Vec<Wanted>,
    now: DateTime<Utc>,
}

impl Drop for Unsent<'_> {
    fn drop(&mut self) {
        for wanted in self.wanted.drain(..) {
            self.queue.locked().put_off(&wanted, self.now, Duration::ZERO, Duration::ZERO);
        }
    }
}

/// The first and the last day of the practice's that a time touches.
fn days_of(span: Span, offering: &Offering) -> (NaiveDate, NaiveDate) {
    let zone = &offering.zones.practice;
    (zone.wall(span.start).date(), zone.wall(span.end - TimeDelta::seconds(1)).date())
}
