//! What the rules leave of a day's offer: the judgement of [`Bookable`], narrowed.

use chrono::{DateTime, NaiveDate, TimeDelta, Timelike, Utc};

use super::bookable::Bookable;
use super::day::Day;
use super::grid::{self, GridSlot};
use super::question::Question;
use super::rules::{AskedSpan, FreeStarts, OfferRule, RuleAt, RuledDay};
use super::verdict::{Reason, RuledOutType, Verdict, fewest_keys};
use crate::ids::AppointmentTypeId;
use crate::mapping::Resource;
use crate::span::Span;
use crate::zone::zones::Zones;

/// The offer of one resource on one day about which there are rules.
pub(super) struct RuledOffer<'a> {
    ruled: RuledDay<'a>,
    resource: &'a Resource,
    bookable: &'a Bookable<'a>,
    grid: &'a [GridSlot],
}

impl<'a> RuledOffer<'a> {
    /// `None` if no rule withholds times of the resource on that day.
    pub(super) fn new(
        question: &Question<'a>,
        narrowing: &[&'a OfferRule],
        resource: &'a Resource,
        bookable: &'a Bookable<'a>,
        date: NaiveDate,
        grid: &'a [GridSlot],
    ) -> Option<Self> {
        let ruled = ruled_day(question, narrowing, resource, bookable, date, grid)?;
        Some(Self { ruled, resource, bookable, grid })
    }

    /// The day as it is offered.
    pub(super) fn day(&self, slot_size_minutes: u32) -> Day {
        let left = |place: &GridSlot| {
            let types = self.bookable.offer(place)?.iter().copied();
            Some((place.minute, types.filter(|kind| self.withholding(place, *kind).next().is_none()).collect()))
        };
        let starts: Vec<(u32, Vec<AppointmentTypeId>)> = self.grid.iter().filter_map(left).collect();
        Day::from_starts(slot_size_minutes, starts.iter().map(|(minute, types)| (*minute, &types[..])))
    }

    /// What is said of a place at which the diary has room for these types, and which of them
    /// rules withhold.
    pub(super) fn verdict(&self, place: &GridSlot, types: &[AppointmentTypeId]) -> (Verdict, Vec<RuledOutType>) {
        let (mut left, mut ruled_out) = (Vec::new(), Vec::new());
        for kind in types.iter().copied() {
            let by: Vec<RuleAt> = self.withholding(place, kind).collect();
            if by.is_empty() {
                left.push(kind);
            } else {
                ruled_out.push(RuledOutType { kind, by });
            }
        }
        match fewest_keys(&ruled_out).first().filter(|_| left.is_empty()) {
            Some(rule) => (Verdict::Withheld(Reason::Rule(*rule)), ruled_out),
            None => (Verdict::Offered(left), ruled_out),
        }
    }

    fn withholding(&self, place: &GridSlot, kind: AppointmentTypeId) -> impl Iterator<Item = RuleAt> {
        let minutes = self.resource.appointment_type(kind).map_or(0, |own| own.length_minutes);
        let length = TimeDelta::minutes(minutes.into());
        self.ruled.withholding(kind, AskedSpan { minute: place.minute, start: place.start, length })
    }
}

/// The first rule that withholds an appointment type from a span of time.
pub(super) fn withheld(
    question: &Question<'_>,
    resource: &Resource,
    span: Span,
    kind: AppointmentTypeId,
) -> Option<RuleAt> {
    let narrowing = question.rules.narrowing(resource.id);
    if narrowing.is_empty() {
        return None;
    }
    let bookable = Bookable::new(question, resource)?;
    let wall = question.zones.practice.wall(span.start);
    let grid = grid::day_grid(wall.date(), resource.slot_size_minutes, &question.zones);
    let ruled = ruled_day(question, &narrowing, resource, &bookable, wall.date(), &grid)?;
    let minute = wall.hour() * 60 + wall.minute();
    ruled.withholding(kind, AskedSpan { minute, start: span.start, length: span.end - span.start }).next()
}

fn ruled_day<'a>(
    question: &Question<'a>,
    narrowing: &[&'a OfferRule],
    resource: &Resource,
    bookable: &Bookable<'_>,
    date: NaiveDate,
    grid: &[GridSlot],
) -> Option<RuledDay<'a>> {
    let today = question.zones.practice.wall(question.moment.now).date();
    let free_starts = DiaryStarts { zones: &question.zones, resource, bookable, date, grid };
    RuledDay::new(question.rules, narrowing, (resource.id, date), (question.moment, today), &free_starts)
}

/// The free starts of a resource on a day and the next one.
struct DiaryStarts<'a> {
    zones: &'a Zones,
    resource: &'a Resource,
    bookable: &'a Bookable<'a>,
    date: NaiveDate,
    grid: &'a [GridSlot],
}

impl DiaryStarts<'_> {
    fn on(&self, date: NaiveDate, grid: &[GridSlot]) -> Vec<DateTime<Utc>> {
        // An appointment takes its time up to the grid, which begins anew at the server's midnight.
        let midnight = self.zones.practice.day(date).end;
        let midnight = grid::grid_to(midnight, self.resource.slot_size_minutes, &self.zones.server);
        let is_free = |place: &&GridSlot| self.bookable.is_free_start(place, midnight);
        let mut free: Vec<DateTime<Utc>> = grid.iter().filter(is_free).map(|place| place.start).collect();
        free.sort_unstable();
        free
    }
}

impl FreeStarts for DiaryStarts<'_> {
    fn of_day(&self) -> Vec<DateTime<Utc>> {
        self.on(self.date, self.grid)
    }

    fn of_next_day(&self) -> Vec<DateTime<Utc>> {
        let Some(next) = self.date.succ_opt() else { return Vec::new() };
        if !self.bookable.is_open_across(self.zones.practice.day_start(next)) {
            return Vec::new();
        }
        self.on(next, &grid::day_grid(next, self.resource.slot_size_minutes, self.zones))
    }
}
