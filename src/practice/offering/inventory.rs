//! Reads what OpenVPMS offers of what a practice's configuration asks for.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use crate::call_error::{Answer, CallError, ErrorClass};
use crate::config;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::mapping::{Absence, Asked, Inventory, Wanted};
use crate::messages::configuration_sync as say;
use crate::openvpms::{AppointmentType, ReadOpenVpms, SCHEDULE_NOT_AVAILABLE, Schedule};

/// What a practice's configuration asks for.
pub(crate) fn asked(practice: &config::PracticeSettings) -> Asked {
    let wanted =
        |entry: &config::ResourceEntry| Wanted { schedule: entry.schedule, user: entry.user, name: entry.name.clone() };
    Asked {
        locations: practice.locations.iter().copied().collect(),
        resources: practice.resources.iter().map(wanted).collect(),
        time_zone: practice.timezone,
    }
}

/// A practice is no larger than this: all of it is kept in memory and sent in one call. A shorter
/// list would delete the rest at Healthengine, so a larger inventory is not used at all.
const SCHEDULES_MAX: usize = 10_000;
const TYPES_MAX: usize = 40_000;
/// Clinicians who are said to work at more places than these do not.
const PLACES_MAX: usize = 1_000;

/// Reads everything that the mapping needs: one call for the locations, one per location, one per
/// schedule, and those for clinicians only where clinicians are asked for.
pub(crate) async fn read_inventory(server: &(impl ReadOpenVpms + ?Sized), asked: &Asked) -> Answer<Inventory> {
    let mut inventory = read_lists(server, asked).await?;
    let listed: BTreeSet<ScheduleId> = schedules(&inventory).collect();
    let mut types_read = 0;
    for &schedule in &listed {
        types_read += read_schedule(server, asked, schedule, &mut inventory).await?.unwrap_or_default();
        if types_read > TYPES_MAX {
            return Err(too_large());
        }
    }
    for user in asked.resources.iter().filter_map(|wanted| wanted.user).collect::<BTreeSet<_>>() {
        read_clinician(server, user, &mut inventory).await?;
    }
    let found: BTreeSet<ScheduleId> = schedules(&inventory).collect();
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

/// What is listed at the practice's locations: schedules still without their types, and clinicians.
async fn read_lists(server: &(impl ReadOpenVpms + ?Sized), asked: &Asked) -> Answer<Inventory> {
    let mut inventory = read_locations(server).await?;
    for location in own_locations(&inventory, asked) {
        read_list(server, asked, location, &mut inventory).await?;
    }
    Ok(inventory)
}

/// The locations alone, which are one call however many there are.
pub(super) async fn read_locations(server: &(impl ReadOpenVpms + ?Sized)) -> Answer<Inventory> {
    Ok(Inventory { locations: server.locations().await?, ..Inventory::default() })
}

/// The practice's locations, as far as OpenVPMS lists them.
pub(super) fn own_locations(inventory: &Inventory, asked: &Asked) -> BTreeSet<LocationId> {
    let listed = inventory.locations.iter().map(|location| location.id);
    listed.filter(|location| asked.locations.contains(location)).collect()
}

/// Adds what is listed at one of the practice's locations: schedules without types that were not
/// read before, and clinicians where they are asked for.
pub(super) async fn read_list(
    server: &(impl ReadOpenVpms + ?Sized),
    asked: &Asked,
    location: LocationId,
    inventory: &mut Inventory,
) -> Answer<()> {
    let schedules = server.schedules(location).await?;
    let others = inventory.schedules.iter().filter(|(other, _)| **other != location && asked.locations.contains(other));
    if others.map(|(_, listed)| listed.len()).sum::<usize>() + schedules.len() > SCHEDULES_MAX {
        return Err(too_large());
    }
    if asked.resources.iter().any(|wanted| wanted.user.is_some()) {
        inventory.users.insert(location, server.users(location).await?);
    }
    // A clinician may have led here before.
    let known = inventory.schedules.remove(&location).unwrap_or_default();
    let mut known: BTreeMap<ScheduleId, Vec<AppointmentType>> =
        known.into_iter().map(|(schedule, types)| (schedule.id, types)).collect();
    let mut with_types = |schedule: Schedule| {
        let types = known.remove(&schedule.id).unwrap_or_default();
        (schedule, types)
    };
    inventory.schedules.insert(location, schedules.into_iter().map(&mut with_types).collect());
    Ok(())
}

/// True of a schedule that the configuration asks for, be it by naming none.
pub(super) fn is_wanted(asked: &Asked, schedule: ScheduleId) -> bool {
    asked.resources.is_empty() || asked.resources.iter().any(|wanted| wanted.schedule == schedule)
}

/// Adds the appointment types of one schedule, and says how many these are. Nothing is read of one
/// that is not listed, or that nobody asked for.
pub(super) async fn read_schedule(
    server: &(impl ReadOpenVpms + ?Sized),
    asked: &Asked,
    schedule: ScheduleId,
    inventory: &mut Inventory,
) -> Answer<Option<usize>> {
    if !is_wanted(asked, schedule) || !schedules(inventory).any(|listed| listed == schedule) {
        return Ok(None);
    }
    let types = server.appointment_types(schedule).await?;
    let same = inventory.schedules.values_mut().flatten().filter(|(listed, _)| listed.id == schedule);
    same.for_each(|(_, of_schedule)| of_schedule.clone_from(&types));
    Ok(Some(types.len()))
}

/// Adds where a clinician works, and which schedules count there.
pub(super) async fn read_clinician(
    server: &(impl ReadOpenVpms + ?Sized),
    user: UserId,
    inventory: &mut Inventory,
) -> Answer<()> {
    if inventory.user_locations.contains_key(&user) {
        return Ok(());
    }
    let locations: BTreeSet<LocationId> = match server.user_locations(user).await {
        Ok(locations) => locations.iter().map(|location| location.id).collect(),
        // The clinician is gone; the mapping says so.
        Err(error) if error.class == ErrorClass::Refused => return Ok(()),
        Err(error) => return Err(error),
    };
    if locations.len() + inventory.schedules.len() > PLACES_MAX {
        return Err(CallError::new(ErrorClass::Contract, say::too_many_places(PLACES_MAX)));
    }
    for &location in &locations {
        if let Entry::Vacant(place) = inventory.schedules.entry(location) {
            let schedules = server.schedules(location).await?;
            place.insert(schedules.into_iter().map(|schedule| (schedule, Vec::new())).collect());
        }
    }
    inventory.user_locations.insert(user, locations);
    Ok(())
}

fn schedules(inventory: &Inventory) -> impl Iterator<Item = ScheduleId> {
    inventory.schedules.values().flatten().map(|(schedule, _)| schedule.id)
}

fn too_large() -> CallError {
    CallError::new(ErrorClass::Contract, say::too_large(SCHEDULES_MAX, TYPES_MAX))
}

/// Why a schedule is not listed; `None` if the server knows it after all (at another location).
pub(super) fn absence<T>(answer: Result<T, CallError>) -> Answer<Option<Absence>> {
    match answer {
        Ok(_) => Ok(None),
        Err(error) if error.is_refusal(400, SCHEDULE_NOT_AVAILABLE) => Ok(Some(Absence::NotFlagged)),
        Err(error) if error.class == ErrorClass::Refused && error.status == Some(404) => Ok(Some(Absence::Unknown)),
        Err(error) => Err(error),
    }
}
