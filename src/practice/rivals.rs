//! Another bridge on the same practice: signs of it are gathered here, [`crate::booking::rival`] says what follows from them.
//!
//! Two rules hold whether or not there is a sign. Before a booking is rejected because its time is taken, [`GIVES_WAY`] go by and the
//! list is read again: what takes the time may be that very booking's appointment. And a booking that somebody else answered within
//! seconds, and whose time is taken, is a sign.

use parking_lot::Mutex;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::time::Instant;

use super::Practice;
use super::health::Subject;
use super::ledger::LedgerError;
use super::lists::Standing;
use crate::booking::answered::Delivery;
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, State};
use crate::booking::machine::{Ask, Event, SlotLook, SlotTaken};
use crate::booking::rival::{RivalRecord, Rivalry, Sign, Stance, YOUNG};
use crate::booking::update::echoed_reference;
use crate::dates;
use crate::healthengine::{BookingRequest, BookingUpdate, Subscription};
use crate::ids::{BookingId, PracticeId};
use crate::messages::rival as say;
use crate::store::{Batch, Kind, Meta, Record, Store};
use crate::supervisor;
use crate::webhooks::pace::BLOCKED;

/// Between finding the time of a booking taken and rejecting the booking for that.
const GIVES_WAY: TimeDelta = TimeDelta::seconds(4);
/// So long the look at Healthengine's list after it may take where the rejection is still in time.
const LISTED_WITHIN: TimeDelta = TimeDelta::seconds(1);
/// It is cut so that the rejection leaves at this age of the booking.
const REJECTS_AT: TimeDelta = TimeDelta::seconds(14);
/// A booking whose time is taken, perhaps by its own appointment, is left to the other bridge for this long.
const PATIENCE: TimeDelta = TimeDelta::seconds(60);
/// For this long a pet owner's change of a booking that the ledger does not know is left to the other bridge.
const UPDATES_LEFT_FOR: TimeDelta = TimeDelta::seconds(60);
/// Between two looks at what may have changed by itself, while there may be another bridge,
const LOOK_EVERY: Duration = Duration::from_secs(15);
/// and while nothing speaks for one: a call each time, where polls are ten. So its subscription is seen within a minute.
const LOOK_EVERY_ALONE: Duration = Duration::from_secs(45);
/// A list that could not be read, or that changed while it was, is read again after this long,
const LISTED_AGAIN: Duration = Duration::from_secs(1);
/// and so often. A booking of which nobody can tell then is left to the next poll.
const LISTED_TRIES: usize = 30;
/// No more subscriptions of the other bridge are remembered.
const SUBSCRIPTIONS_MAX: usize = 32;
/// The longest wait between two polls while bookings are to be seen soon.
const WATCHFUL_INTERVAL: Duration = Duration::from_secs(2);

impl Record for RivalRecord {
    const KIND: &'static str = "rival";
    const VERSION: u32 = 1;
}

/// It stays: whoever takes the state over listens anew.
pub(super) const KIND: Kind = Kind::stays_behind::<RivalRecord>();

/// What is known of another bridge on a practice.
pub(super) struct Rivals {
    store: Store,
    practice: PracticeId,
    rivalry: Mutex<Rivalry>,
    /// Subscriptions of another bridge that were seen: those that were weighed, and where those call that stood at the first look.
    subscriptions: Mutex<Seen>,
}

#[derive(Default)]
struct Seen {
    weighed: BTreeSet<String>,
    stood: Option<BTreeSet<String>>,
}

impl Rivals {
    /// Reads what the state remembers.
    pub(super) fn open(store: &Store, practice: &PracticeId, now: DateTime<Utc>) -> Self {
        // A record that cannot be read tells of another bridge as much as none: signs come again.
        let remembered = store.get::<RivalRecord>(&practice.0).ok().flatten().unwrap_or_default();
        let Meta { imported_at, .. } = store.meta();
        let rivalry = Mutex::new(Rivalry::new(remembered, imported_at, now));
        Self { store: store.clone(), practice: practice.clone(), rivalry, subscriptions: Mutex::default() }
    }

    fn now(&self) -> Rivalry {
        self.rivalry.lock().clone()
    }

