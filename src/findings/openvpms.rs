//! Does OpenVPMS have what the configuration asks for, and does each schedule belong to one
//! practice?
//!
//! What a practice offers is worked out by the same functions as in `run`; here it is only said,
//! with what to do. So whatever `run` would leave out is a problem here.

use std::collections::btree_map::Entry;
use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, NaiveTime, TimeDelta, Utc};

use super::open_times::Diary;
use super::report::{Report, title};
use crate::availability::{self, Days, Moment, Readings, ScheduleReading, UserReading};
use crate::call_error::{Answer, CallError, ErrorClass};
use crate::characters::shown;
use crate::config::{Config, PracticeSettings, SyncSettings};
use crate::ids::{LocationId, PracticeId, ScheduleId, UserId};
use crate::mapping::{Inventory, LeftOut, LeftOutReason, Mapping, Resource, ZoneProblem};
use crate::messages::{Advice, check_findings as say, plain, time_zones};
use crate::openvpms::{Location, ReadOpenVpms, User};
use crate::practice::{asked, read_inventory};
use crate::span::Span;
use crate::zone::Zone;
use crate::zone::zones::Zones;

/// Judges every practice against what OpenVPMS has. What each of them offers.
pub(crate) async fn inspect(
    config: &Config,
    openvpms: &dyn ReadOpenVpms,
    now: DateTime<Utc>,
    report: &mut Report,
) -> Answer<BTreeMap<PracticeId, Mapping>> {
    let mut offers = BTreeMap::new();
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
        own.inspect_open_times(openvpms, &config.sync, now, report).await?;
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
        offers.insert(practice.id.clone(), own.mapping);
    }
    Ok(offers)
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
        // Where resources are named, a location may be there for some of them only.
        if !self.practice.resources.is_empty() {
            return;
        }
        let has_none = |id| self.inventory.schedules.get(id).is_none_or(Vec::is_empty);
        let own = self.practice.locations.iter().filter(|id| has_none(id));
        for id in own {
            // One that is not there is a problem already.
            if let Some(location) = self.inventory.locations.iter().find(|location| location.id == *id) {
                report.problem(self.title(), say::nothing_at_location(*id, &location.name));
            }
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

    /// In the order of the configuration; schedules at a location that is not the practice's come
    /// first, each location once, because the rest follows from that.
    async fn inspect_left_out(&self, openvpms: &dyn ReadOpenVpms, report: &mut Report) -> Answer<()> {
        let elsewhere = self.elsewhere(openvpms).await?;
        let missing = &self.mapping.missing_locations;
        for (location, schedules) in &elsewhere {
            let location = self.inventory.locations.iter().find(|own| own.id == *location);
            let Some(Location { id, name, .. }) = location else { continue };
            let advice = say::schedules_at_other_location(schedules, *id, name, &self.practice.locations, missing);
            report.problem(self.title(), advice);
        }
        if elsewhere.is_empty() {
            let known: Vec<(LocationId, String)> =
                self.inventory.locations.iter().map(|location| (location.id, location.name.clone())).collect();
            for location in missing {
                report.problem(self.title(), say::unknown_location(*location, &known));
            }
        }
        let is_told = |schedule| elsewhere.values().any(|schedules| schedules.contains(&schedule));
        for entry in self.practice.resources.iter().filter(|entry| !is_told(entry.schedule)) {
            if let Some(left_out) = self.mapping.left_out.iter().find(|left_out| left_out.resource == entry.id()) {
                let advice = self.advice(left_out, openvpms).await?;
                report.problem(format!("{} resource {}", self.title(), entry.id()), advice);
            }
        }
        Ok(())
    }

    /// The configured schedules that stand at locations that are not the practice's.
    async fn elsewhere(&self, openvpms: &dyn ReadOpenVpms) -> Answer<BTreeMap<LocationId, BTreeSet<ScheduleId>>> {
        let is_elsewhere = |left_out: &&LeftOut| match left_out.reason {
            LeftOutReason::ScheduleNotListed | LeftOutReason::ScheduleElsewhere(_) => true,
            LeftOutReason::ScheduleUnknown
            | LeftOutReason::ScheduleNotFlagged
            | LeftOutReason::ClinicianNotListed
            | LeftOutReason::ClinicianNotAtLocation(_) => false,
        };
        let sought: BTreeSet<ScheduleId> =
            self.mapping.left_out.iter().filter(is_elsewhere).map(|left_out| left_out.resource.schedule).collect();
        let mut found: BTreeMap<LocationId, BTreeSet<ScheduleId>> = BTreeMap::new();
        let others = self.inventory.locations.iter().filter(|own| !self.practice.locations.contains(&own.id));
        for location in others.filter(|_| !sought.is_empty()) {
            let listed = openvpms.schedules(location.id).await?.into_iter().map(|schedule| schedule.id);
            let here: BTreeSet<ScheduleId> = listed.filter(|schedule| sought.contains(schedule)).collect();
            if !here.is_empty() {
                found.insert(location.id, here);
            }
        }
        Ok(found)
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
        }
    }

    async fn inspect_open_times(
        &self,
        openvpms: &dyn ReadOpenVpms,
        sync: &SyncSettings,
        now: DateTime<Utc>,
        report: &mut Report,
    ) -> Answer<()> {
        // Without a zone there are no days; that is a problem already.
        let Ok(zones) = &self.mapping.zones else { return Ok(()) };
        let days = Days::from_today(now, &zones.practice, sync.horizon_days);
        let readings = self.read(openvpms, availability::window(days, zones), &zones.server, now).await?;
        let (practice, mapping, zones) = (self.practice, &self.mapping, *zones);
        let moment = Moment { now, min_notice: TimeDelta::from_std(sync.min_notice).unwrap_or_default() };
        let names = self.known_schedules().into_iter().collect();
        Diary { practice, mapping, readings: &readings, days, zones, moment, names }.inspect(report);
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

    /// What is listed at the practice's own locations.
    fn here<'a, T>(&'a self, listed: &'a BTreeMap<LocationId, Vec<T>>) -> impl Iterator<Item = &'a T> {
        self.practice.locations.iter().filter_map(|location| listed.get(location)).flatten()
    }

    fn known_schedules(&self) -> Vec<(ScheduleId, String)> {
        let listed = self.here(&self.inventory.schedules);
        listed.map(|(schedule, _)| (schedule.id, schedule.name.clone())).collect()
    }

    fn known_users(&self) -> Vec<(UserId, String)> {
        let listed = self.here(&self.inventory.users);
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
