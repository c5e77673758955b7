//! The client memory: for phones and emails of earlier bookings, the names of the customers whom
//! OpenVPMS attached to them. What it is good for and when it is used stands in
//! [`crate::pet_owner::known_clients`].
//!
//! One record per contact and client, `client-memory/<hash of the contact>/<hash of the name>`,
//! with the day of the last booking and the sealed name ([`crate::pet_owner::encryption`]). Without
//! the key file in the state directory nobody can read it, the bridge included: then it is
//! forgotten, with one warning, and learnt again. Nothing waits for it, and nothing that goes wrong
//! with it stops a booking.
//!
//! A client is forgotten `client_memory_days` after the last booking. With 0 everything is
//! forgotten at once and the key is removed, so that no trace in the database's file can be read.

use parking_lot::{Mutex, MutexGuard};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chrono::{DateTime, NaiveDate, Utc};
use serde::{Deserialize, Serialize};
use tokio::sync::Semaphore;

use crate::messages::clients as say;
use crate::openvpms::{Contact, CustomerName};
use crate::pet_owner::encryption::{NonceBytes, Sealing};
use crate::pet_owner::known_clients::{HOUSEHOLD_MAX, known_by, recall};
use crate::store::{Batch, Record, RecordKind, SecretFile, Store, random};

/// More records than this are never kept: some ten thousand clients, and about eight megabytes.
const RECORDS_MAX: usize = 20_000;
/// The name of its key file in the state directory.
const KEY_FILE: &str = "client-memory-key";
/// So many bookings at a time wait to be read back; of any others nothing is learnt.
const READ_BACK_AT_ONCE: usize = 32;

/// One client under one contact.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct ClientRecord {
    /// The day of the last booking, in UTC.
    seen_on: NaiveDate,
    /// The name.
    sealed: String,
}

impl Record for ClientRecord {
    const KIND: &'static str = "client-memory";
    const VERSION: u32 = 1;
}

/// It stays behind: it can be learnt again, and without its key nobody can read it.
pub(super) const KIND: RecordKind = RecordKind::stays_behind::<ClientRecord>();

/// What is remembered of clients, by all practices together: they share OpenVPMS and its customers.
pub struct ClientMemory {
    store: Store,
    /// Under this key the names are encrypted. It is made when the first client is remembered and
    /// removed when the memory is switched off, so that what the database's file still holds of it
    /// says nothing.
    key_file: SecretFile,
    /// How many nonces were given out, where there is no randomness.
    nonces: AtomicU64,
    state: Mutex<MemoryState>,
    records_max: usize,
    /// Who may read a booking back.
    pub(super) readers: Arc<Semaphore>,
}

struct MemoryState {
    /// How long a client is remembered; 0 is not at all.
    days: u32,
    /// The keys, once there are any.
    sealing: Option<Sealing>,
    /// True if the key file cannot be read or made: then nothing is touched until the configuration
    /// is read again.
    out_of_order: bool,
    /// How many records there are.
    records: usize,
}

impl ClientMemory {
    /// Reads what was remembered before the restart and forgets what is to be forgotten.
    pub fn open(store: Store, days: u32, now: DateTime<Utc>) -> Self {
        let state = MemoryState { days: 0, sealing: None, out_of_order: false, records: 0 };
        let readers = Arc::new(Semaphore::new(READ_BACK_AT_ONCE));
        let (key_file, state) = (store.secret_file(KEY_FILE), Mutex::new(state));
        let memory = Self { store, key_file, nonces: AtomicU64::new(0), state, records_max: RECORDS_MAX, readers };
        memory.set_days(days, now);
        memory
    }

    /// From here on clients are remembered for so long. Reads and perhaps removes the key file.
    pub fn set_days(&self, days: u32, now: DateTime<Utc>) {
        let mut state = self.state();
        if days > 0 && days == state.days && !state.out_of_order {
            return;
        }
        state.days = days;
        if days == 0 {
            return self.forget_everything(&mut state);
        }
        state.out_of_order = false;
        match self.key_file.read() {
            Ok(key) => state.sealing = key.and_then(|key| Sealing::new(key.bytes())),
            Err(error) => {
                (state.sealing, state.out_of_order) = (None, true);
                return tracing::warn!("{}", say::out_of_order(&error));
            }
        }
        self.tidy(&mut state, now);
    }

    /// Forgets clients who did not book for long.
    pub fn forget_old(&self, now: DateTime<Utc>) {
        let mut state = self.state();
        if state.days > 0 && !state.out_of_order {
            self.tidy(&mut state, now);
        }
    }

    /// The client who is booking, if it is one whose name OpenVPMS spells otherwise.
    pub fn recall(&self, typed: &Contact, now: DateTime<Utc>) -> Option<CustomerName> {
        let state = self.state();
        let sealing = state.sealing.as_ref()?;
        let of_contact = |contact: &str| self.clients_of(&state, sealing, contact, now.date_naive());
        let contacts = known_by(typed).into_iter().map(|(kind, text)| sealing.contact(kind, &text));
        let remembered: Vec<Vec<CustomerName>> = contacts.map(|contact| of_contact(&contact)).collect();
        recall(typed, &remembered).cloned()
    }

