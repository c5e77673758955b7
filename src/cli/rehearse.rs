//! `vetbridge rehearse`: the clinic's own OpenVPMS against the built-in Healthengine.

use std::io::Read as _;
use std::path::Path;
use std::process::ExitCode;

use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{Global, RehearseArgs, output};
use crate::config::{self, Config, LeftoversPlace};
use crate::messages::{rehearsal as say, rehearsal_report as report_say};
use crate::os::signals;
use crate::rehearsal::{
    Rehearsal, RehearsalOptions, SimulatedScenarios, left_behind, remove_left_behind, strike_off_left_behind,
};

/// Enough to tell a report from other files.
const REPORT_BEGINS_MAX: u64 = 256;

/// Runs the command.
pub(super) async fn run(global: &Global, args: &RehearseArgs) -> anyhow::Result<ExitCode> {
    let began = Instant::now();
    let mut signals = signals::to_stop()?;
    let file = global.config_file()?;
    if args.strike_off {
        return strike_off(&config::load_leftovers_place(&file)?).await;
    }
    let config = config::load_for_rehearsal(&file)?;
    if args.remove_leftovers {
        return remove(&config).await;
    }
    // Before anything is asked or booked for a report that has no place.
    let report = args.report.as_deref().map(ReportPlace::make).transpose()?;
    let stop = CancellationToken::new();
    let options = RehearsalOptions { port: args.port.unwrap_or(0), books: args.book };
    let lacking = config::load(&file).err();
    let rehearsal = tokio::select! {
        rehearsal = Rehearsal::start(&config, lacking.as_ref(), options, Box::new(output::note)) => rehearsal?,
        () = signals.stop() => return Ok(ExitCode::SUCCESS),
    };
    output::commands_are(rehearsal.commands());
    output::result(rehearsal.opening())?;
    let performed = {
        let mut performance = std::pin::pin!(perform(&rehearsal, args, report.as_ref(), began, &stop));
        loop {
            tokio::select! {
                performed = performance.as_mut() => break performed,
                // What is booked is cancelled before the end.
                () = signals.stop(), if !stop.is_cancelled() => {
                    rehearsal.break_off();
                    stop.cancel();
                    if args.book {
                        output::note(say::CANCELLING);
                    }
                }
                why = rehearsal.failed() => break Err(anyhow::Error::msg(why)),
            }
        }
    };
    let ended = rehearsal.end().await;
    output::result(format!("\n{}", ended.summary))?;
    if !ended.left.is_empty() {
        output::note(&say::leaves(&ended.left));
    }
    let is_well = performed? && ended.is_well;
    Ok(if is_well { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

/// Everything between the start and the end. True if all of it went as it should.
async fn perform(
    rehearsal: &Rehearsal,
    args: &RehearseArgs,
    report: Option<&ReportPlace<'_>>,
    began: Instant,
    stop: &CancellationToken,
) -> anyhow::Result<bool> {
    let played = async {
        let is_published = rehearsal.published(stop).await;
        // What was published when it was broken off is not what would be offered.
        if !rehearsal.is_broken_off() {
            output::result(rehearsal.offer())?;
        }
        if !is_published {
            output::result(say::NOT_PUBLISHED)?;
        }
        // Who reads no more is told no more; what is booked is taken back all the same.
        rehearsal.book(stop, |line| drop(output::result(line))).await;
        anyhow::Ok(is_published)
    };
    let simulated = async {
        match report {
            Some(_) => rehearsal.simulate(stop).await,
            None => SimulatedScenarios::default(),
        }
    };
    let (played, simulated) = tokio::join!(played, simulated);
    let is_published = played?;
    match report {
        Some(report) if report.has_earlier && rehearsal.is_broken_off() => {
            output::result(say::report_kept(report.path))?;
        }
        Some(report) => {
            report.write(&rehearsal.report(&simulated))?;
            output::result(say::report_written(report.path))?;
        }
        None => {}
    }
    let end = async {
        match args.for_duration {
            Some(whole) => tokio::time::sleep_until(began + whole).await,
            None => std::future::pending().await,
        }
    };
    let _stopped = stop.run_until_cancelled(end).await;
    // Whoever ends it by hand has seen how far it is.
    Ok((is_published || stop.is_cancelled()) && simulated.failed() == 0)
}

/// Where the report is to be.
struct ReportPlace<'a> {
    path: &'a Path,
    /// True if an earlier report stands there.
    has_earlier: bool,
}

impl<'a> ReportPlace<'a> {
    /// Finds out whether a report can be written there. An earlier report is replaced, nothing
    /// else.
    fn make(path: &'a Path) -> anyhow::Result<Self> {
        let unwritable = |error| say::report_unwritable(path, &error);
        let mut options = std::fs::OpenOptions::new();
        let mut file = options.read(true).append(true).create(true).open(path).map_err(unwritable)?;
        let mut begins = Vec::new();
        // Nothing is read from a pipe, which would wait for ever, and nothing in one is replaced.
        if file.metadata().map_err(unwritable)?.is_file() {
            file.by_ref().take(REPORT_BEGINS_MAX).read_to_end(&mut begins).map_err(unwritable)?;
        }
        if !begins.is_empty() && !begins.starts_with(format!("# {}\n", report_say::TITLE).as_bytes()) {
            return Err(say::report_would_replace(path).into());
        }
        Ok(Self { path, has_earlier: !begins.is_empty() })
    }

    fn write(&self, text: &str) -> anyhow::Result<()> {
        Ok(std::fs::write(self.path, text).map_err(|error| say::report_unwritable(self.path, &error))?)
    }
}

/// Takes off the list what somebody has looked for in the diary, and says so.
async fn strike_off(place: &LeftoversPlace) -> anyhow::Result<ExitCode> {
    if left_behind(&place.state_path)?.is_empty() {
        output::result(say::NOTHING_LEFT)?;
        return Ok(ExitCode::SUCCESS);
    }
    let struck = strike_off_left_behind(place).await?;
    if struck.is_empty() {
        output::result(say::NOTHING_STRUCK)?;
    }
    struck.iter().map(|own| say::struck_off(own)).try_for_each(output::result)?;
    Ok(ExitCode::SUCCESS)
}

/// Removes what earlier rehearsals left, and says so.
async fn remove(config: &Config) -> anyhow::Result<ExitCode> {
    if left_behind(&config.state_path)?.is_empty() {
        output::result(say::NOTHING_LEFT)?;
        return Ok(ExitCode::SUCCESS);
    }
    let leftovers = remove_left_behind(config).await?;
    leftovers.removed.iter().try_for_each(output::result)?;
    let left = leftovers.not_removed();
    if left.is_empty() {
        return Ok(ExitCode::SUCCESS);
    }
    output::note(&say::leaves(&left));
    Ok(ExitCode::FAILURE)
}
