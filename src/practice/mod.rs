//! The running shell of one practice: it asks, hands what it saw to the pure decisions, carries them out, and waits.
//!
//! | file | does |
//! | --- | --- |
//! | [`requests`] | polls Healthengine and starts whatever it wants, bookings first |
//! | [`desk`], [`answers`] | carries out [`crate::booking::desk`] for one booking |
//! | [`recall`], [`clients`] | recognises clients whose name is misspelt, and learns how OpenVPMS spells it |
//! | [`updates`] | cancellations by pet owners, questions about appointments |
//! | [`documents`] | rejects what belongs to features that OpenVPMS cannot serve |
//! | [`watch`] | cancellations and moves by staff |
//! | [`waiting`] | tells how long Healthengine has been waiting for answers |
//! | [`resolve`] | what a person says became of a booking |
//! | [`configuration`] | reads OpenVPMS's inventory, sends liveness contract, resources, appointment types |
//! | [`reading`] | reads free/busy and turns it into days |
//! | [`publishing`] | sends days that differ from what Healthengine has |
//! | [`giving_up`] | rejects what can be rejected when the store has failed |
//! | [`kept`] | names every kind of record there is |
//! | [`due`] | which single days are to be read and sent at once |
//! | [`subscriptions`] | keeps the webhook subscription, hears webhooks |
//! | [`farewell`] | what is done before a practice that is switched off is silent |
//! | [`ledger`], [`locks`], [`rosters`], [`health`] | what the above share |
//!
//! Practices run side by side. They share the store, the locks of the desk and the rate limits, never a task: one that fails
//! holds up no other.

mod answers;
mod availability;
pub mod clients;
mod configuration;
mod desk;
mod documents;
mod due;
mod farewell;
mod giving_up;
pub mod health;
mod kept;
pub mod ledger;
pub mod locks;
mod publishing;
mod reading;
mod recall;
mod requests;
pub mod resolve;
pub mod resync;
pub mod rosters;
mod subscriptions;
mod updates;
mod waiting;
mod watch;
pub mod zones;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chrono::{DateTime, TimeDelta, Utc};
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, SetOnce, broadcast, watch as watch_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::availability::Zones;
use crate::booking::pseudonym::Pseudonyms;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::delays::Delays;
use crate::healthengine::HealthengineHandle;
use crate::ids::{BookingId, LocationId, PracticeId, RequestId, ScheduleId, UserId};
use crate::mapping::{Inventory, Mapping};
use crate::messages::practice as say;
use crate::openvpms::OpenVpmsHandle;
use crate::remote::{CallError, ErrorClass};
use crate::store::Store;
use crate::webhooks::{self, evidence::Evidence};
use crate::zone::Zone;

pub use availability::Changed;
pub(crate) use configuration::{asked, read_inventory};
pub use farewell::Farewell;
use health::{Health, Subject};
pub use kept::KINDS;
use ledger::{Ledger, LedgerError};
use locks::Locks;
pub use publishing::with_days_from;
pub(crate) use requests::{Absence, all_pages};

/// OpenVPMS behind two doors: the desk's, where a pet owner waits, and the one for everything else.
#[derive(Clone)]
pub struct Doors {
    /// For bookings.
    pub desk: OpenVpmsHandle,
    /// For readings of availability and configuration.
    pub background: OpenVpmsHandle,
}

/// What all practices share.
pub struct Shared {
    /// What time it is.
    pub clock: Clock,
    /// What is kept.
    pub store: Store,
    /// The bookings.
    pub ledger: Ledger,
    /// One booking at a time per schedule and clinician.
    pub locks: Locks,
    /// Names for patients that say nothing about them.
    pub pseudonyms: Pseudonyms,
    /// One booking at a time is settled by a person: no appointment is given to two.
    pub resolving: AsyncMutex<()>,
    /// How OpenVPMS spells clients' names.
    pub clients: clients::ClientMemory,
    /// What was learnt of clinicians' rosters.
    pub rosters: rosters::KnownRosters,
    /// Every practice that this process ever had: their subscriptions are not each other's.
    pub practices: Mutex<BTreeSet<PracticeId>>,
    /// What happened to the diary, for all practices to hear.
    pub changes: broadcast::Sender<Changed>,
    /// Cancelled when the store cannot be written: nothing may be done any more.
    pub broken: CancellationToken,
}

