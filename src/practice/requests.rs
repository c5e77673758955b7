//! The request loop: asks Healthengine what it wants, bookings first, and sees that each of it is answered.
//!
//! Polling says that we are alive, so nothing may hold it up: bookings, days and configuration are handed to tasks of their own,
//! and what cannot be answered yet is found again at the next poll. A request is never remembered, only answered; the exception
//! is the ledger of bookings.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use super::Practice;
use super::calls::Call;
use super::documents::Document;
use super::health::Subject;
use super::lists::{Absence, WaitingBookings};
use super::turns::Turn;
use crate::booking::deadline::Deadline;
use crate::booking::entry::Entry;
use crate::booking::machine::{Event, next_look};
use crate::dates;
use crate::healthengine::{BookingRequest, RequestKind};
use crate::ids::BookingId;
use crate::messages::practice as say;
use crate::remote::Answer;
use crate::supervisor;
use crate::webhooks::evidence::Item;
use crate::webhooks::pace::{self, Circumstances, Outcome, Pace, Refusals};

/// So many bookings of a practice are dealt with at one time while their pet owners can still be told no,
pub(super) const IN_TIME_AT_ONCE: usize = 128;
/// and so many after that.
pub(super) const LATE_AT_ONCE: usize = 16;
/// So many updates are carried out at one time,
pub(super) const UPDATES_AT_ONCE: usize = 16;
/// and of bookings that nobody waits for so many are looked after. What has no place is found again.
pub(super) const KNOWN_AT_ONCE: usize = 32;
/// How long updates wait for the bookings of the same poll.
const BOOKINGS_FIRST: Duration = Duration::from_secs(4);
/// The first poll of a new practice waits no longer than this for configuration and days.
const FIRST_CONFIGURATION: Duration = Duration::from_secs(60);
/// That of any other practice waits no longer than this for OpenVPMS: bookings may be waiting.
const FIRST_READING: Duration = Duration::from_secs(3);

