//! `vetbridge status`: the health of the running service.

use std::fmt::Write as _;
use std::process::ExitCode;

use super::running::{self, FoundService};
use super::{Global, output};
use crate::config;
use crate::messages::{admin, commands as say};
use crate::practice::health::problems::Problem;
use crate::server::view::{BridgeStatus, OffStatus, PracticeStatus, time_or_never};

/// Runs the command.
pub(super) async fn run(global: &Global, json: bool) -> anyhow::Result<ExitCode> {
    let instance = config::load_instance(&global.config_file()?)?;
    let service = match running::find(&instance).await? {
        FoundService::Running(service) => service,
        FoundService::Absent(absent) => return Err(absent.not_running().into()),
    };
    let status = service.status().await?;
    output::result(if json { serde_json::to_string_pretty(&status)? } else { text(&status) })?;
    Ok(if status.healthy { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

fn text(status: &BridgeStatus) -> String {
    let health = if status.healthy { say::HEALTHY } else { say::NOT_HEALTHY };
    let since = status.started_at.format("%Y-%m-%d %H:%M:%S UTC");
    let mut text = format!("vetbridge {} has run since {since}. {health}\n", status.version);
    problems(&mut text, &status.problems);
    for server in &status.left_alone {
        let _ = writeln!(text, "  {}", server.sentence());
    }
    for practice in &status.practices {
        on(&mut text, practice);
    }
    for practice in &status.off {
        off(&mut text, practice);
    }
    text
}

fn on(text: &mut String, practice: &PracticeStatus) {
    let in_step = if practice.in_step { "in step" } else { "not in step" };
    // Writing to a string cannot fail.
    let _ = writeln!(text, "\nPractice {}: {in_step}, {} resources", practice.id, practice.resources);
    let times = [
        ("last poll", practice.polled_at),
        ("diary read", practice.read_at),
        ("configuration accepted", practice.configured_at),
        ("availability sent", practice.sent_at),
    ];
    for (what, at) in times {
        let _ = writeln!(text, "  {what}: {}", time_or_never(at));
    }
    if let Some(changes) = &practice.unsent_configuration {
        let _ = writeln!(text, "  configuration to be sent: {}", say::changes_in_one_line(changes));
    }
    for reason in &practice.reasons {
        let _ = writeln!(text, "  not in step: {reason}");
    }
    problems(text, &practice.problems);
    flagged(text, practice.needs_attention);
}

fn off(text: &mut String, practice: &OffStatus) {
    let silent = if practice.silent { admin::OFF_AND_SILENT } else { admin::OFF_AND_LEAVING };
    let _ = writeln!(text, "\n{} {silent}", say::is_off(&practice.id, &practice.why, practice.since));
    problems(text, &practice.problems);
    flagged(text, practice.needs_attention);
}

fn flagged(text: &mut String, bookings: usize) {
    if bookings > 0 {
        let _ = writeln!(text, "  {}.", say::bookings_need_attention(bookings));
    }
}

fn problems(text: &mut String, problems: &[Problem]) {
    for problem in problems {
        let since = problem.since.format("%Y-%m-%d %H:%M:%S UTC");
        let _ = writeln!(text, "  problem since {since}: {}", problem.text);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_reads_that_bookings_are_flagged_is_told_how_that_ends() {
        let practice = |needs_attention| OffStatus {
            id: "7".into(),
            why: "paused".into(),
            silent: true,
            problems: Vec::new(),
            needs_attention,
            since: None,
        };
        let text = |needs_attention| {
            let mut text = String::new();
            off(&mut text, &practice(needs_attention));
            text
        };
        let told = text(2);
        assert!(told.contains("2 bookings need a person; `vetbridge bookings` says for what."), "{told}");
        assert!(told.contains("`vetbridge bookings resolve ID` settles it"), "{told}");
        assert_eq!(text(0).lines().count(), 2, "{}", text(0));
    }
}
