//! What a person has done on the page. Each thing is asked once more, on a page that says what it
//! does; then the way leads back.

use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Reload, appointment_time, token};
use super::names::{self, Names};
use crate::booking::entry::Entry;
use crate::ids::{BookingId, PracticeId};
use crate::messages::{admin as admin_say, page as say};
use crate::server::auth::Caller;
use crate::server::problem::problem;
use crate::server::resolve::{self, Settled};
use crate::server::{Admin, pause as pausing};

#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct SettleQuery {
    #[serde(default)]
    outcome: String,
}

#[derive(Debug, Deserialize)]
pub(in crate::server) struct SettleForm {
    outcome: String,
    #[serde(default)]
    reference: String,
    #[serde(default)]
    force: Option<String>,
    #[serde(default)]
    note: String,
}

pub(super) async fn ask_to_settle(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(SettleQuery { outcome }): Query<SettleQuery>,
) -> Response {
    let entry = match entry(&admin, &id) {
        Ok(entry) => entry,
        Err(refused) => return *refused,
    };
    let content = settle_form(&admin, &caller, &entry, &outcome, None);
    layout::page("Settle a booking", Reload::Never, &caller, &content).into_response()
}

fn settle_form(admin: &Admin, caller: &Caller, entry: &Entry, outcome: &str, refused: Option<&str>) -> Markup {
    let (bridge, now) = (&admin.bridge, admin.bridge.now());
    html! {
        h1 { "Booking " (entry.booking_id) }
        @let zone = bridge.zone_of(&entry.practice_id);
        @if let Some(start) = entry.begins(zone) {
            p { (appointment_time(start, now, zone)) ", " (Names::new(bridge).booked(entry)) }
        }
        @if let Some(refused) = refused { div.card.urgent role="alert" { p { strong { (refused) } } } }
        @if let Some(sentence) = &entry.needs_attention { p { (sentence.to_string()) } }
        p { (say::settling(outcome)) }
        form method="post" action={ "/bookings/" (entry.booking_id) "/settle" } {
            (token(caller))
            input type="hidden" name="outcome" value=(outcome);
            @if outcome == "confirmed" {
                label { "Reference of the appointment, as in OpenVPMS (if another than vetbridge knows)"
                    br; input name="reference" autocomplete="off" size="40"; }
                label {
                    input type="checkbox" name="force" value="true";
                    " I saw it in the diary, whatever OpenVPMS answers"
                }
            }
            label { (say::NOTE_HINT) br; input name="note" maxlength="200" autocomplete="off" size="40"; }
            div.buttons {
                button { "Yes, settle it" }
                a.button href={ "/bookings/" (entry.booking_id) } { "Back" }
            }
        }
    }
}

pub(super) async fn settle(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    form: Result<Form<SettleForm>, FormRejection>,
) -> Response {
    let entry = match entry(&admin, &id) {
        Ok(entry) => entry,
        Err(refused) => return *refused,
    };
    let Ok(Form(form)) = form else { return problem(StatusCode::BAD_REQUEST, admin_say::RESOLVE_NO_OUTCOME) };
    let asked = resolve::TypedVerdict {
        outcome: &form.outcome,
        reference: Some(form.reference.trim()).filter(|text| !text.is_empty()),
        force: form.force.is_some(),
        note: Some(form.note.trim()).filter(|text| !text.is_empty()),
    };
    let refused = match asked.read() {
        Ok((verdict, note)) => match resolve::settle(&admin, entry.booking_id, verdict, note).await {
            Settled::Done(_) => return Redirect::to(&format!("/bookings/{}", entry.booking_id)).into_response(),
            Settled::Refused(_, why) => why,
        },
        Err(why) => why,
    };
    let content = settle_form(&admin, &caller, &entry, &form.outcome, Some(&refused));
    (StatusCode::CONFLICT, layout::page("Settle a booking", Reload::Never, &caller, &content)).into_response()
}

fn entry(admin: &Admin, id: &str) -> Result<Entry, Box<Response>> {
    let unknown = || Box::new(problem(StatusCode::NOT_FOUND, admin_say::no_such_booking(id)));
    let number = id.parse().map_err(|_| unknown())?;
    match admin.bridge.ledger().get(BookingId(number)) {
        Ok(Some(entry)) => Ok(entry),
        Ok(None) => Err(unknown()),
        Err(error) => Err(Box::new(problem(StatusCode::INTERNAL_SERVER_ERROR, error.to_string()))),
    }
}

pub(super) async fn ask_to_pause(admin: State<Admin>, caller: Extension<Caller>, id: Path<String>) -> Response {
    ask(&admin, &caller, &id, "pause", "Pause", say::PAUSING)
}

pub(super) async fn ask_to_resume(admin: State<Admin>, caller: Extension<Caller>, id: Path<String>) -> Response {
    ask(&admin, &caller, &id, "resume", "End the pause of", say::RESUMING)
}

pub(super) async fn ask_to_resync(admin: State<Admin>, caller: Extension<Caller>, id: Path<String>) -> Response {
    ask(&admin, &caller, &id, "resync", "Send everything again for", say::RESYNCING)
}

/// What is about to be done to a practice.
fn ask(admin: &Admin, caller: &Caller, id: &str, what: &str, label: &str, says: &str) -> Response {
    let id = PracticeId(id.to_owned());
    let Some((practice, _)) = admin.bridge.on_or_off(&id) else {
        return problem(StatusCode::NOT_FOUND, admin_say::no_such_practice(&id.0));
    };
    let title = format!("{label} {}", names::practice(&id, Some(&practice)));
    let content = html! {
        h1 { (title) "?" }
        p { (says) }
        form method="post" action={ "/practices/" (id) "/" (what) } {
            (token(caller))
            div.buttons { button { "Yes" } a.button href="/" { "Back" } }
        }
    };
    layout::page(&title, Reload::Never, caller, &content).into_response()
}

pub(super) async fn pause(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    switch(&admin, id, true).await
}

pub(super) async fn resume(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    switch(&admin, id, false).await
}

async fn switch(admin: &Admin, id: String, paused: bool) -> Response {
    let outcome = pausing::set(admin.clone(), id, paused).await;
    if outcome.status() == StatusCode::OK { back() } else { outcome }
}

/// Begins it. How it goes shows on the page.
pub(super) async fn resync(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    let Some(practice) = admin.bridge.practice(&PracticeId(id.clone())) else {
        return problem(StatusCode::NOT_FOUND, admin_say::no_such_practice(&id));
    };
    admin.bridge.ask_again();
    tokio::spawn(async move {
        let outcome = practice.resync(None, false, &|_| {}).await;
        if let Some(why) = outcome.problem {
            tracing::warn!(practice = %practice.id(), "A resync from the status page did not succeed: {why}");
        }
    });
    back()
}

fn back() -> Response {
    Redirect::to("/").into_response()
}