    /// Changes what is known; how it was before and is after.
    fn change(&self, change: impl FnOnce(&mut Rivalry)) -> (Rivalry, Rivalry) {
        let (before, after) = {
            let mut rivalry = self.rivalry.lock();
            let before = rivalry.clone();
            change(&mut rivalry);
            (before, rivalry.clone())
        };
        if before.remembered() != after.remembered()
            && let Ok(batch) = Batch::of(&self.practice.0, &after.remembered())
        {
            // Lost with a crash it is found again.
            self.store.write_later(batch);
        }
        (before, after)
    }

    /// True once there is another bridge.
    pub(super) fn is_certain(&self) -> bool {
        self.now().is_certain()
    }

    /// True if nothing is rejected for not being seen.
    pub(super) fn holds(&self) -> bool {
        self.now().holds()
    }

    /// An interval between polls, as short as it has to be.
    pub(super) fn interval(&self, interval: Duration) -> Duration {
        if self.now().is_watchful() { interval.min(WATCHFUL_INTERVAL) } else { interval }
    }
}

impl Practice {
    /// Looks for signs of another bridge that come without bookings, and ends the listening in time.
    pub(super) async fn rival_loop(self: Arc<Self>) {
        self.say_that_it_listens();
        // What stands at the start says nothing, and a practice that was never polled may be refused.
        let mut look_at = Instant::now() + LOOK_EVERY_ALONE;
        loop {
            let suspected = self.rivals.now().is_suspected();
            if suspected {
                self.weigh(|own, now| own.tick(now));
            }
            if suspected || look_at <= Instant::now() {
                let answered = self.look_for_its_subscription().await;
                look_at = Instant::now() + if answered { LOOK_EVERY_ALONE } else { BLOCKED };
            }
            let again = self.stop.run_until_cancelled(tokio::time::sleep(LOOK_EVERY));
            if supervisor::rest(again).await.is_none() {
                return;
            }
        }
    }

    fn say_that_it_listens(&self) {
        let rivalry = self.rivals.now();
        if let Stance::Listening { since, .. } = rivalry.stance() {
            match rivalry.remembered().noticed_at {
                Some(at) => self.health.raise(Subject::AnotherBridge, say::noticed_before(at, self.zone()), since),
                None => tracing::info!(practice = %self.id(), "{}", say::LISTENS),
            }
        }
    }

    /// False if Healthengine does not list subscriptions: where they are looked after, that is a problem, and asked about there.
    async fn look_for_its_subscription(&self) -> bool {
        if self.health.has(&Subject::Access) || self.health.has(&Subject::Subscriptions) || self.stop.is_cancelled() {
            return true;
        }
        match self.healthengine.subscriptions().await {
            Ok(listed) => self.weigh_subscriptions(&listed),
            Err(error) => {
                tracing::debug!(practice = %self.id(), "The subscriptions cannot be read: {error}.");
                return false;
            }
        }
        true
    }

    /// Healthengine lists these subscriptions.
    pub(super) fn weigh_subscriptions(&self, listed: &[Subscription]) {
        // The making of one is a sign, its standing there is none.
        let since = self.rivals.now().started() + self.healthengine.clock_difference();
        let made = self.another_bridges(listed, since);
        let calls = |own: &&Subscription| self.shared.pseudonyms.fingerprint(&own.callback_url);
        let mut seen = self.locked(&self.rivals.subscriptions);
        let Seen { weighed, stood } = &mut *seen;
        let stood = stood.get_or_insert_with(|| {
            let earlier = self.another_bridges(listed, DateTime::<Utc>::MIN_UTC).into_iter();
            earlier.filter(|own| !made.contains(own)).take(SUBSCRIPTIONS_MAX).map(|own| calls(&own)).collect()
        });
        let is_unseen = |own: &&&Subscription| own.id.clone().is_some_and(|id| weighed.insert(id));
        let unseen: Vec<&&Subscription> = made.iter().take(SUBSCRIPTIONS_MAX).filter(is_unseen).collect();
        let is_renewed = unseen.iter().any(|own| stood.contains(&calls(own)));
        let is_new = !unseen.is_empty();
        while weighed.len() > SUBSCRIPTIONS_MAX {
            weighed.pop_first();
        }
        drop(seen);
        if is_new {
            self.sign(if is_renewed { &Sign::RenewedSubscription } else { &Sign::ForeignSubscription });
        }
    }

