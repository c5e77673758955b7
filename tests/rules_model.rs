//! The rules of the offer against a slow model: it takes what is offered without rules (which
//! `tests/availability_model.rs` holds against a model of its own), asks of every start and type each rule in turn, by
//! the wall clock and minute by minute, and knows nothing of pieces, of snapshots, or of a day's first kept start.

#![expect(clippy::unwrap_used, reason = "a test may fail where it likes, its helpers too")]

#[path = "common/scene.rs"]
mod scene;

use std::collections::{BTreeMap, BTreeSet};

use chrono::{DateTime, Datelike, Days as CalendarDays, NaiveDate, TimeDelta, Utc, Weekday};
use proptest::prelude::*;
use vetbridge::availability::explanation::{Code, explain};
use vetbridge::availability::rules::{CountedBooking, OfferRule, RuleAt, RuleKey, RulesInForce, StartHours};
use vetbridge::availability::{Days, Moment, OwnBooking, Question, Rosters, Zones, days, look, window};
use vetbridge::ids::{AppointmentTypeId, ResourceId};
use vetbridge::mapping::Resource;
use vetbridge::span::Span;

use scene::{SCHEDULE, ZoneDay, question, readings, resource, zones_and_day};

/// The days worth looking at: zone, day. On most of them the clocks change.
const DAYS: [ZoneDay; 8] = [
    ("Australia/Sydney", (2026, 10, 4)),
    ("Australia/Sydney", (2027, 4, 4)),
    ("Australia/Sydney", (2027, 2, 15)),
    ("Australia/Lord_Howe", (2026, 10, 4)),
    ("Australia/Lord_Howe", (2027, 4, 4)),
    ("Australia/Brisbane", (2027, 2, 16)),
    ("Europe/London", (2026, 10, 25)),
    ("America/Havana", (2026, 11, 1)),
];

/// Servers whose zone is not the practice's.
const SERVERS: [&str; 3] = ["GMT+10:00", "Australia/Lord_Howe", "Etc/UTC"];

/// One schedule, one day, and the rules about it.
#[derive(Debug, Clone)]
struct Scene {
    zones: Zones,
    day: NaiveDate,
    slot_size_minutes: u32,
    /// Slots per type; the type's id is its place in the list.
    types: Vec<u32>,
    free: Vec<Span>,
    own: Vec<(Span, AppointmentTypeId)>,
    now: DateTime<Utc>,
    min_notice: TimeDelta,
    rules: Vec<OfferRule>,
}

fn resource_id() -> ResourceId {
    ResourceId::schedule(SCHEDULE)
}

/// What a rule is about: this resource or another, some types, some days.
fn scopes() -> impl Strategy<Value = OfferRule> {
    let resources = prop::sample::select(vec![vec![], vec![], vec!["s136"], vec!["s211"], vec!["s211", "s136"]]);
    let types = prop_oneof![2 => Just(BTreeSet::new()), 1 => prop::collection::btree_set(0..4i64, 1..3)];
    let days = prop_oneof![3 => Just(Vec::new()), 1 => prop::collection::vec(0..7u8, 1..5)];
    (resources, types, days).prop_map(|(resources, types, days)| OfferRule {
        resources: resources.into_iter().map(|id| id.parse().unwrap()).collect(),
        types: types.into_iter().map(AppointmentTypeId).collect(),
        days: days.into_iter().map(|day| Weekday::try_from(day).unwrap()).collect(),
        ..OfferRule::default()
    })
}

fn rules() -> impl Strategy<Value = Vec<OfferRule>> {
    let range = (0..1435u32, 5..600u32)
        .prop_map(|(from, length)| StartHours { from_minute: from, to_minute: (from + length).min(1440) });
    let hours = prop::collection::vec(range, 1..4);
    let key = (0..5u8, hours, 1..3000i64, 0..4u32, 1..4u32, 1..12u32);
    let with_key =
        |rule: &mut OfferRule,
         (key, hours, notice, ahead, per_day, keep): (u8, Vec<StartHours>, i64, u32, u32, u32)| match key {
            0 => rule.hours = hours,
            1 => rule.min_notice = Some(TimeDelta::minutes(notice)),
            2 => rule.max_days_ahead = Some(ahead),
            3 => rule.max_per_day = Some(per_day),
            _ => rule.keep_free = Some(keep),
        };
    let rule = (scopes(), prop::collection::vec(key, 1..3)).prop_map(move |(mut rule, keys)| {
        keys.into_iter().for_each(|key| with_key(&mut rule, key));
        rule
    });
    prop::collection::vec(rule, 1..4).prop_map(|mut rules| {
        rules.iter_mut().zip(1..).for_each(|(rule, number)| rule.number = number);
        rules
    })
}

