//! Reading a list that comes in pages, and that shrinks while it is read.
//!
//! Requests leave their list when they are answered, by us or by the practice's staff, so whoever
//! answers page 1 before reading page 2 misses what moved up. Read first, then answer; and since
//! entries can move up under our eyes all the same, a list counts as what was seen *at least*: what
//! was missed is there at the next poll.
//!
//! Page numbers are Healthengine's word, not ours to trust: the number of pages read is bounded,
//! and a server that answers every page with the first one is seen through. Of a list with more
//! pages the first and the last are read: however it is sorted, these have the oldest entries and
//! the newest, and a pet owner who booked a moment ago can still be told no.
//!
//! A page that is missing or empty although an earlier one announced it is the end of a list that
//! shrank, or a fault that passes: a deploy answers 404 for some seconds, a replica lags behind.
//! The first page, read again, tells the two apart. As long as it still announces the page, the
//! list was not read whole, and what is absent from it is not known.

use super::api::Page;
use crate::call_error::{Answer, CallError, ErrorClass};

/// The most pages that are read in one go; what is beyond waits for the next.
pub const PAGES_MAX: u32 = 20;
/// Of a longer list so many are read from its beginning, and the others from its end.
const FIRST_PAGES: u32 = 10;
/// No further page is read once there are so many entries.
pub const ENTRIES_MAX: usize = 4_000;

/// What was read of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Collected<T> {
    /// The entries that could be read, in the list's order.
    pub items: Vec<T>,
    /// How many could not.
    pub unreadable: usize,
    /// True if every page was read. Only then does an absent entry mean anything.
    pub complete: bool,
    /// How many pages, between the first and the last ones, are left out of a list that is too
    /// long.
    pub pages_left_out: u32,
    /// The call that failed after the first page; what came before it is in `items`, and can be
    /// answered.
    pub stopped_by: Option<CallError>,
}

/// Reads pages from the first until the last, or [`PAGES_MAX`] or [`ENTRIES_MAX`], or until one of
/// them says that the list ends here; then the first page is read once more, which can be one call
/// beyond [`PAGES_MAX`].
///
/// # Errors
/// Those of the first page. A later one that fails ends the reading with what there is.
pub async fn read_all<T, F, P>(mut page: F) -> Answer<Collected<T>>
where
    T: PartialEq,
    F: FnMut(u32) -> P,
    P: Future<Output = Answer<Page<T>>>,
{
    let mut all = Collected { items: Vec::new(), unreadable: 0, complete: false, pages_left_out: 0, stopped_by: None };
    let (mut previous_begins_at, mut number, mut none_left_out) = (0, 1, true);
    // Of the list's pages, as it was last said to have so many.
    let mut unread = 0;
    for pages_read in 1..=PAGES_MAX {
        let read = match page(number).await {
            Ok(read) => read,
            Err(error) if number == 1 => return Err(error),
            Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => {
                all.stopped_by = still_announced(page(1).await, number, error);
                all.complete = none_left_out && all.stopped_by.is_none();
                break;
            }
            Err(error) => {
                all.stopped_by = Some(error);
                break;
            }
        };
        unread = read.total.saturating_sub(pages_read);
        if read.items.is_empty() && read.unreadable == 0 {
            let error = contradiction("a page without entries where the list has some");
            all.stopped_by = match number {
                1 => (read.total > 1 || read.entries.is_some_and(|entries| entries > 0)).then_some(error),
                _ => still_announced(page(1).await, number, error),
            };
            all.complete = none_left_out && all.stopped_by.is_none();
            break;
        }
        // The same page again: the server pays no attention to the number, and what is on the other
        // pages it does not say.
        if number > 1 && !read.items.is_empty() && all.items[previous_begins_at..] == read.items {
            all.stopped_by = Some(contradiction("the page before it once more"));
            break;
        }
        previous_begins_at = all.items.len();
        all.items.extend(read.items);
        all.unreadable += read.unreadable;
        if number >= read.total {
            all.complete = none_left_out;
            break;
        }
        if all.items.len() >= ENTRIES_MAX {
            break;
        }
        number = if number == FIRST_PAGES && read.total > PAGES_MAX {
            none_left_out = false;
            read.total - (PAGES_MAX - FIRST_PAGES) + 1
        } else {
            number + 1
        };
    }
    if !all.complete && all.stopped_by.is_none() {
        all.pages_left_out = unread;
    }
    Ok(all)
}

/// A page has no entry, or is not there. Nothing if the first page, read again, says that the list
/// ends before it; else why the list was not read whole.
fn still_announced<T>(first: Answer<Page<T>>, number: u32, why: CallError) -> Option<CallError> {
    match first {
        Ok(first) => (first.total >= number).then_some(why),
        Err(error) => Some(error),
    }
}

