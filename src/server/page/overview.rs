//! The status page.

use axum::Extension;
use axum::extract::{Query, State};
use axum::response::Html;
use chrono::{DateTime, Days as CalendarDays, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::bookings::{self, Row};
use super::layout::{self, Reload, ago, appointment_time, class};
use super::names::{self, Names};
use crate::booking::entry::Entry;
use crate::bridge::off::Off;
use crate::ids::PracticeId;
use crate::messages::commands;
use crate::messages::page::{
    self as say, PageAction, PracticeFacts, PracticeStanding, StandingCause, Tone, standing, standing_off,
};
use crate::practice::Practice;
use crate::practice::health::problems::Problem;
use crate::practice::health::subject::Subject;
use crate::practice::last_resync::LastResync;
use crate::server::Admin;
use crate::server::ask_again;
use crate::server::auth::Caller;
use crate::server::view::{self, BridgeStatus, LeftAloneView, OffStatus, PracticeStatus};
use crate::zone::Zone;

/// What the person who is led here has just done.
#[derive(Debug, Default, Deserialize)]
pub(in crate::server) struct DoneQuery {
    #[serde(default)]
    done: String,
    #[serde(default)]
    practice: String,
}

pub(super) async fn show(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    Query(done): Query<DoneQuery>,
) -> Html<String> {
    let status = view::status(&admin.bridge);
    let names = Names::new(&admin.bridge);
    let view = Overview { admin: &admin, caller: &caller, now: admin.bridge.now(), status: &status, names };
    layout::page("Status", Reload::To("/"), &caller, &view.content(&done))
}

struct Overview<'a> {
    admin: &'a Admin,
    caller: &'a Caller,
    now: DateTime<Utc>,
    status: &'a BridgeStatus,
    names: Names<'a>,
}

