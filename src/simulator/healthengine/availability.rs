//! Availability snapshots: one day of one resource, replaced as a whole, seen by pet owners once
//! the queue has come to it.
//!
//! Assumptions, where the definition is silent: the queue keeps its order; "existing" compares with
//! the last accepted snapshot of that day only; of two snapshots of one day in one call the second
//! fails; a range whose list of types is empty or absent is open to every type; a snapshot that
//! names an unknown resource or type fails, except an *empty* one of a resource that a request asks
//! for (it may have been removed since, and the request must be answerable).

use std::collections::BTreeSet;

use chrono::{NaiveDate, TimeDelta};
use serde_json::{Value, json};

use super::body::{Fields, Wrong};
use super::published_day::PublishedRange;
use super::requests;
use super::settings::BatchEndpoint;
use super::state::{DayWanted, PracticeAccount};
use super::visit::{HandlerOutcome, HandlerRefusal, HandlerReply, Visit};

/// How many snapshots a batch may hold.
const BATCH_MAX: usize = 100;

/// `POST availability/snapshot`
pub(super) fn snapshot(visit: &mut Visit<'_>) -> HandlerOutcome {
    let body = visit.required_body()?;
    refuse_the_day(visit, std::slice::from_ref(&body))?;
    let sent = SentSnapshot::read(&body, "the snapshot", visit.practice, visit.notes)?;
    accept(visit, sent);
    HandlerReply::done()
}

/// `POST availability/snapshots`
pub(super) fn snapshots(visit: &mut Visit<'_>) -> HandlerOutcome {
    if let BatchEndpoint::Absent(status) = visit.settings.batch {
        return Err(HandlerRefusal::fair(status, "no such operation"));
    }
    let list = visit.required_list()?;
    if list.len() > BATCH_MAX {
        return Err(HandlerRefusal::mistake(400, format!("at most {BATCH_MAX} snapshots in one call")));
    }
    let length: usize = list.iter().map(|value| value.to_string().len()).sum();
    if visit.settings.batch_bytes_max.is_some_and(|most| most < length) {
        return Err(HandlerRefusal::fair(413, "the body is too large"));
    }
    refuse_the_day(visit, &list)?;
    let (mut created, mut existing, mut failed, mut errors) = (vec![], vec![], vec![], vec![]);
    let (mut days, mut labels) = (BTreeSet::new(), BTreeSet::new());
    for (index, value) in list.iter().enumerate() {
        let label = value.get("id").and_then(Value::as_str).map_or_else(|| index.to_string(), ToOwned::to_owned);
        if !labels.insert(label.clone()) {
            visit.notes.push(format!("two snapshots of one call go by the id {label}"));
        }
        let sent =
            SentSnapshot::read(value, &format!("snapshot {label}"), visit.practice, visit.notes).and_then(|sent| {
                let first = days.insert((sent.resource.clone(), sent.day));
                let twice = || Wrong(format!("{} of {} twice in one call", sent.day, sent.resource));
                if first { Ok(sent) } else { Err(twice()) }
            });
        match sent {
            Ok(sent) => if accept(visit, sent) { &mut created } else { &mut existing }.push(label),
            Err(Wrong(error)) => {
                visit.notes.push(format!("snapshot {label} failed: {error}"));
                errors.push(json!({ "snapshot": label.clone(), "error": error }));
                failed.push(label);
            }
        }
    }
    let mut answer = json!({ "created": created, "existing": existing, "failed": failed });
    if !errors.is_empty() {
        answer["errors"] = Value::Array(errors);
    }
    HandlerReply::with(answer)
}

/// Refuses a call for one of its snapshots, if the settings say so.
fn refuse_the_day(visit: &Visit<'_>, list: &[Value]) -> Result<(), HandlerRefusal> {
    let Some((resource, day)) = &visit.settings.refused_day else { return Ok(()) };
    let text = |value: &Value, name| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_it = |value: &Value| text(value, "pmsResourceId") == *resource && text(value, "date") == day.to_string();
    if list.iter().any(is_it) { Err(HandlerRefusal::fair(400, "availability.0.start is not valid")) } else { Ok(()) }
}

