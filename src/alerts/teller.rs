//! Looks at what needs a person, hands on what is due, and asks the heartbeat.
//!
//! Every receiver has an outbox of its own, and its messages arrive in their order. One that does
//! not answer holds up no other. What was told is remembered once a message has arrived anywhere;
//! whatever had not when the process ended is told by the next one, if it still stands.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use futures_util::future::{join_all, join3};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::watch;
use tokio::time::Instant;

use super::channels::{AlertChannels, Receiver};
use super::concern::{AlertKind, AlertMessage, Concern, ConcernId, Sight};
use super::due::AlertWatch;
use super::failure::NotArrived;
use super::heartbeat::Heartbeat;
use super::letter::Letter;
use super::outbox::Outbox;
use super::told;
use crate::clock::Clock;
use crate::ids::PracticeId;
use crate::messages::alerts::{self as say, Terms};
use crate::store::Store;
use crate::supervisor;
use crate::zone::Zone;

/// How often is looked.
const LOOK_EVERY: Duration = Duration::from_millis(500);

/// What people are told of.
pub trait AlertSource: Sync {
    /// What needs a person at this moment.
    fn sight(&self) -> Sight;

    /// The zone in which times of a practice are told, if it is known.
    fn zone_of(&self, practice: &PracticeId) -> Option<Zone>;

    /// What a practice is called, if that is known.
    fn name_of(&self, practice: &PracticeId) -> Option<String>;

    /// What is wrong with the messages themselves; `None` once they arrive again.
    fn tell(&self, not_delivered: Option<String>);
}

/// Tells people, with a store and without.
pub struct Alerts {
    clock: Clock,
    began: Instant,
    channels: watch::Sender<Option<Arc<AlertChannels>>>,
    state: Mutex<AlertState>,
}

#[derive(Default)]
struct AlertState {
    watch: AlertWatch,
    outboxes: BTreeMap<String, Outbox<Letter>>,
    /// Where the last attempt failed, and why.
    failing: BTreeMap<String, NotArrived>,
    /// What was told and arrived, and is not over.
    known: BTreeMap<ConcernId, Concern>,
    /// Where it is remembered, once there is a store.
    store: Option<Store>,
}

impl Alerts {
    /// Tells nothing yet.
    pub fn new(channels: Option<Arc<AlertChannels>>, clock: Clock) -> Self {
        Self { clock, began: Instant::now(), channels: watch::Sender::new(channels), state: Mutex::default() }
    }

    /// Tells others from here on. What waits for one that stays goes on to wait.
    pub fn reconfigure(&self, channels: Option<Arc<AlertChannels>>) {
        self.channels.send_if_modified(|own| {
            let is_other = match (&*own, &channels) {
                (Some(own), Some(next)) => !Arc::ptr_eq(own, next),
                (own, next) => own.is_some() || next.is_some(),
            };
            *own = channels;
            is_other
        });
    }

    /// There is a store: what earlier processes told is known from here on.
    pub fn remember_in(&self, store: Store) {
        let (at, mut state) = (self.at(), self.state());
        let earlier = told::read(&store);
        state.watch.inherit(earlier.iter().cloned(), at);
        for concern in earlier {
            state.known.entry(concern.id()).or_insert(concern);
        }
        state.store = Some(store);
    }

    /// Tells people of this source, until it is dropped.
    pub async fn run(&self, source: &impl AlertSource) {
        let mut changes = self.channels.subscribe();
        loop {
            let channels = changes.borrow_and_update().clone();
            let Some(channels) = channels else {
                self.keep_receivers(&[], source);
                let _alive = supervisor::rest(changes.changed()).await;
                continue;
            };
            self.keep_receivers(&channels.receivers, source);
            let deliveries = channels.receivers.iter().map(|receiver| self.deliver(receiver, source));
            let work = join3(self.look(&channels, source), join_all(deliveries), self.beat(&channels, source));
            tokio::select! {
                biased;
                _ = changes.changed() => {}
                _ = work => {}
            }
        }
    }

