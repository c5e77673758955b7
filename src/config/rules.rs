//! `[[practice.rule]]`: what a practice keeps back of its offer.

use chrono::{TimeDelta, Weekday};

use super::live_hours::HoursRange;
use super::resources::ResourceEntry;
use super::toml_reader::{Table, Value};
use super::values::{choice, duration, id, whole, words};
use crate::availability::rules::{NewClients, OfferRule, StartHours};
use crate::characters::trimmed;
use crate::ids::{AppointmentTypeId, ResourceId};
use crate::messages::config_file as say;
use crate::messages::rules::NEW_CLIENTS_CALL;

/// No schedule has more slots on a day.
const STARTS_A_DAY_MAX: u32 = 1440;
/// As far ahead as anything is ever offered.
const DAYS_AHEAD_MAX: u32 = 366;
/// What Healthengine's support, and perhaps the pet owner, reads is a sentence or two.
const MESSAGE_CHARS_MAX: usize = 250;

const DAYS: &[(&str, Weekday)] = &[
    ("monday", Weekday::Mon),
    ("tuesday", Weekday::Tue),
    ("wednesday", Weekday::Wed),
    ("thursday", Weekday::Thu),
    ("friday", Weekday::Fri),
    ("saturday", Weekday::Sat),
    ("sunday", Weekday::Sun),
];

/// The rules of a practice that lists these resources, or none. What is wrong is reported.
pub(super) fn read(practice: &Table<'_>, listed: &[ResourceEntry]) -> Vec<OfferRule> {
    let tables = practice.tables("rule").into_iter().zip(1..);
    tables.filter_map(|(table, number)| rule(table, number, listed)).collect()
}

fn rule(table: Table<'_>, number: u32, listed: &[ResourceEntry]) -> Option<OfferRule> {
    let resources = some(&table, "resources", "resource", |value| resource(value, listed));
    let types = some(&table, "types", "appointment type", appointment_type);
    let days = some(&table, "days", "day", choice(DAYS));
    let hours = some(&table, "hours", "range of hours", hours);
    let min_notice = table.optional("min_notice", notice);
    let max_days_ahead = table.optional("max_days_ahead", whole(0, DAYS_AHEAD_MAX));
    let max_per_day = table.optional("max_per_day", whole(1, STARTS_A_DAY_MAX));
    let keep_free = table.optional("keep_free", whole(1, STARTS_A_DAY_MAX));
    let new_clients = new_clients(&table);
    let rule = || {
        Some(OfferRule {
            number,
            resources: resources?.into_iter().collect(),
            types: types?.into_iter().collect(),
            days: days?,
            hours: hours?,
            min_notice: min_notice?,
            max_days_ahead: max_days_ahead?,
            max_per_day: max_per_day?,
            keep_free: keep_free?,
            new_clients: new_clients?,
        })
    };
    let rule = rule();
    if rule.as_ref().is_some_and(|rule| !rule.says_something()) {
        table.report(say::rule_without_effect());
    }
    table.finish();
    rule
}

/// The items of a list that is absent, or names something. `None`: wrong and reported.
fn some<T>(table: &Table<'_>, key: &'static str, of: &str, read: impl Fn(&Value<'_>) -> Option<T>) -> Option<Vec<T>> {
    table.or(key, Vec::new(), |value| {
        let items = value.items()?;
        if items.is_empty() {
            return value.fail(say::empty_list(of));
        }
        // Each item is read, so that all that is wrong is reported. One wrong item makes the list
        // wrong: without it the rule would be about more.
        let read: Vec<Option<T>> = items.iter().map(read).collect();
        read.into_iter().collect()
    })
}

fn appointment_type(value: &Value<'_>) -> Option<AppointmentTypeId> {
    if value.is_text() {
        let text = value.text()?;
        let (number, resource) = text.split_once(':').map_or((text, None), |(number, rest)| (number, Some(rest)));
        if let Ok(number) = trimmed(number).parse::<u32>() {
            return value.fail(say::quoted_type(number, resource.is_some()));
        }
    }
    id(value).map(AppointmentTypeId)
}

fn resource(value: &Value<'_>, listed: &[ResourceEntry]) -> Option<ResourceId> {
    let id = value.parsed(|text| text.parse::<ResourceId>().map_err(|_| say::no_resource_id()))?;
    let is_listed = listed.is_empty() || listed.iter().any(|entry| entry.id() == id);
    if is_listed { Some(id) } else { value.fail(say::rule_of_foreign_resource(id)) }
}

/// Backwards is wrong here as it is in the live hours.
fn hours(value: &Value<'_>) -> Option<StartHours> {
    let range: HoursRange = value.parsed(str::parse)?;
    let (from_minute, to_minute) = range.minutes();
    Some(StartHours { from_minute: from_minute.into(), to_minute: to_minute.into() })
}

fn notice(value: &Value<'_>) -> Option<TimeDelta> {
    let notice = duration(value)?;
    if notice.is_zero() { value.fail(say::no_notice()) } else { TimeDelta::from_std(notice).ok() }
}

/// `None`: wrong and reported.
fn new_clients(table: &Table<'_>) -> Option<Option<NewClients>> {
    let rejected = table.optional("new_patients", choice(&[("reject", ())]));
    let text = table.get("message");
    let message = text.as_ref().map_or(Some(None), |value| message(value).map(Some));
    match (rejected?, message?) {
        (Some(()), message) => {
            let message = message.unwrap_or_else(|| NEW_CLIENTS_CALL.to_owned());
            Some(Some(NewClients { message }))
        }
        (None, Some(_)) => text?.fail(say::message_without_rejection()),
        (None, None) => Some(None),
    }
}

fn message(value: &Value<'_>) -> Option<String> {
    let text = words(value)?;
    let fits = !text.contains(char::is_control) && text.chars().count() <= MESSAGE_CHARS_MAX;
    if fits { Some(text) } else { value.fail(say::message_of_a_rule(MESSAGE_CHARS_MAX)) }
}