fn scenes() -> impl Strategy<Value = Scene> {
    let which = (0..DAYS.len(), prop_oneof![3 => Just(None), 1 => (0..SERVERS.len()).prop_map(Some)]);
    let slot_size = prop::sample::select(vec![10u32, 15, 20, 30, 50]);
    let types = prop::collection::vec(1..=4u32, 2..5);
    // In minutes from midnight.
    let free = prop::collection::vec((0..1620i64, 15..500i64), 1..5);
    let own = prop::collection::vec((0..1440i64, 10..90i64, 0..4i64), 0..5);
    let time = (-4 * 1440..1500i64, 0..4i64);
    (which, slot_size, types, free, own, time, rules()).prop_map(
        |((which, server), slot_size_minutes, types, free, own, (now, notice), rules)| {
            let (zones, day) = zones_and_day(DAYS[which], server.map(|at| SERVERS[at]));
            let midnight = zones.practice.day(day).start;
            let at = |minute: i64| midnight + TimeDelta::minutes(minute);
            let span = |start: i64, length: i64| Span::new(at(start / 5 * 5), at((start + length) / 5 * 5));
            Scene {
                zones,
                day,
                slot_size_minutes,
                types,
                free: free.into_iter().map(|(start, length)| span(start, length)).collect(),
                own: own
                    .into_iter()
                    .map(|(start, length, kind)| (span(start, length), AppointmentTypeId(kind)))
                    .collect(),
                now: at(now),
                min_notice: TimeDelta::minutes(notice * 45),
                rules,
            }
        },
    )
}

/// The minutes of the day at which an appointment may begin, with the types.
type Offers = BTreeMap<u32, BTreeSet<AppointmentTypeId>>;

impl Scene {
    fn resource(&self) -> Resource {
        resource(self.slot_size_minutes, &self.types)
    }

    /// Our own bookings take their time and are counted. Nobody's reading shows them yet.
    fn ask<T>(&self, rules: &[OfferRule], moment: Moment, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        self.ask_of(Days::one(self.day), rules, moment, ask)
    }

