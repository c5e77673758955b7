//! When one resource can be booked within a window, kept apart by reason, and the judgement on
//! places and spans.

use chrono::{DateTime, TimeDelta, Utc};

use super::grid::{GridSlot, grid_to, snapped};
use super::question::Question;
use super::reading::{OwnBooking, ScheduleReading};
use super::verdict::{Reason, Share};
use crate::ids::AppointmentTypeId;
use crate::mapping::Resource;
use crate::span::{Span, covers, difference, intersection, normalised, touches};
use crate::zone::zones::{ClockFault, Zones};

/// One resource's time within the window of its reading. All are sets.
pub(super) struct Bookable<'a> {
    /// What everything that it depends on was read for.
    pub(super) window: Span,
    pub(super) reading: &'a ScheduleReading,
    /// Busy by the reading, or taken by bookings of ours that it need not show.
    busy: Vec<Span>,
    /// Local times that happen twice.
    doubled: Vec<Span>,
    /// For a clinician: what they are not available for.
    clinician: Option<super::clinician::ClinicianTime>,
    /// What is left.
    left: Vec<Span>,
    /// What is left, drawn in to the grid: an appointment fits if it ends inside, because ends are
    /// on the grid too.
    on_grid: Vec<Span>,
    fits: Fits,
    moment: super::Moment,
    /// The first moment at which something may be offered.
    first_offered: DateTime<Utc>,
    slot_size: TimeDelta,
    zones: Zones,
}

impl<'a> Bookable<'a> {
    /// `None` if what has to be known could not be read.
    pub(super) fn new(question: &Question<'a>, resource: &Resource) -> Option<Self> {
        let reading = question.readings.schedule(resource.id.schedule)?;
        let busy = busy_and_own(reading, resource, question.own);
        let doubled = question.zones.doubled(reading.window);
        let mut left = difference(&difference(&reading.free, &busy), &doubled);
        let clinician = match resource.id.user {
            None => None,
            Some(user) => Some(super::clinician::time(question, user, resource.id.schedule)?),
        };
        if let Some(clinician) = &clinician {
            left = difference(&intersection(&left, &clinician.free), &clinician.elsewhere);
        }
        Some(Self {
            window: clinician.as_ref().map_or(reading.window, |clinician| clinician.window.cut(&reading.window)),
            on_grid: ending_once(
                snapped(&left, resource.slot_size_minutes, &question.zones.server),
                resource,
                &question.zones,
            ),
            left,
            reading,
            busy,
            doubled,
            clinician,
            fits: Fits::new(resource),
            moment: question.moment,
            first_offered: question.moment.first_offered(),
            slot_size: TimeDelta::minutes(resource.slot_size_minutes.into()),
            zones: question.zones,
        })
    }

    /// The types that are offered from a place on the grid; `None` where nothing is.
    pub(super) fn offer(&self, place: &GridSlot) -> Option<&[AppointmentTypeId]> {
        if place.fault.is_some() || place.start < self.first_offered {
            return None;
        }
        let types = self.fits.types(self.room_from(place.start));
        (!types.is_empty()).then_some(types)
    }

    /// Why nothing is offered from a place on the grid.
    pub(super) fn reason(&self, place: &GridSlot) -> Reason {
        match place.fault {
            Some(ClockFault::Skipped) => Reason::DoesNotExist,
            Some(ClockFault::Doubled) => Reason::HappensTwice,
            None if place.start <= self.moment.now => Reason::Past,
            None if !self.fits.types(self.room_from(place.start)).is_empty() => Reason::TooSoon,
            None => self.obstacle(Span::new(place.start, place.start + self.slot_size)).unwrap_or(Reason::TooShort),
        }
    }

    /// Why an appointment cannot be made at a span, or `None` if it can. The minimum notice is left
    /// out: what was offered in time is honoured.
    pub(super) fn refusal(&self, span: Span) -> Option<Reason> {
        if span.start <= self.moment.now {
            return Some(Reason::Past);
        }
        if covers(&self.left, &span) && self.zones.fault(span.end).is_none() {
            return None;
        }
        Some(self.obstacle(span).unwrap_or(Reason::Closed))
    }

    /// What stands in the way within a span.
    fn obstacle(&self, span: Span) -> Option<Reason> {
        if touches(&self.doubled, &span) || self.zones.fault(span.end).is_some() {
            return Some(Reason::HappensTwice);
        }
        if touches(&self.busy, &span) {
            return Some(Reason::ScheduleBusy);
        }
        if !covers(&self.reading.free, &span) {
            return Some(Reason::Closed);
        }
        let clinician = self.clinician.as_ref()?;
        if touches(&clinician.elsewhere, &span) {
            return Some(Reason::ClinicianBusyElsewhere);
        }
        (!covers(&clinician.free, &span)).then_some(Reason::NotRostered)
    }

    /// How long from a place on the grid until the last moment on the grid that is bookable without
    /// a break.
    fn room_from(&self, start: DateTime<Utc>) -> TimeDelta {
        let after = self.on_grid.partition_point(|span| span.end <= start);
        self.on_grid.get(after).filter(|span| span.start <= start).map_or(TimeDelta::zero(), |span| span.end - start)
    }
}

/// The same without the ends whose local time happens twice: an appointment that ends when the
/// doubled time begins has an end that OpenVPMS, which keeps wall times, takes for the later of the
/// two moments.
fn ending_once(on_grid: Vec<Span>, resource: &Resource, zones: &Zones) -> Vec<Span> {
    let ending_once = |span: Span| match zones.fault(span.end) {
        None => span,
        // Doubled time is not bookable, so every earlier moment of the span happens once.
        Some(_) => {
            let before = span.end - TimeDelta::seconds(1);
            Span::new(span.start, grid_to(before, resource.slot_size_minutes, &zones.server))
        }
    };
    on_grid.into_iter().map(ending_once).filter(|span| !span.is_empty()).collect()
}

/// Busy time by the reading, and bookings of ours that it need not show.
fn busy_and_own(reading: &ScheduleReading, resource: &Resource, own: &[OwnBooking]) -> Vec<Span> {
    let hidden = own
        .iter()
        .filter(|booking| booking.schedule == resource.id.schedule && booking.is_hidden_from(reading))
        .map(|booking| booking.span);
    normalised(reading.busy.iter().copied().chain(hidden))
}

/// Which appointment types fit into how much room.
struct Fits {
    /// Room needed, ascending, and all types that need at most that, by id.
    steps: Vec<(TimeDelta, Vec<AppointmentTypeId>)>,
}

impl Fits {
    fn new(resource: &Resource) -> Self {
        let mut lengths: Vec<u32> = resource.types.iter().map(|kind| kind.length_minutes).collect();
        lengths.sort_unstable();
        lengths.dedup();
        let step = |length: u32| {
            let fitting = resource.types.iter().filter(|kind| kind.length_minutes <= length);
            let mut types: Vec<AppointmentTypeId> = fitting.map(|kind| kind.id.appointment_type).collect();
            types.sort_unstable();
            (TimeDelta::minutes(length.into()), types)
        };
        Self { steps: lengths.into_iter().map(step).collect() }
    }

    fn types(&self, room: TimeDelta) -> &[AppointmentTypeId] {
        match self.steps.partition_point(|(needed, _)| *needed <= room) {
            0 => &[],
            fitting => &self.steps[fitting - 1].1,
        }
    }
}

/// How much of a span lies in a set.
pub(super) fn share(set: &[Span], span: &Span) -> Share {
    if covers(set, span) {
        Share::All
    } else if touches(set, span) {
        Share::Part
    } else {
        Share::None
    }
}
