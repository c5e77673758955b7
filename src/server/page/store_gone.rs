//! What is left to show without a store: why, and what it means.

use axum::response::Html;
use chrono::{DateTime, Utc};
use maud::html;

use super::layout::{self, Reload, since};
use super::overview::{left_alone_cards, problem_card};
use crate::messages::page as say;
use crate::server::auth::Caller;
use crate::server::view::BridgeStatus;
use crate::zone::Zone;

/// Where no practice is read, none has a zone.
const NO_ZONE: Zone = Zone::Iana(chrono_tz::UTC);

/// The status page of a service without its store.
pub(in crate::server) fn render(status: &BridgeStatus, caller: &Caller, now: DateTime<Utc>) -> Html<String> {
    let content = html! {
        h1 { "Online bookings " span.ill { "need a look" } }
        h2 { "What needs a person now" }
        p role="status" { (say::to_do(status.problems.len() + status.left_alone.len(), 0)) }
        @for problem in &status.problems {
            div.card.urgent { (problem_card(problem, &since(problem.since, now, NO_ZONE))) }
        }
        (left_alone_cards(&status.left_alone, caller, now, NO_ZONE))
        @for practice in &status.practices {
            h2 { "Practice " (practice.id) " " span.ill { "not in step" } }
            @for reason in &practice.reasons { p { (reason) } }
        }
        p.quiet { "vetbridge " (status.version) }
    };
    layout::page("Status", Reload::To("/"), caller, &content)
}
