//! One `[[practice.rule]]` of the configuration.

use std::collections::BTreeSet;

use chrono::{Datelike, NaiveDate, TimeDelta, Weekday};

use crate::ids::{AppointmentTypeId, ResourceId};

/// What a practice keeps back: where that holds, and what holds there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OfferRule {
    /// Its place among the rules of its practice in the file, from 1.
    pub number: u32,
    /// The resources that it is about; every one if empty.
    pub resources: BTreeSet<ResourceId>,
    /// The appointment types that it is about; every one if empty.
    pub types: BTreeSet<AppointmentTypeId>,
    /// The days of the week that it is about; every one if empty.
    pub days: Vec<Weekday>,
    /// Starts within these only; no limit if empty.
    pub hours: Vec<StartHours>,
    /// Nothing sooner than this from now.
    pub min_notice: Option<TimeDelta>,
    /// So many days after today; 0 is today only.
    pub max_days_ahead: Option<u32>,
    /// So many bookings through us of a resource and day.
    pub max_per_day: Option<u32>,
    /// So many of a day's free starts are kept, the latest ones.
    pub keep_free: Option<u32>,
    /// New clients are turned away.
    pub new_clients: Option<NewClients>,
}

/// Starts from one minute of the day up to, but not including, another: `from < to <= 1440`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartHours {
    /// The first minute at which an appointment may begin.
    pub from_minute: u32,
    /// The first minute at which it may not any more.
    pub to_minute: u32,
}

/// New clients are rejected.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewClients {
    /// In these words.
    pub message: String,
}

/// What holds by a rule, as the configuration calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RuleKey {
    /// `hours`.
    Hours,
    /// `min_notice`.
    MinNotice,
    /// `max_days_ahead`.
    MaxDaysAhead,
    /// `max_per_day`.
    MaxPerDay,
    /// `keep_free`.
    KeepFree,
    /// `new_patients`.
    NewPatients,
}

/// A key of a rule of a practice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct RuleAt {
    /// The rule's place among those of its practice, from 1.
    pub number: u32,
    /// The key.
    pub key: RuleKey,
}

impl RuleKey {
    /// As it is written in the configuration.
    pub fn name(self) -> &'static str {
        match self {
            Self::Hours => "hours",
            Self::MinNotice => "min_notice",
            Self::MaxDaysAhead => "max_days_ahead",
            Self::MaxPerDay => "max_per_day",
            Self::KeepFree => "keep_free",
            Self::NewPatients => "new_patients",
        }
    }
}

impl OfferRule {
    /// True if it is about a resource.
    pub fn is_about(&self, resource: ResourceId) -> bool {
        self.resources.is_empty() || self.resources.contains(&resource)
    }

    /// True if it is about an appointment type.
    pub fn is_of(&self, kind: AppointmentTypeId) -> bool {
        self.types.is_empty() || self.types.contains(&kind)
    }

    /// True if it is about a day.
    pub fn is_on(&self, date: NaiveDate) -> bool {
        self.days.is_empty() || self.days.contains(&date.weekday())
    }

    /// One of its keys.
    pub fn at(&self, key: RuleKey) -> RuleAt {
        RuleAt { number: self.number, key }
    }

    /// True if it says what holds anywhere.
    pub fn says_something(&self) -> bool {
        self.narrows() || self.new_clients.is_some()
    }

    /// True if it withholds times, and not only new clients.
    pub fn narrows(&self) -> bool {
        let Self {
            number: _,
            resources: _,
            types: _,
            days: _,
            hours,
            min_notice,
            max_days_ahead,
            max_per_day,
            keep_free,
            new_clients: _,
        } = self;
        !hours.is_empty()
            || min_notice.is_some()
            || max_days_ahead.is_some()
            || max_per_day.is_some()
            || keep_free.is_some()
    }

    /// Each of its keys that withholds times, with a rule of the same number that says only that.
    pub(super) fn keys_apart(&self) -> Vec<(RuleAt, Self)> {
        let bare = || Self {
            hours: Vec::new(),
            min_notice: None,
            max_days_ahead: None,
            max_per_day: None,
            keep_free: None,
            new_clients: None,
            ..self.clone()
        };
        let all = [
            (RuleKey::Hours, Self { hours: self.hours.clone(), ..bare() }),
            (RuleKey::MinNotice, Self { min_notice: self.min_notice, ..bare() }),
            (RuleKey::MaxDaysAhead, Self { max_days_ahead: self.max_days_ahead, ..bare() }),
            (RuleKey::MaxPerDay, Self { max_per_day: self.max_per_day, ..bare() }),
            (RuleKey::KeepFree, Self { keep_free: self.keep_free, ..bare() }),
        ];
        all.into_iter().filter(|(_, rule)| rule.narrows()).map(|(key, rule)| (self.at(key), rule)).collect()
    }
}

impl StartHours {
    /// True if an appointment may begin at a minute of the day.
    pub fn hold(self, minute: u32) -> bool {
        self.from_minute <= minute && minute < self.to_minute
    }
}

/// The number of the first rule that turns new clients away who book a type of a resource on a day.
pub fn refusal_of_new_clients(
    rules: &[OfferRule],
    resource: ResourceId,
    kind: AppointmentTypeId,
    date: NaiveDate,
) -> Option<(u32, &NewClients)> {
    let applies = |rule: &&OfferRule| rule.is_about(resource) && rule.is_of(kind) && rule.is_on(date);
    rules.iter().filter(applies).find_map(|rule| Some((rule.number, rule.new_clients.as_ref()?)))
}
