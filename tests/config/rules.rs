//! `[[practice.rule]]`.

use chrono::{TimeDelta, Weekday};
use vetbridge::availability::rules::{NewClients, OfferRule, StartHours};

use crate::configuration::LEAST;
use crate::{directory, parse_in, problems};

/// [`LEAST`] with a rule of these lines.
fn with(lines: &str) -> String {
    format!("{LEAST}[[practice.rule]]\n{lines}\n")
}

fn rules(text: &str) -> Vec<OfferRule> {
    parse_in(directory().path(), text).unwrap().practices.remove(0).rules
}

/// The only problem of a rule of these lines, with the line of the rule that it is about: 0 is its head.
fn problem(lines: &str) -> (usize, String) {
    let found = problems(&with(lines));
    assert_eq!(found.len(), 1, "{found:#?}");
    let (line, message) = found[0].split_once(": ").unwrap();
    (line.parse::<usize>().unwrap() - LEAST.lines().count() - 1, message.to_owned())
}

#[test]
fn every_key_is_read_and_rules_are_numbered_as_they_stand() {
    let text = with("keep_free = 2")
        + r#"
[[practice.rule]]
resources = ["s136", "u1158-s211"]
types = [66, 63]
days = ["monday", "friday"]
hours = ["14:00-16:00", "9:00-12:00", "20:00-24:00"]
min_notice = "1h30m"
max_days_ahead = 0
max_per_day = 4
keep_free = 1
new_patients = "reject"
message = "New clients please call the practice."
"#;
    let found = rules(&text);
    assert_eq!(found[0], OfferRule { number: 1, keep_free: Some(2), ..OfferRule::default() });
    let hours = |from: u32, to: u32| StartHours { from_minute: from * 60, to_minute: to * 60 };
    let whole = OfferRule {
        number: 2,
        resources: ["s136", "u1158-s211"].map(|id| id.parse().unwrap()).into(),
        types: [66, 63].map(vetbridge::ids::AppointmentTypeId).into(),
        days: vec![Weekday::Mon, Weekday::Fri],
        hours: vec![hours(14, 16), hours(9, 12), hours(20, 24)],
        min_notice: Some(TimeDelta::minutes(90)),
        max_days_ahead: Some(0),
        max_per_day: Some(4),
        keep_free: Some(1),
        new_clients: Some(NewClients { message: "New clients please call the practice.".into() }),
    };
    assert_eq!(found[1..], [whole]);
    assert_eq!(rules(LEAST), [], "without any everything is offered");
}

#[test]
fn a_rule_that_says_only_what_it_is_about_is_an_error() {
    for lines in ["types = [66]", "resources = [\"s136\"]\ndays = [\"monday\"]", ""] {
        let (line, message) = problem(lines);
        assert_eq!(line, 0);
        assert!(message.starts_with("[[practice.rule]] says nothing of what holds: give it hours,"), "{message}");
    }
}

#[test]
fn what_a_rule_names_must_be_a_resource_a_type_and_a_day() {
    let says = |lines: &str, part: &str| {
        let (line, message) = problem(&format!("keep_free = 1\n{lines}"));
        assert_eq!(line, 2, "{message}");
        assert!(message.contains(part), "{message}");
    };
    says("resources = [\"room 1\"]", "a resource is written \"s136\" for schedule 136");
    says("resources = [136]", "expected a text in quotes, found an integer");
    says("resources = []", "[[practice.rule]] resources: must name at least one resource");
    says(
        "types = [\"66:s136\"]",
        "types: an appointment type is a whole number: write 66, without quotes and without the resource",
    );
    says("types = [\"66\"]", "types: an appointment type is a whole number: write 66, without quotes");
    says("types = [\"consult\"]", "expected a whole number");
    says("types = [0]", "a whole number of at least 1");
    says("days = [\"munday\"]", "did you mean \"monday\"?");
    says("days = [\"public_holidays\"]", "must be one of \"monday\"");
    says("days = \"monday\"", "expected a list in [ ], found a string");
    says("ours = [\"09:00-12:00\"]", "[[practice.rule]]: unknown key `ours`; the nearest valid key is `hours`");
}

#[test]
fn a_rule_names_no_resource_that_the_practice_leaves_out_of_its_list() {
    let listed = format!("{LEAST}[[practice.resource]]\nschedule = 136\n");
    let rule = |id: &str| format!("{listed}[[practice.rule]]\nresources = [\"{id}\"]\nkeep_free = 1\n");
    assert_eq!(rules(&rule("s136")).len(), 1);
    let found = problems(&rule("u7-s136"));
    assert_eq!(found.len(), 1, "{found:#?}");
    assert!(found[0].contains("u7-s136 is none of the practice's [[practice.resource]] entries"), "{found:#?}");
    assert!(found[0].contains("or take it out of the rule (a rule that names no other is removed"), "{found:#?}");
}

