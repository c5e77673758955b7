//! `GET /api/v1/practices/{id}/explain?resource=R&date=D`: slot by slot, why a time is or is not
//! offered. `&at=HH:MM` and `&type=ID` narrow it.
//!
//! 200 with the day; 400 for a query that says nothing clear, 404 for a practice or a resource that
//! is not there.

use axum::Json;
use axum::extract::rejection::QueryRejection;
use axum::extract::{Path, Query, State};
use axum::http::StatusCode;
use axum::response::{IntoResponse, Response};
use chrono::{DateTime, FixedOffset, NaiveTime};
use serde::{Deserialize, Serialize};

use super::Admin;
use super::problem::problem;
use crate::availability::RuledOutType;
use crate::availability::explanation::{Code, ExplainedSlot};
use crate::availability::rules::RuleAt;
use crate::dates;
use crate::healthengine::AvailabilityRange;
use crate::ids::{AppointmentTypeId, PracticeId, TypeId};
use crate::mapping::ResourceType;
use crate::messages::{admin as admin_say, explain as say};
use crate::practice::explain::Explanation;

/// One day of one resource.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ExplanationView {
    /// The practice.
    pub practice_id: String,
    /// The resource, as Healthengine has it.
    pub resource: String,
    /// Its name; absent while OpenVPMS does not list it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// The day.
    pub date: String,
    /// The zone of its times.
    pub timezone: String,
    /// The appointment types that the resource has.
    #[serde(default)]
    pub appointment_types: Vec<TypeView>,
    /// When OpenVPMS was read for it, at practice time.
    pub read_at: Option<DateTime<FixedOffset>>,
    /// Each time of the day.
    pub slots: Vec<SlotView>,
    /// What Healthengine was last sent of the day.
    pub last_sent: Option<LastSentView>,
    /// True while what it last accepted differs from this.
    pub pending: bool,
}

/// One time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SlotView {
    /// `HH:MM`.
    pub start: String,
    /// `HH:MM`, at most `24:00`.
    pub end: String,
    /// True if the booking executor would accept it now.
    pub offered: bool,
    /// The appointment types that fit from there.
    pub types: Vec<String>,
    /// Those that are not offered, where that is not said by the time's own code.
    pub refused_types: Vec<RefusedType>,
    /// Why.
    pub code: String,
    /// The same in a sentence; empty where it is offered.
    pub text: String,
    /// What to change and where; empty where it is offered.
    pub remedy: String,
    /// The rule that withholds it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleView>,
    /// The other rules that have to change too, if it is to be offered.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_rules: Vec<RuleView>,
}

/// A key of a rule of the practice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleView {
    /// The rule's place among the practice's rules in the configuration, from 1.
    pub number: u32,
    /// The key.
    pub key: String,
}

impl RuleView {
    fn of(rule: RuleAt) -> Self {
        Self { number: rule.number, key: rule.key.name().to_owned() }
    }
}

/// An appointment type.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct TypeView {
    /// Its id at Healthengine.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Its length.
    pub length_minutes: u32,
}

/// An appointment type that does not fit, or that a rule withholds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RefusedType {
    /// Its id at Healthengine.
    #[serde(rename = "type")]
    pub id: String,
    /// Why.
    pub code: String,
    /// The rule that withholds it, where one does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rule: Option<RuleView>,
    /// The other rules that withhold it, each of them alone.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub other_rules: Vec<RuleView>,
    /// Why, in a sentence.
    #[serde(default)]
    pub text: String,
    /// What to change and where.
    #[serde(default)]
    pub remedy: String,
}

impl RefusedType {
    /// Every rule that withholds it.
    pub fn rules(&self) -> impl Iterator<Item = &RuleView> {
        self.rule.iter().chain(&self.other_rules)
    }
}

/// What Healthengine was last sent of a day.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LastSentView {
    /// When, at practice time.
    pub at: DateTime<FixedOffset>,
    /// False if Healthengine refused it.
    pub accepted: bool,
    /// As they were sent.
    pub ranges: Vec<AvailabilityRange>,
}

