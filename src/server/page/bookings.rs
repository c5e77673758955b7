//! The ledger for people: rows of bookings, and one booking's story.

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Reload, ago, appointment_time, moment};
use super::names::{self, Names};
use crate::booking::entry::{Entry, State as BookingState};
use crate::bridge::Bridge;
use crate::ids::BookingId;
use crate::messages::page::{self as say, PageAction};
use crate::messages::settling::{self, PressedVerdict};
use crate::messages::{
    admin as admin_say,
    resolve::{how_to_settle, practice_gone},
};
use crate::server::Admin;
use crate::server::auth::Caller;
use crate::server::problem::problem;

/// A booking as a row says it.
pub(super) struct Row {
    what: String,
    word: &'static str,
}

impl Row {
    pub(super) fn of(names: &Names<'_>, entry: &Entry) -> Self {
        Self { what: names.booked(entry), word: say::booking_word(entry, names.cancellation_waits(entry)) }
    }
}

/// A table of bookings. It names the practice of each if there are several.
pub(super) fn table(bridge: &Bridge, bookings: &[(Entry, Row)], now: DateTime<Utc>) -> Markup {
    let are_several = names::are_several(bridge);
    html! {
        @if !bookings.is_empty() {
            div.wide {
                table.stack {
                    thead { tr {
                        th { "Appointment" } @if are_several { th { "Practice" } }
                        th { "What" } th { "State" } th { "Changed" } th { "Booking" }
                    } }
                    tbody {
                        @for (entry, row) in bookings {
                            @let zone = bridge.zone_of(&entry.practice_id);
                            tr {
                                td data-label="Appointment" {
                                    @match entry.begins(zone) {
                                        Some(start) => (appointment_time(start, now, zone)),
                                        None => "time unknown",
                                    }
                                }
                                @if are_several {
                                    td data-label="Practice" { (names::of_practice(bridge, &entry.practice_id)) }
                                }
                                td data-label="What" { (row.what) }
                                td data-label="State" { (state(entry, row)) }
                                td data-label="Changed" {
                                    @if let Some(last) = entry.history.last() { (ago(last.at, now, zone)) }
                                }
                                td data-label="Booking" {
                                    a href={ "/bookings/" (entry.booking_id) } { (entry.booking_id) }
                                }
                            }
                        }
                    }
                }
            }
        }
    }
}

/// Its state, and in words whether somebody has to look.
fn state(entry: &Entry, row: &Row) -> Markup {
    html! {
        span class=(word_class(entry)) {
            (row.word) @if entry.needs_attention.is_some() { ", " (say::NEEDS_A_PERSON) }
        }
    }
}

fn word_class(entry: &Entry) -> &'static str {
    match entry.state {
        _ if entry.needs_attention.is_some() => "ill",
        BookingState::Confirmed => "well",
        BookingState::InDoubt => "ill",
        BookingState::Received
        | BookingState::Submitting
        | BookingState::Inserted
        | BookingState::Rejected
        | BookingState::Cancelled => "",
    }
}

#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct StoryQuery {
    /// What the person who is led here has just done.
    #[serde(default)]
    done: String,
}

/// What one booking went through.
pub(in crate::server) async fn story(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(StoryQuery { done }): Query<StoryQuery>,
) -> Response {
    let unknown = || problem(StatusCode::NOT_FOUND, admin_say::no_such_booking(&id));
    let Ok(number) = id.parse() else { return unknown() };
    let entry = match admin.bridge.ledger().get(BookingId(number)) {
        Ok(Some(entry)) => entry,
        Ok(None) => return unknown(),
        Err(error) => return problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()),
    };
    let (bridge, now) = (&admin.bridge, admin.bridge.now());
    let zone = bridge.zone_of(&entry.practice_id);
    let row = Row::of(&Names::new(bridge), &entry);
    let content = html! {
        h1 { "Booking " (entry.booking_id) }
        @if PageAction::of(&done) == Some(PageAction::Settled) {
            @let done = PageAction::Settled.done(&format!("booking {}", entry.booking_id));
            (layout::done(&format!("{done} {}", settling::at_healthengine(&entry))))
        }
        p { (say::times_are_of(zone)) }
        (attention(&entry))
        table {
            tr { th scope="row" { "Appointment" } td {
                @match (&entry.place, entry.begins(zone)) {
                    (Some(place), _) => {
                        (appointment_time(place.span.start, now, zone)) " to " (zone.at(place.span.end).format("%H:%M"))
                    }
                    (None, Some(wanted)) => { "Wanted for " (appointment_time(wanted, now, zone)) }
                    (None, None) => "The request named no time.",
                }
            } }
            tr { th scope="row" { "What" } td { (row.what) } }
            tr { th scope="row" { "Practice" } td { (names::of_practice(bridge, &entry.practice_id)) } }
            tr { th scope="row" { "State" } td { (state(&entry, &row)) } }
            tr { th scope="row" { "Reference in OpenVPMS" } td {
                @match &entry.reference { Some(reference) => (reference.to_string()), None => "none" }
            } }
            @if let Some(place) = &entry.place {
                tr { th scope="row" { "That day" } td { a href={
                    "/practices/" (entry.practice_id) "/days?resource=" (place.resource())
                    "&date=" (zone.wall(place.span.start).date())
                } { "what is offered, and why the rest is not" } } }
            }
        }
        h2 { "What happened" }
        ol.story {
            @for item in &entry.history {
                li {
                    strong { (say::state_word(item.state)) } " " (moment(item.at, now, zone))
                    br; (item.reason.to_string())
                }
            }
        }
        (buttons(bridge, &entry, &caller))
    };
    let address = format!("/bookings/{}", entry.booking_id);
    let is_settled = !entry.is_open() && entry.needs_attention.is_none();
    let reload = if is_settled { Reload::Never } else { Reload::To(&address) };
    layout::page(&format!("Booking {}", entry.booking_id), reload, &caller, &content).into_response()
}

/// What a person has to do about it.
pub(super) fn attention(entry: &Entry) -> Markup {
    html! {
        @if let Some(sentence) = &entry.needs_attention {
            div.card.urgent { p { strong { (sentence.to_string()) } } }
        }
    }
}

/// Buttons that settle it, each with a page that asks once more.
pub(super) fn buttons(bridge: &Bridge, entry: &Entry, caller: &Caller) -> Markup {
    let is_gone = bridge.on_or_off(&entry.practice_id).is_none();
    html! {
        @if is_gone {
            @if entry.needs_attention.is_some() { p { (practice_gone(&entry.practice_id)) "." } }
        } @else if caller.form_token().is_some() {
            div.buttons {
                @for (verdict, label) in settling::buttons(entry) { (settle_link(entry, verdict, label)) }
            }
        } @else if entry.needs_attention.is_some() { p.quiet { (how_to_settle(entry.booking_id)) "." } }
    }
}

/// The way to the page that asks once more.
pub(super) fn settle_link(entry: &Entry, verdict: PressedVerdict, label: &str) -> Markup {
    html! {
        a.button href={ "/bookings/" (entry.booking_id) "/settle?outcome=" (verdict.name()) } { (label) }
    }
}