/// Settings of the config file that all practices have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `[sync]`.
    pub sync: config::Sync,
    /// `[bookings]`.
    pub bookings: config::Bookings,
    /// Where webhooks are to arrive, if anywhere.
    pub webhooks: Option<webhooks::subscriptions::Wanted>,
    /// How long a request to OpenVPMS may take.
    pub request_timeout: TimeDelta,
}

impl Settings {
    /// What a configuration says of them.
    pub fn of(config: &Config) -> Self {
        let request_timeout = TimeDelta::from_std(config.openvpms.request_timeout).unwrap_or(TimeDelta::seconds(10));
        let webhooks = config.webhooks.as_ref().map(webhooks::subscriptions::Wanted::of);
        Self { sync: config.sync.clone(), bookings: config.bookings.clone(), webhooks, request_timeout }
    }
}

/// What OpenVPMS offers, once it was read: the measure of days and bookings.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Offering {
    /// Resources and appointment types.
    pub mapping: Mapping,
    /// The zones of server and practice.
    pub zones: Zones,
    /// Where the clinicians among the resources work, locations of other practices included.
    pub user_locations: BTreeMap<UserId, BTreeSet<LocationId>>,
    /// The schedules that OpenVPMS lists at all these locations.
    pub listed: BTreeSet<ScheduleId>,
}

impl Offering {
    fn new(mapping: Mapping, zones: Zones, inventory: &Inventory) -> Self {
        let schedules = inventory.schedules.values().flatten();
        Self {
            mapping,
            zones,
            user_locations: inventory.user_locations.clone(),
            listed: schedules.map(|(schedule, _)| schedule.id).collect(),
        }
    }
}

/// One practice.
pub struct Practice {
    config: config::Practice,
    settings: Settings,
    shared: Arc<Shared>,
    openvpms: Doors,
    healthengine: HealthengineHandle,
    health: Health,
    stop: CancellationToken,
    /// Everything that is to be finished before the practice has stopped.
    tasks: TaskTracker,
    /// A hint that something waits at Healthengine.
    look_now: Notify,
    /// A person may have put right what Healthengine refused.
    try_again: Notify,
    /// Whether webhooks arrive.
    evidence: Mutex<Evidence>,
    subscriptions: subscriptions::Subscriptions,
    offering: watch_channel::Sender<Option<Arc<Offering>>>,
    /// What of it Healthengine has: only of that days are sent.
    offered: watch_channel::Sender<Option<Arc<Offering>>>,
    /// Set once the configuration was tried for the first time, there was something to offer, and the days were sent. Several tasks
    /// wait for these; unlike those of a `watch` they go on in the order in which they came, so that a simulation can be repeated.
    first_configuration: SetOnce<()>,
    first_offering: SetOnce<()>,
    first_sending: SetOnce<()>,
    /// Set once Healthengine's list of bookings was read.
    first_listing: SetOnce<()>,
    configuration: configuration::Configuration,
    /// One configuration at a time.
    configuring: AsyncMutex<()>,
    publisher: publishing::Publisher,
    /// Single days: those that changed, and those that Healthengine asks for. The many of these hold up none of those.
    due: due::Queue,
    asked_days: due::Queue,
    /// Held while days that need no reading are sent.
    answering_at_once: Arc<AsyncMutex<()>>,
    progress: Mutex<Progress>,
    /// Since when OpenVPMS answers 401.
    refused_since: Mutex<Option<DateTime<Utc>>>,
    watched: Mutex<watch::Watched>,
    /// Places at the desk: for bookings that can still be rejected in time, and for the others.
    desk_places: Arc<Semaphore>,
    late_places: Arc<Semaphore>,
    /// Places for what pet owners changed, and for what is found out about bookings that nobody waits for.
    update_places: Arc<Semaphore>,
    known_places: Arc<Semaphore>,
    /// The list of bookings as it was last read to see whether one is still on it.
    relisted: AsyncMutex<Option<requests::Listing>>,
    /// Bookings that a task is at.
    busy_bookings: Mutex<BTreeSet<BookingId>>,
    /// One of them is free again.
    turn_over: Notify,
    /// How often Healthengine refused an answer to an update.
    refused_updates: Mutex<BTreeMap<RequestId, u32>>,
    /// Rejections of documents.
    documents: documents::Documents,
    /// How long requests have been waiting for their answers.
    outstanding: Mutex<waiting::Outstanding>,
    /// Bookings whose answers Healthengine did not take.
    unheard_answers: Mutex<BTreeSet<BookingId>>,
    /// What was logged once and need not be again.
    unserved: Mutex<BTreeSet<String>>,
}

