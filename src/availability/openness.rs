//! What can never be booked although it is offered: schedules without any open time, and clinicians
//! without a roster.
//!
//! A schedule that is closed on a day is told as nothing at all: neither free nor busy. One that is
//! so on every day of the horizon is set up wrongly, as a rule: its online booking times are
//! missing, or it closes at 24:00, of which OpenVPMS makes nothing (`GET schedules/{id}/freebusy`,
//! as recorded).

use std::collections::{BTreeMap, BTreeSet};

use super::reading::Readings;
use super::roster::{Rosters, roster_schedules};
use super::rules::NothingLeft;
use super::window::Days;
use crate::ids::ResourceId;

/// Why a resource has no time in a window.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub enum Shut {
    /// The schedule is never open.
    Schedule,
    /// The schedule is open, and the clinician is not rostered to it.
    Clinician,
    /// The diary has free time, and the rules of the practice leave none of it.
    Rules(NothingLeft),
}

/// Whether these resources have any time in a reading, for those of which it tells.
pub fn shut(
    resources: impl IntoIterator<Item = ResourceId>,
    readings: &Readings,
    rosters: &Rosters,
) -> BTreeMap<ResourceId, Option<Shut>> {
    let of = |resource: ResourceId| {
        let schedule = readings.schedule(resource.schedule)?;
        if schedule.free.is_empty() && schedule.busy.is_empty() {
            return Some((resource, Some(Shut::Schedule)));
        }
        let Some(user) = resource.user else { return Some((resource, None)) };
        let is_rostered = roster_schedules(user, readings.users.get(&user)?, rosters).contains(&resource.schedule);
        Some((resource, (!is_rostered).then_some(Shut::Clinician)))
    };
    resources.into_iter().filter_map(of).collect()
}

/// What was found so far. The near days and the others are read at different times.
#[derive(Debug, Default)]
pub struct Openness {
    near: BTreeMap<ResourceId, Shut>,
    far: BTreeMap<ResourceId, Shut>,
}

impl Openness {
    /// A reading of these days found this.
    pub fn note(&mut self, days: Days, horizon: Days, found: &BTreeMap<ResourceId, Option<Shut>>) {
        let is_near = days.first == horizon.first;
        let is_far = days.skip(days.count).first == horizon.skip(horizon.count).first;
        for (part, is_read) in [(&mut self.near, is_near), (&mut self.far, is_far)] {
            for (resource, shut) in found.iter().filter(|_| is_read) {
                match shut {
                    Some(shut) => drop(part.insert(*resource, shut.clone())),
                    None => drop(part.remove(resource)),
                }
            }
        }
    }

    /// Only these are offered.
    pub fn keep(&mut self, offered: &BTreeSet<ResourceId>) {
        self.near.retain(|resource, _| offered.contains(resource));
        self.far.retain(|resource, _| offered.contains(resource));
    }

    /// What has no time on any day of the horizon.
    pub fn never_open(&self) -> Vec<(ResourceId, Shut)> {
        let both =
            |(resource, near): (&ResourceId, &Shut)| Some((*resource, near.max(self.far.get(resource)?).clone()));
        self.near.iter().filter_map(both).collect()
    }
}

#[cfg(test)]
mod tests {
    use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

    use super::*;
    use crate::availability::{ScheduleReading, UserReading};
    use crate::openvpms::{FreeBusy, UserFreeBusy, UserSpan};
    use crate::span::Span;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hours)
    }

    fn id(text: &str) -> ResourceId {
        text.parse().unwrap()
    }

    #[test]
    fn a_schedule_without_free_and_busy_time_is_never_open_and_a_clinician_without_a_roster_never_there() {
        let (window, open) = (Span::new(at(0), at(1000)), Span::new(at(9), at(17)));
        let schedule =
            |free: Vec<Span>, busy: Vec<Span>| Some(ScheduleReading::new(window, at(0), FreeBusy { free, busy }));
        let schedules = BTreeMap::from([
            (id("s1").schedule, schedule(vec![], vec![])),
            (id("s2").schedule, schedule(vec![open], vec![])),
            (id("s3").schedule, schedule(vec![], vec![open])),
            (id("s4").schedule, None),
            // The edge of an appointment that lies outside the hours.
            (id("s5").schedule, schedule(vec![], vec![Span { start: at(9), end: at(9) }])),
        ]);
        let mut readings = Readings { schedules, ..Readings::default() };
        let on_two = UserFreeBusy { free: vec![UserSpan { schedule: id("s2").schedule, span: open }], busy: vec![] };
        readings.users.insert(id("u7-s2").user.unwrap(), UserReading::new(window, at(0), [on_two]));
        let asked = ["s1", "s2", "s3", "s4", "s5", "u7-s1", "u7-s2", "u7-s3", "u8-s2"].map(id);
        let found = shut(asked, &readings, &Rosters::new());
        let shut: BTreeMap<String, Shut> =
            found.iter().filter_map(|(own, shut)| Some((own.to_string(), shut.clone()?))).collect();
        let expected =
            [("s1", Shut::Schedule), ("s5", Shut::Schedule), ("u7-s1", Shut::Schedule), ("u7-s3", Shut::Clinician)];
        assert_eq!(shut, expected.map(|(own, shut)| (own.to_owned(), shut)).into());
        assert!(!found.contains_key(&id("s4")) && !found.contains_key(&id("u8-s2")), "nobody knows");
    }

    #[test]
    fn it_takes_every_day_of_the_horizon() {
        let first = NaiveDate::from_ymd_opt(2027, 2, 15).unwrap();
        let horizon = Days { first, count: 60 };
        let near = Days { first, count: 7 };
        let found = |shut| BTreeMap::from([(id("s1"), shut)]);
        let mut openness = Openness::default();
        openness.note(near, horizon, &found(Some(Shut::Schedule)));
        assert_eq!(openness.never_open(), [], "a week of holidays");
        openness.note(horizon.skip(7), horizon, &found(Some(Shut::Schedule)));
        assert_eq!(openness.never_open(), [(id("s1"), Shut::Schedule)]);
        openness.note(near, horizon, &found(None));
        assert_eq!(openness.never_open(), []);
        openness.note(horizon, horizon, &found(Some(Shut::Clinician)));
        assert_eq!(openness.never_open(), [(id("s1"), Shut::Clinician)]);
        openness.note(Days::one(first + chrono::Days::new(3)), horizon, &found(None));
        assert_eq!(openness.never_open().len(), 1, "a day in between says nothing of the others");
        openness.keep(&BTreeSet::new());
        assert_eq!(openness.never_open(), []);
    }
}
