//! Does OpenVPMS have what the configuration asks for, and does each schedule belong to one
//! practice?
//!
//! What a practice offers is worked out by the same functions as in `run`; here it is only said,
//! with what to do. So whatever `run` would leave out is a problem here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, Utc};

use super::findings::Report;
use crate::availability::openness::{Shut, shut};
use crate::availability::{self, Days, Readings, Rosters, ScheduleReading, UserReading};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::characters::shown;
use crate::config::{Config, PracticeSettings};
use crate::ids::{LocationId, PracticeId, ScheduleId, UserId};
use crate::mapping::{Inventory, LeftOut, LeftOutReason, Mapping, Resource, ZoneProblem};
use crate::messages::{Advice, check_findings as say, plain, time_zones};
use crate::openvpms::{ReadOpenVpms, User};
use crate::practice::{asked, read_inventory};
use crate::span::Span;
use crate::zone::Zone;
use crate::zone::zones::Zones;

/// An appointment longer than this is a slip in OpenVPMS's set-up, as a rule: the length is a
/// number of slots.
const LENGTH_MINUTES_MAX: u32 = 8 * 60;

/// Judges every practice against what OpenVPMS has.
pub(super) async fn inspect(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Answer<()> {
    let mut holders: BTreeMap<ScheduleId, &PracticeId> = BTreeMap::new();
    for practice in &config.practices {
        let asked = asked(practice);
        let inventory = read_inventory(openvpms, &asked).await?;
        let own = Own { practice, mapping: Mapping::new(&inventory, &asked), inventory };
        let before = report.problems();
        own.inspect_locations(report);
        own.inspect_zone(now, report);
        own.inspect_left_out(openvpms, report).await?;
        own.inspect_types(report);
        own.inspect_open_times(openvpms, config.sync.horizon_days, now, report).await?;
        own.inspect_clinicians(report);
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
pub(super) fn title(practice: &PracticeSettings) -> String {
    format!("practice {}", practice.id)
}

/// A practice, and what OpenVPMS has for it.
struct Own<'a> {
    practice: &'a PracticeSettings,
    inventory: Inventory,
    mapping: Mapping,
}

impl Own<'_> {
    fn title(&self) -> String {
        title(self.practice)
    }

    fn inspect_locations(&self, report: &mut Report) {
        let known: Vec<(LocationId, String)> =
            self.inventory.locations.iter().map(|location| (location.id, location.name.clone())).collect();
        for location in &self.mapping.missing_locations {
            report.problem(self.title(), say::unknown_location(*location, &known));
        }
        let some_exists = self.mapping.missing_locations.len() < self.practice.locations.len();
        if some_exists && self.practice.resources.is_empty() && self.mapping.resources.is_empty() {
            report.problem(self.title(), say::nothing_to_offer());
        }
    }

    fn inspect_zone(&self, now: DateTime<Utc>, report: &mut Report) {
        let listed = self.inventory.locations.iter().find(|location| self.practice.locations.contains(&location.id));
        // Without any location there is a problem already.
        let Some(location) = listed else { return };
        match &self.mapping.zones {
            Ok(zones) if zones.server.names_a_place() && zones.practice != zones.server => {
                report.note(self.title(), time_zones::zones_differ(zones.practice, zones.server));
            }
            Ok(zones) => match zones.diary_shift(now) {
                Some(shift) if shift.is_wrong => report.problem(self.title(), time_zones::diary_shifted(zones, shift)),
                Some(shift) => report.note(self.title(), time_zones::diary_shifted(zones, shift)),
                None if zones.practice == zones.server && !zones.practice.is_australasian() => {
                    report.note(self.title(), time_zones::far_away(location.id, zones.practice));
                }
                None => {}
            },
            Err(ZoneProblem::NoLocation) => {}
            Err(ZoneProblem::ServerZoneUnknown(zone)) => {
                report.problem(self.title(), time_zones::server_zone_unknown(location.id, zone));
            }
            Err(ZoneProblem::PracticeZoneNeeded(zone)) => {
                report.problem(self.title(), time_zones::zone_needed(location.id, zone, nine_in_sydney(zone, now)));
            }
        }
    }

    /// In the order of the configuration.
    async fn inspect_left_out(&self, openvpms: &dyn ReadOpenVpms, report: &mut Report) -> Answer<()> {
        for entry in &self.practice.resources {
            if let Some(left_out) = self.mapping.left_out.iter().find(|left_out| left_out.resource == entry.id()) {
                let advice = self.advice(left_out, openvpms).await?;
                report.problem(format!("{} resource {}", self.title(), entry.id()), advice);
            }
        }
        Ok(())
    }

    async fn advice(&self, LeftOut { resource, reason }: &LeftOut, openvpms: &dyn ReadOpenVpms) -> Answer<Advice> {
        let schedule = resource.schedule;
        Ok(match (reason, resource.user) {
            (LeftOutReason::ScheduleNotListed | LeftOutReason::ScheduleElsewhere(_), _) => {
                say::schedule_elsewhere(schedule, &self.known_schedules())
            }
            (LeftOutReason::ScheduleUnknown, _) => say::unknown_schedule(schedule, &self.known_schedules()),
            (LeftOutReason::ScheduleNotFlagged, _) => say::schedule_not_flagged(schedule),
            (LeftOutReason::ClinicianNotListed | LeftOutReason::ClinicianNotAtLocation(_), Some(user)) => {
                match openvpms.user(user).await {
                    Ok(found) => say::user_not_bookable(user, &found.called(), *resource),
                    Err(error) if is_unknown(&error) => say::unknown_user(user, &self.known_users()),
                    Err(error) => return Err(error),
                }
            }
            (LeftOutReason::ClinicianNotListed | LeftOutReason::ClinicianNotAtLocation(_), None) => {
                say::unknown_schedule(schedule, &self.known_schedules())
            }
        })
    }

    fn inspect_types(&self, report: &mut Report) {
        for resource in &self.mapping.resources {
            let schedule = resource.id.schedule;
            if resource.types.is_empty() {
                let advice = say::schedule_without_types(schedule, &self.name_of(schedule));
                // What a person asked for by name is to be offered; of all the rest it is only
                // worth knowing.
                if self.practice.resources.is_empty() {
                    report.note(self.title(), advice);
                } else {
                    report.problem(format!("{} resource {}", self.title(), resource.id), advice);
                }
            }
            for kind in resource.types.iter().filter(|kind| kind.length_minutes > LENGTH_MINUTES_MAX) {
                report.note(
                    format!("{} resource {}", self.title(), resource.id),
                    say::type_very_long(&kind.plain_name, kind.length_minutes, kind.slots, resource.slot_size_minutes),
                );
            }
        }
    }

    /// Whether each resource has any time to book within the horizon.
    async fn inspect_open_times(
        &self,
        openvpms: &dyn ReadOpenVpms,
        days: u32,
        now: DateTime<Utc>,
        report: &mut Report,
    ) -> Answer<()> {
        // Without a zone there are no days; that is a problem already.
        let Ok(zones) = &self.mapping.zones else { return Ok(()) };
        let span = availability::window(Days::from_today(now, &zones.practice, days), zones);
        let readings = self.read(openvpms, span, &zones.server, now).await?;
        let resources = self.mapping.resources.iter().map(|resource| resource.id);
        let mut named = BTreeSet::new();
        for (id, shut) in shut(resources, &readings, &Rosters::new()) {
            let Some(shut) = shut else { continue };
            let schedule = format!("chedule {} ({})", id.schedule, plain(&self.name_of(id.schedule)));
            match (shut, id.user) {
                (Shut::Clinician, Some(user)) => {
                    let what = format!("User {user} on s{schedule}");
                    report.problem(format!("{} resource {id}", self.title()), say::never_open(&what, shut, days));
                }
                // Once, however many clinicians are booked on it.
                (Shut::Schedule | Shut::Clinician, _) if named.insert(id.schedule) => {
                    report.problem(self.title(), say::never_open(&format!("S{schedule}"), shut, days));
                }
                (Shut::Schedule | Shut::Clinician, _) => {}
            }
        }
        Ok(())
    }

    async fn read(
        &self,
        openvpms: &dyn ReadOpenVpms,
        span: Span,
        server: &Zone,
        now: DateTime<Utc>,
    ) -> Answer<Readings> {
        let question = availability::window::question(span, server);
        let mut readings = Readings::default();
        for resource in &self.mapping.resources {
            let schedule = resource.id.schedule;
            if let Entry::Vacant(unread) = readings.schedules.entry(schedule) {
                let answer = openvpms.schedule_free_busy(schedule, question).await?;
                unread.insert(Some(ScheduleReading::new(span, now, answer)));
            }
            let Some(user) = resource.id.user.filter(|user| !readings.users.contains_key(user)) else { continue };
            let mut answers = Vec::new();
            for location in self.inventory.user_locations.get(&user).into_iter().flatten() {
                answers.push(openvpms.user_free_busy(user, *location, question).await?);
            }
            readings.users.insert(user, UserReading::new(span, now, answers));
        }
        Ok(readings)
    }

    /// Pet owners and staff at Healthengine see what a clinician is called.
    fn inspect_clinicians(&self, report: &mut Report) {
        let entries = self.practice.resources.iter().filter(|entry| entry.name.is_none());
        let nameless: BTreeSet<UserId> = entries.filter_map(|entry| entry.user).collect();
        let users: BTreeMap<UserId, &User> =
            self.inventory.users.values().flatten().map(|user| (user.id, user)).collect();
        for user in nameless.iter().filter_map(|id| users.get(id)).filter(|user| shown(&user.name).is_none()) {
            report.note(self.title(), say::clinician_without_name(&user.called(), user.id));
        }
    }

    /// The schedules that the practice fills, or would fill, each once.
    fn schedules(&self) -> BTreeSet<ScheduleId> {
        let offered = self.mapping.resources.iter().map(|resource| resource.id.schedule);
        offered.chain(self.practice.resources.iter().map(|entry| entry.schedule)).collect()
    }

    fn known_schedules(&self) -> Vec<(ScheduleId, String)> {
        let listed = self.inventory.schedules.values().flatten();
        listed.map(|(schedule, _)| (schedule.id, schedule.name.clone())).collect()
    }

    fn known_users(&self) -> Vec<(UserId, String)> {
        let listed = self.inventory.users.values().flatten();
        let users: BTreeSet<(UserId, String)> = listed.map(|user| (user.id, user.called())).collect();
        users.into_iter().collect()
    }

    fn name_of(&self, schedule: ScheduleId) -> String {
        let known = self.known_schedules().into_iter().find(|(id, _)| *id == schedule);
        known.map(|(_, name)| name).unwrap_or_default()
    }

    /// `1 resource, 4 appointment types of 15 to 30 minutes; times of Australia/Sydney`.
    fn summary(&self) -> String {
        let resources = &self.mapping.resources;
        let lengths: BTreeSet<u32> = resources.iter().flat_map(lengths).collect();
        let types = resources.iter().map(|resource| resource.types.len()).sum::<usize>();
        let lengths = match (lengths.first(), lengths.last()) {
            (Some(shortest), Some(longest)) if shortest < longest => format!(" of {shortest} to {longest} minutes"),
            (Some(only), _) => format!(" of {only} minutes"),
            (None, _) => String::new(),
        };
        let zone = self.mapping.zones.as_ref().ok().map(|zones| in_words(zones.practice)).unwrap_or_default();
        let state = if self.practice.enabled { "" } else { "; disabled" };
        format!(
            "OpenVPMS has what is configured: {}, {}{lengths}{zone}{state}",
            counted(resources.len(), "resource"),
            counted(types, "appointment type"),
        )
    }
}

fn lengths(resource: &Resource) -> impl Iterator<Item = u32> {
    resource.types.iter().map(|kind| kind.length_minutes)
}

/// What is 09:00 today in the diary of a server in this zone, as Sydney reads it.
fn nine_in_sydney(server: &str, now: DateTime<Utc>) -> Option<NaiveTime> {
    let zones = Zones { server: server.parse().ok()?, practice: Zone::Iana(chrono_tz::Australia::Sydney) };
    zones.diary_shift(now).map(|shift| shift.nine_today)
}

fn in_words(zone: Zone) -> String {
    format!("; times of {}", plain(&zone.to_string()))
}

fn counted(count: usize, thing: &str) -> String {
    if count == 1 { format!("1 {thing}") } else { format!("{count} {thing}s") }
}

fn is_unknown(error: &CallError) -> bool {
    error.class == ErrorClass::Refused && error.status == Some(404)
}
