//! Asks Healthengine what it wants, bookings first, and sees that each of it is answered.
//!
//! Polling says that we are alive, so nothing may hold it up: bookings, days and configuration are
//! handed to tasks of their own, and what cannot be answered yet is found again at the next poll. A
//! request is never remembered, only answered; the exception is the ledger of bookings.

use std::collections::BTreeSet;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::documents::DocumentRejections;
use super::outstanding::OutstandingRequests;
use crate::call_error::{Answer, ServerOutage};
use crate::characters::plain_name;
use crate::healthengine::RequestKind;
use crate::ids::BookingId;
use crate::messages::practice as say;
use crate::polling::Document;
use crate::polling::failed_calls::Call;
use crate::polling::lists::{Coverage, ListedBookings};
use crate::polling::pace::{self, Circumstances, HintPolls, Outcome, Pace, Refusals};
use crate::practice::booking_executor::executor::Executor;
use crate::practice::context::Context;
use crate::practice::days::asked::AskedDays;
use crate::practice::days::publisher::Publisher;
use crate::practice::health::calls::CallHealth;
use crate::practice::health::subject::Subject;
use crate::practice::lists::{self, Lists};
use crate::practice::subscription::evidence::WebhookEvidence;
use crate::supervisor;
use crate::webhooks::evidence::Item;

/// How long updates wait for the bookings of the same poll.
const BOOKINGS_FIRST: Duration = Duration::from_secs(4);
/// The first poll of a new practice waits no longer than this for configuration and days.
const FIRST_DAYS: Duration = Duration::from_secs(60);
/// What that of any other practice finds waits no longer than this for the first attempt to read
/// OpenVPMS: bookings may be waiting.
const FIRST_READING: Duration = Duration::from_secs(3);

/// A list of bookings that was not read whole for so long will say no more of what it does not
/// show.
const LISTED_WITHIN: Duration = Duration::from_secs(5 * 60);

/// What a poll found, and since when it waits by Healthengine's clock.
type FoundItems = Vec<(Item, Option<DateTime<Utc>>)>;

/// Polls Healthengine.
pub(in crate::practice) struct RequestPoller {
    context: Arc<Context>,
    calls: Arc<CallHealth>,
    lists: Arc<Lists>,
    executor: Arc<Executor>,
    publisher: Arc<Publisher>,
    asked_days: Arc<AskedDays>,
    evidence: Arc<WebhookEvidence>,
    outstanding: OutstandingRequests,
    documents: Arc<DocumentRejections>,
    /// When the list of bookings was read for the first time.
    listed_since: OnceLock<Instant>,
}

impl RequestPoller {
    pub(in crate::practice) fn new(
        context: Arc<Context>,
        calls: Arc<CallHealth>,
        lists: Arc<Lists>,
        executor: Arc<Executor>,
        publisher: Arc<Publisher>,
        asked_days: Arc<AskedDays>,
        evidence: Arc<WebhookEvidence>,
    ) -> Self {
        let outstanding = OutstandingRequests::new(Arc::clone(&context));
        let documents = Arc::new(DocumentRejections::new(Arc::clone(&context), Arc::clone(&calls), Arc::clone(&lists)));
        Self {
            context,
            calls,
            lists,
            executor,
            publisher,
            asked_days,
            evidence,
            outstanding,
            documents,
            listed_since: OnceLock::new(),
        }
    }

    /// How long the oldest request of each kind has been waiting.
    pub(in crate::practice) fn oldest_open(&self, now: DateTime<Utc>) -> Vec<(&'static str, TimeDelta)> {
        self.outstanding.oldest(now)
    }

    /// Goes on where another one stopped: what has waited for long goes on to wait.
    pub(in crate::practice) fn carry_on_from(&self, former: &Self) {
        self.outstanding.carry_on_from(&former.outstanding);
    }

