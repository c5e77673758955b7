//! When availability is read and sent: near days often, the rest of the horizon now and then, all of it once a day, and single days
//! at once when something happened to them.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::broadcast;
use tokio::time::Instant;

use super::due::{Queue, Wanted};
use super::health::Subject;
use super::publishing::{ReadDay, ReadDays, Which};
use super::reading::Reading;
use super::{Failed, Offering, Practice};
use crate::availability::{Day, Days, ResourceDay};
use crate::booking::ledger::Place;
use crate::delays::Delays;
use crate::healthengine::{AvailabilityRequest, AvailabilitySnapshot};
use crate::ids::{PracticeId, ResourceId, ScheduleId, UserId};
use crate::mapping::Resource;
use crate::messages::practice as say;
use crate::remote::{Answer, CallError, ErrorClass};
use crate::span::Span;
use crate::store::{Batch, Kind, Record};

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

/// Days that are asked for and need no reading.
#[derive(Debug, Default)]
struct AtOnce {
    /// What Healthengine last accepted, once more.
    again: Vec<ResourceDay>,
    /// Days of which nothing is offered.
    empty: Vec<AvailabilitySnapshot>,
}

impl AtOnce {
    fn len(&self) -> usize {
        self.again.len() + self.empty.len()
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

/// It travels with the days; see [`Practice::full_resync_is_due`] for what an import makes of it.
pub(super) const FULL_RESYNC: Kind = Kind::exported::<FullResync>();
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
                    let _again = self.first_sending.set(());
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
        if let Err(error) = self.empty_what_is_left(offering).await {
            self.days_failed(&error);
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
        unread.map_or(Ok(()), |error| Err(Failed::OpenVpms(error)))
    }

    /// Days beyond a horizon that came nearer are not kept up to date any more and go out empty. What is past, and what went with
    /// its resource, is forgotten; days of a resource that Healthengine still has are not, for a farewell empties them.
    async fn empty_what_is_left(&self, offering: &Offering) -> Answer<()> {
        let horizon = self.horizon(offering);
        let known = self.configuration.resources_at_healthengine();
        self.forget_days(|resource, date| known.contains(&resource) && horizon.first <= date);
        let mut days = self.publisher.emptied();
        days.retain(|day| !horizon.holds(day.date) && offering.mapping.resource(day.resource).is_some());
        self.publish(ReadDays { began: self.now(), days }, Which::Changed, &|_| {}).await?;
        Ok(())
    }

    /// The daily full resync: due when the last one was before the latest moment at which the set time of day began.
    fn full_resync_is_due(&self, offering: &Offering) -> bool {
        let last = self.shared.store.get::<FullResync>(&self.id().0).ok().flatten();
        // One in the future was made before this machine's clock was set right. What was sent before the store was replaced by a
        // backup, or by what could be saved of a damaged one, says nothing of what Healthengine has.
        let replaced_at = self.shared.store.meta().replaced_at();
        let counts = |last: &FullResync| last.at <= self.now() && replaced_at.is_none_or(|at| at <= last.at);
        let Some(last) = last.filter(counts) else {
            // The first sending of all days is one.
            return true;
        };
        // Days were sent since then that a restored store does not know of.
        if last.at < self.shared.store.meta().complete_since() {
            return true;
        }
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
    pub(super) async fn refresh_loop(self: Arc<Self>) {
        let mut changes = self.shared.changes.subscribe();
        loop {
            self.send_due(&self.due).await;
            if self.stop.is_cancelled() {
                return;
            }
            // A day that has to wait does so without holding up what comes in.
            let wait = self.wait_for_due(&self.due);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                change = changes.recv() => match change {
                    Ok(change) => self.note_change(change),
                    // So many changes at once that some were missed: the next reading of the near days finds them.
                    Err(broadcast::error::RecvError::Lagged(_)) => {}
                    Err(broadcast::error::RecvError::Closed) => return,
                },
                () = self.due.woken() => {}
                () = tokio::time::sleep(wait) => {}
            }
            // What came in meanwhile is one reading.
            while let Ok(change) = changes.try_recv() {
                self.note_change(change);
            }
        }
    }

    /// Sends the days that Healthengine asks for.
    pub(super) async fn asked_days_loop(self: Arc<Self>) {
        loop {
            self.send_due(&self.asked_days).await;
            let wait = self.wait_for_due(&self.asked_days);
            tokio::select! {
                biased;
                () = self.stop.cancelled() => return,
                () = self.asked_days.woken() => {}
                () = tokio::time::sleep(wait) => {}
            }
        }
    }

    fn wait_for_due(&self, queue: &Queue) -> Duration {
        let next = queue.locked().next_at(|resource, day| self.publisher.free_from(resource, day));
        next.map_or(Duration::MAX, |at| (at - self.now()).to_std().unwrap_or_default().min(DUE_WAIT_MAX))
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
        for (resource, day) in self.publisher.to_be_settled(self.now()) {
            if horizon.holds(day) && offering.mapping.resource(resource).is_some() {
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
    async fn send_due(&self, queue: &Queue) {
        let free_from = |resource, day| self.publisher.free_from(resource, day);
        let read = queue.locked().take_read(self.now(), free_from);
        if !read.is_empty() {
            self.send_read(queue, read).await;
        }
        let Some(wanted) = queue.locked().take(self.now(), free_from) else { return };
        let outcome = self.send_days(&wanted).await;
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
                due.put_off(&wanted, self.now(), longest, error.retry_after.unwrap_or_default());
            }
        }
    }

    /// Sends days that were read already. What fails is read again.
    async fn send_read(&self, queue: &Queue, mut read: Vec<ReadDay>) {
        let Some(offering) = self.offered() else { return };
        read.retain(|read| offering.mapping.resource(read.day.resource).is_some());
        let all = read.iter().map(|read| Wanted::one(read.day.resource, read.day.date));
        let all: Vec<Wanted> = all.collect();
        let sent = self.publish_each(read, Which::Changed, &|_| {}).await.inspect_err(|error| self.days_failed(error));
        let longest = self.settings.sync.max_retry_interval;
        let mut due = queue.locked();
        for wanted in &all {
            match &sent {
                Ok(_) => due.done(wanted),
                Err(error) => due.put_off(wanted, self.now(), longest, error.retry_after.unwrap_or_default()),
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
        if let Some(error) = &reading.failure {
            self.openvpms_failed(error);
        }
        let mut read = self.days(&reading, &offering, &resources, window);
        read.days.retain(|day| within.days.contains(&day.date));
        // A schedule that is closed to us offers nothing; its resources leave with the next configuration.
        let closed = resources.iter().filter(|own| !reading.readings.schedules.contains_key(&own.id.schedule));
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
                self.days_failed(&error);
                return Err((error, left));
            }
            left.retain(|resource| !sent.contains(resource));
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
        let of_all = requests.iter().filter(|request| request.pms_resource_id.is_none()).map(|request| request.day);
        self.asked_days.locked().asked_of_all(&of_all.collect());
        let mut at_once = AtOnce::default();
        for request in requests {
            self.want_day(&offering, &protected, request, &mut at_once);
        }
        // A question for one resource and one for all of them can be about the same day.
        let empty = &mut at_once.empty;
        empty.sort_by(|a, b| (a.date, &a.pms_resource_id).cmp(&(b.date, &b.pms_resource_id)));
        empty.dedup_by(|a, b| (a.date, &a.pms_resource_id) == (b.date, &b.pms_resource_id));
        self.asked_days.wake();
        self.answer_at_once(at_once);
        Ok(())
    }

    /// Healthengine asks for no day at all.
    pub(super) fn no_day_is_asked_for(&self) {
        self.asked_days.locked().asked_of_all(&BTreeSet::new());
    }

    /// Sends what needs no reading, in a task of its own: the poll goes on. What is still asked for when it is done is asked again.
    fn answer_at_once(self: &Arc<Self>, AtOnce { again, empty }: AtOnce) {
        if again.is_empty() && empty.is_empty() {
            return;
        }
        let Ok(turn) = Arc::clone(&self.answering_at_once).try_lock_owned() else { return };
        let practice = Arc::clone(self);
        self.tasks.spawn(async move {
            let again = ReadDays { began: practice.now(), days: again };
            let sent = match practice.publish(again, Which::All, &|_| {}).await {
                Ok(_) => practice.publish_empty(&empty).await,
                Err(error) => Err(error),
            };
            match sent {
                Ok(()) => {
                    let mut asked = practice.asked_days.locked();
                    empty.iter().for_each(|own| asked.answered(&own.pms_resource_id, own.date));
                }
                Err(error) => practice.days_failed(&error),
            }
            drop(turn);
        });
    }

    /// Notes a day that is to be read and sent, or what can be said about it without reading.
    fn want_day(
        &self,
        offering: &Offering,
        protected: &BTreeSet<ResourceId>,
        request: AvailabilityRequest,
        at_once: &mut AtOnce,
    ) {
        let resources = &offering.mapping.resources;
        let asked: Vec<String> = match request.pms_resource_id {
            Some(id) => vec![id],
            None => {
                let all = resources.iter().map(|resource| resource.id.to_string()).collect();
                self.asked_days.locked().unanswered(request.day, all)
            }
        };
        let offered_day = self.horizon(offering).holds(request.day);
        for id in asked {
            let known = id.parse::<ResourceId>().ok();
            let offered = known.filter(|known| offering.mapping.resource(*known).is_some());
            match (offered, known) {
                (Some(resource), _) if offered_day => {
                    self.asked_days.locked().add(resource, request.day, Which::All);
                }
                // What is beyond this is asked for again.
                _ if at_once.len() >= AT_ONCE_MAX => return,
                // Held back by the guard: what Healthengine has is as good as anything.
                (None, Some(resource)) if protected.contains(&resource) && offered_day => {
                    at_once.again.extend(self.publisher.accepted(resource, request.day));
                }
                _ => {
                    self.said_once(&format!("{id} on {}", request.day));
                    let mut empty = Day::empty(1).snapshot(ResourceId::schedule(ScheduleId(0)), request.day);
                    empty.pms_resource_id = id;
                    at_once.empty.push(empty);
                }
            }
        }
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

/// The first and the last day of the practice's that a time touches.
fn days_of(span: Span, offering: &Offering) -> (NaiveDate, NaiveDate) {
    let zone = &offering.zones.practice;
    (zone.wall(span.start).date(), zone.wall(span.end - TimeDelta::seconds(1)).date())
}
