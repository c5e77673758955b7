//! A day of a resource: what is offered, and why the rest is not.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{Days as CalendarDays, NaiveDate};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Reload, ago};
use super::names;
use super::picture::{clock, picture};
use crate::availability::explanation::Code;
use crate::dates;
use crate::ids::{AppointmentTypeId, PracticeId};
use crate::messages::{admin as admin_say, explain as say};
use crate::practice::Practice;
use crate::practice::explain::Explanation;
use crate::server::Admin;
use crate::server::auth::Caller;
use crate::server::explanation::facts;
use crate::server::problem::problem;

#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct Which {
    resource: Option<String>,
    date: Option<String>,
}

pub(super) async fn show(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Path(id): Path<String>,
    Query(which): Query<Which>,
) -> Response {
    let Some((practice, off)) = admin.bridge.on_or_off(&PracticeId(id.clone())) else {
        return problem(StatusCode::NOT_FOUND, admin_say::no_such_practice(&id));
    };
    let first = || practice.explained_resources().first().map(|(resource, _)| *resource);
    let asked = which.resource.filter(|text| !text.is_empty());
    let resource = match asked.map(|text| text.parse().map_err(|_| say::no_resource(&text))).transpose() {
        Ok(resource) => resource.or_else(first),
        Err(why) => return problem(StatusCode::BAD_REQUEST, why),
    };
    let Some(resource) = resource else {
        return problem(StatusCode::NOT_FOUND, say::nothing_known_yet(practice.id()));
    };
    let today = practice.zone().wall(admin.bridge.now()).date();
    let asked = which.date.filter(|text| !text.is_empty());
    let date = match asked.map(|text| dates::day(&text).ok_or_else(|| say::no_date(&text))).transpose() {
        Ok(date) => date.unwrap_or(today),
        Err(why) => return problem(StatusCode::BAD_REQUEST, why),
    };
    match practice.explain(resource, date, off).await {
        Ok(explanation) => {
            let content = content(&admin, &practice, &explanation);
            let title = format!("{} on {date}", explanation.resource);
            layout::page(&title, Reload::Never, &caller, &content).into_response()
        }
        Err(why) => problem(StatusCode::NOT_FOUND, why),
    }
}

fn content(admin: &Admin, practice: &Practice, own: &Explanation) -> Markup {
    let zone = own.zones.practice;
    let name = own.known.as_ref().map_or_else(|| own.resource.to_string(), |known| known.name.clone());
    let facts = facts(own);
    let type_name = |id| {
        let known = own.known.as_ref().and_then(|known| known.appointment_type(id));
        known.map_or_else(|| id.to_string(), |kind| kind.plain_name.clone())
    };
    let named = |types: &[AppointmentTypeId]| types.iter().map(|id| type_name(*id)).collect::<Vec<_>>().join(", ");
    let sent: BTreeSet<u32> =
        own.last_sent.iter().flat_map(|last| last.sent.day.starts()).map(|start| start.0).collect();
    html! {
        h1 { (name) ", " (own.date.format("%A %-d %B %Y")) }
        p.quiet { (names::practice(&own.practice, Some(practice))) ". Times are of " (zone.to_string()) "."
            @if let Some(at) = own.read_at { " The diary was read " (ago(at, admin.bridge.now(), zone)) "." }
        }
        (browse(practice, own))
        p {
            @match &own.last_sent {
                None if own.pending => (say::NEVER_SENT),
                None => (say::NOTHING_SENT),
                Some(last) => {
                    @let at = zone.at(last.sent.at).format("%-d %b %Y %H:%M:%S");
                    (say::last_sent(at, last.sent.accepted, own.pending))
                }
            }
        }
        (key())
        (picture(&own.slots, short, &sent))
        h2 { "Why" }
        div.wide { table.stack {
            thead { tr { th { "Time" } th { "Why" } th { "What changes it" } } }
            tbody {
                @for alike in own.slots.chunk_by(|a, b| a.code == b.code && a.types == b.types) {
                    @if let (Some(from), Some(to)) = (alike.first(), alike.last()) {
                        tr {
                            td data-label="Time" { (clock(from.minute)) "-" (clock(to.end_minute)) }
                            td data-label="Why" {
                                @if from.code == Code::Offered { "Offered: " (named(&from.types)) "." }
                                @else { (say::text(from.code, &facts)) }
                                @if !from.types.is_empty() && !from.too_long.is_empty() {
                                    " Too long: " (named(&from.too_long)) "."
                                }
                            }
                            td data-label="What changes it" {
                                @if from.code == Code::OwnBooking {
                                    (say::OWN_BOOKING_REMEDY) " "
                                    a href={ "/bookings?q=" (own.date) } { "The bookings of that day" } "."
                                } @else { (say::remedy(from.code, &facts)) }
                            }
                        }
                    }
                }
            }
        } }
    }
}

/// Other days and resources.
fn browse(practice: &Practice, own: &Explanation) -> Markup {
    let link = |date: NaiveDate| format!("/practices/{}/days?resource={}&date={date}", own.practice, own.resource);
    html! {
        form.line method="get" action={ "/practices/" (own.practice) "/days" } {
            label { "Resource" br; select name="resource" {
                @for (id, name) in practice.explained_resources() {
                    option value=(id) selected[id == own.resource] { (name) }
                }
            } }
            label { "Day" br; input type="date" name="date" value=(own.date); }
            button { "Show" }
        }
        div.buttons {
            @if let Some(before) = own.date.checked_sub_days(CalendarDays::new(1)) {
                a.button href=(link(before)) rel="prev" { "Day before" }
            }
            @if let Some(after) = own.date.checked_add_days(CalendarDays::new(1)) {
                a.button href=(link(after)) rel="next" { "Day after" }
            }
        }
    }
}

fn key() -> Markup {
    html! {
        p.key aria-hidden="true" {
            span.offered {} "offered" span.busy {} "taken" span.own {} "booked online"
            span.closed {} "closed or past" span.other {} "another reason"
        }
    }
}

/// A few words for the picture.
fn short(code: Code) -> String {
    match code {
        Code::Busy => "an appointment or a block".to_owned(),
        Code::OwnBooking => "booked through Healthengine".to_owned(),
        Code::InDoubt => "being booked, or in doubt".to_owned(),
        Code::NotRostered => "clinician not rostered".to_owned(),
        Code::ClinicianBusy => "clinician taken elsewhere".to_owned(),
        Code::MinNotice => "too soon".to_owned(),
        Code::TooShort => "too short for any type".to_owned(),
        Code::NoType => "no appointment type".to_owned(),
        Code::ClockChange => "the clocks change".to_owned(),
        Code::HeldBack => "held back".to_owned(),
        Code::NotRead => "OpenVPMS was not read".to_owned(),
        Code::BeyondHorizon => "not offered so far ahead".to_owned(),
        Code::Off => "the practice is off".to_owned(),
        Code::Offered | Code::Closed | Code::Past => code.name().to_owned(),
    }
}
