//! What must be true once everything has come to rest: diary, marketplace and ledger tell the same.

use std::collections::BTreeMap;

use chrono::{NaiveDate, NaiveDateTime, TimeDelta};
use vetbridge::booking::entry::State;
use vetbridge::config::PracticeSettings;
use vetbridge::ids::ResourceId;
use vetbridge::simulator::healthengine::{MarketplaceBooking, MarketplaceStatus, PublishedRange, RequestOutcome};
use vetbridge::simulator::openvpms::{Appointment, AppointmentStatus};

use super::{Clinic, diary, left, people, sydney};

impl Clinic {
    /// Everything on which the two systems and the ledger differ, in words.
    pub(crate) fn disagreements(&self) -> Vec<String> {
        let mut found = Vec::new();
        for config in self.config.practices.iter().filter(|practice| practice.enabled) {
            self.compare_days(config, &mut found);
            let wanted = self.healthengine.days_asked_for(&config.id).unwrap();
            found.extend(wanted.iter().map(|(day, resource)| format!("{day} of {resource:?} is asked for")));
            for booking in self.healthengine.bookings(&config.id).unwrap() {
                if !self.excused.contains(&booking.id) {
                    self.compare_booking(&booking, &mut found);
                }
            }
        }
        found
    }

    /// The days of a practice, as they are published and as the diary has them.
    fn compare_days(&self, config: &PracticeSettings, found: &mut Vec<String>) {
        let (practice, locations, now) = (&config.id, &config.locations, self.wall());
        let ledger: Vec<_> =
            self.running.iter().flat_map(|running| running.bridge.ledger().all().collect::<Vec<_>>()).collect();
        let schedules = self.openvpms.staff(|world| world.schedules.clone());
        let listed =
            |own: &&vetbridge::simulator::openvpms::ScheduleEntity| own.online && locations.contains(&own.location);
        for schedule in schedules.iter().filter(listed) {
            let resource = format!("s{}", schedule.id);
            for day in now.date().iter_days().take(self.config.sync.horizon_days as usize) {
                let expected = self.openvpms.staff(|world| {
                    let free = diary::starts(world, schedule, day, now);
                    left(&free, &config.rules, ResourceId::schedule(schedule.id), now, (world, &ledger))
                });
                let published = self.healthengine.published(practice, &resource, day).unwrap();
                let Some(published) = published else {
                    found.push(format!("{resource} on {day} was never sent"));
                    continue;
                };
                let offered = starts(&published, day, now);
                if offered != expected {
                    found.push(format!("{resource} on {day}: {}", difference(&offered, &expected)));
                }
            }
        }
    }

    fn compare_booking(&self, booking: &MarketplaceBooking, found: &mut Vec<String>) {
        let id = booking.id;
        let mut differs = |what: &str| found.push(format!("booking {id}: {what}"));
        if booking.answer == RequestOutcome::Open {
            return differs("is not answered");
        }
        if !booking.open_updates.is_empty() {
            differs("has an update that is not answered");
        }
        let standing = self.appointments_of(id);
        let entry = self.running.is_some().then(|| self.find_entry(id)).flatten();
        match booking.status {
            MarketplaceStatus::Confirmed => {
                match &standing[..] {
                    [own] => self.compare_appointment(booking, own, &mut differs),
                    [] => differs("is confirmed and not in the diary"),
                    _ => differs("is in the diary more than once"),
                }
                let settled = entry.is_none_or(|entry| matches!(entry.state, State::Confirmed | State::InDoubt));
                if !settled {
                    differs("is confirmed, and the ledger does not know");
                }
            }
            MarketplaceStatus::Cancelled | MarketplaceStatus::Failed => {
                if !standing.is_empty() {
                    differs("is over and stands in the diary");
                }
                if entry.is_some_and(|entry| !matches!(entry.state, State::Cancelled | State::Rejected)) {
                    differs("is over, and the ledger does not know");
                }
            }
            MarketplaceStatus::Requested => differs("waits"),
        }
    }

    fn compare_appointment(&self, booking: &MarketplaceBooking, own: &Appointment, differs: &mut impl FnMut(&str)) {
        let reference = self.openvpms.staff(|world| world.reference(own));
        if !booking.pms_appointment_ids.is_empty() && booking.pms_appointment_ids != [reference] {
            differs("is confirmed with another reference");
        }
        if format!("s{}", own.schedule) != booking.resource || own.start != booking.start {
            differs("stands elsewhere in the diary");
        }
    }

