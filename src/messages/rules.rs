//! The rules of a practice's offer, and what they keep back.

use std::collections::BTreeSet;
use std::fmt;

use chrono::{TimeDelta, Weekday};

use super::{Advice, counted, lasting, listed, plain};
use crate::availability::rules::{ForeignNames, NothingLeft, OfferRule, RuleAt, RuleKey, StartHours};
use crate::ids::PracticeId;

/// What new clients are told who are rejected, where the rule does not say it.
pub const NEW_CLIENTS_CALL: &str = "New clients please call the practice.";

/// `rule 2 (hours)`.
pub fn named(rule: RuleAt) -> String {
    format!("rule {} ({})", rule.number, rule.key.name())
}

/// The same of several in a few words: `rules 1 and 5`.
pub fn named_briefly(rules: &BTreeSet<RuleAt>) -> String {
    let numbers: BTreeSet<u32> = rules.iter().map(|at| at.number).collect();
    match rules.first() {
        Some(one) if rules.len() == 1 => named(*one),
        Some(_) | None => numbered("rule", numbers),
    }
}

/// Why a time is not offered that the diary has free, where each of these keys keeps it back. The
/// notice is the one of `[sync]`.
pub fn withholds(by: &[RuleAt], rules: &[OfferRule], sync_notice: TimeDelta) -> String {
    let what = |at: RuleAt| {
        let rule = rules.iter().find(|rule| rule.number == at.number);
        rule.and_then(|rule| holds(rule, at.key, sync_notice)).map(|what| format!(": {what}")).unwrap_or_default()
    };
    match by {
        [one] => format!("The practice's {} keeps it back{}.", named(*one), what(*one)),
        several => {
            let each = several.iter().map(|at| format!("{}{}", named(*at), what(*at))).collect::<Vec<_>>();
            format!("Several of the practice's rules keep it back, each of them alone: {}.", each.join("; "))
        }
    }
}

/// The same where none of these keys keeps every appointment type back.
pub fn withhold_together(by: impl IntoIterator<Item = RuleAt>) -> String {
    let by = listed(by.into_iter().map(named));
    format!("The practice's rules keep every appointment type back, not all by the same rule: {by}.")
}

/// Of a time that is offered for other types.
pub fn keeps_back(by: &[RuleAt], kind: &str) -> String {
    format!("Kept back by {}: {}.", listed(by.iter().copied().map(named)), plain(kind))
}

/// The same on the command line, of rules by their numbers and keys.
pub fn not_offered<'a>(kind: &str, by: impl IntoIterator<Item = (u32, &'a str)>) -> String {
    let by: Vec<String> = by.into_iter().map(|(number, key)| format!("rule {number} ({key})")).collect();
    let verb = if by.len() == 1 { "keeps" } else { "keep" };
    format!("{} {verb} {} back", listed(by), plain(kind))
}

/// What offers it.
pub fn remedy(by: &[RuleAt], is_page: bool, practice: &PracticeId) -> String {
    let whose = if is_page { "this practice".to_owned() } else { format!("practice {practice}") };
    let place = |at: &RuleAt| format!("{} in the {} [[practice.rule]]", at.key.name(), ordinal(at.number));
    match by {
        [one] => format!("Change or remove {} of {whose} in the configuration.", place(one)),
        several => {
            let all = several.iter().map(place).collect::<Vec<_>>().join("; ");
            format!("Change or remove all of these of {whose} in the configuration: {all}.")
        }
    }
}

/// To Healthengine's support, and in the ledger: a booking of a time that was not offered.
pub fn refused(at: RuleAt) -> String {
    format!("The practice does not offer this time online: {}.", named(at))
}

/// A rule in force: about what it is, and what holds there. Where it names something else than what
/// is offered, it says so: as far as that goes nothing holds.
pub fn in_force(rule: &OfferRule, names: &ForeignNames) -> String {
    let mut text = format!("Rule {}{}: {}.", rule.number, about(rule), everything(rule).join("; "));
    for wrong in foreign_names(rule.number, names) {
        text.push(' ');
        text.push_str(&wrong.to_string());
    }
    text
}

