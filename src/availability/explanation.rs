//! Why each time of a day is offered or not, as whoever misses one asks for it.
//!
//! It is the judgement that publishing and the booking executor use ([`super::slots`]), in the
//! words of the outside.

use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::day::Day;
use super::grid;
use super::question::Question;
use super::rules::RuleAt;
use super::verdict::{Reason, RuledOutType, Slot, Verdict, fewest_keys};
use super::window::MINUTES_A_DAY;
use crate::ids::{AppointmentTypeId, ScheduleId};
use crate::mapping::Resource;
use crate::span::Span;
use crate::zone::zones::{ClockFault, Zones};

/// Why a time is offered or not.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Code {
    /// It is.
    Offered,
    /// Outside the schedule's online booking times.
    Closed,
    /// OpenVPMS shows it as taken: by an appointment or by a block, which it does not tell apart.
    Busy,
    /// Taken by a booking that was made through us.
    OwnBooking,
    /// Perhaps taken by a booking through us: it is being made, or nobody knows whether it stands.
    InDoubt,
    /// The clinician is not rostered to the schedule.
    NotRostered,
    /// The clinician has an appointment on another schedule.
    ClinicianBusy,
    /// It has begun.
    Past,
    /// Inside the minimum notice.
    MinNotice,
    /// No appointment type fits before the next obstacle.
    TooShort,
    /// The schedule has no appointment type.
    NoType,
    /// The clocks are set at that time.
    ClockChange,
    /// A rule of the practice keeps it back, perhaps with others
    /// ([`ExplainedSlot::needed_changes`]).
    Rule(RuleAt),
    /// The guard holds the resource.
    HeldBack,
    /// OpenVPMS could not be read.
    NotRead,
    /// After the last day that is offered.
    BeyondHorizon,
    /// The practice is off.
    Off,
}

impl Code {
    /// As it is written in JSON.
    pub fn name(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Closed => "closed",
            Self::Busy => "busy",
            Self::OwnBooking => "own_booking",
            Self::InDoubt => "in_doubt",
            Self::NotRostered => "not_rostered",
            Self::ClinicianBusy => "clinician_busy",
            Self::Past => "past",
            Self::MinNotice => "min_notice",
            Self::TooShort => "too_short",
            Self::NoType => "no_type",
            Self::ClockChange => "clock_change",
            Self::Rule(_) => "rule",
            Self::HeldBack => "held_back",
            Self::NotRead => "not_read",
            Self::BeyondHorizon => "beyond_horizon",
            Self::Off => "off",
        }
    }
}

/// One time of a day, and why it is offered or not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExplainedSlot {
    /// Minute of the day on the practice's wall clock.
    pub minute: u32,
    /// Where it ends: the next place on the grid, at most 1440.
    pub end_minute: u32,
    /// Why.
    pub code: Code,
    /// The appointment types that fit from here; none unless it is offered.
    pub types: Vec<AppointmentTypeId>,
    /// The appointment types for which there is no room, where there is room for some or where that
    /// is the only obstacle.
    pub too_long: Vec<AppointmentTypeId>,
    /// The appointment types for which there is room and which rules keep back.
    pub ruled_out: Vec<RuledOutType>,
}

impl ExplainedSlot {
    /// A time of which nothing is to be said but this.
    pub fn of(minute: u32, end_minute: u32, code: Code) -> Self {
        let (types, too_long, ruled_out) = (Vec::new(), Vec::new(), Vec::new());
        Self { minute, end_minute, code, types, too_long, ruled_out }
    }

    /// True if the same is said of both. What is not offered for any type has one reason.
    pub fn is_like(&self, other: &Self) -> bool {
        let is_one_reason = if self.types.is_empty() {
            self.needed_changes() == other.needed_changes() && self.kept_back_apart() == other.kept_back_apart()
        } else {
            self.ruled_out == other.ruled_out
        };
        (self.code, &self.types) == (other.code, &other.types) && is_one_reason
    }

    /// Where rules keep it back from every type: the fewest keys whose change offers it to some
    /// type. Each of them keeps that type back alone.
    pub fn needed_changes(&self) -> &[RuleAt] {
        let Code::Rule(first) = &self.code else { return &[] };
        let fewest = fewest_keys(&self.ruled_out);
        if fewest.is_empty() { std::slice::from_ref(first) } else { fewest }
    }

    /// Where rules keep it back from every type, and none of them from all: every key that keeps
    /// one back.
    pub fn kept_back_apart(&self) -> Option<BTreeSet<RuleAt>> {
        let common = |at: &&RuleAt| self.ruled_out.iter().all(|own| own.by.contains(at));
        let is_apart = !self.needed_changes().is_empty() && !self.needed_changes().iter().any(|at| common(&at));
        is_apart.then(|| self.ruled_out.iter().flat_map(|own| own.by.iter().copied()).collect())
    }
}

