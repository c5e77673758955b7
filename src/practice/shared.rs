//! What a practice is made with, and what all practices share.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::TimeDelta;
use parking_lot::Mutex;
use tokio::sync::{Mutex as AsyncMutex, broadcast};
use tokio_util::sync::CancellationToken;

use super::booking_executor::locks::Locks;
use super::days::pass_places::PassPlaces;
use super::days::sent::DaysAtStart;
use super::health::outage_log::OutageLog;
use super::ledger::Ledger;
use super::requests::early_poll::EarlyPolls;
use super::{client_memory, rosters};
use crate::clock::{Clock, Stopwatch};
use crate::clock_leaps::Leaps;
use crate::config::{self, Config};
use crate::ids::{PracticeId, ScheduleId, UserId};
use crate::messages::practice as say;
use crate::metrics::exposition::Metrics;
use crate::openvpms::{OpenVpmsReader, OpenVpmsWriter};
use crate::pet_owner::pseudonym::Pseudonyms;
use crate::span::Span;
use crate::store::Store;
use crate::supervisor::Supervisor;
use crate::webhooks::subscriptions::WantedSubscription;

/// The ways to OpenVPMS. Two of them only read, each with its share of the rate limit: one where a
/// pet owner waits, and one for everything else. What changes the diary is apart from both, so that
/// a rehearsal has none.
#[derive(Clone)]
pub struct OpenVpmsClients {
    /// Reads for bookings.
    pub interactive: OpenVpmsReader,
    /// Reads availability and configuration.
    pub background: OpenVpmsReader,
    /// Makes and cancels appointments.
    pub writer: OpenVpmsWriter,
}

/// Something happened to the diary at this time: whoever shares the schedule or the clinician looks
/// again.
#[derive(Debug, Clone)]
pub struct DiaryChange {
    /// Where.
    pub schedule: ScheduleId,
    /// With whom.
    pub user: Option<UserId>,
    /// When.
    pub span: Span,
    /// The practice that has the schedule's day already, as it is after the change.
    pub read_by: Option<PracticeId>,
}

/// What all practices share.
pub struct Shared {
    /// What time it is.
    pub clock: Clock,
    /// How much time went by, whatever the clock was set to.
    pub stopwatch: Stopwatch,
    /// What is counted and timed.
    pub metrics: Metrics,
    /// What is kept.
    pub store: Store,
    /// The bookings.
    pub ledger: Ledger,
    /// What was last sent, as it was read when the store was opened: for the practices that this
    /// start makes. `None` later, and where a store is opened without it.
    pub(crate) days_at_start: Mutex<Option<DaysAtStart>>,
    /// The first polls, which left while the store was read.
    pub(crate) early_polls: EarlyPolls,
    /// A few practices at a time work out many days.
    pub(crate) pass_places: PassPlaces,
    /// One booking at a time per schedule and clinician.
    pub locks: Locks,
    /// Names for patients that say nothing about them.
    pub pseudonyms: Pseudonyms,
    /// One booking at a time is settled by a person: no appointment is given to two.
    pub resolving: AsyncMutex<()>,
    /// How OpenVPMS spells clients' names.
    pub clients: client_memory::ClientMemory,
    /// What was learnt of clinicians' rosters.
    pub rosters: rosters::KnownRosters,
    /// Every practice that this process ever had: their subscriptions are not each other's.
    pub practices: Mutex<BTreeSet<PracticeId>>,
    /// What happened to the diary, for all practices to hear.
    pub changes: broadcast::Sender<DiaryChange>,
    /// Outages of the servers, as the log has them.
    pub outages: Arc<OutageLog>,
    /// Keeps the loops alive.
    pub supervisor: Supervisor,
    /// Tells when the clock leaps.
    pub leaps: Leaps,
    /// Cancelled when the store cannot be written: nothing may be done any more.
    pub broken: CancellationToken,
}

impl Shared {
    /// A store that was made while this machine's clock was ahead must not be called younger than
    /// what this process saw.
    pub(crate) fn set_store_right(&self) {
        let (now, measured) = (self.clock.now(), self.stopwatch.read());
        self.store.set_right(now, now - (measured.now - measured.began));
    }
}

/// Settings of the config file that all practices have in common.
#[derive(Debug, Clone, PartialEq)]
pub struct Settings {
    /// `[sync]`.
    pub sync: config::SyncSettings,
    /// `[bookings]`.
    pub bookings: config::BookingSettings,
    /// Where webhooks are to arrive, if anywhere.
    pub webhooks: Option<WantedSubscription>,
    /// How long a request to OpenVPMS may take.
    pub request_timeout: TimeDelta,
    /// Where the two servers are, for whoever reads of a problem.
    pub places: ServerPlaces,
}

/// Where the two servers are by the configuration, in sentences.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerPlaces {
    /// OpenVPMS.
    pub openvpms: String,
    /// Healthengine.
    pub healthengine: String,
}

impl ServerPlaces {
    fn of(config: &Config) -> Self {
        let place = |key, url: &str| say::server_place(key, &config.source, url);
        Self {
            openvpms: place("[openvpms] url", config.openvpms.url.as_str()),
            healthengine: place("[healthengine] url", config.healthengine.url.as_str()),
        }
    }
}

impl Settings {
    /// What a configuration says of them.
    pub fn of(config: &Config) -> Self {
        let request_timeout = TimeDelta::from_std(config.openvpms.request_timeout).unwrap_or(TimeDelta::seconds(10));
        let wanted = |webhooks: &config::WebhookSettings| WantedSubscription {
            prefix: webhooks.prefix(),
            callback_url: webhooks.callback_url(),
        };
        let webhooks = config.webhooks.as_ref().map(wanted);
        let places = ServerPlaces::of(config);
        Self { sync: config.sync.clone(), bookings: config.bookings.clone(), webhooks, request_timeout, places }
    }
}