    /// Remembers that OpenVPMS knows this client by these contacts.
    pub fn remember(&self, typed: &Contact, client: &CustomerName, now: DateTime<Utc>) {
        let mut state = self.state();
        if state.days == 0 || state.out_of_order || !self.has_key(&mut state) {
            return;
        }
        let Some(sealing) = &state.sealing else { return };
        let seen_on = now.date_naive();
        let (mut batch, mut added) = (Batch::new(), 0);
        for (kind, text) in known_by(typed) {
            let contact = sealing.contact(kind, &text);
            let clients = self.clients_of(&state, sealing, &contact, seen_on);
            let is_fresh = !clients.contains(client);
            // That there is one more than a household is all that has to be known of a phone of
            // many.
            if is_fresh && clients.len() > HOUSEHOLD_MAX {
                continue;
            }
            let place = format!("{contact}/{}", sealing.client(client));
            let sealed = self.nonce().and_then(|nonce| sealing.seal(&place, client, nonce));
            let Some(sealed) = sealed else { return };
            if let Err(error) = batch.put(&place, &ClientRecord { seen_on, sealed }) {
                return tracing::error!("A client cannot be remembered: {error}.");
            }
            added += usize::from(is_fresh);
        }
        if !batch.is_empty() {
            self.store.write_later(batch);
        }
        state.records += added;
        if state.records > self.records_max {
            self.tidy(&mut state, now);
        }
    }

    /// Forgets that OpenVPMS knows this client by these contacts.
    pub fn forget(&self, typed: &Contact, client: &CustomerName) {
        let state = self.state();
        let Some(sealing) = &state.sealing else { return };
        let mut batch = Batch::new();
        for (kind, text) in known_by(typed) {
            let place = format!("{}/{}", sealing.contact(kind, &text), sealing.client(client));
            batch.delete::<ClientRecord>(&place);
        }
        if !batch.is_empty() {
            self.store.write_later(batch);
        }
    }

    fn state(&self) -> MutexGuard<'_, MemoryState> {
        self.state.lock()
    }

    /// Makes the key when the first client is remembered.
    fn has_key(&self, state: &mut MemoryState) -> bool {
        if state.sealing.is_none() {
            match self.key_file.make() {
                Ok(key) => state.sealing = Sealing::new(key.bytes()),
                Err(error) => {
                    state.out_of_order = true;
                    tracing::warn!("{}", say::out_of_order(&error));
                }
            }
        }
        state.sealing.is_some()
    }

    /// Twelve bytes that were not used before with the key: random, or counted where a simulation
    /// must be the same each time. `None` if the system has no randomness.
    fn nonce(&self) -> Option<NonceBytes> {
        let mut nonce = NonceBytes::default();
        if self.key_file.is_in_memory() {
            nonce[4..].copy_from_slice(&self.nonces.fetch_add(1, Ordering::Relaxed).to_be_bytes());
        } else {
            random(&mut nonce).ok()?;
        }
        Some(nonce)
    }

    fn clients_of(&self, state: &MemoryState, sealing: &Sealing, contact: &str, today: NaiveDate) -> Vec<CustomerName> {
        let found = self.store.scan::<ClientRecord>(&format!("{contact}/")).records;
        let kept = found.into_iter().filter(|(_, record)| !is_over(record, state.days, today));
        kept.filter_map(|(place, record)| sealing.open(&place, &record.sealed)).collect()
    }

    /// Removes what is over, what cannot be read, and the oldest of too many.
    fn tidy(&self, state: &mut MemoryState, now: DateTime<Utc>) {
        let found = self.store.scan::<ClientRecord>("");
        let today = now.date_naive();
        let (over, mut kept): (Vec<_>, Vec<_>) =
            found.records.into_iter().partition(|(_, record)| is_over(record, state.days, today));
        let before = kept.len() + found.unreadable.len();
        kept.retain(|(place, record)| {
            state.sealing.as_ref().is_some_and(|sealing| sealing.open(place, &record.sealed).is_some())
        });
        if kept.len() < before {
            tracing::warn!("{}", say::unreadable(before - kept.len()));
        }
        if kept.len() > self.records_max {
            kept.sort_by_key(|(_, record)| std::cmp::Reverse(record.seen_on));
            // A tenth at once: this takes time, and is not to be done with every booking.
            kept.truncate(self.records_max - self.records_max / 10);
        }
        let gone = over.len() + before != kept.len();
        state.records = kept.len();
        if gone {
            let kept = kept.iter().map(|(place, _)| place.as_str()).collect();
            self.remove_all_but(&kept);
        }
    }

    fn forget_everything(&self, state: &mut MemoryState) {
        self.remove_all_but(&BTreeSet::new());
        (state.sealing, state.records) = (None, 0);
        if let Err(error) = self.key_file.remove() {
            tracing::warn!("{}", say::key_stays(&error));
        }
    }

    fn remove_all_but(&self, kept: &BTreeSet<&str>) {
        let found = self.store.scan::<ClientRecord>("");
        let kind = format!("{}/", ClientRecord::KIND);
        let damaged = found.unreadable.into_iter().map(|unreadable| unreadable.key);
        let damaged = damaged.filter_map(|key| key.strip_prefix(&kind).map(str::to_owned));
        let places = found.records.into_iter().map(|(place, _)| place).chain(damaged);
        let gone = places.filter(|place| !kept.contains(place.as_str()));
        let mut batch = Batch::new();
        gone.for_each(|place| batch.delete::<ClientRecord>(&place));
        if !batch.is_empty() {
            self.store.write_later(batch);
        }
    }
}

fn is_over(record: &ClientRecord, days: u32, today: NaiveDate) -> bool {
    (today - record.seen_on).num_days() >= i64::from(days)
}

impl std::fmt::Debug for ClientMemory {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("ClientMemory(..)")
    }
}

#[cfg(test)]
mod tests;