/// What was last done when. Shown to operators, and what *in step* is made of.
#[derive(Debug, Clone, Copy, Default)]
pub struct Progress {
    /// The last poll that was answered.
    pub polled_at: Option<DateTime<Utc>>,
    /// The last reading of every schedule of the near days.
    pub read_at: Option<DateTime<Utc>>,
    /// The last time the configuration was as Healthengine has it.
    pub configured_at: Option<DateTime<Utc>>,
    /// The last day that was sent.
    pub sent_at: Option<DateTime<Utc>>,
}

impl Practice {
    /// A practice that does nothing yet.
    pub fn new(
        config: config::Practice,
        settings: Settings,
        shared: Arc<Shared>,
        openvpms: Doors,
        healthengine: HealthengineHandle,
        stop: CancellationToken,
    ) -> Arc<Self> {
        shared.practices.lock().unwrap_or_else(PoisonError::into_inner).insert(config.id.clone());
        Arc::new(Self {
            health: Health::new(config.id.clone()),
            configuration: configuration::Configuration::open(&shared.store, &config.id),
            publisher: publishing::Publisher::open(&shared.store, &config.id),
            subscriptions: subscriptions::Subscriptions::open(&shared.store, &config.id),
            config,
            settings,
            shared,
            openvpms,
            healthengine,
            stop,
            tasks: TaskTracker::new(),
            look_now: Notify::new(),
            try_again: Notify::new(),
            evidence: Mutex::default(),
            offering: watch_channel::Sender::new(None),
            offered: watch_channel::Sender::new(None),
            first_configuration: SetOnce::new(),
            first_offering: SetOnce::new(),
            first_sending: SetOnce::new(),
            first_listing: SetOnce::new(),
            configuring: AsyncMutex::default(),
            due: due::Queue::default(),
            asked_days: due::Queue::default(),
            answering_at_once: Arc::default(),
            progress: Mutex::default(),
            refused_since: Mutex::default(),
            watched: Mutex::default(),
            desk_places: Arc::new(Semaphore::new(requests::IN_TIME_AT_ONCE)),
            late_places: Arc::new(Semaphore::new(requests::LATE_AT_ONCE)),
            update_places: Arc::new(Semaphore::new(requests::UPDATES_AT_ONCE)),
            known_places: Arc::new(Semaphore::new(requests::KNOWN_AT_ONCE)),
            relisted: AsyncMutex::default(),
            busy_bookings: Mutex::default(),
            turn_over: Notify::new(),
            refused_updates: Mutex::default(),
            documents: documents::Documents::default(),
            outstanding: Mutex::default(),
            unheard_answers: Mutex::default(),
            unserved: Mutex::default(),
        })
    }

    /// Starts the loops. They end when the practice's token is cancelled.
    pub fn start(self: &Arc<Self>) {
        let tasks = &self.tasks;
        tasks.spawn(Arc::clone(self).configuration_loop());
        tasks.spawn(Arc::clone(self).availability_loop());
        tasks.spawn(Arc::clone(self).refresh_loop());
        tasks.spawn(Arc::clone(self).asked_days_loop());
        tasks.spawn(Arc::clone(self).request_loop());
        tasks.spawn(Arc::clone(self).due_loop());
        tasks.spawn(Arc::clone(self).subscription_loop());
    }