/// A resource of which the rules leave nothing.
pub fn nothing_left(what: &str, why: &NothingLeft, days: u32) -> Advice {
    Advice::new(
        format!(
            "{} no time of {what} to book in the next {days} days, although the diary has some free",
            which_leave(why)
        ),
        format!("{}, or take the resource out of the configuration if that is meant", change(why)),
    )
}

/// An appointment type of a resource of which the rules leave nothing, while others have times.
pub fn type_without_times(kind: &str, resource: &str, why: &NothingLeft, days: u32) -> Advice {
    Advice::new(
        format!(
            "{} no time for appointment type {kind} of {resource} in the next {days} days, although the diary has \
             some free",
            which_leave(why)
        ),
        format!("{}; nothing, if that is meant", change(why)),
    )
}

/// Days of the week of which the rules leave nothing.
pub fn weekdays_without_times(resource: &str, days: &[Weekday], why: &NothingLeft) -> Advice {
    let days = listed(days.iter().map(|day| format!("{}s", day_name(*day))));
    Advice::new(
        format!("{} no time of {resource} on {days}, although the diary has some free", which_leave(why)),
        format!("{}; nothing, if that is meant", change(why)),
    )
}

/// A rule that allows days which are not offered anyway: `horizon_days` are, today included.
pub fn beyond_horizon(number: u32, max_days_ahead: u32, horizon_days: u32) -> Advice {
    let allowed = counted(max_days_ahead as usize, "day");
    let offered = counted(horizon_days as usize, "day");
    Advice::new(
        format!(
            "Rule {number} (max_days_ahead) changes nothing: it allows times up to {allowed} ahead, and horizon_days \
             of [sync] offers {offered} in all, today included"
        ),
        format!(
            "Write less than {horizon_days} for max_days_ahead in the {} [[practice.rule]], or raise horizon_days; \
             nothing, if that is meant",
            ordinal(number)
        ),
    )
}

fn which_leave(why: &NothingLeft) -> String {
    match &why.0[..] {
        [one] => format!("Rule {} ({}) leaves", one.number, one.key.name()),
        several => {
            format!("What the practice's rules say together, {}, leaves", listed(several.iter().copied().map(named)))
        }
    }
}

fn change(why: &NothingLeft) -> String {
    let place = |at: &RuleAt| format!("{} in the {} [[practice.rule]]", at.key.name(), ordinal(at.number));
    match &why.0[..] {
        [one] => format!("Change or remove {}", place(one)),
        several => {
            format!(
                "Change or remove at least one of these: {}",
                several.iter().map(place).collect::<Vec<_>>().join("; ")
            )
        }
    }
}

/// A rule that names what the practice does not offer, or not for what it is about.
pub fn foreign_names(number: u32, names: &ForeignNames) -> Vec<Advice> {
    let resources = (!names.resources.is_empty()).then(|| numbered("resource", &names.resources));
    let types = (!names.types.is_empty()).then(|| numbered("appointment type", &names.types));
    let nobodys: Vec<String> = resources.into_iter().chain(types).collect();
    let nobodys = (!nobodys.is_empty()).then(|| {
        Advice::new(
            format!("Rule {number} names {}, which the practice does not offer", listed(nobodys)),
            format!("Correct the {} [[practice.rule]]; `vetbridge discover` shows the ids", ordinal(number)),
        )
    });
    let of_others = (!names.types_of_others.is_empty()).then(|| {
        Advice::new(
            format!(
                "Rule {number} names {}, which none of its resources offers, only others of the practice",
                numbered("appointment type", &names.types_of_others)
            ),
            format!(
                "Correct resources or types of the {} [[practice.rule]]; `vetbridge discover` shows the types of each \
                 schedule",
                ordinal(number)
            ),
        )
    });
    nobodys.into_iter().chain(of_others).collect()
}

/// `resource s136`, `resources s136 and s211`.
fn numbered<T: fmt::Display>(word: &str, ids: impl IntoIterator<Item = T, IntoIter: ExactSizeIterator>) -> String {
    let ids = ids.into_iter();
    let ending = if ids.len() == 1 { "" } else { "s" };
    format!("{word}{ending} {}", listed(ids))
}

fn about(rule: &OfferRule) -> String {
    let resources = (!rule.resources.is_empty()).then(|| listed(&rule.resources));
    let types = (!rule.types.is_empty()).then(|| numbered("appointment type", &rule.types));
    let days = (!rule.days.is_empty()).then(|| format!("on {}", listed(rule.days.iter().map(|day| day_name(*day)))));
    let parts: Vec<String> = [resources, types, days].into_iter().flatten().collect();
    if parts.is_empty() { String::new() } else { format!(", {}", parts.join(", ")) }
}

