//! Healthengine's PMS API 1.9.0 as a model with state.
//!
//! # Model
//! One server for one consumer (its api-key). A *practice* grants consent and gives a key. What the
//! consumer sends replaces what it sent before: resources, appointment types, the liveness
//! contract, the day of a resource. Staff *link* resources and types to what pet owners see. From
//! linked resources and published days follow the times that can be *booked*; a booking waits in a
//! list until it is answered, and so does everything else that Healthengine wants.
//!
//! ```text
//!   configuration, availability ─▶ links ─▶ offer ─▶ pet_owners ─▶ bookings ─▶ requests ─▶ answers
//! ```
//! The API side is [`crate::simulator::exchange::Model`]: bytes in, bytes out, over HTTP or in
//! memory (`door`, `routes`). The other side is the methods of [`HealthengineModel`]: what pet
//! owners do (`pet_owners`), what staff and Healthengine do (`staff`), how healthy the integration
//! looks (`health`), what was asked and what was asked wrongly (`record`).
//!
//! # Promises
//! - As strict as the API's definition, the quick start and the suggested tests, or stricter.
//!   Everything a client does that they do not allow is kept in [`HealthengineModel::violations`];
//!   a test of a well-made client asserts that it is empty. What the best of clients can meet (401,
//!   403, 404 for an answer that was given before, no batch endpoint) is none.
//! - Deterministic: ids are counted, time is [`Clock`]'s plus [`ModelSettings::skew`], nothing runs
//!   in the background but the delivery of webhooks, where a test wants it; the queue and the 20
//!   seconds are worked out when somebody looks.
//! - What the API leaves open is decided by [`ModelSettings`], or is an assumption that the module
//!   concerned lists on its first page. None of them is a fact about the real server.
//! - Bodies are never kept or quoted. Webhooks are delivered by
//!   [`HealthengineModel::deliver_webhooks`]; without it they wait.

mod answers;
mod availability;
mod body;
mod bookings;
mod configuration;
mod courier;
mod deliveries;
mod documents;
mod door;
mod features;
mod health;
mod links;
mod offer;
mod pet_owners;
mod record;
mod requests;
mod routes;
mod settings;
mod staff;
mod state;
mod subscriptions;
mod unknown;
mod visit;

use parking_lot::Mutex;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use tokio::sync::Notify;

pub use availability::PublishedRange;
pub use bookings::{MarketplaceStatus, PetOwner, RequestOutcome, Who};
pub use courier::HttpCourier;
pub use deliveries::{ANSWER_WITHIN, Courier, Delivered, RESENT_AFTER};
pub use door::BASE_PATH;
pub use health::{Lapse, LivenessReport};
pub use links::{OfferedKind, Practitioner};
pub use offer::OfferedStart;
pub use pet_owners::{MarketplaceBooking, NotOffered, Wish};
pub use record::{LoggedExchange, Violation};
pub use settings::{AbsentForm, BatchEndpoint, ErrorLog, LateReject, ModelSettings, Renewal, Repeated};
pub use staff::NewPractice;
pub use state::{ListedResource, ListedType};
pub use subscriptions::{DeliveryFailure, HeldSubscription};
pub use unknown::Unknown;

use crate::clock::Clock;
use crate::ids::{BookingId, PracticeId};
use state::{Ids, ModelState, PracticeAccount};

/// A simulated Healthengine; clones are the same server.
#[derive(Clone)]
pub struct HealthengineModel {
    clock: Clock,
    state: Arc<Mutex<ModelState>>,
    /// Something may have to be delivered.
    stirred: Arc<Notify>,
}

impl fmt::Debug for HealthengineModel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("HealthengineModel(..)")
    }
}

impl HealthengineModel {
    /// A server without practices.
    pub fn new(settings: ModelSettings, clock: Clock) -> Self {
        Self { clock, state: Arc::new(Mutex::new(ModelState::new(settings))), stirred: Arc::default() }
    }

    /// What the server's clock shows: the world's plus the skew.
    pub fn now(&self) -> DateTime<Utc> {
        self.with(|_, now| now)
    }

    /// Changes how the server behaves from here on.
    pub fn configure(&self, change: impl FnOnce(&mut ModelSettings)) {
        self.with(|state, _| change(&mut state.settings));
    }

    /// What the client did that the API does not allow, oldest first.
    pub fn violations(&self) -> Vec<Violation> {
        self.with(|state, _| state.record.violations.clone())
    }

    /// The last 20,000 exchanges, oldest first.
    pub fn exchanges(&self) -> Vec<LoggedExchange> {
        self.with(|state, _| state.record.exchanges.iter().cloned().collect())
    }

    /// How often each operation was asked for, as `POST bookings/{bookingId}/confirmInsert`.
    pub fn tallies(&self) -> BTreeMap<String, u64> {
        self.with(|state, _| state.record.tallies.clone())
    }

    /// Empties the log, the tallies and the violations.
    pub fn forget_exchanges(&self) {
        self.with(|state, _| state.record = record::ExchangeLog::default());
    }

    fn with<T>(&self, act: impl FnOnce(&mut ModelState, DateTime<Utc>) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.clock.now() + state.settings.skew;
        let outcome = act(&mut state, now);
        if state.collect_events(now) {
            self.stirred.notify_one();
        }
        outcome
    }

    fn at_practice<T>(
        &self,
        id: &PracticeId,
        act: impl FnOnce(&mut PracticeAccount, &mut Ids, DateTime<Utc>) -> T,
    ) -> Result<T, Unknown> {
        self.with(|state, now| {
            let practice = state.practices.get_mut(id).ok_or_else(|| Unknown(format!("practice {id}")))?;
            Ok(act(practice, &mut state.ids, now))
        })
    }

    fn at_booking<T>(
        &self,
        id: BookingId,
        act: impl FnOnce(&mut PracticeAccount, &mut Ids, DateTime<Utc>) -> T,
    ) -> Result<T, Unknown> {
        self.with(|state, now| {
            let mut practices = state.practices.values_mut();
            let practice = practices.find(|own| own.bookings.contains_key(&id));
            let practice = practice.ok_or_else(|| Unknown(format!("booking {id}")))?;
            Ok(act(practice, &mut state.ids, now))
        })
    }
}
