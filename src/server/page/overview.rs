//! The status page.

use axum::Extension;
use axum::extract::{Query, State};
use axum::http::Uri;
use axum::response::Html;
use chrono::{DateTime, Days as CalendarDays, FixedOffset, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::bookings::{self, Row};
use super::layout::{self, Reload, ago, appointment_time, class, coming, since};
use super::names::{self, Names};
use crate::booking::entry::Entry;
use crate::bridge::off::Off;
use crate::call_error::ServerOutage;
use crate::ids::PracticeId;
use crate::messages::out_of_step::since_start;
use crate::messages::page::{
    self as say, PageAction, PracticeFacts, PracticeStanding, StandingCause, Tone, standing, standing_off,
};
use crate::messages::{commands, listed, plain_words};
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

pub(in crate::server) async fn show(
    State(admin): State<Admin>,
    Extension(caller): Extension<Caller>,
    uri: Uri,
    Query(done): Query<DoneQuery>,
) -> Html<String> {
    let status = view::status(&admin.bridge);
    let names = Names::new(&admin.bridge);
    let (now, address) = (admin.bridge.now(), uri.path());
    let view = Overview { admin: &admin, caller: &caller, address, now, status: &status, names };
    layout::page("Status", Reload::To(address), &caller, &view.content(&done))
}

struct Overview<'a> {
    admin: &'a Admin,
    caller: &'a Caller,
    /// Where this page is: at the root as a rule.
    address: &'a str,
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
            (layout::updated(self.address, self.now, self.zone()))
            (self.done(done))
            p.quiet { (self.zones()) }
            (self.needs_a_person(&flagged))
            h2 { "Practices" }
            (self.all_practices())
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
        let mut zones = self.practices().map(|id| self.admin.bridge.zone_of(&id));
        zones.next().is_some_and(|first| zones.any(|zone| zone != first))
    }

    /// The zone of the page's times, or that of each practice.
    fn zones(&self) -> String {
        if !self.zones_differ() {
            return say::times_are_of(self.zone());
        }
        let each = self.practices().map(|id| (self.name(&id), self.admin.bridge.zone_of(&id).to_string()));
        say::zones(&each.collect::<Vec<_>>())
    }

    /// Every practice, what costs pet owners most first, so that nothing that is wrong or off
    /// stands below many that are well.
    fn all_practices(&self) -> Markup {
        let on = self.status.practices.iter().map(|own| self.practice(own));
        let mut all: Vec<ShownPractice> = on.chain(self.status.off.iter().map(|own| self.practice_off(own))).collect();
        all.sort_by_key(|own| std::cmp::Reverse(own.tone));
        html! { @for own in all { (own.shown) } }
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
                @for (practices, problem) in &problems {
                    div.card.urgent {
                        @if !practices.is_empty() {
                            strong { (listed(practices.iter().map(|of| self.name(of)))) } ": "
                        }
                        @let zone = practices.first().map_or(self.zone(), |of| self.admin.bridge.zone_of(of));
                        @match practices.first().filter(|_| problem.is_about(&Subject::Paused)) {
                            Some(of) => (self.long_pause(of, problem, zone)),
                            None => (problem_card(problem, &since(problem.since, self.now, zone))),
                        }
                    }
                }
                (left_alone_cards(&self.status.left_alone, self.caller, self.now, self.zone()))
                @for entry in flagged { (self.flagged(entry)) }
            }
        }
    }

    /// A pause that somebody may have forgotten, with the button that ends it.
    fn long_pause(&self, of: &PracticeId, problem: &Problem, zone: Zone) -> Markup {
        let begun = self.admin.bridge.paused_since(of).unwrap_or(problem.since);
        html! {
            (say::paused_for_long(self.now - begun)) " "
            span.quiet { "Since " (since(begun, self.now, zone)) "." }
            (self.switches(of, Some(Off::Paused)))
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

    /// The zone of what concerns no practice: that of all of them, else UTC.
    fn zone(&self) -> Zone {
        let first = self.practices().next().filter(|_| !self.zones_differ());
        first.map_or(Zone::Iana(chrono_tz::UTC), |id| self.admin.bridge.zone_of(&id))
    }

    /// Those of the service, then those of the practices, each with the practice that it is about.
    fn problems(&self) -> Vec<(Vec<PracticeId>, &Problem)> {
        self.status.causes()
    }

    fn name(&self, id: &PracticeId) -> String {
        names::of_practice(&self.admin.bridge, id)
    }

    fn practice(&self, status: &PracticeStatus) -> ShownPractice {
        let id = PracticeId(status.id.clone());
        let practice = self.admin.bridge.practice(&id);
        let reasons = practice.as_ref().map(|practice| practice.out_of_step(self.now)).unwrap_or_default();
        let facts = PracticeFacts {
            reasons: &reasons,
            problems: status.problems.len(),
            starts: practice.as_ref().and_then(|practice| practice.starts_offered()),
            openvpms_is_away: status
                .problems
                .iter()
                .any(|own| own.is_about(&Subject::OpenVpms) && own.outage == Some(ServerOutage::OpenVpmsAway)),
            holds_bookings: practice.as_ref().is_some_and(|practice| practice.holds_bookings()),
            lasts: None,
        };
        let cause = standing(&facts).cause;
        let begun = cause.and_then(|cause| begun(cause, &status.problems));
        let begun = begun
            .map_or_else(|| StandingSince::of_step(status), |at| Some(StandingSince { what: "Since", at, start: "" }));
        let lasts = begun.as_ref().map(|begun| self.now - begun.at);
        let standing = standing(&PracticeFacts { lasts, ..facts });
        let shown = html! {
            (self.standing(&id, &standing, begun))
            @if let Some(practice) = &practice { (self.last_resync(practice, status)) (days_links(&id, practice)) }
            (self.switches(&id, None))
        };
        ShownPractice { tone: standing.tone, shown }
    }

    fn practice_off(&self, status: &OffStatus) -> ShownPractice {
        let id = PracticeId(status.id.clone());
        let known = self.admin.bridge.on_or_off(&id).and_then(|(practice, off)| Some((practice, off?)));
        let begun = status.since.map(|at| StandingSince { what: "Since", at: at.to_utc(), start: "" });
        let standing = standing_off(&status.why, status.silent, begun.is_some());
        let shown = html! {
            (self.standing(&id, &standing, begun))
            @if let Some((practice, off)) = &known { (days_links(&id, practice)) (self.switches(&id, Some(*off))) }
        };
        ShownPractice { tone: standing.tone, shown }
    }

    fn standing(&self, id: &PracticeId, own: &PracticeStanding, begun: Option<StandingSince>) -> Markup {
        html! {
            h3 { (self.name(id)) ": " span class=(class(own.tone)) { (own.word) } }
            p {
                (own.sentence) " " strong { (own.meaning) }
                @if let Some(StandingSince { what, at, start }) = begun {
                    " " (what) " " (since(at, self.now, self.admin.bridge.zone_of(id))) (start) "."
                }
            }
        }
    }

    fn last_resync(&self, practice: &Practice, status: &PracticeStatus) -> Markup {
        let at = |at| ago(at, self.now, practice.zone());
        let started_at = self.admin.bridge.started_at();
        html! {
            @match practice.last_resync(started_at) {
                Some(LastResync::Running(since)) => p { "Everything is being sent again; begun " (at(since)) "." },
                Some(LastResync::Done(then)) => p.quiet { "Everything was sent again " (at(then)) "." },
                Some(LastResync::Failed(then, _)) if is_made_up_for(status, then) => {
                    p.quiet { "Sending everything again failed " (at(then)) ". " (say::MADE_UP_FOR) }
                }
                Some(LastResync::Failed(then, why)) => {
                    p.ill { "Sending everything again failed " (at(then)) "." }
                    details { summary { (say::FOR_THE_ADMINISTRATOR) } (why) }
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
                            a.button href=(at("resync")) { (say::SEND_AGAIN) }
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
            @for note in &status.notes { p { "Note: " (note) } }
            @if !status.practices.is_empty() {
                div.wide { table.stack {
                    thead { tr {
                        th { "Practice" } th { "Resources" } th { "Diary read" } th { "Asked for bookings" }
                        th { "Configuration accepted" } th { "Times sent" } @if has_webhooks { th { "Webhook" } }
                    } }
                    tbody { @for practice in &status.practices { (self.detail(practice, has_webhooks)) } }
                } }
                @for practice in &status.practices {
                    @let name = self.name(&PracticeId(practice.id.clone()));
                    @for reason in &practice.reasons { p { (name) " is not in step: " (reason) } }
                    @for rule in &practice.rules { p { (name) ", rule of the offer in force: " (rule.text) } }
                    @if let Some(changes) = &practice.unsent_configuration {
                        p { (name) ", configuration to be sent: "
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
                @let name = self.name(&PracticeId(practice.id.clone()));
                td data-label="Practice" { (name) @if !name.contains(&practice.id) { " (" (practice.id) ")" } }
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

/// A problem: what it means first, then what an administrator needs.
pub(super) fn problem_card(problem: &Problem, since: &Markup) -> Markup {
    html! {
        (problem.in_plain_words) " "
        @if let Some(booking) = problem.booking() {
            a href={ "/bookings/" (booking) } { "Booking " (booking) } " "
        }
        span.quiet { "Since " (since) "." }
        details { summary { (say::FOR_THE_ADMINISTRATOR) } (problem.text) }
    }
}

/// The servers that want to be left alone, with the button that asks them all the same.
pub(super) fn left_alone_cards(servers: &[LeftAloneView], caller: &Caller, now: DateTime<Utc>, zone: Zone) -> Markup {
    html! {
        @for server in servers {
            div.card.urgent {
                (plain_words::left_alone(&server.server)) " " (coming(server.until, now, zone)) "."
                details { summary { (say::FOR_THE_ADMINISTRATOR) } (server.sentence()) }
            }
        }
        @if !servers.is_empty() { (ask_again::button(caller)) }
    }
}

/// A practice as the page has it.
struct ShownPractice {
    tone: Tone,
    shown: Markup,
}

/// True if all of a practice reached Healthengine after sending everything again had failed.
fn is_made_up_for(status: &PracticeStatus, failed_at: DateTime<Utc>) -> bool {
    let is_later = |at: Option<DateTime<FixedOffset>>| at.is_some_and(|at| failed_at < at.to_utc());
    let untold = [Subject::Configuration, Subject::Days, Subject::RefusedDays];
    // One that began after the configuration was accepted is another story.
    let is_of_then = |problem: &Problem| status.configured_at.is_none_or(|at| problem.since <= at.to_utc());
    let is_untold = |problem: &Problem| untold.iter().any(|subject| problem.is_about(subject)) && is_of_then(problem);
    status.unsent_configuration.is_none()
        && is_later(status.read_at)
        && is_later(status.configured_at)
        && !status.problems.iter().any(is_untold)
}

/// Since when a practice stands as it does.
struct StandingSince {
    what: &'static str,
    at: DateTime<Utc>,
    /// What a start means for it.
    start: &'static str,
}

impl StandingSince {
    /// What the practice knows of it without any problem.
    fn of_step(status: &PracticeStatus) -> Option<Self> {
        let what = if status.in_step { "In step since" } else { "Since" };
        let at = status.in_step_since.or(status.not_in_step_since)?.to_utc();
        Some(Self { what, at, start: since_start(status.in_step, status.is_first_since_start) })
    }
}

/// Since when there is the problem that a practice's standing comes from.
fn begun(cause: StandingCause, problems: &[Problem]) -> Option<DateTime<Utc>> {
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

#[cfg(test)]
mod tests {
    use super::*;

    fn problem(subject: &str, second: i64) -> Problem {
        let since = DateTime::from_timestamp(second, 0).unwrap();
        Problem { subject: subject.into(), text: "x".into(), in_plain_words: String::new(), since, outage: None }
    }

    #[test]
    fn away_is_since_the_oldest_problem_of_what_is_away_whatever_else_is_wrong() {
        let problems = [
            problem("clock", 1),
            problem("healthengine", 50),
            problem("booking_list", 40),
            problem("openvpms", 30),
            problem("days", 20),
            problem("access", 60),
        ];
        let at = |cause| begun(cause, &problems).map(|at| at.timestamp());
        assert_eq!(at(StandingCause::OpenVpms), Some(30));
        assert_eq!(at(StandingCause::Healthengine), Some(40), "the list of bookings is Healthengine's too");
        assert_eq!(at(StandingCause::NotTaken), Some(20));
        assert_eq!(at(StandingCause::Access), Some(60));
        assert_eq!(begun(StandingCause::OpenVpms, &problems[..2]), None, "another problem is not taken for it");
    }
}