/// A page that contradicts the others.
fn contradiction(found: &str) -> CallError {
    CallError::new(ErrorClass::Contract, format!("the answer is {found}"))
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn page(items: &[u32], current: u32, total: u32) -> Answer<Page<u32>> {
        Ok(Page { items: items.to_vec(), unreadable: 0, current, total, entries: None })
    }

    /// Reads, and says how many pages were asked for.
    async fn read(answer: impl Fn(u32) -> Answer<Page<u32>>) -> (Answer<Collected<u32>>, u32) {
        let asked = Cell::new(0);
        let all = read_all(|number| {
            asked.set(asked.get() + 1);
            std::future::ready(answer(number))
        })
        .await;
        (all, asked.get())
    }

    #[tokio::test]
    async fn pages_are_read_to_the_last() {
        let (all, asked) = read(|number| page(&[number * 10, number * 10 + 1], number, 3)).await;
        let all = all.unwrap();
        assert_eq!((all.items, all.complete, asked), (vec![10, 11, 20, 21, 30, 31], true, 3));
        assert_eq!(all.pages_left_out, 0);
    }

    fn gone() -> CallError {
        CallError::with_status(ErrorClass::Refused, 404, "not found")
    }

    #[tokio::test]
    async fn a_list_that_shrinks_while_it_is_read_ends_at_the_empty_or_missing_page_if_the_first_page_says_so() {
        for end in [page(&[], 2, 1), Err(gone())] {
            let first_asked = Cell::new(0);
            let (all, asked) = read(|number| {
                if number > 1 {
                    return end.clone();
                }
                first_asked.set(first_asked.get() + 1);
                page(&[1], 1, if first_asked.get() == 1 { 2 } else { 1 })
            })
            .await;
            let all = all.unwrap();
            assert_eq!((all.items, all.complete, all.stopped_by, asked), (vec![1], true, None, 3));
        }
    }

    #[tokio::test]
    async fn an_empty_or_missing_page_that_the_first_page_still_announces_says_nothing_of_what_is_absent() {
        for end in [page(&[], 2, 1), page(&[], 2, 2), Err(gone())] {
            let (all, _) = read(|number| if number == 1 { page(&[1], 1, 2) } else { end.clone() }).await;
            let all = all.unwrap();
            assert_eq!((all.items, all.complete), (vec![1], false), "{end:?}");
            assert!(all.stopped_by.is_some(), "{end:?}");
        }
        // Nor does it if the first page cannot be read a second time.
        let (first_asked, lost) = (Cell::new(0), CallError::new(ErrorClass::Lost, "no answer came in time"));
        let (all, _) = read(|number| {
            first_asked.set(first_asked.get() + u32::from(number == 1));
            match (number, first_asked.get()) {
                (1, 1) => page(&[1], 1, 2),
                (1, _) => Err(lost.clone()),
                _ => Err(gone()),
            }
        })
        .await;
        let all = all.unwrap();
        assert_eq!((all.complete, all.stopped_by), (false, Some(lost.clone())));
    }

    #[tokio::test]
    async fn a_first_page_without_entries_is_an_empty_list_unless_it_says_that_there_are_some() {
        for (pages, entries, is_empty) in
            [(1, None, true), (0, Some(0), true), (1, Some(0), true), (1, Some(3), false), (2, None, false)]
        {
            let first = Page::<u32> { items: Vec::new(), unreadable: 0, current: 1, total: pages, entries };
            let all = read(|_| Ok(first.clone())).await.0.unwrap();
            assert_eq!((all.complete, all.stopped_by.is_none()), (is_empty, is_empty), "{pages} {entries:?}");
        }
    }

    #[tokio::test]
    async fn an_endless_list_is_read_in_bounds_and_known_to_be_incomplete() {
        let (all, asked) = read(|number| page(&[number], 1, u32::MAX)).await;
        assert_eq!((all.unwrap().complete, asked), (false, PAGES_MAX));
        let (all, asked) = read(|number| page(&[number], 1, number.saturating_add(1))).await;
        assert_eq!((all.unwrap().complete, asked), (false, PAGES_MAX), "one that grows at each page");
        let (all, asked) = read(|number| page(&vec![number; 1_500], 1, u32::MAX)).await;
        assert_eq!((all.unwrap().items.len(), asked), (4_500, 3), "one with long pages");
    }

    #[tokio::test]
    async fn of_a_list_with_too_many_pages_the_first_and_the_last_are_read() {
        let (all, asked) = read(|number| page(&[number], number, 45)).await;
        let all = all.unwrap();
        assert_eq!((asked, all.complete), (PAGES_MAX, false));
        assert_eq!(all.items, (1..=10).chain(36..=45).collect::<Vec<u32>>());
        assert_eq!(all.pages_left_out, 25);
        // It shrinks meanwhile, and the last pages are empty: what lies between was not read all
        // the same.
        let (all, _) = read(|number| page(&[number][usize::from(number > 10)..], number, 45)).await;
        assert!(!all.unwrap().complete);
    }

    #[tokio::test]
    async fn a_server_that_always_answers_the_first_page_is_seen_through() {
        let (all, asked) = read(|_| page(&[1, 2], 1, 7)).await;
        let all = all.unwrap();
        assert_eq!((all.items, all.complete, asked), (vec![1, 2], false, 2), "nobody knows the other pages");
        assert!(all.stopped_by.is_some());
    }

    #[tokio::test]
    async fn a_later_page_that_fails_leaves_what_came_before_it() {
        let lost = CallError::new(ErrorClass::Lost, "no answer came in time");
        let (all, _) = read(|number| if number == 1 { page(&[1], 1, 2) } else { Err(lost.clone()) }).await;
        let all = all.unwrap();
        assert_eq!((all.items, all.complete, all.stopped_by), (vec![1], false, Some(lost.clone())));
        assert_eq!(read(|_| Err(lost.clone())).await.0, Err(lost));
    }
}
