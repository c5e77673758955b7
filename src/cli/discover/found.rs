//! What OpenVPMS offers, location by location.

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Days, Utc};

use crate::call_error::Answer;
use crate::cli::inventory::LocationInventory;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::openvpms::{FreeBusy, Location, ReadOpenVpms, User, Window};
use crate::zone::Zone;

/// How many days tell the live hours: two of each weekday.
const LIVE_HOURS_DAYS: u32 = 14;

/// A location, and what goes on there.
pub(super) struct FoundLocation {
    pub(super) place: LocationInventory,
    /// The zone of the server; `None` if its name means nothing to us. Then there are no times.
    pub(super) zone: Option<Zone>,
    /// Of the next fortnight, by schedule.
    pub(super) free_busy: BTreeMap<ScheduleId, FreeBusy>,
    /// Schedules without any open time within the horizon.
    pub(super) never_open: BTreeSet<ScheduleId>,
    pub(super) users: Vec<FoundUser>,
}

/// A user at a location: a clinician, as a rule.
pub(super) struct FoundUser {
    pub(super) user: User,
    /// Where they work, this location among them.
    pub(super) locations: Vec<LocationId>,
    /// The schedules of this location that they are rostered to within the horizon.
    pub(super) rostered: BTreeSet<ScheduleId>,
}

impl FoundUser {
    pub(super) fn id(&self) -> UserId {
        self.user.id
    }
}

/// Reads everything, one call after the other.
pub(super) async fn discover(
    openvpms: &dyn ReadOpenVpms,
    horizon_days: u32,
    now: DateTime<Utc>,
) -> Answer<Vec<FoundLocation>> {
    let mut found = Vec::new();
    for location in openvpms.locations().await? {
        found.push(FoundLocation::read(openvpms, location, horizon_days, now).await?);
    }
    Ok(found)
}

impl FoundLocation {
    async fn read(
        openvpms: &dyn ReadOpenVpms,
        location: Location,
        horizon_days: u32,
        now: DateTime<Utc>,
    ) -> Answer<Self> {
        let zone = location.time_zone.parse().ok();
        let place = LocationInventory::read(openvpms, location).await?;
        let (mut free_busy, mut never_open) = (BTreeMap::new(), BTreeSet::new());
        if let Some(zone) = &zone {
            for column in &place.schedules {
                let answer =
                    openvpms.schedule_free_busy(column.schedule.id, window(zone, now, LIVE_HOURS_DAYS)).await?;
                let is_shut = |times: &FreeBusy| times.free.is_empty() && times.busy.is_empty();
                let horizon = window(zone, now, horizon_days);
                if is_shut(&answer) && is_shut(&openvpms.schedule_free_busy(column.schedule.id, horizon).await?) {
                    never_open.insert(column.schedule.id);
                }
                free_busy.insert(column.schedule.id, answer);
            }
        }
        let mut users = Vec::new();
        for user in &place.users {
            let locations = openvpms.user_locations(user.id).await?.iter().map(|location| location.id).collect();
            let rostered = match &zone {
                Some(zone) => rostered(openvpms, user.id, &place, window(zone, now, horizon_days)).await?,
                None => BTreeSet::new(),
            };
            users.push(FoundUser { user: user.clone(), locations, rostered });
        }
        Ok(Self { place, zone, free_busy, never_open, users })
    }
}

/// The schedules of a place that a user is rostered to. Rosters name schedules of other locations,
/// and some that are not flagged for online booking, too.
async fn rostered(
    openvpms: &dyn ReadOpenVpms,
    user: UserId,
    place: &LocationInventory,
    window: Window,
) -> Answer<BTreeSet<ScheduleId>> {
    let times = openvpms.user_free_busy(user, place.id(), window).await?;
    let schedules = times.free.iter().chain(&times.busy).map(|time| time.schedule);
    Ok(schedules.filter(|schedule| place.column(*schedule).is_some()).collect())
}

/// So many days from today's midnight of the server's zone on, which is where the server's walk
/// over the days has to begin.
fn window(zone: &Zone, now: DateTime<Utc>, days: u32) -> Window {
    let today = zone.wall(now).date();
    let end = today.checked_add_days(Days::new(days.into())).unwrap_or(today);
    Window { from: zone.at(zone.midnight_before(today)), to: zone.at(zone.day_start(end)), slots: false }
}
