//! The pet owner's part: a time is chosen and booked, and watched on its way into the diary and out
//! of it again.

use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use chrono::NaiveDateTime;
use maud::{Markup, html};
use serde::Deserialize;

use super::super::choices::ChosenTime;
use super::super::stand::PlayedClient;
use super::shown::{RehearsalPages, banner};
use crate::booking::entry::Entry;
use crate::ids::{BookingId, PracticeId, TypeId};
use crate::messages::rehearsal::TOO_SOON;
use crate::messages::rehearsal_page as say;
use crate::server::layout::{self, Reload, token};
use crate::server::{Caller, problem};
use crate::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus};

/// A time of an appointment type, as links and forms carry it.
#[derive(Debug, Default, Deserialize)]
pub(super) struct ChosenTimeFields {
    #[serde(default)]
    practice: String,
    #[serde(default)]
    kind: String,
    #[serde(default)]
    start: String,
    #[serde(default)]
    client: PlayedClient,
}

impl ChosenTimeFields {
    /// The choice, if it is offered at this moment and can be booked here.
    fn choice(&self, shown: &RehearsalPages) -> Result<ChosenTime, Box<Response>> {
        let refused = |status, why: &str| Err(Box::new(problem(status, why)));
        if !shown.stand.books {
            return refused(StatusCode::CONFLICT, say::ONLY_READS_HERE);
        }
        if shown.stand.closing.is_cancelled() {
            return refused(StatusCode::CONFLICT, say::ENDING);
        }
        let read = self.kind.parse::<TypeId>().ok().zip(self.start.parse::<NaiveDateTime>().ok());
        let Some((kind, start)) = read else { return refused(StatusCode::BAD_REQUEST, say::NO_CHOICE) };
        let practice = PracticeId(self.practice.clone());
        let offered = shown.stand.offered(&practice, kind.resource, start.date());
        let chosen = offered.into_iter().find(|choice| choice.kind == kind && choice.start == start);
        match chosen {
            Some(choice) if shown.is_bookable(&choice) => Ok(choice),
            Some(_) => refused(StatusCode::CONFLICT, TOO_SOON),
            None => refused(StatusCode::CONFLICT, say::NOT_OFFERED_NOW),
        }
    }
}

/// Asks once more, since it is the clinic's diary.
pub(super) async fn ask(
    State(shown): State<RehearsalPages>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<ChosenTimeFields>,
) -> Response {
    let choice = match asked.choice(&shown) {
        Ok(choice) => choice,
        Err(refused) => return *refused,
    };
    let (name, kind) = shown.stand.names(&choice);
    let title = say::book_question(&kind, &name);
    let back = RehearsalPages::offer_link(&choice.practice, choice.kind.resource, Some(choice.start.date()));
    let content = html! {
        h1 { (title) }
        (banner(true))
        p { (choice.start.format("%A %-d %B %Y, %H:%M")) ", " (choice.minutes) " minutes" }
        p { (say::BOOKING) }
        p { (say::NEW_OR_KNOWN) }
        form method="post" action="/choose" {
            (token(&caller))
            input type="hidden" name="practice" value=(asked.practice);
            input type="hidden" name="kind" value=(asked.kind);
            input type="hidden" name="start" value=(asked.start);
            div.buttons {
                button name="client" value="known" { (say::BOOK_AS_KNOWN) }
                button name="client" value="new" { (say::BOOK_AS_NEW) }
                a.button href=(back) { "Back" }
            }
        }
    };
    layout::page(&title, Reload::Never, &caller, &content).into_response()
}

pub(super) async fn book(State(shown): State<RehearsalPages>, Form(asked): Form<ChosenTimeFields>) -> Response {
    let choice = match asked.choice(&shown) {
        Ok(choice) => choice,
        Err(refused) => return *refused,
    };
    match shown.stand.book(&choice, asked.client) {
        Ok(id) => Redirect::to(&format!("/rehearsed/{id}")).into_response(),
        Err(error) => problem(StatusCode::CONFLICT, say::not_booked(&error.to_string())),
    }
}

