//! Reading lists of requests, and what it means that something is not on one.

use std::collections::{BTreeMap, BTreeSet};

use tokio::time::Instant;

use super::Practice;
use super::health::Subject;
use crate::booking::update::OutstandingStatus;
use crate::healthengine::paging::read_all;
use crate::healthengine::{BookingRequest, Page, RequestKind};
use crate::ids::BookingId;
use crate::messages::practice as say;
use crate::remote::{Answer, CallError};

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

/// What it means that something is not in a list that was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Absence {
    /// Nothing: part of the list was not read.
    MeansNothing,
    /// It is hardly listed. On a list of several pages an entry can move to a page that was read already, while others are answered.
    IsLikely,
    /// It is not listed: a list of one page is one moment's. So is a longer one that reads the same twice: an entry moves to a page
    /// that was read already only when one from there leaves the list, and that one would be missing the second time.
    IsCertain,
}

/// The list of bookings at one moment.
pub(super) struct Listing {
    /// When the question left.
    began: Instant,
    /// What was on it, and what it means that something was not; nothing if it could not be read.
    read: Option<(BTreeMap<BookingId, BookingRequest>, Absence)>,
}

/// What Healthengine's list of bookings says of one of them.
pub(super) enum Standing {
    /// It waits for an answer, and this is how it stands there.
    Listed(Box<BookingRequest>),
    /// It is answered.
    NotListed,
    /// The list could not be read, or an entry can have been missed.
    Unknown,
}

/// The bookings that wait for our answer, as one poll found them.
pub(super) struct WaitingBookings {
    listed: BTreeSet<BookingId>,
    absence: Absence,
}

impl WaitingBookings {
    pub(super) fn read(listed: &[BookingRequest], absence: Absence) -> Self {
        Self { listed: listed.iter().map(|booking| booking.booking_id).collect(), absence }
    }

    /// Healthengine said that there are none.
    pub(super) fn none() -> Self {
        Self { listed: BTreeSet::new(), absence: Absence::IsCertain }
    }

    /// What the list says of a booking. One that moved from page to page meanwhile can be missing from it.
    pub(super) fn tells_of(&self, id: BookingId) -> OutstandingStatus {
        match (self.listed.contains(&id), self.absence) {
            (true, _) => OutstandingStatus::Listed,
            (false, Absence::MeansNothing) => OutstandingStatus::Unknown,
            (false, Absence::IsLikely | Absence::IsCertain) => OutstandingStatus::NotListed,
        }
    }
}

/// A list of several pages, as it was last read.
pub(super) struct LongList {
    ended: Instant,
    ids: Vec<BookingId>,
}

impl Practice {
    /// Reads a list of requests, which is called so.
    pub(super) async fn all_pages<T, P>(
        &self,
        list: &'static str,
        page: impl FnMut(u32) -> P,
    ) -> Answer<(Vec<T>, Absence)>
    where
        T: PartialEq,
        P: Future<Output = Answer<Page<T>>>,
    {
        let (items, absence, gaps) = all_pages(page).await?;
        self.health.set(Subject::PartOfList(list), gaps.text(list), self.now());
        Ok((items, absence))
    }

    /// Nothing is asked for but this: of the other lists nothing is left to be read.
    pub(super) fn lists_wanted(&self, kinds: &BTreeSet<RequestKind>) {
        for (_, list) in LISTS.iter().filter(|(kind, _)| !kinds.contains(kind)) {
            self.health.clear(&Subject::PartOfList(list));
        }
    }

