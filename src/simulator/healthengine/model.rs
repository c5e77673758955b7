//! The simulated server itself: its clock, and the lock around its state. What can be done with it
//! stands in the files that do it.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use chrono::{DateTime, Utc};
use parking_lot::Mutex;
use tokio::sync::Notify;

use super::record::{ExchangeLog, LoggedExchange, Violation};
use super::settings::ModelSettings;
use super::state::{Ids, ModelState, PracticeAccount};
use super::unknown::Unknown;
use crate::clock::Clock;
use crate::ids::{BookingId, PracticeId};

/// A simulated Healthengine; clones are the same server.
#[derive(Clone)]
pub struct HealthengineModel {
    clock: Clock,
    state: Arc<Mutex<ModelState>>,
    /// Something may have to be delivered.
    pub(super) stirred: Arc<Notify>,
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
        self.with(|state, _| state.record = ExchangeLog::default());
    }

    /// Acts on the state, with what the server's clock shows. What happens is told to those who
    /// deliver webhooks.
    pub(super) fn with<T>(&self, act: impl FnOnce(&mut ModelState, DateTime<Utc>) -> T) -> T {
        let mut state = self.state.lock();
        let now = self.clock.now() + state.settings.skew;
        let outcome = act(&mut state, now);
        if state.collect_events(now) {
            self.stirred.notify_one();
        }
        outcome
    }

    /// Acts on a practice.
    pub(super) fn at_practice<T>(
        &self,
        id: &PracticeId,
        act: impl FnOnce(&mut PracticeAccount, &mut Ids, DateTime<Utc>) -> T,
    ) -> Result<T, Unknown> {
        self.with(|state, now| {
            let practice = state.practices.get_mut(id).ok_or_else(|| Unknown(format!("practice {id}")))?;
            Ok(act(practice, &mut state.ids, now))
        })
    }

    /// Acts on the practice that has this booking.
    pub(super) fn at_booking<T>(
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
