//! What the diary's open times mean for a practice: what can never be booked, and what is offered
//! while nobody promised to answer.

use std::collections::{BTreeMap, BTreeSet};

use super::day_parts::day_parts;
use super::report::{Report, title};
use crate::availability::openness::{Shut, shut};
use crate::availability::rules::RulesInForce;
use crate::availability::{
    ClinicianDoubt, Days, Moment, Question, Readings, Rosters, ScheduleReading, Zones, nothing_left,
};
use crate::config::PracticeSettings;
use crate::config::live_hours::{DayKind, HoursRange, LiveHours};
use crate::ids::{AppointmentTypeId, ResourceId, ScheduleId};
use crate::mapping::{Mapping, Resource};
use crate::messages::{check_findings as say, listed, plain, rules as rules_say};
use crate::span::normalised;

/// An appointment longer than this is a slip in OpenVPMS's set-up, as a rule: the length is a
/// number of slots.
const LENGTH_MINUTES_MAX: u32 = 8 * 60;

/// A practice with what was read of its diary, for so many days from today on.
pub(crate) struct Diary<'a> {
    pub(crate) practice: &'a PracticeSettings,
    pub(crate) mapping: &'a Mapping,
    pub(crate) readings: &'a Readings,
    pub(crate) days: Days,
    pub(crate) zones: Zones,
    pub(crate) moment: Moment,
    pub(crate) names: BTreeMap<ScheduleId, String>,
}

