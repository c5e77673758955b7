//! Scenes of rules; the property tests against the slow model are in `tests/rules_model.rs`.

use chrono::{NaiveDate, TimeDelta, Weekday};

use super::explanation::{Code, explain};
use super::rules::{CountedBooking, NothingLeft, OfferRule, RuleAt, RuleKey, StartHours};
use super::tests::{CONSULT, LONG, Scene, at};
use super::*;
use crate::ids::AppointmentTypeId;

/// Tuesday 5 February 2019, from nine to twelve.
fn morning() -> Scene {
    Scene::new("Australia/Sydney", "2019-02-05", 15).free("2019-02-05T09:00:00+11:00", "2019-02-05T12:00:00+11:00")
}

impl Scene {
    fn rule(mut self, rule: OfferRule) -> Self {
        let number = self.rules.len() as u32 + 1;
        self.rules.push(OfferRule { number, ..rule });
        self
    }

    fn now(mut self, text: &str) -> Self {
        self.moment.now = at(text);
        self
    }

    /// Bookings of a type on the day.
    fn booked(mut self, count: usize, kind: i64) -> Self {
        let (resource, appointment_type, date) = (self.room.id, AppointmentTypeId(kind), self.day);
        self.counted.extend(std::iter::repeat_n(CountedBooking { resource, appointment_type, date }, count));
        self
    }

    fn starts(&self, kind: i64) -> Vec<String> {
        let of_kind = |(minute, types): (u32, &[AppointmentTypeId])| {
            types.contains(&AppointmentTypeId(kind)).then(|| format!("{}:{:02}", minute / 60, minute % 60))
        };
        self.day().starts().filter_map(of_kind).collect()
    }

    fn nothing_left(&self) -> Option<NothingLeft> {
        let room = std::slice::from_ref(&self.room);
        self.ask(|question| nothing_left(question, room, Days::one(self.day))).remove(&self.room.id)
    }
}

fn hours(from: u32, to: u32) -> OfferRule {
    OfferRule { hours: vec![StartHours { from_minute: from * 60, to_minute: to * 60 }], ..OfferRule::default() }
}

fn of(kind: i64, rule: OfferRule) -> OfferRule {
    OfferRule { types: [AppointmentTypeId(kind)].into(), ..rule }
}

fn left_by(keys: &[(u32, RuleKey)]) -> NothingLeft {
    NothingLeft(keys.iter().map(|(number, key)| RuleAt { number: *number, key: *key }).collect())
}

fn on(day: Weekday, rule: OfferRule) -> OfferRule {
    OfferRule { days: vec![day], ..rule }
}

#[test]
fn starts_lie_within_the_hours_from_the_first_minute_to_before_the_last() {
    assert_eq!(morning().rule(hours(9, 10)).starts(CONSULT), ["9:00", "9:15", "9:30", "9:45"]);
    let two = OfferRule { hours: [hours(9, 10).hours, hours(11, 12).hours].concat(), ..OfferRule::default() };
    assert_eq!(morning().rule(two).starts(CONSULT).len(), 8);
}

#[test]
fn a_rule_is_about_its_types_and_days_and_resources_and_no_others() {
    let scene = morning().rule(of(LONG, hours(11, 12)));
    assert_eq!(scene.starts(CONSULT).len(), 12);
    assert_eq!(scene.starts(LONG), ["11:00", "11:15", "11:30"]);
    assert_eq!(morning().rule(on(Weekday::Mon, hours(11, 12))).starts(CONSULT).len(), 12);
    assert_eq!(morning().rule(on(Weekday::Tue, hours(11, 12))).starts(CONSULT).len(), 4);
    let other = OfferRule { resources: ["s211".parse().unwrap()].into(), ..hours(11, 12) };
    assert_eq!(morning().rule(other).starts(CONSULT).len(), 12);
}

