//! `[[practice]]`, and what must hold between practices: no schedule is sold twice.
//!
//! As far as the file shows it: a practice without resource entries takes every schedule at its locations, so a location can
//! belong to two practices only where both say which schedules are theirs. That a schedule listed by one practice stands at
//! a location of another that lists none is seen by `vetbridge check` and at run time, when OpenVPMS has told.
//!
//! A disabled practice counts like any other: enabling it must not make the file invalid.

use std::collections::{BTreeMap, BTreeSet};

use super::file::{Table, Value};
use super::live_hours::{DayKind, LiveHours};
use super::secret::Surroundings;
use super::values::{header_word, id, words};
use super::{Practice, ResourceEntry};
use crate::characters::trimmed;
use crate::ids::{LocationId, PracticeId, ResourceId, ScheduleId, UserId};
use crate::messages::config as say;
use crate::zone::Zone;

/// Every practice of the file. What is wrong is reported.
pub(super) fn practices(tables: Vec<Table<'_>>, around: &Surroundings<'_>) -> Vec<Practice> {
    let mut taken = Taken::default();
    let practices = tables.into_iter().filter_map(|table| practice(table, around, &mut taken)).collect();
    taken.report_shared_locations();
    practices
}

fn practice<'a>(table: Table<'a>, around: &Surroundings<'_>, taken: &mut Taken<'a>) -> Option<Practice> {
    let id = table.required("id", |value| {
        let id = PracticeId(header_word(value)?);
        taken.practice(&id, value);
        Some(id)
    });
    let key = table.required("key", |value| around.header_secret(value));
    let locations = table.required("locations", |value| locations(value, id.as_ref(), taken));
    let enabled = table.or("enabled", true, Value::flag);
    let timezone = table.optional("timezone", zone);
    let live_hours = table.required_table("live_hours").and_then(live_hours);
    let entries = table.tables("resource");
    if let (Some(id), true) = (&id, entries.is_empty()) {
        taken.takes_all.insert(id.clone());
    }
    let resources = entries.into_iter().filter_map(|entry| resource(entry, id.as_ref(), taken)).collect();
    table.finish();
    Some(Practice {
        id: id?,
        key: key?,
        locations: locations?,
        enabled: enabled?,
        timezone: timezone?,
        live_hours: live_hours?,
        resources,
    })
}

fn locations<'a>(value: &Value<'a>, practice: Option<&PracticeId>, taken: &mut Taken<'a>) -> Option<Vec<LocationId>> {
    let items = value.items()?;
    if items.is_empty() {
        return value.fail(say::empty_list("location of OpenVPMS"));
    }
    let mut locations = Vec::with_capacity(items.len());
    for item in items {
        let Some(location) = id(&item).map(LocationId) else { continue };
        if locations.contains(&location) {
            item.report(say::twice(format!("location {location}")));
            continue;
        }
        locations.push(location);
        if let Some(practice) = practice {
            taken.locations.entry(location).or_default().push((practice.clone(), item));
        }
    }
    Some(locations)
}

fn zone(value: &Value<'_>) -> Option<Zone> {
    let text = trimmed(value.text()?);
    match text.parse::<Zone>() {
        Ok(zone) if zone.names_a_place() => Some(zone),
        Ok(_) => value.fail(say::no_place(text)),
        Err(_) => value.fail(say::unknown_zone(text)),
    }
}

fn live_hours(table: Table<'_>) -> Option<LiveHours> {
    let mut hours = LiveHours::default();
    let mut given = false;
    for day in DayKind::ALL {
        let Some(items) = table.get(day.key()).and_then(|value| value.items()) else { continue };
        given |= !items.is_empty();
        hours.set(day, items.iter().filter_map(|item| item.parsed(str::parse)).collect());
    }
    if !given {
        table.report(say::no_live_hours());
    }
    table.finish();
    Some(hours)
}

fn resource(table: Table<'_>, practice: Option<&PracticeId>, taken: &mut Taken<'_>) -> Option<ResourceEntry> {
    let place = table.get("schedule");
    let schedule = table.required("schedule", id).map(ScheduleId);
    let user = table.optional("user", |value| id(value).map(UserId));
    let name = table.optional("name", words);
    table.finish();
    let entry = ResourceEntry { schedule: schedule?, user: user?, name: name? };
    if let (Some(practice), Some(place)) = (practice, place) {
        taken.resource(&entry, practice, &place);
    }
    Some(entry)
}

/// What the practices read so far hold, each with the place that said so first.
#[derive(Default)]
struct Taken<'a> {
    practices: BTreeMap<PracticeId, usize>,
    /// The practices that list no resources.
    takes_all: BTreeSet<PracticeId>,
    locations: BTreeMap<LocationId, Vec<(PracticeId, Value<'a>)>>,
    schedules: BTreeMap<ScheduleId, (PracticeId, usize)>,
    resources: BTreeMap<ResourceId, usize>,
}

impl Taken<'_> {
    fn practice(&mut self, id: &PracticeId, place: &Value<'_>) {
        match self.practices.get(id) {
            Some(first_line) => place.report(say::practice_twice(id, *first_line)),
            None => drop(self.practices.insert(id.clone(), place.line())),
        }
    }

    fn resource(&mut self, entry: &ResourceEntry, practice: &PracticeId, place: &Value<'_>) {
        let line = place.line();
        let (holder, first_line) = self.schedules.entry(entry.schedule).or_insert_with(|| (practice.clone(), line));
        if holder != practice {
            return place.report(say::schedule_in_two_practices(entry.schedule, holder, *first_line));
        }
        match self.resources.get(&entry.id()) {
            Some(first_line) => place.report(say::resource_twice(entry.id(), *first_line)),
            None => drop(self.resources.insert(entry.id(), line)),
        }
    }

    fn report_shared_locations(&self) {
        for (location, holders) in &self.locations {
            let Some(((first, place), others)) = holders.split_first() else { continue };
            for (practice, value) in others.iter().filter(|(practice, _)| practice != first) {
                if self.takes_all.contains(first) || self.takes_all.contains(practice) {
                    value.report(say::location_in_two_practices(location, first, place.line()));
                }
            }
        }
    }
}
