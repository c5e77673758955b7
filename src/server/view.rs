//! What operators see of the bridge, as JSON. The page shows the same.

use std::borrow::Cow;
use std::time::Duration;

use chrono::{DateTime, FixedOffset, TimeDelta, Utc};
use serde::{Deserialize, Serialize};

use crate::availability::rules::{ForeignNames, OfferRule};
use crate::bridge::Bridge;
use crate::bridge::off::Off;
use crate::bridge::runner::RunState;
use crate::http::penalty;
use crate::ids::PracticeId;
use crate::mapping::changes::ConfigurationChanges;
use crate::messages::{admin as say, practice_called, rules as rules_say, supervisor as supervisor_say};
use crate::practice::Practice;
use crate::practice::health;
use crate::practice::ledger::Ledger;
use crate::practice::resync::{ResyncOutcome, ResyncProgress};
use crate::store::{ExportHead, Judgement};
use crate::without_store::{Shown, WithoutStore};

/// The whole bridge.
#[derive(Debug, Serialize, Deserialize)]
pub struct BridgeStatus {
    /// The version of the program.
    pub version: Cow<'static, str>,
    /// Since when it runs.
    pub started_at: DateTime<Utc>,
    /// True if every practice is in step and has no problem.
    pub healthy: bool,
    /// What is wrong with the whole rather than with one practice.
    pub problems: Vec<health::problems::Problem>,
    /// The practices that are on.
    pub practices: Vec<PracticeStatus>,
    /// The practices that are off, or about to be.
    pub off: Vec<OffStatus>,
    /// The servers that want to be left alone.
    #[serde(default)]
    pub left_alone: Vec<LeftAloneView>,
    /// What is no problem and may become one.
    #[serde(default)]
    pub notes: Vec<String>,
}

impl BridgeStatus {
    /// What is wrong, each cause once: that of the service, then that of the practices that are on,
    /// then of those that are off, each with the practices that it concerns.
    pub fn causes(&self) -> Vec<(Vec<PracticeId>, &health::problems::Problem)> {
        let whole = self.problems.iter().map(|problem| (None, problem));
        let id = |id: &str| Some(PracticeId(id.to_owned()));
        let on = self.practices.iter();
        let on = on.flat_map(|own| own.problems.iter().map(move |problem| (id(&own.id), problem)));
        let off = self.off.iter();
        let off = off.flat_map(|own| own.problems.iter().map(move |problem| (id(&own.id), problem)));
        health::causes::by_cause(whole.chain(on).chain(off))
    }

    /// The name of a practice's zone, once it is known.
    pub fn zone_of(&self, practice: &PracticeId) -> Option<&str> {
        let on = self.practices.iter().map(|own| (&own.id, &own.zone));
        let mut all = on.chain(self.off.iter().map(|own| (&own.id, &own.zone)));
        all.find(|(id, _)| **id == practice.0)?.1.as_deref()
    }

    /// What a practice is called.
    pub fn called(&self, practice: &PracticeId) -> String {
        let on = self.practices.iter().map(|own| (&own.id, &own.name));
        let mut all = on.chain(self.off.iter().map(|own| (&own.id, &own.name)));
        let name = all.find(|(id, _)| **id == practice.0).and_then(|(_, name)| name.as_deref());
        practice_called(&practice.0, name)
    }
}

/// A server that wants to be left alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct LeftAloneView {
    /// `OpenVPMS` or `Healthengine`.
    pub server: Cow<'static, str>,
    /// Until when.
    pub until: DateTime<Utc>,
    /// The status of the answer that asked for it.
    pub status: u16,
}

impl LeftAloneView {
    /// In a sentence.
    pub fn sentence(&self) -> String {
        say::left_alone(&self.server, self.status, self.until.format("%Y-%m-%d %H:%M:%S UTC"))
    }
}

/// Which servers are asked again although they wanted to be left alone.
#[derive(Debug, Serialize, Deserialize)]
pub struct AskedAgain {
    /// Their names.
    pub servers: Vec<Cow<'static, str>>,
}

