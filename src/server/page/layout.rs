//! What every page has: head, header, times.

use axum::http::header;
use axum::response::{Html, IntoResponse, Response};
use chrono::{DateTime, TimeDelta, Utc};
use maud::{DOCTYPE, Markup, html};

use crate::messages::admin as say;
use crate::messages::appointment_times;
use crate::messages::page::Tone;
use crate::messages::rehearsal_page as rehearsal_say;
use crate::server::auth::{self, Caller, PagesOf};
use crate::zone::Zone;

/// Where the style is. It says nothing about anybody, so no token is asked for.
pub(in crate::server) const STYLE_PATH: &str = "/style.css";

const STYLE: &str = include_str!("style.css");

/// Whether a page loads itself again. One with something to fill in never does, nor one that does
/// not change by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Reload<'a> {
    /// This address every [`RELOAD_SECONDS`].
    To(&'a str),
    /// This address every [`SOON_SECONDS`]: something is under way that is over in a moment.
    Soon(&'a str),
    /// Never.
    Never,
}

/// So often.
const RELOAD_SECONDS: u32 = 30;
/// So often while somebody watches.
const SOON_SECONDS: u32 = 2;

pub(in crate::server) async fn style() -> Response {
    ([(header::CONTENT_TYPE, "text/css; charset=utf-8")], STYLE).into_response()
}

/// A page for whoever is let in.
pub(crate) fn page(title: &str, reload: Reload<'_>, caller: &Caller, content: &Markup) -> Html<String> {
    let pages_of = caller.pages_of();
    let header = html! { (nav(pages_of)) (sign_out(caller)) };
    document(title, pages_of, reload, &header, content)
}

/// A page for whoever is not let in, or of a request that failed.
pub(super) fn page_without_caller(title: &str, pages_of: PagesOf, content: &Markup) -> Html<String> {
    document(title, pages_of, Reload::Never, &nav(pages_of), content)
}

fn document(title: &str, pages_of: PagesOf, reload: Reload<'_>, header: &Markup, content: &Markup) -> Html<String> {
    let body = html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                @match reload {
                    Reload::To(address) => meta http-equiv="refresh" content={ (RELOAD_SECONDS) "; url=" (address) };,
                    Reload::Soon(address) => meta http-equiv="refresh" content={ (SOON_SECONDS) "; url=" (address) };,
                    Reload::Never => {}
                }
                title { (title) " - vetbridge" @if pages_of == PagesOf::Rehearsal { " rehearsal" } }
                link rel="stylesheet" href=(STYLE_PATH);
            }
            body {
                a.skip href="#content" { "Skip to the content" }
                header { (header) }
                @if pages_of == PagesOf::Rehearsal {
                    p.rehearsal role="note" { strong { (rehearsal_say::TITLE) ". " } (rehearsal_say::BANNER) }
                }
                main id="content" { (content) }
            }
        }
    };
    Html(body.into_string())
}

/// The pages that are more than one thing of many. Those of a rehearsal begin with its own.
fn nav(pages_of: PagesOf) -> Markup {
    html! {
        nav aria-label="Pages" {
            @if pages_of == PagesOf::Rehearsal { a href="/" { (rehearsal_say::TITLE) } " · " }
            a href=(pages_of.status_path()) {
                @if pages_of == PagesOf::Rehearsal { "Status page" } @else { "vetbridge" }
            } " · "
            a href="/bookings" { "All bookings" }
        }
    }
}

/// When the page was made, and the way to load it again.
pub(super) fn updated(address: &str, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        p.quiet {
            "Updated just now (" (zone.at(now).format("%H:%M:%S")) (utc(zone)) "), and every " (RELOAD_SECONDS) " s. "
            a href=(address) { "Refresh" }
        }
    }
}

/// What was done at this person's wish.
pub(super) fn done(sentence: &str) -> Markup {
    html! { div.card role="status" { p { (sentence) } } }
}

fn sign_out(caller: &Caller) -> Markup {
    html! {
        @if caller.form_token().is_some() {
            form method="post" action=(auth::SIGN_OUT) { (token(caller)) button { (say::SIGN_OUT) } }
        }
    }
}

/// The field that every form carries. Only a browser's session has one; a program has the API.
pub(crate) fn token(caller: &Caller) -> Markup {
    html! {
        @if let Some(token) = caller.form_token() {
            input type="hidden" name=(auth::FORM_TOKEN) value=(token.text());
        }
    }
}

/// The style of a tone.
pub(super) fn class(tone: Tone) -> &'static str {
    match tone {
        Tone::Well => "well",
        Tone::Warn => "warn",
        Tone::Ill => "ill",
    }
}

