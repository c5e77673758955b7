//! What the bridge knows of bookings.

use std::time::Duration;

use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::BookingId;

use super::Clinic;

impl Clinic {
    /// A booking as the ledger has it.
    pub(crate) fn entry(&self, id: BookingId) -> Entry {
        self.find_entry(id).unwrap_or_else(|| panic!("booking {id} in the ledger\n{}", self.account()))
    }

    /// A booking as the ledger has it, if it does.
    pub(crate) fn find_entry(&self, id: BookingId) -> Option<Entry> {
        self.bridge().ledger().get(id).unwrap()
    }

    /// The state of a booking in the ledger.
    pub(crate) fn state(&self, id: BookingId) -> Option<State> {
        self.find_entry(id).map(|entry| entry.state)
    }

    /// Waits until the ledger has a booking in this state.
    pub(crate) async fn until_state(&self, id: BookingId, state: State, limit: Duration) -> Duration {
        self.until(&format!("booking {id} is {}", state.name()), limit, |clinic| clinic.state(id) == Some(state)).await
    }
}
