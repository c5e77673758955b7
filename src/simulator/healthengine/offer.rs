//! What a pet owner can choose: the starts that follow from the published ranges, less what is
//! booked.
//!
//! A range gives the starts `start + k × slot length` whose slot ends inside it, so one that ends
//! 23:59 loses the slot that would end at midnight. Whether a longer appointment fits is the
//! sender's business: they list a type only where it does. Not offered are times that overlap a
//! booking of the resource that stands (requested or confirmed), times of a booking that failed
//! until a snapshot of the day has come since, and the past.

use std::collections::BTreeMap;

use chrono::{DateTime, NaiveDate, NaiveDateTime, TimeDelta, Utc};

use super::bookings::{BookingRecord, MarketplaceStatus};
use super::practitioners::OfferedKind;
use super::published_day::PublishedRange;
use super::state::PracticeAccount;

/// A start that can be chosen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OfferedStart {
    /// At practice time.
    pub start: NaiveDateTime,
    /// For which kinds: the id of the linked appointment type, or Healthengine's name of one
    /// without a link.
    pub kinds: Vec<String>,
}

/// All starts of a day, in order.
pub(super) fn of_day(
    practice: &PracticeAccount,
    resource: &str,
    day: NaiveDate,
    now: DateTime<Utc>,
) -> Vec<OfferedStart> {
    let mut offers: BTreeMap<NaiveDateTime, Vec<String>> = BTreeMap::new();
    for kind in practice.practitioner(resource).map_or(&[][..], |own| &own.kinds) {
        for start in starts(practice, resource, day, kind, now) {
            offers.entry(start).or_default().push(kind.label().to_owned());
        }
    }
    offers.into_iter().map(|(start, kinds)| OfferedStart { start, kinds }).collect()
}

/// The starts of a day for one kind, in order of the ranges.
pub(super) fn starts(
    practice: &PracticeAccount,
    resource: &str,
    day: NaiveDate,
    kind: &OfferedKind,
    now: DateTime<Utc>,
) -> Vec<NaiveDateTime> {
    let Some(own) = practice.days.get(&(resource.to_owned(), day)) else { return Vec::new() };
    let length = TimeDelta::seconds(length_seconds(practice, kind).into());
    let (midnight, wall) = (day.and_hms_opt(0, 0, 0).unwrap_or_default(), practice.zone.wall(now));
    let taken: Vec<&BookingRecord> = practice
        .bookings
        .values()
        .filter(|booking| booking.resource == resource && booking.end() > midnight && booking.start.date() <= day)
        .filter(|booking| match booking.status(now) {
            MarketplaceStatus::Requested | MarketplaceStatus::Confirmed => true,
            MarketplaceStatus::Failed => booking.answered_at >= own.heard_at(),
            MarketplaceStatus::Cancelled => false,
        })
        .collect();
    let ranges = own.published(now).iter().filter(|range| serves(range, kind));
    let starts = ranges.flat_map(|range| steps(range, day, kind)).filter(|start| *start > wall);
    starts
        .filter(|start| !taken.iter().any(|booking| booking.start < *start + length && *start < booking.end()))
        .collect()
}

/// How long a booking of this kind is: as long as the linked type, else Healthengine's own length.
pub(super) fn length_seconds(practice: &PracticeAccount, kind: &OfferedKind) -> u32 {
    let linked = kind.appointment_type.as_deref().and_then(|id| practice.appointment_type(id));
    linked.and_then(|own| own.length_minutes).filter(|minutes| *minutes > 0).unwrap_or(kind.length_minutes).max(1) * 60
}

fn serves(range: &PublishedRange, kind: &OfferedKind) -> bool {
    range.appointment_types.is_empty()
        || kind.appointment_type.as_ref().is_some_and(|id| range.appointment_types.contains(id))
}

fn steps(range: &PublishedRange, day: NaiveDate, kind: &OfferedKind) -> impl Iterator<Item = NaiveDateTime> + use<> {
    // Under a minute the sender leaves the length to Healthengine.
    let seconds =
        if range.slot_length_seconds >= 60 { range.slot_length_seconds } else { kind.length_minutes.max(1) * 60 };
    let (step, end) = (TimeDelta::seconds(seconds.into()), day.and_time(range.end));
    std::iter::successors(Some(day.and_time(range.start)), move |start| Some(*start + step))
        .take_while(move |start| *start + step <= end)
}
