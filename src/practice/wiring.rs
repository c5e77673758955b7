//! Makes the components of a practice, starts their loops and stops them.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::booking_executor::executor::Executor;
use super::booking_executor::watch::DiaryWatch;
use super::configuration::accepted::AcceptedConfiguration;
use super::configuration::sync::ConfigurationSync;
use super::context::Context;
use super::days::asked::AskedDays;
use super::days::passes::DayPasses;
use super::days::publisher::Publisher;
use super::days::single::SingleDays;
use super::health::calls::CallHealth;
use super::health::last_done::LastDone;
use super::health::problems::Problems;
use super::health::readings::ReadingHealth;
use super::health::subject::Subject;
use super::last_resync::{self, LastResync};
use super::lists::Lists;
use super::offering::{self, Offering};
use super::reading::DiaryReader;
use super::requests::poller::RequestPoller;
use super::shared::{OpenVpmsClients, Settings, Shared};
use super::signals::{Milestones, Signals};
use super::subscription::evidence::WebhookEvidence;
use super::subscription::upkeep::WebhookSubscription;
use crate::availability::rules::OfferRule;
use crate::call_error::Answer;
use crate::config::{self, WhenDown};
use crate::healthengine::HealthengineHandle;
use crate::ids::{BookingId, PracticeId};
use crate::mapping::changes::ConfigurationChanges;
use crate::messages::{of_locations, supervisor as say};
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::polling::call_rates::DiaryReads;
use crate::said_lines::SaidLines;
use crate::webhooks::hint::Hint;
use crate::zone::Zone;

/// One practice.
pub struct Practice {
    pub(super) context: Arc<Context>,
    pub(super) calls: Arc<CallHealth>,
    pub(super) reader: Arc<DiaryReader>,
    pub(super) accepted: Arc<AcceptedConfiguration>,
    pub(super) executor: Arc<Executor>,
    watch: Arc<DiaryWatch>,
    pub(super) publisher: Arc<Publisher>,
    days: DayLoops,
    pub(super) configuration: Arc<ConfigurationSync>,
    pub(super) requests: Arc<RequestPoller>,
    pub(super) subscription: Arc<WebhookSubscription>,
}

/// The loops that read and send days.
struct DayLoops {
    passes: Arc<DayPasses>,
    single: Arc<SingleDays>,
    asked: Arc<AskedDays>,
}

impl Practice {
    /// A practice that does nothing yet.
    pub fn new(
        config: config::PracticeSettings,
        settings: Settings,
        shared: Arc<Shared>,
        openvpms: OpenVpmsClients,
        healthengine: HealthengineHandle,
        stop: CancellationToken,
    ) -> Arc<Self> {
        shared.practices.lock().insert(config.id.clone());
        let (offering_writer, offering) = offering::channel();
        let accepted = Arc::new(AcceptedConfiguration::open(&shared.store, &config.id));
        let context = Arc::new(Context {
            health: Problems::new(config.id.clone(), settings.places.clone(), Arc::clone(&shared.outages)),
            said: SaidLines::default(),
            last_done: Mutex::default(),
            step_since: Mutex::default(),
            offering,
            signals: Signals::default(),
            milestones: Milestones::default(),
            tasks: TaskTracker::new(),
            config,
            settings,
            shared,
            openvpms,
            healthengine,
            stop,
        });
        let own = || Arc::clone(&context);
        let calls = Arc::new(CallHealth::new(own()));
        let readings = Arc::new(ReadingHealth::new(own()));
        let lists = Arc::new(Lists::new(own(), Arc::clone(&calls)));
        let reader = Arc::new(DiaryReader::new(own(), Arc::clone(&readings)));
        let publisher = Arc::new(Publisher::new(own(), Arc::clone(&calls), Arc::clone(&accepted)));
        let executor = Arc::new(Executor::new(
            own(),
            Arc::clone(&calls),
            Arc::clone(&lists),
            Arc::clone(&reader),
            Arc::clone(&accepted),
            Arc::clone(&publisher),
        ));
        let watch = Arc::new(DiaryWatch::new(own(), Arc::clone(&executor), Arc::clone(&reader)));
        let single = Arc::new(SingleDays::new(own(), Arc::clone(&publisher), Arc::clone(&reader)));
        let asked = Arc::new(AskedDays::new(own(), Arc::clone(&accepted), Arc::clone(&single)));
        let passes = Arc::new(DayPasses::new(
            own(),
            readings,
            Arc::clone(&reader),
            Arc::clone(&publisher),
            Arc::clone(&accepted),
            Arc::clone(&watch),
        ));
        let configuration = Arc::new(ConfigurationSync::new(
            own(),
            Arc::clone(&calls),
            Arc::clone(&reader),
            Arc::clone(&publisher),
            Arc::clone(&accepted),
            offering_writer,
        ));
        let evidence = Arc::new(WebhookEvidence::default());
        let subscription = Arc::new(WebhookSubscription::open(
            own(),
            Arc::clone(&calls),
            Arc::clone(&executor.other_bridge),
            Arc::clone(&evidence),
        ));
        let requests = Arc::new(RequestPoller::new(
            own(),
            Arc::clone(&calls),
            lists,
            Arc::clone(&executor),
            Arc::clone(&publisher),
            Arc::clone(&asked),
            evidence,
        ));
        // What the store knows was done before a restart.
        {
            let mut last_done = context.last_done.lock();
            last_done.configured_at = accepted.accepted_at();
            last_done.sent_at = publisher.sent.last_accepted_at();
        }
        let days = DayLoops { passes, single, asked };
        Arc::new(Self {
            context,
            calls,
            reader,
            accepted,
            executor,
            watch,
            publisher,
            days,
            configuration,
            requests,
            subscription,
        })
    }