impl Diary<'_> {
    /// Judges everything.
    pub(crate) fn inspect(&self, report: &mut Report) {
        let open = self.inspect_shut(report);
        self.inspect_lengths(&open, report);
        self.inspect_live_hours(&open, report);
        self.inspect_rules(report);
    }

    /// Whether each resource has any time to book within the horizon. The schedules that do.
    fn inspect_shut(&self, report: &mut Report) -> BTreeSet<ScheduleId> {
        let resources = self.mapping.resources.iter().map(|resource| resource.id);
        let (mut named, mut open) = (BTreeSet::new(), BTreeSet::new());
        for (id, shut) in shut(resources, self.readings, &Rosters::new()) {
            if shut != Some(Shut::Schedule) {
                open.insert(id.schedule);
            }
            let Some(shut) = shut else { continue };
            let schedule = format!("chedule {}", self.called(id.schedule));
            match (shut, id.user) {
                (Shut::Clinician, Some(user)) => {
                    let what = format!("User {user} on s{schedule}");
                    let place = format!("{} resource {id}", title(self.practice));
                    report.problem(place, say::never_open(&what, shut, self.days.count));
                }
                // Once, however many clinicians are booked on it.
                (Shut::Schedule | Shut::Clinician, _) if named.insert(id.schedule) => {
                    let advice = say::never_open(&format!("S{schedule}"), shut, self.days.count);
                    report.problem(title(self.practice), advice);
                }
                // What the rules leave is found out below.
                (Shut::Schedule | Shut::Clinician | Shut::Rules(_), _) => {}
            }
        }
        open
    }

    /// Types that fit nowhere, and types that hardly anybody means.
    fn inspect_lengths(&self, open: &BTreeSet<ScheduleId>, report: &mut Report) {
        let mut judged = BTreeSet::new();
        for resource in &self.mapping.resources {
            let longest = open.get(&resource.id.schedule).and_then(|id| self.longest_opening(*id));
            let fits = |minutes: u32| longest.is_none_or(|longest| i64::from(minutes) <= longest);
            for kind in resource.types.iter().filter(|kind| kind.length_minutes > LENGTH_MINUTES_MAX) {
                if fits(kind.length_minutes) {
                    let (place, name) =
                        (format!("{} resource {}", title(self.practice), resource.id), &kind.plain_name);
                    let advice = say::type_very_long(name, kind.length_minutes, kind.slots, resource.slot_size_minutes);
                    report.note(place, advice);
                }
            }
            let too_long = resource.types.iter().filter(|kind| !fits(kind.length_minutes));
            let too_long: Vec<String> = too_long
                .map(|kind| format!("\"{}\" ({} minutes)", plain(&kind.plain_name), kind.length_minutes))
                .collect();
            // The same for every clinician on it.
            if let (Some(longest), false) = (longest, too_long.is_empty())
                && judged.insert(resource.id.schedule)
            {
                self.tell_too_long(resource, &too_long, longest, report);
            }
        }
    }

    fn tell_too_long(&self, resource: &Resource, too_long: &[String], longest: i64, report: &mut Report) {
        let schedule = self.called(resource.id.schedule);
        let advice = say::types_never_fit(&listed(too_long), &schedule, longest, self.days.count);
        report.problem(format!("{} resource {}", title(self.practice), resource.id), advice);
    }

    /// In minutes, booked or not.
    fn longest_opening(&self, schedule: ScheduleId) -> Option<i64> {
        let ScheduleReading { free, busy, .. } = self.readings.schedule(schedule)?;
        normalised(free.iter().chain(busy).copied()).iter().map(|opening| opening.minutes()).max()
    }

    /// Free time only: a block in the calendar can lie at any hour.
    fn inspect_live_hours(&self, open: &BTreeSet<ScheduleId>, report: &mut Report) {
        let (horizon, mut outside) =
            (self.days.span(&self.zones.practice), BTreeMap::<DayKind, Vec<HoursRange>>::new());
        let free = open.iter().filter_map(|id| self.readings.schedule(*id)).flat_map(|reading| &reading.free);
        for part in free.flat_map(|span| day_parts(&self.zones.practice, &span.cut(&horizon))) {
            let Some(range) = HoursRange::new(part.start, part.end) else { continue };
            outside.entry(part.day).or_default().extend(self.practice.live_hours.outside(part.day, range));
        }
        let mut hours = LiveHours::default();
        outside.into_iter().for_each(|(day, ranges)| hours.set(day, ranges));
        if !hours.is_empty() {
            report.note(title(self.practice), say::offered_outside_live_hours(&hours.to_string()));
        }
    }

    /// Rules about what is not there, and those that leave nothing of what is. The bookings that a
    /// rule counts are not known here.
    fn inspect_rules(&self, report: &mut Report) {
        let resources = &self.mapping.resources;
        for rule in &self.practice.rules {
            let is_missing = |id: &&ResourceId| self.mapping.resource(**id).is_none();
            let missing: Vec<ResourceId> = rule.resources.iter().filter(is_missing).copied().collect();
            let about = || resources.iter().filter(|own| rule.is_about(own.id));
            let is_unknown = |kind: &&AppointmentTypeId| about().all(|own| own.appointment_type(**kind).is_none());
            let unknown: Vec<AppointmentTypeId> = rule.types.iter().filter(is_unknown).copied().collect();
            if !missing.is_empty() || !unknown.is_empty() {
                report.problem(title(self.practice), rules_say::about_nothing(rule.number, &missing, &unknown));
            }
        }
        let question = Question {
            zones: self.zones,
            readings: self.readings,
            own: &[],
            rosters: &Rosters::new(),
            clinician_doubt: ClinicianDoubt::Offer,
            moment: self.moment,
            rules: RulesInForce { rules: &self.practice.rules, counted: &[] },
        };
        for (id, why) in nothing_left(&question, resources, self.days) {
            let name = self.mapping.resource(id).map(|own| plain(&own.name)).unwrap_or_default();
            let advice = rules_say::nothing_left(&format!("{id} ({name})"), why, self.days.count);
            report.problem(format!("{} resource {id}", title(self.practice)), advice);
        }
    }

    fn called(&self, schedule: ScheduleId) -> String {
        format!("{schedule} ({})", plain(self.names.get(&schedule).map_or("", String::as_str)))
    }
}
