//! Do the ids of the configuration exist in OpenVPMS, and does each schedule belong to one practice?

use std::collections::BTreeMap;

use super::findings::Report;
use crate::cli::inventory::Place;
use crate::config::{Config, Practice, ResourceEntry};
use crate::ids::{LocationId, PracticeId, ScheduleId, UserId};
use crate::messages::servers as say;
use crate::openvpms::{Location, ReadOpenVpms};
use crate::remote::{Answer, CallError};
use crate::zone::Zone;

/// Judges every practice against what OpenVPMS has. `places` are the configured locations that exist.
pub(super) async fn inspect(
    config: &Config,
    locations: &[Location],
    places: &[Place],
    openvpms: &dyn ReadOpenVpms,
    report: &mut Report,
) -> Answer<()> {
    let mut holders: BTreeMap<ScheduleId, &PracticeId> = BTreeMap::new();
    for practice in &config.practices {
        let own =
            Own { practice, places: places.iter().filter(|place| practice.locations.contains(&place.id())).collect() };
        let before = report.problems();
        own.inspect_locations(locations, report);
        if practice.resources.is_empty() {
            own.inspect_all_schedules(report);
        }
        for entry in &practice.resources {
            own.inspect_entry(entry, openvpms, report).await?;
        }
        for schedule in own.schedules() {
            let holder = *holders.entry(schedule).or_insert(&practice.id);
            if *holder != practice.id {
                report.problem(own.title(), say::schedule_in_two_practices(schedule, holder));
            }
        }
        if report.problems() == before {
            report.ok(own.title(), own.summary());
        }
    }
    Ok(())
}

/// What a finding about a practice is filed under.
pub(super) fn title(practice: &Practice) -> String {
    format!("practice {}", practice.id)
}

/// A practice with its locations as OpenVPMS has them.
struct Own<'a> {
    practice: &'a Practice,
    places: Vec<&'a Place>,
}

impl Own<'_> {
    fn title(&self) -> String {
        title(self.practice)
    }

    fn inspect_locations(&self, all: &[Location], report: &mut Report) {
        let known: Vec<(LocationId, String)> =
            all.iter().map(|location| (location.id, location.name.clone())).collect();
        for location in &self.practice.locations {
            match all.iter().find(|known| known.id == *location) {
                None => report.problem(self.title(), say::unknown_location(*location, &known)),
                Some(location) => self.inspect_zone(location, report),
            }
        }
    }

    fn inspect_zone(&self, location: &Location, report: &mut Report) {
        let Ok(server) = location.time_zone.parse::<Zone>() else {
            return report.problem(self.title(), say::server_zone_unknown(location.id, &location.time_zone));
        };
        match self.practice.timezone {
            None if !server.is_iana() => {
                report.problem(self.title(), say::zone_needed(location.id, &location.time_zone))
            }
            Some(zone) if server.is_iana() && zone != server => {
                report.note(self.title(), say::zones_differ(zone, server))
            }
            None | Some(_) => {}
        }
    }

    /// A practice without resource entries offers every schedule.
    fn inspect_all_schedules(&self, report: &mut Report) {
        let columns = || self.places.iter().flat_map(|place| &place.schedules);
        if !self.places.is_empty() && columns().next().is_none() {
            report.problem(self.title(), say::nothing_to_offer());
        }
        for column in columns().filter(|column| column.types.is_empty()) {
            report.note(self.title(), say::schedule_without_types(column.schedule.id, &column.schedule.name));
        }
    }

    async fn inspect_entry(
        &self,
        entry: &ResourceEntry,
        openvpms: &dyn ReadOpenVpms,
        report: &mut Report,
    ) -> Answer<()> {
        let title = || format!("{} resource {}", self.title(), entry.id());
        let found = self.places.iter().find_map(|place| Some((place, place.column(entry.schedule)?)));
        let Some((place, column)) = found else {
            let advice = match openvpms.schedule(entry.schedule).await {
                Ok(_) => say::schedule_elsewhere(entry.schedule, &self.known_schedules()),
                Err(error) if is_refusal(&error, 400) => say::schedule_not_flagged(entry.schedule),
                Err(error) if is_refusal(&error, 404) => say::unknown_schedule(entry.schedule, &self.known_schedules()),
                Err(error) => return Err(error),
            };
            report.problem(title(), advice);
            return Ok(());
        };
        if column.types.is_empty() {
            report.problem(title(), say::schedule_without_types(entry.schedule, &column.schedule.name));
        }
        if let Some(user) = entry.user.filter(|user| !place.users.iter().any(|own| own.id == *user)) {
            let advice = match openvpms.user(user).await {
                Ok(found) => say::user_not_bookable(user, &found.name, entry.id()),
                Err(error) if is_refusal(&error, 404) => say::unknown_user(user, &self.known_users()),
                Err(error) => return Err(error),
            };
            report.problem(title(), advice);
        }
        Ok(())
    }

    /// The schedules that the practice fills, each once.
    fn schedules(&self) -> Vec<ScheduleId> {
        let mut schedules: Vec<ScheduleId> = if self.practice.resources.is_empty() {
            self.known_schedules().into_iter().map(|(id, _)| id).collect()
        } else {
            self.practice.resources.iter().map(|entry| entry.schedule).collect()
        };
        schedules.sort_unstable();
        schedules.dedup();
        schedules
    }

    fn known_schedules(&self) -> Vec<(ScheduleId, String)> {
        let columns = self.places.iter().flat_map(|place| &place.schedules);
        columns.map(|column| (column.schedule.id, column.schedule.name.clone())).collect()
    }

    fn known_users(&self) -> Vec<(UserId, String)> {
        let mut users: Vec<_> =
            self.places.iter().flat_map(|place| &place.users).map(|user| (user.id, user.name.clone())).collect();
        users.sort();
        users.dedup();
        users
    }

    fn summary(&self) -> String {
        let clinicians = self.practice.resources.iter().filter(|entry| entry.user.is_some()).count();
        let state = if self.practice.enabled { "" } else { "; disabled" };
        format!(
            "locations, schedules and clinicians exist: {} on {}{state}",
            match clinicians {
                0 => "no clinician".to_owned(),
                1 => "1 clinician resource".to_owned(),
                several => format!("{several} clinician resources"),
            },
            match self.schedules().len() {
                1 => "1 schedule".to_owned(),
                several => format!("{several} schedules"),
            }
        )
    }
}

fn is_refusal(error: &CallError, status: u16) -> bool {
    error.class == crate::remote::ErrorClass::Refused && error.status == Some(status)
}