#[test]
fn hours_run_forwards_within_a_day() {
    for (hours, part) in [
        ("12:00-09:00", "the end must be after the start"),
        ("09:00-09:00", "the end must be after the start"),
        ("09:00", "hours are written like \"08:00-18:00\""),
        ("09:00-24:30", "hours are written like"),
    ] {
        let (line, message) = problem(&format!("hours = [\"{hours}\"]"));
        assert_eq!(line, 1);
        assert!(message.contains(part), "{message}");
    }
    assert!(problem("hours = []").1.contains("must name at least one range of hours"));
}

#[test]
fn a_limit_of_nothing_is_an_error_but_today_only_is_none() {
    for (lines, part) in [
        ("max_per_day = 0", "a whole number from 1 to 1440"),
        ("keep_free = 0", "a whole number from 1 to 1440"),
        ("keep_free = -1", "a whole number from 1 to 1440"),
        ("min_notice = \"0m\"", "a notice of nothing changes nothing"),
        ("min_notice = 2", "expected a text in quotes"),
        ("max_days_ahead = 367", "a whole number from 0 to 366"),
        ("max_days_ahead = -1", "a whole number from 0 to 366"),
    ] {
        let (line, message) = problem(lines);
        assert_eq!(line, 1);
        assert!(message.contains(part), "{message}");
    }
    assert_eq!(rules(&with("max_days_ahead = 0"))[0].max_days_ahead, Some(0));
}

#[test]
fn new_clients_are_rejected_with_a_message_of_one_line() {
    let told = |rule: &OfferRule| rule.new_clients.clone().unwrap().message;
    assert_eq!(told(&rules(&with("new_patients = \"reject\""))[0]), "New clients please call the practice.");
    let (line, message) = problem("keep_free = 1\nmessage = \"Please call.\"");
    assert_eq!(line, 2);
    assert!(message.contains("write new_patients = \"reject\" beside it"), "{message}");
    assert!(problem("new_patients = \"refuse\"\nmessage = \"x\"").1.contains("must be \"reject\""));
    assert!(problem("new_patients = true").1.contains("expected \"reject\", found a boolean"));
    for text in ["\"a\\nb\"".to_owned(), format!("\"{}\"", "x".repeat(251))] {
        let (_, message) = problem(&format!("new_patients = \"reject\"\nmessage = {text}"));
        assert!(message.contains("must be on one line and at most 250 characters"), "{message}");
    }
    assert!(problem("new_patients = \"reject\"\nmessage = \" \"").1.contains("must not be empty"));
}

#[test]
fn every_wrong_item_of_a_list_is_told_at_once() {
    let counted = |line: &str| problems(&with(&format!("keep_free = 1\n{line}"))).len();
    assert_eq!(counted("hours = [\"12:00-09:00\", \"09:00-12:00\", \"9-12\"]"), 2);
    assert_eq!(counted("types = [\"66:s136\", 66, \"66\", 0]"), 3);
    assert_eq!(counted("resources = [\"136\", \"s136\", 136, \"u1158\"]"), 3);
    assert_eq!(counted("days = [\"Monday\", \"monday\", \"mon\"]"), 2);
}

#[test]
fn a_table_of_a_practice_that_stands_outside_of_one_is_told_where_it_belongs() {
    for (table, whole) in [
        ("[[rule]]\nkeep_free = 1", "[[practice.rule]]"),
        ("[rule]\nkeep_free = 1", "[[practice.rule]]"),
        ("[[resource]]\nschedule = 136", "[[practice.resource]]"),
        ("[live_hours]\nmonday = []", "[practice.live_hours]"),
    ] {
        let found = problems(&format!("{LEAST}{table}\n"));
        assert_eq!(found.len(), 1, "{found:#?}");
        let said = format!("it belongs to a practice; below its [[practice]] write {whole}");
        assert!(found[0].ends_with(&said), "{found:#?}");
    }
}

#[test]
fn all_that_is_wrong_with_a_rule_is_told_at_once() {
    let found = problems(&with("types = [0]\nhours = [\"12:00-09:00\"]\nkeep_free = 0\nmax_perday = 1"));
    assert_eq!(found.len(), 4, "{found:#?}");
}
