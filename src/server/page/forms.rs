//! What a person has done on the page. Each thing is asked once more, on a page that says what it
//! does; then the way leads back.

use axum::extract::rejection::FormRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Redirect, Response};
use axum::{Extension, Form};
use maud::{Markup, html};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Deserialize;

use super::bookings::settle_link;
use super::layout::{self, Reload, appointment_time, token};
use super::names::{self, Names};
use crate::booking::entry::Entry;
use crate::bridge::off::Off;
use crate::ids::{BookingId, PracticeId};
use crate::messages::admin as admin_say;
use crate::messages::page::{self as say, PageAction};
use crate::messages::resolve::practice_gone;
use crate::messages::settling::{self, OnThePage, PressedVerdict};
use crate::practice::Practice;
use crate::server::auth::Caller;
use crate::server::problem::problem;
use crate::server::resolve::{self, Settled};
use crate::server::{Admin, pause as pausing, resync as resyncing};

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
    by_hand: Option<String>,
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
    let Some(verdict) = PressedVerdict::of(&outcome) else {
        return problem(StatusCode::BAD_REQUEST, admin_say::RESOLVE_NO_OUTCOME);
    };
    if admin.bridge.on_or_off(&entry.practice_id).is_none() {
        return problem(StatusCode::CONFLICT, admin_say::sentence(&practice_gone(&entry.practice_id)));
    }
    let content = SettlePage { admin: &admin, caller: &caller, entry: &entry, verdict, refused: None }.content();
    layout::page("Settle a booking", Reload::Never, &caller, &content).into_response()
}

/// The page that asks once more before a booking is settled.
struct SettlePage<'a> {
    admin: &'a Admin,
    caller: &'a Caller,
    entry: &'a Entry,
    verdict: PressedVerdict,
    /// What was typed, and why that is not taken.
    refused: Option<(&'a SettleForm, &'a str)>,
}

