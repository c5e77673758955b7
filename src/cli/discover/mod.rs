//! `vetbridge discover`: what OpenVPMS offers for online booking, and the `[[practice]]` blocks that follow from it.
//!
//! Only reads. For each location: its schedules with their appointment types, when they are open in the next fortnight, and
//! its clinicians with the schedules they are rostered to within the horizon.
//!
//! Rosters are read from users' free/busy. Its times are partly wrong for a clinician on several schedules, but every schedule
//! id in it is one that he is rostered to (OpenVPMS Booking API v2, user free/busy), and that is all that is taken from it.
//!
//! Users are all who are flagged for online booking. The API does not tell whether one is a clinician; a booking with one who
//! is none is made without a clinician, and OpenVPMS writes the name into its notes.

mod paste;
mod render;

use std::collections::{BTreeMap, BTreeSet};
use std::process::ExitCode;

use anyhow::Context;
use chrono::{DateTime, Days, Utc};

use super::inventory::LocationInventory;
use super::{DiscoverArgs, Global, output};
use crate::clock::Clock;
use crate::config::{self, OpenVpmsOnly};
use crate::connect;
use crate::ids::{LocationId, ScheduleId, UserId};
use crate::messages::servers as say;
use crate::openvpms::{FreeBusy, Location, ReadOpenVpms, User, Window};
use crate::remote::Answer;
use crate::zone::Zone;

/// How many days tell the live hours: two of each weekday.
const LIVE_HOURS_DAYS: u32 = 14;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &DiscoverArgs) -> anyhow::Result<ExitCode> {
    let OpenVpmsOnly { openvpms: settings, sync } = config::load_openvpms(&global.config_file()?)?;
    let openvpms = connect::openvpms(&settings)?;
    let found = discover(openvpms.as_ref(), sync.horizon_days, Clock::system().now())
        .await
        .map_err(|error| say::openvpms(&error, &settings.url, &settings.username))?;
    if args.json {
        output::result(render::json(&found)?)?;
    } else if args.toml {
        output::result(paste::toml(&found, sync.horizon_days))?;
    } else {
        output::result(render::text(&found, sync.horizon_days)).context("standard output")?;
    }
    Ok(ExitCode::SUCCESS)
}

/// A location, and what goes on there.
struct FoundLocation {
    place: LocationInventory,
    /// The zone of the server; `None` if its name means nothing to us. Then there are no times.
    zone: Option<Zone>,
    /// Of the next fortnight, by schedule.
    free_busy: BTreeMap<ScheduleId, FreeBusy>,
    /// Schedules without any open time within the horizon.
    never_open: BTreeSet<ScheduleId>,
    users: Vec<FoundUser>,
}

/// A user at a location: a clinician, as a rule.
struct FoundUser {
    user: User,
    /// Where he works, this location among them.
    locations: Vec<LocationId>,
    /// The schedules of this location that he is rostered to within the horizon.
    rostered: BTreeSet<ScheduleId>,
}

impl FoundUser {
    fn id(&self) -> UserId {
        self.user.id
    }
}

/// Reads everything, one call after the other.
async fn discover(openvpms: &dyn ReadOpenVpms, horizon_days: u32, now: DateTime<Utc>) -> Answer<Vec<FoundLocation>> {
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

/// The schedules of a place that a user is rostered to. Rosters name schedules of other locations, and some that are not
/// flagged for online booking, too.
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

/// So many days from today's midnight of the server's zone on, which is where the server's walk over the days has to begin.
fn window(zone: &Zone, now: DateTime<Utc>, days: u32) -> Window {
    let today = zone.wall(now).date();
    let end = today.checked_add_days(Days::new(days.into())).unwrap_or(today);
    Window { from: zone.at(zone.midnight_before(today)), to: zone.at(zone.day_start(end)), slots: false }
}

#[cfg(test)]
mod tests;
