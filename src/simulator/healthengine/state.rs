//! What Healthengine knows: practices with their configuration, days, bookings and open requests.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveDate, NaiveTime, Utc, Weekday};
use serde_json::Value;

use super::bookings::BookingRecord;
use super::delivery_queue::{AnnouncedEvent, DeliveryFailure, DeliveryQueue};
use super::held_subscription::HeldSubscription;
use super::listed_configuration::{ListedResource, ListedType};
use super::practitioners::Practitioner;
use super::published_day::PublishedDay;
use super::record::ExchangeLog;
use super::settings::ModelSettings;
use crate::ids::{BookingId, PracticeId, RequestId};
use crate::zone::Zone;

/// Everything.
pub(super) struct ModelState {
    pub(super) settings: ModelSettings,
    pub(super) ids: Ids,
    pub(super) practices: BTreeMap<PracticeId, PracticeAccount>,
    pub(super) record: ExchangeLog,
    pub(super) deliveries: DeliveryQueue,
}

impl ModelState {
    pub(super) fn new(settings: ModelSettings) -> Self {
        Self {
            ids: Ids::from_booking(settings.first_booking),
            settings,
            practices: BTreeMap::new(),
            record: ExchangeLog::default(),
            deliveries: DeliveryQueue::default(),
        }
    }

    /// Makes deliveries of what happened. True if there are any to be made.
    pub(super) fn collect_events(&mut self, now: DateTime<Utc>) -> bool {
        let Self { practices, deliveries, .. } = self;
        let mut any = false;
        for (id, practice) in practices.iter_mut() {
            for event in std::mem::take(&mut practice.events) {
                for (subscription, own) in &practice.subscriptions {
                    if own.covers(&event.kind, now) {
                        deliveries.add(id, subscription, &event, now);
                        any = true;
                    }
                }
            }
        }
        any
    }
}

/// Gives out ids, the same ones in every run.
pub(super) struct Ids {
    booking: i64,
    request: i64,
    event: i64,
    subscription: u64,
}

impl Ids {
    fn from_booking(booking: i64) -> Self {
        Self { booking, request: 312, event: 1, subscription: 1 }
    }

    pub(super) fn booking(&mut self) -> BookingId {
        self.booking += 1;
        BookingId(self.booking - 1)
    }

    pub(super) fn request(&mut self) -> RequestId {
        self.request += 1;
        RequestId(self.request - 1)
    }

    /// Of something that is wanted and has no number in its list.
    pub(super) fn event(&mut self) -> RequestId {
        self.event += 1;
        RequestId(self.event - 1)
    }

    /// In the form of a UUID, as the API gives them.
    pub(super) fn subscription(&mut self) -> String {
        self.subscription += 1;
        format!("db26bebd-63f3-47d6-9fb8-{:012x}", self.subscription - 1)
    }
}

/// A practice.
pub(super) struct PracticeAccount {
    pub(super) key: String,
    pub(super) zone: Zone,
    pub(super) consent: bool,
    /// True if the integration is off at the consumer, so that every call is one too many.
    pub(super) silence_expected: bool,
    pub(super) hides_times_when_unhealthy: bool,
    pub(super) public_holidays: BTreeSet<NaiveDate>,
    /// True if staff link whatever is sent, as soon as it arrives.
    pub(super) staff_link_at_once: bool,

    pub(super) liveness: Option<Liveness>,
    pub(super) resources: Vec<ListedResource>,
    pub(super) appointment_types: Vec<ListedType>,
    pub(super) practitioners: Vec<Practitioner>,
    pub(super) lost_links: Vec<String>,
    pub(super) days: BTreeMap<(String, NaiveDate), PublishedDay>,

    pub(super) bookings: BTreeMap<BookingId, BookingRecord>,
    pub(super) wanted: WantedUpdates,
    pub(super) features: BTreeMap<&'static str, bool>,
    pub(super) subscriptions: BTreeMap<String, HeldSubscription>,
    pub(super) delivery_failures: Vec<DeliveryFailure>,
    /// What happened and is not made deliveries of yet.
    pub(super) events: Vec<AnnouncedEvent>,

    pub(super) last_poll: Option<DateTime<Utc>>,
    pub(super) lapses: Vec<Lapse>,
}

/// What Healthengine wants from the practice system, apart from bookings that wait.
#[derive(Default)]
pub(super) struct WantedUpdates {
    pub(super) updates: BTreeMap<RequestId, UpdateWanted>,
    pub(super) updates_answered: BTreeMap<RequestId, BookingId>,
    pub(super) days: Vec<DayWanted>,
    pub(super) appointment_changes: BTreeSet<BookingId>,
    pub(super) resources: bool,
    pub(super) appointment_types: bool,
    /// Documents that are wanted, and those whose upload was rejected: booking and the PMS's id of
    /// the document.
    pub(super) uploads: BTreeSet<(BookingId, String)>,
    pub(super) uploads_rejected: BTreeSet<(BookingId, String)>,
    /// Documents that are to be filed, with their name, and those that were rejected.
    pub(super) attachments: BTreeMap<RequestId, String>,
    pub(super) attachments_rejected: BTreeSet<RequestId>,
    /// Kinds that no edition knows, or that belong to an extra feature; listed until they are
    /// withdrawn.
    pub(super) other_kinds: BTreeSet<String>,
}

/// A change of a booking that waits to be confirmed or rejected.
pub(super) struct UpdateWanted {
    pub(super) booking: BookingId,
    pub(super) at: DateTime<Utc>,
}

/// A day that waits for a snapshot.
pub(super) struct DayWanted {
    pub(super) day: NaiveDate,
    /// The resource asked for; every one if `None`.
    pub(super) resource: Option<String>,
    /// The resources whose snapshot is still to come.
    pub(super) missing: BTreeSet<String>,
    pub(super) at: DateTime<Utc>,
}

/// The liveness contract.
pub(super) struct Liveness {
    /// As it was sent.
    pub(super) sent: Value,
    pub(super) at: DateTime<Utc>,
    pub(super) weekdays: BTreeMap<u8, Vec<(NaiveTime, NaiveTime)>>,
    pub(super) public_holidays: Vec<(NaiveTime, NaiveTime)>,
}

impl Liveness {
    /// The hours of a day.
    pub(super) fn hours(&self, day: Weekday, public_holiday: bool) -> &[(NaiveTime, NaiveTime)] {
        if public_holiday {
            return &self.public_holidays;
        }
        self.weekdays.get(&(day.num_days_from_monday() as u8)).map_or(&[], Vec::as_slice)
    }
}

/// A broken deadline that is over: what was late was done at last.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Lapse {
    /// When it was done.
    pub at: DateTime<Utc>,
    /// What was late.
    pub what: String,
}

impl PracticeAccount {
    pub(super) fn resource(&self, id: &str) -> Option<&ListedResource> {
        self.resources.iter().find(|resource| resource.id == id)
    }

    pub(super) fn appointment_type(&self, id: &str) -> Option<&ListedType> {
        self.appointment_types.iter().find(|kind| kind.id == id)
    }

    /// Notes what happened, for its subscriptions.
    pub(super) fn announce(&mut self, event: AnnouncedEvent) {
        if !self.subscriptions.is_empty() {
            self.events.push(event);
        }
    }
}
