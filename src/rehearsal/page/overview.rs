//! What is wrong, what would be sent, how much is offered, and what became of the bookings.

use std::sync::atomic::Ordering;

use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use chrono::{Days, NaiveDateTime};
use maud::{Markup, html};

use super::super::round::RehearsedBooking;
use super::shown::{RehearsalPages, banner};
use crate::config::live_hours::DayKind;
use crate::findings::report::{Finding, Level};
use crate::ids::PracticeId;
use crate::mapping::{Mapping, Resource};
use crate::messages::rehearsal::{INTERRUPTED, LACKING, LEFT, how_to_remove, seconds};
use crate::messages::rehearsal_page as say;
use crate::messages::{ended, listed};
use crate::practice::health::problems::Problem;
use crate::server::Caller;
use crate::server::layout::{self, Reload};
use crate::server::view;
use crate::zone::zones::Zones;

/// What a pet owner looks at first.
const WEEK: u64 = 7;

pub(super) async fn show(State(shown): State<RehearsalPages>, Extension(caller): Extension<Caller>) -> Html<String> {
    let (done, all) = shown.stand.published();
    let content = html! {
        h1 { (say::TITLE) }
        (banner(shown.stand.books))
        p.quiet { (say::READ_ONCE) }
        @if done < all { div.card role="status" { p { (say::publishing(done, all)) } } }
        @for line in &shown.facts.removed { p { (line) } }
        @if !shown.facts.left.is_empty() {
            div.card.urgent {
                p { strong { (LEFT) } }
                ul { @for left in &shown.facts.left { li { (left) } } }
                p { (how_to_remove(shown.facts.books)) }
            }
        }
        (right_now(&shown))
        (wrong(&shown))
        @for (id, mapping, zones) in shown.stand.practices() { (practice(&shown, id, mapping, zones)) }
        (round(&shown))
    };
    let reload = if done < all {
        Reload::Soon("/")
    } else if !shown.facts.is_round_over.load(Ordering::Relaxed) {
        Reload::To("/")
    } else {
        // What somebody opened on it stays open.
        Reload::Never
    };
    layout::page(say::TITLE, reload, &caller, &content)
}

/// What keeps the bridge from going on, as its status page has it, which has more.
fn right_now(shown: &RehearsalPages) -> Markup {
    let status = view::status(&shown.stand.bridge);
    let since = |problem: &Problem, practices: &[PracticeId]| {
        let zone = practices.first().and_then(|id| shown.stand.zones(id)).map(|zones| zones.practice);
        zone.map(|zone| zone.at(problem.since).format("%H:%M:%S").to_string())
    };
    html! {
        @for (practices, problem) in status.causes() {
            div.card.urgent role="status" {
                p {
                    @if !practices.is_empty() {
                        strong { (listed(practices.iter().map(|id| shown.stand.practice_name(id)))) } ": "
                    }
                    (problem.text)
                    @if let Some(since) = since(problem, &practices) { span.quiet { " Since " (since) "." } }
                }
            }
        }
        @for server in &status.left_alone { div.card.urgent role="status" { p { (server.sentence()) } } }
    }
}

fn wrong(shown: &RehearsalPages) -> Markup {
    html! {
        h2 { (say::WRONG) }
        @if shown.facts.findings.is_empty() { p.well { (say::NOTHING_WRONG) } }
        @else {
            div.wide { table.stack {
                thead { tr { th { "How bad" } th { "Where" } th { "What" } th { "What to do" } } }
                tbody { @for Finding { level, place, message, remedy } in &shown.facts.findings {
                    tr {
                        td data-label="How bad" {
                            @if *level == Level::Problem { span.ill { (say::PROBLEM) } } @else { (say::NOTE) }
                        }
                        td data-label="Where" { (place) }
                        td data-label="What" { (ended(message)) }
                        td data-label="What to do" { @if let Some(remedy) = remedy { (ended(remedy)) } }
                    }
                } }
            } }
        }
        @if !shown.facts.lacking.is_empty() {
            h3 { (LACKING) }
            ul { @for lacking in &shown.facts.lacking { li { (lacking) } } }
        }
    }
}