#[test]
fn the_notice_of_a_rule_counts_beside_the_general_one_and_the_longer_decides() {
    let notice = |minutes| OfferRule { min_notice: Some(TimeDelta::minutes(minutes)), ..OfferRule::default() };
    let at_nine = || morning().now("2019-02-05T09:00:00+11:00");
    assert_eq!(at_nine().rule(notice(120)).starts(CONSULT), ["11:00", "11:15", "11:30", "11:45"]);
    let mut general = at_nine().rule(notice(30));
    general.moment.min_notice = TimeDelta::minutes(150);
    assert_eq!(general.starts(CONSULT), ["11:30", "11:45"]);
}

#[test]
fn days_further_ahead_than_the_rule_says_are_not_offered_and_today_is_no_day_ahead() {
    let ahead = |days| OfferRule { max_days_ahead: Some(days), ..OfferRule::default() };
    let from = |now: &str, days| morning().now(now).rule(ahead(days)).starts(CONSULT).len();
    assert_eq!(from("2019-02-05T08:00:00+11:00", 0), 12);
    assert_eq!(from("2019-02-04T23:59:00+11:00", 0), 0);
    assert_eq!(from("2019-02-04T23:59:00+11:00", 1), 12);
    assert_eq!(from("2019-02-03T00:00:00+11:00", 1), 0);
}

#[test]
fn a_day_is_full_with_so_many_bookings_of_the_rules_types() {
    let two = || OfferRule { max_per_day: Some(2), ..OfferRule::default() };
    assert_eq!(morning().rule(two()).booked(1, CONSULT).starts(CONSULT).len(), 12);
    assert_eq!(morning().rule(two()).booked(1, CONSULT).booked(1, LONG).starts(CONSULT), [""; 0]);
    let of_long = morning().rule(of(LONG, two())).booked(9, CONSULT).booked(1, LONG);
    assert_eq!((of_long.starts(LONG).len(), of_long.starts(CONSULT).len()), (11, 12));
    let full = morning().rule(of(LONG, two())).booked(2, LONG);
    assert_eq!((full.starts(LONG).len(), full.starts(CONSULT).len()), (0, 12));
    let mut tomorrow = morning().rule(two()).booked(2, CONSULT);
    tomorrow.counted.iter_mut().for_each(|own| own.date = NaiveDate::from_ymd_opt(2019, 2, 6).unwrap());
    assert_eq!(tomorrow.starts(CONSULT).len(), 12);
}

#[test]
fn the_last_free_starts_are_kept_and_a_longer_appointment_does_not_run_into_them() {
    let keep = |count| OfferRule { keep_free: Some(count), ..OfferRule::default() };
    let scene = morning().rule(keep(2));
    assert_eq!(scene.starts(CONSULT).last().unwrap(), "11:15");
    assert_eq!(scene.starts(LONG).last().unwrap(), "11:00", "from 11:15 it would end at 11:45");
    // The diary takes one of them: the one before is kept in its place.
    let taken = morning().busy("2019-02-05T11:45:00+11:00", "2019-02-05T12:00:00+11:00").rule(keep(2));
    assert_eq!(taken.starts(CONSULT).last().unwrap(), "11:00");
    assert_eq!(morning().rule(keep(12)).starts(CONSULT), [""; 0]);
    assert_eq!(morning().rule(keep(13)).starts(CONSULT), [""; 0]);
    // Other rules take no free start away.
    let combined = morning().rule(hours(9, 11)).rule(keep(2));
    assert_eq!(combined.starts(CONSULT).last().unwrap(), "10:45");
}

#[test]
fn an_appointment_that_begins_late_keeps_out_of_the_kept_starts_of_the_next_day() {
    let night = || {
        Scene::new("Australia/Sydney", "2019-02-05", 15).free("2019-02-05T22:00:00+11:00", "2019-02-06T01:00:00+11:00")
    };
    let keep = |count| OfferRule { keep_free: Some(count), ..OfferRule::default() };
    let last = |scene: Scene| (scene.starts(CONSULT).pop().unwrap(), scene.starts(LONG).pop().unwrap());
    let both = |consult: &str, long: &str| (consult.to_owned(), long.to_owned());
    assert_eq!(last(night()), both("23:45", "23:45"));
    // Wednesday keeps its four free starts, from midnight on; then three of them.
    assert_eq!(last(night().rule(on(Weekday::Wed, keep(4)))), both("23:45", "23:30"));
    assert_eq!(last(night().rule(on(Weekday::Wed, keep(3)))), both("23:45", "23:45"));
    // What is kept on Tuesday is counted up to midnight.
    assert_eq!(last(night().rule(on(Weekday::Tue, keep(2)))), both("23:15", "23:00"));
}

