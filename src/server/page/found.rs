//! The search over all bookings, page by page.
//!
//! What needs a person comes first, then the latest appointments; the link to older ones names the
//! last booking that was shown ([`crate::server::list_place`]).

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::bookings::{Row, table};
use super::layout::{self, Reload};
use super::names::{self, Names};
use crate::booking::entry::Entry;
use crate::messages::{admin as admin_say, page as say};
use crate::server::Admin;
use crate::server::auth::Caller;
use crate::server::booking_search::Sought;
use crate::server::list_place::{Before, ListOrder, ListPlace};
use crate::server::problem::problem;

/// So many bookings stand on one page.
const SHOWN_MAX: usize = 100;

#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct Search {
    #[serde(default)]
    q: String,
    /// Where the page before ended.
    #[serde(default)]
    before: String,
}

/// The bookings that a search finds.
pub(super) async fn list(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Query(Search { q, before }): Query<Search>,
) -> Response {
    let before = match before.as_str() {
        "" => None,
        text => match Before::parse(text) {
            Some(before) => Some(before),
            None => return problem(StatusCode::BAD_REQUEST, say::BAD_PLACE),
        },
    };
    // All of the ledger is walked.
    match tokio::task::spawn_blocking(move || found(&admin, &caller, &q, before)).await {
        Ok(page) => page,
        Err(_panicked) => problem(StatusCode::INTERNAL_SERVER_ERROR, admin_say::NO_LIST),
    }
}

fn found(admin: &Admin, caller: &Caller, q: &str, before: Option<Before>) -> Response {
    let (bridge, now, sought) = (&admin.bridge, admin.bridge.now(), Sought::new(q));
    let names = Names::new(bridge);
    let place = |entry: &Entry| ListPlace::of(entry, entry.begins(bridge.zone_of(&entry.practice_id)));
    let before = match before.map(|before| before.place(bridge.ledger(), place)) {
        None => None,
        Some(Some(place)) => Some(place),
        Some(None) => return problem(StatusCode::BAD_REQUEST, say::BAD_PLACE),
    };
    let order =
        ListOrder::of(bridge.ledger(), |entry| sought.finds(&names.shown_texts(entry, now)).then(|| place(entry)));
    let range = order.behind(before, SHOWN_MAX);
    let row = |entry: Entry| {
        let row = Row::of(&names, &entry);
        (entry, row)
    };
    let shown: Vec<(Entry, Row)> = order.entries(range.clone(), bridge.ledger()).map(row).collect();
    let last = order.goes_on_behind(&range);
    let content = html! {
        h1 { "All bookings" }
        form.line method="get" action="/bookings" role="search" {
            label { (say::SEARCH_FIELD) br;
                input type="search" name="q" value=(q) size="40" aria-describedby="hint"; }
            button { "Search" }
        }
        p.quiet #hint { (say::SEARCH_HINT) }
        p role="status" { (say::found(order.len(), range)) }
        @if let Some(zones) = names::zones(bridge, shown.iter().map(|(entry, _)| entry)) { p.quiet { (zones) } }
        (table(bridge, &shown, now))
        (pages(q, before, last))
    };
    layout::page("All bookings", Reload::Never, caller, &content).into_response()
}

/// The ways to the other pages of the list, if there are any.
fn pages(q: &str, before: Option<ListPlace>, last: Option<ListPlace>) -> Markup {
    let address = |before: Option<ListPlace>| {
        let before = before.map(|place| format!("&before={}", place.to_text())).unwrap_or_default();
        format!("/bookings?q={}{before}", utf8_percent_encode(q, NON_ALPHANUMERIC))
    };
    html! {
        @if before.is_some() || last.is_some() {
            nav.buttons aria-label="Pages of the list" {
                @if before.is_some() { a.button href=(address(None)) rel="first" { (say::TO_THE_FIRST) } }
                @if last.is_some() { a.button href=(address(last)) rel="next" { (say::OLDER) } }
            }
        }
    }
}
