//! What the diary's open times mean for a practice: what can never be booked, and what is offered
//! while nobody promised to answer.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{Datelike, NaiveDate, Weekday};

use super::report::{Report, title};
use crate::availability::openness::{Shut, shut};
use crate::availability::rules::{ForeignNames, NothingLeft, RuleAt, RuleKey, RulesInForce};
use crate::availability::window::{MINUTES_A_DAY, time_of_minute};
use crate::availability::{
    ClinicianDoubt, Days, Moment, Question, Readings, ResourceDay, Rosters, ScheduleReading, Zones, days, nothing_left,
    types_left_without_times,
};
use crate::config::PracticeSettings;
use crate::config::live_hours::{DayKind, HoursRange, LiveHours};
use crate::ids::ScheduleId;
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
        // The bookings that a rule counts are not known here.
        let question = Question {
            zones: self.zones,
            readings: self.readings,
            own: &[],
            rosters: &Rosters::new(),
            clinician_doubt: ClinicianDoubt::Offer,
            moment: self.moment,
            rules: RulesInForce { rules: &self.practice.rules, counted: &[] },
        };
        self.inspect_live_hours(&days(&question, &self.mapping.resources, self.days), report);
        self.inspect_rules(report);
        self.inspect_what_rules_leave(&question, report);
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
            match (&shut, id.user) {
                (Shut::Clinician, Some(user)) => {
                    let what = format!("User {user} on s{schedule}");
                    let place = format!("{} resource {id}", title(self.practice));
                    report.problem(place, say::never_open(&what, &shut, self.days.count));
                }
                // Once, however many clinicians are booked on it.
                (Shut::Schedule | Shut::Clinician, _) if named.insert(id.schedule) => {
                    let advice = say::never_open(&format!("S{schedule}"), &shut, self.days.count);
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

    /// What is offered, as the rules leave it, at hours at which nobody promised to answer.
    fn inspect_live_hours(&self, offered: &[ResourceDay], report: &mut Report) {
        let live = &self.practice.live_hours;
        let mut starts = BTreeSet::new();
        for own in offered {
            let is_outside =
                |minute: u32| time_of_minute(minute).is_some_and(|at| !live.is_live(own.date.and_time(at)));
            let (day, slot_size) = (DayKind::of(own.date.weekday()), own.day.slot_size_minutes());
            let minutes = own.day.starts().map(|(minute, _)| minute).filter(|minute| is_outside(*minute));
            starts.extend(minutes.filter_map(|minute| Some((day, until_the_next(minute, slot_size)?))));
        }
        let mut outside = BTreeMap::<DayKind, Vec<HoursRange>>::new();
        for (day, range) in starts {
            outside.entry(day).or_default().extend(live.outside(day, range));
        }
        let mut hours = LiveHours::default();
        outside.into_iter().for_each(|(day, ranges)| hours.set(day, ranges));
        if !hours.is_empty() {
            report.note(title(self.practice), say::offered_outside_live_hours(&hours.to_string()));
        }
    }

    /// Rules about what is not there, and rules that look further ahead than anything is offered.
    fn inspect_rules(&self, report: &mut Report) {
        for rule in &self.practice.rules {
            for wrong in rules_say::foreign_names(rule.number, &ForeignNames::of(rule, &self.mapping.resources)) {
                report.problem(title(self.practice), wrong);
            }
            if let Some(days) = rule.max_days_ahead.filter(|days| *days >= self.days.count) {
                report.note(title(self.practice), rules_say::beyond_horizon(rule.number, days, self.days.count));
            }
        }
    }

    /// Rules that leave nothing of a resource, or of one of its types.
    fn inspect_what_rules_leave(&self, question: &Question<'_>, report: &mut Report) {
        let (resources, days) = (&self.mapping.resources, self.days);
        let nothing = nothing_left(question, resources, days);
        for resource in resources {
            let place = || format!("{} resource {}", title(self.practice), resource.id);
            let named = format!("{} ({})", resource.id, plain(&resource.name));
            if let Some(why) = nothing.get(&resource.id) {
                report.problem(place(), rules_say::nothing_left(&named, why, days.count));
                continue;
            }
            for (id, why) in types_left_without_times(question, resource, days) {
                let name = resource.appointment_type(id).map(|kind| plain(&kind.plain_name)).unwrap_or_default();
                let advice = rules_say::type_without_times(&format!("{id} ({name})"), &named, &why, days.count);
                report.note(place(), advice);
            }
            for (why, days) in self.weekdays_without_times(question, resource) {
                report.note(place(), rules_say::weekdays_without_times(&named, &days, &why));
            }
        }
    }

    /// The days of the week of which the rules never leave anything, although the diary has some
    /// free.
    fn weekdays_without_times(
        &self,
        question: &Question<'_>,
        resource: &Resource,
    ) -> BTreeMap<NothingLeft, Vec<Weekday>> {
        let resource = std::slice::from_ref(resource);
        let offered = |rules| {
            let all = days(&Question { rules, ..*question }, resource, self.days);
            all.into_iter().filter(|own| !own.day.is_empty()).map(|own| own.date).collect::<Vec<NaiveDate>>()
        };
        let (free, left) = (offered(RulesInForce::default()), offered(question.rules));
        let mut found = BTreeMap::<NothingLeft, Vec<Weekday>>::new();
        for number in 0..7 {
            let is_on = |date: &&NaiveDate| date.weekday().num_days_from_monday() == number;
            let (Some(date), None) = (free.iter().find(is_on), left.iter().find(is_on)) else { continue };
            for why in nothing_left(question, resource, Days::one(*date)).into_values() {
                // These close days that are too near or too far, on whatever day of the week.
                let is_by_distance = |at: &RuleAt| matches!(at.key, RuleKey::MinNotice | RuleKey::MaxDaysAhead);
                if !why.0.iter().any(is_by_distance) {
                    found.entry(why).or_default().push(date.weekday());
                }
            }
        }
        found
    }

    fn called(&self, schedule: ScheduleId) -> String {
        format!("{schedule} ({})", plain(self.names.get(&schedule).map_or("", String::as_str)))
    }
}

/// From a start up to the next place on the grid, or midnight.
fn until_the_next(minute: u32, slot_size_minutes: u32) -> Option<HoursRange> {
    let end = (minute + slot_size_minutes).min(MINUTES_A_DAY);
    HoursRange::new(u16::try_from(minute).ok()?, u16::try_from(end).ok()?)
}