impl AskedAgain {
    /// These.
    pub fn of(servers: &[&'static str]) -> Self {
        Self { servers: servers.iter().copied().map(Into::into).collect() }
    }
}

/// A practice that is off, or about to be.
#[derive(Debug, Serialize, Deserialize)]
pub struct OffStatus {
    /// Its id at Healthengine.
    pub id: String,
    /// What its location is called, once that is known.
    #[serde(default)]
    pub name: Option<String>,
    /// `disabled`, `paused` or `removed`.
    pub why: Cow<'static, str>,
    /// True once its days are empty and nothing is sent any more.
    pub silent: bool,
    /// What keeps it from that.
    pub problems: Vec<health::problems::Problem>,
    /// Bookings that somebody must look at.
    pub needs_attention: usize,
    /// Since when it is paused.
    #[serde(default)]
    pub since: Option<DateTime<FixedOffset>>,
    /// The practice's zone, once it is known.
    #[serde(default)]
    pub zone: Option<String>,
}

impl OffStatus {
    /// `None` for a practice that is on.
    pub fn of(practice: &Practice, standing: RunState, bridge: &Bridge) -> Option<Self> {
        let (off, silent) = match standing {
            RunState::On => return None,
            RunState::Leaving(off) => (off, false),
            RunState::Silent(off) => (off, true),
        };
        let mut problems = practice.health().problems();
        // Of one that is silent nothing else is known any more.
        problems.retain(|problem| !silent || problem.is_about(&health::subject::Subject::Paused));
        let zone = bridge.zone_of(practice.id());
        let since = (off == Off::Paused).then(|| bridge.paused_since(practice.id())).flatten();
        Some(Self {
            id: practice.id().to_string(),
            name: practice.name(),
            why: off.name().into(),
            silent,
            problems,
            needs_attention: flagged(bridge.ledger(), practice.id()),
            since: since.map(|since| zone.at(since)),
            zone: Some(zone.to_string()),
        })
    }

    /// A practice of which nothing is left but bookings that somebody must look at.
    fn gone(id: &PracticeId, ledger: &Ledger) -> Self {
        let needs_attention = flagged(ledger, id);
        let why = Off::Removed.name().into();
        let (id, problems) = (id.to_string(), Vec::new());
        Self { id, name: None, why, silent: true, problems, needs_attention, since: None, zone: None }
    }
}

/// What came of a pause, or of its end.
#[derive(Debug, Serialize, Deserialize)]
pub struct PauseOutcome {
    /// The practice.
    pub practice: String,
    /// True if it is to be on: it is neither paused nor disabled.
    pub on: bool,
    /// How it stands while it is off.
    pub off: Option<OffStatus>,
    /// False if it was paused, or was not, already.
    pub is_new: bool,
}

/// One practice.
#[derive(Debug, Serialize, Deserialize)]
pub struct PracticeStatus {
    /// Its id at Healthengine.
    pub id: String,
    /// What its location is called, once that is known.
    #[serde(default)]
    pub name: Option<String>,
    /// True if what Healthengine shows is what the diary says.
    pub in_step: bool,
    /// Since when it is, if it is: by what this process judged since its start.
    #[serde(default)]
    pub in_step_since: Option<DateTime<FixedOffset>>,
    /// Since when it is not, if it is not.
    #[serde(default)]
    pub not_in_step_since: Option<DateTime<FixedOffset>>,
    /// True if it is so for the first time since the start: how it was before is not known.
    #[serde(default)]
    pub is_first_since_start: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// What is wrong, with what to do.
    pub problems: Vec<health::problems::Problem>,
    /// How many resources are offered.
    pub resources: usize,
    /// Bookings that somebody must look at.
    pub needs_attention: usize,
    /// The last poll that was answered.
    pub polled_at: Option<DateTime<FixedOffset>>,
    /// The last webhook for this practice.
    pub webhook_at: Option<DateTime<FixedOffset>>,
    /// The last whole reading of the near days.
    pub read_at: Option<DateTime<FixedOffset>>,
    /// What of the configuration is planned, and not accepted by Healthengine yet.
    #[serde(default)]
    pub unsent_configuration: Option<ConfigurationChanges>,
    /// When the configuration was last known to be accepted.
    pub configured_at: Option<DateTime<FixedOffset>>,
    /// When a day was last sent.
    pub sent_at: Option<DateTime<FixedOffset>>,
    /// The practice's zone, once it is known.
    #[serde(default)]
    pub zone: Option<String>,
    /// The rules of its offer that are in force.
    #[serde(default)]
    pub rules: Vec<RuleInForce>,
}

/// A rule of a practice's offer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleInForce {
    /// Its place among the practice's rules in the configuration, from 1.
    pub number: u32,
    /// About what it is, and what holds there, in a sentence.
    pub text: String,
}