    /// Asks Healthengine again at once if it refused us: a person may just have put that right.
    pub fn try_again(&self) {
        if self.health.has(&Subject::Access) {
            self.try_again.notify_one();
            self.read_configuration_soon();
        }
    }

    /// Stops the loops and waits for what is in flight, which ends by itself: every call has its timeout.
    pub async fn stop(&self) {
        self.stop.cancel();
        self.tasks.close();
        self.tasks.wait().await;
    }

    /// Its id at Healthengine.
    pub fn id(&self) -> &PracticeId {
        &self.config.id
    }

    /// What is wrong with it.
    pub fn health(&self) -> &Health {
        &self.health
    }

    /// What was last done when.
    pub fn progress(&self) -> Progress {
        *self.locked(&self.progress)
    }

    /// Its resources, types and zones, once OpenVPMS was read.
    pub fn offering(&self) -> Option<Arc<Offering>> {
        self.offering.borrow().clone()
    }

    /// The resources and types that Healthengine accepted, once it did: it refuses days of any others.
    fn offered(&self) -> Option<Arc<Offering>> {
        self.offered.borrow().clone()
    }

    /// The zone Healthengine sees: the configured one, else the server's as it was last read. Before OpenVPMS was ever read, UTC.
    pub fn zone(&self) -> Zone {
        self.known_zone().unwrap_or(Zone::Iana(chrono_tz::UTC))
    }

    fn known_zone(&self) -> Option<Zone> {
        let configured = self.config.timezone;
        configured
            .or_else(|| self.offering().map(|offering| offering.zones.practice))
            .or_else(|| zones::remembered(&self.shared.store, self.id()))
    }

    /// Why Healthengine may not show what the diary says; empty when it does. `near_interval` is how often the near days are read.
    pub fn not_in_step(&self, now: DateTime<Utc>) -> Vec<String> {
        let progress = self.progress();
        let near_interval =
            TimeDelta::from_std(self.settings.sync.availability_interval).unwrap_or(TimeDelta::minutes(1));
        // A reading takes its time, so a young process or a slow server is not out of step after two intervals of 100 ms.
        let stale = (near_interval * 2).max(TimeDelta::seconds(10));
        let mut reasons = Vec::new();
        if !self.configuration.was_ever_accepted() {
            reasons.push(say::NOT_CONFIGURED.to_owned());
        }
        if progress.read_at.is_none_or(|at| now - at > stale) {
            reasons.push(say::NOT_READ.to_owned());
        }
        if progress.polled_at.is_none()
            || self.health.has(&Subject::Healthengine)
            || self.health.has(&Subject::BookingList)
        {
            reasons.push(say::NOT_POLLED.to_owned());
        }
        if self.health.has(&Subject::Configuration) || self.health.has(&Subject::Days) {
            reasons.push(say::NOT_TAKEN.to_owned());
        }
        if self.health.has(&Subject::Access) {
            reasons.push(say::NO_ACCESS.to_owned());
        }
        reasons
    }

    fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// Delays between attempts. Their randomness comes from the store's secret key: no two clinics share it.
    fn delays(&self, first: Duration) -> Delays {
        Delays::new(first, self.settings.sync.max_retry_interval, self.seed())
    }

    fn seed(&self) -> u64 {
        u64::from_str_radix(&self.shared.pseudonyms.fingerprint(&self.id().0)[..16], 16).unwrap_or_default()
    }

    fn locked<'a, T>(&self, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn refused_updates(&self) -> MutexGuard<'_, BTreeMap<RequestId, u32>> {
        self.locked(&self.refused_updates)
    }

    /// Takes a booking for one task; `None` while another has it.
    fn take_turn(self: &Arc<Self>, booking: BookingId) -> Option<Turn> {
        self.locked(&self.busy_bookings).insert(booking).then(|| Turn { practice: Arc::clone(self), booking })
    }

    /// Waits for a booking that another task has.
    async fn wait_for_turn(self: &Arc<Self>, booking: BookingId) -> Turn {
        loop {
            let over = self.turn_over.notified();
            tokio::pin!(over);
            // Listening before looking: a turn that ends in between is heard.
            over.as_mut().enable();
            if let Some(turn) = self.take_turn(booking) {
                return turn;
            }
            over.await;
        }
    }