    /// Polls until the practice stops.
    pub(in crate::practice) async fn request_loop(self: Arc<Self>) {
        let mut backoff = self.context.backoff(self.context.settings.sync.request_interval);
        // A practice that Healthengine has no days of sends these first: nobody can have booked it
        // through us.
        let mut is_first = self.publisher.sent.has_sent();
        if !is_first {
            self.wait_for_the_first_days().await;
        }
        let mut hint_polls = HintPolls::default();
        let mut clock = self.context.shared.leaps.listen();
        let mut refusals = Refusals::default();
        loop {
            let began = Instant::now();
            let polled = if std::mem::take(&mut is_first) { self.first_poll().await } else { self.poll().await };
            let outcome = match polled {
                Ok(_) => {
                    backoff.reset();
                    refusals.accepted();
                    Outcome::Answered
                }
                Err(error) if error.is_access() && refusals.refused(Instant::now().into_std()) => Outcome::Blocked,
                Err(error) => Outcome::Failed { backoff: backoff.next_delay(), retry_after: error.retry_after },
            };
            let Pace { wait, hint_after } = self.pace(outcome, hint_polls.wait(began.into_std()));
            let (wait_ms, hint_after_ms) = (wait.as_millis(), hint_after.map(|after| after.as_millis()));
            let (practice, outcome) = (self.context.id(), outcome.name());
            tracing::trace!(%practice, outcome, wait_ms, hint_after_ms, "next poll");
            self.context.last_done.lock().poll_wait = wait;
            let woken = supervisor::rest(async {
                tokio::select! {
                    biased;
                    () = self.context.stop.cancelled() => None,
                    // From poll to poll, however long answering took.
                    () = tokio::time::sleep_until(began + wait) => Some(false),
                    () = self.hinted(hint_after.map(|after| began + after)) => Some(true),
                    () = self.context.signals.try_again.notified() => Some(false),
                    () = clock.leaped() => Some(false),
                }
            });
            match woken.await {
                None => return,
                Some(true) => hint_polls = hint_polls.polled(Instant::now().into_std()),
                Some(false) => {}
            }
        }
    }

    /// Ends when a webhook came, and no sooner than `after`. However many come until then, they
    /// mean one poll.
    async fn hinted(&self, after: Option<Instant>) {
        let Some(after) = after else { return std::future::pending().await };
        tokio::time::sleep_until(after).await;
        self.context.signals.poll.notified().await;
    }

    /// Waits until there is a configuration and, if there is something to offer, its days were
    /// sent.
    async fn wait_for_the_first_days(&self) {
        let first = async {
            self.context.milestones.configured.wait().await;
            if self.context.offering.accepted().is_some() {
                self.context.milestones.days_sent.wait().await;
            }
        };
        self.wait_for(FIRST_DAYS, first).await;
    }

    /// Waits no longer than this, and not for a practice that stops.
    async fn wait_for(&self, limit: Duration, first: impl Future<Output = ()>) {
        let first = tokio::time::timeout(limit, first);
        let _stopped = supervisor::wait(self.context.stop.run_until_cancelled(first)).await;
    }

    /// When to poll next, after a poll that ended so; a webhook has to wait so long from its
    /// beginning because of those before it.
    fn pace(&self, outcome: Outcome, hint_wait: Duration) -> Pace {
        let (now, zone) = (self.context.now(), self.context.known_zone());
        // Live hours begin with a minute.
        // Before OpenVPMS was ever read nobody knows what time it is there.
        let live_in = |minutes: i64| {
            let later = now + TimeDelta::minutes(minutes);
            zone.is_none_or(|zone| self.context.config.live_hours.is_live(zone.wall(later)))
        };
        let within = i64::try_from(pace::IDLE_LONGEST.as_secs() / 60).unwrap_or_default();
        let live_in = (0..=within).find(|minutes| live_in(*minutes));
        pace::pace(&Circumstances {
            outcome,
            live: live_in == Some(0),
            live_in: live_in.map(|minutes| Duration::from_secs(60 * minutes.unsigned_abs())),
            webhooks_arrive: self.evidence.webhooks_arrive(now),
            hint_wait,
            request_interval: self.executor.other_bridge.interval(self.context.settings.sync.request_interval),
            idle_request_interval: self
                .executor
                .other_bridge
                .interval(self.context.settings.sync.idle_request_interval),
        })
    }

    /// Bookings whose pet owners cancelled, which is not settled yet.
    pub(in crate::practice) fn waiting_cancellations(&self) -> BTreeSet<BookingId> {
        self.outstanding.cancelled()
    }

    /// One poll and all that follows from it. Says what was outstanding.
    pub(in crate::practice) async fn poll(&self) -> Answer<BTreeSet<RequestKind>> {
        let kinds = self.ask().await?;
        self.follow(&kinds).await;
        Ok(kinds)
    }