/// Of which part of a day is asked.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExplainQuery {
    resource: Option<String>,
    date: Option<String>,
    at: Option<String>,
    #[serde(rename = "type")]
    kind: Option<String>,
}

pub(super) async fn explain(
    State(admin): State<Admin>,
    Path(id): Path<String>,
    query: Result<Query<ExplainQuery>, QueryRejection>,
) -> Response {
    let Ok(Query(ExplainQuery { resource: Some(resource), date: Some(date), at, kind })) = query else {
        return problem(StatusCode::BAD_REQUEST, say::QUERY);
    };
    let Ok(resource) = resource.parse() else {
        return problem(StatusCode::BAD_REQUEST, say::no_resource(&resource));
    };
    let Some(date) = dates::day(&date) else { return problem(StatusCode::BAD_REQUEST, say::no_date(&date)) };
    let Some((practice, off)) = admin.bridge.on_or_off(&PracticeId(id.clone())) else {
        return problem(StatusCode::NOT_FOUND, admin_say::no_such_practice(&id));
    };
    let mut explained = match practice.explain(resource, date, off).await {
        Ok(explanation) => ExplanationView::of(&explanation),
        Err(why) => return problem(StatusCode::NOT_FOUND, why),
    };
    match explained.narrow(kind.as_deref(), at.as_deref()) {
        Ok(()) => Json(explained).into_response(),
        Err(why) => problem(StatusCode::BAD_REQUEST, why),
    }
}

impl ExplanationView {
    /// As it is shown.
    pub fn of(explanation: &Explanation) -> Self {
        let zone = explanation.zones.practice;
        let facts = facts(explanation, say::ReadAt::Command);
        Self {
            practice_id: explanation.practice.to_string(),
            resource: explanation.resource.to_string(),
            name: explanation.name.clone(),
            date: explanation.date.to_string(),
            timezone: zone.to_string(),
            appointment_types: types(explanation).map(TypeView::of).collect(),
            read_at: explanation.read_at.map(|at| zone.at(at)),
            slots: explanation.slots.iter().map(|slot| SlotView::of(slot, &facts)).collect(),
            last_sent: explanation.last_sent.as_ref().map(|last| LastSentView {
                at: zone.at(last.sent.at),
                accepted: last.sent.accepted,
                ranges: last.sent.day.snapshot(explanation.resource, explanation.date).availability,
            }),
            pending: explanation.pending,
        }
    }
}

impl ExplanationView {
    /// Leaves what concerns an appointment type, as OpenVPMS or Healthengine has it, and the time
    /// that holds a moment of the day.
    ///
    /// # Errors
    /// A sentence about a type or a time that is not there.
    pub fn narrow(&mut self, kind: Option<&str>, at: Option<&str>) -> Result<(), String> {
        if let Some(kind) = kind {
            let id = if kind.contains(':') { kind.to_owned() } else { format!("{kind}:{}", self.resource) };
            if !self.appointment_types.iter().any(|own| own.id == id) {
                let known = self.appointment_types.iter().map(|own| (own.id.clone(), own.name.clone()));
                return Err(say::no_type(kind, &self.resource, &known.collect::<Vec<_>>()));
            }
            self.slots.iter_mut().for_each(|slot| slot.keep_type(&id));
        }
        if let Some(at) = at {
            let time = NaiveTime::parse_from_str(at, "%H:%M").map_err(|_| say::no_time(at))?;
            let text = time.format("%H:%M").to_string();
            self.slots.retain(|slot| slot.start <= text && text < slot.end);
            if self.slots.is_empty() {
                return Err(say::time_is_skipped(at, &self.date));
            }
        }
        Ok(())
    }
}

fn types(explanation: &Explanation) -> impl Iterator<Item = &ResourceType> {
    explanation.known.iter().flat_map(|own| &own.types)
}

impl TypeView {
    fn of(own: &ResourceType) -> Self {
        Self { id: own.id.to_string(), name: own.plain_name.clone(), length_minutes: own.length_minutes }
    }
}

