//! What leaves Healthengine with a snapshot: named, with what is lost by it, and remembered for
//! when it is back.
//!
//! A snapshot deletes what it leaves out together with the links that staff made by hand. Most of
//! the time that is meant; where it is not, as when a schedule was moved to a location that is not
//! configured, nobody would notice before the bookings stay away.

use std::collections::BTreeSet;

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::dates;
use crate::healthengine::{PmsAppointmentType, PmsResource};

/// So long operators see what left.
const SHOWN: TimeDelta = TimeDelta::days(1);
/// So many are remembered, for when they are back.
const REMEMBERED_MAX: usize = 200;

/// A resource or appointment type that Healthengine deleted at our word.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Departure {
    /// Its id.
    pub id: String,
    /// Its name at Healthengine.
    pub name: String,
    /// True for an appointment type.
    #[serde(default)]
    pub is_type: bool,
    /// Upcoming bookings of ours on it.
    pub bookings: usize,
    /// Days on which times of it were offered.
    pub days: usize,
    /// When it left.
    pub at: DateTime<Utc>,
    /// True once a person was shown it and sent the configuration as it is: it is meant.
    #[serde(default)]
    pub is_meant: bool,
}

/// What of the accepted resources the next list leaves out.
pub fn resources_leaving<'a>(accepted: Option<&'a Vec<PmsResource>>, next: &[PmsResource]) -> Vec<&'a PmsResource> {
    let stays: BTreeSet<&str> = next.iter().map(|own| own.pms_resource_id.as_str()).collect();
    accepted.into_iter().flatten().filter(|own| !stays.contains(own.pms_resource_id.as_str())).collect()
}

/// What of the accepted appointment types the next list leaves out. Those that go with their
/// resource are lost with it.
pub fn types_leaving<'a>(
    accepted: Option<&'a Vec<PmsAppointmentType>>,
    next: &[PmsAppointmentType],
    resources: &[PmsResource],
) -> Vec<&'a PmsAppointmentType> {
    let stays: BTreeSet<&str> = next.iter().map(|own| own.pms_appointment_type_id.as_str()).collect();
    let resources: BTreeSet<&str> = resources.iter().map(|own| own.pms_resource_id.as_str()).collect();
    let leaves = |own: &&PmsAppointmentType| {
        let has_resource = own.pms_resource_id.as_deref().is_none_or(|id| resources.contains(id));
        has_resource && !stays.contains(own.pms_appointment_type_id.as_str())
    };
    accepted.into_iter().flatten().filter(leaves).collect()
}

/// Adds what left, and takes out what is on the list again: that has to be linked again.
pub fn remember(departed: &mut Vec<Departure>, left: Vec<Departure>, present: &BTreeSet<&str>) -> Vec<Departure> {
    let back = departed.extract_if(.., |own| present.contains(own.id.as_str())).collect();
    departed.retain(|own| !left.iter().any(|new| new.id == own.id));
    departed.extend(left);
    let too_many = departed.len().saturating_sub(REMEMBERED_MAX);
    departed.drain(..too_many);
    back
}

/// What operators are shown of what left: a short while ago, and not because a person meant it. The
/// latest comes first.
pub fn shown(departed: &[Departure], now: DateTime<Utc>) -> Vec<&Departure> {
    let is_fresh = |own: &&Departure| !own.is_meant && dates::age(own.at, now).is_some_and(|age| age < SHOWN);
    departed.iter().filter(is_fresh).rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::PracticeId;
    use crate::messages::configuration_sync::departures as told;

    fn at(hours: i64) -> DateTime<Utc> {
        DateTime::UNIX_EPOCH + TimeDelta::days(20_000) + TimeDelta::hours(hours)
    }

    fn gone(id: &str, hours: i64) -> Departure {
        Departure {
            id: id.into(),
            name: format!("Room {id}"),
            is_type: false,
            bookings: 2,
            days: 40,
            at: at(hours),
            is_meant: false,
        }
    }

    fn kind(id: &str, resource: &str) -> PmsAppointmentType {
        PmsAppointmentType {
            pms_appointment_type_id: id.into(),
            pms_appointment_type_name: id.into(),
            length_minutes: Some(15),
            pms_resource_id: Some(resource.into()),
        }
    }

    #[test]
    fn what_leaves_is_shown_for_a_day_and_remembered_until_it_is_back() {
        let mut departed = Vec::new();
        assert_eq!(remember(&mut departed, vec![gone("s1", 0), gone("s2", 0)], &BTreeSet::new()), []);
        let practice = PracticeId("7".into());
        let text = told(&shown(&departed, at(23)), &practice).unwrap();
        for part in
            ["\"Room s1\" (s1)", "\"Room s2\" (s2)", "2 upcoming bookings", "40 days", "--practice 7 --only config"]
        {
            assert!(text.contains(part), "{part}: {text}");
        }
        assert_eq!(told(&shown(&departed, at(24)), &practice), None);
        assert_eq!(told(&shown(&departed, at(-1)), &practice), None, "the clock was set back");
        assert_eq!(remember(&mut departed, Vec::new(), &BTreeSet::from(["s2", "s3"])), [gone("s2", 0)]);
        assert_eq!(departed, [gone("s1", 0)]);
        remember(&mut departed, vec![gone("s1", 9)], &BTreeSet::new());
        assert_eq!(departed, [gone("s1", 9)], "once each");
        remember(&mut departed, (0..500).map(|number| gone(&format!("x{number}"), 9)).collect(), &BTreeSet::new());
        assert_eq!(departed.len(), REMEMBERED_MAX);
        assert!(told(&shown(&departed, at(9)), &practice).unwrap().contains("190 more"));
    }

    #[test]
    fn what_is_meant_is_shown_no_longer_and_remembered_all_the_same() {
        let mut departed = vec![gone("s1", 0), gone("s2", 0)];
        departed[0].is_meant = true;
        let text = told(&shown(&departed, at(1)), &PracticeId("7".into())).unwrap();
        assert!(!text.contains("(s1)") && text.contains("(s2)"), "{text}");
        let back = remember(&mut departed, Vec::new(), &BTreeSet::from(["s1"]));
        assert_eq!(back.iter().map(|own| own.id.as_str()).collect::<Vec<_>>(), ["s1"], "it must be linked again");
    }

    #[test]
    fn a_type_that_goes_with_its_resource_is_not_named_by_itself() {
        let resources = vec![PmsResource {
            pms_resource_id: "s1".into(),
            pms_resource_name: "Room 1".into(),
            first_name: None,
            last_name: None,
        }];
        let accepted = vec![kind("66:s1", "s1"), kind("67:s1", "s1"), kind("66:s2", "s2")];
        let leaving = types_leaving(Some(&accepted), &[kind("66:s1", "s1")], &resources);
        assert_eq!(leaving, [&accepted[1]]);
        assert!(resources_leaving(Some(&resources), &resources).is_empty() && resources_leaving(None, &[]).is_empty());
        assert_eq!(resources_leaving(Some(&resources), &[]), [&resources[0]]);
    }
}