/// `11:30, for 2 minutes`: since when something is as it is, by the time of day or the date.
pub(super) fn since(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    let local = zone.at(at);
    let lasts = match now - at {
        lasts if lasts < TimeDelta::zero() => None,
        lasts => Some(amount(lasts).unwrap_or_else(|| "a moment".to_owned())),
    };
    html! {
        time.since datetime=(local.to_rfc3339()) title={ (exactly(at, zone)) } {
            (day_and_time(at, now, zone)) (utc(zone)) @if let Some(lasts) = lasts { ", for " (lasts) }
        }
    }
}

/// A moment that is to come: `14:05`, with the day unless that is today.
pub(super) fn coming(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    let local = zone.at(at);
    html! {
        time datetime=(local.to_rfc3339()) title=(exactly(at, zone)) { (day_and_time(at, now, zone)) (utc(zone)) }
    }
}

fn day_and_time(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> String {
    let is_today = zone.wall(at).date() == zone.wall(now).date();
    zone.at(at).format(if is_today { "%H:%M" } else { "%a %-d %b %Y %H:%M" }).to_string()
}

/// A moment of a story, also for a sheet of paper: `Tue 16 Feb 2027 11:30:02, 2 minutes ago`.
pub(super) fn moment(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    let local = zone.at(at);
    html! {
        time datetime=(local.to_rfc3339()) { (local.format("%a %-d %b %Y %H:%M:%S")) (utc(zone)) }
        span.quiet { ", " (distance(now - at)) }
    }
}

/// A moment to the second: `Tuesday 16 February 2027, 11:30:02`.
pub(super) fn exactly(at: DateTime<Utc>, zone: Zone) -> String {
    format!("{}{}", zone.wall(at).format("%A %-d %B %Y, %H:%M:%S"), utc(zone))
}

/// `2 minutes ago`, with the exact time for whoever points at it.
pub(super) fn ago(at: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    let local = zone.at(at);
    html! {
        time.ago datetime=(local.to_rfc3339()) title=(exactly(at, zone)) {
            (distance(now - at))
        }
    }
}

/// Behind a time of no practice: practices' zones are said once, above their times.
fn utc(zone: Zone) -> &'static str {
    if zone == Zone::Iana(chrono_tz::UTC) { " UTC" } else { "" }
}

/// A time of an appointment: the day as people say it, and the time of day.
pub(super) fn appointment_time(start: DateTime<Utc>, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        time datetime=(zone.at(start).to_rfc3339()) title=(appointment_times::in_full(start, zone)) {
            (appointment_times::spoken(start, now, zone))
        }
    }
}

fn distance(age: TimeDelta) -> String {
    match amount(age) {
        None => "just now".to_owned(),
        Some(amount) if age < TimeDelta::zero() => format!("in {amount}"),
        Some(amount) => format!("{amount} ago"),
    }
}

/// `2 minutes`; `None` of no time to speak of.
fn amount(age: TimeDelta) -> Option<String> {
    let (amount, unit) = match age.num_seconds().unsigned_abs() {
        0..=1 => return None,
        amount @ 2..=119 => (amount, "seconds"),
        amount @ 120..=7199 => (amount / 60, "minutes"),
        amount @ 7200..=172_799 => (amount / 3600, "hours"),
        amount => (amount / 86_400, "days"),
    };
    Some(format!("{amount} {unit}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_long_ago_is_said_in_the_unit_that_people_use() {
        let texts: Vec<String> =
            [0, 5, 90, 150, 7200, 200_000, -300].iter().map(|seconds| distance(TimeDelta::seconds(*seconds))).collect();
        let expected = [
            "just now",
            "5 seconds ago",
            "90 seconds ago",
            "2 minutes ago",
            "2 hours ago",
            "2 days ago",
            "in 5 minutes",
        ];
        assert_eq!(texts, expected);
    }

    #[test]
    fn since_is_a_time_and_never_a_time_ago() {
        let zone: Zone = "Australia/Perth".parse().unwrap();
        let now: DateTime<Utc> = "2027-02-16T03:30:22Z".parse().unwrap();
        let says = |seconds| {
            let text = since(now - TimeDelta::seconds(seconds), now, zone).into_string();
            let (_, text) = text.split_once('>').unwrap();
            text.strip_suffix("</time>").unwrap().to_owned()
        };
        assert_eq!(says(22), "11:30, for 22 seconds");
        assert_eq!(says(0), "11:30, for a moment");
        assert_eq!(says(200_000), "Sun 14 Feb 2027 03:57, for 2 days");
        assert_eq!(says(-600), "11:40", "the clock was set");
    }
}
