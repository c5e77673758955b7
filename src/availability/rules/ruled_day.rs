//! What the rules withhold on one day of one resource.

use chrono::{DateTime, NaiveDate, TimeDelta, Utc};

use super::in_force::RulesInForce;
use super::offer_rule::{OfferRule, RuleAt, RuleKey};
use crate::availability::diff::Moment;
use crate::ids::{AppointmentTypeId, ResourceId};

/// The rules about one day of one resource.
pub(in crate::availability) struct RuledDay<'a> {
    rules: Vec<RuleOnDay<'a>>,
    now: DateTime<Utc>,
}

/// A rule, with what it makes of the day as a whole.
struct RuleOnDay<'a> {
    rule: &'a OfferRule,
    /// False if it is only about the next day.
    is_on: bool,
    /// It withholds every start, because the day is so far ahead.
    is_too_far: bool,
    /// It withholds every start, because of the bookings of the day.
    is_full: bool,
    /// The first start that is kept, of the day or else of the next one: no appointment from here
    /// on, and none that ends later. A place on the grid.
    kept_from: Option<DateTime<Utc>>,
}

/// The free starts of the diary, in order; asked for only where a rule keeps some.
pub(in crate::availability) trait FreeStarts {
    /// Those of the day.
    fn of_day(&self) -> Vec<DateTime<Utc>>;
    /// Those of the next day; none where no appointment can run past midnight.
    fn of_next_day(&self) -> Vec<DateTime<Utc>>;
}

/// A time that somebody may want.
#[derive(Debug, Clone, Copy)]
pub(in crate::availability) struct AskedSpan {
    /// The minute of the day at which it begins, by the practice's clock.
    pub(in crate::availability) minute: u32,
    pub(in crate::availability) start: DateTime<Utc>,
    pub(in crate::availability) length: TimeDelta,
}

impl<'a> RuledDay<'a> {
    /// `None` if no rule is about the day.
    pub(in crate::availability) fn new(
        in_force: RulesInForce<'a>,
        narrowing: &[&'a OfferRule],
        (resource, date): (ResourceId, NaiveDate),
        (moment, today): (Moment, NaiveDate),
        free_starts: &impl FreeStarts,
    ) -> Option<Self> {
        let (mut of_day, mut of_next) = (None, None);
        let on_day = |rule: &&'a OfferRule| {
            let is_on = rule.is_on(date);
            let is_too_far = rule.max_days_ahead.is_some_and(|days| i64::from(days) < (date - today).num_days());
            let is_full = rule.max_per_day.filter(|_| is_on);
            let is_full = is_full.is_some_and(|max| in_force.booked(rule, resource, date) >= max as usize);
            let kept = rule.keep_free.map(|count| count as usize);
            let of_day = |count| kept_from(of_day.get_or_insert_with(|| free_starts.of_day()), count);
            let of_next = |count| kept_from(of_next.get_or_insert_with(|| free_starts.of_next_day()), count);
            let is_on_next = || date.succ_opt().is_some_and(|next| rule.is_on(next));
            let kept_from = kept.filter(|_| is_on).and_then(of_day);
            let kept_from = kept_from.or_else(|| kept.filter(|_| is_on_next()).and_then(of_next));
            RuleOnDay { rule, is_on, is_too_far, is_full, kept_from }
        };
        let is_about = |own: &RuleOnDay<'_>| own.is_on || own.kept_from.is_some();
        let rules: Vec<RuleOnDay<'a>> = narrowing.iter().map(on_day).filter(is_about).collect();
        (!rules.is_empty()).then_some(Self { rules, now: moment.now })
    }

    /// The keys that withhold an appointment type from a time, in the order of the file. Each of
    /// them does so alone.
    pub(in crate::availability) fn withholding(
        &self,
        kind: AppointmentTypeId,
        asked: AskedSpan,
    ) -> impl Iterator<Item = RuleAt> {
        let of_type = self.rules.iter().filter(move |own| own.rule.is_of(kind));
        of_type.flat_map(move |own| own.keys(asked, self.now).map(|key| own.rule.at(key)))
    }
}

impl RuleOnDay<'_> {
    /// The keys by which it withholds a time of its types.
    fn keys(&self, asked: AskedSpan, now: DateTime<Utc>) -> impl Iterator<Item = RuleKey> {
        let hours = &self.rule.hours;
        let is_outside = !hours.is_empty() && !hours.iter().any(|hours| hours.hold(asked.minute));
        let is_too_soon = self.rule.min_notice.is_some_and(|notice| asked.start < now + notice);
        // From a kept start the appointment would be in it, and one that begins before and ends
        // later would run into it.
        let runs_into = |kept: DateTime<Utc>| kept < asked.start + asked.length;
        let keys = [
            (RuleKey::Hours, self.is_on && is_outside),
            (RuleKey::MinNotice, self.is_on && is_too_soon),
            (RuleKey::MaxDaysAhead, self.is_on && self.is_too_far),
            (RuleKey::MaxPerDay, self.is_on && self.is_full),
            (RuleKey::KeepFree, self.kept_from.is_some_and(runs_into)),
        ];
        keys.into_iter().filter_map(|(key, withholds)| withholds.then_some(key))
    }
}

/// The first of the last free starts; the very first where there are no more than are kept.
fn kept_from(free_starts: &[DateTime<Utc>], count: usize) -> Option<DateTime<Utc>> {
    free_starts.get(free_starts.len().saturating_sub(count)).copied()
}
