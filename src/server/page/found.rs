//! The search over all bookings, page by page.
//!
//! What needs a person comes first, then the latest appointments. The link to older ones names the
//! last booking that was shown ([`ListPlace`]), so bookings that arrive meanwhile move nothing.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::DateTime;
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::bookings::{Row, table};
use super::layout::{self, Reload};
use super::names::{self, Names};
use crate::booking::entry::Entry;
use crate::ids::BookingId;
use crate::messages::page as say;
use crate::server::Admin;
use crate::server::auth::Caller;
use crate::server::booking_search::Sought;
use crate::server::problem::problem;
use crate::zone::Zone;

/// So many bookings stand on one page.
const SHOWN_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct Search {
    #[serde(default)]
    q: String,
    /// Where the page before ended.
    #[serde(default)]
    after: String,
}

/// The place of a booking in the list. Greater ones come first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct ListPlace {
    needs_a_person: bool,
    /// When the appointment begins, in seconds; those of which nobody knows come last.
    begins: Option<i64>,
    id: BookingId,
}

impl ListPlace {
    fn of(entry: &Entry, zone: Zone) -> Self {
        let begins = entry.begins(zone).map(|start| start.timestamp());
        Self { needs_a_person: entry.needs_attention.is_some(), begins, id: entry.booking_id }
    }

    /// As a link has it: `0_1802304900_36127212`.
    fn to_text(self) -> String {
        let begins = self.begins.map(|second| second.to_string()).unwrap_or_default();
        format!("{}_{begins}_{}", u8::from(self.needs_a_person), self.id)
    }

    fn parse(text: &str) -> Option<Self> {
        let mut parts = text.split('_');
        let (needs, begins, id) = (parts.next()?, parts.next()?, parts.next()?);
        let needs_a_person = match needs {
            "0" => false,
            "1" => true,
            _ => return None,
        };
        let begins = match begins {
            "" => None,
            second => Some(DateTime::from_timestamp(second.parse().ok()?, 0)?.timestamp()),
        };
        let id = BookingId(id.parse().ok()?);
        parts.next().is_none().then_some(Self { needs_a_person, begins, id })
    }
}

/// The bookings that a search finds.
pub(super) async fn list(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Query(Search { q, after }): Query<Search>,
) -> Response {
    let (bridge, now, sought) = (&admin.bridge, admin.bridge.now(), Sought::new(&q));
    let after = match after.as_str() {
        "" => None,
        text => match ListPlace::parse(text) {
            Some(place) => Some(place),
            None => return problem(StatusCode::BAD_REQUEST, say::BAD_PLACE),
        },
    };
    let names = Names::new(bridge);
    let all = bridge.ledger().all().into_iter();
    let found = all.filter(|entry| sought.finds(&names.shown_texts(entry, now)));
    let mut found: Vec<(ListPlace, Entry)> =
        found.map(|entry| (ListPlace::of(&entry, bridge.zone_of(&entry.practice_id)), entry)).collect();
    found.sort_by_key(|(place, _)| std::cmp::Reverse(*place));
    let begin = after.map_or(0, |after| found.partition_point(|(place, _)| *place >= after));
    let end = found.len().min(begin + SHOWN_MAX);
    let shown: Vec<(Entry, Row)> =
        found[begin..end].iter().map(|(_, entry)| (entry.clone(), Row::of(&names, entry))).collect();
    let last = found[begin..end].last().map(|(place, _)| *place).filter(|_| end < found.len());
    let content = html! {
        h1 { "All bookings" }
        form.line method="get" action="/bookings" role="search" {
            label { (say::SEARCH_FIELD) br;
                input type="search" name="q" value=(q) size="40" aria-describedby="hint"; }
            button { "Search" }
        }
        p.quiet #hint { (say::SEARCH_HINT) }
        p role="status" { (say::found(found.len(), begin..end)) }
        @if let Some(zones) = names::zones(bridge, shown.iter().map(|(entry, _)| entry)) { p.quiet { (zones) } }
        (table(bridge, &shown, now))
        (pages(&q, after, last))
    };
    layout::page("All bookings", Reload::Never, &caller, &content).into_response()
}

/// The ways to the other pages of the list, if there are any.
fn pages(q: &str, after: Option<ListPlace>, last: Option<ListPlace>) -> Markup {
    let address = |after: Option<ListPlace>| {
        let after = after.map(|place| format!("&after={}", place.to_text())).unwrap_or_default();
        format!("/bookings?q={}{after}", utf8_percent_encode(q, NON_ALPHANUMERIC))
    };
    html! {
        @if after.is_some() || last.is_some() {
            nav.buttons aria-label="Pages of the list" {
                @if after.is_some() { a.button href=(address(None)) rel="first" { (say::TO_THE_FIRST) } }
                @if last.is_some() { a.button href=(address(last)) rel="next" { (say::OLDER) } }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn place(needs_a_person: bool, begins: Option<i64>, id: i64) -> ListPlace {
        ListPlace { needs_a_person, begins, id: BookingId(id) }
    }

    #[test]
    fn what_needs_a_person_comes_first_and_then_the_latest_appointment() {
        let mut places = vec![
            place(false, None, 9),
            place(false, Some(50), 1),
            place(true, None, 2),
            place(false, Some(90), 3),
            place(false, Some(50), 4),
            place(true, Some(7), 5),
        ];
        places.sort_by_key(|place| std::cmp::Reverse(*place));
        assert_eq!(places.iter().map(|place| place.id.0).collect::<Vec<_>>(), [5, 2, 3, 4, 1, 9]);
        for place in places {
            assert_eq!(ListPlace::parse(&place.to_text()), Some(place));
        }
    }

    #[test]
    fn a_place_that_no_link_has_is_none() {
        for text in ["0", "0_1", "2_1_7", "0_x_7", "0_1_x", "0_1_7_", "0_99999999999999999_7", "0_1_", "é"] {
            assert_eq!(ListPlace::parse(text), None, "{text}");
        }
    }
}