fn practice(shown: &RehearsalPages, id: &PracticeId, mapping: &Mapping, zones: Zones) -> Markup {
    html! {
        h2 { (shown.stand.practice_name(id)) }
        p.quiet { (say::practice(id)) ". " (say::times_of(&zones.practice.to_string())) }
        div.wide { table.stack {
            caption { (say::OFFERED) }
            thead { tr { th { "Resource" } th { "First time" } th { "Times in 7 days" } } }
            tbody { @for resource in &mapping.resources {
                @let starts = starts(shown, id, resource, zones);
                tr {
                    th scope="row" {
                        a href=(RehearsalPages::offer_link(id, resource.id, starts.first().map(|start| start.date()))) {
                            (resource.name)
                        }
                    }
                    td data-label="First time" {
                        @match starts.first() {
                            Some(start) => (start.format("%a %-d %b %Y %H:%M")),
                            None => span.warn { (say::NO_TIME) },
                        }
                    }
                    td data-label="Times in 7 days" { (within_a_week(shown, &starts, zones)) }
                }
            } }
        } }
        details { summary { (say::WOULD_BE_SENT) } (sent(shown, id, mapping)) }
    }
}

/// The starts that a resource offers, each once.
fn starts(shown: &RehearsalPages, id: &PracticeId, resource: &Resource, zones: Zones) -> Vec<NaiveDateTime> {
    let of = |day| shown.stand.offered(id, resource.id, day).into_iter().map(|choice| choice.start);
    let mut starts: Vec<NaiveDateTime> = shown.stand.days(&zones.practice).flat_map(of).collect();
    starts.sort_unstable();
    starts.dedup();
    starts
}

fn within_a_week(shown: &RehearsalPages, starts: &[NaiveDateTime], zones: Zones) -> usize {
    let end = zones.practice.wall(shown.stand.now()).date() + Days::new(WEEK);
    starts.iter().filter(|start| start.date() < end).count()
}

/// What Healthengine was sent, as it has it: the model keeps what the real one would.
fn sent(shown: &RehearsalPages, id: &PracticeId, mapping: &Mapping) -> Markup {
    let model = &shown.stand.model;
    let contract = model.liveness_contract(id).ok().flatten();
    html! {
        h3 { (say::LIVENESS) }
        @match &contract {
            None => p { (say::NOT_SENT_YET) },
            Some(contract) => ul {
                @for day in DayKind::ALL {
                    li { (day.key()) ": " (hours(contract, day)) }
                }
            },
        }
        h3 { (say::RESOURCES) }
        div.wide { table {
            thead { tr { th { "Id" } th { "Name" } } }
            tbody { @for own in model.resources(id).unwrap_or_default() { tr { td { (own.id) } td { (own.name) } } } }
        } }
        h3 { (say::TYPES) }
        div.wide { table {
            thead { tr { th { "Id" } th { "Name" } th { "Minutes" } } }
            tbody { @for own in model.appointment_types(id).unwrap_or_default() {
                tr { td { (own.id) } td { (own.name) } td { (own.length_minutes.unwrap_or_default()) } }
            } }
        } }
        @for left_out in &mapping.left_out { p.warn { (say::left_out(left_out)) } }
    }
}

/// The hours of a kind of day in a contract as it was sent.
fn hours(contract: &serde_json::Value, day: DayKind) -> String {
    let ranges = contract.pointer(&format!("/liveHours/{}", day.wire_name())).and_then(serde_json::Value::as_array);
    let text = |range: &serde_json::Value, key: &str| range[key].as_str().unwrap_or_default().to_owned();
    let ranges: Vec<String> =
        ranges.into_iter().flatten().map(|range| format!("{}-{}", text(range, "start"), text(range, "end"))).collect();
    if ranges.is_empty() { say::NO_HOURS.to_owned() } else { ranges.join(", ") }
}

fn round(shown: &RehearsalPages) -> Markup {
    let round = shown.facts.round.lock();
    html! {
        @if !round.is_empty() {
            h2 { (say::ROUND) }
            div.wide { table.stack {
                thead { tr {
                    th { "Resource" } th { "Time" } th { "Confirmed after" } th { "Diary" } th { "Gone after" }
                } }
                tbody { @for own in round.iter() { (rehearsed(shown, own)) } }
            } }
        }
    }
}

fn rehearsed(shown: &RehearsalPages, own: &RehearsedBooking) -> Markup {
    let (name, kind) = shown.stand.names(&own.choice);
    html! {
        tr {
            th scope="row" { (name) ", " (kind) }
            td data-label="Time" { (own.choice.start.format("%a %-d %b %Y %H:%M")) }
            td data-label="Confirmed after" { @if let Some(after) = own.confirmed_after { (seconds(after)) } }
            td data-label="Diary" {
                @if let Some(shown) = own.in_the_diary() { (shown) }
                @if own.broken_off { " " (INTERRUPTED) }
                @if let Some(wrong) = &own.wrong { span.ill { (wrong) } }
            }
            td data-label="Gone after" { @if let Some(after) = own.cancelled_after { (seconds(after)) } }
        }
    }
}
