//! `vetbridge status`: the health of the running service.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::running::{self, FoundService};
use super::{Global, output};
use crate::bridge::off::Off;
use crate::config;
use crate::messages::out_of_step::since_start;
use crate::messages::{admin, commands as say, counted, listed, practice_called};
use crate::practice::health::problems::Problem;
use crate::practice::zones;
use crate::server::view::{BridgeStatus, OffStatus, PracticeStatus, time_if_any};
use crate::zone::Zone;

/// Runs the command.
pub(super) async fn run(global: &Global, json: bool) -> anyhow::Result<ExitCode> {
    let instance = config::load_instance(&global.config_file()?)?;
    let service = match running::find(&instance).await? {
        FoundService::Running(service) => service,
        FoundService::Absent(absent) => return Err(absent.not_running().into()),
    };
    let status = service.status().await?;
    if json {
        output::json(&status)?;
    } else {
        output::result(text(&status))?;
    }
    Ok(if status.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(status: &BridgeStatus) -> String {
    let paused = status.off.iter().filter(|own| own.why == Off::Paused.name()).count();
    let health = if status.healthy { say::healthy(paused) } else { say::NOT_HEALTHY.to_owned() };
    let since = status.started_at.format("%Y-%m-%d %H:%M:%S UTC");
    let mut text = format!("vetbridge {} has run since {since}. {health}\n", status.version);
    let causes = status.causes();
    for (practices, Problem { since, text: what, .. }) in causes.iter().filter(|(practices, _)| practices.len() != 1) {
        let whose = listed(practices.iter().map(|own| status.called(own)));
        let of = if practices.is_empty() { String::new() } else { format!(" of {whose}") };
        // Writing to a string cannot fail.
        let _ = writeln!(text, "  problem{of} since {}: {what}", since.format("%Y-%m-%d %H:%M:%S UTC"));
    }
    let of = |id: &str| {
        let of_it = causes.iter().filter(|(practices, _)| matches!(practices.as_slice(), [only] if only.0 == id));
        of_it.map(|(_, problem)| *problem).collect::<Vec<&Problem>>()
    };
    for server in &status.left_alone {
        let _ = writeln!(text, "  {}", server.sentence());
    }
    for note in &status.notes {
        let _ = writeln!(text, "  note: {note}");
    }
    for practice in &status.practices {
        on(&mut text, practice, &of(&practice.id));
    }
    for practice in &status.off {
        off(&mut text, practice, &of(&practice.id));
    }
    text
}

fn on(text: &mut String, practice: &PracticeStatus, causes: &[&Problem]) {
    let in_step = if practice.in_step { "in step" } else { "not in step" };
    let zone = zones::named(practice.zone.as_deref());
    let called = practice_called(&practice.id, practice.name.as_deref());
    let resources = counted(practice.resources, "resource");
    let _ = writeln!(text, "\n{called}: {in_step}, {resources} (times: {zone})");
    let since = practice.in_step_since.or(practice.not_in_step_since).map(|at| at.format("%Y-%m-%d %H:%M:%S"));
    if let Some(since) = since {
        let _ = writeln!(
            text,
            "  {in_step} since: {since}{}",
            since_start(practice.in_step, practice.is_first_since_start)
        );
    }
    let times = [
        ("last poll", practice.polled_at),
        ("diary read", practice.read_at),
        ("configuration accepted", practice.configured_at),
        ("availability sent", practice.sent_at),
    ];
    for (what, at) in times {
        let _ = writeln!(text, "  {what}: {}", time_if_any(at));
    }
    for rule in &practice.rules {
        let _ = writeln!(text, "  in force: {}", rule.text);
    }
    if let Some(changes) = &practice.unsent_configuration {
        let _ = writeln!(text, "  configuration to be sent: {}", say::changes_in_one_line(changes));
    }
    for reason in &practice.reasons {
        let _ = writeln!(text, "  not in step: {reason}");
    }
    problems(text, causes, zone);
    flagged(text, practice.needs_attention);
}

fn off(text: &mut String, practice: &OffStatus, causes: &[&Problem]) {
    let silent = if practice.silent { admin::OFF_AND_SILENT } else { admin::OFF_AND_LEAVING };
    let zone = zones::named(practice.zone.as_deref());
    let has_times = !causes.is_empty();
    let called = practice_called(&practice.id, practice.name.as_deref());
    let is_off = say::is_off(&called, &practice.why, practice.since.map(|since| since.to_utc()), zone, has_times);
    let _ = writeln!(text, "\n{is_off} {silent}");
    problems(text, causes, zone);
    flagged(text, practice.needs_attention);
}

fn flagged(text: &mut String, bookings: usize) {
    if bookings > 0 {
        let _ = writeln!(text, "  {}.", say::bookings_need_attention(bookings));
    }
}

fn problems(text: &mut String, problems: &[&Problem], zone: Zone) {
    for problem in problems {
        let since = zone.wall(problem.since).format("%Y-%m-%d %H:%M:%S");
        let _ = writeln!(text, "  problem since {since}: {}", problem.text);
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::server::view::RuleInForce;

    #[test]
    fn whoever_reads_that_bookings_are_flagged_is_told_how_that_ends() {
        let practice = |needs_attention| OffStatus {
            id: "7".into(),
            name: None,
            why: "paused".into(),
            silent: true,
            problems: Vec::new(),
            needs_attention,
            since: None,
            zone: None,
        };
        let text = |needs_attention| {
            let mut text = String::new();
            off(&mut text, &practice(needs_attention), &[]);
            text
        };
        let told = text(2);
        assert!(told.contains("2 bookings need a person; `vetbridge bookings` says for what."), "{told}");
        assert!(told.contains("`vetbridge bookings resolve ID` settles it"), "{told}");
        assert_eq!(text(0).lines().count(), 2, "{}", text(0));
    }

    #[test]
    fn a_practices_times_are_in_its_zone_which_is_said_once_and_the_services_in_utc() {
        let since = DateTime::from_timestamp(1_770_000_000, 0).unwrap();
        let problem = || {
            vec![Problem {
                subject: "clock".into(),
                text: "The clocks differ.".into(),
                in_plain_words: String::new(),
                since,
                outage: None,
            }]
        };
        let zone: Zone = "Australia/Sydney".parse().unwrap();
        let practice = PracticeStatus {
            id: "7".into(),
            name: Some("Main Clinic".into()),
            in_step: true,
            in_step_since: Some(zone.at(since)),
            not_in_step_since: None,
            is_first_since_start: true,
            reasons: Vec::new(),
            problems: problem(),
            resources: 3,
            needs_attention: 0,
            polled_at: Some(zone.at(since)),
            webhook_at: None,
            read_at: None,
            unsent_configuration: None,
            configured_at: None,
            sent_at: None,
            zone: Some(zone.to_string()),
            rules: vec![RuleInForce { number: 1, text: "Rule 1: today only.".into() }],
        };
        let status = BridgeStatus {
            version: "1".into(),
            started_at: since,
            healthy: false,
            problems: problem(),
            practices: vec![practice],
            off: Vec::new(),
            left_alone: Vec::new(),
            notes: vec!["The polls are many.".into()],
        };
        let told = super::text(&status);
        let (service, practice) = told.split_once("\n\n").unwrap();
        assert_eq!(service.matches("2026-02-02 02:40:00 UTC").count(), 2, "{told}");
        assert!(service.contains("\n  note: The polls are many."), "{told}");
        assert!(practice.starts_with("Main Clinic (7): in step, 3 resources (times: Australia/Sydney)\n"), "{told}");
        assert_eq!(practice.matches("2026-02-02 13:40:00").count(), 3, "{told}");
        let in_step = "  in step since: 2026-02-02 13:40:00 (the first time since the practice was started)\n";
        assert!(practice.contains(in_step), "{told}");
        assert!(practice.contains("  in force: Rule 1: today only.\n"), "{told}");
        assert!(practice.contains("diary read: not yet") && !practice.contains("UTC"), "{told}");
    }
}