    fn ask_of<T>(&self, read: Days, rules: &[OfferRule], moment: Moment, ask: impl FnOnce(&Question<'_>) -> T) -> T {
        let window = window(read, &self.zones);
        let readings = readings(window, window.start, &self.free, &[]);
        let own: Vec<OwnBooking> = self
            .own
            .iter()
            .map(|(span, _)| OwnBooking { schedule: SCHEDULE, user: None, span: *span, inserted: None })
            .collect();
        let counted: Vec<CountedBooking> = self
            .own
            .iter()
            .map(|(span, kind)| {
                let date = self.zones.practice.wall(span.start).date();
                CountedBooking { resource: resource_id(), appointment_type: *kind, date }
            })
            .collect();
        let rosters = Rosters::new();
        let unruled = question(self.zones, &readings, &rosters, &own, moment);
        ask(&Question { rules: RulesInForce { rules, counted: &counted }, ..unruled })
    }

    fn moment(&self) -> Moment {
        Moment { now: self.now, min_notice: self.min_notice }
    }

    fn offers(&self, rules: &[OfferRule], moment: Moment) -> Offers {
        let resource = self.resource();
        let day = self.ask(rules, moment, |question| {
            days(question, std::slice::from_ref(&resource), Days::one(self.day)).remove(0).day
        });
        day.starts().map(|(minute, types)| (minute, types.iter().copied().collect())).collect()
    }

    /// What is offered by the rules in force.
    fn ruled(&self) -> Offers {
        self.offers(&self.rules, self.moment())
    }

    fn start(&self, minute: u32) -> DateTime<Utc> {
        self.zones.moment(self.day.and_hms_opt(minute / 60, minute % 60, 0).unwrap()).unwrap()
    }

    /// The free starts of the diary on this day and the next one, whatever the time is, each with its day. No
    /// appointment from them runs past midnight.
    fn free_starts(&self) -> Vec<(NaiveDate, DateTime<Utc>)> {
        let long_before = Moment { now: self.now - TimeDelta::days(1000), min_notice: TimeDelta::zero() };
        let (mut starts, resource) = (Vec::new(), self.resource());
        for day in [self.day, self.day.succ_opt().unwrap()] {
            let midnight = self.zones.practice.day(day).end;
            let free = self.free.iter().map(|span| Span::new(span.start, span.end.min(midnight))).collect();
            let scene = Self { free, ..self.clone() };
            let offered = scene.ask_of(Days { first: self.day, count: 2 }, &[], long_before, |question| {
                days(question, std::slice::from_ref(&resource), Days::one(day)).remove(0).day
            });
            let at = |minute: u32| self.zones.moment(day.and_hms_opt(minute / 60, minute % 60, 0).unwrap()).unwrap();
            starts.extend(offered.starts().map(|(minute, _)| (day, at(minute))));
        }
        starts
    }

    /// The keys by which a rule withholds a type from a start.
    fn withheld_by(
        &self,
        rule: &OfferRule,
        minute: u32,
        kind: AppointmentTypeId,
        free: &[(NaiveDate, DateTime<Utc>)],
    ) -> BTreeSet<RuleKey> {
        let mut keys = BTreeSet::new();
        let about = (rule.resources.is_empty() || rule.resources.contains(&resource_id()))
            && (rule.types.is_empty() || rule.types.contains(&kind));
        if !about {
            return keys;
        }
        let is_on = |date: NaiveDate| rule.days.is_empty() || rule.days.contains(&date.weekday());
        let start = self.start(minute);
        let minutes = i64::from(self.types[kind.0 as usize] * self.slot_size_minutes);
        let taken: BTreeSet<DateTime<Utc>> = (0..minutes).map(|minute| start + TimeDelta::minutes(minute)).collect();
        for day in [self.day, self.day.succ_opt().unwrap()].into_iter().filter(|day| is_on(*day)) {
            let of_day = free.iter().rev().filter(|(own, _)| *own == day).map(|(_, start)| *start);
            let kept: BTreeSet<DateTime<Utc>> = of_day.take(rule.keep_free.unwrap_or(0) as usize).collect();
            // From a later place nothing fits before midnight; it is kept with them.
            let is_late = day == self.day && kept.first().is_some_and(|first| *first <= start);
            if is_late || kept.iter().any(|kept| taken.contains(kept)) {
                keys.insert(RuleKey::KeepFree);
            }
        }
        if !is_on(self.day) {
            return keys;
        }
        let within = |hours: &StartHours| (hours.from_minute..hours.to_minute).any(|own| own == minute);
        if !rule.hours.is_empty() && !rule.hours.iter().any(within) {
            keys.insert(RuleKey::Hours);
        }
        if rule.min_notice.is_some_and(|notice| start - self.now < notice) {
            keys.insert(RuleKey::MinNotice);
        }
        if let Some(ahead) = rule.max_days_ahead {
            let today = self.zones.practice.wall(self.now).date();
            let offered = (0..=ahead).any(|days| today + CalendarDays::new(days.into()) == self.day);
            if !offered && self.day > today {
                keys.insert(RuleKey::MaxDaysAhead);
            }
        }
        if let Some(most) = rule.max_per_day {
            let booked = self.own.iter().filter(|(span, kind)| {
                self.zones.practice.wall(span.start).date() == self.day
                    && (rule.types.is_empty() || rule.types.contains(kind))
            });
            if booked.count() >= most as usize {
                keys.insert(RuleKey::MaxPerDay);
            }
        }
        keys
    }

    /// What the rules leave.
    fn modelled(&self, rules: &[OfferRule]) -> Offers {
        let free = self.free_starts();
        let mut offers = self.offers(&[], self.moment());
        for (minute, types) in &mut offers {
            types.retain(|kind| rules.iter().all(|rule| self.withheld_by(rule, *minute, *kind, &free).is_empty()));
        }
        offers.retain(|_, types| !types.is_empty());
        offers
    }

    /// True if a booking of a start that a pet owner was not offered before would be made.
    fn is_accepted(&self, minute: u32, kind: AppointmentTypeId) -> bool {
        let resource = self.resource();
        let start = self.start(minute);
        let length = TimeDelta::minutes((self.types[kind.0 as usize] * self.slot_size_minutes).into());
        let end = vetbridge::availability::grid::grid_from(start + length, self.slot_size_minutes, &self.zones.server);
        let looked = self.ask(&self.rules, self.moment(), |question| {
            look(question, &resource, Span::new(start, end), (kind, Some(&resource)))
        });
        let in_time = start >= self.now + self.min_notice;
        in_time && looked.is_some_and(|look| look.refusal.is_none() && look.withheld.is_none())
    }
}

/// The rules without these keys.
fn without(rules: &[OfferRule], keys: &[RuleAt]) -> Vec<OfferRule> {
    let mut rules = rules.to_vec();
    for at in keys {
        let rule = &mut rules[at.number as usize - 1];
        match at.key {
            RuleKey::Hours => rule.hours.clear(),
            RuleKey::MinNotice => rule.min_notice = None,
            RuleKey::MaxDaysAhead => rule.max_days_ahead = None,
            RuleKey::MaxPerDay => rule.max_per_day = None,
            RuleKey::KeepFree => rule.keep_free = None,
            RuleKey::NewPatients => rule.new_clients = None,
        }
    }
    rules
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 64, ..ProptestConfig::default() })]

    #[test]
    fn the_rules_leave_exactly_what_the_slow_model_does(scene in scenes()) {
        prop_assert_eq!(scene.ruled(), scene.modelled(&scene.rules));
    }

    #[test]
    fn rules_together_leave_what_each_alone_does(scene in scenes()) {
        let mut common = scene.offers(&[], scene.moment());
        for rule in &scene.rules {
            let alone = scene.offers(std::slice::from_ref(rule), scene.moment());
            for (minute, types) in &mut common {
                let left = alone.get(minute).cloned().unwrap_or_default();
                types.retain(|kind| left.contains(kind));
            }
        }
        common.retain(|_, types| !types.is_empty());
        prop_assert_eq!(scene.ruled(), common);
    }

    #[test]
    fn bookings_are_accepted_for_exactly_what_the_rules_leave(scene in scenes()) {
        let ruled = scene.ruled();
        for (minute, types) in scene.offers(&[], scene.moment()) {
            for kind in types {
                let is_offered = ruled.get(&minute).is_some_and(|types| types.contains(&kind));
                prop_assert_eq!(scene.is_accepted(minute, kind), is_offered, "minute {} type {}", minute, kind);
            }
        }
    }

    #[test]
    fn what_is_said_of_a_time_names_every_rule_that_withholds_it_and_the_fewest_that_have_to_change(scene in scenes()) {
        let (resource, free) = (scene.resource(), scene.free_starts());
        let explained = scene.ask(&scene.rules, scene.moment(), |question| explain(question, &resource, scene.day));
        let ruled = scene.ruled();
        let unruled = scene.offers(&[], scene.moment());
        for slot in explained.unwrap() {
            let offered = ruled.get(&slot.minute).cloned().unwrap_or_default();
            prop_assert_eq!(slot.types.iter().copied().collect::<BTreeSet<_>>(), offered.clone());
            let withheld: BTreeSet<AppointmentTypeId> =
                unruled.get(&slot.minute).into_iter().flatten().filter(|kind| !offered.contains(kind)).copied().collect();
            prop_assert_eq!(slot.ruled_out.iter().map(|own| own.kind).collect::<BTreeSet<_>>(), withheld);
            let keys_of = |kind: AppointmentTypeId| -> BTreeSet<RuleAt> {
                let of = |rule: &OfferRule| scene.withheld_by(rule, slot.minute, kind, &free);
                scene.rules.iter().flat_map(|rule| of(rule).into_iter().map(|key| rule.at(key))).collect()
            };
            for own in &slot.ruled_out {
                prop_assert_eq!(own.by.iter().copied().collect::<BTreeSet<_>>(), keys_of(own.kind));
            }
            let is_by_rule = matches!(slot.code, Code::Rule(_));
            prop_assert_eq!(is_by_rule, offered.is_empty() && !slot.ruled_out.is_empty());
            let needed = slot.needed_changes();
            prop_assert_eq!(is_by_rule, !needed.is_empty());
            if let Code::Rule(first) = slot.code {
                prop_assert_eq!(needed[0], first);
                let fewest = slot.ruled_out.iter().map(|own| keys_of(own.kind).len()).min();
                prop_assert_eq!(Some(needed.len()), fewest);
                let left = scene.offers(&without(&scene.rules, needed), scene.moment());
                prop_assert!(left.contains_key(&slot.minute), "the changes that are named do not offer it");
                let of_all = |at: &RuleAt| slot.ruled_out.iter().all(|own| keys_of(own.kind).contains(at));
                let all: BTreeSet<RuleAt> = slot.ruled_out.iter().flat_map(|own| keys_of(own.kind)).collect();
                let of_every_type: Vec<&RuleAt> = all.iter().filter(|at| of_all(at)).collect();
                prop_assert!(of_every_type.iter().all(|at| needed.contains(at)), "one that withholds all is named");
                let apart = of_every_type.is_empty().then_some(all.clone());
                prop_assert_eq!(slot.kept_back_apart(), apart);
            }
        }
    }

    #[test]
    fn a_booking_changes_the_day_as_the_model_says_and_its_cancellation_changes_it_back(
        scene in scenes(), picks in prop::collection::vec(any::<prop::sample::Index>(), 1..5),
    ) {
        let mut history = vec![scene];
        for pick in picks {
            let present = history.last().unwrap();
            let offers = present.ruled();
            if offers.is_empty() {
                break;
            }
            let (minute, types) = offers.iter().nth(pick.index(offers.len())).unwrap();
            let kind = *types.iter().nth(pick.index(types.len())).unwrap();
            let start = present.start(*minute);
            let length = TimeDelta::minutes((present.types[kind.0 as usize] * present.slot_size_minutes).into());
            let mut booked = present.clone();
            booked.own.push((Span::new(start, start + length), kind));
            prop_assert_eq!(booked.ruled(), booked.modelled(&booked.rules));
            history.push(booked);
        }
        // Cancelled again, the latest first.
        while let Some(present) = history.pop() {
            prop_assert_eq!(present.ruled(), present.modelled(&present.rules));
            if let Some(before) = history.last() {
                let mut cancelled = present.clone();
                cancelled.own.pop();
                prop_assert_eq!(cancelled.ruled(), before.ruled());
            }
        }
    }
}

#[test]
fn the_scenes_are_worth_looking_at() {
    use proptest::strategy::ValueTree;
    let mut runner = proptest::test_runner::TestRunner::deterministic();
    let all: Vec<Scene> = (0..300).map(|_| scenes().new_tree(&mut runner).unwrap().current()).collect();
    let mut keys: BTreeMap<RuleKey, u32> = BTreeMap::new();
    let mut partly = 0;
    for scene in &all {
        let (free, unruled) = (scene.free_starts(), scene.offers(&[], scene.moment()));
        let ruled = scene.ruled();
        partly += u32::from(!ruled.is_empty() && ruled != unruled);
        for (minute, types) in &unruled {
            for kind in types {
                let by = scene.rules.iter().flat_map(|rule| scene.withheld_by(rule, *minute, *kind, &free));
                by.collect::<BTreeSet<_>>().into_iter().for_each(|key| *keys.entry(key).or_default() += 1);
            }
        }
    }
    assert!(partly > 60, "{partly} days are offered in part");
    assert!(keys.len() == 5 && keys.values().all(|count| *count > 100), "{keys:?}");
}
