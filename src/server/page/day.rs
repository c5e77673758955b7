//! A day of a resource: what is offered, and why the rest is not.

use std::collections::BTreeSet;

use axum::Extension;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse as _, Response};
use chrono::{DateTime, Days as CalendarDays, NaiveDate, NaiveTime, Utc};
use maud::{Markup, html};
use serde::Deserialize;

use super::layout::{self, Reload, ago};
use super::names::{self, Names};
use super::picture::{clock, picture};
use crate::availability::explanation::{Code, ExplainedSlot};
use crate::booking::entry::Entry;
use crate::bridge::off::Off;
use crate::dates;
use crate::ids::{AppointmentTypeId, BookingId, PracticeId};
use crate::messages::{admin as admin_say, explain as say, page as page_say, rules as rules_say};
use crate::practice::Practice;
use crate::practice::explain::Explanation;
use crate::server::Admin;
use crate::server::auth::Caller;
use crate::server::explanation::facts;
use crate::server::problem::problem;
use crate::span::Span;
use crate::zone::Zone;

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
        return problem(
            StatusCode::NOT_FOUND,
            page_say::nothing_known_yet(&names::of_practice(&admin.bridge, practice.id())),
        );
    };
    let today = practice.zone().wall(admin.bridge.now()).date();
    let asked = which.date.filter(|text| !text.is_empty());
    let date = match asked.map(|text| dates::day(&text).ok_or_else(|| say::no_date(&text))).transpose() {
        Ok(date) => date.unwrap_or(today),
        Err(why) => return problem(StatusCode::BAD_REQUEST, why),
    };
    match practice.explain(resource, date, off).await {
        Ok(explanation) => {
            let content = content(&admin, &caller, &practice, &explanation);
            let title = title(&explanation);
            layout::page(&title, Reload::Never, &caller, &content).into_response()
        }
        Err(why) => problem(StatusCode::NOT_FOUND, why),
    }
}

/// `Consulting room, Tuesday 16 February 2027`.
fn title(own: &Explanation) -> String {
    let name = own.name.clone().unwrap_or_else(|| own.resource.to_string());
    format!("{name}, {}", own.date.format("%A %-d %B %Y"))
}

fn content(admin: &Admin, caller: &Caller, practice: &Practice, own: &Explanation) -> Markup {
    let zone = own.zones.practice;
    let facts = facts(own, say::ReadAt::Page);
    let booked = booked(admin, own);
    let is_read = own.slots.iter().all(|slot| slot.code != Code::NotRead);
    let type_name = |id| {
        let known = own.known.as_ref().and_then(|known| known.appointment_type(id));
        known.map_or_else(|| id.to_string(), |kind| kind.plain_name.clone())
    };
    let named = |types: &[AppointmentTypeId]| types.iter().map(|id| type_name(*id)).collect::<Vec<_>>().join(", ");
    let sent: BTreeSet<u32> =
        own.last_sent.iter().flat_map(|last| last.sent.day.starts()).map(|start| start.0).collect();
    html! {
        h1 { (title(own)) }
        p.quiet { (names::of_practice(&admin.bridge, &own.practice)) ". " (page_say::times_are_of(zone))
            @if let Some(at) = own.read_at { " The diary was read " (ago(at, admin.bridge.now(), zone)) "." }
        }
        (browse(practice, own))
        p {
            @match &own.last_sent {
                None if own.pending => (say::NEVER_SENT),
                None => (say::NOTHING_SENT),
                Some(last) => {
                    @let at = zone.at(last.sent.at).format("%-d %b %Y %H:%M:%S");
                    (say::last_sent(at, last.sent.accepted, own.pending, is_read))
                }
            }
        }
        @if own.off == Some(Off::Paused) && caller.form_token().is_some() {
            div.buttons { (resume_link(&own.practice)) }
        }
        (key())
        (picture(&own.slots, |slot| short(slot, own.off), &sent))
        h2 { "Why" }
        div.wide { table.stack {
            thead { tr { th { "Time" } th { "Why" } th { "What changes it" } } }
            tbody {
                @for alike in own.slots.chunk_by(|a, b| a.is_like(b)) {
                    @if let (Some(from), Some(to)) = (alike.first(), alike.last()) {
                        tr {
                            td data-label="Time" { (clock(from.minute)) "-" (clock(to.end_minute)) }
                            td data-label="Why" {
                                @if from.code == Code::Offered { "Offered: " (named(&from.types)) "." }
                                @else { (say::text(from, &facts)) }
                                @if !from.types.is_empty() && !from.too_long.is_empty() {
                                    " Too long: " (named(&from.too_long)) "."
                                }
                                @if !from.types.is_empty() {
                                    @for own in &from.ruled_out {
                                        " " (rules_say::keeps_back(&own.by, &type_name(own.kind)))
                                    }
                                }
                            }
                            td data-label="What changes it" {
                                (say::remedy(from, &facts))
                                @if !from.types.is_empty() {
                                    @for remedy in type_remedies(from, &facts) { " " (remedy) }
                                }
                                @if matches!(from.code, Code::OwnBooking | Code::InDoubt) {
                                    @for entry in booked.iter().filter(|own| own.stands_within(from, to)) {
                                        " " a href={ "/bookings/" (entry.id) } { (entry.label) } "."
                                    }
                                }
                                @if from.code == Code::NotRead {
                                    " " a href=(caller.pages_of().status_path()) { "To the status page" } "."
                                }
                            }
                        }
                    }
                }
            }
        } }
    }
}