    /// The same for the first time. Healthengine is asked while OpenVPMS is read; bookings need the
    /// mapping, so whatever follows from the answer waits for that. After a reload it is known:
    /// bookings are under way then whose time is short.
    async fn first_poll(&self) -> Answer<BTreeSet<RequestKind>> {
        let kinds = match self.context.shared.early_polls.take(self.context.id()).await {
            Some(answer) => self.heard(answer)?,
            None => self.ask().await?,
        };
        if !self.executor.knows_what_is_offered() {
            let configured = async {
                self.context.milestones.configured.wait().await;
            };
            self.wait_for(FIRST_READING, configured).await;
        }
        self.follow(&kinds).await;
        Ok(kinds)
    }

    /// Asks what is outstanding.
    async fn ask(&self) -> Answer<BTreeSet<RequestKind>> {
        self.heard(self.context.healthengine.requests().await)
    }

    fn heard(&self, answer: Answer<Vec<RequestKind>>) -> Answer<BTreeSet<RequestKind>> {
        match answer {
            Ok(kinds) => {
                self.calls.polled();
                Ok(kinds.into_iter().collect())
            }
            Err(error) => {
                self.calls.heard(Call::Poll, Err(&error));
                Err(error)
            }
        }
    }

    /// What follows from what is outstanding.
    async fn follow(&self, kinds: &BTreeSet<RequestKind>) {
        let polled_at = self.context.now();
        let mut found = FoundItems::new();
        // The order of the enum is the order of urgency. Bookings are read at every poll with an
        // open booking, because a booking that is no longer listed was settled by somebody else.
        let mut bookings = Some(ListedBookings::none());
        if kinds.contains(&RequestKind::Bookings) || self.executor.has_open_bookings() {
            let outcome = self.bookings(&mut found).await;
            let outage = outcome.as_ref().err().and_then(ServerOutage::of_healthengine);
            let text = outcome.as_ref().err().map(say::bookings_unread);
            self.context.health.set_in(outage, Subject::BookingList, text, self.context.now());
            bookings = outcome.ok();
        } else {
            // What could not be read is not asked for any more.
            self.context.health.clear(&Subject::BookingList, self.context.now());
            self.lists.no_booking_waits();
            self.outstanding.bookings(Ok(&[]));
            self.calls.keep_bookings(&BTreeSet::new());
            self.lists.keep(kinds);
        }
        self.forget_what_is_not_wanted(kinds);
        for kind in kinds {
            self.serve(kind, &bookings, &mut found).await;
        }
        found.extend(kinds.iter().cloned().filter_map(as_a_whole).map(|item| (item, None)));
        if self.evidence.found(&self.context, found, polled_at) {
            tracing::debug!(practice = %self.context.id(), "A poll found something that no webhook announced.");
        }
    }

    /// What is not asked for any more need not be read or answered either.
    fn forget_what_is_not_wanted(&self, kinds: &BTreeSet<RequestKind>) {
        self.calls.keep_answers(|call| match call {
            Call::UpdateList | Call::UpdateAnswer(_) => kinds.contains(&RequestKind::BookingUpdates),
            Call::DayList => kinds.contains(&RequestKind::Availability),
            Call::ChangeList | Call::ChangeAnswer(_) => kinds.contains(&RequestKind::PmsAppointmentChanges),
            Call::Documents(document) => kinds.contains(&document.kind()),
            Call::Poll | Call::Answer(_) | Call::Features | Call::Configuration | Call::Snapshots => true,
        });
        if !kinds.contains(&RequestKind::BookingUpdates) {
            self.outstanding.updates(Ok(&[]));
        }
        if !kinds.contains(&RequestKind::Availability) {
            self.outstanding.days(Ok(&[]));
            self.asked_days.none_asked();
        }
    }

