//! Signs of another bridge on the practice are gathered here;
//! [`crate::booking::other_bridge_suspicion`] says what follows from them.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::booking::answered::Delivery;
use crate::booking::deadline::Deadline;
use crate::booking::entry::{Entry, State};
use crate::booking::other_bridge_suspicion::{OtherBridgeRecord, OtherBridgeSuspicion, Sign, Stance, YOUNG};
use crate::booking::update::echoed_reference;
use crate::dates;
use crate::healthengine::{BookingUpdate, Subscription};
use crate::ids::BookingId;
use crate::messages::other_bridge as say;
use crate::practice::context::Context;
use crate::practice::health::subject::Subject;
use crate::store::{Batch, Meta, Record, RecordKind};

/// For this long a pet owner's change of a booking that the ledger does not know is left to the
/// other bridge.
const UPDATES_LEFT_FOR: TimeDelta = TimeDelta::seconds(60);
/// No more subscriptions of the other bridge are remembered.
const SUBSCRIPTIONS_MAX: usize = 32;
/// The longest wait between two polls while bookings are to be seen soon.
const WATCHFUL_INTERVAL: Duration = Duration::from_secs(2);

impl Record for OtherBridgeRecord {
    // Under this name it stands in the stores.
    const KIND: &'static str = "rival";
    const VERSION: u32 = 1;
}

/// It stays: whoever takes the state over listens anew.
pub(in crate::practice) const KIND: RecordKind = RecordKind::stays_behind::<OtherBridgeRecord>();

/// What is known of another bridge on a practice.
pub(in crate::practice) struct OtherBridgeSigns {
    context: Arc<Context>,
    suspicion: Mutex<OtherBridgeSuspicion>,
    /// Subscriptions of another bridge that were seen: those that were weighed, and where those
    /// call that stood at the first look.
    subscriptions: Mutex<SeenSubscriptions>,
}

#[derive(Default)]
struct SeenSubscriptions {
    weighed: BTreeSet<String>,
    stood: Option<BTreeSet<String>>,
}

impl OtherBridgeSigns {
    /// Reads what the state remembers.
    pub(super) fn open(context: Arc<Context>) -> Self {
        let store = &context.shared.store;
        // A record that cannot be read tells of another bridge as much as none: signs come again.
        let remembered = store.get::<OtherBridgeRecord>(&context.id().0).ok().flatten().unwrap_or_default();
        let Meta { imported_at, .. } = store.meta();
        let suspicion = Mutex::new(OtherBridgeSuspicion::new(remembered, imported_at, context.now()));
        Self { context, suspicion, subscriptions: Mutex::default() }
    }

    /// What is known at this moment.
    pub(super) fn now(&self) -> OtherBridgeSuspicion {
        self.suspicion.lock().clone()
    }

    /// Changes what is known; how it was before and is after.
    pub(super) fn change(
        &self,
        change: impl FnOnce(&mut OtherBridgeSuspicion),
    ) -> (OtherBridgeSuspicion, OtherBridgeSuspicion) {
        let (before, after) = {
            let mut suspicion = self.suspicion.lock();
            let before = suspicion.clone();
            change(&mut suspicion);
            (before, suspicion.clone())
        };
        if before.remembered() != after.remembered()
            && let Ok(batch) = Batch::of(&self.context.id().0, &after.remembered())
        {
            // Lost with a crash it is found again.
            self.context.shared.store.write_later(batch);
        }
        (before, after)
    }

    /// True once there is another bridge.
    pub(in crate::practice) fn is_certain(&self) -> bool {
        self.now().is_certain()
    }

    /// True unless nothing speaks for another bridge.
    pub(in crate::practice) fn is_suspected(&self) -> bool {
        self.now().is_suspected()
    }

    /// True if nothing is rejected for not being seen.
    pub(in crate::practice) fn holds(&self) -> bool {
        self.now().holds()
    }

    /// An interval between polls, as short as it has to be.
    pub(in crate::practice) fn interval(&self, interval: Duration) -> Duration {
        if self.now().is_watchful() { interval.min(WATCHFUL_INTERVAL) } else { interval }
    }

    /// Says that it listens, where it does.
    pub(in crate::practice) fn say_that_it_listens(&self) {
        let suspicion = self.now();
        if let Stance::Listening { since, .. } = suspicion.stance() {
            match suspicion.remembered().noticed_at {
                Some(at) => {
                    self.context.health.raise(Subject::OtherBridge, say::noticed_before(at, self.context.zone()), since)
                }
                None => tracing::info!(practice = %self.context.id(), "{}", say::LISTENS),
            }
        }
    }

    /// Healthengine lists subscriptions, of which these are another bridge's that were made since a
    /// moment.
    pub(in crate::practice) fn weigh_subscriptions<'a>(
        &self,
        other_bridges: impl Fn(DateTime<Utc>) -> Vec<&'a Subscription>,
    ) {
        // The making of one is a sign, its standing there is none.
        let since = self.now().started() + self.context.healthengine.clock_difference();
        let made = other_bridges(since);
        let calls = |own: &&Subscription| self.context.shared.pseudonyms.fingerprint(&own.callback_url);
        let mut seen = self.subscriptions.lock();
        let SeenSubscriptions { weighed, stood } = &mut *seen;
        let stood = stood.get_or_insert_with(|| {
            let earlier = other_bridges(DateTime::<Utc>::MIN_UTC).into_iter();
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

    /// What is known changes.
    pub(in crate::practice) fn weigh(&self, change: impl FnOnce(&mut OtherBridgeSuspicion, DateTime<Utc>)) {
        let now = self.context.now();
        let (before, after) = self.change(|own| change(own, now));
        if before.is_suspected() && !after.is_suspected() {
            tracing::info!(practice = %self.context.id(), "{}", say::ALONE);
            self.context.health.clear(&Subject::OtherBridge, self.context.now());
        }
    }

    /// A sign was met.
    pub(super) fn sign(&self, sign: &Sign) {
        let now = self.context.now();
        let (_, after) = self.change(|own| own.saw(sign, now));
        if !after.is_certain() {
            tracing::info!(practice = %self.context.id(), "{}", say::perhaps(sign));
            return;
        }
        self.context.health.alarm(Subject::OtherBridge, say::other_bridge(sign, after.stands_back()), now);
    }

    /// True if a booking of this age is answered by programs alone.
    pub(super) fn is_young(&self, booked_at: Option<DateTime<Utc>>) -> bool {
        let deadline = Deadline::new(booked_at, self.context.healthengine.clock_difference());
        deadline.age(self.context.now()).is_some_and(|age| age <= YOUNG)
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
        if self.now().is_foreign(id) {
            self.sign(&Sign::ForeignReference(id));
        }
    }

    /// True of a change that the other bridge, as soon as there may be one, can deal with better:
    /// it may have made the appointment.
    pub(in crate::practice) fn is_the_others(&self, update: &BookingUpdate) -> bool {
        let ahead = self.context.healthengine.clock_difference();
        let is_recent =
            |at: DateTime<Utc>| dates::age(at - ahead, self.context.now()).is_some_and(|age| age < UPDATES_LEFT_FOR);
        self.now().is_suspected()
            && update.updated_at.is_some_and(is_recent)
            && echoed_reference(&update.pms_appointment_ids).is_none()
            && self.context.shared.ledger.get(update.booking_id).is_ok_and(|entry| entry.is_none())
    }
}
