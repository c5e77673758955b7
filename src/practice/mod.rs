//! The running shell of one practice: it asks, hands what it saw to the pure decisions, carries them out, and waits.
//!
//! | file | does |
//! | --- | --- |
//! | [`shared`] | what a practice is made with |
//! | [`loops`] | its loops and tasks, and that each of them is kept alive |
//! | [`requests`] | polls Healthengine and starts whatever it wants, bookings first |
//! | [`lists`] | reads its lists, and what it means that something is not on one |
//! | [`turns`] | lets one task at a time be at a booking |
//! | [`desk`], [`answers`] | carries out [`crate::booking::machine`] for one booking |
//! | [`recall`], [`client_memory`] | recognises clients whose name is misspelt, and learns how OpenVPMS spells it |
//! | [`updates`] | cancellations by pet owners, questions about appointments |
//! | [`documents`] | rejects what belongs to features that OpenVPMS cannot serve |
//! | [`watch`] | cancellations and moves by staff |
//! | [`waiting`] | tells how long Healthengine has been waiting for answers |
//! | [`resolve`] | what a person says became of a booking |
//! | [`configuration`], [`offering`] | reads OpenVPMS's inventory, sends liveness contract, resources, appointment types |
//! | [`availability`], [`full_resync`] | reads and sends all days in turn, and once a day in full |
//! | [`single_days`], [`asked_days`] | sends days at once: those that changed, those that Healthengine asks for |
//! | [`due`] | which single days are to be read and sent at once |
//! | [`reading`] | reads free/busy and turns it into days |
//! | [`publishing`], [`batches`] | sends days that differ from what Healthengine has; in which calls |
//! | [`sent_days`], [`put_aside`] | what Healthengine was last sent of each day; what it does not take while it takes others |
//! | [`openness`] | tells what is offered and never open |
//! | [`rivals`] | notices another bridge on the practice, and lets it go first |
//! | [`resync`] | reads and sends everything when a person asks for it |
//! | [`subscriptions`] | keeps the webhook subscription, hears webhooks |
//! | [`farewell`] | what is done before a practice that is switched off is silent |
//! | [`giving_up`] | rejects what can be rejected when the store has failed |
//! | [`calls`], [`unread`], [`unsent`] | what failed and has not succeeded since |
//! | [`findings`] | that of two tasks the one that finds something out last tells of it last |
//! | [`health`], [`outcomes`], [`in_step`], [`said_once`] | what administrators are told of all that, and when |
//! | [`mod@kept`] | names every kind of record there is |
//! | [`ledger`], [`locks`], [`rosters`], [`zones`] | what the above share |
//!
//! Practices run side by side. They share the store, the locks of the desk and the rate limits, never a task: one that fails
//! holds up no other.

mod answers;
mod asked_days;
mod availability;
mod batches;
mod calls;
pub mod client_memory;
mod configuration;
mod desk;
mod documents;
mod due;
mod farewell;
mod findings;
mod full_resync;
mod giving_up;
pub mod health;
mod in_step;
mod kept;
pub mod ledger;
mod lists;
pub mod locks;
mod loops;
mod offering;
mod openness;
mod outcomes;
mod publishing;
mod put_aside;
mod reading;
mod recall;
mod requests;
pub mod resolve;
pub mod resync;
mod rivals;
pub mod rosters;
mod said_once;
mod sent_days;
mod shared;
mod single_days;
mod subscriptions;
mod turns;
mod unread;
mod unsent;
mod updates;
mod waiting;
mod watch;
pub mod zones;

use parking_lot::{Mutex, MutexGuard};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, Utc};
use tokio::sync::{Mutex as AsyncMutex, Notify, Semaphore, SetOnce, watch as watch_channel};
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use crate::availability::openness::Openness;
use crate::clock::Measured;
use crate::config;
use crate::delays::Delays;
use crate::healthengine::HealthengineHandle;
use crate::ids::{BookingId, PracticeId};
use crate::webhooks::evidence::Evidence;