/// What holds by each of its keys.
fn everything(rule: &OfferRule) -> Vec<String> {
    let keys = [
        RuleKey::Hours,
        RuleKey::MinNotice,
        RuleKey::MaxDaysAhead,
        RuleKey::MaxPerDay,
        RuleKey::KeepFree,
        RuleKey::NewPatients,
    ];
    keys.into_iter().filter_map(|key| holds(rule, key, TimeDelta::zero())).collect()
}

fn holds(rule: &OfferRule, key: RuleKey, sync_notice: TimeDelta) -> Option<String> {
    Some(match key {
        RuleKey::Hours if rule.hours.is_empty() => return None,
        RuleKey::Hours => format!("starts within {} only", listed(rule.hours.iter().map(|own| hours(*own)))),
        RuleKey::MinNotice => format!("no sooner than {} from now", lasting(rule.min_notice?.max(sync_notice))),
        RuleKey::MaxDaysAhead => match rule.max_days_ahead? {
            0 => "today only".to_owned(),
            days => format!("no further ahead than {}", counted(days as usize, "day")),
        },
        RuleKey::MaxPerDay => {
            format!("at most {} a day of each resource", counted(rule.max_per_day? as usize, "online booking"))
        }
        RuleKey::KeepFree => match rule.keep_free? {
            1 => "the last free start of the day is kept".to_owned(),
            count => format!("the last {count} free starts of the day are kept"),
        },
        RuleKey::NewPatients => {
            let message = plain(&rule.new_clients.as_ref()?.message);
            format!("new clients are rejected, with \"{message}\"")
        }
    })
}

fn hours(StartHours { from_minute, to_minute }: StartHours) -> String {
    let clock = |minute: u32| format!("{:02}:{:02}", minute / 60, minute % 60);
    format!("{}-{}", clock(from_minute), clock(to_minute))
}

fn day_name(day: Weekday) -> &'static str {
    match day {
        Weekday::Mon => "Monday",
        Weekday::Tue => "Tuesday",
        Weekday::Wed => "Wednesday",
        Weekday::Thu => "Thursday",
        Weekday::Fri => "Friday",
        Weekday::Sat => "Saturday",
        Weekday::Sun => "Sunday",
    }
}