fn out(kind: i64, by: &[RuleAt]) -> RuledOutType {
    RuledOutType { kind: AppointmentTypeId(kind), by: by.to_vec() }
}

#[test]
fn a_time_names_the_rule_whose_change_offers_it_and_not_an_earlier_one_that_is_about_some_types() {
    let keep = |count| OfferRule { keep_free: Some(count), ..OfferRule::default() };
    let scene = morning().rule(keep(1)).rule(of(LONG, keep(5))).rule(hours(9, 10));
    let slots = scene.ask(|question| explain(question, &scene.room, scene.day)).unwrap();
    let of_minute = |minute: u32| slots.iter().find(|slot| slot.minute == minute).unwrap();
    let [first, second, third] = [(1, RuleKey::KeepFree), (2, RuleKey::KeepFree), (3, RuleKey::Hours)]
        .map(|(number, key)| RuleAt { number, key });
    // The consult is kept back by rule 3 alone; the long type by rule 2 too.
    let eleven = of_minute(11 * 60);
    assert_eq!(eleven.ruled_out, [out(LONG, &[second, third]), out(CONSULT, &[third])]);
    assert_eq!((eleven.code, eleven.needed_changes()), (Code::Rule(third), &[third][..]));
    // Two rules keep the consult back, each of them alone: a change of one offers nothing.
    let last = of_minute(11 * 60 + 45);
    assert_eq!((last.code, last.needed_changes()), (Code::Rule(first), &[first, third][..]));
    assert_eq!(last.kept_back_apart(), None);
    assert!(!of_minute(11 * 60 + 30).is_like(last), "other changes are needed there");
    // One rule is about one type, one about the other.
    let apart = morning().rule(of(LONG, hours(9, 10))).rule(of(CONSULT, hours(9, 10)));
    let slots = apart.ask(|question| explain(question, &apart.room, apart.day)).unwrap();
    let ten = slots.iter().find(|slot| slot.minute == 600).unwrap();
    let both = [1, 2].map(|number| RuleAt { number, key: RuleKey::Hours });
    assert_eq!((ten.needed_changes(), ten.kept_back_apart()), (&both[..1], Some(both.into())));
}

#[test]
fn an_account_of_the_day_names_the_rule_and_its_key() {
    let scene = morning().rule(of(LONG, hours(11, 12))).rule(OfferRule { keep_free: Some(1), ..OfferRule::default() });
    let slots = scene.ask(|question| explain(question, &scene.room, scene.day)).unwrap();
    let of = |minute: u32| slots.iter().find(|slot| slot.minute == minute).unwrap();
    let (first, second) = (RuleAt { number: 1, key: RuleKey::Hours }, RuleAt { number: 2, key: RuleKey::KeepFree });
    let nine = of(9 * 60);
    assert_eq!((nine.code, &nine.ruled_out[..]), (Code::Offered, &[out(LONG, &[first])][..]));
    let last = of(11 * 60 + 45);
    assert_eq!((last.code, &last.ruled_out[..]), (Code::Rule(second), &[out(CONSULT, &[second])][..]));
    assert_eq!(last.too_long, [AppointmentTypeId(LONG)]);
    let half_past = of(11 * 60 + 30);
    assert_eq!(half_past.types, [AppointmentTypeId(CONSULT)]);
    assert_eq!(half_past.ruled_out, [out(LONG, &[second])], "it would run into the kept start");
}

