//! Reads what OpenVPMS offers of what a practice's configuration asks for.

use std::collections::BTreeSet;
use std::collections::btree_map::Entry;

use crate::config;
use crate::ids::{LocationId, ScheduleId};
use crate::mapping::{Absence, Asked, Inventory, Wanted};
use crate::messages::configuration as say;
use crate::openvpms::{ReadOpenVpms, SCHEDULE_NOT_AVAILABLE};
use crate::remote::{Answer, CallError, ErrorClass};

/// What a practice's configuration asks for.
pub(crate) fn asked(practice: &config::Practice) -> Asked {
    let wanted =
        |entry: &config::ResourceEntry| Wanted { schedule: entry.schedule, user: entry.user, name: entry.name.clone() };
    Asked {
        locations: practice.locations.iter().copied().collect(),
        resources: practice.resources.iter().map(wanted).collect(),
        time_zone: practice.timezone,
    }
}

/// A practice is no larger than this: all of it is kept in memory and sent in one call. A shorter list would delete the rest at
/// Healthengine, so a larger inventory is not used at all.
const SCHEDULES_MAX: usize = 10_000;
const TYPES_MAX: usize = 40_000;
/// Clinicians who are said to work at more places than these do not.
const PLACES_MAX: usize = 1_000;

/// Reads everything that the mapping needs: one call for the locations, one per location, one per schedule, and those for
/// clinicians only where clinicians are asked for.
pub(crate) async fn read_inventory(server: &(impl ReadOpenVpms + ?Sized), asked: &Asked) -> Answer<Inventory> {
    let mut inventory = Inventory { locations: server.locations().await?, ..Inventory::default() };
    let listed: BTreeSet<LocationId> = inventory.locations.iter().map(|location| location.id).collect();
    let clinicians: BTreeSet<_> = asked.resources.iter().filter_map(|wanted| wanted.user).collect();
    let (mut schedules_read, mut types_read) = (0, 0);
    for &location in asked.locations.intersection(&listed) {
        let mut schedules = Vec::new();
        for schedule in server.schedules(location).await? {
            let types = server.appointment_types(schedule.id).await?;
            (schedules_read, types_read) = (schedules_read + 1, types_read + types.len());
            if schedules_read > SCHEDULES_MAX || types_read > TYPES_MAX {
                return Err(CallError::new(ErrorClass::Contract, say::too_large(SCHEDULES_MAX, TYPES_MAX)));
            }
            schedules.push((schedule, types));
        }
        inventory.schedules.insert(location, schedules);
        if !clinicians.is_empty() {
            inventory.users.insert(location, server.users(location).await?);
        }
    }
    for user in clinicians {
        match server.user_locations(user).await {
            Ok(locations) => {
                drop(inventory.user_locations.insert(user, locations.iter().map(|location| location.id).collect()))
            }
            // The clinician is gone; the mapping says so.
            Err(error) if error.class == ErrorClass::Refused => {}
            Err(error) => return Err(error),
        }
    }
    // Clinicians who also work elsewhere: which schedules count there.
    let elsewhere: BTreeSet<LocationId> = inventory.user_locations.values().flatten().copied().collect();
    if elsewhere.len() > PLACES_MAX {
        return Err(CallError::new(ErrorClass::Contract, say::too_many_places(PLACES_MAX)));
    }
    for location in elsewhere {
        if let Entry::Vacant(place) = inventory.schedules.entry(location) {
            let schedules = server.schedules(location).await?;
            place.insert(schedules.into_iter().map(|schedule| (schedule, Vec::new())).collect());
        }
    }
    let found: BTreeSet<ScheduleId> = inventory.schedules.values().flatten().map(|(schedule, _)| schedule.id).collect();
    for wanted in &asked.resources {
        if !found.contains(&wanted.schedule) && !inventory.absences.contains_key(&wanted.schedule) {
            match absence(server.schedule(wanted.schedule).await)? {
                Some(absence) => drop(inventory.absences.insert(wanted.schedule, absence)),
                None => continue,
            }
        }
    }
    Ok(inventory)
}

/// Why a schedule is not listed; `None` if the server knows it after all (at another location).
fn absence<T>(answer: Result<T, CallError>) -> Answer<Option<Absence>> {
    match answer {
        Ok(_) => Ok(None),
        Err(error) if error.is_refusal(400, SCHEDULE_NOT_AVAILABLE) => Ok(Some(Absence::NotFlagged)),
        Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => Ok(Some(Absence::Unknown)),
        Err(error) => Err(error),
    }
}