/// A practice that is not ready, for `/readyz`.
#[derive(Debug, Serialize)]
pub struct NotReady {
    practice: String,
    reasons: Vec<String>,
}

impl NotReady {
    /// `None` if it is ready.
    pub fn of(status: PracticeStatus) -> Option<Self> {
        (!status.in_step).then_some(Self { practice: status.id, reasons: status.reasons })
    }
}

/// Why a request was not served, as JSON.
#[derive(Debug, Serialize, Deserialize)]
pub struct ErrorBody {
    /// A sentence for a person.
    pub error: String,
}

/// The media type of a resync that is answered line by line.
pub const NDJSON: &str = "application/x-ndjson";

/// A line of such an answer. The last one is no `Progress`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ResyncLine {
    /// How far it is.
    Progress(ResyncProgress),
    /// How it ended.
    Outcome(Box<ResyncOutcome>),
    /// It ended without an outcome.
    Error(String),
}

/// A line of the whole state, which is told line by line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum StateLine<'a> {
    /// The first line.
    Head(ExportHead),
    /// A record that travels.
    Record {
        /// Its whole key.
        key: Cow<'a, str>,
        /// As the database has it.
        text: Cow<'a, str>,
    },
    /// The last line.
    Judgement(Judgement),
}

/// The bridge as it is now.
pub fn status(bridge: &Bridge) -> BridgeStatus {
    let practices: Vec<PracticeStatus> =
        bridge.practices().map(|practice| practice_status(bridge, &practice)).collect();
    let off = off_status(bridge, &practices);
    let problems = bridge.health().problems();
    let on_is_well =
        |practice: &PracticeStatus| practice.in_step && practice.problems.is_empty() && practice.needs_attention == 0;
    let healthy = problems.is_empty()
        && practices.iter().all(on_is_well)
        && off.iter().all(|practice| practice.problems.is_empty() && practice.needs_attention == 0);
    BridgeStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: bridge.started_at(),
        healthy,
        problems,
        practices,
        off,
        left_alone: left_alone(bridge.left_alone(), bridge.now()),
        notes: notes(bridge),
    }
}

/// Calls that come by themselves and use most of a rate limit. Where they are too many, that is a
/// problem.
fn notes(bridge: &Bridge) -> Vec<String> {
    let near = bridge.call_rates().into_iter().filter(|own| !own.is_too_much);
    near.map(|own| own.advice.to_string()).collect()
}