    /// A store that cannot be written ends the process: nothing may be done that is not remembered.
    fn written(&self, outcome: Result<(), LedgerError>) {
        if let Err(LedgerError::Unreadable(unreadable)) = outcome {
            // At each poll, for as long as Healthengine lists it. Whoever looks after the bridge was told when the ledger was opened.
            return tracing::debug!(practice = %self.id(), "A booking is left alone: {unreadable}.");
        }
        if let Err(error) = outcome {
            tracing::error!(practice = %self.id(), "The ledger cannot be written: {error}.");
            self.health.raise(Subject::Store, error.to_string(), self.now());
            self.shared.broken.cancel();
        }
    }

    /// An answer of Healthengine's came.
    fn healthengine_answered(&self) {
        let now = self.now();
        self.locked(&self.progress).polled_at = Some(now);
        self.health.clear(&Subject::Healthengine);
        self.health.clear(&Subject::Access);
        let difference = self.healthengine.clock_difference();
        let wrong = difference.abs() > CLOCK_DIFFERENCE_MAX;
        self.health.set(Subject::Clock, wrong.then(|| say::clock_differs(difference)), now);
    }

    /// An answer of Healthengine's did not come, or refused us.
    fn healthengine_failed(&self, error: &CallError) {
        let now = self.now();
        match error.class {
            ErrorClass::Credentials | ErrorClass::Forbidden => {
                let text = format!("{} {}", say::healthengine_failed(error, self.id()), say::TRIED_AGAIN);
                self.health.raise(Subject::Access, text, now);
            }
            ErrorClass::NotSent
            | ErrorClass::Lost
            | ErrorClass::Unavailable
            | ErrorClass::Refused
            | ErrorClass::TooMany
            | ErrorClass::Contract => {
                self.health.raise(Subject::Healthengine, say::healthengine_failed(error, self.id()), now)
            }
        }
    }

    /// Requests without an id, or too many on one page: they are listed at every poll, and said once.
    fn unreadable_requests(&self, entries: usize) {
        if self.locked(&self.unserved).insert("unreadable".to_owned()) {
            tracing::warn!(practice = %self.id(), entries, "Healthengine lists requests without an id, or too many on one page; they cannot be answered yet.");
        }
    }

    /// A request type that vetbridge does not serve: said once, left alone.
    fn unserved(&self, name: &str) {
        // Names come from the network; more than a handful of them is nonsense.
        let mut unserved = self.locked(&self.unserved);
        if unserved.len() < 20 && unserved.insert(name.to_owned()) {
            tracing::warn!(practice = %self.id(), request = plain(name), "Healthengine asks for something that vetbridge does not serve.");
        }
    }
}

/// Why a round of work came to nothing.
#[derive(Debug)]
enum Failed {
    OpenVpms(CallError),
    Healthengine(CallError),
    /// Nobody failed to answer, but the answer names no zone that days could be told in.
    NoZone,
}

impl Failed {
    fn into_error(self) -> CallError {
        match self {
            Self::OpenVpms(error) | Self::Healthengine(error) => error,
            Self::NoZone => CallError::new(ErrorClass::Contract, say::NO_ZONE),
        }
    }

    /// For a person who waits for it: what is wrong and what to do.
    fn sentence(&self, practice: &PracticeId) -> String {
        match self {
            Self::OpenVpms(error) => say::openvpms_failed(error),
            Self::Healthengine(error) => say::healthengine_failed(error, practice),
            Self::NoZone => say::ZONE_MISSING.to_owned(),
        }
    }
}

/// A name from the network, fit for a log.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).take(40).collect()
}

/// Over this a clock is a health problem: deadlines are counted in seconds.
const CLOCK_DIFFERENCE_MAX: TimeDelta = TimeDelta::seconds(30);

/// A booking that one task is at.
struct Turn {
    practice: Arc<Practice>,
    booking: BookingId,
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.practice.locked(&self.practice.busy_bookings).remove(&self.booking);
        self.practice.turn_over.notify_waiters();
    }
}