pub(super) async fn cancel(State(shown): State<RehearsalPages>, Path(id): Path<i64>) -> Response {
    match shown.stand.model.cancel(BookingId(id)) {
        Ok(_) => Redirect::to(&format!("/rehearsed/{id}")).into_response(),
        Err(_) => problem(StatusCode::CONFLICT, say::NOTHING_TO_CANCEL),
    }
}

pub(super) async fn show(
    State(shown): State<RehearsalPages>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<i64>,
) -> Response {
    let id = BookingId(id);
    let Ok(view) = shown.stand.model.booking(id) else {
        return problem(StatusCode::NOT_FOUND, say::no_such_booking(id));
    };
    let entry = shown.stand.bridge.ledger().get(id).ok().flatten();
    let stands = view.status == MarketplaceStatus::Confirmed && view.open_updates.is_empty();
    let waits = view.status == MarketplaceStatus::Requested || !view.open_updates.is_empty();
    let title = say::booking(id);
    let content = html! {
        h1 { (title) }
        (banner(true))
        (seen_by_pet_owner(&shown, &view))
        (done_by_bridge(&shown, &view, entry.as_ref()))
        @if stands {
            form method="post" action={ "/rehearsed/" (id) "/cancel" } {
                (token(&caller))
                div.buttons { button { (say::CANCEL) } }
            }
        }
        @if entry.is_some() { p { a href={ "/bookings/" (id) } { (say::STORY) } } }
    };
    let address = format!("/rehearsed/{id}");
    let reload = if waits { Reload::Soon(&address) } else { Reload::Never };
    layout::page(&title, reload, &caller, &content).into_response()
}

fn seen_by_pet_owner(shown: &RehearsalPages, view: &MarketplaceBooking) -> Markup {
    let kind = view.appointment_type.as_deref().and_then(|kind| kind.parse::<TypeId>().ok());
    let choice = kind.map(|kind| ChosenTime {
        practice: view.practice.clone(),
        kind,
        start: view.start,
        minutes: view.length_seconds / 60,
    });
    let told = match view.status {
        MarketplaceStatus::Requested => say::PET_OWNER_WAITS,
        MarketplaceStatus::Confirmed if !view.open_updates.is_empty() => say::PET_OWNER_CANCELLED,
        MarketplaceStatus::Confirmed => say::PET_OWNER_CONFIRMED,
        MarketplaceStatus::Cancelled if !view.open_updates.is_empty() => say::PET_OWNER_CANCELLED,
        MarketplaceStatus::Cancelled => say::PET_OWNER_DONE,
        MarketplaceStatus::Failed => say::PET_OWNER_REJECTED,
    };
    html! {
        h2 { (say::PET_OWNER) }
        @if let Some(choice) = &choice {
            @let (name, kind) = shown.stand.names(choice);
            p { (kind) ", " (name) ", " (view.start.format("%A %-d %B %Y, %H:%M")) }
        }
        p role="status" { (told) }
    }
}

/// What the ledger has, moment by moment.
fn done_by_bridge(shown: &RehearsalPages, view: &MarketplaceBooking, entry: Option<&Entry>) -> Markup {
    let zone = shown.stand.bridge.zone_of(&view.practice);
    html! {
        h2 { (say::BRIDGE) }
        @match entry {
            None => p { (say::NOT_POLLED_YET) },
            Some(entry) => {
                ol.story {
                    @for item in &entry.history {
                        li {
                            strong { (zone.wall(item.at).format("%H:%M:%S%.3f")) " " (item.state.name()) }
                            br; (item.reason.to_string())
                        }
                    }
                }
                @if let Some(reference) = &entry.reference { p { (say::reference(reference)) } }
                @if let Some(flag) = &entry.needs_attention { p.ill { (flag.to_string()) } }
            }
        }
    }
}