fn left_alone(servers: Vec<(&'static str, penalty::LeftAlone)>, now: DateTime<Utc>) -> Vec<LeftAloneView> {
    let until = |left: Duration| TimeDelta::from_std(left).ok().and_then(|left| now.checked_add_signed(left));
    servers
        .into_iter()
        .map(|(server, penalty)| LeftAloneView {
            server: server.into(),
            until: until(penalty.left).unwrap_or(now),
            status: penalty.status,
        })
        .collect()
}

/// The service as it is while it has no store.
pub fn without_store(service: &WithoutStore) -> BridgeStatus {
    let Shown { why, polled_at } = service.shown().clone();
    let ill = |id: &PracticeId| supervisor_say::not_alive(&service.supervisor().ill(id));
    let practice = |(id, polled_at): (PracticeId, Option<DateTime<Utc>>)| PracticeStatus {
        in_step: false,
        in_step_since: None,
        not_in_step_since: Some(service.began().fixed_offset()),
        is_first_since_start: true,
        reasons: std::iter::once(why.clone()).chain(ill(&id)).collect(),
        id: id.0,
        name: None,
        problems: Vec::new(),
        resources: 0,
        needs_attention: 0,
        polled_at: polled_at.map(|at| at.fixed_offset()),
        webhook_at: None,
        read_at: None,
        unsent_configuration: None,
        configured_at: None,
        sent_at: None,
        zone: None,
        rules: Vec::new(),
    };
    let practices = polled_at.into_iter().map(practice).collect();
    BridgeStatus {
        version: env!("CARGO_PKG_VERSION").into(),
        started_at: service.began(),
        healthy: false,
        problems: [vec![health::problems::Problem::of_store(why, service.began())], service.health().problems()]
            .concat(),
        practices,
        off: Vec::new(),
        left_alone: left_alone(service.penalties().left_alone(), service.now()),
        notes: Vec::new(),
    }
}

/// The practices that are off, and those that are gone from the configuration and have bookings
/// that need somebody.
fn off_status(bridge: &Bridge, on: &[PracticeStatus]) -> Vec<OffStatus> {
    let ledger = bridge.ledger();
    let off = bridge.off().into_iter().filter_map(|(practice, standing)| OffStatus::of(&practice, standing, bridge));
    let mut off: Vec<OffStatus> = off.collect();
    for id in ledger.practices_with_flags() {
        let is_listed = on.iter().any(|own| own.id == id.0) || off.iter().any(|own| own.id == id.0);
        if !is_listed {
            off.push(OffStatus::gone(&id, ledger));
        }
    }
    off
}

/// How many bookings of a practice somebody must look at.
pub(super) fn flagged(ledger: &Ledger, practice: &PracticeId) -> usize {
    ledger.live_of(practice).iter().filter(|entry| entry.needs_attention.is_some()).count()
}

fn practice_status(bridge: &Bridge, practice: &Practice) -> PracticeStatus {
    let now = bridge.now();
    let zone = practice.zone();
    let last_done = practice.last_done();
    let reasons = practice.not_in_step(now);
    let step = practice.step_since();
    let since = |in_step: bool| step.filter(|step| step.in_step == in_step).map(|step| zone.at(step.at));
    let local = |at: Option<DateTime<Utc>>| at.map(|at| zone.at(at));
    PracticeStatus {
        id: practice.id().to_string(),
        name: practice.name(),
        in_step: reasons.is_empty(),
        in_step_since: since(true),
        not_in_step_since: since(false),
        is_first_since_start: step.is_some_and(|step| step.is_first),
        reasons,
        problems: practice.health().problems(),
        resources: practice.offering().map_or(0, |offering| offering.mapping.resources.len()),
        needs_attention: flagged(bridge.ledger(), practice.id()),
        polled_at: local(last_done.polled_at),
        webhook_at: local(practice.webhook_at()),
        read_at: local(last_done.read_at),
        unsent_configuration: practice.unsent_configuration(),
        configured_at: local(last_done.configured_at),
        sent_at: local(last_done.sent_at),
        zone: Some(zone.to_string()),
        rules: rules_in_force(practice),
    }
}

/// What a rule names is known once OpenVPMS was read.
fn rules_in_force(practice: &Practice) -> Vec<RuleInForce> {
    let offering = practice.offering();
    let names = |rule: &OfferRule| {
        offering.as_ref().map(|offering| ForeignNames::of(rule, &offering.mapping.resources)).unwrap_or_default()
    };
    let told = |rule: &OfferRule| RuleInForce { number: rule.number, text: rules_say::in_force(rule, &names(rule)) };
    practice.rules().iter().map(told).collect()
}

/// A moment as people read it, at practice time.
pub(crate) fn time_if_any(at: Option<DateTime<FixedOffset>>) -> String {
    at.map_or_else(|| "not yet".into(), |at| at.format("%Y-%m-%d %H:%M:%S").to_string())
}
