//! What rules leave of what the diary offers, worked out slowly and plainly. Holds on days without a change of clocks.

use std::collections::BTreeMap;

use chrono::{Datelike as _, NaiveDateTime, TimeDelta, Timelike as _};
use vetbridge::availability::rules::OfferRule;
use vetbridge::booking::entry::{Entry, State};
use vetbridge::ids::{AppointmentTypeId, ResourceId, TypeId};
use vetbridge::simulator::openvpms::World;

use super::configuration::{SERVERS, parsed};
use super::sydney;

/// Starts of one day, each with the types that fit, as `66:s136`.
pub(crate) type Starts = BTreeMap<NaiveDateTime, Vec<String>>;

/// The rules that these tables stand for.
pub(crate) fn rules(tables: &str) -> Vec<OfferRule> {
    let practice = "[[practice]]\nid = \"1\"\nkey = \"k\"\nlocations = [98]\n[practice.live_hours]\n\
                    public_holidays = [\"07:00-19:00\"]\n";
    parsed(&format!("{SERVERS}{practice}{tables}")).practices.remove(0).rules
}

/// What they leave of the free starts of one day of a resource, where the ledger has these bookings.
pub(crate) fn left(
    free: &Starts,
    rules: &[OfferRule],
    resource: ResourceId,
    now: NaiveDateTime,
    (world, ledger): (&World, &[Entry]),
) -> Starts {
    let mut left = free.clone();
    for (start, types) in &mut left {
        types.retain(|kind| {
            let kind = kind.parse::<TypeId>().unwrap().appointment_type;
            !rules.iter().any(|rule| withholds(rule, resource, kind, *start, free, now, (world, ledger)))
        });
    }
    left.retain(|_, types| !types.is_empty());
    left
}

fn withholds(
    rule: &OfferRule,
    resource: ResourceId,
    kind: AppointmentTypeId,
    start: NaiveDateTime,
    free: &Starts,
    now: NaiveDateTime,
    (world, ledger): (&World, &[Entry]),
) -> bool {
    let about = (rule.resources.is_empty() || rule.resources.contains(&resource))
        && (rule.types.is_empty() || rule.types.contains(&kind))
        && (rule.days.is_empty() || rule.days.contains(&start.weekday()));
    if !about {
        return false;
    }
    let minute = start.hour() * 60 + start.minute();
    let outside = !rule.hours.is_empty()
        && rule.hours.iter().all(|hours| minute < hours.from_minute || hours.to_minute <= minute);
    let too_soon = rule.min_notice.is_some_and(|notice| start < now + notice);
    let too_far = rule.max_days_ahead.is_some_and(|days| (start.date() - now.date()).num_days() > i64::from(days));
    let stands = |own: &&Entry| {
        let may_stand = matches!(own.state, State::Submitting | State::Inserted | State::Confirmed | State::InDoubt);
        let there = own.place.as_ref().is_some_and(|place| {
            let is_of_rule = rule.types.is_empty() || rule.types.contains(&place.appointment_type);
            place.resource() == resource && sydney().wall(place.span.start).date() == start.date() && is_of_rule
        });
        may_stand && there
    };
    let is_full = rule.max_per_day.is_some_and(|most| ledger.iter().filter(stands).count() >= most as usize);
    let kept: Vec<NaiveDateTime> = free.keys().rev().take(rule.keep_free.unwrap_or(0) as usize).copied().collect();
    let end = start + length(world, resource, kind);
    let is_kept = kept.iter().any(|kept| *kept == start || (start < *kept && *kept < end));
    outside || too_soon || too_far || is_full || is_kept
}

fn length(world: &World, resource: ResourceId, kind: AppointmentTypeId) -> TimeDelta {
    let schedule = world.schedules.iter().find(|own| own.id == resource.schedule).unwrap();
    let slots = schedule.types.iter().find(|(own, _)| *own == kind).map_or(0, |(_, slots)| *slots);
    TimeDelta::minutes(i64::from(schedule.slot_size.minutes() * slots))
}
