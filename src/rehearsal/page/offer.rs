//! The days of a resource as a pet owner would see them: for each appointment type the times that
//! can be chosen.

use std::collections::BTreeMap;

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{Days, NaiveDate};
use maud::{Markup, html};
use serde::Deserialize;

use super::super::choices::ChosenTime;
use super::shown::{RehearsalPages, banner};
use crate::dates;
use crate::ids::{PracticeId, ResourceId};
use crate::mapping::{Mapping, Resource};
use crate::messages::rehearsal_page as say;
use crate::server::layout::{self, Reload};
use crate::server::{Caller, problem};

/// So many days are on one page.
const DAYS: u64 = 7;

#[derive(Debug, Default, Deserialize)]
pub(super) struct OfferQuery {
    #[serde(default)]
    practice: String,
    #[serde(default)]
    resource: String,
    from: Option<String>,
}

pub(super) async fn show(
    State(shown): State<RehearsalPages>,
    Extension(caller): Extension<Caller>,
    Query(asked): Query<OfferQuery>,
) -> Response {
    let id = PracticeId(asked.practice);
    let Some((_, mapping, zones)) = shown.stand.practices().find(|(own, ..)| **own == id) else {
        return problem(StatusCode::NOT_FOUND, say::no_such_practice(&id));
    };
    let resource = asked.resource.parse::<ResourceId>().ok().and_then(|resource| mapping.resource(resource));
    let Some(resource) = resource else {
        return problem(StatusCode::NOT_FOUND, say::no_such_resource(&asked.resource, &id));
    };
    let today = zones.practice.wall(shown.stand.now()).date();
    let from = asked.from.filter(|text| !text.is_empty());
    let Some(from) = from.map_or(Some(today), |text| dates::day(&text)) else {
        return problem(StatusCode::BAD_REQUEST, say::NO_DATE);
    };
    let title = format!("{}, {}", resource.name, shown.stand.practice_name(&id));
    let content = html! {
        h1 { (title) }
        (banner(shown.stand.books))
        p.quiet { (say::times_of(&zones.practice.to_string())) " " (say::AS_A_PET_OWNER) }
        @if shown.stand.books { p.quiet { (say::A_DAY_AWAY) } }
        (browse(&id, mapping, resource, from))
        @for day in from.iter_days().take(DAYS as usize) { (one_day(&shown, &id, resource, day)) }
    };
    layout::page(&title, Reload::Never, &caller, &content).into_response()
}

/// Other days and resources.
fn browse(id: &PracticeId, mapping: &Mapping, resource: &Resource, from: NaiveDate) -> Markup {
    let link = |from| RehearsalPages::offer_link(id, resource.id, Some(from));
    html! {
        form.line method="get" action="/offer" {
            input type="hidden" name="practice" value=(id);
            label { "Resource" br; select name="resource" {
                @for own in &mapping.resources {
                    option value=(own.id) selected[own.id == resource.id] { (own.name) }
                }
            } }
            label { "From" br; input type="date" name="from" value=(from); }
            button { "Show" }
        }
        div.buttons {
            @if let Some(before) = from.checked_sub_days(Days::new(DAYS)) {
                a.button href=(link(before)) rel="prev" { "Week before" }
            }
            @if let Some(after) = from.checked_add_days(Days::new(DAYS)) {
                a.button href=(link(after)) rel="next" { "Week after" }
            }
        }
    }
}

/// Where the picture of a day is.
fn why_link(id: &PracticeId, resource: &Resource, day: NaiveDate) -> String {
    format!("/practices/{id}/days?resource={}&date={day}", resource.id)
}

fn one_day(shown: &RehearsalPages, id: &PracticeId, resource: &Resource, day: NaiveDate) -> Markup {
    let mut by_type: BTreeMap<_, Vec<ChosenTime>> = BTreeMap::new();
    for choice in shown.stand.offered(id, resource.id, day) {
        by_type.entry(choice.kind).or_default().push(choice);
    }
    html! {
        h2 { (day.format("%A %-d %B %Y")) }
        @if by_type.is_empty() {
            p.quiet { (say::NOTHING_OFFERED) " " a href=(why_link(id, resource, day)) { (say::WHY_NOTHING) } "." }
        } @else {
            p.quiet { a href=(why_link(id, resource, day)) { (say::WHY) } "." }
        }
        @for kind in resource.types.iter().filter(|kind| by_type.contains_key(&kind.id)) {
            h3 { (kind.plain_name) ", " (kind.length_minutes) " minutes" }
            ul.times {
                @for choice in by_type.get(&kind.id).into_iter().flatten() { li { (time(shown, choice)) } }
            }
        }
    }
}

fn time(shown: &RehearsalPages, choice: &ChosenTime) -> Markup {
    let at = choice.start.format("%H:%M");
    html! {
        @if shown.is_bookable(choice) {
            a.button href={ "/choose?practice=" (choice.practice) "&kind=" (choice.kind) "&start="
                (choice.start.format("%Y-%m-%dT%H:%M:%S")) } { (at) }
        } @else { (at) }
    }
}
