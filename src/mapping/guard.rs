//! Keeps a list that OpenVPMS suddenly shortened from being sent.
//!
//! A snapshot deletes at Healthengine what it leaves out, together with the links that staff made
//! by hand. A restored database, a flag cleared by mistake or a server that is still loading must
//! not cost a clinic all its links. So a list that keeps fewer than half of the last accepted one
//! waits until three readings in a row agree, or until a person releases it; an empty list always
//! waits for a person. One resource gone out of many goes out at once.
//!
//! What the configuration asks for no more is a person's decision and is not counted as missing. Of
//! the appointment types, those whose resource goes out as removed are not counted either: their
//! end follows from one that was already let through. While resources are held back the types are
//! too, since the types of a protected resource are missing from the reading.
//!
//! [`Guard`] is the memory between readings and need not survive a restart: counting begins anew
//! then. The last [`Accepted`] lists must.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use super::{Asked, Mapping};
use crate::ids::{LocationId, ResourceId, TypeId};

/// The lists that Healthengine last accepted, by what counts here.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Accepted {
    /// Resources, and the location of each.
    pub resources: BTreeMap<ResourceId, LocationId>,
    /// Appointment types.
    pub types: BTreeSet<TypeId>,
}

impl Accepted {
    /// What becomes the accepted lists once Healthengine takes this mapping.
    pub fn from_mapping(mapping: &Mapping) -> Self {
        Self {
            resources: mapping.resources.iter().map(|resource| (resource.id, resource.location)).collect(),
            types: mapping.resources.iter().flat_map(|resource| &resource.types).map(|kind| kind.id).collect(),
        }
    }
}

/// When and why a reading was made.
#[derive(Debug, Clone, Copy)]
pub struct Occasion {
    /// The present time.
    pub now: DateTime<Utc>,
    /// How far apart counted readings are: the configuration's `config_interval`.
    pub interval: TimeDelta,
    /// A person said `resync --only config`: whatever this reading brings is let go, an empty list
    /// too. It holds for this list until it has reached Healthengine; a list that changes again is
    /// judged anew.
    pub person_insists: bool,
}

/// Whether a list may be sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ruling {
    /// Send it if it differs.
    Send,
    /// Do not send it; whatever asks for the list gets the last accepted one.
    Hold(HoldReason),
}

/// Why a list is held back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum HoldReason {
    /// Nothing is left: a person has to release it.
    Empty,
    /// Fewer than half are left.
    Shrunk {
        /// Of so many that count,
        accepted: usize,
        /// so many are left.
        kept: usize,
        /// Readings that agreed so far.
        readings: u32,
    },
    /// Appointment types wait because resources do.
    ResourcesHeld,
}

/// What the guard says to one reading.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rulings {
    /// May the resources be sent?
    pub resources: Ruling,
    /// May the appointment types be sent?
    pub types: Ruling,
    /// Resources that are missing from the reading, or that miss appointment types in it, while
    /// Healthengine keeps them: nothing is sent for their days but what was last accepted, and that
    /// only on request.
    pub protected: BTreeSet<ResourceId>,
}

/// So many readings in a row have to agree on a shorter list.
pub const READINGS_THAT_CONVINCE: u32 = 3;

/// What is remembered between readings.
#[derive(Debug, Clone, Default)]
pub struct Guard {
    resources: Option<Doubt<ResourceId>>,
    types: Option<Doubt<TypeId>>,
}

impl Guard {
    /// Judges a reading of the practice's set-up against what was last accepted.
    pub fn judge(&mut self, accepted: &Accepted, mapping: &Mapping, asked: &Asked, occasion: Occasion) -> Rulings {
        let offered = Accepted::from_mapping(mapping);
        let still_asked: BTreeSet<ResourceId> = accepted
            .resources
            .iter()
            .filter(|&(&resource, location)| asked.asks_for(resource, *location))
            .map(|(&resource, _)| resource)
            .collect();
        let offered_resources: BTreeSet<ResourceId> = offered.resources.keys().copied().collect();
        let resources = judge_list(&mut self.resources, &still_asked, &offered_resources, occasion);

        // Types of resources that leave are not counted.
        let staying = |kind: &&TypeId| offered_resources.contains(&kind.resource);
        let counted: BTreeSet<TypeId> = accepted.types.iter().filter(staying).copied().collect();
        let own_ruling = judge_list(&mut self.types, &counted, &offered.types, occasion);

        let types = match (resources, own_ruling) {
            (Ruling::Hold(_), Ruling::Send) => Ruling::Hold(HoldReason::ResourcesHeld),
            (Ruling::Send | Ruling::Hold(_), _) => own_ruling,
        };
        let mut protected = BTreeSet::new();
        if matches!(resources, Ruling::Hold(_)) {
            protected.extend(accepted.resources.keys().filter(|id| !offered_resources.contains(id)));
        }
        if matches!(types, Ruling::Hold(_)) {
            protected.extend(counted.difference(&offered.types).map(|kind| kind.resource));
        }
        Rulings { resources, types, protected }
    }
}

