//! Reads Healthengine's lists of requests.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use tokio::sync::Mutex as AsyncMutex;
use tokio::time::Instant;

use super::context::Context;
use super::health::calls::CallHealth;
use super::health::subject::Subject;
use crate::call_error::Answer;
use crate::healthengine::{BookingRequest, Page, RequestKind};
use crate::ids::BookingId;
use crate::messages::practice as say;
use crate::polling::lists::{Coverage, OnList, all_pages};

/// A list of several pages is read so often at most, until it reads the same twice.
const LONG_LIST_READ: usize = 3;

/// What Healthengine's lists hold, as operators read it.
pub(super) const BOOKINGS: &str = "bookings";
pub(super) const UPDATES: &str = "changes of bookings";
pub(super) const DAYS: &str = "days of availability";
pub(super) const CHANGES: &str = "appointments to look after";
pub(super) const UPLOADS: &str = "documents to upload";
pub(super) const ATTACHMENTS: &str = "documents to attach";

/// Which request kind has which list.
const LISTS: [(RequestKind, &str); 6] = [
    (RequestKind::Bookings, BOOKINGS),
    (RequestKind::BookingUpdates, UPDATES),
    (RequestKind::Availability, DAYS),
    (RequestKind::PmsAppointmentChanges, CHANGES),
    (RequestKind::UploadDocuments, UPLOADS),
    (RequestKind::AttachDocuments, ATTACHMENTS),
];

/// Reads the lists of one practice.
pub(super) struct Lists {
    context: Arc<Context>,
    calls: Arc<CallHealth>,
    /// The list of bookings as it was last read to see whether one is still on it.
    relisted: AsyncMutex<Option<Listing>>,
    last_long_list: Mutex<Option<LongList>>,
    /// How many bookings waited for an answer when the list was last read.
    bookings_waiting: AtomicUsize,
}

/// The list of bookings at one moment.
struct Listing {
    /// When the question left.
    began: Instant,
    /// What was on it, and how much of it was read; nothing if it could not be read.
    read: Option<(BTreeMap<BookingId, BookingRequest>, Coverage)>,
}

/// A list of several pages, as it was last read.
struct LongList {
    ended: Instant,
    ids: Vec<BookingId>,
}

impl Lists {
    pub(super) fn new(context: Arc<Context>, calls: Arc<CallHealth>) -> Self {
        let (relisted, last_long_list) = (AsyncMutex::default(), Mutex::default());
        Self { context, calls, relisted, last_long_list, bookings_waiting: AtomicUsize::new(0) }
    }

    /// Reads a list of requests, which is called so.
    pub(super) async fn read<T, P>(&self, list: &'static str, page: impl FnMut(u32) -> P) -> Answer<(Vec<T>, Coverage)>
    where
        T: PartialEq,
        P: Future<Output = Answer<Page<T>>>,
    {
        let (items, coverage, gaps) = all_pages(page).await?;
        self.context.health.set(Subject::PartOfList(list), say::list_gaps(list, &gaps), self.context.now());
        Ok((items, coverage))
    }

    /// Nothing else is asked for: of the other lists nothing is left to be read.
    pub(super) fn keep(&self, kinds: &BTreeSet<RequestKind>) {
        for (_, list) in LISTS.iter().filter(|(kind, _)| !kinds.contains(kind)) {
            self.context.health.clear(&Subject::PartOfList(list), self.context.now());
        }
    }

    /// Reads the list of outstanding bookings.
    pub(super) async fn bookings(&self) -> Answer<(Vec<BookingRequest>, Coverage)> {
        let began = Instant::now();
        let healthengine = &self.context.healthengine;
        let (listed, coverage) = self.read(BOOKINGS, |page| healthengine.booking_requests(page)).await?;
        self.bookings_waiting.store(listed.len(), Ordering::Relaxed);
        if coverage != Coverage::EveryPage {
            // What was on this one can be missing from the next.
            *self.last_long_list.lock() = None;
            return Ok((listed, coverage));
        }
        let this = LongList { ended: Instant::now(), ids: listed.iter().map(|booking| booking.booking_id).collect() };
        let mut last = self.last_long_list.lock();
        let is_same = last.as_ref().is_some_and(|last| last.ended <= began && last.ids == this.ids);
        *last = Some(this);
        Ok((listed, if is_same { Coverage::Whole } else { coverage }))
    }

    /// How many bookings waited for an answer when the list was last read.
    pub(super) fn bookings_waiting(&self) -> usize {
        self.bookings_waiting.load(Ordering::Relaxed)
    }

    /// Healthengine says that no booking waits.
    pub(super) fn no_booking_waits(&self) {
        self.bookings_waiting.store(0, Ordering::Relaxed);
    }

    /// Whether Healthengine still lists a booking; `None` if that cannot be found out.
    pub(super) async fn is_listed(&self, id: BookingId) -> Option<bool> {
        match self.look_up(id).await {
            OnList::Yes(_) => Some(true),
            OnList::No => Some(false),
            OnList::Unknown => None,
        }
    }

    /// How a booking stands on Healthengine's list, from a reading that began after this was asked.
    pub(super) async fn look_up(&self, id: BookingId) -> OnList {
        // While the poll is refused the list would be too.
        if self.calls.is_shut_out() {
            return OnList::Unknown;
        }
        let asked_at = Instant::now();
        let mut last = self.relisted.lock().await;
        // The list can be long. Whoever waited for the lock takes what was read since they asked.
        if last.as_ref().is_none_or(|listing| listing.began < asked_at) {
            let began = Instant::now();
            let mut read = self.bookings().await;
            for _ in 1..LONG_LIST_READ {
                if !read.as_ref().is_ok_and(|(_, coverage)| *coverage == Coverage::EveryPage) {
                    break;
                }
                read = self.bookings().await;
            }
            let by_id = |(listed, coverage): (Vec<BookingRequest>, Coverage)| {
                (listed.into_iter().map(|booking| (booking.booking_id, booking)).collect(), coverage)
            };
            *last = Some(Listing { began, read: read.ok().map(by_id) });
        }
        match last.as_ref().and_then(|listing| listing.read.as_ref()) {
            Some((listed, coverage)) => match (listed.get(&id), coverage) {
                (Some(request), _) => OnList::Yes(Box::new(request.clone())),
                (None, Coverage::Whole) => OnList::No,
                (None, Coverage::EveryPage | Coverage::Part) => OnList::Unknown,
            },
            None => OnList::Unknown,
        }
    }
}
