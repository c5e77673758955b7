//! The report for Healthengine's go-live team, as Markdown.

use std::fmt::Write as _;

use super::at_the_clinic;
use super::facts::RehearsalFacts;
use super::round::RehearsedBooking;
use super::scenarios::SCENARIOS;
use super::simulated::{self, SimulatedScenarios};
use super::stand::Stand;
use crate::build_info;
use crate::findings::report::Finding;
use crate::messages::{ended, rehearsal as rehearsal_say, rehearsal_page as page_say, rehearsal_report as say};
use crate::zone::Zone;
use crate::zone::zones::Zones;

/// All of it.
pub(super) fn markdown(stand: &Stand, facts: &RehearsalFacts, simulated: &SimulatedScenarios) -> String {
    let tried = if simulated.0.is_empty() { say::NOT_SIMULATED } else { say::SIMULATED };
    let mut out = format!("# {}\n\n", say::TITLE);
    if let Some(at) = *facts.broken_off_at.lock() {
        out.push_str(&format!("{}\n\n", say::broken_off(at)));
    }
    out.push_str(&format!("{} {tried}\n\n", say::ABOUT));
    // Writing into a string cannot fail.
    let _ = head(&mut out, stand).and_then(|()| scenarios(&mut out, stand, facts, simulated));
    let _ = bookings(&mut out, stand, facts).and_then(|()| findings(&mut out, facts));
    out
}

fn head(out: &mut String, stand: &Stand) -> std::fmt::Result {
    let zones = |which: fn(Zones) -> Zone| stand.practices().map(|(.., zones)| which(zones).to_string()).collect();
    let (servers, practices) = (zones(|zones| zones.server), zones(|zones| zones.practice));
    let calls = stand.model.tallies().values().sum();
    writeln!(out, "- {}", stand.now().format("%Y-%m-%d %H:%M UTC"))?;
    let versions = (build_info::VERSION, build_info::COMMIT, build_info::TZDB);
    writeln!(out, "- {}", say::versions(versions.0, versions.1, versions.2, std::env::consts::OS))?;
    writeln!(out, "- {}", say::server_zone(&servers, &practices))?;
    writeln!(out, "- {}\n", say::calls(calls, stand.model.violations().len()))
}

fn scenarios(
    out: &mut String,
    stand: &Stand,
    facts: &RehearsalFacts,
    simulated: &SimulatedScenarios,
) -> std::fmt::Result {
    let seen = at_the_clinic::seen(stand, facts);
    let (simulates, is_broken_off) = (simulated::scenarios(), facts.broken_off_at.lock().is_some());
    writeln!(out, "## {}\n", say::SCENARIOS)?;
    for (scenario, title) in SCENARIOS {
        writeln!(out, "### {title}\n")?;
        match seen.get(&scenario) {
            Some(seen) => writeln!(out, "- {}: {}", say::AT_THE_CLINIC, ended(seen))?,
            None => {
                let why = at_the_clinic::why_not(scenario, facts.books, is_broken_off);
                writeln!(out, "- {}: {why}.", say::NOT_TRIED)?;
            }
        }
        match simulated.0.get(&scenario) {
            Some(Ok(seen)) => writeln!(out, "- {}: {}", say::BETWEEN_SIMULATORS, ended(seen))?,
            Some(Err(why)) => writeln!(out, "- {}: {}", say::FAILED, ended(why))?,
            None if is_broken_off && simulates.contains(&scenario) => {
                writeln!(out, "- {}: {}.", say::NOT_SIMULATED_HERE, rehearsal_say::INTERRUPTED)?;
            }
            None => {}
        }
        writeln!(out)?;
    }
    Ok(())
}

fn bookings(out: &mut String, stand: &Stand, facts: &RehearsalFacts) -> std::fmt::Result {
    writeln!(out, "## {}\n", say::BOOKINGS)?;
    let round = facts.round.lock();
    if round.is_empty() {
        let is_broken_off = facts.broken_off_at.lock().is_some();
        let why = match facts.books {
            true if is_broken_off => say::NO_BOOKINGS_YET,
            true => say::NO_TIMES,
            false => say::NO_BOOKINGS,
        };
        writeln!(out, "{why}")?;
    } else {
        writeln!(out, "| resource | time | confirmed after | out of the diary after | diary |")?;
        writeln!(out, "| --- | --- | --- | --- | --- |")?;
        for own in round.iter() {
            let (name, _) = stand.names(&own.choice);
            let start = own.choice.start.format("%Y-%m-%d %H:%M").to_string();
            let row = say::booked_row(&name, &start, own.confirmed_after, own.cancelled_after, &diary(own));
            writeln!(out, "{row}")?;
        }
    }
    writeln!(out)?;
    for own in facts.not_booked.lock().iter() {
        let name = stand.resource_name(&own.practice, own.resource);
        writeln!(out, "- {}.", rehearsal_say::not_booked_resource(&name, own.why))?;
    }
    writeln!(out)
}

fn diary(own: &RehearsedBooking) -> String {
    match &own.wrong {
        Some(wrong) => wrong.clone(),
        None if own.broken_off => rehearsal_say::INTERRUPTED.to_owned(),
        None => own.in_the_diary().unwrap_or_else(|| "-".to_owned()),
    }
}

fn findings(out: &mut String, facts: &RehearsalFacts) -> std::fmt::Result {
    writeln!(out, "## {}\n", say::FINDINGS)?;
    if facts.findings.is_empty() {
        return writeln!(out, "{}", page_say::NOTHING_WRONG);
    }
    for Finding { level: _, place, message, remedy } in &facts.findings {
        let remedy = remedy.as_deref().map(|remedy| format!(" {}", ended(remedy))).unwrap_or_default();
        writeln!(out, "- {place}: {}{remedy}", ended(message))?;
    }
    Ok(())
}