impl Overview<'_> {
    fn content(&self, done: &DoneQuery) -> Markup {
        let live = self.admin.bridge.ledger().live_and_recent();
        let mut flagged: Vec<&Entry> = live.iter().filter(|entry| entry.needs_attention.is_some()).collect();
        flagged.sort_by_key(|entry| self.begins(entry));
        html! {
            h1 { "Online bookings " span class=(self.tone()) {
                (say::in_short(self.status.healthy, self.status.practices.len(), self.paused()))
            } }
            (layout::updated("/", self.now, self.zone()))
            (self.done(done))
            @if !self.zones_differ() { p.quiet { "Times are of " (self.zone().to_string()) "." } }
            (self.needs_a_person(&flagged))
            h2 { "Practices" }
            @for practice in &self.status.practices { (self.practice(practice)) }
            @for practice in &self.status.off { (self.practice_off(practice)) }
            (self.coming(&live))
            (self.details())
        }
    }

    fn paused(&self) -> usize {
        self.status.off.iter().filter(|own| own.why == Off::Paused.name()).count()
    }

    fn tone(&self) -> &'static str {
        class(match (self.status.healthy, self.paused()) {
            (false, _) => Tone::Ill,
            (true, 0) => Tone::Well,
            (true, _) => Tone::Warn,
        })
    }

    fn done(&self, DoneQuery { done, practice }: &DoneQuery) -> Markup {
        let id = PracticeId(practice.clone());
        let what = match PageAction::of(done) {
            Some(PageAction::Asked) => Some((PageAction::Asked, String::new())),
            Some(PageAction::Settled) | None => None,
            Some(action) => self.practices().any(|own| own == id).then(|| (action, self.name(&id))),
        };
        html! { @if let Some((action, what)) = what { (layout::done(&action.done(&what))) } }
    }

    fn zones_differ(&self) -> bool {
        self.practices().any(|id| self.admin.bridge.zone_of(&id) != self.zone())
    }

    fn begins(&self, entry: &Entry) -> Option<DateTime<Utc>> {
        entry.begins(self.admin.bridge.zone_of(&entry.practice_id))
    }

    fn practices(&self) -> impl Iterator<Item = PracticeId> {
        let on = self.status.practices.iter().map(|own| own.id.clone());
        on.chain(self.status.off.iter().map(|own| own.id.clone())).map(PracticeId)
    }

    /// First what concerns all bookings of a practice, then the bookings in the order of their
    /// appointments.
    fn needs_a_person(&self, flagged: &[&Entry]) -> Markup {
        let problems = self.problems();
        let count = problems.len() + self.status.left_alone.len() + flagged.len();
        html! {
            section aria-labelledby="now" {
                h2 #now { "What needs a person now" }
                p role="status" { (say::to_do(count, self.paused())) }
                @for (of, problem) in &problems {
                    div.card.urgent {
                        @if let Some(of) = of { strong { (self.name(of)) } ": " }
                        (problem.text) " "
                        @let zone = of.as_ref().map_or(self.zone(), |of| self.admin.bridge.zone_of(of));
                        span.quiet { "Since " (ago(problem.since, self.now, zone)) "." }
                    }
                }
                (self.left_alone(&self.status.left_alone))
                @for entry in flagged { (self.flagged(entry)) }
            }
        }
    }

    fn flagged(&self, entry: &Entry) -> Markup {
        let zone = self.admin.bridge.zone_of(&entry.practice_id);
        let row_of = self.names.booked(entry);
        html! {
            div.card.urgent {
                h3 {
                    a href={ "/bookings/" (entry.booking_id) } { "Booking " (entry.booking_id) }
                    @if let Some(start) = entry.begins(zone) {
                        ": " (appointment_time(start, self.now, zone)) ", " (row_of)
                    }
                    @if names::are_several(&self.admin.bridge) { ", " (self.name(&entry.practice_id)) }
                }
                @if let Some(sentence) = &entry.needs_attention { p { (sentence.to_string()) } }
                (bookings::buttons(&self.admin.bridge, entry, self.caller))
            }
        }
    }

    /// The zone of what concerns no practice: that of the first.
    fn zone(&self) -> Zone {
        self.practices().next().map_or(Zone::Iana(chrono_tz::UTC), |id| self.admin.bridge.zone_of(&id))
    }

    /// Those of the service, then those of the practices, each with the practice that it is about.
    fn problems(&self) -> Vec<(Option<PracticeId>, &Problem)> {
        let whole = self.status.problems.iter().map(|problem| (None, problem));
        let id = |id: &str| Some(PracticeId(id.to_owned()));
        let on = self.status.practices.iter();
        let on = on.flat_map(|own| own.problems.iter().map(|problem| (id(&own.id), problem)));
        let off = self.status.off.iter();
        let off = off.flat_map(|own| own.problems.iter().map(|problem| (id(&own.id), problem)));
        whole.chain(on).chain(off).collect()
    }

    fn name(&self, id: &PracticeId) -> String {
        names::of_practice(&self.admin.bridge, id)
    }

    fn left_alone(&self, servers: &[LeftAloneView]) -> Markup {
        html! {
            @for server in servers { div.card.urgent { (server.sentence()) } }
            @if !servers.is_empty() { (ask_again::button(self.caller)) }
        }
    }

    fn practice(&self, status: &PracticeStatus) -> Markup {
        let id = PracticeId(status.id.clone());
        let practice = self.admin.bridge.practice(&id);
        let facts = PracticeFacts {
            reasons: &practice.as_ref().map(|practice| practice.out_of_step(self.now)).unwrap_or_default(),
            problems: status.problems.len(),
            starts: practice.as_ref().map_or(0, |practice| practice.starts_offered()),
            holds_bookings: practice.as_ref().is_some_and(|practice| practice.holds_bookings()),
        };
        let standing = standing(&facts);
        let since = standing.cause.and_then(|cause| since(cause, &status.problems));
        html! {
            (self.standing(&id, &standing, since))
            @if let Some(practice) = &practice { (self.last_resync(practice)) (days_links(&id, practice)) }
            (self.switches(&id, None))
        }
    }

    fn practice_off(&self, status: &OffStatus) -> Markup {
        let id = PracticeId(status.id.clone());
        let off = self.admin.bridge.on_or_off(&id).and_then(|(_, off)| off);
        html! {
            (self.standing(&id, &standing_off(&status.why, status.silent), status.since))
            @if let Some(off) = off { (self.switches(&id, Some(off))) }
        }
    }

    fn standing(&self, id: &PracticeId, own: &PracticeStanding, since: Option<DateTime<Utc>>) -> Markup {
        html! {
            h3 { (self.name(id)) ": " span class=(class(own.tone)) { (own.word) } }
            p {
                (own.sentence) " " strong { (own.meaning) }
                @if let Some(since) = since { " Since " (ago(since, self.now, self.admin.bridge.zone_of(id))) "." }
            }
            @if self.zones_differ() { p.quiet { "Its times are of " (self.admin.bridge.zone_of(id).to_string()) "." } }
        }
    }

    fn last_resync(&self, practice: &Practice) -> Markup {
        let at = |at| ago(at, self.now, practice.zone());
        let started_at = self.admin.bridge.started_at();
        html! {
            @match practice.last_resync(started_at) {
                Some(LastResync::Running(since)) => p { "Everything is being sent again; begun " (at(since)) "." },
                Some(LastResync::Done(then)) => p.quiet { "Everything was sent again " (at(then)) "." },
                Some(LastResync::Failed(then, why)) => {
                    p.ill { "Sending everything again failed " (at(then)) ": " (why) }
                }
                // A store of a version that did not note it may have seen one.
                None => p.quiet { "Nobody has had everything sent again since the start (" (at(started_at)) ")." },
            }
        }
    }

    fn switches(&self, id: &PracticeId, off: Option<Off>) -> Markup {
        let at = |what: &str| format!("/practices/{id}/{what}");
        html! {
            @if self.caller.form_token().is_some() {
                div.buttons {
                    @match off {
                        None => {
                            a.button href=(at("resync")) { "Send everything again" }
                            a.button href=(at("pause")) { "Pause" }
                        }
                        Some(Off::Paused) => a.button href=(at("resume")) { (say::END_THE_PAUSE) },
                        Some(Off::Disabled | Off::Removed) => "",
                    }
                }
            }
        }
    }

    /// Today's and tomorrow's bookings.
    fn coming(&self, live: &[Entry]) -> Markup {
        let mut rows: Vec<(Entry, Row)> = live
            .iter()
            .filter(|entry| {
                let zone = self.admin.bridge.zone_of(&entry.practice_id);
                let today = zone.wall(self.now).date();
                let date = entry.begins(zone).map(|start| zone.wall(start).date());
                date.is_some_and(|date| today <= date && date <= today + CalendarDays::new(1))
            })
            .map(|entry| (entry.clone(), Row::of(&self.names, entry)))
            .collect();
        rows.sort_by_key(|(entry, _)| self.begins(entry));
        html! {
            h2 { "Online bookings of today and tomorrow" }
            @if rows.is_empty() { p { "None." } }
            (bookings::table(&self.admin.bridge, &rows, self.now))
            p { a href="/bookings" { "Search all bookings" } }
        }
    }

    fn details(&self) -> Markup {
        let status = self.status;
        let has_webhooks = status.practices.iter().any(|own| own.webhook_at.is_some());
        html! {
            h2 { "Details" }
            p { "vetbridge " (status.version) " was started " (ago(status.started_at, self.now, self.zone())) "." }
            @if !status.practices.is_empty() {
                div.wide { table.stack {
                    thead { tr {
                        th { "Practice" } th { "Resources" } th { "Diary read" } th { "Asked for bookings" }
                        th { "Configuration accepted" } th { "Times sent" } @if has_webhooks { th { "Webhook" } }
                    } }
                    tbody { @for practice in &status.practices { (self.detail(practice, has_webhooks)) } }
                } }
                @for practice in &status.practices {
                    @for reason in &practice.reasons { p { "Practice " (practice.id) " is not in step: " (reason) } }
                    @if let Some(changes) = &practice.unsent_configuration {
                        p { "Practice " (practice.id) ", configuration to be sent: "
                            (commands::changes_in_one_line(changes)) }
                    }
                }
            }
        }
    }

    fn detail(&self, practice: &PracticeStatus, has_webhooks: bool) -> Markup {
        let zone = self.admin.bridge.zone_of(&PracticeId(practice.id.clone()));
        let times = [
            ("Diary read", practice.read_at),
            ("Asked for bookings", practice.polled_at),
            ("Configuration accepted", practice.configured_at),
            ("Times sent", practice.sent_at),
            ("Webhook", practice.webhook_at),
        ];
        html! {
            tr {
                td data-label="Practice" { (self.name(&PracticeId(practice.id.clone()))) " (" (practice.id) ")" }
                td data-label="Resources" { (practice.resources) }
                @for (label, at) in times.into_iter().take(if has_webhooks { 5 } else { 4 }) {
                    td data-label=(label) {
                        @match at { Some(at) => (ago(at.to_utc(), self.now, zone)), None => (say::NOT_YET) }
                    }
                }
            }
        }
    }
}

/// Since when there is the problem that a practice's standing comes from.
fn since(cause: StandingCause, problems: &[Problem]) -> Option<DateTime<Utc>> {
    let subjects: &[Subject] = match cause {
        StandingCause::Access => &[Subject::Access],
        StandingCause::OpenVpms => &[Subject::OpenVpms],
        StandingCause::Healthengine => &[Subject::Healthengine, Subject::BookingList],
        StandingCause::NotTaken => &[Subject::Configuration, Subject::Days, Subject::RefusedDays],
    };
    let is_cause = |problem: &&Problem| subjects.iter().any(|subject| problem.is_about(subject));
    problems.iter().filter(is_cause).map(|problem| problem.since).min()
}

/// The way to each resource's days.
fn days_links(id: &PracticeId, practice: &Practice) -> Markup {
    let resources = practice.explained_resources();
    html! {
        @if !resources.is_empty() {
            p { "Days of: "
                @for (index, (resource, name)) in resources.iter().enumerate() {
                    @if index > 0 { ", " }
                    a href={ "/practices/" (id) "/days?resource=" (resource) } { (name) }
                }
            }
        }
    }
}