impl SettlePage<'_> {
    fn content(&self) -> Markup {
        let (bridge, now, entry) = (&self.admin.bridge, self.admin.bridge.now(), self.entry);
        let zone = bridge.zone_of(&entry.practice_id);
        html! {
            h1 { (say::settle_question(entry.booking_id, settling::label(entry, self.verdict))) }
            p {
                @if let Some(start) = entry.begins(zone) { (appointment_time(start, now, zone)) ", " }
                (Names::new(bridge).booked(entry)) ", " (names::of_practice(bridge, &entry.practice_id))
            }
            p.quiet { (say::times_are_of(zone)) }
            @if let Some((_, why)) = self.refused {
                div.card.urgent role="alert" { p { strong { (why) } } }
                p { (settling::OTHER_ANSWERS) }
                div.buttons {
                    @for other in PressedVerdict::ALL.into_iter().filter(|other| *other != self.verdict) {
                        (settle_link(entry, other, settling::label(entry, other)))
                    }
                }
            }
            @if let Some(sentence) = &entry.needs_attention { p { (sentence.to_string()) } }
            p { (self.verdict.effect(entry)) }
            (self.form())
        }
    }

    fn form(&self) -> Markup {
        let entry = self.entry;
        let typed = self.refused.map(|(form, _)| form);
        html! {
            form method="post" action={ "/bookings/" (entry.booking_id) "/settle" } {
                (token(self.caller))
                input type="hidden" name="outcome" value=(self.verdict.name());
                @if settling::implies_seen(entry, self.verdict) {
                    input type="hidden" name="force" value="true";
                } @else if self.verdict == PressedVerdict::Confirmed
                    && (self.refused.is_some() || settling::asks_which_appointment(entry)) {
                    label { (settling::REFERENCE) br;
                        input name="reference" autocomplete="off" size="40" value=[typed.map(|form| &form.reference)]; }
                    @if settling::is_made_by_hand(entry) {
                        label {
                            input type="checkbox" name="by_hand" value="true"
                                checked[typed.is_none_or(|form| form.by_hand.is_some())];
                            " " (settling::BY_HAND)
                        }
                    } @else {
                        label {
                            input type="checkbox" name="force" value="true"
                                checked[typed.is_some_and(|form| form.force.is_some())];
                            " " (settling::SAW_IT)
                        }
                    }
                }
                @let note = typed.map(|form| &form.note);
                label { (settling::NOTE_HINT) br;
                    input name="note" maxlength="200" autocomplete="off" size="40" value=[note]; }
                div.buttons {
                    button { (settling::SETTLE) }
                    a.button href={ "/bookings/" (entry.booking_id) } { "Back" }
                }
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
    let form = form.ok().and_then(|Form(form)| Some((PressedVerdict::of(&form.outcome)?, form)));
    let Some((verdict, form)) = form else {
        return problem(StatusCode::BAD_REQUEST, admin_say::RESOLVE_NO_OUTCOME);
    };
    let reference = Some(form.reference.trim()).filter(|text| !text.is_empty());
    // A reference that was typed is held against the booking all the same.
    let by_hand = verdict == PressedVerdict::Confirmed && reference.is_none() && form.by_hand.is_some();
    let asked = resolve::TypedVerdict {
        outcome: &form.outcome,
        reference,
        force: form.force.is_some() || by_hand,
        note: Some(form.note.trim()).filter(|text| !text.is_empty()),
    };
    let refused = match asked.read() {
        Ok((resolution, note)) => match resolve::settle(&admin, entry.booking_id, resolution, note).await {
            Settled::Done(_) => return to_story(&entry),
            Settled::Objected(why) => admin_say::sentence(&OnThePage { objection: &why, entry: &entry }),
            // What the person said is kept, and only Healthengine does not know: the story says so.
            Settled::Refused(StatusCode::BAD_GATEWAY, _) if is_owed(&admin, &entry) => return to_story(&entry),
            Settled::Refused(_, why) => why,
        },
        Err(why) => why,
    };
    let refused = Some((&form, refused.as_str()));
    let content = SettlePage { admin: &admin, caller: &caller, entry: &entry, verdict, refused }.content();
    (StatusCode::CONFLICT, layout::page("Settle a booking", Reload::Never, &caller, &content)).into_response()
}

/// The story of a booking that was settled.
fn to_story(entry: &Entry) -> Response {
    Redirect::to(&format!("/bookings/{}?done={}", entry.booking_id, PageAction::Settled.name())).into_response()
}

/// True once Healthengine has to be told what a person said.
fn is_owed(admin: &Admin, before: &Entry) -> bool {
    let entry = admin.bridge.ledger().get(before.booking_id).ok().flatten();
    entry.is_some_and(|entry| entry.owed().is_some())
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
    ask(&admin, &caller, &id, RESYNC, "Send everything again for", say::RESYNCING)
}

/// What is about to be done to a practice.
fn ask(admin: &Admin, caller: &Caller, id: &str, what: &str, label: &str, says: &str) -> Response {
    let id = PracticeId(id.to_owned());
    let Some((practice, off)) = admin.bridge.on_or_off(&id) else {
        return problem(StatusCode::NOT_FOUND, admin_say::no_such_practice(&id.0));
    };
    if what == RESYNC
        && let Some(off) = off
    {
        return not_sent(admin, &practice, off);
    }
    let title = format!("{label} {}", names::of_practice(&admin.bridge, &id));
    let content = html! {
        h1 { (title) "?" }
        p { (says) }
        form method="post" action={ "/practices/" (id) "/" (what) } {
            (token(caller))
            div.buttons { button { "Yes" } a.button href=(caller.pages_of().status_path()) { "Back" } }
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
    let outcome = pausing::set(admin.clone(), id.clone(), paused).await;
    let done = if paused { PageAction::Paused } else { PageAction::Resumed };
    if outcome.status() == StatusCode::OK { back(admin, done, &id) } else { outcome }
}

/// Begins it. How it goes shows on the page.
pub(super) async fn resync(State(admin): State<Admin>, Path(id): Path<String>) -> Response {
    let practice = match admin.bridge.on_or_off(&PracticeId(id.clone())) {
        Some((practice, None)) => practice,
        Some((practice, Some(off))) => return not_sent(&admin, &practice, off),
        None => return problem(StatusCode::NOT_FOUND, admin_say::no_such_practice(&id)),
    };
    admin.bridge.ask_again();
    let running = resyncing::start(practice, None, false, |_| {});
    let of = id.clone();
    tokio::spawn(async move {
        if let Some(why) = running.await.ok().and_then(|outcome| outcome.problem) {
            tracing::warn!(practice = of, "A resync from the status page did not succeed: {why}");
        }
    });
    back(&admin, PageAction::Resync, &id)
}

const RESYNC: &str = "resync";

/// Nothing is sent for a practice that is off.
fn not_sent(admin: &Admin, practice: &Practice, off: Off) -> Response {
    let name = names::of_practice(&admin.bridge, practice.id());
    let why = match off {
        Off::Paused => say::paused_is_not_sent(&name),
        Off::Disabled | Off::Removed => say::off_is_not_sent(&name, off),
    };
    problem(StatusCode::CONFLICT, why)
}

/// Back to the status page, which says what was done.
fn back(admin: &Admin, done: PageAction, practice: &str) -> Response {
    let practice = utf8_percent_encode(practice, NON_ALPHANUMERIC);
    let status = admin.gate.pages_of().status_path();
    Redirect::to(&format!("{status}?done={}&practice={practice}", done.name())).into_response()
}