    /// Starts the loops. They end when the practice's token is cancelled.
    pub fn start(&self) {
        self.publisher.tell_of_days_refused_before();
        let context = &self.context;
        context.keep(say::CONFIGURATION, &self.configuration, ConfigurationSync::configuration_loop);
        context.keep(say::AVAILABILITY, &self.days.passes, DayPasses::availability_loop);
        context.keep(say::CHANGED_DAYS, &self.days.single, SingleDays::changed_days_loop);
        context.keep(say::ASKED_DAYS, &self.days.asked, AskedDays::asked_days_loop);
        context.keep(say::REQUESTS, &self.requests, RequestPoller::request_loop);
        context.keep(say::DUE_BOOKINGS, &self.executor, Executor::due_loop);
        context.keep(say::SUBSCRIPTIONS, &self.subscription, WebhookSubscription::upkeep_loop);
        context.keep(say::APPOINTMENTS, &self.watch, DiaryWatch::watch_loop);
        context.keep(say::OTHER_BRIDGE, &self.subscription, WebhookSubscription::other_bridge_loop);
    }

    /// Stops the loops and waits for what is in flight, which ends by itself: every call has its
    /// timeout.
    pub async fn stop(&self) {
        self.context.stop.cancel();
        self.context.tasks.close();
        self.context.tasks.wait().await;
    }

    /// Rejects what is open and not in doubt, after the store has failed. Call it when nothing is
    /// begun any more.
    pub async fn reject_open(&self) {
        OnBehalfOf::practice(self.id()).does(self.executor.reject_open()).await;
    }

    /// Deletes every webhook subscription of ours, and forgets it; also when the loops have ended.
    ///
    /// # Errors
    /// Healthengine did not do it, or the store cannot be written; what was not deleted ends by
    /// itself within a week.
    pub async fn end_subscriptions(&self) -> Answer<()> {
        self.subscription.end().await
    }

    /// A webhook for this practice arrived.
    pub fn webhook(&self, hint: &Hint) {
        self.subscription.webhook(hint);
    }

    /// Something may wait at Healthengine: the next poll is now.
    pub fn look_now(&self) {
        self.context.signals.poll.notify_one();
    }

    /// Asks Healthengine again at once if it refused us: a person may just have put that right.
    pub fn try_again(&self) {
        self.publisher.forget_batches();
        if self.context.health.has(&Subject::Access) {
            self.calls.lift();
            self.ask_again();
        }
    }

