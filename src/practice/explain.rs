//! Why a time is offered or not: reads the day, or falls back on the last reading of it, and asks
//! the rules that publishing asks.

use std::sync::Arc;
use std::time::Duration;

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::Practice;
use super::configuration::sync::SyncReason;
use super::kept_readings::KeptReading;
use super::offering::Offering;
use super::round_error::RoundError;
use crate::availability::explanation::{Code, ExplainedSlot, all_alike, explain, offered_day};
use crate::availability::rules::OfferRule;
use crate::availability::{DayChange, Days, Moment, Zones, compare};
use crate::bridge::off::Off;
use crate::ids::{PracticeId, ResourceId};
use crate::mapping::Resource;
use crate::messages::{configuration_sync as configuration_say, explain as say};
use crate::metrics::on_behalf_of::OnBehalfOf;
use crate::publishing::SendIf;
use crate::publishing::last_sent::LastSent;

/// A day that was read this short a time ago is not read again for whoever looks at it.
const FRESH: TimeDelta = TimeDelta::seconds(5);
/// Whoever asks is told by the last reading if OpenVPMS does not answer within this time.
const READ_WITHIN: Duration = Duration::from_secs(8);
/// The grid of a resource whose slots nobody knows: one slot.
const WHOLE_DAY: u32 = 24 * 60;

/// One day of one resource.
#[derive(Debug, Clone)]
pub struct Explanation {
    /// The practice.
    pub practice: PracticeId,
    /// The resource.
    pub resource: ResourceId,
    /// The day, by the practice's calendar.
    pub date: NaiveDate,
    /// The zones of the practice and of the server.
    pub zones: Zones,
    /// What it is called, or was when Healthengine was last told.
    pub name: Option<String>,
    /// What its schedule is called, if that is known.
    pub schedule_name: Option<String>,
    /// The resource as OpenVPMS has it; `None` if it is not known at the moment.
    pub known: Option<Resource>,
    /// Each time of the day.
    pub slots: Vec<ExplainedSlot>,
    /// When the reading began that says so; `None` where no reading is needed or there is none.
    pub read_at: Option<DateTime<Utc>>,
    /// What Healthengine was last sent of the day.
    pub last_sent: Option<LastSent>,
    /// True while what it last accepted differs from this.
    pub pending: bool,
    /// Why the practice is off, if it is.
    pub off: Option<Off>,
    /// Nothing is offered sooner than this from now.
    pub min_notice: TimeDelta,
    /// So many days are offered.
    pub horizon_days: u32,
    /// The practice's rules.
    pub rules: Vec<OfferRule>,
}

impl Practice {
    /// Says of each time of a day why it is offered or not.
    ///
    /// # Errors
    /// A sentence about a resource that the practice does not have.
    pub async fn explain(
        &self,
        resource: ResourceId,
        date: NaiveDate,
        off: Option<Off>,
    ) -> Result<Explanation, String> {
        let offering = self.context.offering.current();
        let known = offering.as_ref().and_then(|offering| offering.mapping.resource(resource)).cloned();
        let is_held = self.accepted.protected().contains(&resource);
        // Of a practice that is off OpenVPMS need never have been read.
        let is_off_unread = off.is_some() && offering.is_none();
        self.check_resource(resource, offering.as_deref(), known.is_some() || is_held || is_off_unread)?;
        let zone = self.context.zone();
        let zones = offering.as_ref().map_or(Zones { server: zone, practice: zone }, |offering| offering.zones);
        let sent = || self.publisher.sent.last_of((resource, date));
        let sent_slot_size = || sent().map(|last| last.sent.day.slot_size_minutes());
        let slot_size = known.as_ref().map(|own| own.slot_size_minutes).or_else(sent_slot_size).unwrap_or(WHOLE_DAY);
        let horizon = Days::from_today(self.context.now(), &zones.practice, self.context.settings.sync.horizon_days);
        let for_the_whole_day = match off {
            Some(_) => Some(Code::Off),
            None if is_held => Some(Code::HeldBack),
            None if horizon.first <= date && !horizon.holds(date) => Some(Code::BeyondHorizon),
            None => None,
        };
        let (mut read_at, mut is_read) = (None, true);
        let slots = match (for_the_whole_day, &offering, &known) {
            (None, Some(offering), Some(known)) if horizon.holds(date) => {
                let seen = self.day_as_read(offering, known, date).await;
                is_read = seen.is_some();
                seen.map(|(began, slots)| {
                    read_at = Some(began);
                    slots
                })
            }
            _ => None,
        };
        // After the reading, for which days can have been sent meanwhile.
        let (now, last_sent) = (self.context.now(), sent());
        let code = for_the_whole_day.unwrap_or(Code::NotRead);
        let slots = slots.unwrap_or_else(|| all_alike(code, date, slot_size, &zones, now));
        let wanted = (code != Code::NotRead || is_read && known.is_some()).then(|| offered_day(&slots, slot_size));
        let moment = Moment { now, min_notice: self.context.min_notice() };
        let is_unheard = self.publisher.sent.unacknowledged((resource, date)).is_some();
        let differs = |last: &LastSent| {
            wanted.as_ref().is_some_and(|wanted| {
                compare(Some(&last.sent), wanted, date, moment, &zones.practice) == DayChange::Send
            })
        };
        let pending = match &last_sent {
            None => for_the_whole_day.is_none() && horizon.holds(date),
            Some(last) => is_unheard || !last.sent.accepted || differs(last),
        };
        if pending && for_the_whole_day.is_none() && read_at.is_some() {
            // Whoever looks need not wait for the next reading.
            self.publisher.changed.add(resource, date, SendIf::Changed);
        }
        let name = known.as_ref().map(|own| own.name.clone()).or_else(|| self.accepted.resource_name(resource));
        Ok(Explanation {
            practice: self.context.id().clone(),
            resource,
            date,
            zones,
            schedule_name: self.schedule_name(resource, name.as_deref()),
            name,
            known,
            slots,
            read_at,
            last_sent,
            pending,
            off,
            min_notice: moment.min_notice,
            horizon_days: self.context.settings.sync.horizon_days,
            rules: self.context.config.rules.clone(),
        })
    }