    fn state(&self) -> MutexGuard<'_, AlertState> {
        self.state.lock()
    }

    /// Time that no clock sets.
    fn at(&self) -> Duration {
        self.began.elapsed()
    }

    /// What waits for receivers that are gone is given up.
    fn keep_receivers(&self, receivers: &[Receiver], source: &impl AlertSource) {
        let mut state = self.state();
        let mut former = std::mem::take(&mut state.outboxes);
        let places = receivers.iter().map(|receiver| receiver.place.clone());
        state.outboxes = places.map(|place| (place.clone(), former.remove(&place).unwrap_or_default())).collect();
        let AlertState { outboxes, failing, .. } = &mut *state;
        failing.retain(|place, _| outboxes.contains_key(place));
        state.tell(source);
    }

    /// Looks, and puts what is due into every outbox.
    async fn look(&self, channels: &AlertChannels, source: &impl AlertSource) {
        loop {
            // Where nobody is told, nothing counts as told.
            if !channels.receivers.is_empty() {
                let sight = source.sight();
                let (at, mut state) = (self.at(), self.state());
                for message in state.watch.look(&sight, channels.after, at) {
                    let practices = || message.concerns.iter().filter_map(|concern| concern.practice.clone());
                    let zones = practices().filter_map(|own| source.zone_of(&own).map(|zone| (own, zone))).collect();
                    let names = practices().filter_map(|own| source.name_of(&own).map(|name| (own, name))).collect();
                    let terms = Terms { zones, names, commands: channels.commands.clone() };
                    let letter = Arc::new(Letter::new(message, self.clock.now(), &terms));
                    tracing::info!("{}", letter.title);
                    for (place, outbox) in &mut state.outboxes {
                        if let Some(given_up) = outbox.push(Arc::clone(&letter), at) {
                            tracing::error!("{}", say::given_up(place, &given_up.title));
                        }
                    }
                }
            }
            supervisor::rest(tokio::time::sleep(LOOK_EVERY)).await;
        }
    }

    /// Sends one receiver its messages.
    async fn deliver(&self, receiver: &Receiver, source: &impl AlertSource) {
        loop {
            let place = &receiver.place;
            let due = self.state().outboxes.get(place).and_then(|outbox| outbox.due(self.at()));
            let Some(letter) = due else {
                tokio::time::sleep(LOOK_EVERY).await;
                continue;
            };
            let outcome = receiver.way.tell(&letter).await;
            let (at, mut state) = (self.at(), self.state());
            match outcome {
                Ok(()) => {
                    state.failing.remove(place);
                    if let Some(outbox) = state.outboxes.get_mut(place) {
                        outbox.arrived(&letter);
                    }
                    state.arrived(&letter.message);
                }
                Err(failure) => {
                    tracing::debug!("{}", say::failed(place, &failure));
                    state.failing.insert(place.clone(), failure);
                    if state.outboxes.get_mut(place).is_some_and(|outbox| outbox.failed(&letter, at)) {
                        tracing::error!("{}", say::given_up(place, &letter.title));
                    }
                }
            }
            state.tell(source);
        }
    }

    /// Asks the heartbeat while all is well.
    async fn beat(&self, channels: &AlertChannels, source: &impl AlertSource) {
        let Some((address, interval)) = &channels.heartbeat else { return };
        let (mut heartbeat, mut was_taken) = (Heartbeat::default(), true);
        loop {
            if heartbeat.beats(source.sight().is_well(), *interval, self.at()) {
                let taken = address.beat().await;
                match &taken {
                    Ok(()) if !was_taken => tracing::info!("{}", say::HEARTBEAT_TAKEN),
                    Err(failure) if was_taken => tracing::warn!("{}", say::heartbeat_failed(failure)),
                    Ok(()) | Err(_) => {}
                }
                was_taken = taken.is_ok();
            }
            tokio::time::sleep(LOOK_EVERY.min(*interval)).await;
        }
    }
}

impl AlertState {
    /// People know of it, and so will the next process.
    fn arrived(&mut self, message: &AlertMessage) {
        for concern in &message.concerns {
            match message.kind {
                AlertKind::Begun => drop(self.known.insert(concern.id(), concern.clone())),
                AlertKind::Over => drop(self.known.remove(&concern.id())),
                AlertKind::Test => {}
            }
        }
        if let Some(store) = &self.store {
            told::write(store, self.known.values().cloned().collect());
        }
    }

    fn tell(&self, source: &impl AlertSource) {
        let failing = self.failing.iter().map(|(place, failure)| (place.as_str(), failure));
        source.tell((!self.failing.is_empty()).then(|| say::not_delivered(failing)));
    }
}
