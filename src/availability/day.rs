//! What one resource offers on one day, and its form as a snapshot.

use std::collections::BTreeSet;

use chrono::{NaiveDate, NaiveTime};
use serde::{Deserialize, Serialize};

use super::window::{MINUTES_A_DAY, time_of_minute};
use crate::healthengine::{AvailabilityRange, AvailabilitySnapshot};
use crate::ids::{AppointmentTypeId, ResourceId, TypeId};

/// What one resource offers on one day at the practice.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ResourceDay {
    /// Whose day it is.
    pub resource: ResourceId,
    /// Which day, by the practice's calendar.
    pub date: NaiveDate,
    /// What is offered.
    pub day: Day,
}

/// The offers of a day. Two days that offer the same starts with the same types are equal, and read
/// back as they were written; the stored form is small (a few dozen bytes as a rule; alternating
/// offers of 5-minute slots take about 3 KiB).
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "StoredDay", into = "StoredDay")]
pub struct Day {
    /// The pieces, by start; they do not overlap.
    pieces: Vec<Piece>,
    slot_size_minutes: u32,
}

/// A stretch of starts, one slot size apart, from each of which the same appointment types fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// Minute of the day at the practice at which the first start lies.
    pub start_minute: u32,
    /// The last start plus the slot size; can lie beyond 1440 when the last slot runs past
    /// midnight.
    pub end_minute: u32,
    /// The appointment types that fit, by id; at least one.
    pub types: Vec<AppointmentTypeId>,
}

impl Day {
    /// A day without offers.
    pub fn empty(slot_size_minutes: u32) -> Self {
        Self { slot_size_minutes: slot_size_minutes.max(1), pieces: Vec::new() }
    }

    /// The day that offers these starts (minutes of the day, ascending), each with the types that
    /// fit.
    pub fn from_starts<'a>(
        slot_size_minutes: u32,
        starts: impl IntoIterator<Item = (u32, &'a [AppointmentTypeId])>,
    ) -> Self {
        let mut day = Self::empty(slot_size_minutes);
        for (minute, types) in starts {
            let end_minute = minute + day.slot_size_minutes;
            match day.pieces.last_mut() {
                Some(last) if last.end_minute == minute && last.types == types => last.end_minute = end_minute,
                _ if types.is_empty() => {}
                _ => day.pieces.push(Piece { start_minute: minute, end_minute, types: types.to_vec() }),
            }
        }
        day
    }

    /// True if nothing is offered.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The pieces, by start.
    pub fn pieces(&self) -> &[Piece] {
        &self.pieces
    }

    /// The slot size of the schedule.
    pub fn slot_size_minutes(&self) -> u32 {
        self.slot_size_minutes
    }

    /// Every start that is offered, with the types that fit, in order.
    pub fn starts(&self) -> impl Iterator<Item = (u32, &[AppointmentTypeId])> {
        let step = self.slot_size_minutes.max(1) as usize;
        self.pieces.iter().flat_map(move |piece| {
            (piece.start_minute..piece.end_minute).step_by(step).map(|minute| (minute, &*piece.types))
        })
    }

    /// The appointment types of its starts, some of them several times.
    pub fn types(&self) -> impl Iterator<Item = AppointmentTypeId> {
        self.pieces.iter().flat_map(|piece| piece.types.iter().copied())
    }

    /// The same day without the starts before a minute.
    #[must_use]
    pub fn from_minute(&self, minute: u32) -> Self {
        let piece = |(start_minute, end_minute, types): (u32, u32, &[AppointmentTypeId])| Piece {
            start_minute,
            end_minute,
            types: types.to_vec(),
        };
        Self { slot_size_minutes: self.slot_size_minutes, pieces: self.pieces_from(minute).map(piece).collect() }
    }

    /// First start, end and types of the pieces, from a minute on.
    fn pieces_from(&self, minute: u32) -> impl Iterator<Item = (u32, u32, &[AppointmentTypeId])> {
        let slot = self.slot_size_minutes.max(1);
        self.pieces.iter().filter_map(move |piece| {
            let gone = minute.saturating_sub(piece.start_minute).div_ceil(slot) * slot;
            let start_minute = piece.start_minute + gone;
            (start_minute < piece.end_minute).then_some((start_minute, piece.end_minute, &*piece.types))
        })
    }

    /// True if both offer the same starts from a minute on, in the same slot length with the same
    /// types. Where nothing is offered the slot length says nothing.
    pub(crate) fn offers_the_same_from(&self, minute: u32, other: &Self) -> bool {
        let offers_none = self.pieces_from(minute).next().is_none();
        self.pieces_from(minute).eq(other.pieces_from(minute))
            && (offers_none || self.slot_size_minutes == other.slot_size_minutes)
    }

    /// The snapshot that says this to Healthengine. There is no 24:00: a piece that reaches
    /// midnight ends 23:59 (its last slot may be lost there), and one that would begin at 23:59 is
    /// left out.
    pub fn snapshot(&self, resource: ResourceId, date: NaiveDate) -> AvailabilitySnapshot {
        let availability = self.pieces.iter().filter_map(|piece| {
            let (start, end) = (clock_text(piece.start_minute), clock_text(piece.end_minute));
            (start != end).then(|| AvailabilityRange {
                start,
                end,
                slot_length: self.slot_size_minutes.saturating_mul(60),
                pms_appointment_type_ids: piece
                    .types
                    .iter()
                    .map(|&appointment_type| TypeId { appointment_type, resource }.to_string())
                    .collect(),
            })
        });
        AvailabilitySnapshot {
            id: None,
            date,
            pms_resource_id: resource.to_string(),
            availability: availability.collect(),
        }
    }
}

impl ResourceDay {
    /// True if it offers no other appointment types than these.
    pub fn is_of(&self, types: &BTreeSet<TypeId>) -> bool {
        self.day.types().all(|appointment_type| types.contains(&TypeId { appointment_type, resource: self.resource }))
    }

    /// The snapshot that says this to Healthengine.
    pub fn snapshot(&self) -> AvailabilitySnapshot {
        self.day.snapshot(self.resource, self.date)
    }
}

/// `HH:MM`, at most `23:59`.
fn clock_text(minute: u32) -> String {
    let time = time_of_minute(minute.min(MINUTES_A_DAY - 1)).unwrap_or(NaiveTime::MIN);
    time.format("%H:%M").to_string()
}

/// How a day is written down: each set of types once.
#[derive(Clone, Serialize, Deserialize)]
struct StoredDay {
    /// Slot size in minutes.
    slot: u32,
    /// The sets of types that occur.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    types: Vec<Vec<AppointmentTypeId>>,
    /// Start minute, end minute, index of the set of types.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pieces: Vec<(u32, u32, usize)>,
}

impl From<Day> for StoredDay {
    fn from(day: Day) -> Self {
        let mut stored = Self { slot: day.slot_size_minutes, types: Vec::new(), pieces: Vec::new() };
        for piece in day.pieces {
            let known = stored.types.iter().position(|types| *types == piece.types);
            let index = known.unwrap_or_else(|| {
                stored.types.push(piece.types);
                stored.types.len() - 1
            });
            stored.pieces.push((piece.start_minute, piece.end_minute, index));
        }
        stored
    }
}

impl From<StoredDay> for Day {
    fn from(stored: StoredDay) -> Self {
        let piece = |(start_minute, end_minute, index): (u32, u32, usize)| {
            Some(Piece { start_minute, end_minute, types: stored.types.get(index)?.clone() })
        };
        Self { slot_size_minutes: stored.slot, pieces: stored.pieces.iter().copied().filter_map(piece).collect() }
    }
}
