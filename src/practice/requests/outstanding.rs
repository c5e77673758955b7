//! How long Healthengine's requests have been waiting for their answers, as the practice's problems
//! tell it.

use std::collections::BTreeSet;
use std::sync::Arc;

use chrono::{DateTime, TimeDelta, Utc};
use parking_lot::Mutex;

use crate::call_error::Answer;
use crate::healthengine::{AvailabilityRequest, BookingRequest, BookingStatus, BookingUpdate};
use crate::ids::{BookingId, RequestId};
use crate::messages::waiting as say;
use crate::polling::waiting::OpenRequests;
use crate::practice::context::Context;
use crate::practice::health::subject::Subject;

/// Everything of a practice that has ten minutes.
pub(super) struct OutstandingRequests {
    context: Arc<Context>,
    bookings: Mutex<OpenRequests<BookingId>>,
    updates: Mutex<OpenRequests<RequestId>>,
    /// Bookings whose pet owners cancelled, by what was last listed.
    cancelled: Mutex<BTreeSet<BookingId>>,
    days: Mutex<OpenRequests<AvailabilityRequest>>,
}

impl OutstandingRequests {
    pub(super) fn new(context: Arc<Context>) -> Self {
        Self {
            context,
            bookings: Mutex::default(),
            updates: Mutex::default(),
            cancelled: Mutex::default(),
            days: Mutex::default(),
        }
    }

    /// Goes on where another one stopped, which counts no more.
    pub(super) fn carry_on_from(&self, former: &Self) {
        *self.bookings.lock() = std::mem::take(&mut *former.bookings.lock());
        *self.updates.lock() = std::mem::take(&mut *former.updates.lock());
        *self.days.lock() = std::mem::take(&mut *former.days.lock());
    }

    /// How long the oldest request of each kind has been waiting, by the names of Healthengine's
    /// lists.
    pub(super) fn oldest(&self, now: DateTime<Utc>) -> Vec<(&'static str, TimeDelta)> {
        let oldest = [
            ("bookings", self.bookings.lock().oldest(now)),
            ("bookingUpdates", self.updates.lock().oldest(now)),
            ("availability", self.days.lock().oldest(now)),
        ];
        oldest.map(|(kind, oldest)| (kind, oldest.unwrap_or_default())).into()
    }

    /// The list of bookings was read, or should have been.
    pub(super) fn bookings(&self, list: Answer<&[BookingRequest]>) {
        let (now, ahead) = (self.context.now(), self.context.healthengine.clock_difference());
        let mut waiting = self.bookings.lock();
        let made = |at: Option<DateTime<Utc>>| at.and_then(|at| at.checked_sub_signed(ahead));
        *waiting = match list {
            Ok(list) => waiting.listed(list.iter().map(|own| (own.booking_id, made(own.booked_time))), now),
            Err(_) => waiting.not_read(now),
        };
        let overdue = waiting.overdue(now);
        let text =
            overdue.map(|overdue| say::bookings(overdue.count, overdue.oldest, overdue.since, self.context.zone()));
        self.context.health.set(Subject::BookingsWait, text, now);
    }

    /// The list of updates was read, or should have been.
    pub(super) fn updates(&self, list: Answer<&[BookingUpdate]>) {
        let (now, ahead) = (self.context.now(), self.context.healthengine.clock_difference());
        if let Ok(list) = list {
            let cancelled = list.iter().filter(|own| own.status == BookingStatus::Cancelled).map(|own| own.booking_id);
            *self.cancelled.lock() = cancelled.collect();
        }
        let mut waiting = self.updates.lock();
        let made = |at: Option<DateTime<Utc>>| at.and_then(|at| at.checked_sub_signed(ahead));
        *waiting = match list {
            Ok(list) => waiting.listed(list.iter().map(|own| (own.request_id, made(own.updated_at))), now),
            Err(_) => waiting.not_read(now),
        };
        let text = waiting.overdue(now).map(|overdue| say::updates(overdue.count, overdue.since, self.context.zone()));
        self.context.health.set(Subject::UpdatesWait, text, now);
    }

    /// Bookings whose pet owners cancelled, which is not settled yet.
    pub(super) fn cancelled(&self) -> BTreeSet<BookingId> {
        self.cancelled.lock().clone()
    }

    /// The list of days that are wanted was read, or should have been.
    pub(super) fn days(&self, list: Answer<&[AvailabilityRequest]>) {
        let now = self.context.now();
        let mut waiting = self.days.lock();
        *waiting = match list {
            Ok(list) => waiting.listed(list.iter().map(|own| (own.clone(), None)), now),
            Err(_) => waiting.not_read(now),
        };
        let text = waiting.overdue(now).map(|overdue| say::days(overdue.count, overdue.since, self.context.zone()));
        self.context.health.set(Subject::DaysWait, text, now);
    }
}