    /// Reads what OpenVPMS offers, for whoever has no running service. Nothing is sent.
    ///
    /// # Errors
    /// What went wrong, in a sentence.
    pub async fn read_what_is_offered(&self) -> Result<(), String> {
        match self.configuration.configure(SyncReason::Interval, true).await {
            // What Healthengine says is no matter here.
            Ok(_) | Err(RoundError::Healthengine(_)) => Ok(()),
            Err(failed @ (RoundError::OpenVpms(_) | RoundError::NoZone)) => {
                Err(failed.sentence(self.context.id(), &self.context.settings.places))
            }
        }
    }

    /// The resources whose days can be asked for, by id, with their names.
    pub fn explained_resources(&self) -> Vec<(ResourceId, String)> {
        let Some(offering) = self.context.offering.current() else { return self.accepted.resource_names() };
        offering.mapping.resources.iter().map(|resource| (resource.id, resource.name.clone())).collect()
    }

    /// What the schedule of a resource of this name is called.
    fn schedule_name(&self, id: ResourceId, name: Option<&str>) -> Option<String> {
        let whole = ResourceId::schedule(id.schedule);
        let listed = self.explained_resources().into_iter().find(|(own, _)| *own == whole).map(|(_, name)| name);
        match (listed, id.user) {
            (Some(listed), _) => Some(listed),
            (None, None) => name.map(str::to_owned),
            // A clinician's resource is called `<clinician> - <schedule>`.
            (None, Some(_)) => name?.split_once(" - ").map(|(_, schedule)| schedule.to_owned()),
        }
    }

    fn check_resource(&self, id: ResourceId, offering: Option<&Offering>, is_known: bool) -> Result<(), String> {
        if is_known || self.publisher.sent.has_resource(id) || self.accepted.resources_at_healthengine().contains(&id) {
            return Ok(());
        }
        let Some(offering) = offering else {
            let configured = &self.context.config.resources;
            let is_asked_for = configured.iter().any(|own| own.schedule == id.schedule && own.user == id.user);
            return if is_asked_for { Ok(()) } else { Err(say::not_known_yet(id, self.context.id())) };
        };
        let left_out = offering.mapping.left_out.iter().find(|left_out| left_out.resource == id);
        Err(match left_out {
            Some(left_out) => configuration_say::left_out(left_out),
            None => say::unknown_resource(id, self.context.id(), &self.explained_resources()),
        })
    }

    /// The day as OpenVPMS has it now, or as it was last read for as long as that counts.
    async fn day_as_read(
        &self,
        offering: &Arc<Offering>,
        resource: &Resource,
        date: NaiveDate,
    ) -> Option<(DateTime<Utc>, Vec<ExplainedSlot>)> {
        let told = |kept: KeptReading| {
            let slots =
                self.reader.asking(&kept.readings, offering, None, |question| explain(question, resource, date));
            Some((kept.began, slots?))
        };
        let is_fresh = |kept: &KeptReading| (self.context.now() - kept.began).abs() <= FRESH;
        if let Some(fresh) = self.reader.kept.of(date).into_iter().filter(is_fresh).find_map(told) {
            return Some(fresh);
        }
        {
            // One at a time: many who look at one page must not keep a clinic's server busy.
            let _one = self.reader.explaining.lock().await;
            if let Some(fresh) = self.reader.kept.of(date).into_iter().filter(is_fresh).find_map(told) {
                return Some(fresh);
            }
            // Bookings go first: whoever waits here is told by the last reading.
            let server = &self.context.openvpms.background;
            let read = self.reader.read(server, offering, std::slice::from_ref(resource), Days::one(date));
            let read = OnBehalfOf::practice(self.context.id()).does(read);
            let _late = tokio::time::timeout(READ_WITHIN, read).await;
        }
        let latest = self.reader.kept.of(date).into_iter().find_map(told)?;
        let counts = (self.context.now() - latest.0).abs() <= FRESH + TimeDelta::from_std(READ_WITHIN).ok()?;
        (counts || !self.is_reading_out_of_step(self.context.now())).then_some(latest)
    }
}
