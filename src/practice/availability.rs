//! When availability is read and sent: near days often, the rest of the horizon now and then, all of it once a day, and single days
//! at once when something happened to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::health::Subject;
use super::publishing::{ReadDays, Which};
use super::{Failed, Offering, Practice};
use crate::availability::{Day, Days, ResourceDay};
use crate::booking::ledger::Entry;
use crate::delays::Delays;
use crate::healthengine::{AvailabilityRequest, AvailabilitySnapshot};
use crate::ids::{ResourceId, ScheduleId, UserId};
use crate::mapping::Resource;
use crate::messages::practice as say;
use crate::remote::{Answer, CallError, ErrorClass};
use crate::span::Span;
use crate::store::{Batch, Record};

/// Something happened to the diary at this time: whoever shares the schedule or the clinician looks again.
#[derive(Debug, Clone, Copy)]
pub struct Changed {
    /// Where.
    pub schedule: ScheduleId,
    /// With whom.
    pub user: Option<UserId>,
    /// When.
    pub span: Span,
}

/// Days that are to be read and sent at once.
#[derive(Debug, Default)]
pub(super) struct Due {
    days: BTreeMap<NaiveDate, DueDay>,
    /// Days that could not be read or sent: how often, and when they are tried again. They hold up no other.
    failed: BTreeMap<NaiveDate, (u32, DateTime<Utc>)>,
}

/// The resources of a day, and whether they are sent even if nothing differs.
#[derive(Debug, Default)]
struct DueDay {
    /// Where something happened.
    changed: BTreeMap<ResourceId, Which>,
    /// What was only asked for.
    asked_for: BTreeSet<ResourceId>,
}

impl DueDay {
    /// A resource that is wanted in any case stays wanted in any case.
    fn add(&mut self, resource: ResourceId, which: Which) {
        match (which, self.changed.get_mut(&resource)) {
            (Which::All, Some(wanted)) => *wanted = Which::All,
            (Which::All, None) => drop(self.asked_for.insert(resource)),
            (Which::Changed, Some(_)) => {}
            (Which::Changed, None) => {
                let asked_for = self.asked_for.remove(&resource);
                self.changed.insert(resource, if asked_for { Which::All } else { Which::Changed });
            }
        }
    }

    /// What of it is read and sent next.
    fn next(&self) -> BTreeMap<ResourceId, Which> {
        let changed = self.changed.iter().map(|(resource, which)| (*resource, *which));
        let asked_for = self.asked_for.iter().map(|resource| (*resource, Which::All));
        changed.chain(asked_for).take(DUE_AT_ONCE).collect()
    }

    /// True if it takes precedence over days that were only asked for.
    fn is_urgent(&self) -> bool {
        !self.changed.is_empty()
    }

    fn is_empty(&self) -> bool {
        self.changed.is_empty() && self.asked_for.is_empty()
    }
}

impl Due {
    fn add(&mut self, resource: ResourceId, day: NaiveDate, which: Which) {
        self.days.entry(day).or_default().add(resource, which);
    }

    /// Takes what of a day is read and sent next.
    fn take(&mut self, day: NaiveDate) -> BTreeMap<ResourceId, Which> {
        let Some(due) = self.days.get_mut(&day) else { return BTreeMap::new() };
        let next = due.next();
        due.changed.retain(|resource, _| !next.contains_key(resource));
        due.asked_for.retain(|resource| !next.contains_key(resource));
        if due.is_empty() {
            self.days.remove(&day);
        }
        next
    }
}

/// When everything was last sent again.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct FullResync {
    at: DateTime<Utc>,
}

impl Record for FullResync {
    const KIND: &'static str = "full-resync";
    const VERSION: u32 = 1;
}