    /// Asks both servers again at once: one that wanted to be left alone need not be any more.
    pub fn ask_again(&self) {
        self.context.signals.try_again.notify_one();
        self.context.signals.configuration.soon();
    }

    /// True inside its live hours.
    pub fn is_live(&self, now: DateTime<Utc>) -> bool {
        self.context.config.live_hours.is_live(self.zone().wall(now))
    }

    /// Goes on where another with the same id stopped, as after a reload: what was done stays done,
    /// and what was wrong is wrong until it is seen to be right. `is_on` if it is about to run.
    pub fn carry_on_from(&self, former: &Self, is_on: bool) {
        self.context.health.carry_on_from(&former.context.health, is_on, self.context.now());
        self.requests.carry_on_from(&former.requests);
        self.reader.early.carry_on_from(&former.reader.early);
        let before = former.last_done();
        let mut last_done = self.context.last_done.lock();
        *last_done = last_done.or(before);
        if is_on {
            *self.context.step_since.lock() = *former.context.step_since.lock();
        }
    }

    /// Its id at Healthengine.
    pub fn id(&self) -> &PracticeId {
        self.context.id()
    }

    /// What its locations are called, in the order of the configuration, as far as they are known.
    pub fn location_names(&self) -> Vec<String> {
        let names = self.accepted.location_names();
        self.context.config.locations.iter().filter_map(|location| names.get(location).cloned()).collect()
    }

    /// What it is called: as its location, or the first of several. `None` until that is known.
    pub fn name(&self) -> Option<String> {
        of_locations(&self.location_names())
    }

    /// What is wrong with it.
    pub fn health(&self) -> &Problems {
        &self.context.health
    }

    /// What of the configuration is planned and not accepted yet.
    pub fn unsent_configuration(&self) -> Option<ConfigurationChanges> {
        self.accepted.unsent()
    }

    /// Bookings whose pet owners cancelled, which is not settled yet.
    pub fn waiting_cancellations(&self) -> BTreeSet<BookingId> {
        self.requests.waiting_cancellations()
    }

    /// How many starts from now on Healthengine offers, as far as it was heard; `None` if nobody
    /// knows.
    pub fn starts_offered(&self) -> Option<usize> {
        self.publisher.sent.starts_offered(self.context.now(), &self.context.zone())
    }

    /// True if bookings wait while OpenVPMS is away, instead of being rejected.
    pub fn holds_bookings(&self) -> bool {
        self.context.settings.bookings.when_openvpms_is_down == WhenDown::Hold
    }

    /// The rules of its offer.
    pub fn rules(&self) -> &[OfferRule] {
        &self.context.config.rules
    }

    /// What was last done when.
    pub fn last_done(&self) -> LastDone {
        *self.context.last_done.lock()
    }

    /// How sending everything again went the last time, as far as the store knows. The process was
    /// started at this moment.
    pub fn last_resync(&self, started_at: DateTime<Utc>) -> Option<LastResync> {
        last_resync::of(&self.context.shared.store, self.context.id(), started_at)
    }

    /// How long the oldest request of each kind has been waiting at Healthengine.
    pub fn oldest_open(&self) -> Vec<(&'static str, TimeDelta)> {
        self.requests.oldest_open(self.context.now())
    }

    /// How far Healthengine's clock is ahead of ours.
    pub fn clock_difference(&self) -> TimeDelta {
        self.context.healthengine.clock_difference()
    }

    /// When the last webhook for this practice arrived.
    pub fn webhook_at(&self) -> Option<DateTime<Utc>> {
        self.subscription.evidence.arrived_at()
    }

    /// Its resources, types and zones, once OpenVPMS was read.
    pub fn offering(&self) -> Option<Arc<Offering>> {
        self.context.offering.current()
    }

    /// What is read of OpenVPMS for it, as far as that is known.
    pub fn add_reads(&self, reads: &mut DiaryReads) {
        if let Some(offering) = self.offering() {
            reads.add(self.context.config.locations.len(), &offering.mapping);
        }
    }

    /// The zone Healthengine sees: the configured one, else the server's as it was last read.
    /// Before OpenVPMS was ever read, UTC.
    pub fn zone(&self) -> Zone {
        self.context.zone()
    }
}