/// What the sentences are about.
pub(super) fn facts(explanation: &Explanation, read_at: say::ReadAt) -> say::Facts<'_> {
    say::Facts {
        read_at,
        resource_name: explanation.name.as_deref(),
        schedule_name: explanation.schedule_name.as_deref(),
        practice: &explanation.practice,
        resource: explanation.resource,
        shortest_minutes: types(explanation).map(|own| own.length_minutes).min(),
        min_notice: explanation.min_notice,
        horizon_days: explanation.horizon_days,
        off: explanation.off,
        is_closed_all_day: is_closed_all_day(explanation),
        rules: &explanation.rules,
    }
}

/// True if nothing of the day is open. What is past says nothing of that.
fn is_closed_all_day(explanation: &Explanation) -> bool {
    let shut = |slot: &ExplainedSlot| matches!(slot.code, Code::Closed | Code::ClockChange);
    explanation.slots.iter().all(shut)
}

impl SlotView {
    /// True if the same is said of both.
    pub fn is_like(&self, other: &Self) -> bool {
        (&self.code, &self.types, &self.text) == (&other.code, &other.types, &other.text)
            && self.ruled_out().eq(other.ruled_out())
    }

    /// The appointment types that rules keep back from a time that is offered for others.
    pub fn ruled_out(&self) -> impl Iterator<Item = &RefusedType> {
        self.refused_types.iter().filter(|refused| self.offered && refused.rule.is_some())
    }

    /// What is said of it by whoever wants this appointment type only.
    pub fn keep_type(&mut self, id: &str) {
        self.types.retain(|own| own == id);
        self.refused_types.retain(|own| own.id == id);
        // Of a time that is offered to others, or to none because of rules, it is said why this one
        // is not.
        let is_of_types = self.offered || self.rule.is_some();
        if let Some(refused) = self.refused_types.first().filter(|_| is_of_types && self.types.is_empty()) {
            self.offered = false;
            (self.code, self.rule) = (refused.code.clone(), refused.rule.clone());
            self.other_rules.clone_from(&refused.other_rules);
            (self.text, self.remedy) = (refused.text.clone(), refused.remedy.clone());
        }
    }

    fn of(slot: &ExplainedSlot, facts: &say::Facts<'_>) -> Self {
        let id = |kind: &AppointmentTypeId| TypeId { appointment_type: *kind, resource: facts.resource }.to_string();
        let too_long = slot.too_long.iter().map(|kind| RefusedType {
            id: id(kind),
            code: Code::TooShort.name().to_owned(),
            rule: None,
            other_rules: Vec::new(),
            text: say::TYPE_TOO_LONG.to_owned(),
            remedy: say::TYPE_TOO_LONG_REMEDY.to_owned(),
        });
        let ruled_out = slot.ruled_out.iter().filter_map(|RuledOutType { kind, by }| {
            let (rule, other_rules) = first_and_others(by);
            Some(RefusedType {
                id: id(kind),
                code: Code::Rule(*by.first()?).name().to_owned(),
                rule,
                other_rules,
                text: say::type_text(by, facts),
                remedy: say::type_remedy(by, facts),
            })
        });
        let (rule, other_rules) = first_and_others(slot.needed_changes());
        Self {
            start: clock(slot.minute),
            end: clock(slot.end_minute),
            offered: slot.code == Code::Offered,
            types: slot.types.iter().map(id).collect(),
            refused_types: too_long.chain(ruled_out).collect(),
            code: slot.code.name().to_owned(),
            text: say::text(slot, facts),
            remedy: say::remedy(slot, facts),
            rule,
            other_rules,
        }
    }
}

fn first_and_others(by: &[RuleAt]) -> (Option<RuleView>, Vec<RuleView>) {
    let mut all = by.iter().copied().map(RuleView::of);
    (all.next(), all.collect())
}

fn clock(minute: u32) -> String {
    format!("{:02}:{:02}", minute / 60, minute % 60)
}
