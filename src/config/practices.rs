//! `[[practice]]`: the practices, with what each of them offers.

use super::Secret;
use super::claims::Claims;
use super::live_hours::{self, LiveHours};
use super::resources::ResourceEntry;
use super::rules;
use super::secret::Surroundings;
use super::toml_reader::{Table, Value};
use super::values::{header_word, id, words};
use crate::availability::rules::OfferRule;
use crate::characters::trimmed;
use crate::ids::{LocationId, PracticeId, ScheduleId, UserId};
use crate::messages::config_file as say;
use crate::zone::Zone;

/// One practice: an account at Healthengine over one or more locations of OpenVPMS.
#[derive(Debug, Clone, PartialEq)]
pub struct PracticeSettings {
    /// Its id at Healthengine.
    pub id: PracticeId,
    /// Its key at Healthengine.
    pub key: Secret,
    /// Its locations in OpenVPMS: at least one, distinct.
    pub locations: Vec<LocationId>,
    /// False if it is to be silent.
    pub enabled: bool,
    /// Its zone as Healthengine sees it, always that of a place; needed where OpenVPMS reports
    /// none.
    pub timezone: Option<Zone>,
    /// When we promise to answer.
    pub live_hours: LiveHours,
    /// What it offers, distinct; empty means every schedule at its locations.
    pub resources: Vec<ResourceEntry>,
    /// What it keeps back of that, in the order of the file.
    pub rules: Vec<OfferRule>,
}

/// Every practice of the file. What is wrong is reported.
pub(super) fn read(root: &Table<'_>, around: &Surroundings<'_>) -> Vec<PracticeSettings> {
    read_each(root, |table, _, claims| practice(table, around, claims))
}

/// The same where key, id and live hours may be missing: no key is read, and whoever has no id gets
/// one.
pub(super) fn read_for_rehearsal(root: &Table<'_>) -> Vec<PracticeSettings> {
    read_each(root, |table, number, claims| {
        let is_blank = |value: &Value<'_>| value.is_text() && value.text().is_none_or(|text| trimmed(text).is_empty());
        let id = match table.get("id").filter(|value| !is_blank(value)) {
            Some(value) => claimed_id(&value, claims),
            None => Some(PracticeId(format!("rehearsal-{number}"))),
        };
        let _unread = table.get("key");
        let live_hours = table.table("live_hours").map_or_else(LiveHours::always, live_hours::read);
        rest(table, id, Some("rehearsal".into()), Some(live_hours), claims)
    })
}

fn read_each<'a>(
    root: &Table<'a>,
    read: impl Fn(Table<'a>, usize, &mut Claims<'a>) -> Option<PracticeSettings>,
) -> Vec<PracticeSettings> {
    let mut claims = Claims::default();
    let tables = (1..).zip(root.tables("practice"));
    let practices = tables.filter_map(|(number, table)| read(table, number, &mut claims)).collect();
    claims.report_shared_locations();
    practices
}

fn practice<'a>(table: Table<'a>, around: &Surroundings<'_>, claims: &mut Claims<'a>) -> Option<PracticeSettings> {
    let id = table.required("id", |value| claimed_id(value, claims));
    let key = table.required("key", |value| around.header_secret(value));
    let live_hours = table.required_table("live_hours").map(live_hours::read);
    rest(table, id, key, live_hours, claims)
}

fn claimed_id<'a>(value: &Value<'a>, claims: &mut Claims<'a>) -> Option<PracticeId> {
    let id = PracticeId(header_word(value)?);
    claims.claim_id(&id, value);
    Some(id)
}

/// What every practice has, whatever it is read for.
fn rest<'a>(
    table: Table<'a>,
    id: Option<PracticeId>,
    key: Option<Secret>,
    live_hours: Option<LiveHours>,
    claims: &mut Claims<'a>,
) -> Option<PracticeSettings> {
    let locations = table.required("locations", |value| locations(value, id.as_ref(), claims));
    let enabled = table.or("enabled", true, Value::flag);
    let timezone = table.optional("timezone", zone);
    let entries = table.tables("resource");
    if let (Some(id), true) = (&id, entries.is_empty()) {
        claims.claim_all_schedules(id);
    }
    let resources: Vec<ResourceEntry> =
        entries.into_iter().filter_map(|entry| resource(entry, id.as_ref(), claims)).collect();
    let rules = rules::read(&table, &resources);
    table.finish();
    Some(PracticeSettings {
        id: id?,
        key: key?,
        locations: locations?,
        enabled: enabled?,
        timezone: timezone?,
        live_hours: live_hours?,
        resources,
        rules,
    })
}

fn locations<'a>(value: &Value<'a>, practice: Option<&PracticeId>, claims: &mut Claims<'a>) -> Option<Vec<LocationId>> {
    let Some(items) = value.list_items() else { return value.fail(say::no_location_id(value.kind())) };
    if items.is_empty() {
        return value.fail(say::empty_list("location of OpenVPMS"));
    }
    let mut locations = Vec::with_capacity(items.len());
    for item in items {
        if !item.is_number() {
            item.report(say::no_location_id(item.kind()));
            continue;
        }
        let Some(location) = id(&item).map(LocationId) else { continue };
        if locations.contains(&location) {
            item.report(say::twice(format!("location {location}")));
            continue;
        }
        locations.push(location);
        if let Some(practice) = practice {
            claims.claim_location(location, practice, item);
        }
    }
    Some(locations)
}

fn zone(value: &Value<'_>) -> Option<Zone> {
    let text = trimmed(value.text()?);
    match text.parse::<Zone>() {
        Ok(zone) if zone.names_a_place() => Some(zone),
        Ok(_) | Err(_) => value.fail(say::no_place(text)),
    }
}

fn resource(table: Table<'_>, practice: Option<&PracticeId>, claims: &mut Claims<'_>) -> Option<ResourceEntry> {
    let place = table.get("schedule");
    let schedule = table.required("schedule", id).map(ScheduleId);
    let user = table.optional("user", |value| id(value).map(UserId));
    let name = table.optional("name", words);
    table.finish();
    let entry = ResourceEntry { schedule: schedule?, user: user?, name: name? };
    if let (Some(practice), Some(place)) = (practice, place) {
        claims.claim_resource(&entry, practice, &place);
    }
    Some(entry)
}