    fn weigh(&self, change: impl FnOnce(&mut Rivalry, DateTime<Utc>)) {
        let now = self.now();
        let (before, after) = self.rivals.change(|own| change(own, now));
        if before.is_suspected() && !after.is_suspected() {
            tracing::info!(practice = %self.id(), "{}", say::ALONE);
            self.health.clear(&Subject::AnotherBridge);
        }
    }

    fn sign(&self, sign: &Sign) {
        let now = self.now();
        let (before, after) = self.rivals.change(|own| own.saw(sign, now));
        if !after.is_certain() {
            tracing::info!(practice = %self.id(), "{}", say::perhaps(sign));
            return;
        }
        let text = say::another_bridge(sign, after.stands_back());
        if !before.is_certain() {
            tracing::error!(practice = %self.id(), "{text}");
        }
        self.health.raise(Subject::AnotherBridge, text, now);
    }

    /// True if a booking of this age is answered by programs alone.
    fn is_young(&self, booked_at: Option<DateTime<Utc>>) -> bool {
        let deadline = Deadline::new(booked_at, self.healthengine.clock_difference());
        deadline.age(self.now()).is_some_and(|age| age <= YOUNG)
    }

    /// Bookings that are listed: those that the other bridge may answer first are taken out, and seen to when their time has come.
    pub(super) fn leave_to_another(self: &Arc<Self>, listed: &mut Vec<BookingRequest>) {
        let ahead = self.healthengine.clock_difference();
        let booked = |request: &BookingRequest| request.booked_time.and_then(|at| at.checked_sub_signed(ahead));
        let (_, rivalry) = self.rivals.change(|own| {
            listed.iter().for_each(|request| own.listed(request.booking_id, booked(request)));
        });
        if !rivalry.stands_back() {
            return;
        }
        let (left, own) = std::mem::take(listed).into_iter().partition(|request| self.is_untouched(request.booking_id));
        *listed = own;
        for request in left {
            let Some(turn) = self.take_turn(request.booking_id) else { continue };
            let Ok(place) = Arc::clone(&self.desk_places).try_acquire_owned() else { continue };
            let until = rivalry.left_until(booked(&request), self.now(), self.settings.request_timeout);
            let practice = Arc::clone(self);
            let work = self.work_on(request.booking_id, async move {
                let outcome = practice.after_the_other(request, until).await;
                practice.written(outcome);
                drop((turn, place));
            });
            self.tasks.spawn(work);
        }
    }

    /// True of a booking for which nothing was sent to OpenVPMS.
    fn is_untouched(&self, id: BookingId) -> bool {
        self.shared.ledger.get(id).is_ok_and(|entry| entry.as_ref().is_none_or(Entry::is_untouched))
    }

    /// Deals with a booking that was left to the other bridge until this moment.
    async fn after_the_other(
        self: &Arc<Self>,
        request: BookingRequest,
        until: DateTime<Utc>,
    ) -> Result<(), LedgerError> {
        let id = request.booking_id;
        let mut wait = (until - self.now()).to_std().unwrap_or_default();
        for _ in 0..LISTED_TRIES {
            if self.stop.run_until_cancelled(tokio::time::sleep(wait)).await.is_none() {
                return Ok(());
            }
            // Nothing is made of a booking that may be answered, nor of one whose owner may have given it up meanwhile.
            match self.standing(id).await {
                Standing::Listed(request) => return self.left_to_this_one(*request).await,
                Standing::NotListed => return self.answered_by_the_other(request).await,
                Standing::Unknown => wait = LISTED_AGAIN,
            }
        }
        Ok(())
    }

    /// Deals with a booking that the other bridge did not answer in its time.
    async fn left_to_this_one(self: &Arc<Self>, request: BookingRequest) -> Result<(), LedgerError> {
        let id = request.booking_id;
        let is_first = self.shared.ledger.get(id)?.is_none();
        self.attend_request(request).await?;
        let made = self.shared.ledger.get(id)?.is_some_and(|entry| entry.state == State::Confirmed);
        if is_first && made {
            self.weigh(|own, _| own.left_in_vain());
        }
        Ok(())
    }