impl Practice {
    /// Polls until the practice stops.
    pub(super) async fn request_loop(self: Arc<Self>) {
        let mut delays = self.delays(self.settings.sync.request_interval);
        self.wait_for_the_first_configuration().await;
        // When the last poll began that a webhook caused.
        let mut hinted_at = None;
        let mut clock = self.shared.leaps.listen();
        let mut refusals = Refusals::default();
        loop {
            let began = Instant::now();
            let outcome = match self.poll().await {
                Ok(_) => {
                    delays.reset();
                    refusals.accepted();
                    Outcome::Answered
                }
                Err(error) if error.is_access() && refusals.refused(Instant::now()) => Outcome::Blocked,
                Err(error) => Outcome::Failed { backoff: delays.next_delay(), retry_after: error.retry_after },
            };
            let Pace { wait, hint_after } = self.pace(outcome, hinted_at.map(|at| began - at));
            self.polls_again_after(wait);
            let woken = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => None,
                    // From poll to poll, however long answering took.
                    () = tokio::time::sleep_until(began + wait) => Some(false),
                    () = self.hinted(hint_after.map(|after| began + after)) => Some(true),
                    () = self.try_again.notified() => Some(false),
                    () = clock.leaped() => Some(false),
                }
            });
            match woken.await {
                None => return,
                Some(true) => hinted_at = Some(Instant::now()),
                Some(false) => {}
            }
        }
    }

    /// Ends when a webhook came, and no sooner than `after`. However many come until then, they mean one poll.
    async fn hinted(&self, after: Option<Instant>) {
        let Some(after) = after else { return std::future::pending().await };
        tokio::time::sleep_until(after).await;
        self.look_now.notified().await;
    }

    /// Bookings need the mapping, so the first poll waits for the first attempt to read OpenVPMS. A practice that Healthengine has
    /// no days of sends these first too: nobody can have booked it through us.
    async fn wait_for_the_first_configuration(&self) {
        let is_new = !self.publisher.has_told();
        let first = async {
            self.first_configuration.wait().await;
            if !is_new {
                return;
            }
            if self.offered().is_some() {
                self.first_sending.wait().await;
            }
        };
        let first = tokio::time::timeout(if is_new { FIRST_CONFIGURATION } else { FIRST_READING }, first);
        let _stopped = supervisor::wait(self.stop.run_until_cancelled(first)).await;
    }

    /// When to poll next, after a poll that ended so; a webhook caused one this long before it began.
    fn pace(&self, outcome: Outcome, since_hint: Option<Duration>) -> Pace {
        let (now, zone) = (self.now(), self.known_zone());
        // Live hours begin with a minute.
        // Before OpenVPMS was ever read nobody knows what time it is there.
        let live_in = |minutes: i64| {
            let later = now + TimeDelta::minutes(minutes);
            zone.is_none_or(|zone| self.config.live_hours.is_live(zone.wall(later)))
        };
        let within = i64::try_from(pace::IDLE_LONGEST.as_secs() / 60).unwrap_or_default();
        let live_in = (0..=within).find(|minutes| live_in(*minutes));
        pace::pace(&Circumstances {
            outcome,
            live: live_in == Some(0),
            live_in: live_in.map(|minutes| Duration::from_secs(60 * minutes.unsigned_abs())),
            webhooks_arrive: self.locked(&self.evidence).webhooks_arrive(now),
            since_hint,
            request_interval: self.rivals.interval(self.settings.sync.request_interval),
            idle_request_interval: self.rivals.interval(self.settings.sync.idle_request_interval),
        })
    }

    /// One poll and all that follows from it. Says what was outstanding.
    pub(super) async fn poll(self: &Arc<Self>) -> Answer<BTreeSet<RequestKind>> {
        let answer = self.healthengine.requests().await;
        let kinds: BTreeSet<RequestKind> = match answer {
            Ok(kinds) => kinds.into_iter().collect(),
            Err(error) => {
                self.heard(Call::Poll, Err(&error));
                return Err(error);
            }
        };
        self.polled();
        let polled_at = self.now();
        let mut found: Vec<(Item, Option<DateTime<Utc>>)> = Vec::new();
        // The order of the enum is the order of urgency. Bookings are read at every poll with an open booking, because a booking
        // that is no longer listed was settled by somebody else.
        let mut bookings = Some(WaitingBookings::none());
        if kinds.contains(&RequestKind::Bookings) || self.has_open_bookings() {
            let outcome = self.bookings(&mut found).await;
            let text = outcome.as_ref().err().map(say::bookings_unread);
            self.health.set(Subject::BookingList, text, self.now());
            bookings = outcome.ok();
        } else {
            // What could not be read is not asked for any more.
            self.health.clear(&Subject::BookingList);
            self.bookings_wait(Ok(&[]));
            self.answers_asked_for(&BTreeSet::new());
            self.lists_wanted(&kinds);
        }
        // What is not asked for any more need not be read or answered either.
        self.answers_wanted(|call| match call {
            Call::UpdateList | Call::UpdateAnswer(_) => kinds.contains(&RequestKind::BookingUpdates),
            Call::DayList => kinds.contains(&RequestKind::Availability),
            Call::ChangeList | Call::ChangeAnswer(_) => kinds.contains(&RequestKind::PmsAppointmentChanges),
            Call::Documents(document) => kinds.contains(&document.kind()),
            Call::Poll | Call::Answer(_) | Call::Features | Call::Configuration | Call::Snapshots => true,
        });
        if !kinds.contains(&RequestKind::BookingUpdates) {
            self.updates_wait(Ok(&[]));
        }
        if !kinds.contains(&RequestKind::Availability) {
            self.days_wait(Ok(&[]));
            self.no_day_is_asked_for();
        }
        for kind in &kinds {
            // One list that cannot be read does not keep the others waiting.
            match (kind, &bookings) {
                (RequestKind::BookingUpdates, Some(bookings)) => {
                    let read = self.updates(&mut found, bookings).await;
                    self.heard(Call::UpdateList, read.as_ref().copied());
                }
                // A booking that could not be read is not unknown: its update waits for it.
                (RequestKind::BookingUpdates, None) | (RequestKind::Bookings, _) => {}
                (RequestKind::Availability, _) => {
                    let read = self.availability_requests().await;
                    self.heard(Call::DayList, read.as_ref().copied());
                }
                (RequestKind::PmsAppointmentChanges, _) => {
                    let read = self.appointment_changes().await;
                    self.heard(Call::ChangeList, read.as_ref().copied());
                }
                (RequestKind::PmsResources, _) => self.resources_wanted(),
                (RequestKind::PmsAppointmentTypes, _) => self.appointment_types_wanted(),
                (RequestKind::UploadDocuments, _) => self.reject_documents(Document::Upload),
                (RequestKind::AttachDocuments, _) => self.reject_documents(Document::Attach),
                (RequestKind::ExtraFeature(name) | RequestKind::Unknown(name), _) => self.unserved(name),
            }
        }
        found.extend(kinds.iter().cloned().filter_map(as_a_whole).map(|item| (item, None)));
        self.found(found, polled_at);
        Ok(kinds)
    }

    fn has_open_bookings(&self) -> bool {
        self.shared.ledger.any_live(self.id(), |entry| entry.is_open() && !entry.owes_a_cancellation())
    }

    /// Reads all outstanding bookings, then deals with them in the order of their deadlines. What the list had.
    async fn bookings(self: &Arc<Self>, found: &mut Vec<(Item, Option<DateTime<Utc>>)>) -> Answer<WaitingBookings> {
        let (began, began_at) = (Instant::now(), self.now());
        let read = self.outstanding_bookings().await;
        self.bookings_wait(read.as_ref().map(|(listed, _)| listed.as_slice()).map_err(Clone::clone));
        let (mut listed, absence) = read?;
        let waiting = WaitingBookings::read(&listed, absence);
        found.extend(listed.iter().map(|booking| (Item::Booking(booking.booking_id), booking.booked_time)));
        let ids = listed.iter().map(|booking| booking.booking_id).collect();
        match absence {
            Absence::IsCertain => {
                self.settled_by_others(&ids);
                self.answers_asked_for(&ids);
            }
            Absence::IsLikely | Absence::MeansNothing => self.not_seen(&ids),
        }
        let _again = self.first_listing.set(());
        // A long list takes seconds to read: what was answered meanwhile need not be answered again.
        listed.retain(|booking| !self.was_answered_since(booking.booking_id, began_at));
        self.leave_to_another(&mut listed);
        listed.sort_by_key(|booking| (booking.booked_time, booking.booking_id));
        // A pet owner who can still be told comes before one who was told yes long ago, however many of these there are.
        let (now, ahead) = (self.now(), self.healthengine.clock_difference());
        let in_time = |booking: &BookingRequest| Deadline::new(booking.booked_time, ahead).rejection_counts(now);
        let (in_time, late): (Vec<_>, Vec<_>) = listed.into_iter().partition(in_time);
        // They are not this call's: whoever polls can stop in the middle, and what was begun goes on to its end.
        let tasks = TaskTracker::new();
        let all = async {
            for request in in_time {
                let Some(turn) = self.take_turn(request.booking_id) else { continue };
                let Ok(place) = Arc::clone(&self.desk_places).acquire_owned().await else { return };
                self.attend_in(&tasks, request, turn, place);
            }
            for request in late {
                let Some(turn) = self.take_turn(request.booking_id) else { continue };
                let Ok(place) = Arc::clone(&self.late_places).acquire_owned().await else { return };
                self.attend_in(&tasks, request, turn, place);
            }
            tasks.close();
            tasks.wait().await;
        };
        // Updates depend on their bookings, so these get a head start. What takes longer goes on by itself, and what has not begun
        // is listed again at the next poll: polling must not wait for it.
        // A webhook says that more waits, perhaps another booking: then too it goes on.
        tokio::select! {
            biased;
            _late = tokio::time::timeout_at(began + BOOKINGS_FIRST, all) => {}
            () = self.look_now.notified() => self.look_now.notify_one(),
        }
        Ok(waiting)
    }

    fn was_answered_since(&self, id: BookingId, since: DateTime<Utc>) -> bool {
        let entry = self.shared.ledger.get(id).ok().flatten();
        let last =
            entry.filter(|entry| entry.is_acknowledged()).and_then(|entry| entry.history.last().map(|last| last.at));
        last.is_some_and(|at| since <= at && dates::age(at, self.now()).is_some())
    }

    fn attend_in(
        self: &Arc<Self>,
        tasks: &TaskTracker,
        request: BookingRequest,
        turn: Turn,
        place: OwnedSemaphorePermit,
    ) {
        let practice = Arc::clone(self);
        let work = self.work_on(request.booking_id, async move {
            let outcome = practice.attend_request(request).await;
            practice.written(outcome);
            drop((turn, place));
        });
        self.tasks.spawn(tasks.track_future(work));
    }

    /// Open bookings that Healthengine does not list any more.
    fn settled_by_others(self: &Arc<Self>, listed: &BTreeSet<BookingId>) {
        let settled = |entry: &Entry| {
            let waits = entry.is_open() && !entry.answered.unlisted && !entry.owes_a_cancellation();
            (waits && !listed.contains(&entry.booking_id)).then_some(entry.booking_id)
        };
        for id in self.shared.ledger.pick_live(self.id(), settled) {
            self.spawn_known(id, Event::Unlisted);
        }
    }

    /// Bookings of which Healthengine took no answer, and which are not on the part of its list that was read.
    fn not_seen(self: &Arc<Self>, listed: &BTreeSet<BookingId>) {
        let unseen = |entry: &Entry| {
            (entry.is_refused_throughout() && !listed.contains(&entry.booking_id)).then_some(entry.booking_id)
        };
        for id in self.shared.ledger.pick_live(self.id(), unseen) {
            self.spawn_known(id, Event::Unseen);
        }
    }

    /// Deals with a booking of the ledger in a task of its own, unless one is at it already. False if there is no place for it.
    pub(super) fn spawn_known(self: &Arc<Self>, id: BookingId, event: Event) -> bool {
        let Ok(place) = Arc::clone(&self.known_places).try_acquire_owned() else { return false };
        self.spawn_known_in(place, id, event);
        true
    }

    /// The same in this place.
    pub(super) fn spawn_known_in(self: &Arc<Self>, place: OwnedSemaphorePermit, id: BookingId, event: Event) {
        let Some(turn) = self.take_turn(id) else { return };
        let practice = Arc::clone(self);
        let work = self.work_on(id, async move {
            let outcome = practice.attend_known(id, event).await;
            practice.written(outcome);
            drop((turn, place));
        });
        self.tasks.spawn(work);
    }

    /// Wakes bookings whose time has come: doubts to settle, cancellations to deliver.
    pub(super) async fn due_loop(self: Arc<Self>) {
        let mut undelivered = self.delays(Duration::from_secs(5));
        let mut deliver_at = Instant::now();
        let mut clock = self.shared.leaps.listen();
        loop {
            self.health.forget_old_bookings(self.now());
            self.settle_days();
            let is_owed = self.shared.ledger.any_live(self.id(), Entry::owes_a_cancellation);
            if !is_owed {
                // The next one is delivered when it comes, and its first pause is a short one.
                undelivered.reset();
                deliver_at = Instant::now();
            }
            let deliver = deliver_at <= Instant::now();
            let all_began = self.wake_due(deliver);
            // More cancellations than places: the next ones follow at once, if they are heard.
            if is_owed && deliver && (all_began || self.health.has(&Subject::Healthengine)) {
                deliver_at = Instant::now() + undelivered.next_delay();
            }
            let again = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.stop.cancelled() => false,
                    () = tokio::time::sleep(Duration::from_secs(1)) => true,
                    () = clock.leaped() => {
                        undelivered.reset();
                        deliver_at = Instant::now();
                        true
                    }
                }
            });
            if !again.await {
                return;
            }
        }
    }

    /// Goes on with bookings whose doubt can be looked at, and with cancellations that Healthengine has not heard of. True if all
    /// of them have begun.
    pub(super) fn wake_due(self: &Arc<Self>, deliver: bool) -> bool {
        let measured = self.measured();
        // Refused credentials or consent: nothing is delivered before they are accepted again.
        let refused = self.is_blocked(Call::Answer(BookingId(0)));
        // What a former process left is looked at once it is known whether Healthengine still asks for it: a restored store can hold
        // a doubt that was settled, and answered, long ago.
        let may_look = self.first_listing.initialized();
        let due = |entry: &Entry| {
            let next = next_look(entry, self.settings.request_timeout, &measured);
            let look = may_look && next.is_some_and(|due| due <= measured.now);
            let deliver = deliver && entry.owes_a_cancellation() && !refused;
            (look || deliver).then_some(entry.booking_id)
        };
        let due = self.shared.ledger.pick_live(self.id(), due);
        due.into_iter().all(|id| self.spawn_known(id, Event::Due))
    }
}

/// A kind that counts as one thing, because its list names no numbers. What we do not serve is nothing to us.
fn as_a_whole(kind: RequestKind) -> Option<Item> {
    match kind {
        RequestKind::Availability
        | RequestKind::PmsAppointmentChanges
        | RequestKind::PmsResources
        | RequestKind::PmsAppointmentTypes
        | RequestKind::UploadDocuments
        | RequestKind::AttachDocuments => Some(Item::Kind(kind)),
        RequestKind::Bookings
        | RequestKind::BookingUpdates
        | RequestKind::ExtraFeature(_)
        | RequestKind::Unknown(_) => None,
    }
}
