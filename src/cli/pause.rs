//! `vetbridge pause` and `resume`: one practice is stopped by hand, and started again.
//!
//! The running service does it at once. Without one the pause is written into the state, and the
//! next start finds it there.

use std::process::ExitCode;

use super::running::{self, FoundService, NoService};
use super::{Global, PauseArgs, output};
use crate::bridge::off::Off;
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::ids::PracticeId;
use crate::messages::commands as say;
use crate::practice::{pauses, zones};
use crate::server::view::{OffStatus, PauseOutcome};

/// Runs the command.
pub(super) async fn run(global: &Global, args: &PauseArgs, paused: bool) -> anyhow::Result<ExitCode> {
    let file = global.config_file()?;
    let (outcome, runs) = match running::find(&config::load_instance(&file)?).await? {
        FoundService::Running(service) => (service.set_paused(&args.practice, paused).await?, true),
        FoundService::Absent(absent) => (write(&config::load(&file)?, &absent, &args.practice, paused).await?, false),
    };
    if args.json {
        output::json(&outcome)?;
    } else {
        output::result(told(&outcome, paused, runs))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// For the next start.
async fn write(config: &Config, absent: &NoService, practice: &str, paused: bool) -> anyhow::Result<PauseOutcome> {
    let Some(own) = config.practices.iter().find(|own| own.id.0 == practice) else {
        let known: Vec<String> = config.practices.iter().map(|own| own.id.to_string()).collect();
        return Err(say::practice_not_configured(practice, &config.source, &known).into());
    };
    let store = absent.open_store().await?;
    let id = PracticeId(practice.to_owned());
    let is_new = pauses::set_paused(&store, &id, paused, Clock::system().now()).await?;
    let off = match (own.enabled, paused) {
        (false, _) => Some(Off::Disabled),
        (true, true) => Some(Off::Paused),
        (true, false) => None,
    };
    let zone = zones::shown(own.timezone, &store, &id);
    let since = pauses::of(&store, &id).and_then(|pause| pause.since);
    let off_status = |off: Off| OffStatus {
        id: practice.to_owned(),
        name: None,
        why: off.name().into(),
        silent: false,
        problems: Vec::new(),
        needs_attention: 0,
        since: since.map(|since| zone.at(since)),
        zone: Some(zone.to_string()),
    };
    Ok(PauseOutcome { practice: practice.to_owned(), on: off.is_none(), off: off.map(off_status), is_new })
}

/// What came of it, in a sentence.
fn told(outcome: &PauseOutcome, paused: bool, runs: bool) -> String {
    let (practice, off) = (&outcome.practice, outcome.off.as_ref().filter(|_| paused || !outcome.on));
    let is_disabled = off.is_some_and(|off| off.why == Off::Disabled.name());
    let since = off.and_then(|off| Some((off.since?.to_utc(), zones::named(off.zone.as_deref()))));
    match (paused, off) {
        _ if !outcome.is_new && paused => say::paused_already(practice, since, is_disabled),
        _ if !outcome.is_new => say::not_paused(practice, off.map(|off| &*off.why)),
        // The pause is over, and the file has the last word.
        (false, Some(off)) => say::resumed_but_off(practice, &off.why),
        _ if !runs => say::paused_for_the_next_start(practice, paused, is_disabled),
        (true, off) => say::paused(practice, off.is_some_and(|off| off.silent), is_disabled),
        (false, None) => say::resumed(practice),
    }
}