#[test]
fn rules_that_leave_nothing_are_found_one_or_several_and_an_empty_diary_is_not_their_doing() {
    assert_eq!(morning().rule(hours(9, 10)).nothing_left(), None);
    assert_eq!(morning().rule(hours(9, 10)).rule(hours(13, 14)).nothing_left(), Some(left_by(&[(2, RuleKey::Hours)])));
    let both = [(1, RuleKey::Hours), (2, RuleKey::Hours)];
    assert_eq!(morning().rule(hours(9, 10)).rule(hours(11, 12)).nothing_left(), Some(left_by(&both)));
    let kept = OfferRule { keep_free: Some(1), ..OfferRule::default() };
    let spared = morning().rule(hours(9, 10)).rule(kept).rule(hours(11, 12));
    assert_eq!(spared.nothing_left(), Some(left_by(&[(1, RuleKey::Hours), (3, RuleKey::Hours)])));
    let two_keys = OfferRule { max_days_ahead: Some(0), min_notice: Some(TimeDelta::hours(48)), ..hours(9, 12) };
    let today = morning().now("2019-02-05T08:00:00+11:00");
    assert_eq!(today.rule(two_keys).nothing_left(), Some(left_by(&[(1, RuleKey::MinNotice)])));
    let closed = Scene::new("Australia/Sydney", "2019-02-05", 15).rule(hours(9, 10));
    assert_eq!(closed.nothing_left(), None);
}

#[test]
fn a_single_start_far_ahead_is_found_wherever_it_lies_and_is_more_than_nothing() {
    for count in 1..=11 {
        // Free from nine to twelve on the last of the days alone; the first rule leaves that.
        let scene = morning().rule(hours(9, 10));
        let first = scene.day - TimeDelta::days(i64::from(count) - 1);
        let days = Days { first, count };
        let asked = |scene: &Scene| {
            let room = std::slice::from_ref(&scene.room);
            scene.ask(|question| nothing_left(question, room, days)).len()
        };
        assert_eq!(asked(&scene), 0, "{count} days");
        assert_eq!(asked(&morning().rule(hours(13, 14))), 1, "{count} days");
    }
}

#[test]
fn rules_that_leave_nothing_of_a_type_are_found_while_the_others_have_times() {
    let types = |scene: Scene| {
        assert_eq!(scene.nothing_left(), None);
        scene.ask(|question| types_left_without_times(question, &scene.room, Days::one(scene.day)))
    };
    let both = [(1, RuleKey::Hours), (2, RuleKey::Hours)];
    let long = |why| [(AppointmentTypeId(LONG), why)].into();
    assert_eq!(types(morning().rule(hours(9, 10)).rule(of(LONG, hours(9, 11)))), [].into());
    assert_eq!(
        types(morning().rule(hours(9, 10)).rule(of(LONG, hours(13, 14)))),
        long(left_by(&[(2, RuleKey::Hours)]))
    );
    assert_eq!(types(morning().rule(hours(9, 10)).rule(of(LONG, hours(10, 11)))), long(left_by(&both)));
    // From 11:45 there is no room for the long one, and no rule is to blame for that.
    let short =
        Scene::new("Australia/Sydney", "2019-02-05", 15).free("2019-02-05T11:45:00+11:00", "2019-02-05T12:00:00+11:00");
    assert_eq!(types(short.rule(hours(11, 12))), [].into());
}

#[test]
fn a_look_names_the_rule_that_withholds_a_time_and_one_that_the_diary_refuses_is_refused() {
    let scene = morning().busy("2019-02-05T10:30:00+11:00", "2019-02-05T10:45:00+11:00").rule(hours(11, 12));
    let look = |start: &str| {
        let start = at(start);
        let span = Span::new(start, start + TimeDelta::minutes(15));
        let judged_by = (AppointmentTypeId(CONSULT), Some(&scene.room));
        scene.ask(|question| look(question, &scene.room, span, judged_by)).unwrap()
    };
    let rule = RuleAt { number: 1, key: RuleKey::Hours };
    let early = look("2019-02-05T10:00:00+11:00");
    assert_eq!((early.refusal, early.withheld), (None, Some(rule)));
    assert_eq!(look("2019-02-05T10:30:00+11:00").refusal, Some(Reason::ScheduleBusy));
    let offered = look("2019-02-05T11:00:00+11:00");
    assert_eq!((offered.refusal, offered.withheld), (None, None));
}