/// What offers the appointment types that rules keep back from a time that is offered to others,
/// each change once.
fn type_remedies(slot: &ExplainedSlot, facts: &say::Facts<'_>) -> BTreeSet<String> {
    slot.ruled_out.iter().map(|own| say::type_remedy(&own.by, facts)).collect()
}

/// A booking of the schedule on that day.
struct DaysBooking {
    id: BookingId,
    label: String,
    span: Span,
    /// The beginnings and ends of the day's times are of this day and zone.
    date: NaiveDate,
    zone: Zone,
}

impl DaysBooking {
    /// True if it takes some of the time from the first of these to the end of the last.
    fn stands_within(&self, first: &ExplainedSlot, last: &ExplainedSlot) -> bool {
        let minute = |at: DateTime<Utc>| (self.zone.wall(at) - self.date.and_time(NaiveTime::MIN)).num_minutes();
        minute(self.span.start) < i64::from(last.end_minute) && i64::from(first.minute) < minute(self.span.end)
    }
}

/// The bookings that take times of the schedule, of whichever practice, in their order.
fn booked(admin: &Admin, own: &Explanation) -> Vec<DaysBooking> {
    let names = Names::new(&admin.bridge);
    let of = |entry: Entry| {
        let span = entry.own_booking().filter(|other| other.schedule == own.resource.schedule)?.span;
        let from = own.zones.practice.wall(span.start).format("%H:%M");
        let mut label = format!("{from}, booking {}: {}", entry.booking_id, names.booked(&entry));
        if entry.needs_attention.is_some() {
            label.push_str(&format!(", {}", page_say::NEEDS_A_PERSON));
        }
        Some(DaysBooking { id: entry.booking_id, label, span, date: own.date, zone: own.zones.practice })
    };
    let mut booked: Vec<DaysBooking> = admin.bridge.ledger().live_and_recent().into_iter().filter_map(of).collect();
    booked.sort_by_key(|own| (own.span.start, own.id));
    booked
}

/// The way to the page that asks whether the pause is to end.
fn resume_link(practice: &PracticeId) -> Markup {
    html! { a.button href={ "/practices/" (practice) "/resume" } { (page_say::END_THE_PAUSE) } }
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
fn short(slot: &ExplainedSlot, off: Option<Off>) -> String {
    match slot.code {
        Code::Busy => "an appointment or a block".to_owned(),
        Code::OwnBooking => "booked through Healthengine".to_owned(),
        Code::InDoubt => "being booked, or in doubt".to_owned(),
        Code::NotRostered => "clinician not rostered".to_owned(),
        Code::ClinicianBusy => "clinician taken elsewhere".to_owned(),
        Code::MinNotice => "too soon".to_owned(),
        Code::TooShort => "too short for any type".to_owned(),
        Code::NoType => "no appointment type".to_owned(),
        Code::ClockChange => "the clocks change".to_owned(),
        Code::Rule(_) => {
            let all = slot.kept_back_apart().unwrap_or_else(|| slot.needed_changes().iter().copied().collect());
            rules_say::named_briefly(&all)
        }
        Code::HeldBack => "held back".to_owned(),
        Code::NotRead => "OpenVPMS was not read".to_owned(),
        Code::BeyondHorizon => "not offered so far ahead".to_owned(),
        Code::Off => match off {
            Some(Off::Paused) => "the practice is paused".to_owned(),
            Some(Off::Removed) => "the practice was removed".to_owned(),
            Some(Off::Disabled) | None => "the practice is disabled".to_owned(),
        },
        Code::Offered | Code::Closed | Code::Past => slot.code.name().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_booking_stands_within_the_times_that_it_takes_some_of() {
        let zone: Zone = "Australia/Perth".parse().unwrap();
        let date = NaiveDate::from_ymd_opt(2027, 2, 16).unwrap();
        let at = |text: &str| text.parse().unwrap();
        let span = Span::new(at("2027-02-16T01:15:00Z"), at("2027-02-16T01:45:00Z"));
        let booking = DaysBooking { id: BookingId(7), label: "Booking 7".into(), span, date, zone };
        let slot = |minute: u32| ExplainedSlot::of(minute, minute + 15, Code::OwnBooking);
        let within = |first, last| booking.stands_within(&slot(first), &slot(last));
        let quarter_past_nine = 9 * 60 + 15;
        assert!(within(quarter_past_nine, quarter_past_nine + 15) && within(0, quarter_past_nine));
        assert!(!within(0, quarter_past_nine - 15) && !within(quarter_past_nine + 30, quarter_past_nine + 45));
        let tomorrow = DaysBooking { date: date.succ_opt().unwrap(), ..booking };
        assert!(!tomorrow.stands_within(&slot(quarter_past_nine), &slot(quarter_past_nine)));
    }

    #[test]
    fn the_picture_calls_a_pause_a_pause() {
        let slot = ExplainedSlot::of(0, 15, Code::Off);
        assert_eq!(short(&slot, Some(Off::Paused)), "the practice is paused");
        assert_eq!(short(&slot, Some(Off::Disabled)), "the practice is disabled");
    }
}