    /// Reads the list of outstanding bookings.
    pub(super) async fn outstanding_bookings(&self) -> Answer<(Vec<BookingRequest>, Absence)> {
        let began = Instant::now();
        let (listed, absence) = self.all_pages(BOOKINGS, |page| self.healthengine.booking_requests(page)).await?;
        if absence != Absence::IsLikely {
            // What was on this one can be missing from the next.
            *self.locked(&self.last_long_list) = None;
            return Ok((listed, absence));
        }
        let this = LongList { ended: Instant::now(), ids: listed.iter().map(|booking| booking.booking_id).collect() };
        let mut last = self.locked(&self.last_long_list);
        let is_same = last.as_ref().is_some_and(|last| last.ended <= began && last.ids == this.ids);
        *last = Some(this);
        Ok((listed, if is_same { Absence::IsCertain } else { absence }))
    }

    /// Whether Healthengine still lists a booking; `None` if that cannot be found out.
    pub(super) async fn is_listed(&self, id: BookingId) -> Option<bool> {
        match self.standing(id).await {
            Standing::Listed(_) => Some(true),
            Standing::NotListed => Some(false),
            Standing::Unknown => None,
        }
    }

    /// How a booking stands on Healthengine's list, from a reading that began after this was asked.
    pub(super) async fn standing(&self, id: BookingId) -> Standing {
        // While the poll is refused the list would be too.
        if self.is_shut_out() {
            return Standing::Unknown;
        }
        let asked_at = Instant::now();
        let mut last = self.relisted.lock().await;
        // The list can be long. Whoever waited for the lock takes what was read since he asked.
        if last.as_ref().is_none_or(|listing| listing.began < asked_at) {
            let began = Instant::now();
            let mut read = self.outstanding_bookings().await;
            for _ in 1..LONG_LIST_READ {
                if !read.as_ref().is_ok_and(|(_, absence)| *absence == Absence::IsLikely) {
                    break;
                }
                read = self.outstanding_bookings().await;
            }
            let by_id = |(listed, absence): (Vec<BookingRequest>, Absence)| {
                (listed.into_iter().map(|booking| (booking.booking_id, booking)).collect(), absence)
            };
            *last = Some(Listing { began, read: read.ok().map(by_id) });
        }
        match last.as_ref().and_then(|listing| listing.read.as_ref()) {
            Some((listed, absence)) => match (listed.get(&id), absence) {
                (Some(request), _) => Standing::Listed(Box::new(request.clone())),
                (None, Absence::IsCertain) => Standing::NotListed,
                (None, Absence::IsLikely | Absence::MeansNothing) => Standing::Unknown,
            },
            None => Standing::Unknown,
        }
    }
}

/// What was not read of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Gaps {
    /// Entries that could not be read.
    unreadable: usize,
    /// Pages between the first and the last ones of a list that is too long.
    pages_left_out: u32,
    /// Why the list was not read to its end.
    stopped_by: Option<CallError>,
}

impl Gaps {
    /// What is wrong, in sentences.
    fn text(&self, list: &str) -> Option<String> {
        let too_long = (self.pages_left_out > 0).then(|| say::list_too_long(list, self.pages_left_out));
        let unreadable = (self.unreadable > 0).then(|| say::entries_unreadable(list, self.unreadable));
        let stopped = self.stopped_by.as_ref().map(|error| say::list_breaks_off(list, error));
        let all: Vec<String> = [stopped, unreadable, too_long].into_iter().flatten().collect();
        (!all.is_empty()).then(|| all.join(" "))
    }
}

/// Reads a list of requests.
pub(crate) async fn all_pages<T, P>(mut page: impl FnMut(u32) -> P) -> Answer<(Vec<T>, Absence, Gaps)>
where
    T: PartialEq,
    P: Future<Output = Answer<Page<T>>>,
{
    let mut pages = 0;
    let read = read_all(|number| {
        pages += 1;
        page(number)
    })
    .await?;
    let absence = match read.complete && read.unreadable == 0 {
        false => Absence::MeansNothing,
        true if pages == 1 => Absence::IsCertain,
        true => Absence::IsLikely,
    };
    let gaps = Gaps { unreadable: read.unreadable, pages_left_out: read.pages_left_out, stopped_by: read.stopped_by };
    Ok((read.items, absence, gaps))
}