    /// One kind of requests. A list that cannot be read does not keep the others waiting.
    async fn serve(&self, kind: &RequestKind, bookings: &Option<ListedBookings>, found: &mut FoundItems) {
        match (kind, bookings) {
            (RequestKind::BookingUpdates, Some(bookings)) => {
                let read = self.updates(found, bookings).await;
                self.calls.heard(Call::UpdateList, read.as_ref().copied());
            }
            // A booking that could not be read is not unknown: its update waits for it.
            (RequestKind::BookingUpdates, None) | (RequestKind::Bookings, _) => {}
            (RequestKind::Availability, _) => {
                let read = self.days().await;
                self.calls.heard(Call::DayList, read.as_ref().copied());
            }
            (RequestKind::PmsAppointmentChanges, _) => {
                let read = self.appointment_changes().await;
                self.calls.heard(Call::ChangeList, read.as_ref().copied());
            }
            (RequestKind::PmsResources, _) => self.context.signals.configuration.resources(),
            (RequestKind::PmsAppointmentTypes, _) => self.context.signals.configuration.types(),
            (RequestKind::UploadDocuments, _) => self.documents.reject(Document::Upload),
            (RequestKind::AttachDocuments, _) => self.documents.reject(Document::Attach),
            (RequestKind::ExtraFeature(name) | RequestKind::Unknown(name), _) => self.unserved(name),
        }
    }

    /// Reads all outstanding bookings, and has them dealt with. What the list had.
    async fn bookings(&self, found: &mut FoundItems) -> Answer<ListedBookings> {
        let (began, began_at) = (Instant::now(), self.context.now());
        let read = self.lists.bookings().await;
        self.outstanding.bookings(read.as_ref().map(|(listed, _)| listed.as_slice()).map_err(Clone::clone));
        let (listed, coverage) = read?;
        let waiting = ListedBookings::new(&listed, coverage);
        found.extend(listed.iter().map(|booking| (Item::Booking(booking.booking_id), booking.booked_time)));
        let ids = listed.iter().map(|booking| booking.booking_id).collect();
        match coverage {
            Coverage::Whole => {
                self.executor.settled_by_others(&ids);
                self.calls.keep_bookings(&ids);
            }
            Coverage::EveryPage | Coverage::Part => self.executor.not_seen(&ids),
        }
        let since = self.listed_since.get_or_init(Instant::now);
        if coverage == Coverage::Whole || since.elapsed() >= LISTED_WITHIN {
            let _again = self.context.milestones.bookings_listed.set(());
        }
        // Updates depend on their bookings, so these get a head start. What takes longer goes on by
        // itself, and what has not begun is listed again at the next poll: polling must not wait
        // for it. A webhook says that more waits, perhaps another booking: then too it goes on.
        let poll = &self.context.signals.poll;
        tokio::select! {
            biased;
            _late = tokio::time::timeout_at(began + BOOKINGS_FIRST, self.executor.attend_all(listed, began_at)) => {}
            () = poll.notified() => poll.notify_one(),
        }
        Ok(waiting)
    }

    /// Changes of bookings by pet owners.
    async fn updates(&self, found: &mut FoundItems, bookings: &ListedBookings) -> Answer<()> {
        let read = self.lists.read(lists::UPDATES, |page| self.context.healthengine.booking_updates(page)).await;
        self.outstanding.updates(read.as_ref().map(|(updates, _)| updates.as_slice()).map_err(Clone::clone));
        let (updates, coverage) = read?;
        found.extend(updates.iter().map(|update| (Item::Update(update.request_id), update.updated_at)));
        self.executor.start_updates(updates, coverage, bookings);
        Ok(())
    }

    /// Days that are wanted.
    async fn days(&self) -> Answer<()> {
        let read = self.lists.read(lists::DAYS, |page| self.context.healthengine.availability_requests(page)).await;
        self.outstanding.days(read.as_ref().map(|(requests, _)| requests.as_slice()).map_err(Clone::clone));
        let (requests, coverage) = read?;
        self.asked_days.asked(requests, coverage);
        Ok(())
    }

    /// Questions whether appointments still stand.
    async fn appointment_changes(&self) -> Answer<()> {
        let page = |page| self.context.healthengine.appointment_change_requests(page);
        let (requests, coverage) = self.lists.read(lists::CHANGES, page).await?;
        self.executor.start_appointment_changes(requests, coverage);
        Ok(())
    }

    /// A request type that vetbridge does not serve: left alone.
    fn unserved(&self, name: &str) {
        if self.context.said.is_due(&format!("unserved {}", plain_name(name))) {
            tracing::warn!(
                practice = %self.context.id(), request = plain_name(name),
                "Healthengine asks for something that vetbridge does not serve."
            );
        }
    }
}

/// A kind that counts as one thing, because its list names no numbers. What we do not serve is
/// nothing to us.
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
