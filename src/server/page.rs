//! The status page: the bookings that need a person, the practices and what is wrong with them, the bookings that changed last.
//!
//! It loads nothing and runs nothing: one document with its style in it, made anew every ten seconds by the browser's own refresh.

use axum::extract::State;
use axum::response::Html;
use chrono::{DateTime, FixedOffset};
use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::view::{self, BookingView, PracticeStatus, Status};
use super::{Admin, api};

/// How many bookings the page lists, of each kind.
const BOOKINGS_MAX: usize = 50;

/// Colours with enough contrast on either background (WCAG AA).
const STYLE: &str = "
:root { color-scheme: light dark; --line: #d8d8dc; --dim: #5c5c66; --card: #f6f6f8; --well: #17643c; --ill: #b3202c; --call: #fdecec;
  font: 16px/1.5 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) {
  :root { --line: #3a3a42; --dim: #a9a9b4; --card: #1f1f24; --well: #5cc793; --ill: #ff9a9a; --call: #3a1d20; } }
body { max-width: 80rem; margin: 0 auto; padding: 1.5rem 1rem 4rem; }
header { display: flex; flex-wrap: wrap; align-items: baseline; gap: .25rem 1rem; border-bottom: 1px solid var(--line); }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.15rem; margin: 2rem 0 .5rem; }
.dim { color: var(--dim); } .well { color: var(--well); font-weight: 600; } .ill { color: var(--ill); font-weight: 600; }
dl { display: grid; grid-template-columns: repeat(auto-fit, minmax(9.5rem, 1fr)); gap: .75rem; margin: 0; background: var(--card);
  border-radius: .5rem; padding: .75rem 1rem; }
dt { color: var(--dim); font-size: .85rem; } dd { margin: 0; }
ul.calls { list-style: none; margin: .5rem 0 0; padding: 0; }
ul.calls li { background: var(--call); border-left: .25rem solid var(--ill); padding: .4rem .75rem; margin-top: .4rem; overflow-wrap: anywhere; }
code { white-space: nowrap; } .zone { color: var(--dim); font-size: .85rem; font-weight: normal; margin-left: .75rem; }
table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; } .call { color: var(--ill); }
th, td { text-align: left; padding: .35rem 1rem .35rem 0; border-bottom: 1px solid var(--line); vertical-align: top; }
th { color: var(--dim); font-size: .85rem; font-weight: 600; white-space: nowrap; } td.fixed { white-space: nowrap; }
@media (max-width: 55rem) {
  code { white-space: normal; } th { display: none; } tr { display: block; border-bottom: 1px solid var(--line); padding: .5rem 0; }
  td { display: block; border: 0; padding: 0; } td.fixed::before { content: attr(data-heading) ' '; color: var(--dim); font-size: .85rem; } }
";

pub(super) async fn page(State(admin): State<Admin>) -> Html<String> {
    let status = view::status(&admin.bridge);
    let latest = api::latest(&admin, BOOKINGS_MAX);
    let flagged = api::flagged(&admin, BOOKINGS_MAX);
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width";
                meta http-equiv="refresh" content="10";
                title { @if status.healthy { "vetbridge" } @else { "(!) vetbridge" } }
                style { (PreEscaped(STYLE)) }
            }
            body {
                (heading(&status))
                @if !flagged.is_empty() {
                    h2 { span.ill { "Bookings that need somebody" } }
                    (booking_table(&flagged))
                }
                @if status.practices.is_empty() { p { "No practice is enabled." } }
                @for practice in &status.practices { (practice_section(practice)) }
                h2 { "Latest bookings" }
                @if latest.is_empty() { p.dim { "None yet." } } @else { (booking_table(&latest)) }
            }
        }
    };
    Html(body.into_string())
}

fn heading(status: &Status) -> Markup {
    html! {
        header {
            h1 { "vetbridge" }
            (light(status.healthy, "all is well", "needs attention"))
            span.dim { "version " (status.version) ", running since " (status.started_at.format("%-d %B %Y, %H:%M UTC")) }
        }
    }
}

fn light(well: bool, yes: &str, no: &str) -> Markup {
    html! { span class=(if well { "well" } else { "ill" }) { (if well { "● " } else { "▲ " }) (if well { yes } else { no }) } }
}

fn practice_section(practice: &PracticeStatus) -> Markup {
    html! {
        section {
            h2 {
                "Practice " (practice.id) " " (light(practice.in_step, "in step", "not in step"))
                span.zone { "times of " (practice.time_zone) }
            }
            dl {
                (fact("Resources offered", &practice.resources.to_string()))
                (fact("Last poll answered", &moment(practice.polled_at)))
                (fact("Diary last read", &moment(practice.read_at)))
                (fact("Availability last sent", &moment(practice.sent_at)))
                (fact("Configuration accepted", &moment(practice.configured_at)))
            }
            @if !practice.reasons.is_empty() { p { strong { "Not in step: " } (practice.reasons.join(" ")) } }
            ul.calls {
                @for problem in &practice.problems {
                    li { (with_commands(&problem.text)) " " span.dim { "Since " (problem.since.format("%-d %b, %H:%M")) "." } }
                }
            }
        }
    }
}

/// A sentence in which what stands in backticks is to be typed.
fn with_commands(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

fn fact(name: &str, value: &str) -> Markup {
    html! { div { dt { (name) } dd { (value) } } }
}

fn booking_table(bookings: &[BookingView]) -> Markup {
    html! {
        table {
            tr { @for heading in HEADINGS { th { (heading) } } }
            @for booking in bookings { tr { (booking_cells(booking)) } }
        }
    }
}

const HEADINGS: [&str; 7] = ["Booking", "Practice", "Appointment", "Schedule", "State", "Since", "What happened"];

fn booking_cells(booking: &BookingView) -> Markup {
    let cells = [
        booking.booking_id.to_string(),
        booking.practice_id.clone(),
        appointment(booking),
        booking.schedule.map_or_else(|| "–".to_owned(), |schedule| schedule.to_string()),
        booking.state.replace('_', " "),
        moment(booking.history.last().map(|last| last.at)),
    ];
    html! {
        // A narrow screen shows the headings beside the cells.
        @for (heading, cell) in HEADINGS.iter().zip(cells) { td.fixed data-heading=(heading) { (cell) } }
        td {
            @if let Some(sentence) = &booking.needs_attention { span.call { (with_commands(sentence)) } }
            @else if let Some(last) = booking.history.last() { (last.reason) }
        }
    }
}

/// `Tue 3 Mar 2026, 09:15–09:30`.
fn appointment(booking: &BookingView) -> String {
    match (booking.start, booking.end) {
        (Some(start), Some(end)) => format!("{}–{}", start.format("%a %-d %b %Y, %H:%M"), end.format("%H:%M")),
        _ => "–".to_owned(),
    }
}

fn moment(at: Option<DateTime<FixedOffset>>) -> String {
    at.map_or_else(|| "not yet".into(), |at| at.format("%-d %b, %H:%M:%S").to_string())
}