    /// Somebody else answered a booking that this bridge left alone: the other bridge if an appointment takes its time, else a person.
    async fn answered_by_the_other(&self, request: BookingRequest) -> Result<(), LedgerError> {
        let id = request.booking_id;
        // To a bridge that is certain a booking is left for longer than a person takes.
        let by_a_program = self.is_young(request.booked_time) || self.rivals.is_certain();
        let known = self.shared.ledger.get(id)?;
        let entry = known.clone().unwrap_or_else(|| self.first_seen(&self.asked(request.clone()), self.now()));
        let ask = self.offering().map(|offering| self.what_is_asked(&request, &offering, self.now()));
        let Some(Ask::Insert(place)) = ask else { return Ok(()) };
        let taken = match self.look(&entry, &place, false).await.0 {
            SlotLook::Seen { taken, .. } => taken,
            // Nobody can tell what became of it. One that is in the ledger is found there.
            SlotLook::Closed(_) | SlotLook::Unreachable(_) => return Ok(()),
        };
        let entry = Entry { place: Some(place), ..entry };
        match taken {
            SlotTaken::All if by_a_program => {
                self.sign(&Sign::MadeByAnother(id));
                if known.is_some() { self.attend(entry, Event::AnsweredElsewhere, None).await } else { Ok(()) }
            }
            // What the other bridge rejects is its affair.
            SlotTaken::None | SlotTaken::Part if known.is_none() && self.rivals.is_certain() => Ok(()),
            SlotTaken::None | SlotTaken::Part | SlotTaken::All | SlotTaken::ByAnother | SlotTaken::Unseen => {
                self.attend(entry, Event::Unlisted, None).await
            }
        }
    }

    /// Gives another bridge the time to say that it made the appointment; what is seen then instead of that the time is taken.
    pub(super) async fn give_way(&self, entry: &Entry, seen: Event) -> Event {
        let age = Deadline::new(entry.booked_at, self.healthengine.clock_difference()).age(self.now());
        let in_time = age.map(|age| REJECTS_AT - age).filter(|left| *left > TimeDelta::zero());
        let wait = in_time.map_or(GIVES_WAY, |left| (left - LISTED_WITHIN).clamp(TimeDelta::zero(), GIVES_WAY));
        tokio::select! {
            biased;
            () = self.stop.cancelled() => {}
            () = tokio::time::sleep(wait.to_std().unwrap_or_default()) => {}
        }
        // A list that takes longer must not make the rejection late.
        let within = in_time.map_or(GIVES_WAY, |left| (left - wait).max(LISTED_WITHIN)).to_std().unwrap_or_default();
        let listed = tokio::time::timeout(within, self.is_listed(entry.booking_id)).await;
        if listed == Ok(Some(false)) {
            if !self.is_young(entry.booked_at) {
                return seen;
            }
            self.sign(&Sign::MadeByAnother(entry.booking_id));
            return Event::AnsweredElsewhere;
        }
        if !self.rivals.now().withholds_rejections() {
            return seen;
        }
        let first_seen = entry.history.first().map_or(self.now(), |first| first.at);
        if self.now() - first_seen > PATIENCE { Event::NobodySaysWhose } else { Event::LeftToAnother }
    }

    /// Healthengine refused every answer of ours to this booking, and does not list it any more.
    pub(super) fn perhaps_outrun(&self, entry: &Entry) {
        let ours = matches!(entry.state, State::Inserted | State::Rejected) && !entry.withdrawn;
        if ours && entry.answered.delivery == Delivery::Nothing && self.is_young(entry.booked_at) {
            self.sign(&Sign::Outrun(entry.booking_id));
        }
    }

    /// Healthengine took a confirmation of ours.
    pub(super) fn confirmation_taken(&self) {
        self.weigh(|own, _| own.confirmed());
    }

    /// Healthengine echoes a reference that the ledger does not know.
    pub(super) fn reference_echoed(&self, id: BookingId) {
        if self.rivals.now().is_foreign(id) {
            self.sign(&Sign::ForeignReference(id));
        }
    }

    /// True of a change that the other bridge, as soon as there may be one, can deal with better: it may have made the appointment.
    pub(super) fn is_the_others(&self, update: &BookingUpdate) -> bool {
        let ahead = self.healthengine.clock_difference();
        let is_recent =
            |at: DateTime<Utc>| dates::age(at - ahead, self.now()).is_some_and(|age| age < UPDATES_LEFT_FOR);
        self.rivals.now().is_suspected()
            && update.updated_at.is_some_and(is_recent)
            && echoed_reference(&update.pms_appointment_ids).is_none()
            && self.shared.ledger.get(update.booking_id).is_ok_and(|entry| entry.is_none())
    }
}
