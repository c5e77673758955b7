//! Reading a list that comes in pages, and that shrinks while it is read.
//!
//! Requests leave their list when they are answered, by us or by the practice's staff, so whoever answers page 1 before
//! reading page 2 misses what moved up. Read first, then answer; and since entries can move up under our eyes all the same,
//! a list counts as what was seen *at least*: what was missed is there at the next poll.
//!
//! Page numbers are Healthengine's word, not ours to trust: the number of pages read is bounded, and a server that answers
//! every page with the first one is seen through. Of a list with more pages the first and the last are read: however it is
//! sorted, these have the oldest entries and the newest, and a pet owner who booked a moment ago can still be told no.

use crate::remote::{Answer, CallError, ErrorClass};

use super::Page;

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
    /// How many pages, between the first and the last ones, are left out of a list that is too long.
    pub pages_left_out: u32,
    /// The call that failed after the first page; what came before it is in `items`, and can be answered.
    pub stopped_by: Option<CallError>,
}

/// Reads pages from the first until the last, an empty one, [`PAGES_MAX`] or [`ENTRIES_MAX`].
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
            // The list has shrunk, and this page is gone.
            Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => {
                all.complete = none_left_out;
                break;
            }
            Err(error) => {
                all.stopped_by = Some(error);
                break;
            }
        };
        let empty = read.items.is_empty() && read.unreadable == 0;
        unread = read.total.saturating_sub(pages_read);
        // The same page again: the server pays no attention to the number.
        let repeated = number > 1 && !read.items.is_empty() && all.items[previous_begins_at..] == read.items;
        if empty || repeated {
            all.complete = none_left_out;
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

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    fn page(items: &[u32], current: u32, total: u32) -> Answer<Page<u32>> {
        Ok(Page { items: items.to_vec(), unreadable: 0, current, total })
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

    #[tokio::test]
    async fn a_list_that_shrinks_while_it_is_read_ends_at_the_empty_or_missing_page() {
        let (all, _) = read(|number| if number == 1 { page(&[1], 1, 3) } else { page(&[], number, 1) }).await;
        assert_eq!((all.clone().unwrap().items, all.unwrap().complete), (vec![1], true));

        let gone = CallError::with_status(ErrorClass::Refused, 404, "not found");
        let (all, _) = read(|number| if number == 1 { page(&[1], 1, 3) } else { Err(gone.clone()) }).await;
        assert_eq!((all.clone().unwrap().items, all.unwrap().complete), (vec![1], true));
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
        // It shrinks meanwhile, and the last pages are empty: what lies between was not read all the same.
        let (all, _) = read(|number| page(&[number][usize::from(number > 10)..], number, 45)).await;
        assert!(!all.unwrap().complete);
    }

    #[tokio::test]
    async fn a_server_that_always_answers_the_first_page_is_seen_through() {
        let (all, asked) = read(|_| page(&[1, 2], 1, 7)).await;
        assert_eq!((all.unwrap().items, asked), (vec![1, 2], 2));
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