impl Asked {
    /// True if the configuration asks for a resource at a location.
    pub fn asks_for(&self, resource: ResourceId, location: LocationId) -> bool {
        let named = || self.resources.iter().any(|wanted| wanted.id() == resource);
        let every_schedule = self.resources.is_empty() && resource.user.is_none();
        self.locations.contains(&location) && (every_schedule || named())
    }
}

/// A list that is too short to be sent unseen, and how often it was read.
#[derive(Debug, Clone)]
struct Doubt<Id> {
    offered: BTreeSet<Id>,
    readings: u32,
    counted_at: DateTime<Utc>,
    released: bool,
}

fn judge_list<Id: Copy + Ord>(
    doubt: &mut Option<Doubt<Id>>,
    accepted: &BTreeSet<Id>,
    offered: &BTreeSet<Id>,
    occasion: Occasion,
) -> Ruling {
    let kept = accepted.intersection(offered).count();
    if !offered.is_empty() && kept * 2 >= accepted.len() {
        *doubt = None;
        return Ruling::Send;
    }
    let doubt = match doubt {
        // Another list than last time: counting begins again.
        Some(known) if known.offered == *offered => known,
        _ => doubt.insert(Doubt { offered: offered.clone(), readings: 0, counted_at: occasion.now, released: false }),
    };
    // Readings that somebody asked for in between do not make the wait shorter. A tenth is left for
    // timers that are early. One of the future was counted before this machine's clock was set
    // right: the next one is an interval from here.
    doubt.counted_at = doubt.counted_at.min(occasion.now);
    if doubt.readings == 0 || occasion.now - doubt.counted_at >= occasion.interval * 9 / 10 {
        doubt.readings = doubt.readings.saturating_add(1);
        doubt.counted_at = occasion.now;
    }
    doubt.released |= occasion.person_insists;
    if doubt.released {
        Ruling::Send
    } else if offered.is_empty() {
        Ruling::Hold(HoldReason::Empty)
    } else if doubt.readings >= READINGS_THAT_CONVINCE {
        Ruling::Send
    } else {
        Ruling::Hold(HoldReason::Shrunk { accepted: accepted.len(), kept, readings: doubt.readings })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ids::{AppointmentTypeId, ScheduleId, UserId};
    use crate::mapping::tests::{clinic, consult};
    use crate::mapping::{Inventory, Wanted};

    const HERE: LocationId = LocationId(98);

    /// The clinic with only these schedules, each with so many types.
    fn with(schedules: &[(i64, usize)]) -> Inventory {
        let listed = schedules.iter().map(|&(id, types)| {
            let types = (0..types).map(|number| consult(60 + number as i64, 1));
            (crate::mapping::tests::schedule(id, "Room", 15), types.collect())
        });
        Inventory { schedules: BTreeMap::from([(HERE, listed.collect())]), ..clinic() }
    }

    fn everything() -> Asked {
        Asked { locations: BTreeSet::from([HERE]), ..Asked::default() }
    }

    /// A guard, what was accepted, and the time.
    struct Scene {
        guard: Guard,
        accepted: Accepted,
        now: DateTime<Utc>,
    }

    const INTERVAL: TimeDelta = TimeDelta::minutes(10);

    impl Scene {
        fn accepted(schedules: &[(i64, usize)]) -> Self {
            let accepted = Accepted::from_mapping(&Mapping::new(&with(schedules), &everything()));
            assert_eq!(accepted.resources.len(), schedules.len());
            Self { guard: Guard::default(), accepted, now: DateTime::UNIX_EPOCH }
        }

        fn read_after(
            &mut self,
            wait: TimeDelta,
            inventory: &Inventory,
            asked: &Asked,
            person_insists: bool,
        ) -> Rulings {
            self.now += wait;
            let occasion = Occasion { now: self.now, interval: INTERVAL, person_insists };
            self.guard.judge(&self.accepted, &Mapping::new(inventory, asked), asked, occasion)
        }

        fn read(&mut self, schedules: &[(i64, usize)]) -> Rulings {
            self.read_after(INTERVAL, &with(schedules), &everything(), false)
        }
    }

    fn shrunk(accepted: usize, kept: usize, readings: u32) -> Ruling {
        Ruling::Hold(HoldReason::Shrunk { accepted, kept, readings })
    }

    const FIVE: [(i64, usize); 5] = [(1, 1), (2, 1), (3, 1), (4, 1), (5, 1)];

    #[test]
    fn a_first_list_and_one_resource_gone_out_of_many_are_sent() {
        let mut scene = Scene::accepted(&FIVE);
        let rulings = scene.read(&FIVE[..4]);
        assert_eq!((rulings.resources, rulings.types), (Ruling::Send, Ruling::Send));
        assert!(rulings.protected.is_empty());
        scene.accepted = Accepted::default();
        assert_eq!(scene.read(&FIVE).resources, Ruling::Send);
    }

    #[test]
    fn half_is_sent_and_less_than_half_is_held_until_three_readings_agree() {
        let mut scene = Scene::accepted(&FIVE[..4]);
        assert_eq!(scene.read(&FIVE[..2]).resources, Ruling::Send, "two of four");
        assert_eq!(scene.read(&FIVE[..1]).resources, shrunk(4, 1, 1));
        let second = scene.read(&FIVE[..1]);
        assert_eq!(second.resources, shrunk(4, 1, 2));
        assert_eq!(second.types, Ruling::Hold(HoldReason::ResourcesHeld), "the types of protected resources stay");
        let protected: Vec<String> = second.protected.iter().map(ToString::to_string).collect();
        assert_eq!(protected, ["s2", "s3", "s4"]);
        let third = scene.read(&FIVE[..1]);
        assert_eq!((third.resources, third.types), (Ruling::Send, Ruling::Send));
    }

    #[test]
    fn readings_that_differ_or_come_early_do_not_count() {
        let mut scene = Scene::accepted(&FIVE);
        assert_eq!(scene.read(&FIVE[..2]).resources, shrunk(5, 2, 1));
        assert_eq!(scene.read(&FIVE[..1]).resources, shrunk(5, 1, 1), "another list");
        for _ in 0..20 {
            let early = scene.read_after(TimeDelta::seconds(20), &with(&FIVE[..1]), &everything(), false);
            assert_eq!(early.resources, shrunk(5, 1, 1));
        }
        assert_eq!(scene.read(&FIVE[..1]).resources, shrunk(5, 1, 2));
        assert_eq!(scene.read(&FIVE).resources, Ruling::Send, "back again");
        assert_eq!(scene.read(&FIVE[..1]).resources, shrunk(5, 1, 1), "and from the beginning");
    }

    #[test]
    fn as_many_others_are_no_substitute_for_those_that_are_gone() {
        let mut scene = Scene::accepted(&FIVE);
        assert_eq!(scene.read(&[(11, 1), (12, 1), (13, 1), (14, 1), (15, 1)]).resources, shrunk(5, 0, 1));
    }

    #[test]
    fn an_empty_list_waits_for_a_person_who_decides_for_good() {
        let mut scene = Scene::accepted(&FIVE);
        for _ in 0..10 {
            let rulings = scene.read(&[]);
            assert_eq!(rulings.resources, Ruling::Hold(HoldReason::Empty));
            assert_eq!(rulings.types, Ruling::Hold(HoldReason::Empty));
        }
        let insisted = scene.read_after(TimeDelta::seconds(1), &with(&[]), &everything(), true);
        assert_eq!((insisted.resources, insisted.types), (Ruling::Send, Ruling::Send));
        assert_eq!(scene.read(&[]).resources, Ruling::Send, "Healthengine could not be reached at first");
        assert_eq!(scene.read(&FIVE[..1]).resources, shrunk(5, 1, 1), "another list was not released");
    }

    #[test]
    fn what_the_configuration_asks_for_no_more_is_not_missing() {
        let mut scene = Scene::accepted(&FIVE);
        let one = Wanted { schedule: ScheduleId(1), user: None, name: None };
        let only_one = Asked { resources: vec![one], ..everything() };
        let rulings = scene.read_after(INTERVAL, &with(&FIVE), &only_one, false);
        assert_eq!((rulings.resources, rulings.types), (Ruling::Send, Ruling::Send));

        let moved = Asked { locations: BTreeSet::from([LocationId(106)]), ..Asked::default() };
        let other = (crate::mapping::tests::schedule(9, "Other", 15), vec![consult(60, 1)]);
        let branch = Inventory { schedules: BTreeMap::from([(LocationId(106), vec![other])]), ..clinic() };
        assert_eq!(scene.read_after(INTERVAL, &branch, &moved, false).resources, Ruling::Send);
    }

    #[test]
    fn types_of_a_resource_that_leaves_are_not_counted_but_lost_types_are() {
        // s1 has most of the types; without it fewer than half of all types are left.
        let mut scene = Scene::accepted(&[(1, 6), (2, 1), (3, 1)]);
        let rulings = scene.read(&[(2, 1), (3, 1)]);
        assert_eq!((rulings.resources, rulings.types), (Ruling::Send, Ruling::Send));
        let rulings = scene.read(&[(1, 1), (2, 1), (3, 1)]);
        assert_eq!((rulings.resources, rulings.types), (Ruling::Send, shrunk(8, 3, 1)));
        let protected: Vec<String> = rulings.protected.iter().map(ToString::to_string).collect();
        assert_eq!(protected, ["s1"], "its days would go out without the types that are missing");
    }

    #[test]
    fn accepted_lists_are_written_and_read_back() {
        let vet = ResourceId::clinician(UserId(1158), ScheduleId(211));
        let kind = TypeId { appointment_type: AppointmentTypeId(66), resource: vet };
        let accepted = Accepted { resources: BTreeMap::from([(vet, HERE)]), types: BTreeSet::from([kind]) };
        let text = serde_json::to_string(&accepted).unwrap();
        assert_eq!(text, r#"{"resources":{"u1158-s211":98},"types":["66:u1158-s211"]}"#);
        assert_eq!(serde_json::from_str::<Accepted>(&text).unwrap(), accepted);
    }
}