/// `1st`, `2nd`, `11th`.
fn ordinal(number: u32) -> String {
    let ending = match (number % 10, number % 100) {
        (_, 11..=13) => "th",
        (1, _) => "st",
        (2, _) => "nd",
        (3, _) => "rd",
        _ => "th",
    };
    format!("{number}{ending}")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::availability::rules::NewClients;
    use crate::ids::AppointmentTypeId;
    use crate::messages::assert_well_said;

    #[test]
    fn a_rule_in_force_says_about_what_it_is_and_what_holds() {
        let rule = OfferRule {
            number: 2,
            resources: ["s136", "u1158-s211"].map(|id| id.parse().unwrap()).into(),
            types: [AppointmentTypeId(66)].into(),
            days: vec![Weekday::Mon, Weekday::Fri],
            hours: vec![StartHours { from_minute: 540, to_minute: 720 }],
            min_notice: Some(TimeDelta::hours(2)),
            max_days_ahead: Some(14),
            max_per_day: Some(4),
            keep_free: Some(2),
            new_clients: Some(NewClients { message: "Please call.".into() }),
        };
        assert_eq!(
            in_force(&rule, &ForeignNames::default()),
            "Rule 2, s136 and u1158-s211, appointment type 66, on Monday and Friday: starts within 09:00-12:00 only; \
             no sooner than 2 hours from now; no further ahead than 14 days; at most 4 online bookings a day of each \
             resource; the last 2 free starts of the day are kept; new clients are rejected, with \"Please call.\"."
        );
        let short = OfferRule { number: 1, keep_free: Some(1), max_days_ahead: Some(0), ..OfferRule::default() };
        let said = "Rule 1: today only; the last free start of the day is kept.";
        assert_eq!(in_force(&short, &ForeignNames::default()), said);
        assert_eq!(foreign_names(1, &ForeignNames::default()), []);
        let names = ForeignNames { resources: vec!["s7".parse().unwrap()], ..ForeignNames::default() };
        let foreign = in_force(&short, &names);
        assert!(foreign.starts_with(said) && foreign.contains("names resource s7, which the practice does not offer"));
    }

    #[test]
    fn what_a_rule_withholds_names_its_number_its_key_and_what_it_says() {
        let rule = OfferRule { number: 3, min_notice: Some(TimeDelta::hours(2)), ..OfferRule::default() };
        let (at, rules) = (rule.at(RuleKey::MinNotice), [rule]);
        let said = withholds(&[at], &rules, TimeDelta::hours(1));
        assert_eq!(said, "The practice's rule 3 (min_notice) keeps it back: no sooner than 2 hours from now.");
        assert!(withholds(&[at], &rules, TimeDelta::hours(3)).contains("3 hours"), "the longer of the two");
        let typed = remedy(&[at], false, &PracticeId("7".into()));
        assert_eq!(
            typed,
            "Change or remove min_notice in the 3rd [[practice.rule]] of practice 7 in the configuration."
        );
    }

    #[test]
    fn several_rules_that_keep_a_time_back_are_all_named_and_no_change_of_one_is_said_to_do() {
        let first = OfferRule { number: 1, keep_free: Some(3), ..OfferRule::default() };
        let hours = vec![StartHours { from_minute: 550, to_minute: 580 }];
        let fifth = OfferRule { number: 5, hours, ..OfferRule::default() };
        let by = [first.at(RuleKey::KeepFree), fifth.at(RuleKey::Hours)];
        assert_eq!(
            withholds(&by, &[first, fifth], TimeDelta::zero()),
            "Several of the practice's rules keep it back, each of them alone: rule 1 (keep_free): the last 3 free \
             starts of the day are kept; rule 5 (hours): starts within 09:10-09:40 only."
        );
        assert_eq!(
            remedy(&by, true, &PracticeId("7".into())),
            "Change or remove all of these of this practice in the configuration: keep_free in the 1st \
             [[practice.rule]]; hours in the 5th [[practice.rule]]."
        );
        assert_eq!((named_briefly(&by.into()), named_briefly(&[by[1]].into())), ("rules 1 and 5".into(), named(by[1])));
        assert_eq!(keeps_back(&by, "Surgery"), "Kept back by rule 1 (keep_free) and rule 5 (hours): Surgery.");
        let typed = by.map(|at| (at.number, at.key.name()));
        assert_eq!(not_offered("63:s136", typed), "rule 1 (keep_free) and rule 5 (hours) keep 63:s136 back");
        assert_eq!(
            withhold_together(by),
            "The practice's rules keep every appointment type back, not all by the same rule: rule 1 (keep_free) and \
             rule 5 (hours)."
        );
    }

    #[test]
    fn findings_are_well_said() {
        let (one, other) = (RuleAt { number: 11, key: RuleKey::Hours }, RuleAt { number: 12, key: RuleKey::MinNotice });
        for why in [NothingLeft(vec![one]), NothingLeft(vec![one, other])] {
            assert_well_said(&nothing_left("s136 (Room)", &why, 60));
            assert_well_said(&type_without_times("66 (Consult)", "s136 (Room)", &why, 60));
        }
        assert_well_said(&beyond_horizon(1, 90, 60));
        let said = nothing_left("s136 (Room)", &NothingLeft(vec![one, other]), 60);
        assert!(said.problem.contains("rule 11 (hours) and rule 12 (min_notice), leaves no time"), "{said}");
        assert!(said.remedy.contains("hours in the 11th [[practice.rule]]; min_notice in the 12th"), "{said}");
        let names = ForeignNames {
            resources: vec!["s7".parse().unwrap()],
            types: vec![AppointmentTypeId(9)],
            types_of_others: vec![AppointmentTypeId(8)],
        };
        let said = foreign_names(2, &names);
        assert_eq!(said.len(), 2);
        said.iter().for_each(assert_well_said);
        assert_eq!(
            [1, 2, 3, 4, 11, 12, 13, 21, 112].map(ordinal),
            ["1st", "2nd", "3rd", "4th", "11th", "12th", "13th", "21st", "112th"]
        );
    }
}