/// A day that could not be read or sent is tried again after this; the pause doubles.
const DUE_RETRY: Duration = Duration::from_millis(500);
/// Nothing is waited for longer than this without looking again: clocks can be set.
const DUE_WAIT_MAX: Duration = Duration::from_secs(60);
/// So many days without a reading are sent for one poll; what is still wanted is listed again.
const AT_ONCE_MAX: usize = 500;
/// A wrong password looks like a database that is away; after this long it is called a password.
const PASSWORD_AFTER: TimeDelta = TimeDelta::minutes(2);
/// Days beyond the near ones that could not be read or sent are tried again after this at the soonest.
const FAR_RETRY: Duration = Duration::from_secs(60);
/// So many resources are read, sent and let go of at one time: what is in memory does not grow with the practice.
pub(super) const READ_IN_ONE_PART: usize = 100;
/// So many resources of a day are read and sent at one time, so that what changes meanwhile does not wait for hundreds.
const DUE_AT_ONCE: usize = 20;
/// Between two calls while OpenVPMS answers 401.
const CREDENTIALS_DELAY: Duration = Duration::from_secs(60);

impl Practice {
    /// Reads and sends until the practice stops.
    pub(super) async fn availability_loop(self: Arc<Self>) {
        let sync = &self.settings.sync;
        let mut delays = self.delays(Duration::from_secs(1));
        // The first reading takes the whole horizon at one call per schedule.
        let (mut near_at, mut far_at) = (Instant::now(), Instant::now());
        let mut offering_changed = self.offered.subscribe();
        loop {
            let Some(offering) = self.offered() else {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => return,
                    _ = offering_changed.changed() => continue,
                }
            };
            let now = Instant::now();
            let days = self.horizon(&offering);
            let (far_due, near_due) = (far_at <= now, near_at <= now);
            let due = match (near_due, far_due) {
                (true, true) => Some(days),
                (true, false) => Some(Days { count: days.count.min(sync.near_days), ..days }),
                (false, true) => Some(days.skip(sync.near_days)),
                (false, false) => None,
            };
            if let Some(due) = due {
                let resync = near_due && far_due && self.full_resync_is_due(&offering);
                let outcome =
                    self.read_and_send(&offering, due, if resync { Which::All } else { Which::Changed }).await;
                if near_due {
                    self.first_sending.send_replace(true);
                }
                let (near_wait, far_wait) = match outcome {
                    Ok(()) => {
                        delays.reset();
                        (sync.availability_interval, sync.far_availability_interval)
                    }
                    // The diary is the same for a Healthengine that is away: reading it more often helps nobody.
                    Err(Failed::Healthengine(_) | Failed::NoZone) => {
                        (sync.availability_interval, sync.availability_interval.max(FAR_RETRY))
                    }
                    Err(Failed::OpenVpms(error)) => {
                        let retry = self.retry_after(&error, &mut delays);
                        let far = sync.far_availability_interval.min(sync.availability_interval.max(FAR_RETRY));
                        (retry.min(sync.availability_interval), far)
                    }
                };
                let now = Instant::now();
                if near_due {
                    near_at = now + near_wait;
                }
                if far_due {
                    far_at = now + far_wait;
                }
                if !resync && self.full_resync_is_due(&offering) {
                    (near_at, far_at) = (now, now);
                }
            }
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = tokio::time::sleep_until(near_at.min(far_at)) => {}
                // New resources are offered at once.
                _ = offering_changed.changed() => (near_at, far_at) = (Instant::now(), Instant::now()),
            }
        }
    }

    fn retry_after(&self, error: &CallError, delays: &mut Delays) -> Duration {
        let wanted = error.retry_after.unwrap_or_default();
        let own = if error.class == ErrorClass::Credentials { CREDENTIALS_DELAY } else { delays.next_delay() };
        own.max(wanted)
    }

    /// Today and the days after it that are offered.
    pub(super) fn horizon(&self, offering: &Offering) -> Days {
        Days::from_today(self.now(), &offering.zones.practice, self.settings.sync.horizon_days)
    }

    /// One reading and what follows from it.
    async fn read_and_send(self: &Arc<Self>, offering: &Arc<Offering>, days: Days, which: Which) -> Result<(), Failed> {
        let resources = &offering.mapping.resources;
        let began = self.now();
        let (mut unread, mut unsent, mut suspects) = (None, None, BTreeMap::new());
        let mut superseded = false;
        // Part by part: a large practice is read for minutes, and its first days need not wait for the last.
        for part in resources.chunks(READ_IN_ONE_PART) {
            superseded = self.offered().is_none_or(|offered| !Arc::ptr_eq(&offered, offering));
            if superseded {
                break;
            }
            let reading = self.read(&self.openvpms.background, offering, part, days).await;
            self.add_suspects(&reading, &mut suspects);
            if unsent.is_none() {
                let read = self.days(&reading, offering, part, days);
                unsent = self.publish(read, which, &|_| {}).await.inspect_err(|error| self.days_failed(error)).err();
            }
            let nothing_answered = reading.nothing_answered();
            match reading.failure {
                None if unread.is_none() => self.openvpms_answered(),
                None => {}
                Some(error) => {
                    self.openvpms_failed(&error);
                    unread.get_or_insert(error);
                    // The others would only wait too.
                    if nothing_answered {
                        break;
                    }
                }
            }
        }
        self.ask_for_suspects(offering, suspects);
        if let Some(error) = unsent {
            return Err(Failed::Healthengine(error));
        }
        self.health.clear(&Subject::Days);
        if superseded {
            return Ok(());
        }
        if unread.is_none() && days.first == self.horizon(offering).first {
            self.locked(&self.progress).read_at = Some(began);
        }
        if which == Which::All {
            // What could not be read follows when it can be; that is no reason to send the rest again.
            self.note_full_resync();
        }
        let horizon = self.horizon(offering);
        let offered: BTreeSet<ResourceId> = resources.iter().map(|resource| resource.id).collect();
        let protected = self.configuration.protected();
        self.forget_days(|resource, date| {
            (offered.contains(&resource) || protected.contains(&resource)) && horizon.holds(date)
        });
        unread.map_or(Ok(()), |error| Err(Failed::OpenVpms(error)))
    }

    /// The daily full resync: due when the last one was before the latest moment at which the set time of day began.
    fn full_resync_is_due(&self, offering: &Offering) -> bool {
        let last = self.shared.store.get::<FullResync>(&self.id().0).ok().flatten();
        // One in the future was made before this machine's clock was set right.
        let Some(last) = last.filter(|last| last.at <= self.now()) else {
            // The first sending of all days is one.
            return true;
        };
        let now = self.now();
        let zone = &offering.zones.practice;
        let today = zone.wall(now).date();
        let latest = [Some(today), today.pred_opt()].into_iter().flatten().find_map(|day| {
            let at = first_instant_from(zone, day, self.settings.sync.full_resync_at);
            (at <= now).then_some(at)
        });
        latest.is_some_and(|latest| last.at < latest)
    }

    /// Whatever is sent next is sent whole.
    pub(super) fn forget_full_resync(&self) {
        self.shared.store.write_later(Batch::new().delete::<FullResync>(&self.id().0));
    }

    fn note_full_resync(&self) {
        if let Ok(batch) = Batch::new().put(&self.id().0, &FullResync { at: self.now() }) {
            self.shared.store.write_later(batch);
        }
    }

    /// OpenVPMS answered a whole reading.
    pub(super) fn openvpms_answered(&self) {
        *self.locked(&self.refused_since) = None;
        self.health.clear(&Subject::OpenVpms);
    }

    /// OpenVPMS did not answer, or refused us.
    pub(super) fn openvpms_failed(&self, error: &CallError) {
        if self.stop.is_cancelled() {
            return;
        }
        let now = self.now();
        let text = if error.class == ErrorClass::Credentials {
            let since = *self.locked(&self.refused_since).get_or_insert(now);
            if now - since > PASSWORD_AFTER { say::openvpms_password(error) } else { say::openvpms_away(error) }
        } else {
            *self.locked(&self.refused_since) = None;
            say::openvpms_away(error)
        };
        self.health.raise(Subject::OpenVpms, text, now);
    }

    /// The days of a booking changed: every practice hears of it.
    pub(super) fn refresh_place(&self, entry: &Entry) {
        if let Some(place) = &entry.place {
            // Nobody listens while the bridge stops.
            let _ = self.shared.changes.send(Changed { schedule: place.schedule, user: place.user, span: place.span });
        }
    }

    /// Sends single days as soon as something happened to them.
    pub(super) async fn refresh_loop(self: Arc<Self>) {
        let mut changes = self.shared.changes.subscribe();
        loop {
            let next = self.next_due_day();
            let now = self.now();
            if let Some((day, _)) = next.filter(|(_, at)| *at <= now) {
                self.send_due_day(day).await;
                if self.stop.is_cancelled() {
                    return;
                }
            }
            // A day that has to wait does so without holding up what comes in.
            let wait = match self.next_due_day() {
                None => Duration::MAX,
                Some((_, at)) => (at - self.now()).to_std().unwrap_or_default().min(DUE_WAIT_MAX),
            };
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                change = changes.recv() => match change {
                    Ok(change) => self.note_change(change),
                    // So many changes at once that some were missed: the next reading of the near days finds them.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = self.refresh_wanted.notified() => {}
                () = tokio::time::sleep(wait) => {}
            }
            // What came in meanwhile is one reading.
            while let Ok(change) = changes.try_recv() {
                self.note_change(change);
            }
        }
    }

    fn note_change(&self, change: Changed) {
        let Some(offering) = self.offered() else { return };
        let zone = &offering.zones.practice;
        let shares = |resource: &&Resource| {
            resource.id.schedule == change.schedule || (change.user.is_some() && resource.id.user == change.user)
        };
        let (first, last) =
            (zone.wall(change.span.start).date(), zone.wall(change.span.end - TimeDelta::seconds(1)).date());
        let mut due = self.locked(&self.due);
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
        for (resource, day) in self.publisher.to_be_settled(self.now()) {
            if horizon.holds(day) && offering.mapping.resource(resource).is_some() {
                self.note_due_day(resource, day, Which::All);
            }
        }
    }

    /// A day that could not be sent yet.
    pub(super) fn note_due_day(&self, resource: ResourceId, day: NaiveDate, which: Which) {
        self.locked(&self.due).add(resource, day, which);
        self.refresh_wanted.notify_one();
    }

    /// The day that may be sent first, and when.
    fn next_due_day(&self) -> Option<(NaiveDate, DateTime<Utc>)> {
        let due = self.locked(&self.due);
        let now = self.now();
        let free_from = |(day, wanted): (&NaiveDate, &DueDay)| {
            let free = wanted.next().keys().map(|resource| self.publisher.free_from(*resource, *day)).max();
            let again = due.failed.get(day).map(|(_, at)| *at);
            let at = free.max(again).unwrap_or(DateTime::<Utc>::MIN_UTC);
            // Of those that may be sent this moment what changed comes before what was asked for.
            (now < at, now >= at && !wanted.is_urgent(), at, *day)
        };
        due.days.iter().map(free_from).min().map(|(_, _, at, day)| (day, at))
    }

    /// Reads and sends one day. What of it fails is tried again later, and later each time.
    async fn send_due_day(self: &Arc<Self>, day: NaiveDate) {
        let wanted = self.locked(&self.due).take(day);
        let outcome = self.send_day(day, wanted).await;
        let mut due = self.locked(&self.due);
        let Err((error, left)) = outcome else {
            due.failed.remove(&day);
            return;
        };
        for (resource, which) in left {
            due.add(resource, day, which);
        }
        let times = due.failed.get(&day).map_or(0, |(times, _)| *times);
        let longest = self.settings.sync.max_retry_interval;
        let pause = (DUE_RETRY * 2_u32.pow(times.min(10))).min(longest).max(error.retry_after.unwrap_or_default());
        due.failed.insert(day, (times + 1, self.now() + TimeDelta::from_std(pause).unwrap_or_default()));
        due.failed.retain(|day, _| self.now().date_naive() <= *day + chrono::Days::new(2));
    }

    /// Reads and sends some resources' day. On failure says which of them are still to be sent.
    async fn send_day(
        self: &Arc<Self>,
        day: NaiveDate,
        wanted: BTreeMap<ResourceId, Which>,
    ) -> Result<(), (CallError, BTreeMap<ResourceId, Which>)> {
        let Some(offering) = self.offered().filter(|offering| self.horizon(offering).holds(day)) else { return Ok(()) };
        let resources: Vec<Resource> =
            offering.mapping.resources.iter().filter(|resource| wanted.contains_key(&resource.id)).cloned().collect();
        let days = Days::one(day);
        let reading = self.read(&self.openvpms.background, &offering, &resources, days).await;
        if let Some(error) = &reading.failure {
            self.openvpms_failed(error);
        }
        let mut read = self.days(&reading, &offering, &resources, days);
        // A schedule that is closed to us offers nothing; its resources leave with the next configuration.
        let closed = resources.iter().filter(|own| !reading.readings.schedules.contains_key(&own.id.schedule));
        read.days.extend(closed.map(|own| ResourceDay {
            resource: own.id,
            date: day,
            day: Day::empty(own.slot_size_minutes),
        }));
        let mut left = wanted.clone();
        for which in [Which::All, Which::Changed] {
            let days: Vec<ResourceDay> =
                read.days.extract_if(.., |day| wanted.get(&day.resource) == Some(&which)).collect();
            let sent: Vec<ResourceId> = days.iter().map(|day| day.resource).collect();
            if let Err(error) = self.publish(ReadDays { began: read.began, days }, which, &|_| {}).await {
                self.days_failed(&error);
                return Err((error, left));
            }
            left.retain(|resource, _| !sent.contains(resource));
        }
        reading.failure.map_or(Ok(()), |error| Err((error, left)))
    }

    /// Healthengine did not take days.
    pub(super) fn days_failed(&self, error: &CallError) {
        match error.class {
            ErrorClass::NotSent if self.stop.is_cancelled() => {}
            ErrorClass::Credentials | ErrorClass::Forbidden => self.healthengine_failed(error),
            ErrorClass::NotSent if self.health.has(&Subject::Access) => {}
            ErrorClass::NotSent
            | ErrorClass::Lost
            | ErrorClass::Unavailable
            | ErrorClass::Refused
            | ErrorClass::TooMany
            | ErrorClass::Contract => self.health.raise(Subject::Days, say::days_not_taken(error), self.now()),
        }
    }

    /// Days that Healthengine asks for.
    pub(super) async fn availability_requests(self: &Arc<Self>) -> Answer<()> {
        let read = self.all_pages(|page| self.healthengine.availability_requests(page)).await;
        self.days_wait(read.as_ref().map(|(requests, _)| requests.as_slice()).map_err(Clone::clone));
        let (requests, _) = read?;
        let Some(offering) = self.offered() else { return Ok(()) };
        let requests: BTreeSet<AvailabilityRequest> = requests.into_iter().collect();
        let protected = self.configuration.protected();
        let mut at_once = Vec::new();
        for request in requests {
            match request.pms_resource_id {
                Some(id) => self.want_day(&offering, &protected, request.day, id, &mut at_once),
                None => {
                    for resource in &offering.mapping.resources {
                        self.want_day(&offering, &protected, request.day, resource.id.to_string(), &mut at_once);
                    }
                }
            }
        }
        // A question for one resource and one for all of them can be about the same day.
        at_once.sort_by(|a, b| (a.date, &a.pms_resource_id).cmp(&(b.date, &b.pms_resource_id)));
        at_once.dedup_by(|a, b| (a.date, &a.pms_resource_id) == (b.date, &b.pms_resource_id));
        self.refresh_wanted.notify_one();
        self.answer_at_once(at_once);
        Ok(())
    }

    /// Sends what needs no reading, in a task of its own: the poll goes on. What is still asked for when it is done is asked again.
    fn answer_at_once(self: &Arc<Self>, snapshots: Vec<AvailabilitySnapshot>) {
        if snapshots.is_empty() {
            return;
        }
        let Ok(turn) = Arc::clone(&self.answering_at_once).try_lock_owned() else { return };
        let practice = Arc::clone(self);
        self.tasks.spawn(async move {
            if let Err(error) = practice.publish_as_they_are(&snapshots).await {
                practice.days_failed(&error);
            }
            drop(turn);
        });
    }

    /// Notes a day that is to be read and sent, or what can be said about it without reading.
    fn want_day(
        &self,
        offering: &Offering,
        protected: &BTreeSet<ResourceId>,
        day: NaiveDate,
        id: String,
        at_once: &mut Vec<AvailabilitySnapshot>,
    ) {
        let known = id.parse::<ResourceId>().ok();
        let offered = known.filter(|known| offering.mapping.resource(*known).is_some());
        let is_offered_day = self.horizon(offering).holds(day);
        if let Some(resource) = offered.filter(|_| is_offered_day) {
            return self.locked(&self.due).add(resource, day, Which::All);
        }
        // What is beyond this is asked for again.
        if at_once.len() >= AT_ONCE_MAX {
            return;
        }
        // Held back by the guard: what Healthengine has is as good as anything.
        if let Some(resource) = known.filter(|known| offered.is_none() && protected.contains(known) && is_offered_day) {
            let accepted = self.publisher.accepted(resource, day);
            return at_once.extend(accepted.as_ref().map(ResourceDay::snapshot));
        }
        self.said_once(&format!("{id} on {day}"));
        let mut empty = Day::empty(1).snapshot(ResourceId::schedule(ScheduleId(0)), day);
        empty.pms_resource_id = id;
        at_once.push(empty);
    }

    /// A day that cannot be offered is asked for: logged once.
    fn said_once(&self, what: &str) {
        let mut unserved = self.locked(&self.unserved);
        if unserved.len() < 200 && unserved.insert(what.to_owned()) {
            let what: String = what.chars().filter(|char| !char.is_control()).take(80).collect();
            tracing::info!(practice = %self.id(), "Healthengine asks for {what}, which is not offered; it gets an empty day.");
        }
    }
}