/// Every time of one day of one resource, in order. A time over which the clocks jump is absent,
/// and one that they show twice stands once. `None` if the day could not be read.
pub fn explain(question: &Question<'_>, resource: &Resource, date: NaiveDate) -> Option<Vec<ExplainedSlot>> {
    let slot_size = TimeDelta::minutes(resource.slot_size_minutes.into());
    let explained = |slot: Slot| {
        let (code, types) = match slot.verdict {
            Verdict::Offered(types) => (Code::Offered, types),
            Verdict::Withheld(Reason::DoesNotExist) => return None,
            Verdict::Withheld(Reason::ScheduleBusy) => {
                let span = Span::new(slot.start, slot.start + slot_size);
                (taken_by(question, resource.id.schedule, &span), Vec::new())
            }
            Verdict::Withheld(reason) => (code(reason, resource), Vec::new()),
        };
        let says_of_types = matches!(code, Code::Offered | Code::TooShort | Code::Rule(_));
        let all = resource.types.iter().map(|own| own.id.appointment_type);
        let ruled_out = slot.ruled_out;
        let fits = |id: &AppointmentTypeId| types.contains(id) || ruled_out.iter().any(|own| own.kind == *id);
        let too_long = all.filter(|id| says_of_types && !fits(id)).collect();
        Some(ExplainedSlot { minute: slot.minute, end_minute: 0, code, types, too_long, ruled_out })
    };
    let slots = super::slots(question, resource, date)?;
    Some(in_a_row(slots.into_iter().filter_map(explained).collect(), resource.slot_size_minutes))
}

/// A day on which one reason holds for all that is not past.
pub fn all_alike(
    code: Code,
    date: NaiveDate,
    slot_size_minutes: u32,
    zones: &Zones,
    now: DateTime<Utc>,
) -> Vec<ExplainedSlot> {
    let alike = |place: grid::GridSlot| {
        let code = match place.fault {
            Some(ClockFault::Skipped) => return None,
            _ if place.start <= now => Code::Past,
            Some(ClockFault::Doubled) => Code::ClockChange,
            None => code,
        };
        Some(ExplainedSlot::of(place.minute, 0, code))
    };
    in_a_row(grid::day_grid(date, slot_size_minutes, zones).into_iter().filter_map(alike).collect(), slot_size_minutes)
}

/// The day that these slots offer.
pub fn offered_day(slots: &[ExplainedSlot], slot_size_minutes: u32) -> Day {
    let offered = slots.iter().filter(|slot| slot.code == Code::Offered);
    Day::from_starts(slot_size_minutes, offered.map(|slot| (slot.minute, slot.types.as_slice())))
}

fn code(reason: Reason, resource: &Resource) -> Code {
    match reason {
        Reason::DoesNotExist | Reason::HappensTwice => Code::ClockChange,
        Reason::Past => Code::Past,
        Reason::ScheduleBusy => Code::Busy,
        Reason::Closed => Code::Closed,
        Reason::ClinicianBusyElsewhere => Code::ClinicianBusy,
        Reason::NotRostered => Code::NotRostered,
        Reason::TooShort if resource.types.is_empty() => Code::NoType,
        Reason::TooShort => Code::TooShort,
        Reason::TooSoon => Code::MinNotice,
        Reason::Rule(rule) => Code::Rule(rule),
    }
}

/// What of ours stands there, or else what OpenVPMS calls busy.
fn taken_by(question: &Question<'_>, schedule: ScheduleId, span: &Span) -> Code {
    let own = question.own.iter().filter(|own| own.schedule == schedule && own.span.overlaps(span));
    let codes = own.map(|own| if own.inserted.is_some() { Code::OwnBooking } else { Code::InDoubt });
    codes.max().unwrap_or(Code::Busy)
}

/// By the wall clock, each minute once, each to the beginning of the next.
fn in_a_row(mut slots: Vec<ExplainedSlot>, slot_size_minutes: u32) -> Vec<ExplainedSlot> {
    slots.sort_by_key(|slot| slot.minute);
    slots.dedup_by_key(|slot| slot.minute);
    let starts: Vec<u32> = slots.iter().map(|slot| slot.minute).collect();
    for (slot, next) in slots.iter_mut().zip(starts.into_iter().skip(1).chain([MINUTES_A_DAY])) {
        slot.end_minute = next.min(slot.minute.saturating_add(slot_size_minutes));
    }
    slots
}
