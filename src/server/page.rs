//! The status page: the practices and what is wrong, the bookings that need a person, the latest
//! bookings.

use axum::Extension;
use axum::extract::State;
use axum::response::Html;
use maud::{DOCTYPE, Markup, html};

use super::again::ASK_AGAIN_PATH;
use super::auth::{self, Caller};
use super::view::{self, BookingView, OffStatus, PracticeStatus, time_or_never};
use super::{Admin, api};
use crate::messages::{admin as say, commands};
use crate::practice::health::problems::Problem;

/// How many bookings the page lists.
const LATEST: usize = 50;

const STYLE: &str = "
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 62rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin-top: 2rem; }
table { border-collapse: collapse; width: 100%; } th, td \
{ text-align: left; padding: .3rem .8rem .3rem 0; border-bottom: 1px solid #8884; vertical-align: top; }
.well { color: #18794e; } .ill { color: #c62a2f; font-weight: 600; }
@media (prefers-color-scheme: dark) { .well { color: #4cc38a; } .ill { color: #ff9592; } }
";

pub(super) async fn page(State(admin): State<Admin>, Extension(caller): Extension<Caller>) -> Html<String> {
    render(&view::status(&admin.bridge), Some(&api::latest(&admin, LATEST)), &caller)
}

/// The whole page as this caller sees it; without bookings when there is no ledger to read.
pub(super) fn render(status: &view::BridgeStatus, bookings: Option<&[BookingView]>, caller: &Caller) -> Html<String> {
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta http-equiv="refresh" content="10";
                title { "vetbridge" }
                style { (maud::PreEscaped(STYLE)) }
            }
            body {
                h1 { "vetbridge " (status.version) " " (light(status.healthy, "all is well", "needs attention")) }
                p { "Running since " (status.started_at.format("%Y-%m-%d %H:%M:%S UTC")) "." }
                @for problem in &status.problems { p.ill { (problem_line(problem)) } }
                (left_alone(&status.left_alone, caller))
                @for practice in &status.practices { (practice_section(practice)) }
                @for practice in &status.off { (off_section(practice)) }
                @if let Some(bookings) = bookings {
                    h2 { "Bookings" }
                    (booking_table(bookings))
                }
                (button(caller, auth::SIGN_OUT, say::SIGN_OUT))
            }
        }
    };
    Html(body.into_string())
}

/// A form that is a button. Only a browser's session has some; a program has the API.
fn button(caller: &Caller, path: &str, label: &str) -> Markup {
    html! {
        @if let Some(token) = caller.form_token() {
            form method="post" action=(path) {
                input type="hidden" name=(auth::FORM_TOKEN) value=(token.text());
                button { (label) }
            }
        }
    }
}

/// Servers that want to be left alone, with a button.
fn left_alone(servers: &[view::LeftAloneView], caller: &Caller) -> Markup {
    html! {
        @for server in servers { p.ill { (server.sentence()) } }
        @if !servers.is_empty() { (button(caller, ASK_AGAIN_PATH, say::ASK_AGAIN)) }
    }
}

fn light(well: bool, yes: &str, no: &str) -> Markup {
    html! { span class=(if well { "well" } else { "ill" }) { (if well { yes } else { no }) } }
}

fn practice_section(practice: &PracticeStatus) -> Markup {
    html! {
        h2 { "Practice " (practice.id) " " (light(practice.in_step, "in step", "not in step")) }
        table {
            tr { th { "Resources" } td { (practice.resources) } }
            tr { th { "Last poll" } td { (time_or_never(practice.polled_at)) } }
            @if practice.webhook_at.is_some() {
                tr { th { "Last webhook" } td { (time_or_never(practice.webhook_at)) } }
            }
            tr { th { "Diary read" } td { (time_or_never(practice.read_at)) } }
            tr { th { "Configuration accepted" } td { (time_or_never(practice.configured_at)) } }
            @if let Some(changes) = &practice.unsent_configuration {
                tr { th { "Configuration to be sent" } td { (commands::changes_in_one_line(changes)) } }
            }
            tr { th { "Availability sent" } td { (time_or_never(practice.sent_at)) } }
            @for reason in &practice.reasons { tr { th { "Not in step" } td.ill { (reason) } } }
            @for problem in &practice.problems {
                tr { th { "Problem" } td { (problem_line(problem)) } }
            }
        }
        (flagged(practice.needs_attention))
    }
}

fn flagged(bookings: usize) -> Markup {
    html! { @if bookings > 0 { p.ill { (commands::bookings_need_attention(bookings)) "." } } }
}

fn problem_line(problem: &Problem) -> Markup {
    html! { span.ill { (problem.text) } " Since " (problem.since.format("%Y-%m-%d %H:%M:%S UTC")) "." }
}

fn off_section(practice: &OffStatus) -> Markup {
    html! {
        h2 { "Practice " (practice.id) " is " (practice.why) }
        p { (if practice.silent { say::OFF_AND_SILENT } else { say::OFF_AND_LEAVING }) }
        @for problem in &practice.problems { p { (problem_line(problem)) } }
        (flagged(practice.needs_attention))
    }
}

fn booking_table(bookings: &[BookingView]) -> Markup {
    html! {
        @if bookings.is_empty() {
            p { "None yet." }
        } @else {
            table {
                tr {
                    th { "Booking" } th { "Practice" } th { "Appointment" }
                    th { "State" } th { "Since" } th { "What happened" }
                }
                @for booking in bookings {
                    tr {
                        td { (booking.booking_id) }
                        td { (booking.practice_id) }
                        td {
                            (time_or_never(booking.start))
                            @if let Some(schedule) = booking.schedule { " on schedule " (schedule) }
                        }
                        td { (booking.state) }
                        td { (time_or_never(booking.history.last().map(|last| last.at))) }
                        td {
                            @if let Some(sentence) = &booking.needs_attention { span.ill { (sentence) } }
                            @else if let Some(last) = booking.history.last() { (last.reason) }
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_that_bookings_are_flagged_is_told_how_that_ends() {
        let practice = |needs_attention: usize| PracticeStatus {
            id: "1234567".into(),
            in_step: true,
            reasons: Vec::new(),
            problems: Vec::new(),
            resources: 2,
            needs_attention,
            polled_at: None,
            webhook_at: None,
            read_at: None,
            unsent_configuration: None,
            configured_at: None,
            sent_at: None,
        };
        let off = |needs_attention| OffStatus {
            id: "7".into(),
            why: "paused".into(),
            silent: true,
            problems: Vec::new(),
            needs_attention,
            since: None,
        };
        for (on, off) in [
            (practice_section(&practice(1)), practice_section(&practice(0))),
            (off_section(&off(1)), off_section(&off(0))),
        ] {
            let (on, off) = (on.into_string(), off.into_string());
            assert!(on.contains("1 booking needs a person") && on.contains("`vetbridge bookings resolve ID`"), "{on}");
            assert!(!off.contains("resolve"), "{off}");
        }
    }
}