pub(crate) use configuration::{asked, read_inventory};
pub use farewell::Farewell;
use findings::Findings;
use health::{Health, Subject};
pub use in_step::Progress;
pub use kept::KINDS;
pub(crate) use lists::{Absence, all_pages};
pub(crate) use loops::kept;
pub use offering::Offering;
use outcomes::Failed;
pub use sent_days::with_days_from;
pub use shared::{Doors, Settings, Shared};
pub use single_days::Changed;

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
    /// Whether another bridge serves the practice.
    rivals: rivals::Rivals,
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
    publisher: sent_days::Publisher,
    /// Single days: those that changed, and those that Healthengine asks for. The many of these hold up none of those.
    due: due::Queue,
    asked_days: due::Queue,
    /// Held while days that need no reading are sent.
    answering_at_once: Arc<AsyncMutex<()>>,
    progress: Mutex<Progress>,
    /// What failed and has not succeeded since.
    calls: Findings<calls::Calls>,
    unread: Findings<unread::Unread>,
    watched: Mutex<watch::Watched>,
    /// What is offered and has no open time.
    openness: Mutex<Openness>,
    /// Places at the desk: for bookings that can still be rejected in time, and for the others.
    desk_places: Arc<Semaphore>,
    late_places: Arc<Semaphore>,
    /// Places for what pet owners changed, and for what is found out about bookings that nobody waits for.
    update_places: Arc<Semaphore>,
    known_places: Arc<Semaphore>,
    /// The list of bookings as it was last read to see whether one is still on it.
    relisted: AsyncMutex<Option<lists::Listing>>,
    last_long_list: Mutex<Option<lists::LongList>>,
    /// Bookings that a task is at.
    busy_bookings: Mutex<BTreeSet<BookingId>>,
    /// One of them is free again.
    turn_over: Notify,
    /// How often Healthengine refused an answer to an update, or to a question about an appointment.
    refused_answers: Mutex<BTreeMap<calls::Call, u32>>,
    /// Rejections of documents.
    documents: documents::Documents,
    /// How long requests have been waiting for their answers.
    outstanding: Mutex<waiting::Outstanding>,
    /// What was logged once and need not be again.
    unserved: Mutex<BTreeSet<String>>,
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
        shared.practices.lock().insert(config.id.clone());
        let configuration = configuration::Configuration::open(&shared.store, &config.id);
        let publisher = sent_days::Publisher::open(&shared.store, &config.id);
        // What the store knows was done before a restart.
        let (configured_at, sent_at) = (configuration.accepted_at(), publisher.last_accepted_at());
        let progress = Progress { configured_at, sent_at, ..Progress::default() };
        Arc::new(Self {
            health: Health::new(config.id.clone()),
            configuration,
            publisher,
            subscriptions: subscriptions::Subscriptions::open(&shared.store, &config.id),
            rivals: rivals::Rivals::open(&shared.store, &config.id, shared.clock.now()),
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
            progress: Mutex::new(progress),
            calls: Findings::default(),
            unread: Findings::default(),
            watched: Mutex::default(),
            openness: Mutex::default(),
            desk_places: Arc::new(Semaphore::new(requests::IN_TIME_AT_ONCE)),
            late_places: Arc::new(Semaphore::new(requests::LATE_AT_ONCE)),
            update_places: Arc::new(Semaphore::new(requests::UPDATES_AT_ONCE)),
            known_places: Arc::new(Semaphore::new(requests::KNOWN_AT_ONCE)),
            last_long_list: Mutex::default(),
            relisted: AsyncMutex::default(),
            busy_bookings: Mutex::default(),
            turn_over: Notify::new(),
            refused_answers: Mutex::default(),
            documents: documents::Documents::default(),
            outstanding: Mutex::default(),
            unserved: Mutex::default(),
        })
    }

    /// Asks Healthengine again at once if it refused us: a person may just have put that right.
    pub fn try_again(&self) {
        self.publisher.batches.forget();
        if self.health.has(&Subject::Access) {
            self.calls.note(calls::Calls::lift);
            self.try_again.notify_one();
            self.read_configuration_soon();
        }
    }

    /// Asks both servers again at once: one that wanted to be left alone need not be any more.
    pub fn ask_again(&self) {
        self.try_again.notify_one();
        self.read_configuration_soon();
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

    fn now(&self) -> DateTime<Utc> {
        self.shared.clock.now()
    }

    /// The same as this process measured it.
    fn measured(&self) -> Measured {
        self.shared.stopwatch.read()
    }

    /// Delays between attempts. Their randomness comes from the store's secret key: no two clinics share it.
    fn delays(&self, first: Duration) -> Delays {
        Delays::new(first, self.settings.sync.max_retry_interval, self.seed())
    }

    fn seed(&self) -> u64 {
        u64::from_str_radix(&self.shared.pseudonyms.fingerprint(&self.id().0)[..16], 16).unwrap_or_default()
    }

    fn locked<'a, T>(&self, mutex: &'a Mutex<T>) -> MutexGuard<'a, T> {
        mutex.lock()
    }
}