/// A snapshot that can be used.
struct SentSnapshot {
    resource: String,
    day: NaiveDate,
    ranges: Vec<PublishedRange>,
}

impl SentSnapshot {
    fn read(value: &Value, place: &str, practice: &PracticeAccount, notes: &mut Vec<String>) -> Result<Self, Wrong> {
        let fields = Fields::of(value, place, &["id", "date", "pmsResourceId", "availability"], notes)?;
        fields.optional_text("id")?;
        let (day, resource) = (fields.day("date")?, fields.text("pmsResourceId")?);
        let ranges = fields.list("availability")?;
        let ranges: Vec<PublishedRange> = ranges
            .iter()
            .map(|range| read_range(range, place, &resource, practice, notes))
            .collect::<Result<_, _>>()?;
        if practice.resource(&resource).is_none() {
            let asked_for = |wanted: &DayWanted| wanted.day == day && wanted.resource.as_ref() == Some(&resource);
            if !(ranges.is_empty() && practice.wanted.days.iter().any(asked_for)) {
                return Err(Wrong(format!("{resource} is not in the resource snapshot")));
            }
        }
        note_overlaps(&ranges, place, notes);
        Ok(Self { resource, day, ranges })
    }
}

fn read_range(
    value: &Value,
    place: &str,
    resource: &str,
    practice: &PracticeAccount,
    notes: &mut Vec<String>,
) -> Result<PublishedRange, Wrong> {
    let known = ["start", "end", "slotLength", "pmsAppointmentTypeIds"];
    let fields = Fields::of(value, &format!("a range of {place}"), &known, notes)?;
    let (start, end) = fields.range()?;
    let slot_length_seconds = fields.count("slotLength")?;
    let appointment_types = fields.ids(fields.optional_list("pmsAppointmentTypeIds")?, "pmsAppointmentTypeIds")?;
    for id in &appointment_types {
        if practice.appointment_type(id).is_none_or(|kind| !kind.belongs_to(resource)) {
            return Err(Wrong(format!("{id} is no appointment type of {resource}")));
        }
    }
    Ok(PublishedRange { start, end, slot_length_seconds, appointment_types })
}

/// Two ranges that share a type and a minute would offer one time twice.
fn note_overlaps(ranges: &[PublishedRange], place: &str, notes: &mut Vec<String>) {
    for (index, one) in ranges.iter().enumerate() {
        for other in &ranges[index + 1..] {
            let (types, others) = (&one.appointment_types, &other.appointment_types);
            let share = types.is_empty() || others.is_empty() || types.iter().any(|id| others.contains(id));
            if share && one.start < other.end && other.start < one.end {
                notes.push(format!("ranges of {place} overlap at {}", one.start.max(other.start).format("%H:%M")));
            }
        }
    }
}

/// Takes a snapshot in and counts it as the answer to requests for its day; true if it changes
/// anything.
fn accept(visit: &mut Visit<'_>, sent: SentSnapshot) -> bool {
    let SentSnapshot { resource, day, ranges } = sent;
    let mut created = true;
    if visit.practice.resource(&resource).is_some() {
        let own = visit.practice.days.entry((resource.clone(), day)).or_default();
        own.settle(visit.now);
        let overtakes = own.is_queued();
        let seconds = |duration| TimeDelta::from_std(duration).unwrap_or(TimeDelta::MAX);
        let (delay, existing_for) = (seconds(visit.settings.snapshot_delay), seconds(visit.settings.existing_for));
        created = own.take(visit.now, ranges, delay, existing_for);
        if created && overtakes && visit.settings.strict_queue {
            visit.notes.push(format!("{day} of {resource} is sent again while it is still queued"));
        }
    }
    requests::day_heard(visit.practice, &resource, day, visit.now);
    created
}
