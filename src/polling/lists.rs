//! Lists of requests at Healthengine, and what it means that something is not on one.

use std::collections::BTreeSet;

use crate::booking::update::OutstandingStatus;
use crate::call_error::{Answer, CallError};
use crate::healthengine::paging::read_all;
use crate::healthengine::{BookingRequest, Page};
use crate::ids::BookingId;

/// How much of a list was read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Coverage {
    /// Part of it was not read: that something is not on it means nothing.
    Part,
    /// Every page was read, one after the other. While others are answered, an entry can move to a
    /// page that was read already. What was not seen is hardly listed.
    EveryPage,
    /// What was not seen is not listed: a list of one page is one moment's. So is a longer one that
    /// reads the same twice: an entry moves to a page that was read already only when one from
    /// there leaves the list, and that one would be missing the second time.
    Whole,
}

/// What Healthengine's list of bookings says of one of them.
pub enum OnList {
    /// It waits for an answer, and this is how it stands there.
    Yes(Box<BookingRequest>),
    /// It is answered.
    No,
    /// The list could not be read, or an entry can have been missed.
    Unknown,
}

/// The bookings that wait for our answer, as one poll found them.
pub struct ListedBookings {
    listed: BTreeSet<BookingId>,
    coverage: Coverage,
}

impl ListedBookings {
    /// The list was read.
    pub fn new(listed: &[BookingRequest], coverage: Coverage) -> Self {
        Self { listed: listed.iter().map(|booking| booking.booking_id).collect(), coverage }
    }

    /// Healthengine said that there are none.
    pub fn none() -> Self {
        Self { listed: BTreeSet::new(), coverage: Coverage::Whole }
    }

    /// What the list says of a booking. One that moved from page to page meanwhile can be missing
    /// from it.
    pub fn tells_of(&self, id: BookingId) -> OutstandingStatus {
        match (self.listed.contains(&id), self.coverage) {
            (true, _) => OutstandingStatus::Listed,
            (false, Coverage::Part) => OutstandingStatus::Unknown,
            (false, Coverage::EveryPage | Coverage::Whole) => OutstandingStatus::NotListed,
        }
    }
}

/// What was not read of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Gaps {
    /// Entries that could not be read.
    pub unreadable: usize,
    /// Pages between the first and the last ones of a list that is too long.
    pub pages_left_out: u32,
    /// Why the list was not read to its end.
    pub stopped_by: Option<CallError>,
}

/// Reads a list of requests.
///
/// # Errors
/// Those of its first page.
pub async fn all_pages<T, P>(mut page: impl FnMut(u32) -> P) -> Answer<(Vec<T>, Coverage, Gaps)>
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
    let coverage = match read.complete && read.unreadable == 0 {
        false => Coverage::Part,
        true if pages == 1 => Coverage::Whole,
        true => Coverage::EveryPage,
    };
    let gaps = Gaps { unreadable: read.unreadable, pages_left_out: read.pages_left_out, stopped_by: read.stopped_by };
    Ok((read.items, coverage, gaps))
}