    /// Ends a test: everything has come to rest and agrees, and nobody was wronged on the way.
    pub(crate) async fn finish(mut self) {
        self.until_in_step().await;
        self.assert_well_behaved();
        // Else the bridge would go on beside the clinics that follow in the same test.
        self.pull_the_plug().await;
    }

    /// Healthengine has nothing to complain of, and the log is silent about pet owners.
    pub(crate) fn assert_well_behaved(&self) {
        let violations = self.healthengine.violations();
        assert!(violations.is_empty(), "{violations:#?}");
        for line in self.log.lines() {
            let told = people::SECRETS.iter().find(|secret| line.contains(**secret));
            assert_eq!(told, None, "in the log: {line}");
            assert!(!line.contains(super::webhooks::SECRET), "in the log: {line}");
        }
    }

    /// No appointment overlaps another, but for those that staff made so.
    pub(crate) fn assert_no_overlap(&self) {
        let standing: Vec<Appointment> = self.openvpms.staff(|world| world.standing().cloned().collect());
        for (index, one) in standing.iter().enumerate() {
            for other in &standing[index + 1..] {
                let overlap = one.schedule == other.schedule && one.start < other.end && other.start < one.end;
                assert!(!overlap, "{one:?} and {other:?}\n{}", self.account());
            }
        }
    }

    /// What a failed test shows: both sides, the ledger, the problems, the last calls.
    pub(crate) fn account(&self) -> String {
        let mut lines = vec![format!("It is {} in Sydney.", sydney().wall(self.clock.now()))];
        lines.extend(self.disagreements().into_iter().take(20).map(|line| format!("differs: {line}")));
        self.openvpms.staff(|world| {
            let online = world.appointments().filter(|own| own.notes.is_some());
            lines.extend(online.map(|own| {
                format!("diary: {} {} {}-{} {:?}", own.id, own.schedule, own.start, own.end.time(), own.status)
            }));
            let others =
                world.appointments().filter(|own| own.notes.is_none() && own.status != AppointmentStatus::Cancelled);
            lines.push(format!("diary: {} other appointments", others.count()));
        });
        for config in &self.config.practices {
            for own in self.healthengine.bookings(&config.id).unwrap_or_default() {
                lines.push(format!(
                    "Healthengine: {} of {} {} {} {:?} {:?} ids {:?}",
                    own.id, config.id, own.resource, own.start, own.status, own.answer, own.pms_appointment_ids
                ));
            }
        }
        if let Some(running) = &self.running {
            for entry in running.bridge.ledger().all() {
                lines.push(format!("ledger: {} {:?} {:?}", entry.booking_id, entry.state, entry.needs_attention));
                lines.extend(entry.history.iter().map(|own| format!("    {} {:?} {}", own.at, own.state, own.reason)));
            }
            for practice in running.bridge.practices() {
                let problems = practice.health().problems().into_iter();
                lines
                    .extend(problems.map(|own| format!("problem of {}: {}: {}", practice.id(), own.subject, own.text)));
            }
        }
        let calls = self.journal.calls();
        let last = calls.iter().rev().take(30).rev();
        lines.extend(last.map(|call| {
            format!("call: {} {} {} {:?}", sydney().wall(call.at).time(), call.what, call.query, call.outcome)
        }));
        lines.join("\n")
    }
}

/// The starts that published ranges stand for, each with its types.
pub(crate) fn starts(
    ranges: &[PublishedRange],
    day: NaiveDate,
    now: NaiveDateTime,
) -> BTreeMap<NaiveDateTime, Vec<String>> {
    let mut starts: BTreeMap<NaiveDateTime, Vec<String>> = BTreeMap::new();
    for range in ranges {
        let step = TimeDelta::seconds(range.slot_length_seconds.into());
        let mut start = day.and_time(range.start);
        while start + step <= day.and_time(range.end) {
            if start > now {
                starts.entry(start).or_default().extend(range.appointment_types.iter().cloned());
            }
            start += step;
        }
    }
    starts.values_mut().for_each(|types| types.sort_unstable());
    starts
}

/// The first starts on which two days differ.
fn difference(
    offered: &BTreeMap<NaiveDateTime, Vec<String>>,
    expected: &BTreeMap<NaiveDateTime, Vec<String>>,
) -> String {
    let starts = offered.keys().chain(expected.keys());
    let differing: std::collections::BTreeSet<_> =
        starts.filter(|start| offered.get(start) != expected.get(start)).collect();
    let show = |start: &&NaiveDateTime| {
        format!("{} offered {:?}, diary {:?}", start.time(), offered.get(start), expected.get(start))
    };
    let first: Vec<String> = differing.iter().take(3).map(show).collect();
    format!("{} starts differ: {}", differing.len(), first.join("; "))
}
