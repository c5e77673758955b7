//! Which times a rehearsal books: the last free one of each resource, and never two that are in
//! each other's way.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use chrono::{DateTime, NaiveDateTime, Utc};

use crate::ids::{PracticeId, ResourceId, TypeId};
use crate::span::Span;

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

/// The same, with the moments between which it is: practices can be in several time zones.
#[derive(Debug, Clone)]
pub(super) struct OfferedTime {
    pub(super) choice: ChosenTime,
    pub(super) span: Span,
}

impl OfferedTime {
    /// True if both take time of one schedule or one clinician at once. OpenVPMS serves all
    /// practices, so it does not matter whose they are.
    fn clashes(&self, other: &Self) -> bool {
        let (own, others) = (self.choice.kind.resource, other.choice.kind.resource);
        let is_shared = own.schedule == others.schedule || (own.user.is_some() && own.user == others.user);
        is_shared && self.span.overlaps(&other.span)
    }

    /// Of two, the later; of two at one time the shorter.
    fn rank(&self) -> impl Ord + use<> {
        (self.span.start, Reverse(self.choice.minutes), Reverse(self.choice.kind))
    }
}

/// The last time of each resource that begins at this moment or later and is in no other one's
/// way; of several types the shortest. What all practices offer belongs into one choice.
pub(super) fn last_of_each(offered: &[OfferedTime], earliest: DateTime<Utc>) -> Vec<ChosenTime> {
    let of = |own: &OfferedTime| (own.choice.practice.clone(), own.choice.kind.resource);
    let resources: BTreeSet<(PracticeId, ResourceId)> = offered.iter().map(of).collect();
    let mut chosen: Vec<&OfferedTime> = Vec::new();
    for resource in resources {
        let own = offered.iter().filter(|own| of(own) == resource);
        let fits = own.filter(|own| own.span.start >= earliest && !chosen.iter().any(|other| other.clashes(own)));
        chosen.extend(fits.max_by_key(|own| own.rank()));
    }
    chosen.into_iter().map(|own| own.choice.clone()).collect()
}

#[cfg(test)]
mod tests {
    use chrono::TimeDelta;

    use super::*;

    /// At practice 1, whose zone is UTC.
    fn choice(kind: &str, time: &str, minutes: u32) -> OfferedTime {
        at("1", 0, kind, time, minutes)
    }

    /// At a practice whose clocks are so many hours ahead of UTC.
    fn at(practice: &str, hours_ahead: i64, kind: &str, time: &str, minutes: u32) -> OfferedTime {
        let start: NaiveDateTime = format!("2027-02-{time}").parse().unwrap();
        let moment = start.and_utc() - TimeDelta::hours(hours_ahead);
        let span = Span::new(moment, moment + TimeDelta::minutes(minutes.into()));
        let choice = ChosenTime { practice: PracticeId(practice.into()), kind: kind.parse().unwrap(), start, minutes };
        OfferedTime { choice, span }
    }

    fn chosen(offered: &[OfferedTime]) -> Vec<String> {
        let all = last_of_each(offered, "2027-02-16T09:00:00Z".parse().unwrap());
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
    fn a_clinician_of_two_practices_is_at_one_place_whatever_their_clocks_say() {
        let offered = [
            at("1", 11, "66:u1158-s136", "17T15:30:00", 30),
            at("1", 11, "66:u1158-s136", "17T16:00:00", 30),
            at("2", 8, "66:u1158-s311", "17T12:30:00", 30),
            at("2", 8, "66:u1158-s311", "17T13:00:00", 30),
        ];
        assert_eq!(chosen(&offered), ["66:u1158-s136 17 16:00", "66:u1158-s311 17 12:30"]);
    }

    #[test]
    fn a_resource_whose_times_are_all_too_soon_is_not_booked() {
        assert_eq!(chosen(&[choice("66:s136", "16T08:45:00", 15)]), [""; 0]);
        assert_eq!(chosen(&[choice("66:s136", "16T09:00:00", 15)]), ["66:s136 16 09:00"]);
    }
}
