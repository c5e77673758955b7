//! `vetbridge pause` and `resume`: one practice is stopped by hand, and started again.
//!
//! The running service does it at once. Without one the pause is written into the state, and the
//! next start finds it there.

use std::process::ExitCode;

use super::running::{self, FoundService, NoService};
use super::{Global, output};
use crate::clock::Clock;
use crate::config::{self, Config};
use crate::ids::PracticeId;
use crate::messages::commands as say;
use crate::practice::pauses;
use crate::server::view::PauseOutcome;

/// Runs the command.
pub(super) async fn run(global: &Global, practice: &str, paused: bool) -> anyhow::Result<ExitCode> {
    let file = global.config_file()?;
    let told = match running::find(&config::load_instance(&file)?).await? {
        FoundService::Running(service) => outcome(&service.set_paused(practice, paused).await?, paused),
        FoundService::Absent(absent) => write(&config::load(&file)?, &absent, practice, paused).await?,
    };
    output::result(told)?;
    Ok(ExitCode::SUCCESS)
}

/// For the next start.
async fn write(config: &Config, absent: &NoService, practice: &str, paused: bool) -> anyhow::Result<String> {
    let known: Vec<String> = config.practices.iter().map(|practice| practice.id.to_string()).collect();
    if !known.iter().any(|id| id == practice) {
        return Err(say::practice_not_configured(practice, &known).into());
    }
    let store = absent.open_store().await?;
    pauses::set_paused(&store, &PracticeId(practice.to_owned()), paused, Clock::system().now()).await?;
    Ok(say::paused_for_the_next_start(practice, paused))
}

fn outcome(outcome: &PauseOutcome, paused: bool) -> String {
    let practice = &outcome.practice;
    match &outcome.off {
        Some(off) if paused => say::paused(practice, off.silent),
        // The pause is over, and the file has the last word.
        Some(off) if !outcome.on => say::resumed_but_off(practice, &off.why),
        Some(_) | None => say::resumed(practice),
    }
}
