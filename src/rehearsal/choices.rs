//! Which times a rehearsal books: the last free one of each resource, and never two that are in
//! each other's way.

use std::collections::BTreeSet;

use chrono::{NaiveDateTime, TimeDelta};

use crate::ids::{PracticeId, ResourceId, TypeId};

/// A time that a pet owner could choose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct ChosenTime {
    pub(super) practice: PracticeId,
    /// Appointment type and resource.
    pub(super) kind: TypeId,
    /// At practice time.
    pub(super) start: NaiveDateTime,
    pub(super) minutes: u32,
}

impl ChosenTime {
    pub(super) fn end(&self) -> NaiveDateTime {
        self.start + TimeDelta::minutes(self.minutes.into())
    }

    /// True if both take time of one schedule or one clinician at once. OpenVPMS serves all
    /// practices, so it does not matter whose they are.
    fn clashes(&self, other: &Self) -> bool {
        let (own, others) = (self.kind.resource, other.kind.resource);
        let is_shared = own.schedule == others.schedule || (own.user.is_some() && own.user == others.user);
        is_shared && self.start < other.end() && other.start < self.end()
    }
}

/// The last time of each resource that begins at this moment or later and is in no other one's
/// way; of several types the shortest.
pub(super) fn last_of_each(offered: &[ChosenTime], earliest: NaiveDateTime) -> Vec<ChosenTime> {
    let resources: BTreeSet<(&PracticeId, ResourceId)> =
        offered.iter().map(|choice| (&choice.practice, choice.kind.resource)).collect();
    let mut chosen: Vec<ChosenTime> = Vec::new();
    for (practice, resource) in resources {
        let own = offered.iter().filter(|choice| choice.practice == *practice && choice.kind.resource == resource);
        let fits = own.filter(|choice| choice.start >= earliest && !chosen.iter().any(|other| other.clashes(choice)));
        let last = fits.max_by(|a, b| (a.start, b.minutes, b.kind).cmp(&(b.start, a.minutes, a.kind)));
        chosen.extend(last.cloned());
    }
    chosen
}

#[cfg(test)]
mod tests {
    use super::*;

    fn choice(kind: &str, time: &str, minutes: u32) -> ChosenTime {
        let start = format!("2027-02-{time}").parse().unwrap();
        ChosenTime { practice: PracticeId("1".into()), kind: kind.parse().unwrap(), start, minutes }
    }

    fn chosen(offered: &[ChosenTime]) -> Vec<String> {
        let all = last_of_each(offered, "2027-02-16T09:00:00".parse().unwrap());
        all.iter().map(|own| format!("{} {}", own.kind, own.start.format("%d %H:%M"))).collect()
    }

    #[test]
    fn each_resource_is_booked_at_its_last_time_for_the_shortest_type() {
        let offered = [
            choice("66:s136", "17T10:00:00", 15),
            choice("63:s136", "17T16:00:00", 30),
            choice("66:s136", "17T16:00:00", 15),
            choice("66:s211", "18T09:00:00", 15),
        ];
        assert_eq!(chosen(&offered), ["66:s136 17 16:00", "66:s211 18 09:00"]);
    }

    #[test]
    fn a_room_and_a_clinician_in_it_are_booked_side_by_side_and_a_clinician_is_at_one_place() {
        let offered = [
            choice("66:s136", "17T15:45:00", 15),
            choice("66:s136", "17T16:00:00", 15),
            choice("66:u1158-s136", "17T15:45:00", 15),
            choice("66:u1158-s136", "17T16:00:00", 15),
            choice("66:u1158-s211", "17T15:30:00", 30),
            choice("66:u1158-s211", "17T15:00:00", 30),
        ];
        assert_eq!(chosen(&offered), ["66:s136 17 16:00", "66:u1158-s136 17 15:45", "66:u1158-s211 17 15:00"]);
    }

    #[test]
    fn a_resource_whose_times_are_all_too_soon_is_not_booked() {
        assert_eq!(chosen(&[choice("66:s136", "16T08:45:00", 15)]), [""; 0]);
        assert_eq!(chosen(&[choice("66:s136", "16T09:00:00", 15)]), ["66:s136 16 09:00"]);
    }
}
