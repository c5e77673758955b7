//! What is left to show without a store: why, and what it means.

use axum::response::Html;
use maud::html;

use super::layout::{self, Reload};
use crate::messages::page as say;
use crate::server::ask_again;
use crate::server::auth::Caller;
use crate::server::view::BridgeStatus;

/// The status page of a service without its store.
pub(in crate::server) fn render(status: &BridgeStatus, caller: &Caller) -> Html<String> {
    let content = html! {
        h1 { "Online bookings " span.ill { "need a look" } }
        h2 { "What needs a person now" }
        p role="status" { (say::to_do(status.problems.len() + status.left_alone.len(), 0)) }
        @for problem in &status.problems {
            div.card.urgent {
                (problem.text) " Since " (problem.since.format("%Y-%m-%d %H:%M:%S UTC")) "."
            }
        }
        @for server in &status.left_alone { div.card.urgent { (server.sentence()) } }
        @if !status.left_alone.is_empty() { (ask_again::button(caller)) }
        @for practice in &status.practices {
            h2 { "Practice " (practice.id) " " span.ill { "not in step" } }
            @for reason in &practice.reasons { p { (reason) } }
        }
        p.quiet { "vetbridge " (status.version) }
    };
    layout::page("Status", Reload::To("/"), caller, &content)
}