/// The first instant of a day at or after a time on the wall, also where that time is skipped or doubled.
fn first_instant_from(zone: &crate::zone::Zone, day: NaiveDate, time: chrono::NaiveTime) -> DateTime<Utc> {
    let wall = day.and_time(time);
    (0..=180)
        .find_map(|minutes| zone.instants(wall + TimeDelta::minutes(minutes)).earliest())
        .unwrap_or_else(|| zone.day_start(day))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn resource(schedule: i64) -> ResourceId {
        ResourceId::schedule(ScheduleId(schedule))
    }

    #[test]
    fn what_changed_comes_before_what_was_asked_for_and_all_of_it_comes_in_the_end() {
        let day = "2027-02-15".parse().unwrap();
        let mut due = Due::default();
        for schedule in 0..50 {
            due.add(resource(schedule), day, Which::All);
        }
        due.add(resource(70), day, Which::Changed);
        due.add(resource(40), day, Which::Changed);
        due.add(resource(70), day, Which::Changed);
        let first = due.take(day);
        assert_eq!(first.len(), DUE_AT_ONCE);
        assert_eq!((first.get(&resource(70)), first.get(&resource(40))), (Some(&Which::Changed), Some(&Which::All)));
        due.add(resource(49), day, Which::Changed);
        due.add(resource(49), day, Which::All);
        assert_eq!(due.take(day).get(&resource(49)), Some(&Which::All));
        assert_eq!((due.take(day).len(), due.days.len()), (11, 0));
    }
}
